# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Settings of postgresql.conf as an operator gives them, held against what PostgreSQL says of its own (pg_settings).

The server would refuse the same, but only once others may be changed already. Its rules of reading values are those of
src/backend/utils/misc/guc.c.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils import plain_yaml

_DATA = Path(__file__).with_name("settings.yml")
_NUMBER = re.compile(r"\s*([+-]?(?:0x[0-9a-fA-F]+|\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+))\s*([A-Za-z]*)\s*\Z")
_BASE = re.compile(r"(\d*)([A-Za-z]+)\Z")
# bytes, and microseconds
_MEMORY = {"B": 1, "kB": 2**10, "MB": 2**20, "GB": 2**30, "TB": 2**40}
_TIME = {"us": 1, "ms": 10**3, "s": 10**6, "min": 60 * 10**6, "h": 3600 * 10**6, "d": 86400 * 10**6}
_TRUTHS = frozenset(word[:end] for word in ("true", "false", "yes", "no") for end in range(1, 6)) | {
    *("on", "off", "of", "1", "0"),
}
# words that PostgreSQL takes as well and does not list
_HIDDEN = frozenset(("debug", "info", "archive", "hot_standby"))

# what the role, and whoever connects, takes from elsewhere
_NOT_HERE = {
    "port": "Prosody and the exporters look for PostgreSQL at 5432",
    "hba_file": "the role writes the one of the cluster",
    "data_directory": "the cluster lies where Debian puts it",
}


@lru_cache(maxsize=1)
def _known() -> dict[str, tuple[str, str]]:
    """All settings: name in small letters → name, and what it takes (see settings.yml)."""
    given: dict[str, str] = plain_yaml.parsed(_DATA.read_text(encoding="utf-8"))
    return {name.lower(): (name, takes) for name, takes in given.items()}


def option_problems(options: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what PostgreSQL would not take of postgresql_options, as failed conditions in the form of preflight.

    A name with a dot in it belongs to an extension, and may be anything. No value is told.
    """
    return [{"that": False, "problem": line} for name, value in options.items() for line in _problems(name, value)]


def _problems(name: str, value: Any) -> Iterator[str]:
    path = f"postgresql_options.{name}"
    if "." in name:
        return
    found = _known().get(name.lower())
    if found is None:
        near = difflib.get_close_matches(name.lower(), _known(), n=1)
        advice = f"did you mean {_known()[near[0]][0]}?" if near else "remove it."
        yield f"{path}: PostgreSQL 17 has no such setting: {advice}"
        return
    if reason := _NOT_HERE.get(name.lower()):
        yield f"{path} cannot be set here: {reason}."
        return
    if value is None or isinstance(value, (Mapping, list, tuple)):
        yield f"{path} is no single value: write one, as in postgresql.conf."
        return
    text = ("on" if value else "off") if isinstance(value, bool) else str(value)
    kind, _blank, rest = found[1].partition(" ")
    if kind == "bool" and text.strip().lower() not in _TRUTHS:
        yield f"{path} is neither on nor off: write true or false."
    elif kind == "enum":
        words = rest.split("|")
        if text.lower() not in {*words, *(word.lower() for word in words)} | _HIDDEN and not (
            "on" in words and text.lower() in _TRUTHS
        ):
            yield f"{path} is none of {', '.join(word for word in words if word)}: choose one of them."
    elif kind in ("integer", "real"):
        yield from _number_problems(path, text, *rest.split(" "))


def _number_problems(path: str, text: str, unit: str, least: str, greatest: str) -> Iterator[str]:
    base = _BASE.match(unit)
    units = _MEMORY if base and base[2] in _MEMORY else _TIME if base else {}
    read = _NUMBER.match(text)
    if not read:
        form = f"a number, with {', '.join(units)} behind it where that is meant" if units else "a number"
        yield f"{path} is no number: write {form}."
        return
    if read[2] and read[2] not in units:
        taken = f"it takes {', '.join(units)}, in just these letters" if units else "it takes none"
        yield f"{path} has a unit that PostgreSQL does not know there: {taken}."
        return
    number = float(int(read[1], 16)) if "x" in read[1].lower() else float(read[1])
    if read[2] and base:
        number *= units[read[2]] / (int(base[1] or 1) * units[base[2]])
    if not float(least) <= round(number, 6) <= float(greatest):
        in_units = f" {unit}" if base else ""
        yield f"{path} is out of range: PostgreSQL takes {least} to {greatest}{in_units}."
