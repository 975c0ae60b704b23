# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a deployment offers, read off the settings: ports, names, accounts, and what is off on purpose."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.filter.monitoring import FilterModule
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.run import CHECKS
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.monitor.probe import PROBES as PROBED
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.monitoring.probe_targets import PROBES
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.settings import ModelError
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.services import domains
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.services.domains import Proxy, Service, Turn
from ansible_collections.allthingslinux.xmpp.tests.unit.role_settings import role_settings

password_files = FilterModule().filters()["monitoring_probe_passwords"]
probe_targets = FilterModule().filters()["monitoring_probe_targets"]

D = "example.org"
TWO = [{"name": D}, {"name": "two.example"}]
TURNS = (Turn("192.0.2.3", {"server_name": f"turn.{D}", "port": 3478, "tls_port": 5349}),)


@pytest.fixture
def given(tmp_path: Path) -> Any:
    """A function from variables of an operator to the settings that are read."""

    def settings(**overrides: Any) -> dict[str, Any]:
        found = role_settings(tmp_path, {f"prosody_{name}": value for name, value in overrides.items()})
        return {name: found[name] for name in domains.SETTINGS if name in found}

    return settings


def served(settings: dict[str, Any], **more: Any) -> list[Service]:
    return domains.services(settings, "192.0.2.1", **{"turns": TURNS, **more})


def checked(service: Service) -> set[str]:
    """The checks that look for something."""
    return {name for name, check in CHECKS.items() if check.applies(service.without)}


def test_the_usual(given: Any) -> None:
    [service] = served(given())
    assert service == Service(
        domain=D,
        address="192.0.2.1",
        http_name=D,
        http_address="192.0.2.1",
        tls_address="192.0.2.1",
        starttls_address="192.0.2.1",
        turn_name=f"turn.{D}",
        turn_address="192.0.2.3",
        ports={
            "c2s": 5222,
            "c2s_tls": 5223,
            "s2s": 5269,
            "s2s_tls": 5270,
            "https": 5281,
            "turn": 3478,
            "turn_tls": 5349,
        },
        accounts=(f"xmpp-probe-1@{D}", f"xmpp-probe-2@{D}"),
        archive=True,
        invitation_page="invites_page",
        without=(),
        closed=(5280, 5347, 5582),
    )
    assert checked(service) == set(CHECKS)


def test_every_setting_that_is_read_is_one_of_the_role(given: Any) -> None:
    assert set(given()) == set(domains.SETTINGS)
    assert not [name for name in domains.SETTINGS if "secret" in name or "password" in name]


def test_every_domain_is_met_with_accounts_of_its_own(given: Any) -> None:
    one, two = served(given(hosts=TWO))
    assert (one.domain, two.domain) == (D, "two.example")
    assert two.accounts == ("xmpp-probe-1@two.example", "xmpp-probe-2@two.example")
    [left, right] = served(given(hosts=TWO, probe_accounts=["a@two.example", "b@two.example"]))
    assert (left.accounts, right.accounts) == ((), ("a@two.example", "b@two.example"))


@pytest.mark.parametrize("authentication", ["anonymous", "ldap"])
def test_nobody_of_ours_signs_in_where_accounts_are_elsewhere(given: Any, authentication: str) -> None:
    hosts = [{"name": D}, {"name": "guest.example", "authentication": authentication}]
    assert [len(service.accounts) for service in served(given(hosts=hosts))] == [2, 0]
    hosts = [{"name": D, "authentication": "internal_hashed"}, {"name": "guest.example"}]
    assert [len(service.accounts) for service in served(given(hosts=hosts, authentication=authentication))] == [2, 0]


@pytest.mark.parametrize(
    ("off", "ports", "checks"),
    [
        ({"federation": False}, {"s2s", "s2s_tls"}, {"s2s", "s2s_tls"}),
        ({"s2s_ports": []}, {"s2s"}, {"s2s"}),
        ({"s2s_direct_tls_ports": []}, {"s2s_tls"}, {"s2s_tls"}),
        ({"c2s_ports": []}, {"c2s"}, {"starttls"}),
        ({"c2s_direct_tls_ports": []}, {"c2s_tls"}, {"direct_tls"}),
        ({"turn_tls_port": 0}, {"turn_tls"}, set()),
        (
            {"turn_host": ""},
            {"turn", "turn_tls"},
            {"turn_credentials", "turn_udp", "turn_tcp", "turn_tls"},
        ),
        ({"https_ports": []}, {"https"}, {"host_meta", "websocket", "bosh", "upload", "invitations"}),
        (
            {"https_interfaces": ["127.0.0.1", "::1"]},
            {"https"},
            {"host_meta", "websocket", "bosh", "upload", "invitations"},
        ),
        ({"muc_room_creation": "admins"}, set(), {"room"}),
        ({"registration": "closed"}, set(), {"invitations"}),
        ({"archive_policy": "roster"}, set(), {"archive"}),
        ({"stores": {"archive": "none"}}, set(), {"archive"}),
        ({"modules_disabled": ["mam"]}, set(), {"archive"}),
        ({"standard_components": ["muc"]}, set(), {"upload", "proxy"}),
    ],
)
def test_what_is_off_on_purpose_is_neither_probed_nor_checked(
    given: Any, off: dict[str, Any], ports: set[str], checks: set[str]
) -> None:
    [usual], [service] = served(given()), served(given(**off))
    assert set(usual.ports) - set(service.ports) == ports
    assert checked(usual) - checked(service) == checks
    [target] = probe_targets([{"services": [service.as_dict()]}], dict.fromkeys(files(service), "p"))
    assert not {probe for name in ports for probe in PROBES[name]} & set(target["ports"])
    assert target["archive"] == ("archive" not in checks)


def files(*found: Service) -> list[str]:
    return password_files([{"services": [service.as_dict() for service in found]}])


def test_what_one_domain_goes_without_the_other_may_have(given: Any) -> None:
    hosts = [{"name": D}, {"name": "two.example", "standard_components": [], "modules_disabled": ["websocket"]}]
    one, two = served(given(hosts=hosts))
    assert checked(one) - checked(two) == {"room", "upload", "proxy", "websocket"}
    own = [{"name": D, "standard_components": [], "components": [{"name": f"rooms.{D}", "module": "muc"}]}]
    [service] = served(given(hosts=own))
    assert "room" in checked(service)


def test_other_ports(given: Any) -> None:
    [service] = served(
        given(
            c2s_ports=[15222, 5222],
            https_ports=[443],
            http_ports=[8080],
            http_interfaces=["192.0.2.1"],
            turn_port=443,
            component_ports=[],
        )
    )
    assert {name: service.ports[name] for name in ("c2s", "https", "turn")} == {"c2s": 15222, "https": 443, "turn": 443}
    assert service.closed == (5582,)


def test_what_is_off_must_not_answer(given: Any) -> None:
    [service] = served(given(federation=False, https_interfaces=["127.0.0.1"]))
    assert service.closed == (5280, 5347, 5269, 5270, 5281, 5582)


def test_a_foreign_proxy_is_where_its_url_says_for_the_main_domain_alone(given: Any) -> None:
    one, two = served(given(hosts=TWO, http_external_url="https://chat.example.org:8443/"))
    assert (one.http_name, one.http_address, one.ports["https"]) == ("chat.example.org", "", 8443)
    assert (two.http_name, two.http_address, two.ports["https"]) == ("two.example", "192.0.2.1", 5281)
    hosts = [{"name": D}, {"name": "two.example", "options": {"http_external_url": "https://w.two.example/"}}]
    assert [(each.http_name, each.ports["https"]) for each in served(given(hosts=hosts))] == [
        (D, 5281),
        ("w.two.example", 443),
    ]
    # monitoring looks there as well, by that name
    [target] = probe_targets([{"services": [one.as_dict()]}], dict.fromkeys(files(one), "p"))
    assert (target["http_name"], target["http_address"], target["address"]) == (
        "chat.example.org",
        "chat.example.org",
        "192.0.2.1",
    )


def test_our_proxy_has_https_and_direct_tls(given: Any) -> None:
    proxy = Proxy("192.0.2.80")
    given = functools.partial(given, proxied=True)
    for service in served(given(hosts=TWO, https_interfaces=["127.0.0.1"]), proxy=proxy):
        assert {name: service.ports[name] for name in ("https", "c2s_tls", "s2s_tls", "c2s", "s2s")} == {
            "https": 443,
            "c2s_tls": 443,
            "s2s_tls": 443,
            "c2s": 5222,
            "s2s": 5269,
        }
        assert (service.http_address, service.tls_address, service.address) == ("192.0.2.80", "192.0.2.80", "192.0.2.1")
        assert service.starttls_address == "192.0.2.1"
        assert "websocket" in checked(service)
        assert service.invitation_page == "invite/"
    plain = Proxy("192.0.2.80", {"direct_tls": False, "https_port": 8443})
    [service] = served(given(c2s_ports=[15222]), proxy=Proxy("192.0.2.80", {"starttls": True}))
    assert (service.ports["c2s"], service.ports["s2s"], service.starttls_address) == (5222, 5269, "192.0.2.80")
    [service] = served(given(c2s_ports=[]), proxy=Proxy("192.0.2.80", {"starttls": True}))
    assert "c2s" not in service.ports
    [service] = served(given(), proxy=plain)
    assert (service.ports["https"], service.ports["c2s_tls"], service.tls_address) == (8443, 5223, "192.0.2.1")
    [service] = served(given(c2s_direct_tls_ports=[]), proxy=proxy)
    assert "c2s_tls" not in service.ports


def test_a_proxy_that_is_for_others_or_not_in_the_inventory(given: Any) -> None:
    [service] = served(given(proxied=False), proxy=Proxy("192.0.2.80"))
    assert (service.ports["https"], service.ports["c2s_tls"], service.http_address) == (5281, 5223, "192.0.2.1")
    [service] = served(given(proxied=True))
    assert (service.ports["https"], service.http_name, service.http_address) == (443, D, "")


@pytest.mark.parametrize(
    ("turn_host", "address"),
    [
        (f"turn.{D}", "192.0.2.3"),
        ("turn.two.example", "192.0.2.4"),
        (f"calls.{D}", "192.0.2.4"),
        ("turn.elsewhere.example", "turn.elsewhere.example"),
    ],
)
def test_the_turn_server_is_found_by_its_name(given: Any, turn_host: str, address: str) -> None:
    turns = (Turn("192.0.2.4", {"server_name": "turn.two.example"}), *TURNS)
    [service] = served(given(turn_host=turn_host), turns=turns)
    assert (service.turn_name, service.turn_address) == (turn_host, address)
    [service] = served(given(turn_host=turn_host), turns=())
    assert service.turn_address == turn_host


@pytest.mark.parametrize(
    ("mine", "theirs", "words"),
    [
        ({}, {}, []),
        ({}, {"port": 3479}, ["prosody_turn_port is 3478 and coturn_port is 3479", "xmpp_turn_port"]),
        ({"turn_port": 3479}, {}, ["prosody_turn_port is 3479 and coturn_port is 3478"]),
        ({}, {"tls_port": 443}, ["prosody_turn_tls_port is 5349 and coturn_tls_port is 443", "xmpp_turn_tls_port"]),
        ({"turn_tls_port": 0}, {"tls_port": 443}, []),
        (
            {},
            {"tls_port": 0},
            [
                "prosody_turn_tls_port is 5349 and coturn_tls_port is 0, so that coturn has no such port",
                "xmpp_turn_tls_port to 0",
            ],
        ),
        ({"turn_tls_port": 0}, {"tls_port": 0}, []),
        ({"turn_host": "turn.elsewhere.example"}, {"port": 3479}, []),
        ({"turn_host": ""}, {"port": 3479}, []),
    ],
)
def test_ports_of_turn_that_do_not_meet_are_told(
    given: Any, mine: dict[str, Any], theirs: dict[str, Any], words: list[str]
) -> None:
    turns = [Turn("192.0.2.3", {**TURNS[0].settings, **theirs})]
    problems = domains.turn_problems(given(**mine), turns)
    assert len(problems) == bool(words)
    assert all(word in problems[0] for word in words)


def test_metrics(given: Any) -> None:
    usual = {"http": 5280, "http_address": "127.0.0.1", "https": 5281, "name": D}
    assert domains.metrics(given()) == usual
    assert domains.metrics(given(metrics=False)) == {**usual, "http": 0, "https": 0}
    assert domains.metrics(given(http_ports=[])) == {**usual, "http": 0}
    assert domains.metrics(given(https_interfaces=["::1"])) == {**usual, "https": 0}
    assert domains.metrics(given(http_interfaces=["192.0.2.1"])) == {**usual, "http_address": "192.0.2.1"}
    assert domains.metrics(given(http_interfaces=["192.0.2.1", "127.0.0.1"])) == usual


def test_a_wrong_setting_is_named(given: Any) -> None:
    with pytest.raises(ModelError, match="prosody_c2s_ports"):
        served(given(c2s_ports=5222))


def test_targets_of_the_probes(given: Any) -> None:
    found = [{"services": [service.as_dict() for service in served(given(hosts=TWO))]}]
    names = password_files(found)
    assert names == [f"probe_xmpp-probe-{number}@{domain}" for domain in (D, "two.example") for number in (1, 2)]
    one, two = probe_targets(found, {name: f"secret of {name}" for name in names})
    assert set(one["ports"]) == set(PROBED)
    assert (one["ports"]["stun_udp"], one["ports"]["stun_tcp"], one["turn_name"]) == (3478, 3478, f"turn.{D}")
    assert two["accounts"][1] == {
        "jid": "xmpp-probe-2@two.example",
        "password": "secret of probe_xmpp-probe-2@two.example",
    }
