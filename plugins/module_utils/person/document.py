# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a person gets: XEP-0227, and an index and conversations that people can read. Pure."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Iterable, Mapping
from typing import Any
from xml.etree import ElementTree as ET

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.person.server import (
    ARCHIVES,
    Message,
    PersonError,
    Upload,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.xmpp.jid import Jid

END = "</user></host></server-data>"
# XEP-0227 sections 4.5 and 4.8
AROUND = {
    "archive": ("<archive xmlns='urn:xmpp:pie:0#mam'>", "</archive>"),
    "offline": ("<offline-messages>", "</offline-messages>"),
}
_CLIENT = "{jabber:client}"
_UNSAFE = re.compile(r"[^\w.@+-]+")


def halves(document: str) -> tuple[str, str]:
    """In: XEP-0227 as Prosody wrote it. Out: what comes before the archives, and after them. Raises PersonError."""
    if not document.endswith(END):
        raise PersonError("Prosody wrote the account in a form that is not known here. Nothing was exported.")
    return f"<?xml version='1.0' encoding='UTF-8'?>\n{document[: -len(END)]}", END + "\n"


def moment(at: float) -> str:
    """Out: a time as people read it."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at))


def entry(store: str, message: Message) -> str:
    """Out: one message within AROUND[store]."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(message.at))
    if store == "offline":
        return f"{message.xml}\n"
    return (
        f"<result xmlns='urn:xmpp:mam:2' id='{html.escape(message.key)}'><forwarded xmlns='urn:xmpp:forward:0'>"
        f"<delay xmlns='urn:xmpp:delay' stamp='{stamp}'/>{message.xml}</forwarded></result>\n"
    )


def line(message: Message) -> str:
    """Out: one message for people: when, who, what; what is encrypted or has no text is named."""
    try:
        stanza = ET.fromstring(message.xml)
    except ET.ParseError:
        return f"{moment(message.at)}  (a message that cannot be read)\n"
    body = stanza.findtext(f"{_CLIENT}body") or ""
    kinds = ", ".join(dict.fromkeys(one.tag.rpartition("}")[2] for one in stanza)) or "nothing"
    sender = stanza.get("from", "").partition("/")[0]
    return f"{moment(message.at)}  {sender}: {body or '(' + kinds + ')'}\n"


def file_name(text: str, known: set[str]) -> str:
    """Out: a name for a file that is in no way a path, and none that is known; it is known then."""
    name = _UNSAFE.sub("_", text).lstrip(".")[:120] or "unnamed"
    number, found = 1, name
    while found.lower() in known:
        number += 1
        found = f"{number}-{name}"
    known.add(found.lower())
    return found


def size(count: float) -> str:
    """Out: a number of bytes for people."""
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def _list(rows: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{one}</li>" for one in rows) + "</ul>"


def _link(target: str, text: str) -> str:
    return f'<a href="{html.escape(target)}">{html.escape(text)}</a>'


def index(
    jid: Jid,
    made: float,
    counts: Mapping[str, int],
    talks: Mapping[str, tuple[str, int]],
    uploads: Iterable[tuple[Upload, str]],
    stores: Mapping[str, Any],
    rooms: Mapping[str, str],
    happened: int = 0,
) -> str:
    """Out: a page that says what there is.

    talks: with whom → file and number of messages; uploads: each with its file, "" where it is gone; happened: lines of
    the audit trail.
    """
    contacts = sorted(one for one in stores.get("roster", {}) if "@" in one or "." in one)
    files = []
    for one, file in uploads:
        named = _link(f"uploads/{file}", one.name or one.slot) if file else f"{html.escape(one.name)} (gone)"
        files.append(f"{moment(one.at)} {named}, {size(one.size)}")
    parts = [
        ("Account", _list([html.escape(jid.bare), f"For another server: {_link('account.xml', 'XEP-0227')}"])),
        ("Contacts", _list(map(html.escape, contacts)) if contacts else "<p>None</p>"),
        ("Conversations", _list(
            f"{_link(f'messages/{file}', other or 'with nobody in particular')}, {number} messages"
            for other, (file, number) in sorted(talks.items())
        ) if talks else "<p>None are kept</p>"),
        ("Uploaded files", _list(files) if files else "<p>None are kept</p>"),
        ("Rooms", _list(f"{html.escape(room)}: {html.escape(what)}" for room, what in sorted(rooms.items()))
         if rooms else "<p>None</p>"),
        ("Sign-ins and changes of the account", _list([_link("audit_trail.json", f"{happened} lines")])
         if happened else "<p>None are kept</p>"),
        ("All that is stored", _list(
            [_link(f"stores/{name}.json", name) for name in sorted(stores)]
            + [f"{name}: {counts[name]} messages" for name in ARCHIVES if counts.get(name)]
        )),
    ]  # fmt: skip
    body = "".join(f"<h2>{title}</h2>{text}" for title, text in parts)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(jid.bare)}</title>'
        f"<h1>What is kept of {html.escape(jid.bare)}</h1><p>{moment(made)} UTC. Times are UTC.</p>{body}</html>\n"
    )
