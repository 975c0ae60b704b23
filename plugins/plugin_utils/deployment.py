# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What runs where, now and at the last run: services that were moved, and domains that two hosts have. Pure.

A deployment is a mapping from a host's name in the inventory to {roles: [...], domains: [...], address: text, backend:
host or container}; records of earlier versions say nothing of the backend. The one of the last runs is kept beside the
inventory, because a host that left the inventory cannot be asked.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

ROLES = ("postgresql", "coturn", "prosody", "proxy", "monitoring")
_NAMES = {
    "postgresql": "PostgreSQL",
    "coturn": "coturn",
    "prosody": "Prosody",
    "proxy": "The proxy",
    "monitoring": "monitoring",
}
_LEFT = {
    "postgresql": "Its data stay there, in /var/lib/postgresql.",
    "coturn": "Its secret and its key are removed there.",
    "prosody": (
        "Its secrets and keys are removed there; what lies in /var/lib/prosody stays, among it the files that users "
        "shared: copy those."
    ),
    "proxy": "Its key is removed there.",
    "monitoring": "Its passwords are removed there; what it collected stays.",
}
_BACKENDS = {"host": "a host", "container": "in containers"}

Deployment = Mapping[str, Mapping[str, Any]]


def roles_of(deployment: Deployment, host: str) -> list[str]:
    """The roles that a host has."""
    return [str(role) for role in deployment.get(host, {}).get("roles") or []]


def domains_of(deployment: Deployment, host: str) -> list[str]:
    """The domains that a host serves."""
    return [str(domain) for domain in deployment.get(host, {}).get("domains") or []]


def moves(
    last: Deployment, now: Deployment, inventory: Collection[str], record: str = "the record"
) -> list[dict[str, Any]]:
    """Return the services that hosts had at the last run and have no more, each with what to say about it.

    inventory: all hosts that can be reached through it. record: what to call the file of the last run.
    Out: host, role, known (whether the host is in the inventory), heirs (hosts that have the service instead), stop
    (whether to stop it where it was), removed (whether the run removes it by itself), text.
    """
    found = []
    for host in last:
        for role in roles_of(last, host):
            if role not in ROLES or role in roles_of(now, host):
                continue
            heirs = [other for other in now if role in roles_of(now, other)]
            if role == "prosody":
                mine = set(domains_of(last, host))
                heirs = [other for other in heirs if mine & set(domains_of(now, other))]
            known = host in inventory
            move = {"host": host, "role": role, "known": known, "heirs": heirs, "stop": known and bool(heirs)}
            # a run on a Docker host removes what its inventory does not have
            move["removed"] = known and not heirs and host in now and last[host].get("backend") == "container"
            found.append({**move, "text": _text(move, last, record)})
    return found


def _text(move: Mapping[str, Any], last: Deployment, record: str) -> str:
    host, role, heirs = move["host"], move["role"], ", ".join(move["heirs"])
    name = _NAMES[role]
    moved = f"{name} was moved from {host} to {heirs}"
    if move["stop"]:
        when = (
            f"before it starts on {heirs}, since two for one domain lose messages"
            if role == "prosody"
            else (f"once it is proved on {heirs}")
        )
        return f"{moved}: it is stopped on {host} {when}. {_LEFT[role]}"
    if move["removed"]:
        return (
            f"{name} was on {host}, which is in group {role} no more: its container is removed, and its volumes stay."
        )
    if move["known"]:
        return (
            f"{name} was on {host}, which is in group {role} no more, and no other host has it instead: it was left as "
            f"it is. If nobody needs it, stop it there, and then take {role} of {host} out of {record}."
        )
    address = last.get(host, {}).get("address")
    where = f"{host} ({address})" if address and address != host else host
    begin = moved if heirs else f"{name} was on {host}"
    danger = " If it still runs there, messages of the domain are lost." if role == "prosody" and heirs else ""
    return (
        f"{begin}, and {where} left the inventory, so it cannot be stopped from here.{danger} Put the host back, in no "
        f"group, and run again to have that done; or, when the machine is gone, take it out of {record}."
    )


def other_backends(last: Deployment, now: Deployment) -> list[str]:
    """Return a line for each host that has another backend than at the last run, and would begin there with nothing."""
    return [
        f"{host} was {_BACKENDS[was]}, and the inventory has it {_BACKENDS[new]} (xmpp_backend) under the same name."
        for host in now
        if (was := str(last.get(host, {}).get("backend", ""))) in _BACKENDS
        and (new := str(now[host].get("backend", ""))) in _BACKENDS
        and was != new
    ]


def brings(
    last: Deployment, now: Deployment, found: Collection[Mapping[str, Any]], contained: Collection[str]
) -> list[dict[str, Any]]:
    """Return the hosts whose Prosody was moved to one that has not got what it keeps.

    found: the moves; contained: hosts whose services are in containers.
    Out: from, to, roles (all that go the same way), database (whether the database does), turn_waits (whether the TURN
    server starts on the new host when the old one is stopped, as with containers both may have ports of one machine),
    problems (why it cannot be done, a sentence each).
    """
    result: list[dict[str, Any]] = []
    for move in found:
        mine = set(domains_of(last, move["host"]))
        missing = [heir for heir in move["heirs"] if not mine <= set(domains_of(last, heir))]
        if move["role"] != "prosody" or not move["stop"] or not missing:
            continue
        old, new = move["host"], move["heirs"][0]
        roles = [one["role"] for one in found if one["host"] == old and one["stop"] and one["heirs"] == [new]]
        result.append(
            {
                "from": old,
                "to": new,
                "roles": roles,
                "database": "postgresql" in roles,
                "turn_waits": "coturn" in roles and (old in contained or new in contained),
                "problems": _obstacles(move, roles, last, now, found, contained),
            }
        )
    for one in result:
        if sum(other["to"] == one["to"] for other in result) > 1:
            one["problems"].append(f"Several hosts' Prosodys were moved to {one['to']}: bring one along at a time.")
    return result


def _obstacles(
    move: Mapping[str, Any],
    roles: Collection[str],
    last: Deployment,
    now: Deployment,
    found: Collection[Mapping[str, Any]],
    contained: Collection[str],
) -> list[str]:
    """Why what a Prosody keeps cannot be brought to its heir."""
    old, heirs = move["host"], move["heirs"]
    if len(heirs) > 1:
        return [f"Domains of {old} were moved to several hosts, {', '.join(heirs)}: bring all to one of them."]
    (new,) = heirs
    problems = []
    lost = sorted(set(domains_of(last, old)) - set(domains_of(now, new)))
    if lost:
        problems.append(f"{', '.join(lost)} of {old} would be no more: take domains away before or after.")
    there = [_NAMES[role] for role in ("prosody", "postgresql") if role in roles and role in roles_of(last, new)]
    if there:
        problems.append(f"{' and '.join(there)} ran on {new} before, and what they keep would be replaced.")
    for one in found:
        if one["role"] == "postgresql" and one["stop"] and new in one["heirs"] and "postgresql" not in roles:
            problems.append(f"The database was moved to {new} from {one['host']}, and Prosody from {old}.")
    left = sorted(set(roles_of(last, old)) - set(roles))
    if old in contained and left:
        problems.append(f"All services of {old} go to {new}, since it is in containers: {', '.join(left)} as well.")
    return problems


def unmovable(
    last: Deployment,
    found: Collection[Mapping[str, Any]],
    bringing: Collection[Mapping[str, Any]],
    contained: Collection[str],
) -> list[str]:
    """Return what to say of moves into containers and out of them that are none of those in which data are brought.

    Where the heirs have the service already the move was done, and what is left is to stop the old one.
    """
    return [
        move["text"]
        for move in found
        if move["stop"]
        and {move["host"], *move["heirs"]} & set(contained)
        and not any(one["from"] == move["host"] and move["heirs"] == [one["to"]] for one in bringing)
        and not all(move["role"] in roles_of(last, heir) for heir in move["heirs"])
    ]


def merged(last: Deployment, now: Deployment, hosts: Collection[str]) -> dict[str, dict[str, Any]]:
    """Return the record after a run begins that changes `hosts`: what was there and what is going to be."""
    result = {host: dict(entry) for host, entry in last.items()}
    for host in now:
        if host in hosts:
            before = result.get(host, {})
            roles = [*roles_of(now, host), *(role for role in roles_of(last, host) if role not in roles_of(now, host))]
            domains = domains_of(now, host) or before.get("domains") or []
            result[host] = {**now[host], "roles": sorted(roles), "domains": sorted(domains)}
    return dict(sorted(result.items()))


def settled(record: Deployment, gone: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the record without services ({host, role}) that were stopped; hosts that have none are left out."""
    result = {host: dict(entry) for host, entry in record.items()}
    for move in gone:
        entry = result.setdefault(move["host"], {})
        entry["roles"] = [role for role in entry.get("roles") or [] if role != move["role"]]
        if "prosody" not in entry["roles"]:
            entry["domains"] = []
    return {host: entry for host, entry in result.items() if entry["roles"]}


def shared_domains(now: Deployment) -> list[str]:
    """Return a line for each domain that several hosts serve."""
    found: dict[str, list[str]] = {}
    for host in now:
        if "prosody" in roles_of(now, host):
            for domain in domains_of(now, host):
                found.setdefault(domain.rstrip(".").lower(), []).append(host)
    return [
        f"{domain} is served by {' and by '.join(hosts)}, which are in group prosody: two Prosodys for one domain "
        "lose messages, since each delivers to its own clients alone and both write the same archive. Leave one "
        "of them in the group, or give each a domain of its own (xmpp_domain in its host variables)."
        for domain, hosts in found.items()
        if len(hosts) > 1
    ]
