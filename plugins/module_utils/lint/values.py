# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Values: type, enumeration and range as core/moduleapi.lua judges them at run time."""

from __future__ import annotations

import math
import re
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.config import Opaque, Secret, Table
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.expressions import TableLiteral
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.source import OptionRead
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody import listening

_DAY = 86400
_UNITS = {"d": _DAY, "w": 7 * _DAY, "mon": 31 * _DAY, "y": 365.2425 * _DAY, "s": 1, "min": 60, "h": 3600, "ho": 3600}

WRONG_TYPE, WRONG_VALUE, OUT_OF_RANGE, AMBIGUOUS = "wrong-type", "wrong-value", "out-of-range", "ambiguous-period"

_KIND_WORDS = {
    "boolean": "true or false",
    "flag": "true or false, without quotes",
    "string": "a text",
    "number": "a number",
    "integer": "a whole number",
    "period": 'a period such as "2 days" or "10 minutes"',
    "array": "a list",
    "set": "a list",
    "inherited_set": "a list",
    "path": "a path",
    "scalar": "one value, no list",
    "ports": "a list of port numbers",
    "interfaces": "a list of addresses",
}


def duration(text: str) -> float | None:
    """Seconds of a period as util/human/io.lua parses it; None where it does not ("5m" may be months or minutes)."""
    match = re.search(r"(\d+)\s*([smhdwy]?[io]?n?)", text.lower())
    if not match or match[2] not in _UNITS:
        return None
    return int(match[1]) * _UNITS[match[2]]


def number(value: Any) -> float | None:
    """As Lua's tonumber(): numbers, and texts that hold one."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return value
    if isinstance(value, str) and not isinstance(value, Secret):
        try:
            return float(int(value.strip(), 16)) if value.strip().lower().startswith("0x") else float(value.strip())
        except ValueError:
            return None
    return None


def _scalar(value: Any) -> Any:
    """What get_option_scalar makes of a value: the first of a list."""
    if isinstance(value, Table) and len(value.items) == 1 and not value.named:
        return value.items[0]
    return value


def _bound(value: Any) -> float | None:
    if isinstance(value, str):
        return duration(value)
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _range(value: float, read: OptionRead) -> tuple[str, str] | None:
    minimum, maximum = _bound(read.minimum), _bound(read.maximum)
    if read.default is not None and not isinstance(read.default, (str, TableLiteral)) and value == read.default:
        return None
    if minimum is not None and value < minimum:
        return OUT_OF_RANGE, f"at least {read.minimum}"
    if maximum is not None and value > maximum:
        return OUT_OF_RANGE, f"at most {read.maximum}"
    return None


def _period(value: Any, read: OptionRead) -> tuple[str, str] | None:
    if value is False or value == "never":
        return None
    if isinstance(value, str):
        seconds = duration(value)
        if seconds is None:
            digits = re.search(r"\d+", value)
            if digits:
                return (
                    AMBIGUOUS,
                    f'a period with its unit in full, "{digits[0]} minutes" or "{digits[0]} months" for instance',
                )
            return WRONG_TYPE, _KIND_WORDS["period"]
        return _range(seconds, read)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return WRONG_TYPE, _KIND_WORDS["period"]
    return None if value < 0 else _range(value, read)


def _ports(value: Any) -> tuple[str, str] | None:
    for item in value.values if isinstance(value, Table) else [value]:
        if number(item) is None:
            return WRONG_TYPE, _KIND_WORDS["ports"]
        if listening.number(item) is None:
            return OUT_OF_RANGE, "whole port numbers from 1 to 65535"
    return None


def judge(value: Any, read: OptionRead) -> tuple[str, str] | None:
    """What one reading of an option says about a value: None when it takes it, else code and what it expects."""
    kind = read.kind
    if isinstance(value, Opaque):
        return None
    if kind == "ports":
        return _ports(value)
    if kind == "interfaces":
        items = value.values if isinstance(value, Table) else [value]
        return None if all(isinstance(item, str) for item in items) else (WRONG_TYPE, _KIND_WORDS[kind])
    if kind in ("array", "set", "inherited_set"):
        if isinstance(value, Table) and value.named and not value.items:
            return WRONG_TYPE, "a list without names for its items"
        return None
    if kind in ("any", "ssl"):
        wants_table = isinstance(read.default, TableLiteral) or read.keys or kind == "ssl"
        if wants_table and kind != "ssl" and isinstance(value, (str, int, float)) and read.scope != "ignored":
            return WRONG_TYPE, "a table"
        return None
    if kind == "flag":
        return None if isinstance(value, bool) else (WRONG_TYPE, _KIND_WORDS[kind])
    value = _scalar(value)
    if isinstance(value, Table):
        return (WRONG_TYPE, _KIND_WORDS.get(kind, "one value")) if value.pairs else None
    if isinstance(value, Secret):
        return None
    if kind == "boolean":
        if (
            value in ("true", "false")
            or isinstance(value, bool)
            or (isinstance(value, (int, float)) and value in (0, 1))
        ):
            return None
        return WRONG_TYPE, _KIND_WORDS[kind]
    if kind in ("string", "path"):
        return (WRONG_TYPE, _KIND_WORDS[kind]) if isinstance(value, bool) else None
    if kind in ("number", "integer"):
        found = number(value)
        if found is None:
            return WRONG_TYPE, _KIND_WORDS[kind]
        if kind == "integer" and not math.isinf(found) and found != int(found):
            return WRONG_TYPE, _KIND_WORDS[kind]
        return _range(found, read)
    if kind == "period":
        return _period(value, read)
    if kind == "enum" and read.choices is not None:
        allowed = [choice for choice in read.choices if choice is not None]
        if not any(type(choice) is type(value) and choice == value for choice in allowed):
            return WRONG_VALUE, "one of " + ", ".join(
                f'"{item}"' if isinstance(item, str) else str(item).lower() for item in allowed
            )
    return None
