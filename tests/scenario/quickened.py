# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules whose time runs faster, so that what takes a day can be seen in minutes. Expressions and thresholds stay."""

from __future__ import annotations

import re
from typing import Any

import yaml

FACTOR = 60
# A range needs a few fetches (one comes every 5 s), a `for` one evaluation more; and a test has no history of an hour
LEAST_RANGE, LEAST_OFFSET, MOST_OFFSET, LEAST_FOR, MOST_FOR = 30, 30, 40, 5, 10

_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31536000}
_PART = re.compile(r"([0-9]+)(ms|[smhdwy])")
# a text, or a range, or an offset
_TIMES = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|\[(?P<range>\w+)\]|\boffset\s+(?P<offset>\w+)")


def seconds(duration: str) -> float:
    """In: a duration of Prometheus. Raises ValueError where it is none."""
    parts = _PART.findall(duration)
    if not parts or "".join(number + unit for number, unit in parts) != duration:
        raise ValueError(f"{duration!r} is no duration")
    return sum(int(number) * _SECONDS[unit] for number, unit in parts)


def _shorter(duration: str, least: int, most: float) -> str:
    return f"{round(min(max(seconds(duration) / FACTOR, least), most))}s"


def quickened_expression(expression: str) -> str:
    """Out: the expression with shorter ranges and offsets, and everything else as it was."""

    def replace(match: re.Match[str]) -> str:
        if match["range"]:
            return f"[{_shorter(match['range'], LEAST_RANGE, float('inf'))}]"
        return f"offset {_shorter(match['offset'], LEAST_OFFSET, MOST_OFFSET)}" if match["offset"] else match[0]

    return _TIMES.sub(replace, expression)


def quickened(text: str) -> str:
    """In: rules as YAML. Out: the same rules with shorter times, as YAML."""
    groups: list[dict[str, Any]] = yaml.safe_load(text)["groups"]
    for group in groups:
        for rule in group["rules"]:
            rule["expr"] = quickened_expression(rule["expr"])
            if "for" in rule:
                rule["for"] = _shorter(rule["for"], LEAST_FOR, MOST_FOR)
    return yaml.safe_dump({"groups": groups}, sort_keys=False)
