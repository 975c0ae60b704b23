# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names outside ASCII come out of Lua as bytes; they are probed as DNS and XMPP have them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.live import Live
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.model import readable
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.planner import Action
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.probes import dns_name


@pytest.mark.parametrize(
    ("name", "unicode", "ascii_name"),
    [
        ("example.org", "example.org", "example.org"),
        ("b\u00c3\u00bccher.example", "bücher.example", "xn--bcher-kva.example"),
        ("not\u00fcutf8", "notüutf8", "xn--notutf8-p2a"),
        ("a b", "a b", "a b"),
    ],
)
def test_names(name: str, unicode: str, ascii_name: str) -> None:
    assert readable(name) == unicode
    assert dns_name(name) == ascii_name


class Console:
    """Keeps the Lua that it was sent."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def command(self, line: str) -> None:
        self.sent.append(line)

    def lua(self, chunk: str) -> str:
        self.sent.append(chunk)
        return "."


def test_a_name_goes_back_to_prosody_as_the_bytes_that_it_came_as() -> None:
    console: Any = Console()
    action = Action("module:load", "sql_guard", "added to the modules", ("b\u00c3\u00bccher.example",))
    Live(console).apply(action)
    assert '{"bücher.example"}' in console.sent[-1]
    assert action.described()["hosts"] == ["bücher.example"]
    assert "on bücher.example" in str(action)
