# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names outside ASCII come out of Lua as bytes; they are probed as DNS and XMPP have them."""

from __future__ import annotations

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.probes import dns_name, readable


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
