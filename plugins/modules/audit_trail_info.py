#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The trail of sign-ins and of what was done to accounts and by admins."""

from __future__ import annotations

DOCUMENTATION = r"""
module: audit_trail_info
short_description: Read the trail of sign-ins and of what was done to accounts
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - Reads what Prosody's module C(audit_trail) of role P(allthingslinux.xmpp.prosody#role) wrote, a file for each day.
  - What is the same is one event with a count. The first is written within a second, and those that follow are written
    together, of sign-ins after ten minutes, of those refused after one.
extends_documentation_fragment:
  - allthingslinux.xmpp.attributes.info
options:
  directory:
    description: Where the files lie.
    type: path
    default: /var/lib/prosody/audit_trail
  account:
    description: An address. Only what was done to it and by it is returned.
    type: str
  since:
    description: How far back, such as V(30m), V(12h), V(2d) or V(1w). Without it all there is.
    type: str
  what:
    description: >-
      Only events of these kinds: C(signed-in), C(refused), C(created), C(removed), C(password), C(enabled),
      C(disabled), C(role), C(role-added), C(role-removed), C(invited), C(command), C(command-refused), C(shell),
      C(lost).
    type: list
    elements: str
    default: []
  limit:
    description: At most so many, the newest; V(0) for all.
    type: int
    default: 10000
seealso:
  - module: allthingslinux.xmpp.prosody_account_info
"""

EXAMPLES = r"""
- name: Who tried to be Alice in the last two days
  allthingslinux.xmpp.audit_trail_info:
    account: alice@example.org
    since: 2d
    what: [signed-in, refused]
  register: trail
"""

RETURN = r"""
kept:
  description: Whether there is a trail.
  returned: always
  type: bool
events:
  description:
    - What happened, oldest first. C(until) is the time of the last where C(count) is more than one. C(by) is an
      account, V(shell) or V(registration), and left out where it is not known; C(from) is the network it came from.
    - The account of those refused is V(unknown) where there is none of the name that was typed, and V(various) where
      there were too many different ones.
  returned: always
  type: list
  elements: dict
  sample:
    - time: "2026-11-27T09:30:00Z"
      until: "2026-11-27T09:30:40Z"
      host: example.org
      what: refused
      account: alice@example.org
      from: 203.0.113.0/24
      count: 12
total:
  description: How many there are, with those that O(limit) leaves out.
  returned: always
  type: int
  sample: 1
"""

import time
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.audit import files, lines
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.xmpp import jid


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "directory": {"type": "path", "default": files.DIRECTORY},
            "account": {"type": "str"},
            "since": {"type": "str"},
            "what": {"type": "list", "elements": "str", "default": []},
            "limit": {"type": "int", "default": 10000},
        },
        supports_check_mode=True,
    )
    asked, directory = module.params, Path(module.params["directory"])
    try:
        wanted = lines.Wanted(
            time.time() - lines.period(asked["since"]) if asked["since"] else 0.0,
            jid.account(asked["account"]).bare if asked["account"] else "",
            lines.kinds(asked["what"]),
        )
        found, total = files.read(directory, wanted, max(asked["limit"], 0))
        kept = directory.is_dir()
    except XmppError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"The trail cannot be read: {error}.")
    module.exit_json(changed=False, kept=kept, events=[one.told() for one in found], total=total)


if __name__ == "__main__":
    main()
