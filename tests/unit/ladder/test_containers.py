# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose containers are whose, and what they used."""

from __future__ import annotations

from pathlib import Path

import pytest
from ladder.containers import Usage, counted, group_of, owner
from ladder.rung import Rung, everything, rung

RUNGS = [Rung("a", (), containers=("xmpp-a",)), Rung("b", (), containers=("xmpp-a-b", "xmpp-c")), Rung("lint", ())]


@pytest.mark.parametrize(
    ("container", "whose"),
    [("xmpp-a", "a"), ("xmpp-a-x", "a"), ("xmpp-ab", None), ("xmpp-a-b", "b"), ("xmpp-a-b-1", "b"), ("other", None)],
)
def test_a_container_belongs_to_the_scenario_with_its_name(container: str, whose: str | None) -> None:
    assert owner(container, RUNGS) == whose


def test_no_two_scenarios_have_the_same_host() -> None:
    hosts = [host for name in everything() for host in rung(name, {}).containers]
    assert hosts
    assert len(set(hosts)) == len(hosts)
    assert all(host.startswith("xmpp-") for host in hosts)


def test_seconds_are_added_up_over_containers_and_restarts() -> None:
    usage = Usage()
    for container, seconds in [("1", 2.0), ("1", 5.0), ("2", 7.0), ("1", 1.0), ("1", 3.0)]:
        usage.note("a", container, seconds)
    usage.note("b", "1", 100.0)
    assert usage.of("a") == 5.0 + 3.0 + 7.0
    assert usage.of("nothing") == 0


@pytest.mark.parametrize(
    ("text", "group"),
    [("9:cpu:/\n0::/docker/abc/init.scope\n", "docker/abc"), ("0::/docker/abc\n", "docker/abc"), ("0::/\n", "")],
)
def test_the_group_of_a_container_is_that_of_all_its_processes(text: str, group: str) -> None:
    assert group_of(text) == group


def test_seconds_are_read_where_the_second_version_is_mounted(tmp_path: Path) -> None:
    (tmp_path / "mounts").write_text(f"cgroup {tmp_path}/one cgroup rw 0 0\ncgroup2 {tmp_path}/two cgroup2 rw 0 0\n")
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "cgroup").write_text("1:cpu:/\n0::/docker/abc/init.scope\n")
    group = tmp_path / "two/docker/abc"
    group.mkdir(parents=True)
    assert counted(7, tmp_path) == 0
    (group / "cpu.stat").write_text("usage_usec 50462989\nuser_usec 37680095\n")
    assert counted(7, tmp_path) == pytest.approx(50.462989)
