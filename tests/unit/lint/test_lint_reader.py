# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reader: what it hides, what it refuses, and its answer as data."""

from __future__ import annotations

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint import Installation, NotInstalled, find
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.config import (
    ConfigError,
    Opaque,
    Place,
    Secret,
    Table,
    parse,
    read_config,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.configuration_lua import MARK
from ansible_collections.allthingslinux.xmpp.tests.unit.lint.lint_support import INSTALLATION, TREE, lint, run_command

HOST = '\nVirtualHost "example.org" { }\n'


def read(directory, text, **options):
    path = directory / "prosody.cfg.lua"
    path.write_text(text, encoding="utf-8", errors="surrogateescape")
    return read_config(str(path), run_command=run_command, installation=INSTALLATION, wrap=[], **options)


def test_values(tmp_path):
    text = """
        a = true; b = 5; c = 2.5; d = "tab\\tquote\\"\\1"; e = { 1, "x", k = { [5] = false } }; f = 2^1000 * 10; g = 1/0
        h = function () end; i = "\\195\\188"; j = "\\255"; k = -3
    """
    found = read(tmp_path, text).hosts["*"]
    assert (found["a"], found["b"], found["c"], found["d"], found["k"]) == (True, 5, 2.5, 'tab\tquote"\x01', -3)
    assert found["e"] == Table(((1, 1), (2, "x"), ("k", Table(((5, False),)))))
    assert found["e"].items == [1, "x"]
    assert found["g"] == float("inf")
    assert found["h"] == Opaque("function")
    assert (found["i"], found["j"]) == ("ü", "\xff")


def test_a_table_that_holds_itself_ends(tmp_path):
    found = read(tmp_path, "local t = {}\nt.t = t\na = t\n")
    assert isinstance(found.hosts["*"]["a"], Table)


def test_what_comes_out_of_a_file_is_never_printed(tmp_path):
    (tmp_path / "secret").write_text("correct horse\nsecond line\n")
    text = 'a = FileLine("secret"); b = "prefix " .. FileLine("secret"); c = { FileLine("secret") }; d = "other"'
    seen = []

    def spy(argv, data=""):
        answer = run_command(argv, data)
        seen.append(answer[1])
        return answer

    path = tmp_path / "prosody.cfg.lua"
    path.write_text(text)
    found = read_config(str(path), run_command=spy, installation=INSTALLATION, wrap=[]).hosts["*"]
    assert "horse" not in seen[0]
    assert isinstance(found["a"], Secret)
    assert isinstance(found["b"], Secret)
    assert isinstance(found["c"].items[0], Secret)
    assert found["d"] == "other"
    assert str(found["a"]) == f"FileLine {tmp_path}/secret"


def test_files_that_are_about_to_be_written(tmp_path):
    text = 'letters_secret = FileLine("later")' + HOST
    assert [finding.code for finding in lint(tmp_path, text)] == ["file-missing"]
    assert lint(tmp_path, text, pending_files=[str(tmp_path / "later")]) == []


def test_a_staged_file_is_read_as_the_one_it_will_be(tmp_path):
    stage = tmp_path / "stage"
    home = tmp_path / "etc"
    stage.mkdir()
    home.mkdir()
    (home / "more.cfg.lua").write_text("letters_size = 500\n")
    text = 'Include "more.cfg.lua"\nlettres_size = 1' + HOST
    (finding,) = lint(stage, text, as_path=str(home / "prosody.cfg.lua"))
    assert finding.file == str(home / "prosody.cfg.lua")
    assert finding.line == 2


@pytest.mark.parametrize(
    ("call", "name"),
    [
        ('Lua.os.execute("touch {0}")', "os.execute"),
        ('Lua.io.popen("touch {0}")', "io.popen"),
        ('Lua.os.remove("{0}")', "os.remove"),
        ('Lua.os.rename("{0}", "{0}.x")', "os.rename"),
        ('Lua.io.open("{0}", "w")', "io.open"),
        ('Lua.io.open("{0}", "r+")', "io.open"),
        ("Lua.os.exit(0)", "os.exit"),
    ],
)
def test_the_configuration_may_not_act(tmp_path, call, name):
    victim = tmp_path / "victim"
    victim.write_text("here")
    (finding,) = lint(tmp_path, call.format(victim) + HOST)
    assert finding.code == "refused-call"
    assert name in finding.message
    assert [path.name for path in tmp_path.iterdir() if "victim" in path.name] == ["victim"]
    assert victim.read_text() == "here"


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("a = {\n\n", 3, "unexpected symbol near <eof>"),
        ("a = 1\nb = = 2", 2, "unexpected symbol near '='"),
        ("a = 1\nb = nothing.x", 2, "attempt to index a nil value (global 'nothing')"),
        ('a = 1\nerror("own words")', 2, "own words"),
    ],
)
def test_an_error_has_file_line_and_words(tmp_path, text, line, reason):
    if reason == "own words":
        text = text.replace("error", "Lua.error")
    (finding,) = lint(tmp_path, text)
    assert (finding.severity, finding.code, finding.line, finding.message) == ("error", "syntax", line, reason)
    assert finding.where == f"prosody.cfg.lua:{line}"


def test_no_such_file(tmp_path):
    with pytest.raises(ConfigError, match="No such file"):
        read_config(str(tmp_path / "x.cfg.lua"), run_command=run_command, installation=INSTALLATION)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((124, "", ""), "still running after 20 s"),
        ((137, "", ""), "still running after 20 s"),
        ((127, "", "lua5.4: not found"), "lua5.4: not found"),
        ((0, "", ""), "was not read"),
        ((0, MARK + '{"fatal": "module \'util.envload\' not found"}', ""), "libraries do not load"),
    ],
)
def test_a_reader_that_fails_says_why(tmp_path, answer, words):
    path = tmp_path / "prosody.cfg.lua"
    path.write_text("a = 1")
    with pytest.raises(ConfigError, match=words):
        read_config(str(path), run_command=lambda argv, data="": answer, installation=INSTALLATION)


def test_the_command(tmp_path):
    path = tmp_path / "prosody.cfg.lua"
    path.write_text("a = 1")
    calls = []

    def spy(argv, data=""):
        calls.append((argv, data))
        return run_command(argv, data)

    read_config(
        str(path), run_command=spy, installation=INSTALLATION, wrap=["setpriv", "--reuid", "prosody"], timeout=7
    )
    argv, data = calls[0]
    assert argv[:7] == ["timeout", "-k", "2", "7", "setpriv", "--reuid", "prosody"]
    assert argv[7:9] == ["lua5.4", "-e"]
    assert data.endswith("\na = 1")
    assert data.splitlines()[4] == str(path)


def test_a_path_with_a_line_break_is_refused(tmp_path):
    path = tmp_path / "prosody.cfg.lua"
    path.write_text("a = 1")
    with pytest.raises(ConfigError, match="line break"):
        read_config(str(path), run_command=run_command, installation=INSTALLATION, pending_files=["a\nb"])


def test_parse_of_a_recorded_answer():
    answer = {
        "lua": "5.4",
        "path": "/x/?.lua",
        "cpath": "/x/?.so",
        "hosts": {"*": {"a": {"t": "secret", "v": "FileLine /s"}}, "h": {"defined": True}},
        "files": ["/etc/p.lua"],
        "problems": [{"code": "file-missing", "subject": "/s", "text": "gone"}],
        "undefined": [{"name": "False", "file": "/etc/p.lua", "line": 3}],
        "assignments": [
            {"host": "*", "key": "a", "file": "/etc/p.lua", "line": 2, "kind": "value"},
            {"host": "h", "key": "defined", "file": "/etc/p.lua", "line": 4, "kind": "value"},
            {"host": "*", "key": "b", "file": "/etc/p.lua", "line": 3, "kind": "nil"},
        ],
    }
    config = parse(answer, "/etc/p.lua")
    assert config.declared == {"h": [Place("/etc/p.lua", 4)]}
    assert config.unset == (("*", "b", Place("/etc/p.lua", 3)),)
    assert config.problems[0].place == Place("/etc/p.lua", 0)
    assert config.get("h", "a") == "FileLine /s"
    assert config.get("h", "nothing", 5) == 5


def test_where_prosody_is_installed(tmp_path):
    program = tmp_path / "prosody"
    program.write_text(
        f"#!/usr/bin/env lua5.4\nCFG_SOURCEDIR='{TREE}';\nCFG_CONFIGDIR='/etc/x';\n"
        "CFG_PLUGINDIR='/a/;/b/';\nCFG_DATADIR='/var/x';\n"
    )
    found = find([str(tmp_path / "absent"), str(program)])
    assert (found.source, found.config, found.data) == (
        TREE,
        tmp_path.__class__("/etc/x"),
        tmp_path.__class__("/var/x"),
    )
    assert [str(path) for path in found.plugins] == ["/a", "/b"]
    assert found.programs == (program,)


def test_no_prosody_is_an_error_that_says_what_to_do(tmp_path):
    with pytest.raises(NotInstalled, match="install it first"):
        find([str(tmp_path / "absent")])
    with pytest.raises(NotInstalled):
        find([], core=tmp_path)


def test_without_root_nothing_is_given_up(monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert Installation(TREE, (), TREE, TREE, "lua").unprivileged() == []
