# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reading stanzas: what is asked about their XML, without a connection."""

from __future__ import annotations

from collections.abc import Callable
from xml.etree import ElementTree as ET

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError

NS_CLIENT = "jabber:client"
NS_STREAM = "http://etherx.jabber.org/streams"
NS_TLS = "urn:ietf:params:xml:ns:xmpp-tls"
NS_SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
NS_STANZA_ERROR = "urn:ietf:params:xml:ns:xmpp-stanzas"
NS_STANZA_ID = "urn:xmpp:sid:0"
NS_MAM = "urn:xmpp:mam:2"
NS_RSM = "http://jabber.org/protocol/rsm"
NS_FORM = "jabber:x:data"
NS_FORWARD = "urn:xmpp:forward:0"

Match = Callable[[ET.Element], bool]


class StanzaRefused(XmppError):
    """The server answered with an error stanza. `condition` is its defined condition (RFC 6120, 8.3.3)."""

    def __init__(self, condition: str, text: str = "") -> None:
        super().__init__(f"{condition} ({text})" if text else condition)
        self.condition = condition


def namespace_of(tag: str) -> str:
    """ "{urn:x}name" → "urn:x"."""
    return tag[1:].partition("}")[0] if tag.startswith("{") else ""


def body_of(message: ET.Element) -> str:
    """The text of the body, "" without one."""
    return message.findtext(f"{{{NS_CLIENT}}}body") or ""


def archive_id(message: ET.Element, by: str) -> str:
    """The archive id that `by` (a bare JID) stamped on a message (XEP-0359), "" without one."""
    for stanza_id in message.findall(f"{{{NS_STANZA_ID}}}stanza-id"):
        if stanza_id.get("by") == by:
            return stanza_id.get("id", "")
    return ""


def has_body(text: str, kind: str = "") -> Match:
    """Matches messages whose body contains `text` (and whose type is `kind`)."""

    def match(xml: ET.Element) -> bool:
        return xml.tag == f"{{{NS_CLIENT}}}message" and text in body_of(xml) and kind in ("", xml.get("type", "normal"))

    return match


def bounced(message_id: str) -> Match:
    """Matches the error that answers the message or presence with this id."""

    def match(xml: ET.Element) -> bool:
        return xml.get("id") == message_id and xml.get("type") == "error"

    return match


def refusal(xml: ET.Element) -> StanzaRefused:
    """The StanzaRefused that an error stanza means."""
    error = xml.find(f"{{{NS_CLIENT}}}error")
    condition, text = "undefined-condition", ""
    for item in () if error is None else error:
        if item.tag == f"{{{NS_STANZA_ERROR}}}text":
            text = item.text or ""
        elif namespace_of(item.tag) == NS_STANZA_ERROR:
            condition = item.tag.partition("}")[2]
    return StanzaRefused(condition, text)
