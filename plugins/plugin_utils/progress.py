# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a run did, gathered by host and step, and the lines that say so. Pure; glue is the callback of the same name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

MOST = 5
"""Lines about what changed on one host in one step; what is left is counted."""

_NAMES = 3  # of files, items or actions in one line
_INDENT = " " * 10


def _some(names: Iterable[str]) -> str:
    found = list(dict.fromkeys(name for name in names if name))
    more = f" and {len(found) - _NAMES} more" if len(found) > _NAMES else ""
    return ", ".join(found[:_NAMES]) + more


def _action(one: Mapping[str, Any]) -> str:
    done = f"{one.get('action', '')} {one.get('target', '')}".strip()
    return f"{done} ({one['why']})" if one.get("why") else done


def reason(result: Mapping[str, Any], labels: Sequence[str] = ()) -> str:
    """Say what of a task changed and why, in one line, as far as its result tells.

    result: of a task that is not censored; labels: of the items of its loop that changed. A message is no reason: it
    may be long, and say what a task did to what did not change.
    """
    if labels:
        return _some(labels)
    actions = result.get("actions")
    if isinstance(actions, list) and all(isinstance(one, Mapping) for one in actions):
        # that a file is written goes without saying where something is done about it
        rest = [one for one in actions if one.get("action") != "write"] or actions
        return _some(map(_action, rest))
    paths = result.get("changed_paths")
    if isinstance(paths, list):
        return _some(map(str, paths))
    for key in ("dest", "path"):
        if isinstance(result.get(key), str):
            return str(result[key])
    if isinstance(result.get("name"), str) and isinstance(result.get("state"), str):
        # a unit that was reloaded is told as started, which it was before
        asked = (result.get("invocation") or {}).get("module_args", {}).get("state")
        return f"{result['name']} {asked if asked in ('reloaded', 'restarted') else result['state']}"
    return ""


@dataclass
class Changed:
    """A task that changed something on a host, or would."""

    task: str
    why: str = ""

    def __str__(self) -> str:
        return f"{self.task}: {self.why}" if self.why else self.task


@dataclass
class Part:
    """What one step did on one host. seconds: since the step began, at the last result."""

    ok: int = 0
    seconds: float = 0.0
    changed: list[Changed] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    rescued: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    unreachable: bool = False
    seen: list[str] = field(default_factory=list)
    """What was proved, a line each."""

    @property
    def said(self) -> bool:
        """Whether there is anything to tell: not where every task was skipped."""
        return bool(self.ok or self.changed or self.failed or self.rescued or self.ignored or self.unreachable)


@dataclass
class Step:
    """A play, or one role of a play that has several. number: counted from one."""

    number: int
    name: str
    parts: dict[str, Part] = field(default_factory=dict)

    def part(self, host: str) -> Part:
        """Return what it did on the host so far."""
        return self.parts.setdefault(host, Part())


def duration(seconds: float) -> str:
    """Write a time as a reader wants it: 0.4 s, 12 s, 3 min 5 s."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60} s"


def is_proof(line: str) -> bool:
    """Tell whether a line is of a check with real clients, as filter xmpp_check_lines writes them."""
    return line.startswith(("ok ", "FAILED ", "untried ", "absent "))


def outcome(part: Part, check: bool) -> str:
    """Say in a few words how a step ended on a host."""
    if part.unreachable:
        return "UNREACHABLE"
    words = [
        f"{len(part.failed)} FAILED" if part.failed else "",
        f"{len(part.changed)} {'would change' if check else 'changed'}" if part.changed else "",
        f"{len(part.rescued)} failed and rescued" if part.rescued else "",
        f"{len(part.ignored)} failed and ignored" if part.ignored else "",
    ]
    return ", ".join(filter(None, words)) or "ok"


def step_lines(step: Step, total: int, widths: tuple[int, int], check: bool) -> list[tuple[str, str]]:
    """Return what is printed of a step that ended: (text, kind), one line a host and what there is to know below it.

    total: how many steps there are; widths: of the names of steps and of hosts. kind: ok, changed, failed or plain.
    """
    lines = []
    count = f"{step.number}/{max(total, step.number)}"
    for host, part in sorted(step.parts.items()):
        if not part.said:
            continue
        head = f"{count:>7}  {step.name:<{widths[0]}}  {host:<{widths[1]}}  {duration(part.seconds):>10}"
        kind = "failed" if part.failed or part.unreachable else "changed" if part.changed else "ok"
        lines.append((f"{head}  {outcome(part, check)}", kind))
        lines += [(f"{_INDENT}{text}", "plain") for text in part.seen]
        lines += [(f"{_INDENT}{one}", "plain") for one in part.changed[:MOST]]
        if len(part.changed) > MOST:
            lines.append((f"{_INDENT}and {len(part.changed) - MOST} more (-v tells all)", "plain"))
    return lines


@dataclass
class Totals:
    """What a whole run did on one host."""

    changed: int = 0
    failed: int = 0
    rescued: int = 0
    ignored: int = 0
    unreachable: int = 0


@dataclass
class Run:
    """A run so far. check: whether it only says what it would do."""

    check: bool = False
    steps: list[Step] = field(default_factory=list)

    def proved(self) -> list[str]:
        """Return what was seen, without what was not as it should be."""
        return [line for step in self.steps for part in step.parts.values() for line in part.seen]

    def changes(self) -> dict[str, dict[str, int]]:
        """Return host → step → how many tasks changed something."""
        found: dict[str, dict[str, int]] = {}
        for step in self.steps:
            for host, part in sorted(step.parts.items()):
                if part.changed:
                    of_host = found.setdefault(host, {})
                    of_host[step.name] = of_host.get(step.name, 0) + len(part.changed)
        return found

    def failures(self) -> list[str]:
        """Return each failure that counts, with its host and step."""
        return [
            f"{host}: {step.name}: {text}"
            for step in self.steps
            for host, part in sorted(step.parts.items())
            for text in (["cannot be reached"] if part.unreachable else part.failed)
        ]


def summary_lines(run: Run, totals: Mapping[str, Totals], seconds: float) -> list[tuple[str, str]]:
    """Return the one summary of a run: what changed, what was proved, what failed. (text, kind) as of `step_lines`.

    totals: of every host that took part, as Ansible counted them.
    """
    what = "Would change" if run.check else "Changed"
    # the controller takes part to say and to keep things; it is counted where there is nobody else
    hosts = len([host for host in totals if host != "localhost"]) or len(totals)
    lines = [(f"{hosts} {'host' if hosts == 1 else 'hosts'} in {duration(seconds)}", "ok")]
    changes = run.changes()
    for host, steps in changes.items():
        told = ", ".join(f"{name} ({number})" for name, number in steps.items())
        lines.append((f"{what:<14}{host}: {sum(steps.values())} tasks: {told}", "changed"))
    if not changes:
        lines.append((f"{what:<14}nothing", "ok"))
    seen = [line for line in run.proved() if not line.startswith("absent")]
    if seen:
        bad = [line for line in seen if line.startswith(("FAILED", "untried"))]
        lines.append((f"{'Proved':<14}{len(seen) - len(bad)} of {len(seen)} checks", "failed" if bad else "ok"))
    for word, name in (("rescued", "Rescued"), ("ignored", "Ignored")):
        found = {host: getattr(total, word) for host, total in totals.items() if getattr(total, word)}
        if found:
            text = ", ".join(f"{host}: {number}" for host, number in found.items())
            lines.append((f"{name:<14}{text}", "plain"))
    lines += [(f"{'FAILED':<14}{text}", "failed") for text in run.failures()]
    return lines


def record(run: Run, totals: Mapping[str, Totals], at: float, seconds: float) -> dict[str, Any]:
    """Return the run as data, for whoever asks later. at: when it ended, seconds since 1970."""
    return {
        "at": round(at),
        "seconds": round(seconds, 1),
        "check": run.check,
        "changed": {host: total.changed for host, total in totals.items()},
        "failed": sorted(host for host, total in totals.items() if total.failed or total.unreachable),
        "proved": run.proved(),
        "changes": [
            {"host": host, "step": step.name, "task": one.task, "why": one.why}
            for step in run.steps
            for host, part in sorted(step.parts.items())
            for one in part.changed
        ],
    }
