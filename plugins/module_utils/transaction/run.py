# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The transaction: check → keep → swap → act → probe → commit, or put everything back and say why."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.host.service import Service
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.admin_socket import (
    AdminSocket,
    AdminUnavailable,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.installation import RunCommand
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.lua_json import readable
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction import database, probes
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.difference import (
    Difference,
    compare,
    merge,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.files import (
    FilePlan,
    certificate_files,
    plan_files,
    secret_names,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.journal import (
    Journal,
    Kept,
    digest,
    read_bytes,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.linting import Linter
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.live import Live, State
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.logs import LogWatch, log_files
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.model import Model
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.planner import (
    Action,
    Readers,
    concerns_tls,
    plan,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.probes import Failure, Options
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.reading import ModelReader
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.staging import Stage

# how much of the log a message quotes
_LOG_LINES = 6


class Undone(XmppError):
    """The change failed and everything is as it was; the text tells the whole story."""

    def __init__(self, message: str, actions: Iterable[Action], failures: Iterable[Failure]) -> None:
        super().__init__(message)
        self.actions = list(actions)
        self.failures = list(failures)


class RollbackFailed(Undone):
    """The change failed and so did putting the old state back: the operator is needed."""


class Unhealthy(Undone):
    """Nothing was to be changed, but the service does not do what its configuration says."""


@dataclass(frozen=True)
class Request:
    """What is wanted, as plain values. secrets: None leaves the directory of secrets alone."""

    path: str
    content: bytes
    secrets: Mapping[str, bytes] | None
    secrets_dir: str
    uid: int
    gid: int
    mode: int
    start: bool
    probe: bool
    options: Options
    socket: str
    timeout: float
    prosodyctl: tuple[str, ...]


@dataclass
class Result:
    """What was done, or in check mode would be. before: the old text, None when there was none."""

    actions: list[Action] = field(default_factory=list)
    files: list[Action] = field(default_factory=list)
    before: bytes | None = None
    remarks: list[str] = field(default_factory=list)
    recovered: str = ""
    kept: str = ""

    @property
    def changed(self) -> bool:
        """Files or the running server differ from before."""
        return bool(self.actions or self.files)


class Transaction:
    """One run on one host. reader: None where Prosody is not installed; linter: see linting.py."""

    def __init__(
        self,
        request: Request,
        reader: ModelReader | None,
        service: Service,
        journal: Journal,
        run_command: RunCommand,
        linter: Linter,
    ) -> None:
        self.request = request
        self.reader = reader
        self.service = service
        self.journal = journal
        self.run_command = run_command
        self.linter = linter
        self.log = LogWatch(run_command, service.name)
        self.began = time.time()

    # -- planning: touches nothing ------------------------------------------------------------------------------

    def predict(self) -> Result:
        """What run() would do; for check mode."""
        try:
            result, _plan = self._plan(self.journal.pending())
        except OSError as error:
            raise _unable(error) from error
        return result

    def run(self) -> Result:
        """Do it; raises Undone (or RollbackFailed) after a failure, any other XmppError before the first change."""
        try:
            return self._run()
        except OSError as error:
            raise _unable(error) from error

    def _run(self) -> Result:
        if self.reader is None and self.request.start:
            raise XmppError(
                "Prosody is not installed on this host, so it cannot be started with this configuration. Install it "
                "first (role prosody does), or only write the files with service_state: unchanged."
            )
        self.journal.lock()
        try:
            pending = self.journal.pending()
            try:
                result, prepared = self._plan(pending)
                self._ask_database(result, prepared)
            except XmppError as error:
                if pending is None:
                    raise
                raise self._recover(pending, error) from error
            if pending is None and not result.changed:
                self._prove_unchanged(prepared, result)
                return result
            self._carry_out(result, prepared, pending)
            return result
        finally:
            self.journal.unlock()

    def _plan(self, pending: Mapping[str, Any] | None) -> tuple[Result, _Prepared]:
        request = self.request
        files = plan_files(request.path, request.content, request.secrets, request.secrets_dir,
                           (request.uid, request.gid, request.mode))  # fmt: skip
        result = Result(files=files.actions, before=read_bytes(request.path))
        active = self.service.is_active() if self.reader else False
        if self.reader is None:
            result.remarks.append(
                "Prosody is not installed on this host yet: the configuration was not linted, checked or tried"
            )
            result.actions = [Action("start", "", "Prosody is not running")] if request.start else []
            return result, _Prepared(files, None, False, None, [])
        with self._stage(request.content, files.secrets_after) as stage:
            model = stage.model(self.reader, self.run_command)
            live_state, running, baseline = self._look(model) if active else (None, None, [])
            difference = compare(running, model) if running else Difference()
            secrets = [str(Path(request.secrets_dir, name)) for name in files.secrets_after]
            self.linter.stage(str(stage.original), request.path, secrets)
            if files.actions or difference or not active or pending:
                result.remarks += list(model.warnings)
                result.remarks += stage.check(list(request.prosodyctl), self.run_command)
                result.remarks += self.linter.check()
            for other in self._earlier(pending):
                difference = merge(difference, compare(other, model))
            readers = self._readers(difference)
        certificates = self._certificates_stale(baseline) or bool(pending)
        self._same_file(live_state)
        prepared = _Prepared(files, model, active, live_state, baseline, running, concerns_tls(difference))
        if not active:
            why = "Prosody is not running"
            result.actions = [Action("start", "", why)] if request.start else []
        elif live_state is None and not difference:
            changed = bool(files.actions) or certificates
            why = "the admin socket cannot be reached (is admin_shell enabled?), so only a restart applies the files"
            result.actions = [Action("restart", "", why)] if changed else []
        else:
            loaded = live_state.loaded if live_state else None
            result.actions = plan(difference, model, loaded, readers, certificates=certificates)
        return result, prepared

    def _readers(self, difference: Difference) -> Readers:
        return self.linter.readers() if difference.changes else lambda _option: ()

    def _same_file(self, state: State | None) -> None:
        if state and os.path.realpath(state.config_file) != os.path.realpath(self.request.path):
            raise XmppError(
                f"The running Prosody reads {state.config_file}, not {self.request.path}: what is written there would "
                "never be read. Give the path it reads."
            )

    def _stage(self, content: bytes, secrets: Mapping[str, bytes]) -> Stage:
        return Stage(self.request.path, content, self.request.secrets_dir, secrets)

    def _look(self, model: Model) -> tuple[State | None, Model | None, list[Failure]]:
        """The running server's state, its configuration, and what fails already before the change."""
        try:
            with AdminSocket(self.request.socket, self.request.timeout) as admin:
                live = Live(admin)
                state, running = live.state(), live.config()
                failures = probes.probe_all(live, running, self.request.options) if self.request.probe else []
                return state, running, failures
        except AdminUnavailable:
            return None, None, []

    def _earlier(self, pending: Mapping[str, Any] | None) -> list[Model]:
        """The configurations that an interrupted run may have left in the server: the kept one and its attempt."""
        if pending is None or self.reader is None:
            return []
        models = []
        texts = [
            self.journal.kept.content(item) for item in self.journal.kept.files() if item.path == self.request.path
        ]
        secrets = {
            Path(item.path).name: self.journal.kept.content(item) or b""
            for item in self.journal.kept.files()
            if item.kind == "secret" and item.blob
        }
        for text in [*texts, read_bytes(self.journal.attempt)]:
            if text is None:
                continue
            try:
                with self._stage(text, secrets) as stage:
                    models.append(stage.model(self.reader, self.run_command))
            except XmppError:
                continue
        return models

    def _certificates_stale(self, baseline: list[Failure]) -> bool:
        """Does the server serve something else than lies on the disk (or can no longer serve what lies there)?"""
        return any(item.probe.startswith(("tls:", "certificate:")) for item in baseline) and bool(
            self._unproved_certificates() or any("not the one in" in item.seen for item in baseline)
        )

    def _unproved_certificates(self) -> dict[str, Kept]:
        """The last proved files of certificates that differ from what lies on the disk now, ready to be kept."""
        found = {}
        for item in self.journal.committed.files():
            if item.kind == "certificate" and self.journal.committed.differs(item):
                blob = str(self.journal.committed.directory / item.blob) if item.blob else ""
                found[item.path] = replace(item, blob=blob)
        return found

    # -- doing --------------------------------------------------------------------------------------------------

    def _ask_database(self, result: Result, prepared: _Prepared) -> None:
        """Does the database let Prosody in? Asked beforehand: a restart would end sessions for nothing."""
        if not self.request.probe or prepared.model is None or not result.actions:
            return
        environment = database.environment_of(self.service.state().pid, self.service.environment())
        found = []
        for parameters in database.connections(prepared.model):
            reason = database.refusal(parameters, environment, self.linter.unprivileged(), self.run_command)
            if reason:
                found.append(Failure(f"database:{parameters.database}", f"{parameters}: {reason}"))
        refused = probes.kept(found, self.request.options.ignore)
        if refused:
            listed = "\n".join(story(refused, []))
            raise XmppError(
                f"The configuration was not applied, nothing was touched. The database refuses it:\n{listed}"
            )

    def _prove_unchanged(self, prepared: _Prepared, result: Result) -> None:
        if prepared.active and prepared.baseline:
            seen = "\n".join(story(prepared.baseline, []))
            raise Unhealthy(
                "Nothing was changed: the configuration is already as wanted. But the running service does not do what "
                f"it says:\n{seen}",
                [], prepared.baseline,
            )  # fmt: skip
        if prepared.active and prepared.model is not None and self._commit_is_stale(prepared.model):
            self._commit(prepared.model)

    def _commit_is_stale(self, model: Model) -> bool:
        """Certificates are renewed between runs: what was just proved is the new set to fall back on."""
        known = {item.path: item for item in self.journal.committed.files()}
        wanted = {path for path, _kind in self._set_of(model)}
        return set(known) != wanted or any(self.journal.committed.differs(item) for item in known.values())

    def _carry_out(self, result: Result, prepared: _Prepared, pending: Mapping[str, Any] | None) -> None:
        request = self.request
        broken: list[Failure] = []
        if pending is None:
            instead = self._unproved_certificates() if self._certificates_stale(prepared.baseline) else {}
            # the files on the disk cannot serve, and the old configuration used them too: known without trying
            if instead and not prepared.tls:
                broken = [item for item in prepared.baseline if _stays(item, prepared)]
            extra = {"active": prepared.active, "modules": _modules(prepared.state)}
            files = self._set_of(prepared.model) + [(path, item.kind) for path, item in instead.items()]
            self.journal.kept.keep(files, extra, instead)
            entry: dict[str, Any] = {"path": request.path, "digest": digest(request.content), "active": prepared.active}
        else:
            entry = dict(pending)
            result.recovered = (
                f"An earlier run (started {_moment(entry)}) was interrupted while {entry.get('phase', 'working')}; "
                + ("it was finished" if entry.get("digest") == digest(request.content) else "this one replaces it")
            )
            entry["digest"] = digest(request.content)
        self.began = time.time()
        self.log.mark(log_files(prepared.model) | self._old_log_files(prepared))
        entry = self.journal.begin(entry, request.content)
        done: list[Action] = []
        try:
            if broken:
                raise _ProbesFailed(broken)
            done += prepared.files.actions
            prepared.files.apply()
            self.journal.phase(entry, "applying")
            self._apply(result.actions, done)
            self.journal.phase(entry, "probing")
            failures = self._probe(prepared, result)
            if failures:
                raise _ProbesFailed(failures)
        except (XmppError, OSError) as error:
            failures = error.failures if isinstance(error, _ProbesFailed) else [Failure("action", str(error))]
            failures += [item for item in self._logged() if item not in failures]
            raise self._undo(entry, done, failures, prepared) from error
        if prepared.model is not None:
            self._commit(prepared.model)
        self.journal.end()
        result.kept = str(self.journal.committed.directory)

    def _apply(self, actions: list[Action], done: list[Action]) -> None:
        """Do the actions one after another; done grows with each that was begun."""
        restart = [action for action in actions if action.action in ("start", "restart")]
        for action in restart:
            done.append(action)
            self.service.restart() if action.action == "restart" else self.service.start()
        rest = [action for action in actions if action not in restart]
        if rest:
            with AdminSocket(self.request.socket, self.request.timeout) as admin:
                live = Live(admin)
                for action in rest:
                    done.append(action)
                    live.apply(action)

    def _probe(self, prepared: _Prepared, result: Result) -> list[Failure]:
        """Probe the new state; [] when it is as wanted."""
        running = prepared.active or any(action.action in ("start", "restart") for action in result.actions)
        if not self.request.probe or not running or prepared.model is None:
            return []
        return self._probe_model(prepared.model)

    def _probe_model(self, model: Model) -> list[Failure]:
        failures: list[Failure] = []
        for attempt in range(3):
            if attempt:
                time.sleep(1)
            try:
                with self._connect() as admin:
                    failures = probes.probe_all(Live(admin, self.began), model, self.request.options)
            except XmppError as error:
                failures = [Failure("service", f"{error} {self.log.tail()}".strip())]
            logged = self._logged()
            if logged or not failures:
                return failures + logged
        return failures

    def _logged(self) -> list[Failure]:
        return probes.kept(probes.log_failures(self.log.errors(), probes.has_ipv6()), self.request.options.ignore)

    def _connect(self) -> AdminSocket:
        """The admin socket of a server that may just be starting; raises XmppError when the process is gone."""
        deadline = time.monotonic() + max(self.request.timeout, 5.0)
        while True:
            try:
                return AdminSocket(self.request.socket, self.request.timeout)
            except AdminUnavailable:
                state = self.service.state()
                if not state.active:
                    raise XmppError(f"Prosody does not run: the service is {state.status}.") from None
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def _set_of(self, model: Model | None) -> list[tuple[str, str]]:
        """Everything that makes up the configuration on the disk: (path, kind)."""
        request = self.request
        names = set(request.secrets or ()) | secret_names(request.secrets_dir)
        found = [(request.path, "config")]
        found += [(os.path.join(request.secrets_dir, name), "secret") for name in sorted(names)]  # noqa: PTH118
        if model is not None:
            found += [(path, "certificate") for path in certificate_files(model, request.path)]
        return found

    def _old_log_files(self, prepared: _Prepared) -> set[str]:
        return log_files(prepared.running)

    def _commit(self, model: Model) -> None:
        state = None
        if self.service.is_active():
            try:
                with AdminSocket(self.request.socket, self.request.timeout) as admin:
                    state = Live(admin).state()
            except XmppError:
                state = None
        self.journal.committed.keep(self._set_of(model), {"modules": _modules(state)}, {})

    # -- undoing ------------------------------------------------------------------------------------------------

    def _recover(self, pending: Mapping[str, Any], error: XmppError) -> Undone:
        """What is wanted now cannot even be tried; put back what an interrupted run left half done."""
        prepared = _Prepared(FilePlan([], {}, {}, []), None, bool(pending.get("active")), None, [])
        return self._undo(dict(pending), [], [Failure("check", str(error))], prepared)

    def _undo(self, entry: dict[str, Any], done: list[Action], failures: list[Failure], prepared: _Prepared) -> Undone:
        """Put the kept set back, make the server run it, prove that, and tell the story."""
        tried = "\n".join(f"- {action}" for action in done) or "- nothing: it was clear beforehand"
        seen = "\n".join(story(failures, prepared.baseline if done else []))
        head = f"The change of Prosody's configuration failed.\nTried:\n{tried}\nSeen:\n{seen}\n"
        try:
            with contextlib.suppress(OSError):  # a full disk must not keep the old files from coming back
                self.journal.phase(entry, "undoing")
                self.journal.reject(self.request.content)
            touched = self.journal.kept.restore()
            first = not any(item.kind == "config" and item.blob for item in self.journal.kept.files())
            left = self._back(bool(entry.get("active")), done, touched, prepared)
        except (XmppError, OSError) as error:
            return RollbackFailed(head + self._alarm(str(error)), done, failures)
        if left:
            return RollbackFailed(head + self._alarm("; ".join(map(str, left))), done, failures)
        self.journal.end()
        if first:
            end = "There was no configuration before: the new one was taken away again and Prosody is stopped."
        elif entry.get("active"):
            end = "The previous configuration is back and was proved to work as before."
        else:
            end = "The previous configuration is back; Prosody is stopped, as it was before."
        where = f"The refused configuration is kept in {self.journal.rejected}"
        if any(item.kind == "certificate" and item.path in touched for item in self.journal.refused.files()):
            where += (
                f", the refused certificates in {self.journal.refused.directory} (manifest.json says which is which)"
            )
        return Undone(f"{head}{end}\n{where}.", done, failures)

    def _back(self, was_active: bool, done: list[Action], touched: list[str], prepared: _Prepared) -> list[Failure]:
        """Make the server run the restored files; return what then fails that did not fail before."""
        if not was_active:
            if self.service.is_active():
                self.service.stop()
            return []
        self.began = time.time()
        self.log.mark(log_files(prepared.model) | self._old_log_files(prepared))
        if self.reader is None:
            return []
        before = {item.probe for item in prepared.baseline}
        restarted = any(action.action in ("start", "restart") for action in done) or not self.service.is_active()
        if not restarted and not done and not touched:
            return []
        model = self.reader.read(self.request.path, self.run_command)
        if not restarted:
            try:
                self._gently_back(model, prepared)
            except XmppError:
                restarted = True
        if not restarted:
            left = self._new_failures(model, before)
            if not left:
                return []
        self.service.restart()
        self.log.mark(log_files(model))
        return self._new_failures(model, before)

    def _gently_back(self, model: Model, prepared: _Prepared) -> None:
        """The least disruptive way back."""
        if self.reader is None:
            raise XmppError("Prosody is not installed")
        with AdminSocket(self.request.socket, self.request.timeout) as admin:
            live = Live(admin)
            difference = compare(live.config(), model)
            if prepared.model is not None:
                difference = merge(difference, compare(prepared.model, model))
            if not self.linter.has_read:
                self.linter.stage(self.request.path, self.request.path, [])
            actions = plan(difference, model, live.state().loaded, self._readers(difference), certificates=True)
        self._apply(actions, [])

    def _new_failures(self, model: Model, before: set[str]) -> list[Failure]:
        if not self.request.probe:
            return []
        return [item for item in self._probe_model(model) if item.probe not in before and item.probe != "log"]

    def _alarm(self, reason: str) -> str:
        kept = self.journal.kept.directory
        return (
            "\n*** PUTTING THE OLD STATE BACK FAILED TOO: THE SERVICE MAY BE DOWN. ***\n"
            f"Seen: {reason}\n"
            f"Do this: `systemctl status {self.service.name}` and `journalctl -u {self.service.name}` say why.\n"
            f"The files as they were before lie in {kept} (manifest.json says which number is which file). "
            "The next run with a working configuration tries again and finishes."
        )


class _ProbesFailed(XmppError):
    def __init__(self, failures: list[Failure]) -> None:
        super().__init__("; ".join(map(str, failures)))
        self.failures = failures


@dataclass
class _Prepared:
    files: FilePlan
    model: Model | None
    active: bool
    state: State | None
    baseline: list[Failure]
    running: Model | None = None
    tls: bool = False


def _stays(failure: Failure, prepared: _Prepared) -> bool:
    """Is it about a certificate of a host that the wanted configuration has, too? One that goes needs none."""
    if not failure.probe.startswith("certificate:"):
        return False
    had = prepared.running.enabled() if prepared.running else []
    wanted = prepared.model.enabled() if prepared.model else []
    return failure.probe.rpartition(":")[2] not in {readable(host) for host in had if host not in wanted}


def _unable(error: OSError) -> XmppError:
    return XmppError(
        f"A change of Prosody's configuration could not be begun or finished: {error}. It is done as root, and needs "
        "room on the disk. If it was under way, the next run finishes it or takes it back."
    )


def _moment(entry: Mapping[str, Any]) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(entry.get("started", 0)))


def story(failures: Iterable[Failure], baseline: Iterable[Failure]) -> list[str]:
    """One line for each thing seen, with all the probes that saw it; says what was so before the change."""
    before = {item.probe for item in baseline}
    seen: dict[str, list[str]] = {}
    for item in failures:
        seen.setdefault(item.seen, []).append(f"{item.probe}{' (failed before, too)' if item.probe in before else ''}")
    lines = [f"- {', '.join(names)}: {text}" for text, names in seen.items()]
    logged = [line for line in lines if line.startswith("- log")]
    if len(logged) > _LOG_LINES:
        lines = [line for line in lines if line not in logged[_LOG_LINES:]]
        lines.append(f"- log: {len(logged) - _LOG_LINES} more errors")
    return lines


def _modules(state: State | None) -> dict[str, list[str]]:
    if state is None:
        return {}
    return {host: sorted(modules) for host, modules in state.loaded.modules.items()}
