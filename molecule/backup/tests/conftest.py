# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two hosts of the scenario, and what backups leave on the one that is kept."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import testinfra
from ansible_collections.allthingslinux.xmpp.tests.scenario.client import Client
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

CHAT, VAULT = "xmpp-backup-chat", "xmpp-backup-vault"
# of carol nothing is in the inventory
PASSWORDS = {"alice": "first-of-the-scenario", "bob": "second-of-the-scenario", "carol": "a-password-of-her-own"}


def machine(name: str) -> Any:
    return testinfra.get_host(f"ansible://{name}?ansible_inventory={os.environ['MOLECULE_INVENTORY_FILE']}")


def until_yesterday(text: str, secrets: Path) -> str:
    """In: a certificate (PEM) and where its authority has its key. Out: the same, until yesterday."""
    old = x509.load_pem_x509_certificate(text.encode())
    key = serialization.load_pem_private_key((secrets / "ca/ca.key").read_bytes(), None)
    yesterday = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=1)
    new = x509.CertificateBuilder(
        old.issuer, old.subject, old.public_key(), x509.random_serial_number(),
        yesterday - datetime.timedelta(days=30), yesterday, list(old.extensions),
    )  # fmt: skip
    return new.sign(key, hashes.SHA384()).public_bytes(serialization.Encoding.PEM).decode()


@dataclass
class Kept:
    """The host that is kept. It can be destroyed, and is another one then, of the same name."""

    host: Any

    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.host.file("/var/lib/xmpp-backup/state.json").content_string)
        return found

    def backup(self) -> dict[str, Any]:
        """Make one. Out: what it left."""
        self.host.run("systemctl start xmpp-backup.service")
        found: dict[str, Any] = self.state()["backup"]
        return found

    def drill(self) -> dict[str, Any]:
        """Prove the newest. Out: what it left."""
        self.host.run("systemctl start xmpp-backup-drill.service")
        found: dict[str, Any] = self.state()["drill"]
        return found

    @property
    def address(self) -> str:
        return str(self.host.check_output("hostname -I").split()[0])

    def certificates(self) -> dict[str, str]:
        """Out: each file with a certificate of the service → its text."""
        found = "find /etc/xmpp/certificates /etc/prosody/certs -type f -name fullchain.pem"
        return {path: self.host.file(path).content_string for path in self.host.check_output(found).split()}

    @contextlib.contextmanager
    def expired(self, secrets: Path) -> Iterator[None]:
        """Meanwhile the files with certificates have the same ones, for the same keys, as they were until yesterday."""
        before = self.certificates()
        assert before
        try:
            for path, text in before.items():
                self.write(path, until_yesterday(text, secrets))
            yield
        finally:
            for path, text in before.items():
                self.write(path, text)

    def write(self, path: str, text: str) -> None:
        """In: a file that is there, which keeps its owner and mode, and what is to be in it."""
        command = ["docker", "exec", "--interactive", CHAT, "sh", "-c", f"cat > {path}"]
        subprocess.run(command, input=text, text=True, check=True, timeout=30)

    def client(self, name: str) -> Client:
        return Client(f"{name}@keep.localhost", PASSWORDS[name], self.address)

    def destroy(self) -> None:
        """Have a fresh host in its place, as Molecule made the first."""
        image = os.environ.get("XMPP_READY_IMAGE", "xmpp-ready:trixie")
        named = ["--name", CHAT, "--hostname", CHAT, "--network", "xmpp-backup", "--env", "container=docker"]
        disks = ["--volume", "/sys/fs/cgroup:/sys/fs/cgroup:rw"]
        disks += [word for place in ("/run", "/run/lock", "/tmp") for word in ("--tmpfs", place)]
        rights = ["--cap-add", "SYS_ADMIN", "--security-opt", "apparmor=unconfined", "--cgroupns", "host"]
        for command in (
            ["docker", "rm", "--force", "--volumes", CHAT],
            ["docker", "run", "--detach", "--tty", *named, *disks, *rights, image, "/sbin/init"],
            ["docker", "exec", CHAT, "sh", "-c", "until systemctl is-system-running --wait; do sleep 0.2; done || :"],
        ):
            subprocess.run(command, check=command[1] != "exec", capture_output=True, timeout=120)


@pytest.fixture(scope="session")
def chat() -> Kept:
    return Kept(machine(CHAT))


@pytest.fixture(scope="session")
def vault() -> Any:
    return machine(VAULT)
