# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit trail: who signed in, who was refused and what was done, and never what was typed.

The firewall is gone by now (test_firewall), so that nobody is banned for guesses.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.tests.scenario.playbook import ROOT, module, results
from ansible_collections.allthingslinux.xmpp.tests.scenario.raw import raw
from ansible_collections.allthingslinux.xmpp.tests.scenario.waiting import wait_until
from conftest import DOMAIN, HOST, PASSWORDS

DIRECTORY = "/var/lib/prosody/audit_trail"
CAROL = f"carol@{DOMAIN}"
FIRST, SECOND, WRONG, NAME = "sails-round-the-cape", "rows-over-the-lake", "typed-in-vain", "typed-as-a-name"
CROWD = 50


@pytest.fixture
def shell(guarded: Any) -> Any:
    """Run a command of Prosody's shell."""

    def run(*words: str) -> str:
        return str(guarded.check_output("timeout 30 prosodyctl shell " + " ".join(["%s"] * len(words)), *words))

    return run


def told(**asked: str) -> list[dict[str, Any]]:
    """What the verb says, as data."""
    done = results(ROOT / "playbooks" / "audit.yml", "-e", json.dumps({"xmpp_audit_json": True, **asked}))
    assert done.code == 0, done.output[-6000:]
    [shown] = [result["msg"] for task, result in done.tasks if task == "Show it" and "msg" in result]
    return list(shown if isinstance(shown, list) else json.loads(shown))


def is_let_in(address: str, user: str, password: str) -> bool:
    with raw(address, 5223, DOMAIN) as somebody:
        return somebody.is_let_in(DOMAIN, user, password)


def change_own_password(address: str) -> None:
    with raw(address, 5223, DOMAIN) as carol:
        carol.sign_in(DOMAIN, "carol", FIRST)
        carol.say(
            "<iq type='set' id='p'><query xmlns='jabber:iq:register'>"
            f"<username>carol</username><password>{SECOND}</password></query></iq>"
        )
        assert re.search("type=.result", carol.hears("</iq>|<iq[^>]*id=.p.[^>]*/>")), carol.heard


@pytest.fixture(scope="module")
def happened(guarded: Any, address: str) -> list[dict[str, Any]]:
    """All of a life of an account, and what the trail has of it."""
    began = guarded.check_output("date -u +%FT%TZ")
    module(HOST, "prosody_account", {"jid": CAROL, "password": FIRST})
    with ThreadPoolExecutor(CROWD) as crowd:
        assert all(crowd.map(lambda _: is_let_in(address, "carol", FIRST), range(CROWD)))
    for _time in range(3):
        assert not is_let_in(address, "carol", WRONG)
    assert not is_let_in(address, NAME, WRONG)
    change_own_password(address)
    command = "timeout 30 prosodyctl shell "
    guarded.check_output(f"{command} c2s show")
    guarded.check_output(f"{command} user disable {CAROL}")
    assert not is_let_in(address, "carol", SECOND)
    module(HOST, "prosody_account", {"jid": CAROL, "state": "absent"})
    # what was counted is written now, and not a while later
    guarded.check_output(f"{command} module reload audit_trail")
    return [one for one in told(xmpp_audit_since="1h") if one["until"] >= began]


def of(happened: list[dict[str, Any]], what: str, **fields: str) -> list[dict[str, Any]]:
    """Those of a kind with these fields."""
    wanted = {"what": what, **fields}
    return [one for one in happened if wanted.items() <= one.items()]


def count(events: list[dict[str, Any]]) -> int:
    return sum(one["count"] for one in events)


def test_a_crowd_that_signs_in_at_once_is_counted_to_the_last(happened, gateway):
    found = of(happened, "signed-in", account=CAROL)
    assert count(found) == CROWD + 1
    assert {one["from"] for one in found} == {gateway.rpartition(".")[0] + ".0/24"}
    assert {one["detail"] for one in found} == {"PLAIN"}
    assert {one["host"] for one in found} == {DOMAIN}


def test_who_is_refused_is_counted_by_name_where_somebody_has_it(happened):
    assert count([one for one in of(happened, "refused", account=CAROL) if "detail" not in one]) == 3
    assert count(of(happened, "refused", account=CAROL, detail="disabled")) == 1
    assert count(of(happened, "refused", account="unknown", host=DOMAIN)) == 1


def test_what_was_done_to_an_account_is_told_with_who_did_it(happened):
    done = [one for one in happened if one.get("account") == CAROL and one["what"] not in ("signed-in", "refused")]
    assert [(one["what"], one["by"]) for one in done] == [
        ("created", "shell"),
        ("password", CAROL),
        ("disabled", "shell"),
        ("removed", "shell"),
    ]
    assert done[1]["from"] == of(happened, "signed-in", account=CAROL)[0]["from"]


def test_commands_of_the_shell_are_told_by_their_name_alone(happened):
    names = [one["detail"] for one in of(happened, "shell")]
    assert "user:disable" in names
    assert "c2s:show" not in names
    assert not [one for one in of(happened, "shell") if CAROL in json.dumps(one)]


def test_nothing_that_was_typed_is_in_it(happened, guarded):
    assert happened
    text = guarded.check_output(f"cat {DIRECTORY}/*.jsonl") + json.dumps(happened)
    assert [word for word in (FIRST, SECOND, WRONG, NAME) if word in text] == []
    assert "xmpp-probe-" not in json.dumps(of(happened, "signed-in"))


def test_nobody_else_reads_it(happened, guarded):
    assert happened
    modes = guarded.check_output(f"stat --format '%a %U' {DIRECTORY} {DIRECTORY}/*").splitlines()
    assert (modes[0], set(modes[1:])) == ("750 prosody", {"640 prosody"})


@pytest.mark.usefixtures("happened")
def test_an_operator_reads_a_table_of_what_he_asked_for():
    asked = {"xmpp_audit_account": CAROL, "xmpp_audit_what": "removed,created", "xmpp_audit_since": "1h"}
    done = results(ROOT / "playbooks" / "audit.yml", "-e", json.dumps(asked))
    [shown] = [result["msg"] for task, result in done.tasks if task == "Show it" and "msg" in result]
    assert shown[0].startswith("time (UTC)")
    for line, what in zip(shown[1:], ("created", "removed"), strict=True):
        assert re.search(rf" {what} +{CAROL} +shell +- +-?", line), shown


@pytest.mark.usefixtures("happened")
def test_what_is_too_old_goes(guarded, shell):
    guarded.check_output(f"cd {DIRECTORY} && touch 2020-01-01.jsonl notes.txt && chown prosody: *.*")
    shell("module", "reload", "audit_trail")
    wait_until(lambda: not guarded.file(f"{DIRECTORY}/2020-01-01.jsonl").exists, 10)
    left = guarded.check_output(f"ls {DIRECTORY}").split()
    assert "notes.txt" in left
    assert len(left) >= 2
    guarded.check_output(f"rm {DIRECTORY}/notes.txt")


@pytest.fixture
def no_disk(guarded: Any) -> Iterator[Any]:
    """Nothing can be written for a while; out: a function that ends it."""
    guarded.check_output(f"mv {DIRECTORY} {DIRECTORY}.kept && touch {DIRECTORY}")

    def over() -> None:
        guarded.run(f"test -d {DIRECTORY}.kept && rm -f {DIRECTORY} && mv {DIRECTORY}.kept {DIRECTORY}")

    yield over
    over()


@pytest.mark.usefixtures("happened")
def test_a_disk_that_takes_nothing_stops_nobody(address, guarded, no_disk):
    began, since = guarded.check_output("date +%s.%N"), guarded.check_output("date -u +%FT%TZ")
    said = f"journalctl --unit prosody --since @{began} --grep 'audit trail is not written' --output cat --quiet"
    assert not is_let_in(address, "alice", WRONG)
    wait_until(lambda: guarded.run(said).stdout, 15)
    assert not is_let_in(address, "bob", WRONG)
    # it is tried again each second, and said once
    over = time.monotonic() + 3
    wait_until(lambda: time.monotonic() > over, 10)
    assert is_let_in(address, "bob", PASSWORDS["bob"])
    assert len(guarded.run(said).stdout.splitlines()) == 1
    no_disk()

    def told_of() -> set[str]:
        lines = map(json.loads, guarded.check_output(f"grep -h refused {DIRECTORY}/*.jsonl").splitlines())
        return {one["account"] for one in lines if one["what"] == "refused" and one["time"] >= since}

    wait_until(lambda: {f"alice@{DOMAIN}", f"bob@{DOMAIN}"} <= told_of(), 15)
