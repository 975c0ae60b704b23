# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""module_utils/acme/services.py: copied, read by the service, proved by its ports, or taken back."""

from __future__ import annotations

import grp
import os
from pathlib import Path

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.acme import services
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.acme.settings import service_of
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.dns import vouched
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.files import managed_files
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody import connection
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.admin_socket import AdminUnavailable
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls import certificate
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.certificate_store import Pair
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.handshake import TlsProbeError
from ansible_collections.allthingslinux.xmpp.tests.unit import tls_material as material
from ansible_collections.allthingslinux.xmpp.tests.unit.acme import acme_support as support

AUTHORITY = support.AUTHORITY


@pytest.fixture(autouse=True)
def _own(monkeypatch):
    """Files belong to whoever runs this."""
    monkeypatch.setattr(os, "fchown", lambda *_args: None)
    monkeypatch.setattr(os, "chown", lambda *_args: None)


def pair(*names):
    made = material.issue(names or support.NAMES, by=AUTHORITY.intermediate)
    chain = (certificate.parse(made.der), certificate.parse(AUTHORITY.intermediate.der))
    return Pair(chain, made.key_pem().encode())


OLD, NEW = pair(), pair()


class Nginx:
    """Serves what its file said at the last reload."""

    def __init__(self, root: Path) -> None:
        self.file, self.serving, self.fail, self.stuck = root / "fullchain.pem", "", "", False
        self.commands: list[str] = []
        self.closed = self.stopped = False
        self.service = service_of(
            "proxy",
            {
                "certificate": "example.org",
                "names": list(support.NAMES),
                "files": [
                    {
                        "part": "fullchain",
                        "path": str(self.file),
                        "mode": "0644",
                        "group": grp.getgrgid(os.getgid()).gr_name,
                    },
                    {"part": "privkey", "path": str(root / "privkey.pem"), "group": grp.getgrgid(os.getgid()).gr_name},
                ],
                "check": ["nginx", "-t"],
                "unit": "nginx",
                "ports": [{"address": "127.0.0.1", "port": 443, "name": "example.org"}],
            },
        )

    def run(self, command):
        if "is-active" in command:
            return (3, "") if self.stopped else (0, "")
        self.commands.append(command[0])
        if command[0] == self.fail:
            return 1, "nginx:  [emerg] it does not like that"
        if command[0] == "systemctl" and not self.stuck:
            self.serving = certificate.read_chain(self.file)[0].sha256
        return 0, ""

    def see(self, _port):
        if self.closed:
            raise TlsProbeError("127.0.0.1", 443, "connecting", "refused")
        return self.serving

    def take(self, wanted):
        return services.to_files(self.service, wanted, b"", self.see, self.run)


@pytest.fixture
def nginx(tmp_path, monkeypatch):
    monkeypatch.setattr(services.time, "sleep", lambda _seconds: None)
    found = Nginx(tmp_path)
    assert found.take(OLD) == services.Handed(True, True)
    found.commands.clear()
    return found


def test_it_is_copied_read_and_seen(nginx):
    assert nginx.take(NEW) == services.Handed(True, True)
    assert nginx.commands == ["nginx", "systemctl"]
    assert nginx.file.read_bytes() == NEW.fullchain
    assert (nginx.file.parent / "privkey.pem").read_bytes() == NEW.key
    assert (nginx.file.parent / "privkey.pem").stat().st_mode & 0o777 == 0o600


def test_what_is_served_is_left_alone(nginx):
    assert nginx.take(OLD) == services.Handed(True)
    assert nginx.commands == []


def test_what_lies_there_and_is_not_served_is_reloaded(nginx):
    nginx.serving = "0" * 64
    assert nginx.take(OLD) == services.Handed(True, True)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"fail": "nginx"}, "nginx -t: nginx: [emerg] it does not like that"),
        ({"stuck": True}, "127.0.0.1 port 443 for example.org: serves another one"),
    ],
)
def test_what_is_not_served_is_taken_back(nginx, fault, said):
    for name, value in fault.items():
        setattr(nginx, name, value)
    with pytest.raises(services.HandingError) as caught:
        nginx.take(NEW)
    assert said in str(caught.value)
    assert "What was there before was put back" in str(caught.value)
    assert nginx.file.read_bytes() == OLD.fullchain
    assert (nginx.file.parent / "privkey.pem").read_bytes() == OLD.key
    assert nginx.serving == OLD.chain[0].sha256


def test_an_old_worker_that_still_answers_is_waited_for(nginx):
    old, new = OLD.chain[0].sha256, NEW.chain[0].sha256
    answers = [new, old, new, new, new]
    looks: list[str] = []

    def see(_port):
        looks.append(answers[len(looks)] if len(looks) < len(answers) else new)
        return looks[-1]

    assert services.to_files(nginx.service, NEW, b"", see, nginx.run) == services.Handed(True, True)
    assert looks == answers


def test_a_port_that_is_closed_is_told(nginx):
    nginx.closed = True
    with pytest.raises(services.HandingError, match=r"connecting: refused.* and a port stays closed"):
        nginx.take(NEW)


def test_one_that_is_stopped_has_it_for_when_it_starts(nginx):
    nginx.stopped = True
    assert nginx.take(NEW) == services.Handed(None, True)
    assert nginx.take(NEW) == services.Handed(None)
    assert nginx.file.read_bytes() == NEW.fullchain
    assert nginx.commands == []


def test_nothing_is_handed_over_that_does_not_fit(tmp_path):
    where = support.places(tmp_path)
    place = where.certificate("example.org")
    place.mkdir(parents=True)
    (place / "fullchain.pem").write_bytes(OLD.fullchain)
    (place / "privkey.pem").write_bytes(NEW.key)
    found = services.hand(where, service_of("x", {"certificate": "example.org", "names": ["example.org"]}), support.NOW)
    assert found.served is False
    assert "does not belong" in found.problem or "key" in found.problem
    (place / "privkey.pem").write_bytes(OLD.key)
    found = services.hand(where, service_of("x", {"certificate": "example.org", "names": ["example.net"]}), support.NOW)
    assert "lacks example.net" in found.problem


@pytest.fixture
def stopped(tmp_path, monkeypatch):
    """Where certificates lie on a host whose Prosody does not run, with a directory for that of example.org."""

    def refused(_options):
        raise AdminUnavailable("no socket", "missing")

    monkeypatch.setattr(connection, "connect", refused)
    monkeypatch.setattr(managed_files, "group_id", lambda _name: os.getgid())
    where = support.places(tmp_path)
    where.certificate("example.org").mkdir(parents=True)
    return where


def test_a_prosody_that_does_not_run_has_it_for_when_it_does(tmp_path, stopped):
    where, place = stopped, stopped.certificate("example.org")
    (place / "fullchain.pem").write_bytes(NEW.fullchain)
    (place / "privkey.pem").write_bytes(NEW.key)
    (place / "privkey.pem").chmod(0o600)
    certs = tmp_path / "certs"
    prosody = service_of(
        "prosody", {"certificate": "example.org", "names": list(support.NAMES), "certs_dir": str(certs)}
    )
    assert services.hand(where, prosody, support.NOW) == services.Handed(None, True)
    assert (certs / "example.org.crt").read_bytes() == NEW.fullchain
    assert services.hand(where, prosody, support.NOW) == services.Handed(None, False)


def test_a_key_that_dns_does_not_name_is_held_back_and_the_old_one_stays(tmp_path, stopped, monkeypatch):
    """And the record, once it is there, is all that is needed."""
    where, place = stopped, stopped.certificate("example.org")
    certs = tmp_path / "certs"
    data = {"certificate": "example.org", "names": list(support.NAMES), "certs_dir": str(certs)}
    asked = []

    def held_back(before, after, names, _now):
        asked.append((before.sha256, after.sha256, names))
        return "no record names its key"

    monkeypatch.setattr(vouched, "held_back", held_back)
    for one in (OLD, NEW):
        (place / "fullchain.pem").write_bytes(one.fullchain)
        (place / "privkey.pem").write_bytes(one.key)
        (place / "privkey.pem").chmod(0o600)
        found = services.hand(where, service_of("prosody", {**data, "dane": True}), support.NOW)
    assert asked == [(OLD.chain[0].sha256, NEW.chain[0].sha256, support.NAMES)]
    assert found.served is False
    assert found.problem == "it is held back, and what was there goes on to be served: no record names its key"
    assert (certs / "example.org.crt").read_bytes() == OLD.fullchain
    # who does not go by DANE has no reason to wait
    assert services.hand(where, service_of("prosody", data), support.NOW).changed
    assert (certs / "example.org.crt").read_bytes() == NEW.fullchain
