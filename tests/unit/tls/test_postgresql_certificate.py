# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificate of PostgreSQL, read from a server that says what PostgreSQL says before anybody signs in."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.monitor import probe
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.postgresql import read_certificate
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.xmpp.stream import StreamError
from ansible_collections.allthingslinux.xmpp.tests.unit import tls_material

NAME = "db.test"


@contextlib.contextmanager
def server(folder: Path, answer: bytes) -> Iterator[int]:
    """Answers the first message with `answer`, and goes on with TLS after S; its port."""
    leaf = tls_material.issue((NAME,))
    chain, key = tls_material.write_pair(folder, leaf.pem, leaf.key_pem())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                connection, _address = listener.accept()
                with connection:
                    assert connection.recv(8) == bytes.fromhex("0000000804d2162f")
                    connection.sendall(answer)
                    if answer == b"S":
                        context.wrap_socket(connection, server_side=True).recv(1)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
    thread.join(5)


def figures(port: int) -> dict[str, tuple[float, dict[str, str]]]:
    report = probe.Report()
    probe.probe_database(report, "example.org", "127.0.0.1", port)
    return {one.metric.name: (one.value, dict(one.labels)) for one in report.samples}


def test_what_it_serves_is_read_and_measured(tmp_path):
    with server(tmp_path, b"S") as port:
        leaf = read_certificate("127.0.0.1", port)
    assert leaf is not None
    assert leaf.names == (NAME,)
    with server(tmp_path, b"S") as port:
        found = figures(port)
    labels = {"domain": "example.org", "probe": "postgresql", "port": str(port)}
    assert found["xmpp_probe_success"] == (True, labels)
    named = {**labels, "name": "127.0.0.1"}
    assert found["xmpp_certificate_expiry_timestamp_seconds"][1] == named
    value, _labels = found["xmpp_certificate_lifetime_seconds"]
    assert value == (leaf.not_after - leaf.not_before).total_seconds()


def test_one_without_tls_has_no_certificate_and_that_is_no_fault(tmp_path):
    with server(tmp_path, b"N") as port:
        found = figures(port)
    assert found["xmpp_probe_success"][0]
    assert "xmpp_certificate_expiry_timestamp_seconds" not in found


@pytest.mark.parametrize("answer", [b"E", b""])
def test_what_is_no_postgresql_is_told(tmp_path, answer, capsys):
    with server(tmp_path, answer) as port, pytest.raises(StreamError, match="S or N expected"):
        read_certificate("127.0.0.1", port)
    assert not figures(port)["xmpp_probe_success"][0]
    assert "example.org: postgresql: 127.0.0.1 port" in capsys.readouterr().err
