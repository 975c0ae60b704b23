# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A push service (XEP-0357) as an external component (XEP-0114) of a Prosody on the same host.

python3 push_service.py DOMAIN SECRET FILE: takes what servers publish, and notes who and for which node, one a line.
"""

import hashlib
import socket
import sys
from xml.etree import ElementTree
from xml.sax.saxutils import quoteattr

COMPONENT = "jabber:component:accept"
PUBLISH = "{http://jabber.org/protocol/pubsub}pubsub/{http://jabber.org/protocol/pubsub}publish"


def main(domain: str, secret: str, notes: str) -> None:
    server = socket.create_connection(("127.0.0.1", 5347))
    server.sendall(
        f"<stream:stream xmlns='{COMPONENT}' xmlns:stream='http://etherx.jabber.org/streams' to='{domain}'>".encode()
    )
    parser, depth = ElementTree.XMLPullParser(("start", "end")), 0
    while data := server.recv(65536):
        parser.feed(data)
        for event, element in parser.read_events():
            depth += 1 if event == "start" else -1
            if event == "start" and depth == 1:
                proof = hashlib.sha1((element.get("id", "") + secret).encode()).hexdigest()
                server.sendall(f"<handshake>{proof}</handshake>".encode())
            elif event == "end" and depth == 1:
                answer(server, element, notes)


def answer(server: socket.socket, stanza: ElementTree.Element, notes: str) -> None:
    if stanza.tag == f"{{{COMPONENT}}}handshake":
        note(notes, "connected")
    elif stanza.tag == f"{{{COMPONENT}}}iq" and stanza.get("type") in ("get", "set"):
        published = stanza.find(PUBLISH)
        if published is not None:
            note(notes, f"{stanza.get('from')} {published.get('node')}")
        names = {"to": "from", "from": "to", "id": "id"}
        attributes = " ".join(f"{name}={quoteattr(stanza.get(of, ''))}" for name, of in names.items())
        server.sendall(f"<iq type='result' {attributes}/>".encode())


def note(notes: str, line: str) -> None:
    with open(notes, "a", encoding="utf-8") as file:
        file.write(line + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
