# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rungs: what there is to run, with which command, and what it is expected to cost."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[3]
IMAGES = "images"
SCRIPTS = ("lint", "unit", "sanity", "build", "versions")
AFTER = {"versions": IMAGES}  # it fetches packages in a container
SCENARIO = "molecule/"


@dataclass(frozen=True)
class Cost:
    """Seconds on the clock and seconds of processors."""

    seconds: float
    cpu: float

    @property
    def share(self) -> float:
        """How many processors it keeps busy. One that waits costs something too: what it waits for comes in time."""
        return min(max(self.cpu / max(self.seconds, 1), 0.4), 2)


# Of whole runs on two processors, three at a time: a start for machines that have not run them yet (see `known_costs`)
EXPECTED = {
    IMAGES: Cost(60, 30),
    "lint": Cost(130, 110),
    "unit": Cost(260, 400),
    "sanity": Cost(200, 177),
    "build": Cost(52, 40),
    "versions": Cost(40, 15),
    "molecule/accounts": Cost(180, 155),
    "molecule/acme": Cost(800, 440),
    "molecule/backup": Cost(600, 345),
    "molecule/certificates": Cost(180, 150),
    "molecule/containers": Cost(1300, 710),
    "molecule/default": Cost(430, 310),
    "molecule/faults": Cost(620, 450),
    "molecule/federation": Cost(280, 250),
    "molecule/front": Cost(390, 340),
    "molecule/modules": Cost(90, 70),
    "molecule/monitoring": Cost(850, 430),
    "molecule/move": Cost(400, 250),
    "molecule/security": Cost(780, 470),
    "molecule/spread": Cost(700, 630),
    "molecule/web": Cost(350, 270),
}
USUAL = Cost(200, 160)


@dataclass(frozen=True)
class Rung:
    """One thing that passes or fails. `containers` and `networks`: what a scenario makes, and may leave behind."""

    name: str
    command: tuple[str, ...]
    cost: Cost = USUAL
    after: str | None = None
    alone: bool = False
    containers: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """Its name as that of a file."""
        return self.name.replace("/", "-")


def scenarios() -> list[str]:
    """Out: the names of all scenarios."""
    return sorted(file.parent.name for file in ROOT.glob("molecule/*/molecule.yml"))


@cache
def read_scenario(name: str) -> dict[str, Any]:
    """Out: molecule.yml of a scenario."""
    document: dict[str, Any] = yaml.safe_load((ROOT / SCENARIO / name / "molecule.yml").read_text(encoding="utf-8"))
    return document


def _scenario(name: str, cost: Cost) -> Rung:
    platforms = read_scenario(name)["platforms"]
    return Rung(
        SCENARIO + name,
        ("molecule", "test", "--scenario-name", name),
        cost,
        after=IMAGES,
        containers=tuple(platform["name"] for platform in platforms),
        networks=tuple({network["name"]: None for platform in platforms for network in platform.get("networks", [])}),
        environment={"MOLECULE_EPHEMERAL_DIRECTORY": str(ROOT / ".cache" / "molecule" / name)},
    )


def rung(name: str, costs: Mapping[str, Cost]) -> Rung:
    """Out: the rung of that name. Raises ValueError where there is none."""
    cost = costs.get(name, EXPECTED.get(name, USUAL))
    if name == IMAGES:
        return Rung(name, ("bin/lib/rungs/images",), cost)
    if name == "bench":
        return Rung(name, ("bin/lib/rungs/bench",), cost, after=IMAGES, alone=True)
    if name in SCRIPTS:
        return Rung(name, (f"bin/lib/rungs/{name}",), cost, after=AFTER.get(name))
    scenario = name.removeprefix(SCENARIO)
    if name.startswith(SCENARIO) and scenario in scenarios():
        return _scenario(scenario, cost)
    what = f"there is no scenario {name}" if name.startswith(SCENARIO) else f"unknown rung {name}"
    raise ValueError(f"{what}\n   Known: molecule {' '.join([*everything(), 'bench'])}")


def everything() -> list[str]:
    """Out: the names of the rungs of the whole."""
    return [*SCRIPTS, *(SCENARIO + name for name in scenarios())]


def expanded(names: Iterable[str]) -> list[str]:
    """In: what was asked for. Out: names of rungs, each once; `molecule` is every scenario."""
    found: dict[str, None] = {}
    for name in names:
        found.update(dict.fromkeys([SCENARIO + one for one in scenarios()] if name == "molecule" else [name]))
    return list(found)


def with_what_they_need(rungs: Iterable[Rung], costs: Mapping[str, Cost]) -> list[Rung]:
    """Out: the rungs, and before them those after which they come."""
    chosen = {one.name: one for one in rungs}
    needed = {one.after: rung(one.after, costs) for one in chosen.values() if one.after}
    return list((needed | chosen).values())


def read_costs(file: Path) -> dict[str, Cost]:
    """Out: what rungs cost when they ran last on this machine; none where that is not known."""
    try:
        return {name: Cost(*numbers) for name, numbers in json.loads(file.read_text(encoding="utf-8")).items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def write_costs(file: Path, costs: Mapping[str, Cost]) -> None:
    """Keep them for the next run."""
    text = json.dumps({name: [round(cost.seconds, 1), round(cost.cpu, 1)] for name, cost in costs.items()}, indent=1)
    file.write_text(text + "\n", encoding="utf-8")
