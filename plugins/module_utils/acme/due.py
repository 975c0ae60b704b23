# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""When a certificate is issued anew, and for which names. Pure."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.certificate import Certificate, uncovered

# Let's Encrypt allows five failed validations an hour for each name
WAIT = datetime.timedelta(hours=1)
ASK = datetime.timedelta(hours=6)


@dataclass(frozen=True)
class Record:
    """What is remembered of a certificate. Times are seconds since 1970, 0 for never.

    directory, sha256: which server issued what was put in place last. failed: when the last attempt failed, 0 where it
    went well; error: why; tried: which server that was. suggested: from when on the server would have it renewed (RFC
    9773); asked: when that was asked.
    """

    directory: str = ""
    sha256: str = ""
    failed: float = 0
    error: str = ""
    tried: str = ""
    suggested: float = 0
    asked: float = 0


def renewal_time(certificate: Certificate) -> datetime.datetime:
    """From when on a certificate is renewed: with a third of its own life left.

    That is what Let's Encrypt asks of clients (https://letsencrypt.org/docs/integration-guide/); where it wants a short
    one renewed with half of it left, it says so (RFC 9773).
    """
    return certificate.not_after - (certificate.not_after - certificate.not_before) / 3


def due_time(certificate: Certificate, record: Record) -> datetime.datetime:
    """The same, or earlier where the server asks for that."""
    due = renewal_time(certificate)
    if record.suggested and record.sha256 == certificate.sha256:
        due = min(due, datetime.datetime.fromtimestamp(record.suggested, datetime.timezone.utc))
    return due


def reason(
    certificate: Certificate | None, names: Sequence[str], directory: str, record: Record, now: datetime.datetime
) -> str:
    """Why a certificate has to be issued, "" if it need not be."""
    if certificate is None:
        return "there is none"
    if record.sha256 != certificate.sha256 or record.directory != directory:
        return f"what is there did not come from {directory}"
    missing = uncovered(certificate, names)
    if missing:
        return f"it lacks {', '.join(missing)}"
    if now >= due_time(certificate, record):
        return f"it ends on {certificate.not_after:%Y-%m-%d %H:%M} UTC"
    return ""


def waits(certificate: Certificate | None, record: Record, now: datetime.datetime) -> bool:
    """Whether the last attempt failed too short a time ago for another one: an hour, or a tenth of its life.

    One that failed in the future, as told by a clock that was wrong, is no reason to wait.
    """
    if not record.failed or record.failed > now.timestamp():
        return False
    pause = WAIT
    if certificate is not None:
        pause = min(pause, (certificate.not_after - certificate.not_before) / 10)
    return now < datetime.datetime.fromtimestamp(record.failed, datetime.timezone.utc) + pause


def asks(record: Record, certificate: Certificate | None, now: datetime.datetime) -> bool:
    """Whether it is time to ask the server when it would have it renewed: every six hours, as RFC 9773 has it."""
    if certificate is None or record.sha256 != certificate.sha256:
        return False
    pause = min(ASK, (certificate.not_after - certificate.not_before) / 10)
    if record.asked > now.timestamp():  # by a clock that was wrong
        return True
    return now >= datetime.datetime.fromtimestamp(record.asked, datetime.timezone.utc) + pause


def asked_names(names: Sequence[str], wildcard: bool) -> tuple[str, ...]:
    """The names to ask for. wildcard: names one label below the first one, or another one that stays, are one."""
    if not wildcard:
        return tuple(dict.fromkeys(names))
    given = tuple(dict.fromkeys(names))
    found: list[str] = []
    for name in given:
        parent = name.partition(".")[2]
        found.append(f"*.{parent}" if parent in given else name)
    return tuple(dict.fromkeys(found))
