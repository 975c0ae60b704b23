# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names of variables and groups that nobody reads, because they are misspelt.

With the prefix of a role every name must be one of its variables. Beyond that an inventory holds names of other people
too, so only what is nearly one of ours is refused, and xmpp_own_names says which of these are meant.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping
from typing import Any

#: the variable that lists names of variables and groups which only look like ours
OWN = "xmpp_own_names"

#: how people call a group of ours
_CALLED: dict[str, tuple[str, ...]] = {
    "postgresql": ("postgres", "pgsql", "psql", "postgres_servers", "postgresql_servers"),
    "coturn": ("turn", "stun", "turnserver", "turnservers", "turn_servers", "coturn_servers"),
    "prosody": ("prosody_servers", "xmpp_servers"),
    "monitoring": ("monitor", "monitors", "monitoring_servers"),
    "proxy": ("xmpp_proxy",),
    "firewall": ("firewalls", "xmpp_firewall"),
}

#: the groups that the playbooks read
GROUPS = tuple(_CALLED)

#: a name shorter than this is one letter away from too many
_LONG_ENOUGH = 8

#: how people begin a variable of ours
_BEGUN = {
    "postgres": "postgresql",
    "pgsql": "postgresql",
    "turn": "coturn",
    "monitor": "monitoring",
    "cert": "certificates",
}


def distance(one: str, other: str) -> int:
    """Count the letters to put in, take out, exchange or swap with a neighbour to make one text of the other."""
    before: list[int] = []
    last = list(range(len(other) + 1))
    for row, left in enumerate(one, 1):
        line = [row]
        for column, right in enumerate(other, 1):
            cost = min(last[column] + 1, line[column - 1] + 1, last[column - 1] + (left != right))
            if row > 1 and column > 1 and left == other[column - 2] and one[row - 2] == right:
                cost = min(cost, before[column - 2] + 1)
            line.append(cost)
        before, last = last, line
    return last[-1]


def _near(name: str, other: str) -> bool:
    if abs(len(name) - len(other)) > 2:
        return False
    return distance(name, other) <= (2 if len(other) >= 8 else 1)


def options_of(spec: Any) -> dict[str, Any]:
    """Return the variables of a role with their descriptions: those of all entries of its meta/argument_specs.yml."""
    entries = (spec or {}).get("argument_specs") or {}
    return {
        name: option or {}
        for entry in entries.values()
        for name, option in ((entry or {}).get("options") or {}).items()
    }


def renamed_variables(given: Iterable[str], renamed: Mapping[str, str]) -> list[str]:
    """Refuse variables that have another name by now. renamed: old name to new name."""
    return [
        f"{name} is called {renamed[name]} now: rename it where you set it."
        for name in sorted(given)
        if name in renamed
    ]


def _at(name: str, origins: Mapping[str, str]) -> str:
    return f"{name} (set in {origins[name]})" if origins.get(name) else name


def unknown_variables(
    given: Iterable[str],
    known: Collection[str],
    role: str,
    origins: Mapping[str, str] | None = None,
    own: Collection[str] = (),
) -> list[str]:
    """Refuse variables with the prefix of a role that the role does not have.

    given: all variables of the host; known: the options of the role; origins: variable to the place where it is set;
    own: names that the operator says are not meant for us.
    """
    problems = []
    for name in sorted(given):
        if not name.startswith(f"{role}_") or name in known or name in own:
            continue
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
        advice = f"did you mean {near[0]}?" if near else f"remove it, or add it to {OWN} if it is yours."
        problems.append(f"Role {role} has no variable {_at(name, origins or {})}: {advice}")
    return problems


def _first_word(name: str) -> str:
    return name.partition("_")[0]


def misspelt_variables(
    given: Iterable[str],
    known: Collection[str],
    role: str,
    origins: Mapping[str, str],
    own: Collection[str] = (),
    used: Collection[str] = (),
    absent: Collection[str] = (),
) -> list[str]:
    """Refuse variables that are nearly one of ours: of the shared vocabulary (xmpp_), of `role`, or of one in `absent`.

    given: variables that the operator sets; known: all variables of the collection; used: names that occur in values of
    others, so that somebody reads them; absent: roles that no host has, so that nobody else tells of theirs.
    """
    given = set(given)
    mine = {"xmpp", role}
    ours = {*mine, *absent}
    problems = []
    for name in sorted(given - set(known) - set(own) - set(used)):
        first = _first_word(name)
        meant = _BEGUN.get(first, first)
        if name.startswith(("_", "ansible_", f"{role}_")):
            continue
        if not any(_near(meant, prefix) for prefix in ours):
            full = meant + name[len(first) :]
            if meant != first and full in known:
                problems.append(_misspelt(name, full, origins))
            elif meant != first and full.startswith(f"{meant}_") and (called := _closest(full, known, given)):
                # what another role is to tell, in the same words, also where that one is not looked at
                problems.append(_misspelt(name, called, origins))
            elif near_one := _without_prefix(name, known, given, mine):
                problems.append(_misspelt(name, near_one, origins))
            continue
        full = meant + name[len(first) :]
        near = sorted((distance(full, each), each) for each in known if _first_word(each) in ours and _near(full, each))
        if first == "xmpp" and not near and role + name[len(first) :] in known:
            near = [(0, role + name[len(first) :])]
        # somebody who sets xmpp_domain may well have a list xmpp_domains of his own
        near = [
            (far, each)
            for far, each in near
            if each not in given or (far == 0 and meant != first) or (far == 1 and name.rstrip("s") != each)
        ]
        if near:
            problems.append(_misspelt(name, near[0][1], origins))
    return problems


def absent_roles(groups: Mapping[str, Collection[str]]) -> list[str]:
    """Return the roles whose group has no host. groups: group to its hosts."""
    return [name for name in GROUPS if not groups.get(name)]


def _closest(name: str, known: Collection[str], given: Collection[str]) -> str:
    found = min(((distance(name, each), each) for each in known if _near(name, each) and each not in given), default=())
    return str(found[1]) if found else ""


def _misspelt(name: str, meant: str, origins: Mapping[str, str]) -> str:
    return f"There is no variable {_at(name, origins)}: did you mean {meant}? If it is yours, add it to {OWN}."


def _without_prefix(name: str, known: Collection[str], given: Collection[str], ours: Collection[str]) -> str:
    """Return the variable of ours that a name is without the prefix, or one letter away from that; else nothing.

    One word alone, such as options or domain, is what anybody may call something, and so is the beginning of a role.
    """
    if "_" not in name or len(name) < _LONG_ENOUGH or _first_word(name) in {_first_word(each) for each in known}:
        return ""
    for each in sorted(known):
        prefix, _joint, bare = each.partition("_")
        if prefix in ours and "_" in bare and each not in given and distance(name, bare) <= 1:
            return each
    return ""


def misspelt_groups(
    groups: Mapping[str, Collection[str]], known: Iterable[str], own: Collection[str] = ()
) -> list[str]:
    """Refuse groups with hosts that are nearly one of ours while that one has none. groups: group to its hosts."""
    problems = []
    known = list(known)
    for name in sorted(set(groups) - set(known) - set(own) - {"all", "ungrouped"}):
        for real in known:
            called = name.lower().replace("-", "_")
            if groups[name] and not groups.get(real) and (_near(called, real) or called in _CALLED.get(real, ())):
                problems.append(
                    f"There is a group {name} and no host in group {real}, which is what the collection reads: "
                    f"did you mean {real}? If the group is yours, add it to {OWN}."
                )
    return problems
