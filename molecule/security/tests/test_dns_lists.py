# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Blocklists in DNS for a host that is open to everybody: who is on one, who is not, and one that does not answer."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator

import pytest
from ansible_collections.allthingslinux.xmpp.tests.scenario.playbook import playbook
from ansible_collections.allthingslinux.xmpp.tests.scenario.waiting import wait_until
from conftest import NEIGHBOUR, reached
from raw import raw
from test_registration import OPEN, PASSWORD, register

PROSODY = ("site", "--tags", "prosody")
# registers from the neighbour, whose address no list has; says what it was told
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
    it.sendall(b"<iq type='set' id='r'><query xmlns='jabber:iq:register'><username>elsewhere</username>"
               b"<password>{PASSWORD}</password></query></iq><iq type='get' id='end'/>")
    print(hear(b"end"))
"""


@pytest.fixture(scope="module", autouse=True)
def lists(guarded, address, gateway) -> Iterator[None]:
    """One list has the address from which we come, and another one answers as those that were sold."""
    backwards = ".".join(reversed(gateway.split(".")))
    guarded.check_output("cp /etc/hosts /root/hosts.before")
    for line in (f"127.0.0.2 {backwards}.has.example", f"192.0.2.80 {backwards}.sold.example"):
        guarded.check_output("echo %s >>/etc/hosts", line)
    given = json.dumps({"prosody_registration_dns_blocklists": ["sold.example", "has.example"]})
    playbook(*PROSODY, "-e", given).assert_ok()
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


def test_who_is_on_none_registers(guarded, address):
    done = subprocess.run(
        ["docker", "exec", NEIGHBOUR, "python3", "-c", ELSEWHERE, address],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    try:
        assert re.search("type='result'", done.stdout), done.stdout
    finally:
        guarded.check_output(f"prosodyctl shell user delete elsewhere@{OPEN}")


def test_one_that_does_not_answer_keeps_nobody_out_and_nobody_waits(guarded, address, talking):
    """Its packets are dropped. The hosts file is asked first, so another list is."""
    given = json.dumps({"prosody_registration_dns_blocklists": ["silent.example"]})
    playbook(*PROSODY, "-e", given).assert_ok()
    # what is not sent fails at once, and what is not answered does not. 127.0.0.11 is that of the engine
    into = "add rule inet dropped into"
    guarded.check_output(
        "nft 'add table inet dropped; add chain inet dropped into { type filter hook input priority -200; }; "
        f"{into} meta l4proto {{ tcp, udp }} th sport 53 drop; {into} ip saddr 127.0.0.11 drop'"
    )
    try:
        with raw(address, 5223, OPEN) as somebody:
            somebody.open(OPEN)
            began = time.monotonic()
            somebody.say(
                "<iq type='set' id='patient'><query xmlns='jabber:iq:register'><username>patient</username>"
                f"<password>{PASSWORD}</password></query></iq>"
            )
            assert talking()
            talked = time.monotonic() - began
            assert "type='result'" in somebody.hears("</iq>|<iq [^>]*/>", 15)
            waited = time.monotonic() - began
    finally:
        guarded.check_output("nft delete table inet dropped")
        guarded.run(f"prosodyctl shell user delete patient@{OPEN}")
    assert talked < 1.5
    assert 2.5 < waited < 6
    said = guarded.check_output("journalctl --unit prosody --output cat --since=-1min")
    assert "The blocklist silent.example did not answer within 3 seconds, and keeps nobody out" in said
