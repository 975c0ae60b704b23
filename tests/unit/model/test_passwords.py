# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Declared passwords: as they are given, and no worse than what users may choose."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody import findings
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.declared_accounts import declared_accounts
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.passwords import password_problems


def settings(password: Any, **more: Any) -> dict[str, Any]:
    account = {"jid": "alice@op.test", "password": password, **more}
    return {"hosts": [{"name": "op.test"}], "password_min_length": 10, "accounts": [account]}


@pytest.mark.parametrize("password", [" ten letters", "ten letters ", "\tten letters\t", "ten  letters\u00a0"])
def test_a_blank_at_the_edge_is_part_of_a_password(password):
    assert declared_accounts(settings(password))["op.test"][0]["password"] == password


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("a", "is shorter than the 10 characters that prosody_password_min_length asks"),
        ("   short  "[:9], "is shorter"),
        (9876543210, "is no text: put it between quotes"),
        ("for ALICE only", "has the name of the account in it"),
        ("ten letters\a", "cannot be used: SASLprep"),
    ],
)
def test_what_is_no_password_is_refused_and_not_shown(password, reason):
    (line,) = password_problems(settings(password))
    assert line.startswith("prosody_accounts[0].password: the password of alice@op.test ")
    assert reason in line
    assert (
        str(password) not in line.removeprefix("prosody_accounts[0].password: the password of alice@op.test ")
        or password == "a"
    )
    if isinstance(password, str):
        assert line in [problem["problem"] for problem in findings.problems(settings(password))]


@pytest.mark.parametrize(
    "given",
    [
        settings("ten letters"),
        settings("a", state="absent"),
        settings(None),
        settings("ten letters", jid="e@op.test"),
        settings("ten letters", jid="te@op.test"),
        {**settings("a"), "password_min_length": 0},
    ],
)
def test_what_is_a_password_or_none_is_not_refused(given):
    assert password_problems(given) == []


@pytest.mark.parametrize("secret", ["md5" + "0" * 32, "SCRAM-SHA-256$4096:salt$stored:server"])
def test_what_postgresql_takes_for_a_hash_is_no_password_of_a_database(secret):
    given = {"hosts": [{"name": "op.test"}], "storage": "postgresql", "database_host": "192.0.2.2"}
    (problem,) = findings.problems({**given, "database_password": secret})
    assert "PostgreSQL would take it for the hash" in problem["problem"]
    assert secret not in problem["problem"]
    assert findings.problems({**given, "database_password": f"-{secret}"}) == []
