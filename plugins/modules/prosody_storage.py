#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Carry all that a server stores into another storage."""

from __future__ import annotations

DOCUMENTATION = r"""
module: prosody_storage
short_description: Carry all that a server stores into another storage
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - Between files, SQLite and PostgreSQL. All stores of all domains and components are carried, whichever module wrote
    them, and counted before and after. What the server has now is only read, and stays.
  - Stops Prosody and leaves it stopped, with its configuration as it was; the configuration with the other storage is
    for M(allthingslinux.xmpp.prosody_config) to bring. Where the copying fails Prosody runs again as before.
  - What lies in the other storage already is set aside.
  - Files that people uploaded stay where they are.
extends_documentation_fragment:
  - allthingslinux.xmpp.attributes
  - allthingslinux.xmpp.connection
attributes:
  check_mode:
    support: full
    details:
      - Says what would be moved, and moves nothing.
  diff_mode:
    support: none
  idempotent:
    support: full
    details:
      - Where the server has its data there already, nothing is done.
options:
  hosts:
    description:
      - The wanted virtual hosts and components, name to where their data is to be, as the filter
        P(allthingslinux.xmpp.prosody_places#filter) computes them.
    type: dict
    required: true
  database:
    description: Parameters of the database that it goes into, as Prosody's option C(sql) has them.
    type: dict
    default: {}
    suboptions:
      driver:
        description: The kind of database.
        type: str
        choices: [PostgreSQL, SQLite3]
      database:
        description: Its name; for SQLite the file, below the data directory.
        type: str
      username:
        description: Who signs in.
        type: str
      password:
        description: With which password.
        type: str
      host:
        description: Where it is, or the directory of its socket.
        type: str
      port:
        description: On which port.
        type: int
  environment:
    description: What libpq has to know of the connection to it, such as C(PGSSLMODE).
    type: dict
    default: {}
  undo:
    description:
      - Take back what the module copied with the same O(stamp) before. Prosody has to run with what it had.
    type: bool
    default: false
  stamp:
    description: What names of things that are set aside end in; letters, digits and underscores.
    type: str
    required: true
notes:
  - Must run as root on the target.
seealso:
  - module: allthingslinux.xmpp.prosody_continuity
"""

EXAMPLES = r"""
- name: Have everything in PostgreSQL
  allthingslinux.xmpp.prosody_storage:
    hosts: "{{ settings | allthingslinux.xmpp.prosody_places }}"
    database: {driver: PostgreSQL, database: prosody, username: prosody, host: /run/postgresql}
    stamp: "20261126_094500"
"""

RETURN = r"""
settled:
  description: Whether the server has all of it there already.
  type: bool
  returned: success
lines:
  description: What is moved, for people.
  type: list
  elements: str
  returned: success
counts:
  description: Domain to store to how many have something in it, and how many messages are in it.
  type: dict
  returned: success
  sample: {example.org: {accounts: [12, 0], archive: [0, 4711]}}
aside:
  description: Where what lay in the other storage is now, empty where there was nothing.
  type: str
  returned: success
seconds:
  description: How long the copying took, in which nobody was served.
  type: float
  returned: success
"""

import re
import time
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.accounts import continuity, reached
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.host.service import Service
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody import connection, installation
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.admin_socket import AdminUnavailable
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.storage import planner, runner
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.storage.move import Move, Moved
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.database import environment_of

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    **connection.argument_spec(),
    "hosts": {"type": "dict", "required": True},
    "database": {
        "type": "dict",
        "default": {},
        "options": {
            "driver": {"type": "str", "choices": ["PostgreSQL", "SQLite3"]},
            "database": {"type": "str"},
            "username": {"type": "str"},
            "password": {"type": "str", "no_log": True},
            "host": {"type": "str"},
            "port": {"type": "int"},
        },
    },
    "environment": {"type": "dict", "default": {}},
    "undo": {"type": "bool", "default": False},
    "stamp": {"type": "str", "required": True},
}


#: seconds until a server that was started a moment ago answers
COMES_UP = 60


def places(module: AnsibleModule) -> dict[str, continuity.Place]:
    """Where the running server has its data. Raises XmppError."""
    # only what undoes comes right after a start
    end = time.monotonic() + (COMES_UP if module.params["undo"] else 0)
    while True:
        try:
            with connection.connect(module.params) as socket:
                return continuity.answer(socket.lua_json(continuity.question()))
        except AdminUnavailable as error:
            if time.monotonic() >= end:
                raise planner.StorageError(
                    "Only a Prosody that runs says where its data is: start it (systemctl start prosody), and repeat "
                    f"this. {error}"
                ) from error
            time.sleep(0.3)


def prepared(module: AnsibleModule, now: dict[str, continuity.Place]) -> Move:
    """What carries it over."""
    service = Service(module.run_command)
    given = {name: str(value) for name, value in module.params["environment"].items()}
    environment = {**environment_of(service.state().pid, service.environment()), **given}
    data = Path(next(iter(now.values())).data_path or "/var/lib/prosody")
    program = runner.Program(installation.find(), module.run_command, module.params["config"], data, environment)
    target = {name: value for name, value in module.params["database"].items() if value is not None}
    return Move(program, now, continuity.wanted(module.params["hosts"], str(data)), target, module.params["stamp"])


def main() -> None:
    """Look, object, move."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    if not re.fullmatch(r"\w{1,20}", module.params["stamp"]):
        module.fail_json(msg="stamp: up to 20 letters, digits and underscores.")
    result: dict[str, Any] = {"changed": False, "settled": True, "lines": [], "counts": {}, "aside": "", "seconds": 0.0}
    try:
        then = continuity.wanted(module.params["hosts"], "/var/lib/prosody")
        now = places(module)
        if planner.settled(now, then, reached.identity):
            module.exit_json(**result)
        found = planner.doubts(now, then) if module.params["undo"] else planner.objections(now, then)
        if module.params["undo"] and not found:
            if not module.check_mode:
                prepared(module, now).undo()
            module.exit_json(**{**result, "changed": True})
        if not found:
            move = prepared(module, now)
            look = move.look()
            found = planner.objections_to(look, move.after)
        if found:
            module.fail_json(msg=f"The data cannot be moved. Nothing was changed. {' '.join(found)}")
        lines = planner.lines(look.counts, move.before, move.after)
        done = Moved(look.counts) if module.check_mode else move.copy(Service(module.run_command))
    except XmppError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"The data was not moved: {error}.")
    told = {"lines": lines, "counts": done.counts, "aside": done.aside, "seconds": done.seconds}
    module.exit_json(**{**result, "changed": True, "settled": False, **told})


if __name__ == "__main__":
    main()
