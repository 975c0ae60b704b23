# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of services in containers, where no systemd counts: by their processes."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.monitor import processes, services


def stat(number: int, parent: int, used: tuple[int, int, int, int] = (0, 0, 0, 0), start: int = 100) -> str:
    """A line of /proc/PID/stat, of a program with a name that looks like more fields."""
    utime, stime, cutime, cstime = used
    return (
        f"{number} (a) b (c) S {parent} 1 1 0 -1 4194560 9 9 9 9 {utime} {stime} {cutime} {cstime} 20 0 1 0 {start} 9 9"
    )


STATS = {
    "7": stat(7, 0, (100, 50, 10, 5)),
    "8": stat(8, 7, (30, 5, 0, 0)),
    "9": stat(9, 8),
    "20": stat(20, 0, (9, 9, 9, 9)),
}


def test_what_comes_from_a_process_belongs_to_it() -> None:
    assert sorted(processes.tree(STATS, "7")) == ["7", "8", "9"]
    assert processes.tree(STATS, "20") == ["20"]
    assert processes.tree(STATS, "999") == []


def test_processor_time_is_that_of_all_and_of_those_that_ended() -> None:
    assert processes.processor_seconds(STATS.values(), 100) == 2.36


@pytest.mark.parametrize(
    ("main", "before", "restarts", "after"),
    [
        ("7", (), "0", ("100", 0)),
        ("7", ("100", 3), "3", ("100", 3)),
        ("7", ("60", 3), "4", ("100", 4)),
        # it is away: that it is back is counted then
        ("0", ("60", 3), "3", ("60", 3)),
    ],
)
def test_another_main_process_is_a_restart(
    main: str, before: tuple[object, ...], restarts: str, after: tuple[str, int]
) -> None:
    found, kept = processes.counted({"Id": "prosody.service", "MainPID": main}, STATS, before, 100)
    assert (found["NRestarts"], kept) == (restarts, after)
    assert found.get("CPUUsageNSec") == ("2000000000" if main == "7" else None)


def test_a_service_without_systemd_has_the_figures_that_it_has_with_it(tmp_path: Path) -> None:
    for number, text in STATS.items():
        (tmp_path / number / "fd").mkdir(parents=True)
        (tmp_path / number / "stat").write_text(text, encoding="utf-8")
        (tmp_path / number / "status").write_text("RssAnon: 10 kB\nRssFile: 5 kB\nRssShmem: 1 kB\n", encoding="utf-8")
        (tmp_path / number / "limits").write_text("Max open files  1024  4096  files\n", encoding="utf-8")
        (tmp_path / number / "comm").write_text("postgres\n", encoding="utf-8")
    shown = [{"Id": "postgresql@17-main.service", "ActiveState": "active", "MainPID": "7"}]
    notes = tmp_path / "services.json"
    for _look in range(2):
        (unit,) = processes.complete(shown, tmp_path, notes)
        found = {sample.metric.name: sample.value for sample in services.samples_of(unit, tmp_path, tmp_path / "none")}
    assert found == {
        "xmpp_service_active": 1,
        "xmpp_service_restarts_total": 0,
        "xmpp_service_cpu_seconds_total": pytest.approx(200 / processes.os.sysconf("SC_CLK_TCK")),
        "xmpp_service_memory_bytes": 36 * 1024,
        "xmpp_service_processes": 3,
        "xmpp_service_open_files": 0,
        "xmpp_service_max_open_files": 1024,
    }
    (tmp_path / "7/stat").write_text(stat(7, 0, start=500), encoding="utf-8")
    assert processes.complete(shown, tmp_path, notes)[0]["NRestarts"] == "1"


def test_what_systemd_counts_is_left_as_it_is(tmp_path: Path) -> None:
    shown = [{"Id": "prosody.service", "ActiveState": "active", "MainPID": "7", "NRestarts": "2"}]
    assert processes.complete(shown, tmp_path, tmp_path / "notes") == shown
    assert not (tmp_path / "notes").exists()


def test_a_unit_that_need_not_be_there_counts_where_it_is_enabled() -> None:
    asked = ["prosody", "-fail2ban", "-xmpp-refusals"]
    units = [
        {"Id": "prosody.service", "UnitFileState": "disabled"},
        {"Id": "fail2ban.service", "UnitFileState": "enabled"},
        {"Id": "xmpp-refusals.service", "UnitFileState": ""},
    ]
    assert [unit["Id"] for unit in services.expected(units, asked)] == ["prosody.service", "fail2ban.service"]
