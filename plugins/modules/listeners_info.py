#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Report which process listens on which port."""

from __future__ import annotations

DOCUMENTATION = r"""
module: listeners_info
short_description: Report which process listens on which port
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - Reads the listening TCP and the bound UDP sockets of the host with the process and the systemd unit that hold them.
  - Only C(/proc) is read, so that neither C(ss) nor C(lsof) has to be installed.
extends_documentation_fragment:
  - allthingslinux.xmpp.attributes.info
options:
  ports:
    description:
      - Only sockets with one of these port numbers. All of them without it.
    type: list
    elements: int
    default: []
notes:
  - Run as root, or the processes of other users stay unnamed.
  - In a container root may lack the right to look into the files of other users (C(CAP_SYS_PTRACE)). Then the first
    process of the user who made the socket is named.
"""

EXAMPLES = r"""
- name: See who listens on the ports of XMPP
  allthingslinux.xmpp.listeners_info:
    ports: [5222, 5269]
  register: result
"""

RETURN = r"""
listeners:
  description: The sockets, in the order of the kernel's tables (TCP before UDP).
  returned: always
  type: list
  elements: dict
  sample:
    - {protocol: tcp, address: "::", port: 5222, process: lua5.4, pid: 812, unit: prosody.service, user: prosody}
  contains:
    protocol:
      description: V(tcp) or V(udp).
      type: str
    address:
      description: The address it is bound to; V(0.0.0.0) and V(::) are all addresses.
      type: str
    port:
      description: The port number.
      type: int
    process:
      description: Name of the process, empty when none can be seen from here.
      type: str
    pid:
      description: Its number, 0 when none can be seen from here.
      type: int
    unit:
      description: The systemd unit it belongs to, empty when there is none.
      type: str
    user:
      description: The user that opened the socket, which the kernel tells even where the process cannot be seen.
      type: str
"""

from dataclasses import asdict

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.host.listeners import read_listeners


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={"ports": {"type": "list", "elements": "int", "default": []}},
        supports_check_mode=True,
    )
    listeners = []
    for listener in read_listeners(module.params["ports"]):
        entry = asdict(listener)
        del entry["inode"]
        listeners.append(entry)
    module.exit_json(changed=False, listeners=listeners)


if __name__ == "__main__":
    main()
