# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What one Lua source of Prosody says about itself: options it reads, what it depends on, stores and ports it opens."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.expressions import (
    UNKNOWN,
    Joined,
    TableLiteral,
    arguments,
    evaluate,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.tokens import (
    KEYWORD,
    NAME,
    STRING,
    Lines,
    Token,
    tokens,
)

GLOBAL, HOST, MODULE = "global", "host", "module"
"""Where a value is read: the global section only, the section of a host, or wherever the module is loaded."""

NEEDLE = re.compile(r"get_option|configmanager|open_store|storagemanager|register_sink_type")
"""A source outside the module directories that holds none of these says nothing about the configuration."""

METADATA = re.compile(r"^--%[ ]*([\w_]+):[ ]*(.+?)\s*$", re.MULTILINE)


@dataclass(frozen=True)
class OptionRead:
    """One reading of an option.

    name: the option, or a Joined of which parts are known
    kind: boolean, string, integer, … or "any" (plain get_option, configmanager.get)
    default: as evaluate() tells it; choices: of an enumeration, None when they cannot all be told
    minimum, maximum: number or duration text, None when unbounded
    keys: sub-keys read off the value, None when the value is handed on and cannot be followed
    """

    name: str | Joined
    kind: str
    default: Any
    choices: tuple[Any, ...] | None
    minimum: Any
    maximum: Any
    scope: str
    file: str
    line: int
    keys: frozenset[str] | None = None


@dataclass(frozen=True)
class OptionValue:
    """The value of an option, as part of another expression."""

    name: str
    default: Any


@dataclass(frozen=True)
class Service:
    """A port service (net-provider): options are called <prefix>ports, <prefix>interfaces, … (core/portmanager.lua)."""

    name: str
    prefix: str
    default_port: Any = None
    private: bool = False
    encryption: str = ""


@dataclass
class SourceFacts:
    """Everything read off one file."""

    reads: list[OptionRead] = field(default_factory=list)
    depends: dict[str, int] = field(default_factory=dict)
    soft_depends: set[str] = field(default_factory=set)
    requires: dict[str, int] = field(default_factory=dict)
    libraries: set[str] = field(default_factory=set)
    stores: list[tuple[Any, str]] = field(default_factory=list)
    services: list[Service] = field(default_factory=list)
    provides: set[tuple[str, str]] = field(default_factory=set)
    tasks: set[str] = field(default_factory=set)
    sinks: set[str] = field(default_factory=set)
    metadata: dict[str, str] = field(default_factory=dict)
    host_type: str = ""
    sets_global: bool = False


def _string(value: Any) -> str | None:
    return value if isinstance(value, str) else None


class _Reader:
    def __init__(self, text: str, file: str, module: str) -> None:
        self.text, self.file, self.module = text, file, module
        self.stream: list[Token] = list(tokens(text))
        self.lines = Lines(text)
        self.facts = SourceFacts()
        self.names: dict[str, Any] = {"math.huge": math.inf}
        if module:
            self.names["module.name"] = module
        self.blocks: list[tuple[str, tuple[str, ...]]] = []
        self.config_objects: set[str] = set()
        self.config_functions: set[str] = set()
        self.bound: list[tuple[str, int, int]] = []
        self.sites: dict[str, list[int]] = {}

    # -- helpers
    def at(self, index: int) -> Any:
        return self.stream[index][1] if 0 <= index < len(self.stream) else ""

    def kind(self, index: int) -> str:
        return self.stream[index][0] if 0 <= index < len(self.stream) else ""

    def line(self, index: int) -> int:
        return self.lines.of(self.stream[index][2])

    def call(self, index: int) -> list[Any]:
        """Values of the arguments of the call whose bracket is at `index`."""
        ranges, _end = arguments(self.stream, index)
        return [evaluate(self.stream, begin, end, self.names) for begin, end in ranges]

    def is_call(self, index: int) -> bool:
        return self.kind(index) == STRING or (self.kind(index) == "operator" and self.at(index) in ("(", "{"))

    def nested(self) -> bool:
        """Inside a function or a condition: what is here need not run when the file is loaded."""
        return any(block in ("function", "if") for block, _parameters in self.blocks)

    def is_parameter(self, name: str) -> bool:
        return any(name in parameters for _block, parameters in self.blocks)

    # -- the pass over the file
    def run(self) -> SourceFacts:
        if "--%" in self.text:
            self.facts.metadata = dict(METADATA.findall(self.text))
        handlers = {
            "depends": self.on_depends,
            "require": self.on_require,
            "softreq": self.on_softreq,
            "open_store": self.on_open_store,
            "open": self.on_open,
            "get_driver": self.on_open,
            "provides": self.on_provides,
            "add_item": self.on_add_item,
            "set_global": self.on_set_global,
            "get_host_type": self.on_host_type,
            "hourly": self.on_task,
            "daily": self.on_task,
            "weekly": self.on_task,
            "get": self.on_config_get,
            "rawget": self.on_config_get,
            "host": self.on_host,
            "register_sink_type": self.on_sink,
        }
        stream = self.stream
        for index, (kind, value, _offset) in enumerate(stream):
            if kind == NAME:
                self.sites.setdefault(value, []).append(index)  # type: ignore[arg-type]
                handler = handlers.get(value)  # type: ignore[arg-type]
                if handler:
                    handler(index)
                elif value.startswith("get_option"):  # type: ignore[union-attr]
                    self.on_get_option(index)
                elif value in self.config_functions:
                    self.on_config_function(index)
            elif kind == KEYWORD:
                if value == "function":
                    self.blocks.append(("function", self._parameters(index)))
                elif value in ("if", "do", "repeat"):
                    self.blocks.append((value, ()))
                elif value in ("end", "until"):
                    if self.blocks:
                        self.blocks.pop()
                elif value == "local":
                    self.on_local(index)
        self._follow_bound()
        return self.facts

    def _parameters(self, index: int) -> tuple[str, ...]:
        position = index + 1
        while position < len(self.stream) and self.at(position) != "(":
            position += 1
        found = []
        position += 1
        while position < len(self.stream) and self.at(position) != ")":
            if self.kind(position) == NAME:
                found.append(str(self.at(position)))
            position += 1
        return tuple(found)

    def on_local(self, index: int) -> None:
        """local NAME = "constant"."""
        if self.kind(index + 1) != NAME or self.at(index + 2) != "=":
            return
        name, begin = str(self.at(index + 1)), index + 3
        following = self.stream[begin + 1] if begin + 1 < len(self.stream) else (NAME, "", 0)
        ends = (following[0] in (NAME, KEYWORD) and following[1] not in ("and", "or")) or following[1] == ";"
        if self.kind(begin) in (STRING, "number") and ends:
            self.names[name] = self.at(begin)
        elif self.at(begin) == "module" and self.at(begin + 1) == "." and self.at(begin + 2) == "name" and self.module:
            self.names[name] = self.module
        elif name in self.names:
            del self.names[name]

    # -- options
    def on_get_option(self, index: int) -> None:
        if self.at(index - 1) not in (":", ".") or not self.is_call(index + 1):
            return
        scope, begin = self._receiver(index - 2)
        if self.at(begin - 1) == "function":  # the definition of the method itself
            return
        ranges, end = arguments(self.stream, index + 1)
        values = [evaluate(self.stream, first, last, self.names) for first, last in ranges]
        if not values:
            return
        kind = str(self.at(index))[len("get_option") :].lstrip("_") or "any"
        self._add(index, kind, values, scope, begin, end)

    def _receiver(self, index: int) -> tuple[str, int]:
        """Scope of a reading through the object that ends at `index`, and the index where it begins."""
        if self.kind(index) == NAME:
            name = str(self.at(index))
            if name == "global":
                return GLOBAL, index
            if self.at(index - 1) == ".":  # event.module:get_option…
                return HOST, index - 2
            return (HOST if self.is_parameter(name) or "host" in name else MODULE), index
        if self.at(index) != ")":
            return MODULE, index
        depth, position = 0, index
        while position >= 0:
            value = self.at(position)
            if self.kind(position) == "operator":
                depth += (value == ")") - (value == "(")
            if depth == 0:
                break
            position -= 1
        scope = GLOBAL if self.kind(position + 1) == STRING and self.at(position + 1) == "*" else HOST
        begin = position - 1
        while begin > 1 and self.at(begin - 1) in (":", "."):
            begin -= 2
        return scope, begin

    def _add(self, index: int, kind: str, values: list[Any], scope: str, begin: int, end: int) -> None:
        name = values[0]
        default = values[1] if len(values) > 1 else None
        choices = minimum = maximum = None
        if kind == "enum":
            known = [value for value in values[1:] if isinstance(value, (str, bool, int, float))]
            choices = tuple(known) if len(known) == len(values[1:]) else None
        elif kind in ("number", "integer", "period"):
            bounds = [value if isinstance(value, (int, float, str)) else None for value in values[2:4]] + [None, None]
            minimum, maximum = bounds[0], bounds[1]
        if isinstance(name, OptionValue) or not isinstance(name, (str, Joined)):
            return
        if kind == "any" and self.at(end) in ("==", "~=") and self.at(end + 1) in ("true", "false"):
            kind = "flag"
        read = OptionRead(
            name,
            kind,
            default,
            choices,
            minimum,
            maximum,
            scope,
            self.file,
            self.line(index),
            self._chained(end) if kind == "any" else None,
        )
        self.facts.reads.append(read)
        if (
            self.at(begin - 1) == "="
            and self.kind(begin - 2) == NAME
            and self.at(begin - 3) == "local"
            and isinstance(name, str)
        ):
            variable = str(self.at(begin - 2))
            self.bound.append((variable, len(self.facts.reads) - 1, end))
            if self.at(end) not in ("or", "and", "..", "/", "*", "+", "-", ":", ".", "["):
                self.names[variable] = OptionValue(name, default)

    def _chained(self, end: int) -> frozenset[str] | None:
        """Sub-key read directly off the call: get_option("x", {}).key."""
        if self.at(end) == "." and self.kind(end) == "operator" and self.kind(end + 1) == NAME:
            return frozenset({str(self.at(end + 1))})
        return None

    def _follow_bound(self) -> None:
        """Sub-keys of options that are held in a local variable, where every use of it can be told."""
        for variable, number, end in self.bound:
            keys = self._keys_of(variable, end)
            read = self.facts.reads[number]
            if keys and read.kind == "any":  # others hold a util.set or an array, whose keys are not the option's
                self.facts.reads[number] = OptionRead(**{**read.__dict__, "keys": frozenset(keys)})

    def _keys_of(self, variable: str, end: int) -> set[str] | None:
        """Keys read off a variable after `end`; None when it is handed on, or the name has more than one meaning."""
        keys: set[str] = set()
        for site in self.sites.get(variable, ()):
            before, after = self.at(site - 1), self.at(site + 1)
            if site < end:
                if before == "local" and after != "=":
                    return None
                continue
            if before in (".", ":") or (after == "=" and before in ("{", ",", ";")):
                continue  # a field of that name
            if after == "=" and self.at(site + 2) == variable and self.at(site + 3) == "or":
                continue  # x = x or {}
            if before == "=" and self.at(site - 2) == variable and after == "or":
                continue
            if before in ("if", "not", "and", "elseif") and after in ("then", "and"):
                continue
            by_name = after == "." and self.kind(site + 2) == NAME
            by_text = after == "[" and self.kind(site + 2) == STRING and self.at(site + 3) == "]"
            if not by_name and not by_text:
                return None
            keys.add(str(self.at(site + 2)))
        return keys

    def on_config_get(self, index: int) -> None:
        if self.at(index) in self.config_functions:
            self.on_config_function(index)
        if self.at(index - 1) != "." or not self.is_call(index + 1):
            return
        if str(self.at(index - 2)) in self.config_objects and self.at(index - 3) not in (".", ":"):
            self._config_read(index)

    def on_config_function(self, index: int) -> None:
        if self.is_call(index + 1) and self.at(index - 1) not in (".", ":"):
            self._config_read(index)

    def _config_read(self, index: int) -> None:
        ranges, end = arguments(self.stream, index + 1)
        values = [evaluate(self.stream, first, last, self.names) for first, last in ranges]
        if len(values) < 2:
            return
        name = values[2] if len(values) > 2 and values[1] == "core" else values[1]
        self._add(index, "any", [name], GLOBAL if values[0] == "*" else HOST, index - 2, end)

    # -- modules and libraries
    def on_require(self, index: int) -> None:
        before = self.at(index - 1)
        if not self.is_call(index + 1):
            return
        values = self.call(index + 1)
        name = _string(values[0]) if values else None
        if name is None:
            return
        if before == ":":
            self.facts.libraries.add(name)
            return
        if before == ".":
            return
        _ranges, end = arguments(self.stream, index + 1)
        if name.endswith("core.configmanager"):
            self._bind_config(index, end)
        elif not self.nested() and name not in self.facts.requires and before not in ("or", "and"):
            self.facts.requires[name] = self.line(index)

    def _bind_config(self, index: int, end: int) -> None:
        if self.at(index - 1) == "(":  # (require "…")
            index, end = index - 1, end + 1
        method = self.at(end + 1) if self.at(end) == "." else ""
        if method in ("get", "rawget") and self.is_call(end + 2):
            self._config_read(end + 1)
        elif self.at(index - 1) == "=" and self.kind(index - 2) == NAME:
            name = str(self.at(index - 2))
            if method in ("get", "rawget"):
                self.config_functions.add(name)
            elif not method:
                self.config_objects.add(name)

    def on_softreq(self, index: int) -> None:
        return

    def on_depends(self, index: int) -> None:
        if self.at(index - 1) != ":" or not self.is_call(index + 1) or self.at(index - 3) == "function":
            return
        values = self.call(index + 1)
        name = _string(values[0]) if values else None
        if name is None:
            return
        if self.nested() and not self._in_add_host():
            self.facts.soft_depends.add(name)
        else:
            self.facts.depends.setdefault(name, self.line(index))

    def _in_add_host(self) -> bool:
        """Directly inside function module.add_host(module), which runs for every host."""
        inside = [parameters for block, parameters in self.blocks if block in ("function", "if")]
        return len(inside) == 1 and "module" in inside[0]

    def on_set_global(self, index: int) -> None:
        if self.at(index - 1) == ":" and self.at(index - 2) == "module" and not self.nested():
            self.facts.sets_global = True

    def on_host(self, index: int) -> None:
        """module.host = "*" (before 0.9)."""
        if (self.at(index - 1), self.at(index - 2), self.at(index + 1), self.at(index + 2)) == (
            ".",
            "module",
            "=",
            "*",
        ):
            self.facts.sets_global = True

    def on_host_type(self, index: int) -> None:
        """if module:get_host_type() ~= "component" then error(…): the module is for that type of host only."""
        values = [self.at(index + offset) for offset in range(1, 7)]
        if values[:3] == ["(", ")", "~="] and values[4:] == ["then", "error"]:
            self.facts.host_type = str(values[3])

    # -- stores, ports, providers, tasks
    def on_open_store(self, index: int) -> None:
        if self.at(index - 1) in (":", ".") and self.is_call(index + 1) and self.at(index - 3) != "function":
            values = self.call(index + 1)
            kind = _string(values[1]) if len(values) > 1 else "keyval"
            name = values[0] if values else None
            self.facts.stores.append((self.module if name is None else name, kind or "keyval"))

    def on_open(self, index: int) -> None:
        if (
            self.at(index - 1) == "."
            and str(self.at(index - 2)).endswith(("storagemanager", "sm"))
            and self.is_call(index + 1)
        ):
            values = self.call(index + 1)
            if len(values) > 1:
                kind = _string(values[2]) if len(values) > 2 else "keyval"
                self.facts.stores.append((values[1], kind or "keyval"))

    def on_provides(self, index: int) -> None:
        if self.at(index - 1) != ":" or not self.is_call(index + 1) or self.at(index - 3) == "function":
            return
        values = self.call(index + 1)
        kind = _string(values[0]) if values else None
        if kind is None:
            return
        item = values[1] if len(values) > 1 and isinstance(values[1], TableLiteral) else TableLiteral(())
        prefix = kind.replace("-", "_") + "_"
        own = self.module[len(prefix) :] if self.module.startswith(prefix) else self.module
        name = item.named.get("name", own)
        if isinstance(name, str):
            self.facts.provides.add((kind, name))
            if kind == "net":
                self._service(name, item)

    def on_add_item(self, index: int) -> None:
        if self.at(index - 1) != ":" or not self.is_call(index + 1):
            return
        values = self.call(index + 1)
        if len(values) < 2 or not isinstance(values[1], TableLiteral):
            return
        name = values[1].named.get("name")
        if isinstance(values[0], str) and values[0].endswith("-provider") and isinstance(name, str):
            self.facts.provides.add((values[0][: -len("-provider")], name))
            if values[0] == "net-provider":
                self._service(name, values[1])

    def _service(self, name: str, item: TableLiteral) -> None:
        prefix = item.named.get("config_prefix", name)
        port = item.named.get("default_port", item.named.get("default_ports"))
        encryption = item.named.get("encryption")
        self.facts.services.append(
            Service(
                name,
                f"{prefix}_" if isinstance(prefix, str) and prefix else "",
                port.items if isinstance(port, TableLiteral) else port,
                item.named.get("private") is True,
                encryption if isinstance(encryption, str) else "",
            )
        )

    def on_task(self, index: int) -> None:
        if self.at(index - 1) != ":" or not self.is_call(index + 1) or self.at(index - 3) == "function":
            return
        # api:daily() and its like in core/moduleapi.lua
        self.facts.soft_depends.add("cron")
        values = self.call(index + 1)
        name = _string(values[0]) if values else None
        self.facts.tasks.add(re.sub(r"[^A-Za-z0-9]", "_", name if name is not None else str(self.at(index))).lower())

    def on_sink(self, index: int) -> None:
        values = self.call(index + 1) if self.is_call(index + 1) else []
        if values and isinstance(values[0], str):
            self.facts.sinks.add(values[0])


def read_source(text: str, file: str, module: str = "") -> SourceFacts:
    """Facts of one source file. `module`: name of the module it is part of, "" for the server itself."""
    return _Reader(text, file, module).run()


def constant_table(text: str, name: str, names: Mapping[str, Any] | None = None) -> TableLiteral:
    """The table constructor assigned to `name` (`local name = {…}` or `name = {…}`); empty when there is none."""
    stream = list(tokens(text))
    for index, (kind, value, _offset) in enumerate(stream):
        if kind == NAME and value == name and index + 2 < len(stream) and stream[index + 1][1] == "=":
            begin = index + 2
            if stream[begin][0] == NAME:  # set.new({…})
                while begin < len(stream) and stream[begin][1] != "{" and begin < index + 8:
                    begin += 1
            if stream[begin][1] == "{" and stream[begin][0] == "operator":
                _ranges, end = arguments(stream, begin)
                result = evaluate(stream, begin, end, names)
                if isinstance(result, TableLiteral):
                    return result
    return TableLiteral(())


__all__ = [
    "GLOBAL",
    "HOST",
    "MODULE",
    "UNKNOWN",
    "OptionRead",
    "OptionValue",
    "Service",
    "SourceFacts",
    "constant_table",
    "read_source",
]
