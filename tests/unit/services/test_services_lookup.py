# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lookup services: settings of other hosts with the defaults of their roles, and where hosts are."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.services import addresses, authority

V4 = {"ansible_facts": {"default_ipv4": {"address": "192.0.2.1"}, "default_ipv6": {"address": "2001:db8::1"}}}
V6 = {"ansible_facts": {"default_ipv4": {}, "default_ipv6": {"address": "2001:db8::2"}}}
DOCKER = {"ansible_connection": "community.docker.docker"}


def looked_up(text: str, on: str, hosts: dict[str, Any], groups: dict[str, list[str]], **mine: Any) -> Any:
    """Template a text on a host as a play would."""
    usual = {"groups": groups, "inventory_dir": "/inventory", "group_names": []}
    known = {
        name: {"xmpp_domain": f"{name}.example", "inventory_hostname": name, **usual, **one}
        for name, one in hosts.items()
    }
    variables = {**known[on], "hostvars": known, **mine}
    return Templar(DataLoader(), variables=variables).template(trust_as_template(text))


def deployment(on: str, of: str, hosts: dict[str, Any], groups: dict[str, list[str]], **mine: Any) -> Any:
    return looked_up(f"{{{{ lookup('allthingslinux.xmpp.services', '{of}') }}}}", on, hosts, groups, **mine)


GROUPS = {"prosody": ["chat"], "coturn": ["turn"]}


def test_defaults_of_the_roles_hold_for_other_hosts_as_well() -> None:
    hosts = {
        "chat": {**V4, **DOCKER, "prosody_c2s_ports": [15222]},
        "turn": {**V6, **DOCKER, "coturn_server_name": "turn.chat.example"},
        "watch": {},
    }
    found = deployment("watch", "chat", hosts, GROUPS)
    [service] = found["services"]
    assert found["host"] == "chat"
    assert (service["domain"], service["address"], service["turn_name"]) == (
        "chat.example",
        "192.0.2.1",
        "turn.chat.example",
    )
    assert (service["ports"]["c2s"], service["ports"]["s2s"]) == (15222, 5269)
    assert service["turn_address"] == "2001:db8::2"
    assert found["dns"] == {
        "addresses": ["192.0.2.1", "2001:db8::1"],
        "turn_addresses": ["2001:db8::2"],
        "proved_by_http": False,
        "proxy": {},
    }
    assert found["authority"] == []


def test_what_a_play_says_holds_for_its_own_host() -> None:
    hosts = {"chat": {**V4, "ansible_host": "198.51.100.1"}}
    found = deployment(
        "chat", "chat", hosts, {"prosody": ["chat"]}, prosody_c2s_ports=[5223], ansible_connection="local"
    )
    assert found["services"][0]["ports"]["c2s"] == 5223
    # but the connection of a task on the controller is not how the host is reached
    assert found["services"][0]["address"] == "198.51.100.1"


def test_addresses_may_be_given() -> None:
    text = "{{ query('allthingslinux.xmpp.services', 'chat', addresses={'chat': '10.0.0.1'})[0].services[0].address }}"
    assert looked_up(text, "chat", {"chat": V4}, {"prosody": ["chat"]}) == "10.0.0.1"


def test_how_names_are_proved_and_by_whom_comes_from_role_certificates() -> None:
    hosts: dict[str, Any] = {"chat": {**V4, "xmpp_certificate_source": "acme"}}
    found = deployment("chat", "chat", hosts, {"prosody": ["chat"]})
    assert (found["dns"]["proved_by_http"], found["authority"]) == (True, ["letsencrypt.org"])
    hosts["chat"]["certificates_acme_challenge"] = "dns-01"
    assert not deployment("chat", "chat", hosts, {"prosody": ["chat"]})["dns"]["proved_by_http"]


@pytest.mark.parametrize(
    ("directory", "first"),
    [
        ("https://acme-v02.api.letsencrypt.org/directory", "letsencrypt.org"),
        ("https://acme-staging-v02.api.letsencrypt.org/directory", "letsencrypt.org"),
        ("https://acme.zerossl.com/v2/DV90", "sectigo.com"),
        ("https://dv.acme-v02.api.pki.goog/directory", "pki.goog"),
        ("https://acme.ssl.com/sslcom-dv-ecc", "ssl.com"),
        ("https://ca.internal/acme/directory", ""),
        ("https://notzerossl.com/directory", ""),
        ("", ""),
    ],
)
def test_what_caa_records_call_an_acme_server(directory: str, first: str) -> None:
    found = authority.names({"source": "acme", "acme_directory": directory})
    assert (found[0] if found else "") == first
    assert authority.names({"source": "files", "acme_directory": directory}) == []


def test_a_proxy_of_the_inventory_is_in_front() -> None:
    hosts = {"chat": V4, "front": {**V6, **DOCKER, "proxy_direct_tls": False}}
    found = deployment("chat", "chat", hosts, {"prosody": ["chat"], "proxy": ["front"]})
    assert (found["services"][0]["ports"]["https"], found["services"][0]["http_address"]) == (443, "2001:db8::2")
    assert found["services"][0]["ports"]["c2s_tls"] == 5223
    assert found["dns"]["proxy"]["addresses"] == ["2001:db8::2"]


def test_ports_of_turn_that_do_not_meet_are_a_finding() -> None:
    text = "{{ query('allthingslinux.xmpp.services', 'chat', problems=true) }}"
    hosts: dict[str, Any] = {"chat": V4, "turn": {**V6, "xmpp_domain": "chat.example"}}
    assert looked_up(text, "chat", hosts, GROUPS) == []
    hosts["turn"]["coturn_port"] = 3479
    [finding] = looked_up(text, "chat", hosts, GROUPS)
    assert finding["that"] is False
    assert "prosody_turn_port is 3478 and coturn_port is 3479" in finding["problem"]
    # one value for both roles needs no other
    both: dict[str, Any] = {"chat": V4, "turn": {**V6, "xmpp_domain": "chat.example"}}
    shared = {name: {**one, "xmpp_turn_port": 3479} for name, one in both.items()}
    assert looked_up(text, "chat", shared, GROUPS) == []
    assert deployment("chat", "chat", shared, GROUPS)["services"][0]["ports"]["turn"] == 3479
    # what is wrong by itself is told by the preflight of the role
    assert looked_up(text, "chat", {**hosts, "chat": {"prosody_turn_port": "none"}}, GROUPS) == []


def test_a_wrong_setting_is_an_error_that_ansible_shows() -> None:
    with pytest.raises(AnsibleError, match="prosody_hosts"):
        deployment("chat", "chat", {"chat": {"prosody_hosts": [{"name": "-"}]}}, {"prosody": ["chat"]})


@pytest.mark.parametrize(
    ("host", "public"),
    [
        ({}, []),
        (V4, ["192.0.2.1", "2001:db8::1"]),
        ({"xmpp_dns_addresses": ["203.0.113.1"], **V6}, ["203.0.113.1"]),
        ({"xmpp_dns_addresses": "203.0.113.1"}, ["203.0.113.1"]),
        # in containers that of the Docker host, and where it has a name there is nothing better
        ({**V4, "xmpp_backend": "container", "xmpp_address": "203.0.113.7"}, ["203.0.113.7"]),
        ({**V4, "xmpp_backend": "container", "xmpp_address": "chat.test"}, ["192.0.2.1", "2001:db8::1"]),
        ({**V4, "xmpp_address": "203.0.113.7"}, ["192.0.2.1", "2001:db8::1"]),
    ],
)
def test_addresses_for_dns(host: dict[str, Any], public: list[str]) -> None:
    assert addresses.public(host) == public


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"prosody_database_port": 6432}, {"domain": "chat.example", "host": "db.example", "port": 6432}),
        ({"prosody_database_sslmode": "disable"}, {}),
        ({"prosody_storage": "internal"}, {}),
        ({"prosody_database_host": "/run/postgresql"}, {}),
        ({"prosody_database_host": ""}, {}),
    ],
)
def test_a_database_that_is_reached_with_tls_is_told_on_the_host_that_stores_there(given, expected) -> None:
    stores = {"prosody_storage": "postgresql", "prosody_database_host": "db.example"}
    hosts = {"chat": {**V4, **stores, **given}, "watch": {}}
    assert deployment("chat", "chat", hosts, {"prosody": ["chat"]})["database"] == expected
    assert deployment("watch", "chat", hosts, {"prosody": ["chat"]})["database"] == {}


OUTSIDE: dict[str, Any] = {"__xmpp_outside": {"facts": {**V4["ansible_facts"], "all_ipv4_addresses": ["192.0.2.1"]}}}


@pytest.mark.parametrize(
    ("given", "from_outside", "from_inside"),
    [
        ({}, "10.213.77.2", "10.213.77.2"),
        (OUTSIDE, "192.0.2.1", "192.0.2.1"),
        ({**OUTSIDE, "xmpp_address": "2001:db8::1"}, "2001:db8::1", "192.0.2.1"),
        ({**OUTSIDE, "coturn_listen_addresses": ["10.213.77.1"]}, "10.213.77.1", "10.213.77.1"),
        # a NAT hands on what comes to another address, and those within know of none
        ({**OUTSIDE, "xmpp_address": "203.0.113.9"}, "192.0.2.1", "192.0.2.1"),
        (
            {**OUTSIDE, "xmpp_address": "203.0.113.9", "coturn_external_address": "203.0.113.9"},
            "203.0.113.9",
            "192.0.2.1",
        ),
    ],
)
def test_coturn_in_the_network_of_the_docker_host_is_asked_where_it_listens(
    given: dict[str, Any], from_outside: str, from_inside: str
) -> None:
    hosts = {"one": {"xmpp_address": "10.213.77.2", "ansible_facts": V4["ansible_facts"], **given}}
    groups = {"prosody": ["one"], "coturn": ["one"]}
    assert deployment("one", "one", hosts, groups)["services"][0]["turn_address"] == from_outside
    text = "{{ query('allthingslinux.xmpp.services', 'one', addresses={'one': '10.213.77.2'})[0].services[0] }}"
    found = looked_up(text, "one", hosts, groups)
    assert (found["turn_address"], found["address"]) == (from_inside, "10.213.77.2")
