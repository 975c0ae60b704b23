# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a lint run reports."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

ERROR = "error"
WARNING = "warning"


@dataclass(frozen=True, order=True)
class Finding:
    """One thing that is wrong with a configuration.

    severity: "error" (Prosody refuses, ignores or misreads what is written) or "warning" (works, hardly as meant)
    code: short name of the kind of finding, the same for ever; `ignore` takes it
    where: file:line and host, as a person reads it
    message: what is wrong; hint: what to write instead ("" when there is nothing to say)
    host: "*" for the global section; option: name of the option or module, with sub-keys as `sql.pool_size`
    """

    severity: str
    code: str
    where: str
    message: str
    hint: str = ""
    host: str = "*"
    option: str = ""
    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        hint = f" — {self.hint}" if self.hint else ""
        return f"{self.severity}: {self.where}: {self.message}{hint} [{self.code}]"

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def ignored(findings: Iterable[Finding], ignore: Iterable[str]) -> list[Finding]:
    """Findings without those the operator accepts.

    ignore: codes (`unread-option`), options (`site_motto`), or both (`unread-option:site_motto`)
    """
    accepted = set(ignore)
    return [
        finding
        for finding in findings
        if not accepted & {finding.code, finding.option, f"{finding.code}:{finding.option}"}
    ]
