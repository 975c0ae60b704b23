# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rungs there are."""

from __future__ import annotations

from pathlib import Path

import pytest
from ladder.rung import ROOT, Cost, everything, expanded, read_costs, rung, scenarios, with_what_they_need, write_costs


def test_the_whole_has_every_script_and_every_scenario() -> None:
    scripts = {path.name for path in (ROOT / "bin/lib/rungs").iterdir()} - {"images", "bench"}
    folders = {path.name for path in (ROOT / "molecule").iterdir() if path.name != "shared"}
    assert set(everything()) == scripts | {f"molecule/{name}" for name in folders}


@pytest.mark.parametrize("name", [*everything(), "bench", "images"])
def test_each_has_a_command_and_places_of_its_own(name: str) -> None:
    one = rung(name, {})
    assert one.command[0] == "molecule" or (ROOT / one.command[0]).exists()
    assert (one.after == "images") == (name.startswith("molecule/") or name in ("bench", "versions"))
    assert ("MOLECULE_EPHEMERAL_DIRECTORY" in one.environment) == name.startswith("molecule/")


def test_places_are_of_one_rung_alone() -> None:
    places = [rung(name, {}).environment.get("MOLECULE_EPHEMERAL_DIRECTORY", name) for name in everything()]
    assert len(set(places)) == len(places)
    assert len({rung(name, {}).label for name in everything()}) == len(places)


def test_molecule_is_every_scenario() -> None:
    assert expanded(["lint", "molecule", "molecule/default", "lint"]) == [
        "lint",
        *(f"molecule/{name}" for name in scenarios()),
    ]


def test_scenarios_come_with_their_images_and_others_without() -> None:
    names = [one.name for one in with_what_they_need([rung("lint", {}), rung("molecule/default", {})], {})]
    assert names == ["images", "lint", "molecule/default"]
    assert [one.name for one in with_what_they_need([rung("lint", {})], {})] == ["lint"]


def test_what_it_cost_is_known_the_next_time(tmp_path: Path) -> None:
    file = tmp_path / "costs.json"
    assert read_costs(file) == {}
    write_costs(file, {"lint": Cost(80.04, 90.0)})
    assert read_costs(file) == {"lint": Cost(80.0, 90.0)}
    assert rung("lint", read_costs(file)).cost == Cost(80.0, 90.0)
    for text in ("", "[1]", '{"lint": 5}', '{"lint": [1]}'):
        file.write_text(text)
        assert read_costs(file) == {}


@pytest.mark.parametrize(("cost", "share"), [((100, 80), 0.8), ((100, 5), 0.4), ((100, 900), 2), ((0, 0), 0.4)])
def test_the_share_of_a_processor(cost: tuple[float, float], share: float) -> None:
    assert Cost(*cost).share == share
