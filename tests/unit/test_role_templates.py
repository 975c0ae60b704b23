# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configurations of roles coturn and postgresql: who gets in, and whom TURN talks to."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

ROOT = Path(__file__).resolve().parents[2]
CERTIFICATE = "allthingslinux.xmpp.prosody_cert"
OPTIONS = frozenset(
    line
    for line in (Path(__file__).parent / "data" / "turnserver-options-4.6.1.txt").read_text().splitlines()
    if not line.startswith("#")
)


def render(role: str, template: str, **variables: Any) -> str:
    """Render a template as the role would, with its defaults and internal variables."""
    text = (ROOT / "roles" / role / "templates" / template).read_text()
    return str(templated(role, text, **variables))


def templated(role: str, text: str, **variables: Any) -> Any:
    """The value of a template as the role would have it, with its defaults and internal variables."""
    known: dict[str, Any] = {}
    for part in ("defaults", "vars"):
        known.update(yaml.safe_load((ROOT / "roles" / role / part / "main.yml").read_text()))
    known.update(
        {"xmpp_domain": "example.org", "groups": {}, "inventory_hostname": "one", "ansible_facts": {}, "hostvars": {}}
    )
    known.update(variables)
    trusted = {name: trust(value) for name, value in known.items()}
    return Templar(DataLoader(), variables=trusted).template(trust_as_template(text))


def trust(value: Any) -> Any:
    """Let a value be a template, at any depth."""
    if isinstance(value, str):
        return trust_as_template(value)
    if isinstance(value, list):
        return [trust(each) for each in value]
    if isinstance(value, dict):
        return {name: trust(each) for name, each in value.items()}
    return value


def turn(**variables: Any) -> list[tuple[str, str]]:
    """Return the options of turnserver.conf as (name, value), in order."""
    text = render("coturn", "turnserver.conf.j2", **{"coturn_listen_addresses": ["198.51.100.7"], **variables})
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(name, value) for name, _sep, value in (line.partition("=") for line in lines)]


def ranges(options: list[tuple[str, str]], name: str) -> list[tuple[Any, Any]]:
    found = []
    for option, value in options:
        if option == name:
            first, _sep, last = value.partition("-")
            found.append((ipaddress.ip_address(first), ipaddress.ip_address(last or first)))
    return found


def within(address: str, among: list[tuple[Any, Any]]) -> bool:
    wanted: Any = ipaddress.ip_address(address)
    return any(first.version == wanted.version and first <= wanted <= last for first, last in among)


def reachable(address: str, **variables: Any) -> bool:
    """Whether coturn would relay to an address: what is allowed goes before what is denied."""
    options = turn(**variables)
    return within(address, ranges(options, "allowed-peer-ip")) or not within(address, ranges(options, "denied-peer-ip"))


SPECIAL = [
    "0.0.0.1",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "127.0.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "203.0.113.9",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::1",
    "::ffff:10.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::a00:1",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:a00:1::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fec0::1",
    "ff02::1",
]
PUBLIC = ["1.1.1.1", "9.255.255.255", "11.0.0.1", "100.128.0.1", "128.0.0.1", "172.32.0.1", "192.167.255.255"]
PUBLIC += ["192.169.0.1", "198.20.0.1", "223.255.255.255", "2001:200::1", "2003::1", "2606:4700::1111", "2a00::1"]


@pytest.mark.parametrize("address", SPECIAL)
def test_turn_is_no_way_into_a_network(address):
    assert not reachable(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_turn_reaches_the_internet(address):
    assert reachable(address)


def test_every_special_network_that_python_knows_is_denied():
    denied = ranges(turn(), "denied-peer-ip")
    for number in range(0, 2**32, 2**16 + 257):
        address = ipaddress.ip_address(number)
        if not address.is_global:
            assert within(str(address), denied), address


def test_own_addresses_are_allowed_and_exceptions_heard():
    assert reachable("198.51.100.7")
    assert not reachable("198.51.100.8")
    assert reachable("10.1.2.3", coturn_listen_addresses=["10.1.2.3"])
    assert reachable("203.0.113.5", coturn_external_address="203.0.113.5")
    assert reachable("10.9.9.9", coturn_allowed_peers=["10.9.0.0-10.9.255.255"])
    assert not reachable("8.8.8.8", coturn_denied_peers=["8.8.8.0-8.8.8.255"])


def test_no_range_is_the_unspecified_address_alone():
    # coturn 4.6.1 takes "::" for every address: it denies, or allows, everything
    for name in ("denied-peer-ip", "allowed-peer-ip"):
        assert "::" not in [value for option, value in turn() if option == name]


@pytest.mark.parametrize(
    "variables",
    [{}, {"coturn_external_address": "203.0.113.5"}, {"coturn_listen_addresses": ["10.0.0.1", "2001:db8::1"]}],
)
def test_coturn_knows_every_option(variables):
    assert {name for name, _value in turn(**variables)} <= OPTIONS


@pytest.mark.parametrize(
    ("addresses", "family"),
    [
        (["10.0.0.1"], None),
        # IPv4 is what clients mean that name no family, and here it can be had
        (["2001:db8::1", "10.0.0.1"], None),
        (["2001:db8::1"], "ipv6"),
        (["::1", "2001:db8::1"], "ipv6"),
    ],
)
def test_a_turn_server_without_ipv4_gives_ipv6_to_those_who_name_no_family(addresses, family):
    options = turn(coturn_listen_addresses=addresses)
    assert dict(options).get("allocation-default-address-family") == family


@pytest.mark.parametrize(
    ("tls_port", "open_ports", "closed"),
    [
        (5349, ["3478/udp", "3478/tcp", "5349/tcp"], []),
        (5349, ["3478/udp", "3478/tcp"], ["5349/tcp"]),
        (5349, [], ["3478/udp", "3478/tcp", "5349/tcp"]),
        (0, ["3478/udp", "3478/tcp"], []),
        (0, ["3478/tcp"], ["3478/udp"]),
    ],
)
def test_the_proof_of_a_turn_server_names_the_ports_that_are_closed(tls_port, open_ports, closed):
    (prove, _refuse) = yaml.safe_load((ROOT / "roles/coturn/tasks/prove.yml").read_text())
    listeners = [
        {"process": "turnserver", "user": "", "port": int(port), "protocol": protocol}
        for port, protocol in (each.split("/") for each in open_ports)
    ]
    given = {**prove["vars"], "coturn_tls_port": tls_port, "__coturn_listeners": {"listeners": listeners}}
    assert templated("coturn", "{{ __coturn_closed | list }}", **given) == closed


def test_a_turn_server_listens_on_both_families_and_on_ipv6_alone():
    six = {"default_ipv4": {}, "default_ipv6": {"address": "2001:db8::1"}}
    both = {"default_ipv4": {"address": "192.0.2.1"}, "default_ipv6": {"address": "2001:db8::1"}}
    assert templated("coturn", "{{ coturn_listen_addresses }}", ansible_facts=six) == ["2001:db8::1"]
    assert templated("coturn", "{{ coturn_listen_addresses }}", ansible_facts=both) == ["192.0.2.1", "2001:db8::1"]
    assert templated("coturn", "{{ coturn_listen_addresses }}") == []
    # in a container it may have the network of the Docker host, which is known as facts of that
    outside = {"place": "xmpp-one-outside", "facts": both}
    assert templated("coturn", "{{ coturn_listen_addresses }}", ansible_facts=six, __xmpp_outside=outside) == [
        "192.0.2.1",
        "2001:db8::1",
    ]


def test_external_address_goes_with_the_first_ipv4_address():
    options = turn(
        coturn_external_address="203.0.113.5", coturn_listen_addresses=["2001:db8::1", "10.0.0.1", "10.0.0.2"]
    )
    assert ("external-ip", "203.0.113.5/10.0.0.1") in options


@pytest.mark.parametrize(
    ("secret", "usable"),
    [
        ("a-secret-of-16-chars", True),
        ("c2VjcmV0IHNlY3JldCBzZWNyZXQ=", True),
        ('quotes-"-in-between', True),
        ('"a-secret-of-16-chars', False),
        ("=a-secret-of-16-chars", False),
        ("a-secret of-16-chars", False),
        ("a-secret-of-16-chars#", False),
        ("s" * 512, True),
        ("s" * 513, False),
        ("short", False),
    ],
)
def test_a_secret_that_coturn_would_read_otherwise_is_refused(secret, usable):
    checks = yaml.safe_load((ROOT / "roles/coturn/vars/main.yml").read_text())["__coturn_checks"]
    (check,) = [check for check in checks if "coturn_secret is shorter" in check["problem"]]
    assert bool(Templar(DataLoader(), variables={"coturn_secret": secret}).template(trust(check["that"]))) is usable


def test_there_is_no_secret_in_the_open_configuration():
    assert "static-auth-secret" not in dict(turn(coturn_secret="hush"))
    assert "hush" not in str(turn(coturn_secret="hush"))


def test_options_of_the_operator():
    options = turn(coturn_options={"verbose": True, "max-allocate-lifetime": 1800, "mobility": False})
    assert options[-2:] == [("max-allocate-lifetime", "1800"), ("verbose", "")]


def test_port_0_is_no_tls_and_needs_no_certificate():
    options = dict(turn(coturn_tls_port=0))
    assert "no-tls" in options
    assert not {"tls-listening-port", "cert", "pkey", "cipher-list"} & set(options)
    assert set(options) <= OPTIONS
    ports = templated("coturn", "{{ __coturn_ports | map(attribute='port') | unique }}", coturn_tls_port=0)
    assert ports == [3478]
    assert templated("coturn", "{{ __coturn_certificates }}", coturn_tls_port=0) == []
    assert dict(turn(xmpp_turn_tls_port=0))["no-tls"] == ""
    assert dict(turn())["tls-listening-port"] == "5349"
    assert "no-tls" not in dict(turn())


@pytest.mark.parametrize(("port", "capability"), [(443, "CAP_NET_BIND_SERVICE"), (5349, ""), (0, "")])
def test_only_a_low_port_gets_a_capability(port, capability):
    text = render("coturn", "dropin.conf.j2", coturn_tls_port=port)
    for name in ("CapabilityBoundingSet", "AmbientCapabilities"):
        assert f"{name}={capability}" in text.splitlines()


def hba(**variables: Any) -> list[list[str]]:
    """Return the rules of pg_hba.conf as words."""
    text = render("postgresql", "pg_hba.conf.j2", **variables)
    return [line.split() for line in text.splitlines() if line and not line.startswith("#")]


ROOT_RULES = [
    ["local", "all", "postgres", "peer", "map=xmpp"],
    ["local", "replication", "postgres", "peer", "map=xmpp"],
]


def test_prosody_on_the_same_host_needs_no_password():
    assert hba() == [*ROOT_RULES, ["local", '"prosody"', '"prosody"', "peer", "map=xmpp"]]
    assert render("postgresql", "pg_ident.conf.j2").splitlines()[-1] == 'xmpp  "prosody"  "prosody"'


def test_prosody_on_other_hosts_comes_from_its_addresses_over_tls():
    rules = hba(
        groups={"prosody": ["two"]},
        postgresql_client_addresses=["192.0.2.1", "2001:db8::1"],
    )
    assert rules == [
        *ROOT_RULES,
        ["hostssl", '"prosody"', '"prosody"', "192.0.2.1/32", "scram-sha-256"],
        ["hostssl", '"prosody"', '"prosody"', "2001:db8::1/128", "scram-sha-256"],
    ]


def facts(ipv4: str = "", ipv6: str = "") -> dict[str, Any]:
    """The facts of a host on its network as Ansible has them: a family that is not there is empty."""
    return {"default_ipv4": {"address": ipv4} if ipv4 else {}, "default_ipv6": {"address": ipv6} if ipv6 else {}}


def test_prosody_is_let_in_from_hosts_with_ipv6_alone_and_with_both_families():
    hosts = {
        "one": {},
        "six": {"ansible_facts": facts(ipv6="2001:db8::6")},
        "both": {"ansible_facts": facts("192.0.2.2", "2001:db8::2")},
        "unasked": {},
    }
    known = {
        "groups": {"prosody": [*hosts]},
        "hostvars": hosts,
        "ansible_facts": facts(ipv6="2001:db8::9"),
    }
    let_in = ["2001:db8::6", "192.0.2.2", "2001:db8::2", "unknown"]
    assert templated("postgresql", "{{ postgresql_client_addresses }}", **known) == let_in
    assert templated("postgresql", "{{ postgresql_listen_addresses }}", **known) == ["localhost", "2001:db8::9"]
    known["ansible_facts"] = facts("192.0.2.9", "2001:db8::9")
    listened = ["localhost", "192.0.2.9", "2001:db8::9"]
    assert templated("postgresql", "{{ postgresql_listen_addresses }}", **known) == listened
    known["ansible_facts"] = {}
    assert templated("postgresql", "{{ postgresql_listen_addresses }}", **known) == ["localhost", "*"]


def test_a_user_without_a_database_does_not_come_in():
    assert hba(postgresql_extra_users=[{"name": "idle", "local_users": ["idle"]}]) == hba()


def test_a_user_comes_into_all_its_databases_and_no_other():
    rules = hba(
        postgresql_extra_users=[{"name": "exporter", "local_users": ["prometheus"]}],
        postgresql_extra_databases=[{"name": "a", "readers": ["exporter"]}, {"name": "b", "users": ["exporter"]}],
    )
    assert rules[-1] == ["local", '"a","b"', '"exporter"', "peer", "map=xmpp"]


def test_nothing_listens_on_a_network_that_nobody_comes_from():
    text = render("postgresql", "postgresql.conf.j2")
    assert "listen_addresses = ''" in text
    assert "ssl = off" in text
    remote = render(
        "postgresql",
        "postgresql.conf.j2",
        postgresql_client_addresses=["192.0.2.1"],
        ansible_facts={"default_ipv4": {"address": "192.0.2.9"}},
    )
    assert "listen_addresses = 'localhost, 192.0.2.9'" in remote
    assert "ssl_min_protocol_version = 'TLSv1.3'" in remote


@pytest.mark.parametrize(
    ("memory", "buffers"),
    [(512, 64), (1024, 128), (2000, 128), (4096, 512), (16000, 1024), (16384, 2048), (1000000, 8192)],
)
def test_sizes(memory, buffers):
    text = render("postgresql", "postgresql.conf.j2", ansible_facts={"memtotal_mb": memory})
    assert f"shared_buffers = {buffers}MB" in text


def test_statements_are_counted_where_somebody_looks_and_never_those_with_values():
    loads = "shared_preload_libraries = 'pg_stat_statements'"
    counted = render("postgresql", "postgresql.conf.j2", groups={"monitoring": ["watch"]})
    assert loads in counted
    assert "pg_stat_statements.track_utility = off" in counted
    assert loads not in render("postgresql", "postgresql.conf.j2")
    without = render("postgresql", "postgresql.conf.j2", postgresql_monitoring=True, postgresql_archive_index=False)
    assert loads not in without


def test_counting_statements_restarts_nothing():
    assert templated("postgresql", "{{ __postgresql_patient }}") == ["shared_preload_libraries"]
    own = {"postgresql_options": {"shared_preload_libraries": "auto_explain"}}
    assert templated("postgresql", "{{ __postgresql_patient }}", **own) == []


def test_settings_of_the_operator_come_last_and_quoted():
    text = render("postgresql", "postgresql.conf.j2", postgresql_options={"jit": True, "search_path": "it's"})
    assert text.rstrip().splitlines()[-2:] == ["jit = 'on'", "search_path = 'it''s'"]


def test_names_cannot_leave_their_quotes_in_sql():
    text = render(
        "postgresql",
        "privileges.sql.j2",
        item={"name": "x", "users": ["a'b"], "readers": ["c"]},
        postgresql_users=[{"name": "a'b", "member_of": ["pg'm"]}],
    )
    assert "ARRAY['a''b']::text[]" in text
    assert "who := 'a''b';" in text
    assert "ARRAY['pg''m']::text[]" in text


def names_of(role: str, **variables: Any) -> Any:
    return templated(role, f"{{{{ __{role}_certificates[0].names }}}}", **variables)


def test_one_turn_server_for_several_domains_has_all_their_names() -> None:
    hosts = {
        "one": {"xmpp_domain": "example.org"},
        "two": {"xmpp_domain": "second.example"},
        "three": {"xmpp_domain": "third.example", "prosody_turn_host": "relay.third.example"},
        "four": {"prosody_domain": "Fourth.example"},
        "five": {"xmpp_domain": "fifth.example", "prosody_turn_host": ""},
    }
    assert names_of("coturn", groups={"prosody": [*hosts]}, hostvars=hosts) == [
        "turn.example.org",
        "turn.second.example",
        "relay.third.example",
        "turn.fourth.example",
    ]
    assert names_of("coturn", coturn_server_name="calls.example.org") == ["calls.example.org"]


def test_the_database_is_verified_by_every_name_that_hosts_know_it_by() -> None:
    known = {
        "fqdn": "Db.internal",
        "default_ipv4": {"address": "192.0.2.3"},
        "default_ipv6": {"address": "2001:db8::3"},
    }
    hosts = {
        "one": {"prosody_database_host": "db-alias.internal"},
        "two": {"prosody_database_host": "/run/postgresql"},
        "db 1": {"xmpp_address": "198.51.100.3"},
    }
    assert names_of(
        "postgresql",
        ansible_facts=known,
        inventory_hostname="db 1",
        ansible_host="203.0.113.3",
        groups={"prosody": ["one", "two"]},
        hostvars=hosts,
    ) == ["db.internal", "203.0.113.3", "198.51.100.3", "192.0.2.3", "2001:db8::3", "db-alias.internal"]


@pytest.mark.parametrize(
    ("variables", "environment"),
    [
        (
            {"groups": {"postgresql": ["two"]}},
            {"PGSSLMODE": "verify-full", "PGSSLROOTCERT": "/etc/xmpp/ca.pem"},
        ),
        ({"groups": {"postgresql": ["one"]}, "group_names": ["postgresql"]}, {}),
        ({"prosody_storage": "postgresql", "prosody_database_host": "db.example"}, {"PGSSLMODE": "require"}),
        (
            {
                "prosody_storage": "postgresql",
                "prosody_database_host": "db.example",
                "prosody_database_sslmode": "verify-full",
            },
            {"PGSSLMODE": "verify-full", "PGSSLROOTCERT": "system"},
        ),
        ({"prosody_storage": "internal", "groups": {"postgresql": ["two"]}}, {}),
    ],
)
def test_a_database_of_the_deployment_is_verified_by_the_own_authority(
    variables: dict[str, Any], environment: dict[str, str]
) -> None:
    world = {"group_names": [], "hostvars": {"one": {}, "two": {}}, **variables}
    assert templated("prosody", "{{ __prosody_database_environment }}", **world) == environment


def test_a_certificate_is_probed_where_the_configuration_is() -> None:
    (task,) = [
        one for one in yaml.safe_load((ROOT / "roles/prosody/tasks/configure.yml").read_text()) if CERTIFICATE in one
    ]
    assert task[CERTIFICATE]["probe_address"] == "{{ prosody_probe.address | default(omit) }}"
