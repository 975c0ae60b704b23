# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""plugin_utils/preflight/conditions.py: each message, word for word, and each thing that must pass without one."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.preflight import conditions


@pytest.mark.parametrize(
    "values",
    [
        None,
        "",
        [],
        [""],
        [None],
        "example.org",
        ["example.org", "chat.example.org"],
        "xn--bcher-kva.example",
        "bücher.example",
        "localhost",
        f"{'a' * 63}.example",
    ],
)
def test_domains_that_pass(values):
    assert conditions.invalid_domains("x", values) == []


LABEL = "a label of it is not 1 to 63 letters, digits or inner hyphens"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("https://example.org", ": it has an account or a resource in it; is example.org meant?"),
        ("https://hidden/x", ": it has an account or a resource in it"),
        ("op.test:5222", f": {LABEL}; is op.test meant?"),
        ("*.op.test", f": {LABEL}; is op.test meant?"),
        (" op.test ", f": {LABEL}; is op.test meant?"),
        ("op.test, two.test", ": it is more than one"),
        ("op.123", " (op.123): it ends like an address, and XMPP needs a name"),
        ("juliet@example.org", ": it has an account or a resource in it"),
        ("a..b", ": it has an empty label"),
        ("-a.example", f" (-a.example): {LABEL}"),
        ("192.0.2.1", " (192.0.2.1): it is an address, and XMPP needs a name"),
        (7, ": it is no text"),
        ("op_x.test", f" (op_x.test): {LABEL}"),
        # one form everywhere, and the right one is told
        ("OP.TEST", " (OP.TEST): it has another form, write op.test"),
        ("XN--BCHER-KVA.test", " (XN--BCHER-KVA.test): it has another form, write bücher.test"),
        ("op.test.", " (op.test.): it has another form, write op.test"),
        ("BÜCHER.example", ": it has another form, write it in lower case, with no dot at its end"),
        (
            ".".join(["a" * 60] * 5),
            f" ({'.'.join(['a' * 60] * 5)}): it is longer than the 253 characters of a DNS name",
        ),
    ],
)
def test_domains_that_do_not(value, told):
    told = told.replace(":", " is not a domain:", 1)
    assert conditions.invalid_domains("xmpp_domain", value) == [f"xmpp_domain{told}. Write it as in example.org."]


def test_domains_of_a_list_are_told_by_their_place():
    assert conditions.invalid_domains("hosts", ["example.org", "", "a..b"])[0].startswith("hosts[2] is not a domain: ")


@pytest.mark.parametrize("text", ["exa mple.org", "a" * 64 + ".example", "", "@", "é" * 70])
def test_other_texts_are_no_domains(text):
    assert conditions.domain_reason(text)


def test_names_in_certificates_may_have_a_wildcard():
    assert (
        conditions.invalid_certificate_names(
            "names", ["*.example.org", "example.org", None, "192.0.2.1", "2001:db8::1"]
        )
        == []
    )
    found = conditions.invalid_certificate_names("names", ["x.*.example.org", 5])
    assert [line.partition(":")[0] for line in found] == ["names[0] is not a domain", "names[1] is not a domain"]


@pytest.mark.parametrize("values", [None, [], ["juliet@example.org"], ["Juliet@Example.org", "émile@bücher.example"]])
def test_jids_that_pass(values):
    assert conditions.invalid_jids("x", values) == []


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("example.org", "it has no account part before an @"),
        ("juliet@example.org/balcony", "it has a resource"),
        ("juliet@-example.org", LABEL),
        ("juliet smith@example.org", "its local part is not allowed: it holds a space"),
        (5, "it is no text"),
    ],
)
def test_jids_that_do_not(value, reason):
    assert conditions.invalid_jids("xmpp_admins", [value]) == [
        f"xmpp_admins[0] is not the JID of an account: {reason}. Write it as in juliet@example.org."
    ]


@pytest.mark.parametrize("secret", ["hunter2", "hun ter", "h@nt@r", "@hunter", "hunter@", 9876543210, "hunter@-2"])
def test_what_is_no_jid_may_be_a_password_and_is_not_shown(secret):
    lines = conditions.invalid_jids("prosody_accounts[0].jid", secret)
    assert len(lines) == 1
    assert not any(part in lines[0] for part in ("hun", "h@n", "9876543210", "-2"))


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
            ["This host is Ubuntu 24.04, which is not supported: use Debian 12 or Debian 13."],
        ),
        (
            {"distribution": "Debian", "distribution_major_version": "11"},
            [*DEBIAN, {"distribution": "Devuan"}],
            ["This host is Debian 11, which is not supported: use Debian 12 or Debian 13 or Devuan."],
        ),
        (
            {},
            DEBIAN,
            ["This host is of an unknown kind, which is not supported: use Debian 12 or Debian 13."],
        ),
    ],
)
def test_platforms(facts, platforms, problems):
    assert conditions.unsupported_platform(facts, platforms) == problems


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
    assert conditions.taken_ports([wanted], found, ["turnserver"]) == problems


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
    assert conditions.taken_ports([{"port": 5349}], [listener(**changes)], [owner]) == []


@pytest.mark.parametrize("owner", ["ngin", "nginx.servic", "service", "a-very-long-pro-x"])
def test_names_that_are_only_alike_do_not_make_it_ours(owner):
    assert len(conditions.taken_ports([{"port": 5349}], [listener()], [owner])) == 1


@pytest.mark.parametrize(
    ("reply", "line"),
    [
        (
            {"rc": 127, "msg": "The module interpreter '/usr/bin/python3' was not found."},
            "There is no Python on the host: install it there with apt-get install python3.",
        ),
        (
            {"rc": 127, "module_stdout": "/bin/sh: 1: /usr/bin/python3: not found\r\n", "msg": "MODULE FAILURE"},
            "There is no Python on the host: install it there with apt-get install python3.",
        ),
        (
            {"rc": 1, "module_stderr": "OSError: [Errno 28] No space left on device", "msg": "MODULE FAILURE"},
            "There is no room left for temporary files: see df -h /tmp /var/tmp on the host, and make some.",
        ),
        (
            {"msg": "Missing sudo password"},
            "sudo wants a password on the host: give the right one with -K (--ask-become-pass).",
        ),
        ({"msg": "it is broken\nTraceback"}, "setup failed on the host: it is broken"),
        ({}, "setup failed on the host: no reason given"),
    ],
)
def test_why_a_module_did_not_run(reply, line):
    assert conditions.failed_on_host(reply, "ansible.builtin.setup") == [line]


@pytest.mark.parametrize(
    ("said", "line"),
    [
        (
            "Failed to connect to the host via ssh: ssh: connect to host 192.0.2.1 port 22: Connection timed out",
            "The host cannot be reached (Failed to connect to the host via ssh: ssh: connect to host 192.0.2.1 "
            "port 22: Connection timed out): see ansible_host, ansible_port, and whether it runs.",
        ),
        (
            "Warning: something\nalice@192.0.2.1: Permission denied (publickey).",
            "The host lets nobody in (alice@192.0.2.1: Permission denied (publickey)): "
            "see ansible_user and its key; ssh with both must work.",
        ),
        (
            "Host key verification failed.",
            "The key of the host is not known, or is another one: enter it once with ssh, and compare the key.",
        ),
    ],
)
def test_why_a_host_lets_nobody_in(said, line):
    assert conditions.out_of_reach(said) == [line]


def test_who_is_not_root_is_told():
    assert conditions.not_root({"ansible_effective_user_id": 0, "ansible_user_id": "alice"}) == []
    assert conditions.not_root({"ansible_effective_user_id": 1000, "ansible_user_id": "alice"}) == [
        "Ansible comes to the host as alice, who is not root: set ansible_become: true (and -K where sudo asks)."
    ]


def test_the_sample_of_a_secret_is_no_secret():
    sample = conditions.SAMPLE_SECRET
    text = (Path(__file__).resolve().parents[3] / "inventories/single/group_vars/all/vault.yml").read_text()
    assert text.count(sample) == 2
    variables = {
        "vault_admin_password": sample,
        "prosody_accounts": [{"jid": "a@op.test", "password": f"{sample} "}],
        "own": "change-me-too",
        "number": 5,
    }
    assert [line.split()[0] for line in conditions.sample_secrets(variables)] == [
        "prosody_accounts[0].password",
        "vault_admin_password",
    ]


@pytest.mark.parametrize(
    ("value", "below"),
    [("op_x.test", True), ("turn.op_x.test", True), ("a@op_x.test", True), ("a@b_op_x.test", False), (5, False)],
)
def test_what_is_made_of_a_domain(value, below):
    assert conditions.is_below(value, ["op_x.test"]) is below
