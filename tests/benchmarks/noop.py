# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the time of a run goes that changes nothing: seconds for each role and kind of task.

    python tests/benchmarks/noop.py [--inventory PATH] [--playbook PATH] [--fast]

The servers of the inventory are deployed twice (those of the quickstart are made where they are not there): the first
run settles what is left to do, the second one is measured and must change nothing. Then a play with as many tasks that
do nothing, on the same host and with the same strategy: what Ansible itself takes. Exit code 1 where something changed,
or where the run takes more than so many times as long as the empty play.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
QUICKSTART = "inventories/quickstart"
# how much longer the run may take than the empty play
MOST = 4.0
# kinds of tasks that never reach a host
LOCAL = frozenset(
    {"debug", "fail", "assert", "set_fact", "include_tasks", "import_tasks", "include_role", "meta", "add_host"}
)


def environment(fast: bool, times: Path) -> dict[str, str]:
    """Out: the environment of a run. times: where the callback writes."""
    made = dict(os.environ)
    made |= {
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tests" / "benchmarks" / "callback_plugins"),
        "ANSIBLE_CALLBACKS_ENABLED": "task_times,allthingslinux.xmpp.warm",
        "ANSIBLE_NOCOLOR": "1",
        "TASK_TIMES": str(times),
    }
    if fast:
        found = sorted(Path(sys.prefix).glob("lib/python3*/site-packages/ansible_mitogen/plugins/strategy"))
        if not found:
            raise SystemExit("Mitogen is not installed beside this Python")
        made |= {"ANSIBLE_STRATEGY": "mitogen_linear", "ANSIBLE_STRATEGY_PLUGINS": str(found[0])}
        made["ANSIBLE_DEPRECATION_WARNINGS"] = "False"
    return made


def play(playbook: Path, inventory: str, fast: bool) -> tuple[float, list[dict[str, Any]]]:
    """Run a playbook; out: how long it took as a whole, and its tasks with their seconds."""
    with tempfile.TemporaryDirectory() as directory:
        times = Path(directory, "times.jsonl")
        began = time.monotonic()
        done = subprocess.run(
            [str(Path(sys.executable).with_name("ansible-playbook")), "-i", inventory, str(playbook)],
            cwd=ROOT,
            env=environment(fast, times),
            capture_output=True,
            text=True,
            check=False,
        )
        took = time.monotonic() - began
        if done.returncode:
            raise SystemExit(f"{playbook} failed:\n{(done.stdout + done.stderr)[-3000:]}")
        lines = [json.loads(line) for line in times.read_text(encoding="utf-8").splitlines()]
    for line, following in zip(lines, lines[1:]):
        line["seconds"] = following["at"] - line["at"]
    return took, lines[:-1]


def totals(tasks: Iterable[dict[str, Any]], key: str) -> list[tuple[str, int, int, float]]:
    """Out: (role or kind, how many tasks, how many of them were done, seconds), the longest first."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for task in tasks:
        found[task[key] or "(playbook)"].append(task)
    rows = [
        (name, len(all_), sum(one["ran"] > 0 for one in all_), sum(one["seconds"] for one in all_))
        for name, all_ in found.items()
    ]
    return sorted(rows, key=lambda row: -row[3])


def empty(tasks: Iterable[dict[str, Any]], host: str) -> str:
    """Out: a play with as many tasks that do nothing: asked of the host, on the controller, and passed over.

    On a Docker host in a companion, which is there before it and gone after it as in the other run.
    """
    done = [task for task in tasks if task["ran"]]
    local = sum(task["kind"] in LOCAL for task in done)
    passed = sum(not task["ran"] for task in tasks)
    ping: dict[str, Any] = {"ansible.builtin.ping": {}}
    bodies: list[dict[str, Any]] = [ping] * (len(done) - local) + [{"ansible.builtin.debug": {"msg": ""}}] * local
    bodies += [{**ping, "when": False}] * passed
    around = ("containers_open", "containers_close") if any(task["role"] == "containers" for task in done) else ()
    plays: list[dict[str, Any]] = [{"import_playbook": str(ROOT / "playbooks" / f"{name}.yml")} for name in around]
    plays[1:1] = [{"name": "Nothing", "hosts": host, "gather_facts": False, "tasks": bodies}]
    return json.dumps(plays)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--inventory", default=QUICKSTART)
    parser.add_argument("--playbook", type=Path, default=Path("site.yml"))
    parser.add_argument("--host", default="prosody", help="where the empty play runs")
    parser.add_argument("--fast", action="store_true", help="with Mitogen")
    chosen = parser.parse_args()
    if chosen.inventory == QUICKSTART:
        subprocess.run([str(ROOT / "bin" / "deploy")], check=True)
    else:
        play(chosen.playbook, chosen.inventory, chosen.fast)
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    took, tasks = play(chosen.playbook, chosen.inventory, chosen.fast)
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        file.write(empty(tasks, chosen.host))
        file.flush()
        alone, nothing = play(Path(file.name), chosen.inventory, chosen.fast)
    for key in ("role", "kind"):
        print(f"\n{key:<34} {'tasks':>6} {'done':>6} {'seconds':>9}")
        for name, count, done, seconds in totals(tasks, key):
            print(f"{name:<34} {count:>6} {done:>6} {seconds:>9.2f}")
    changed = [task["name"] for task in tasks if task["changed"]]
    ratio = took / alone
    good = not changed and ratio <= MOST
    print(f"\na run that changes nothing {took:8.2f} s  {len(tasks)} tasks")
    print(f"the empty play             {alone:8.2f} s  {len(nothing)} tasks")
    print(f"{'ok ' if good else 'BAD'} {ratio:.2f} x, at most {MOST:g} x")
    for name in changed:
        print(f"changed: {name}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
