# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""prosody_module: options, flags and answers of the server → exact calls, files and result; every failure undone."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.community_modules import environment
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.admin_socket import AdminUnavailable
from ansible_collections.allthingslinux.xmpp.plugins.modules import prosody_module
from ansible_collections.allthingslinux.xmpp.tests.unit import module_runner

RECORDED = json.loads((Path(__file__).parents[1] / "data" / "prosody_modules.json").read_text())
MANAGED = "/usr/local/lib/prosody/xmpp-modules"
CODE = {"base": "-- base\n", "greeter": 'module:depends("base")\n'}


class Server:
    """Answers as the library in module_set/lua.py does, with modules found in the directory of the test."""

    def __init__(self, path, enabled=("greeter",), loaded=(), fail=()):
        self.path, self.fail, self.calls = path, dict(fail), []
        self.state = copy.deepcopy(RECORDED)
        self.state["plugins"] += f";{path}"
        self.state["available"][str(path)] = []
        host = self.state["hosts"]["example.test"]
        for name in ("needy", "hello"):
            del host["loaded"][name]
        host["enabled"] = [*(name for name in host["enabled"] if name != "needy"), *enabled]
        for name in loaded:
            host["loaded"][name] = f"{path}/mod_{name}/mod_{name}.lua"

    @property
    def loaded(self):
        return self.state["hosts"]["example.test"]["loaded"]

    def __call__(self, chunk):
        if not chunk.startswith("return MODULES."):
            return "ready"
        call = chunk[len("return MODULES.") :]
        if call == "state()":
            return copy.deepcopy(self.state)
        self.calls.append(call)
        if call.startswith("find"):
            return {name: self._found(name) for name in json.loads(json.loads(call[5:-1]))}
        if call in self.fail:
            # the first time only: what undoes it must succeed
            error = self.fail.pop(call)
            return error if isinstance(error, Exception) else {"done": False, "error": error, "log": ["error x: seen"]}
        arguments = json.loads(f"[{call.partition('(')[2][:-1]}]")
        if call.startswith("load"):
            self.loaded[arguments[1]] = f"{self.path}/mod_{arguments[1]}/mod_{arguments[1]}.lua"
        elif call.startswith("unload"):
            self.loaded.pop(arguments[0], None)
        return {"done": True, "log": []}

    def _found(self, name):
        if name in self.fail:
            return self.fail[name]
        return {"path": f"{self.path}/mod_{name}/mod_{name}.lua"}


@pytest.fixture
def place(tmp_path):
    for name, text in CODE.items():
        write(tmp_path / "tree", name, text)
    return tmp_path


def write(tree, name, text):
    directory = tree / f"mod_{name}"
    directory.mkdir(parents=True, exist_ok=True)
    (directory / f"mod_{name}.lua").write_text(text)


def options(place, *names, **more):
    pinned = module_runner.run(
        prosody_module,
        modules=[],
        sources=[{"type": "tree", "path": str(place / "tree")}],
        path=str(place / "set"),
        socket=str(place / "no socket"),
    )["msg"].rpartition(" ")[2]
    return {
        "modules": [each if isinstance(each, dict) else {"name": each} for each in names],
        "sources": [{"type": "tree", "path": str(place / "tree"), "sha256": pinned}],
        "path": str(place / "set"),
        **more,
    }


def listing(place):
    return sorted(str(path.relative_to(place)) for path in (place / "set").glob("**/*") if path.is_file())


def test_four_ways(monkeypatch, place):
    arguments = options(place, "greeter")
    server = Server(place / "set")
    module_runner.use(monkeypatch, server)
    checked = module_runner.run(prosody_module, check=True, **arguments)
    assert (checked["changed"], server.calls, (place / "set").exists()) == (True, [], False)
    real = module_runner.run(prosody_module, **arguments)
    del checked["invocation"], real["invocation"]
    assert real == checked
    assert real["installed"] == ["base", "greeter"]
    assert real["loaded"] == [{"host": "example.test", "module": "greeter"}]
    assert real["modules"]["base"]["needed_by"] == "greeter"
    assert listing(place) == ["set/.modules.json", "set/mod_base/mod_base.lua", "set/mod_greeter/mod_greeter.lua"]
    assert server.calls == ["remember()", 'find("[\\"base\\", \\"greeter\\"]")', 'load("example.test", "greeter")']
    server.calls.clear()
    for check in (False, True):
        again = module_runner.run(prosody_module, check=check, **arguments)
        assert (again["changed"], again["diff"]["before"]) == (False, again["diff"]["after"])
    assert server.calls == []


def test_an_update_reloads_and_a_removal_unloads(monkeypatch, place):
    module_runner.use(monkeypatch, Server(place / "set", loaded=["greeter", "base"]))
    module_runner.run(prosody_module, **options(place, "greeter"))
    write(place / "tree", "base", "-- newer\n")
    server = Server(place / "set", loaded=["greeter", "base"])
    module_runner.use(monkeypatch, server)
    result = module_runner.run(prosody_module, **options(place, "greeter"))
    assert (result["updated"], result["reloaded"]) == (["base"], ["base"])
    assert server.calls[2:] == ['reload("base")']
    server = Server(place / "set", enabled=[], loaded=["greeter", "base"])
    module_runner.use(monkeypatch, server)
    result = module_runner.run(prosody_module, **options(place))
    assert (result["removed"], result["unloaded"]) == (["base", "greeter"], ["base", "greeter"])
    assert server.calls == ["remember()", 'unload("base")', 'unload("greeter")']
    assert listing(place) == ["set/.modules.json"]


FAILURES = [
    pytest.param(
        {"base": {"error": "mod_base.lua:1: unexpected symbol"}},
        "Prosody cannot load mod_base: mod_base.lua:1: unexpected symbol. Everything was put back as it was.",
        ["restore()"],
        id="syntax",
    ),
    pytest.param(
        {"base": {"path": "/var/lib/prosody/custom_plugins/mod_base.lua"}},
        "Prosody would load mod_base from /var/lib/prosody/custom_plugins/mod_base.lua, which it looks into before",
        ["restore()"],
        id="shadowed",
    ),
    pytest.param(
        {'load("example.test", "greeter")': "mod_greeter does not load on example.test: boom"},
        "mod_greeter does not load on example.test: boom. Its log says: error x: seen. Everything was put back",
        ['reload("base")', 'load("example.test", "greeter")', 'reload("base")', "restore()"],
        id="load",
    ),
    pytest.param(
        {'reload("base")': "mod_base does not reload on example.test: boom"},
        "mod_base does not reload on example.test: boom. Its log says: error x: seen. Everything was put back",
        ['reload("base")', 'reload("base")', "restore()"],
        id="reload",
    ),
    pytest.param(
        {'reload("base")': "boom", "restore()": "these modules could not be loaded again: greeter on example.test"},
        "Not everything could be put back: these modules could not be loaded again: greeter on example.test.",
        ['reload("base")', 'reload("base")', "restore()"],
        id="undo fails, too",
    ),
    pytest.param(
        {'reload("base")': AdminUnavailable("Prosody closed the connection.", "closed")},
        "Prosody closed the connection.",
        ['reload("base")', 'reload("base")', "restore()"],
        id="the server goes away",
    ),
]


@pytest.mark.parametrize(("fail", "message", "calls"), FAILURES)
def test_failures_are_undone(monkeypatch, place, fail, message, calls):
    module_runner.use(monkeypatch, Server(place / "set", enabled=[]))
    module_runner.run(prosody_module, **options(place, "base"))
    before = {path: (place / path).read_bytes() for path in listing(place)}
    write(place / "tree", "base", "-- newer\n")
    server = Server(place / "set", loaded=["base"], fail=fail)
    module_runner.use(monkeypatch, server)
    result = module_runner.run(prosody_module, **options(place, "greeter"))
    assert result["failed"] is True
    assert message in result["msg"]
    assert server.calls[2:] == calls
    assert {path: (place / path).read_bytes() for path in listing(place)} == before


def test_what_goes_down_with_what_was_unloaded(monkeypatch, place):
    module_runner.use(monkeypatch, Server(place / "set", enabled=[]))
    module_runner.run(prosody_module, **options(place, "base"))
    server = Server(place / "set", enabled=[], loaded=["base", "other"])

    def answer(chunk):
        if chunk == 'return MODULES.unload("base")':
            server.loaded.pop("other")
        return server(chunk)

    module_runner.use(monkeypatch, answer)
    result = module_runner.run(prosody_module, **options(place))
    assert (
        "These modules were lost on the way, for they need what was changed: mod_other on example.test" in result["msg"]
    )
    assert listing(place) == ["set/.modules.json", "set/mod_base/mod_base.lua"]


@pytest.mark.parametrize("reason", ["missing", "refused"])
def test_while_prosody_does_not_run_files_are_installed(monkeypatch, place, reason):
    arguments = options(place, "greeter")
    module_runner.use(monkeypatch, AdminUnavailable("nobody there", reason))
    result = module_runner.run(prosody_module, **arguments)
    assert (result["running"], result["installed"], result["loaded"]) == (False, ["base", "greeter"], [])
    assert "set/mod_base/mod_base.lua" in listing(place)


@pytest.mark.parametrize(("names", "changed"), [(["greeter"], True), ([], False)])
def test_a_check_of_a_bare_host_predicts(monkeypatch, place, names, changed):
    monkeypatch.setattr(environment, "CORE", place / "no prosody")
    module_runner.use(monkeypatch, AdminUnavailable("no socket", "missing"))
    result = module_runner.run(prosody_module, check=True, modules=[{"name": name} for name in names])
    assert (result["changed"], result["predicted"], result["installed"]) == (changed, True, names)
    assert "not installed here yet" in result["warnings"][0]


def test_a_server_that_does_not_answer_is_not_taken_for_none(monkeypatch, place):
    arguments = options(place, "greeter")
    module_runner.use(monkeypatch, AdminUnavailable("no answer within 30 seconds", "timeout"))
    assert module_runner.run(prosody_module, **arguments)["msg"] == "no answer within 30 seconds"
    assert not (place / "set").exists()


def test_a_running_prosody_can_be_left_alone(monkeypatch, place):
    arguments = options(place, "greeter", manage_running=False)
    socket = module_runner.use(monkeypatch, Server(place / "set"))
    result = module_runner.run(prosody_module, **arguments)
    assert (result["running"], result["installed"], socket.calls) == (False, ["base", "greeter"], [])


def test_the_directory_as_the_server_sees_it(monkeypatch, place):
    server = Server(Path("/modules"))
    module_runner.use(monkeypatch, server)
    result = module_runner.run(prosody_module, **options(place, "greeter", server_path="/modules/"))
    assert result["loaded"] == [{"host": "example.test", "module": "greeter"}]


def test_a_directory_that_prosody_does_not_look_into(monkeypatch, place):
    module_runner.use(monkeypatch, Server(Path("/elsewhere")))
    result = module_runner.run(prosody_module, **options(place, "greeter"))
    assert f"Prosody does not look for modules in {place}/set" in result["msg"]
    assert not (place / "set").exists()


def test_an_interrupted_run_is_put_back_first(monkeypatch, place):
    module_runner.use(monkeypatch, Server(place / "set", loaded=["greeter", "base"]))
    arguments = options(place, "greeter")
    module_runner.run(prosody_module, **arguments)
    (place / "set" / ".old").mkdir()
    (place / "set" / "mod_base").rename(place / "set" / ".old" / "mod_base")
    result = module_runner.run(prosody_module, **arguments)
    assert result["changed"] is False
    assert "An earlier run was interrupted" in str(result["warnings"])
    assert "set/mod_base/mod_base.lua" in listing(place)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"modules": [{"name": "../x"}]}, "is not the name of a module"),
        ({"sources": [{"type": "tree"}]}, "path"),
        ({"sources": [{"type": "rocks"}]}, "server"),
        ({"sources": [{"type": "cloud"}]}, "value of type must be one of"),
        ({"sources": [{"type": "distribution"}, {"type": "distribution"}]}, "Two sources are named distribution"),
        ({"sources": [{"type": "archive", "path": "/nowhere"}]}, "Source archive: cannot read /nowhere"),
        ({"sources": [], "modules": [{"name": "nope"}]}, "mod_nope is in none of the sources: distribution."),
    ],
)
def test_wrong_options(monkeypatch, place, more, message):
    module_runner.use(monkeypatch, Server(place / "set"))
    result = module_runner.run(prosody_module, **{"modules": [{"name": "base"}], "path": str(place / "set"), **more})
    assert result["failed"] is True
    assert message in result["msg"]


def test_rocks_are_fetched_by_prosodyctl(monkeypatch, place):
    stand_in = place / "prosodyctl"
    stand_in.write_text('#!/bin/sh\necho "Error: no such server" >&2\nexit 0\n')
    stand_in.chmod(0o755)
    module_runner.use(monkeypatch, Server(place / "set"))
    arguments: dict[str, Any] = {
        "modules": [{"name": "base"}],
        "sources": [{"type": "rocks", "server": "/srv/rocks"}],
        "path": str(place / "set"),
    }
    result = module_runner.run(prosody_module, prosodyctl=[str(stand_in)], **arguments)
    assert result["msg"] == (
        "mod_base could not be had from the rocks server /srv/rocks: prosodyctl install ended with 0 and installed "
        "nothing. It said: Error: no such server"
    )
    result = module_runner.run(prosody_module, prosodyctl=[str(place / "missing")], **arguments)
    assert "prosodyctl install ended with 127 and installed nothing" in result["msg"]


def test_the_installed_prosody_is_only_read_when_none_runs(monkeypatch, place):
    arguments = options(place, "base")
    monkeypatch.setattr(environment, "installed", lambda: pytest.fail("read"))
    module_runner.use(monkeypatch, Server(place / "set", enabled=[]))
    assert module_runner.run(prosody_module, **arguments)["running"] is True


def test_on_a_bare_host_a_check_sees_what_no_source_has(monkeypatch, place, tmp_path):
    monkeypatch.setattr(prosody_module.environment, "CORE", tmp_path / "no Prosody here")
    arguments = options(place, "greeter", manage_running=False)
    assert module_runner.run(prosody_module, check=True, **arguments)["predicted"]
    refused = module_runner.run(prosody_module, check=True, **{**arguments, "modules": [{"name": "greetre"}]})
    assert "mod_greetre is in none of the sources: tree" in refused["msg"]


def test_a_check_does_not_know_what_a_package_will_bring(monkeypatch, place, tmp_path):
    (tmp_path / "core").mkdir()
    monkeypatch.setattr(prosody_module.environment, "CORE", tmp_path)
    monkeypatch.setattr(prosody_module.environment, "installed", prosody_module.environment.Environment)
    arguments = {**options(place, "http_health", manage_running=False), "sources": [{"type": "distribution"}]}
    assert "failed" not in module_runner.run(prosody_module, check=True, **arguments)
    assert "is in none of the sources" in module_runner.run(prosody_module, **arguments)["msg"]
