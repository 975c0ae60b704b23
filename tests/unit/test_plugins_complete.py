# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""No module, filter or test without documentation, without a test, or (modules of Prosody) outside the action group."""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
MODULES = sorted(path for path in (ROOT / "plugins/modules").glob("*.py") if path.name != "__init__.py")
TESTS = {path: path.read_text() for path in sorted((ROOT / "tests/unit").rglob("test_*.py")) if path != Path(__file__)}


def strings(path: Path) -> dict[str, str]:
    """The texts that a Python file assigns to names at its top, without running it."""
    return {
        target.id: node.value.value
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def plugins(kind: str, method: str) -> Iterator[tuple[str, Path]]:
    """Every name that the filter (or test) plugins offer, with the file that offers it."""
    for path in sorted((ROOT / "plugins" / kind).glob("*.py")):
        if path.name == "__init__.py":
            continue
        spec = importlib.util.spec_from_file_location(f"checked_{kind}_{path.stem}", path)
        assert spec is not None
        assert spec.loader is not None
        loaded = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(loaded)
        offered = getattr(getattr(loaded, {"filter": "FilterModule", "test": "TestModule"}[kind])(), method)()
        for name in offered:
            yield name, path


FILTERS = [*plugins("filter", "filters"), *plugins("test", "tests")]


def missing_documentation(documentation: dict[str, Any], name: str) -> list[str]:
    """What the documentation of a plugin lacks."""
    required = ("short_description", "description", "author", "version_added")
    lacks = [key for key in required if not documentation.get(key)]
    if documentation.get("name", documentation.get("module")) != name:
        lacks.append("its right name")
    return lacks


def is_tested(words: str, tests: dict[Path, str]) -> bool:
    """Does any test use one of these words."""
    return any(re.search(rf"\b(?:{words})\b", text) for text in tests.values())


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_module_is_complete(path: Path) -> None:
    found = strings(path)
    assert missing_documentation(yaml.safe_load(found.get("DOCUMENTATION", "{}")), path.stem) == []
    examples = yaml.safe_load(found.get("EXAMPLES", "[]"))
    assert examples, "no examples"
    assert f"allthingslinux.xmpp.{path.stem}" in found["EXAMPLES"]
    assert yaml.safe_load(found.get("RETURN", "{}")), "its results are not documented"
    tested = is_tested(path.stem, TESTS)
    assert tested, f"no unit test mentions {path.stem}"


@pytest.mark.parametrize(("name", "path"), FILTERS, ids=[name for name, _path in FILTERS])
def test_a_filter_is_complete(name: str, path: Path) -> None:
    beside = path.with_name(f"{name}.yml")
    if beside.exists():
        found = yaml.safe_load(beside.read_text())
    else:
        # the documentation of a plugin lies in its own file when both have the same name
        assert path.stem == name, f"there is no {beside.name}"
        found = {key: yaml.safe_load(text) for key, text in strings(path).items() if key != "EXAMPLES"}
        found["EXAMPLES"] = strings(path).get("EXAMPLES")
    assert missing_documentation(found.get("DOCUMENTATION") or {}, name) == []
    assert name in (found.get("EXAMPLES") or ""), "no examples"
    assert found.get("RETURN"), "its result is not documented"
    tested = is_tested(f"{name}|{path.stem}", TESTS)
    assert tested, f"no unit test mentions {name}"


def group() -> list[str]:
    """The modules of the action group."""
    return yaml.safe_load((ROOT / "meta/runtime.yml").read_text())["action_groups"]["prosody"]


def test_the_action_group_is_complete() -> None:
    # what has the options by which Prosody is reached has to take them from module_defaults
    reach = {path.stem for path in MODULES if "allthingslinux.xmpp.connection" in path.read_text()}
    ours = {path.stem for path in MODULES if path.stem.startswith("prosody_")}
    assert sorted(group()) == sorted(reach | ours)
    assert len(set(group())) == len(group())


def test_the_checks_can_fail(tmp_path: Path) -> None:
    assert missing_documentation({"module": "other", "author": "x"}, "name") == [
        "short_description",
        "description",
        "version_added",
        "its right name",
    ]
    assert not is_tested("prosody_nothing", TESTS)
    file = tmp_path / "x.py"
    file.write_text("A = 'text'\nB = 5\nC = f'{A}'\n")
    assert strings(file) == {"A": "text"}
    assert len(MODULES) > 5
    assert len(FILTERS) > 5
