# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""module_utils/acme/provide.py, and module acme_certificate: issued where need be, else what was there stays."""

from __future__ import annotations

import datetime
import errno

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.acme import issue, provide
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.acme.settings import Settings
from ansible_collections.allthingslinux.xmpp.plugins.modules import acme_certificate
from ansible_collections.allthingslinux.xmpp.tests.unit import module_runner
from ansible_collections.allthingslinux.xmpp.tests.unit import tls_material as material
from ansible_collections.allthingslinux.xmpp.tests.unit.acme import acme_support as support

HERE, NAMES, NOW = support.DIRECTORY, support.NAMES, support.NOW
SETTINGS = Settings(HERE)


@pytest.fixture
def where(tmp_path):
    return support.places(tmp_path)


@pytest.fixture
def server(monkeypatch):
    return support.use(monkeypatch)


def files(where):
    return {path.name: path.read_bytes() for path in where.certificate("example.org").iterdir()}


def test_it_is_issued_once_and_not_again(where, server):
    found = provide.provide(where, SETTINGS, "example.org", NAMES, NOW)
    assert (found.changed, found.reason, found.problem) == (True, "there is none", "")
    assert server.asked == [NAMES]
    place = where.certificate("example.org")
    assert sorted(files(where)) == ["chain.pem", "fullchain.pem", "privkey.pem"]
    assert (place / "privkey.pem").stat().st_mode & 0o777 == 0o600
    assert not provide.provide(where, SETTINGS, "example.org", NAMES, NOW).changed
    assert len(server.asked) == 1


@pytest.mark.parametrize("damage", ["", "another"])
def test_a_certificate_whose_key_is_damaged_is_issued_anew(where, server, damage):
    provide.provide(where, SETTINGS, "example.org", NAMES, NOW)
    key = where.certificate("example.org") / "privkey.pem"
    key.write_text("", encoding="ascii")
    if damage:
        issue.make_key(key)
    assert provide.foreseen(where, HERE, "example.org", NAMES, NOW).reason == "there is none"
    assert provide.provide(where, SETTINGS, "example.org", NAMES, NOW, patient=True).changed
    assert not provide.provide(where, SETTINGS, "example.org", NAMES, NOW, patient=True).changed


def test_the_key_stays_when_it_is_renewed(where, server):
    provide.provide(where, SETTINGS, "example.org", NAMES, NOW)
    before = files(where)
    later = NOW + 61 * material.DAY
    assert provide.provide(where, SETTINGS, "example.org", NAMES, later).reason.startswith("it ends on")
    after = files(where)
    assert after["privkey.pem"] == before["privkey.pem"]
    assert after["fullchain.pem"] != before["fullchain.pem"]


@pytest.mark.parametrize("fault", ["down", "other names", "other key", "expired", "disk full"])
def test_whatever_the_server_does_what_was_there_stays(where, server, monkeypatch, fault):
    """Each fault planted; a file that is not as before would be served."""
    provide.provide(where, SETTINGS, "example.org", NAMES, NOW)
    before = files(where)
    if fault == "down":
        server.fail = "https://acme.example.org: no route"
    elif fault == "other names":
        server.names = ["example.org"]
    elif fault == "other key":
        server.key = material.MAKERS["EC"]()
    elif fault == "expired":
        server.begin, server.life = NOW - 3 * material.DAY, material.DAY
    else:

        def full(*_arguments):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(provide, "write_text", full)
    found = provide.provide(where, SETTINGS, "example.org", NAMES, NOW + 61 * material.DAY)
    assert not found.changed
    assert found.problem
    assert found.certificate is not None
    assert files(where) == before
    record = provide.read_records(where)["example.org"]
    assert (record.error, record.sha256) == (found.problem, found.certificate.sha256)


def test_the_timer_waits_after_a_failure_and_a_run_of_the_operator_does_not(where, server):
    server.fail = "rateLimited: too many certificates"
    provide.provide(where, SETTINGS, "example.org", NAMES, NOW)
    soon = NOW + datetime.timedelta(minutes=15)
    found = provide.provide(where, SETTINGS, "example.org", NAMES, soon, patient=True)
    assert found.problem == "rateLimited: too many certificates"
    assert len(server.asked) == 1
    provide.provide(where, SETTINGS, "example.org", NAMES, soon)
    assert len(server.asked) == 2
    provide.provide(where, SETTINGS, "example.org", NAMES, soon + datetime.timedelta(minutes=61), patient=True)
    assert len(server.asked) == 3


def test_the_timer_does_not_wait_for_another_server(where, server):
    server.fail = "rateLimited: too many certificates"
    provide.provide(where, SETTINGS, "example.org", NAMES, NOW, patient=True)
    server.fail = ""
    other = Settings("https://other.example/directory")
    assert provide.provide(where, other, "example.org", NAMES, NOW, patient=True).changed


def test_the_timer_does_not_wait_for_what_nobody_wants_any_more(where, server):
    provide.provide(where, SETTINGS, "example.org", NAMES, NOW)
    server.fail = "not the directory of proofs"
    assert provide.provide(where, SETTINGS, "example.org", (*NAMES, "gone.example.org"), NOW, patient=True).problem
    assert provide.provide(where, SETTINGS, "example.org", NAMES, NOW, patient=True).problem == ""
    server.fail = ""
    more = (*NAMES, "more.example.org")
    assert provide.provide(where, SETTINGS, "example.org", more, NOW, patient=True).changed
    assert server.asked[-1] == more


def test_a_state_that_cannot_be_read_is_none(where):
    where.state.mkdir()
    (where.state / "state.json").write_text('{"example.org": 1}')
    assert provide.read_records(where) == {}


@pytest.fixture
def ask(where, monkeypatch):
    def asked(check=False, names=NAMES, **options):
        monkeypatch.setattr(acme_certificate, "Places", lambda: where)
        options = {"name": "example.org", "names": list(names), "directory": HERE, "service": "prosody", **options}
        return module_runner.run(acme_certificate, check=check, **options)

    return asked


def test_module_predicts_issues_and_is_done(ask, server, where):
    assert ask(check=True)["changed"]
    assert server.asked == []
    result = ask()
    assert (result["changed"], result["reason"]) == (True, "there is none")
    assert result["not_after"].endswith("Z")
    assert not ask()["changed"]
    assert not ask(check=True)["changed"]


def test_module_asks_for_the_names_of_all_services(ask, server, where):
    support.service(where, "proxy", names=["example.org", "web.example.org"])
    support.service(where, "prosody", names=["gone.example.org"])
    support.service(where, "coturn", certificate="turn.example.org", names=["turn.example.org"])
    ask()
    assert server.asked == [("example.org", "web.example.org", "muc.example.org")]


def test_module_fails_where_nothing_is_there_and_warns_where_it_still_does(ask, server):
    server.fail = "no route"
    result = ask()
    assert result["failed"]
    assert "The certificate 'example.org' was not issued, although there is none: no route." in result["msg"]
    server.fail = None
    server.begin, server.life = NOW - 80 * material.DAY, 90 * material.DAY
    ask()
    server.fail = "no route"
    result = ask()
    assert not result.get("failed")
    assert "What is there is valid until" in result["warnings"][0]
    # another server: the operator waits for it
    assert ask(directory="https://other.example.org/")["failed"]


def test_module_without_settings_says_what_to_do(ask, where):
    (where.settings / "settings.json").unlink()
    assert "Run playbook site again" in ask()["msg"]
