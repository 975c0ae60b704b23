# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The actions preflight, preflight_host and preflight_verdict: all problems in one list, and no value in any of it."""

from __future__ import annotations

from unittest.mock import MagicMock

import pytest
from ansible.errors import AnsibleAction, AnsibleActionFail, AnsibleConnectionFailure, AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from ansible_collections.allthingslinux.xmpp.plugins.action import preflight, preflight_host, preflight_verdict
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.preflight import evaluation

SPEC = """
argument_specs:
  variables:
    options:
      demo_realm: {type: str}
      demo_port: {type: int}
      demo_needed: {type: str, required: true}
      demo_accounts:
        type: list
        elements: dict
        options:
          jid: {type: str, required: true}
          password: {type: str}
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
LISTENERS = "allthingslinux.xmpp.listeners_info"
SECRET = "planted-secret"


@pytest.fixture
def spec(tmp_path):
    path = tmp_path / "roles" / "demo" / "meta" / "argument_specs.yml"
    path.parent.mkdir(parents=True)
    path.write_text(SPEC)
    return path


def trusted(value):
    if isinstance(value, str):
        return trust_as_template(value)
    if isinstance(value, dict):
        return {key: trusted(held) for key, held in value.items()}
    return [trusted(held) for held in value] if isinstance(value, list) else value


def action(kind, variables, args, replies=None, register=None):
    """Make an action on a fake host. Return it and the modules that it runs there."""
    trips = []

    def execute(module_name, module_args, task_vars):
        trips.append((module_name, module_args))
        reply = (replies or {})[module_name]
        if isinstance(reply, Exception):
            raise reply
        return reply

    task = MagicMock(args=args, async_val=0, check_mode=True, diff=False, register=register)
    templar = Templar(loader=DataLoader(), variables=variables)
    made = kind.ActionModule(task, MagicMock(), MagicMock(), MagicMock(), templar, MagicMock())
    made._execute_module = execute
    return made, trips


def run(spec, variables=None, replies=None, register=None, **args):
    """Run preflight; replies: module name to what it returns. Return the result and the modules that were run."""
    variables = {"ansible_facts": FACTS, "demo_needed": "x", **trusted(variables or {})}
    if spec:
        args["spec"] = str(spec)
    made, trips = action(preflight, variables, args, replies, register)
    return made.run(task_vars=variables), trips


def test_nothing_wrong_and_no_trip_to_the_host(spec):
    result, trips = run(
        spec,
        {
            "demo_realm": "x",
            "demo_port": 1,
            "other_relam": 1,
            "demo_accounts": [{"jid": "a@b"}],
            "__checks": [{"that": "{{ demo_port > 0 }}", "problem": "no"}],
            "__ports": [],
        },
        domains=["demo_realm"],
        jids=["demo_accounts[].jid"],
        platforms=[{"distribution": "Debian", "majors": ["13"]}],
        checks=["__checks"],
        ports=["__ports"],
    )
    assert result["findings"] == []
    assert result["sound"]
    assert result["changed"] is False
    assert not result.get("failed")
    assert trips == []


def test_all_problems_in_one_list(spec):
    result, trips = run(
        spec,
        {
            "demo_relam": 1,
            "demo_old": 1,
            "demo_realm": "a..b",
            "demo_accounts": [{"jid": "nobody", "pasword": SECRET}, {"jid": 5}],
            "groups": {"all": ["h"], "postgres": ["h"]},
            "xmpp_registraton": "x",
            "__checks": [
                {"that": "{{ false }}", "problem": "a check of the role ({{ 1 + 1 }}): mend it."},
                {"that": "{{ true }}", "problem": "{{ not_worked_out }}"},
            ],
            "__ports": [{"port": 80}, {"port": "{{ 80 }}", "protocol": "udp"}, {"port": 81}],
        },
        {LISTENERS: {"listeners": [NGINX]}},
        renamed={"demo_old": "demo_port"},
        domains=["demo_realm"],
        jids=["demo_accounts[].jid"],
        platforms=[{"distribution": "Debian", "majors": ["12"]}],
        ports=["__ports"],
        owners=["turnserver"],
        checks=["__checks"],
    )
    assert result["findings"] == [
        "demo_old is called demo_port now: rename it where you set it.",
        "Role demo has no variable demo_relam: did you mean demo_realm?",
        "There is no variable xmpp_registraton: did you mean xmpp_registration? "
        "If it is yours, add it to xmpp_own_names.",
        "There is a group postgres and no host in group postgresql, which is what the collection reads: "
        "did you mean postgresql? If the group is yours, add it to xmpp_own_names.",
        "demo_accounts[0] has a key pasword, which there is not: did you mean password?",
        "demo_accounts[1].jid is a number where a text belongs: put it between quotes.",
        "demo_realm is not a domain: it has an empty label. Write it as in example.org.",
        "demo_accounts[0].jid is not the JID of an account: it has no account part before an @. "
        "Write it as in juliet@example.org.",
        "This host is Debian 13.7, which is not supported: use Debian 12.",
        "Port 80/tcp is taken by nginx (pid 9 of nginx.service) on ::: stop that.",
        "a check of the role (2): mend it.",
    ]
    assert not result["sound"]
    assert SECRET not in str(result)
    assert trips == [(LISTENERS, {"ports": [80, 81]})]


def test_what_cannot_be_worked_out_is_a_finding(spec):
    result, _trips = run(
        spec,
        {
            "demo_realm": SECRET + "{{ nope }}",
            "demo_accounts": [{"jid": "a@b", "password": SECRET + "{{ vault_x }}", "zzz": 5}],
            "__checks": [{"that": "{{ demo_realm == 'x' }}", "problem": "follows from what was said"}],
            "__ports": "{{ demo_realm }}",
        },
        checks=["__checks"],
        ports=["__ports"],
        domains=["demo_realm"],
        jids=["demo_accounts[].jid"],
    )
    assert result["findings"] == [
        "demo_realm refers to nope, which is set nowhere: set it, or correct the name.",
        "demo_accounts[0].password refers to vault_x, which is set nowhere: set it, or correct the name.",
        "demo_accounts[0] has a key zzz, which there is not: the keys are jid, password.",
    ]
    assert SECRET not in str(result)


def test_what_a_default_makes_of_a_faulty_variable_is_not_told_again(spec):
    tags = pytest.importorskip("ansible._internal._datatag._tags")
    default = tags.Origin(path=str(spec.parent.parent / "defaults/main.yml"), line_num=2, col_num=1)
    variables = {
        "ansible_facts": FACTS,
        "demo_needed": trust_as_template(default.tag("{{ demo_realm }}")),
        "demo_realm": trust_as_template(default.tag("{{ xmpp_domain }}")),
        "xmpp_domain": "a..b",
        "__checks": [{"that": False, "problem": "demo_needed is odd"}, {"that": False, "problem": "demo_port is odd"}],
    }
    args = {"spec": str(spec), "domains": ["demo_realm", "demo_needed"], "checks": ["__checks"]}
    made, _trips = action(preflight, variables, args)
    result = made.run(task_vars=variables)
    assert result["findings"] == [
        "xmpp_domain is not a domain: it has an empty label. Write it as in example.org.",
        "demo_port is odd",
    ]
    assert not result["sound"]


def test_what_another_role_hands_over_is_told_by_that_one(spec):
    tags = pytest.importorskip("ansible._internal._datatag._tags")
    handed = tags.Origin(path=str(spec.parents[2] / "other/tasks/look.yml"), line_num=2, col_num=1)
    variables = {
        "ansible_facts": FACTS,
        "demo_needed": "x",
        "demo_realm": trust_as_template(handed.tag("{{ nowhere }}")),
    }
    made, _trips = action(preflight, variables, {"spec": str(spec), "domains": ["demo_realm"]})
    result = made.run(task_vars=variables)
    assert result["findings"] == []
    assert not result["sound"]


def test_a_check_that_cannot_be_worked_out_is_not_passed_over(spec):
    result, _trips = run(spec, {"__checks": [{"that": "{{ 'a' + 1 }}", "problem": "x"}]}, checks=["__checks"])
    # told where nothing else is: it mostly follows from what is wrong with another host
    assert result["secondary"] == ["__checks cannot be worked out: see what it is made of."]
    result, _trips = run(spec, {}, checks=["__gone"])
    assert result["secondary"] == ["__gone is set nowhere."]


def test_a_variable_that_must_be_given(spec):
    variables = {"ansible_facts": FACTS}
    made, _trips = action(preflight, variables, {"spec": str(spec)})
    assert made.run(task_vars=variables)["findings"] == ["demo_needed is not set: give it."]


def test_findings_of_an_earlier_look_are_kept(spec):
    earlier = {"__demo_findings": {"findings": ["of a first look", "again"]}}
    result, _trips = run(
        spec,
        {**earlier, "__checks": [{"that": False, "problem": "again"}]},
        register="__demo_findings",
        checks=["__checks"],
    )
    assert result["findings"] == ["of a first look", "again"]
    result, _trips = run(spec, earlier, register="__demo_findings")


def test_a_fault_of_our_own_plugins_is_of_the_role_whose_variable_it_names(spec, monkeypatch):
    (spec.parents[2] / "prosody").mkdir()
    said = {"mine": "demo_realm[0]: odd", "theirs": "prosody_hosts[0].name: odd"}

    def value(self, name):
        raise evaluation.Fault(said.get(name, "is set nowhere."), own=True)

    monkeypatch.setattr(evaluation.Evaluator, "value", value)
    result, _trips = run(spec, {}, checks=["mine", "theirs"])
    assert result["findings"] == ["demo_realm[0]: odd"]
    assert result["secondary"] == ["prosody_hosts[0].name: odd"]


def test_modules_are_asked_on_the_host(spec):
    asks = [{"module": "demo.info", "args": {"name": "{{ demo_realm }}"}, "problems": "objections"}]
    replies = {"demo.info": {"failed": True, "objections": [{"text": "one: do this."}, "two"], "msg": "long"}}
    result, trips = run(spec, {"demo_realm": "x", "__asks": asks}, replies, asks=["__asks"])
    assert result["findings"] == ["one: do this.", "two"]
    assert trips == [("demo.info", {"name": "x"})]
    broken = {"demo.info": {"failed": True, "msg": "cannot read this\nTraceback"}}
    result, _trips = run(spec, {"demo_realm": "x", "__asks": asks}, broken, asks=["__asks"])
    assert result["findings"] == ["info failed on the host: cannot read this"]


def test_the_role_can_be_named(spec):
    result, _trips = run(spec, {"demo_relam": 1, "big_x": 2}, role="big")
    assert result["findings"] == [
        "Role big has no variable big_x: remove it, or add it to xmpp_own_names if it is yours."
    ]


def test_without_a_specification_only_the_checks_are_made():
    result, _trips = run(None, {"demo_relam": 1, "__checks": [{"that": False, "problem": "x"}]}, checks=["__checks"])
    assert result["findings"] == ["x"]


def test_facts_are_gathered_where_they_are_missing(spec):
    gathered = {f"ansible_{name}": value for name, value in FACTS.items()}
    result, trips = run(
        spec,
        {"ansible_facts": {}},
        {"ansible.builtin.setup": {"ansible_facts": gathered}},
        platforms=[{"distribution": "Debian", "majors": ["13"]}],
    )
    assert result["findings"] == []
    assert result["ansible_facts"] == gathered
    assert [module for module, _args in trips] == ["ansible.builtin.setup"]


def test_a_module_that_fails_on_the_host_is_a_finding(spec):
    replies = {LISTENERS: {"failed": True, "msg": "no such thing"}}
    result, _trips = run(spec, {"__ports": [{"port": 1}]}, replies, ports=["__ports"])
    assert result["findings"] == ["listeners_info failed on the host: no such thing"]


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
    made, _trips = action(preflight, {}, {"spec": str(spec)})
    found = made.run(task_vars={"ansible_facts": FACTS, "demo_needed": "x", "demo_relam": value, "demo_port": value})
    assert "demo_relam (set in /inventory/hosts.yml:7): did you mean demo_realm?" in found["findings"][0]
    assert found["findings"][1].startswith("demo_port (set in /inventory/hosts.yml:7) is a text where")


def test_a_default_is_told_by_the_shared_variable_that_it_takes(spec):
    tags = pytest.importorskip("ansible._internal._datatag._tags")
    default = tags.Origin(path=str(spec.parent.parent / "defaults/main.yml"), line_num=2, col_num=1)
    variables = {
        "ansible_facts": FACTS,
        "demo_needed": trust_as_template(default.tag("{{ xmpp_nowhere }}")),
        "demo_port": trust_as_template(default.tag("{{ xmpp_port_of_all }}")),
        "xmpp_port_of_all": tags.Origin(path="/inventory/all.yml", line_num=3, col_num=1).tag("x"),
    }
    made, _trips = action(preflight, variables, {"spec": str(spec)})
    assert made.run(task_vars=variables)["findings"] == [
        "xmpp_port_of_all (set in /inventory/all.yml:3) is a text where a whole number belongs: write digits.",
        "xmpp_nowhere is set nowhere, and is needed: set it in group_vars/all, or for the host.",
    ]


@pytest.mark.parametrize(
    ("reply", "findings"),
    [
        ({"ansible_facts": {"ansible_effective_user_id": 0}}, []),
        (
            {"ansible_facts": {"ansible_effective_user_id": 7, "ansible_user_id": "bob"}},
            ["Ansible comes to the host as bob, who is not root: set ansible_become: true (and -K where sudo asks)."],
        ),
        (
            {"failed": True, "rc": 127, "msg": "The module interpreter '/usr/bin/python3' was not found."},
            ["There is no Python on the host: install it there with apt-get install python3."],
        ),
        (
            AnsibleConnectionFailure("Connection refused"),
            ["The host cannot be reached (Connection refused): see ansible_host, ansible_port, and whether it runs."],
        ),
        # so the connection says it, and not the module
        (
            AnsibleError("Missing sudo password"),
            ["sudo wants a password on the host: give the right one with -K (--ask-become-pass)."],
        ),
        (
            AnsibleError("Incorrect sudo password"),
            [
                "sudo does not take the password that was given: give the right one with -K (--ask-become-pass), of a "
                "user who may use sudo on the host."
            ],
        ),
        (
            {"failed": True, "msg": "MODULE FAILURE", "module_stdout": "plain is not in the sudoers file.\r\n"},
            ["The user may not administrate the host with sudo: let them (usermod -aG sudo), or come as another."],
        ),
    ],
)
def test_a_host_that_cannot_be_worked_on(reply, findings):
    made, _trips = action(preflight_host, {}, {"gather_subset": ["min"]}, {"ansible.builtin.setup": reply})
    result = made.run(task_vars={})
    assert result["findings"] == findings
    assert result["usable"] is not bool(findings)
    assert not result.get("failed")


class Hosts(dict):
    def raw_get(self, name):
        return self[name]


def verdict(held):
    variables = {"hostvars": Hosts(held), "ansible_play_hosts_all": list(held), "inventory_hostname": "a"}
    made, _trips = action(preflight_verdict, variables, {})
    return made.run(task_vars=variables)


def test_the_verdict_is_one_list():
    assert verdict({"a": {"__x_findings": {"findings": []}}, "b": {}})["changed"] is False
    with pytest.raises(AnsibleAction) as raised:
        verdict({"a": {"__x_findings": {"findings": ["one", "two"]}}, "b": {"__y_findings": {"findings": ["two"]}}})
    assert raised.value.message.splitlines() == [
        "2 things stand in the way, and nothing was changed:",
        "- a: one",
        "- all hosts: two",
    ]
    assert raised.value.result_contribution["msg"] == (
        "2 things stand in the way, and nothing was changed. See the list above."
    )


def test_what_follows_from_another_role_is_told_where_nothing_else_is():
    other = {"__x_findings": {"findings": [], "secondary": ["prosody_hosts[0].name: no"]}}
    with pytest.raises(AnsibleAction) as raised:
        verdict({"a": {}, "b": other})
    assert raised.value.message.splitlines()[1:] == ["- b: prosody_hosts[0].name: no"]
    with pytest.raises(AnsibleAction) as raised:
        verdict({"a": {"__y_findings": {"findings": ["one"]}}, "b": other})
    assert raised.value.message.splitlines()[1:] == ["- a: one"]


def test_the_secret_of_the_sample_is_refused_and_a_domain_is_blamed_once(spec):
    result, _trips = run(
        spec,
        {
            "vault_admin_password": "change-me-before-you-deploy",
            "demo_realm": "op_x.test",
            "demo_accounts": [{"jid": "alice@op_x.test"}, {"jid": "bob@other_x.test"}],
        },
        domains=["demo_realm", "demo_realm"],
        jids=["demo_accounts[].jid"],
    )
    assert [line.split()[0] for line in result["findings"]] == [
        "vault_admin_password",
        "demo_realm",
        "demo_accounts[1].jid",
    ]
