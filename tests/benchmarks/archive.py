# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A large archive in PostgreSQL: with Debian's settings, and as the roles set it up.

    python tests/benchmarks/archive.py [--rows 10000000] [--image IMAGE]

Deploys a service into a throw-away container, fills Prosody's own table with a month of messages, and measures both
ways in one run on the same data with real clients, so that ratios can be compared between machines: what a client waits
for a page of its archive, how long everybody waits while messages expire, and how many messages a second one pair can
archive. Then it backs the database up, has the backup proved and brings it back, and compares kinds of the index by
which archives expire, over days in which a day goes and another comes. Exit code 1 when a figure is outside its bound.
Ten million rows take 25 GB for the time of it, and an hour on two cores.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / ".cache"))

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.database import archive_index  # noqa: E402
from ansible_collections.allthingslinux.xmpp.tests.benchmarks.front import Stream  # noqa: E402
from ansible_collections.allthingslinux.xmpp.tests.benchmarks.throwaway import (  # noqa: E402
    IMAGE,
    Table,
    container,
    deployed,
    play,
)
from ansible_collections.allthingslinux.xmpp.tests.scenario.browser import address_of  # noqa: E402

NAME = "xmpp-bench-archive"
DOMAIN = "bench.localhost"
PASSWORD = "a-password-of-the-benchmark"
CONFIG = "/etc/postgresql/17/main/conf.d"
LARGEST = 20_000_000
USERS = 2000  # whose archives there are; of a few there are accounts
READERS = 6
DAYS = 28  # as long as the role keeps messages
PAGES = 30  # of each kind, for each reader
MESSAGES = 3000
BRIN = (
    f'CREATE INDEX CONCURRENTLY {archive_index.NAME} ON prosodyarchive USING brin ("when") WITH (autosummarize = on);'
)

FILL = f"""
SET synchronous_commit = off;
INSERT INTO prosodyarchive (host, "user", store, key, "when", "with", type, value)
SELECT CASE WHEN i % 20 = 0 THEN 'muc.{DOMAIN}' ELSE '{DOMAIN}' END, 'u' || (i * 7919 % {USERS}),
 CASE WHEN i % 20 = 0 THEN 'muc_log' ELSE 'archive' END, md5(i::text), {{start}} + (i * {{step}})::bigint,
 'u' || (i * 7919 % {USERS} + i / {USERS} % 40) || '@{DOMAIN}', 'xml',
 '<message xmlns=''jabber:client'' type=''chat'' id=''' || md5((i + 1)::text) || ''' to=''u' || (i % {USERS})
 || '@{DOMAIN}'' from=''u' || (i * 7919 % {USERS}) || '@{DOMAIN}/phone''><body>message number ' || i
 || ' with some words in it that people write</body><stanza-id xmlns=''urn:xmpp:sid:0'' id=''' || md5(i::text)
 || ''' by=''{DOMAIN}''/></message>'
FROM generate_series({{first}}::bigint, {{last}}::bigint) AS i;
"""
INDEXES = """SELECT indexdef FROM pg_indexes WHERE tablename = 'prosodyarchive'
 AND indexname NOT IN ('prosodyarchive_pkey', 'xmpp_archive_expiry');"""

MAM = (
    "<iq xmlns='jabber:client' type='set' id='q{number}'><query xmlns='urn:xmpp:mam:2'><x xmlns='jabber:x:data' "
    "type='submit'><field var='FORM_TYPE' type='hidden'><value>urn:xmpp:mam:2</value></field>{field}</x>"
    "<set xmlns='http://jabber.org/protocol/rsm'><max>50</max>{before}</set></query></iq>"
)


def sql(text: str, database: str = "prosody") -> str:
    """Run statements as the administrator, a line each where they must not be in a transaction. Out: what psql says."""
    words = ["docker", "exec", "-i", NAME, "psql", "-U", "postgres", "-h", "/run/postgresql", "-qAtX"]
    done = subprocess.run(
        [*words, "-v", "ON_ERROR_STOP=1", database], input=text, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"psql: {done.stderr}")
    return done.stdout.strip()


def timed(text: str) -> float:
    """Seconds that statements take, by psql's own clock: without its start."""
    said = sql(f"\\timing on\n{text}")
    return sum(float(one) for one in re.findall(r"^Time: ([0-9.]+) ms", said, re.MULTILINE)) / 1000


def shell(script: str) -> str:
    """Run a script in the container. Out: what it says."""
    done = subprocess.run(["docker", "exec", NAME, "sh", "-ec", script], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{script}: {done.stdout}{done.stderr}")
    return done.stdout.strip()


@contextmanager
def service(image: str) -> Iterator[str]:
    """A container with the whole service, deployed as an operator does, with backups. Out: its inventory."""
    told: dict[str, Any] = {
        "xmpp_domain": DOMAIN,
        "prosody_accounts": [{"jid": f"u{number}@{DOMAIN}", "password": PASSWORD} for number in range(READERS)],
        "prosody_limits": {"c2s": {"rate": "100mb/s", "burst": "2s"}},
        # what is filled in is as old as what a server keeps; nothing is to go by itself meanwhile
        "prosody_archive_expires_after": "never",
        "prosody_muc_archive_expires_after": "never",
    }
    with container(NAME, image), deployed(NAME, ("prosody", "postgresql"), told) as place:
        timers = "xmpp-backup.timer xmpp-backup-drill.timer xmpp-database.timer"
        shell(f"systemctl stop {timers}; systemctl start xmpp-backup")
        yield place


def signed_in(name: str) -> Stream:
    """A client of an account that is online."""
    stream = Stream(address_of(NAME), 5223, DOMAIN, "xmpp-client", False)
    stream.sign_in(name, PASSWORD)
    stream.send("<presence xmlns='jabber:client'/>")
    return stream


def pages(kind: str) -> tuple[float, float]:
    """Milliseconds that clients wait for a page of their archives: median and the longest but five in a hundred."""
    times = []
    for number in range(READERS):
        stream, field, before = signed_in(f"u{number}"), "", "<before/>"
        if kind == "catch-up":
            since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 3 * 86400))
            field, before = f"<field var='start'><value>{since}</value></field>", ""
        for turn in range(PAGES):
            if kind == "contact":
                field = f"<field var='with'><value>u{number + turn % 40}@{DOMAIN}</value></field>"
            began = time.monotonic()
            stream.send(MAM.format(number=turn, field=field, before=before))
            answer = stream.until(rf"<iq [^>]*id='q{turn}'[^>]*>.*?</iq>")[0]
            times.append(time.monotonic() - began)
            first = re.search(r"<first[^>]*>([^<]+)</first>", answer)
            if kind == "back" and first:
                before = f"<before>{first[1]}</before>"
        stream.socket.close()
    times.sort()
    return statistics.median(times) * 1000, times[int(len(times) * 0.95)] * 1000


def stall(until: int | None) -> float:
    """Milliseconds that a client waits for an answer at the longest while what is older expires, or nothing happens."""
    stream, longest, done = signed_in("u0"), [0.0], threading.Event()

    def ping() -> None:
        number = 0
        while not done.is_set():
            number += 1
            began = time.monotonic()
            stream.send(f"<iq xmlns='jabber:client' type='get' id='p{number}'><ping xmlns='urn:xmpp:ping'/></iq>")
            stream.until(rf"id='p{number}'")
            longest[0] = max(longest[0], time.monotonic() - began)
            time.sleep(0.005)

    thread = threading.Thread(target=ping)
    thread.start()
    time.sleep(1)
    if until is None:
        time.sleep(3)
    else:
        expire(until)
    time.sleep(0.3)
    done.set()
    thread.join()
    stream.socket.close()
    return longest[0] * 1000


def expire(until: int) -> None:
    """Have Prosody delete what is older, as its modules do it."""
    for host, store in ((DOMAIN, "archive"), (f"muc.{DOMAIN}", "muc_log")):
        words = f"require'prosody.core.storagemanager'.open('{host}', '{store}', 'archive')"
        shell(f"prosodyctl shell \"> {words}:delete(true, {{['end'] = {until}}})\" >/dev/null")


def pair() -> float:
    """Messages a second from one client to another, each of which is in both archives."""
    sender, receiver = signed_in("u0"), signed_in("u1")
    time.sleep(0.5)
    began = time.monotonic()

    def send() -> None:
        for number in range(MESSAGES):
            body = f"<body>{number} of some words that people write</body>"
            sender.send(f"<message xmlns='jabber:client' type='chat' id='m{number}' to='u1@{DOMAIN}'>{body}</message>")

    thread = threading.Thread(target=send)
    thread.start()
    receiver.until(f"<body>{MESSAGES - 1} of")
    took = time.monotonic() - began
    thread.join()
    for stream in (sender, receiver):
        stream.socket.close()
    return MESSAGES / took


def restart() -> None:
    """Have both servers read their configurations."""
    shell("systemctl restart postgresql@17-main; systemctl restart prosody")
    shell("until ss -ltn | grep -q ':5223 '; do sleep 0.2; done")


def set_up(ours: bool, archiving: bool, commit: str = "on") -> None:
    """The settings of the roles or those of Debian, with or without archiving of WAL."""
    for file, wanted in (("xmpp.conf", ours), ("xmpp-backup.conf", archiving)):
        moves = f"{CONFIG}/{file}.off {CONFIG}/{file}" if wanted else f"{CONFIG}/{file} {CONFIG}/{file}.off"
        shell(f"[ ! -e {moves.split()[0]} ] || mv {moves}")
    sql(f"ALTER ROLE prosody SET synchronous_commit = {commit};")
    restart()


def fill(rows: int, now: int) -> float:
    """Fill the table with a month of messages. Out: seconds."""
    began = time.monotonic()
    definitions = sql(INDEXES).splitlines()
    names = [one.split(" ON ")[0].split()[-1] for one in definitions]
    sql(f"DROP INDEX IF EXISTS {archive_index.NAME}, {', '.join(names)};")
    start, step = now - DAYS * 86400, DAYS * 86400 / rows
    for first in range(1, rows, 1_000_000):
        sql(FILL.format(start=start, step=step, first=first, last=min(first + 999_999, rows)))
    sql("SET maintenance_work_mem = '512MB';\n" + ";\n".join(definitions) + ";\nVACUUM (ANALYZE) prosodyarchive;")
    return time.monotonic() - began


# name: whether with the settings of the roles, whether WAL is archived, synchronous_commit
SETTINGS = {
    "Debian's settings": (False, False, "on"),
    "as the roles have it": (True, False, "on"),
    "  with archiving of WAL": (True, True, "on"),
    "  and synchronous_commit off": (True, True, "off"),
}


def expiry(table: Table, rows: int, now: int) -> None:
    """How long everybody waits while messages expire: a day as Prosody has it, a quarter of an hour as the roles do."""
    day, quarter = 86400, 900
    oldest = now - DAYS * day
    set_up(ours=False, archiving=False)
    stock = stall(oldest + day)
    table.row("Debian's settings: longest wait while a day expires", f"{stock:.0f} ms")
    took = timed(archive_index.BUILD)
    size = int(sql(f"SELECT pg_relation_size('{archive_index.NAME}');")) / 2**20
    table.row("the index, made on the running server", f"{took:.1f} s, {size:.0f} MB")
    set_up(ours=True, archiving=False)
    table.row("as the roles have it: longest wait while a day expires", f"{stall(oldest + 2 * day):.0f} ms")
    cold = stall(oldest + 2 * day + quarter)
    waits = [(stall(oldest + 2 * day + number * quarter), stall(None)) for number in range(2, 9)]
    often, idle = (statistics.median(one[which] for one in waits) for which in (0, 1))
    told = f"{rows // DAYS // 96} rows, the first time {cold:.0f} ms"
    table.row("as the roles have it: longest wait while a quarter expires", f"{often:.0f} ms", told)
    # other work of the machine is not what is measured
    more = max(0.0, often - idle)
    table.row("  while nothing happens", f"{idle:.0f} ms", f"{more:.0f} ms less, below 50 ms", more < 50)
    table.row("  against Debian's settings", f"{often / stock:.3f} x", "at most 0.1 x", often <= stock * 0.1)


def both_ways(table: Table, turns: int) -> None:
    """What clients wait for, and what one pair can store, in turns, so that other work of the machine meets all."""
    waits, rates = dict[Any, list[float]](), dict[str, list[float]]()
    for _turn in range(turns):
        for name, (ours, archiving, commit) in SETTINGS.items():
            set_up(ours, archiving, commit)
            for kind in ("catch-up", "back", "contact") if not archiving else ():
                pages(kind)
                waits.setdefault((kind, ours), []).append(pages(kind)[0])
            rates.setdefault(name, []).append(pair())
    for kind in ("catch-up", "back", "contact"):
        stock, own = (statistics.median(waits[kind, one]) for one in (False, True))
        told = f"{own / stock:.2f} x of Debian's {stock:.1f} ms, at most 2 x"
        table.row(f"a page of 50, {kind}", f"{own:.1f} ms", told, own <= stock * 2)
    stock = statistics.median(rates["Debian's settings"])
    for name, found in rates.items():
        rate = statistics.median(found)
        least = 1.5 if SETTINGS[name][2] == "off" else 0
        told = f"{rate / stock:.2f} x of Debian's" + (f", at least {least} x" if least else "")
        table.row(f"{name}: messages a second of one pair", f"{rate:.0f}", told, rate >= stock * least)


def backups(table: Table, inventory: str) -> None:
    """A full backup of it all, the proof of it, and the whole of it brought back."""
    set_up(ours=True, archiving=True)
    size = int(sql("SELECT sum(pg_database_size(oid)) FROM pg_database;")) / 1e9
    unit = "set -a; eval $(systemctl show --property=Environment --value xmpp-backup)"
    module = "ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup.run"
    began = time.monotonic()
    shell(f"{unit}; nice -n 19 python3 -m {module} backup full")
    took = time.monotonic() - began
    stored = int(shell("du --summarize --bytes /var/backups/xmpp/*/pgbackrest | cut -f 1")) / 1e9
    table.row(f"a full backup of {size:.1f} GB, {stored:.1f} GB in the repository", f"{took:.0f} s", per(took, size))
    began = time.monotonic()
    shell("systemctl start xmpp-backup-drill")
    took = time.monotonic() - began
    table.row("a drill: everything read and compared, restored beside", f"{took:.0f} s", per(took, size))
    took = play(inventory, "playbooks/restore.yml", "-e", "xmpp_restore_yes=true")
    table.row("bin/xmpp restore, to a service that was used", f"{took:.0f} s", per(took, size))
    shell("systemctl stop xmpp-backup xmpp-backup.timer xmpp-backup-drill.timer xmpp-database.timer")
    shell("rm -r /var/lib/postgresql/17/main.before-*")


def per(seconds: float, size: float) -> str:
    """Seconds for each GB, as the table says it."""
    return f"{seconds / size:.0f} s/GB"


def kinds(table: Table, rows: int, now: int, days: int) -> None:
    """Days in which the oldest day goes, vacuum comes, and a day of new messages is written into the room it left."""
    share, oldest = rows // DAYS, now - DAYS * 86400 + 3 * 86400
    number = rows
    for kind, build in (("btree", archive_index.BUILD), ("BRIN", BRIN), ("btree", archive_index.BUILD)):
        sql(f"DROP INDEX IF EXISTS {archive_index.NAME};")
        built = timed(build)
        size = int(sql(f"SELECT pg_relation_size('{archive_index.NAME}');")) / 2**20
        gone, vacuumed, written = [], [], []
        for _day in range(days):
            oldest += 86400
            delete = (
                f"DELETE FROM prosodyarchive WHERE host = '{DOMAIN}' AND store = 'archive' AND \"when\" <= {oldest};"
            )
            gone.append(timed(delete))
            vacuumed.append(timed("VACUUM (ANALYZE) prosodyarchive;"))
            # in the order of time, as messages come
            text = FILL.format(start=now - int(number * 86400 / share), step=86400 / share, first=number + 1,
                               last=number + share)  # fmt: skip
            now += 86400
            written.append(timed(text))
            number += share
        nothing = timed(f"DELETE FROM prosodyarchive WHERE host = '{DOMAIN}' AND store = 'archive' AND \"when\" <= 1;")
        told = ", ".join(f"{one:.2f}" for one in gone)
        table.row(f"{kind}: built", f"{built:.1f} s, {size:.1f} MB")
        table.row(f"{kind}: {share} rows of a day expire, day after day", f"{told} s")
        table.row(f"{kind}: nothing to expire", f"{nothing * 1000:.1f} ms")
        table.row(f"{kind}: vacuum after it, a day of rows written",
                  f"{statistics.median(vacuumed):.1f}, {statistics.median(written):.1f} s")  # fmt: skip


def main() -> int:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--image", default=IMAGE)
    parser.add_argument(
        "--days", type=int, default=4, help="in which kinds of the index are compared, 0 for not at all"
    )
    parser.add_argument("--turns", type=int, default=3, help="for each of the settings")
    options = parser.parse_args()
    if not 100_000 <= options.rows <= LARGEST:
        parser.error(f"--rows: from 100000 to {LARGEST}")
    table = Table()
    with service(options.image) as inventory:
        now = int(time.time())
        set_up(ours=True, archiving=False)
        print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}, {options.rows} rows", flush=True)
        took = fill(options.rows, now)
        size = int(sql("SELECT pg_total_relation_size('prosodyarchive');")) / 2**20
        table.row("a month of messages written", f"{took:.0f} s")
        table.row("  for each million messages", f"{size / options.rows * 1e6:.0f} MB")
        expiry(table, options.rows, now)
        both_ways(table, options.turns)
        print(f"load average {os.getloadavg()[0]:.1f}", flush=True)
        backups(table, inventory)
        if options.days:
            kinds(table, options.rows, now, options.days)
        print(f"load average {os.getloadavg()[0]:.1f}")
    return 0 if table.good else 1


if __name__ == "__main__":
    sys.exit(main())
