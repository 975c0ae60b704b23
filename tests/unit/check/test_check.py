# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pure parts of plugins/module_utils/check, and how a run of checks is put together."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import errno
import ssl
from types import SimpleNamespace
from xml.etree import ElementTree as ET

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check import (
    address,
    client,
    features,
    relay,
    run,
    sign_in,
    stanzas,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.client import Account
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.https import HttpFailed, endpoint
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.outcome import (
    CheckFailed,
    NotOffered,
    NotTried,
    Outcome,
    explain,
    without_secrets,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.stage import (
    Stage,
    Target,
    identities_and_features,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from hypothesis import given
from hypothesis import strategies as st

ACCOUNTS = (Account("one@example.org", "secret-one"), Account("two@example.org", "secret-two"))
TARGET = Target("example.org", ACCOUNTS, address="192.0.2.1", timeout=0.2)


def checks(monkeypatch, **functions):
    """Let these functions be all the checks there are."""

    def titled(name):
        return lambda _target: name.upper()

    monkeypatch.setattr(
        run, "CHECKS", {name: run.Check(titled(name), function, 1) for name, function in functions.items()}
    )


def ran(names=None, target=TARGET):
    return asyncio.run(run.run(target, tuple(run.CHECKS) if names is None else names))


# What an outcome says


@pytest.mark.parametrize(
    ("state", "ok", "line"),
    [
        ("ok", True, "ok      Room: talked"),
        ("failed", False, "FAILED  Room: talked. Look there"),
        ("not_tried", False, "untried Room: talked"),
        ("not_offered", True, "absent  Room: talked"),
    ],
)
def test_a_line_starts_with_how_it_went(state, ok, line):
    outcome = Outcome("room", "Room", state, "talked.", "Look there" if state == "failed" else "", 0.12345)
    assert outcome.ok is ok
    assert outcome.line() == line
    assert outcome.as_dict() == {
        "name": "room",
        "title": "Room",
        "state": state,
        "ok": ok,
        "seen": "talked.",
        "advice": outcome.advice,
        "seconds": 0.123,
    }


@given(st.text(), st.text(min_size=1), st.text())
def test_no_secret_survives_as_it_is_or_in_base64(before, secret, after):
    coded = base64.b64encode(secret.encode()).decode()
    hidden = without_secrets(f"{before}{secret} {coded}{after}", [secret])
    assert secret not in hidden or "*" in secret
    assert coded not in hidden


def test_an_empty_secret_hides_nothing():
    assert without_secrets("all of this", ["", "x-secret"]) == "all of this"


def test_a_longer_secret_is_hidden_before_one_inside_it():
    assert without_secrets("abcdef", ["abc", "abcdef"]) == "********"


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError(), "ValueError"),
        (ValueError("a\n  b."), "a b"),
        (OSError(errno.ECONNREFUSED, "Connect call failed ('192.0.2.1', 5222)"), "Connection refused"),
        (OSError("Multiple exceptions: no, no"), "Multiple exceptions: no, no"),
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)"), None),
    ],
)
def test_an_error_is_one_line(error, text):
    seen = explain(error)
    assert "\n" not in seen
    assert seen
    if text:
        assert seen == text


# How a run is put together


def test_a_failed_check_does_not_keep_the_next_from_being_tried(monkeypatch):
    async def good(_stage):
        return "fine"

    async def bad(_stage):
        raise CheckFailed("knocking", "nobody there", "Look there")

    async def later(_stage):
        raise NotTried("not tried")

    async def none(_stage):
        raise NotOffered("not offered")

    async def odd(_stage):
        raise XmppError("odd")

    async def broken(_stage):
        raise KeyError("broken")

    checks(monkeypatch, bad=bad, good=good, later=later, none=none, odd=odd, broken=broken)
    report = ran(target=Target("example.org", ACCOUNTS, timeout=1))
    assert [(outcome.name, outcome.state) for outcome in report.outcomes] == [
        ("bad", "failed"),
        ("good", "ok"),
        ("later", "not_tried"),
        ("none", "not_offered"),
        ("odd", "failed"),
        ("broken", "failed"),
    ]
    assert report.outcomes[0].line() == "FAILED  BAD: knocking: nobody there. Look there"
    assert "KeyError" in report.outcomes[-1].seen


def test_a_check_that_hangs_is_ended(monkeypatch):
    async def hangs(_stage):
        await asyncio.sleep(60)

    checks(monkeypatch, hangs=hangs)
    (outcome,) = ran().outcomes
    assert outcome.state == "failed"
    assert outcome.seen == "not done within 0.2 s"
    assert outcome.seconds < 5


def test_nothing_returned_holds_a_secret(monkeypatch):
    async def talkative(stage):
        stage.secrets.add("turn-secret")
        raise CheckFailed(
            "saying secret-one", "heard turn-secret", f"{base64.b64encode(b'secret-two').decode()} is what I know"
        )

    async def broken(_stage):
        raise RuntimeError("AUTH secret-two failed")

    checks(monkeypatch, talkative=talkative, broken=broken)
    told = repr(ran())
    for secret in ("secret-one", "secret-two", "turn-secret", base64.b64encode(b"secret-two").decode()):
        assert secret not in told
    assert "********" in told


def test_an_account_does_not_show_its_password():
    assert "secret" not in repr(ACCOUNTS[0])
    assert "secret" not in repr(TARGET)
    assert "hidden" not in repr(relay.Service("turn", "udp", "h", 1, "u", "hidden"))


def test_only_what_was_asked_for_runs_and_a_sign_in_comes_along(monkeypatch):
    async def fine(_stage):
        return "fine"

    checks(monkeypatch, starttls=fine, direct_tls=fine, message=fine, closed_ports=fine)

    def names(*asked, without=()):
        target = Target("example.org", ACCOUNTS, without=without, timeout=1)
        return [outcome.name for outcome in ran(asked, target).outcomes]

    assert names("closed_ports") == ["closed_ports"]
    assert names("message") == ["starttls", "message"]
    assert names("direct_tls", "message") == ["direct_tls", "message"]
    assert names("message", without=("starttls",)) == ["direct_tls", "message"]


@pytest.mark.parametrize(
    ("without", "left_out"),
    [
        ((), set()),
        (("mam",), {"archive"}),
        (("archive",), {"archive"}),
        (("muc",), {"room"}),
        (("room",), {"room"}),
        (("upload",), {"upload"}),
        (("http_file_share",), {"upload"}),
        (("turn",), {"turn_credentials", "turn_udp", "turn_tcp", "turn_tls"}),
        (("proxy",), {"proxy"}),
        (("websocket",), {"websocket"}),
        (("bosh",), {"bosh"}),
        (("bosh", "websocket"), {"bosh", "websocket", "host_meta"}),
        (("invites_page",), {"invitations"}),
        (("starttls",), {"starttls"}),
        (("direct_tls",), {"direct_tls"}),
        (("s2s", "s2s_tls"), {"s2s", "s2s_tls"}),
        (("carbons", "unknown"), set()),
    ],
)
def test_what_a_service_goes_without_is_not_checked(without, left_out):
    applied = {name for name, check in run.CHECKS.items() if check.applies(without)}
    assert set(run.CHECKS) - applied == left_out


def test_without_names_features_by_name_or_module():
    assert "push" not in features.expected(["cloud_notify"])
    assert "push" not in features.expected(["push"])
    assert set(features.FEATURES) - set(features.expected(["csi_simple", "turn"])) == {"csi", "turn"}


# Advice


@pytest.mark.parametrize("kind", client.KINDS)
def test_every_way_of_failing_to_sign_in_has_advice(kind):
    advice = sign_in.advice(kind, Stage(TARGET), 5222)
    assert len(advice) > 20
    assert not advice.endswith(".")


# Reading stanzas


@pytest.mark.parametrize(
    ("code", "named", "unnamed"),
    [
        (401, "static-auth-secret", "quota"),
        (440, "allocation-default-address-family=ipv6", "quota"),
        (486, "user-quota", "family"),
        (508, "min-port", "family"),
        (437, "journalctl -u coturn", "quota"),
    ],
)
def test_what_a_refused_relay_is_blamed_on(code, named, unnamed):
    said = relay.advice_for(SimpleNamespace(error_code=code))
    assert named in said
    assert unnamed not in said


def test_nothing_that_is_shown_holds_a_control_character(monkeypatch):
    """coturn counts the NULs behind a reason as text, and a stranger's escape sequence is none for the operator."""

    async def padded(_stage):
        raise CheckFailed("allocating a relay", "(440 - Wrong address family\0\0) \x1b]0;mine\x07", "Look\0 there")

    checks(monkeypatch, starttls=padded)
    (outcome,) = ran(["starttls"]).outcomes
    assert outcome.line().isprintable()
    assert outcome.seen.endswith("(440 - Wrong address family) ]0;mine")
    assert explain(OSError("reason\0")) == "reason"


def test_turn_services_have_default_ports_and_transports():
    answer = ET.fromstring(
        "<iq xmlns='jabber:client'><services xmlns='urn:xmpp:extdisco:2'>"
        "<service type='turn' host='t.example.org' port='3479' transport='tcp' username='1' password='p'/>"
        "<service type='turn' host='t.example.org'/><service type='turns' host='t.example.org'/>"
        "<service xmlns='urn:other' type='turn' host='elsewhere'/></services></iq>"
    )
    assert relay.services_in(answer) == [
        relay.Service("turn", "tcp", "t.example.org", 3479, "1", "p"),
        relay.Service("turn", "udp", "t.example.org", 3478, "", ""),
        relay.Service("turns", "tcp", "t.example.org", 5349, "", ""),
    ]


def test_the_archive_id_is_the_one_of_the_own_archive():
    message = ET.fromstring(
        "<message xmlns='jabber:client'><body>hello there</body>"
        "<stanza-id xmlns='urn:xmpp:sid:0' by='room@muc.example.org' id='theirs'/>"
        "<stanza-id xmlns='urn:xmpp:sid:0' by='two@example.org' id='ours'/></message>"
    )
    assert stanzas.archive_id(message, "two@example.org") == "ours"
    assert stanzas.archive_id(message, "one@example.org") == ""
    assert stanzas.body_of(message) == "hello there"
    assert stanzas.has_body("lo th")(message)
    assert stanzas.has_body("lo th", "normal")(message)
    assert not stanzas.has_body("lo th", "chat")(message)
    assert not stanzas.has_body("other")(message)


@pytest.mark.parametrize(
    ("inner", "text"),
    [
        ("", "undefined-condition"),
        ("<error><not-allowed xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>", "not-allowed"),
        (
            "<error><forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
            "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>no rooms</text></error>",
            "forbidden (no rooms)",
        ),
    ],
)
def test_an_error_stanza_is_told_by_its_condition(inner, text):
    assert (
        str(stanzas.refusal(ET.fromstring(f"<presence xmlns='jabber:client' type='error'>{inner}</presence>"))) == text
    )


def test_identities_and_features_of_a_disco_answer():
    info = ET.fromstring(
        "<iq xmlns='jabber:client'><query xmlns='http://jabber.org/protocol/disco#info'>"
        "<identity category='store' type='file' name='x'/><feature var='urn:a'/><feature var='urn:b'/></query></iq>"
    )
    assert identities_and_features(info) == (frozenset({"store/file"}), frozenset({"urn:a", "urn:b"}))


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("https://example.org", ("example.org", 443, "/")),
        ("https://example.org:5281/a/b?c=d", ("example.org", 5281, "/a/b?c=d")),
        ("wss://example.org/xmpp-websocket", ("example.org", 443, "/xmpp-websocket")),
        ("http://example.org/", None),
        ("nonsense", None),
    ],
)
def test_only_urls_over_tls_are_asked(url, parts):
    if parts is None:
        with pytest.raises(HttpFailed):
            endpoint(url)
    else:
        assert endpoint(url) == parts


# Where to connect


class Record:
    def __init__(self, priority, weight, port, target):
        self.priority, self.weight, self.port, self._target = priority, weight, port, target

    @property
    def target(self):
        return self

    def to_text(self, omit_final_dot):
        assert omit_final_dot
        return self._target


def test_an_address_given_is_taken_without_asking_dns(monkeypatch):
    monkeypatch.setattr(address.dns.asyncresolver, "resolve", None)
    assert asyncio.run(address.of_service(TARGET, "c2s_tls")) == ("192.0.2.1", 5223)


def test_the_best_srv_record_is_taken(monkeypatch):
    asked = []

    async def resolve(name, kind, lifetime):
        asked.append((name, kind, lifetime))
        return [Record(20, 9, 1, "late"), Record(10, 1, 2, "light"), Record(10, 5, 3, "best.example.org")]

    monkeypatch.setattr(address.dns.asyncresolver, "resolve", resolve)
    target = Target("example.org", ACCOUNTS, timeout=3)
    assert asyncio.run(address.of_service(target, "c2s")) == ("best.example.org", 3)
    assert asked == [("_xmpp-client._tcp.example.org", "SRV", 3)]


def test_a_service_that_dns_says_is_not_offered(monkeypatch):
    async def resolve(*_args, **_kwargs):
        return [SimpleNamespace(priority=0, weight=0, port=0, target=address.dns.name.root)]

    monkeypatch.setattr(address.dns.asyncresolver, "resolve", resolve)
    with pytest.raises(CheckFailed, match="not offered"):
        asyncio.run(address.of_service(Target("example.org", ACCOUNTS), "s2s"))


def test_without_srv_records_the_domain_itself_is_taken(monkeypatch):
    async def resolve(*_args, **_kwargs):
        raise address.dns.exception.Timeout()

    monkeypatch.setattr(address.dns.asyncresolver, "resolve", resolve)
    assert asyncio.run(address.of_service(Target("example.org", ACCOUNTS), "c2s")) == ("example.org", 5222)


@pytest.mark.parametrize(
    ("http_address", "url", "where"),
    [
        (None, "https://localhost/upload", "192.0.2.1"),
        ("192.0.2.2", "https://localhost/upload", "192.0.2.2"),
        # as behind a proxy on another machine: where the name says
        ("", "https://localhost:5281/upload", None),
        ("", "https://upload.op.invalid/", "192.0.2.1"),
    ],
)
def test_https_may_be_somewhere_else(http_address, url, where):
    stage = Stage(dataclasses.replace(TARGET, address="192.0.2.1", http_address=http_address))
    assert stage.http_address(url) == where
