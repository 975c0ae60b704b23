# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Results and messages as the operator sees them: no secret, whatever Prosody printed; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.run import Request, Result, Undone

_SECRET_VALUE = re.compile(
    r"""((?:\w*(?:secret|password|passwd|token)\w*|\[\s*["'][^"']*(?:secret|password)[^"']*["']\s*\])\s*=\s*)"""
    r"""("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')""",
    re.IGNORECASE,
)


def scrubbed(text: str, secrets: Mapping[str, Any] | None) -> str:
    """The text without the value of any secret."""
    for value in sorted((str(value) for value in (secrets or {}).values()), key=len, reverse=True):
        if len(value) > 3:
            text = text.replace(value, "********")
    return text


def redacted(text: str) -> str:
    """A configuration without the text of options named like a secret."""
    return _SECRET_VALUE.sub(r'\1"********"', text)


def failure(error: Undone, secrets: Mapping[str, Any] | None) -> dict[str, Any]:
    """What fail_json gets."""
    return {
        "msg": scrubbed(str(error), secrets),
        "changed": False,
        "actions": [action.described() for action in error.actions],
        "failures": [{"probe": item.probe, "seen": scrubbed(item.seen, secrets)} for item in error.failures],
    }


def success(result: Result, request: Request, diff: bool) -> dict[str, Any]:
    """What exit_json gets."""
    answer: dict[str, Any] = {
        "changed": result.changed,
        "actions": [action.described() for action in [*result.files, *result.actions]],
        "remarks": result.remarks,
        "recovered": result.recovered,
    }
    if diff:
        answer["diff"] = differences(result, request)
    return answer


def differences(result: Result, request: Request) -> list[dict[str, str]]:
    """For --diff: the configuration in the open, secrets by name, then the actions."""
    before = (result.before or b"").decode("utf-8", "replace")
    after = request.content.decode("utf-8", "replace")
    shown = [
        {
            "before_header": request.path,
            "after_header": request.path,
            "before": redacted(before),
            "after": redacted(after),
        }
    ]
    lines = [
        f"{action.action} {action.target}: {action.why}" for action in result.files if action.target != request.path
    ]
    lines += [str(action) for action in result.actions]
    if lines:
        shown.append({"prepared": "\n".join(lines) + "\n"})
    return shown
