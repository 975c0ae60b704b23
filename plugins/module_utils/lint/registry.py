# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The registry: everything that the installed Prosody and its modules can be told, read off their sources."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint import loading
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.expressions import TableLiteral
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.libraries import search
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.loading import (
    candidates,
    strings,
    text_of,
    words,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.source import (
    GLOBAL,
    MODULE,
    NEEDLE,
    OptionRead,
    Service,
    SourceFacts,
    constant_table,
    read_source,
)

CORE, TOOL = "", "prosodyctl"
"""Readers that are no module: the server itself, and prosodyctl."""


@dataclass
class Module:
    """A module as found on the plugin path: the copy that Prosody would load, the others in `shadows`."""

    name: str
    path: Path
    facts: SourceFacts
    refused: str = ""
    shadows: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Reader:
    """Who reads an option, and how."""

    module: str
    read: OptionRead


@dataclass
class Registry:
    """What can be configured, on this machine.

    options: name → readers, those whose name the server puts together included
    modules: name → Module
    tls_profiles: version of Mozilla's recommendations ("" where Prosody has but one) → names of its profiles;
    tls_profile_version: the version that counts when none is chosen
    """

    core: Path
    roots: tuple[Path, ...]
    options: dict[str, list[Reader]] = field(default_factory=dict)
    modules: dict[str, Module] = field(default_factory=dict)
    services: list[tuple[Service, str]] = field(default_factory=list)
    loading: loading.Loading = field(default_factory=loading.Loading)
    features: frozenset[str] = frozenset()
    obsolete: frozenset[str] = frozenset()
    deprecated: dict[str, str] = field(default_factory=dict)
    global_only: frozenset[str] = frozenset()
    authentication: str = "internal_hashed"
    tls_profiles: dict[str, tuple[str, ...]] = field(default_factory=dict)
    tls_profile_version: str = ""
    statistics_providers: tuple[str, ...] = ()
    sinks: frozenset[str] = frozenset()
    levels: tuple[str, ...] = ()
    backends: tuple[str, ...] = ()
    keys: dict[str, frozenset[str]] = field(default_factory=dict)
    version: str = ""
    lua_path: str = ""

    def readers(self, option: str) -> list[Reader]:
        """Readers of an option."""
        return list(self.options.get(option, ()))

    def inherited(self, component: str) -> frozenset[str]:
        """Modules of the global list that a Component with this module loads, too."""
        module = self.modules.get(component)
        own = words(module.facts.metadata, "inherit_modules") if module else ()
        return self.loading.inheritable | frozenset(own)

    @property
    def names(self) -> list[str]:
        return sorted(self.options)


def _refusal(facts: SourceFacts, features: frozenset[str], lua: str) -> str:
    """Why Prosody skips a file for what its header says (core/modulemanager.lua); "" when it does not."""
    versions = words(facts.metadata, "lua")
    if versions and lua not in versions:
        return f"it needs Lua {', '.join(versions)}, Prosody runs on {lua}"
    conflicts = sorted(features & set(words(facts.metadata, "conflicts")))
    if conflicts:
        return f"this Prosody brings {', '.join(conflicts)} itself"
    missing = sorted(set(words(facts.metadata, "requires")) - features)
    if missing:
        return f"it needs {', '.join(missing)}, which this Prosody does not have"
    return ""


def _merge(facts: SourceFacts, other: SourceFacts) -> None:
    facts.reads += other.reads
    facts.depends = {**other.depends, **facts.depends}
    facts.soft_depends |= other.soft_depends
    facts.requires = {**other.requires, **facts.requires}
    facts.stores += other.stores
    facts.services += other.services
    facts.provides |= other.provides
    facts.tasks |= other.tasks
    facts.sinks |= other.sinks
    facts.libraries |= other.libraries


class _Extraction:
    def __init__(self, roots: Sequence[Path], core: Path, programs: Iterable[Path], lua: str, lua_path: str) -> None:
        self.registry = Registry(core, tuple(roots), lua_path=lua_path)
        self.core, self.programs, self.lua = core, programs, lua

    def run(self) -> Registry:
        self.read_core()
        files: dict[str, list[Path]] = {}
        for root in self.registry.roots:
            for name, paths in candidates(root, self.lua).items():
                files.setdefault(name, []).extend(path for path in paths if path not in files.get(name, ()))
        for name, paths in files.items():
            self.read_module(name, paths)
        self.name_composites()
        self.registry.keys = _known_keys(self.registry)
        return self.registry

    # -- the server
    def read_core(self) -> None:
        registry = self.registry
        registry.version = text_of(self.core / "prosody.version").strip()
        registry.loading = loading.read(self.core)
        registry.features = frozenset(
            strings(constant_table(text_of(self.core / "core" / "features.lua"), "available"))
        )
        default = re.search(r'default_provider\s*=\s*"(\w+)"', text_of(self.core / "core" / "usermanager.lua"))
        registry.authentication = default[1] if default else registry.authentication
        registry.tls_profiles, registry.tls_profile_version = _tls_profiles(self.core)
        registry.statistics_providers = tuple(
            constant_table(text_of(self.core / "core" / "statsmanager.lua"), "builtin_providers").named
        )
        registry.backends = tuple(
            sorted(path.stem[len("server_") :] for path in (self.core / "net").glob("server_*.lua"))
        )
        logging = text_of(self.core / "core" / "loggingmanager.lua")
        registry.levels = strings(constant_table(logging, "logging_levels"))
        registry.sinks = frozenset(re.findall(r"log_sink_types\.(\w+)\s*=", logging))
        checker = text_of(self.core / "util" / "prosodyctl" / "check.lua")
        registry.obsolete = frozenset(strings(constant_table(checker, "obsolete")))
        registry.global_only = frozenset(strings(constant_table(checker, "known_global_options")))
        registry.deprecated = _deprecated(checker)
        for part in ("core", "net", "util"):
            for directory, _names, files in os.walk(self.core / part):
                for name in files:
                    if name.endswith(".lua"):
                        path = Path(directory) / name
                        tool = "prosodyctl" in path.parts[-2:] or path.name in ("prosodyctl.lua", "openssl.lua")
                        self.read_server_file(path, TOOL if tool else CORE)
        for program in self.programs:
            self.read_server_file(Path(program), TOOL if "ctl" in Path(program).name else CORE)

    def read_server_file(self, path: Path, reader: str) -> None:
        text = text_of(path)
        if path.name in ("configmanager.lua", "moduleapi.lua") or not NEEDLE.search(text):
            return
        facts = read_source(text, str(path))
        for read in facts.reads:
            self.add(read, reader)

    # -- modules
    def read_module(self, name: str, paths: list[Path]) -> None:
        chosen = facts = None
        refused = ""
        for path in paths:
            candidate = read_source(text_of(path), str(path), name)
            why = _refusal(candidate, self.registry.features, self.lua)
            if not why:
                chosen, facts = path, candidate
                break
            refused = f"{path}: {why}"
        if chosen is None or facts is None:
            self.registry.modules[name] = Module(name, paths[0], SourceFacts(), refused)
            return
        for path in self.libraries(chosen, name, facts):
            _merge(facts, read_source(text_of(path), str(path), name))
        later = paths[paths.index(chosen) + 1 :]
        self.registry.modules[name] = Module(name, chosen, facts, "", tuple(later))
        for read in facts.reads:
            self.add(read, name)
        for service in facts.services:
            self.registry.services.append((service, name))
        self.registry.sinks |= facts.sinks

    def libraries(self, path: Path, name: str, facts: SourceFacts) -> list[Path]:
        """Files that are part of a module: *.lib.lua beside it, and those of other modules that it requires by name."""
        found: list[Path] = []
        if path.parent not in self.registry.roots:
            for entry in sorted(path.parent.rglob("*.lua")):
                if entry != path and not entry.name.startswith("mod_"):
                    found.append(entry)
        for library in sorted(facts.libraries):
            for root in self.registry.roots:
                short = library.split("/")[-1]
                options = (
                    root / f"mod_{name}" / f"{library}.lib.lua",
                    root / name / f"{library}.lib.lua",
                    root / f"{library}.lib.lua",
                    root / f"mod_{library}" / f"{library}.lib.lua",
                    root / library / f"{short}.lib.lua",
                )
                hit = next((option for option in options if option.is_file()), None)
                if hit and hit not in found:
                    found.append(hit)
                    break
        return found

    # -- options
    def add(self, read: OptionRead, reader: str) -> None:
        if isinstance(read.name, str):
            self.registry.options.setdefault(read.name, []).append(Reader(reader, read))

    def name_composites(self) -> None:
        """Names that the server puts together: ports and certificates of services, periods of tasks."""
        registry = self.registry
        for service, module in registry.services:
            where = str(registry.modules[module].path)
            for suffix, kind in (
                ("ports", "ports"),
                ("interfaces", "interfaces"),
                ("interface", "interfaces"),
                ("ssl", "ssl"),
            ):
                self.compose(service.prefix + suffix, kind, module, where)
            self.compose(f"{service.name}_certificate", "any", module, where)
            self.compose(f"{service.name}_host", "any", module, where, MODULE)
        for module, found in registry.modules.items():
            for task in found.facts.tasks:
                self.compose(f"{module}_{task}_period", "period", module, str(found.path), MODULE)

    def compose(self, name: str, kind: str, module: str, file: str, scope: str = GLOBAL) -> None:
        read = OptionRead(name, kind, None, None, None, None, scope, file, 0)
        self.registry.options.setdefault(name, []).append(Reader(module, read))


def _tls_profiles(core: Path) -> tuple[dict[str, tuple[str, ...]], str]:
    """Profiles by version, and the version that counts when none is chosen; empty when the sources hold none.

    Sources: mozilla_ssl_configs of core/certmanager.lua until 13.0.6, profiles of util/tlsref.lua since 13.0.7.
    """
    manager = text_of(core / "core" / "certmanager.lua")
    legacy = ("legacy",) if '"legacy"' in manager else ()  # known to the manager alone
    found = {"": tuple(constant_table(manager, "mozilla_ssl_configs").named)}
    reference = text_of(core / "util" / "tlsref.lua")
    default = re.search(r'default_version\s*=\s*"([^"]+)"', reference)
    latest = re.search(r'latest_version\s*=\s*"([^"]+)"', reference)
    for version, profiles in constant_table(reference, "profiles").named.items():
        if isinstance(profiles, TableLiteral):
            found[version] = tuple(profiles.named)
    if latest and latest[1] in found:
        found["latest"] = found[latest[1]]
    version = default[1] if default and not found[""] else ""
    return {name: (*names, *legacy) for name, names in found.items() if names}, version


def _deprecated(checker: str) -> dict[str, str]:
    """Deprecated option → what prosodyctl check says to use instead."""
    found = {}
    block = re.search(r"deprecated_replacements\s*=\s*\{(.*?)\n\s*\};?\n", checker, re.DOTALL)
    for line in block[1].splitlines() if block else ():
        match = re.match(r"\s*(\w+)\s*=\s*(.*?);?\s*$", line)
        if not match:
            continue
        name, expression = match[1], match[2]
        words = re.findall(r'"((?:[^"\\]|\\.)*)"', expression)
        if expression.startswith("instead_use(") and len(words) == 3:
            _kind, target, value = words
            found[name] = {
                "option": f'use {target} = "{value}"',
                "module": f'add "{target}" to {value}',
            }.get(words[0], f"use {target}")
        elif expression.startswith("instead_use(") and len(words) == 2:
            found[name] = {
                "option": f"use {words[1]}",
                "community": f'add "{words[1].replace("mod_", "", 1)}" of the community modules',
            }.get(words[0], f"use {words[1]}")
        elif words:
            text = words[-1]
            text = text[len("instead, ") :] if text.startswith("instead, ") else text
            found[name] = text if " " in text else f"use {text}"
    ports = re.search(r"deprecated_ports\s*=\s*\{(.*?)\}", checker, re.DOTALL)
    for old, new in re.findall(r'(\w+)\s*=\s*"(\w+)"', ports[1]) if ports else ():
        for suffix in ("port", "ports", "interface", "interfaces", "ssl"):
            plural = suffix + "s" if suffix in ("port", "interface") else suffix
            found[f"{old}_{suffix}"] = f"use {new}_{plural}"
    return found


def _attributes(text: str, *variables: str) -> frozenset[str]:
    """Names read as attributes of any of the variables: params.host → host."""
    return frozenset(re.findall(rf"\b(?:{'|'.join(variables)})\.([A-Za-z_]\w*)", text))


def _body(text: str, function: str) -> str:
    """Text of a function at the outermost level of a file."""
    match = re.search(rf"^local function {function}\b.*?^end", text, re.MULTILINE | re.DOTALL)
    return match[0] if match else ""


def _known_keys(registry: Registry) -> dict[str, frozenset[str]]:
    """Keys of the tables that the server and its core modules take, as their sources read them.

    "sql": keys of the option, "log[]": of the tables in its list, "limits.*": of the tables under its names.
    A table whose reading is not understood is left out: nothing is said about its keys.
    """
    core = registry.core
    found: dict[str, frozenset[str]] = {}

    def source(module: str) -> str:
        return text_of(registry.modules[module].path) if module in registry.modules else ""

    epoll = text_of(core / "net" / "server_epoll.lua")
    settings = constant_table(epoll, "default_config").named.get("__index")
    found["network_settings:epoll"] = _attributes(epoll, "cfg") | (
        frozenset(settings.named) if isinstance(settings, TableLiteral) else frozenset()
    )
    for backend in ("event", "select"):
        found[f"network_settings:{backend}"] = _attributes(
            text_of(core / "net" / f"server_{backend}.lua"), "cfg", "new_config", "settings"
        )
    logging = text_of(core / "core" / "loggingmanager.lua")
    sink = _attributes(logging, "sink_config")
    if registry.levels and "to" in sink:
        found["log"] = frozenset(registry.levels)
        found["log[]"] = sink | {"levels"}
    collector = text_of(core / "util" / "gc.lua")
    mode = constant_table(text_of(core / "util" / "startup.lua"), "default_gc_params").named.get("mode")
    for name, names in re.findall(r"(\w+)\s*=\s*set\.new\s*\{([^}]*)\}", collector):
        found[f"gc:{name}"] = frozenset(re.findall(r'"(\w+)"', names))
    found["gc"] = found.get(f"gc:{mode}", frozenset())
    found["statistics_config:statsd"] = _attributes(text_of(core / "util" / "statsd.lua"), "config")
    found["sql"] = _attributes(_body(source("storage_sql"), "normalize_params"), "params")
    if found["sql"]:
        found["sql"] |= _attributes(source("auth_sql"), "params")
    limits = source("limits")
    # what a session can be (13.0.1), and what stands for several of them (s2s, since 13.0.6)
    found["limits"] = frozenset(constant_table(limits, "type_filters").named) | _attributes(limits, "limits")
    found["limits.*"] = _attributes(limits, "sess_limits")
    if found["limits"]:
        found["limits"] |= {"component"}  # sessions of external components pass the same filter
    luasec = search("ssl", registry.lua_path)
    found["ssl"] = _attributes(text_of(luasec), "cfg") if luasec else frozenset()
    unbound = search("lunbound", registry.lua_path)
    if unbound:
        found["unbound"] = frozenset(
            text.decode() for text in re.findall(rb"\0([a-z]{4,16})(?=\0)", unbound.read_bytes())
        )
    return {name: keys for name, keys in found.items() if keys}


def extract(
    roots: Sequence[Path], core: Path, *, programs: Iterable[Path] = (), lua: str = "5.4", lua_path: str = ""
) -> Registry:
    """Read the sources of an installed Prosody.

    roots: plugin directories in the order in which they are searched; core: directory that holds core/, util/ and net/
    programs: prosody and prosodyctl, which read options too; lua: version of the interpreter ("5.4")
    lua_path: package.path and package.cpath joined by ";", for the keys that LuaSec and lua-unbound take
    """
    return _Extraction([Path(root) for root in roots], Path(core), programs, lua, lua_path).run()


__all__ = ["CORE", "TOOL", "Module", "Reader", "Registry", "extract"]
