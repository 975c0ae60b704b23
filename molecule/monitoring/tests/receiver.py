# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands for the operator: takes webhooks (9999) and mail (2525) and writes both down, one JSON line each."""

from __future__ import annotations

import http.server
import json
import socketserver
import sys
import threading
from pathlib import Path

NOTES = Path(sys.argv[1])
LOCK = threading.Lock()


def note(kind: str, text: str) -> None:
    """Append one line."""
    with LOCK, NOTES.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"kind": kind, "text": text}) + "\n")


class Webhook(http.server.BaseHTTPRequestHandler):
    """Any POST is welcome."""

    def do_POST(self) -> None:
        note(self.path.strip("/"), self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.send_response(200)
        self.end_headers()


class Mail(socketserver.StreamRequestHandler):
    """As much of SMTP (RFC 5321) as a client needs that means well."""

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        for line in self.rfile:
            word = line[:4].upper().strip()
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                text = []
                while (part := self.rfile.readline()) not in (b".\r\n", b""):
                    text.append(part.decode(errors="replace"))
                note("mail", "".join(text))
            self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")
            if word == b"QUIT":
                return


if __name__ == "__main__":
    socketserver.ThreadingTCPServer.allow_reuse_address = True
    mail = socketserver.ThreadingTCPServer(("127.0.0.1", 2525), Mail)
    threading.Thread(target=mail.serve_forever, daemon=True).start()
    http.server.ThreadingHTTPServer(("127.0.0.1", 9999), Webhook).serve_forever()
