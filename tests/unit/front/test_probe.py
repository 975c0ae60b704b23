# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a proxy answers: the probe against servers of its own, and the module that asks again."""

from __future__ import annotations

import contextlib
import http.server
import socket
import ssl
import threading
from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.front.probe import Site, generation_problem, problems
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.certificate import parse
from ansible_collections.allthingslinux.xmpp.plugins.modules import proxy_probe
from ansible_collections.allthingslinux.xmpp.tests.unit import module_runner
from ansible_collections.allthingslinux.xmpp.tests.unit import tls_material as material

AUTHORITY = material.authority()


@pytest.fixture
def proxy(tmp_path):
    """Starts a web server and one with TLS for a name; both answer as they are told. Returns their ports."""
    with contextlib.ExitStack() as stack:

        def start(name="example.org", status=308, location="https://example.org/", pages=("/",), missing=404, body=""):
            class Handler(http.server.BaseHTTPRequestHandler):
                def do_GET(self):
                    secure = isinstance(self.connection, ssl.SSLSocket)
                    self.send_response((200 if self.path in pages else missing) if secure else status)
                    if not secure and location:
                        self.send_header("Location", location)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body.encode())

                def log_message(self, *_words):
                    pass

            leaf = material.issue((name,), by=AUTHORITY.intermediate)
            chain, key = material.write_pair(tmp_path / "pair", AUTHORITY.fullchain(leaf), leaf.key_pem())
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(chain, key)
            ports = []
            for secure in (False, True):
                server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
                if secure:
                    server.socket = context.wrap_socket(server.socket, server_side=True)
                threading.Thread(target=server.serve_forever, daemon=True).start()
                stack.callback(server.server_close)
                stack.callback(server.shutdown)
                ports.append(server.server_address[1])
            return tuple(ports)

        yield start


def found(ports, **site):
    return problems("127.0.0.1", Site("example.org", **site), 2.0, *ports)


def test_everything_answers(proxy):
    assert found(proxy(), paths=["/"]) == []


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"status": 200, "location": ""}, "leads to nothing (HTTP 200) instead of https"),
        ({"location": "https://other.test/"}, "leads to https://other.test/"),
        ({"pages": ()}, "https://example.org/ at 127.0.0.1: HTTP 404"),
        ({"name": "other.test"}, "the certificate is for other names"),
    ],
)
def test_what_does_not_is_told(proxy, answers, words):
    lines = found(proxy(**answers), paths=["/"])
    assert len(lines) == 1
    assert words in lines[0]


def test_a_port_that_takes_no_clients_of_xmpp_is_told(proxy):
    lines = found(proxy(), c2s=True)
    assert len(lines) == 1
    assert lines[0].startswith("xmpp-client for example.org")


def test_the_module_asks_again_and_then_tells(monkeypatch):
    left = [["not yet"], [], ["never"]]
    monkeypatch.setattr(proxy_probe, "problems", lambda *_args, **_more: left.pop(0) if len(left) > 1 else left[0])
    monkeypatch.setattr(proxy_probe.time, "sleep", lambda _seconds: None)
    options: dict[str, Any] = {
        "addresses": ["127.0.0.1"],
        "sites": [{"name": "example.org", "paths": ["/"], "c2s": True}],
    }
    assert module_runner.run(proxy_probe, **options)["problems"] == []
    failed = module_runner.run(proxy_probe, **{**options, "timeout": 0.01})
    assert (failed["failed"], failed["problems"]) == (True, ["never"])


def test_a_reload_that_nginx_could_not_follow_is_told(proxy):
    """It goes on with the configuration before, and everything answers as it should."""
    plain, _secure = proxy(status=200, location="", body="abc")
    assert generation_problem("example.org", "abc", 2.0, plain) == ""
    assert "goes on with the one before" in generation_problem("example.org", "def", 2.0, plain)
    old, _secure = proxy()
    assert "goes on with the one before" in generation_problem("example.org", "abc", 2.0, old)


def test_an_nginx_that_does_not_answer_is_told():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        assert generation_problem("example.org", "abc", 2.0, port).startswith(f"nginx at 127.0.0.1:{port}: ")


def test_the_certificate_before_the_new_one_is_told(proxy):
    ports = proxy()
    other = parse(material.issue(("example.org",), by=AUTHORITY.intermediate).der)
    lines = problems("127.0.0.1", Site("example.org"), 2.0, ports[0], ports[1], wanted=other)
    assert len(lines) == 1
    assert lines[0].endswith("another certificate than the new one is served")


def test_who_gets_no_answer_from_prosody_says_so(proxy):
    lines = found(proxy(pages=(), missing=502), paths=["/"])
    assert lines == ["https://example.org/ at 127.0.0.1: HTTP 502: nginx gets no answer from Prosody, is it running?"]


def test_every_address_is_asked(monkeypatch):
    monkeypatch.setattr(proxy_probe, "problems", lambda address, *_args, **_more: [address])
    monkeypatch.setattr(proxy_probe, "generation_problem", lambda *args: f"generation {args[1]}")
    failed = module_runner.run(
        proxy_probe, addresses=["127.0.0.1", "::1"], sites=[{"name": "example.org"}], generation="abc", timeout=0.01
    )
    assert failed["problems"] == ["generation abc", "127.0.0.1", "::1"]
