#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Save what a server keeps, and load it on another host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: service_data
short_description: Save all that a server keeps, and load it on another host
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - Between hosts of the inventory, also where one of them is in containers. Accounts, rosters, archives and whatever
    else there is, in PostgreSQL (by C(pg_dump)) and in files (by C(tar), with those that people uploaded).
  - Starts and stops nothing, and carries nothing between hosts. Playbook C(move) of the collection does, and goes back
    when the server is not seen to work with it.
extends_documentation_fragment:
  - allthingslinux.xmpp.attributes
attributes:
  check_mode:
    support: full
    details:
      - Nothing is written.
  diff_mode:
    support: none
  idempotent:
    support: none
    details:
      - Each V(save) writes the copy anew, and each V(load) sets aside what is there.
options:
  action:
    description:
      - V(look) counts what there is on the host that has it, and fails where Prosody does not run there.
      - V(ready) fails where Prosody runs already, or where there is too little room for O(size).
      - V(save) writes C(database.dump) and C(files.tar) into O(directory), for its owner alone. Prosody has to be
        stopped.
      - V(load) puts what is in them into its place, sets aside what lay there, and fails where it counts anything else
        than O(counts).
    type: str
    choices: [look, ready, save, load]
    required: true
  directory:
    description: Where the copy is.
    type: path
    default: /var/tmp
  data:
    description: The data directory of Prosody.
    type: path
    default: /var/lib/prosody
  database:
    description: The database of PostgreSQL on this host, empty where what Prosody keeps in one is elsewhere.
    type: str
    default: ""
  user:
    description: The user of PostgreSQL whose the tables are to be.
    type: str
    default: prosody
  records:
    description: Files that go along, where they are there.
    type: list
    elements: path
    default: []
  size:
    description: For how many bytes there has to be room.
    type: int
    default: 0
  counts:
    description: What V(save) counted.
    type: dict
    default: {}
  stamp:
    description: What names of things that are set aside end in; letters, digits and underscores.
    type: str
    default: move
notes:
  - Must run as root on the target.
seealso:
  - module: allthingslinux.xmpp.prosody_storage
"""

EXAMPLES = r"""
- name: Save what Prosody keeps here
  allthingslinux.xmpp.service_data:
    action: save
    directory: /var/tmp/copy
    database: prosody
"""

RETURN = r"""
counts:
  description: Host to store to how many are in it; people, messages or files.
  type: dict
  returned: with look, save and load
  sample: {example.org: {accounts: 12, archive: 4711}}
lines:
  description: The same for people.
  type: list
  elements: str
  returned: with look, save and load
size:
  description: Bytes that it takes.
  type: int
  returned: with look and save
aside:
  description: What was there before, and where it is now; empty where there was nothing.
  type: str
  returned: with load
"""

import re
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.host.service import Service
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.moving import counts
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.moving.copies import Kept
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.moving.counts import MovingError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.storage import tallies

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    "action": {"type": "str", "choices": ["look", "ready", "save", "load"], "required": True},
    "directory": {"type": "path", "default": "/var/tmp"},
    "data": {"type": "path", "default": "/var/lib/prosody"},
    "database": {"type": "str", "default": ""},
    "user": {"type": "str", "default": "prosody"},
    "records": {"type": "list", "elements": "path", "default": []},
    "size": {"type": "int", "default": 0},
    "counts": {"type": "dict", "default": {}},
    "stamp": {"type": "str", "default": "move"},
}


def told(kept: Kept) -> dict[str, Any]:
    """Out: what there is."""
    found = kept.count()
    return {"counts": found, "lines": counts.lines(found)}


def act(params: dict[str, Any], kept: Kept, runs: bool) -> dict[str, Any]:
    """Do it. Out: the result. Raises XmppError, OSError."""
    action = params["action"]
    if action == "look":
        if not runs:
            raise MovingError(
                "Prosody does not run here, so it is not where the service is: nothing is taken along from here. "
                "Start it (systemctl start prosody) if it is."
            )
        return {"changed": False, **told(kept), "size": kept.size()}
    if runs:
        raise MovingError(
            "Prosody runs here, so what it keeps cannot be saved: stop it first."
            if action == "save"
            else "Prosody runs here, so what it keeps cannot be replaced. Stop it if it is not the one that people use."
        )
    if action == "ready":
        kept.room_for(params["size"])
        return {"changed": False}
    if action == "save":
        size = kept.size()
        kept.room_for(size)
        found = told(kept)
        kept.save()
        return {"changed": True, **found, "size": size}
    aside = kept.load(params["stamp"])
    found = told(kept)
    wrong = counts.differences(params["counts"], found["counts"])
    if wrong:
        raise MovingError(f"Not all arrived: {tallies.in_short(wrong)}")
    return {"changed": True, **found, "aside": aside}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    params = module.params
    if not re.fullmatch(r"\w{1,20}", params["stamp"]):
        module.fail_json(msg="stamp: up to 20 letters, digits and underscores.")
    if module.check_mode and params["action"] in ("save", "load"):
        module.exit_json(changed=True)
    kept = Kept(
        Path(params["data"]),
        params["database"],
        params["user"],
        tuple(Path(path) for path in params["records"]),
        Path(params["directory"]),
    )
    try:
        module.exit_json(**act(params, kept, Service(module.run_command).is_active()))
    except XmppError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"What Prosody keeps was not taken along: {error}.")


if __name__ == "__main__":
    main()
