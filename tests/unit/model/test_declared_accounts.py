# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Declared accounts of role prosody: for module prosody_accounts, host by host."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.declared_accounts import (
    declared_accounts,
    generated_files,
)
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.settings import ModelError

D = "example.org"


def values(**more: Any) -> dict[str, Any]:
    return {"hosts": [{"name": D}, {"name": "two.example"}], **more}


def test_accounts_go_to_their_hosts_with_given_or_generated_passwords() -> None:
    settings = values(
        admins=[f"admin@{D}"],
        accounts=[
            {"jid": f"Admin@{D}"},
            {"jid": f"alice@{D}", "password": "hunter2", "role": "prosody:member"},
            {"jid": "bob@two.example", "state": "disabled", "update_password": "always"},
            {"jid": "carol@two.example", "state": "absent"},
        ],
        probe_accounts=[f"probe-1@{D}"],
    )
    assert generated_files(settings) == [f"account_admin@{D}", "account_bob@two.example", f"probe_probe-1@{D}"]
    settings["generated"] = {name: f"made for {name}" for name in generated_files(settings)}
    assert declared_accounts(settings) == {
        D: [
            {
                "name": "admin",
                "state": "present",
                "password": f"made for account_admin@{D}",
                "update_password": "on_create",
            },
            {"name": "alice", "state": "present", "password": "hunter2", "role": "prosody:member"},
            {"name": "probe-1", "password": f"made for probe_probe-1@{D}"},
        ],
        "two.example": [
            {
                "name": "bob",
                "state": "disabled",
                "password": "made for account_bob@two.example",
                "update_password": "always",
            },
            {"name": "carol", "state": "absent"},
        ],
    }


def test_a_probe_account_that_is_declared_keeps_its_declaration() -> None:
    settings = values(accounts=[{"jid": f"probe@{D}", "password": "mine"}], probe_accounts=[f"probe@{D}"])
    assert declared_accounts(settings) == {D: [{"name": "probe", "state": "present", "password": "mine"}]}


VERIFIER = "SCRAM-SHA-256$10000:c2FsdHNhbHQ=${0}:{0}".format("a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=")


def test_a_verifier_stands_for_a_password() -> None:
    account = {
        "jid": f"a@{D}",
        "verifier": VERIFIER,
        "secondary_roles": ["prosody:guest"],
        "contact": {"email": "e"},
    }
    settings = values(accounts=[account])
    assert generated_files(settings) == []
    declared = declared_accounts(settings)[D][0]
    assert declared == {"name": "a", "state": "present", **{key: account[key] for key in account if key != "jid"}}


def test_components_without_a_secret_have_one_made() -> None:
    settings = values(components=[{"name": "irc.x"}, {"name": "m.x", "module": "muc"}, {"name": "y.x", "secret": "s"}])
    assert generated_files(settings) == ["component_irc.x"]


def test_nothing_declared() -> None:
    assert declared_accounts(values()) == {}
    assert generated_files(values()) == []


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            {"accounts": [{"jid": "a@elsewhere.x"}]},
            r"^prosody_accounts\[0\]\.jid: its domain is none of prosody_hosts",
        ),
        ({"accounts": [{"jid": f"a@{D}"}, {"jid": f"A@{D}"}]}, r"^prosody_accounts\[1\]\.jid: .*declared twice"),
        ({"accounts": [{"jid": D}]}, r"^prosody_accounts\[0\]\.jid: this is no account"),
        ({"accounts": [{"jid": f"a@{D}/phone"}]}, r"^prosody_accounts\[0\]\.jid: .*no account"),
        ({"accounts": [{"jid": f"a b@{D}"}]}, r"^prosody_accounts\[0\]\.jid: "),
        ({"accounts": [{}]}, r"^prosody_accounts\[0\]\.jid: "),
        ({"accounts": [{"jid": f"a@{D}", "state": "gone"}]}, r"^prosody_accounts\[0\]\.state is none of"),
        ({"probe_accounts": ["p@elsewhere.x"]}, r"^prosody_probe_accounts\[0\]: its domain is none of"),
        (
            {"admins": [f"a@{D}"], "accounts": [{"jid": f"a@{D}", "role": "prosody:member"}]},
            r"^prosody_accounts\[0\]\.role: a@example\.org is one of prosody_admins",
        ),
        (
            {"admins": [f"a@{D}", f"b@{D}"], "accounts": [{"jid": f"A@{D}", "state": "absent"}]},
            r"^prosody_accounts\[0\]\.state: a@example\.org is one of prosody_admins, and whoever registers the name",
        ),
        (
            {"admins": [f"a@{D}"], "accounts": [{"jid": f"a@{D}", "state": "disabled"}]},
            r"^prosody_accounts\[0\]\.state: a@example\.org .* nobody would be left to sign in",
        ),
    ],
)
def test_what_cannot_be_declared(more: dict[str, Any], message: str) -> None:
    with pytest.raises(XmppError, match=message):
        declared_accounts(values(**more))


def test_one_operator_of_two_may_be_disabled() -> None:
    found = declared_accounts(
        values(
            admins=[f"a@{D}", f"b@{D}"],
            accounts=[{"jid": f"a@{D}", "password": "Wherefore-16-art", "state": "disabled"}],
        )
    )
    assert [entry["state"] for entry in found[D]] == ["disabled"]


@pytest.mark.parametrize(
    ("account", "told"),
    [
        ({"password": "Wherefore-16-art", "verifier": VERIFIER}, "give a password or a verifier, not both"),
        ({"verifier": "SCRAM-SHA-256$1:x$y:z"}, "The verifier cannot be read"),
        ({"role": "prosody:member", "secondary_roles": ["prosody:member"]}, "cannot be its primary and a secondary"),
    ],
)
def test_what_the_module_would_refuse_on_the_host_is_refused_before(account: dict[str, Any], told: str) -> None:
    with pytest.raises(ModelError, match=told) as found:
        declared_accounts(values(accounts=[{"jid": f"a@{D}", **account}]))
    assert str(found.value).startswith("prosody_accounts[0]: ")
    assert "Wherefore" not in str(found.value)
