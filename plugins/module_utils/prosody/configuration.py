# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runner: a configuration file → what Prosody's own parser makes of it, asked in an interpreter of its own."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.configuration_lua import MARK, SCRIPT
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.installation import Installation, RunCommand

# for the whole reading
SECONDS = 20


class NoAnswer(XmppError):
    """The reader did not come to its end. reason: why, without the file's name."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path} {reason}")
        self.reason = reason


def judge(
    content: str,
    as_path: str,
    installation: Installation,
    run_command: RunCommand,
    pending: Iterable[str] = (),
    timeout: int = SECONDS,
    wrap: Sequence[str] | None = None,
) -> dict[str, Any]:
    """A text that will lie at `as_path` → the reader's answer for the linter, without what came out of files.

    pending: files that are about to be written. timeout: seconds. wrap: command that runs the interpreter with fewer
    rights; None: as the user prosody, where we are root. Raises NoAnswer.
    """
    prefix = installation.unprivileged() if wrap is None else wrap
    return _ask("judge", content, as_path, installation, run_command, sorted(set(pending)), timeout, prefix)


def compare(path: str, installation: Installation, run_command: RunCommand) -> dict[str, Any]:
    """A file → what it says as the server reads it, secrets among it. Raises NoAnswer."""
    return _ask("compare", "", path, installation, run_command, [], SECONDS, [])


def _ask(
    how: str,
    content: str,
    path: str,
    installation: Installation,
    run_command: RunCommand,
    pending: Sequence[str],
    timeout: int,
    prefix: Sequence[str],
) -> dict[str, Any]:
    header = [how, str(installation.source), str(installation.data), str(Path(path).parent), path]
    header += [str(len(pending)), *pending]
    if any("\n" in line for line in header):
        raise NoAnswer(path, "refers to a path that contains a line break")
    # nothing secret on the command line: the program alone
    argv = ["timeout", "-k", "2", str(timeout), *prefix, installation.lua, "-e", SCRIPT]
    code, output, errors = run_command(argv, data="\n".join(header) + "\n" + content)
    if code in (124, 137):
        raise NoAnswer(path, f"was still running after {timeout} s; does it contain an endless loop?")
    if code != 0 or MARK not in output:
        said = (errors or output).strip()[-400:]
        raise NoAnswer(path, f"was not read: {installation.lua} ended with status {code}: {said}")
    answer: dict[str, Any] = json.loads(output[output.rfind(MARK) + len(MARK) :])
    return answer
