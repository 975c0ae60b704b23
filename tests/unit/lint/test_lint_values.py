# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values judged as core/moduleapi.lua would."""

from __future__ import annotations

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.config import Opaque, Secret, Table
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.expressions import TableLiteral
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.source import HOST, OptionRead
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.values import duration, judge, number


def reading(kind, default=None, choices=None, minimum=None, maximum=None):
    return OptionRead("x", kind, default, choices, minimum, maximum, HOST, "x.lua", 1)


def listed(*items):
    return Table(tuple(enumerate(items, 1)))


GOOD = [
    (True, reading("boolean")),
    ("false", reading("boolean")),
    (1, reading("boolean")),
    ("x", reading("string")),
    (5, reading("string")),
    (listed("x"), reading("string")),
    (5, reading("integer", None, None, 1, 10)),
    ("5", reading("integer")),
    (5.0, reading("integer")),
    (0.5, reading("number", None, None, 0, 1)),
    (0, reading("integer", 0, None, 1)),  # the default may lie outside the range
    ("10 minutes", reading("period")),
    ("1w", reading("period")),
    (30, reading("period", None, None, 10, "1 minute")),
    ("never", reading("period")),
    (False, reading("period")),
    (-1, reading("period", None, None, 10)),
    ("a", reading("enum", "a", ("a", "b"))),
    (False, reading("enum", False, (False, True, "local"))),
    (listed("a", "b"), reading("set")),
    ("a", reading("array")),
    (Table(), reading("set")),
    (Table((("a", 1),)), reading("any", TableLiteral(()))),
    ("anything", reading("any")),
    (listed(5222, "5223"), reading("ports")),
    (listed("127.0.0.1"), reading("interfaces")),
    ("*", reading("interfaces")),
    (Secret("FileLine /x"), reading("integer")),
    (Opaque("function"), reading("boolean")),
    (Table(), reading("integer")),
]
BAD = [
    ("yes", reading("boolean"), "wrong-type"),
    (2, reading("boolean"), "wrong-type"),
    (listed(1, 2), reading("boolean"), "wrong-type"),
    (True, reading("string"), "wrong-type"),
    (Table((("a", 1),)), reading("string"), "wrong-type"),
    ("many", reading("integer"), "wrong-type"),
    (1.5, reading("integer"), "wrong-type"),
    (True, reading("number"), "wrong-type"),
    (0, reading("integer", None, None, 1), "out-of-range"),
    (11, reading("integer", None, None, 1, 10), "out-of-range"),
    ("5m", reading("period"), "ambiguous-period"),
    ("5", reading("period"), "ambiguous-period"),
    ("soon", reading("period"), "wrong-type"),
    (True, reading("period"), "wrong-type"),
    ("5 seconds", reading("period", None, None, "1 minute"), "out-of-range"),
    ("2 days", reading("period", None, None, None, "1 day"), "out-of-range"),
    ("c", reading("enum", "a", ("a", "b")), "wrong-value"),
    (1, reading("enum", True, (True, False)), "wrong-value"),
    (Table((("a", True),)), reading("set"), "wrong-type"),
    ("text", reading("any", TableLiteral(())), "wrong-type"),
    (listed("http"), reading("ports"), "wrong-type"),
    (70000, reading("ports"), "out-of-range"),
    (listed(5222), reading("interfaces"), "wrong-type"),
]


@pytest.mark.parametrize(("value", "read"), GOOD)
def test_good_values(value, read):
    assert judge(value, read) is None


@pytest.mark.parametrize(("value", "read", "code"), BAD)
def test_bad_values(value, read, code):
    verdict = judge(value, read)
    assert verdict is not None
    assert verdict[0] == code
    assert verdict[1]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1 day", 86400),
        ("2 weeks", 1209600),
        ("3 hours", 10800),
        ("4 min", 240),
        ("6 months", 16070400),
        ("7s", 7),
        ("5m", None),
    ],
)
def test_durations(text, seconds):
    assert duration(text) == seconds


def test_numbers_as_lua_reads_them():
    assert number(" 0x10 ") == 16
    assert number("1e3") == 1000
    assert number("x") is None
    assert number(True) is None
