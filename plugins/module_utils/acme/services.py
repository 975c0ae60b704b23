# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Handing a certificate to a service that serves it, proved by what its ports show, or taken back."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.acme.issue import call
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.acme.settings import Places, Port, Service
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.dns import vouched
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.files import managed_files
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody import connection
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.admin_socket import (
    DEFAULT_PATH,
    AdminUnavailable,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls import served
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.certificate_install import (
    Installation,
    Server,
    exclusively,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.certificate_state import Wanted, examine
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.certificate_store import Pair, Store
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.handshake import TlsProbeError, read_served


class HandingError(XmppError):
    """A service did not take its certificate; the text says what it serves now."""


@dataclass(frozen=True)
class Handed:
    """What came of it. served: whether all of its ports serve the newest one, None where it does not run."""

    served: bool | None
    changed: bool = False
    problem: str = ""


Look = Callable[[Port], str]
Call = Callable[[Sequence[str]], tuple[int, str]]


def look(port: Port) -> str:
    """The fingerprint of what a port serves. Raises TlsProbeError."""
    return read_served(port.address, port.port, sni=port.name).certificate.sha256


def wrong_ports(
    ports: Sequence[Port], wanted: str, see: Look = look, tries: int = 1, in_a_row: int = 1, pause: float = 0.5
) -> list[str]:
    """The ports that do not serve a certificate, a line each; looked at a few times, for a reload takes a moment.

    in_a_row: how often all have to be right, for who was there before still accepts connections for a moment (nginx
    sends its old workers away 0.1 s after it has started new ones).
    """
    found: list[str] = []
    right = 0
    for left in range(tries - 1, -1, -1):
        found = []
        for port in ports:
            where = f"{port.address} port {port.port} for {port.name}"
            try:
                sha256 = see(port)
            except TlsProbeError as error:
                found.append(f"{where}: {error.step}: {error.seen}")
                continue
            if sha256 != wanted:
                found.append(f"{where}: serves another one (SHA-256 {sha256[:16]}…)")
        right = 0 if found else right + 1
        if right >= in_a_row or not left:
            break
        time.sleep(pause)
    return found


def hand(places: Places, service: Service, now: datetime.datetime) -> Handed:
    """Have a service serve the certificate that lies there; never raises for what the service does."""
    place = places.certificate(service.certificate)
    fullchain, privkey, chain = (place / f"{part}.pem" for part in ("fullchain", "privkey", "chain"))
    try:
        trusted = chain.read_text(encoding="ascii", errors="replace") if chain.exists() else ""
        state = examine(fullchain, privkey, Wanted(service.names, trusted=trusted), now)
        if state.problems:
            raise HandingError("; ".join(problem.rstrip(".") for problem in state.problems))
        pair = Pair(state.chain, privkey.read_bytes())
        if service.certs_dir:
            return to_prosody(service, pair, now)
        return to_files(service, pair, chain.read_bytes() if chain.exists() else b"")
    except (XmppError, OSError) as error:
        return Handed(False, False, str(error).rstrip("."))


def to_prosody(service: Service, pair: Pair, now: datetime.datetime) -> Handed:
    """As module prosody_cert does. Raises HandingError for a key that DNS does not name yet."""
    store = Store(Path(service.certs_dir), service.certificate, 0, managed_files.group_id("prosody") or 0)
    served_now = store.read() if service.dane else None
    if served_now and (why := vouched.held_back(served_now.chain[0], pair.chain[0], service.names, now)):
        raise HandingError(f"it is held back, and what was there goes on to be served: {why}")
    try:
        runner = connection.connect({"socket": DEFAULT_PATH, "timeout": 30.0})
    except AdminUnavailable as error:
        if error.reason not in ("missing", "refused"):
            raise
        with exclusively(store, False):
            outcome = Installation(store, None, now).present(pair, service.names)
        return Handed(None, bool(outcome.actions))
    with runner, exclusively(store, False):
        server = Server(runner, served.ask(runner))
        outcome = Installation(store, server, now).present(pair, service.names)
    return Handed(True, bool(outcome.actions))


def to_files(service: Service, pair: Pair, chain: bytes, see: Look = look, run: Call = call) -> Handed:
    """Copy, have the service look and read, and read its ports; what was there before is put back on failure.

    Raises HandingError, OSError.
    """
    contents = {"fullchain": pair.fullchain, "privkey": pair.key, "chain": chain}
    wanted = [
        managed_files.Wanted(file.path, "file", contents[file.part], file.mode, 0, managed_files.group_id(file.group))
        for file in service.files
    ]
    before = [managed_files.read_state(one.path) for one in wanted]
    differ = any(old.content != one.content for old, one in zip(before, wanted))
    newest = pair.chain[0].sha256
    if service.unit and run(("systemctl", "is-active", "--quiet", service.unit))[0]:
        _put(wanted)
        return Handed(None, differ)
    if not differ and not wrong_ports(service.ports, newest, see):
        return Handed(True)
    try:
        _put(wanted)
        _take(service, run)
        wrong = wrong_ports(service.ports, newest, see, tries=20, in_a_row=3)
        if wrong:
            raise HandingError("; ".join(wrong))
    except (XmppError, OSError) as error:
        raise HandingError(
            f"{service.name} does not serve it: {error}{_back(service, wanted, before, differ, see, run)}"
        ) from error
    return Handed(True, True)


def _put(wanted: Sequence[managed_files.Wanted]) -> None:
    for one in wanted:
        managed_files.apply(managed_files.plan(managed_files.read_state(one.path), one), one)


def _take(service: Service, run: Call) -> None:
    """Have the service look at what is new, and read it. Raises HandingError."""
    for command in (service.check, ("systemctl", "reload", service.unit) if service.unit else ()):
        if command:
            code, said = run(command)
            if code:
                raise HandingError(f"{' '.join(command)}: {' '.join(said.split())[:400] or f'code {code}'}")


def _back(
    service: Service,
    wanted: Sequence[managed_files.Wanted],
    before: Sequence[managed_files.Current],
    differ: bool,
    see: Look,
    run: Call,
) -> str:
    """Put back what was there, if anything was; what to say of that."""
    if not differ or any(old.kind != "file" for old in before):
        return ""
    old_files = [
        replace(one, content=old.content, mode=old.mode, uid=old.uid, gid=old.gid) for one, old in zip(wanted, before)
    ]
    try:
        _put(old_files)
        _take(service, run)
    except (XmppError, OSError) as error:
        return f". What was there before was put back, and {service.name} does not take that either: {error}"
    gone = [] if all(_answers(port, see) for port in service.ports) else [service.name]
    return ". What was there before was put back" + (
        " and is served again" if not gone else ", and a port stays closed"
    )


def _answers(port: Port, see: Look) -> bool:
    try:
        see(port)
    except TlsProbeError:
        return False
    return True
