# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The linter as the transaction uses it: a staged file → remarks, or an error that lists what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint import lint_file
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.installation import RunCommand

Lint = Callable[[str, str, Iterable[str]], list[str]]


class LintFailed(XmppError):
    """The configuration says what Prosody does not read, or reads otherwise."""


def judge(findings: Iterable[Any]) -> list[str]:
    """Findings of the linter → the warnings as text; raises LintFailed when there are errors."""
    considered = list(findings)
    errors = [described(item) for item in considered if item.severity == "error"]
    if errors:
        listed = "\n".join(f"- {text}" for text in errors)
        raise LintFailed(f"The configuration was not applied, nothing was touched. The linter found:\n{listed}")
    return [described(item) for item in considered]


def described(finding: Any) -> str:
    """One finding on one line."""
    hint = f" ({finding.hint})" if finding.hint else ""
    return f"{finding.where}: {finding.message}{hint} [{finding.code}]"


def linter(enabled: bool, ignore: Iterable[str], run_command: RunCommand) -> Lint:
    """The check of a staged file that a transaction takes: (file, where it will be, files about to be written)."""
    accepted = tuple(ignore)

    def lint(path: str, as_path: str, pending: Iterable[str]) -> list[str]:
        if not enabled:
            return []
        return judge(lint_file(path, run_command=run_command, as_path=as_path, pending_files=pending, ignore=accepted))

    return lint
