# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service behind a web server in a container, asked over https from here."""

from __future__ import annotations

import asyncio
import re
import subprocess
from xml.etree import ElementTree as ET

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.client import Account, Client
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.https import Response, request
from ansible_collections.allthingslinux.xmpp.tests.scenario.trust import everybody

UPLOAD = "urn:xmpp:http:upload:0"
BOSH = "<body xmlns='http://jabber.org/protocol/httpbind' to='{}' rid='5' wait='30' hold='1' ver='1.6'/>"


class Proxied:
    """The service of one domain. In: the container of Prosody, the domain, and where the web server is."""

    def __init__(self, container: str, domain: str, address: str, port: int = 443) -> None:
        self.container, self.domain, self.address, self.port = container, domain, address, port

    def shell(self, script: str, check: bool = True) -> str:
        """What a script says in the container of Prosody."""
        command = ["docker", "exec", self.container, "sh", "-c", script]
        return subprocess.run(command, check=check, capture_output=True, text=True).stdout

    def ask(self, path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> Response:
        """One request; names of headers with _ for -."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        suffix = "" if self.port == 443 else f":{self.port}"
        url = f"https://{self.domain}{suffix}{path}"
        return request(method, url, everybody(), address=self.address, headers=named, body=body, timeout=300)

    def slot(self, account: Account, size: int) -> tuple[str, str, dict[str, str]]:
        """Paths to put and to get, and the headers to put with; asked over direct TLS at 443."""

        async def answered() -> ET.Element:
            client = Client(account, everybody(), 20)
            try:
                await client.sign_in(self.address, 443, True)
                attributes = {"filename": "film.bin", "size": str(size), "content-type": "video/mp4"}
                return await client.query(f"upload.{self.domain}", ET.Element(f"{{{UPLOAD}}}request", attributes))
            finally:
                await client.close()

        answer = asyncio.run(answered())
        put, get = answer.find(f".//{{{UPLOAD}}}put"), answer.find(f".//{{{UPLOAD}}}get")
        assert put is not None
        assert get is not None
        headers = {str(header.get("name")): str(header.text) for header in put.iter(f"{{{UPLOAD}}}header")}
        # the port is that of browsers, which may be published under another number
        paths = [re.sub(r"^https://[^/]+", "", str(one.get("url"))) for one in (put, get)]
        return paths[0], paths[1], {**headers, "Content-Type": "video/mp4"}

    def stored(self, account: Account, content: bytes) -> str:
        """The path of a file that somebody has uploaded."""
        put, get, headers = self.slot(account, len(content))
        assert self.ask(put, "PUT", content, **headers).status == 201
        return get

    def open_bosh(self, **headers: str) -> None:
        """Begin a session that is not signed in."""
        assert self.ask("/http-bind", "POST", BOSH.format(self.domain).encode(), **headers).status == 200

    def seen_by_bosh(self) -> list[str]:
        """The addresses of clients of BOSH, as Prosody sees them."""
        code = (
            f'(function () local t, m = {{}}, require"prosody.core.modulemanager".get_module("{self.domain}", "bosh"); '
            'for _, s in pairs(m.module:shared("/*/bosh/sessions")) do t[#t + 1] = tostring(s.ip) end; '
            'return table.concat(t, " ") end)()'
        )
        said = self.shell(f"prosodyctl shell '> {code}'")
        return said.partition("Result: ")[2].split()
