# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tokeniser and the constant expressions: Lua text → tokens and values."""

from __future__ import annotations

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.expressions import (
    UNKNOWN,
    Joined,
    TableLiteral,
    arguments,
    evaluate,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.tokens import Lines, tokens
from hypothesis import given
from hypothesis import strategies as st
from lupa import lua54

LUA = lua54.LuaRuntime(encoding="latin-1")


def values(text: str) -> list[object]:
    return [value for _kind, value, _offset in tokens(text)]


def value_of(text: str, **names: object) -> object:
    stream = list(tokens(text))
    return evaluate(stream, 0, len(stream), names)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.b:c", ["a", ".", "b", ":", "c"]),
        ("a..b ...", ["a", "..", "b", "..."]),
        ("x = 1 -- not this", ["x", "=", 1]),
        ("--[[ not\nthis ]] y", ["y"]),
        ("--[==[ not ]] this ]==] y", ["y"]),
        ("--[==[ never closed", []),
        ("[[\nlong]] [=[a]]b]=]", ["long", "a]]b"]),
        (r"'it\'s' " + r'"a\tb\65\x42\u{43}"', ["it's", "a\tbABC"]),
        ('"a\\z  \n  b"', ["ab"]),
        ("0x1F 1e3 .5 3.", [31, 1000.0, 0.5, 3.0]),
        ("#!/usr/bin/lua\nx", ["x"]),
        ("#!/usr/bin/lua", []),
        ("a ~= b == c // d << e", ["a", "~=", "b", "==", "c", "//", "d", "<<", "e"]),
    ],
)
def test_tokens(text, expected):
    assert values(text) == expected


@given(st.text())
def test_any_text_has_tokens_in_order_and_nothing_raises(text):
    offsets = [offset for _kind, _value, offset in tokens(text)]
    assert offsets == sorted(set(offsets))
    assert all(0 <= offset < len(text) for offset in offsets)


@given(st.text(alphabet=st.characters(max_codepoint=255)))
def test_a_text_that_lua_quotes_comes_back(text):
    quoted = LUA.eval("function (s) return ('%q'):format(s) end")(text)
    assert values("x = " + quoted) == ["x", "=", text]


@given(st.text(alphabet="abc\n-[]=\"' "), st.integers(0, 3))
def test_nothing_inside_a_long_comment_is_seen(text, level):
    close = "]" + "=" * level + "]"
    comment = "--[" + "=" * level + "[" + text.replace(close, "") + "\n" + close
    assert values(comment + " after") == ["after"]


@given(st.lists(st.sampled_from(["a", "\n", "bb ", "\n\n"])))
def test_lines_are_counted_as_an_editor_does(parts):
    text = "".join(parts)
    lines = Lines(text)
    assert [lines.of(offset) for offset in range(len(text))] == [
        text.count("\n", 0, offset) + 1 for offset in range(len(text))
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"a" .. "b"', "ab"),
        ('"a" .. 1', "a1"),
        ("10 * 1024 * 1024", 10485760),
        ("-5", -5),
        ("(2 + 3) * 4", 20),
        ("2^52", 2.0**52),
        ("true", True),
        ("nil", None),
        ("not x", UNKNOWN),
        ("x or 5", UNKNOWN),
        ("f(1)", UNKNOWN),
        ("1 / 0", UNKNOWN),
        ('"x"', "x"),
        ("function () return 1 end", UNKNOWN),
        ('name .. "_period"', Joined((None, "_period"))),
        ('prefix .. "_" .. kind', Joined((None, "_", None))),
        ("a == b", UNKNOWN),
    ],
)
def test_constant_expressions(text, expected):
    assert value_of(text) == expected


def test_names_that_are_known():
    assert value_of('module.name .. "_size"', **{"module.name": "files"}) == "files_size"
    assert value_of("limit", limit=5) == 5


def test_tables():
    table = value_of('{ 1, "b"; x = { y = true }, ["z"] = f(a, b), function () return { 1, 2 } end, [k] = 3 }')
    assert isinstance(table, TableLiteral)
    assert table.items == [1, "b", UNKNOWN]
    assert table.named == {"x": TableLiteral((("y", True),)), "z": UNKNOWN}


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("()", 0),
        ("(a)", 1),
        ('"a"', 1),
        ("{ 1, 2 }", 1),
        ("(a, { b, c }, f(d, e))", 3),
        ("(function (x, y) if x then return y, x end end, 2)", 2),
        ("(a", 1),
        ("", 0),
        ("+", 0),
    ],
)
def test_arguments(text, count):
    assert len(arguments(list(tokens(text)), 0)[0]) == count


@given(st.text(alphabet="(){}[],;=.\"'abc12 \n-", max_size=60))
def test_no_text_breaks_the_reading_of_expressions(text):
    stream = list(tokens(text))
    for begin, end in arguments(stream, 0)[0]:
        evaluate(stream, begin, end)
    evaluate(stream, 0, len(stream))
