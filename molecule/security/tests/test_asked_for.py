# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is off until it is asked for: blocklists in DNS for a host that is open to everybody, rules that go by words.

One deployment has both.
"""

from __future__ import annotations

import contextlib
import functools
import json
import subprocess
import time
from collections.abc import Iterator

import pytest
from ansible_collections.allthingslinux.xmpp.tests.scenario.playbook import playbook
from ansible_collections.allthingslinux.xmpp.tests.scenario.raw import raw
from ansible_collections.allthingslinux.xmpp.tests.scenario.waiting import wait_until
from conftest import NEIGHBOUR, reached
from test_registration import OPEN, PASSWORD, register
from test_waves import ask, hand_on, message

PROSODY = ("site", "--tags", "prosody")
RULES = ["contact-floods", "message-waves", "links-of-strangers", "invitations-of-strangers"]
# registers from the neighbour, whose address no list has; says when it asks, and what it was told
ELSEWHERE = f"""
import socket, ssl, sys
context = ssl._create_unverified_context()
with context.wrap_socket(socket.create_connection((sys.argv[1], 5223), 10), server_hostname="{OPEN}") as it:
    def hear(last):
        said = b""
        while last not in said:
            said += it.recv(4096) or sys.exit("closed")
        return said.decode()
    it.sendall(b"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
               b"to='{OPEN}' version='1.0'>")
    hear(b"</stream:features>")
    it.sendall(b"<iq type='set' id='r'><query xmlns='jabber:iq:register'><username>" + sys.argv[2].encode()
               + b"</username><password>{PASSWORD}</password></query></iq><iq type='get' id='end'/>")
    print("asked", flush=True)
    print(hear(b"end"))
"""


@pytest.fixture(scope="module", autouse=True)
def lists(guarded, address, gateway) -> Iterator[None]:
    """One list has the address from which we come, and another one answers as those that were sold."""
    backwards = ".".join(reversed(gateway.split(".")))
    guarded.check_output("cp /etc/hosts /root/hosts.before")
    for line in (f"127.0.0.2 {backwards}.has.example", f"192.0.2.80 {backwards}.sold.example"):
        guarded.check_output("echo %s >>/etc/hosts", line)
    given = {
        "prosody_registration_dns_blocklists": ["sold.example", "has.example"],
        "prosody_firewall_rules": RULES,
    }
    playbook(*PROSODY, "-e", json.dumps(given)).assert_ok()
    guarded.check_output("systemctl restart prosody")
    wait_until(lambda: reached(address, 5223), 30)
    yield
    guarded.check_output("cat /root/hosts.before >/etc/hosts")
    playbook(*PROSODY).assert_ok()
    # also those who were counted are forgotten
    guarded.check_output("systemctl restart prosody")
    wait_until(lambda: reached(address, 5223), 30)


def registers(address: str, name: str) -> str:
    with raw(address, 5223, OPEN) as somebody:
        somebody.open(OPEN)
        return register(somebody, name)


def test_who_is_on_one_is_told_which(address, guarded):
    told = registers(address, "listed")
    assert "The blocklist has.example has the address from which you come" in told
    assert "<forbidden" in told
    said = guarded.check_output("journalctl --unit prosody --output cat --since=-1min")
    assert "The blocklist sold.example answers with 192.0.2.80" in said


@contextlib.contextmanager
def registers_elsewhere(guarded, address: str, name: str) -> Iterator[subprocess.Popen[str]]:
    """Somebody at the neighbour who has just asked for an account, which is gone afterwards."""
    command = ["docker", "exec", NEIGHBOUR, "python3", "-c", ELSEWHERE, address, name]
    try:
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as somebody:
            assert somebody.stdout
            assert somebody.stdout.readline().strip() == "asked"
            yield somebody
    finally:
        guarded.run(f"prosodyctl shell user delete {name}@{OPEN}")


def test_one_that_does_not_answer_keeps_nobody_out_and_nobody_waits(guarded, address, talking):
    """Its packets are dropped. The hosts file knows no neighbour, so DNS is asked, and for the first time."""
    # what is not sent fails at once, and what is not answered does not. 127.0.0.11 is that of the engine
    into = "add rule inet dropped into"
    guarded.check_output(
        "nft 'add table inet dropped; add chain inet dropped into { type filter hook input priority -200; }; "
        f"{into} meta l4proto {{ tcp, udp }} th sport 53 drop; {into} ip saddr 127.0.0.11 drop'"
    )
    try:
        with registers_elsewhere(guarded, address, "patient") as somebody:
            began = time.monotonic()
            assert talking()
            talked = time.monotonic() - began
            told = somebody.communicate(timeout=30)[0]
            waited = time.monotonic() - began
    finally:
        guarded.check_output("nft delete table inet dropped")
    assert "type='result'" in told, told
    assert talked < 1.5
    assert 2.5 < waited < 6
    said = guarded.check_output("journalctl --unit prosody --output cat --since=-1min")
    assert "The blocklist has.example did not answer within 3 seconds, and keeps nobody out" in said


def test_who_is_on_none_registers(guarded, address):
    with registers_elsewhere(guarded, address, "elsewhere") as somebody:
        told = somebody.communicate(timeout=30)[0]
        assert "type='result'" in told, told


def test_rules_that_go_by_words_count(guarded):
    refused = functools.partial(hand_on, guarded, condition="policy-violation")
    three = "[[see https://a.example http://b.example HTTPS://c.example]]"
    invitation = message("[[host]]", "[[l]]", "nil") + ":tag([[x]], { xmlns = [[jabber:x:conference]], jid = [[r@m]] })"
    assert refused("message", message("[[linker]]", "[[l]]", three), 1) == 1
    assert refused("message", message("[[linker]]", "[[l]]", "[[see https://a.example]]"), 1) == 0
    assert refused("message", invitation, 1) == 1
    with_link = ":text_tag([[status]], [[look: https://a.example]])"
    assert refused("presence", ask("[[linker]]", "[[l]]", with_link), 1) == 1
    assert refused("presence", ask("[[linker]]", "[[l]]"), 1) == 0
