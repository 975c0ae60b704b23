# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filters of playbook doctor. Each is documented beside this file."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils import advice, doctor


def doctor_report(
    domains: Mapping[str, Mapping[str, Any]],
    records: Iterable[Mapping[str, Any]] = (),
    status: Mapping[str, Any] | None = None,
    before: Mapping[str, Any] | None = None,
    accept: Sequence[str] = (),
    now: float | None = None,
    hosts: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """Everything that was found, and the changes since an earlier report."""
    moment = time.time() if now is None else now

    def typed(found: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        # what is seen of a domain is of its Prosody
        known = hosts or {}
        first = next(iter(known.values()), {})
        return [
            {**one, "mend": advice.for_host(one["mend"], known.get(one["where"].partition(" ")[0], first))}
            for one in found
        ]

    about = typed(doctor.hosts(status, moment) if status else [])
    accepted = [{**one, "level": "note", "mend": ""} if one["name"] in accept else one for one in about]
    seen = {name: {**one, "findings": typed(one["findings"])} for name, one in domains.items()}
    return doctor.report(seen, typed(records), accepted, before, moment)


class FilterModule:
    """The filters whose names begin with doctor_."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return filter name → function."""
        return {
            "doctor_lines": doctor.lines,
            "doctor_report": doctor_report,
        }
