#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Compare the DNS records of a deployment with what DNS answers."""

from __future__ import annotations

DOCUMENTATION = r"""
module: xmpp_dns_info
short_description: Compare the DNS records of a deployment with what DNS answers
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - Asks the name servers of each zone themselves, and the resolver that others may have, for every record that a
    deployment needs and for those that may stand beside it.
  - Each difference is a finding that says what was seen, what follows from it, and the line of the zone that mends it.
    So is a zone whose DNSSEC is broken, or missing where TLSA records are to count.
  - What nobody answers to is a finding too, and never counts as good.
  - Runs where it is delegated to, which is the controller as a rule.
requirements:
  - dnspython >= 2.4
extends_documentation_fragment:
  - allthingslinux.xmpp.attributes.info
options:
  records:
    description: The records, as filter P(allthingslinux.xmpp.xmpp_dns_records#filter) makes them.
    type: list
    elements: dict
    required: true
  resolvers:
    description:
      - Resolvers of the public view, by address, with C(#) and a port if need be; the first one that answers counts.
      - Those of the machine by default.
    type: list
    elements: str
    default: []
  servers:
    description: Name servers of all the zones, in the place of those that DNS names. Written like O(resolvers).
    type: list
    elements: str
    default: []
  authority:
    description:
      - What CAA records call the authority that is to issue certificates, any of these names, as
        P(allthingslinux.xmpp.services#lookup) has it. That they forbid it is a finding.
      - By default nothing is said of it.
    type: list
    elements: str
    default: []
  timeout:
    description: Seconds that one question may take.
    type: float
    default: 3
"""

EXAMPLES = r"""
- name: Compare
  allthingslinux.xmpp.xmpp_dns_info:
    records: "{{ settings | allthingslinux.xmpp.xmpp_dns_records(addresses=['192.0.2.1']) }}"
  delegate_to: localhost
"""

RETURN = r"""
findings:
  description: Each difference, those that break something first.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: What kind it is, such as V(record_missing) or V(dnssec_broken).
      type: str
    level:
      description: V(fault), V(weak), or V(note) where there is nothing that must be done.
      type: str
    where:
      description: The record or zone.
      type: str
    seen:
      description: What was seen.
      type: str
    consequence:
      description: What follows from it.
      type: str
    mend:
      description: The line of the zone, or the command.
      type: str
good:
  description: Whether there is no finding but notes.
  returned: always
  type: bool
compared:
  description: Who answered, the resolver last.
  returned: always
  type: list
  elements: str
zones:
  description: DNSSEC of each zone, C(signed), C(vouched_for) by its parent, and C(checked) by the resolver.
  returned: always
  type: dict
lines:
  description: The findings as an operator reads them.
  returned: always
  type: list
  elements: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.allthingslinux.xmpp.plugins.module_utils import diagnosis
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.dns import answers, ask, compare
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError

ARGUMENTS: dict[str, Any] = {
    "records": {"type": "list", "elements": "dict", "required": True},
    "resolvers": {"type": "list", "elements": "str", "default": []},
    "servers": {"type": "list", "elements": "str", "default": []},
    "authority": {"type": "list", "elements": "str", "default": []},
    "timeout": {"type": "float", "default": 3.0},
}


def looked(params: dict[str, Any]) -> dict[str, Any]:
    """Ask and compare: the module's result. Raises XmppError."""
    wanted = answers.wanted(params["records"])
    asker = ask.asker(params["resolvers"], params["servers"], params["timeout"])
    questions = compare.questions(wanted, params["authority"])
    nowhere = all(compare.is_nowhere(name) for name, _type in questions)
    view = asker.look(() if nowhere else questions)
    told = compare.findings(wanted, questions, view, ask.now(), params["authority"])
    found = [one.as_dict() for one in told]
    who = [name for zone in view.zones.values() for name in zone.servers]
    return {
        "findings": found,
        "good": not diagnosis.counts(found),
        "compared": list(dict.fromkeys([*who, *([] if view.error or nowhere else [view.asked])])),
        "zones": {
            zone.name: {"signed": zone.keys, "vouched_for": zone.ds, "checked": zone.validated}
            for zone in view.zones.values()
        },
        "lines": diagnosis.lines(found),
    }


def main() -> None:
    """Compare, and say how it is."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    if answers.MISSING:
        module.fail_json(msg=missing_required_lib("dnspython", reason="to ask DNS"), exception=answers.MISSING)
    try:
        result = looked(module.params)
    except XmppError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
