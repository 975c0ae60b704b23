# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filters for where hosts are, what DNS says, and what an operator is told. Each is documented beside this file."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils import advice, reach, status, status_answers, summary
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.dns.deployment import deployment
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.dns.records import records, zone
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.filters import told
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.services.check_lines import check_lines

_DNS_OPTIONS = frozenset(
    {
        "addresses",
        "target",
        "turn_addresses",
        "certificates",
        "turn_certificates",
        "caa",
        "bosh_url",
        "websocket_url",
        "ttl",
        "proved_by_http",
        "proxy",
    }
)


@told
def xmpp_summary(settings: Mapping[str, Any], **about: Any) -> str:
    """What to know of one server, a line each."""
    return summary.summary(settings, about)


def xmpp_shell_command(host: Mapping[str, Any], name: str) -> str:
    """What stands before a command for the host of that name."""
    return reach.shell_command(name, host)


def xmpp_tunnel_command(host: Mapping[str, Any], name: str, port: int) -> str:
    """The command that opens a port of the host's loopback on that of the operator; nothing where there is none."""
    if not reach.uses_ssh(host):
        return ""
    ssh, *rest = reach.login(name, host)
    return shlex.join([ssh, "-L", f"{port}:127.0.0.1:{port}", *rest])


def xmpp_advice(text: str, host: Mapping[str, Any]) -> str:
    """A text with the commands that it advises as they are typed for the host."""
    return advice.for_host(text, host)


def xmpp_seen_at(host: Mapping[str, Any], by: Mapping[str, Any]) -> str:
    """The address of a host for another one."""
    return reach.seen_at(host, by)


def xmpp_addresses(hosts: Iterable[Mapping[str, Any]]) -> list[str]:
    """All addresses from which hosts may come."""
    return reach.addresses(hosts)


@told
def xmpp_dns_records(settings: Mapping[str, Any], **options: Any) -> list[dict[str, Any]]:
    """The records as plain data."""
    unknown = sorted(set(options) - _DNS_OPTIONS)
    if unknown:
        raise AnsibleFilterError(f"xmpp_dns_records has no option {', '.join(unknown)}; it has {sorted(_DNS_OPTIONS)}.")
    return [record.as_dict() for record in records(deployment(settings, options))]


@told
def xmpp_zone(found: Sequence[Mapping[str, Any]], ttl: int = 3600) -> str:
    """The records as text."""
    return zone(found, ttl)


def xmpp_status(seen: Mapping[str, Any], as_data: bool = False, now: float | None = None) -> Any:
    """The state of the service: lines of one screen, or data."""
    moment = time.time() if now is None else now
    found = status.gathered(seen, moment)
    return found if as_data else status.lines(found, moment)


def xmpp_status_seen(
    hosts: Mapping[str, Mapping[str, Any]],
    records: Sequence[Mapping[str, Any]] = (),
    drift: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What hosts answered, with the records of runs, for xmpp_status."""
    return {**status_answers.sorted_answers(hosts), "records": list(records), **({"drift": drift} if drift else {})}


class FilterModule:
    """The filters whose names begin with xmpp_."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return filter name → function."""
        return {
            "xmpp_addresses": xmpp_addresses,
            "xmpp_advice": xmpp_advice,
            "xmpp_check_lines": check_lines,
            "xmpp_dns_records": xmpp_dns_records,
            "xmpp_seen_at": xmpp_seen_at,
            "xmpp_shell_command": xmpp_shell_command,
            "xmpp_status": xmpp_status,
            "xmpp_status_seen": xmpp_status_seen,
            "xmpp_summary": xmpp_summary,
            "xmpp_tunnel_command": xmpp_tunnel_command,
            "xmpp_zone": xmpp_zone,
        }
