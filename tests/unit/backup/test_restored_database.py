# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A database that was restored and started: waited for as long as it replays, and no longer than it tries."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup import restore
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup.programs import Done
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup.settings import BackupError

UNIT = "postgresql@17-main"


class Host:
    """States of the unit one after another; the database answers in the last of them if it ever does."""

    def __init__(self, *states: str, opens: bool) -> None:
        self.states, self.opens, self.done = list(states), opens, list[str]()

    def run(self, *words: str, **_more: Any) -> Done:
        if words[0] == "journalctl":
            return Done(0, "FATAL: recovery ended before configured recovery target was reached\n", "")
        self.done.append(words[1])
        return Done(0, self.states[0] if words[1] == "show" else "", "")

    def sql(self, _statements: str) -> str:
        if len(self.states) > 1:
            self.states.pop(0)
        elif self.opens:
            return "f"
        raise BackupError("PostgreSQL did not answer")


@pytest.mark.parametrize(
    ("states", "opens", "why", "stopped"),
    [
        (["start", "start", "running"], True, "", False),
        # systemd starts again what failed, for ever: it does not count as being on its way
        (["start", "auto-restart"], False, "recovery ended before", True),
        (["start", "failed"], False, "recovery ended before", True),
        (["dead"], False, "recovery ended before", True),
    ],
)
def test_what_does_not_come_up_is_told_and_not_tried_for_ever(
    monkeypatch: pytest.MonkeyPatch, states: list[str], opens: bool, why: str, stopped: bool
) -> None:
    host = Host(*states, opens=opens)
    monkeypatch.setattr(restore, "run", host.run)
    monkeypatch.setattr(restore.time, "sleep", lambda _seconds: None)
    assert why in restore._started(host, UNIT)  # type: ignore[arg-type]
    assert (host.done[-1] == "stop") is stopped
