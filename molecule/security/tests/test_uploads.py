# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Uploads and a real clamd: what it finds nobody gets, others do not wait for it, and what becomes of files without it.

The firewall is gone by now (test_firewall).
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.tests.scenario.client import Client, web
from ansible_collections.allthingslinux.xmpp.tests.scenario.exposure import exposure
from conftest import DOMAIN, client, waits_until

SERVICE = f"upload.{DOMAIN}"
QUARANTINE = "/var/lib/prosody/quarantine"
# the file for tests of scanners (EICAR), in two pieces so that none finds it here
VIRUS = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
FOUND = "Refused, this is Eicar-Test.UNOFFICIAL\n"
LARGE, CROWD = 50 * 1024 * 1024, 50


@pytest.fixture(scope="module")
def alice(address: str) -> Iterator[Client]:
    """Somebody who uploads."""
    with client(address, "alice") as somebody:
        yield somebody


def slot_of(url: str) -> str:
    return url.split("/")[-2]


def scans(guarded: Any, result: str) -> int:
    """How many files had this result, as Prosody counts them."""
    text = guarded.check_output("python3 -c %s", FETCH)
    name = f'prosody_mod_scan_uploads__scans_total{{host="{SERVICE}",result="{result}"}} '
    return int(float(text.partition(name)[2].split()[0]))


FETCH = "import urllib.request as it; print(it.urlopen('http://127.0.0.1:5280/metrics').read().decode())"


def shell(guarded: Any, *words: str) -> str:
    return str(guarded.check_output("timeout 30 prosodyctl shell " + " ".join(["%s"] * len(words)), *words))


@contextlib.contextmanager
def without_clamd(guarded: Any) -> Iterator[None]:
    guarded.check_output("systemctl stop clamav-daemon")
    try:
        yield
    finally:
        guarded.check_output("systemctl start clamav-daemon")
        assert waits_until(lambda: guarded.file("/run/clamav/clamd.ctl").exists, 30)


@contextlib.contextmanager
def accepting(guarded: Any) -> Iterator[None]:
    """Meanwhile what nobody could look at is taken."""

    def choose(what: str) -> None:
        change = f"require[[prosody.core.configmanager]].set([[*]], [[scan_uploads_unavailable]], [[{what}]])"
        shell(guarded, f"> {change} return true")
        shell(guarded, "module", "reload", "scan_uploads", SERVICE)

    choose("accept")
    try:
        yield
    finally:
        choose("refuse")


def test_clamd_can_do_little_else(guarded):
    assert exposure(guarded.check_output, "clamav-daemon") < 2.0
    assert guarded.check_output("stat -c %U /proc/$(systemctl show -P MainPID clamav-daemon)") == "clamav"
    limits = guarded.check_output("grep -E '^(StreamMaxLength|MaxFileSize) ' /etc/clamav/clamd.conf").split("\n")
    assert sorted(limits) == ["MaxFileSize 101M", "StreamMaxLength 101M"]


@pytest.mark.parametrize("packed", [False, True])
def test_what_it_finds_is_refused_by_name_and_nobody_gets_it(guarded, address, alice, packed):
    content, before = VIRUS, scans(guarded, "infected")
    if packed:
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
            zipped.writestr("invoice.txt", VIRUS)
        content = archive.getvalue()
    status, said, url = alice.offer(SERVICE, content)
    assert (status, said) == (403, FOUND)
    assert web(address, 5281, url)[0] == 410
    kept = guarded.file(f"{QUARANTINE}/{slot_of(url)}")
    assert (kept.user, kept.mode, kept.size) == ("prosody", 0o600, len(content))
    assert guarded.file(QUARANTINE).mode == 0o700
    assert guarded.run(f"find /var/lib/prosody -path '*http_file_share*' -name '*{slot_of(url)[:8]}*'").stdout == ""
    assert scans(guarded, "infected") == before + 1
    journal = guarded.check_output("journalctl --unit prosody --since -5min")
    assert re.search(f"Refused .*alice@{DOMAIN}, which is Eicar-Test.UNOFFICIAL, .* as {slot_of(url)}", journal)


def test_what_is_clean_is_had_by_everybody(address, alice):
    for content in (b"a picture", b"", os.urandom(100_000)):
        assert web(address, 5281, alice.upload(SERVICE, content)) == (200, content)


def test_fifty_at_once_are_all_looked_at(guarded, alice):
    before = scans(guarded, "clean")
    with ThreadPoolExecutor(CROWD) as pool:
        answers = list(pool.map(lambda number: alice.offer(SERVICE, os.urandom(50_000 + number))[0], range(CROWD)))
    assert answers == [201] * CROWD
    assert scans(guarded, "clean") == before + CROWD


def test_others_do_not_wait_while_it_looks_at_a_large_file(guarded, address, alice, capsys):
    content, before = os.urandom(LARGE), scans(guarded, "clean")
    with client(address, "bob") as bob, ThreadPoolExecutor() as pool:
        began = time.monotonic()
        uploading = pool.submit(alice.offer, SERVICE, content)
        waited = []
        while not uploading.done():
            asked = time.monotonic()
            bob.ask(DOMAIN, "<ping xmlns='urn:xmpp:ping'/>")
            waited.append(time.monotonic() - asked)
            time.sleep(0.02)
        took = time.monotonic() - began
    with capsys.disabled():
        print(
            f"\n50 MiB were uploaded and looked at in {took:.1f} s; slowest of {len(waited)} pings: {max(waited):.3f} s"
        )
    assert uploading.result()[0] == 201
    assert scans(guarded, "clean") == before + 1
    assert len(waited) > 20
    # clamd needs about five seconds for it, in which nobody would be served by one who waits for it
    assert max(waited) < 2


def test_without_it_files_are_refused_or_taken_as_the_operator_wants(guarded, address, alice):
    before = scans(guarded, "refused")
    with without_clamd(guarded):
        status, said, url = alice.offer(SERVICE, b"a picture")
        assert status == 503
        assert "Try again later" in said
        assert web(address, 5281, url)[0] == 410
        assert scans(guarded, "refused") == before + 1
        assert "clamd does not answer" in shell(guarded, "module", "list", SERVICE)
        with accepting(guarded):
            status, said, url = alice.offer(SERVICE, VIRUS)
            assert status == 201
            assert web(address, 5281, url) == (200, VIRUS)
            assert scans(guarded, "accepted") == 1
    status, said, _url = alice.offer(SERVICE, VIRUS)
    assert (status, said) == (403, FOUND)
    assert "clamd does not answer" not in shell(guarded, "module", "list", SERVICE)
