# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forms of values: what a program that reads them takes, and that no line shows one."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.preflight import forms

GOOD: dict[str, list[Any]] = {
    "port": [1, "443", 65535],
    "port_or_none": [0, 65535],
    "natural": [0, "7"],
    "at_least_one": [1],
    "connections": [10],
    "address": ["192.0.2.1", "2001:db8::1"],
    "network": ["192.0.2.1", "192.0.2.0/24", "2001:db8::/32"],
    "duration": ["30s", "5m", "1h30m", "1w2d", "500ms"],
    "size": ["2GB", "512MB"],
    "journal_size": ["1G", "500M", "1048576"],
    "mail_address": ["ops@example.org"],
    "server": ["localhost:25", "mail.example.org:587", "[2001:db8::1]:465"],
    "url": ["https://example.org/hook?key=1", "http://192.0.2.1:8080", "http://[::1]/"],
}
BAD: dict[str, list[Any]] = {
    "port": [0, 65536, -1],
    "port_or_none": [-1, 443443],
    "natural": [-5, "-1"],
    "at_least_one": [0, -3],
    "connections": [0, 9],
    "address": ["300.1.2.3", "example.org", "192.0.2.0/24"],
    "network": ["example.org", "192.0.2.0/33"],
    "duration": ["often", "0s", "5", "30m1h", "1.5h"],
    "size": ["2 GB", "9G", "0GB", "lots"],
    "journal_size": ["1 G", "1GB", "0"],
    "mail_address": ["ops", "a b@example.org", "Ops <ops@example.org>"],
    "server": ["localhost", "mail.example.org:99999", "mail.example.org:0", "a b:25"],
    "url": ["ftp://example.org", "https://", "https://example.org/a b", "example.org", "http://example.org:99999"],
}


def test_each_form_has_examples() -> None:
    assert set(forms.FORMS) == set(GOOD) == set(BAD)


@pytest.mark.parametrize(("form", "value"), [(form, value) for form, values in GOOD.items() for value in values])
def test_what_is_taken(form: str, value: Any) -> None:
    assert forms.problems(form, "it", value) == []


@pytest.mark.parametrize(("form", "value"), [(form, value) for form, values in BAD.items() for value in values])
def test_what_is_refused_without_being_shown(form: str, value: Any) -> None:
    (line,) = forms.problems(form, "here", value)
    assert line.startswith("here is ")
    assert line.endswith(".")
    assert str(value) not in line.partition(": ")[0]


@pytest.mark.parametrize("form", GOOD)
def test_nothing_is_no_value(form: str) -> None:
    assert forms.problems(form, "it", "") == []
    assert forms.problems(form, "it", None) == []
