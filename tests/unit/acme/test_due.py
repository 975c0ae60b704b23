# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""module_utils/acme/due.py: by the life of the certificate, and for which names."""

from __future__ import annotations

import datetime

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.acme import due
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls import certificate
from ansible_collections.allthingslinux.xmpp.tests.unit import tls_material as material

NOW, DAY, HOUR = material.NOW, material.DAY, datetime.timedelta(hours=1)
HERE = "https://acme.example.org/directory"


def lived(life: datetime.timedelta, age: datetime.timedelta, *names: str) -> certificate.Certificate:
    made = material.issue(names or ("example.org",), not_before=NOW - age, not_after=NOW - age + life)
    return certificate.parse(made.der)


@pytest.mark.parametrize(
    ("life", "left"),
    [
        (90 * DAY, 30 * DAY),
        (45 * DAY, 15 * DAY),
        (160 * HOUR, 160 * HOUR / 3),  # six days
        (HOUR / 6, HOUR / 18),
    ],
)
def test_it_is_renewed_by_its_own_life(life, left):
    leaf = lived(life, 0 * DAY)
    assert leaf.not_after - due.renewal_time(leaf) == left
    record = due.Record(HERE, leaf.sha256)
    moment = leaf.not_after - left
    assert due.reason(leaf, (), HERE, record, moment - datetime.timedelta(seconds=1)) == ""
    assert "it ends on" in due.reason(leaf, (), HERE, record, moment)


def test_the_server_may_ask_for_it_earlier_and_never_later():
    leaf = lived(90 * DAY, 1 * DAY)
    early = due.Record(HERE, leaf.sha256, suggested=(NOW - HOUR).timestamp())
    assert "it ends on" in due.reason(leaf, (), HERE, early, NOW)
    late = due.Record(HERE, leaf.sha256, suggested=(NOW + 80 * DAY).timestamp())
    assert due.due_time(leaf, late) == due.renewal_time(leaf)
    # of another certificate
    assert due.due_time(leaf, due.Record(HERE, "0" * 64, suggested=1)) == due.renewal_time(leaf)


def test_what_did_not_come_from_there_is_issued_anew():
    leaf = lived(90 * DAY, 1 * DAY)
    assert due.reason(None, (), HERE, due.Record(), NOW) == "there is none"
    assert "did not come from" in due.reason(leaf, (), HERE, due.Record(), NOW)
    assert "did not come from" in due.reason(leaf, (), HERE, due.Record("https://staging/", leaf.sha256), NOW)


def test_a_name_that_comes_later_extends_it():
    leaf = lived(90 * DAY, 1 * DAY, "example.org", "*.example.org")
    record = due.Record(HERE, leaf.sha256)
    assert due.reason(leaf, ("example.org", "muc.example.org"), HERE, record, NOW) == ""
    assert due.reason(leaf, ("example.org", "example.net"), HERE, record, NOW) == "it lacks example.net"


@pytest.mark.parametrize(
    ("life", "since", "waits"),
    [
        (90 * DAY, 59 * HOUR / 60, True),
        (90 * DAY, 61 * HOUR / 60, False),
        (HOUR, 5 * HOUR / 60, True),
        (HOUR, 7 * HOUR / 60, False),
    ],
)
def test_after_a_failure_there_is_a_pause_that_fits_the_life(life, since, waits):
    record = due.Record(failed=(NOW - since).timestamp())
    assert due.waits(lived(life, 0 * DAY), record, NOW) is waits
    assert not due.waits(None, due.Record(), NOW)


def test_what_was_remembered_by_a_clock_that_was_wrong_stops_nothing():
    leaf, later = lived(90 * DAY, 0 * DAY), (NOW + 90 * DAY).timestamp()
    assert not due.waits(leaf, due.Record(failed=later), NOW)
    assert due.asks(due.Record(sha256=leaf.sha256, asked=later), leaf, NOW)
    assert not due.asks(due.Record(sha256=leaf.sha256, asked=NOW.timestamp()), leaf, NOW)


def test_names_that_are_asked_for():
    names = (
        "example.org",
        "muc.example.org",
        "upload.example.org",
        "chat.example.net",
        "a.muc.example.org",
        "turn.test",
    )
    assert due.asked_names((*names, "example.org"), False) == names
    assert due.asked_names(names, True) == (
        "example.org",
        "*.example.org",
        "chat.example.net",
        "*.muc.example.org",
        "turn.test",
    )
