# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a difference reaches: the table knows every file, and says of each what it should."""

from __future__ import annotations

import re
import subprocess

import pytest
from ladder import changed
from ladder.rung import ROOT, SCENARIO, everything

FILES = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
TRACKED = [name for name in FILES.split("\0") if name]
OURS = [name for name in TRACKED if name.startswith("molecule/") and name.endswith("/molecule.yml")]


def line_of(path: str) -> int | None:
    """Out: the line of the table that counts for a path."""
    found = (number for number, (pattern, _words) in enumerate(changed.TABLE) if re.match(pattern, path))
    return next(found, None)


def test_every_file_is_in_the_table() -> None:
    assert len(TRACKED) > 300
    assert [path for path in TRACKED if line_of(path) is None] == []


def test_every_line_of_the_table_is_of_use() -> None:
    assert {line_of(path) for path in TRACKED} == set(range(len(changed.TABLE)))


def test_what_it_names_is_there() -> None:
    known = set(everything())
    for path in TRACKED:
        assert changed.reached_by(path) <= known, path
        assert "lint" in changed.reached_by(path), path


def test_every_rung_can_be_reached() -> None:
    assert changed.reached(TRACKED) == set(everything())


def test_what_nobody_knows_reaches_everything() -> None:
    with pytest.raises(LookupError, match="what new/file reaches"):
        changed.reached_by("new/file")
    assert changed.reached(["new/file", "README.md"]) == set(everything())
    assert changed.reached([]) == set()


@pytest.mark.parametrize(
    ("path", "reaches", "leaves"),
    [
        ("README.md", {"lint", "build"}, {"molecule/default"}),
        ("molecule/modules/prepare.yml", {"lint", "molecule/modules"}, {"molecule/default", "sanity"}),
        ("plugins/modules/prosody_room.py", {"unit", "sanity", "molecule/modules", "molecule/spread"}, set()),
        ("roles/coturn/tasks/main.yml", {"molecule/default", "molecule/spread"}, {"molecule/faults"}),
        ("roles/backup/tasks/main.yml", {"molecule/backup", "molecule/monitoring"}, {"molecule/default"}),
        ("roles/containers/files/Dockerfile", {"molecule/containers", "molecule/move"}, {"molecule/default"}),
        ("roles/service/tasks/main.yml", {"molecule/default", "molecule/faults"}, {"molecule/accounts"}),
        ("roles/prosody/files/mod_measure_peers.lua", {"molecule/federation", "versions"}, {"molecule/accounts"}),
        ("molecule/federation/files/authorities.sh", {"unit", "molecule/federation"}, {"molecule/acme"}),
        ("tests/unit/conftest.py", {"unit", "sanity"}, {"molecule/default", "build"}),
        ("bin/lib/rungs/build", {"build"}, {"sanity", "molecule/default"}),
        ("bin/lib/rungs/images", {"molecule/accounts"}, set()),
        ("docs/monitoring.md", {"molecule/spread"}, {"molecule/faults"}),
    ],
)  # fmt: skip
def test_examples(path: str, reaches: set[str], leaves: set[str]) -> None:
    found = changed.reached_by(path)
    assert reaches <= found
    assert not leaves & found


def test_a_new_scenario_reaches_itself() -> None:
    assert len(OURS) == len([name for name in everything() if name.startswith(SCENARIO)])
    for file in OURS:
        assert SCENARIO + file.split("/")[1] in changed.reached_by(file)


def test_a_base_that_is_none_is_said() -> None:
    with pytest.raises(ValueError, match="git does not know nowhere-at-all"):
        changed.files("nowhere-at-all")
