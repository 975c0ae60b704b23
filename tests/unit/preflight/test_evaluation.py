# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""plugin_utils/preflight/evaluation.py: what cannot be worked out is told by names and places, not by what it holds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils import types
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.preflight import evaluation

SECRET = "planted-secret"


def evaluator(**variables):
    trusted = {name: trust_as_template(value) if isinstance(value, str) else value for name, value in variables.items()}
    return evaluation.Evaluator(Templar(loader=DataLoader(), variables=trusted), trusted)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{{ nope }}" + SECRET, "refers to nope, which is set nowhere: set it, or correct the name."),
        ("{{ vault_pasword }}", "refers to vault_pasword, which is set nowhere: did you mean vault_password?"),
        ("{{ held.zzz }}", "refers to zzz of something that has no zzz: correct it."),
        ("{{ nope", "is no template that can be read: see its braces, brackets and quotes."),
        ("{{ 'planted-secret' | nope }}", "uses the filter nope, which there is not: correct it."),
        ("{{ value }}", "is made of itself: give it a value of its own."),
        ("{{ 'planted-secret' + 5 }}", "cannot be worked out: see what it is made of."),
        (
            "{{ lookup('file', '/nowhere/planted-secret') }}",
            "looks up a file that there is not on the controller: correct its path.",
        ),
    ],
)
def test_why_it_cannot_be_worked_out(text, reason):
    with pytest.raises(evaluation.Fault, match=f"^{re.escape(reason)}$"):
        evaluator(value=text, held={"a": 1}, vault_password=SECRET).value("value")


def test_what_is_worked_out():
    found = evaluator(value="{{ other }}!", other="x")
    assert found.value("value") == "x!"
    assert found.value(evaluation.ONLY_LOOKS) is True
    with pytest.raises(evaluation.Fault, match="is set nowhere") as raised:
        found.value("gone")
    assert raised.value.missing == "gone"


def test_what_is_settled_is_not_worked_out_anew():
    found = evaluator(made="{{ of + 1 }}", of="{{ nope }}")
    with pytest.raises(evaluation.Fault):
        found.value("made")
    found.settle("of", 4)
    assert found.value("made") == 5
    assert found.variables["of"] == "{{ nope }}", "what was written is still known"


def test_what_is_made_of_a_replaced_variable_is_worked_out_anew():
    found = evaluator(made="{{ of + 1 }}", of=4, gone=1, last="{{ gone | default('none') }}")
    found.settle("of", 4)
    found.settle("made", 5)
    found.settle("last", 1)
    found.replace({"of": 8}, removed={"gone", "never there"})
    assert found.value("made") == 9
    assert found.value("last") == "none"


def test_what_our_own_plugins_say_is_kept():
    inner = XmppError("prosody_hosts[0].name: a host needs a name")
    outer = AnsibleError("The filter plugin failed: ...")
    outer.__cause__ = inner
    found = evaluation.fault(outer, {})
    assert str(found) == "prosody_hosts[0].name: a host needs a name"
    assert found.own


def test_a_vault_without_its_password():
    found = evaluation.fault(AnsibleError("Attempting to decrypt but no vault secrets found"), {})
    assert str(found) == (
        "is encrypted, and its password was not given or is another one: "
        "give it with --ask-vault-pass or --vault-password-file."
    )


def test_as_much_as_can_be_is_worked_out():
    raw = [
        {"jid": trust_as_template("{{ name }}@b"), "password": trust_as_template("{{ one }}")},
        trust_as_template("{{ two }}"),
        {"jid": "c@d"},
    ]
    value, faults = evaluator(name="a").parts("x", raw)
    assert value == [{"jid": "a@b", "password": types.HOLE}, types.HOLE, {"jid": "c@d"}]
    assert [(path, fault.missing) for path, fault in faults] == [("x[0].password", "one"), ("x[1]", "two")]
    assert evaluator(name="a").parts("x", trust_as_template("{{ name }}")) == ("a", [])


def test_where_a_value_was_set(tmp_path):
    tags = pytest.importorskip("ansible._internal._datatag._tags")
    value = tags.Origin(path=str(tmp_path / "hosts.yml"), line_num=7, col_num=1).tag("x")
    here = tags.Origin(path=str(Path.cwd() / "inventories" / "hosts.yml"), line_num=3, col_num=1).tag("x")
    assert evaluation.place(value) == f"{tmp_path}/hosts.yml:7"
    assert evaluation.place(here) == "inventories/hosts.yml:3"
    assert evaluation.place("x") == ""
    assert evaluation.is_within(value, tmp_path)
    assert not evaluation.is_within(value, tmp_path / "roles")
    assert not evaluation.is_within("x", tmp_path)
