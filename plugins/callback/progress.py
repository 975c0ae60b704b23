# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A run in one line for each host and step, and one summary."""

from __future__ import annotations

DOCUMENTATION = r"""
name: progress
type: stdout
short_description: A run in one line for each host and step, and one summary
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - Prints one line for each host and step (a play, or one role of a play that has several) with how far the run is, the
    time it took, what changed and why; everything about a failure; and one summary at the end.
  - With C(-v) it is Ansible's own output. On a terminal the last line says what is being done; elsewhere there are
    plain lines only.
  - What a task with C(no_log) returned is never shown, and neither are its errors and warnings.
extends_documentation_fragment:
  - default_callback
  - result_format_callback
requirements:
  - set as stdout callback in the configuration
options:
  quiet:
    description: Whether only failures, and what a playbook itself says, are printed.
    type: bool
    default: false
    env:
      - name: XMPP_PROGRESS_QUIET
    ini:
      - section: callback_xmpp_progress
        key: quiet
  record:
    description: A file into which the run is written as JSON when it ends.
    type: path
    env:
      - name: XMPP_PROGRESS_RECORD
    ini:
      - section: callback_xmpp_progress
        key: record
"""

EXAMPLES = r"""
# In ansible.cfg, or as the environment variable ANSIBLE_STDOUT_CALLBACK
#
# [defaults]
# stdout_callback = allthingslinux.xmpp.progress
"""

import contextlib
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any, ClassVar

from ansible import constants as C
from ansible import context
from ansible.playbook.block import Block
from ansible.playbook.task_include import TaskInclude
from ansible.plugins.callback.default import CallbackModule as Default
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils import advice, progress
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.warm import warm

_HIDDEN = "what it returned is hidden (no_log)"
_WIDEST = 48  # name of a step before the columns after it give way
_PAUSE = ("pause", "ansible.builtin.pause", "ansible.legacy.pause")
_ASSERT = ("assert", "ansible.builtin.assert", "ansible.legacy.assert")


def _own(method: Callable[..., None]) -> Callable[..., None]:
    """Have Ansible's own output with -v, and this one without."""

    @wraps(method)
    def either(self: CallbackModule, *arguments: Any, **named: Any) -> None:
        chosen = getattr(Default, method.__name__) if self._display.verbosity else method
        chosen(self, *arguments, **named)

    return either


def _silent(name: str) -> Callable[..., None]:
    """Make a method that says nothing, and with -v what Ansible says."""

    def method(self: CallbackModule, *arguments: Any, **named: Any) -> None:
        del self, arguments, named

    method.__name__ = name
    return _own(method)


def _censored(result: Mapping[str, Any]) -> bool:
    return bool(result.get("_ansible_no_log") or "censored" in result)


def _is_rescued(task: Any) -> bool:
    """Tell whether a block around the task has a rescue for it."""
    child, parent = task, task._parent
    while parent is not None:
        if isinstance(parent, Block) and parent.rescue and any(one._uuid == child._uuid for one in parent.block):
            return True
        child, parent = parent, parent._parent
    return False


def _outermost_role(task: Any) -> str:
    """Name the role that the play has: the one that a role within it was called from, too."""
    role = task._role
    while role is not None and role._parents:
        role = role._parents[0]
    return role.get_name() if role is not None else ""


class CallbackModule(Default):
    """Callback allthingslinux.xmpp.progress."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "allthingslinux.xmpp.progress"

    _COLORS: ClassVar[dict[str, str | None]] = {
        "ok": C.COLOR_OK,
        "changed": C.COLOR_CHANGED,
        "failed": C.COLOR_ERROR,
        "plain": None,
    }

    def __init__(self) -> None:
        super().__init__()
        warm()
        self._run = progress.Run(check=bool(context.CLIARGS.get("check")))
        self._began = self._step_began = time.monotonic()
        self._total = self._number = 0
        self._several = False
        self._play: Any = None
        self._step: progress.Step | None = None
        self._key: tuple[str, str] = ("", "")
        self._widths = (24, 12)
        self._is_live = sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self._live = ""
        self._items: dict[tuple[str, str], list[str]] = {}

    # What is printed

    def _say(self, text: str, kind: str = "plain") -> None:
        self._clear()
        try:
            self._display.display(text, color=self._COLORS[kind])
            sys.stdout.flush()
        except BrokenPipeError:
            # who read this has what they wanted (| head), and the run goes on to its end
            with open(os.devnull, "wb") as nowhere:
                os.dup2(nowhere.fileno(), sys.stdout.fileno())

    def _clear(self) -> None:
        if self._live:
            sys.stdout.write("\r\033[K")
            sys.stdout.flush()
            self._live = ""

    def _show_live(self, task: Any) -> None:
        """On a terminal, say what is being done in the last line. The cursor stays at its start: anything may follow.

        What follows that is not printed here, as a question for a password, so overwrites it.
        """
        step = self._step
        if not self._is_live or self.get_option("quiet") or not step or task.action in _PAUSE:
            return
        name = task.get_name().strip().rpartition(" : ")[2]
        passed = progress.duration(time.monotonic() - self._began)
        text = f"{step.number:>3}/{self._total}  {step.name}: {name} … {passed}"
        self._live = text[: shutil.get_terminal_size().columns - 1]
        sys.stdout.write(f"\r\033[K{self._live}\r")
        sys.stdout.flush()

    def _end_step(self) -> None:
        step, self._step = self._step, None
        self._clear()
        if step is None:
            return
        self._run.steps.append(step)
        if not self.get_option("quiet"):
            for text, kind in progress.step_lines(step, self._total, self._widths, self._run.check):
                self._say(text, kind)

    def _enter(self, task: Any) -> progress.Step:
        """Return the step of a task: begin it, if it is not the one that runs."""
        role = _outermost_role(task) if self._several else ""
        key = (str(self._play._uuid) if self._play else "", role)
        if self._step is not None and (key == self._key or not role):
            return self._step
        self._end_step()
        self._key = key
        play = self._play.get_name().strip() if self._play else ""
        self._step = progress.Step(self._number, f"{play}: {role.rpartition('.')[2]}" if role else play)
        self._step_began = time.monotonic()
        return self._step

    def _part(self, result: Any) -> progress.Part:
        part = self._enter(result.task).part(result.host.get_name())
        part.seconds = time.monotonic() - self._step_began
        return part

    def _warn(self, result: Any) -> None:
        if not _censored(result.result):
            self._clear()
            self._handle_warnings(result.result)

    @staticmethod
    def _name(result: Any) -> str:
        return str(result.task.get_name().strip().rpartition(" : ")[2])

    def _typed(self, text: str, host: Any) -> list[str]:
        """Return commands that a text names as they are typed for a host, as far as is known how it is reached."""
        with contextlib.suppress(Exception):
            return advice.commands(text, self._play.get_variable_manager().get_vars(play=self._play, host=host))
        return []

    def _tell_failure(self, result: Any, how: str, item: Any = None) -> None:
        """Everything that is known of a failure."""
        label = "" if item is None else f" (item={item})"
        self._say(
            f"{how}  {self._step.name if self._step else ''}: {self._name(result)} [{self.host_label(result)}]{label}",
            "failed",
        )
        path = result.task.get_path()
        if path:
            self._say(f"        {path}")
        if _censored(result.result):
            self._say(f"        {_HIDDEN}")
            return
        shown = dict(result.result)
        typed = self._typed(str(shown.get("msg") or ""), result.host)
        self._handle_warnings(shown)
        if shown.get("exception"):
            self._handle_exception(shown)
            shown.pop("msg", None)
        for key in (
            "changed",
            "results",
            "warnings",
            "deprecations",
            "exception",
            "invocation",
            "diff",
            "ansible_loop_var",
            "item",
            "stdout_lines",
            "stderr_lines",
        ):
            shown.pop(key, None)
        if "msg" in shown:
            for line in str(shown.pop("msg")).splitlines():
                self._say(f"        {line}")
        if typed:
            self._say(f"        On the Docker host that is: {'; '.join(typed)}")
        if any(not str(key).startswith("_") for key in shown):
            for line in self._dump_results(shown, indent=4).strip("\n").splitlines():
                self._say(f"        {line}")

    # What Ansible tells

    @_own
    def v2_playbook_on_start(self, playbook: Any) -> None:
        plays = playbook.get_plays()
        self._total += len(plays)
        names = (len(play.get_name().strip()) for play in plays)
        self._widths = (min(_WIDEST, max([self._widths[0], *names])), self._widths[1])
        if self._run.check and not self.get_option("quiet"):
            self._say("Nothing is changed: a check says what would be")

    @_own
    def v2_playbook_on_play_start(self, play: Any) -> None:
        self._end_step()
        # a play with "serial" starts anew for each batch of hosts
        if self._play is None or self._play._uuid != play._uuid:
            self._number += 1
        self._play = play
        # those that tasks include later are no steps of their own
        self._several = len({role.get_name() for role in play.roles}) > 1
        with contextlib.suppress(Exception):
            manager = play.get_variable_manager()
            hosts = manager._inventory.get_hosts()
            self._widths = (self._widths[0], max([self._widths[1], *(len(host.name) for host in hosts)]))

    @_own
    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self._enter(task)
        self._show_live(task)

    @_own
    def v2_playbook_on_handler_task_start(self, task: Any) -> None:
        self._show_live(task)

    @_own
    def v2_runner_on_ok(self, result: Any) -> None:
        if isinstance(result.task, TaskInclude):
            return
        part = self._part(result)
        self._warn(result)
        key = (result.host.get_name(), result.task._uuid)
        labels = self._items.pop(key, [])
        if result.result.get("changed"):
            why = "" if _censored(result.result) else progress.reason(result.result, labels)
            part.changed.append(progress.Changed(self._name(result), why))
        else:
            part.ok += 1
        if result.task.action in C._ACTION_DEBUG and not (result.task.loop and "results" in result.result):
            self._tell_debug(result.result)
        if result.task.action in _ASSERT:
            part.seen += [label for label in labels if progress.is_proof(label)]

    def _tell_debug(self, result: Any) -> None:
        """What a playbook says, as it says it."""
        if _censored(result):
            return
        self._clean_results(result, "debug")
        said = result.get("msg", None)
        if said is None:
            told = {key: value for key, value in result.items() if not str(key).startswith("_") and key != "changed"}
            said = self._dump_results(told, indent=4) if told else ""
        for line in said if isinstance(said, list) else str(said).splitlines():
            self._say(str(line))

    @_own
    def v2_runner_item_on_ok(self, result: Any) -> None:
        if isinstance(result.task, TaskInclude):
            return
        self._part(result)
        self._warn(result)
        if result.task.action in C._ACTION_DEBUG:
            self._tell_debug(result.result)
        elif not _censored(result.result) and (result.task.action in _ASSERT or result.result.get("changed")):
            label = self._get_item_label(result.result)
            text = str(label.get("name", "")) if isinstance(label, Mapping) else str(label)
            self._items.setdefault((result.host.get_name(), result.task._uuid), []).append(text)

    @_own
    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        part = self._part(result)
        self._items.pop((result.host.get_name(), result.task._uuid), None)
        rescued = not ignore_errors and _is_rescued(result.task)
        which = part.ignored if ignore_errors else part.rescued if rescued else part.failed
        which.append(self._name(result))
        if result.task.loop and "results" in result.result:
            return  # each item was told
        self._tell_failure(result, "ignored" if ignore_errors else "rescued" if rescued else "FAILED")

    @_own
    def v2_runner_item_on_failed(self, result: Any) -> None:
        self._part(result)
        ignored = bool(result.task_fields.get("ignore_errors"))
        how = "ignored" if ignored else "rescued" if _is_rescued(result.task) else "FAILED"
        self._tell_failure(result, how, self._get_item_label(result.result))

    @_own
    def v2_runner_on_unreachable(self, result: Any) -> None:
        part = self._part(result)
        ignored = bool(result.task_fields.get("ignore_unreachable"))
        if ignored:
            part.ignored.append(self._name(result))
        else:
            part.unreachable = True
        self._tell_failure(result, "ignored" if ignored else "UNREACHABLE")

    @_own
    def v2_runner_on_skipped(self, result: Any) -> None:
        self._warn(result)

    @_own
    def v2_runner_retry(self, result: Any) -> None:
        self._part(result)

    @_own
    def v2_on_file_diff(self, result: Any) -> None:
        if _censored(result.result):
            return
        for one in result.result.get("results", [result.result]) if result.task.loop else [result.result]:
            if isinstance(one, Mapping) and one.get("diff") and one.get("changed") and not _censored(one):
                text = self._get_diff(one["diff"])
                if text:
                    self._say(f"{self._name(result)} [{self.host_label(result)}]")
                    self._say(text.rstrip("\n"))

    @_own
    def v2_playbook_on_stats(self, stats: Any) -> None:
        self._end_step()
        totals = {host: self._totals(stats.summarize(host)) for host in sorted(stats.processed)}
        seconds = time.monotonic() - self._began
        told = progress.summary_lines(self._run, totals, seconds)
        failed = any(total.failed or total.unreachable for total in totals.values())
        if not self.get_option("quiet"):
            self._say("")
            for text, kind in told:
                self._say(text, kind)
        elif failed:
            for text, kind in told:
                if kind == "failed":
                    self._say(text, kind)
        path = self.get_option("record")
        if path:
            Path(path).write_text(json.dumps(progress.record(self._run, totals, time.time(), seconds)) + "\n")

    @staticmethod
    def _totals(counted: Mapping[str, int]) -> progress.Totals:
        return progress.Totals(
            changed=counted["changed"],
            failed=counted["failures"],
            rescued=counted["rescued"],
            ignored=counted["ignored"],
            unreachable=counted["unreachable"],
        )

    v2_runner_on_start = _silent("v2_runner_on_start")
    v2_runner_item_on_skipped = _silent("v2_runner_item_on_skipped")
    v2_playbook_on_no_hosts_matched = _silent("v2_playbook_on_no_hosts_matched")
    v2_playbook_on_no_hosts_remaining = _silent("v2_playbook_on_no_hosts_remaining")
    v2_playbook_on_include = _silent("v2_playbook_on_include")
    v2_runner_on_async_poll = _silent("v2_runner_on_async_poll")
    v2_runner_on_async_ok = _silent("v2_runner_on_async_ok")
    v2_runner_on_async_failed = _silent("v2_runner_on_async_failed")
