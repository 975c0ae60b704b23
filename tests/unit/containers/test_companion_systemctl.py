# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers as units of systemd, as a companion shows them: with answers of a Docker engine 20.10 (API 1.41)."""

from __future__ import annotations

import json
import socketserver
import threading
import time
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.tests.unit import image_programs as programs

program = programs.load("systemctl")


def container(status: str = "running", exit_code: int = 0, **more: Any) -> dict[str, Any]:
    """What the engine tells of a container, as far as it is read."""
    again = status == "restarting"
    return {
        "State": {"Status": status, "Running": status == "running" or again,
                  "Restarting": again, "ExitCode": exit_code},
        "HostConfig": {"RestartPolicy": {"Name": more.get("policy", "unless-stopped")}},
        "Config": {"Env": ["LANG=C.UTF-8"], "Labels": more.get("labels", {}),
                   "Healthcheck": {"Test": ["CMD", "/bin/true"]}},
    }  # fmt: skip


def frame(text: str, kind: int = 1) -> bytes:
    """Output as the engine frames it."""
    return bytes([kind, 0, 0, 0]) + len(text.encode()).to_bytes(4, "big") + text.encode()


class EngineAtSocket:
    """An engine that answers from what the test gives, at a real socket."""

    def __init__(self, path: Path) -> None:
        self.containers: dict[str, dict[str, Any]] = {}
        self.units = Path("/nowhere")
        self.logs, self.exit_code, self.told = b"", 0, list[tuple[str, str]]()
        engine = self

        class Handler(BaseHTTPRequestHandler):
            def address_string(self) -> str:
                return "companion"

            def log_message(self, *_: Any) -> None:
                pass

            def answer(self, status: int, body: bytes = b"") -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if body:  # who asked may have gone
                    self.wfile.write(body)

            def do_GET(self) -> None:
                parts = self.path.split("/")
                if parts[1] == "exec":
                    self.answer(200, json.dumps({"ExitCode": engine.exit_code}).encode())
                elif parts[2] not in engine.containers:
                    self.answer(404, b'{"message":"No such container"}')
                elif parts[3].startswith("logs"):
                    engine.told.append(("GET", parts[3]))
                    self.answer(200, engine.logs)
                else:
                    self.answer(200, json.dumps(engine.containers[parts[2]]).encode())

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                parts = self.path.split("/")
                if parts[1] == "exec":
                    self.answer(200, frame("said by the check"))
                    return
                engine.told.append((parts[2], parts[3]))
                if parts[3] == "exec":
                    self.answer(201, b'{"Id":"1"}')
                    return
                if parts[3] in ("start", "restart"):
                    engine.containers[parts[2]] = {**engine.containers[parts[2]], "State": container()["State"]}
                self.answer(200 if parts[3] == "update" else 204)

        self.server = socketserver.ThreadingUnixStreamServer(str(path), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[EngineAtSocket]:
    made = EngineAtSocket(tmp_path / "engine.sock")
    made.units = tmp_path / "units"
    made.units.mkdir()
    yield made
    made.server.shutdown()
    made.server.server_close()


def says(engine: EngineAtSocket, *words: str) -> tuple[int, str]:
    one = program.Engine(engine.server.server_address)
    kept = program.Kept(program.in_keeper(one, "xmpp-chat"), engine.units)
    result: tuple[int, str] = program.systemctl(words, program.Containers(one, "xmpp-chat"), kept)
    return result


@pytest.mark.parametrize(
    ("status", "exit_code", "active"),
    [
        ("running", 0, "active"),
        ("exited", 0, "inactive"),
        ("exited", 1, "failed"),
        ("restarting", 1, "activating"),
        ("created", 0, "inactive"),
    ],
)
def test_a_container_is_shown_as_a_unit(engine: EngineAtSocket, status: str, exit_code: int, active: str) -> None:
    engine.containers["xmpp-chat-prosody"] = container(status, exit_code)
    code, text = says(engine, "show", "--property=ActiveState,LoadState,UnitFileState", "prosody.service")
    assert (code, text) == (0, f"ActiveState={active}\nLoadState=loaded\nUnitFileState=enabled")


def test_what_runs_and_fails_its_health_check_says_so(engine: EngineAtSocket) -> None:
    seen = container()
    seen["State"]["Health"] = {"Status": "unhealthy"}
    engine.containers["xmpp-chat-prosody"] = seen
    assert (
        says(engine, "show", "--property=ActiveState,SubState", "prosody")[1]
        == "ActiveState=active\nSubState=unhealthy"
    )
    seen["State"]["Health"]["Status"] = "healthy"
    assert says(engine, "show", "--property=SubState", "prosody")[1] == "SubState=running"
    # between two starts it runs, for the engine
    again = container("restarting", 1)
    again["State"]["Health"] = {"Status": "unhealthy"}
    engine.containers["xmpp-chat-prosody"] = again
    assert says(engine, "show", "--property=SubState", "prosody")[1] == "SubState=restarting"


def test_a_pattern_for_instances_is_the_container_of_their_name(engine: EngineAtSocket) -> None:
    engine.containers["xmpp-chat-postgresql"] = container()
    assert "Id=postgresql.service" in says(engine, "show", "--property=Id", "postgresql@*")[1]
    assert says(engine, "show", "--property=Id", "xmpp-*.timer")[1] == ""


def test_what_is_no_container_is_not_found(engine: EngineAtSocket) -> None:
    # there is no keeper either
    engine.exit_code = 1
    _code, text = says(engine, "show", "xmpp-probe.timer")
    assert "LoadState=not-found" in text
    with pytest.raises(program.EngineError, match="Unit nginx not found"):
        says(engine, "start", "nginx")


def test_an_instance_of_a_unit_is_the_container_of_its_name(engine: EngineAtSocket) -> None:
    engine.containers["xmpp-chat-postgresql"] = container()
    assert says(engine, "is-active", "postgresql@17-main") == (0, "active")


@pytest.mark.parametrize(
    ("labels", "word"), [({}, "kill?signal=HUP"), ({"org.allthingslinux.xmpp.reload": "USR2"}, "kill?signal=USR2")]
)
def test_a_reload_is_a_signal(engine: EngineAtSocket, labels: dict[str, str], word: str) -> None:
    engine.containers["xmpp-chat-coturn"] = container(labels=labels)
    assert says(engine, "reload", "coturn") == (0, "")
    assert engine.told == [("xmpp-chat-coturn", word)]


def test_a_start_waits_for_the_health_check_where_the_label_says_so(engine: EngineAtSocket) -> None:
    engine.containers["xmpp-chat-postgresql"] = container("exited", labels={"org.allthingslinux.xmpp.wait": "healthy"})
    assert says(engine, "start", "postgresql@17-main") == (0, "")
    assert [word for _name, word in engine.told] == ["start", "exec"]


def test_what_does_not_come_up_is_told_with_its_last_words(engine: EngineAtSocket) -> None:
    engine.containers["xmpp-chat-prosody"] = container("restarting", 1)
    engine.logs = frame("no such file", 2)
    with pytest.raises(program.EngineError, match=r"(?s)did not come up.*no such file"):
        program._has_come_up(program.Engine(engine.server.server_address), "xmpp-chat-prosody", 0.0)


def test_a_database_that_ends_again_and_again_is_not_waited_for(engine: EngineAtSocket) -> None:
    waits = container("restarting", 1, labels={program.WAIT: "healthy"})
    engine.containers["xmpp-chat-postgresql"] = {**waits, "RestartCount": 3}
    engine.logs = frame("FATAL:  recovery ended before the target", 2)
    with pytest.raises(program.EngineError, match=r"(?s)ends again and again.*recovery ended"):
        program._has_come_up(program.Engine(engine.server.server_address), "xmpp-chat-postgresql", time.monotonic() + 5)


def test_disabling_keeps_the_engine_from_starting_it(engine: EngineAtSocket) -> None:
    engine.containers["xmpp-chat-prosody"] = container(policy="no")
    assert says(engine, "is-enabled", "prosody") == (1, "disabled")
    assert says(engine, "enable", "prosody") == (0, "")
    assert engine.told == [("xmpp-chat-prosody", "update")]


def test_the_journal_is_what_the_container_said(engine: EngineAtSocket) -> None:
    engine.containers["xmpp-chat-prosody"] = container()
    engine.logs = frame("general\tinfo\tHello\n") + frame("mod_x\terror\tNo\n", 2)
    one = program.Engine(engine.server.server_address)
    words = ["--unit", "prosody", "--since=@12.500", "--output=json", "--no-pager"]
    code, text = program.journalctl(words, one, "xmpp-chat")
    assert code == 0
    assert [json.loads(line)["MESSAGE"] for line in text.splitlines()] == ["general\tinfo\tHello", "mod_x\terror\tNo"]
    assert engine.told == [("GET", "logs?stdout=1&stderr=1&tail=all&since=12.500")]


def test_an_engine_that_is_not_there_is_told(tmp_path: Path) -> None:
    services = program.Containers(program.Engine(str(tmp_path / "none")), "xmpp")
    kept = program.Kept(lambda _: (1, ""), tmp_path)
    with pytest.raises(program.EngineError, match="cannot be asked"):
        program.systemctl(["show", "prosody"], services, kept)


def test_words_that_nobody_knows_are_refused(engine: EngineAtSocket) -> None:
    with pytest.raises(program.EngineError, match="mask is none of the words"):
        says(engine, "mask", "prosody")


class KeeperThatAnswers:
    """What a keeper would say; asked: the words that it was asked."""

    def __init__(self, code: int = 0, text: str = "") -> None:
        self.code, self.text, self.asked = code, text, list[list[str]]()

    def __call__(self, words: Sequence[str]) -> tuple[int, str]:
        self.asked.append(list(words))
        return self.code, self.text


def test_timers_and_what_has_a_unit_file_are_the_keepers(engine: EngineAtSocket) -> None:
    engine.containers["xmpp-chat-prosody"] = container()
    (engine.units / "xmpp-backup.service").touch()
    keeper = KeeperThatAnswers(text='{"Id": "x", "ActiveState": "active", "UnitFileState": "enabled"}')
    kept = program.Kept(keeper, engine.units)
    services = program.Containers(program.Engine(engine.server.server_address), "xmpp-chat")
    code, text = program.systemctl(["show", "--property=Id", "a.timer", "prosody", "xmpp-backup"], services, kept)
    assert (code, text) == (0, "Id=x\n\nId=prosody.service\n\nId=x")
    assert program.systemctl(["is-active", "a.timer", "prosody"], services, kept) == (0, "active\nactive")
    keeper.asked.clear()
    keeper.text = ""
    assert program.systemctl(["start", "--no-block", "xmpp-backup"], services, kept) == (0, "")
    assert keeper.asked == [["start", "--no-block", "xmpp-backup.service"]]
    assert engine.told == []


def test_what_the_keeper_could_not_do_is_an_error(tmp_path: Path) -> None:
    kept = program.Kept(KeeperThatAnswers(1, "Job for a.service failed"), tmp_path)
    (tmp_path / "a.service").touch()
    nobody = program.Seen(program.processes.Processes({}))
    with pytest.raises(program.EngineError, match=r"Job for a\.service failed"):
        program.systemctl(["start", "a"], nobody, kept)
    # a file, and no keeper yet that could say more
    _code, text = program.systemctl(["show", "--property=LoadState,ActiveState", "a"], nobody, kept)
    assert text == "LoadState=loaded\nActiveState=inactive"


def test_in_the_keeper_a_service_is_only_read_anew(tmp_path: Path) -> None:
    kept = program.Kept(KeeperThatAnswers(), tmp_path)
    nobody = program.Seen(program.processes.Processes({"prosody": {"user": 4_000_000}}))
    with pytest.raises(program.EngineError, match="only the Docker engine can do that"):
        program.systemctl(["restart", "prosody"], nobody, kept)
    with pytest.raises(program.EngineError, match="prosody does not run"):
        program.systemctl(["reload", "prosody"], nobody, kept)


def test_the_journal_of_what_the_keeper_runs_is_its_own_lines(
    engine: EngineAtSocket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "UNITS", engine.units)
    (engine.units / "a.service").touch()
    engine.containers["xmpp-chat-keeper"] = container()
    engine.logs = frame("a.service: one\nb.service: other\na.service: two\na.service: three\n")
    one = program.Engine(engine.server.server_address)
    assert program.journalctl(["-u", "a", "-n", "2"], one, "xmpp-chat") == (0, "two\nthree")
    assert engine.told == [("GET", "logs?stdout=1&stderr=1&tail=all")]
