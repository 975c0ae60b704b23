# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""plugin_utils/deployment.py: what was moved, what is said about it, and what the next run knows."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.filter import deployment as filters
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils import deployment

FILTERS = filters.FilterModule().filters()
moves, merged = FILTERS["deployment_moves"], FILTERS["deployment_merged"]
misspelt = FILTERS["deployment_misspelt_groups"]
settled, shared = FILTERS["deployment_settled"], FILTERS["deployment_shared_domains"]


def host(*roles: str, domain: str = "example.org", address: str = "192.0.2.1") -> dict[str, Any]:
    return {"roles": list(roles), "domains": [domain] if "prosody" in roles else [], "address": address}


LAST = {"a": host("coturn", "postgresql", "prosody"), "b": host("monitoring")}


def test_groups_that_are_nearly_ours() -> None:
    [line] = misspelt({"all": ["a"], "prosdy": ["a"], "coturn": ["a"], "turn": ["a"]})
    assert "did you mean prosody?" in line
    assert misspelt({"prosdy": ["a"]}, own=["prosdy"]) == []


def test_nothing_moved() -> None:
    assert moves(LAST, LAST, ["a", "b"]) == []
    assert moves({}, LAST, ["a", "b"]) == []


@pytest.mark.parametrize("role", deployment.ROLES)
def test_what_another_host_has_is_stopped_where_it_was(role: str) -> None:
    [move] = moves({"a": host(role)}, {"b": host(role)}, ["a", "b"])
    assert (move["host"], move["role"], move["heirs"], move["stop"]) == ("a", role, ["b"], True)
    assert " was moved from a to b: it is stopped on a " in move["text"]
    assert ("before it starts on b, since two" in move["text"]) == (role == "prosody")
    assert "there" in move["text"].rpartition(". ")[2] or role in ("prosody", "monitoring")


def test_a_pool_that_shrinks_is_a_move() -> None:
    last = {"a": host("coturn"), "b": host("coturn")}
    [move] = moves(last, {"b": host("coturn")}, ["a", "b"])
    assert (move["host"], move["heirs"], move["stop"]) == ("a", ["b"], True)


def test_what_nobody_has_any_more_is_left_as_it_is() -> None:
    [move] = moves({"a": host("postgresql", "prosody")}, {"a": host("prosody")}, ["a"], ".secrets/deployed.json")
    assert (move["known"], move["heirs"], move["stop"]) == (True, [], False)
    assert "PostgreSQL was on a, which is in group postgresql no more" in move["text"]
    assert "take postgresql of a out of .secrets/deployed.json" in move["text"]


@pytest.mark.parametrize("now", [{"a": host("prosody")}, {}])
def test_a_container_that_the_inventory_has_no_more_is_removed_by_the_run(now: dict[str, Any]) -> None:
    """Where the host has nothing left in the inventory, nothing is done on it."""
    last = {"a": {**host("coturn", "prosody"), "backend": "container"}}
    found = [move for move in moves(last, now, ["a"]) if move["role"] == "coturn"]
    assert [move["removed"] for move in found] == [bool(now)]
    assert ("its container is removed, and its volumes stay" in found[0]["text"]) == bool(now)
    assert not moves({"a": host("coturn", "prosody")}, {"a": host("prosody")}, ["a"])[0]["removed"]


def test_a_prosody_with_another_domain_is_no_heir() -> None:
    last = {"a": host("prosody"), "b": host("prosody", domain="second.example")}
    [move] = moves(last, {"b": last["b"]}, ["a", "b"])
    assert (move["heirs"], move["stop"]) == ([], False)
    [move] = moves(last, {"b": {**last["b"], "domains": ["second.example", "example.org"]}}, ["a", "b"])
    assert (move["heirs"], move["stop"]) == (["b"], True)


def test_a_host_that_left_the_inventory_is_named_with_its_address() -> None:
    found = moves({"a": host("coturn", "prosody")}, {"b": host("coturn")}, ["b"], "R")
    assert [(one["role"], one["known"], one["stop"]) for one in found] == [
        ("coturn", False, False),
        ("prosody", False, False),
    ]
    assert "coturn was moved from a to b, and a (192.0.2.1) left the inventory" in found[0]["text"]
    assert "Prosody was on a, and a (192.0.2.1) left the inventory" in found[1]["text"]
    assert all("take it out of R" in one["text"] for one in found)
    assert "messages of the domain are lost" not in found[1]["text"]


def test_a_prosody_that_may_still_run_somewhere_is_a_danger() -> None:
    [move] = moves({"a": host("prosody")}, {"b": host("prosody")}, ["b"])
    assert "If it still runs there, messages of the domain are lost." in move["text"]


def test_the_record_keeps_what_was_until_it_is_stopped() -> None:
    now = {"b": host("coturn", "monitoring", address="192.0.2.2"), "c": host("prosody")}
    record = merged(LAST, now, ["b"])
    assert record["a"] == LAST["a"]
    assert record["b"] == {"roles": ["coturn", "monitoring"], "domains": [], "address": "192.0.2.2"}
    assert "c" not in record, "this run does not change it"
    assert merged(record, now, ["b"]) == record
    assert merged({"a": host("prosody")}, {"a": host("coturn")}, ["a"])["a"]["domains"] == ["example.org"]
    gone = [{"host": "a", "role": role} for role in ("coturn", "postgresql", "prosody")]
    assert settled(record, gone[:1])["a"] == {**LAST["a"], "roles": ["postgresql", "prosody"]}
    assert settled(record, gone[2:])["a"]["domains"] == []
    assert set(settled(record, gone)) == {"b"}
    assert settled(record, [{"host": "x", "role": "coturn"}]) == record


def test_two_prosodys_for_one_domain_are_refused() -> None:
    now = {"a": host("prosody"), "b": host("prosody", domain="Example.org."), "c": host("prosody", domain="x.example")}
    [line] = shared(now)
    assert line.startswith("example.org is served by a and by b, which are in group prosody: ")
    assert shared({"a": now["a"], "c": now["c"], "d": {**host("coturn"), "domains": ["example.org"]}}) == []


def test_a_host_that_became_another_kind_of_host_is_told() -> None:
    other_backends = FILTERS["deployment_other_backends"]
    was = {"a": {**host("prosody"), "backend": "host"}}
    now = {"a": {**host("prosody"), "backend": "container"}, "b": {**host("coturn"), "backend": "container"}}
    [line] = other_backends(was, now)
    assert "a was a host, and the inventory has it in containers" in line
    assert other_backends(was, was) == []
    # a record of an earlier version does not say
    assert other_backends(LAST, now) == []


def brought(last: dict[str, Any], now: dict[str, Any], contained: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = FILTERS["deployment_brings"](last, now, moves(last, now, [*last, *now]), contained)
    return found


def stuck(last: dict[str, Any], now: dict[str, Any], contained: tuple[str, ...] = ()) -> list[str]:
    found = moves(last, now, [*last, *now])
    bringing = FILTERS["deployment_brings"](last, now, found, contained)
    texts: list[str] = FILTERS["deployment_unmovable"](last, found, bringing, contained)
    return texts


ALL = host("coturn", "postgresql", "prosody")


def test_what_prosody_keeps_is_brought_with_the_database_where_that_moves_along() -> None:
    [one] = brought({"a": ALL}, {"b": ALL})
    assert (one["from"], one["to"], one["database"], one["problems"]) == ("a", "b", True, [])
    assert sorted(one["roles"]) == ["coturn", "postgresql", "prosody"]
    [one] = brought({"a": host("prosody"), "c": host("postgresql")}, {"b": host("prosody"), "c": host("postgresql")})
    assert (one["database"], one["roles"]) == (False, ["prosody"])
    assert brought({"a": ALL}, {"a": ALL}) == []
    # a TURN server alone keeps nothing
    assert brought({"a": ALL}, {"a": host("postgresql", "prosody"), "b": host("coturn")}) == []


def test_who_has_it_already_is_brought_nothing() -> None:
    last = {"a": host("coturn", "postgresql"), "b": ALL}
    assert brought({"a": ALL, "b": ALL}, {"b": ALL}, ("b",)) == []
    assert stuck({"a": ALL, "b": ALL}, {"b": ALL}, ("b",)) == []
    assert stuck(last, {"b": ALL}, ("b",)) == []


def test_turn_waits_where_containers_may_have_the_ports_of_the_same_machine() -> None:
    names: tuple[tuple[str, ...], ...] = ((), ("a",), ("b",), ("a", "b"))
    assert [brought({"a": ALL}, {"b": ALL}, one)[0]["turn_waits"] for one in names] == [False, True, True, True]


@pytest.mark.parametrize(
    ("last", "now", "contained", "said"),
    [
        (
            {"a": {**ALL, "domains": ["x.example", "y.example"]}},
            {"b": {**host("prosody"), "domains": ["x.example"]}, "c": {**host("prosody"), "domains": ["y.example"]}},
            (),
            "Domains of a were moved to several hosts, b, c",
        ),
        (
            {"a": {**ALL, "domains": ["x.example", "y.example"]}},
            {"b": {**ALL, "domains": ["x.example"]}},
            (),
            "y.example of a would be no more",
        ),
        (
            {"a": ALL, "b": host("prosody", domain="z.example")},
            {"b": {**ALL, "domains": ["example.org", "z.example"]}},
            (),
            "Prosody ran on b before",
        ),
        ({"a": ALL, "b": host("postgresql")}, {"b": ALL}, (), "PostgreSQL ran on b before"),
        ({"a": host("prosody"), "c": host("postgresql")}, {"b": ALL}, (), "The database was moved to b from c"),
        ({"a": ALL}, {"a": host("coturn"), "b": host("postgresql", "prosody")}, ("a",), "it is in containers: cot"),
        (
            {"a": ALL, "c": host("prosody", domain="c.example")},
            {"b": {**ALL, "domains": ["example.org", "c.example"]}},
            (),
            "Several hosts' Prosodys were moved to b",
        ),
    ],
)
def test_what_cannot_be_brought_is_said(
    last: dict[str, Any], now: dict[str, Any], contained: tuple[str, ...], said: str
) -> None:
    assert any(said in problem for one in brought(last, now, contained) for problem in one["problems"])


def test_a_host_may_keep_its_turn_server_when_the_others_go_into_containers() -> None:
    last, now = {"a": ALL}, {"a": host("coturn"), "b": host("postgresql", "prosody")}
    assert [one["problems"] for one in brought(last, now, ("b",))] == [[]]
    assert stuck(last, now, ("b",)) == []


def test_a_single_service_moves_neither_into_containers_nor_out_of_them() -> None:
    last, now = {"a": ALL}, {"a": host("postgresql", "prosody"), "b": host("coturn")}
    assert stuck(last, now) == []
    for contained in ("a",), ("b",):
        [line] = stuck(last, now, contained)
        assert line.startswith("coturn was moved from a to b")
