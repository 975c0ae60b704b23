# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Parts of values by the paths that refusals begin with, such as prosody_hosts[0].name.

With them all that is wrong can be told at once: what was refused is left out, and the rest is looked at once more.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

#: a variable, then keys and indexes
Steps = tuple[Any, ...]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_INDEX = re.compile(r"\[([0-9]+)\]")
_PLAIN = re.compile(r"\.([A-Za-z0-9_-]+)")
#: keys by which things are called, or that bring such
_NAMING = frozenset({"name", "jid", "label", "components", "standard_components"})
_KEY_ENDS = frozenset(".[:, ()")


def begins_with(line: str, values: Any = None) -> Steps:
    """Return the path that a line begins with, empty without one.

    values: variable to value; keys that they have may be of any characters, others are words.
    """
    found = _NAME.match(line)
    if not found:
        return ()
    steps: list[Any] = [found[0]]
    held = (values or {}).get(found[0])
    rest = line[found.end() :]
    step: Any
    while rest:
        if index := _INDEX.match(rest):
            step, length = int(index[1]), index.end()
            held = held[step] if isinstance(held, (list, tuple)) and step < len(held) else None
        else:
            key = _key(rest, held)
            if key is None:
                break
            step, length = key, len(key) + 1
            held = held.get(key) if isinstance(held, Mapping) else None
        steps.append(step)
        rest = rest[length:]
    return tuple(steps)


def _key(rest: str, held: Any) -> str | None:
    """Return the key that a text such as ".name: it is" begins with: the longest of the mapping, or a word."""
    if not rest.startswith("."):
        return None
    held = held if isinstance(held, Mapping) else {}
    for key in sorted((key for key in held if isinstance(key, str)), key=len, reverse=True):
        after = rest[len(key) + 1 :][:1]
        if key and rest.startswith(f".{key}") and (not after or after in _KEY_ENDS):
            return key
    plain = _PLAIN.match(rest)
    return plain[1] if plain else None


def whole(steps: Steps) -> Steps:
    """Return the path of what has to be left out with a part: an item of a list that has no name is none."""
    named = len(steps) > 2 and steps[-1] in ("name", "jid") and isinstance(steps[-2], int)
    return steps[:-1] if named else steps


def without(values: Any, steps: Steps) -> Any:
    """Return the values without one part: an item of a list becomes null, so that the others keep their numbers."""
    if not steps:
        return None
    step, further = steps[0], steps[1:]
    if isinstance(values, Mapping) and step in values:
        rest = {key: held for key, held in values.items() if key != step or further}
        return {**rest, step: without(values[step], further)} if further else rest
    if isinstance(values, (list, tuple)) and isinstance(step, int) and step < len(values):
        return [*values[:step], without(values[step], further), *values[step + 1 :]]
    return values


def present(values: Any, steps: Steps) -> Steps:
    """Return as many of the steps as lead to something that is not null."""
    held = values
    for count, step in enumerate(steps):
        if isinstance(held, Mapping):
            held = held.get(step)
        elif isinstance(held, (list, tuple)) and isinstance(step, int) and step < len(held):
            held = held[step]
        else:
            held = None
        if held is None:
            return steps[:count]
    return steps


def touches(steps: Steps, gone: Iterable[Steps]) -> bool:
    """Whether a path is that of something that was left out, lies in it, or directly above it."""
    return any(
        part[: len(steps)] == steps[: len(part)] and (len(steps) >= len(part) or len(part) - len(steps) == 1)
        for part in gone
        if steps
    )


def identifies(part: Steps) -> bool:
    """Whether what was left out is a variable, an item of its list, or the name of one: others are told by it."""
    return len(part) == 1 or (len(part) == 2 and isinstance(part[1], int)) or bool(_NAMING.intersection(part))


def follows(line: str, gone: Collection[Steps], values: Any = None) -> bool:
    """Whether a line only says what comes of that which was left out, and was told already."""
    if not gone:
        return False
    steps = begins_with(line, values)
    if touches(steps, gone):
        return True
    named = set(_NAME.findall(line[len(steps[0]) :] if steps else line)) - set(steps[:1])
    return any(part[0] in named and identifies(part) for part in gone)
