# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""No import runs upwards: a package of module_utils or plugin_utils uses only what stands in a lower storey."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PLUGINS = Path(__file__).parents[2] / "plugins"
PREFIX = "ansible_collections.allthingslinux.xmpp.plugins."

# From the ground up. What stands on one storey does not know its neighbours.
STOREYS = [
    {"module_utils/errors", "module_utils/unlogged"},
    {"module_utils/diagnosis"},
    {
        "module_utils/audit",
        "module_utils/files",
        "module_utils/host",
        "module_utils/prosody",
        "module_utils/xmpp",
    },
    {"module_utils/tls"},
    {
        "module_utils/accounts",
        "module_utils/check",
        "module_utils/community_modules",
        "module_utils/dns",
        "module_utils/info",
        "module_utils/invites",
        "module_utils/lint",
        "module_utils/monitor",
        "module_utils/person",
        "module_utils/rooms",
    },
    {
        "module_utils/acme",
        "module_utils/backup",
        "module_utils/database",
        "module_utils/doctor",
        "module_utils/front",
        "module_utils/storage",
        "module_utils/transaction",
    },
    {"module_utils/moving"},
    {"plugin_utils/kept"},
    {
        "plugin_utils/addresses",
        "plugin_utils/audit",
        "plugin_utils/backup",
        "plugin_utils/built_modules",
        "plugin_utils/compiled_templates",
        "plugin_utils/doctor",
        "plugin_utils/listeners",
        "plugin_utils/docker_host",
        "plugin_utils/ssh_keys",
    },
    {
        "plugin_utils/filters",
        "plugin_utils/firewall",
        "plugin_utils/paths",
        "plugin_utils/plain_yaml",
        "plugin_utils/progress",
        "plugin_utils/qr",
        "plugin_utils/secret_files",
        "plugin_utils/status",
        "plugin_utils/status_answers",
        "plugin_utils/templates",
        "plugin_utils/types",
        "plugin_utils/warm",
    },
    {
        "plugin_utils/authority_rotation",
        "plugin_utils/deployment",
        "plugin_utils/postgresql",
        "plugin_utils/preflight",
        "plugin_utils/prosody",
        "plugin_utils/proxy",
        "plugin_utils/reach",
        "plugin_utils/secret_rotation",
    },
    {"plugin_utils/services"},
    {"plugin_utils/advice", "plugin_utils/dns", "plugin_utils/monitoring", "plugin_utils/summary"},
]
STOREY = {name: level for level, names in enumerate(STOREYS) for name in names}


def package(path: Path) -> str:
    """Name what a file belongs to: `module_utils/tls` for one in a package, else `module_utils/errors` and the like."""
    kind, first = path.relative_to(PLUGINS).parts[:2]
    return f"{kind}/{first.removesuffix('.py')}"


def imported(text: str) -> Iterator[str]:
    """Name each package of ours that a Python text imports, wherever in it the import stands."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PREFIX):
            kind, *rest = str(node.module)[len(PREFIX) :].split(".")
            yield from [f"{kind}/{rest[0]}"] if rest else [f"{kind}/{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith(PREFIX):
                    yield "/".join(alias.name[len(PREFIX) :].split(".")[:2])


FILES = sorted(file for kind in ("module_utils", "plugin_utils") for file in (PLUGINS / kind).rglob("*.py"))


def upward(name: str, text: str) -> list[str]:
    """List what the text of a file of package `name` imports and may not."""
    return sorted({other for other in imported(text) if other != name and STOREY[other] >= STOREY[name]})


def test_every_package_has_its_storey() -> None:
    """Exactly the packages that are there: a new one is placed, a removed one goes."""
    assert {
        package(file)
        for file in FILES
        if file.parent.name not in ("module_utils", "plugin_utils") or file.stem != "__init__"
    } == set(STOREY)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PLUGINS)))
def test_no_import_runs_upwards(file: Path) -> None:
    if package(file) in STOREY:
        assert upward(package(file), file.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "line",
    [
        f"from {PREFIX}module_utils.transaction.run import Request",
        f"from {PREFIX}module_utils import lint",
        f"import {PREFIX}module_utils.tls.der",
        f"def late():\n    from {PREFIX}plugin_utils.prosody import model",
    ],
)
def test_an_upward_import_is_seen(line: str) -> None:
    assert upward("module_utils/prosody", line) != []
