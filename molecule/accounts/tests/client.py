# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs in the container: signs in without encryption, says how it went, and stays until the server cuts it off.

    client.py HOST USER [SECONDS]      the password comes by standard input

Prints one of: refused …, signed in, and then either still there (after SECONDS) or cut: …
"""

import base64
import re
import socket
import sys
import time

HOST, USER = sys.argv[1:3]
STAY = float(sys.argv[3]) if len(sys.argv) > 3 else 0
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
end = time.monotonic() + STAY
while time.monotonic() < end:
    stream.settimeout(max(end - time.monotonic(), 0.01))
    try:
        data = stream.recv(65536)
    except TimeoutError:
        break
    if "stream:error" in data.decode() or not data:
        print("cut:", data.decode())
        sys.exit()
if STAY:
    print("still there")
