# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of ours for stanzas (roles/prosody/files/firewall): floods end, and an honest crowd notices nothing."""

from __future__ import annotations

import contextlib
import functools
import re
import time
from collections.abc import Iterator

import pytest
from ansible_collections.allthingslinux.xmpp.tests.scenario.raw import Raw, raw
from conftest import DOMAIN

CROWD = [f"crowd{number}" for number in range(50)]
PASSWORD = "all-of-them-the-same"
REFUSED = re.compile("<resource-constraint")
# what another server hands on: how many of them are refused by this condition
HANDED_ON = """
local st, refused = require[[prosody.util.stanza]], 0
local make = assert(load([=[local st, n = ... return STANZA]=]))
local session = { type = [[s2sin]], send = function (said)
  local _, condition = said:get_error() if condition == [[CONDITION]] then refused = refused + 1 end end }
for n = 1, tonumber([[COUNT]]) do
  prosody.hosts[ [[DOMAIN]] ].events.fire_event([[KIND/bare]], { origin = session, stanza = make(st, n) })
end
return refused
"""


MADE = """
for name in ([[NAMES]]):gmatch([[%S+]]) do
  assert(require[[prosody.core.usermanager]].create_user(name, [[PASSWORD]], [[DOMAIN]]))
end
return true
"""
GONE = """
for name in ([[NAMES]]):gmatch([[%S+]]) do
  assert(require[[prosody.core.usermanager]].delete_user(name, [[DOMAIN]]))
end
return true
"""


def shell(host, text: str, **words: str) -> str:
    """Out: what Prosody's shell says to a chunk of Lua in which these words stand for others."""
    lua = " ".join(re.sub("[A-Z]{4,}", lambda word: words.get(word[0], word[0]), text).split())
    said: str = host.check_output("prosodyctl shell %s", f"> {lua}")
    return said


def hand_on(host, kind: str, stanza: str, count: int, condition: str = "resource-constraint") -> int:
    """Have another server hand on a stanza for each `n`. Out: how many of so many are refused."""
    words = {"KIND": kind, "STANZA": stanza, "COUNT": str(count), "CONDITION": condition, "DOMAIN": DOMAIN}
    said = shell(host, HANDED_ON, **words)
    return int(re.search(r"Result: (\d+)", said)[1])


@pytest.fixture
def refused(guarded):
    """Such a function for this host."""
    return functools.partial(hand_on, guarded)


def message(sender: str, to: str, body: str = "[[hello]]") -> str:
    """In: expressions of Lua for addresses without their domains."""
    return f"st.message({{ from = {sender}..[[@far.example/x]], to = {to}..[[@{DOMAIN}]], type = [[chat]] }}, {body})"


def ask(sender: str, to: str, words: str = "") -> str:
    attributes = f"from = {sender}..[[@far.example]], to = {to}..[[@{DOMAIN}]], type = [[subscribe]]"
    return f"st.presence({{ {attributes} }}){words}"


@contextlib.contextmanager
def people(guarded, *names: str) -> Iterator[None]:
    """Accounts that are there meanwhile."""
    listed = " ".join(names)
    assert "Result: true" in shell(guarded, MADE, NAMES=listed, PASSWORD=PASSWORD, DOMAIN=DOMAIN)
    try:
        yield
    finally:
        shell(guarded, GONE, NAMES=listed, DOMAIN=DOMAIN)


def test_a_wave_of_somebody_here_ends(guarded, address):
    def tell(one: Raw, names: list[str]) -> int:
        before = len(REFUSED.findall(one.heard))
        for name in names:
            one.say(f"<message type='chat' to='{name}@far.invalid'><body>buy this</body></message>")
        one.is_through()
        return len(REFUSED.findall(one.heard)) - before

    names = [f"victim{number}" for number in range(215)]
    with people(guarded, "waver"), raw(address, 5223, DOMAIN) as waver:
        waver.sign_in(DOMAIN, "waver", PASSWORD)
        assert 14 <= tell(waver, names) <= 15
        assert "You write to too many people at once" in waver.heard
        # a conversation goes on
        assert tell(waver, names[:1] * 30) == 0


def test_a_wave_of_a_stranger_ends_and_conversations_go_on(refused):
    assert refused("message", message("[[spammer]]", "[[w]]..n"), 60) in (9, 10)
    assert refused("message", message("[[spammer]]", "[[w1]]"), 60) == 0
    assert refused("message", message("[[someone]]..n", "[[w1]]"), 300) == 0


def test_floods_of_requests_to_be_a_contact_end(refused):
    assert 18 <= refused("presence", ask("[[asker]]", "[[p]]..n"), 170) <= 20
    assert 18 <= refused("presence", ask("[[bot]]..n", "[[target]]"), 120) <= 20


def served_slowly(host) -> str:
    """Out: whom Prosody serves slowly, as its journal says it."""
    said: str = host.run("journalctl -u prosody -o cat --grep 'is served so slowly'").stdout
    return said


def test_who_sends_without_end_is_served_slowly_and_has_every_answer(guarded, address):
    """What is 500 at once and 50 a second then (mod_stanza_pace) is refused nothing, and others wait for nothing."""
    with (
        people(guarded, "flooder", "other"),
        raw(address, 5223, DOMAIN) as flooder,
        raw(address, 5223, DOMAIN) as other,
    ):
        for name, one in (("flooder", flooder), ("other", other)):
            one.sign_in(DOMAIN, name, PASSWORD)
        ping = "<iq type='get' id='f{}'><ping xmlns='urn:xmpp:ping'/></iq>"
        began = time.monotonic()
        flooder.say("".join(map(ping.format, range(1100))), 60)
        while time.monotonic() - began < 5:
            other.is_through()
            time.sleep(0.1)  # as people do, and no second flood
        assert flooder.hears("id=.f1099.", 60), flooder.heard[-300:]
        # the 600 that are too many are twelve seconds, of which what was read in one go may be short
        assert time.monotonic() - began > 8
        assert len(set(re.findall("id=.f([0-9]+).", flooder.heard))) == 1100
        assert f"flooder@{DOMAIN} asks for more than 50 stanzas a second (500 at once)" in served_slowly(guarded)
        assert f"other@{DOMAIN}" not in served_slowly(guarded)


def test_small_questions_with_large_answers_leave_others_their_turn(guarded, address):
    """Sixty questions come in one go, and each takes as long as many stanzas (mod_stanza_pace)."""
    with (
        people(guarded, "asker", "other"),
        raw(address, 5223, DOMAIN) as asker,
        raw(address, 5223, DOMAIN) as other,
    ):
        for name, one in (("asker", asker), ("other", other)):
            one.sign_in(DOMAIN, name, PASSWORD)
        card = f"<vCard xmlns='vcard-temp'><NOTE>{'x' * 100_000}</NOTE></vCard>"
        asker.say(f"<iq type='set' id='card'>{card}</iq>", 60)
        assert asker.hears("id=.card.", 60), asker.heard[-300:]
        question = "<iq type='get' id='{}'><vCard xmlns='vcard-temp'/></iq>"
        alone = []
        for number in range(5):
            began = time.monotonic()
            asker.say(question.format(f"a{number}"))
            assert asker.hears("</iq>", 60)
            alone.append(time.monotonic() - began)
        asker.say("".join(question.format(f"q{number}") for number in range(60)))
        longest, _whole = other.longest_wait(asker, "id=.q59.")
        # without turns it is nearly that of all sixty
        assert longest < sorted(alone)[2] * 60 / 4
        assert len(set(re.findall("id=.q([0-9]+).", asker.heard))) == 60


def test_what_goes_by_words_is_off(refused):
    three = "[[see https://a.example http://b.example https://c.example]]"
    assert refused("message", message("[[linker]]", "[[l]]", three), 1, "policy-violation") == 0


def test_fifty_people_who_add_one_another_and_talk_are_not_refused(guarded, address):
    """All at once, as on the day a club comes: each writes to all others, adds twelve of them, and enters a room.

    That each adds all others was tried once, and takes minutes, in which rosters are written.
    """
    room = f"club@muc.{DOMAIN}"
    with people(guarded, *CROWD), contextlib.ExitStack() as stack:
        crowd = {name: stack.enter_context(raw(address, 5223, DOMAIN)) for name in CROWD}
        for name, one in crowd.items():
            one.sign_in(DOMAIN, name, PASSWORD)
            one.say("<presence/>")
        for name, one in crowd.items():
            muc = "<x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='0'/></x>"
            one.say(f"<presence to='{room}/{name}'>{muc}</presence>")
        for place, (name, one) in enumerate(crowd.items()):
            for step in range(1, 13):
                one.say(f"<presence type='subscribe' to='{CROWD[(place + step) % 50]}@{DOMAIN}'/>")
            for other in CROWD:
                if other != name:
                    one.say(f"<message type='chat' to='{other}@{DOMAIN}'><body>hello from {name}</body></message>")
            one.say(f"<message type='groupchat' to='{room}'><body>here is {name}</body></message>")
            one.is_through()
        for one in crowd.values():
            one.is_through()
        heard = {name: one.heard for name, one in crowd.items()}
    # tombstones keep the names, and nobody else is called so
    assert {name for name, text in heard.items() if REFUSED.search(text)} == set()
    assert {name for name, text in heard.items() if len(set(re.findall("hello from crowd[0-9]+", text))) < 49} == set()
    assert {name for name, text in heard.items() if len(re.findall("type='subscribe'", text)) < 12} == set()
    assert "crowd" not in served_slowly(guarded)
