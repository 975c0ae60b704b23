# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a change would leave behind: readers, planner, and the module in check and in earnest."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import lupa.lua54 as lupa
import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.accounts import continuity, reached
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.accounts.continuity import Place, objections
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody import connection
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.admin_socket import AdminUnavailable
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction import reading
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.model import ConfigUnreadable, Model
from ansible_collections.allthingslinux.xmpp.plugins.modules import prosody_continuity
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.places import places
from ansible_collections.allthingslinux.xmpp.tests.unit.module_runner import FakeSocket, run

D = "example.org"
POSTGRESQL = {"driver": "PostgreSQL", "database": "prosody", "host": "/run/postgresql"}
# as Prosody 13.0.1 answers; an empty Lua table is an empty list in JSON
ANSWER = {
    D: {
        "authentication": None,
        "password_hash": "SHA-256",
        "driver": "sql",
        "stores": {"archive": "internal"},
        "sql": {**POSTGRESQL, "port": 5432},
        "data_path": "/var/lib/prosody/",
        "accounts": 4,
        "keys": {"length 64": 3, "length 40": 1, "length 0": 1},
    },
    "empty.example": {"driver": "internal", "stores": [], "sql": [], "accounts": 0, "keys": []},
    "rooms.example": {"driver": "internal", "stores": [], "sql": [], "accounts": 0, "keys": [], "module": "muc"},
    "blind.example": {"driver": "sql", "sql": POSTGRESQL, "accounts": 0, "keys": [], "unseen": "no database"},
}


def test_the_answer_of_a_server() -> None:
    assert continuity.answer(ANSWER) == {
        D: Place(
            "internal_hashed",
            "SHA-256",
            "sql",
            POSTGRESQL,
            4,
            {"SHA-256": 3, "SHA-1": 1},
            stores={"archive": "internal"},
            data_path="/var/lib/prosody",
        ),
        "empty.example": Place(),
        "rooms.example": Place(module="muc"),
        "blind.example": Place(driver="sql", database=POSTGRESQL, accounts=None, unseen="no database"),
    }


@pytest.mark.parametrize("data", [None, [], "text", 5])
def test_an_answer_that_is_none(data: Any) -> None:
    with pytest.raises(XmppError, match="where its hosts were asked for"):
        continuity.answer(data)


def test_the_question_is_one_short_line_of_lua() -> None:
    question = continuity.question()
    assert "\n" not in question
    assert len(question) < 9000
    assert lupa.LuaRuntime().eval("function(text) return load(text) ~= nil end")(question)


def test_the_password_of_a_database_is_not_kept() -> None:
    assert continuity.database({**POSTGRESQL, "password": "hunter2", "port": "5433"}) == {**POSTGRESQL, "port": "5433"}


HASHED = Place(password_hash="SHA-1", accounts=3, keys={"SHA-1": 3})
NEW = Place(password_hash="SHA-256")
SQL = Place(password_hash="SHA-1", driver="sql", database=POSTGRESQL)

# (now, then, kinds objected to, words in the text)
CASES: list[tuple[Place, Place | None, list[str], str]] = [
    (HASHED, Place(password_hash="SHA-1"), [], ""),
    (HASHED, NEW, ["password_hash"], "3 of the 3 that were looked at with a password kept as SHA-1"),
    (Place(password_hash="SHA-1", accounts=0), NEW, [], ""),
    # the data counts, not what the configuration says
    (Place(password_hash="SHA-256", accounts=2, keys={"SHA-1": 1, "SHA-256": 1}), NEW, ["password_hash"], "1 of the 2"),
    (Place(password_hash="SHA-1", accounts=2, keys={"SHA-256": 2}), NEW, [], ""),
    (Place(password_hash="SHA-1", accounts=2), NEW, [], ""),  # accounts without a password
    (Place(accounts=None, unseen="no database", password_hash="SHA-1"), NEW, ["password_hash"], "no database"),
    (Place(accounts=None, unseen="no database", password_hash="SHA-256"), NEW, [], ""),
    (Place(accounts=1), SQL, ["storage"], "has 1 account in storage internal; with PostgreSQL database prosody on"),
    (Place(accounts=1000), SQL, ["storage"], "1000 or more accounts"),
    (Place(accounts=None, unseen="x", driver="sql", database=POSTGRESQL), Place(), ["storage"], "cannot be counted"),
    (
        Place(password_hash="SHA-1", driver="sql", database=POSTGRESQL, accounts=1, keys={"SHA-1": 1}),
        SQL,
        [],
        "",
    ),
    (
        Place(driver="sql", database={**POSTGRESQL, "database": "old"}, accounts=1),
        SQL,
        ["storage"],
        "PostgreSQL database old on /run/postgresql",
    ),
    (Place(accounts=1), Place(authentication="ldap"), ["authentication"], "ldap does not know"),
    (Place(authentication="ldap", accounts=1), Place(authentication="ldap", password_hash="SHA-256"), [], ""),
    (Place(accounts=2), None, ["hosts"], "is not among the wanted hosts"),
    (Place(accounts=0), None, [], ""),
    (Place(accounts=None, unseen="x"), None, [], ""),
]


@pytest.mark.parametrize(("now", "then", "kinds", "words"), CASES)
def test_objections(now: Place, then: Place | None, kinds: list[str], words: str) -> None:
    found = objections({D: now}, {D: then} if then else {})
    assert [item.kind for item in found] == kinds
    assert all(words in item.text and item.text.startswith(D) for item in found)
    assert all(f"prosody_accept_loss: [{item.kind}]" in item.text for item in found)
    assert all("`bin/xmpp storage INVENTORY`" in item.text for item in found if item.kind == "storage")
    assert objections({D: now}, {D: then} if then else {}, kinds) == []


def test_a_new_host_is_no_matter() -> None:
    assert objections({}, {D: NEW}) == []


def test_accounts_in_files(tmp_path: Path) -> None:
    directory = tmp_path / "b%c3%bccher%2eexample" / "accounts"
    directory.mkdir(parents=True)
    (directory / "a.dat").write_text(f'return {{\n\t["stored_key"] = "{"0" * 40}";\n}};')
    (directory / "b.dat").write_text(f'return {{\n\t["stored_key"] = "{"0" * 64}";\n}};')
    (directory / "c.dat").write_text('return {\n\t["password"] = "plain";\n};')
    assert continuity.files(tmp_path, "bücher.example") == (3, {"SHA-1": 1, "SHA-256": 1})
    assert continuity.files(tmp_path, D) == (0, {})


def test_a_stopped_server(tmp_path: Path) -> None:
    (tmp_path / "example%2eorg" / "accounts").mkdir(parents=True)
    (tmp_path / "example%2eorg" / "accounts" / "a.dat").write_text('["stored_key"] = "' + "0" * 40 + '"')
    model = Model(
        hosts={
            "*": {"storage": {"accounts": "internal"}, "default_storage": "sql", "sql": POSTGRESQL},
            D: {"defined": True},
            "sql.example": {"defined": True, "storage": "sql", "password_hash": "SHA-256"},
            "memory.example": {"defined": True, "storage": "memory"},
            "muc.example.org": {"component_module": "muc"},
        }
    )
    below = str(tmp_path)
    sql: dict[str, Any] = {"database": POSTGRESQL, "data_path": below}
    own: dict[str, Any] = {"stores": {"accounts": "internal"}, "driver": "sql", **sql}
    assert continuity.configured(model, tmp_path) == {
        D: Place(accounts=1, keys={"SHA-1": 1}, **own),
        "sql.example": Place(
            password_hash="SHA-256", driver="sql", accounts=None, unseen="Prosody does not run", **sql
        ),
        "memory.example": Place(driver="memory", **sql),
        "muc.example.org": Place(module="muc", **own),
    }


def test_a_stopped_server_with_its_own_directory(tmp_path: Path) -> None:
    accounts = tmp_path / "elsewhere" / "example%2eorg" / "accounts"
    accounts.mkdir(parents=True)
    (accounts / "a.dat").touch()
    model = Model(hosts={"*": {"data_path": "elsewhere"}, D: {}})
    assert continuity.configured(model, tmp_path)[D] == Place(accounts=1, data_path=f"{tmp_path}/elsewhere")


ROOMS = Place(module="muc", database=POSTGRESQL, data_path="/var/lib/prosody")
HOST = Place(accounts=1, database=POSTGRESQL, data_path="/var/lib/prosody")
UPLOADS = Place(module="http_file_share", driver="sql", database=POSTGRESQL, data_path="/var/lib/prosody")


# name, now, then, the stores that are asked about, kinds objected to when there is something in them, words in the text
MOVES: list[tuple[str, Place, Place | None, list[str], list[str], str]] = [
    ("nothing", ROOMS, ROOMS, [], [], ""),
    ("rooms on another component", ROOMS, None, ["config", "muc_log"], ["hosts"], "7 rooms, archives of rooms"),
    ("its kind", ROOMS, replace(ROOMS, module="pubsub"), ["config", "muc_log"], ["hosts"], "not among the wanted"),
    ("rooms in the database", ROOMS, replace(ROOMS, driver="sql"), ["config", "muc_log"], ["storage"], "7 rooms"),
    ("an archive", ROOMS, replace(ROOMS, stores={"muc_log": "sql"}), ["muc_log"], ["storage"], "archives of rooms"),
    ("what was memory", replace(ROOMS, driver="memory"), None, [], [], ""),
    ("what was not kept", replace(ROOMS, stores={"muc_log": "none"}), ROOMS, [], [], ""),
    ("archives of a host", HOST, replace(HOST, stores={"archive": "sql"}), ["archive"], ["storage"], "of messages"),
    # accounts go along, and are objected to by themselves
    ("a host", HOST, replace(HOST, driver="sql"), [], ["storage"], "has 1 account in"),
    ("all but accounts", replace(HOST, stores={"accounts": "sql"}), replace(HOST, driver="sql"),
     ["archive", "offline", "private", "roster", "vcard"], ["storage"], "contacts"),
    ("who has accounts elsewhere", replace(HOST, authentication="ldap", accounts=0),
     replace(HOST, authentication="ldap", driver="sql"), list(continuity.HOST_STORES), ["storage"], "contacts"),
    ("the data directory", HOST, replace(HOST, data_path="/srv"), [], ["storage"],
     "storage internal below /var/lib/prosody; with storage internal below /srv"),
    ("rooms of it", ROOMS, replace(ROOMS, data_path="/srv"), ["config", "muc_log"], ["storage"], "below /srv"),
    ("not of a database", replace(ROOMS, driver="sql"), replace(ROOMS, driver="sql", data_path="/srv"), [], [], ""),
    ("but shared files", UPLOADS, replace(UPLOADS, data_path="/srv"), ["uploads"], ["storage"], "files below /srv"),
    ("another component", Place(module="proxy65"), None, [], [], ""),
    ("a host that is a component", HOST, replace(ROOMS, accounts=0), [], ["hosts"], "has 1 account"),
]  # fmt: skip


@pytest.mark.parametrize(("now", "then", "stores", "kinds", "words"), [case[1:] for case in MOVES],
                         ids=[case[0] for case in MOVES])  # fmt: skip
def test_stores_that_would_lie_elsewhere(
    now: Place, then: Place | None, stores: list[str], kinds: list[str], words: str
) -> None:
    wanted = {D: then} if then else {}
    pairs = continuity.moved({D: now}, wanted)
    assert [store for _host, store in pairs] == stores
    found = objections({D: now}, wanted, held=dict.fromkeys(pairs, 7))
    assert [item.kind for item in found] == kinds
    assert all(words in item.text and f"prosody_accept_loss: [{item.kind}]" in item.text for item in found)
    assert objections({D: now}, wanted, kinds, dict.fromkeys(pairs, 7)) == []
    if stores:  # and nothing is in them
        assert objections({D: now}, wanted, held=dict.fromkeys(pairs, 0)) == []


def test_the_way_to_keep_the_name_of_a_component() -> None:
    then = {"muc.example.org": ROOMS}
    (found,) = objections({"conference.example.org": ROOMS}, then, held={("conference.example.org", "config"): 1})
    assert (
        "conference.example.org has 1 room, and is not among the wanted components; muc.example.org would" in found.text
    )
    assert "prosody_component_settings: {muc: {label: conference}}" in found.text
    # whoever cannot look does not stand in the way
    assert objections({"conference.example.org": ROOMS}, then, held={("conference.example.org", "config"): None}) == []


def test_a_component_that_goes_with_its_host_is_not_renamed() -> None:
    now = {"two.test": HOST, "upload.two.test": UPLOADS, "one.test": HOST, "upload.one.test": UPLOADS}
    then = {"one.test": HOST, "upload.one.test": UPLOADS}
    found = objections(now, then, held={("upload.two.test", "uploads"): 1})
    assert [item.text.partition(":")[0] for item in found] == [
        "two.test has 1 account, and is not among the wanted hosts",
        "upload.two.test has shared files, and goes with two.test",
    ]
    assert "prosody_component_settings" not in found[1].text
    # what is there already does not begin empty
    (renamed,) = objections(now, {**now, "upload.two.test": HOST}, held={("upload.two.test", "uploads"): 1})
    assert "begin empty" not in renamed.text


def test_stores_in_files(tmp_path: Path) -> None:
    below = tmp_path / "muc%2eexample%2eorg"
    (below / "config").mkdir(parents=True)
    (below / "config" / "a.dat").touch()
    (below / "config" / "b.dat").touch()
    (below / "uploads.list").touch()
    place = Place(module="muc", data_path=str(tmp_path), stores={"muc_log": "sql"})
    pairs = [("muc.example.org", store) for store in ("config", "muc_log", "uploads", "pubsub_nodes")]
    assert list(continuity.held_in_files({"muc.example.org": place}, pairs).values()) == [2, None, 1, 0]


def test_the_question_for_stores() -> None:
    question = continuity.question_of([("muc.example.org", "config"), ("x", 'a"b')])
    assert "\n" not in question
    assert lupa.LuaRuntime().eval("function(text) return load(text) ~= nil end")(question)
    assert continuity.answer_of([["x", "config", 3]]) == {("x", "config"): 3}
    assert continuity.answer_of({}) == {}
    with pytest.raises(XmppError, match="its stores were asked for"):
        continuity.answer_of(["no"])


@pytest.fixture
def sockets(tmp_path: Path) -> str:
    """A directory in which process 4711 has the socket of port 5432, and 4712 that of 5433."""
    (tmp_path / ".s.PGSQL.5432.lock").write_text("4711\n/var/lib/postgresql/17/main\n")
    (tmp_path / ".s.PGSQL.5433.lock").write_text("4712\n")
    return str(tmp_path)


def test_a_database_is_what_it_is_however_it_is_reached(sockets: str) -> None:
    names = {"localhost": ["127.0.0.1", "::1"], "db.example": ["192.0.2.7"], "alias.example": ["192.0.2.7"]}

    def server(host: str, port: str = "5432") -> Any:
        return reached.server(
            host,
            port,
            resolve=lambda name: names.get(name, [name] if name[0].isdigit() else []),
            here=lambda address: address in ("127.0.0.1", "::1", "10.0.0.1"),
            sockets=[sockets],
        )

    assert server("") == server(sockets) == server("localhost") == server("127.0.0.1") == server("10.0.0.1")
    assert server("") != server("", "5433")
    assert server("localhost", "5433") == server(sockets, "5433")
    assert server("db.example") == server("alias.example") == server("192.0.2.7")
    assert server("db.example") != server("localhost")
    assert server("unheard.example") != server("other.example")
    assert server("localhost", "6432") != server("", "6432")  # no socket, so something that hands on


def test_what_the_machine_itself_says(tmp_path: Path) -> None:
    assert reached.is_here("127.0.0.1")
    assert not reached.is_here("192.0.2.1")
    assert "127.0.0.1" in reached.addresses("localhost")
    assert reached.addresses("nowhere.invalid") == frozenset()
    link = tmp_path / "link"
    link.symlink_to(tmp_path)
    assert reached.identity(Place(data_path=str(link)), "roster") == reached.identity(
        Place(data_path=str(tmp_path)), "roster"
    )
    sqlite = {"driver": "SQLite3", "database": "prosody.sqlite"}
    here = Place(driver="sql", database=sqlite, data_path=str(tmp_path))
    absolute = Place(driver="sql", database={**sqlite, "database": f"{tmp_path}/prosody.sqlite"}, data_path="/x")
    assert reached.identity(here, "accounts") == reached.identity(absolute, "accounts")
    assert reached.identity(here, "uploads") != reached.identity(absolute, "uploads")
    assert reached.identity(Place(driver="memory"), "accounts") == ("memory",)


WANTED = {
    D: {
        "authentication": "internal_hashed",
        "password_hash": "SHA-256",
        "storage": "sql",
        "stores": {"archive": "internal"},
        "sql": POSTGRESQL,
    }
}


@pytest.mark.parametrize("check", [False, True])
def test_the_module_objects(monkeypatch: pytest.MonkeyPatch, check: bool) -> None:
    socket = FakeSocket(lambda *_call: {D: ANSWER[D]})
    monkeypatch.setattr(connection, "connect", lambda _params: socket)
    result = run(prosody_continuity, check=check, hosts=WANTED)
    assert result["failed"]
    assert result["source"] == "server"
    assert [item["kind"] for item in result["objections"]] == ["password_hash"]
    assert "Nothing was changed" in result["msg"]
    assert len(socket.calls) == 1
    result = run(prosody_continuity, check=check, hosts=WANTED, accept=["password_hash"])
    assert result["changed"] is False
    assert "failed" not in result


def test_the_module_asks_about_what_would_move(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([{D: ANSWER[D]}, [[D, "archive", 2]]])
    socket = FakeSocket(lambda *_call: next(answers))
    monkeypatch.setattr(connection, "connect", lambda _params: socket)
    wanted = {D: {**WANTED[D], "stores": {}}}
    result = run(prosody_continuity, hosts=wanted, accept=["password_hash"])
    assert result["failed"]
    assert [item["kind"] for item in result["objections"]] == ["storage"]
    assert "archives of messages in storage internal below /var/lib/prosody" in result["msg"]
    assert len(socket.calls) == 2


def unavailable(reason: str) -> Any:
    def connect(_params: dict[str, Any]) -> Any:
        raise AdminUnavailable("not there", reason)

    return connect


def test_nothing_installed_is_nothing_to_lose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "connect", unavailable("missing"))
    monkeypatch.setattr(reading, "find", lambda: None)
    result = run(prosody_continuity, hosts=WANTED)
    assert (result["source"], result["objections"]) == ("none", [])


def test_a_broken_configuration_of_a_stopped_server_can_be_repaired(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Broken:
        def read(self, path: str, run_command: Any) -> Any:
            raise ConfigUnreadable(f"{path}:1: unexpected symbol")

    (tmp_path / "prosody.cfg.lua").write_text("(")
    monkeypatch.setattr(connection, "connect", unavailable("refused"))
    monkeypatch.setattr(reading, "find", Broken)
    warnings: list[str] = []
    monkeypatch.setattr(prosody_continuity.AnsibleModule, "warn", lambda _self, text: warnings.append(text))
    result = run(prosody_continuity, hosts=WANTED, config=str(tmp_path / "prosody.cfg.lua"))
    assert result["source"] == "none"
    assert "unexpected symbol" in warnings[0]


def test_a_server_that_does_not_answer_is_no_reason_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "connect", unavailable("timeout"))
    assert run(prosody_continuity, hosts=WANTED)["msg"] == "not there"


def test_places_of_settings() -> None:
    settings = {
        "hosts": [
            {"name": D},
            {"name": "guests.example", "authentication": "anonymous", "storage": "memory"},
            {"name": "old.example", "options": {"password_hash": "SHA-1"}},
        ],
        "storage": "postgresql",
        "database_host": "192.0.2.1",
    }
    sql = {"driver": "PostgreSQL", "database": "prosody", "host": "192.0.2.1"}
    plain = {"authentication": "internal_hashed", "password_hash": "SHA-256", "storage": "sql", "sql": sql}
    components = [{"name": "rooms.example", "module": "muc"}, {"name": "bridge.example"}]
    with_components = places({**settings, "components": components})
    assert with_components["rooms.example"] == {"module": "muc", "storage": "sql", "sql": sql}
    assert with_components["bridge.example"]["module"] == "component"
    assert places({**settings, "options": {"data_path": "/srv"}})[D] == {**plain, "data_path": "/srv"}
    assert places(settings) == {
        D: plain,
        "guests.example": {"authentication": "anonymous", "password_hash": "SHA-256", "storage": "memory"},
        "old.example": {**plain, "password_hash": "SHA-1"},
    }
    assert places({**settings, "stores": {"accounts": "internal"}})[D] == {**plain, "stores": {"accounts": "internal"}}
