# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules as an operator wants them: single alerts left out or changed, and what cannot be refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible.template import trust_as_template
from ansible_collections.allthingslinux.xmpp.plugins.filter import monitoring
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.monitoring import alert_rules

TEXT = (Path(__file__).resolve().parents[3] / "roles/monitoring/files/rules/xmpp.yml").read_text(encoding="utf-8")
RULES = yaml.safe_load(TEXT)
ADAPT = monitoring.FilterModule().filters()["monitoring_rules"]
FIND = monitoring.FilterModule().filters()["monitoring_alert_problems"]


def alerts(text: str) -> dict[str, dict[str, Any]]:
    """Out: alert → rule."""
    groups = yaml.safe_load(text)["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"] if "alert" in rule}


def test_rules_that_nobody_changes_stay_as_they_are() -> None:
    assert yaml.safe_load(ADAPT(TEXT)) == RULES


def test_one_alert_is_changed_and_no_other() -> None:
    change = {"expr": "xmpp:filesystem_used > 0.8", "for": "1h30m", "severity": "warning", "enabled": True}
    before, after = alerts(TEXT), alerts(ADAPT(TEXT, {"XmppDiskFilling": change}))
    changed = after.pop("XmppDiskFilling")
    was = before.pop("XmppDiskFilling")
    assert (changed["expr"], changed["for"], changed["labels"]["severity"]) == (change["expr"], "1h30m", "warning")
    assert changed["annotations"] == was["annotations"]
    assert before == after


def test_an_alert_without_a_time_gets_one() -> None:
    assert "for" not in alerts(TEXT)["XmppErrorsLogged"]
    assert alerts(ADAPT(TEXT, {"XmppErrorsLogged": {"for": "15m"}}))["XmppErrorsLogged"]["for"] == "15m"


def test_an_alert_is_left_out_and_records_stay() -> None:
    after = yaml.safe_load(ADAPT(TEXT, {"XmppWatchdog": {"enabled": False}}))
    assert "XmppWatchdog" not in alerts(yaml.safe_dump(after))
    assert after["groups"][0] == RULES["groups"][0]


def test_the_usual_time_and_the_runbook_are_those_of_the_operator() -> None:
    before = alerts(TEXT)
    after = alerts(ADAPT(TEXT, {"XmppTurnFailing": {"for": "1h"}}, "7m", "https://pages.test/runbook"))
    usual = {name for name, rule in before.items() if rule.get("for") == alert_rules.USUAL_FOR}
    assert len(usual) > 5
    assert {name for name, rule in after.items() if rule.get("for") == "7m"} == usual - {"XmppTurnFailing"}
    assert after["XmppTurnFailing"]["for"] == "1h"
    assert all(
        rule["annotations"]["runbook_url"] == f"https://pages.test/runbook#{name.lower()}"
        for name, rule in after.items()
    )


def test_texts_may_be_those_of_ansible() -> None:
    change = {key: trust_as_template(value) for key, value in (("expr", "up"), ("for", "1h"), ("severity", "page"))}
    text = ADAPT(trust_as_template(TEXT), {"XmppWatchdog": change}, trust_as_template("7m"), trust_as_template("/page"))
    changed = alerts(text)["XmppWatchdog"]
    assert (changed["expr"], changed["for"], changed["labels"]) == ("up", "1h", {"severity": "page"})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"XmppDiskFiling": {"for": "1h"}}, "There is no alert XmppDiskFiling: did you mean XmppDiskFilling?"),
        ({"Nonsense!": {}}, "There is no alert Nonsense!: there are XmppServiceDown, "),
        ({"XmppDiskFilling": {"fro": "1h"}}, "XmppDiskFilling has no fro: did you mean for?"),
        ({"XmppDiskFilling": "off"}, "XmppDiskFilling is of type str: give a mapping"),
        ({"XmppDiskFilling": {"for": "1 h"}}, "XmppDiskFilling: for is '1 h': give a duration like 90s"),
        ({"XmppDiskFilling": {"for": ""}}, "give a duration"),
        ({"XmppDiskFilling": {"enabled": "no"}}, "enabled is 'no': give true or false."),
        ({"XmppDiskFilling": {"severity": " "}}, "severity is ' '"),
        ({"XmppDiskFilling": {"expr": 5}}, "expr is 5: give an expression"),
        (["XmppDiskFilling"], "The changes are of type list"),
    ],
)
def test_what_cannot_be_is_refused(changes: Any, said: str) -> None:
    found = FIND(changes, TEXT)
    assert [entry["that"] for entry in found] == [False]
    assert found[0]["problem"].startswith("monitoring_alerts: ")
    assert said in found[0]["problem"]
    with pytest.raises(AnsibleFilterError) as refused:
        ADAPT(TEXT, changes)
    assert said in str(refused.value)


def test_every_problem_is_named() -> None:
    assert len(FIND({"One": {}, "XmppDiskFilling": {"a": 1, "for": "x"}}, TEXT)) == 3
    assert FIND({}, TEXT) == []


@pytest.mark.parametrize(("text", "good"), [("0", True), ("90s", True), ("1h30m", True), ("m", False), ("5", False)])
def test_durations(text: str, good: bool) -> None:
    assert alert_rules.is_duration(text) == good
