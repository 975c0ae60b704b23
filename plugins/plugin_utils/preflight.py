# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What can be refused before a role changes anything: pure checks, each returning one line per problem.

A line says what was seen and what to do, and stands alone: the action plugin puts them under one another.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.xmpp.jid import InvalidJid, parse

WILDCARDS = frozenset({"0.0.0.0", "::", "*", ""})
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?")


def options_of(spec: Any) -> frozenset[str]:
    """List the variables of a role: the options of every entry point in its parsed meta/argument_specs.yml."""
    entry_points = (spec or {}).get("argument_specs") or {}
    return frozenset(name for entry in entry_points.values() for name in (entry or {}).get("options") or {})


def renamed_variables(given: Iterable[str], renamed: Mapping[str, str]) -> list[str]:
    """Refuse variables that have another name by now. renamed: old name to new name."""
    return [
        f"{name} is called {renamed[name]} now: rename it where you set it."
        for name in sorted(given)
        if name in renamed
    ]


def unknown_variables(
    given: Iterable[str], known: Collection[str], role: str, origins: Mapping[str, str] | None = None
) -> list[str]:
    """Refuse variables with the prefix of a role that the role does not have.

    given: all variables of the host; known: the options of the role; origins: variable to the place where it is set.
    """
    problems = []
    for name in sorted(given):
        if not name.startswith(f"{role}_") or name in known:
            continue
        place = (origins or {}).get(name)
        where = f" (set in {place})" if place else ""
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
        advice = f"did you mean {near[0]}?" if near else "remove it."
        problems.append(f"Role {role} has no variable {name}{where}: {advice}")
    return problems


def named_values(values: Any) -> list[tuple[str, Any]]:
    """Flatten what a parameter holds (a value, a list, or variable name to either) to (label, value).

    The label is empty or ends in ": ". Values that are None or empty text count as not given.
    """
    if isinstance(values, Mapping):
        return [(f"{name}: ", value) for name, held in values.items() for _label, value in named_values(held)]
    if isinstance(values, (list, tuple)):
        return [("", value) for value in values if value not in (None, "")]
    return [] if values in (None, "") else [("", values)]


def _reason(error: InvalidJid) -> str:
    """Leave out of a message what our own lines say already."""
    return str(error).rpartition(" is not a valid JID: ")[2]


def domain_reason(text: Any) -> str:
    """Say why a text is not a domain that can be served, or nothing when it is one."""
    if not isinstance(text, str):
        return f"it is of type {type(text).__name__}"
    try:
        jid = parse(text)
    except InvalidJid as error:
        return _reason(error)
    if jid.local or jid.resource:
        return "it has an account or a resource in it"
    labels = []
    for label in jid.domain.split("."):
        try:
            labels.append(label if label.isascii() else label.encode("idna").decode("ascii"))
        except UnicodeError:
            return f"the label {label!r} has no form for DNS"
    name = ".".join(labels).lower()
    if len(name) > 253:
        return "it is longer than the 253 characters of a DNS name"
    for label in name.split("."):
        if not _LABEL.fullmatch(label):
            shape = "1 to 63 letters, digits or inner hyphens"
            return f"the label {label!r} is not {shape}" if label else "it has an empty label"
    if re.fullmatch(r"[0-9]+", name.rpartition(".")[2]):
        return "it is an address, and XMPP needs a name"
    return ""


def invalid_domains(values: Any) -> list[str]:
    """Refuse what is not a domain name; see named_values() for the shape."""
    problems = []
    for label, value in named_values(values):
        if reason := domain_reason(value):
            problems.append(f"{label}{value!r} is not a domain: {reason.rstrip('.')}. Example: 'example.org'.")
    return problems


def invalid_jids(values: Any) -> list[str]:
    """Refuse what is not the bare JID of an account; see named_values() for the shape."""
    problems = []
    for label, value in named_values(values):
        if not isinstance(value, str):
            reason = f"it is of type {type(value).__name__}"
        else:
            try:
                jid = parse(value)
            except InvalidJid as error:
                reason = _reason(error)
            else:
                if jid.local and not jid.resource:
                    reason = domain_reason(jid.domain)
                else:
                    reason = "it has a resource" if jid.resource else "it has no account part before an @"
        if reason:
            reason = reason.rstrip(".")
            problems.append(f"{label}{value!r} is not the JID of an account: {reason}. Example: 'juliet@example.org'.")
    return problems


def unsupported_platform(facts: Mapping[str, Any], platforms: Iterable[Mapping[str, Any]], role: str) -> list[str]:
    """Refuse a system that no entry of platforms ({distribution, majors}) describes. facts: those of the host."""
    platforms = list(platforms)
    if not platforms:
        return []
    distribution = str(facts.get("distribution", ""))
    major = str(facts.get("distribution_major_version", ""))
    supported = []
    for platform in platforms:
        name, majors = str(platform["distribution"]), [str(each) for each in platform.get("majors") or []]
        if distribution == name and (not majors or major in majors):
            return []
        supported += [f"{name} {each}" for each in majors] or [name]
    seen = f"{distribution} {facts.get('distribution_version') or major}".strip() or "of an unknown kind"
    return [f"This host is {seen}, and role {role} supports {' or '.join(supported)}: use such a host."]


def _overlap(one: str, other: str) -> bool:
    return one == other or bool(WILDCARDS & {one, other})


def _is_ours(listener: Mapping[str, Any], owners: Collection[str]) -> bool:
    unit = str(listener["unit"])
    # in a container the user may be all that can be seen
    names = {str(listener["process"]), unit, unit.rpartition(".")[0], unit.partition("@")[0], str(listener["user"])}
    # the kernel keeps 15 characters of a process name
    return any(owner in names or owner[:15] == listener["process"] for owner in owners)


def taken_ports(
    ports: Iterable[Mapping[str, Any]], listeners: Iterable[Mapping[str, Any]], owners: Collection[str]
) -> list[str]:
    """Refuse ports that a process of somebody else holds.

    ports: {port, protocol, service, address, variable}; listeners: what module listeners_info returns; owners: names of
    our own processes, units and users.
    """
    listeners = list(listeners)
    problems = []
    for wanted in ports:
        number, protocol = int(wanted["port"]), str(wanted.get("protocol") or "tcp")
        address = str(wanted.get("address") or "")
        holders: dict[str, list[str]] = {}
        for listener in listeners:
            same = (listener["port"], listener["protocol"]) == (number, protocol)
            if not same or not _overlap(address, str(listener["address"])) or _is_ours(listener, owners):
                continue
            if listener["pid"]:
                unit = f" of {listener['unit']}" if listener["unit"] else ""
                who = f"{listener['process']} (pid {listener['pid']}{unit})"
            else:
                who = f"a process of user {listener['user']} that cannot be seen from here"
            holders.setdefault(who, []).append(str(listener["address"]))
        for who, addresses in holders.items():
            service = f", wanted for {wanted['service']}," if wanted.get("service") else ""
            choice = f", or choose another port with {wanted['variable']}" if wanted.get("variable") else ""
            place = f"{who} on {', '.join(addresses)}"
            problems.append(f"Port {number}/{protocol}{service} is taken by {place}: stop that{choice}.")
    return problems


def failed_checks(checks: Iterable[Mapping[str, Any]]) -> list[str]:
    """Report the problem of every check ({that, problem}) that does not hold."""
    return [str(check["problem"]) for check in checks if not check["that"]]
