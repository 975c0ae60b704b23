# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight_host
short_description: The facts of a host, or why it cannot be worked on
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - Gathers facts as M(ansible.builtin.setup) does.
  - A host that cannot be reached, that has no Python or no room for temporary files, where sudo wants a password or
    where Ansible is not root, does not end the run. It is a finding, which M(allthingslinux.xmpp.preflight_verdict)
    tells together with those of the roles.
extends_documentation_fragment:
  - allthingslinux.xmpp.attributes.info
options:
  gather_subset:
    description:
      - Which facts, as in M(ansible.builtin.setup).
    type: list
    elements: str
    default: [all]
  root:
    description:
      - Whether Ansible must be root on the host.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Look at the host
  allthingslinux.xmpp.preflight_host:
    gather_subset: [min, network]
  register: __site_findings

- name: Refuse what was found, for all hosts at once
  allthingslinux.xmpp.preflight_verdict:
  run_once: true
"""

RETURN = r"""
findings:
  description: What is wrong with the host and what to do, a line each.
  returned: always
  type: list
  elements: str
usable:
  description: Whether nothing is wrong with it.
  returned: always
  type: bool
ansible_facts:
  description: The facts.
  returned: when they could be gathered
  type: dict
"""
