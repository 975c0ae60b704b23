# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The containers of the scenario, seen from the Docker host, and how long a service in them is away."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.client import Account
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.https import request
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.tests.scenario.trust import everybody

HOST = "xmpp-containers"
ALICE, BOB = Account("alice@chat.localhost", "walks-by-the-sea"), Account("bob@chat.localhost", "reads-in-the-tree")
ADDRESS = "10.213.78.2"
# coturn has the network of the Docker host
TURN_ADDRESS = "10.213.96.1"
ARCHIVE = os.environ.get("XMPP_ARCHIVE_IMAGE", "xmpp-archive:trixie")
SERVICES = ("postgresql", "coturn", "prosody", "nginx")
# of group monitoring
WATCHING = (
    "prometheus",
    "prometheus-alertmanager",
    "prometheus-node-exporter",
    "prometheus-postgres-exporter",
    "prometheus-nginx-exporter",
)
STREAM = (
    b"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'"
    b" to='chat.localhost'>"
)
# RFC 8489, 5: a binding request with its magic cookie
BINDING = bytes.fromhex("000100002112a442") + b"whoami-whoam"


def docker(*words: str, both: bool = False) -> str:
    """Out: what the command says, or all that it writes. Raises CalledProcessError."""
    errors = subprocess.STDOUT if both else subprocess.PIPE
    done = subprocess.run(["docker", *words], stdout=subprocess.PIPE, stderr=errors, text=True, check=True, timeout=120)
    return done.stdout.strip()


def seen(service: str) -> dict[str, Any]:
    """Out: what the engine knows of a container."""
    found: dict[str, Any] = json.loads(docker("container", "inspect", f"{HOST}-{service}"))[0]
    return found


def volume_of(service: str, path: str) -> Path:
    """Out: where the Docker host has what a service has at a path."""
    (volume,) = [mount["Name"] for mount in seen(service)["Mounts"] if mount["Destination"] == path]
    return Path(docker("volume", "inspect", "--format", "{{.Mountpoint}}", volume))


def names() -> list[str]:
    """Out: the containers of the scenario."""
    listed = docker("ps", "--all", "--format", "{{.Names}}").split()
    return sorted(name.removeprefix(f"{HOST}-") for name in listed if name.startswith(f"{HOST}-"))


def volumes() -> list[str]:
    """Out: the volumes of the scenario."""
    listed = docker("volume", "ls", "--format", "{{.Name}}").split()
    return sorted(name.removeprefix(f"{HOST}-") for name in listed if name.startswith(f"{HOST}-"))


def is_open(port: int, address: str = ADDRESS) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as client:
        client.settimeout(2)
        return client.connect_ex((address, port)) == 0


def is_healthy(service: str) -> bool:
    """What its own health check says now."""
    test = seen(service)["Config"]["Healthcheck"]["Test"][1:]
    words = ["docker", "exec", f"{HOST}-{service}", *test]
    return subprocess.run(words, capture_output=True, check=False, timeout=30).returncode == 0


def offers_a_stream() -> bool:
    """Whether Prosody answers a new client."""
    with contextlib.suppress(OSError), socket.create_connection((ADDRESS, 5222), 1) as client:
        client.settimeout(1)
        client.sendall(STREAM)
        got = b""
        while b"</stream:features>" not in got:
            more = client.recv(4096)
            if not more:
                return False
            got += more
        return True
    return False


def binds() -> bool:
    """Whether coturn answers somebody who asks for his address."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(0.3)
        client.sendto(BINDING, (TURN_ADDRESS, 3478))
        return client.recv(1024)[:2] == b"\x01\x01"
    return False


def shows_a_page() -> bool:
    """Whether nginx answers a new browser."""
    with contextlib.suppress(OSError, XmppError):
        return request("GET", "https://chat.localhost/", everybody(), address=ADDRESS, timeout=1).status == 200
    return False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have the file whose last test removes everything be the last one, and certificates of others just before that.

    The own authority is what the tests before trust, and only a run of everything would bring its certificates back.
    """
    items.sort(key=lambda item: item.path.name == "test_containers.py")
    others = [item for item in items if item.name.startswith("test_certificates_are_issued_by_acme")]
    for item in others:
        items.remove(item)
    last = ("test_a_service_that_leaves", "test_removal")
    end = [number for number, item in enumerate(items) if item.name.startswith(last)]
    place = min(end, default=len(items))
    items[place:place] = others


ANSWERS = {
    "prosody": offers_a_stream,
    "nginx": shows_a_page,
    "coturn": binds,
    "postgresql": lambda: is_healthy("postgresql"),
}


class Gap:
    """For how long a service did not answer while this was there: the longest time between two answers, in seconds."""

    def __init__(self, answers: Callable[[], bool]) -> None:
        self._answers, self._stop, self.seconds = answers, threading.Event(), 0.0
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        last = time.monotonic()
        while not self._stop.is_set():
            if self._answers():
                self.seconds, last = max(self.seconds, time.monotonic() - last), time.monotonic()
            self._stop.wait(0.04)

    def __enter__(self) -> Gap:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stop.set()
        self._thread.join(10)


def kill(service: str) -> None:
    """End the program itself, from outside: a kill by the engine counts as stopped by hand."""
    os.kill(seen(service)["State"]["Pid"], 9)
