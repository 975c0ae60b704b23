# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keeper at work on units in a directory, asked through its socket."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.tests.unit import image_programs as programs

keeper = programs.load("keeper")
keeper_ask = programs.load("keeper_ask")


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "STAMPS", tmp_path / "stamps")


def write(where: Path, unit: str, text: str) -> None:
    (where / unit).write_text(text, "utf-8")


def oneshot(*commands: str, more: str = "") -> str:
    return "[Service]\nType=oneshot\n" + "".join(f"ExecStart={one}\n" for one in commands) + more


def works(directory: Path, asks: Callable[[Any], Awaitable[Any]]) -> Any:
    """Have a keeper of this directory, and do something with it."""

    async def run() -> Any:
        one = keeper.Keeper(directory)
        try:
            return await asyncio.wait_for(asks(one), 20)
        finally:
            for unit in list(one.timers):
                one.stop_timer(unit)
            for unit in list(one.begun):
                await one.stop(unit)

    return asyncio.run(run())


async def until(met: Callable[[], bool]) -> None:
    """Wait for it; the whole is bounded by who calls."""
    while not met():
        await asyncio.sleep(0.02)


def test_a_start_is_waited_for_and_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "a.service", oneshot("/bin/echo one", "/bin/echo <3>two"))
    assert works(tmp_path, lambda one: one.answer(["start", "a.service"])) == (0, "")
    out, err = capfd.readouterr()
    assert (out, err) == ("a.service: one\n", "a.service: two\n")


def test_what_fails_says_so_and_the_rest_is_not_run(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "a.service", oneshot("-/bin/false", "/bin/sh -c 'exit 7'", "/bin/echo never"))

    async def asks(one: Any) -> Any:
        code, text = await one.answer(["start", "a.service"])
        shown = json.loads((await one.answer(["show", "a.service"]))[1])
        await one.answer(["reset-failed", "a.service"])
        return code, text, shown, json.loads((await one.answer(["show", "a.service"]))[1])

    code, text, shown, again = works(tmp_path, asks)
    assert code == 1
    assert "a.service failed (exit-code, 7)" in text
    assert (shown["ActiveState"], shown["Result"], shown["ExecMainStatus"]) == ("failed", "exit-code", "7")
    assert again["ActiveState"] == "inactive"
    assert "never" not in capfd.readouterr().out


def test_what_takes_too_long_is_ended_with_all_that_it_began(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    script = tmp_path / "long"
    script.write_text(f"#!/bin/sh\nsleep 60 &\necho $! >{pid}\nwait\n", "utf-8")
    script.chmod(0o755)
    write(tmp_path, "a.service", oneshot(str(script), more="TimeoutStartSec=1\n"))

    async def asks(one: Any) -> Any:
        found = await one.answer(["start", "a.service"])
        child = Path(f"/proc/{pid.read_text('utf-8').strip()}")
        await until(lambda: not child.exists() or "\nState:\tZ" in (child / "status").read_text("utf-8"))
        return found

    code, text = works(tmp_path, asks)
    assert (code, "timeout" in text) == (1, True)


def test_variables_and_numbers_are_as_the_unit_says(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "given", "C='from a file'\n")
    write(tmp_path, "a.service", oneshot(
        "/usr/bin/env", "/bin/sh -c 'umask; nice; pwd'",
        more=f"Environment=A=1 \"B=two words\"\nEnvironmentFile={tmp_path}/given\nEnvironmentFile=-/nowhere\n"
             f"UMask=0027\nNice=7\nWorkingDirectory={tmp_path}\n"))  # fmt: skip
    assert works(tmp_path, lambda one: one.answer(["start", "a.service"])) == (0, "")
    said = [line.removeprefix("a.service: ") for line in capfd.readouterr().out.splitlines()]
    assert {"A=1", "B=two words", "C=from a file"} <= set(said)
    assert said[-3:] == ["0027", str(min(19, os.nice(0) + 7)), str(tmp_path)]


def test_what_nobody_wants_to_read_is_left_out(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write(
        tmp_path,
        "a.service",
        oneshot("/bin/echo <6>chatter", "/bin/echo why", more="SyslogLevel=warning\nLogLevelMax=notice\n"),
    )
    works(tmp_path, lambda one: one.answer(["start", "a.service"]))
    assert capfd.readouterr().out == "a.service: why\n"


def test_a_timer_runs_what_is_its_own_again_and_again(tmp_path: Path) -> None:
    write(tmp_path, "a.service", oneshot(f"/bin/sh -c 'echo x >>{tmp_path}/ran'"))
    write(tmp_path, "a.timer", "[Timer]\nOnActiveSec=0\nOnUnitActiveSec=50ms\n")

    async def asks(one: Any) -> Any:
        assert await one.answer(["enable", "--now", "a.timer"]) == (0, "")
        ran = tmp_path / "ran"
        await until(lambda: ran.exists() and len(ran.read_text("utf-8").split()) >= 3)
        shown = json.loads((await one.answer(["show", "a.timer"]))[1])
        table = (await one.answer(["list-timers"]))[1]
        await one.answer(["stop", "a.timer"])
        await until(lambda: not one.is_running("a.service"))
        after = ran.read_text("utf-8")
        await asyncio.sleep(0.3)
        return shown, table, ran.read_text("utf-8") == after

    shown, table, is_quiet = works(tmp_path, asks)
    assert (shown["ActiveState"], shown["UnitFileState"]) == ("active", "enabled")
    assert "a.timer" in table
    assert is_quiet
    # and begins with the next keeper
    (tmp_path / "ran").unlink()

    async def again(one: Any) -> None:
        one.begin()
        await until((tmp_path / "ran").exists)

    works(tmp_path, again)


def test_a_timer_that_is_not_understood_keeps_no_other_from_its_work(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, "b.service", oneshot(f"/usr/bin/touch {tmp_path}/ran"))
    write(tmp_path, "a.timer", "[Timer]\nOnActiveSec=soon\n")
    write(tmp_path, "b.timer", "[Timer]\nOnActiveSec=0\n")
    (tmp_path / "timers.target.wants").mkdir()
    for unit in ("a.timer", "b.timer"):
        (tmp_path / "timers.target.wants" / unit).symlink_to(f"../{unit}")

    async def asks(one: Any) -> None:
        one.begin()
        await until((tmp_path / "ran").exists)

    works(tmp_path, asks)
    assert "a.timer: is not kept: 'soon' is no span of time" in capfd.readouterr().err


def test_a_persistent_timer_makes_up_for_what_it_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def tomorrow(_text: str, after: float) -> float:
        return after + 86400.0

    monkeypatch.setattr(keeper, "_calendar", tomorrow)
    write(tmp_path, "a.service", oneshot(f"/usr/bin/touch {tmp_path}/ran"))
    write(tmp_path, "a.timer", "[Timer]\nOnCalendar=daily\nPersistent=yes\n")

    async def asks(one: Any) -> None:
        one.start_timer("a.timer")
        await until(lambda: one.next.get("a.timer") is not None)

    works(tmp_path, asks)
    assert not (tmp_path / "ran").exists()
    stamp = keeper.STAMPS / "stamp-a.timer"
    os.utime(stamp, (0, 0))

    async def missed(one: Any) -> None:
        one.start_timer("a.timer")
        await until((tmp_path / "ran").exists)

    works(tmp_path, missed)
    assert stamp.stat().st_mtime > 0


def test_a_moment_is_what_systemd_says() -> None:
    said = "  Original form: Mon 03:00\n    Next elapse: Mon 2026-11-30 03:00:00 UTC\n       From now: 2 days left\n"
    assert keeper.calendar_moment("Mon 03:00", said, "") == 1796007600.0
    with pytest.raises(keeper.unit_files.UnitError, match="'never' has no next moment: Failed"):
        keeper.calendar_moment("never", "", "Failed to parse")


def test_it_is_asked_through_its_socket(tmp_path: Path) -> None:
    write(tmp_path, "a.service", oneshot("/bin/true"))
    path = tmp_path / "keeper.sock"

    async def asks(one: Any) -> Any:
        async with await asyncio.start_unix_server(one.serve, path):
            return [
                await asyncio.to_thread(keeper_ask.ask, words, str(path))
                for words in (["start", "a.service"], ["start", "b.service"], ["freeze", "a.service"])
            ]

    fine, missing, unknown = works(tmp_path, asks)
    assert fine == (0, "")
    assert missing[0] == 5
    assert "b.service not found" in missing[1]
    assert unknown == (1, "freeze is nothing that can be done with a.service")
    code, text = keeper_ask.ask(["start", "a.service"], str(tmp_path / "none"))
    assert (code, "cannot be asked" in text) == (1, True)
