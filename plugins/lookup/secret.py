# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: secret
short_description: A secret that nobody gives, made once and kept on the controller
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - Returns the secret that lies in the file of its name. Where there is none, 32 random letters and digits are put
    there, readable by their owner alone (0600, in a directory with 0700), and stay the same from then on. Put another
    secret into the file to have that one.
  - Several hosts may ask at once. All get the same.
  - Nothing is made in a check, nor while M(allthingslinux.xmpp.preflight) looks. There a secret that is not made yet is
    stood for by a text of the same form, which is the same on every host and no secret. What a check says of a host is
    so what the run does.
options:
  _terms:
    description:
      - Names of secrets.
      - C(turn_secret) is what Prosody and the TURN server share, C(postgresql_USER) the password of a user of the
        database, C(account_JID) the first password of an account, C(probe_JID) that of an account with which the
        service is probed, C(component_DOMAIN) what Prosody and an external component share, C(status_password) that of
        the page C(/status), C(backup_key) what backups are encrypted with, C(backup_controller_key) what these files
        are encrypted with in them, C(backup_sftp_key) the private key of SSH with which another host lets them in.
    type: list
    elements: str
    required: true
  directory:
    description:
      - Where the files are.
      - The variable C(xmpp_secrets_dir), or C(.secrets) beside the inventory, if not given.
    type: path
  former:
    description:
      - Returns what was replaced and is still to be accepted beside the present secrets, and nothing where there is
        none. Playbook C(rotate) replaces secrets.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Show the secret of the TURN server
  ansible.builtin.debug:
    msg: "{{ lookup('allthingslinux.xmpp.secret', 'turn_secret') }}"

- name: Passwords of several users of the database
  ansible.builtin.debug:
    msg: "{{ query('allthingslinux.xmpp.secret', 'postgresql_prosody', 'postgresql_exporter', directory='/srv/held') }}"
"""

RETURN = r"""
_raw:
  description: The secrets, in the order of their names.
  type: list
  elements: str
"""

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils import secret_files, secret_rotation


class LookupModule(LookupBase):
    """Lookup plugin allthingslinux.xmpp.secret."""

    def run(self, terms: list[Any], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[str]:
        """Return the secrets. In: their names, and the variables of the host."""
        held = variables or {}
        self.set_options(var_options=held, direct=kwargs)
        directory = self.get_option("directory") or self._usual(held)
        may_make = not (held.get("ansible_check_mode") or held.get(secret_files.ONLY_LOOKS))
        try:
            if self.get_option("former"):
                return [one for name in terms for one in secret_rotation.former(Path(directory), str(name))]
            return [secret_files.obtain(Path(directory), str(name), may_make) for name in terms]
        except XmppError as error:
            raise AnsibleLookupError(str(error)) from error

    def _usual(self, variables: dict[str, Any]) -> str:
        """Return the directory that all roles have by default."""
        if variables.get("xmpp_secrets_dir"):
            return str(self._templar.template(variables["xmpp_secrets_dir"]))
        if not variables.get("inventory_dir"):
            raise AnsibleLookupError("There is no inventory beside which secrets could lie: give directory.")
        return f"{variables['inventory_dir']}/.secrets"
