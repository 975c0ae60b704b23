# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs on the host of the scenario and does what users do, with something private in it: the first argument.

With a second one, a user name of TURN, also what goes over nginx and TURN.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import ssl
import sys
from pathlib import Path
from urllib.parse import urlsplit
from xml.sax.saxutils import quoteattr

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.monitor import turn
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.monitor.session import Session

TARGET = json.loads(Path("/etc/xmpp/monitoring/probe.json").read_text(encoding="utf-8"))["targets"][0]
SLOT = "{urn:xmpp:http:upload:0}"
MARK, NAME = sys.argv[1], "".join(sys.argv[2:])


def sign_in(number: int, password: str = "") -> Session:
    """Sign in as one of the accounts of the probes."""
    account, context = TARGET["accounts"][number], ssl.create_default_context(cafile="/etc/xmpp/monitoring/ca.pem")
    return Session(TARGET["address"], 5222, account["jid"], password or account["password"], context)


def request(url: str, method: str = "GET", data: bytes | None = None, headers: dict[str, str] | None = None) -> int:
    """Ask nginx for what a URL of Prosody names. Out: the status."""
    parts = urlsplit(url)
    connection = http.client.HTTPSConnection("logs.example.org", timeout=10)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    connection.request(method, path, data, {"Host": str(parts.hostname), **(headers or {})})
    return connection.getresponse().status


writer, reader = sign_in(0), sign_in(1)
writer.send_message(reader.jid, f"a message with {MARK}", "m1")
reader.wait_for_message(f"a message with {MARK}")
writer.wait_for_archived(f"a message with {MARK}")
if not NAME:
    sys.exit()

wanted = f"<request xmlns='{SLOT[1:-1]}' filename={quoteattr(MARK + '.txt')} size='7' content-type='text/plain'/>"
slot = writer.ask("get", f"upload.{TARGET['domain']}", wanted)
put, get = slot.find(f".//{SLOT}put"), slot.find(f".//{SLOT}get")
assert put is not None
assert get is not None
headers = {str(one.get("name")): str(one.text) for one in put.iter(SLOT + "header")}
statuses = [
    request(str(put.get("url")), "PUT", b"private", {"Content-Type": "text/plain", **headers}),
    request(str(get.get("url"))),
    request(f"{get.get('url')}?query={MARK}"),
    request(f"https://upload.chat.localhost/{MARK}"),
    request(f"https://upload.chat.localhost/file_share/{MARK}", "PUT", b"private", {"Authorization": f"Bearer {MARK}"}),
    request(
        "https://chat.localhost/http-bind", "POST", f"<body>{MARK}</body>".encode(), {"Referer": f"https://{MARK}/"}
    ),
]

user, password = writer.turn_credentials()
turn.allocate(TARGET["turn_address"], 3478, user, password)
for name, secret in ((user, MARK), (NAME, password), (f"{user.split(':')[0]}:{NAME}", "x")):
    with contextlib.suppress(turn.TurnError):
        turn.allocate(TARGET["turn_address"], 3478, name, secret)
with contextlib.suppress(XmppError):
    sign_in(0, MARK)
slots = [urlsplit(str(one.get("url"))).path.split("/")[2] for one in (put, get)]
print(json.dumps({"statuses": statuses, "secrets": [*set(slots), password, *headers.values()]}))
