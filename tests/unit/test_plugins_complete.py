# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""No module, filter or test without documentation, without a test, or (modules of Prosody) outside the action group."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.allthingslinux.xmpp.plugins.doc_fragments.account import ModuleDocFragment as Account
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.accounts import spec

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


def exercised(text: str) -> set[tuple[str, str]]:
    """In: a file of tests. Out: (plugin file, name) of what its code calls, or gives to what it calls.

    A module is given to what runs it. A filter or test is called as a function, or taken by its name (in a table
    of cases, too) from what its file offers. To import it, or to speak of it in a comment, is not enough.
    """
    tree = ast.parse(text)
    files: set[str] = set()
    bound: dict[str, tuple[str, str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            kind, _dot, rest = node.module.partition(".plugins.")[2].partition(".")
            if kind in ("modules", "action", "filter", "test"):
                bound.update({one.asname or one.name: (rest or one.name, one.name) for one in node.names})
            if kind in ("filter", "test"):
                files.update(rest or one.name for one in node.names)
    found: set[tuple[str, str]] = set()
    for node in ast.walk(tree):
        parts: list[ast.expr] = []
        if isinstance(node, ast.Call):
            parts = [node.func, *node.args, *(keyword.value for keyword in node.keywords)]
            found.update(bound[inner.id] for part in parts for inner in ast.walk(part)
                         if isinstance(inner, ast.Name) and inner.id in bound)  # fmt: skip
        elif isinstance(node, (ast.List, ast.Tuple)):
            parts = node.elts
        elif isinstance(node, ast.Subscript):
            parts = [node.slice]
        names = [part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)]
        found.update((file, name) for file in files for name in names)
    return found


TESTED: set[tuple[str, str]] = set().union(*map(exercised, TESTS.values()))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_module_is_complete(path: Path) -> None:
    found = strings(path)
    assert missing_documentation(yaml.safe_load(found.get("DOCUMENTATION", "{}")), path.stem) == []
    examples = yaml.safe_load(found.get("EXAMPLES", "[]"))
    assert examples, "no examples"
    assert f"allthingslinux.xmpp.{path.stem}" in found["EXAMPLES"]
    assert yaml.safe_load(found.get("RETURN", "{}")), "its results are not documented"
    assert path.stem in {file for file, _name in TESTED}, f"no unit test runs {path.stem}"


def supports(documentation: dict[str, Any]) -> dict[str, str]:
    """What a module says itself of its attributes where it says nothing but whether it has them."""
    return {
        name: about["support"]
        for name, about in documentation.get("attributes", {}).items()
        if set(about) <= {"support", "description"}
    }


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_no_module_repeats_what_a_fragment_says(path: Path) -> None:
    documentation = yaml.safe_load(strings(path)["DOCUMENTATION"])
    fragments = documentation["extends_documentation_fragment"]
    said = supports(documentation)
    if fragments.count("allthingslinux.xmpp.attributes"):
        assert set(said.values()) != {"full"}, "attributes.full says it"
        assert path.stem.endswith("_info") is False, "attributes.info says it"
    else:
        assert said == {}


def test_what_can_be_declared_of_an_account_is_documented_once() -> None:
    one, listed = (yaml.safe_load(text)["options"] for text in (Account.DOCUMENTATION, Account.LISTED))
    inner = listed["accounts"]["suboptions"]
    assert {name: inner[name] for name in one} == one
    for documented, options in ((one, spec.FIELDS), (inner, spec.LISTED)):
        assert set(documented) == set(options)
        for name, about in documented.items():
            for key in ("type", "choices", "default", "required", "elements", "aliases"):
                assert about.get(key) == options[name].get(key), f"{name}: {key}"


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
    assert (path.stem, name) in TESTED, f"no unit test runs {name}"


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
    module, filters = "from x.plugins.modules import m\n", "from x.plugins.filter import f as g\n"
    idle = [
        module,
        f"{module}# m()",
        f"{module}def test():\n    'm'\n    assert m",
        "m()",
        f"{filters}'x'",
        f"{filters}g.x",
    ]
    for text in idle:
        assert exercised(text) & {("m", "m"), ("f", "x")} == set(), text
    for text in (f"{module}m.main()", f"{module}run(m, a=1)", f"{filters}g.F()['x']", f"{filters}CASES = [('x', 1)]"):
        assert exercised(text) & {("m", "m"), ("f", "x")}, text
    file = tmp_path / "x.py"
    file.write_text("A = 'text'\nB = 5\nC = f'{A}'\n")
    assert strings(file) == {"A": "text"}
    assert len(MODULES) > 5
    assert len(FILTERS) > 5
