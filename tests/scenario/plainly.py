# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Say passwords to a server one after the other in one stream (RFC 4616), and print what it says to each:
success, or the condition of a failure.

In: ADDRESS DOMAIN USER PASSWORD…
"""

import base64
import re
import socket
import ssl
import sys

ADDRESS, DOMAIN, USER, *PASSWORDS = sys.argv[1:]
OPEN = (
    f"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='{DOMAIN}' version='1.0'>"
)


def ask(connection: socket.socket, text: str, answer: str) -> str:
    """Send a text; out: what the server said up to the answer, a regular expression."""
    connection.sendall(text.encode())
    said = ""
    while not re.search(answer, said):
        more = connection.recv(4096)
        if not more:
            sys.exit(f"closed after {said!r}")
        said += more.decode()
    return said


def main() -> None:
    """Connect to the port with TLS, and say them."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection((ADDRESS, 5223), 10) as plain:
        connection = context.wrap_socket(plain, server_hostname=DOMAIN)
        ask(connection, OPEN, "</stream:features>")
        for password in PASSWORDS:
            initial = base64.b64encode(f"\0{USER}\0{password}".encode()).decode()
            auth = f"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{initial}</auth>"
            answer = ask(connection, auth, "</failure>|<success")
            refused = re.search(r"<failure[^>]*><([a-z-]+)", answer)
            print(refused[1] if refused else "success", flush=True)


main()
