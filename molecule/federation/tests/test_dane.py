# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers whose keys DNS vouches for (RFC 7673), in signed zones; and a new key of ours, in DNS before it is served."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
from pathlib import Path

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.handshake import read_served
from ansible_collections.allthingslinux.xmpp.tests.scenario.browser import address_of
from ansible_collections.allthingslinux.xmpp.tests.scenario.client import Client
from ansible_collections.allthingslinux.xmpp.tests.scenario.playbook import ROOT, playbook, results
from conftest import PASSWORD, PEERS, connections, machine, talk

KEY = base64.b64encode(b"a key that writes records in tests").decode()
OWNERS = [f"_{port}._tcp.xmpp.beta.example" for port in (5222, 5223, 5269, 5270)]


@pytest.fixture
def bob(federated):
    """Of the second deployment, which goes by DANE; never to be dropped."""
    with Client(PEERS["ours"].jid, PASSWORD, address_of("xmpp-federation-two")) as client:
        yield client
        assert client.ended == 0


def test_a_key_in_dns_is_enough_both_ways(alice, bob, mallory):
    """Nobody signed that certificate: who does not go by DANE refuses it."""
    peer, there = mallory("dane"), secrets.token_hex(4)
    talk(bob, peer)
    found = {way: (sasl, dialback) for way, sasl, dialback in connections(machine("two"), "dane.example")}
    assert found == {"-->": ("Succeeded", "Not used"), "<--": ("Succeeded", "Not used")}
    alice.say(peer.jid, there)
    assert alice.is_told(peer.jid, "Remote server's certificate is self-signed"), alice.reasons


def test_another_key_than_that_in_dns_is_refused_and_it_is_said_why(alice, bob, mallory):
    """Although an authority that everybody trusts signed that certificate: who does not go by DANE takes it."""
    peer, word = mallory("wrongdane"), secrets.token_hex(4)
    bob.say(peer.jid, word)
    assert bob.is_told(peer.jid, "does not match any DANE TLSA records"), bob.reasons
    peer.say(bob.jid, word)
    assert peer.is_told(bob.jid, "does not match any DANE TLSA records"), peer.reasons
    assert word not in bob.heard + peer.heard
    log = machine("two").check_output("journalctl -u prosody -o cat")
    assert "Forbidding insecure connection to/from wrongdane.example because its certificate" in log
    alice.say(peer.jid, word)
    assert peer.hears(word), alice.reasons


def served() -> str:
    """What TLSA records say of the key that is served."""
    leaf = read_served(address_of("xmpp-federation-two"), 5269, sni="beta.example", starttls="xmpp-server").certificate
    return hashlib.sha256(leaf.public_key).hexdigest()


def test_a_new_key_is_in_dns_before_it_is_served_and_the_old_one_until_then(bob, mallory, tmp_path):
    place, two = address_of("xmpp-federation-new"), address_of("xmpp-federation-two")
    files = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"])
    limit = ("--limit", "xmpp-federation-two,localhost")
    given = {
        "xmpp_dns_json": True,
        "xmpp_dns_compare": False,
        "xmpp_dns_addresses": [two],
        "xmpp_dns_update_server": f"{place}#5353",
        "xmpp_dns_update_key_name": "records",
        "xmpp_dns_update_key_secret": KEY,
        "prosody_secrets_dir": str(tmp_path),
        "xmpp_dns_apply": True,
        "xmpp_dns_yes": True,
    }

    def publish(**more):
        done = results(ROOT / "playbooks" / "dns.yml", *limit, "-e", json.dumps({**given, **more}))
        assert done.code == 0, done.output

    def in_dns() -> list[set[str]]:
        lines = [machine("new").check_output("kdig +short @127.0.0.1 %s TLSA", owner) for owner in OWNERS]
        return [{line.split(maxsplit=3)[3].replace(" ", "").lower() for line in one.splitlines()} for one in lines]

    def deploy():
        change = {"certificates_files": [{f: str(files / f"beta-next.example.{end}") for f, end in PAIR}]}
        return playbook("site", "--tags", "prosody", "--limit", "xmpp-federation-two", "-e", json.dumps(change))

    old = served()
    publish()
    assert in_dns() == [{old}] * 4
    # a key that DNS does not name is refused before anything is changed
    done = deploy()
    assert done.code, done.output[-3000:]
    said = " ".join(done.output.split())
    assert "it has a new key, which _52" in said, said[-3000:]
    assert "in DNS does not name" in said
    assert served() == old
    # both are there, then the new one is served, and the old one goes
    publish(xmpp_dns_next_certificates=[str(files / "beta-next.example.pem")])
    both = in_dns()
    assert all(old in one and len(one) == 2 for one in both)
    (new,) = both[0] - {old}
    deploy().assert_ok()
    assert served() == new
    assert in_dns() == both
    publish()
    assert in_dns() == [{new}] * 4
    peer = mallory("dane")
    peer.say(bob.jid, word := secrets.token_hex(4))
    assert bob.hears(word), peer.reasons


PAIR = (("fullchain", "pem"), ("privkey", "key"))
