# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where metrics are fetched and who may fetch them, for hosts with one or both families, behind a NAT, or not known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

ROLE = Path(__file__).resolve().parents[3] / "roles" / "monitoring"
GROUPS = {"prosody": ["chat"], "postgresql": ["db"], "monitoring": ["watch"]}


def facts(ipv4: str = "", ipv6: str = "") -> dict[str, Any]:
    """Out: what setup finds of the network."""
    return {
        "default_ipv4": {"address": ipv4} if ipv4 else {},
        "default_ipv6": {"address": ipv6} if ipv6 else {},
    }


BOTH = {
    "chat": {"ansible_facts": facts("192.0.2.1", "2001:db8::1")},
    "db": {"ansible_facts": facts("192.0.2.2", "2001:db8::2")},
    "watch": {"ansible_facts": facts("192.0.2.9", "2001:db8::9")},
}
WATCHED_BY_IPV6 = {**BOTH, "watch": {"ansible_facts": facts("", "2001:db8::9")}}


def template(text: str, on: str, hosts: dict[str, Any], **more: Any) -> Any:
    """Template a text as the role would on a host; in: what is known of all hosts, variables of the operator."""
    loader = DataLoader()
    variables: dict[str, Any] = {
        **loader.load_from_file(str(ROLE / "defaults" / "main.yml"), trusted_as_template=True),
        **loader.load_from_file(str(ROLE / "vars" / "main.yml"), trusted_as_template=True),
        "groups": GROUPS,
        "hostvars": {name: {"xmpp_domain": "example.org", **known} for name, known in hosts.items()},
        "xmpp_domain": "example.org",
        "inventory_dir": "/inventory",
        "inventory_hostname": on,
        "group_names": [group for group, members in GROUPS.items() if on in members],
        "ansible_facts": hosts[on].get("ansible_facts", {}),
        "role_path": str(ROLE),
        **more,
    }
    return Templar(loader=loader, variables=variables).template(trust_as_template(text))


def scraped(hosts: dict[str, Any], **more: Any) -> dict[str, dict[str, Any]]:
    """Out: job → its configuration, on the watching host."""
    text = (ROLE / "templates" / "scrape.yml.j2").read_text(encoding="utf-8")
    configured = yaml.safe_load(template(text, "watch", hosts, **more))["scrape_configs"]
    return {one["job_name"]: one for one in configured}


def targets(job: dict[str, Any]) -> dict[str, str]:
    """Out: host → target."""
    return {one["labels"]["instance"]: one["targets"][0] for one in job["static_configs"]}


@pytest.mark.parametrize(
    ("hosts", "chat", "db"),
    [
        (BOTH, "192.0.2.1", "192.0.2.2"),
        (WATCHED_BY_IPV6, "[2001:db8::1]", "[2001:db8::2]"),
        ({**BOTH, "db": {"ansible_facts": facts("", "2001:db8::2")}}, "192.0.2.1", "[2001:db8::2]"),
        ({**WATCHED_BY_IPV6, "db": {"ansible_facts": facts("192.0.2.2")}}, "[2001:db8::1]", "192.0.2.2"),
        ({**BOTH, "db": {**BOTH["db"], "monitoring_address": "198.51.100.2"}}, "192.0.2.1", "198.51.100.2"),
        ({**BOTH, "db": {"ansible_host": "db.example.org"}}, "192.0.2.1", "db.example.org"),
        ({**BOTH, "db": {}}, "192.0.2.1", "db"),
    ],
)
def test_where_hosts_are_reached(hosts: dict[str, Any], chat: str, db: str) -> None:
    jobs = scraped(hosts)
    assert targets(jobs["node"]) == {"chat": f"{chat}:9100", "db": f"{db}:9100", "watch": "127.0.0.1:9100"}
    assert targets(jobs["postgresql"]) == {"db": f"{db}:9187"}
    assert targets(jobs["prosody_chat"]) == {"chat": f"{chat}:5281"}


@pytest.mark.parametrize(
    ("hosts", "given", "allowed", "listens"),
    [
        (BOTH, {}, ["192.0.2.9", "2001:db8::9"], "192.0.2.2"),
        (WATCHED_BY_IPV6, {}, ["2001:db8::9"], "2001:db8::2"),
        (BOTH, {"monitoring_server_addresses": ["2001:db8::77"]}, ["2001:db8::77"], "2001:db8::2"),
        (BOTH, {"groups": {"postgresql": ["db"]}}, [], "127.0.0.1"),
        ({**BOTH, "watch": {}}, {}, ["unknown"], "2001:db8::2"),
        (
            {**BOTH, "watch": {**BOTH["watch"], "monitoring_address": "198.51.100.9"}},
            {},
            ["198.51.100.9", "192.0.2.9", "2001:db8::9"],
            "192.0.2.2",
        ),
    ],
)
def test_who_may_fetch_and_where_exporters_listen(
    hosts: dict[str, Any], given: dict[str, Any], allowed: list[str], listens: str
) -> None:
    assert template("{{ monitoring_server_addresses }}", "db", hosts, **given) == allowed
    assert template("{{ monitoring_listen_address }}", "db", hosts, **given) == listens
    bracketed = f"[{listens}]" if ":" in listens else listens
    assert template("{{ monitoring_health_listen }}", "db", hosts, **given) == f"{bracketed}:9102"


def test_hosts_are_written_in_the_order_of_the_inventory() -> None:
    names = [f"watch{number}" for number in range(9)]
    hosts = {**BOTH, **{name: {"ansible_facts": facts(f"192.0.2.{10 + n}")} for n, name in enumerate(names)}}
    given = {"groups": {**GROUPS, "monitoring": names}}
    assert template("{{ monitoring_server_addresses }}", "db", hosts, **given) == [
        f"192.0.2.{10 + number}" for number in range(9)
    ]


def test_the_certificate_of_prosody_is_verified_for_its_domain() -> None:
    own = {"monitoring_ca_file": "/inventory/ca.pem"}
    assert scraped(BOTH, **own)["prosody_chat"]["tls_config"] == {
        "server_name": "example.org",
        "ca_file": "/etc/xmpp/monitoring/ca.pem",
    }
    hosts = {**BOTH, "chat": {**BOTH["chat"], "prosody_domain": "müller.example", "prosody_https_ports": [443]}}
    job = scraped(hosts, monitoring_ca_file="")["prosody_chat"]
    assert job["tls_config"] == {"server_name": "xn--mller-kva.example"}
    assert targets(job) == {"chat": "192.0.2.1:443"}


BY_XMPP = {"monitoring_xmpp_jid": "alerts@other.example", "monitoring_xmpp_to": ["me@other.example"]}


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"monitoring_server_addresses": ["watch.example.org"]}, "watch.example.org is no address"),
        ({"monitoring_server_addresses": ["unknown"]}, "is not known"),
        ({"monitoring_server_addresses": ["192.0.2.9"], "monitoring_listen_address": "127.0.0.1"}, "cannot reach"),
        ({"monitoring_server_addresses": ["192.0.2.0/24", "2001:db8::/32"]}, None),
        ({"monitoring_health_addresses": ["192.0.2.80"], "groups": {"prosody": ["chat"]}}, "from nowhere else"),
        ({"monitoring_health_addresses": ["192.0.2.80"]}, None),
        # what one program would read otherwise than another
        ({"monitoring_email_password": "blank "}, "begins or ends with white space"),
        ({"monitoring_email_password": "in between"}, None),
        ({"monitoring_xmpp_password": " blank", **BY_XMPP}, "begins or ends with white space"),
        ({"monitoring_xmpp_password": "two\nlines", **BY_XMPP}, "more than one line"),
        ({"monitoring_xmpp_password": "in between", **BY_XMPP}, None),
        (
            {"monitoring_email_to": ["a@b.example"], "monitoring_email_server": "mail.example.net"},
            "no host with a port",
        ),
        ({"monitoring_email_to": ["a@b.example"], "monitoring_email_server": "[2001:db8::25]:465"}, None),
    ],
)
def test_what_cannot_work_is_refused(given: dict[str, Any], why: str | None) -> None:
    checks = template("{{ __monitoring_checks }}", "chat", BOTH, **{"monitoring_ca_file": "", **given})
    problems = [one["problem"] for one in checks if not one["that"]]
    assert [why in problem for problem in problems] == ([True] if why else []), problems


@pytest.mark.parametrize(
    ("server", "starttls"),
    [
        ("mail.example.net:587", True),
        ("mail.example.net:25", True),
        # TLS from the first byte, in which no server offers STARTTLS
        ("mail.example.net:465", False),
        ("localhost:25", False),
        ("[::1]:25", False),
    ],
)
def test_mail_goes_by_the_tls_that_there_is(server: str, starttls: bool) -> None:
    text = (ROLE / "templates" / "alertmanager.yml.j2").read_text(encoding="utf-8")
    given = {"monitoring_email_to": ["you@example.net"], "monitoring_email_server": server}
    assert yaml.safe_load(template(text, "watch", BOTH, **given))["global"]["smtp_require_tls"] is starttls


@pytest.mark.parametrize(
    ("facts_of_host", "given", "hello"),
    [
        ({"fqdn": "watch.example.net"}, {}, "watch.example.net"),
        ({"fqdn": "watch"}, {}, "example.org"),
        ({"fqdn": "localhost.localdomain"}, {}, "example.org"),
        ({}, {}, "example.org"),
        ({"fqdn": "watch"}, {"monitoring_email_hello": "mail.example.net"}, "mail.example.net"),
    ],
)
def test_the_mail_server_is_greeted_with_a_name(facts_of_host, given, hello) -> None:
    text = (ROLE / "templates" / "alertmanager.yml.j2").read_text(encoding="utf-8")
    hosts = {**BOTH, "watch": {"ansible_facts": {**BOTH["watch"]["ansible_facts"], **facts_of_host}}}
    given = {"monitoring_email_to": ["you@example.net"], **given}
    assert yaml.safe_load(template(text, "watch", hosts, **given))["global"]["smtp_hello"] == hello


@pytest.mark.parametrize(
    ("prosody", "more", "there"),
    [(["chat", "db"], {}, True), (["chat"], {}, False), (["chat"], {"xmpp_haproxy": True}, True)],
)
def test_the_haproxy_of_several_servers_is_fetched_from(prosody: list[str], more: dict[str, Any], there: bool) -> None:
    groups = {**GROUPS, "prosody": prosody, "proxy": ["db"]}
    hosts = {name: {**known, **more} for name, known in BOTH.items()}
    jobs = scraped(hosts, groups=groups, **more)
    assert "nginx" in jobs
    assert [targets(jobs[name]) for name in jobs if name == "haproxy"] == ([{"db": "192.0.2.2:8405"}] if there else [])


def test_the_certificate_of_the_database_is_looked_at_by_who_stores_there() -> None:
    """A firewall lets nobody else come so far."""
    text = "{{ __monitoring_probe_databases }}"
    found = template(text, "chat", BOTH, prosody_database_host="db.example.org")
    assert found == [{"domain": "example.org", "host": "db.example.org", "port": 5432}]
    assert template(text, "watch", BOTH, prosody_database_host="db.example.org") == []
    assert template(text, "chat", BOTH, prosody_database_host="/run/postgresql") == []
