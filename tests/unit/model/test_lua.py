# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Python values to Lua and back through a real Lua: nothing that a value holds may break out of its place."""

from __future__ import annotations

import datetime
import math
import string
from typing import Any

import lupa.lua54 as lupa
import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.lua_text import LuaTextError, quote
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.lua import (
    MAX_DEPTH,
    Call,
    LuaError,
    is_identifier,
    to_lua,
)
from hypothesis import given, settings
from hypothesis import strategies as st

HOSTILE = [
    '"',
    "\\",
    '\\"',
    "]]",
    "]==]",
    "--[[",
    "-- comment",
    "\n",
    "\r\n",
    "\0",
    "\0001",
    "\x1b[31m",
    "\x7f",
    "\u0085\u2028\u2029",
    "\u202eabc",
    "\ufeff",
    "}; os.execute('true') --",
    '" .. os.getenv("HOME") .. "',
    "a\n  b\n" * 40,
    "ü€𝄞",
    "\\z  x",
    "%s%d",
    "x" * 100_000,
    " leading",
    "\n \n",
]

texts = st.one_of(st.sampled_from(HOSTILE), st.text(alphabet=st.characters(exclude_categories=["Cs"])))
scalars = st.one_of(
    st.booleans(),
    st.integers(min_value=-(2**63) + 1, max_value=2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    texts,
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=6),
        st.dictionaries(st.one_of(texts, st.integers(-1000, 1000)), inner, max_size=6),
    ),
    max_leaves=25,
)


def lua_runtime() -> Any:
    return lupa.LuaRuntime(encoding=None, unpack_returned_tuples=True)


LUA = lua_runtime()


def back(value: Any) -> Any:
    """A value of lupa as Python: bytes as text; a table as a dict."""
    if isinstance(value, bytes):
        return value.decode("utf-8")
    if lupa.lua_type(value) == "table":
        return {back(key): back(item) for key, item in value.items()}
    return value


def evaluate(source: str) -> Any:
    """Run an expression in an environment without any name: a value that broke out would find nothing to call."""
    run = LUA.eval(b"function(source) return assert(load('return ' .. source, 'value', 't', {}))() end")
    return back(run(source.encode("utf-8")))


def as_lua_sees(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: as_lua_sees(item) for key, item in value.items() if item is not None}
    if isinstance(value, (list, tuple)):
        return {index: as_lua_sees(item) for index, item in enumerate(value, 1)}
    return value


@given(texts)
def test_every_text_survives_on_one_line(text: str) -> None:
    literal = quote(text)
    assert "\n" not in literal
    assert "\r" not in literal
    assert evaluate(literal) == text


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_survive_in_every_place(text: str) -> None:
    value = {"option": text, text: [text, {"nested": {text: text}}]}
    assert evaluate(to_lua(value)) == as_lua_sees(value)


@settings(max_examples=300)
@given(values, st.integers(0, 4))
def test_every_value_survives(value: Any, indent: int) -> None:
    assert evaluate(to_lua(value, indent)) == as_lua_sees(value)


@given(values)
def test_a_value_ends_where_it_ends(value: Any) -> None:
    """What follows a value is read as it was written: nothing was swallowed, nothing left open."""
    assert evaluate("{" + to_lua(value) + ", 'after' }") == {1: as_lua_sees(value), 2: "after"}


def test_invisible_characters_are_visible_in_the_source() -> None:
    source = quote("a\u202eb\u200bc\u2028d\x00e\x07")
    assert source == '"a\\226\\128\\174b\\226\\128\\139c\\226\\128\\168d\\000e\\007"'


def test_a_digit_may_follow_an_escape() -> None:
    assert evaluate(quote("\x011")) == "\x011"


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb"])
def test_lone_surrogates_are_refused(text: str) -> None:
    with pytest.raises(LuaTextError, match="surrogate"):
        quote(text)
    with pytest.raises(LuaError, match=r"^prosody_hosts\[0\]\.options\.motd_text: .*surrogate"):
        to_lua({"options": {"motd_text": text}}, path="prosody_hosts[0]")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (math.nan, r"^limits: nan .*finite"),
        (math.inf, r"^limits: inf .*finite"),
        ([1, -math.inf], r"^limits\[1\]: -inf .*finite"),
        (None, r"^limits: has no value"),
        ([1, None], r"^limits\[1\]: has no value"),
        (2**63, r"^limits: 9223372036854775808 does not fit"),
        (-(2**63), r"^limits: -9223372036854775808 does not fit"),
        (b"bytes", r"^limits: a value of type bytes"),
        ({1, 2}, r"^limits: a value of type set"),
        (datetime.date(2026, 1, 1), r"^limits: a value of type date .*quotes"),
        ({"c2s": {"rate": object()}}, r"^limits\.c2s\.rate: a value of type object"),
        ({"a b": [{"x": None}, None]}, r"^limits\['a b'\]\[1\]: has no value"),
        ({True: 1}, r"^limits: a key is neither"),
        ({1.5: 1}, r"^limits: a key is neither"),
        ({None: 1}, r"^limits: a key is neither"),
    ],
)
def test_what_has_no_form_in_lua_is_an_error_naming_its_path(value: Any, message: str) -> None:
    with pytest.raises(LuaError, match=message) as caught:
        to_lua(value, path="limits")
    assert isinstance(caught.value, XmppError)


def nested(depth: int) -> Any:
    value: Any = "bottom"
    for level in range(depth):
        value = [value] if level % 2 else {"deeper": value}
    return value


def test_deep_nesting_is_written_and_deeper_is_refused() -> None:
    assert evaluate(to_lua(nested(MAX_DEPTH))) == as_lua_sees(nested(MAX_DEPTH))
    with pytest.raises(LuaError, match=f"more than {MAX_DEPTH} levels"):
        to_lua(nested(MAX_DEPTH + 1))


def test_a_value_that_contains_itself_is_refused() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(LuaError, match="contain itself"):
        to_lua(loop)


@pytest.mark.parametrize(
    ("value", "source"),
    [
        ({}, "{}"),
        ([], "{}"),
        ({"a": None}, "{}"),
        ({"a": 1, "end": 2, "x-y": 3, 4: 5}, '{ a = 1, ["end"] = 2, ["x-y"] = 3, [4] = 5 }'),
        (["a", True, 1.5, -3], '{ "a", true, 1.5, -3 }'),
        (Call("FileLine", "/etc/prosody/secrets/x"), 'FileLine("/etc/prosody/secrets/x")'),
        ({"password": Call("FileLine", 'a"b')}, '{ password = FileLine("a\\"b") }'),
        ({"rate": "10kb/s", "burst": {"a": 1}}, '{ rate = "10kb/s", burst = { a = 1 } }'),
        (["x" * 60, "y" * 60], f'{{\n\t"{"x" * 60}";\n\t"{"y" * 60}";\n}}'),
    ],
)
def test_the_form_of_the_source(value: Any, source: str) -> None:
    assert to_lua(value) == source


def test_a_text_of_many_lines_is_written_on_many_lines() -> None:
    text = (
        "Dear users,\n\n  tomorrow the server is down from ten to eleven.\nPlease come back later.\nYour admins, sorry"
    )
    source = to_lua({"motd_text": text}, indent=1)
    assert source.count("\n") > text.count("\n")
    assert max(len(line) for line in source.splitlines()) < 100
    assert evaluate(source) == {"motd_text": text}


def test_names_of_calls_are_checked() -> None:
    with pytest.raises(LuaError, match="no name"):
        Call("os.execute", "x")


@pytest.mark.parametrize("name", ["a", "_a1", "modules_enabled"])
def test_names(name: str) -> None:
    assert is_identifier(name)


@pytest.mark.parametrize("name", ["", "1a", "a-b", "a b", "end", "ü", "a\n", "a.b", "goto"])
def test_no_names(name: str) -> None:
    assert not is_identifier(name)


@given(st.text(alphabet=string.ascii_letters + string.digits + "_", min_size=1, max_size=8))
def test_names_are_what_lua_takes(name: str) -> None:
    taken = LUA.eval(b"function(name) return load('local ' .. name .. ' = 1') ~= nil end")(name.encode())
    assert is_identifier(name) == taken


def test_values_of_ansible_are_plain_values() -> None:
    """core 2.19 hands out tagged subclasses of str, int, list and dict."""
    tags = pytest.importorskip("ansible._internal._datatag._tags")
    datatag = pytest.importorskip("ansible.module_utils._internal._datatag")
    origin = tags.Origin(path="/inventory", line_num=1)
    tag = datatag.AnsibleTagHelper.tag
    value = tag({tag("name", [origin]): tag([tag("x\ny", [origin]), tag(5222, [origin])], [origin])}, [origin])
    assert to_lua(value) == '{ name = { "x\\ny", 5222 } }'
