# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""plugin_utils/preflight.py: each message, word for word, and each thing that must pass without one."""

from __future__ import annotations

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils import preflight

KNOWN = {"coturn_realm", "coturn_port", "coturn_relay_port_min"}


def test_options_are_those_of_all_entry_points():
    spec = {
        "argument_specs": {
            "main": {"options": {"a_x": {}, "a_y": {}}},
            "install": {"options": {"a_z": {}}},
            "configure": {"short_description": "no options"},
            "empty": None,
        }
    }
    assert preflight.options_of(spec) == {"a_x", "a_y", "a_z"}


@pytest.mark.parametrize("spec", [None, {}, {"argument_specs": None}])
def test_a_spec_without_options_has_none(spec):
    assert preflight.options_of(spec) == frozenset()


@pytest.mark.parametrize(
    ("given", "origins", "problems"),
    [
        (["coturn_realm", "coturn_port"], {}, []),
        (["prosody_relam", "coturn", "xcoturn_relam", "__coturn_relam"], {}, []),
        (["coturn_relam"], {}, ["Role coturn has no variable coturn_relam: did you mean coturn_realm?"]),
        (
            ["coturn_relam"],
            {"coturn_relam": "hosts.yml:7"},
            ["Role coturn has no variable coturn_relam (set in hosts.yml:7): did you mean coturn_realm?"],
        ),
        (["coturn_qqqqqqqq"], {}, ["Role coturn has no variable coturn_qqqqqqqq: remove it."]),
        (
            ["coturn_prot", "coturn_relay_port_mni"],
            {},
            [
                "Role coturn has no variable coturn_prot: did you mean coturn_port?",
                "Role coturn has no variable coturn_relay_port_mni: did you mean coturn_relay_port_min?",
            ],
        ),
    ],
)
def test_unknown_variables(given, origins, problems):
    assert preflight.unknown_variables(given, KNOWN, "coturn", origins) == problems


def test_renamed_variables():
    renamed = {"coturn_ports": "coturn_port", "coturn_old": "coturn_new"}
    assert preflight.renamed_variables(["coturn_realm", "coturn_ports"], renamed) == [
        "coturn_ports is called coturn_port now: rename it where you set it."
    ]


@pytest.mark.parametrize(
    "values",
    [
        None,
        "",
        [],
        [""],
        {"x": None},
        {"x": ""},
        "example.org",
        "EXAMPLE.org",
        ["example.org", "chat.example.org"],
        {"a": "example.org", "b": ["chat.localhost"]},
        "xn--bcher-kva.example",
        "bücher.example",
        "localhost",
        "a_b.example.org",
        f"{'a' * 63}.example",
    ],
)
def test_domains_that_pass(values):
    assert preflight.invalid_domains(values) == []


@pytest.mark.parametrize(
    ("values", "problems"),
    [
        (
            {"xmpp_domain": "https://example.org"},
            [
                "xmpp_domain: 'https://example.org' is not a domain: it has an account or a resource in it. "
                "Example: 'example.org'."
            ],
        ),
        (
            ["juliet@example.org"],
            [
                "'juliet@example.org' is not a domain: it has an account or a resource in it. Example: 'example.org'.",
            ],
        ),
        (["a..b"], ["'a..b' is not a domain: it has an empty label. Example: 'example.org'."]),
        (
            ["-a.example"],
            [
                "'-a.example' is not a domain: the label '-a' is not 1 to 63 letters, digits or inner hyphens. "
                "Example: 'example.org'."
            ],
        ),
        (
            ["192.0.2.1"],
            ["'192.0.2.1' is not a domain: it is an address, and XMPP needs a name. Example: 'example.org'."],
        ),
        ([7], ["7 is not a domain: it is of type int. Example: 'example.org'."]),
        (
            [".".join(["a" * 60] * 5)],
            [
                f"'{'.'.join(['a' * 60] * 5)}' is not a domain: it is longer than the 253 characters of a DNS name. "
                "Example: 'example.org'."
            ],
        ),
    ],
)
def test_domains_that_do_not(values, problems):
    assert preflight.invalid_domains(values) == problems


@pytest.mark.parametrize("text", ["exa mple.org", "a" * 64 + ".example", "", "@", "é" * 70])
def test_other_texts_are_no_domains(text):
    assert preflight.domain_reason(text)


@pytest.mark.parametrize(
    "values", [None, [], ["juliet@example.org"], {"xmpp_admins": ["Juliet@Example.org", "émile@bücher.example"]}]
)
def test_jids_that_pass(values):
    assert preflight.invalid_jids(values) == []


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("example.org", "it has no account part before an @"),
        ("juliet@example.org/balcony", "it has a resource"),
        ("juliet@-example.org", "the label '-example' is not 1 to 63 letters, digits or inner hyphens"),
        ("juliet smith@example.org", "its local part is not allowed: it holds a space"),
        (5, "it is of type int"),
    ],
)
def test_jids_that_do_not(value, reason):
    assert preflight.invalid_jids({"xmpp_admins": [value]}) == [
        f"xmpp_admins: {value!r} is not the JID of an account: {reason}. Example: 'juliet@example.org'."
    ]


TRIXIE = {"distribution": "Debian", "distribution_major_version": "13", "distribution_version": "13.7"}
DEBIAN = [{"distribution": "Debian", "majors": ["12", "13"]}]


@pytest.mark.parametrize(
    ("facts", "platforms", "problems"),
    [
        (TRIXIE, DEBIAN, []),
        (TRIXIE, [], []),
        (TRIXIE, [{"distribution": "Debian"}], []),
        (TRIXIE, [{"distribution": "Debian", "majors": [13]}], []),
        (
            {"distribution": "Ubuntu", "distribution_major_version": "24", "distribution_version": "24.04"},
            DEBIAN,
            ["This host is Ubuntu 24.04, and role coturn supports Debian 12 or Debian 13: use such a host."],
        ),
        (
            {"distribution": "Debian", "distribution_major_version": "11"},
            [*DEBIAN, {"distribution": "Devuan"}],
            ["This host is Debian 11, and role coturn supports Debian 12 or Debian 13 or Devuan: use such a host."],
        ),
        (
            {},
            DEBIAN,
            ["This host is of an unknown kind, and role coturn supports Debian 12 or Debian 13: use such a host."],
        ),
    ],
)
def test_platforms(facts, platforms, problems):
    assert preflight.unsupported_platform(facts, platforms, "coturn") == problems


def listener(**changes):
    """Make what listeners_info returns."""
    return {
        "protocol": "tcp",
        "address": "0.0.0.0",
        "port": 5349,
        "process": "nginx",
        "pid": 312,
        "unit": "nginx.service",
        "user": "root",
        **changes,
    }


@pytest.mark.parametrize(
    ("wanted", "found", "problems"),
    [
        ({"port": 5349}, [], []),
        ({"port": 5349}, [listener(port=5350)], []),
        ({"port": 5349, "protocol": "udp"}, [listener()], []),
        ({"port": 5349, "address": "192.0.2.1"}, [listener(address="127.0.0.1")], []),
        (
            {"port": 5349},
            [listener()],
            ["Port 5349/tcp is taken by nginx (pid 312 of nginx.service) on 0.0.0.0: stop that."],
        ),
        (
            {"port": 5349, "address": "192.0.2.1"},
            [listener()],
            ["Port 5349/tcp is taken by nginx (pid 312 of nginx.service) on 0.0.0.0: stop that."],
        ),
        (
            {"port": 5349, "service": "TURN over TLS", "variable": "coturn_tls_port"},
            [listener(unit=""), listener(unit="", address="::")],
            [
                "Port 5349/tcp, wanted for TURN over TLS, is taken by nginx (pid 312) on 0.0.0.0, ::: stop that, "
                "or choose another port with coturn_tls_port."
            ],
        ),
        (
            {"port": 5349},
            [listener(process="", pid=0, unit="", user="www-data")],
            [
                "Port 5349/tcp is taken by a process of user www-data that cannot be seen from here "
                "on 0.0.0.0: stop that.",
            ],
        ),
    ],
)
def test_ports(wanted, found, problems):
    assert preflight.taken_ports([wanted], found, ["turnserver"]) == problems


@pytest.mark.parametrize(
    ("owner", "changes"),
    [
        ("turnserver", {"process": "turnserver", "unit": ""}),
        ("coturn", {"process": "x", "unit": "coturn.service"}),
        ("coturn.service", {"process": "x", "unit": "coturn.service"}),
        ("postgresql", {"process": "x", "unit": "postgresql@17-main.service"}),
        ("prosody", {"process": "", "pid": 0, "unit": "", "user": "prosody"}),
        ("a-very-long-process-name", {"process": "a-very-long-pro", "unit": ""}),
    ],
)
def test_our_own_processes_may_hold_a_port(owner, changes):
    assert preflight.taken_ports([{"port": 5349}], [listener(**changes)], [owner]) == []


@pytest.mark.parametrize("owner", ["ngin", "nginx.servic", "service", "a-very-long-pro-x"])
def test_names_that_are_only_alike_do_not_make_it_ours(owner):
    assert len(preflight.taken_ports([{"port": 5349}], [listener()], [owner])) == 1


def test_checks_of_the_role():
    checks = [{"that": True, "problem": "one"}, {"that": False, "problem": "two: do this."}]
    assert preflight.failed_checks(checks) == ["two: do this."]
