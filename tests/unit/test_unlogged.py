# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a module with secrets inside lists writes to the journal."""

from __future__ import annotations

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.unlogged import UnloggedParameters


class Base:
    def __init__(self):
        self.logged = []
        self._log_invocation()

    def log(self, text):
        self.logged.append(text)

    def _log_invocation(self):
        self.log("Invoked with secrets=[{'content': 'pass\\nword'}]")


class Module(UnloggedParameters, Base):
    pass


def test_the_call_is_logged_without_its_parameters():
    assert Module().logged == ["Invoked. Its parameters hold secrets and are not logged."]


def test_without_the_mixin_they_would_be():
    assert "pass" in Base().logged[0]
