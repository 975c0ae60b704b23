# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is refused, from outside, while two people talk: they never notice, and it is the same Prosody afterwards.

The firewall is gone by now (test_firewall), so that nothing but Prosody refuses.
"""

from __future__ import annotations

import base64
import contextlib
import ssl
import time
from itertools import pairwise

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.stanzas import StanzaRefused
from ansible_collections.allthingslinux.xmpp.tests.scenario.raw import raw
from conftest import DOMAIN, PASSWORDS, client, waits_until

ROOM = f"flooded@muc.{DOMAIN}"
SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
DEEP = 20_000
# each entity is ten of the one before it
LAUGHS = "<!ENTITY a 'ha'>" + "".join(f"<!ENTITY {other} '{f'&{one};' * 10}'>" for one, other in pairwise("abcdefghij"))
# what no stream of XMPP may have (RFC 6120, 11.1), what is too much, and what is none
NO_STANZAS = {
    "billion laughs": f"<!DOCTYPE x [{LAUGHS}]><message><body>&j;</body></message>",
    "a file of the host": "<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><message><body>&a;</body></message>",
    "a comment": "<message><!-- no --></message>",
    "an instruction": "<?xml-stylesheet href='x'?>",
    "an entity of nobody": "<message><body>&nobody;</body></message>",
    "a stanza without end": "<message><body>" + "a" * 2_000_000,
    "an attribute without end": "<message to='" + "a" * 2_000_000,
    "no UTF-8": b"<message><body>\xff\xfe\xc0\x80</body></message>",
    "a character that XML has not": "<message><body>\x01</body></message>",
}  # fmt: skip


@pytest.fixture
def same(guarded):
    """It is the same process of Prosody afterwards, and it has not grown by more than 64 MiB."""

    def asked() -> tuple[str, int]:
        pid = guarded.check_output("systemctl show --property MainPID --value prosody").strip()
        status = guarded.check_output(f"cat /proc/{pid}/status")
        return pid, int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))

    before = asked()
    yield
    after = asked()
    assert after[0] == before[0]
    assert after[1] - before[1] < 64 * 1024, f"{before[1]} kB → {after[1]} kB"


@pytest.mark.usefixtures("same")
@pytest.mark.parametrize("signed_in", [False, True], ids=["stranger", "somebody"])
def test_what_is_no_stanza_ends_that_stream_alone(address, talking, signed_in):
    for what, text in NO_STANZAS.items():
        with raw(address, 5223, DOMAIN) as somebody:
            if signed_in:
                somebody.sign_in(DOMAIN, "bob", PASSWORDS["bob"])
            else:
                assert "</stream:features>" in somebody.open(DOMAIN)
            somebody.say(text)
            assert somebody.is_ended(), f"{what}: {somebody.heard[-500:]}"
            assert "root:" not in somebody.heard, what
        assert talking(), what


@pytest.mark.usefixtures("same")
def test_what_is_nested_or_wide_without_end_is_refused_and_freezes_nobody(guarded, address, talking):
    """It took seconds to deliver, and again whenever the archive was read."""
    for name, inner, ends in (
        ("deep-90", "<a>" * 90 + "</a>" * 90, False),
        ("wide-4000", "<a/>" * 4000, False),
        (f"deep-{DEEP}", "<a>" * DEEP + "</a>" * DEEP, True),
        (f"wide-{DEEP}", "<a/>" * DEEP, True),
    ):
        with raw(address, 5223, DOMAIN) as somebody:
            somebody.sign_in(DOMAIN, "bob", PASSWORDS["bob"])
            somebody.say(
                f"<message to='alice@{DOMAIN}' type='chat'><body>{name}</body>"
                f"<x xmlns='urn:example'>{inner}</x></message>"
            )
            began = time.monotonic()
            assert talking()
            assert time.monotonic() - began < 4
            if ends:
                assert somebody.is_ended(), somebody.heard[-500:]
                assert "policy-violation" in somebody.heard
    kept = "grep -rlF {} /var/lib/prosody | wc -l"
    assert waits_until(lambda: guarded.check_output(kept.format("deep-90")) != "0", 10)
    assert guarded.check_output(kept.format("wide-4000")) != "0"
    assert guarded.check_output(kept.format(f"deep-{DEEP}")) == "0"
    assert guarded.check_output(kept.format(f"wide-{DEEP}")) == "0"


def test_no_password_is_taken_in_plain_text(address):
    with raw(address) as somebody:
        features = somebody.open(DOMAIN)
        assert "<starttls" in features
        assert "<required/>" in features
        assert "mechanism>" not in features
        initial = base64.b64encode(f"\0bob\0{PASSWORDS['bob']}".encode()).decode()
        somebody.say(f"<auth xmlns='{SASL}' mechanism='PLAIN'>{initial}</auth>")
        said = somebody.hears("</failure>|</stream:error>")
        assert said, somebody.heard
        assert "<success" not in somebody.heard


@pytest.mark.parametrize("port", [5223, 5270, 5281])
def test_tls_of_former_times_is_refused(address, port):
    with pytest.raises((ssl.SSLError, ConnectionError)), raw(address, port, DOMAIN, newest=ssl.TLSVersion.TLSv1_1):
        pass
    with raw(address, port, DOMAIN, newest=ssl.TLSVersion.TLSv1_2):
        pass


@pytest.mark.parametrize(("port", "namespace"), [(5223, "jabber:client"), (5270, "jabber:server")])
def test_a_domain_that_is_not_served_is_refused(address, port, namespace):
    with raw(address, port, DOMAIN) as somebody:
        said = somebody.open("nobody.example", namespace, " from='elsewhere.example'" if port == 5270 else "")
        assert "<host-unknown" in said, somebody.heard


@pytest.mark.parametrize(("port", "namespace"), [(5223, "jabber:client"), (5270, "jabber:server")])
def test_a_stranger_relays_nothing(address, port, namespace):
    with client(address, "alice") as alice, raw(address, port, DOMAIN) as somebody:
        somebody.open(DOMAIN, namespace, " from='elsewhere.example' xmlns:db='jabber:server:dialback'")
        to = f"from='x@elsewhere.example' to='{alice.stream}'"
        somebody.say(f"<message xmlns='{namespace}' {to}><body>relayed</body></message>")
        somebody.hears("</stream:error>|type=.error", 5)
        assert not alice.hears("relayed", 2)
        assert "not-authorized" in somebody.heard or "service-unavailable" in somebody.heard, somebody.heard


def test_nobody_speaks_for_somebody_else(address):
    with client(address, "alice") as alice, raw(address, 5223, DOMAIN) as somebody:
        somebody.sign_in(DOMAIN, "bob", PASSWORDS["bob"])
        somebody.say(f"<message from='admin@{DOMAIN}' to='{alice.stream}' type='chat'><body>obey me</body></message>")
        somebody.hears("</stream:error>|</message>", 5)
        alice.hears("obey me", 2)
        assert f"admin@{DOMAIN}" not in " ".join(alice.from_whom)


@pytest.mark.parametrize(
    "node", ["get-online-users-list", "add-user", "delete-user", "change-user-password", "announce"]
)
def test_who_is_no_operator_commands_nothing(address, node):
    command = f"<command xmlns='http://jabber.org/protocol/commands' node='http://jabber.org/protocol/admin#{node}'/>"
    with client(address, "alice") as alice:
        with pytest.raises(StanzaRefused) as refused:
            alice.ask(DOMAIN, command, "set")
        assert refused.value.condition in ("forbidden", "item-not-found", "not-authorized")


def test_nobody_registers_without_an_invitation(address, guarded):
    def register(name: str) -> str:
        with raw(address, 5223, DOMAIN) as somebody:
            somebody.open(DOMAIN)
            somebody.say(
                f"<iq type='set' id='r'><query xmlns='jabber:iq:register'><username>{name}</username>"
                "<password>a-long-enough-password</password></query></iq>"
            )
            return somebody.hears("</iq>|</stream:error>")

    for number in range(20):
        assert "type='error'" in register(f"wave{number}")
    assert "wave" not in guarded.check_output("timeout 30 prosodyctl shell user list %s", DOMAIN)


@pytest.mark.usefixtures("same")
def test_a_handshake_that_never_ends_is_ended(address, talking):
    """Each byte gives it another minute, by Prosody's own counting."""
    with contextlib.ExitStack() as stack:
        crawlers = [stack.enter_context(raw(address, port)) for port in (5223, 5270) * 20]
        for one in crawlers:
            # the beginning of a ClientHello (RFC 8446, 4.1.2) of 16,379 bytes
            one.say(b"\x16\x03\x01\x3f\xff\x01\x00\x3f\xfb\x03\x03")
        begun = time.monotonic()
        while not all(one.closed for one in crawlers):
            assert time.monotonic() - begun < 40, f"{sum(not one.closed for one in crawlers)} are still there"
            for one in crawlers:
                one.say(b"\0")
                one.hears("(?!)", 0.02)
        assert time.monotonic() - begun > 5
        assert talking()


@pytest.mark.usefixtures("same")
def test_a_flood_in_a_room_leaves_it_to_the_others(address, talking):
    """Three thousand lines at once from one of them: the others still read each other within seconds."""
    with client(address, "alice") as alice, raw(address, 5223, DOMAIN) as somebody:
        alice.join(ROOM, "alice")
        somebody.sign_in(DOMAIN, "bob", PASSWORDS["bob"])
        somebody.say(f"<presence to='{ROOM}/bob'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
        assert somebody.hears("code='110'|code=.110", 10), somebody.heard
        line = f"<message to='{ROOM}' type='groupchat'><body>{'flood ' * 60}</body></message>"
        somebody.say(line * 3000, seconds=2)
        for number in range(5):
            began = time.monotonic()
            alice.say(ROOM, f"still here {number}", "groupchat")
            assert alice.hears(f"still here {number}")
            assert time.monotonic() - began < 5
        assert talking()
        assert alice.hears_of("flood"), "there was none"
