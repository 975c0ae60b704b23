#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Refuse a way to the database by which a running Prosody could not sign in."""

from __future__ import annotations

DOCUMENTATION = r"""
module: database_check
short_description: Refuse a way to the database by which a running Prosody could not sign in
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - Signs in to PostgreSQL as Prosody is going to, with the same library (libpq), as the same user and with the same
    environment, and fails with what the library says. So a certificate that is not verified, a wrong password or a
    closed port is seen while the old way still works.
  - Does so only while Prosody runs, since one that does not has nothing to lose. Nothing is changed.
extends_documentation_fragment:
  - allthingslinux.xmpp.attributes.info
options:
  database:
    description: The database.
    type: str
    required: true
  username:
    description: The role to sign in as.
    type: str
    required: true
  password:
    description: Its password.
    type: str
    default: ""
  host:
    description: The host of PostgreSQL.
    type: str
    required: true
  port:
    description: Its port.
    type: int
    default: 5432
  environment:
    description: The variables of libpq in the environment of Prosody, such as C(PGSSLMODE).
    type: dict
    default: {}
  service:
    description: The unit of Prosody.
    type: str
    default: prosody
notes:
  - Must run as root on the target.
"""

EXAMPLES = r"""
- name: The database shows the certificate that Prosody is going to ask for
  allthingslinux.xmpp.database_check:
    database: prosody
    username: prosody
    password: "{{ password }}"
    host: db.example.org
    environment:
      PGSSLMODE: verify-full
      PGSSLROOTCERT: /etc/xmpp/ca.pem
"""

RETURN = r"""
asked:
  description: Whether the database was asked, which is whether Prosody runs.
  type: bool
  returned: always
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.host.service import Service
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody import installation
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction import database


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "database": {"type": "str", "required": True},
            "username": {"type": "str", "required": True},
            "password": {"type": "str", "default": "", "no_log": True},
            "host": {"type": "str", "required": True},
            "port": {"type": "int", "default": 5432},
            "environment": {"type": "dict", "default": {}},
            "service": {"type": "str", "default": "prosody"},
        },
        supports_check_mode=True,
    )
    given = module.params
    try:
        running = Service(module.run_command, given["service"]).is_active()
        user = installation.find().unprivileged() if running else []
    except XmppError as error:
        module.fail_json(msg=str(error))
    if not running:
        module.exit_json(changed=False, asked=False)
    parameters = database.Parameters(
        given["database"], given["username"], given["password"], given["host"], str(given["port"])
    )
    environment = {name: str(value) for name, value in given["environment"].items()}
    refusal = database.refusal(parameters, environment, user, module.run_command)
    if refusal:
        how = ", ".join(f"{name}={value}" for name, value in sorted(environment.items())) or "as it is by itself"
        module.fail_json(
            msg=f"Prosody could not sign in to {parameters} ({how}): {refusal} It runs, and was not touched. If "
            "another host answers there, correct prosody_database_host; if the certificate is of another authority, or "
            "for other names, see prosody_database_sslmode, prosody_database_ca and, on the host of the database, "
            "postgresql_server_names; if the database lets nobody in from there, see postgresql_client_addresses."
        )
    module.exit_json(changed=False, asked=True)


if __name__ == "__main__":
    main()
