# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight
short_description: Look for what a role cannot work with, before its first change
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - One task at the start of a role that finds everything that would go wrong later.
  - Returns a line for each problem, which says what was seen and what to do. M(allthingslinux.xmpp.preflight_verdict)
    refuses all of them at once.
  - Variables are given by their names. Each is worked out by itself, so that one that cannot be is a finding as well.
    No line holds a value that may be secret, nor does Ansible print one.
  - Nothing is changed, and no secret is made. Modules are run on the host for O(ports) and O(asks) alone. If
    O(platforms) is given and the facts of the host were not gathered, they are gathered and kept.
extends_documentation_fragment:
  - allthingslinux.xmpp.attributes.info
options:
  spec:
    description:
      - The role's C(meta/argument_specs.yml) on the controller. The variables of all its entries are looked at, with
        their types, choices and keys, however deep.
      - A variable with the prefix of the role that it does not have is refused, with the nearest name that exists and,
        where it is known, the file and line that set it. So is one that is nearly a variable of the role or of the
        shared vocabulary (C(xmpp_)), and a group that is nearly one of the collection where that one has no host.
        C(xmpp_own_names) lists what is nevertheless meant.
    type: path
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
      - Variables whose values must be domain names, such as V(coturn_realm) or V(prosody_hosts[].name). A list counts
        for all its values, and what is empty as not given.
    type: list
    elements: str
    default: []
  forms:
    description:
      - From variables and paths such as V(coturn_user_quota) or V(monitoring_webhooks[]) to the form that their values
        must have, one of C(address), C(at_least_one), C(connections), C(duration), C(journal_size), C(mail_address),
        C(natural), C(network), C(port), C(port_or_none), C(server), C(size) and C(url). An empty text is no value.
    type: dict
    default: {}
  certificate_names:
    description:
      - As O(domains), but C(*.) may stand before each name, and it may be an address.
    type: list
    elements: str
    default: []
  jids:
    description:
      - Variables whose values must be bare JIDs of accounts, in the same form as O(domains).
    type: list
    elements: str
    default: []
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
      - Variables with lists of the ports that the role is going to use. One that a process other than O(owners) holds
        is refused with the name and the number of the process.
      - Each entry has a C(port), and may have a C(protocol) (V(tcp) or V(udp)), an C(address) it will be bound to, a
        C(service) that says what it is for, and the C(variable) with which another port can be chosen,
        or C(otherwise), what else can be done than to stop who has it.
    type: list
    elements: str
    default: []
  opens:
    description:
      - Variables with lists of the ports that others have to reach, in the form of O(ports). Besides, an entry may have
        C(ports), a range, and C(from), the addresses and networks of those who alone have to. They are returned, for
        role C(firewall).
    type: list
    elements: str
    default: []
  owners:
    description:
      - Names of the processes, systemd units (with or without C(.service)) and users that are the role's own.
    type: list
    elements: str
    default: []
  checks:
    description:
      - Variables with lists of conditions of the role itself. Each has C(that), what must be true, and C(problem), the
        line for the report. The line is worked out only where the condition does not hold.
    type: list
    elements: str
    default: []
  asks:
    description:
      - Variables with lists of modules to run on the host, in check mode. Each has the name of the C(module) and its
        C(args), and may name in C(problems) the result that lists what it found, as texts or as mappings with a
        C(text). A module that fails otherwise is a finding as well.
    type: list
    elements: str
    default: []
  asks_last:
    description:
      - As O(asks), for modules that would only tell again what was found otherwise. They are run where nothing was.
    type: list
    elements: str
    default: []
  hands_on:
    description:
      - Variables to return in RV(handed_on), each with a list of the variables that say what is in it. It is worked out
        with what is sound of all variables, so that more can be looked at in the same run.
    type: dict
    default: {}
"""

EXAMPLES = r"""
# in vars/main.yml of the role:
# __coturn_ports:
#   - {port: "{{ coturn_port }}", protocol: udp, service: STUN and TURN, variable: coturn_port}
# __coturn_checks:
#   - that: "{{ coturn_relay_port_min < coturn_relay_port_max }}"
#     problem: "coturn_relay_port_min is not below coturn_relay_port_max: correct them."
- name: Look for what cannot work before anything is changed
  allthingslinux.xmpp.preflight:
    spec: "{{ role_path }}/meta/argument_specs.yml"
    renamed:
      coturn_ports: coturn_port
    domains: [coturn_realm]
    platforms:
      - distribution: Debian
        majors: ["13"]
    ports: [__coturn_ports]
    owners: [turnserver, coturn]
    checks: [__coturn_checks]
  register: __coturn_findings

- name: Refuse it, for all hosts at once
  allthingslinux.xmpp.preflight_verdict:
  run_once: true
"""

RETURN = r"""
wants:
  description:
    - The ports that the variables of O(ports) and O(opens) hold, without who may come to them. Module
      M(allthingslinux.xmpp.preflight_verdict) compares those of all roles of a host.
  returned: always
  type: list
  elements: dict
opens:
  description: What the variables of O(opens) hold.
  returned: success
  type: list
  elements: dict
findings:
  description:
    - What is wrong and what to do, a line each, after those that are registered under the same name already.
  returned: always
  type: list
  elements: str
  sample:
    - "Role coturn has no variable coturn_relam (set in inventory/hosts.yml:9): did you mean coturn_realm?"
    - "Port 3478/udp, wanted for STUN and TURN, is taken by eturnal (pid 312 of eturnal.service) on 0.0.0.0: stop that."
secondary:
  description:
    - What could not be worked out because of variables of another role, which that role tells better.
      M(allthingslinux.xmpp.preflight_verdict) tells it where nothing else was found.
  returned: always
  type: list
  elements: str
sound:
  description: Whether the variables are what they should be, so that what is made of them makes sense.
  returned: always
  type: bool
handed_on:
  description: The variables in O(hands_on) with their values, without those that hang on something that was refused.
  returned: always
  type: dict
"""
