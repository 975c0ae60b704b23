# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a configuration says, and what differs between two."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.lua_json import ENCODER
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.difference import (
    PASSWORD,
    Change,
    Difference,
    compare,
    merge,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.model import (
    ConfigUnreadable,
    Model,
    from_json,
    judged,
)

lupa = pytest.importorskip("lupa")


def encoded(expression: str) -> object:
    """A Lua expression through the encoder and back."""
    lua = lupa.LuaRuntime(encoding="latin-1")
    return json.loads(lua.execute(ENCODER + f"\nreturn encode({expression})"))


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("{}", {}),
        ("{1, 2, 'x'}", [1, 2, "x"]),
        ("{a = true, b = false}", {"a": True, "b": False}),
        ("{1, 2, n = 3}", {"1": 1, "2": 2, "n": 3}),
        ("{[5222] = 'x'}", {"5222": "x"}),
        ("1.5", 1.5),
        ("3.0", 3),
        ("1/0", "inf"),
        (r"'a\0\"\\\200\n'", 'a\0"\\\xc8\n'),
        ("print", "<function>"),
        ("{f = print}", {"f": "<function>"}),
    ],
)
def test_the_encoder_carries_every_value(expression: str, value: object) -> None:
    assert encoded(expression) == value


def test_the_encoder_ends_with_a_table_that_holds_itself() -> None:
    lua = lupa.LuaRuntime(encoding="latin-1")
    assert "<table>" in lua.execute(ENCODER + "\nlocal t = {}; t.t = t\nreturn encode(t)")


def test_the_order_of_keys_does_not_matter() -> None:
    lua = lupa.LuaRuntime(encoding="latin-1")
    first, second = ("{a = 1, b = 2, c = 3}", "{c = 3, a = 1, b = 2}")
    assert lua.execute(ENCODER + f"\nreturn encode({first}) == encode({second})")


def test_what_prosody_cannot_parse_is_told_in_its_words() -> None:
    with pytest.raises(ConfigUnreadable, match=r"/etc/x.cfg.lua:3: unexpected symbol"):
        judged({"level": "parser", "error": "/etc/x.cfg.lua:3: unexpected symbol"}, "/etc/x.cfg.lua")
    with pytest.raises(ConfigUnreadable, match=r"Cannot read /f: .*no module"):
        judged({"fatal": "no module"}, "/f")


def test_a_model_is_read() -> None:
    answer = {"hosts": {"*": {"a": 1}, "x": []}, "files": ["/f"], "warnings": ["w"]}
    assert judged(answer, "/f") == Model({"*": {"a": 1}, "x": {}}, ("/f",), ("w",))


BOTH = {
    "*": {"modules_enabled": ["tls", "mam", "vcard", "vcard_legacy"], "modules_disabled": ["offline"]},
    "b.x": {"component_module": "muc", "modules_enabled": ["muc_mam"]},
    "x": {"defined": True, "modules_disabled": ["s2s"]},
    "off.x": {"defined": True, "enabled": False},
}


def test_hosts_come_before_components_and_disabled_ones_not_at_all() -> None:
    assert from_json({"hosts": BOTH}).enabled() == ["x", "b.x"]


def test_the_modules_of_a_host_are_those_prosody_loads() -> None:
    automatic = frozenset({"presence", "message", "iq", "offline", "c2s", "s2s", "s2s_auth_certs"})
    inherited = {"muc": frozenset({"tls", "iq", "s2s", "saslauth"})}
    model = replace(from_json({"hosts": BOTH}), automatic=automatic, inherited=inherited)
    assert model.modules("x") == {
        "presence", "message", "iq", "c2s", "s2s_auth_certs", "tls", "mam", "vcard_legacy"
    }  # fmt: skip
    assert model.modules("b.x") == {"tls", "iq", "s2s", "muc_mam"}


def model(**hosts: dict) -> Model:
    return from_json({"hosts": {"*": {}, **{name.replace("_", "."): options for name, options in hosts.items()}}})


def test_nothing_differs_from_itself() -> None:
    assert not compare(from_json({"hosts": BOTH}), from_json({"hosts": BOTH}))


def test_every_kind_of_difference() -> None:
    old = from_json({"hosts": {"*": {"a": 1, "b": 1, "c": 1}, "x": {"o": 1}, "gone": {}, "y": {}}})
    new = from_json({"hosts": {"*": {"a": 1, "b": 2, "d": 1}, "x": {}, "y": {"component_module": "muc"}, "new": {}}})
    assert compare(old, new) == Difference(
        ("new",),
        ("gone",),
        ("y",),
        (
            Change("*", "b", "changed"),
            Change("*", "c", "removed"),
            Change("*", "d", "added"),
            Change("x", "o", "removed"),
        ),
    )


def test_a_disabled_host_is_as_good_as_absent() -> None:
    assert compare(model(x={}), model(x={"enabled": False})).removed == ("x",)


def test_a_change_never_shows_a_value() -> None:
    difference = compare(model(x={"secret": "hunter2"}), model(x={"secret": "hunter3"}))
    assert "hunter" not in str(difference)


def test_merging_keeps_each_change_once() -> None:
    first = Difference(added=("a",), changes=(Change("*", "o", "changed"),))
    second = Difference(added=("a", "b"), changes=(Change("*", "o", "added"), Change("*", "p", "added")))
    assert merge(first, second) == Difference(
        added=("a", "b"), changes=(Change("*", "o", "changed"), Change("*", "p", "added"))
    )


def test_that_only_a_password_differs_is_known_and_not_shown() -> None:
    def change(was: dict, now: dict) -> str:
        return str(compare(model(x={"sql": was}), model(x={"sql": now})).changes[0])

    assert change({"host": "a", "password": "hunter2"}, {"host": "a", "password": "hunter3"}) == (
        "sql of x password changed"
    )
    assert change({"host": "a", "password": "hunter2"}, {"host": "b", "password": "hunter3"}) == "sql of x changed"
    assert change({"host": "a", "password": "hunter2"}, {"host": "a"}) == "sql of x changed"


@pytest.mark.parametrize("kinds", [(PASSWORD, "changed"), ("changed", PASSWORD)])
def test_merging_keeps_what_differs_more(kinds: tuple[str, str]) -> None:
    """What is on the disk and what runs: a port that differs from either is no mere password."""
    first, second = (Difference(changes=(Change("*", "sql", kind),)) for kind in kinds)
    assert merge(first, second).changes == (Change("*", "sql", "changed"),)
