# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reading a configuration: Prosody's own parser runs in its own process, unprivileged; its answer becomes data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.locate import Locator
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody import configuration
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.installation import Installation, RunCommand
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.lua_json import readable

GLOBAL = "*"


class ConfigError(XmppError):
    """A configuration that Prosody cannot read: file, line and what Lua said."""

    def __init__(self, message: str, file: str = "", line: int = 0, reason: str = "") -> None:
        super().__init__(message)
        self.file, self.line, self.reason = file, line, reason


class Secret(str):
    """A value that came out of a file; the text is where it came from, never what it is."""


@dataclass(frozen=True)
class Opaque:
    """A value without a literal form: a function, a file."""

    kind: str


@dataclass(frozen=True)
class Table:
    """A Lua table: its pairs, the list part first and in order."""

    pairs: tuple[tuple[Any, Any], ...] = ()

    @property
    def values(self) -> list[Any]:
        return [value for _key, value in self.pairs]

    @property
    def items(self) -> list[Any]:
        """The list part: values of the keys 1, 2, 3…"""
        return [value for key, value in self.pairs if isinstance(key, int) and not isinstance(key, bool)]

    @property
    def named(self) -> dict[str, Any]:
        """The part with names for keys."""
        return {key: value for key, value in self.pairs if isinstance(key, str)}


@dataclass(frozen=True)
class Place:
    """A position in a configuration file; line 0 when it is not known."""

    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True)
class Problem:
    """Something the reader met on the way: code, what it is about, text, place."""

    code: str
    subject: str
    text: str
    place: Place


@dataclass
class Config:
    """A configuration as Prosody understands it.

    hosts: host → option → value; "*" is the global section. Tables are Table, values that came out of files Secret.
    declared: host → places of its VirtualHost or Component lines
    used: names of options that the configuration itself looks at, as one looks at a variable
    """

    path: str
    hosts: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    undefined: tuple[tuple[str, Place], ...] = ()
    used: frozenset[str] = frozenset()
    unset: tuple[tuple[str, str, Place], ...] = ()
    declared: dict[str, list[Place]] = field(default_factory=dict)
    assigned: dict[tuple[str, str], list[Place]] = field(default_factory=dict)
    lua: str = "5.4"
    lua_path: str = ""
    lua_cpath: str = ""
    locator: Locator = field(default_factory=Locator)

    def get(self, host: str, option: str, default: Any = None) -> Any:
        """Value that Prosody uses on a host: its own, else the global one."""
        own = self.hosts.get(host, {}).get(option)
        value = self.hosts.get(GLOBAL, {}).get(option) if own is None else own
        return default if value is None else value

    def component(self, host: str) -> str | None:
        """Module of a Component, None for a VirtualHost."""
        value = self.hosts.get(host, {}).get("component_module")
        return value if isinstance(value, str) else None

    def place(self, host: str, option: str, *keys: Any) -> Place:
        """Where an option (or a key inside it) is set, as exactly as it is known."""
        known = self.assigned.get((host, option))
        place = known[-1] if known else Place(self.path)
        line = self.locator.line(place.file, place.line, (option, *keys))
        return Place(place.file, line or place.line)


def _value(data: Any) -> Any:
    """A value with its type, as the reader tells it → as Python has it."""
    if isinstance(data, str):
        return readable(data)
    if not isinstance(data, dict):
        return data
    kind = data["t"]
    if kind == "table":
        return Table(tuple((_value(key), _value(value)) for key, value in data["v"]))
    if kind == "secret":
        return Secret(readable(data["v"]))
    if kind == "float":
        return float(data["v"])
    return Opaque(readable(kind))


def _texts(items: Iterable[str]) -> tuple[str, ...]:
    return tuple(readable(item) for item in items)


def _failure(reason: str, path: str) -> ConfigError:
    match = re.match(r"(?:\[string \"[^\"]*\"\]|(?P<file>[^:\n]+)):(?P<line>\d+): (?P<text>.*)", reason, re.DOTALL)
    if not match:
        return ConfigError(f"{path} cannot be read: {reason}", path, 0, reason)
    file, line, text = match["file"] or path, int(match["line"]), match["text"].strip().split("\n", 1)[0]
    return ConfigError(f"{file}:{line}: {text}", file, line, text)


def parse(data: Mapping[str, Any], path: str) -> Config:
    """Config out of the reader's answer. Raises ConfigError for a configuration that Prosody refuses."""
    if "fatal" in data:
        raise ConfigError(f"{path} was not read, Prosody's libraries do not load: {readable(data['fatal'])}", path)
    if "error" in data:
        raise _failure(readable(data["error"]), path)

    def place(record: Mapping[str, Any]) -> Place:
        return Place(readable(record.get("file") or path), record.get("line") or 0)

    # an empty table is an object in JSON, and iterates as nothing
    config = Config(
        path,
        hosts={
            readable(host): {readable(key): _value(value) for key, value in options.items()}
            for host, options in data["hosts"].items()
        },
        files=tuple(sorted(_texts(data["files"]))),
        warnings=_texts(data.get("warnings", ())),
        problems=tuple(
            Problem(one["code"], str(_value(one.get("subject", ""))), str(_value(one.get("text", ""))), place(one))
            for one in data["problems"]
        ),
        undefined=tuple((readable(one["name"]), place(one)) for one in data["undefined"]),
        used=frozenset(_texts(data.get("used", ()))),
        lua=data["lua"],
        lua_path=readable(data["path"]),
        lua_cpath=readable(data["cpath"]),
    )
    unset = []
    for one in data["assignments"]:
        host, key, at = readable(one["host"]), readable(str(one["key"])), place(one)
        if key in ("defined", "load_global_modules"):
            config.declared.setdefault(host, []).append(at)
        elif one["kind"] == "nil":
            unset.append((host, key, at))
        elif one["kind"] == "append":
            config.assigned.setdefault((host, key), [at])
        else:
            config.assigned.setdefault((host, key), []).append(at)
    config.unset = tuple(unset)
    return config


def read_config(
    path: str,
    *,
    run_command: RunCommand,
    installation: Installation,
    as_path: str | None = None,
    pending_files: Iterable[str] = (),
    timeout: int = 20,
    wrap: Sequence[str] | None = None,
) -> Config:
    """Read a configuration file with Prosody's own parser.

    as_path: path under which it will be installed; relative paths in it resolve against that directory
    pending_files: files it refers to that are about to be written
    timeout: seconds for the whole reading
    wrap: command that runs the interpreter with fewer rights; None: as the user prosody, where we are root
    Raises ConfigError: no such file, syntax error, error while it ran, timeout.
    """
    as_path = as_path or path
    try:
        content = Path(path).read_text(encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}", path) from error
    try:
        answer = configuration.judge(
            content, as_path, installation, run_command, pending=pending_files, timeout=timeout, wrap=wrap
        )
    except configuration.NoAnswer as error:
        raise ConfigError(str(error), as_path) from error
    config = parse(answer, as_path)
    staging = str(Path(path).parent) + "/"
    if Path(path).parent != Path(as_path).parent:  # what is staged beside the file may be for root only
        config.problems = tuple(
            problem
            for problem in config.problems
            if not (problem.subject.startswith(staging) and Path(problem.subject).is_file())
        )
    config.locator = Locator({as_path: content})
    return config
