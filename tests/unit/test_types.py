# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""plugin_utils/types.py: each kind of wrong value is told by its place, and never by what it holds."""

from __future__ import annotations

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils import types

ACCOUNTS = {
    "type": "list",
    "elements": "dict",
    "options": {
        "jid": {"type": "str", "required": True},
        "password": {"type": "str"},
        "state": {"type": "str", "choices": ["present", "absent"]},
        "contact": {"type": "dict"},
        "roles": {"type": "list", "elements": "str"},
    },
}
SECRET = "planted-secret"


def nowhere(value):
    return ""


def problems(value, option, name="x"):
    return types.problems(name, value, option, nowhere)


@pytest.mark.parametrize(
    ("value", "option"),
    [
        ("", {}),
        ("text", {"type": "str"}),
        ("/a", {"type": "path"}),
        (5, {"type": "int"}),
        ("5", {"type": "int"}),
        (5.5, {"type": "float"}),
        (5, {"type": "float"}),
        ("5.5", {"type": "float"}),
        (False, {"type": "bool"}),
        ([], {"type": "list", "elements": "str"}),
        ([1, "2"], {"type": "list", "elements": "int"}),
        ({"any": object()}, {"type": "dict"}),
        (None, {"type": "raw"}),
        (True, {"type": "raw"}),
        ("on", {"type": "str", "choices": ["on", "off"]}),
        (["a"], {"type": "list", "elements": "str", "choices": ["a", "b"]}),
        ([{"jid": "a@b", "password": None, "contact": {"x": 1}, "roles": ["y"]}], ACCOUNTS),
        ([types.HOLE, {"jid": types.HOLE}], ACCOUNTS),
        (types.HOLE, {"type": "int"}),
    ],
)
def test_what_fits(value, option):
    assert problems(value, option) == []


@pytest.mark.parametrize(
    ("value", "option", "line"),
    [
        (9876543210, {"type": "str"}, "x is a number where a text belongs: put it between quotes."),
        (1.5, {"type": "str"}, "x is a number where a text belongs: put it between quotes."),
        (True, {"type": "str"}, "x is true or false where a text belongs: put it between quotes."),
        (True, {"type": "int"}, "x is true or false where a whole number belongs: write digits."),
        (SECRET, {"type": "int"}, "x is a text where a whole number belongs: write digits."),
        ("5.5", {"type": "int"}, "x is a text where a whole number belongs: write digits."),
        (SECRET, {"type": "float"}, "x is a text where a number belongs: write digits."),
        (
            "false",
            {"type": "bool"},
            "x is a text where true or false belongs: write true or false, without quotes; "
            "on the command line -e takes JSON for that, and an inventory in the form of INI wants False.",
        ),
        (0, {"type": "bool"}, "x is a number where true or false belongs: write true or false, without quotes."),
        (
            SECRET,
            {"type": "list"},
            "x is a text where a list belongs: write each item on a line of its own after a hyphen, "
            "or all of them in brackets; on the command line -e takes JSON for that.",
        ),
        (
            [SECRET],
            {"type": "dict"},
            "x is a list where a mapping belongs: write a line with a key and its value for each, or {} for none.",
        ),
        ({SECRET: 1}, {"type": "str"}, "x is a mapping where a text belongs: write one text."),
        (None, {"type": "list"}, "x is empty where a list belongs: write [] for none, or remove the line."),
        (None, {"type": "dict"}, "x is empty where a mapping belongs: write {} for none, or remove the line."),
        (None, {"default": ""}, 'x is empty where a text belongs: write "" for none, or remove the line.'),
        (None, {"type": "str"}, "x is empty where a text belongs: give one, or remove the line."),
        (None, {"required": True}, "x is empty where a text belongs: give one."),
        (None, {"choices": ["a", "b"]}, "x is empty where a text belongs: choose one of a, b, or remove the line."),
        (False, {"choices": ["a", "no"]}, "x is true or false where a word belongs: choose one of a, no."),
        (None, {"type": "int"}, "x is empty where a whole number belongs: give one, or remove the line."),
        (SECRET, {"type": "str", "choices": ["on", "off"]}, "x is none of on, off: choose one of them."),
        (
            "presnt",
            {"type": "str", "choices": ["present", "absent"]},
            "x is none of present, absent: did you mean present?",
        ),
        (
            ["muc", SECRET],
            {"type": "list", "elements": "str", "choices": ["muc", "upload"]},
            "x is none of muc, upload: choose one of them.",
        ),
        (
            [1, SECRET],
            {"type": "list", "elements": "int"},
            "x[1] is a text where a whole number belongs: write digits.",
        ),
        (
            [f"a@b:{SECRET}"],
            ACCOUNTS,
            "x[0] is a text where a mapping belongs: write a line with a key and its value for each, or {} for none; "
            "on the command line -e takes JSON for that.",
        ),
        (
            [{"jid": "a@b", "password": 5}],
            ACCOUNTS,
            "x[0].password is a number where a text belongs: put it between quotes.",
        ),
        (
            [{"jid": "a@b", "password": [SECRET]}],
            ACCOUNTS,
            "x[0].password is a list where a text belongs: write one text.",
        ),
        ([{"password": SECRET}], ACCOUNTS, "x[0] has no jid: give it."),
        ([{"jid": None}], ACCOUNTS, "x[0] has no jid: give it."),
        ([{"jd": "a@b"}], ACCOUNTS, "x[0] has a key jd, which there is not: did you mean jid?"),
        (
            [{"jid": "a@b", "pasword": SECRET}],
            ACCOUNTS,
            "x[0] has a key pasword, which there is not: did you mean password?",
        ),
        (
            [{"jid": "a@b", "zzz": SECRET}],
            ACCOUNTS,
            "x[0] has a key zzz, which there is not: the keys are jid, password, state, contact, roles.",
        ),
        (
            [{"jid": "a@b", SECRET: None}],
            ACCOUNTS,
            "x[0] has a key that there is not: the keys are jid, password, state, contact, roles.",
        ),
        (
            [{"jid": "a@b", f"{SECRET} of:mine": "x"}],
            ACCOUNTS,
            "x[0] has a key that there is not: the keys are jid, password, state, contact, roles.",
        ),
    ],
)
def test_what_does_not(value, option, line):
    assert problems(value, option) == [line]
    assert SECRET not in line


def test_all_of_a_value_is_told():
    value = [{"jid": "a@b", "pasword": SECRET, "state": "off"}, {"password": 5}, SECRET]
    assert [line.partition(":")[0] for line in problems(value, ACCOUNTS)] == [
        "x[0] has a key pasword, which there is not",
        "x[0].state is none of present, absent",
        "x[1].password is a number where a text belongs",
        "x[1] has no jid",
        "x[2] is a text where a mapping belongs",
    ]


def test_the_place_is_that_of_the_part_or_of_what_is_around_it():
    places = {5: "all.yml:7"}
    value = [{"jid": "a@b", "password": 5}, {"jid": "c@d", "password": 6}]

    def place(held):
        return places.get(held, "") if isinstance(held, int) else ""

    assert types.problems("x", value, ACCOUNTS, place, "hosts.yml:2") == [
        "x[0].password (set in all.yml:7) is a number where a text belongs: put it between quotes.",
        "x[1].password (set in hosts.yml:2) is a number where a text belongs: put it between quotes.",
    ]


def test_what_does_not_fit_is_left_out_and_the_rest_keeps_its_place():
    given = [
        {"jid": "a@x", "password": SECRET},
        "text",
        {"password": SECRET},
        {"jid": "b@x", "password": 5, "pasword": SECRET, "state": "gone", "roles": ["r", 7], "contact": {"a": 1}},
        types.HOLE,
    ]
    assert types.repaired(given, ACCOUNTS, ("x",)) == (
        [
            {"jid": "a@x", "password": SECRET},
            None,
            None,
            {"jid": "b@x", "password": None, "state": None, "roles": ["r", None], "contact": {"a": 1}},
            None,
        ],
        [
            ("x", 1),
            ("x", 2),
            ("x", 3, "pasword"),
            ("x", 3, "password"),
            ("x", 3, "state"),
            ("x", 3, "roles", 1),
            ("x", 4),
        ],
    )
    assert types.repaired("no", {"type": "bool"}, ("x",)) == (None, [("x",)])
    assert types.repaired(["a", "b"], {"type": "list", "elements": "str", "choices": ["a"]}, ("x",)) == (
        ["a", None],
        [("x", 1)],
    )


@pytest.mark.parametrize("key", ["title", "Title", "titel"])
def test_what_people_write_for_a_name(key):
    assert types.nearest(key, ["jid", "state", "name"]) == "name"
    assert types.nearest(key, ["jid", "state", "titles"]) == "titles"
    assert types.nearest(key, ["name", "title"]) == "title"
