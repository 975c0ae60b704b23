# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit trail as an operator reads it: files, what is asked for, and the table."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.filter.audit import FilterModule
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.audit import lines
from ansible_collections.allthingslinux.xmpp.plugins.modules import audit_trail_info
from ansible_collections.allthingslinux.xmpp.tests.unit.module_runner import run

FILTERS = FilterModule().filters()
HERE = "example.org"
ALICE, BOB = f"alice@{HERE}", f"bob@{HERE}"
NOW = 1_795_782_400.0  # 2026-11-27T12:26:40Z
FRIDAY = [
    {"time": "2026-11-27T09:00:00Z", "host": HERE, "what": "signed-in", "account": ALICE, "from": "192.0.2.0/24"},
    {"time": "2026-11-27T09:05:00Z", "host": HERE, "what": "removed", "account": BOB, "by": ALICE},
    # what was counted is written after what it began before
    {
        "time": "2026-11-27T08:59:00Z",
        "host": HERE,
        "what": "refused",
        "account": "unknown",
        "count": 12,
        "until": "2026-11-27T12:00:00Z",
    },
    {"time": "2026-11-27T09:06:00Z", "host": "*", "what": "shell", "by": "shell", "detail": "user:ban"},
]
MONDAY = {"time": "2026-11-23T10:00:00Z", "host": HERE, "what": "created", "account": ALICE, "by": "shell"}


@pytest.fixture
def trail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(time, "time", lambda: NOW)
    texts = [json.dumps(one) for one in FRIDAY]
    # a full disk cuts lines off, and they are written again
    texts.insert(1, '{"time":"2026-11-27T09:0\n')
    (tmp_path / "2026-11-27.jsonl").write_text("\n".join(texts) + "\n[]\nnull\n{}\n")
    (tmp_path / "2026-11-23.jsonl").write_text(json.dumps(MONDAY) + "\n")
    (tmp_path / "notes.jsonl").write_text(json.dumps(MONDAY) + "\n")
    return tmp_path


def asked(trail: Path, **options: Any) -> list[str]:
    """The kinds of the events that were found."""
    found = run(audit_trail_info, directory=str(trail), **options)
    assert not found["changed"]
    return [one["what"] for one in found["events"]]


def test_all_is_told_oldest_first(trail):
    assert asked(trail) == ["created", "refused", "signed-in", "removed", "shell"]


@pytest.mark.parametrize(
    ("options", "whats"),
    [
        ({"account": "Alice@example.org"}, ["created", "signed-in", "removed"]),
        ({"account": "nobody@example.org"}, []),
        # what was counted counts by its last one: three of these are more than an hour old
        ({"since": "1h"}, ["refused"]),
        ({"since": "2d"}, ["refused", "signed-in", "removed", "shell"]),
        ({"since": "1w"}, ["created", "refused", "signed-in", "removed", "shell"]),
        ({"what": ["removed", "created"]}, ["created", "removed"]),
        ({"limit": 2}, ["removed", "shell"]),
    ],
)
def test_only_what_is_asked_for_is_told(trail, options, whats):
    if "limit" in options:
        (trail / "2026-11-27.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in (FRIDAY[0], *FRIDAY[1::2])))
    assert asked(trail, **options) == whats


def test_a_file_in_which_nothing_is_new_enough_is_not_opened(trail):
    assert lines.is_old("2026-11-24.jsonl", NOW - 2 * 86400)
    assert not lines.is_old("2026-11-25.jsonl", NOW - 2 * 86400)
    # all that is asked for
    assert not lines.is_old("2026-11-23.jsonl", 0)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"since": "yesterday"}, "'yesterday' is no time to look back"),
        ({"since": "2"}, "such as 12h or 2d"),
        ({"what": ["sign-in"]}, "No line of the trail is called 'sign-in'. Known: signed-in, refused"),
        ({"account": "example.org"}, "such as alice@example.org"),
    ],
)
def test_what_cannot_be_meant_is_refused(trail, options, said):
    assert said in run(audit_trail_info, directory=str(trail), **options)["msg"]


def test_what_cannot_be_read_is_said(trail):
    (trail / "2026-11-26.jsonl").mkdir()
    assert "cannot be read: " in run(audit_trail_info, directory=str(trail))["msg"]


def test_where_there_is_none_that_is_told(trail):
    nothing = run(audit_trail_info, directory=str(trail / "elsewhere"))
    assert (nothing["kept"], nothing["events"], nothing["total"]) == (False, [], 0)
    assert FILTERS["audit_lines"]([nothing]) == ["There is no trail (prosody_audit_trail)."]
    empty = run(audit_trail_info, directory=str(trail), account="nobody@example.org")
    assert FILTERS["audit_lines"]([nothing, empty]) == ["Nothing of that is in the trail."]


def test_the_table_has_a_line_for_each(trail):
    [first, second] = [run(audit_trail_info, directory=str(trail), limit=limit) for limit in (0, 1)]
    assert FILTERS["audit_lines"]([first]) == [
        "time (UTC)                      what         account               by                 from          detail",
        "2026-11-23 10:00:00             created      alice@example.org     shell              -             -",
        "2026-11-27 08:59:00 - 12:00:00  refused x12  unknown @example.org  -                  -             -",
        "2026-11-27 09:00:00             signed-in    alice@example.org     -                  192.0.2.0/24  -",
        "2026-11-27 09:05:00             removed      bob@example.org       alice@example.org  -             -",
        "2026-11-27 09:06:00             shell        -                     shell              -             user:ban",
    ]
    assert FILTERS["audit_lines"]([second])[-1] == (
        "4 older ones are left out: ask for fewer with --since, --account or --what."
    )


def test_events_of_several_hosts_are_told_in_their_order():
    one, other = ({"events": [{"time": text, "what": "x"} for text in times]} for times in ("ad", "bc"))
    assert [event["time"] for event in FILTERS["audit_events"]([one, other, {}])] == list("abcd")
