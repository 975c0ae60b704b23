# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What bin/deploy says at its end is what was deployed."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.allthingslinux.xmpp.plugins.filter import xmpp as filters
from ansible_collections.allthingslinux.xmpp.plugins.lookup import reached_at

DEPLOYED: dict[str, Any] = {
    "hosts": [{"name": "op.test"}, {"name": "second.test"}],
    "accounts": [
        {"jid": "alice@op.test"},
        {"jid": "bob@op.test", "state": "absent"},
        {"jid": "carol@op.test", "state": "disabled"},
        {"jid": "dave@second.test", "state": "present", "password": "hunter2-hunter2"},
    ],
    "c2s_ports": [5322],
    "c2s_direct_tls_ports": [5323],
    "turn_host": "turn.op.test",
    "turn_port": 3578,
    "turn_tls_port": 443,
}
ABOUT = {"address": "203.0.113.10", "turn_address": "203.0.113.11", "secrets": "/inv/.secrets"}


def lines(settings: dict[str, Any], **about: Any) -> dict[str, str]:
    text = filters.xmpp_summary(settings, **{**ABOUT, **about})
    return {line[:16].strip(): line[16:] for line in text.splitlines()}


def test_ports_and_accounts_are_those_that_there_are():
    assert lines(DEPLOYED) == {
        "XMPP domain": "op.test, second.test",
        "Connect at": "203.0.113.10, port 5322 (STARTTLS) or 5323 (direct TLS)",
        "Calls": "TURN at 203.0.113.11, port 3578, with TLS 443",
        "Accounts": "alice@op.test, dave@second.test",
        "Passwords": "/inv/.secrets/ (one file for each that you did not give, for you only)",
        "Server log": "journalctl -u prosody",
    }


@pytest.mark.parametrize(
    ("change", "line", "text"),
    [
        ({"turn_host": ""}, "Calls", None),
        ({"turn_tls_port": 0}, "Calls", "TURN at 203.0.113.11, port 3578"),
        ({"c2s_ports": []}, "Connect at", "203.0.113.10, port 5323 (direct TLS)"),
        ({"c2s_ports": [], "c2s_direct_tls_ports": []}, "Connect at", "203.0.113.10, by HTTPS alone"),
        ({"accounts": []}, "Accounts", "none declared"),
    ],
)
def test_what_there_is_not_is_not_told(change, line, text):
    assert lines({**DEPLOYED, **change}).get(line) == text


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("/mnt/vault", "in /mnt/vault; print /inv/.secrets/backup-escrow.txt"),
        (
            "/var/backups/xmpp",
            "in /var/backups/xmpp, which is gone when the host is: docs/backup.md; print "
            "/inv/.secrets/backup-escrow.txt",
        ),
        ("", None),
    ],
)
def test_where_backups_go_is_told(place, told):
    assert lines(DEPLOYED, backups=place).get("Backups") == told


def test_the_log_of_a_container_is_that_of_the_engine():
    told = lines(DEPLOYED, shell="docker exec box-companion", container="box-prosody")
    assert told["Server log"] == "docker logs --tail 50 box-prosody"
    told = lines(DEPLOYED, shell="", container="box-prosody", engine="--host=ssh://root@chat")
    assert told["Server log"] == "docker --host=ssh://root@chat logs --tail 50 box-prosody"


def test_ways_in_are_told():
    told = lines(DEPLOYED, shell="ssh -p 2222 me@box sudo", authority="/inv/.secrets/ca/ca.pem", tunnel="ssh -L x")
    assert told["Server log"] == "ssh -p 2222 me@box sudo journalctl -u prosody"
    assert told["Trust"] == "clients must trust /inv/.secrets/ca/ca.pem"
    assert told["Pictures"].startswith("ssh -L x, then http://127.0.0.1:9090/")


def test_who_is_declared_no_more_is_told():
    told = lines(DEPLOYED, undeclared=["eve@op.test"])
    advice = "declared before, and no more; state: absent removes them and the files of their passwords"
    assert told["Also sign in"] == f"eve@op.test: {advice}"
    assert " and 2 more: " in lines(DEPLOYED, undeclared=[f"e{number}@op.test" for number in range(12)])["Also sign in"]


def test_invitations_are_told_by_where_their_links_are():
    assert "Invitations" not in lines(DEPLOYED)
    declared = [
        {"name": "helpdesk", "state": "pending", "expires": "2026-11-28T12:00:00Z"},
        {"name": "juliet", "state": "used", "expires": "2026-11-25T12:00:00Z"},
    ]
    told = lines(DEPLOYED, invitations=declared, links="/i/invitations")["Invitations"]
    assert told == "helpdesk until 2026-11-28T12:00:00Z: the links are in /i/invitations/ for you only; juliet: used"
    assert lines(DEPLOYED, invitations=declared[1:])["Invitations"] == "juliet: used"


def test_settings_that_cannot_be_are_an_error_that_ansible_shows():
    with pytest.raises(AnsibleFilterError, match="prosody_hosts"):
        filters.xmpp_summary({"hosts": 5}, **ABOUT)


def test_commands_for_a_host():
    host = {"ansible_host": "box", "ansible_user": "me", "ansible_become": True}
    assert filters.xmpp_shell_command(host, "xmpp1") == "ssh me@box sudo"
    assert filters.xmpp_tunnel_command(host, "xmpp1", 9090) == "ssh -L 9090:127.0.0.1:9090 me@box"
    assert filters.xmpp_tunnel_command({"ansible_connection": "docker"}, "xmpp1", 9090) == ""
    assert filters.xmpp_addresses([{"ansible_facts": {"default_ipv6": {"address": "2001:db8::1"}}}]) == ["2001:db8::1"]
    for name in ["xmpp_addresses", "xmpp_seen_at", "xmpp_shell_command", "xmpp_summary", "xmpp_tunnel_command"]:
        assert name in filters.FilterModule().filters()


def test_ssh_is_asked_where_a_host_is(tmp_path):
    (tmp_path / "config").write_text("Host box\n  HostName 192.0.2.77\n")
    hosts = {"xmpp1": {"ansible_host": "box", "ansible_ssh_common_args": f"-F {tmp_path}/config"}}
    assert reached_at.LookupModule().run(["xmpp1"], {"hostvars": hosts}) == ["192.0.2.77"]


def test_without_ssh_a_name_that_resolves_stays_and_another_one_is_looked_up_on_the_host(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    hosts = {"localhost": {}, "box.invalid": {"ansible_facts": {"default_ipv4": {"address": "192.0.2.8"}}}}
    assert reached_at.LookupModule().run(list(hosts), {"hostvars": hosts}) == ["localhost", "192.0.2.8"]


def test_where_browsers_find_the_service():
    proxied = {**DEPLOYED, "domain": "op.test", "proxied": True, "proxied_https_port": 8443}
    assert "In a browser" not in lines(proxied)
    assert "In a browser" not in lines(DEPLOYED, web_client=True)
    assert "Its state" not in lines(DEPLOYED, status_page=True)
    assert "Its state" not in lines(proxied)
    told = lines(proxied, status_page=True)["Its state"]
    assert told.startswith("https://op.test:8443/status for the user operator")
    assert "/status_password" in told
    assert lines(proxied, web_client=True)["In a browser"] == "https://op.test:8443/, https://second.test:8443/"
