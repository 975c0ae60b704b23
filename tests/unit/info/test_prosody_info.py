# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""prosody_info: answers recorded from Prosody 13.0.1 → what the module returns."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import lupa
import pytest
import yaml
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.info import lua, reader
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.admin_socket import AdminUnavailable
from ansible_collections.allthingslinux.xmpp.plugins.modules import prosody_info
from ansible_collections.allthingslinux.xmpp.tests.unit import module_runner
from hypothesis import given
from hypothesis import strategies as st

DATA = Path(__file__).parents[1] / "data"
HEALTHY = json.loads((DATA / "prosody_info.json").read_text())
DRIFTED = json.loads((DATA / "prosody_info_drift.json").read_text())
CERTIFICATE = "/etc/prosody/certs/example.test.crt"


def test_the_question_is_lua_and_fits_into_one_command():
    command = lua.command()
    assert len(command.encode()) < 9_000
    assert lupa.LuaRuntime().eval("load")(command)


def test_the_question_reads_no_option_that_can_hold_a_secret():
    assert "component_secret" not in lua.GATHER
    assert "sql" not in lua.GATHER
    assert "PRIVATE KEY" not in json.dumps(HEALTHY)
    assert "s3cret" not in json.dumps(DRIFTED)


def test_a_healthy_server():
    state = reader.read(HEALTHY)
    assert state["running"] is True
    assert state["version"] == "13.0.1"
    assert state["uptime"] == HEALTHY["time"] - HEALTHY["started"]
    assert state["started"].startswith("2026-11-22T")
    assert list(state["hosts"]) == ["example.test", "off.example.test"]
    assert list(state["components"]) == ["gateway.example.test", "muc.example.test", "upload.example.test"]
    host, off = state["hosts"]["example.test"], state["hosts"]["off.example.test"]
    assert (host["configured"], host["enabled"], host["active"]) == (True, True, True)
    assert (off["configured"], off["enabled"], off["active"]) == (True, False, False)
    assert host["authentication"] == "internal_hashed"
    assert host["storage"] == {
        "default": "internal",
        "stores": {"accounts": "internal", "archive": "internal"},
        "drivers": ["internal"],
    }
    gateway, rooms = state["components"]["gateway.example.test"], state["components"]["muc.example.test"]
    assert (gateway["external"], gateway["connected"]) == (True, False)
    assert (rooms["component"], rooms["external"], rooms["connected"]) == ("muc", False, None)
    assert "muc_mam" in state["modules"]["muc.example.test"]
    assert state["modules"]["*"] == sorted(state["modules"]["*"])
    assert state["problems"] == []
    assert state["drift"] == {"activate": [], "deactivate": [], "load": [], "unload": []}
    assert state["paths"]["plugins"][-1] == "/usr/lib/prosody/modules"
    assert state["memory"]["lua"] > 1_000_000
    assert {
        "service": "https",
        "interface": "*",
        "port": 5281,
        "direct_tls": True,
        "private": False,
        "certificate": CERTIFICATE,
    } in state["ports"]
    assert [port["port"] for port in state["ports"]] == sorted(port["port"] for port in state["ports"])


def test_a_certificate_with_names_expiry_and_users():
    found = reader.read(HEALTHY)["certificates"]
    assert list(found) == [CERTIFICATE]
    certificate = found[CERTIFICATE]
    assert certificate["names"] == ["example.test", "*.example.test"]
    assert certificate["not_after"] == "2026-12-22T12:53:11Z"
    assert certificate["expired"] is False
    assert 29 * 86400 < certificate["seconds_left"] <= 30 * 86400
    assert "example.test" in certificate["hosts"]
    assert certificate["ports"] == [5281]
    assert certificate["error"] is None


def test_an_expired_certificate():
    answer = copy.deepcopy(HEALTHY)
    answer["time"] += 31 * 86400
    certificate = reader.read(answer)["certificates"][CERTIFICATE]
    assert (certificate["expired"], certificate["seconds_left"]) == (True, 0)


def test_servers_that_fail_in_the_order_of_their_names():
    one = {"direction": "out", "host": "a.test", "peer": "z.test", "since": 1795000000, "tried": 1795000300}
    other = {**one, "peer": "b.test", "reason": "tls", "text": "no cipher", "ok": 1794990000}
    answer = {**HEALTHY, "peers": [{**one, "reason": "dns", "text": "unable to resolve"}, other]}
    assert reader.read(HEALTHY)["failing_peers"] == reader.read({**HEALTHY, "peers": {}})["failing_peers"] == []
    assert reader.read(answer)["failing_peers"] == [
        {"peer": "b.test", "host": "a.test", "direction": "out", "since": "2026-11-18T11:06:40Z"}
        | {"reason": "tls", "text": "no cipher", "worked": "2026-11-18T08:20:00Z"},
        {"peer": "z.test", "host": "a.test", "direction": "out", "since": "2026-11-18T11:06:40Z"}
        | {"reason": "dns", "text": "unable to resolve", "worked": None},
    ]


def test_drift_problems_and_a_certificate_that_cannot_be_read():
    state = reader.read(DRIFTED)
    assert state["drift"] == {
        "activate": ["new.example.test"],
        "deactivate": ["typo.example.test"],
        "load": [{"host": "example.test", "module": "announce"}],
        "unload": [
            {"host": "example.test", "module": "carbons"},
            {"host": "example.test", "module": "ping"},
            {"host": "example.test", "module": "sick"},
        ],
    }
    assert state["problems"] == [
        {"host": "example.test", "module": "sick", "status": "error", "message": "the licence has ended"}
    ]
    assert state["components"]["gateway.example.test"]["connected"] is True
    assert state["hosts"]["typo.example.test"]["configured"] is False
    assert "cannot read a certificate from it" in state["certificates"][CERTIFICATE]["error"]


def test_an_empty_table_reads_alike_as_list_and_object():
    answer = copy.deepcopy(HEALTHY)
    answer["modules"], answer["pems"], answer["ports"] = [], [], {}
    answer["sessions"]["hosts"] = []
    state = reader.read(answer)
    assert (state["modules"], state["certificates"], state["ports"]) == ({}, {}, [])
    assert state["sessions"]["hosts"] == {}


@pytest.mark.parametrize(
    ("storage", "default", "expected"),
    [
        ([], None, {"default": "internal", "stores": {}}),
        ([], "sql", {"default": "sql", "stores": {}}),
        ({"default": "memory"}, None, {"default": "memory", "stores": {}}),
        ({"archive": "sql", "accounts": "internal"}, "memory", {"default": "memory"}),
    ],
)
def test_storage_as_one_driver_or_by_store(storage, default, expected):
    answer = copy.deepcopy(HEALTHY)
    answer["hosts"]["example.test"] |= {"storage": storage, "default_storage": default}
    found = reader.read(answer)["hosts"]["example.test"]["storage"]
    assert {key: found[key] for key in expected} == expected


def test_a_stopped_server_has_the_same_keys():
    assert set(reader.stopped()) == set(reader.read(HEALTHY))
    assert set(reader.stopped()) == set(yaml.safe_load(prosody_info.RETURN))


LEAVES = st.none() | st.booleans() | st.integers() | st.text()


@given(st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_anything_else_is_an_error_of_ours(answer):
    with pytest.raises(reader.InfoError, match=r"is it another version"):
        reader.read(answer)


def test_module(monkeypatch):
    socket = module_runner.use(monkeypatch, HEALTHY)
    result = module_runner.run(prosody_info)
    assert result["changed"] is False
    assert result["version"] == "13.0.1"
    assert "ansible_facts" not in result
    assert socket.calls == [(lua.command(),)]


def test_module_sets_facts(monkeypatch):
    module_runner.use(monkeypatch, HEALTHY)
    assert module_runner.run(prosody_info, set_facts=True)["ansible_facts"]["prosody"]["version"] == "13.0.1"


@pytest.mark.parametrize("reason", ["missing", "refused"])
def test_a_server_that_does_not_run(monkeypatch, reason):
    module_runner.use(monkeypatch, AdminUnavailable("Cannot talk to Prosody", reason))
    result = module_runner.run(prosody_info)
    assert (result.get("failed", False), result["running"]) == (False, False)
    result = module_runner.run(prosody_info, fail_when_stopped=True)
    assert (result["failed"], result["msg"]) == (True, "Cannot talk to Prosody")


@pytest.mark.parametrize("reason", ["denied", "timeout", "closed", "protocol", "failed"])
def test_a_server_that_does_not_answer_is_never_called_stopped(monkeypatch, reason):
    module_runner.use(monkeypatch, AdminUnavailable("Cannot talk to Prosody", reason))
    assert module_runner.run(prosody_info)["failed"] is True
