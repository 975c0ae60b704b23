# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reading a configuration: Prosody's own parser runs in its own process, unprivileged; its answer becomes data."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.locate import Locator
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.reader import SCRIPT
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.installation import Installation, RunCommand

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
    if not isinstance(data, dict):
        return data
    kind = data["t"]
    if kind == "table":
        return Table(tuple((_value(key), _value(value)) for key, value in data["v"]))
    if kind == "secret":
        return Secret(data["v"])
    if kind == "float":
        return float(data["v"].replace("nan", "nan"))
    return Opaque(kind)


def _failure(data: dict[str, Any], path: str) -> ConfigError:
    reason = data["error"]
    match = re.match(r"(?:\[string \"[^\"]*\"\]|(?P<file>[^:\n]+)):(?P<line>\d+): (?P<text>.*)", reason, re.DOTALL)
    if not match:
        return ConfigError(f"{path} cannot be read: {reason}", path, 0, reason)
    file, line, text = match["file"] or path, int(match["line"]), match["text"].strip().split("\n", 1)[0]
    return ConfigError(f"{file}:{line}: {text}", file, line, text)


def parse(text: str, path: str) -> Config:
    """Config out of the JSON that the reader prints. Raises ConfigError for a configuration that Prosody refuses."""
    data = json.loads(text)
    if "fatal" in data:
        raise ConfigError(f"{path} was not read, Prosody's libraries do not load: {data['fatal']}", path)
    if "error" in data:
        raise _failure(data, path)

    def place(file: str | None, line: int | None) -> Place:
        return Place(file or path, line or 0)

    config = Config(
        path,
        hosts={host: {key: _value(value) for key, value in options.items()} for host, options in data["hosts"].items()},
        files=tuple(sorted(data["files"])),
        warnings=tuple(data.get("warnings", ())),
        problems=tuple(
            Problem(code, subject or "", why or "", place(file, line))
            for code, subject, why, file, line in data["problems"]
        ),
        undefined=tuple((name, place(file, line)) for name, file, line in data["undefined"]),
        used=frozenset(data.get("used", ())),
        lua=data["lua"],
        lua_path=data["path"],
        lua_cpath=data["cpath"],
    )
    unset = []
    for host, key, file, line, kind in data["assignments"]:
        at = place(file, line)
        if key in ("defined", "load_global_modules"):
            config.declared.setdefault(host, []).append(at)
        elif kind == "nil":
            unset.append((host, key, at))
        elif kind == "append":
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
    pending = sorted(set(pending_files))
    try:
        content = Path(path).read_text(encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}", path) from error
    header = [
        str(installation.source),
        str(installation.data),
        str(Path(as_path).parent),
        as_path,
        str(len(pending)),
        *pending,
    ]
    if any("\n" in line for line in header):
        raise ConfigError("A path that the configuration refers to contains a line break", path)
    argv = ["timeout", "-k", "2", str(timeout), *(installation.unprivileged() if wrap is None else wrap)]
    argv += [installation.lua, "-e", SCRIPT]
    code, output, errors = run_command(argv, data="\n".join(header) + "\n" + content)
    if code in (124, 137):
        raise ConfigError(f"{as_path} was still running after {timeout} s; does it contain an endless loop?", as_path)
    if code != 0 or not output.startswith("{"):
        raise ConfigError(
            f"{as_path} was not read: {installation.lua} ended with status {code}: {(errors or output).strip()[-400:]}",
            as_path,
        )
    config = parse(output, as_path)
    staging = str(Path(path).parent) + "/"
    if Path(path).parent != Path(as_path).parent:  # what is staged beside the file may be for root only
        config.problems = tuple(
            problem
            for problem in config.problems
            if not (problem.subject.startswith(staging) and Path(problem.subject).is_file())
        )
    config.locator = Locator({as_path: content})
    return config
