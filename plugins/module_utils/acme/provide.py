# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A certificate that is there, fits and is not about to end: looked at, issued where need be, and put in place."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.acme import due, issue, server
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.acme.due import Record
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.acme.settings import Places, Settings
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.files.durable import write_json, write_text
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.certificate import (
    Certificate,
    CertificateError,
    check_pair,
    read_chain,
    uncovered,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.certificate_state import Wanted, examine

UTC = datetime.timezone.utc


@dataclass(frozen=True)
class Provided:
    """What came of it.

    certificate: what lies there now. changed: whether it is a new one. reason: why one was to be issued. problem: why
    none was, or "". usable: whether what lies there covers the names and is valid.
    """

    certificate: Certificate | None
    changed: bool = False
    reason: str = ""
    problem: str = ""
    usable: bool = True


@contextlib.contextmanager
def exclusively(places: Places) -> Iterator[None]:
    """Keep the timer and a playbook apart: who comes second waits."""
    places.lock.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(places.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def read_records(places: Places) -> dict[str, Record]:
    """What is remembered of each certificate; nothing where it cannot be read."""
    known = {field.name for field in dataclasses.fields(Record)}
    try:
        data = json.loads((places.state / "state.json").read_text(encoding="utf-8"))
        return {name: Record(**{key: one[key] for key in known & set(one)}) for name, one in data.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def remember(places: Places, name: str, record: Record | None) -> None:
    """Keep a record, or forget it."""
    records = {**read_records(places), name: record}
    places.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    kept = {one: dataclasses.asdict(value) for one, value in records.items() if value is not None}
    write_json(places.state / "state.json", kept)


def leaf_of(places: Places, name: str) -> Certificate | None:
    """The certificate that lies there; None where there is none that can be read, with the key that it is of."""
    place = places.certificate(name)
    try:
        leaf = read_chain(place / "fullchain.pem")[0]
        check_pair(place / "fullchain.pem", place / "privkey.pem")
        return leaf
    except (CertificateError, OSError):
        return None


def foreseen(
    places: Places, directory: str, name: str, names: Sequence[str], now: datetime.datetime, force: bool = False
) -> Provided:
    """Look only: whether one would be issued."""
    leaf = leaf_of(places, name)
    why = due.reason(leaf, names, directory, read_records(places).get(name, Record()), now)
    usable = leaf is not None and not uncovered(leaf, names) and leaf.not_before <= now < leaf.not_after
    return Provided(leaf, False, why or ("it was asked for" if force else ""), "", usable)


def provide(
    places: Places,
    settings: Settings,
    name: str,
    names: Sequence[str],
    now: datetime.datetime,
    *,
    force: bool = False,
    patient: bool = False,
) -> Provided:
    """Have a certificate there; one that cannot be issued leaves what was there as it is.

    patient: a short time after an attempt that failed there is no other one. Raises OSError where not even that can be
    remembered.
    """
    record = read_records(places).get(name, Record())
    if patient and due.asks(record, leaf_of(places, name), now):
        record = _ask(places, settings, name, record, now)
    found = foreseen(places, settings.directory, name, names, now, force)
    if not found.reason:
        # what could not be had is not wanted any more: the next attempt has nothing to wait for
        if record.failed:
            remember(places, name, dataclasses.replace(record, failed=0, error=""))
        return found
    same = record.tried in ("", settings.directory)
    if patient and not force and same and due.waits(found.certificate, record, now):
        return dataclasses.replace(found, problem=record.error)
    try:
        # a run of the operator may end at a wrong one; the timer has to renew
        if not patient and (wrong := server.profile_problem(settings)):
            raise issue.IssueError(f"{settings.directory}: {wrong}")
        leaf = _issue(places, settings, name, due.asked_names(names, settings.wildcard), names)
    except (XmppError, OSError) as error:
        problem = str(error).rstrip(".")
        with contextlib.suppress(OSError):
            failed = dataclasses.replace(record, failed=now.timestamp(), error=problem, tried=settings.directory)
            remember(places, name, failed)
        return dataclasses.replace(found, problem=problem)
    remember(places, name, Record(settings.directory, leaf.sha256))
    return Provided(leaf, True, found.reason)


def _ask(places: Places, settings: Settings, name: str, record: Record, now: datetime.datetime) -> Record:
    """Ask the server when it would have a certificate renewed, and remember it. What it said stays if it is silent."""
    leaf = leaf_of(places, name)
    said = server.suggested(settings, leaf) if leaf else 0
    record = dataclasses.replace(record, asked=now.timestamp(), suggested=said or record.suggested)
    with contextlib.suppress(OSError):
        remember(places, name, record)
    return record


def _issue(places: Places, settings: Settings, name: str, asked: Sequence[str], names: Sequence[str]) -> Certificate:
    """Have one issued, verified and put in place; what was issued and does not fit changes nothing."""
    place = places.certificate(name)
    for directory, mode in ((places.certificates, 0o750), (place, 0o750)):
        directory.mkdir(mode=mode, parents=True, exist_ok=True)
    key = place / "privkey.pem"
    issue.make_key(key)
    with issue.issued(places, settings, key, asked) as (fullchain, chain):
        issuers = chain.read_text(encoding="ascii", errors="replace")
        state = examine(fullchain, key, Wanted(names, trusted=issuers), datetime.datetime.now(UTC))
        if state.problems:
            wrong = "; ".join(problem.rstrip(".") for problem in state.problems).replace(str(fullchain), "it")
            raise issue.IssueError(f"{settings.directory} issued a certificate that cannot be used: {wrong}")
        write_text(place / "chain.pem", issuers, 0o644)
        write_text(place / "fullchain.pem", "".join(link.pem for link in state.chain), 0o644)
    return state.chain[0]
