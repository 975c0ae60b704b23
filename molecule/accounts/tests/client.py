# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs in the container: signs in, says how it went, and stays until it is told to leave or the server cuts it off.

    client.py HOST USER [stay]      the password comes by standard input, whose end then ends the stay

Prints one of: refused …, signed in; and after a stay either still there or cut: …
"""

import base64
import re
import select
import socket
import sys

HOST, USER = sys.argv[1:3]
STAY = sys.argv[3:] == ["stay"]
PASSWORD = sys.stdin.readline().rstrip("\n")
HEAD = (
    f"<?xml version='1.0'?><stream:stream to='{HOST}' version='1.0' xmlns='jabber:client' "
    "xmlns:stream='http://etherx.jabber.org/streams'>"
)


def until(pattern):
    """Read until the pattern is there; return the match."""
    data = ""
    while True:
        found = re.search(pattern, data, re.DOTALL)
        if found:
            return found
        more = stream.recv(65536)
        if not more:
            print("refused", data)
            sys.exit()
        data += more.decode()


stream = socket.create_connection(("127.0.0.1", 5222), timeout=10)
stream.sendall(HEAD.encode())
until("</stream:features>")
token = base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode()
stream.sendall(f"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{token}</auth>".encode())
answer = until(r"<success|<failure.*?</failure>").group()
if answer != "<success":
    print("refused", re.sub("<text.*", "", answer))
    sys.exit()
stream.sendall(HEAD.encode())
until("</stream:features>")
stream.sendall(b"<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>")
until("type=['\"]result['\"]")
print("signed in", flush=True)
while STAY:
    readable, _writable, _failed = select.select([stream, sys.stdin], [], [], 120)
    if stream in readable:
        data = stream.recv(65536)
        if "stream:error" in data.decode() or not data:
            print("cut:", data.decode())
            break
    else:
        # told to leave, or forgotten
        print("still there")
        break
