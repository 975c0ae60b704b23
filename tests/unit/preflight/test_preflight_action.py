# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action preflight: all problems in one failure, at most one trip to the host, the same in check mode."""

from __future__ import annotations

from unittest.mock import MagicMock

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.allthingslinux.xmpp.plugins.action.preflight import ActionModule

SPEC = """
argument_specs:
  main:
    options:
      demo_realm: {type: str}
      demo_port: {type: int}
"""
FACTS = {"distribution": "Debian", "distribution_major_version": "13", "distribution_version": "13.7"}
NGINX = {
    "protocol": "tcp",
    "address": "::",
    "port": 80,
    "process": "nginx",
    "pid": 9,
    "unit": "nginx.service",
    "user": "root",
}


@pytest.fixture
def spec(tmp_path):
    path = tmp_path / "demo" / "meta" / "argument_specs.yml"
    path.parent.mkdir(parents=True)
    path.write_text(SPEC)
    return path


def run(spec, variables=None, replies=None, **args):
    """Run the action; replies: module name to what it returns. Return the result and the modules that were run."""
    trips = []

    def execute(module_name, module_args, task_vars):
        trips.append((module_name, module_args))
        return (replies or {})[module_name]

    task = MagicMock(args={"spec": str(spec), **args}, async_val=0, check_mode=True, diff=False)
    action = ActionModule(task, MagicMock(), MagicMock(), MagicMock(), MagicMock(), MagicMock())
    action._execute_module = execute
    return action.run(task_vars={"ansible_facts": FACTS, **(variables or {})}), trips


def test_nothing_wrong_and_no_trip_to_the_host(spec):
    result, trips = run(
        spec,
        {"demo_realm": "x", "demo_port": 1, "other_relam": 1},
        domains={"demo_realm": "example.org"},
        jids=["a@example.org"],
        platforms=[{"distribution": "Debian", "majors": ["13"]}],
        checks=[{"that": True, "problem": "no"}],
    )
    assert not result.get("failed")
    assert result["changed"] is False
    assert trips == []


def test_all_problems_in_one_failure(spec):
    result, trips = run(
        spec,
        {"demo_relam": 1, "demo_old": 1},
        {"allthingslinux.xmpp.listeners_info": {"listeners": [NGINX]}},
        renamed={"demo_old": "demo_port"},
        domains={"demo_realm": "a..b"},
        jids=["nobody"],
        platforms=[{"distribution": "Debian", "majors": ["12"]}],
        ports=[{"port": 80}, {"port": 80, "protocol": "udp"}, {"port": 81}],
        owners=["turnserver"],
        checks=[{"that": False, "problem": "a check of the role: mend it."}],
    )
    assert result["failed"]
    assert result["msg"].splitlines() == [
        "Role demo stops before it changes anything:",
        "- demo_old is called demo_port now: rename it where you set it.",
        "- Role demo has no variable demo_relam: did you mean demo_realm?",
        "- demo_realm: 'a..b' is not a domain: it has an empty label. Example: 'example.org'.",
        "- 'nobody' is not the JID of an account: it has no account part before an @. Example: 'juliet@example.org'.",
        "- This host is Debian 13.7, and role demo supports Debian 12: use such a host.",
        "- Port 80/tcp is taken by nginx (pid 9 of nginx.service) on ::: stop that.",
        "- a check of the role: mend it.",
    ]
    assert trips == [("allthingslinux.xmpp.listeners_info", {"ports": [80, 81]})]


def test_the_role_can_be_named(spec):
    result, _trips = run(spec, {"demo_relam": 1, "big_x": 2}, role="big")
    assert result["msg"].splitlines()[1:] == ["- Role big has no variable big_x: remove it."]


def test_facts_are_gathered_where_they_are_missing(spec):
    gathered = {f"ansible_{name}": value for name, value in FACTS.items()}
    result, trips = run(
        spec,
        {"ansible_facts": {}},
        {"ansible.builtin.setup": {"ansible_facts": gathered}},
        platforms=[{"distribution": "Debian", "majors": ["13"]}],
    )
    assert not result.get("failed")
    assert result["ansible_facts"] == gathered
    assert [module for module, _args in trips] == ["ansible.builtin.setup"]


def test_a_module_that_fails_on_the_host_is_reported(spec):
    with pytest.raises(AnsibleActionFail, match="listeners_info failed on the host: no python"):
        run(spec, {}, {"allthingslinux.xmpp.listeners_info": {"failed": True, "msg": "no python"}}, ports=[{"port": 1}])


@pytest.mark.parametrize("text", [None, "a: [", "- 1"])
def test_a_specification_that_cannot_be_read(spec, text):
    spec.unlink()
    if text is not None:
        spec.write_text(text)
    with pytest.raises(AnsibleActionFail, match=r"Cannot read the specification .* of role demo"):
        run(spec)


def test_unknown_parameters_are_refused(spec):
    with pytest.raises(Exception, match="portz"):
        run(spec, portz=[])


def test_where_a_variable_was_set_is_told(spec):
    tags = pytest.importorskip("ansible._internal._datatag._tags")
    value = tags.Origin(path="/inventory/hosts.yml", line_num=7, col_num=1).tag("x")
    result, _trips = run(spec, {"demo_relam": value})
    assert "demo_relam (set in /inventory/hosts.yml:7): did you mean demo_realm?" in result["msg"]
