# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTP receiver of the scenario: writes down what is posted over TLS with the right token.

While there is a file `busy`, it answers 503, and while there is one `picky`, 413.
"""

from __future__ import annotations

import http.server
import ssl
from pathlib import Path

HOME = Path("/var/lib/logs-receiver")
CERTIFICATE = Path("/etc/logs-receiver")
TOKEN = "Bearer a-token-of-the-scenario"


class Receiver(http.server.BaseHTTPRequestHandler):
    """POST /ingest."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = 200
        if self.path != "/ingest" or self.headers["Content-Type"] != "application/x-ndjson":
            status = 404
        elif self.headers["Authorization"] != TOKEN:
            status = 401
        elif (HOME / "busy").exists():
            status = 503
        elif (HOME / "picky").exists():
            status = 413
        else:
            with (HOME / "http").open("ab") as file:
                file.write(body)
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()


if __name__ == "__main__":
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 8444), Receiver)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE / "cert.pem", CERTIFICATE / "key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()
