# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a check says: outcomes, failures that help, and text without secrets."""

from __future__ import annotations

import base64
import os
import ssl
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError, printable

HIDDEN = "********"
# Where a server says what it thinks
PROSODY_LOG = "journalctl -u prosody -n 100"
COTURN_LOG = "journalctl -u coturn -n 50"


def require(library: str, missing: str) -> None:
    """Raise XmppError where a library could not be imported. missing: what Python said, "" where it is there."""
    if missing:
        raise XmppError(f"{library} cannot be imported ({missing}); install it where this runs: pip install {library}")


class CheckFailed(XmppError):
    """A check that found the service wanting.

    `attempted` is what was tried, `seen` what happened instead, `advice` what to look at.
    """

    def __init__(self, attempted: str, seen: str, advice: str) -> None:
        super().__init__(f"{attempted}: {seen}. {advice}")
        self.attempted = attempted
        self.seen = seen
        self.advice = advice


class NotTried(XmppError):
    """A check that could not be tried because something it builds on failed; the text says what."""


class NotOffered(XmppError):
    """What the check is about is optional and the service does not offer it; the text says what."""


@dataclass(frozen=True)
class Outcome:
    """One check, done. `state` is ok, failed, not_tried (something before it failed) or not_offered (optional)."""

    name: str
    title: str
    state: str
    seen: str
    advice: str = ""
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether the service stands as far as this check goes."""
        return self.state in ("ok", "not_offered")

    def line(self) -> str:
        """The one line an operator reads."""
        mark = {"ok": "ok", "failed": "FAILED", "not_tried": "untried", "not_offered": "absent"}[self.state]
        text = f"{mark:7} {self.title}: {self.seen.rstrip('.')}"
        return f"{text}. {self.advice}" if self.advice else text

    def as_dict(self) -> dict[str, Any]:
        """As the module returns it."""
        return {**asdict(self), "ok": self.ok, "seconds": round(self.seconds, 3)}


def spellings(secrets: Iterable[str]) -> list[str]:
    """Every secret in the forms in which it could turn up in a text: as it is and in base64; longest first.

    Empty ones are left out: replacing them would destroy any text.
    """
    forms: set[str] = set()
    for secret in secrets:
        if secret:
            forms.add(secret)
            forms.add(base64.b64encode(secret.encode()).decode())
    return sorted(forms, key=len, reverse=True)


def without_secrets(text: str, secrets: Iterable[str]) -> str:
    """The text with every spelling of every secret replaced by asterisks."""
    for form in spellings(secrets):
        text = text.replace(form, HIDDEN)
    return text


def milliseconds(seconds: float) -> str:
    """0.1234 → "123 ms"."""
    return f"{round(seconds * 1000)} ms"


def explain(error: BaseException) -> str:
    """The text of any exception in one line, never empty, without a final full stop (an OSError by its number)."""
    if isinstance(error, ssl.SSLCertVerificationError):
        text = error.verify_message
    elif isinstance(error, ssl.SSLError):
        text = getattr(error, "reason", None) or " ".join(str(error).split())
    elif isinstance(error, OSError) and error.errno:
        text = os.strerror(error.errno) if error.errno > 0 else error.strerror or str(error)
    else:
        text = " ".join(str(error).split())
    return (printable(text) or type(error).__name__).rstrip(".")
