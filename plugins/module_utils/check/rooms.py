# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A room: created, joined by another, talked in both ways, destroyed."""

from __future__ import annotations

import asyncio
import contextlib
from xml.etree import ElementTree as ET

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.client import (
    Client,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.outcome import PROSODY_LOG, CheckFailed
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.stage import Stage
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.stanzas import (
    NS_CLIENT,
    NS_FORM,
    Match,
    has_body,
    refusal,
)

NS_MUC = "http://jabber.org/protocol/muc"
NS_USER = "http://jabber.org/protocol/muc#user"
NS_OWNER = "http://jabber.org/protocol/muc#owner"
NS_ROOM_CONFIG = "http://jabber.org/protocol/muc#roomconfig"

LOOK = f"Look at the MUC component: prosodyctl shell module list; {PROSODY_LOG}"


async def room(stage: Stage) -> str:
    """Create, join, talk both ways, destroy (XEP-0045)."""
    first, second = stage.clients()
    service = await stage.component(
        "conference/text", "a room service", "Is the MUC component configured and loaded? prosodyctl shell host list"
    )
    jid = f"check-{stage.marker}@{service.jid}"
    await _join(first, jid)
    try:
        await stage.ask(first, jid, _temporary(), "the configuration of a new room", "set", LOOK)
        await _join(second, jid)
        await _say(first, second, jid, f"room {stage.marker} there")
        await _say(second, first, jid, f"room {stage.marker} back")
        gone = second.expect(_is_destroyed(jid))
        await stage.ask(first, jid, _destroy(), "its destruction", "set", LOOK)
        await _await(second, gone, "seeing the room destroyed", f"no notice of it within {second.timeout:g} s")
    except BaseException:
        with contextlib.suppress(Exception):
            await asyncio.wait_for(first.query(jid, _destroy(), "set"), 2.0)
        raise
    names = f"created by {first.account.name}, joined by {second.account.name}"
    return f"{service.jid}: {names}, talked in both ways, destroyed"


def _temporary() -> ET.Element:
    """The defaults, but a room that leaves no tombstone behind."""
    query = ET.Element(f"{{{NS_OWNER}}}query")
    form = ET.SubElement(query, f"{{{NS_FORM}}}x", {"type": "submit"})
    for name, value in (("FORM_TYPE", NS_ROOM_CONFIG), ("muc#roomconfig_persistentroom", "0")):
        field = ET.SubElement(form, f"{{{NS_FORM}}}field", {"var": name})
        ET.SubElement(field, f"{{{NS_FORM}}}value").text = value
    return query


def _destroy() -> ET.Element:
    query = ET.Element(f"{{{NS_OWNER}}}query")
    ET.SubElement(query, f"{{{NS_OWNER}}}destroy")
    return query


def _presence_from(room_jid: str, xml: ET.Element) -> bool:
    return xml.tag == f"{{{NS_CLIENT}}}presence" and xml.get("from", "").partition("/")[0] == room_jid


def _is_self_presence_or_error(room_jid: str) -> Match:
    def match(xml: ET.Element) -> bool:
        if not _presence_from(room_jid, xml):
            return False
        return xml.get("type") == "error" or any(item.get("code") == "110" for item in xml.iter(f"{{{NS_USER}}}status"))

    return match


def _is_destroyed(room_jid: str) -> Match:
    def match(xml: ET.Element) -> bool:
        return _presence_from(room_jid, xml) and xml.find(f"{{{NS_USER}}}x/{{{NS_USER}}}destroy") is not None

    return match


async def _await(client: Client, expected: asyncio.Future[ET.Element], attempted: str, silence: str) -> ET.Element:
    done, _pending = await asyncio.wait({expected}, timeout=client.timeout)
    if not done:
        expected.cancel()
        raise CheckFailed(attempted, silence, LOOK)
    return expected.result()


async def _join(client: Client, room_jid: str) -> None:
    joined = client.expect(_is_self_presence_or_error(room_jid))
    presence = ET.Element(f"{{{NS_CLIENT}}}presence", {"to": f"{room_jid}/{client.account.name}"})
    ET.SubElement(presence, f"{{{NS_MUC}}}x")
    client.send(presence)
    attempted = f"{client.account.jid} joining the room {room_jid}"
    answer = await _await(client, joined, attempted, f"no answer within {client.timeout:g} s")
    if answer.get("type") == "error":
        raise CheckFailed(
            attempted,
            f"refused: {refusal(answer)}",
            "May these accounts create rooms (restrict_room_creation)? " + LOOK,
        )


async def _say(sender: Client, receiver: Client, room_jid: str, body: str) -> None:
    heard = receiver.expect(has_body(body, "groupchat"))
    sender.send_message(room_jid, body, "groupchat")
    attempted = f"{sender.account.jid} talking in the room {room_jid}"
    await _await(receiver, heard, attempted, f"{receiver.account.jid} did not hear it within {receiver.timeout:g} s")
