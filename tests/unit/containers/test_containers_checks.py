# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What containers cannot do is refused by name, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from ladder.rung import ROOT

WATCHED = {"monitoring": ["one"]}
OUTER: dict[str, Any] = {"containers_address": "0.0.0.0"}
FACTS = {"default_ipv4": {"address": "192.0.2.1"}, "default_ipv6": {"address": "2001:db8::1"}}
# what was looked at on the Docker host
TAKEN: dict[str, Any] = {
    "__xmpp_outside": {"low": 1024, "by_chance": [32768, 60999], "facts": FACTS, "place": "xmpp-one-outside"},
    "__containers_turn_pid": 0,
    "__containers_listening": {
        "listeners": [
            {
                "protocol": "tcp",
                "address": "192.0.2.1",
                "port": 3478,
                "process": "eturnal",
                "pid": 7,
                "unit": "eturnal.service",
                "user": "eturnal",
            }
        ]
    },
    "__containers_running": [
        {"Names": ["/game"], "Labels": {}, "Ports": [{"IP": "0.0.0.0", "PublicPort": 51999, "Type": "udp"}]}
    ],
}
ALL = {"prosody": ["one"], "postgresql": ["one"], "coturn": ["one"]}
ACME: dict[str, Any] = {"xmpp_certificate_source": "acme"}
PODMAN: dict[str, Any] = {"__containers_host": {"host_info": {"BuildahVersion": "1.39.3", "ServerVersion": "5.4.2"}}}


def rootless(hands_on: str) -> dict[str, Any]:
    """Out: what an engine says that is not root's. hands_on: the program that hands on what is published."""
    kit = {"Name": "rootlesskit", "Details": {"PortDriver": hands_on, "StateDir": "/run/user/1000/dockerd-rootless"}}
    return {
        "__containers_host": {"host_info": {"SecurityOptions": ["name=seccomp,profile=builtin", "name=rootless"]}},
        "__containers_rootlesskit": {"stdout": json.dumps([{"Name": "Engine", "Details": {}}, kit])},
    }


def trust(value: Any) -> Any:
    """Let a value be a template, at any depth."""
    if isinstance(value, str):
        return trust_as_template(value)
    if isinstance(value, list):
        return [trust(each) for each in value]
    return {name: trust(each) for name, each in value.items()} if isinstance(value, dict) else value


def templated(text: str, groups: dict[str, list[str]], **variables: Any) -> Any:
    """Out: what a template is in role containers on host one."""
    known: dict[str, Any] = {}
    for part in ("defaults", "vars"):
        known |= yaml.safe_load((ROOT / "roles/containers" / part / "main.yml").read_text(encoding="utf-8"))
    known |= {
        "groups": {"all": sorted({host for hosts in groups.values() for host in hosts}), **groups},
        # those whose name says so are no containers
        "hostvars": {
            "host": {},
            "one": {"xmpp_backend": "container", **variables},
            "two": {"xmpp_backend": "container"},
            "three": {"xmpp_backend": "container", "containers_database_address": "192.0.2.3"},
        },
        "group_names": sorted(name for name, hosts in groups.items() if "one" in hosts),
        "inventory_hostname": "one",
        "xmpp_backend": "container",
        "xmpp_domain": "op.test",
        "containers_address": "127.0.0.1",
        "role_path": str(ROOT / "roles/containers"),
        **variables,
    }
    templar = Templar(DataLoader(), variables={name: trust(value) for name, value in known.items()})
    return templar.template(trust_as_template(text))


def problems(groups: dict[str, list[str]], **variables: Any) -> list[str]:
    """Out: what is refused on host one."""
    checks = templated("{{ __containers_checks }}", groups, **variables)
    return [str(check["problem"]) for check in checks if not check["that"]]


@pytest.mark.parametrize(
    ("groups", "variables"),
    [
        (ALL, {}),
        ({**ALL, "proxy": ["one"]}, {"proxy_http3": True}),
        ({**ALL, "proxy": ["one"]}, {"xmpp_certificate_source": "acme"}),
        (ALL, {"xmpp_certificate_source": "acme"}),
        (
            ALL,
            {
                "xmpp_certificate_source": "acme",
                "certificates_acme_challenge": "dns-01",
                "containers_ports": ["5222"],
                "certificates_acme_webroot": "/srv",
            },
        ),
        (ALL, {"xmpp_certificate_source": "acme", "containers_ports": ["8080:80"]}),
        ({"coturn": ["one"], "prosody": ["two"], "proxy": ["two"]}, {}),
        (ALL, {"backup_repository": ""}),
        (ALL, {"backup_paths": ["/var/lib/prosody", "/etc/prosody/conf.d"]}),
        ({"prosody": ["one"]}, {"prosody_storage": "sqlite", "containers_address": "0.0.0.0"}),
        (ALL, {"containers_address": "0.0.0.0"}),
        (ALL, {"containers_address": "192.0.2.1", "containers_ports": ["13478:80", "34780", "5222"]}),
        (ALL, {"containers_address": "0.0.0.0", "xmpp_turn_tls_port": 443, "__xmpp_outside": {"low": 0}}),
        (ALL, {"containers_ports": ["3478", "5349"], "xmpp_turn_tls_port": 443}),
        ({"prosody": ["one"], "postgresql": ["one"]}, {"containers_address": "0.0.0.0", "containers_ports": ["3478"]}),
        ({"coturn": ["one"], "prosody": ["two"], "postgresql": ["two"]}, {}),
        ({"prosody": ["one"], "postgresql": ["host"]}, {}),
        ({"prosody": ["one"]}, {"prosody_database_host": "db.op.test"}),
        ({"prosody": ["host"], "postgresql": ["one"]}, {"containers_database_address": "192.0.2.1"}),
        ({"prosody": ["host"], "postgresql": ["one"]}, {"containers_database_address": "2001:db8::1"}),
        (ALL, {"containers_engine": "ssh://a@op.test", "ansible_docker_extra_args": "--host=ssh://a@op.test"}),
        (ALL, {"containers_engine": "ssh://a@op.test", "ansible_docker_extra_args": "-H ssh://a@op.test"}),
        # that of another host is published
        ({"prosody": ["one"], "postgresql": ["three"]}, {}),
        ({**ALL, "monitoring": ["one"]}, {"monitoring_security_updates": False, "monitoring_logs_file": ""}),
        (ALL, {"monitoring_logs_file": "/var/log/xmpp/services.jsonl"}),
        (ALL, {"containers_limits": {"prosody": {"memory": "512M", "cpus": 1.5}, "coturn": {"pids": 9}}}),
        (ALL, {"__containers_host": {"host_info": {"SecurityOptions": None, "ServerVersion": "20.10.24"}}}),
        # to be tried out on its machine, where everybody is the same one anyway
        (ALL, rootless("builtin")),
        ({"prosody": ["one"], "postgresql": ["one"]}, {**OUTER, **rootless("slirp4netns")}),
    ],
)
def test_what_can_be_done_is_not_refused(groups: dict[str, list[str]], variables: dict[str, Any]) -> None:
    assert problems(groups, **variables) == []


@pytest.mark.parametrize(
    ("groups", "variables", "begins"),
    [
        ({}, {"backup_paths": ["/etc/prosody", "/srv/own"]}, "backup_paths: /srv/own is in no volume of xmpp-one"),
        ({}, {"backup_paths": ["/etc/prosody-of-others"]}, "backup_paths: /etc/prosody-of-others is in no volume"),
        ({"monitoring": ["two"]}, {}, "two in group monitoring: "),
        ({"monitoring": ["one"], "coturn": ["two"]}, {}, "Group monitoring: one measures and watches from containers"),
        (WATCHED, {"monitoring_logs_http": "https://logs.op.test"}, "monitoring_logs_http: not in containers"),
        (
            WATCHED,
            {"monitoring_xmpp_jid": "a@op.test", "monitoring_security_updates": True},
            "monitoring_security_updates, monit",
        ),
        ({"proxy": ["two"]}, {}, "two: a proxy and Prosody in containers"),
        ({"proxy": ["one"], "prosody": ["two"]}, {}, "two: a proxy and Prosody in containers"),
        ({"proxy": ["one"]}, {"xmpp_haproxy": True}, "xmpp_haproxy: haproxy is for several servers"),
        ({"proxy": ["one"]}, {"proxy_haproxy": True}, "xmpp_haproxy: haproxy is for several servers"),
        ({"postgresql": ["two"]}, {}, "The database of two is in a container and published nowhere"),
        ({"prosody": ["one", "two"]}, {}, "The database of one is in a container and published nowhere"),
        ({"prosody": ["host"]}, {}, "The database of one is in a container and published nowhere"),
        ({}, {"containers_engine": "ssh://a@op.test"}, "containers_engine is ssh://a@op.test, and the connection of"),
        (
            {},
            {"containers_engine": "ssh://a@op.test", "ansible_docker_extra_args": "-H ssh://a@op.test.example"},
            "containers_engine is ssh://a@op.test, and the connection of one",
        ),
        ({}, {"ansible_docker_extra_args": "-H ssh://a@op.test"}, "ansible_docker_extra_args is -H ssh://a@op.test, "),
        ({"prosody": ["host"]}, {"containers_database_address": "0.0.0.0"}, "containers_database_address: 0.0.0.0 is "),
        ({"prosody": ["host"]}, {"containers_database_address": "127.0.0.1"}, "containers_database_address: 127.0.0.1"),
        ({"prosody": ["host"]}, {"containers_database_address": "db.op.test"}, "containers_database_address: db.op.te"),
        (
            {"postgresql": ["host"]},
            {"containers_database_address": "192.0.2.1"},
            "containers_database_address: one has",
        ),
        ({"postgresql": []}, {}, "Prosody in a container has no database"),
        ({"postgresql": []}, {"prosody_database_host": "/run/postgresql"}, "Prosody in a container has no database"),
        ({}, {"prosody_log_to": "syslog"}, "prosody_log_to is syslog, and in a container there is only console"),
        ({}, {"prosody_c2s_ports": []}, "prosody_c2s_ports is empty, and the health check"),
        (
            {},
            {**ACME, "containers_ports": ["5222", "8080"]},
            "xmpp_certificate_source is acme, which proves names at port 80",
        ),
        (
            {},
            {**ACME, "containers_ports": ["80/udp"]},
            "xmpp_certificate_source is acme, which proves names at port 80",
        ),
        ({}, {**ACME, "certificates_acme_webroot": "/srv/acme"}, "certificates_acme_webroot: a container has no dir"),
        ({}, {"containers_ports": ["5222", "abc"]}, "containers_ports: abc cannot be published"),
        (
            {},
            {"containers_ports": ["5222:", "99999", "0", "80:443/sctp", ":22", "70000:22", 5222, "7443:443/tcp"]},
            "containers_ports: 5222:, 99999, 0, 80:443/sctp, :22, 70000:22 cannot be published",
        ),
        (
            {},
            {"containers_ports": ["5222", "5432", "15280:5280/tcp", "5281", 15432]},
            "containers_ports: 5432, 15280:5280/tcp would let everybody in where services of",
        ),
        (
            {},
            {"containers_ports": ["5888"], "prosody_component_ports": [5888]},
            "containers_ports: 5888 would let everybody",
        ),
        ({}, {"prosody_writable_paths": ["/srv"]}, "prosody_writable_paths: a container has no paths of the host"),
        ({}, {"containers_limits": {"prosody": {"memory": "1 GB"}}}, "containers_limits: memory of prosody is no size"),
        ({}, {"containers_limits": {"prosody": {"memory": "32M"}}}, "containers_limits: memory of prosody is no size"),
        (
            {},
            {**OUTER, "containers_coturn_network": "own"},
            "containers_coturn_network is own and containers_address 0.0.0.0, but the relays of calls",
        ),
        ({}, {"containers_address6": "::"}, "containers_address6: the network of the containers has no IPv6"),
        ({}, {"containers_subnet": "fd5a:77::/64"}, "containers_subnet: fd5a:77::/64 is none of IPv4"),
        ({}, {"containers_subnet6": "10.1.2.0/24"}, "containers_subnet6: 10.1.2.0/24 is none of IPv6"),
        ({}, {**OUTER, "containers_ports": ["3478/udp", "5222", "8443:5349"]}, "containers_ports: 3478/udp, 8443:5349"),
        ({}, {**OUTER, "containers_ports": ["3479"], "xmpp_turn_port": 3479}, "containers_ports: 3479 would be publi"),
        (
            {},
            {**OUTER, "xmpp_turn_tls_port": 443, "__xmpp_outside": {"low": 1024, "by_chance": []}},
            "Port 443 of coturn: in the network of the Docker host",
        ),
        (
            {},
            {**OUTER, **TAKEN},
            "Port 3478/tcp of the Docker host, wanted for coturn (containers_coturn_network), is taken by eturnal (pid"
            " 7 of eturnal.service): stop that, or choose another port with xmpp_turn_port.",
        ),
        (
            {},
            {**OUTER, **TAKEN},
            "Port 51999/udp of the Docker host, one of those for relays of calls, is that of container game, which",
        ),
        ({}, PODMAN, "The engine that one is to run in ("),
        ({}, {**OUTER, **rootless("slirp4netns")}, "coturn is to have the network of the Docker host (containe"),
        ({"coturn": []}, {**OUTER, **rootless("builtin")}, "The engine of one is rootless and hands connections "),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(
    groups: dict[str, list[str]], variables: dict[str, Any], begins: str
) -> None:
    found = problems({**ALL, **groups}, **variables)
    assert [text for text in found if text.startswith(begins)], found


@pytest.mark.parametrize(
    ("engine", "variables", "socket"),
    [
        ("", {}, "/var/run/docker.sock"),
        ("unix:///srv/engine.sock", rootless("builtin"), "/srv/engine.sock"),
        ("ssh://root@192.0.2.10", {}, "/var/run/docker.sock"),
        # who it is there is known to nobody but the engine
        ("ssh://op@192.0.2.10", rootless("builtin"), "/run/user/1000/docker.sock"),
    ],
)
def test_the_companion_has_the_socket_of_the_engine_that_is_asked(
    monkeypatch: pytest.MonkeyPatch, engine: str, variables: dict[str, Any], socket: str
) -> None:
    monkeypatch.setenv("DOCKER_HOST", engine)
    assert templated("{{ __containers_socket }}", ALL, **variables) == socket


def test_images_are_built_by_the_builder_that_the_operators_command_takes() -> None:
    (task,) = yaml.safe_load((ROOT / "roles/containers/tasks/build.yml").read_text(encoding="utf-8"))
    given = {
        "__containers_inputs": "0123456789ab" * 5,
        "__containers_from": "debian:trixie-slim",
        "__containers_versions": {"coturn": "4.6", "postgresql-17": "17.5"},
        "containers_refresh": "a b",
    }
    argv = task["ansible.builtin.command"]["argv"]
    words = templated(argv, ALL, **task["vars"], **given, item="coturn")
    # the older builder leaves a container of what fails else
    assert words[:4] == ["docker", "build", "--force-rm", "--network"]
    assert words[4:9] == ["host", "--target", "coturn", "--tag", "xmpp-coturn:0123456789ab"]
    assert [words[place + 1] for place, word in enumerate(words) if word == "--label"] == [
        f"org.allthingslinux.xmpp.inputs={'0123456789ab' * 5}",
        "org.allthingslinux.xmpp.refresh=a b",
        "org.opencontainers.image.base.name=debian:trixie-slim",
        "org.opencontainers.image.title=allthingslinux.xmpp coturn",
        "org.opencontainers.image.version=4.6",
    ]
    assert "org.opencontainers.image.version=17.5" in templated(argv, ALL, **task["vars"], **given, item="postgresql")
    assert "image.version" not in str(templated(argv, ALL, **task["vars"], **given, item="companion"))
    assert [words[place + 1] for place, word in enumerate(words) if word == "--build-arg"] == [
        "BASE=debian:trixie-slim",
        "REFRESH=a b",
    ]
    assert words[-1].endswith("roles/containers/files")
    # which of them is the operator's to say
    assert "DOCKER_BUILDKIT" not in task["environment"]


PROXY = {**ALL, "proxy": ["one"]}


@pytest.mark.parametrize(
    ("groups", "variables", "has", "has_not"),
    [
        (ALL, {}, {"5222", "5281"}, {"80", "443:443"}),
        (ALL, ACME, {"5281", "80"}, {"443:443"}),
        # HTTPS of Prosody's own is on loopback then
        (PROXY, {}, {"5222", "443:443", "80"}, {"5281", "443:443/udp"}),
        (PROXY, {"proxy_http3": True}, {"443:443/udp"}, set()),
        # who has HTTPS published elsewhere has HTTP of his own
        (PROXY, {"xmpp_https_port": 8443}, {"8443:443"}, {"80", "443:443"}),
        (PROXY, {"xmpp_https_port": 8443, **ACME}, {"8443:443", "80"}, set()),
        ({**PROXY, "prosody": []}, {}, {"443:443"}, {"5222"}),
        # they follow what the services are told
        (ALL, {"prosody_c2s_ports": [25222, 5222]}, {"25222", "5222", "5223"}, set()),
        (ALL, {"prosody_c2s_ports": [25222], "prosody_s2s_direct_tls_ports": []}, {"25222", "5269"}, {"5222", "5270"}),
        (ALL, {"xmpp_turn_port": 3479, "xmpp_turn_tls_port": 0}, {"3479", "3479/udp"}, {"3478", "5349", "0"}),
    ],
)
def test_ports_are_published_for_what_is_there(
    groups: dict[str, list[str]], variables: dict[str, Any], has: set[str], has_not: set[str]
) -> None:
    found = set(templated("{{ containers_ports }}", groups, **variables))
    assert has <= found
    assert not has_not & found


def test_coturn_has_the_network_of_the_docker_host_where_others_come_and_publishes_nothing_then() -> None:
    for given, outer in (
        ({}, []),
        ({"containers_address": "::1"}, []),
        (OUTER, ["coturn"]),
        ({"containers_address": "127.1.2.3", "containers_coturn_network": "host"}, ["coturn"]),
    ):
        assert templated("{{ __containers_outer }}", ALL, **given) == outer
        ports = set(templated("{{ containers_ports }}", ALL, **given))
        assert ({"3478", "3478/udp", "5349"} <= ports) is not bool(outer)
    assert templated("{{ __containers_outer }}", {"prosody": ["one"]}, **OUTER) == []


@pytest.mark.parametrize(
    ("given", "published", "ipam"),
    [
        ({}, ["127.0.0.1:5222:5222", "127.0.0.1:843:443/udp"], []),
        (
            {"containers_subnet6": "fd5a::/64"},
            ["127.0.0.1:5222:5222", "127.0.0.1:843:443/udp", "[::1]:5222:5222", "[::1]:843:443/udp"],
            [{"subnet": "fd5a::/64"}],
        ),
        (
            {**OUTER, "containers_subnet6": "fd5a::/64", "containers_subnet": "10.1.0.0/24", "containers_ports": [80]},
            ["0.0.0.0:80:80", "[::]:80:80"],
            [{"subnet": "10.1.0.0/24"}, {"subnet": "fd5a::/64"}],
        ),
        # at one address: the other one is to be given
        (
            {"containers_subnet6": "fd5a::/64", "containers_address": "192.0.2.1", "containers_ports": [80]},
            ["192.0.2.1:80:80"],
            [{"subnet": "fd5a::/64"}],
        ),
        (
            {
                "containers_subnet6": "fd5a::/64",
                "containers_address": "192.0.2.1",
                "containers_address6": "2001:db8::1",
                "containers_ports": [80],
            },
            ["192.0.2.1:80:80", "[2001:db8::1]:80:80"],
            [{"subnet": "fd5a::/64"}],
        ),
    ],
)
def test_ports_are_published_for_ipv6_where_the_network_has_it(
    given: dict[str, Any], published: list[str], ipam: list[dict[str, str]]
) -> None:
    ports = {"containers_ports": ["5222", "843:443/udp"], **given}
    assert templated("{{ __containers_published }}", ALL, **ports) == published
    text = (ROOT / "roles/containers/templates/compose.yml.j2").read_text(encoding="utf-8")
    found = yaml.safe_load(templated(text, ALL, **ports, __containers_inputs="0" * 64))
    assert found["services"]["network"]["ports"] == published
    network = found["networks"]["default"]
    assert network.get("ipam", {"config": []}) == {"config": ipam}
    assert network.get("enable_ipv6", False) is ("containers_subnet6" in given)


def test_an_engine_of_its_own_is_not_for_mitogen_which_knows_one(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"containers_engine": "ssh://a@op.test", "ansible_docker_extra_args": "--host=ssh://a@op.test"}
    monkeypatch.setenv("ANSIBLE_STRATEGY", "mitogen_linear")
    assert [text[:44] for text in problems(ALL, **given)] == ["ansible_docker_extra_args of one: --fast (Mi"]
    assert problems(ALL) == []


def test_the_database_is_published_where_it_is_said_and_at_no_other_address() -> None:
    given = {"containers_address": "0.0.0.0", "containers_ports": ["5222"]}
    published = "{{ __containers_published }}"
    assert templated(published, ALL, **given) == ["0.0.0.0:5222:5222"]
    for address, wanted in (("10.1.0.1", "10.1.0.1:5432:5432"), ("fd5a::1", "[fd5a::1]:5432:5432")):
        said = {**given, "containers_database_address": address}
        assert templated(published, ALL, **said) == ["0.0.0.0:5222:5222", wanted]
        assert templated(published, {"prosody": ["one"]}, **said) == ["0.0.0.0:5222:5222"]
        assert templated(published, ALL, **said, __containers_unpublished=True) == []


def test_the_proxy_may_have_low_ports_without_a_right_and_nobody_else_has_a_reason() -> None:
    assert templated("{{ __containers_low_ports }}", PROXY) is True
    assert templated("{{ __containers_low_ports }}", ALL, **ACME) is True
    assert templated("{{ __containers_low_ports }}", ALL, **ACME, certificates_acme_challenge="dns-01") is False
    assert templated("{{ __containers_low_ports }}", ALL) is False


def test_the_image_of_nginx_is_built_where_there_is_a_proxy() -> None:
    assert "nginx" not in templated("{{ __containers_targets }}", ALL)
    assert "nginx" in templated("{{ __containers_targets }}", PROXY)


def test_a_compose_file_has_the_services_of_the_host_and_what_is_said_in_their_checks() -> None:
    text = (ROOT / "roles/containers/templates/compose.yml.j2").read_text(encoding="utf-8")
    given = {
        "containers_subnet": "172.30.1.0/24",
        "containers_ports": ["8443:5281"],
        "__containers_inputs": "0123456789ab" * 5,
    }
    found = yaml.safe_load(templated(text, ALL, **given))
    assert set(found["services"]) == {"network", "keeper", "prosody", "postgresql", "coturn"}
    assert found["services"]["network"]["ports"] == ["127.0.0.1:8443:5281"]
    assert all(one["image"].endswith(":0123456789ab") for one in found["services"].values())
    # Compose would put variables of its own in the place of those of the shell
    assert '"$$key"' in found["services"]["coturn"]["healthcheck"]["test"][-1]
    used = {mount.split(":")[0] for one in found["services"].values() for mount in one.get("volumes", [])}
    assert set(found["volumes"]) == used
    assert all(one["external"] for one in found["volumes"].values())
    assert found["networks"]["default"]["ipam"] == {"config": [{"subnet": "172.30.1.0/24"}]}
    assert "coturn" not in yaml.safe_load(templated(text, {**ALL, "coturn": []}, **given))["services"]
    assert "sysctls" not in found["services"]["network"]
    assert {one.get("network_mode") for one in found["services"].values()} == {None, "service:network"}
    outer = yaml.safe_load(templated(text, ALL, **given, containers_coturn_network="host"))["services"]
    assert {name: one["network_mode"] for name, one in outer.items() if name != "network"} == {
        "keeper": "service:network",
        "prosody": "service:network",
        "postgresql": "service:network",
        "coturn": "host",
    }
    # by which the keeper finds it
    assert outer["coturn"]["pid"] == "service:network"
    proxied = yaml.safe_load(templated(text, PROXY, **given))["services"]
    assert proxied["network"]["sysctls"] == {"net.ipv4.ip_unprivileged_port_start": "0"}
    assert proxied["nginx"]["volumes"] == [
        "etc-xmpp:/etc/xmpp:ro",
        "local:/usr/local:ro",
        "nginx:/etc/nginx/conf.d:ro",
        "www:/var/www:ro",
    ]
    limited = yaml.safe_load(templated(text, ALL, **given, **LIMITS))["services"]
    assert limited["prosody"]["mem_limit"] == "512M"
    assert limited["prosody"]["cpus"] == 1.5
    assert limited["postgresql"]["pids_limit"] == 1024
    assert limited["postgresql"]["ulimits"] == {"nofile": 20000}
    assert "mem_limit" not in limited["postgresql"]


LISTED = [
    {"Id": "sha256:1", "RepoTags": None},
    {"Id": "sha256:2", "RepoTags": ["xmpp-base:trixie"]},
    {"Id": "sha256:3", "RepoTags": ["other:1", "debian:trixie-slim"]},
    {"Id": "sha256:4", "RepoTags": ["xmpp-prosody:0123456789ab", "xmpp-coturn:0123456789ab"]},
]


@pytest.mark.parametrize(
    ("base", "asked", "found"),
    [
        ("", [], ["sha256:3", "sha256:2"]),
        ("other:1", [], ["sha256:3"]),
        # by another name than in the list
        ("debian@sha256:3", [{"Id": "sha256:3"}], ["sha256:3"]),
        ("debian:forky", [], []),
    ],
)
def test_the_base_is_the_first_that_the_engine_has(base: str, asked: list[Any], found: list[str]) -> None:
    given = {"__containers_host": {"images": LISTED}, "__containers_base": {"images": asked}, "containers_base": base}
    assert [one["Id"] for one in templated("{{ __containers_bases_found }}", ALL, **given)] == found


def test_images_are_built_that_are_neither_listed_nor_found_by_name() -> None:
    given = {"__containers_inputs": "0123456789abcdef", "__containers_host": {"images": LISTED}}
    wanted = set(templated("{{ __containers_targets }}", ALL, **given))
    skipped = templated("{{ __containers_missing }}", ALL, **given, __containers_images={"skipped": True})
    assert set(skipped) == wanted - {"prosody", "coturn"}
    asked = {"images": [{"RepoTags": ["xmpp-postgresql:0123456789ab"]}]}
    missing = templated("{{ __containers_missing }}", ALL, **given, __containers_images=asked)
    assert set(missing) == wanted - {"prosody", "coturn", "postgresql"}


@pytest.mark.parametrize(
    ("given", "source", "path"),
    [
        ({}, "xmpp-one-backups", "/var/backups/xmpp"),
        ({"backup_repository": "/var/backups/xmpp/"}, "xmpp-one-backups", "/var/backups/xmpp"),
        # the same directory of the Docker host
        ({"backup_repository": "/mnt/vault/xmpp"}, "/mnt/vault/xmpp", "/mnt/vault/xmpp"),
        ({"backup_repository": "sftp://keeper@vault.test/srv"}, "", ""),
        ({"backup_repository": ""}, "", ""),
    ],
)
def test_backups_lie_where_the_volumes_do_not_go(given: dict[str, Any], source: str, path: str) -> None:
    mounts = [mount.rpartition(":") for mount in templated("{{ __containers_mounts }}", ALL, **given)]
    known = templated("{{ __containers_volumes }}", ALL)
    assert [(one, place) for one, _colon, place in mounts if place not in known.values()] == (
        [(source, path)] if path else []
    )
    text = (ROOT / "roles/containers/templates/compose.yml.j2").read_text(encoding="utf-8")
    found = yaml.safe_load(templated(text, ALL, **given, __containers_inputs="0" * 64))
    composed = found["services"]["postgresql"]["volumes"]
    written = "backups" if source == "xmpp-one-backups" else source
    assert ([f"{written}:{path}:rw"] if path else []) == [one for one in composed if path and path in one]
    assert ("backups" in found["volumes"]) is (source == "xmpp-one-backups")


def test_what_measures_and_watches_has_a_container_each_where_there_is_something_to_measure() -> None:
    watching = {"prometheus", "prometheus-alertmanager", "prometheus-node-exporter"}
    for groups, more in (
        (ALL, set()),
        ({**ALL, **WATCHED}, {*watching, "prometheus-postgres-exporter"}),
        ({"prosody": ["one"], **WATCHED}, watching),
        (
            {**ALL, **WATCHED, "proxy": ["one"]},
            {*watching, "prometheus-postgres-exporter", "prometheus-nginx-exporter"},
        ),
    ):
        wanted = set(templated("{{ __containers_wanted }}", groups))
        assert {name for name in wanted if name.startswith("prometheus")} == more
        assert wanted - more - {"nginx"} == set(groups) - {"monitoring", "proxy"}
        assert set(templated("{{ __containers_targets }}", groups)) >= {"companion", *wanted}


LIMITS: dict[str, Any] = {
    "containers_limits": {"prosody": {"memory": "512M", "cpus": 1.5}, "coturn": {"pids": 64}},
    "__containers_host": {"host_info": {"MemoryLimit": True, "CpuCfsQuota": True, "PidsLimit": True}},
    "__containers_prlimit": {"stdout": "20000\n"},
}


def test_limits_are_those_of_the_inventory_and_0_takes_one_away() -> None:
    assert templated("{{ __containers_limits }}", ALL, **LIMITS) == {
        "postgresql": {"memory": "0", "cpus": 0.0, "pids": 1024},
        "prosody": {"memory": "512M", "cpus": 1.5, "pids": 1024},
        "coturn": {"memory": "0", "cpus": 0.0, "pids": 64},
    }


def test_only_what_is_new_is_tried_and_what_the_engine_says_is_told() -> None:
    bindings = {"5222/tcp": [{"HostIp": "127.0.0.1", "HostPort": "15222"}]}
    given: dict[str, Any] = {
        "containers_ports": ["15222:5222", "15223:5223/tcp", "443/udp"],
        "__containers_before": {"exists": True, "container": {"HostConfig": {"PortBindings": bindings}}},
    }
    new = ["127.0.0.1:15223:5223", "127.0.0.1:443:443/udp"]
    assert sorted(templated("{{ __containers_unbound }}", ALL, **given)) == sorted(new)
    said = 'Server Error ("driver failed (ab12): Bind for 127.0.0.1:15223 failed: port is already allocated")'
    found = problems(ALL, __containers_tried={"msg": said, "changed": False}, **given)
    assert len(found) == 1
    assert "127.0.0.1:15223:5223" in found[0]
    assert "since the engine says: Bind for 127.0.0.1:15223 failed: port is already allocated." in found[0]
    assert problems(ALL, __containers_tried={"changed": True}, **given) == []
    at = "{{ __containers_published }}"
    assert templated(at, ALL, containers_ports=["5222"], containers_address="::1") == ["[::1]:5222:5222"]


def test_a_companion_waits_longer_where_others_are_worked_on_meanwhile() -> None:
    assert int(templated("{{ containers_idle }}", ALL)) == 300
    assert int(templated("{{ containers_idle }}", {**ALL, "postgresql": ["host"]})) == 3600


def test_what_runs_is_told_by_the_engine_for_all_services_at_once() -> None:
    def one(name: str, status: str) -> dict[str, Any]:
        return {"Names": [f"/{name}"], "Status": status}

    at = templated("{{ containers_name }}", ALL)
    there = {"containers": [one(f"{at}-prosody", "Up 5 minutes (healthy)"), one(f"{at}-coturn", "Exited (0)")]}
    found = templated("{{ __containers_states }}", ALL, __containers_there_are=there)
    assert found == {"prosody": "Up 5 minutes (healthy)", "coturn": "Exited (0)"}


def test_every_service_can_have_limits() -> None:
    specs = yaml.safe_load((ROOT / "roles/containers/meta/argument_specs.yml").read_text(encoding="utf-8"))
    options = specs["argument_specs"]["variables"]["options"]["containers_limits"]["options"]
    assert set(options) == set(templated("{{ __containers_services }}", ALL))
    assert all(set(one["options"]) == {"memory", "cpus", "pids"} for one in options.values())


@pytest.mark.parametrize(
    ("host", "kept", "discarded"),
    [
        ({}, set(), "memory, pids "),
        ({"PidsLimit": True}, {"pids"}, "memory "),
        ({"MemoryLimit": True, "PidsLimit": True}, {"memory", "pids"}, ""),
    ],
)
def test_limits_that_the_engine_discards_are_left_out_with_a_word(
    host: dict[str, Any], kept: set[str], discarded: str
) -> None:
    given = {
        "containers_limits": {"prosody": {"memory": "512M"}},
        "__containers_host": {"host_info": host},
        "__containers_prlimit": {"stdout": "unlimited"},
    }
    limits = templated("{{ __containers_limits }}", ALL, **given)
    assert all(set(one) == kept for one in limits.values())
    words = templated("{{ __containers_words }}", ALL, **given)
    assert [f"discards limits of {discarded}" in text for text in words] == ([True] if discarded else [])


@pytest.mark.parametrize(
    ("hard", "files", "said"), [("20000", 20000, 1), ("1048576", 65536, 0), ("unlimited", 65536, 0), ("", 0, 0)]
)
def test_open_files_are_as_many_as_the_engine_gives(hard: str, files: int, said: int) -> None:
    given = {**LIMITS, "__containers_prlimit": {"stdout": hard}}
    assert int(templated("{{ __containers_nofile }}", ALL, **given)) == files
    assert len(templated("{{ __containers_words }}", ALL, **given)) == said


def docker_tasks(tasks: list[dict[str, Any]], by_ssh: bool = False) -> Iterator[tuple[str, bool]]:
    """Yields each task that speaks to the engine, and whether it reaches one elsewhere as the command docker does."""
    for task in tasks:
        defaults = task.get("module_defaults", {}).get("group/community.docker.docker", {})
        here = by_ssh or defaults.get("use_ssh_client") is True
        yield from docker_tasks(task.get("block", []), here)
        for name, words in task.items():
            if name.startswith("community.docker."):
                yield task["name"], here or words.get("use_ssh_client") is True


# included by the others, and so with what these say
INCLUDED = {"build.yml", "companion.yml", "network.yml", "pod.yml", "volumes.yml", "engine.yml"}


@pytest.mark.parametrize(
    "file", sorted(path.name for path in (ROOT / "roles/containers/tasks").iterdir() if path.name not in INCLUDED)
)
def test_an_engine_elsewhere_is_reached_by_ssh_in_every_task(file: str) -> None:
    tasks = yaml.safe_load((ROOT / "roles/containers/tasks" / file).read_text(encoding="utf-8"))
    assert [name for name, by_ssh in docker_tasks(tasks) if not by_ssh] == []


def tasks_of(file: str) -> dict[str, dict[str, Any]]:
    """Out: name → task of a file of role containers, those of blocks and rescues among them."""

    def flat(tasks: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for task in tasks:
            yield task
            yield from flat(task.get("block", []) + task.get("rescue", []))

    return {one["name"]: one for one in flat(yaml.safe_load((ROOT / "roles/containers/tasks" / file).read_text()))}


def test_a_base_that_cannot_be_pulled_is_told_with_what_was_tried_and_what_to_do() -> None:
    block = tasks_of("images.yml")["Have the engine bring it"]
    assert [one["name"] for one in block["block"]] == ["Pull it"]
    (said,) = block["rescue"]
    text = templated(
        said["ansible.builtin.fail"]["msg"],
        ALL,
        containers_base="registry.example/debian:trixie-slim",
        ansible_failed_result={"msg": "dial tcp: no such host"},
    )
    for words in (
        "has not got it, was asked to pull it, and says: dial tcp: no such host",
        "as containers_base",
        "docker -H",
    ):
        assert words in text
    assert text.count("registry.example/debian:trixie-slim") == 2


@pytest.mark.parametrize(
    ("before", "check", "begins", "refused", "started"),
    [
        ({"exists": False}, False, True, False, False),
        ({"exists": True, "container": {"State": {"Running": True, "Status": "running"}}}, False, True, False, False),
        # after the machine, or by hand: a companion joins no network that is down
        ({"exists": True, "container": {"State": {"Running": False, "Status": "exited"}}}, False, True, False, True),
        ({"exists": True, "container": {"State": {"Running": False, "Status": "exited"}}}, False, False, True, True),
        ({"exists": True, "container": {"State": {"Running": False, "Status": "exited"}}}, True, True, True, True),
    ],
)
def test_what_holds_the_network_is_started_again_by_what_begins_a_service_and_by_nothing_else(
    before: dict[str, Any], check: bool, begins: bool, refused: bool, started: bool
) -> None:
    tasks = tasks_of("open.yml")
    known: dict[str, Any] = {"__containers_before": before, "ansible_check_mode": check, "__xmpp_begins": begins}
    refusal, start = (
        tasks["Refuse to look for a service whose network is stopped"],
        tasks["Start what holds the network again"],
    )
    assert bool(templated("{{ " + refusal["when"] + " }}", ALL, **known)) is refused
    assert bool(templated("{{ " + start["when"] + " }}", ALL, **known)) is started
    order = list(tasks)
    assert order.index(refusal["name"]) < order.index(start["name"]) < order.index("Start the companion")
    if refused:
        said = templated(refusal["ansible.builtin.fail"]["msg"], ALL, **known)
        assert "xmpp-one-network of one" in said
        assert "bin/xmpp deploy starts them again" in said


def test_no_task_asks_where_its_service_runs_but_those_that_bring_it_over() -> None:
    """What differs is one file of tasks for each backend in role service, and variables."""
    asks = {
        str(path.relative_to(ROOT / "roles"))
        for path in (ROOT / "roles").glob("*/tasks/*.yml")
        for line in path.read_text(encoding="utf-8").splitlines()
        if "xmpp_backend" in line and not line.lstrip().startswith("#") and path.parts[-3] != "service"
    }
    assert asks == {"prosody/tasks/bring.yml", "prosody/tasks/bring_back.yml"}
