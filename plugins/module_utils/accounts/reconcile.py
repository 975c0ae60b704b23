# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From declarations to accounts: read, plan, apply. What the modules call; it decides nothing by itself."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.accounts import (
    declaration,
    hashing,
    planner,
    server,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.accounts.model import (
    AccountError,
    Host,
    Plan,
    Step,
    Update,
    Wanted,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.accounts.store import MOST_WRITTEN, AccountStore, size
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.xmpp import scram

Entry = TypeVar("Entry", Wanted, Update)


@dataclass(frozen=True)
class Purge:
    """May undeclared accounts be removed: at most ``limit`` of them, none whose name fits a pattern of ``exempt``."""

    limit: int
    exempt: Sequence[str] = ()


@dataclass
class Outcome:
    """What was really done, filled while it is done: it also tells what was applied before a failure."""

    created: list[str] = field(default_factory=list)
    updated: dict[str, list[str]] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """Was anything done."""
        return bool(self.created or self.updated or self.removed)


def make_plan(
    store: AccountStore,
    declarations: Iterable[Mapping[str, Any]],
    update_password: str,
    purge: Purge | None = None,
) -> Plan:
    """Read what there is and decide what to do.

    Raises AccountError: the purge would remove more accounts than its limit allows.
    """
    host = store.host
    wanted, errors = declaration.wanted_all(declarations, host.name, update_password)
    current = store.read((entry.name for entry in wanted), planner.needed(wanted))
    to_test = [entry for entry in wanted if planner.needs_password_test(entry, current.get(entry.name), host)]

    def is_same(entry: Wanted) -> bool:
        known = current[entry.name].verifier
        return known is not None and entry.password is not None and scram.matches(entry.password, known)

    same = {entry.name for entry, matched in hashing.unordered(is_same, to_test) if matched}
    undeclared = []
    # a declaration that could not be read may be meant for any account, so then nothing is purged
    if purge and not errors:
        declared = {entry.name for entry in wanted}
        undeclared = list(store.read(sorted(set(store.names()) - declared)).values())
    plan = planner.plan(
        wanted,
        current,
        host,
        same_password=same,
        undeclared=undeclared,
        exempt=purge.exempt if purge else (),
        errors=errors,
    )
    _guard(plan, {entry.name for entry in wanted}, host, purge)
    return plan


def predict(declarations: Iterable[Mapping[str, Any]], host: str) -> Plan:
    """Plan for a host that does not exist yet: everything that is wanted would be created."""
    wanted, errors = declaration.wanted_all(declarations, host, "always")
    create = tuple(entry for entry in wanted if entry.state != "absent")
    return Plan(create, (), (), errors, len(wanted) - len(create))


def _guard(plan: Plan, declared: set[str], host: Host, purge: Purge | None) -> None:
    purged = sorted(account.name for account in plan.remove if account.name not in declared)
    if purge and len(purged) > purge.limit:
        shown = ", ".join(purged[:10]) + (", …" if len(purged) > 10 else "")
        raise AccountError(
            f"Nothing was changed on {host.name}: {len(purged)} accounts are not declared and would be removed with "
            f"all their data ({shown}), but purge_limit allows {purge.limit}. Declare them, exempt them "
            "(purge_exempt), or raise purge_limit if this is what you want."
        )


def apply(store: AccountStore, plan: Plan, outcome: Outcome) -> None:
    """Do what is planned. What happens to each account goes into the outcome; one's failure does not stop the others.

    Raises XmppError: the connection is lost; the outcome says what was done until then.
    """
    host = store.host
    outcome.failed.update(plan.errors)

    def updated(name: str) -> None:
        outcome.updated[name] = changes[name]

    changes = {update.before.name: list(update.changes) for update in plan.update}
    with _Sender(store.change, updated, outcome, host) as sender:
        for update, verifier in _with_verifiers(plan.update, host):
            sender.add(update.before.name, server.changed_literal(update.before.name, update.steps, verifier))

    with _Sender(store.create, outcome.created.append, outcome, host) as sender:
        for wanted, verifier in _with_verifiers(plan.create, host):
            sender.add(wanted.name, server.created_literal(wanted, verifier, host.default_role))

    created = set(outcome.created)
    # these belong to the creation, which is already noted
    with _Sender(store.change, lambda _name: None, outcome, host) as sender:
        for wanted in plan.create:
            steps = _further_steps(wanted)
            if steps and wanted.name in created:
                sender.add(wanted.name, server.changed_literal(wanted.name, steps))

    with _Sender(store.change, outcome.removed.append, outcome, host) as sender:
        for account in plan.remove:
            sender.add(account.name, server.changed_literal(account.name, (Step("delete"),)))
    outcome.created.sort()
    outcome.removed.sort()


def foresee(plan: Plan, outcome: Outcome) -> None:
    """What :func:`apply` would do, for check mode."""
    outcome.failed.update(plan.errors)
    outcome.created.extend(sorted(entry.name for entry in plan.create))
    outcome.updated.update({update.before.name: list(update.changes) for update in plan.update})
    outcome.removed.extend(sorted(account.name for account in plan.remove))


def _further_steps(wanted: Wanted) -> list[Step]:
    steps = [Step("add_flag", (flag, note)) for flag, note in sorted((wanted.flags or {}).items())]
    contact = {key: value for key, value in (wanted.contact or {}).items() if value}
    return [*steps, Step("contact", (contact,))] if contact else steps


def _with_verifiers(entries: Sequence[Entry], host: Host) -> Iterator[tuple[Entry, scram.Verifier | None]]:
    """Yield each entry with the verifier to store: given ones at once, computed ones as they come."""

    def secret(entry: Wanted | Update) -> Wanted | None:
        if isinstance(entry, Update):
            return entry.wanted if entry.new_password else None
        return entry

    def compute(entry: Entry) -> scram.Verifier:
        return scram.verifier(passwords[id(entry)], str(uuid.uuid4()), host.iterations, host.hash)

    to_hash: list[Entry] = []
    passwords: dict[int, str] = {}
    for entry in entries:
        wanted = secret(entry)
        if wanted is not None and wanted.password is not None:
            to_hash.append(entry)
            passwords[id(entry)] = wanted.password
        else:
            yield entry, wanted.verifier if wanted else None
    yield from hashing.unordered(compute, to_hash)


class _Sender:
    """Sends literals of accounts in batches and notes what became of each."""

    def __init__(
        self, send: Callable[[list[str]], dict[str, str]], done: Callable[[str], None], outcome: Outcome, host: Host
    ) -> None:
        self._send, self._done, self._outcome, self._host = send, done, outcome, host
        self._items: list[str] = []
        self._names: list[str] = []

    def __enter__(self) -> _Sender:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        if kind is None:
            self._flush()

    def add(self, name: str, literal: str) -> None:
        """Take one account along; send what is there when it is enough."""
        try:
            size(literal)
        except XmppError as error:
            self._fail(name, str(error))
            return
        self._items.append(literal)
        self._names.append(name)
        if len(self._items) >= MOST_WRITTEN:
            self._flush()

    def _flush(self) -> None:
        items, self._items = self._items, []
        names, self._names = self._names, []
        if not items:
            return
        failures = self._send(items)
        for name in names:
            if name in failures:
                self._fail(name, failures[name])
            else:
                self._done(name)

    def _fail(self, name: str, reason: str) -> None:
        self._outcome.failed[name] = f"{name}@{self._host.name}: {reason}"
