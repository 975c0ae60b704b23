# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The dashboards against Grafana's own models of them: each key is one that Grafana knows, each value one it takes."""

from __future__ import annotations

import enum
import json
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.allthingslinux.xmpp.plugins.filter.monitoring import monitoring_pictures
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.monitoring import dashboards
from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import prometheus, stat, text, timeseries, units
from grafana_foundation_sdk.models.dashboard import Dashboard, Panel

ROOT = Path(__file__).resolve().parents[3]
PANELS = yaml.safe_load((ROOT / "roles/monitoring/files/panels/xmpp.yml").read_text(encoding="utf-8"))
plugins.register_default_plugins()


def drawn(source: str = "") -> dict[str, dict[str, Any]]:
    """Out: file name → dashboard."""
    return {name: json.loads(text) for name, text in monitoring_pictures(PANELS, source=source).items()}


def faults(dashboard: dict[str, Any]) -> list[str]:
    """Out: what Grafana's models do not know, or know as another type."""
    wanted = {key: value for key, value in dashboard.items() if key != "__inputs"}
    decoded = Dashboard.from_json(wanted)
    return [*lost(wanted, json.loads(JSONEncoder().encode(decoded)), ""), *strange(decoded, Dashboard, "")]


def lost(wanted: Any, read: Any, path: str) -> Iterator[str]:
    """What did not come through the models: they drop the keys that they do not know."""
    if isinstance(wanted, dict) and isinstance(read, dict):
        for key, value in wanted.items():
            if key in read:
                yield from lost(value, read[key], f"{path}.{key}")
            else:
                yield f"{path}.{key} is unknown"
    elif isinstance(wanted, list) and isinstance(read, list) and len(wanted) == len(read):
        for index, value in enumerate(wanted):
            yield from lost(value, read[index], f"{path}[{index}]")
    elif wanted != read:
        yield f"{path} is read as {read!r}"


def strange(value: Any, kind: Any, path: str) -> Iterator[str]:
    """What is not of the type that the models declare: they take everything."""
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Union:
        found = [list(strange(value, part, path)) for part in parts]
        if all(found):
            yield from min(found, key=len)
    elif origin is typing.Literal:
        if value not in parts:
            yield f"{path} is {value!r}, not one of {parts}"
    elif origin is list and isinstance(value, list):
        for index, one in enumerate(value):
            yield from strange(one, parts[0], f"{path}[{index}]")
    elif isinstance(kind, type) and issubclass(kind, enum.Enum):
        if value not in [one.value for one in kind]:
            yield f"{path} is {value!r}, not one of {[one.value for one in kind]}"
    elif hasattr(value, "to_json"):
        hints = typing.get_type_hints(type(value))
        for name, one in vars(value).items():
            yield from strange(one, hints[name], f"{path}.{name}")
    elif kind in (str, int, float, bool, type(None)) or hasattr(kind, "from_json"):
        right = isinstance(value, kind) or (kind is float and isinstance(value, int))
        if not right or (isinstance(value, bool) and kind is not bool):
            yield f"{path} is {value!r}, not of type {kind.__name__}"


@pytest.mark.parametrize("source", ["", "xmpp-prometheus"])
def test_grafana_knows_everything_in_a_dashboard(source: str) -> None:
    assert drawn(source)
    for name, dashboard in drawn(source).items():
        assert faults(dashboard) == [], name


def test_panels_and_queries_are_of_the_kinds_they_say() -> None:
    for dashboard in drawn().values():
        panels = Dashboard.from_json(dashboard).panels
        assert panels
        for one in panels:
            assert isinstance(one, Panel)
            assert isinstance(
                one.options, {"stat": stat.Options, "text": text.Options}.get(one.type_val, timeseries.Options)
            )
            assert one.targets or one.type_val == "text"
            assert all(isinstance(target, prometheus.Dataquery) for target in one.targets or [])


def test_units_are_those_of_grafana() -> None:
    known = {value for name, value in vars(units).items() if not name.startswith("_")}
    assert {grafana for grafana, _console in dashboards.UNITS.values()} <= known


def panel(dashboard: dict[str, Any]) -> Any:
    return next(one for one in dashboard["panels"] if one["type"] == "timeseries")


@pytest.mark.parametrize(
    ("plant", "seen"),
    [
        (lambda one: one.update(scheme=1), ".scheme is unknown"),
        (lambda one: panel(one)["options"]["legend"].update(dispayMode="list"), "dispayMode is unknown"),
        (lambda one: panel(one)["options"]["legend"].update(displayMode="row"), "display_mode is 'row'"),
        (lambda one: panel(one)["targets"][0].update(query="up"), "query is unknown"),
        (lambda one: panel(one)["gridPos"].update(x="0"), ".x is '0'"),
        (lambda one: panel(one)["fieldConfig"]["defaults"].update(min=True), "min_val is True"),
        (lambda one: one["templating"]["list"][0].update(type="source"), "type_val is 'source'"),
        (lambda one: one["time"].pop("to") and one["time"].update(until="now"), "until is unknown"),
    ],
)
def test_a_fault_is_seen(plant: Callable[[dict[str, Any]], Any], seen: str) -> None:
    dashboard = drawn()["xmpp-overview.json"]
    plant(dashboard)
    assert any(seen in fault for fault in faults(dashboard)), faults(dashboard)


def test_a_provisioned_dashboard_has_its_source_and_an_imported_one_asks_for_it() -> None:
    """Grafana replaces ${NAME} of each of __inputs by what is chosen, and leaves every other ${…} alone."""
    for name, dashboard in drawn("xmpp-prometheus").items():
        text = json.dumps(dashboard)
        assert "DS_PROMETHEUS" not in text, name
        assert "__inputs" not in text, name
        assert dashboard["templating"]["list"][0]["current"]["value"] == "xmpp-prometheus"
    for name, dashboard in drawn().items():
        asked = {f"${{{one['name']}}}": one["pluginId"] for one in dashboard["__inputs"]}
        variable = dashboard["templating"]["list"][0]
        assert asked.get(variable["current"]["value"]) == variable["query"] == "prometheus", name
        assert {one["datasource"]["uid"] for one in dashboard["panels"] if one["type"] != "text"} == {
            "${" + variable["name"] + "}"
        }, name
