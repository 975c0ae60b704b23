# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts: declarations, reader, planner, literals, batches; and the whole against answers of a real Prosody.

data/accounts.json holds commands to, and answers of, Prosody 13.0.1 for hosts on PostgreSQL, internal and SQLite
storage.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lupa
import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.accounts import (
    declaration,
    hashing,
    planner,
    reader,
    reconcile,
    results,
    server,
    store,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.accounts.model import (
    Account,
    AccountError,
    Host,
    HostError,
    Step,
    Wanted,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody import admin_stream
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.admin_socket import AdminUnavailable
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.xmpp import scram
from hypothesis import example, given, settings
from hypothesis import strategies as st

RECORDED = json.loads((Path(__file__).parents[1] / "data/accounts.json").read_text())["hosts"]
#: see from_engine of server
EXCHANGE = str.maketrans('"~', '~"')
REAL = ("pg.example", "file.example", "lite.example")
ROLES = frozenset(f"prosody:{role}" for role in ("guest", "registered", "member", "admin", "operator"))
HOST = Host("example.org", "SHA-256", 4096, ROLES, "prosody:registered", True)
PENCIL = scram.verifier("pencil", "salt", 4096)


def account(name: str = "romeo", **fields: Any) -> Account:
    """An enabled account whose password is "pencil"."""
    return Account(
        **{
            "name": name,
            "enabled": True,
            "role": "prosody:registered",
            "has_password": True,
            "verifier": PENCIL,
            **fields,
        }
    )


# --- declarations ---


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Romeo", "romeo"),
        ("romeo@example.org", "romeo"),
        ("Romeo@Example.ORG", "romeo"),
        ("ß", "ss"),
    ],
)
def test_names_are_normalised(name: str, expected: str) -> None:
    assert declaration.local_part(name, "example.org") == expected


@pytest.mark.parametrize(
    ("declared", "reason"),
    [
        ({"name": "a b"}, "its local part is not allowed: it holds a space"),
        ({"name": "a@b@c"}, 'more than one "@"'),
        ({"name": "romeo@example.org/x"}, "has a resource"),
        ({"name": "romeo@other.org"}, '"romeo@other.org" is not an account of example.org'),
        ({"name": "\U0001f600"}, "newer than Unicode"),
        ({"name": "r", "password": "x", "verifier": "y"}, "r@example.org: give a password or a verifier, not both"),
        ({"name": "r", "password": ""}, "r@example.org: The password cannot be used: it is empty"),
        ({"name": "r", "verifier": "nonsense"}, "r@example.org: The verifier cannot be read"),
        ({"name": "r", "role": "a", "secondary_roles": ["a"]}, "a cannot be its primary and a secondary role at once"),
    ],
)
def test_a_declaration_that_cannot_be(declared: dict[str, Any], reason: str) -> None:
    with pytest.raises(AccountError, match=reason.replace("(", r"\(")) as caught:
        declaration.wanted(declared, "example.org", "always")
    assert "nonsense" not in str(caught.value)


def test_a_declaration_is_read() -> None:
    found = declaration.wanted(
        {
            "name": "Romeo",
            "state": "disabled",
            "verifier": str(PENCIL),
            "role": "prosody:admin",
            "secondary_roles": ["prosody:member"],
            "flags": {"vip": None, 5: "five"},
            "contact": {"email": None, "age": 17},
            "update_password": "on_create",
        },
        "example.org",
        "always",
    )
    assert found == Wanted(
        "romeo",
        "disabled",
        None,
        PENCIL,
        "on_create",
        "prosody:admin",
        frozenset({"prosody:member"}),
        {"vip": "", "5": "five"},
        {"email": "", "age": "17"},
    )
    assert declaration.wanted({"name": "a"}, "example.org", "on_create") == Wanted("a", update_password="on_create")


def test_what_could_not_be_created_can_be_removed() -> None:
    assert declaration.wanted({"name": "\U0001f600", "state": "absent"}, "example.org", "always").name == "\U0001f600"


def test_secrets_are_not_shown() -> None:
    shown = repr(Wanted("a", password="hunter2", verifier=PENCIL))
    assert "hunter2" not in shown
    assert PENCIL.stored_key not in shown


def test_all_declarations_usable_or_not() -> None:
    usable, errors = declaration.wanted_all(
        [{"name": "a"}, {"name": "b c"}, {"name": "d"}, {"name": "D"}, {"name": "d@example.org"}],
        "example.org",
        "always",
    )
    assert [entry.name for entry in usable] == ["a"]
    assert set(errors) == {"b c", "d"}
    assert errors["d"] == "d@example.org is declared more than once."


# --- reader, on recorded answers ---


def about(host: str) -> Host:
    return reader.host(json.loads(RECORDED[host]["open"]["answer"]), host)


@pytest.mark.parametrize("host", REAL)
def test_a_real_host(host: str) -> None:
    assert about(host) == Host(host, "SHA-256", 10000, ROLES, "prosody:registered", True)


@pytest.mark.parametrize(
    ("host", "reason", "text"),
    [
        ("muc.pg.example", "component", "muc.pg.example is a component"),
        ("ldap.example", "authentication", 'are kept by "anonymous"'),
        (
            "nohost.example",
            "no-such-host",
            "does not|serves no host nohost.example .it serves file.example, ldap.example",
        ),
    ],
)
def test_a_host_whose_accounts_cannot_be_managed(host: str, reason: str, text: str) -> None:
    with pytest.raises(HostError, match=text) as caught:
        about(host)
    assert caught.value.reason == reason


def test_roles_kept_elsewhere() -> None:
    with pytest.raises(HostError, match='roles of x are kept by "ldap"'):
        reader.host({"refused": "authorization", "provider": "ldap"}, "x")


def test_a_server_without_hosts() -> None:
    with pytest.raises(HostError, match="it serves none"):
        reader.host({"refused": "no-such-host", "hosts": {}}, "x")


@pytest.mark.parametrize("host", REAL)
def test_real_accounts_are_the_same_on_every_storage(host: str) -> None:
    found = {entry.name: entry for entry in reader.accounts(RECORDED[host]["read_all"]["answer"], about(host))}
    # nobody does not exist; the final sigma of the last name was not normalised, so it does not either
    assert sorted(found) == ["juliet", "romeo", "tybalt"]
    juliet, romeo, tybalt = found["juliet"], found["romeo"], found["tybalt"]
    assert (juliet.enabled, juliet.role, juliet.secondary_roles) == (True, "prosody:admin", frozenset())
    assert (juliet.flags, juliet.contact) == ({"vip": 'a "note"'}, {"email": "j@x.example"})
    assert juliet.verifier is not None
    assert scram.matches("sesam-öffne-dich ☃", juliet.verifier)
    assert romeo.secondary_roles == {"prosody:member", "prosody:guest"}
    assert romeo.role == "prosody:registered"
    assert isinstance(romeo.created, int)
    assert (tybalt.enabled, tybalt.has_password, tybalt.verifier) == (False, False, None)
    # what was created is what was wanted: the second run found nothing to do
    again = {entry.name: entry for entry in reader.accounts(RECORDED[host]["read"]["answer"], about(host))}
    assert set(again) == {"juliet", "romeo", "tybalt", "παρισ"}
    assert again["romeo"].created is None or host == "file.example"


@pytest.mark.parametrize("host", REAL)
def test_real_failures(host: str) -> None:
    found = reader.failures(json.loads(RECORDED[host]["failed_create"]["answer"]))
    assert found == {"romeo": "it exists by now"}
    found = reader.failures(json.loads(RECORDED[host]["failed_change"]["answer"]))
    assert set(found) == {"romeo", "ghost", "ghost2"}
    assert "unknown role: nope" in found["romeo"]
    assert found["ghost"] == "password: the account is gone"
    assert reader.accounts(RECORDED[host]["read_gone"]["answer"], about(host)) == []
    assert set(reader.names(json.loads(RECORDED[host]["names"]["answer"]))) == {"juliet", "romeo", "tybalt", "παρισ"}


def rows(*lines: tuple[str, str, str, str, str]) -> str:
    return '{"data":{},"online":{"romeo":2}}\t' + json.dumps(lines).translate(EXCHANGE)


def test_rows_of_every_kind() -> None:
    text = rows(
        ("romeo", "accounts", "stored_key", "string", "A" * 64),
        ("romeo", "accounts", "", "json", '{"disabled":true}'),
        ("romeo", "accounts", "iteration_count", "number", "4096.0"),
        ("romeo", "accounts", "created", "number", "1.5"),
        ("romeo", "account_roles", "_default", "string", 'x~"y'),
        ("romeo", "account_roles", "r", "boolean", "true"),
        ("romeo", "account_roles", "s", "boolean", "false"),
        ("romeo", "account_flags", "f", "xml", "<x/>"),
        ("romeo", "account_details", "email", "string", "~"),
        ("romeo", "account_details", "registered", "number", "5"),
        ("romeo", "account_activity", "timestamp", "number", "7"),
        ("ghost", "account_roles", "_default", "string", "x"),
    )
    [found] = reader.accounts(text, HOST)
    assert found == Account(
        "romeo", False, 'x~"y', frozenset({"r"}), True, None, 1, None, {"f": ""}, {"email": "~"}, 7, 2
    )


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"data":[1],"online":{}}',
        '{"data":[],"online":{}}\t[[~a~]]',
        '{"data":[],"online":{}}\t5',
        '{"data":[["a","accounts",{}]],"online":[1]}',
        rows(("a", "accounts", "x", "number", "five")),
        rows(("a", "accounts", "x", "json", "{")),
    ],
)
def test_an_answer_that_cannot_be_read(answer: str) -> None:
    with pytest.raises(AccountError, match="cannot be read"):
        reader.accounts(answer, HOST)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["data", "online", "x"]), JSON), JSON)
def test_no_answer_breaks_the_reader(first: Any, second: Any) -> None:
    text = json.dumps(first) + "\t" + json.dumps(second).translate(EXCHANGE)
    try:
        found = reader.accounts(text, HOST)
    except AccountError:
        return
    assert all(isinstance(entry, Account) for entry in found)


@settings(deadline=None)
@example({"created": float("inf")})
@example({"created": float("nan")})
@example({"stored_key": "a" * 40, "server_key": "b" * 40, "salt": "c", "iteration_count": float("inf")})
@given(
    st.dictionaries(
        st.sampled_from(["stored_key", "server_key", "salt", "iteration_count", "disabled", "created"]), JSON
    )
)
def test_no_stored_data_breaks_the_reader(fields: dict[str, Any]) -> None:
    text = json.dumps({"data": [["romeo", "accounts", fields], ["romeo", "account_roles", {}]], "online": []})
    [found] = reader.accounts(text, HOST)
    assert found.name == "romeo"


@settings(deadline=None)
@given(JSON)
def test_failures_and_names_are_read_from_anything(answer: Any) -> None:
    assert isinstance(reader.failures(answer), dict)
    assert isinstance(reader.names(answer), list)


# --- planner ---

#: declaration, what exists, whether the password is the stored one → changes, steps
UPDATES: list[tuple[dict[str, Any], dict[str, Any], bool, list[str], list[Step]]] = [
    ({}, {}, False, [], []),
    ({"password": "pencil"}, {}, True, [], []),
    ({"password": "other"}, {}, False, ["password"], []),
    ({"password": "other", "update_password": "on_create"}, {}, False, [], []),
    (
        {"password": "p", "update_password": "on_create"},
        {"has_password": False, "verifier": None},
        False,
        ["password"],
        [],
    ),
    ({"password": "pencil"}, {"verifier": scram.verifier("pencil", "salt", 4096, "SHA-1")}, True, ["password"], []),
    ({"verifier": str(PENCIL)}, {}, False, [], []),
    ({"verifier": str(scram.verifier("pencil", "sugar", 4096))}, {}, False, ["password"], []),
    ({"verifier": str(PENCIL), "update_password": "on_create"}, {"verifier": None}, False, [], []),
    ({"verifier": str(PENCIL)}, {"verifier": None}, False, ["password"], []),
    ({"role": "prosody:registered"}, {}, False, [], []),
    ({"role": "prosody:admin"}, {}, False, ["role"], [Step("role", ("prosody:admin",))]),
    ({"state": "disabled"}, {}, False, ["state"], [Step("disable")]),
    ({"state": "disabled"}, {"enabled": False}, False, [], []),
    ({}, {"enabled": False}, False, ["state"], [Step("enable")]),
    ({"secondary_roles": []}, {}, False, [], []),
    (
        {"secondary_roles": ["prosody:guest", "prosody:member"]},
        {"secondary_roles": frozenset({"prosody:member", "old"})},
        False,
        ["secondary_roles"],
        [Step("remove_role", ("old",)), Step("add_role", ("prosody:guest",))],
    ),
    # a role that becomes the primary one is no secondary one any more, by Prosody's own doing
    (
        {"role": "prosody:member", "secondary_roles": []},
        {"secondary_roles": frozenset({"prosody:member"})},
        False,
        ["role"],
        [Step("role", ("prosody:member",))],
    ),
    ({"flags": {}}, {"flags": {"a": ""}}, False, ["flags"], [Step("remove_flag", ("a",))]),
    (
        {"flags": {"a": "", "b": "new"}},
        {"flags": {"a": "", "b": "old"}},
        False,
        ["flags"],
        [Step("add_flag", ("b", "new"))],
    ),
    ({"flags": {"a": "x"}}, {"flags": {"a": "x"}}, False, [], []),
    (
        {"contact": {"email": "a@b", "name": "", "nick": ""}},
        {"contact": {"email": "c", "name": "n", "other": "o"}},
        False,
        ["contact"],
        [Step("contact", ({"email": "a@b", "name": ""},))],
    ),
    ({"contact": {"email": "a"}}, {"contact": {"email": "a"}}, False, [], []),
    # disabling comes first, enabling last
    (
        {"state": "disabled", "role": "prosody:admin", "password": "x"},
        {},
        False,
        ["password", "role", "state"],
        [Step("disable"), Step("role", ("prosody:admin",))],
    ),
    (
        {"role": "prosody:guest"},
        {"enabled": False},
        False,
        ["role", "state"],
        [Step("role", ("prosody:guest",)), Step("enable")],
    ),
]


@pytest.mark.parametrize(("declared", "exists", "same", "changes", "steps"), UPDATES)
def test_updates(
    declared: dict[str, Any], exists: dict[str, Any], same: bool, changes: list[str], steps: list[Step]
) -> None:
    wanted = declaration.wanted({"name": "romeo", **declared}, HOST.name, "always")
    plan = planner.plan([wanted], {"romeo": account(**exists)}, HOST, same_password=["romeo"] if same else [])
    assert plan.errors == {}
    assert plan.create == plan.remove == ()
    if not changes:
        assert (plan.update, plan.unchanged, plan.changed) == ((), 1, False)
    else:
        [update] = plan.update
        assert list(update.changes) == sorted(changes)
        assert list(update.steps) == steps
        assert update.new_password == ("password" in changes)
        assert plan.changed


@pytest.mark.parametrize(
    ("declared", "exists", "host", "reason"),
    [
        ({"role": "nope"}, True, HOST, "romeo@example.org: no role is called nope; the host knows prosody:admin"),
        ({"secondary_roles": ["no", "nope"]}, True, HOST, "no role is called no, nope"),
        ({"flags": {"a": ""}}, True, Host("example.org", "SHA-256", 1, ROLES, "x", False), "module flags: add it"),
        (
            {"verifier": str(PENCIL)},
            False,
            Host("example.org", "SHA-1", 1, ROLES, "x", True),
            "nobody could sign in with it",
        ),
        ({}, False, HOST, "it does not exist yet, and without a password or a verifier"),
    ],
)
def test_what_cannot_be_had(declared: dict[str, Any], exists: bool, host: Host, reason: str) -> None:
    wanted = declaration.wanted({"name": "romeo", **declared}, HOST.name, "always")
    plan = planner.plan([wanted], {"romeo": account()} if exists else {}, host)
    assert reason in plan.errors["romeo"]
    assert not plan.changed


def test_creations_and_removals() -> None:
    wanted = [
        Wanted("new", password="x"),
        Wanted("off", "disabled"),
        Wanted("gone", "absent", role="nope"),
        Wanted("never", "absent"),
    ]
    plan = planner.plan(wanted, {"gone": account("gone")}, HOST, errors={"bad": "why"})
    assert [entry.name for entry in plan.create] == ["new", "off"]
    assert [entry.name for entry in plan.remove] == ["gone"]
    assert (plan.unchanged, plan.errors) == (1, {"bad": "why"})


def test_purging_spares_exemptions_and_admins() -> None:
    host = Host("example.org", "SHA-256", 1, ROLES, "x", True, frozenset({"op"}), frozenset({"adm"}))
    undeclared = [account(name) for name in ("op", "adm", "bot-1", "monitor", "paris")]
    plan = planner.plan([], {}, host, undeclared=undeclared, exempt=["bot-*", "monitor"])
    assert [entry.name for entry in plan.remove] == ["paris"]
    assert plan.kept == ("adm", "bot-1", "monitor", "op")


@pytest.mark.parametrize(
    ("declared", "letters"),
    [
        ([{}], ""),
        ([{"password": "x"}], "k"),
        ([{"password": "x", "update_password": "on_create"}], ""),
        ([{"verifier": str(PENCIL)}, {"flags": {}}, {"contact": {}}], "kft"),
        ([{"password": "x", "state": "absent"}], ""),
    ],
)
def test_only_what_is_needed_is_read(declared: list[dict[str, Any]], letters: str) -> None:
    wanted = [declaration.wanted({"name": f"u{i}", **entry}, HOST.name, "always") for i, entry in enumerate(declared)]
    assert planner.needed(wanted) == letters


def test_the_diff_shows_changes_and_no_secrets() -> None:
    wanted = [
        declaration.wanted(entry, HOST.name, "always")
        for entry in (
            {"name": "new", "password": "hunter2", "role": "prosody:admin", "flags": {"vip": "", "x": "y"}},
            {"name": "romeo", "password": "hunter3", "secondary_roles": ["prosody:guest"], "contact": {"email": "e"}},
            {"name": "gone", "state": "absent"},
            {"name": "same"},
        )
    ]
    current = {name: account(name) for name in ("romeo", "gone", "same")}
    current["romeo"] = account("romeo", contact={"name": "R"})
    diff = planner.diff(planner.plan(wanted, current, HOST), HOST)
    assert diff["before"] == (
        "gone:\n  state: present\n  role: prosody:registered\nromeo:\n  password: as it was\n  contact: name=R\n"
    )
    assert diff["after"] == (
        "new:\n  state: present\n  role: prosody:admin\n  flags: vip, x=y\n"
        "romeo:\n  password: new\n  secondary_roles: prosody:guest\n  contact: email=e, name=R\n"
    )
    assert "hunter" not in str(diff)


# --- literals and batches ---


def lua(literal: str) -> Any:
    """Evaluate a Lua literal; tables become dicts."""

    def convert(value: Any) -> Any:
        if lupa.lua_type(value) == "table":
            return {convert(key): convert(item) for key, item in value.items()}
        return value.decode() if isinstance(value, bytes) else value

    return convert(lupa.LuaRuntime(encoding=None).eval(literal.encode()))


@given(
    st.recursive(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.integers(0, 2**53) | st.booleans(),
        lambda inner: st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=4), inner, max_size=3),
        max_leaves=5,
    )
)
@settings(max_examples=60, deadline=None)
def test_a_literal_is_what_it_says(value: Any) -> None:
    assert lua(server.literal(value)) == value


def test_what_is_created() -> None:
    wanted = Wanted('ju"liet', "disabled", role="prosody:admin", secondary_roles=frozenset({"b", "a"}))
    assert lua(server.created_literal(wanted, PENCIL, "prosody:registered")) == {
        1: 'ju"liet',
        2: "salt",
        3: PENCIL.stored_key,
        4: PENCIL.server_key,
        5: 4096,
        6: True,
        7: {"_default": "prosody:admin", "a": True, "b": True},
    }
    # the default role is not stored, as Prosody does
    assert lua(server.created_literal(Wanted("r", role="d"), None, "d")) == {1: "r", 6: False}


def test_what_is_changed() -> None:
    steps = (Step("disable"), Step("role", ("x",)), Step("contact", ({"email": 'a"b', "name": ""},)))
    assert lua(server.changed_literal("r", steps, PENCIL)) == {
        1: "r",
        2: {1: "disable"},
        3: {1: "password", 2: "salt", 3: PENCIL.stored_key, 4: PENCIL.server_key, 5: 4096},
        4: {1: "role", 2: "x"},
        5: {1: "contact", 2: {"email": 'a"b', "name": ""}},
    }
    changed = server.changed_literal("r", (Step("enable"),), PENCIL)
    assert changed.index("password") < changed.index("enable")


def test_definitions_fit_and_compile() -> None:
    runtime = lupa.LuaRuntime()
    for definition in server.DEFINITIONS:
        assert admin_stream.command_size("> " + definition) < admin_stream.MAX_COMMAND_BYTES
        assert runtime.eval("function(s) return (load(s)) ~= nil end")(definition)


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=3000), max_size=60), st.integers(0, 50)
)
@settings(max_examples=40, deadline=None)
def test_batches_fit_into_commands_and_lose_nothing(texts: list[str], overhead: int) -> None:
    literals = [server.literal(text) for text in texts]
    fitting = [item for item in literals if admin_stream.command_size(item) < 9000]
    made = list(store.batches(fitting, 200, overhead))
    assert [item for batch in made for item in batch] == fitting
    for batch in made:
        admin_stream.repl_input("> " + server.call("change", batch) + " " * overhead)


def test_batches_have_a_largest_number() -> None:
    assert [len(batch) for batch in store.batches(["1"] * 450)] == [200, 200, 50]
    assert [len(batch) for batch in store.batches(["1"] * 1100, 500)] == [500, 500, 100]


def test_what_fits_no_command_is_refused() -> None:
    with pytest.raises(XmppError, match="one account must not take more than"):
        list(store.batches(["x" * 10_000]))


# --- the whole, against a server that answers like the recorded one ---


def only(answer: str, chunk: str) -> str:
    """Of a recorded answer only what a command asks for."""
    first, *databases = answer.split("\t")
    prosody = json.loads(first)
    prosody["data"] = [entry for entry in prosody["data"] if f'"{entry[0]}"' in chunk]
    kept = [[row for row in json.loads(text.translate(EXCHANGE)) if f'"{row[0]}"' in chunk] for text in databases]
    return "\t".join([json.dumps(prosody), *(json.dumps(text).translate(EXCHANGE) for text in kept)])


class Console:
    """Stands in for the admin socket: a little account server."""

    def __init__(
        self, host: str = "pg.example", fail: Mapping[str, str] | None = None, break_at: str = "never"
    ) -> None:
        self.host = host
        self.fail = dict(fail or {})
        self.break_at = break_at
        self.calls: list[str] = []

    def lua(self, chunk: str) -> str:
        if chunk in server.DEFINITIONS:
            return ""
        self.calls.append(chunk)
        if chunk.startswith(f"return xa.{self.break_at}("):
            raise AdminUnavailable("the connection is lost", "closed")
        if chunk.startswith("return xa.open("):
            return RECORDED[self.host]["open"]["answer"]
        if chunk.startswith("return xa.read("):
            return only(RECORDED[self.host]["read_all"]["answer"], chunk)
        if chunk == "return xa.names()":
            return '["juliet","romeo","tybalt"]'
        return json.dumps(self.fail)

    def lua_json(self, chunk: str) -> Any:
        return json.loads(self.lua(chunk))

    def sent(self, function: str) -> list[str]:
        return [chunk for chunk in self.calls if chunk.startswith(f"return xa.{function}(")]


#: the accounts in the recorded answers
EXISTING: list[dict[str, Any]] = [
    {
        "name": "juliet",
        "password": "sesam-öffne-dich ☃",
        "role": "prosody:admin",
        "contact": {"email": "j@x.example"},
        "flags": {"vip": 'a "note"'},
    },
    {"name": "romeo", "password": "hunter22", "secondary_roles": ["prosody:member", "prosody:guest"]},
    {"name": "tybalt", "state": "disabled"},
]


@pytest.mark.parametrize("host", REAL)
def test_nothing_to_do_on_every_storage(host: str) -> None:
    console = Console(host)
    plan = reconcile.make_plan(store.AccountStore(console, host), EXISTING, "always")
    assert (plan.changed, plan.errors, plan.unchanged) == (False, {}, 3)
    outcome = reconcile.Outcome()
    reconcile.apply(store.AccountStore(console, host), plan, outcome)
    assert not outcome.changed
    assert not console.sent("create") + console.sent("change")


def test_everything_at_once() -> None:
    console = Console(fail={"taken": "it exists by now"})
    declared: list[dict[str, Any]] = [
        {"name": "juliet", "password": "a new one", "role": "prosody:member"},
        {"name": "tybalt", "state": "absent"},
        {"name": "new", "password": "x", "flags": {"vip": ""}, "contact": {"email": "e", "name": ""}},
        {"name": "taken", "verifier": str(PENCIL)},
        {"name": "no way"},
        {"name": "norole", "role": "nope"},
        {"name": "huge", "state": "disabled", "contact": {"x": "y" * 10_000}},
    ]
    accounts = store.AccountStore(console, "pg.example")
    plan = reconcile.make_plan(accounts, declared, "always")
    foreseen = reconcile.Outcome()
    reconcile.foresee(plan, foreseen)
    assert foreseen.created == ["huge", "new", "taken"]
    assert foreseen.updated == {"juliet": ["password", "role"]}
    assert foreseen.removed == ["tybalt"]
    outcome = reconcile.Outcome()
    reconcile.apply(accounts, plan, outcome)
    assert outcome.created == ["huge", "new"]
    assert outcome.updated == foreseen.updated
    assert outcome.removed == ["tybalt"]
    assert set(outcome.failed) == {"no way", "norole", "taken", "huge"}
    assert outcome.failed["taken"] == "taken@pg.example: it exists by now"
    assert "one account must not take more" in outcome.failed["huge"]
    # the password of the update is computed with the parameters of the host, and never sent itself
    [update] = [chunk for chunk in console.sent("change") if '"juliet"' in chunk]
    assert '{"password","' in update
    assert ",10000}" in update
    everything = "".join(console.calls)
    assert "a new one" not in everything
    assert '{"add_flag","vip",""},{"contact",{["email"]="e"}}' in everything
    message = results.failure(outcome, "pg.example")
    assert message is not None
    assert message.startswith("4 accounts of pg.example cannot be had as declared; the others were done:\n- ")


def test_a_lost_connection_tells_what_was_done() -> None:
    console = Console(break_at="create")
    accounts = store.AccountStore(console, "pg.example")
    plan = reconcile.make_plan(
        accounts, [{"name": "juliet", "role": "prosody:member"}, {"name": "x", "password": "x"}], "always"
    )
    outcome = reconcile.Outcome()
    with pytest.raises(AdminUnavailable):
        reconcile.apply(accounts, plan, outcome)
    assert (outcome.updated, outcome.created) == ({"juliet": ["role"]}, [])


def test_purge() -> None:
    accounts = store.AccountStore(Console(), "pg.example")
    purge = reconcile.Purge(3, ["rom*"])
    plan = reconcile.make_plan(accounts, [], "always", purge)
    assert [entry.name for entry in plan.remove] == ["juliet", "tybalt"]
    assert plan.kept == ("romeo",)
    with pytest.raises(AccountError, match=r"Nothing was changed.* 2 accounts .*juliet, tybalt.* purge_limit allows 1"):
        reconcile.make_plan(accounts, [], "always", reconcile.Purge(1, ["rom*"]))
    # an account that was misspelt is not purged for that
    plan = reconcile.make_plan(accounts, [{"name": "ju liet"}], "always", purge)
    assert not plan.remove
    # declared absent is not purged, so it does not count
    plan = reconcile.make_plan(
        accounts, [{"name": "juliet", "state": "absent"}], "always", reconcile.Purge(1, ["rom*"])
    )
    assert len(plan.remove) == 2


def test_prediction() -> None:
    plan, host = results.prediction([{"name": "a"}, {"name": "b", "state": "absent"}, {"name": "b c"}], "example.org")
    assert [entry.name for entry in plan.create] == ["a"]
    assert (plan.unchanged, set(plan.errors), host.name) == (1, {"b c"}, "example.org")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (AdminUnavailable("x", "missing"), True),
        (AdminUnavailable("x", "refused"), True),
        (AdminUnavailable("x", "denied"), False),
        (AdminUnavailable("x", "timeout"), False),
        (HostError("x", "no-such-host"), True),
        (HostError("x", "component"), False),
        (AccountError("x"), False),
    ],
)
def test_what_may_come_later(error: Exception, expected: bool) -> None:
    assert results.may_come_later(error) is expected


def test_a_long_failure_names_some_and_counts_the_rest() -> None:
    outcome = reconcile.Outcome(failed={f"u{number:02d}": f"reason {number}" for number in range(25)})
    message = results.failure(outcome, "x") or ""
    assert message.count("\n- ") == 21
    assert message.endswith("- and 5 more, listed in the result under errors")
    assert results.failure(reconcile.Outcome(failed={"a": "why"}), "x") == (
        "1 account of x cannot be had as declared; the others were done:\n- why"
    )
    assert results.failure(reconcile.Outcome(), "x") is None


def test_a_role_that_the_configuration_outranks_is_warned_about() -> None:
    host = Host("x", "SHA-256", 1, ROLES, "d", True, frozenset({"op"}), frozenset({"adm"}))
    plan = planner.plan(
        [
            Wanted("op", password="x", role="prosody:guest"),
            Wanted("adm", password="x", role="prosody:admin"),
            Wanted("other", password="x", role="prosody:guest"),
        ],
        {},
        host,
    )
    [warning] = results.warnings(plan, host)
    assert "op@x is in admins" in warning
    assert "makes it prosody:operator" in warning
    assert results.account(account("op"), host)["role"] == "prosody:operator"
    assert results.account(account("adm"), host)["role"] == "prosody:admin"
    shown = results.account(account(), host)
    assert shown["role"] == "prosody:registered"
    assert PENCIL.stored_key not in str(shown)
    assert PENCIL.salt not in str(shown)


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (reconcile.Outcome(), "none"),
        (reconcile.Outcome(created=["a"]), "created"),
        (reconcile.Outcome(updated={"a": ["role"]}), "updated"),
        (reconcile.Outcome(removed=["a"]), "removed"),
    ],
)
def test_action(outcome: reconcile.Outcome, expected: str) -> None:
    assert results.action(outcome) == expected


# --- hashing ---


def test_all_items_are_hashed_once() -> None:
    items = list(range(1000))
    assert sorted(hashing.unordered(lambda item: item * 2, items)) == [(item, item * 2) for item in items]
    assert list(hashing.unordered(lambda item: item, [])) == []


def test_a_failure_of_hashing_is_raised() -> None:
    def fail(item: int) -> int:
        raise scram.ScramError("no")

    with pytest.raises(scram.ScramError):
        list(hashing.unordered(fail, [1, 2, 3]))
