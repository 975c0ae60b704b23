# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The levels of the XMPP Compliance Suites 2023 (XEP-0479), as far as a server shows them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.diagnosis import Finding
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.doctor.facts import Facts

CATEGORIES = ("core", "web", "im", "mobile", "calls")


@dataclass(frozen=True)
class Row:
    """A row of the tables for servers. advanced: whether only the upper level wants it. module: of Prosody.

    place: stream, domain, account, or the identity of a component, where one of `tokens` shows; "" where `seen` knows.
    """

    category: str
    feature: str
    providers: str
    advanced: bool
    place: str = ""
    tokens: tuple[str, ...] = ()
    module: str = ""


# What nothing shows from outside has no row: RFC 6121, XEP-0114 (server extensibility)
ROWS = (
    Row("core", "core features", "RFC 6120", False),
    Row("core", "TLS", "RFC 7590", False),
    Row("core", "direct TLS", "XEP-0368", True),
    Row("core", "feature discovery", "XEP-0030", False, "domain", ("http://jabber.org/protocol/disco#info",), "disco"),
    Row("core", "feature broadcasts", "XEP-0115", True, "stream", ("http://jabber.org/protocol/caps",), "disco"),
    Row("core", "event publishing", "XEP-0163", True, "account", ("pubsub/pep",), "pep"),
    Row("web", "WebSocket", "RFC 7395", False),
    Row("web", "BOSH", "XEP-0206", False),
    Row("im", "vcard-temp", "XEP-0054", False, "domain", ("vcard-temp",), "vcard_legacy"),
    Row("im", "outbound message synchronization", "XEP-0280", False, "domain", ("urn:xmpp:carbons:2",), "carbons"),
    Row("im", "group chat", "XEP-0045", False, "conference/text", ("http://jabber.org/protocol/muc",), "muc"),
    Row("im", "file upload", "XEP-0363", False, "store/file", ("urn:xmpp:http:upload:0",), "http_file_share"),
    Row(
        "im",
        "user avatar compatibility",
        "XEP-0398",
        True,
        "account",
        ("urn:xmpp:pep-vcard-conversion:0",),
        "vcard_legacy",
    ),
    Row("im", "user blocking", "XEP-0191", True, "domain", ("urn:xmpp:blocking",), "blocklist"),
    Row("im", "archives of rooms", "XEP-0313", True, "conference/text", ("urn:xmpp:mam:2",), "muc_mam"),
    Row("im", "bookmarks", "XEP-0402", True, "account", ("urn:xmpp:bookmarks:1#compat",), "bookmarks"),
    Row(
        "im",
        "private data via PubSub",
        "XEP-0223",
        True,
        "account",
        ("http://jabber.org/protocol/pubsub#publish-options",),
        "pep",
    ),
    Row("im", "private XML storage", "XEP-0049", True, "domain", ("jabber:iq:private",), "private or bookmarks"),
    Row("im", "stream management", "XEP-0198", True, "stream", ("urn:xmpp:sm:3",), "smacks"),
    Row("im", "history", "XEP-0313", True, "account", ("urn:xmpp:mam:2",), "mam"),
    Row("mobile", "stream management", "XEP-0198", False, "stream", ("urn:xmpp:sm:3",), "smacks"),
    Row("mobile", "client state indication", "XEP-0352", False, "stream", ("urn:xmpp:csi:0",), "csi_simple"),
    Row("mobile", "push", "XEP-0357", True, "account", ("urn:xmpp:push:0",), "cloud_notify"),
    Row("calls", "STUN and TURN discovery", "XEP-0215", False, "domain", ("urn:xmpp:extdisco:2",), "turn_external"),
)


def seen(row: Row, facts: Facts) -> bool | None:
    """Whether a server has what a row wants; nothing where it was not seen."""
    clients = facts.of("c2s", "c2s_tls")
    if row.feature == "core features":
        return any(port.good for port in clients)
    if row.feature == "TLS":
        return any(port.good for port in clients) and not any(port.in_clear for port in clients)
    if row.feature == "direct TLS":
        return any(port.good for port in facts.of("c2s_tls"))
    if row.category == "web":
        way = None if facts.web is None else facts.web.websocket if row.feature == "WebSocket" else facts.web.bosh
        return None if way is None else way.state == "good"
    if facts.session is None or facts.session.error:
        return None
    features = facts.session.features
    if "/" in row.place:
        sets = [one for place, one in features.items() if place.startswith("component") and row.place in one]
    else:
        sets = [features.get(row.place, frozenset())]
        if row.place == "domain":  # some servers say of the account what others say of the domain
            sets.append(features.get("account", frozenset()))
    return any(token in one for one in sets for token in row.tokens)


def levels(facts: Facts) -> dict[str, dict[str, Any]]:
    """Return category → level reached (advanced, server, none or unknown), what is missing, and what was not seen."""
    found: dict[str, dict[str, Any]] = {}
    for category in CATEGORIES:
        rows = [(row, seen(row, facts)) for row in ROWS if row.category in ("core", category)]
        mine = [(row, state) for row, state in rows if row.category == category]
        lacking = [row for row, state in rows if state is False]
        open_rows = [row for row, state in rows if state is None]
        level = "advanced"
        if any(not row.advanced for row in lacking):
            level = "none"
        elif any(not row.advanced for row in open_rows):
            level = "unknown"
        elif lacking:
            level = "server"
        elif open_rows:
            level = "unknown"
        found[category] = {
            "level": level,
            "missing": [_name(row) for row, state in mine if state is False],
            "missing_for_server": [_name(row) for row, state in mine if state is False and not row.advanced],
            "not_seen": [_name(row) for row, state in mine if state is None],
        }
    return found


def _name(row: Row) -> str:
    module = f", module {row.module}" if row.module else ""
    return f"{row.feature} ({row.providers}{module})"


def findings(facts: Facts, reached: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
    """Return which rows are missing, a finding for each category. reached: as `levels` made it."""
    for category, one in reached.items():
        if not one["missing"] or not any(port.good for port in facts.ports):
            continue
        level = "weak" if one["missing_for_server"] else "note"
        wanted = one["missing_for_server"] or one["missing"]
        text = f"Level of '{category}' in XEP-0479: {one['level']}; clients that build on it lack something."
        mend = "Enable it (prosody_modules), or accept it if it is left out on purpose"
        yield Finding(f"compliance_{category}", level, facts.domain, f"missing: {', '.join(wanted)}", text, mend)
