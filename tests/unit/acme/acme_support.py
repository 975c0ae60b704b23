# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host in a folder of the test's own, and an ACME server that issues what it is told to."""

from __future__ import annotations

import contextlib
import datetime
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.acme import issue
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.acme.settings import Places
from ansible_collections.allthingslinux.xmpp.tests.unit import tls_material as material
from cryptography.hazmat.primitives import serialization

DIRECTORY = "https://acme.example.org/directory"
NAMES = ("example.org", "muc.example.org")
AUTHORITY = material.authority()
NOW = datetime.datetime.now(datetime.timezone.utc)


def places(root: Path) -> Places:
    """Where things lie, below a folder. The settings are there, and no service."""
    found = Places(root / "acme", root / "certificates", root / "state", root / "metrics", root / "lock")
    (found.settings / "services").mkdir(parents=True)
    found.metrics.mkdir()
    (found.settings / "settings.json").write_text(json.dumps({"directory": DIRECTORY}))
    return found


def service(where: Places, name: str, **data: Any) -> None:
    """Write a service, of the certificate example.org if nothing else is said."""
    whole = {"certificate": "example.org", "names": list(NAMES), **data}
    (where.settings / "services" / f"{name}.json").write_text(json.dumps(whole))


class Server:
    """Stands in for certbot. fail: what it fails with; names: what it issues for in place of what is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []
        self.fail: str | None = None
        self.names: Sequence[str] | None = None
        self.key: Any = None
        self.life = 90 * material.DAY
        self.begin = NOW - datetime.timedelta(minutes=1)

    @contextlib.contextmanager
    def issued(self, where: Places, _settings: Any, key: Path, names: Sequence[str]) -> Iterator[tuple[Path, Path]]:
        self.asked.append(tuple(names))
        if self.fail:
            raise issue.IssueError(self.fail)
        where.state.mkdir(exist_ok=True)
        private = self.key or serialization.load_pem_private_key(key.read_bytes(), None)
        made = material.issue(
            self.names or names,
            by=AUTHORITY.intermediate,
            key=private,
            not_before=self.begin,
            not_after=self.begin + self.life,
        )
        fullchain, chain = where.state / "full", where.state / "chain"
        fullchain.write_text(made.pem + AUTHORITY.intermediate.pem)
        chain.write_text(AUTHORITY.intermediate.pem)
        yield fullchain, chain


def use(monkeypatch: Any) -> Server:
    """Have a server of the test's own in place of certbot."""
    server = Server()
    monkeypatch.setattr(issue, "issued", server.issued)
    return server
