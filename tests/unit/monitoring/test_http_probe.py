# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The probe of HTTPS against a server that, as the proxy, knows no other name than its own."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.monitor import probe
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.hello import POST_QUANTUM
from ansible_collections.allthingslinux.xmpp.tests.unit import tls_material

NAME = "chat.test"


class Answer(BaseHTTPRequestHandler):
    """What the service says."""

    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status if self.headers["Host"] == NAME else 500)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def port(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[int]:
    leaf = tls_material.issue((NAME,))
    chain, key = tls_material.write_pair(tmp_path, leaf.pem, leaf.key_pem())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    context.maximum_version = getattr(request, "param", ssl.TLSVersion.MAXIMUM_SUPPORTED)

    def known(_socket: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> int | None:
        return None if name == NAME else ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME

    context.sni_callback = known
    server = HTTPServer(("127.0.0.1", 0), Answer)
    server.handle_error = lambda *_about: None  # type: ignore[method-assign]
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(("status", "good"), [(200, True), (404, True), (502, False)])
def test_it_is_asked_by_its_name_at_its_address(port, status, good, monkeypatch):
    monkeypatch.setattr(Answer, "status", status)
    report = probe.Report()
    target = probe.target_of({"domain": NAME, "address": "127.0.0.1", "ports": {"https": port}})
    probe.probe_https(report, target, port)
    success = {one.labels["probe"]: one.value for one in report.samples if one.metric is probe.SUCCESS}
    assert success == {"https": True, "http": good}
    # whatever OpenSSL is here: a client of today asks for the group, and the server names its own
    [(labels, value)] = [(one.labels, one.value) for one in report.samples if one.metric is probe.POST_QUANTUM]
    assert labels["probe"] == "https"
    assert value == (labels["group"] in POST_QUANTUM)
    assert labels["group"] in {"X25519", *POST_QUANTUM}


@pytest.mark.parametrize("port", [ssl.TLSVersion.TLSv1_2], indirect=True)
def test_before_tls_1_3_the_version_stands_for_the_group(port):
    """As of coturn in Debian 13."""
    report = probe.Report()
    probe.probe_https(report, probe.target_of({"domain": NAME, "address": "127.0.0.1", "ports": {"https": port}}), port)
    [found] = [one for one in report.samples if one.metric is probe.POST_QUANTUM]
    assert (found.labels["group"], found.value) == ("TLSv1.2", False)
