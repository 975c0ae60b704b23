# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a killed run left locked does not keep the next drill from reading: restic refuses to check until it is told."""

from __future__ import annotations

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup import drill, restic
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup.programs import Done


class Programs:
    """restic, with a lock of a process that is gone."""

    def __init__(self) -> None:
        self.locked = True

    def restic(self, *words: str) -> Done:
        if words[0] == "unlock":
            self.locked = False
        if words[0] == "check" and self.locked:
            return Done(11, "", "Fatal: unable to create lock in backend: repository is already locked")
        return Done(0, '{"message_type": "summary", "num_errors": 0}' if words[0] == "check" else "", "")


def test_a_lock_of_one_that_was_killed_is_removed_before_all_is_read() -> None:
    snapshot = restic.Snapshot("a" * 64, 1.0, (), "one", 0)
    assert drill.files(Programs(), snapshot)["problems"] == []  # type: ignore[arg-type]
