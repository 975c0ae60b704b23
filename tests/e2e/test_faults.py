# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults planted in a deployed service: each is caught by the check it concerns, with words that help."""

from __future__ import annotations

import contextlib
import time

import pytest


def lua(text):
    """A command of prosodyctl shell."""
    return f'prosodyctl shell "{text}"'


SECRET_FILE = "file=$(grep -ls ^static-auth-secret= /etc/turnserver.conf /etc/xmpp/coturn/*)"

# what, plant, mend, check, words in its line (DOMAIN stands for the domain)
FAULTS = [
    (
        "no archive",
        lua("module:unload('mam', 'DOMAIN')"),
        lua("module:load('mam', 'DOMAIN')"),
        "archive",
        ["without an archive id", "mam"],
    ),
    (
        "no upload service",
        lua("host:deactivate('upload.DOMAIN')"),
        lua("host:activate('upload.DOMAIN')"),
        "upload",
        ["a file upload service", "http_file_share"],
    ),
    (
        "no room service",
        lua("host:deactivate('muc.DOMAIN')"),
        lua("host:activate('muc.DOMAIN')"),
        "room",
        ["a room service", "MUC component"],
    ),
    (
        "no relay for files",
        lua("host:deactivate('proxy.DOMAIN')"),
        lua("host:activate('proxy.DOMAIN')"),
        "proxy",
        ["a relay for file transfers", "proxy65"],
    ),
    (
        "a feature less",
        lua("module:unload('carbons', 'DOMAIN')"),
        lua("module:load('carbons', 'DOMAIN')"),
        "features",
        ["missing carbons", "prosodyctl shell module list"],
    ),
    (
        "no WebSocket",
        lua("module:unload('websocket')"),
        lua("module:load('websocket')"),
        "websocket",
        ["404", "mod_websocket"],
    ),
    (
        "no scripts",
        lua("module:unload('http_libjs', 'DOMAIN')"),
        lua("module:load('http_libjs', 'DOMAIN')"),
        "invitations",
        ["/share/", "libjs"],
    ),
    ("no BOSH", lua("module:unload('bosh')"), lua("module:load('bosh')"), "bosh", ["404", "mod_bosh"]),
    (
        "TURN stopped",
        "systemctl stop coturn",
        "systemctl start coturn",
        "turn_udp",
        ["no answer", "systemctl status coturn"],
    ),
    (
        "another TURN secret",
        f"{SECRET_FILE}; cp -p $file /root/turn.good && "
        "sed -i s/^static-auth-secret=.*/static-auth-secret=another/ $file && systemctl restart coturn",
        f"{SECRET_FILE}; cat /root/turn.good > $file && rm /root/turn.good && systemctl restart coturn",
        "turn_udp",
        ["401", "static-auth-secret"],
    ),
    (
        "own address denied to TURN",
        "cp -p /etc/turnserver.conf /root/turnserver.good && "
        "sed -i /^allowed-peer-ip/d /etc/turnserver.conf && systemctl restart coturn",
        "cat /root/turnserver.good > /etc/turnserver.conf && rm /root/turnserver.good && systemctl restart coturn",
        "turn_udp",
        ["403", "allowed-peer-ip"],
    ),
    (
        "no federation",
        lua("module:unload('s2s')"),
        lua("module:load('s2s')"),
        "s2s",
        ["Connection refused", "is federation on"],
    ),
    (
        "an inner port open to others",
        "systemd-run --quiet --unit=e2e-open python3 -m http.server 5347 --bind 0.0.0.0 --directory /srv",
        "systemctl stop e2e-open",
        "closed_ports",
        ["5347", "external components", "ss -ltnp"],
    ),
    (
        "database down",
        "systemctl stop postgresql",
        "systemctl start postgresql && until pg_isready -q; do sleep 0.1; done; systemctl restart prosody",
        "starttls",
        ["not-authorized", "systemctl status postgresql"],
    ),
    (
        "server hangs",
        "kill -STOP $(systemctl show --property MainPID --value prosody)",
        "kill -CONT $(systemctl show --property MainPID --value prosody)",
        "starttls",
        ["no XMPP stream within", "journalctl -u prosody"],
    ),
    (
        "server stopped",
        "systemctl stop prosody",
        "systemctl start prosody",
        "starttls",
        ["Connection refused", "systemctl status prosody"],
    ),
]


@contextlib.contextmanager
def planted(host, plant, mend, domain):
    host.run(plant.replace("DOMAIN", domain))
    try:
        yield
    finally:
        host.run(mend.replace("DOMAIN", domain))


@pytest.mark.parametrize(("what", "plant", "mend", "name", "words"), FAULTS, ids=[fault[0] for fault in FAULTS])
def test_fault(host, target, check, what, plant, mend, name, words):
    needs = ("message",) if name == "archive" else ()
    deadline = time.monotonic() + 10
    with planted(host, plant, mend, target.domain):
        # what was planted may take a moment until it is felt
        while True:
            report = check(*needs, name, timeout=3.0)
            outcome = next(outcome for outcome in report.outcomes if outcome.name == name)
            if all(word in outcome.line() for word in words) or time.monotonic() > deadline:
                break
    assert outcome.state == "failed", f"{what}: {outcome.line()}"
    for word in words:
        assert word in outcome.line()
    deadline = time.monotonic() + 30
    while True:
        again = next(outcome for outcome in check(*needs, name).outcomes if outcome.name == name)
        if again.ok or time.monotonic() > deadline:
            break
        time.sleep(1)
    assert again.ok, f"after {what} was mended: {again.line()}"
