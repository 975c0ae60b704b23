# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""module_utils/acme/server.py: what the server says to everybody, and what the timer makes of it."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.acme import provide, server
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.acme.settings import Settings
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls import certificate
from ansible_collections.allthingslinux.xmpp.tests.unit import tls_material as material
from ansible_collections.allthingslinux.xmpp.tests.unit.acme import acme_support as support

LEAF = certificate.parse(material.issue(by=support.AUTHORITY.intermediate).der)
SETTINGS = Settings(support.DIRECTORY)
HOUR = datetime.timedelta(hours=1)


def test_the_name_of_a_certificate_is_that_of_the_rfc() -> None:
    """RFC 9773, section 4.1."""
    example = certificate.Certificate(
        b"",
        "0" * 64,
        "",
        "",
        (),
        support.NOW,
        support.NOW,
        serial=0x87654321,
        authority_key_id="69885b6b87464041e1b37b847ba0ae2cde01c8d4",
    )
    assert server.identifier(example) == "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE"
    assert server.identifier(certificate.parse(material.issue().der)) == ""


@pytest.mark.parametrize(
    "answer",
    [None, {}, {"suggestedWindow": None}, {"suggestedWindow": {"start": "x", "end": "y"}}, {"suggestedWindow": {}}, []],
)
def test_an_answer_that_says_nothing_is_none(answer: Any) -> None:
    assert server.moment(answer, LEAF) == 0


def window(start: datetime.datetime, end: datetime.datetime) -> dict[str, Any]:
    return {"suggestedWindow": {name: f"{at:%Y-%m-%dT%H:%M:%SZ}" for name, at in (("start", start), ("end", end))}}


def test_a_moment_in_the_window_is_always_the_same() -> None:
    start, end = support.NOW + HOUR, support.NOW + 3 * HOUR
    found = server.moment(window(start, end), LEAF)
    assert start.timestamp() - 1 <= found <= end.timestamp()
    assert found == server.moment(window(start, end), LEAF)
    before = {"suggestedWindow": dict(zip(("end", "start"), window(start, end)["suggestedWindow"].values()))}
    assert server.moment(before, LEAF) == 0


def test_what_is_suggested_from_before_its_issue_renews_nothing() -> None:
    """As pebble does for certificates of an hour: each new one would be renewed by the next run."""
    issued = LEAF.not_before
    assert server.moment(window(issued - 2 * HOUR, issued - HOUR), LEAF) == 0
    assert server.moment(window(issued - 200 * HOUR, issued + HOUR), LEAF) >= issued.timestamp()


def test_the_directory_says_where_to_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    answers: dict[str, Any] = {support.DIRECTORY: {"renewalInfo": "https://acme.example.org/ari/"}}

    def get(url: str, _authority: str) -> Any:
        asked.append(url)
        return answers.get(url) or window(support.NOW, support.NOW + HOUR)

    monkeypatch.setattr(server, "get", get)
    assert server.suggested(SETTINGS, LEAF) > 0
    assert asked[1] == f"https://acme.example.org/ari/{server.identifier(LEAF)}"
    answers[support.DIRECTORY] = {"newOrder": "x"}
    assert server.suggested(SETTINGS, LEAF) == 0


def test_a_server_that_is_silent_is_no_fault() -> None:
    assert server.suggested(Settings("https://127.0.0.1:1/dir"), LEAF) == 0
    assert server.suggested(Settings("http://127.0.0.1:1/dir"), LEAF) == 0


def test_the_timer_asks_every_six_hours_and_renews_when_it_is_told(tmp_path, monkeypatch) -> None:
    where, issuer = support.places(tmp_path), support.use(monkeypatch)
    said = [0.0]
    asked = []

    def suggested(_settings: Settings, leaf: certificate.Certificate) -> float:
        asked.append(leaf)
        return said[0]

    monkeypatch.setattr(server, "suggested", suggested)

    def run(after: datetime.timedelta) -> provide.Provided:
        return provide.provide(where, SETTINGS, "example.org", support.NAMES, support.NOW + after, patient=True)

    assert run(0 * HOUR).changed
    assert not run(0 * HOUR).changed
    run(5 * HOUR)
    assert len(asked) == 1
    run(7 * HOUR)
    assert len(asked) == 2
    said[0] = (support.NOW + 8 * HOUR).timestamp()
    assert run(14 * HOUR).changed
    assert len(issuer.asked) == 2


@pytest.mark.parametrize(
    ("profile", "meta", "problem"),
    [
        ("", {}, ""),
        ("shortlived", {"profiles": {"classic": "x", "shortlived": "y"}}, ""),
        (
            "shortlifed",
            {"profiles": {"shortlived": "y", "classic": "x"}},
            "no profile shortlifed (certificates_acme_profile), but classic, shortlived",
        ),
        ("shortlived", {}, "no profile shortlived (certificates_acme_profile), but none"),
        ("shortlived", None, ""),
    ],
)
def test_a_profile_that_there_is_not_ends_a_run_and_no_renewal(tmp_path, monkeypatch, profile, meta, problem) -> None:
    where, issuer = support.places(tmp_path), support.use(monkeypatch)

    def get(_url: str, _authority: str) -> Any:
        if meta is None:
            raise OSError("no route")
        return {"meta": meta}

    monkeypatch.setattr(server, "get", get)
    settings = Settings(support.DIRECTORY, profile=profile)
    assert problem in server.profile_problem(settings)
    assert bool(problem) == bool(server.profile_problem(settings))
    assert provide.provide(where, settings, "example.org", support.NAMES, support.NOW).changed is not bool(problem)
    assert provide.provide(where, settings, "example.org", support.NAMES, support.NOW, force=True, patient=True).changed
    assert issuer.asked
