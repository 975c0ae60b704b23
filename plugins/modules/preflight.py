# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight
short_description: Refuse what a role cannot work with, before its first change
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - One task at the start of a role that refuses everything that would go wrong later.
  - All problems are collected and reported by one failure, a line each. A line says what was seen and what to do.
  - Nothing is changed. One module is run on the host when O(ports) is given, none otherwise. If O(platforms) is given
    and the facts of the host were not gathered, they are gathered and kept.
extends_documentation_fragment:
  - allthingslinux.xmpp.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  spec:
    description:
      - The role's C(meta/argument_specs.yml) on the controller.
      - A variable with the prefix of the role that is an option of none of its entry points is refused, with the
        nearest name that exists and, where it is known, the file and line that set it.
    type: path
    required: true
  role:
    description:
      - The name of the role, which with an underscore is the prefix of its variables.
      - The directory above C(meta) if not given.
    type: str
  renamed:
    description:
      - Old name to new name of variables that were renamed. A variable with an old name is refused with the new one.
    type: dict
    default: {}
  domains:
    description:
      - Values that must be domain names. Empty ones count as not given.
      - A list, or variable name to a value or a list of values; then the message names the variable.
    type: raw
  jids:
    description:
      - Values that must be bare JIDs of accounts, in the same forms as O(domains).
    type: raw
  platforms:
    description:
      - The systems that the role supports. All when empty.
    type: list
    elements: dict
    default: []
    suboptions:
      distribution:
        description:
          - As in the fact C(distribution).
        type: str
        required: true
      majors:
        description:
          - Its major versions. All when empty.
        type: list
        elements: str
        default: []
  ports:
    description:
      - Ports that the role is going to use. One that a process other than O(owners) holds is refused with the name and
        the number of the process.
    type: list
    elements: dict
    default: []
    suboptions:
      port:
        description:
          - The number.
        type: int
        required: true
      protocol:
        description:
          - The transport.
        type: str
        choices: [tcp, udp]
        default: tcp
      address:
        description:
          - The address it will be bound to. All addresses without it.
        type: str
      service:
        description:
          - What it is for, as in "client connections".
        type: str
      variable:
        description:
          - The variable with which another port can be chosen.
        type: str
  owners:
    description:
      - Names of the processes, systemd units (with or without C(.service)) and users that are the role's own.
    type: list
    elements: str
    default: []
  checks:
    description:
      - Conditions of the role itself, reported together with the rest.
    type: list
    elements: dict
    default: []
    suboptions:
      that:
        description:
          - What must be true.
        type: bool
        required: true
      problem:
        description:
          - The line for the report, what was seen and what to do.
        type: str
        required: true
"""

EXAMPLES = r"""
- name: Refuse what cannot work before anything is changed
  allthingslinux.xmpp.preflight:
    spec: "{{ role_path }}/meta/argument_specs.yml"
    renamed:
      coturn_ports: coturn_port
    domains:
      coturn_realm: "{{ coturn_realm }}"
    platforms:
      - distribution: Debian
        majors: ["13"]
    ports:
      - {port: "{{ coturn_port }}", protocol: udp, service: STUN and TURN, variable: coturn_port}
    owners: [turnserver, coturn]
    checks:
      - that: "{{ coturn_relay_ports.min < coturn_relay_ports.max }}"
        problem: "coturn_relay_ports: min is not below max."
"""

RETURN = r"""
msg:
  description: One line for each problem, after a heading.
  returned: failure
  type: str
  sample: |-
    Role coturn stops before it changes anything:
    - Role coturn has no variable coturn_relam (set in inventory/hosts.yml:9): did you mean coturn_realm?
    - Port 3478/udp, wanted for STUN and TURN, is taken by eturnal (pid 312 of eturnal.service) on 0.0.0.0: stop that.
"""
