# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""All judgements together. Pure: facts in, findings out."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.diagnosis import Finding, in_order
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.doctor import compliance, names, ports, service
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.doctor.facts import Facts


def findings(facts: Facts, accepted: Collection[str] = ()) -> list[Finding]:
    """Return everything that is wrong, weak or good to know. accepted: names of findings that are meant to be."""
    found = list(names.findings(facts))
    if not any(one.name in ("dns_unreached", "no_zone", "dns_not_used") for one in found):
        found += [*ports.findings(facts), *service.findings(facts)]
        found += compliance.findings(facts, compliance.levels(facts))
    return in_order(accept(found, accepted))


def accept(found: Sequence[Finding], accepted: Collection[str]) -> list[Finding]:
    """Return findings, of which those that are meant to be are notes."""
    return [replace(one, level="note", mend="") if one.name in accepted else one for one in found]


def summary(facts: Facts) -> dict[str, Any]:
    """Return what was seen, as a report tells it beside its findings."""
    return {
        "addresses": {name: list(found) for name, found in facts.addresses.items()},
        "ports": [
            {
                "service": port.service,
                "target": port.target,
                "address": port.address,
                "port": port.port,
                "works": port.good,
                "protocols": list(port.versions),
                "key_exchange": port.group,
                "issuer": port.leaf.issuer if port.leaf else "",
                "expires": int(port.leaf.not_after) if port.leaf else None,
            }
            for port in facts.ports
        ],
        "registration": facts.registration or "not seen",
        "contacts": {name: list(found) for name, found in (facts.session.contacts if facts.session else {}).items()},
        "compliance": compliance.levels(facts),
        "account": "not given" if facts.session is None else facts.session.error or "signed in",
    }
