# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""bin/test: run rungs side by side and say how each ended."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from . import changed, report
from .child import Child
from .choice import free_lane, next_rung
from .containers import Engine, Usage
from .rung import (
    IMAGES,
    ROOT,
    Cost,
    Rung,
    everything,
    expanded,
    read_costs,
    rung,
    with_what_they_need,
    write_costs,
)

LOGS = ROOT / ".cache" / "test"
COSTS = LOGS / "costs.json"
EVERY = 20  # seconds between signs of life of a rung
USAGE = """
  without a RUNG      lint unit sanity build versions molecule

  lint                ruff, mypy, yamllint, ansible-lint, luacheck, shellcheck, generated docs, changelog, licences
  unit                pytest tests/unit
  sanity              ansible-test sanity, on ansible-core 2.19 and the newest that this machine's Pythons allow
  molecule            every scenario in molecule/
  molecule/NAME       one scenario
  build               the collection's tarball, installed somewhere else and used from there
  versions            registry, linter and model against the unpacked packages of Debian's versions of Prosody
  bench               tests/benchmarks (not part of the whole: figures, not verdicts)

The log of each is .cache/test/RUNG.log. The end of the log of one that fails is shown at once.
"""


def say(text: str) -> None:
    """A heading, on standard error like those of the other commands."""
    heading = f"\033[1m== {text}\033[0m" if sys.stderr.isatty() else f"== {text}"
    print(f"\n{heading}", file=sys.stderr, flush=True)


def note(text: str) -> None:
    """A line below a heading."""
    print(f"   {text}", file=sys.stderr, flush=True)


class Interrupted(Exception):
    """A signal asks to end."""


class Ladder:
    """A run: what waits, what runs, how the rest ended."""

    def __init__(self, rungs: Sequence[Rung], lanes: int) -> None:
        self.waiting = list(rungs)
        self.running: list[Child] = []
        self.outcomes: list[report.Outcome] = []
        self.lanes = lanes
        self.engine, self.usage = Engine(), Usage()
        self._shown: dict[str, tuple[float, str]] = {}

    def walk(self) -> None:
        """Run all of them. Raises Interrupted when a signal comes; nothing runs then, and no container is left."""
        read = 0.0
        try:
            while self.waiting or self.running:
                self._start()
                time.sleep(0.2)
                if time.monotonic() - read > 3:
                    self.engine.read([child.rung for child in self.running], self.usage)
                    read = time.monotonic()
                for child in list(self.running):
                    if child.ended():
                        self._finish(child)
                    else:
                        self._sign_of_life(child)
        except Interrupted:
            # a second signal would leave behind what the first one asked to remove
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            self._abandon()
            raise

    def _start(self) -> None:
        while chosen := next_rung(self.waiting, [child.rung for child in self.running], self.lanes):
            self.waiting.remove(chosen)
            lane = free_lane([child.lane for child in self.running])
            say(f"{chosen.name} (lane {lane})")
            self.running.append(Child(chosen, lane, LOGS / f"{chosen.label}.log", environment()))

    def _finish(self, child: Child) -> None:
        self.running.remove(child)
        passed = child.status == 0
        cpu = child.cpu + self.usage.of(child.rung.name)
        text = child.log.read_text(encoding="utf-8", errors="replace")
        log = str(child.log.relative_to(ROOT))
        said = () if passed else report.reasons(text)
        outcome = report.Outcome(child.rung.name, passed, child.seconds, cpu, child.lane, log, said)
        self.outcomes.append(outcome)
        say(f"{outcome.name} {'passed' if passed else 'FAILED'} after {outcome.seconds:.0f} s")
        for line in report.counts(text):
            print(f"   {line}", flush=True)
        if not passed:
            print("\n".join(text.splitlines()[-int(os.environ.get("XMPP_TEST_TAIL", "120")) :]), flush=True)
            for other in [one for one in self.waiting if one.after == child.rung.name]:
                self.waiting.remove(other)
                self.outcomes.append(
                    report.Outcome(other.name, False, 0, 0, 0, f"not run, as {child.rung.name} failed")
                )

    def _sign_of_life(self, child: Child) -> None:
        last, shown = self._shown.get(child.rung.name, (0.0, ""))
        if child.elapsed() - last >= EVERY:
            line = report.sign_of_life(end_of(child.log))
            if line and line != shown:
                note(f"{child.rung.name} {child.elapsed():.0f} s: {line}")
            self._shown[child.rung.name] = (child.elapsed(), line)

    def _abandon(self) -> None:
        say(f"Ending {', '.join(child.rung.name for child in self.running) or 'before anything ran'}")
        for child in self.running:
            child.end(10)
        scenarios = [child.rung for child in self.running if child.rung.containers]
        if scenarios:
            for name, why in self.engine.remove(scenarios).items():
                note(f"{name} is left behind: {why}")


def environment() -> dict[str, str]:
    """Out: the environment of rungs: ours, and the images once they are made."""
    own = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    images = LOGS / IMAGES
    lines = images.read_text(encoding="utf-8").splitlines() if images.exists() else []
    return {**own, **dict(line.split("=", 1) for line in lines)}


def end_of(log: Path) -> str:
    """Out: the last of a log that may be long."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 20000))
        return file.read().decode("utf-8", "replace")


def interrupt(number: int, _frame: FrameType | None) -> None:
    """A signal comes."""
    raise Interrupted(signal.Signals(number).name)


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(
        prog="bin/test",
        description="Run the tests, as many rungs side by side as there are processors.",
        epilog=USAGE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("rungs", nargs="*", metavar="RUNG", help="which, in place of the whole")
    parser.add_argument(
        "--lanes", type=int, default=os.cpu_count() or 1, help="how many side by side (default: %(default)s)"
    )
    parser.add_argument(
        "--changed", nargs="?", const="", metavar="BASE",
        help="only what the difference to a commit can reach (default: to where this branch left the main one)",
    )  # fmt: skip
    given = parser.parse_args()
    if given.lanes < 1:
        parser.error("--lanes: there has to be one")
    return given


def choose(given: argparse.Namespace, costs: dict[str, Cost]) -> list[Rung]:
    """Out: the rungs that were asked for, with what they need. Raises ValueError where there is no such rung."""
    names = expanded(given.rungs) if given.rungs else everything()
    if given.changed is not None:
        base = given.changed or changed.default_base()
        reached = changed.reached(changed.files(base))
        names = [name for name in names if name in reached]
        note(f"the difference to {base} reaches {' '.join(names) or 'nothing'}")
    return with_what_they_need([rung(name, costs) for name in names], costs)


def main() -> int:
    """Out: 0 when every rung passed, 1 when one did not or there is no such rung, 130 after a signal."""
    given = arguments()
    LOGS.mkdir(parents=True, exist_ok=True)
    costs = read_costs(COSTS)
    try:
        rungs = choose(given, costs)
    except ValueError as error:
        print(f"bin/test: {error}", file=sys.stderr)
        return 1
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    ladder, began = Ladder(rungs, given.lanes), time.monotonic()
    try:
        ladder.walk()
    except Interrupted as by:
        print(f"bin/test: ended by {by}", file=sys.stderr)
        return 130
    outcomes = ladder.outcomes
    write_costs(COSTS, {**costs, **{one.name: Cost(one.seconds, one.cpu) for one in outcomes if one.passed}})
    say("Rungs, and what each took")
    print(report.table(outcomes, time.monotonic() - began))
    if said := report.failures(outcomes):
        print(f"\n{said}")
    failed = sum(not one.passed for one in outcomes)
    print(f"\n{len(outcomes) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
