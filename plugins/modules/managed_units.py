#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Have units of systemd start at boot and run, all of them in one task."""

from __future__ import annotations

DOCUMENTATION = r"""
module: managed_units
short_description: Have units of systemd start at boot and run
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - Enables and starts units, all of them in one task, which asks systemd once and does only what is left to do.
  - In check mode a unit that systemd does not know counts as a change, because a package or a file brings it later.
extends_documentation_fragment:
  - allthingslinux.xmpp.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
    details:
      - Units of O(restart) are restarted each time.
options:
  units:
    description: Names of the units, with their suffix, in the order in which they are started.
    type: list
    elements: str
    required: true
  restart:
    description: Those of O(units) that are started anew.
    type: list
    elements: str
    default: []
  daemon_reload:
    description: Whether systemd is to read its files anew before.
    type: bool
    default: false
seealso:
  - module: allthingslinux.xmpp.managed_files
"""

EXAMPLES = r"""
- name: Write the units
  allthingslinux.xmpp.managed_files:
    files:
      - {path: /etc/systemd/system/figures.service, content: "{{ figures_service }}"}
      - {path: /etc/systemd/system/figures.timer, content: "{{ figures_timer }}"}
  register: written

- name: Run them
  allthingslinux.xmpp.managed_units:
    units: [figures.timer]
    restart: "{{ ['figures.timer'] if written is changed else [] }}"
    daemon_reload: "{{ written is changed }}"
"""

RETURN = r"""
changed_units:
  description: The units that were (in check mode, would be) enabled, started or restarted.
  returned: success
  type: list
  elements: str
  sample: [figures.timer]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.host import units


def systemctl(module: AnsibleModule, *words: str) -> str:
    """Run systemctl; out: what it printed. Raises XmppError with its words."""
    code, out, err = module.run_command(["systemctl", *words])
    if code:
        raise XmppError(f"systemctl {' '.join(words)} failed: {err.strip() or out.strip()}")
    return str(out)


def run(module: AnsibleModule) -> None:
    """Ask, plan, do; end the module."""
    names, check = module.params["units"], module.check_mode
    if module.params["daemon_reload"] and not check:
        systemctl(module, "daemon-reload")
    shown = systemctl(module, "show", f"--property={units.PROPERTIES}", *names) if names else ""
    known = units.read(names, shown)
    steps = units.plan(known, module.params["restart"])
    missing = [step.unit for step in steps if step.verb == "missing"]
    if missing and not check:
        raise XmppError(f"systemd does not know {', '.join(missing)}. Is the package installed that brings it?")
    if not check:
        failed = {unit.name for unit in known if unit.failed}
        for step in steps:
            if step.unit in failed and step.verb != "enable":
                systemctl(module, "reset-failed", step.unit)
            systemctl(module, step.verb, step.unit)
    changed = list(dict.fromkeys(step.unit for step in steps))
    module.exit_json(changed=bool(changed), changed_units=changed)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "units": {"type": "list", "elements": "str", "required": True},
            "restart": {"type": "list", "elements": "str", "default": []},
            "daemon_reload": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    try:
        run(module)
    except XmppError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
