# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every check passes on a deployed service, and the client layer does what its users build on."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check import client, relay, stanzas
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.run import CHECKS, run
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.monitor import turn


@pytest.fixture(scope="module")
def report(target):
    return asyncio.run(run(target))


@pytest.mark.parametrize("name", CHECKS)
def test_check(report, name):
    (outcome,) = [outcome for outcome in report.outcomes if outcome.name == name]
    assert outcome.ok, outcome.line()
    assert outcome.seen


def test_no_secret_is_told(report, target):
    told = repr(report)
    assert not any(account.password in told for account in target.accounts)
    assert "Bearer" not in told


async def signed_in(target, index=0, **options):
    return await client.connect(
        target.accounts[index], target.address or target.domain, target.ports["c2s"], ca=target.ca, **options
    )


def test_a_message_waits_for_who_is_away(target):
    """Sent to somebody who is not signed in, it comes with the first presence, and it is in the archive once."""
    text = f"while you were out {secrets.token_hex(4)}"

    async def scenario():
        first = await signed_in(target, 0)
        first.send_message(target.accounts[1].jid, text)
        await first.query(target.domain, ET.Element("{urn:xmpp:ping}ping"))
        second = await signed_in(target, 1)
        waiting = second.expect(stanzas.has_body(text))
        second.available()
        message = await second.receive(waiting, "message that was waiting")
        archived = await second.archive(with_jid=target.accounts[0].jid, limit=5)
        await asyncio.gather(first.close(), second.close())
        return message, archived

    message, archived = asyncio.run(scenario())
    assert stanzas.body_of(message) == text
    assert [stanzas.body_of(entry.message) for entry in archived].count(text) == 1


def test_a_second_device_gets_a_copy(target):
    """Message carbons (XEP-0280): what the one device sends, the other sees."""
    text = f"seen twice {secrets.token_hex(4)}"

    def is_copy(xml):
        body = xml.find(
            "{urn:xmpp:carbons:2}sent/{urn:xmpp:forward:0}forwarded/{jabber:client}message/{jabber:client}body"
        )
        return body is not None and body.text == text

    async def scenario():
        phone, laptop = await signed_in(target), await signed_in(target)
        await laptop.query(laptop.account.jid, ET.Element("{urn:xmpp:carbons:2}enable"), "set")
        phone.available()
        laptop.available()
        copy = laptop.expect(is_copy)
        phone.send_message(target.accounts[1].jid, text)
        await laptop.receive(copy, "copy")
        await asyncio.gather(phone.close(), laptop.close())

    asyncio.run(scenario())


def test_what_nobody_answers_is_an_error_with_its_condition(target):
    async def scenario():
        session = await signed_in(target, timeout=3)
        try:
            with pytest.raises(stanzas.StanzaRefused) as refused:
                await session.query(target.domain, ET.Element("{urn:example:nothing}query"))
            with pytest.raises(client.NoAnswer, match="no unicorn within 3 s"):
                await session.receive(session.expect(lambda xml: False), "unicorn")
        finally:
            await session.close()
        return refused.value.condition

    assert asyncio.run(scenario()) == "service-unavailable"


def test_a_message_that_comes_back_is_told_with_its_reason(target, check):
    """The one account blocks the other (XEP-0191): the check of messages says what came back."""

    async def block(action, kind="set"):
        session = await signed_in(target, 0)
        request = ET.Element(f"{{urn:xmpp:blocking}}{action}")
        ET.SubElement(request, "{urn:xmpp:blocking}item", {"jid": target.accounts[1].jid})
        await session.query(target.accounts[0].jid, request, kind)
        await session.close()

    asyncio.run(block("block"))
    try:
        (outcome,) = [outcome for outcome in check("message").outcomes if outcome.name == "message"]
    finally:
        asyncio.run(block("unblock"))
    assert outcome.state == "failed"
    assert "came back as" in outcome.seen
    assert "blocking between the two accounts" in outcome.advice


def test_a_wrong_password_is_refused_and_not_told(target):
    wrong = replace(target, accounts=(client.Account(target.accounts[0].jid, "wrong-password"), target.accounts[1]))
    with pytest.raises(client.SignInFailed) as caught:
        asyncio.run(signed_in(wrong))
    assert caught.value.kind == "credentials"
    assert "wrong-password" not in str(caught.value)


def test_the_ca_of_others_is_not_enough(target):
    if target.ca is None:
        pytest.skip("the certificate is one that the system trusts")
    with pytest.raises(client.SignInFailed) as caught:
        asyncio.run(signed_in(replace(target, ca=None)))
    assert caught.value.kind == "certificate"


def test_a_user_has_relays_of_his_own(target, host):
    """The TURN server counts for each user what he has, under every name he was given, and for nobody else."""

    async def offered(index):
        signed = await signed_in(target, index)
        try:
            answer = await signed.query(target.domain, ET.Element(f"{{{relay.NS_SERVICES}}}services", {"type": "turn"}))
        finally:
            await signed.close()
        ends = [item.get("expires") for item in answer.iter(f"{{{relay.NS_SERVICES}}}service")]
        assert all(ends), ends
        return next(one for one in relay.services_in(answer) if one.transport == "udp")

    mine, again = asyncio.run(offered(0)), asyncio.run(offered(0))
    another = asyncio.run(offered(1))
    while again.username == mine.username:
        again = asyncio.run(offered(0))
    quota = int(host.run("sed -n s/^user-quota=//p /etc/turnserver.conf"))
    place = target.turn_address or target.address
    with contextlib.ExitStack() as held:
        for number in range(quota):
            chosen = (mine, again)[number % 2]
            held.enter_context(turn.relay(place, chosen.port, chosen.username, chosen.password))
        with pytest.raises(turn.TurnError, match="486"):
            turn.allocate(place, again.port, again.username, again.password)
        turn.allocate(place, another.port, another.username, another.password)
