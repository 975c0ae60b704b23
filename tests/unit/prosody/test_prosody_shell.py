# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""prosody_shell: options and answers recorded from Prosody 13.0.1 → exact commands and result."""

from __future__ import annotations

import lupa
import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody import shell_command
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.admin_socket import AdminUnavailable, Reply
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.shell_command import ShellCommandError
from ansible_collections.allthingslinux.xmpp.plugins.modules import prosody_shell
from ansible_collections.allthingslinux.xmpp.tests.unit import module_runner
from hypothesis import given
from hypothesis import strategies as st

CREATE = ["user", "create", "bot@example.test"]
CREATE_LINE = '{ "user", "create", "bot@example.test" }'
ROLE = 'user:role("bot@example.test")'
# recorded
CREATED = Reply(True, "OK: Created bot@example.test with role 'prosody:member'", ())
EXISTS = Reply(False, "Error: User exists", ())
CANCELLED = Reply(False, "Error: cancelled", ())
MEMBER = Reply(True, "OK: prosody:member", ())
NO_USER = Reply(False, "Error: No such user", ())
HOSTS = Reply(True, "OK: 2 hosts", ("example.test", "muc.example.test (muc component)"))
NONE_RELOADED = Reply(True, "OK: Module reloaded on 0 hosts", ())
NOT_LUA = Reply(False, "Sorry, I couldn't understand that... console:1: unexpected symbol near <eof>", ())

CASES = [
    # options, check mode, answers, calls, part of the result
    pytest.param(
        {"argv": CREATE, "secrets": ["hush"]},
        False,
        [CREATED],
        [(CREATE_LINE, ("hush",))],
        {"changed": True, "ran": True, "output": [], "result": CREATED.text},
        id="words",
    ),
    pytest.param(
        {"argv": CREATE, "secrets": ["hush"], "unless": ROLE},
        False,
        [NO_USER, CREATED],
        [(ROLE, ()), (CREATE_LINE, ("hush",))],
        {"changed": True, "ran": True},
        id="guard says there is something to do",
    ),
    pytest.param(
        {"argv": CREATE, "secrets": ["hush"], "unless": ROLE},
        False,
        [MEMBER],
        [(ROLE, ())],
        {"changed": False, "ran": False, "reason": "the guard holds: OK: prosody:member"},
        id="guard holds",
    ),
    pytest.param(
        {"argv": CREATE, "unless": ROLE, "unless_matches": "prosody:admin"},
        False,
        [MEMBER, CREATED],
        [(ROLE, ()), (CREATE_LINE, ())],
        {"changed": True},
        id="guard succeeds without the match",
    ),
    pytest.param(
        {"argv": CREATE, "unless": ROLE},
        True,
        [NO_USER],
        [(ROLE, ())],
        {"changed": True, "ran": False, "reason": "check mode: what may change something is not run"},
        id="check mode runs only the guard",
    ),
    pytest.param(
        {"argv": CREATE, "unless": ROLE}, True, [MEMBER], [(ROLE, ())], {"changed": False, "ran": False}, id="check"
    ),
    pytest.param(
        {"command": "host:list()", "read_only": True},
        True,
        [HOSTS],
        [("host:list()", ())],
        {"changed": False, "ran": True, "output": list(HOSTS.output), "result": "OK: 2 hosts"},
        id="what only reads runs in check mode",
    ),
    pytest.param(
        {"command": "host:list()", "changed": "^muc"},
        False,
        [HOSTS],
        [("host:list()", ())],
        {"changed": True},
        id="changed",
    ),
    pytest.param(
        {"command": "host:list()", "changed": "^xyz"},
        False,
        [HOSTS],
        [("host:list()", ())],
        {"changed": False, "ran": True},
        id="not changed",
    ),
    pytest.param(
        {"command": 'module:reload("x")', "failed": "on 0 hosts"},
        False,
        [NONE_RELOADED],
        [('module:reload("x")', ())],
        {
            "failed": True,
            "ran": True,
            "msg": "The command module:reload was answered with 'on 0 hosts', which is declared as its failure "
            "('on 0 hosts').",
        },
        id="declared failure",
    ),
    pytest.param(
        {"argv": CREATE, "secrets": ["hush"]},
        False,
        [EXISTS],
        [(CREATE_LINE, ("hush",))],
        {"failed": True, "msg": "Prosody answered the command user:create with an error: Error: User exists."},
        id="error",
    ),
    pytest.param(
        {"argv": CREATE},
        False,
        [CANCELLED],
        [(CREATE_LINE, ())],
        {
            "failed": True,
            "msg": "Prosody answered the command user:create with an error: Error: cancelled. "
            "It asked for a password and none was left to give: add it to `secrets`.",
        },
        id="no secret left",
    ),
    pytest.param({"command": "c2s:show("}, False, [NOT_LUA], [("c2s:show(", ())], {"failed": True}, id="not Lua"),
    pytest.param(
        {"command": "> return true, 'x'"}, False, [MEMBER], [("> return true, 'x'", ())], {"changed": True}, id="Lua"
    ),
]


@pytest.mark.parametrize(("options", "check", "answers", "calls", "expected"), CASES)
def test_module(monkeypatch, options, check, answers, calls, expected):
    pending = list(answers)
    socket = module_runner.use(monkeypatch, lambda *_: pending.pop(0))
    result = module_runner.run(prosody_shell, check=check, **options)
    assert socket.calls == calls
    assert {key: result.get(key) for key in expected} == expected
    assert "hush" not in str(result)


NOT_THERE = Reply(False, "console:1: attempt to call a nil value (method 'roles')", ())


@pytest.mark.parametrize("answer", [NOT_LUA, NOT_THERE])
@pytest.mark.parametrize("check", [False, True])
def test_a_guard_that_is_no_command_lets_nothing_run(monkeypatch, answer, check):
    socket = module_runner.use(monkeypatch, answer)
    result = module_runner.run(prosody_shell, check=check, argv=CREATE, unless='user:roles("bot@example.test")')
    assert result["failed"] is True
    assert result["msg"] == f"Prosody does not understand the guard user:roles in `unless`: {answer.text}."
    assert len(socket.calls) == 1


REFUSED = [
    ({"command": "nonsense"}, "is not a command of Prosody's shell"),
    ({"command": "help user"}, "is not a command of Prosody's shell"),
    ({"argv": ["user"]}, "argv has 1 word"),
    ({"command": "watch:log()"}, "prints until it is interrupted"),
    ({"argv": ["watch", "stanzas", "a@example.test"]}, "prints until it is interrupted"),
    ({"command": "host:list()", "changed": "("}, "The option changed is not a regular expression"),
    ({"command": "host:list()", "failed": "("}, "The option failed is not a regular expression"),
    ({"command": "a:b()", "unless": "a:b()", "unless_matches": "*"}, "The option unless_matches is not"),
    ({"command": "host:list()", "unless": "nonsense"}, "is not a command of Prosody's shell"),
    ({}, "one of the following is required: argv, command"),
    ({"command": "a:b()", "argv": ["a", "b"]}, "mutually exclusive"),
    ({"command": "a:b()", "unless_matches": "x"}, "unless"),
    ({"command": "a:b()", "read_only": True, "changed": "x"}, "mutually exclusive"),
]


@pytest.mark.parametrize(("options", "message"), REFUSED)
def test_refused_before_anything_is_sent(monkeypatch, options, message):
    socket = module_runner.use(monkeypatch, lambda *_: pytest.fail("it was sent"))
    result = module_runner.run(prosody_shell, **options)
    assert result["failed"] is True
    assert message in result["msg"]
    assert socket.calls == []


REVEALING = [
    {"command": 'user:create("a@example.test", "pass")'},
    {"command": "user:password('a@example.test', [[pass]])"},
    {"argv": ["user", "create", "a@example.test", "pass"]},
    {"argv": ["config", "get", "example.test", "turn_external_secret"]},
    {"command": 'config:get("sql")'},
    {"command": "> return true, require'prosody.core.configmanager'.get('*', 'component_secret')"},
    {"argv": ["invite", "create_account", "example.test"]},
    {"command": 'muc:room("r@rooms.example.test"):set_password("pass")'},
    {"command": "host:list()", "unless": 'config:get("http_upload_external_secret")'},
]


@pytest.mark.parametrize("options", REVEALING)
def test_what_may_reveal_a_secret_needs_no_log(monkeypatch, options):
    socket = module_runner.use(monkeypatch, Reply(True, "OK: done", ()))
    result = module_runner.run(prosody_shell, **options)
    assert result["failed"] is True
    assert "Set no_log: true on the task" in result["msg"]
    assert socket.calls == []
    assert module_runner.run(prosody_shell, no_log=True, **options).get("failed", False) is False


@pytest.mark.parametrize(
    "options",
    [
        {"command": 'user:create("a@example.test", nil, "prosody:admin")'},
        {"argv": ["user", "create", "a@example.test"]},
        {"command": 'user:set_role("secret@example.test", "example.test", "prosody:admin")'},
        {"command": 'config:get("c2s_ports")'},
        {"command": 'muc:room("secrets@rooms.example.test"):set_name("Passwords")'},
    ],
)
def test_what_reveals_nothing_does_not(monkeypatch, options):
    module_runner.use(monkeypatch, Reply(True, "OK: done", ()))
    assert module_runner.run(prosody_shell, **options).get("failed", False) is False


def test_server_down(monkeypatch):
    module_runner.use(monkeypatch, AdminUnavailable("Cannot talk to Prosody", "missing"))
    assert module_runner.run(prosody_shell, command="host:list()")["msg"] == "Cannot talk to Prosody"


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=2))
def test_any_words_arrive_as_they_are(words):
    command = shell_command.from_words(words)
    table = lupa.LuaRuntime(encoding="utf-8").eval(command.line)
    assert list(table.values()) == words


@given(st.text())
def test_any_line_is_a_command_or_refused(line):
    try:
        assert shell_command.from_line(line).line == line.strip()
    except ShellCommandError:
        assert not line.strip().startswith(">")
