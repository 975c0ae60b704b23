# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Putting a certificate into a running Prosody, proved by what its ports serve, or taken back."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls import served
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.certificate import (
    Certificate,
    check_pair,
    uncovered,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.certificate_index import (
    choices,
    identities,
    read_files,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.certificate_store import (
    Pair,
    Store,
    StoreError,
)


class InstallError(XmppError):
    """The certificate cannot be installed, or was and is not served; the text says what is in place now."""


@dataclass(frozen=True)
class Outcome:
    """What was done, or in check mode would be. seen: what the ports serve now (in check mode: before)."""

    actions: tuple[str, ...] = ()
    seen: tuple[served.Seen, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass
class Server:
    """A running Prosody: how to reload it and where to look."""

    runner: served.Runner
    running: served.Running
    address: str | None = None
    timeout: float = 5.0
    see: Callable[[Sequence[served.Target], float], tuple[served.Seen, ...]] = field(default=served.look, repr=False)

    def targets(self, wanted: Callable[[str], bool]) -> tuple[served.Target, ...]:
        """The TLS ports with the names for which `wanted` is true."""
        return served.targets(self.running, wanted, self.address)

    def look(self, where: Sequence[served.Target]) -> tuple[served.Seen, ...]:
        """What is served there now."""
        return self.see(where, self.timeout)

    def reload(self) -> None:
        """Have it read its certificates again."""
        served.reload(self.runner, self.running)

    def look_until(
        self, where: Sequence[served.Target], judge: Callable[[Sequence[served.Seen]], Sequence[str]]
    ) -> tuple[served.Seen, ...]:
        """Look until there is no fault, for about two seconds."""
        return served.look_until(where, judge, self.timeout, see=self.see)


def conflicts(files: Mapping[str, Certificate], ours: str, names: Sequence[str], hosted: Sequence[str]) -> list[str]:
    """Sentences about names for which Prosody would not, or not surely, take the file `ours`; pure.

    names: must be served from `ours`. hosted: may be served from another file, but not by chance.
    """
    found = []
    for name in dict.fromkeys((*names, *hosted)):
        picks = choices(files, name)
        others = ", ".join(sorted(picks - {ours}))
        if others and ours in picks:
            found.append(
                f"'{name}' is also in {others}, and Prosody takes either of two by chance: move that file out of the "
                "directory, or have it under the name of this one"
            )
        elif others and name in names:
            found.append(f"for '{name}' Prosody prefers {others}, which names it exactly: move that file away")
    return found


def index_with(directory: Path, now: datetime.datetime, ours: str, leaf: Certificate | None) -> dict[str, Certificate]:
    """The files that Prosody will index once `ours` holds `leaf` (None: is gone)."""
    files = {path: found for path, found in read_files(directory, now).items() if path != ours}
    if leaf is not None:
        files[ours] = leaf
    return files


class Installation:
    """One certificate, one directory, one server (None: it does not run)."""

    def __init__(self, store: Store, server: Server | None, now: datetime.datetime, check_mode: bool = False) -> None:
        self.store, self.server, self.now, self.check_mode = store, server, now, check_mode
        self.ours = str(store.certificate)

    def present(self, pair: Pair, names: Sequence[str]) -> Outcome:
        """Have `pair` installed and served for every hosted name it is taken for; raises InstallError."""
        leaf, store, server = pair.chain[0], self.store, self.server
        files = index_with(store.directory, self.now, self.ours, leaf)
        hosted = served.names(server.running) if server else ()
        problems = conflicts(files, self.ours, names, hosted)
        superseded = self._superseded(files, leaf) if problems else ()
        if superseded:
            files = {path: found for path, found in files.items() if Path(path).stem not in superseded}
            problems = conflicts(files, self.ours, names, hosted)
        if problems:
            raise InstallError(f"The certificate '{store.name}' was not installed: {'; '.join(problems)}.")
        warnings = [
            f"'{name}' is hosted by this Prosody, and no certificate in {store.directory} covers it."
            for name in hosted
            if "." in name
            and not choices(files, name)  # nobody reaches the "localhost" of Debian's example from elsewhere
        ]
        where = server.targets(lambda name: choices(files, name) == {self.ours}) if server else ()
        judge = _Judge([link.sha256 for link in pair.chain], [found.sha256 for found in files.values()])
        differs = store.read() != pair
        faults = () if differs else store.faults()
        interrupted = store.unproved()
        before = server.look(where) if server else ()
        stale = bool(judge(before))
        actions = [
            *(["install"] if differs else []),
            *(["supersede"] if superseded else []),
            *(["repair"] if faults else []),
        ]
        if server and (actions or stale or interrupted is not None):
            actions.append("reload")
        if not actions and interrupted is None:
            return Outcome((), before, (*warnings, *judge.unreachable(before)))
        if self.check_mode:
            return Outcome(tuple(actions), before, tuple(warnings))
        previous = self._put(pair, differs, superseded)
        if server is None:
            store.settle()
            return Outcome(tuple(actions), (), tuple(warnings))
        judge = _Judge(judge.chain, judge.on_disk, before)
        try:
            server.reload()
            seen = server.look_until(where, judge)
            wrong = judge(seen)
        except XmppError as error:
            wrong = [str(error)]
        if wrong:
            raise InstallError(self._taken_back(pair, wrong, previous, before))
        store.settle()
        return Outcome(tuple(actions), seen, (*warnings, *judge.unreachable(seen)))

    def _superseded(self, files: Mapping[str, Certificate], leaf: Certificate) -> tuple[str, ...]:
        """Names of certificates installed by this collection, all of whose names `leaf` covers."""
        found = []
        for path in files:
            other = Path(path)
            if path == self.ours or other.parent != self.store.directory or other.suffix != ".crt":
                continue
            with contextlib.suppress(StoreError):  # a name that this collection would not give
                if self.store.beside(other.stem).managed() and not uncovered(leaf, sorted(identities(files[path]))):
                    found.append(other.stem)
        return tuple(found)

    def _put(self, pair: Pair, differs: bool, superseded: Sequence[str]) -> str | None:
        """Bring the pair into place, on trial. The name of the pair before ("": none); None: nothing to go back to."""
        store = self.store
        if store.directory.is_dir():
            store.repair()  # adopts files that were put there by hand
        interrupted = store.unproved()
        previous = store.current_name() if interrupted is None else interrupted
        if not differs and not superseded:
            return interrupted
        name = store.current_name()
        if differs:
            name = store.stage(pair)
            check_pair(*store.files(name))
        store.switch(name, previous, tuple(dict.fromkeys((*store.superseded(), *superseded))))
        return previous

    def _taken_back(self, pair: Pair, wrong: Sequence[str], previous: str | None, before: Sequence[served.Seen]) -> str:
        """Undo, and say what was seen."""
        what = f"The certificate '{self.store.name}' ({pair.chain[0].subject}) was installed and is not served"
        seen = _lines(wrong)
        hint = f"The running server reads certificates from {self.server.running.certificates}." if self.server else ""
        if previous is None:
            return f"{what}: {seen} {hint} Nothing was changed but a reload."
        self.store.undo(previous)
        old = self.store.read()
        back = f"The one before ({old.chain[0].subject})" if old else "The state before, no certificate,"
        return f"{what}: {seen} {hint} {back} was put back{self._proved_back(before)}"

    def _proved_back(self, before: Sequence[served.Seen]) -> str:
        """Reload what was put back, and compare with what was served at first."""
        server = self.server
        if server is None:
            return "."

        def differences(seen: Sequence[served.Seen]) -> list[str]:
            return [str(now.target) for was, now in zip(before, seen) if was.served and was.sha256 != now.sha256]

        try:
            server.reload()
            seen = server.look_until([one.target for one in before], differences)
        except XmppError as error:
            return f", but the server did not reload it: {error}"
        served_before = sum(one.served is not None for one in before)
        left = differences(seen)
        if left:
            return f", and is NOT served again on: {_lines(left)} Look at Prosody's log."
        if not served_before:
            return "."
        return f" and is served again on all {served_before} ports and names that served it before."

    def absent(self) -> Outcome:
        """Remove the certificate; no port that serves a name may be left without TLS; raises InstallError."""
        store, server = self.store, self.server
        if not store.exists():
            return Outcome()
        actions = ("remove", "reload") if server else ("remove",)
        if self.check_mode:
            return Outcome(actions)
        if server is None:
            store.remove()
            return Outcome(actions)
        store.repair()
        old = store.read()
        every = server.targets(lambda _name: True)
        before = server.look(every)
        gone = old.chain[0].sha256 if old else ""

        def judge(seen: Sequence[served.Seen]) -> list[str]:
            lost = [f"{now.target}: {now.error}" for was, now in zip(before, seen) if was.served and not now.served]
            return lost + [f"{now.target}: still serves it" for now in seen if gone and now.sha256 == gone]

        store.hide()
        try:
            server.reload()
            seen = server.look_until(every, judge)
            wrong = judge(seen)
        except XmppError as error:
            wrong = [str(error)]
        if wrong:
            store.repair()
            raise InstallError(
                f"The certificate '{store.name}' cannot go, it is needed: {_lines(wrong)} "
                f"Remove the host first, or install another certificate for it. It was put back"
                f"{self._proved_back(before)}"
            )
        store.remove()
        return Outcome(actions, seen)


@dataclass
class _Judge:
    """Faults of what is seen; ports that could not be reached before either are not the certificate's fault."""

    chain: list[str]
    on_disk: list[str]
    before: Sequence[served.Seen] = ()

    def __call__(self, seen: Sequence[served.Seen]) -> list[str]:
        blind = {one.target for one in (self.before or seen) if not one.reached}
        looked = [one for one in seen if one.reached or one.target not in blind]
        if seen and not looked:
            return [f"no port could be reached, for one {seen[0].target}: {seen[0].error}"]
        return list(served.faults(looked, self.chain, self.on_disk))

    @staticmethod
    def unreachable(seen: Sequence[served.Seen]) -> list[str]:
        """Warnings about ports that could not be looked at."""
        ports = {f"{one.target.address} port {one.target.port} ({one.error})": None for one in seen if not one.reached}
        return [f"Not proved, because it could not be reached: {port}." for port in ports]


def _lines(wrong: Sequence[str], most: int = 8) -> str:
    """Sentences in one, the first few of many."""
    more = f"; and {len(wrong) - most} more" if len(wrong) > most else ""
    return "; ".join(wrong[:most]) + more + "."


def describe(pair: Pair | None) -> str:
    """A pair as lines for a diff; the key only as being there."""
    if pair is None:
        return ""
    leaf = pair.chain[0]
    lines = {
        "subject": leaf.subject,
        "names": ", ".join(leaf.names),
        "issuer": leaf.issuer,
        "valid": f"{leaf.not_before:%Y-%m-%d} to {leaf.not_after:%Y-%m-%d}",
        "sha256": leaf.sha256,
        "chain": " < ".join(link.subject for link in pair.chain),
    }
    return "".join(f"{key}: {value}\n" for key, value in lines.items())


@contextlib.contextmanager
def exclusively(store: Store, check_mode: bool) -> Iterator[None]:
    """Keep other runs out of the directory while it is there."""
    if check_mode or not store.directory.is_dir():
        yield
        return
    with store.locked():
        yield
