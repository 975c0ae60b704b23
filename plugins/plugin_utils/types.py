# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Values held against the description of a variable in meta/argument_specs.yml.

Stricter than Ansible, which would convert for its check and then hand the role what was given: a text is a text, true
is true. Digits count as a number, because values from the command line and from templates are texts. No line holds a
value: one that stands in the wrong place may be a password.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from typing import Any

#: from a value to the file and line where it was set, or to nothing
Place = Callable[[Any], str]

#: stands for a part that could not be worked out, which is told elsewhere
HOLE: Any = object()

_NUMBER = re.compile(r"[+-]?[0-9]+\Z")
_DECIMAL = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?\Z")
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_-]*\Z")

_WANTED = {
    "str": "a text",
    "path": "a path",
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "list": "a list",
    "dict": "a mapping",
}
_ADVICE = {
    "str": "put it between quotes",
    "path": "put it between quotes",
    "bool": "write true or false, without quotes",
    "int": "write digits",
    "float": "write digits",
    "list": "write each item on a line of its own after a hyphen, or all of them in brackets",
    "dict": "write a line with a key and its value for each, or {} for none",
}


def kind(value: Any) -> str:
    """Name the type of a value, and nothing of what it holds."""
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, str):
        return "a text"
    if isinstance(value, Mapping):
        return "a mapping"
    return "a list" if isinstance(value, (list, tuple)) else "something else"


def _fits(value: Any, wanted: str) -> bool:
    if wanted in ("str", "path"):
        return isinstance(value, str)
    if wanted == "bool":
        return isinstance(value, bool)
    if wanted == "int":
        return (isinstance(value, int) and not isinstance(value, bool)) or (
            isinstance(value, str) and bool(_NUMBER.match(value.strip()))
        )
    if wanted == "float":
        return (isinstance(value, (int, float)) and not isinstance(value, bool)) or (
            isinstance(value, str) and bool(_DECIMAL.match(value.strip()))
        )
    if wanted == "list":
        return isinstance(value, (list, tuple))
    if wanted == "dict":
        return isinstance(value, Mapping)
    return True


#: what people write for a key that is called otherwise
_MEANT = {"title": "name", "titel": "name"}


def nearest(name: str, known: Any) -> str:
    """Return the known name that is most like `name`, or that is meant by it, or nothing."""
    names = [str(each) for each in known]
    meant = _MEANT.get(name.lower())
    # a key that is as good as written goes before one that people call so elsewhere
    for cutoff, other in ((0.8, meant), (0.6, "")):
        if found := difflib.get_close_matches(name, names, n=1, cutoff=cutoff):
            return found[0]
        if other in names:
            return str(other)
    return ""


def _at(path: str, value: Any, place: Place) -> str:
    where = place(value)
    return f"{path} (set in {where})" if where else path


def problems(path: str, value: Any, option: Mapping[str, Any], place: Place, outer: str = "") -> list[str]:
    """Say what of a value does not fit its description, a line each.

    path: what the value is called, such as prosody_accounts[0].password; option: its description, with the keys type,
    elements, choices, required and options of an argument spec; place: says where a value was set; outer: said of
    values that know no place of their own.
    """
    if value is HOLE:
        return []
    wanted = str(option.get("type") or "str")

    def here(held: Any) -> str:
        return place(held) or outer

    at = _at(path, value, here)
    if not _fits(value, wanted):
        if value is None:
            return [f"{at} is empty where {_WANTED[wanted]} belongs: {_instead_of_nothing(option, wanted)}."]
        if wanted == "str" and option.get("choices") and not isinstance(value, (list, tuple, Mapping)):
            return [f"{at} is {kind(value)} where a word belongs: choose one of {_named(option['choices'])}."]
        advice = _ADVICE[wanted]
        if wanted in ("str", "path") and isinstance(value, (list, tuple, Mapping)):
            advice = "write one text"
        if wanted in ("bool", "list", "dict") and isinstance(value, str):
            advice += "; on the command line -e takes JSON for that"
        if wanted == "bool" and isinstance(value, str) and value.lower() in ("true", "false"):
            advice += f", and an inventory in the form of INI wants {value.capitalize()}"
        return [f"{at} is {kind(value)} where {_WANTED[wanted]} belongs: {advice}."]
    if "choices" in option:
        return _choices(at, value, option["choices"])
    where = here(value)
    if isinstance(value, (list, tuple)):
        return _items(path, value, option, place, where)
    if isinstance(value, Mapping) and option.get("options"):
        return _keys(path, value, option["options"], place, where)
    return []


def _instead_of_nothing(option: Mapping[str, Any], wanted: str) -> str:
    """Say what to write where there is nothing; a text without characters only where that is what it is by itself."""
    if option.get("choices"):
        return f"choose one of {_named(option['choices'])}, or remove the line"
    if wanted in ("list", "dict"):
        return f"write {'[]' if wanted == 'list' else '{}'} for none, or remove the line"
    if wanted == "str" and option.get("default") == "":
        return 'write "" for none, or remove the line'
    return "give one" if option.get("required") else "give one, or remove the line"


def _named(choices: Any) -> str:
    return ", ".join(str(choice) for choice in choices)


def unknown_or_unfit(path: str, value: Mapping[str, Any], options: Mapping[str, Any]) -> list[str]:
    """Say what of the keys of an entry does not fit, as `problems` does, where the places of values are not known."""
    return problems(path, value, {"type": "dict", "options": options}, lambda _value: "")


def repaired(value: Any, option: Mapping[str, Any], steps: tuple[Any, ...]) -> tuple[Any, list[tuple[Any, ...]]]:
    """Leave out of a value what does not fit its description.

    Out: the value with null in the place of each such part, and where these were, as steps that begin with `steps`. A
    mapping that lacks what it must have is one part.
    """
    if value is HOLE or not _fits(value, str(option.get("type") or "str")):
        return None, [steps]
    if isinstance(value, (list, tuple)):
        return _repaired_items(value, option, steps)
    if "choices" in option and value not in option["choices"]:
        return None, [steps]
    if not isinstance(value, Mapping):
        return value, []
    options = option.get("options")
    if not options:
        parts = {key: repaired(held, {"type": "raw"}, (*steps, key)) for key, held in value.items()}
    else:
        if any((each or {}).get("required") and value.get(key) is None for key, each in options.items()):
            return None, [steps]
        parts = {
            key: (None, []) if held is None else repaired(held, options[key] or {}, (*steps, key))
            for key, held in value.items()
            if key in options
        }
    unknown = [(*steps, key) for key in value if options and key not in options]
    return {key: part for key, (part, _gone) in parts.items()}, unknown + [
        where for _part, gone in parts.values() for where in gone
    ]


def _repaired_items(
    values: Any, option: Mapping[str, Any], steps: tuple[Any, ...]
) -> tuple[Any, list[tuple[Any, ...]]]:
    elements: dict[str, Any] = {name: option[name] for name in ("choices", "options") if option.get(name)}
    elements["type"] = option.get("elements") or ("dict" if option.get("options") else "raw")
    parts = [repaired(item, elements, (*steps, index)) for index, item in enumerate(values)]
    return [part for part, _gone in parts], [where for _part, gone in parts for where in gone]


def _choices(at: str, value: Any, choices: Any) -> list[str]:
    named = _named(choices)
    lines = []
    for given in value if isinstance(value, (list, tuple)) else [value]:
        if given in choices:
            continue
        near = nearest(str(given), choices) if isinstance(given, str) else ""
        lines.append(f"{at} is none of {named}: {f'did you mean {near}?' if near else 'choose one of them.'}")
    return list(dict.fromkeys(lines))


def _items(path: str, values: Any, option: Mapping[str, Any], place: Place, outer: str) -> list[str]:
    elements = {"type": option.get("elements") or ("dict" if option.get("options") else "raw")}
    if option.get("options"):
        elements["options"] = option["options"]
    return [
        line for index, item in enumerate(values) for line in problems(f"{path}[{index}]", item, elements, place, outer)
    ]


def _keys(path: str, value: Mapping[Any, Any], options: Mapping[str, Any], place: Place, outer: str) -> list[str]:
    lines = []
    meant = {nearest(str(key), options) for key in value if key not in options}
    for key, held in value.items():
        if key not in options:
            lines.append(_unknown_key(path, key, held, options, place, outer))
        elif held is not None:
            lines += problems(f"{path}.{key}", held, options[key] or {}, place, outer)
    at = _at(path, value, lambda held: place(held) or outer)
    for key, option in options.items():
        if (option or {}).get("required") and value.get(key) is None and key not in meant:
            lines.append(f"{at} has no {key}: give it.")
    return lines


def _unknown_key(path: str, key: Any, held: Any, options: Mapping[str, Any], place: Place, outer: str) -> str:
    """A key without a value may be a value that somebody took for one, so it is told only where it is like a key."""
    at = _at(path, key, lambda found: place(found) or place(held) or outer)
    near = nearest(str(key), options)
    known = ", ".join(options)
    told = near or (isinstance(key, str) and _PLAIN.match(key) and held is not None)
    what = f"has a key {key}, which there is not" if told else "has a key that there is not"
    return f"{at} {what}: {f'did you mean {near}?' if near else f'the keys are {known}.'}"
