# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What Prosody has logged as an error since a moment: from the journal of its unit and from its log files."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.installation import RunCommand
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.model import Model

_LINE = re.compile(r"(?:^|\s)(\S+)\s+(debug|info|warn|error)\t(.*)")


def log_files(model: Model | None) -> set[str]:
    """The files the configuration logs to."""
    if model is None:
        return set()
    value: Any = model.get("*", "log")
    found = set()
    if isinstance(value, str):
        found.add(value)
    rules: Iterable[Any] = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    for rule in rules:
        if isinstance(rule, str):
            found.add(rule)
        elif isinstance(rule, Mapping) and isinstance(rule.get("filename"), str):
            found.add(rule["filename"])
    return {name for name in found if name.startswith("/")}


def error_of(line: str) -> str | None:
    """A line of a log → "logger: message" when it is an error, None otherwise. Text and JSON lines."""
    if line.startswith("{"):
        try:
            entry = json.loads(line)
        except ValueError:
            return None
        if isinstance(entry, dict) and str(entry.get("level")) == "error":
            return f"{entry.get('name') or entry.get('source') or 'prosody'}: {entry.get('message')}"
        return None
    match = _LINE.search(line)
    if match and match.group(2) == "error":
        return f"{match.group(1)}: {match.group(3)}"
    return None


def journal_errors(output: str) -> list[str]:
    """The output of `journalctl -o json` → errors of Prosody, in order."""
    found = []
    for line in output.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        message = entry.get("MESSAGE")
        if not isinstance(message, str):
            continue
        error = error_of(message)
        if error is None and entry.get("SYSLOG_IDENTIFIER") == "prosody" and str(entry.get("PRIORITY")) in "0123":
            error = message
        if error:
            found.append(error)
    return found


class LogWatch:
    """Remembers a moment; later tells the errors since."""

    def __init__(self, run_command: RunCommand, unit: str) -> None:
        self._run_command = run_command
        self._unit = unit
        self._offsets: dict[str, int] = {}
        self._since = time.time()

    def mark(self, files: Iterable[str]) -> None:
        """From now on. files: log files of the old and the new configuration."""
        self._since = time.time()
        self._offsets = {}
        for name in files:
            try:
                self._offsets[name] = Path(name).stat().st_size
            except OSError:
                self._offsets[name] = 0

    def errors(self) -> list[str]:
        """Errors since the mark, each once, in order."""
        found: list[str] = []
        for name, offset in self._offsets.items():
            try:
                with open(name, "rb") as file:
                    size = file.seek(0, 2)
                    file.seek(offset if size >= offset else 0)
                    text = file.read(1024 * 1024).decode("utf-8", "replace")
            except OSError:
                continue
            found += [error for error in map(error_of, text.splitlines()) if error]
        command = ["journalctl", "--unit", self._unit, f"--since=@{self._since:.3f}", "--output=json", "--no-pager"]
        rc, out, _err = self._run_command(command, check_rc=False)
        if rc == 0:
            found += journal_errors(out)
        return list(dict.fromkeys(found))

    def tail(self, lines: int = 15) -> str:
        """The last lines of the unit's journal since the mark, for a message."""
        rc, out, _err = self._run_command(
            ["journalctl", "--unit", self._unit, f"--since=@{self._since:.3f}", "--output=cat", "--no-pager",
             f"--lines={lines}"],
            check_rc=False,
        )  # fmt: skip
        return out.strip() if rc == 0 else ""
