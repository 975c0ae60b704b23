# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that is open to everybody: a class registers at once, a wave does not, and who is new may do less."""

from __future__ import annotations

import re

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.stanzas import StanzaRefused
from ansible_collections.allthingslinux.xmpp.tests.scenario.client import Client
from ansible_collections.allthingslinux.xmpp.tests.scenario.raw import raw

OPEN = "open.localhost"
PASSWORD = "a-long-enough-password"
UPLOAD = '<request xmlns="urn:xmpp:http:upload:0" filename="a.txt" size="5" content-type="text/plain"/>'
# what an hour allows one address
MOST = 50


def register(somebody, name):
    """Out: the answer."""
    somebody.say(
        f"<iq type='set' id='{name}'><query xmlns='jabber:iq:register'><username>{name}</username>"
        f"<password>{PASSWORD}</password></query></iq>"
    )
    return somebody.hears("</iq>|<iq [^>]*/>|</stream:error>")


def somebody_is(name, address):
    return Client(f"{name}@{OPEN}", PASSWORD, address)


def role(guarded, name):
    said = guarded.check_output("timeout 30 prosodyctl shell user role %s", f"{name}@{OPEN}")
    return re.findall(r"prosody:\w+", said)


@pytest.fixture(scope="module")
def invited(address, guarded):
    """The name of somebody who was invited."""
    said = guarded.check_output("timeout 30 prosodyctl shell invite create_account %s", OPEN)
    token = re.split(r"[?/=;]", said.split()[-1])[-1]
    assert len(token) >= 16, "there is no token in it"
    with raw(address, 5223, OPEN) as somebody:
        somebody.open(OPEN)
        somebody.say(f"<iq type='set' id='p'><preauth xmlns='urn:xmpp:pars:0' token='{token}'/></iq>")
        assert "type='result'" in somebody.hears("</iq>|<iq [^>]*/>"), "the invitation is refused"
        assert "type='result'" in register(somebody, "invited"), somebody.heard[-500:]
    return "invited"


@pytest.fixture(scope="module")
def crowd(address, invited):
    """Names of people who registered at once from one address, as the class of a school, with what they were told."""
    with raw(address, 5223, OPEN) as somebody:
        somebody.open(OPEN)
        return {f"pupil{number}": register(somebody, f"pupil{number}") for number in range(MOST + 5)}


def test_a_class_registers_at_once_and_a_wave_does_not(crowd):
    let_in = [name for name, told in crowd.items() if "type='result'" in told]
    assert let_in == list(crowd)[: MOST - 1], "the one who was invited is counted as well"
    for name, told in crowd.items():
        assert (name in let_in) != ("Too many registrations from this IP address" in told), told


def test_who_is_new_shares_no_files_and_makes_no_rooms(address, crowd):
    with somebody_is("pupil1", address) as new:
        with pytest.raises(StanzaRefused, match="This account is new") as refused:
            new.ask(f"upload.{OPEN}", UPLOAD)
        assert refused.value.condition == "forbidden"
        new.knock(room := f"mine@muc.{OPEN}", "new")
        assert new.is_told(room, "This account is new"), new.reasons


def test_who_is_new_writes_first_to_twenty_and_goes_on_talking(address, crowd, guarded):
    with somebody_is("pupil2", address) as new, somebody_is("pupil3", address) as reader:
        new.say(reader.jid, "hello")
        assert reader.hears("hello")
        for number in range(4, 4 + 19):
            new.say(f"pupil{number}@{OPEN}", "buy this")
        new.say(f"pupil30@{OPEN}", "buy this")
        assert new.is_told(f"pupil30@{OPEN}", "This account is new"), new.reasons
        assert len(new.refused) == 1, new.reasons
        new.say(reader.jid, "still here")
        assert reader.hears("still here")
        # he answers whoever writes to him
        with somebody_is("pupil30", address) as other:
            other.say(new.jid, "who are you?")
            assert new.hears("who are you?")
            new.say(other.jid, "nobody")
            assert other.hears("nobody")


def test_who_is_invited_or_made_a_member_is_not_bounded(address, crowd, invited, guarded):
    assert role(guarded, invited) == ["prosody:member"]
    assert role(guarded, "pupil31") == ["prosody:registered"]
    guarded.check_output("timeout 30 prosodyctl shell user set_role %s prosody:member", f"pupil31@{OPEN}")
    for name in (invited, "pupil31"):
        with somebody_is(name, address) as member:
            assert member.ask(f"upload.{OPEN}", UPLOAD).find("{urn:xmpp:http:upload:0}slot") is not None
            member.join(f"of-{name}@muc.{OPEN}", "me")
            # whom the room has is no stranger, nor has it to be made by who enters
            with somebody_is("pupil32", address) as new:
                new.join(f"of-{name}@muc.{OPEN}", "new")
