# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs timers beside services in containers: backups, certificates, probes. It has no way to the engine.

keeper.py DIRECTORY. The directory has .timer and .service files as roles write them for systemd, and what is enabled in
timers.target.wants. Elsewhere in the container systemctl.py asks it, through a socket. Standard library only.
"""

from __future__ import annotations

import asyncio
import calendar
import contextlib
import grp
import json
import os
import pwd
import random
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
import processes
import unit_files

SOCKET = Path("/run/xmpp/keeper.sock")
#: when each timer elapsed last, which outlives the container: for those that are persistent
STAMPS = Path("/var/lib/xmpp/timers")
#: how long what is to end may take, in seconds
PATIENCE = 20.0


@dataclass
class Run:
    """What a service did last. Moments are seconds since 1970."""

    begun: float | None = None
    ended: float | None = None
    result: str = "success"
    code: int = 0
    pid: int = 0


class Keeper:
    """The timers and services of a directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.runs: dict[str, Run] = {}
        self.timers: dict[str, asyncio.Task[None]] = {}
        self.begun: dict[str, asyncio.Task[int]] = {}
        self.next: dict[str, float | None] = {}

    # what is there

    def is_there(self, unit: str) -> bool:
        """Whether a file says what it is."""
        return (self.directory / unit).is_file()

    def wants(self, unit: str) -> Path:
        """The link that has it begin with the keeper."""
        return self.directory / "timers.target.wants" / unit

    def properties(self, unit: str) -> dict[str, str]:
        """What systemctl show would say, as far as anybody asks."""
        there, run = self.is_there(unit), self.runs.get(unit, Run())
        if unit.endswith(".timer"):
            state = "active" if self.is_running(unit) else "inactive"
            sub = "waiting" if state == "active" else "dead"
        else:
            state = "activating" if self.is_running(unit) else "failed" if run.result != "success" else "inactive"
            sub = {"activating": "start", "failed": "failed"}.get(state, "dead")
        return {
            "Id": unit,
            "Names": unit,
            "LoadState": "loaded" if there else "not-found",
            "ActiveState": state,
            "SubState": sub,
            "UnitFileState": ("enabled" if self.wants(unit).is_symlink() else "disabled") if there else "",
            "MainPID": str(run.pid),
            "Result": run.result,
            "ExecMainStatus": str(run.code),
            "NextElapseUSecRealtime": _moment(self.next.get(unit)) if unit.endswith(".timer") else "",
            "LastTriggerUSec": _moment(self.runs.get(unit.removesuffix(".timer") + ".service", run).begun),
            "ExecMainStartTimestamp": _moment(run.begun),
            "ExecMainExitTimestamp": _moment(run.ended),
        }

    def is_running(self, unit: str) -> bool:
        """Whether a timer waits, or a service is at work."""
        task: asyncio.Task[Any] | None = (self.timers if unit.endswith(".timer") else self.begun).get(unit)
        return task is not None and not task.done()

    # timers

    def begin(self) -> None:
        """Start what is enabled. One that is not understood keeps nobody else from it."""
        for link in sorted(self.directory.glob("timers.target.wants/*.timer")):
            if self.is_there(link.name):
                try:
                    self.start_timer(link.name)
                except (unit_files.UnitError, OSError) as error:
                    say(link.name, f"is not kept: {error}", 3)

    def start_timer(self, unit: str) -> None:
        """Have it elapse. Raises unit_files.UnitError, OSError."""
        given = unit_files.timer(unit, (self.directory / unit).read_text("utf-8"))
        self.stop_timer(unit)
        self.timers[unit] = asyncio.create_task(self._watch(unit, given))

    def stop_timer(self, unit: str) -> None:
        """Have it elapse no more; what it began goes on."""
        self.next.pop(unit, None)
        if unit in self.timers:
            self.timers.pop(unit).cancel()

    async def _watch(self, unit: str, given: unit_files.Timer) -> None:
        started, stamp = time.time(), STAMPS / f"stamp-{unit}"
        last = started
        if given.persistent:
            with contextlib.suppress(OSError):
                last = stamp.stat().st_mtime
            if not stamp.exists():
                _touch(stamp)
        while True:
            run = self.runs.get(given.unit, Run())
            moments = [await _calendar(text, last) for text in given.calendar]
            moment = unit_files.elapses(given, unit_files.Times(started, run.begun, run.ended), moments)
            self.next[unit] = moment
            if moment is None:
                say(unit, "elapses no more", 4)
                return
            # an hour at most, for clocks are set
            spread = random.uniform(0, given.spread)  # nosec: no secret
            while (left := max(moment, last) + spread - time.time()) > 0:
                await asyncio.sleep(min(left, 3600.0))
            last = time.time()
            if given.persistent:
                _touch(stamp)
            # a service that somebody else started counts as begun
            await asyncio.shield(self.start(given.unit))

    # services

    def start(self, unit: str) -> asyncio.Task[int]:
        """Run it, if it does not. Out: what will have its exit code."""
        if not self.is_running(unit):
            self.begun[unit] = asyncio.create_task(self._run(unit))
        return self.begun[unit]

    async def _run(self, unit: str) -> int:
        run = self.runs[unit] = Run(begun=time.time())
        try:
            given = unit_files.service(unit, (self.directory / unit).read_text("utf-8"))
            async with asyncio.timeout(given.timeout):
                for counts, words in (*given.prepare, *given.run, *given.after):
                    run.code = await self._call(unit, run, given, words)
                    if run.code and counts:
                        run.result = "exit-code" if run.code > 0 else "signal"
                        break
        except TimeoutError:
            run.result, run.code = "timeout", 124
        except asyncio.CancelledError:
            run.result, run.code = "signal", 143
        except (unit_files.UnitError, OSError, KeyError, ValueError) as error:
            run.result, run.code = "resources", 203
            say(unit, f"cannot be run: {error}", 3)
        run.pid, run.ended = 0, time.time()
        if run.result != "success":
            say(unit, f"failed ({run.result}, {run.code})", 3)
        return run.code if run.result != "success" else 0

    async def _call(self, unit: str, run: Run, given: unit_files.Service, words: Sequence[str]) -> int:
        variables = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin", "LANG": "C.UTF-8"}
        # systemctl in there is to know the services, too
        variables |= {name: os.environ[name] for name in ("XMPP_SERVICES",) if name in os.environ}
        options: dict[str, Any] = {}
        if given.user:
            user = pwd.getpwnam(given.user)
            variables |= {"USER": given.user, "LOGNAME": given.user, "HOME": user.pw_dir}
            group = grp.getgrnam(given.group).gr_gid if given.group else user.pw_gid
            extra = [grp.getgrnam(name).gr_gid for name in given.groups]
            known = os.getgrouplist(given.user, group)
            options = {"user": user.pw_uid, "group": group, "extra_groups": sorted({*known, *extra})}
        else:
            variables |= {"USER": "root", "LOGNAME": "root", "HOME": "/root"}
        variables |= given.environment
        for must, path in given.environment_files:
            try:
                variables |= unit_files.environment(Path(path).read_text("utf-8"))
            except FileNotFoundError:
                if must:
                    raise
        nice = ["/usr/bin/nice", f"--adjustment={given.nice}"] if given.nice else []
        process = await asyncio.create_subprocess_exec(
            *nice,
            *words,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=variables,
            cwd=given.directory,
            umask=given.umask,
            start_new_session=True,
            limit=1 << 20,
            **options,
        )
        run.pid = process.pid
        try:
            await self._tell(unit, given, process)
            return await process.wait()
        finally:
            await _end(process)

    async def _tell(self, unit: str, given: unit_files.Service, process: asyncio.subprocess.Process) -> None:
        stream = process.stdout
        while stream and not stream.at_eof():
            try:
                got = await stream.readline()
            except ValueError:
                # a line without an end; what follows it is read on
                continue
            text = got.decode("utf-8", "replace").rstrip()
            if text:
                level, text = unit_files.line(text, given.level)
                if level <= given.level_max:
                    say(unit, text, level)

    async def stop(self, unit: str) -> None:
        """End what runs."""
        task = self.begun.get(unit)
        if task and not task.done():
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    # what is asked

    async def answer(self, words: Sequence[str]) -> tuple[int, str]:
        """In: the words after systemctl, of units that have files here. Out: exit status and what to print."""
        options = [word for word in words if word.startswith("-")]
        verb, *units = [word for word in words if not word.startswith("-")]
        if verb == "list-timers":
            return 0, self._table()
        code, said = 0, []
        for unit in units:
            if verb == "show":
                said.append(json.dumps(self.properties(unit)))
                continue
            if not self.is_there(unit) and verb not in ("stop", "disable", "reset-failed"):
                return 5, f"Unit {unit} not found in {self.directory}"
            one, text = await self._do(verb, unit, "--no-block" in options, "--now" in options)
            code, said = code or one, [*said, *([text] if text else [])]
        return code, "\n".join(said)

    async def _do(self, verb: str, unit: str, at_once: bool, now: bool) -> tuple[int, str]:
        is_timer = unit.endswith(".timer")
        if verb in ("enable", "disable"):
            if is_timer and verb == "enable" and not self.wants(unit).is_symlink():
                self.wants(unit).parent.mkdir(exist_ok=True)
                self.wants(unit).symlink_to(f"../{unit}")
            elif verb == "disable":
                self.wants(unit).unlink(missing_ok=True)
            return await self._do("start" if verb == "enable" else "stop", unit, at_once, False) if now else (0, "")
        if verb in ("start", "restart") and is_timer:
            if verb == "restart" or not self.is_running(unit):
                self.start_timer(unit)
            return 0, ""
        if verb == "stop" and is_timer:
            self.stop_timer(unit)
            return 0, ""
        if verb == "stop":
            await self.stop(unit)
            return 0, ""
        if verb in ("start", "restart"):
            if verb == "restart":
                await self.stop(unit)
            task = self.start(unit)
            if at_once:
                return 0, ""
            code = await asyncio.shield(task)
            run = self.runs[unit]
            return (
                (1, f"Job for {unit} failed ({run.result}, {run.code}). See journalctl -u {unit}") if code else (0, "")
            )
        if verb == "reset-failed":
            if unit in self.runs and not self.is_running(unit):
                self.runs[unit] = Run(self.runs[unit].begun, self.runs[unit].ended)
            return 0, ""
        return 1, f"{verb} is nothing that can be done with {unit}"

    def _table(self) -> str:
        rows = [("NEXT", "LAST", "RESULT", "UNIT")]
        for unit in sorted(self.timers):
            found, run = self.properties(unit), self.properties(unit.removesuffix(".timer") + ".service")
            rows.append((found["NextElapseUSecRealtime"], found["LastTriggerUSec"], run["Result"], unit))
        widths = [max(len(row[place]) for row in rows) for place in range(3)]
        return "\n".join("  ".join([*(cell.ljust(width) for cell, width in zip(row, widths)), row[3]]) for row in rows)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One question: a line of JSON with words, answered by one with code and text."""
        try:
            words = json.loads(await reader.readline())
            code, text = await self.answer([str(word) for word in words])
        except (ValueError, unit_files.UnitError, OSError) as error:
            code, text = 1, str(error)
        with contextlib.suppress(OSError):
            writer.write(json.dumps({"code": code, "text": text}).encode() + b"\n")
            await writer.drain()
            writer.close()


def say(unit: str, text: str, level: int) -> None:
    """A line of the log, as journalctl would have it: level 3 and less is an error."""
    (sys.stderr if level <= 3 else sys.stdout).write(f"{unit}: {text}\n")


def _moment(seconds: float | None) -> str:
    return "" if seconds is None else time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(seconds)) + " UTC"


def _touch(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    except OSError as error:
        say("keeper", f"{path} cannot be written: {error}", 3)


async def _calendar(text: str, after: float) -> float:
    """The next moment of an expression, by systemd's own program. Raises unit_files.UnitError."""
    base = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(after))
    process = await asyncio.create_subprocess_exec(
        *("systemd-analyze", "calendar", f"--base-time={base}", text),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"PATH": "/usr/bin", "TZ": "UTC", "LC_ALL": "C.UTF-8"},
    )
    out, errors = await process.communicate()
    return calendar_moment(text, out.decode(), errors.decode())


def calendar_moment(text: str, out: str, errors: str) -> float:
    """In: what systemd-analyze said of an expression. Out: seconds since 1970. Raises unit_files.UnitError."""
    for shown in out.splitlines():
        name, _colon, value = shown.strip().partition(": ")
        if name == "Next elapse" and value.endswith(" UTC"):
            parsed = time.strptime(value.removesuffix(" UTC").split(" ", 1)[1], "%Y-%m-%d %H:%M:%S")
            return float(calendar.timegm(parsed))
    raise unit_files.UnitError(f"{text!r} has no next moment: {errors.strip() or out.strip()}")


async def _end(process: asyncio.subprocess.Process) -> None:
    """Nothing of its session is left."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), PATIENCE)
            return


async def main(directory: Path) -> None:
    """Keep until somebody says that it is enough."""
    keeper, enough = Keeper(directory), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, enough.set)
    SOCKET.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    SOCKET.unlink(missing_ok=True)
    # programs of timers have an environment of their own
    processes.KNOWN.write_text(os.environ.get("XMPP_SERVICES", "{}"), encoding="utf-8")
    os.umask(0o077)
    server = await asyncio.start_unix_server(keeper.serve, SOCKET)
    os.umask(0o022)
    keeper.begin()
    async with server:
        await enough.wait()
    for unit in list(keeper.timers):
        keeper.stop_timer(unit)
    await asyncio.gather(*(keeper.stop(unit) for unit in list(keeper.begun)))


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    asyncio.run(main(Path(sys.argv[1])))
