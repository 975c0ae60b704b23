# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""systemctl and journalctl of a companion: containers of the Docker engine, shown as units of systemd.

Unit prosody (or prosody@anything) is the container $XMPP_CONTAINERS-prosody. So whatever manages a unit on a host, the
modules of the collection and those of Ansible, manages a container in the same words. Only what these say is known;
the rest is refused. Standard library only. Talks to the engine through its socket (Docker Engine API 1.41).
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

SOCKET = "/var/run/docker.sock"
TIMEOUT = 120.0
#: of a container: which signal has it read its files again, and whether a start is over when its health check succeeds
RELOAD, WAIT = "org.allthingslinux.xmpp.reload", "org.allthingslinux.xmpp.wait"
QUIET = ("daemon-reload", "reset-failed", "is-system-running")


class EngineError(Exception):
    """The engine does not answer, or refuses."""


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=TIMEOUT)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(TIMEOUT)
        self.sock.connect(self._path)


class Engine:
    """The Docker engine at a socket."""

    def __init__(self, path: str = SOCKET) -> None:
        self._path = path

    def ask(self, method: str, words: str, given: object = None) -> tuple[int, bytes]:
        """Out: the status and the body of the answer; raises EngineError where there is none."""
        connection = _Connection(self._path)
        try:
            body = None if given is None else json.dumps(given)
            connection.request(method, words, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise EngineError(f"the Docker engine cannot be asked at {self._path}: {error}") from None
        finally:
            connection.close()

    def seen(self, container: str) -> dict[str, Any]:
        """Out: what the engine knows of a container; nothing where there is none of that name."""
        status, body = self.ask("GET", f"/containers/{container}/json")
        if status == 404:
            return {}
        if status != 200:
            raise EngineError(f"the Docker engine says of {container}: {said(body)}")
        found: dict[str, Any] = json.loads(body)
        return found

    def tell(self, container: str, words: str, given: object = None) -> None:
        """Have it do something; raises EngineError with the engine's words."""
        status, body = self.ask("POST", f"/containers/{container}/{words}", given)
        if status not in (200, 204, 304):
            raise EngineError(f"the Docker engine refuses {words} for {container}: {said(body)}")

    def log(self, container: str, since: str, lines: str) -> str:
        """Out: what the container wrote since a moment (seconds since 1970, or ""): the last lines, or "all"."""
        query = f"stdout=1&stderr=1&tail={lines}" + (f"&since={since}" if since else "")
        status, body = self.ask("GET", f"/containers/{container}/logs?{query}")
        return unframed(body).decode("utf-8", "replace") if status == 200 else ""

    def run(self, container: str, argv: Sequence[str]) -> tuple[int, str]:
        """Run a command in the container. Out: its exit status, and what it said."""
        given = {"Cmd": list(argv), "AttachStdout": True, "AttachStderr": True}
        status, body = self.ask("POST", f"/containers/{container}/exec", given)
        if status != 201:
            return 1, said(body)
        number = json.loads(body)["Id"]
        _status, output = self.ask("POST", f"/exec/{number}/start", {"Detach": False, "Tty": False})
        _status, about = self.ask("GET", f"/exec/{number}/json")
        return int(json.loads(about).get("ExitCode") or 0), unframed(output).decode("utf-8", "replace").strip()


def said(body: bytes) -> str:
    """In: the engine's answer to what it refuses. Out: its message."""
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body.decode("utf-8", "replace")[:300].strip() or "nothing"


def unframed(body: bytes) -> bytes:
    """In: output as the engine sends it, 8 bytes (kind, zeros, length) before each piece. Out: the pieces."""
    pieces, place = [], 0
    while place + 8 <= len(body):
        size = int.from_bytes(body[place + 4 : place + 8], "big")
        pieces.append(body[place + 8 : place + 8 + size])
        place += 8 + size
    return b"".join(pieces)


def container_of(unit: str, containers: str) -> str:
    """In: postgresql@17-main.service, and how the names of the containers begin. Out: the name of the container."""
    return f"{containers}-{unit.removesuffix('.service').partition('@')[0]}"


def runs(seen: Mapping[str, Any]) -> bool:
    """In: what the engine knows. Out: whether the program in it runs."""
    state = seen.get("State", {})
    return bool(state.get("Running")) and not state.get("Restarting")


def properties(unit: str, seen: Mapping[str, Any]) -> dict[str, str]:
    """In: what the engine knows. Out: what systemctl show would say, as far as anybody asks."""
    full = unit if "." in unit else f"{unit}.service"
    if not seen:
        return {
            "Id": full,
            "Names": full,
            "LoadState": "not-found",
            "ActiveState": "inactive",
            "SubState": "dead",
            "MainPID": "0",
        }
    state = seen.get("State", {})
    active = "active" if runs(seen) else "activating" if state.get("Restarting") else "inactive"
    if active == "inactive" and state.get("ExitCode"):
        active = "failed"
    return {
        "Id": full,
        "Names": full,
        "LoadState": "loaded",
        "ActiveState": active,
        "SubState": _sub_state(state),
        "UnitFileState": "enabled" if is_enabled(seen) else "disabled",
        # the container counts its processes for itself
        "MainPID": "0",
        "Environment": " ".join(seen.get("Config", {}).get("Env") or []),
    }


def _sub_state(state: Mapping[str, Any]) -> str:
    """In: the state of a container. Out: what the engine calls it, or that it runs and its health check fails."""
    failing = (state.get("Health") or {}).get("Status") == "unhealthy"
    return "unhealthy" if state.get("Running") and failing else str(state.get("Status", "dead"))


def is_enabled(seen: Mapping[str, Any]) -> bool:
    """In: what the engine knows. Out: whether the engine starts it by itself."""
    policy = seen.get("HostConfig", {}).get("RestartPolicy", {}).get("Name", "")
    return policy in ("always", "unless-stopped")


def _has_come_up(engine: Engine, container: str, deadline: float) -> None:
    """Wait until it does what it is there for, where its label says so; raises EngineError with its last words."""
    while True:
        seen = engine.seen(container)
        config = seen.get("Config", {})
        label = (config.get("Labels") or {}).get(WAIT, "")
        test = ((config.get("Healthcheck") or {}).get("Test") or [])[1:]
        why = "it does not run"
        if runs(seen):
            if label != "healthy" or not test:
                return
            code, why = engine.run(container, test)
            if code == 0:
                return
        if time.monotonic() > deadline:
            raise EngineError(f"{container} did not come up: {why}\n{engine.log(container, '', '10')}")
        time.sleep(0.3)


def _do(engine: Engine, verb: str, container: str) -> None:
    """start, stop, restart, reload, enable or disable."""
    if verb in ("enable", "disable"):
        engine.tell(container, "update", {"RestartPolicy": {"Name": "always" if verb == "enable" else "no"}})
        return
    seen = engine.seen(container)
    if verb in ("reload", "reload-or-restart") and runs(seen):
        signal = (seen.get("Config", {}).get("Labels") or {}).get(RELOAD, "HUP")
        engine.tell(container, f"kill?signal={signal}")
        return
    engine.tell(container, {"stop": "stop", "restart": "restart"}.get(verb, "start"))
    if verb != "stop":
        _has_come_up(engine, container, time.monotonic() + 30)


def systemctl(words: Sequence[str], engine: Engine, containers: str) -> tuple[int, str]:
    """Out: the exit status, and what is printed; raises EngineError."""
    options = [word for word in words if word.startswith("-")]
    verb, *units = [word for word in words if not word.startswith("-")] or [""]
    if verb in QUIET:
        return 0, "running" if verb == "is-system-running" else ""
    # a pattern for instances is the container of their name; there are no others that a container is
    units = [unit.removesuffix("@*") for unit in units]
    units = [unit for unit in units if "*" not in unit]
    if verb == "show":
        wanted = [name for option in options if option.startswith("--property=") for name in option[11:].split(",")]
        blocks = []
        for unit in units:
            found = properties(unit, engine.seen(container_of(unit, containers)))
            shown = {name: found.get(name, "") for name in wanted} if wanted else found
            blocks.append(
                "\n".join(value if "--value" in options else f"{name}={value}" for name, value in shown.items())
            )
        return 0, "\n\n".join(blocks)
    if verb in ("is-active", "is-enabled"):
        all_seen = [engine.seen(container_of(unit, containers)) for unit in units]
        good = [runs(seen) if verb == "is-active" else is_enabled(seen) for seen in all_seen]
        named = ("active", "inactive") if verb == "is-active" else ("enabled", "disabled")
        return (0 if good and all(good) else 3 if verb == "is-active" else 1), "\n".join(named[not one] for one in good)
    if verb in ("start", "stop", "restart", "reload", "reload-or-restart", "enable", "disable"):
        for unit in units:
            container = container_of(unit, containers)
            if not engine.seen(container):
                raise EngineError(f"Unit {unit} not found: there is no container {container}")
            _do(engine, verb, container)
        return 0, ""
    raise EngineError(f"{verb or 'nothing'} is none of the words that are understood in a companion")


def journalctl(words: Sequence[str], engine: Engine, containers: str) -> tuple[int, str]:
    """Out: the exit status, and the lines of one container as text, or as JSON with a MESSAGE in each."""
    unit, since, lines, output = "", "", "all", "short"
    left = list(words)
    while left:
        word, joined, value = left.pop(0).partition("=")
        if word in ("--unit", "-u", "--since", "--lines", "-n", "--output", "-o"):
            value = value if joined else left.pop(0)
        if word in ("--unit", "-u") or word == "_SYSTEMD_UNIT":
            unit = value
        elif word == "--since":
            since = value.removeprefix("@")
        elif word in ("--lines", "-n"):
            lines = value
        elif word in ("--output", "-o"):
            output = value
    text = engine.log(container_of(unit, containers), since, lines)
    if output == "json":
        text = "\n".join(json.dumps({"MESSAGE": line}) for line in text.splitlines())
    return 0, text.rstrip("\n")


def main(words: Sequence[str]) -> int:
    """Do it."""
    program = journalctl if Path(words[0]).name.startswith("journalctl") else systemctl
    try:
        code, text = program(words[1:], Engine(), os.environ.get("XMPP_CONTAINERS", "xmpp"))
    except EngineError as error:
        print(error, file=sys.stderr)
        return 1
    if text:
        print(text)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv))
