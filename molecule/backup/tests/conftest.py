# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two hosts of the scenario, and what backups leave on the one that is kept."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from typing import Any

import pytest
import testinfra
from ansible_collections.allthingslinux.xmpp.tests.scenario.client import Client

CHAT, VAULT = "xmpp-backup-chat", "xmpp-backup-vault"
# of carol nothing is in the inventory
PASSWORDS = {"alice": "first-of-the-scenario", "bob": "second-of-the-scenario", "carol": "a-password-of-her-own"}


def machine(name: str) -> Any:
    return testinfra.get_host(f"ansible://{name}?ansible_inventory={os.environ['MOLECULE_INVENTORY_FILE']}")


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
