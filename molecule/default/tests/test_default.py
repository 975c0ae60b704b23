# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold on the one host of the scenario, seen from the host and from real clients."""

from __future__ import annotations

import base64
import os
import re
import shlex
import stat
from pathlib import Path

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.federation import STRANGER
from ansible_collections.allthingslinux.xmpp.tests.scenario.exposure import exposure
from ansible_collections.allthingslinux.xmpp.tests.scenario.playbook import ROOT, playbook
from ansible_collections.allthingslinux.xmpp.tests.unit.test_role_templates import render

SECRETS = Path(os.environ["MOLECULE_INVENTORY_FILE"]).parent / ".secrets"


def outside(host, port):
    """Out: the sockets that listen on the port on more than loopback."""
    sockets = host.socket.get_listening_sockets()
    return [s for s in sockets if s.endswith(f":{port}") and "127.0.0.1" not in s and "::1" not in s]


def warnings_of_prosody(host):
    """Out: what Prosody said since it started at the priority of a warning or above. The text has no level.

    Without what it says of the check's own server without a certificate, which it rightly turns away.
    """
    # by its process, as the one before may have said its last word in the same second
    process = host.check_output("systemctl show -P MainPID prosody")
    command = "journalctl --quiet --no-pager --output cat --unit prosody --priority warning _PID=%s"
    said = [" ".join(line.split()) for line in host.check_output(command, process).splitlines()]
    return [line for line in said if STRANGER not in line]


@pytest.mark.parametrize("name", ["prosody", "coturn", "postgresql@17-main"])
def test_services_run_and_come_back_after_a_boot(host, name):
    assert host.service(name).is_running
    assert host.service(name.split("@")[0]).is_enabled


@pytest.mark.parametrize("name", ["prosody", "coturn", "postgresql@17-main"])
def test_services_give_up_what_they_do_not_need(host, name):
    """From 0 (nothing left) to 10, as systemd reckons it. As packaged they have more than 9."""
    assert exposure(host.check_output, name) < 2.0


def test_services_cannot_write_where_they_have_no_business(host):
    lua = "> local f, why = io.open([[%s]], [[w]]) return not f, why"
    for path, refused in (("/etc/prosody/x", True), ("/usr/local/x", True), ("/var/tmp/x", False)):
        said = host.run("prosodyctl shell %s", lua % path).stdout
        assert ("Read-only file system" in said or "Permission denied" in said) is refused, (path, said)
    # the same directory for PostgreSQL, whose user may write there: it is the unit that refuses
    host.check_output("install -d -o postgres /usr/local/fault")
    copy = "cd / && runuser -u postgres -- psql -qAtX -c \"COPY (SELECT 1) TO '%s'\""
    try:
        said = host.run(copy % "/usr/local/fault/x")
        assert said.rc != 0
        assert "Read-only file system" in said.stderr
    finally:
        host.check_output("rm -r /usr/local/fault")


@pytest.mark.parametrize("port", [5222, 5223, 5269, 5270, 5281, 5000, 3478, 5349])
def test_public_ports_listen(host, port):
    assert any(re.search(rf"[:.]{port}$", socket) for socket in host.socket.get_listening_sockets()), port


@pytest.mark.parametrize("port", [5280, 5347, 5582])
def test_inner_ports_are_closed_to_others(host, port):
    assert outside(host, port) == []


def test_postgresql_serves_only_the_socket_when_all_is_on_one_host(host):
    assert outside(host, 5432) == []


def test_the_log_of_prosody_has_no_warning_since_its_start(host):
    assert warnings_of_prosody(host) == []
    # and one would be seen
    said = "require[[prosody.util.logger]].init([[scenario]])([[warn]], [[a warning that is planted]])"
    host.check_output("prosodyctl shell %s", f"> {said} return true")
    assert warnings_of_prosody(host) == ["scenario: a warning that is planted"]


def test_the_running_configuration_is_what_prosodyctl_accepts(host):
    done = host.run("prosodyctl check config")
    assert done.rc == 0, done.stdout
    assert "All checks passed" in done.stdout


@pytest.mark.parametrize("path", ["/etc/prosody/secrets", "/etc/prosody/certs", "/etc/xmpp/certificates"])
def test_what_holds_secrets_is_closed_to_others(host, path):
    assert host.file(path).is_directory
    # what everybody may read shows that somebody looked
    readable = host.run(f"su -s /bin/sh nobody -c 'find {path} /etc/passwd -readable -print'").stdout
    assert readable.split() == ["/etc/passwd"]


def test_no_secret_is_readable_or_in_a_log(host):
    """Every generated secret is looked for in what any user of the host can read, and in the journal."""
    # the record of what runs where is no secret, and has lines that are in every file
    secrets = [path for path in SECRETS.iterdir() if path.is_file() and path.name != "deployed.json"]
    secrets += [path for path in (SECRETS / "invitations").rglob("*") if path.is_file()]
    assert secrets
    # a line that is there for sure shows that it has looked
    looked_for = "\n".join(["nobody:x:", *(path.read_text(encoding="utf-8").strip() for path in secrets)])
    patterns = f"echo {base64.b64encode(looked_for.encode()).decode()} | base64 -d"
    search = "grep -rlsF -f - /etc /run /var/log /var/lib"
    found = host.run(f"{patterns} | su -s /bin/sh nobody -c '{search}' 2>/dev/null").stdout
    assert set(found.split()) - {"/etc/passwd-"} == {"/etc/passwd"}
    host.check_output("logger 'planted: nobody:x:' && journalctl --sync")
    logged = host.check_output(f"{patterns} > /run/patterns && journalctl --no-pager | grep -F -f /run/patterns")
    host.check_output("rm /run/patterns")
    assert [line for line in logged.splitlines() if "planted: nobody:x:" not in line] == []
    assert "planted: nobody:x:" in logged


def test_the_community_module_is_loaded_and_was_asked_for_as_a_set(host):
    assert "log_auth" in host.check_output("prosodyctl shell module list chat.localhost")


def test_a_check_of_the_deployed_service_changes_nothing():
    playbook("site", "--check", "--diff").assert_unchanged()


def test_real_clients_are_served():
    run = playbook("check").assert_ok()
    assert "archive" in run.output
    assert "relay" in run.output


def test_an_unknown_variable_is_refused_before_the_first_change():
    run = playbook("site", "-e", '{"prosody_domian": "x.example"}')
    assert run.code != 0
    assert "prosody_domian" in run.output
    assert "prosody_domain" in run.output
    assert not any(run.changed.values())


def test_a_stopped_service_is_named_by_the_check(host):
    """The check itself can fail: with coturn stopped it says so, and says what to look at."""
    host.check_output("systemctl stop coturn")
    try:
        run = playbook("check")
    finally:
        host.check_output("systemctl start coturn")
    assert run.code != 0
    assert "coturn" in run.output


@pytest.fixture
def six(host):
    """Start a second TURN server of the installed coturn that has IPv6 alone; out: a function that asks it for a relay.

    Configured by the role's template, and asked by the probe of monitoring from the host itself.
    """
    place = "/root/six"
    library = f"{place}/ansible_collections/allthingslinux/xmpp/plugins/module_utils"
    ask = (
        "import base64, hmac, time; "
        "from ansible_collections.allthingslinux.xmpp.plugins.module_utils.monitor import turn; "
        "user = f'{int(time.time()) + 600}:me'; "
        "password = base64.b64encode(hmac.digest(b'of-the-scenario-alone', user.encode(), 'sha1')).decode(); "
        "turn.allocate('::1', 3490, user, password)"
    )
    host.check_output(f"mkdir -p {library}/monitor")
    for name in ("errors.py", "monitor/turn.py"):
        text = base64.b64encode((ROOT / "plugins/module_utils" / name).read_bytes()).decode()
        host.check_output(f"echo {text} | base64 -d >{library}/{name}")

    def start(without=""):
        config = render(
            "coturn", "turnserver.conf.j2", coturn_listen_addresses=["::1"], coturn_port=3490, coturn_tls_port=0
        )
        lines = [line for line in config.splitlines() if not (without and line.startswith(without))]
        lines = [line for line in lines if not line.startswith(("userdb", "#"))]
        text = base64.b64encode("\n".join([*lines, "static-auth-secret=of-the-scenario-alone"]).encode()).decode()
        host.check_output(f"systemctl stop turn-six 2>&1 || true; echo {text} | base64 -d >{place}/turnserver.conf")
        command = f"turnserver -c {place}/turnserver.conf --pidfile= --userdb={place}/db"
        host.check_output(f"systemd-run --unit=turn-six --collect {command}")
        host.check_output("timeout 10 sh -c 'until ss -Hlnu src [::1]:3490 | grep -q .; do sleep 0.1; done'")
        return host.run(f"PYTHONPATH={place} python3 -c {shlex.quote(ask)} 2>&1")

    yield start
    host.check_output(f"systemctl stop turn-six; rm -r {place}")


def test_turn_without_ipv4_has_relays_for_those_who_name_no_family(six):
    asked = six()
    assert asked.rc == 0, asked.stdout
    refused = six(without="allocation-default-address-family")
    assert "error 440 Unsupported address family: it relays no IPv4" in refused.stdout


def test_a_declared_invitation_waits_until_its_line_is_deleted(host):
    """Its link follows the port that the page is at; and one that is declared again is another."""
    kept = SECRETS / "invitations" / "chat.localhost" / "help-desk"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    link = kept.read_text(encoding="utf-8").strip()
    token = re.split(r"[?/=;]", link)[-1]
    assert len(token) >= 16, "what is kept has no token in it"
    assert token in host.check_output("prosodyctl shell invite list chat.localhost")
    other_port = ("-e", '{"prosody_https_ports": [5283]}')
    playbook("site", "--tags", "prosody", *other_port).assert_ok()
    assert kept.read_text(encoding="utf-8").strip() == link.replace(":5281/", ":5283/") != link
    run = playbook("site", "--tags", "prosody", *other_port, "-e", '{"prosody_invitations": []}').assert_ok()
    assert token not in run.output
    assert run.changed["xmpp-default"] == 2
    assert not kept.exists()
    assert token not in host.check_output("prosodyctl shell invite list chat.localhost")
    playbook("site", "--tags", "prosody").assert_ok()
    assert kept.read_text(encoding="utf-8").strip() != link
