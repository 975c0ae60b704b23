# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Units of systemd as the roles write them: what a file says, and when a timer elapses next. Pure.

Only what our units say is understood (systemd.service(5), systemd.exec(5), systemd.timer(5)); sandboxes are left to the
container in which they run. Standard library only.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Section = Mapping[str, Sequence[str]]

_UNITS = {
    "us": 1e-6,
    "ms": 1e-3,
    "": 1.0,
    "s": 1.0,
    "sec": 1.0,
    "second": 1.0,
    "m": 60.0,
    "min": 60.0,
    "minute": 60.0,
    "h": 3600.0,
    "hr": 3600.0,
    "hour": 3600.0,
    "d": 86400.0,
    "day": 86400.0,
    "w": 604800.0,
    "week": 604800.0,
}
_LEVELS = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")


class UnitError(Exception):
    """A unit that says what is not understood here."""


def read(text: str) -> dict[str, dict[str, list[str]]]:
    """In: a unit file. Out: section → key → its values in order. An empty value takes those before it back."""
    found: dict[str, dict[str, list[str]]] = {}
    section: dict[str, list[str]] = {}
    joined = re.sub(r"[ \t]*\\\n\s*", " ", text)
    for line in map(str.strip, joined.splitlines()):
        if not line or line[0] in "#;":
            continue
        if line.startswith("[") and line.endswith("]"):
            section = found.setdefault(line[1:-1], {})
            continue
        key, equals, value = line.partition("=")
        if not equals:
            raise UnitError(f"{line[:60]!r} is no line of a unit")
        values = section.setdefault(key.strip(), [])
        if value.strip():
            values.append(value.strip())
        else:
            values.clear()
    return found


def _last(section: Section, key: str, default: str = "") -> str:
    """The value that counts of a key that has one."""
    return (section.get(key) or [default])[-1]


def seconds(text: str) -> float | None:
    """In: a span such as 90, 15min or 1h 30min (systemd.time(7)). Out: its seconds; None for infinity.

    Raises UnitError.
    """
    if text.strip() == "infinity":
        return None
    pieces = re.findall(r"([0-9]+(?:[.][0-9]+)?)\s*([a-z]*)\s*", text.strip())
    if not pieces or re.sub(r"([0-9]+(?:[.][0-9]+)?)\s*([a-z]*)\s*", "", text.strip()):
        raise UnitError(f"{text!r} is no span of time")
    total = 0.0
    for number, unit in pieces:
        known = _UNITS.get(unit, _UNITS.get(unit.removesuffix("s")))
        if known is None:
            raise UnitError(f"{text!r}: {unit} is no unit of time")
        total += float(number) * known
    return total


@dataclass(frozen=True)
class Timer:
    """When something runs. Spans are seconds; calendar are expressions of systemd.time(7)."""

    unit: str
    after_start: float | None = None
    after_begin: float | None = None
    after_end: float | None = None
    calendar: tuple[str, ...] = ()
    spread: float = 0.0
    persistent: bool = False


def timer(name: str, text: str) -> Timer:
    """In: the name of a timer and its file. Out: when it elapses. Raises UnitError for one that never would."""
    section = read(text).get("Timer", {})

    def span(*keys: str) -> float | None:
        given = [value for key in keys for value in section.get(key, [])]
        return min((seconds(value) or 0.0 for value in given), default=None)

    made = Timer(
        _last(section, "Unit", name.removesuffix(".timer") + ".service"),
        # what counts from boot counts from the start of the keeper, which is as near as it gets
        span("OnActiveSec", "OnBootSec", "OnStartupSec"),
        span("OnUnitActiveSec"),
        span("OnUnitInactiveSec"),
        tuple(section.get("OnCalendar", [])),
        span("RandomizedDelaySec") or 0.0,
        is_yes(_last(section, "Persistent", "no")),
    )
    if not made.calendar and (made.after_start, made.after_begin, made.after_end) == (None, None, None):
        raise UnitError(f"{name} says nothing of when it elapses")
    return made


@dataclass(frozen=True)
class Times:
    """Moments in seconds of one clock. started: of the timer; begun, ended: of what it last ran, None for never."""

    started: float
    begun: float | None = None
    ended: float | None = None


def elapses(given: Timer, times: Times, calendar: Sequence[float]) -> float | None:
    """When it elapses next, calendar: the next moment of each of its expressions. None: not any more."""
    moments = list(calendar)
    # once for each start of the timer
    if given.after_start is not None and (times.begun is None or times.begun < times.started):
        moments.append(times.started + given.after_start)
    if given.after_begin is not None and times.begun is not None:
        moments.append(times.begun + given.after_begin)
    if given.after_end is not None and times.ended is not None:
        moments.append(times.ended + given.after_end)
    return min(moments, default=None)


@dataclass(frozen=True)
class Service:
    """What is run. prepare, run, after: commands in order, each whether its failure counts, and its words."""

    user: str = ""
    group: str = ""
    groups: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    environment_files: tuple[tuple[bool, str], ...] = ()
    directory: str = "/"
    umask: int = 0o022
    nice: int = 0
    timeout: float | None = 90.0
    level: int = 6
    level_max: int = 7
    prepare: tuple[tuple[bool, tuple[str, ...]], ...] = ()
    run: tuple[tuple[bool, tuple[str, ...]], ...] = ()
    after: tuple[tuple[bool, tuple[str, ...]], ...] = ()


def service(name: str, text: str) -> Service:
    """In: the name of a service that ends by itself, and its file. Out: what is run. Raises UnitError."""
    section = read(text).get("Service", {})
    if _last(section, "Type", "simple") != "oneshot":
        raise UnitError(f"{name} is no oneshot, and others are containers of their own here")
    if not section.get("ExecStart"):
        raise UnitError(f"{name} has no ExecStart")
    variables = {}
    for words in section.get("Environment", []):
        for word in shlex.split(words):
            key, _equals, value = word.partition("=")
            variables[key] = value
    files = tuple((not value.startswith("-"), value.removeprefix("-")) for value in section.get("EnvironmentFile", []))
    groups = tuple(word for value in section.get("SupplementaryGroups", []) for word in value.split())
    return Service(
        _last(section, "User"),
        _last(section, "Group"),
        groups,
        variables,
        files,
        _last(section, "WorkingDirectory", "/"),
        int(_last(section, "UMask", "0022"), 8),
        int(_last(section, "Nice", "0")),
        # a oneshot has no limit where none is said (systemd.service(5))
        seconds(_last(section, "TimeoutStartSec", "infinity")),
        _LEVELS.index(_last(section, "SyslogLevel", "info")),
        _LEVELS.index(_last(section, "LogLevelMax", "debug")),
        *(tuple(map(command, section.get(key, []))) for key in ("ExecStartPre", "ExecStart", "ExecStartPost")),
    )


def command(text: str) -> tuple[bool, tuple[str, ...]]:
    """In: a value of ExecStart. Out: whether its failure counts, and its words. Raises UnitError."""
    signs = re.match(r"[-@:+!]*", text)
    prefix = signs.group() if signs else ""
    if set(prefix) - {"-"}:
        raise UnitError(f"{prefix} before a command is not understood")
    words = tuple(word.replace("%%", "%") for word in shlex.split(text[len(prefix) :]))
    if any("$" in word for word in words):
        raise UnitError(f"variables in {text[:60]!r} are not understood")
    return "-" not in prefix, words


def environment(text: str) -> dict[str, str]:
    """In: a file of EnvironmentFile. Out: its variables."""
    found = {}
    for line in map(str.strip, text.splitlines()):
        if line and line[0] not in "#;" and "=" in line:
            key, _equals, value = line.partition("=")
            found[key.strip()] = "".join(shlex.split(value)) if value[:1] in "\"'" else value
    return found


def is_yes(text: str) -> bool:
    """Whether systemd takes it for a yes."""
    return text.lower() in ("1", "yes", "y", "true", "t", "on")


def line(text: str, default: int) -> tuple[int, str]:
    """In: what a program wrote, perhaps with a level as sd-daemon(3) has it. Out: the level, and the text."""
    if len(text) > 2 and text[0] == "<" and text[2] == ">" and text[1] in "01234567":
        return int(text[1]), text[3:]
    return default, text
