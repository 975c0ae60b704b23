# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The disk of the database is full: what cannot be kept is refused, what was acknowledged stays, nobody mends it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.stanzas import StanzaRefused
from ansible_collections.allthingslinux.xmpp.tests.scenario.waiting import wait_until
from conftest import Site

DATA = "/var/lib/postgresql/17/main"
KEPT = "/var/lib/postgresql/kept"
UNIT = "postgresql@17-main"
NOTES = "<query xmlns='jabber:iq:private'><notes xmlns='urn:example:{}'>{}</notes></query>"
# a session that is open already, and so much of the log that a new file of it is wanted
MORE = """SELECT 1;
\\! head --bytes=1G /dev/zero > DATA/filler
SELECT count(pg_logical_emit_message(false, 'x', repeat(md5(i::text), 30000))) FROM generate_series(1, 300) AS i;
"""


@pytest.fixture
def small_disk(site: Site) -> Iterator[None]:
    """The data directory on a file system of its own that can be filled, for the time of a test."""
    host = site.host
    host.check_output(f"systemctl stop {UNIT}; cp --archive {DATA} {KEPT}")
    owner = "uid=$(id -u postgres),gid=$(id -g postgres)"
    size = f"$(( $(du --summarize --block-size=1M {DATA} | cut -f 1) + 96 ))m"
    host.check_output(f"mount -t tmpfs -o size={size},mode=700,{owner} none {DATA}; cp --archive {KEPT}/. {DATA}")
    host.check_output(f"systemctl start {UNIT}")
    yield
    host.check_output(f"systemctl stop {UNIT}; rm --recursive {KEPT}; cp --archive {DATA} {KEPT}; umount {DATA}")
    host.check_output(f"rm --recursive {DATA}; mv {KEPT} {DATA}; systemctl start {UNIT}")
    wait_until(lambda: host.run("pg_isready --quiet").rc == 0, 60)
    site.serves()


def test_it_refuses_and_recovers_by_itself(site: Site, small_disk: None) -> None:
    host = site.host
    with site.client("alice") as alice, site.client("bob") as bob:
        me, kept = f"alice@{site.domain}", "kept " * 2000
        wait_until(lambda: host.run("pg_isready --quiet").rc == 0, 60)
        alice.ask(me, NOTES.format("before", kept), "set")
        acknowledged = ["before"]
        host.run(f"head --bytes=1G /dev/zero > {DATA}/filler")
        refused = 0
        # what is free within the tables is taken first; nothing of this can be packed
        for number in range(60):
            try:
                alice.ask(me, NOTES.format(f"full-{number}", secrets.token_hex(50_000)), "set")
                acknowledged.append(f"full-{number}")
            except StanzaRefused:
                refused += 1
                if refused == 3:
                    break
        assert refused == 3, "a disk that is full takes nothing"
        # who talks is served
        alice.say(bob.stream, "spoken while nothing can be kept")
        assert bob.hears("spoken while nothing can be kept")
        # the log is full as well, which ends the server
        host.check_output(f"rm {DATA}/filler")
        more = MORE.replace("DATA", DATA)
        host.run(f"psql --username=postgres --host=/run/postgresql --file=- prosody <<'E'\n{more}\nE")
        wait_until(lambda: host.run(f"systemctl is-active {UNIT}").stdout.strip() != "active", 60)
        host.check_output(f"rm {DATA}/filler")
        wait_until(lambda: host.run("pg_isready --quiet").rc == 0, 60)
        wait_until(lambda: _takes(alice, me), 60)
        for name in (*acknowledged, "after"):
            answer = alice.ask(me, f"<query xmlns='jabber:iq:private'><notes xmlns='urn:example:{name}'/></query>")
            assert next(iter(answer.iter(f"{{urn:example:{name}}}notes"))).text, name


def _takes(alice, me: str) -> bool:  # type: ignore[no-untyped-def]
    try:
        alice.ask(me, NOTES.format("after", "it is back"), "set")
    except StanzaRefused:
        return False
    return True
