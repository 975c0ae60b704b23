# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real clients against a deployed service, described by environment variables (see docs/self-check.md)."""

from __future__ import annotations

import asyncio
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.client import Account
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.run import Report, run
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.stage import Target

DOMAIN = os.environ.get("XMPP_E2E_DOMAIN", "")
SECRETS = Path(os.environ.get("XMPP_E2E_SECRETS", ".secrets"))
CONTAINER = os.environ.get("XMPP_E2E_CONTAINER", "")


def pytest_collection_modifyitems(items):
    """Without a deployed service there is nothing to test."""
    for item in items:
        if not DOMAIN:
            item.add_marker(pytest.mark.skip(reason="XMPP_E2E_DOMAIN names no deployed service"))


@pytest.fixture(scope="session")
def target() -> Target:
    """The deployed service."""
    accounts = [
        Account(f"{name}@{DOMAIN}", (SECRETS / f"probe_{name}@{DOMAIN}").read_text(encoding="utf-8").strip())
        for name in ("xmpp-probe-1", "xmpp-probe-2")
    ]
    ca = SECRETS / "ca" / "ca.pem"
    return Target(
        DOMAIN,
        (accounts[0], accounts[1]),
        address=os.environ.get("XMPP_E2E_ADDRESS") or (Host().run("hostname -I").split()[0] if CONTAINER else None),
        ca=str(ca) if ca.exists() else None,
        closed_ports=(5280, 5347, 5582),
        timeout=5.0,
    )


@pytest.fixture
def check(target):
    """Run checks: check("room", timeout=2) → Report."""

    def check(*names: str, **options) -> Report:
        return asyncio.run(run(replace(target, **options), names))

    return check


class Host:
    """The container in which the service runs, for planting faults."""

    def run(self, command: str) -> str:
        """Out: what the shell command printed. Raises CalledProcessError."""
        done = subprocess.run(
            ["docker", "exec", CONTAINER, "sh", "-c", command], check=True, text=True, capture_output=True, timeout=120
        )
        return done.stdout


@pytest.fixture(scope="session")
def host() -> Host:
    """The host, where faults can be planted."""
    if not CONTAINER:
        pytest.skip("XMPP_E2E_CONTAINER names no container to plant faults in")
    return Host()
