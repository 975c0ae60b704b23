# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that people have goes from PostgreSQL into files, into SQLite and back, and nobody's is lost when that fails."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.lua_json import ENCODER
from ansible_collections.allthingslinux.xmpp.tests.scenario.client import canonical
from ansible_collections.allthingslinux.xmpp.tests.scenario.playbook import ROOT, environment
from ansible_collections.allthingslinux.xmpp.tests.scenario.waiting import wait_until
from conftest import Answer, Site, run_module

VCARD = "<vCard xmlns='vcard-temp'><FN>Alice of the scenario</FN></vCard>"
PRIVATE = "<notes xmlns='urn:example:notes'>buy &lt;bread&gt; &#228;&#129437;</notes>"
# an archive with more than a page of the program that copies
MANY = 2100

TOLD = "/var/lib/prosody/everything.json"
# What the server has, as it would tell its modules, but for what changes by being looked at, by the hour and by a stop
ALL = (
    ENCODER
    + r"""
local sm, out = require "prosody.core.storagemanager", {}
local leave = { account_activity = 1, cron = 1, archive_cleanup = 1, muc_log_cleanup = 1, state = 1, upload_stats = 1 }
for _, pair in ipairs(require "prosody.util.json".decode(PAIRS)) do
    local host, store = pair[1], pair[2]
    if not leave[store] then
        local keyval, archive = sm.open(host, store, "keyval"), sm.open(host, store, "archive")
        local users = { false }
        for user in keyval:users() do if user ~= "" then users[#users + 1] = user end end
        for user in archive:users() do if user ~= "" then users[#users + 1] = user end end
        for _, user in ipairs(users) do
            local name = host .. " " .. store .. " " .. tostring(user)
            local data, items = keyval:get(user or nil), {}
            if data and next(data) ~= nil then out[name] = data end
            for key, item, when, with in archive:find(user or nil) or function () end do
                items[#items + 1] = { key, math.floor(when), with or "", tostring(item) }
            end
            if #items > 0 then out[name .. " items"] = items end
        end
    end
end
local file = assert(io.open("TOLD", "w"))
file:write(encode(out))
file:close()
return true
"""
)


def lua(site: Site, code: str) -> None:
    """Run Lua inside the server."""
    line = " ".join(code.split("\n"))

    def asked() -> Any:
        """Nothing as long as a Prosody that was just started has no socket yet."""
        said = site.host.run("timeout 60 prosodyctl shell %s", f"> {line}")
        return None if "Unable to connect" in said.stdout + said.stderr else said

    said = wait_until(asked, 30, 0.5)
    assert said.rc == 0, said.stdout + said.stderr
    assert "Error" not in said.stdout, said.stdout


def everything(site: Site, counts: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Host, store and user → what is stored there; messages as every writing of the same XML has them."""
    pairs = json.dumps([[host, store] for host, stores in sorted(counts.items()) for store in sorted(stores)])
    lua(site, ALL.replace("PAIRS", json.dumps(pairs)).replace("TOLD", TOLD))
    told: dict[str, Any] = json.loads(site.host.file(TOLD).content_string)
    site.host.check_output(f"rm {TOLD}")
    for name, items in told.items():
        for item in items if name.endswith(" items") else ():
            item[3] = canonical(item[3])
    return told


def written(site: Site, storage: str) -> str:
    """The configuration with another storage."""
    if storage == "postgresql":
        return site.content
    lines = {
        "internal": 'storage = "internal"',
        "sqlite": 'storage = "sql"\nsql = { driver = "SQLite3", database = "prosody.sqlite" }',
    }
    without = re.sub(r"(?ms)^sql = \{.*?\}$\n", "", site.content, count=1)
    text, count = re.subn(r'(?m)^storage = "sql"$', lambda _match: lines[storage], without, count=1)
    assert count == 1
    return text


def carried(site: Site, storage: str, *options: str, stamp: str = "", **more: str) -> Answer:
    """Carry all over with the real module."""
    database = {
        "internal": {},
        "sqlite": {"driver": "SQLite3", "database": "prosody.sqlite"},
        "postgresql": {
            "driver": "PostgreSQL", "database": "prosody", "username": "prosody", "host": "127.0.0.1",
            "password": site.secrets["database"], **more,
        },
    }[storage]  # fmt: skip
    place = {"storage": "internal"} if storage == "internal" else {"storage": "sql", "sql": database}
    hosts = dict.fromkeys(re.findall(r'(?m)^(?:VirtualHost|Component) "([^"]+)"', site.content), place)
    given = {"hosts": hosts, "database": database, "stamp": stamp or f"to_{storage}"}
    return run_module(site.directory, "allthingslinux.xmpp.prosody_storage", given, *options)


@pytest.fixture(scope="module")
def lived_in(site: Site) -> dict[str, Any]:
    """People with contacts, profiles, devices, notes, a long archive, a room and a file. Out: all that is stored."""
    site.host.check_output("apt-get install --yes --no-install-recommends lua-dbi-sqlite3")
    room = f"evening@muc.{site.domain}"
    with site.client("alice") as alice, site.client("bob") as bob:
        alice.befriend(f"bob@{site.domain}")
        alice.ask(f"alice@{site.domain}", VCARD, "set")
        alice.ask(f"alice@{site.domain}", f"<query xmlns='jabber:iq:private'>{PRIVATE}</query>", "set")
        alice.publish("eu.siacs.conversations.axolotl.devicelist", "<list xmlns='x'><device id='31'/></list>")
        alice.say(bob.stream, "to be carried")
        assert bob.hears("to be carried")
        alice.join(room, "alice")
        alice.say(room, "said in the room", "groupchat")
        assert alice.hears("said in the room")
        alice.give(room, f"bob@{site.domain}", "member")
        alice.upload(f"upload.{site.domain}", b"a file")
    fill = """
local st = require "prosody.util.stanza"
local store = require "prosody.core.storagemanager".open("HOST", "archive", "archive")
for number = 1, tonumber("MANY") do
    local message = st.message({ type = "chat" }, "number " .. number)
    store:append("alice", nil, message, os.time() - 86400 + number, "bob@HOST")
end
return true
"""
    fill = fill.replace("HOST", site.domain).replace("MANY", str(MANY))
    lua(site, fill)
    counts = carried(site, "internal", "--check").result["counts"]
    found = everything(site, counts)
    stores = {name.split()[1] for name in found}
    assert stores >= {"accounts", "archive", "config", "muc_log", "pep", "private", "roster", "uploads"}
    assert len(found[f"{site.domain} archive alice items"]) > MANY
    return {"counts": counts, "all": found}


def test_what_is_stored_goes_from_one_storage_to_the_next_and_back(site: Site, lived_in: dict[str, Any]) -> None:
    for number, storage in enumerate(("internal", "sqlite", "postgresql")):
        moved = carried(site, storage)
        assert not moved.failed, moved.message
        assert moved.changed
        applied = site.apply(written(site, storage))
        assert not applied.failed, applied.message
        assert everything(site, lived_in["counts"]) == lived_in["all"], storage
        if number == 0:
            assert moved.result["aside"] == ""
    # the old tables are kept, and those that are used have the indexes that Prosody wants
    assert "prosody_before_to_postgresql" in moved.result["aside"]
    again = carried(site, "postgresql")
    assert (again.changed, again.failed) == (False, False)
    site.serves()


def files(site: Site) -> str:
    """What lies in files of Prosody's, also set aside."""
    found: str = site.host.check_output(
        "find /var/lib/prosody -name '*.dat' -o -name '*.list' -o -name '*.sqlite*' | sort"
    )
    return found


def test_a_copy_that_fails_half_way_leaves_the_old_one_running(site: Site, lived_in: dict[str, Any]) -> None:
    """Into files whose disk is full, once Prosody was stopped."""
    host, place = site.host, "/var/lib/prosody/.storage-to_internal"
    host.check_output(f"mkdir {place}; mount -t tmpfs -o size=200k,mode=750 none {place}")
    before = files(site)
    try:
        failed = carried(site, "internal")
    finally:
        host.run(f"umount {place}; rmdir {place}")
    assert failed.failed
    assert "Prosody runs with its data in PostgreSQL as before" in failed.message
    assert files(site) == before
    assert everything(site, lived_in["counts"]).keys() == lived_in["all"].keys()
    site.serves()


def verb(site: Site, storage: str) -> tuple[int, str]:
    """Carry all over as an operator does. Out: the exit status, and what was said on the screen, in one line."""
    # the database is not what changes: without it the test takes half a minute less
    words = [ROOT / "bin/xmpp", "storage", os.environ["MOLECULE_INVENTORY_FILE"], "--yes", "--skip-tags", "postgresql"]
    done = subprocess.run(
        [*words, "-e", f"prosody_storage={storage}"],
        env=environment(ANSIBLE_FORCE_COLOR="0", ANSIBLE_NOCOLOR="1"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )
    return done.returncode, " ".join(done.stdout.split())


def of_people(site: Site, lived_in: dict[str, Any]) -> dict[str, Any]:
    """What alice, bob and their room have: the checks of the verb leave something of their own."""
    found = everything(site, lived_in["counts"])
    return {name: value for name, value in found.items() if name.split()[-1] in ("alice", "bob", "evening")}


@pytest.fixture
def not_with_files(site: Site) -> Iterator[None]:
    """Prosody does not start where its configuration says that its data is in files."""
    place = "/etc/systemd/system/prosody.service.d/planted.conf"
    line = """ExecStartPre=/bin/sh -c "! grep -q 'storage = .internal' /etc/prosody/prosody.cfg.lua\""""
    write = "mkdir -p $(dirname %s) && printf '[Service]\\n%%s\\n' %s >%s"
    site.host.check_output(write, place, line, place)
    site.host.check_output("systemctl daemon-reload")
    yield
    site.host.check_output(f"rm {place} && systemctl daemon-reload")


def test_the_verb_goes_back_where_prosody_does_not_come_up(
    site: Site, lived_in: dict[str, Any], not_with_files: None
) -> None:
    before, there = of_people(site, lived_in), files(site)
    code, said = verb(site, "internal")
    assert code != 0
    assert "The data was not moved, and Prosody serves it from where it was" in said
    assert files(site) == there
    assert of_people(site, lived_in) == before
    site.serves()


def test_the_verb_carries_all_of_a_service_that_people_use(site: Site, lived_in: dict[str, Any]) -> None:
    """Out of files, so that the service ends as the roles made it."""
    assert not carried(site, "internal", stamp="before_the_verb").failed
    assert not site.apply(written(site, "internal")).failed
    with site.client("bob") as bob:
        heard = bob.archived()
    assert {"to be carried", "still there"} <= set(heard)
    before = of_people(site, lived_in)
    code, said = verb(site, "postgresql")
    assert code == 0, said[-3000:]
    assert "All of it arrived" in said
    assert of_people(site, lived_in) == before
    with site.client("bob") as bob:
        assert bob.archived() == heard
    applied = site.apply()
    assert (applied.changed, applied.failed) == (False, False)
    site.serves()
