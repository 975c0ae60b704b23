# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be said of rules and pictures without a Prometheus: each alert is complete, explained and tested."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.monitoring import dashboards
from ansible_collections.allthingslinux.xmpp.tests.scenario.promql import metric_names

ROOT = Path(__file__).resolve().parents[3]
RULES = yaml.safe_load((ROOT / "roles/monitoring/files/rules/xmpp.yml").read_text(encoding="utf-8"))
TESTS = yaml.safe_load((ROOT / "molecule/monitoring/tests/rules_test.yml").read_text(encoding="utf-8"))
PANELS = yaml.safe_load((ROOT / "roles/monitoring/files/panels/xmpp.yml").read_text(encoding="utf-8"))
ALERTS = [rule for group in RULES["groups"] for rule in group["rules"] if "alert" in rule]


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_an_alert_says_what_it_means_and_where_to_read_on(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("critical", "warning", "none")
    assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
    address, _hash, anchor = rule["annotations"]["runbook_url"].partition("#")
    assert anchor == rule["alert"].lower()
    page = (ROOT / "docs" / address.rpartition("/")[2]).read_text(encoding="utf-8")
    assert f"## {rule['alert']}\n" in page


def test_the_runbook_has_no_page_of_an_alert_that_is_gone() -> None:
    page = (ROOT / "docs/runbook.md").read_text(encoding="utf-8")
    headings = {line[3:] for line in page.splitlines() if line.startswith("## ")}
    assert headings == {rule["alert"] for rule in ALERTS}


def test_each_alert_has_a_test_of_its_own() -> None:
    tested = {test["name"].partition(",")[0] for test in TESTS["tests"]}
    assert tested == {rule["alert"] for rule in ALERTS} | {"nothing fires on a good day"}


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("up == 0", {"up"}),
        ('sum by (a, b) (rate(x_total{le="y"}[5m] offset 1d)) / on (instance) z:rate5m', {"x_total", "z:rate5m"}),
        ("time() - seen > 1.5e3 and vector(1)", {"seen"}),
        ('topk(6, a{b=~"c|d"}) unless e', {"a", "e"}),
    ],
)
def test_names_of_metrics_are_found(expression: str, names: set[str]) -> None:
    assert metric_names(expression) == names


def test_a_dashboard_has_each_panel_with_its_expressions() -> None:
    for page in dashboards.checked(PANELS):
        drawn = dashboards.grafana(page)
        json.dumps(drawn)
        tiles = page.get("tiles", [])
        titles = [one["title"] for one in [*tiles, *page["panels"]]]
        assert [panel["title"] for panel in drawn["panels"]] == titles
        found = [target["expr"] for panel in drawn["panels"] for target in panel.get("targets", [])]
        asked = [tile["expr"] for tile in tiles if "expr" in tile]
        assert found == asked + [query["expr"] for panel in page["panels"] for query in panel["queries"]]
        places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in drawn["panels"]]
        assert len(set(places)) == len(places)


def overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    """Whether two places of Grafana's grid share one of its cells."""
    return all(one[at] < other[at] + other[size] and other[at] < one[at] + one[size] for at, size in ("xw", "yh"))


def test_tiles_stand_in_one_row_above_the_panels() -> None:
    places = [panel["gridPos"] for panel in dashboards.grafana(PANELS[0])["panels"]]
    assert [place["y"] for place in places[:8]] == [0] * 8
    assert places[7]["x"] + places[7]["w"] <= 24
    assert not [1 for number, one in enumerate(places) for other in places[:number] if overlap(one, other)]


@pytest.mark.parametrize(
    ("judged", "colours"),
    [
        ({"min": 14}, [("#b42318", None), ("#1a7f37", 14)]),
        ({"max": 2}, [("#1a7f37", None), ("#b42318", 2 + 1e-9)]),
        ({}, [("text", None)]),
    ],
)
def test_a_tile_says_good_or_bad(judged: dict[str, float], colours: list[tuple[str, Any]]) -> None:
    page = {
        "name": "one",
        "title": "One",
        "panels": [],
        "tiles": [{"title": "T", "unit": "number", "expr": "a", **judged}],
    }
    drawn = dashboards.grafana(page)["panels"][0]
    steps = drawn["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert [(step["color"], step["value"]) for step in steps] == colours
    text = dashboards.console(page, [page])
    for word, compared in (("min", "ge $v 14.0"), ("max", "le $v 2.0")):
        assert (compared in text) is (word in judged)


@pytest.mark.parametrize(
    ("tile", "why"),
    [
        ({"title": "T", "unit": "miles", "expr": "a"}, "unit miles"),
        ({"title": "T", "unit": "number", "expr": ""}, "an expr or a text"),
        ({"title": "T", "unit": "number", "expr": "a", "min": 1, "max": 2}, "not both"),
        ({"title": "T", "unit": "number"}, "lacks 'expr'"),
    ],
)
def test_a_tile_that_cannot_be_drawn_is_refused(tile: dict[str, Any], why: str) -> None:
    with pytest.raises(dashboards.DashboardError, match=why):
        dashboards.checked([{"name": "one", "title": "One", "panels": [], "tiles": [tile]}])


def test_legends_are_written_as_each_program_wants_them() -> None:
    page = {
        "name": "one",
        "title": "One <b>",
        "panels": [{"title": "P", "unit": "bytes", "queries": [{"expr": 'a{b="</script>{{"}', "legend": "{host} x"}]}],
    }
    assert dashboards.grafana(page)["panels"][0]["targets"][0]["legendFormat"] == "{{host}} x"
    text = dashboards.console(page, [page])
    assert """name: [function (m) { return "" + (m["host"] || '') + " x"; }]""" in text
    assert "One &lt;b&gt;" in text
    assert "</script>{{" not in text


@pytest.mark.parametrize(
    ("page", "why"),
    [
        ({"title": "T", "panels": []}, "name"),
        ({"name": "A b", "title": "T", "panels": []}, "small letters"),
        ({"name": "a", "title": "T", "panels": [{"title": "P", "unit": "miles", "queries": []}]}, "miles"),
        ({"name": "a", "title": "T", "panels": [{"title": "P", "unit": "bytes", "queries": []}]}, "no queries"),
        (
            {"name": "a", "title": "T", "panels": [{"title": "P", "unit": "bytes", "queries": [{"expr": "x"}]}]},
            "legend",
        ),
    ],
)
def test_a_dashboard_that_cannot_be_drawn_is_refused(page: dict[str, Any], why: str) -> None:
    with pytest.raises(dashboards.DashboardError, match=why):
        dashboards.checked([page])


def test_two_dashboards_of_one_name_are_refused() -> None:
    page = {"name": "overview", "title": "T", "panels": []}
    with pytest.raises(dashboards.DashboardError, match="two of this name"):
        dashboards.checked([*PANELS, page])
