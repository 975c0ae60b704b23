# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""systemctl and journalctl of a companion: containers of the Docker engine, shown as units of systemd.

Unit prosody (or prosody@anything) is the container $XMPP_CONTAINERS-prosody. So whatever manages a unit on a host, the
modules of the collection and those of Ansible, manages a container in the same words. Timers, and what has a unit
file of its own, are the keeper's (keeper.py). Only what our modules say is known; the rest is refused. Talks to the
engine through its socket (Docker Engine API 1.41); in the keeper, which has none, to processes. Standard library only.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

sys.path.insert(0, str(Path(__file__).resolve().parent))
import keeper_ask
import processes
import unit_names

SOCKET = "/var/run/docker.sock"
UNITS = Path("/etc/systemd/system")
TIMEOUT = 120.0
#: of a container: which signal has it read its files again, and whether a start is over when its health check succeeds
RELOAD, WAIT = "org.allthingslinux.xmpp.reload", "org.allthingslinux.xmpp.wait"
#: how often what is waited for may end before nobody waits any longer: a database that cannot begin ends for ever
ENDS = 3
QUIET = ("daemon-reload", "reset-failed", "is-system-running")


class EngineError(Exception):
    """The engine does not answer, or refuses."""


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str, seconds: float | None) -> None:
        super().__init__("localhost")
        self._path, self._seconds = path, seconds

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self._seconds)
        self.sock.connect(self._path)


class Engine:
    """The Docker engine at a socket."""

    def __init__(self, path: str = SOCKET) -> None:
        self._path = path

    def ask(self, method: str, words: str, given: object = None, patience: float | None = TIMEOUT) -> tuple[int, bytes]:
        """Out: the status and the body of the answer; raises EngineError where there is none.

        patience: seconds without a word of it; None for as long as it takes.
        """
        connection = _Connection(self._path, patience)
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

    def run(self, container: str, argv: Sequence[str], patience: float | None = TIMEOUT) -> tuple[int, str]:
        """Run a command in the container. Out: its exit status, and what it said."""
        given = {"Cmd": list(argv), "AttachStdout": True, "AttachStderr": True}
        status, body = self.ask("POST", f"/containers/{container}/exec", given)
        if status != 201:
            return 1, said(body)
        number = json.loads(body)["Id"]
        _status, output = self.ask("POST", f"/exec/{number}/start", {"Detach": False, "Tty": False}, patience)
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
    return f"{containers}-{unit_names.service_of(unit)}"


def runs(seen: Mapping[str, Any]) -> bool:
    """In: what the engine knows. Out: whether the program in it runs."""
    state = seen.get("State", {})
    return bool(state.get("Running")) and not state.get("Restarting")


def properties(unit: str, seen: Mapping[str, Any]) -> dict[str, str]:
    """In: what the engine knows. Out: what systemctl show would say, as far as anybody asks."""
    full = unit_names.full_name(unit)
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
    # for the engine it runs while it waits to be started again, too
    running = state.get("Running") and not state.get("Restarting")
    return "unhealthy" if running and failing else str(state.get("Status", "dead"))


def is_enabled(seen: Mapping[str, Any]) -> bool:
    """In: what the engine knows. Out: whether the engine starts it by itself."""
    policy = seen.get("HostConfig", {}).get("RestartPolicy", {}).get("Name", "")
    return policy in ("always", "unless-stopped")


def in_keeper(engine: Engine, containers: str) -> Callable[[Sequence[str]], tuple[int, str]]:
    """What asks the keeper from a companion, which reaches it by the engine."""
    return lambda words: engine.run(
        f"{containers}-keeper", ["/usr/bin/python3", "-I", "/usr/lib/xmpp/keeper_ask.py", *words], None
    )


def _has_come_up(engine: Engine, container: str, deadline: float) -> None:
    """Wait until it does what it is there for, where its label says so; raises EngineError with its last words."""
    while True:
        seen = engine.seen(container)
        config = seen.get("Config", {})
        label = (config.get("Labels") or {}).get(WAIT, "")
        test = ((config.get("Healthcheck") or {}).get("Test") or [])[1:]
        why = "it does not run"
        # the engine counts from the start on how often it began again
        if label == "healthy" and int(seen.get("RestartCount") or 0) >= ENDS:
            raise EngineError(f"{container} ends again and again\n{engine.log(container, '', '10')}")
        if runs(seen):
            if label != "healthy" or not test:
                return
            code, why = engine.run(container, test)
            if code == 0:
                return
        if time.monotonic() > deadline:
            raise EngineError(f"{container} did not come up: {why}\n{engine.log(container, '', '10')}")
        time.sleep(0.3)


class Units(Protocol):
    """What units of a kind say and do. Both raise EngineError."""

    def properties(self, unit: str) -> dict[str, str]:
        """What systemctl show says."""

    def do(self, verb: str, unit: str, options: Sequence[str]) -> str:
        """start, stop, restart, reload, enable or disable. Out: what is to be printed."""


class Containers:
    """Services as containers of the engine."""

    def __init__(self, engine: Engine, containers: str) -> None:
        self.engine, self.containers = engine, containers

    def properties(self, unit: str) -> dict[str, str]:
        """As the engine sees it."""
        return properties(unit, self.engine.seen(container_of(unit, self.containers)))

    def do(self, verb: str, unit: str, options: Sequence[str]) -> str:
        """By the engine; a start is waited for."""
        container = container_of(unit, self.containers)
        seen = self.engine.seen(container)
        if not seen:
            raise EngineError(f"Unit {unit} not found: there is no container {container}")
        if verb in ("enable", "disable"):
            self.engine.tell(container, "update", {"RestartPolicy": {"Name": "always" if verb == "enable" else "no"}})
        elif verb in ("reload", "reload-or-restart") and runs(seen):
            signal = (seen.get("Config", {}).get("Labels") or {}).get(RELOAD, "HUP")
            self.engine.tell(container, f"kill?signal={signal}")
        else:
            self.engine.tell(container, {"stop": "stop", "restart": "restart"}.get(verb, "start"))
            if verb != "stop":
                _has_come_up(self.engine, container, time.monotonic() + 30)
        return ""


class Seen:
    """Services of other containers, as the keeper sees them."""

    def __init__(self, known: processes.Processes) -> None:
        self.known = known

    def properties(self, unit: str) -> dict[str, str]:
        """Whether its process runs."""
        return self.known.properties(unit, unit_names.service_of(unit))

    def do(self, verb: str, unit: str, options: Sequence[str]) -> str:
        """Reload it. Raises EngineError for anything else: only the engine starts and stops."""
        if verb not in ("reload", "reload-or-restart"):
            raise EngineError(f"{verb} {unit}: only the Docker engine can do that, and nobody asks it from here")
        if why := self.known.reload(unit_names.service_of(unit)):
            raise EngineError(f"{verb} {unit}: {why}")
        return ""


class Kept:
    """Timers and what they run, by asking the keeper."""

    def __init__(self, ask: Callable[[Sequence[str]], tuple[int, str]], units: Path = UNITS) -> None:
        self.ask, self.units = ask, units

    def has(self, unit: str) -> bool:
        """Whether it is the keeper's."""
        return unit.endswith(".timer") or (self.units / unit).is_file()

    def properties(self, unit: str) -> dict[str, str]:
        """As the keeper sees it; where none runs yet nothing of it does."""
        code, text = self.ask(["show", unit])
        if code == 0:
            found: dict[str, str] = json.loads(text)
            return found
        state = "loaded" if (self.units / unit).is_file() else "not-found"
        return {"Id": unit, "Names": unit, "LoadState": state, "ActiveState": "inactive", "SubState": "dead"}

    def do(self, verb: str, unit: str, options: Sequence[str]) -> str:
        """A start of what ends by itself is waited for, and raises EngineError where it fails."""
        code, text = self.ask([verb, *options, unit])
        if code:
            raise EngineError(text or f"{verb} {unit} failed")
        return text


def systemctl(words: Sequence[str], services: Units, kept: Kept) -> tuple[int, str]:
    """Out: the exit status, and what is printed; raises EngineError."""
    options = [word for word in words if word.startswith("-")]
    verb, *units = [word for word in words if not word.startswith("-")] or [""]
    # a pattern for instances is the container of their name; there are no others that a container is
    units = [unit.removesuffix("@*") for unit in units]
    units = [unit for unit in units if "*" not in unit]
    units = [f"{unit}.service" if kept.has(f"{unit}.service") else unit for unit in units]
    of = {unit: kept if kept.has(unit) else services for unit in units}
    if verb in QUIET:
        for unit in units:
            if verb == "reset-failed" and of[unit] is kept:
                kept.do(verb, unit, [])
        return 0, "running" if verb == "is-system-running" else ""
    if verb == "list-timers":
        return kept.ask([verb])
    if verb == "show":
        wanted = [name for option in options if option.startswith("--property=") for name in option[11:].split(",")]
        blocks = []
        for unit in units:
            found = of[unit].properties(unit)
            shown = {name: found.get(name, "") for name in wanted} if wanted else found
            blocks.append(
                "\n".join(value if "--value" in options else f"{name}={value}" for name, value in shown.items())
            )
        return 0, "\n\n".join(blocks)
    if verb in ("is-active", "is-enabled"):
        key, yes = ("ActiveState", "active") if verb == "is-active" else ("UnitFileState", "enabled")
        good = [of[unit].properties(unit).get(key) == yes for unit in units]
        named = ("active", "inactive") if verb == "is-active" else ("enabled", "disabled")
        return (0 if good and all(good) else 3 if verb == "is-active" else 1), "\n".join(named[not one] for one in good)
    if verb in ("start", "stop", "restart", "reload", "reload-or-restart", "enable", "disable"):
        said = [of[unit].do(verb, unit, options) for unit in units]
        return 0, "\n".join(text for text in said if text)
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
    full = unit_names.full_name(unit)
    if (UNITS / full).is_file():
        said = engine.log(f"{containers}-keeper", since, "all").splitlines()
        own = [line.removeprefix(f"{full}: ") for line in said if line.startswith(f"{full}: ")]
        text = "\n".join(own if lines == "all" else own[-int(lines) :] if int(lines) else [])
    else:
        text = engine.log(container_of(unit, containers), since, lines)
    if output == "json":
        text = "\n".join(json.dumps({"MESSAGE": line}) for line in text.splitlines())
    return 0, text.rstrip("\n")


def main(words: Sequence[str], path: str = SOCKET) -> int:
    """Do it."""
    engine, containers = Engine(path), os.environ.get("XMPP_CONTAINERS", "xmpp")
    try:
        if Path(words[0]).name.startswith("journalctl"):
            code, text = journalctl(words[1:], engine, containers)
        elif Path(path).exists():
            code, text = systemctl(words[1:], Containers(engine, containers), Kept(in_keeper(engine, containers)))
        else:
            code, text = systemctl(words[1:], Seen(processes.Processes(processes.known())), Kept(keeper_ask.ask))
    except EngineError as error:
        print(error, file=sys.stderr)
        return 1
    if text:
        print(text)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv))
