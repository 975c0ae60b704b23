# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole transaction against a made-up server: every way it can end, and every point at which it can be killed."""

from __future__ import annotations

import datetime
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.host.service import ServiceState
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.admin_socket import AdminUnavailable
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.listening import Listening
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction import probes
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction import run as module
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.files import FilePlan
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.journal import FileSet, Journal
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.live import ActionFailed, State
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.model import Model, from_json
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.planner import Action, Loaded
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.probes import Failure, Options
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.run import (
    Request,
    RollbackFailed,
    Transaction,
    Undone,
    Unhealthy,
)

GOOD = {"limit": 1, "modules_enabled": ["tls", "limits"]}


def text(**options: Any) -> bytes:
    """A configuration of the made-up server: JSON of its global options."""
    return json.dumps({**GOOD, **options}).encode()


def read(data: str) -> Model:
    try:
        options = json.loads(data)
        return from_json({"hosts": {"*": options, "x": {}, **{name: {} for name in options.pop("and", [])}}})
    except ValueError:
        raise XmppError("the configuration cannot be parsed") from None


class Server:
    """A Prosody of a few lines. `poison`: option → what fails when it is in force."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.running: Model | None = None
        self.effective: dict[str, Any] = {}
        self.done: list[str] = []
        self.reachable = True
        self.poison: dict[str, str] = {}
        self.stubborn = False
        self.starts = True

    def start(self) -> None:
        self.done.append("start")
        if not self.starts:
            raise XmppError("systemctl start failed")
        self.running = read(self.path.read_text())
        self.effective = dict(self.running.hosts["*"])

    def stop(self) -> None:
        self.done.append("stop")
        self.running = None

    def restart(self) -> None:
        self.done.append("restart")
        self.running = read(self.path.read_text())
        self.effective = dict(self.running.hosts["*"])

    def is_active(self) -> bool:
        return self.running is not None

    def state(self) -> ServiceState:
        return ServiceState(self.is_active(), True, "active" if self.is_active() else "failed", 0)

    def environment(self) -> str:
        return ""

    @property
    def name(self) -> str:
        return "prosody"

    def apply(self, action: Action) -> None:
        self.done.append(f"{action.action} {action.target}".strip())
        if action.action == "config:reload":
            self.running = read(self.path.read_text())
        elif action.action == "module:reload":
            assert self.running
            self.effective = dict(self.running.hosts["*"])
            if self.effective.get("raises"):
                raise ActionFailed("the reactor is too hot")

    def failures(self) -> list[Failure]:
        assert self.running
        found = [Failure(f"tls:{name}", seen) for name, seen in self.poison.items() if name in self.effective]
        return found + ([Failure("tls:stubborn", "never works again")] if self.stubborn else [])


class Live:
    """Stands for the connection to the made-up server."""

    def __init__(self, server: Server, since: float | None = None) -> None:
        self.server = server
        self.since = since
        self.apply = server.apply

    def state(self) -> State:
        modules = {"*": {"limits": ()}, "x": dict.fromkeys(self.config().modules("x"), ())}
        return State(Loaded(modules, {"x": None}), Listening(), (), str(self.server.path), "13.0.1")

    def config(self) -> Model:
        assert self.server.running
        return self.server.running


class Admin:
    def __init__(self, server: Server) -> None:
        if not server.running or not server.reachable:
            raise AdminUnavailable("no socket", "missing")
        self.server = server

    def __enter__(self) -> Server:
        return self.server

    def __exit__(self, *_exception: object) -> None:
        pass


class Installation:
    def read(self, path: str, _run_command: object) -> Model:
        return read(Path(path).read_text())


class Linter:
    has_read = True

    def __init__(self) -> None:
        self.refuses = ""

    def stage(self, path: str, _as_path: str, _pending: list[str]) -> None:
        self.text = Path(path).read_text()

    def check(self) -> list[str]:
        if self.refuses and self.refuses in self.text:
            raise XmppError(f"{self.refuses} is read by nothing")
        return ["remark"]

    def readers(self) -> Any:
        return lambda option: {"gc": {""}}.get(option, {"limits"})

    @staticmethod
    def unprivileged() -> list[str]:
        return []


class Bench:
    """Everything a transaction needs, in a directory."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "etc" / "prosody.cfg.lua"
        self.believed: list[float | None] = []
        self.path.parent.mkdir()
        self.certificate = directory / "etc" / "certs" / "x.crt"
        self.certificate.parent.mkdir()
        self.certificate.write_text("proved")
        self.secrets = directory / "etc" / "secrets"
        self.state = directory / "state"
        self.server = Server(self.path)
        self.linter = Linter()
        self.reader: Any = Installation()

    def run_command(self, command: list[str], **_more: object) -> tuple[int, str, str]:
        if command[0] == "prosodyctl":
            return 0, "All checks passed, congratulations!", ""
        return 1, "", ""

    def transaction(self, content: bytes, *, start: bool = True, journal: Journal | None = None) -> Transaction:
        request = Request(
            path=str(self.path),
            content=content,
            secrets={"db": content[-8:]},
            secrets_dir=str(self.secrets),
            uid=os.geteuid(),
            gid=os.getegid(),
            mode=0o640,
            start=start,
            probe=True,
            options=Options(),
            socket="socket",
            timeout=1.0,
            prosodyctl=("prosodyctl",),
        )
        return Transaction(
            request,
            self.reader,
            self.server,  # type: ignore[arg-type]
            journal or Journal(str(self.state)),
            self.run_command,
            self.linter,  # type: ignore[arg-type]
        )

    def files(self) -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in sorted(self.path.parent.rglob("*")) if path.is_file()}

    def at_rest(self) -> bool:
        """No transaction is under way."""
        return Journal(str(self.state)).pending() is None and not (self.state / "kept").exists()


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    monkeypatch.setattr(module, "AdminSocket", lambda _path, _timeout: Admin(bench.server))
    monkeypatch.setattr(module, "Live", Live)

    def probe_all(live: Live, model: Model, _options: Options) -> list[Failure]:
        bench.believed.append(live.since)
        return probes.config_failures(live.config(), model) + live.server.failures()

    monkeypatch.setattr(module.probes, "probe_all", probe_all)
    monkeypatch.setattr(module.time, "sleep", lambda _seconds: None)
    yield bench
    assert not list(tmp_path.rglob("*.xmpp-new"))


@pytest.fixture
def running(bench: Bench) -> Bench:
    """A server that runs a configuration this module has applied."""
    bench.transaction(text()).run()
    assert bench.server.done == ["start"]
    bench.server.done.clear()
    return bench


def shown(actions: list[Action]) -> list[str]:
    return [f"{action.action} {Path(action.target).name}".strip() for action in actions]


def test_a_change_is_applied_and_the_second_run_changes_nothing(running: Bench) -> None:
    result = running.transaction(text(limit=2)).run()
    assert result.changed
    assert shown(result.files) == ["write db", "write prosody.cfg.lua"] or shown(result.files) == [
        "write prosody.cfg.lua"
    ]
    assert running.server.done == ["config:reload", "module:reload limits"]
    assert running.server.effective["limit"] == 2
    assert running.at_rest()
    again = running.transaction(text(limit=2)).run()
    assert not again.changed
    assert running.server.done == ["config:reload", "module:reload limits"]


def test_what_modules_remember_from_before_the_change_is_not_believed(running: Bench) -> None:
    running.believed.clear()
    started = time.time()
    running.transaction(text(limit=2)).run()
    before, *after = running.believed
    assert before is None
    assert after
    assert all(since is not None and since >= started for since in after)
    running.believed.clear()
    running.transaction(text(limit=2)).run()
    assert running.believed == [None]


def test_check_mode_predicts_exactly_what_is_done_and_touches_nothing(running: Bench) -> None:
    files, state = running.files(), sorted(map(str, running.state.rglob("*")))
    predicted = running.transaction(text(gc=1)).predict()
    assert shown(predicted.actions) == ["restart"]
    assert running.files() == files
    assert sorted(map(str, running.state.rglob("*"))) == state
    assert running.server.done == []
    done = running.transaction(text(gc=1)).run()
    assert (done.files, done.actions) == (predicted.files, predicted.actions)


def test_before_prosody_is_installed_check_mode_predicts_write_and_start(bench: Bench) -> None:
    bench.reader = None
    result = bench.transaction(text()).predict()
    assert shown([*result.files, *result.actions]) == ["write db", "write prosody.cfg.lua", "start"]
    assert "not installed" in result.remarks[0]
    assert not bench.path.exists()
    assert not bench.state.exists()


@pytest.mark.parametrize("fault", ["raises", "poison", "gc"])
def test_what_fails_is_undone(running: Bench, fault: str) -> None:
    files = running.files()
    effective = dict(running.server.effective)
    if fault != "raises":
        running.server.poison = {fault: "the handshake is refused"}
    with pytest.raises(Undone) as caught:
        running.transaction(text(**{fault: 1})).run()
    assert not isinstance(caught.value, RollbackFailed)
    message = str(caught.value)
    assert "the handshake is refused" in message or "the reactor is too hot" in message
    assert "previous configuration is back" in message
    assert "rejected.cfg.lua" in message
    assert running.files() == files
    assert running.server.effective == effective
    assert running.at_rest()
    assert (running.state / "rejected.cfg.lua").read_bytes() == text(**{fault: 1})
    assert not running.transaction(text()).run().changed


def test_a_reload_is_undone_without_a_restart(running: Bench) -> None:
    running.server.poison = {"poison": "x"}
    with pytest.raises(Undone):
        running.transaction(text(poison=1)).run()
    assert "restart" not in running.server.done


def test_what_the_linter_refuses_touches_nothing(running: Bench) -> None:
    files = running.files()
    running.linter.refuses = "florble"
    with pytest.raises(XmppError, match="florble is read by nothing") as caught:
        running.transaction(text(florble=1)).run()
    assert not isinstance(caught.value, Undone)
    assert running.files() == files
    assert running.server.done == []
    assert running.at_rest()


def test_a_failed_first_start_leaves_a_stopped_server_and_no_configuration(bench: Bench) -> None:
    bench.server.poison = {"poison": "x"}
    with pytest.raises(Undone, match="no configuration before"):
        bench.transaction(text(poison=1)).run()
    assert not bench.path.exists()
    assert not (bench.secrets / "db").exists()
    assert not bench.server.is_active()
    assert (bench.state / "rejected.cfg.lua").read_bytes() == text(poison=1)


def test_a_server_that_does_not_start_is_left_as_it_was(bench: Bench) -> None:
    bench.path.write_bytes(text(limit=7))
    bench.server.starts = False
    with pytest.raises(Undone, match="systemctl start failed"):
        bench.transaction(text()).run()
    assert bench.path.read_bytes() == text(limit=7)


def test_a_stopped_server_can_stay_stopped(bench: Bench) -> None:
    result = bench.transaction(text(), start=False).run()
    assert shown(result.actions) == []
    assert bench.path.read_bytes() == text()
    assert not bench.server.is_active()


def test_a_rollback_that_fails_is_loud_and_says_what_to_do(running: Bench) -> None:
    running.server.poison = {"poison": "x"}
    apply = running.server.apply

    def breaks(action: Action) -> None:
        apply(action)
        running.server.stubborn = True

    running.server.apply = breaks  # type: ignore[method-assign]
    with pytest.raises(RollbackFailed) as caught:
        running.transaction(text(poison=1)).run()
    message = str(caught.value)
    assert "MAY BE DOWN" in message
    assert "never works again" in message
    assert str(running.state / "kept") in message
    assert "restart" in running.server.done, "a restart is the last resort before giving up"
    running.server.stubborn = False
    running.server.poison = {}
    running.server.apply = apply  # type: ignore[method-assign]
    assert "interrupted" in running.transaction(text()).run().recovered
    assert running.at_rest()


def test_a_sick_server_is_told_even_when_nothing_is_to_be_changed(running: Bench) -> None:
    running.server.poison = {"limit": "x"}
    with pytest.raises(Unhealthy, match="Nothing was changed"):
        running.transaction(text()).run()


def test_what_failed_before_is_no_reason_for_a_loud_alarm(running: Bench) -> None:
    """The old state was sick, the new one too: back to the old one, which is as good as it was."""
    running.server.poison = {"limit": "sick before"}
    with pytest.raises(Undone, match="failed before, too") as caught:
        running.transaction(text(other=1)).run()
    assert not isinstance(caught.value, RollbackFailed)


def test_without_the_admin_socket_the_server_is_restarted(running: Bench) -> None:
    running.server.reachable = False
    planned = running.transaction(text(limit=2)).predict()
    assert shown(planned.actions) == ["restart"]
    assert not running.transaction(text()).predict().changed


def test_the_running_server_must_read_the_file(running: Bench) -> None:
    running.server.path = running.path.with_name("other.cfg.lua")
    with pytest.raises(XmppError, match=r"reads .*other\.cfg\.lua"):
        running.transaction(text()).run()


def test_a_broken_certificate_on_the_disk_is_put_back_to_the_last_proved(running: Bench) -> None:
    """Somebody overwrote the certificate; the next run notices, tries, and puts the proved one back."""
    running.certificate.write_text("broken")
    running.server.poison = {"limit": "the key does not match"}
    real = running.server.failures

    def failures() -> list[Failure]:
        return [] if running.certificate.read_text() == "proved" else real()

    running.server.failures = failures  # type: ignore[method-assign]
    with pytest.raises(Undone, match="the key does not match"):
        running.transaction(text()).run()
    assert running.certificate.read_text() == "proved"
    assert not running.transaction(text()).run().changed


def test_without_prosody_nothing_is_written_that_was_to_be_started(bench: Bench) -> None:
    bench.reader = None
    with pytest.raises(XmppError, match="not installed"):
        bench.transaction(text()).run()
    assert not bench.path.exists()
    bench.transaction(text(), start=False).run()
    assert bench.path.read_bytes() == text()


@pytest.mark.parametrize("gone", [False, True])
def test_a_certificate_that_cannot_serve_is_put_back_without_trying_it(running: Bench, gone: bool) -> None:
    """The server still serves the old one from memory: telling it of the broken one would end that."""
    if gone:
        running.certificate.unlink()
    else:
        running.certificate.write_text("broken")

    def failures() -> list[Failure]:
        if running.certificate.exists() and running.certificate.read_text() == "proved":
            return []
        return [Failure("certificate:c2s:x", "the key does not match")]

    running.server.failures = failures  # type: ignore[method-assign]
    applied = running.server.apply

    def apply(action: Action) -> None:
        assert running.certificate.read_text() == "proved"
        applied(action)

    running.server.apply = apply  # type: ignore[method-assign]
    with pytest.raises(Undone, match="the key does not match") as caught:
        running.transaction(text(limit=2)).run()
    assert not isinstance(caught.value, RollbackFailed)
    assert "Tried:\n- nothing" in str(caught.value)
    assert str(running.state / "refused") in str(caught.value)
    refused = Journal(str(running.state)).refused
    assert gone or b"broken" in [refused.content(item) for item in refused.files()]
    assert running.certificate.read_text() == "proved"
    assert running.path.read_bytes() == text()
    assert not running.transaction(text()).run().changed


@pytest.mark.parametrize("goes", [True, False])
def test_a_certificate_without_the_name_of_a_host_that_goes_is_no_fault(bench: Bench, goes: bool) -> None:
    """The name goes with its host in one change: what the old configuration wanted of the certificate is past."""
    bench.transaction(text(**{"and": ["y"]})).run()
    bench.certificate.write_text("without y")

    def failures() -> list[Failure]:
        assert bench.server.running
        served = bench.certificate.read_text() == "proved" or "y" not in bench.server.running.hosts
        return [] if served else [Failure("certificate:c2s:y", "does not cover the name y")]

    bench.server.failures = failures  # type: ignore[method-assign]
    if goes:
        assert bench.transaction(text()).run().changed
        assert bench.certificate.read_text() == "without y"
        assert not bench.transaction(text()).run().changed
    else:
        with pytest.raises(Undone, match="does not cover the name y"):
            bench.transaction(text(limit=2, **{"and": ["y"]})).run()


def test_a_renewed_certificate_that_works_becomes_the_set_to_fall_back_on(running: Bench) -> None:
    running.certificate.write_text("renewed")
    assert not running.transaction(text()).run().changed
    committed = Journal(str(running.state)).committed
    assert b"renewed" in [committed.content(item) for item in committed.files()]


def test_a_full_disk_before_the_swap_touches_nothing(running: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    files = running.files()

    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(FileSet, "keep", full)
    with pytest.raises(XmppError, match="No space left on device"):
        running.transaction(text(limit=2)).run()
    assert running.files() == files
    assert running.server.done == []


def test_a_full_disk_during_the_swap_is_undone(running: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    files = running.files()

    def full(_plan: object) -> None:
        running.path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(FilePlan, "apply", full)
    with pytest.raises(Undone, match="No space left on device"):
        running.transaction(text(limit=2)).run()
    assert running.files() == files
    assert running.at_rest()


class Killed(BaseException):
    """Stands for SIGKILL: nothing catches it, nothing is cleaned up."""


class Doomed(Journal):
    def __init__(self, directory: str, last: str) -> None:
        super().__init__(directory)
        self.last = last

    def phase(self, entry: Any, phase: str) -> None:
        super().phase(entry, phase)
        if phase == self.last:
            self.unlock()
            raise Killed


def kill(bench: Bench, content: bytes, phase: str) -> None:
    with pytest.raises(Killed):
        bench.transaction(content, journal=Doomed(str(bench.state), phase)).run()
    assert not bench.at_rest()


PHASES = ["swapping", "applying", "probing"]


@pytest.mark.parametrize("phase", PHASES)
def test_a_killed_run_is_finished_by_the_next_with_the_same_wish(running: Bench, phase: str) -> None:
    kill(running, text(limit=2), phase)
    result = running.transaction(text(limit=2)).run()
    assert f"interrupted while {phase}; it was finished" in result.recovered
    assert f"started {datetime.datetime.now(datetime.timezone.utc):%Y}" in result.recovered
    assert running.server.effective["limit"] == 2
    assert running.path.read_bytes() == text(limit=2)
    assert running.at_rest()
    assert not running.transaction(text(limit=2)).run().changed


@pytest.mark.parametrize("phase", PHASES)
def test_a_killed_run_is_undone_by_the_next_with_the_old_wish(running: Bench, phase: str) -> None:
    kill(running, text(limit=2), phase)
    result = running.transaction(text()).run()
    assert "this one replaces it" in result.recovered
    assert running.server.effective["limit"] == 1
    assert running.at_rest()


@pytest.mark.parametrize("phase", PHASES)
def test_a_killed_run_is_undone_when_the_next_cannot_be_tried(running: Bench, phase: str) -> None:
    files = running.files()
    kill(running, text(limit=2), phase)
    running.linter.refuses = "florble"
    with pytest.raises(Undone, match="florble"):
        running.transaction(text(florble=1)).run()
    assert running.files() == files
    assert running.server.effective["limit"] == 1
    assert running.at_rest()


@pytest.mark.parametrize("phase", PHASES)
def test_a_killed_run_with_a_fault_goes_back_to_the_state_before_it(running: Bench, phase: str) -> None:
    files = running.files()
    running.server.poison = {"poison": "x"}
    kill(running, text(poison=1), phase)
    with pytest.raises(Undone):
        running.transaction(text(poison=1)).run()
    assert running.files() == files
    assert "poison" not in running.server.effective
    assert running.at_rest()


def test_killed_while_undoing(running: Bench) -> None:
    files = running.files()
    running.server.poison = {"poison": "x"}
    kill(running, text(poison=1), "undoing")
    result = running.transaction(text()).run()
    assert "interrupted while undoing" in result.recovered
    assert running.files() == files
    assert "poison" not in running.server.effective


def test_check_mode_after_a_kill_predicts_and_touches_nothing(running: Bench) -> None:
    kill(running, text(limit=2), "applying")
    files, state = running.files(), sorted(map(str, running.state.rglob("*")))
    assert running.transaction(text(limit=2)).predict().changed
    assert (running.files(), sorted(map(str, running.state.rglob("*")))) == (files, state)


def test_a_real_kill_between_swap_and_reload(running: Bench) -> None:
    """The same with SIGKILL to a real process, so that not even interpreter shutdown can help."""
    child = os.fork()
    if child == 0:

        class Dead(Journal):
            def phase(self, entry: Any, phase: str) -> None:
                super().phase(entry, phase)
                if phase == "applying":
                    os.kill(os.getpid(), signal.SIGKILL)

        running.transaction(text(limit=2), journal=Dead(str(running.state))).run()
        os._exit(1)
    _pid, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    assert running.path.read_bytes() == text(limit=2)
    assert running.server.effective["limit"] == 1
    assert running.transaction(text(limit=2)).run().recovered
    assert running.server.effective["limit"] == 2
    assert running.at_rest()
