# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Invitations four ways, and one that is used by a client that registers with it."""

from __future__ import annotations

import re
import socket

import pytest
from ansible_collections.allthingslinux.xmpp.tests.scenario.trust import everybody
from conftest import module


def invite(check=False, **options):
    return module("prosody_invite", check, **{"jid": "example.test", **options})


@pytest.fixture(scope="module", autouse=True)
def begin(host):
    """A user, and nobody invited."""
    host.run('prosodyctl shell \'user:create("alice@example.test", "only for this scenario")\'')
    host.run("prosodyctl shell 'user:delete(\"newcomer@example.test\")'")
    for kind, jid in (("registration", "example.test"), ("contact", "alice@example.test")):
        assert not invite(jid=jid, type=kind, state="absent").failed


@pytest.mark.parametrize(
    "options",
    [
        {"roles": ["prosody:member"], "expires_after": "2d"},
        {"jid": "alice@example.test", "type": "contact", "allow_registration": False},
    ],
    ids=["registration", "contact"],
)
def test_four_ways(options):
    predicted = invite(check=True, **options)
    assert predicted.changed
    assert predicted.result["link"] == ""
    made = invite(**options)
    assert made.changed
    link = made.result["link"]
    assert re.match(r"xmpp:(alice@)?example\.test\?(register|roster);preauth=[\w-]{24}", link)
    diff = made.output.partition("xmpp-certificates |")[0]
    assert "invitation for" in diff
    assert link.rpartition("preauth=")[2][:24] not in diff
    for check in (False, True):
        again = invite(check=check, **options)
        assert not again.changed
        assert again.result["link"] == link


def test_a_new_one_though_one_is_pending():
    pending = invite(jid="alice@example.test", type="password_reset")
    other = invite(jid="alice@example.test", type="password_reset", force=True)
    assert other.changed
    assert other.result["link"] != pending.result["link"]


def test_revoking_four_ways():
    revoke = {"jid": "alice@example.test", "type": "contact", "state": "absent"}
    assert len(invite(check=True, **revoke).result["invites"]) == 1
    assert invite(**revoke).changed
    assert not invite(**revoke).changed
    assert not invite(check=True, **revoke).changed
    left = module("prosody_invite_info", jid="alice@example.test").result["invites"]
    assert sorted({one["type"] for one in left}) == ["password_reset", "registration"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"roles": ["prosody:king"]}, "has no role prosody:king"),
        ({"jid": "muc.example.test"}, "does not have the module invites"),
        ({"jid": "nowhere.test"}, "no host nowhere.test"),
    ],
)
def test_what_would_not_be_honoured_is_refused(options, message):
    done = invite(**options)
    assert done.failed
    assert message in done.message


def test_an_invitation_that_is_used_is_gone_and_one_for_an_account_that_exists_is_fulfilled(host):
    wanted = {"jid": "newcomer@example.test", "roles": ["prosody:admin"]}
    token = invite(**wanted).result["invite"]["token"]
    register(host.check_output("hostname -i").split()[0], token)
    assert "prosody:admin" in host.check_output("prosodyctl shell 'user:role(\"newcomer@example.test\")'")
    done = invite(**wanted)
    assert not done.changed
    assert done.result["fulfilled"]
    assert done.result["link"] == ""


def register(address, token):
    """Register newcomer@example.test with an invitation (XEP-0445, XEP-0077)."""
    context = everybody()
    context.set_alpn_protocols(["xmpp-client"])
    plain = socket.create_connection((address, 5223), timeout=10)
    with context.wrap_socket(plain, server_hostname="example.test") as connection:

        def ask(text, until):
            connection.sendall(text.encode())
            heard = ""
            while until not in heard:
                data = connection.recv(65536).decode()
                assert data, heard
                heard += data
            assert "type='error'" not in heard, heard

        ask(
            "<stream:stream to='example.test' version='1.0' xmlns='jabber:client' "
            "xmlns:stream='http://etherx.jabber.org/streams'>",
            "</stream:features>",
        )
        ask(
            f"<iq type='set' id='1' to='example.test'><preauth xmlns='urn:xmpp:pars:0' token='{token}'/></iq>", "id='1'"
        )
        ask(
            "<iq type='set' id='2' to='example.test'><query xmlns='jabber:iq:register'><username>newcomer</username>"
            "<password>only for this scenario</password></query></iq>",
            "id='2'",
        )
