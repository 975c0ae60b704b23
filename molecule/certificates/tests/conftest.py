# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of this scenario share: running a module as an operator does, and reading ports with openssl."""

from __future__ import annotations

import base64
import json
import os
import re
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.tests.scenario.trust import everybody

ROOT = Path(__file__).resolve().parent.parent.parent.parent
NAMES = ("example.test", "muc.example.test", "upload.example.test")
# port → how openssl speaks to it, names it is asked for
PORTS = {
    5222: ("-starttls xmpp", NAMES[:1]),
    5223: ("", NAMES[:1]),
    5269: ("-starttls xmpp-server", NAMES),
    5270: ("", NAMES),
    5281: ("", NAMES),
}


@dataclass(frozen=True)
class Done:
    """What a module said. output: all that was printed, the diff included."""

    failed: bool
    result: dict[str, Any]
    output: str

    @property
    def changed(self) -> bool:
        """Whether it says that it changed something."""
        return bool(self.result.get("changed"))

    @property
    def message(self) -> str:
        """What it says about its failure."""
        return str(self.result.get("msg", ""))


def module(name: str, check: bool = False, /, **options: Any) -> Done:
    """Run a module of the collection once, with --diff."""
    command = ["ansible", "all", "-i", os.environ["MOLECULE_INVENTORY_FILE"], "-m", f"allthingslinux.xmpp.{name}"]
    command += ["-a", json.dumps(options), "--diff", *(["--check"] if check else [])]
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
        "ANSIBLE_FORCE_COLOR": "0",
        "ANSIBLE_NOCOLOR": "1",
    }
    done = subprocess.run(command, cwd=ROOT, env=environment, text=True, capture_output=True, timeout=120, check=False)
    found = re.search(r"(?m)^\S+ \| \S+ => (?=\{)", done.stdout)
    assert found, f"no result: {done.stdout}{done.stderr}"
    result, _end = json.JSONDecoder().raw_decode(done.stdout[found.end() :])
    return Done(done.returncode != 0, result, done.stdout + done.stderr)


def cert(pair: str = "", check: bool = False, **options: Any) -> Done:
    """Run prosody_cert with one of the pairs."""
    if pair:
        options |= {
            "fullchain": f"/root/material/{pair}/fullchain.pem",
            "privkey": f"/root/material/{pair}/privkey.pem",
            "authority": "/root/material/root.pem",
        }
        options.setdefault("names", NAMES)
    return module("prosody_cert", check, **{"name": "example.test", **options})


def fingerprint(host, pair: str) -> str:
    """The SHA-256 of a pair's certificate, as openssl says it."""
    output = host.check_output(f"openssl x509 -in /root/material/{pair}/fullchain.pem -noout -fingerprint -sha256")
    return output.partition("=")[2].replace(":", "").lower()


def wait_for_ports(host) -> None:
    """Wait until every port is open: a unit that was restarted is up before its ports are."""
    open_now = " ".join(f"(: </dev/tcp/127.0.0.1/{port}) &&" for port in PORTS)
    host.check_output(f"timeout 60 bash -c 'until {open_now} true; do sleep 0.1; done' 2>/dev/null")


def served(host) -> dict[tuple[int, str], str]:
    """(port, name) → fingerprint that openssl sees there; "-" stands for no name, "" for no certificate."""
    script = ["set -u"]
    for port, (how, names) in PORTS.items():
        for name in (*names, *(() if how else ("-",))):
            who = "-noservername" if name == "-" else f"-servername {name}"
            who += f" -xmpphost {name}" if how else ""
            look = f"openssl s_client -connect 127.0.0.1:{port} {how} {who} </dev/null 2>/dev/null"
            script.append(
                f"printf '{port} {name} '; {look} | openssl x509 -noout -fingerprint -sha256 2>/dev/null || echo"
            )
    lines = host.check_output("\n".join(script)).splitlines()
    found = (line.split(" ", 2) for line in lines)
    return {(int(port), name): print_.partition("=")[2].replace(":", "").lower() for port, name, print_ in found}


class Client:
    """A client that is signed in over direct TLS (RFC 6120, SASL PLAIN), without any library of XMPP."""

    def __init__(self, address: str, user: str, password: str) -> None:
        context = everybody()
        context.set_alpn_protocols(["xmpp-client"])
        plain = socket.create_connection((address, 5223), timeout=10)
        self.connection = context.wrap_socket(plain, server_hostname="example.test")
        self._open()
        token = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
        self.ask(f"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{token}</auth>", "<success")
        self._open()
        self.ask("<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>", "type='result'")

    def _open(self) -> None:
        self.ask(
            "<?xml version='1.0'?><stream:stream to='example.test' version='1.0' xmlns='jabber:client' "
            "xmlns:stream='http://etherx.jabber.org/streams'>",
            "</stream:features>",
        )

    def ask(self, text: str, until: str) -> str:
        """Send, and receive until something is there."""
        self.connection.sendall(text.encode())
        heard = ""
        while until not in heard:
            data = self.connection.recv(65536).decode()
            assert data, f"the connection was closed; heard {heard!r}"
            heard += data
        return heard

    def ping(self, number: int) -> str:
        """An answer of the server on this connection (XEP-0199)."""
        ping = f"<iq type='get' id='p{number}' to='example.test'><ping xmlns='urn:xmpp:ping'/></iq>"
        return self.ask(ping, f"id='p{number}'")


@pytest.fixture
def client(host):
    """A signed-in client."""
    password = "only for this scenario"
    host.run("prosodyctl shell 'user:delete(\"walter@example.test\")'")
    host.run(f'prosodyctl shell \'user:create("walter@example.test", "{password}")\'')
    address = host.check_output("hostname -i").split()[0]
    signed_in = Client(address, "walter", password)
    yield signed_in
    signed_in.connection.close()
