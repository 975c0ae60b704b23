# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What can be declared of an account; the argument spec is C(module_utils/accounts/spec.py)."""

from __future__ import annotations

from textwrap import indent
from typing import ClassVar

FIELDS = r"""
state:
  description:
    - V(present) means the account exists and can sign in, V(disabled) that it exists and cannot,
      V(absent) that it does not exist, nor anything it ever stored.
  type: str
  choices: [present, disabled, absent]
  default: present
password:
  description:
    - Its password. Tested against the stored keys; a password that is already right is not set again.
    - A new password ends the sessions of the account.
  type: str
verifier:
  description:
    - Instead of a password, what the server keeps of it, so that the password itself is nowhere needed.
    - In the form C(SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey) of RFC 5803, as made by the filter
      P(allthingslinux.xmpp.scram_verifier#filter).
  type: str
role:
  description:
    - Its primary role, such as V(prosody:registered), V(prosody:member) or V(prosody:admin). The host must know it.
    - When not given, a new account has the default role of the host, and an existing one keeps its role.
    - A new role ends the sessions of the account.
  type: str
secondary_roles:
  description: Exactly these secondary roles; when not given they stay as they are.
  type: list
  elements: str
flags:
  description:
    - Exactly these flags, each with a note, which may be empty; when not given they stay as they are.
    - Needs Prosody's module C(flags) on the host.
  type: dict
contact:
  description:
    - Contact data, stored where registration forms store it, as in C(email) or C(name).
    - An empty value removes a field; fields that are not given stay as they are.
  type: dict
"""

IN_LIST = r"""
name:
  description:
    - Local part of the account, or its JID.
    - Normalised as Prosody does; C(Romeo) and C(romeo) are one account.
  type: str
  required: true
  aliases: [jid]
update_password:
  description: Overrides O(update_password) for this account.
  type: str
  choices: [always, on_create]
"""


class ModuleDocFragment:
    """C(allthingslinux.xmpp.account) for a module about one account, C(account.listed) for one with O(accounts)."""

    # with their types, as the linter of documentation takes what has none for a plain text
    DOCUMENTATION: ClassVar[str] = "options:" + indent(FIELDS, "  ")

    # a fragment is merged by whole options: what stands below one has to come with it
    LISTED: ClassVar[str] = (
        r"""
options:
  accounts:
    description:
      - The accounts.
      - Accounts that are not listed stay as they are, unless O(purge=true).
    type: list
    elements: dict
    required: true
    suboptions:"""
        + indent(IN_LIST, "      ")
        + indent(FIELDS, "      ")
    )
