# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The linter as the transaction uses it: a staged file → remarks, or an error that lists what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.installation import RunCommand


class LintFailed(XmppError):
    """The configuration says what Prosody does not read, or reads otherwise."""


def judge(findings: Iterable[Any], ignore: Iterable[str]) -> list[str]:
    """Findings of the linter → the warnings as text; raises LintFailed when there are errors."""
    left_out = set(ignore)
    considered = [item for item in findings if item.code not in left_out]
    errors = [described(item) for item in considered if item.severity == "error"]
    if errors:
        listed = "\n".join(f"- {text}" for text in errors)
        raise LintFailed(f"The configuration was not applied, nothing was touched. The linter found:\n{listed}")
    return [described(item) for item in considered]


def described(finding: Any) -> str:
    """One finding on one line."""
    hint = f" ({finding.hint})" if finding.hint else ""
    return f"{finding.where}: {finding.message}{hint} [{finding.code}]"


def linter(enabled: bool, ignore: Iterable[str], run_command: RunCommand) -> Callable[[str], list[str]]:
    """The check of a staged file that a transaction takes."""

    def nothing(_path: str) -> list[str]:
        return []

    def lint(path: str) -> list[str]:
        return judge(lint_file(path, run_command=run_command), ignore)

    if not enabled:
        return nothing
    try:
        from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint import lint_file
    except ImportError:
        return nothing
    return lint
