# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules as the live tests use them: faster, and otherwise the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from ansible_collections.allthingslinux.xmpp.tests.scenario import quickened

TEXT = (Path(__file__).resolve().parents[2] / "roles/monitoring/files/rules/xmpp.yml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("rate(x[5m])", "rate(x[30s])"),
        ("rate(x[1d] offset 1h)", "rate(x[1440s] offset 40s)"),
        ("x > 300 and y > 1.5 * (y offset 1d)", "x > 300 and y > 1.5 * (y offset 40s)"),
        ("predict_linear(x[6h], 86400) < 0", "predict_linear(x[360s], 86400) < 0"),
        ("rate(x[1h30m] offset  10m)", "rate(x[90s] offset 30s)"),
        ("x{a=~\"[0-9h] offset 5m\", b!='c[5m]'}", "x{a=~\"[0-9h] offset 5m\", b!='c[5m]'}"),
        ("xmpp:messages:rate5m > 5", "xmpp:messages:rate5m > 5"),
    ],
)
def test_times_of_an_expression_are_shorter(before: str, after: str) -> None:
    assert quickened.quickened_expression(before) == after


@pytest.mark.parametrize("text", ["5", "m", "5 m", "5m3", "five"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no duration"):
        quickened.seconds(text)


def test_nothing_but_times_is_different() -> None:
    def without_times(text: str) -> str:
        return re.sub(r"\[\w+\]|\boffset \w+", "TIME", text)

    before, after = yaml.safe_load(TEXT)["groups"], yaml.safe_load(quickened.quickened(TEXT))["groups"]
    assert [group["name"] for group in before] == [group["name"] for group in after]
    for old, new in zip((r for g in before for r in g["rules"]), (r for g in after for r in g["rules"])):
        assert without_times(old["expr"]) == without_times(new["expr"])
        assert ("for" in old) == ("for" in new)
        assert {**old, "expr": "", "for": ""} == {**new, "expr": "", "for": ""}
    assert all(quickened.seconds(rule.get("for", "1s")) <= 10 for group in after for rule in group["rules"])
    assert all(
        quickened.seconds(time) <= 40
        for group in after
        for r in group["rules"]
        for time in re.findall(r"offset (\w+)", r["expr"])
    )
