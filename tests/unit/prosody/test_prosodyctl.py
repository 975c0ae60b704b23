# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""prosodyctl behind the interface that the admin socket has."""

from __future__ import annotations

import inspect
from types import SimpleNamespace

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.admin_socket import (
    AdminCommandFailed,
    AdminSocket,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.prosodyctl import Prosodyctl


def answering(code: int, stdout: str = "", stderr: str = ""):
    calls = []

    def run(line, **options):
        calls.append((line, options["input"]))
        return SimpleNamespace(returncode=code, stdout=stdout, stderr=stderr)

    return Prosodyctl(run=run), calls


def test_the_interface_is_that_of_the_admin_socket() -> None:
    assert inspect.signature(Prosodyctl.command) == inspect.signature(AdminSocket.command)


def test_a_line_becomes_words_and_secrets_go_through_standard_input() -> None:
    runner, calls = answering(0, "Checking config...\nAll checks passed, congratulations!\n")
    reply = runner.command("check 'config'", secrets=["hunter2"])
    assert calls == [(["prosodyctl", "check", "config"], "hunter2\n")]
    assert reply.ok
    assert reply.text == "All checks passed, congratulations!"
    assert reply.output == ("Checking config...", "All checks passed, congratulations!")


@pytest.mark.parametrize(
    ("stderr", "said"), [("no such host", "no such host"), ("", "it ended with 2 and said nothing")]
)
def test_a_failure_says_what_was_seen(stderr: str, said: str) -> None:
    with pytest.raises(AdminCommandFailed, match=said) as caught:
        answering(2, "", stderr)[0].command("deluser x@y", secrets=["hunter2"])
    assert 'prosodyctl deluser x@y" failed' in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert not caught.value.reply.ok


def test_a_failure_can_be_asked_for() -> None:
    assert not answering(1, "no")[0].command("status", check=False).ok
