# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each test plants one fault: the old service goes on answering, nothing is changed, the message names the cause."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
from ansible_collections.allthingslinux.xmpp.tests.scenario.playbook import ROOT
from ansible_collections.allthingslinux.xmpp.tests.scenario.waiting import wait_until
from conftest import CONFIG, SECRETS, Site, run_module

PLAINLY = ROOT / "tests" / "scenario" / "plainly.py"
CERTS = "/etc/prosody/certs"
INCLUDE = "/etc/prosody/conf.d/operator.cfg.lua"
MODULE = "/usr/lib/prosody/modules/mod_fault.lua"


def refused(site: Site, content: str | None = None, **arguments: object) -> str:
    """Apply what must fail; return the message."""
    answer = site.apply(content, **arguments)
    assert answer.failed, answer.actions
    assert not answer.changed
    return answer.message


def test_the_service_is_as_wanted_and_serves(site: Site) -> None:
    answer = site.apply()
    assert not answer.failed, answer.message
    assert not answer.changed, answer.actions
    site.serves()


def test_unknown_option(fault: Site) -> None:
    process = fault.process()
    message = refused(fault, fault.before_hosts("max_conections_per_ip = 10"))
    assert "max_conections_per_ip" in message
    assert fault.process() == process


def test_unknown_module(fault: Site) -> None:
    process = fault.process()
    assert "mod_no_such_thing" in refused(fault, fault.with_module("no_such_thing"))
    assert fault.process() == process


def test_unknown_module_that_the_linter_did_not_see(fault: Site) -> None:
    process = fault.process()
    message = refused(fault, fault.with_module("no_such_thing"), lint=False)
    assert "no_such_thing" in message
    assert "previous configuration is back" in message
    assert fault.process() == process


def test_bad_tls_profile(fault: Site) -> None:
    assert "tls_profile" in refused(fault, fault.with_option("tls_profile", '"unheard-of"'))


def test_bad_tls_profile_that_the_linter_did_not_see(fault: Site) -> None:
    process = fault.process()
    message = refused(fault, fault.with_option("tls_profile", '"unheard-of"'), lint=False)
    assert "tls_profile" in message
    assert "previous configuration is back" in message
    assert fault.process() == process


@pytest.fixture
def certificates(site: Site) -> Iterator[list[str]]:
    """The stems of the certificates Prosody has; whatever happens, they are put back after the test."""
    site.host.check_output(f"rm -rf /root/certs && cp -a {CERTS} /root/certs")
    stems = site.host.check_output(f"find {CERTS} -maxdepth 1 -name '*.crt'").replace(".crt", "").split()
    assert stems
    yield stems
    site.host.check_output(f"cp -a /root/certs/. {CERTS}/ && rm -rf /root/certs")


def test_key_that_does_not_match(certificates: list[str], fault: Site) -> None:
    process = fault.process()
    for stem in certificates:
        fault.host.check_output(f"openssl genrsa -out {stem}.key 2048")
    message = refused(fault)
    assert re.search(r"private key does not match|key is not that of", message)
    assert f"{certificates[0]}.key" in message
    assert fault.process() == process


def test_certificate_without_the_name(certificates: list[str], fault: Site) -> None:
    for stem in certificates:
        fault.host.check_output(
            f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=other.localhost "
            f"-addext subjectAltName=DNS:other.localhost -keyout {stem}.key -out {stem}.crt"
        )
    message = refused(fault)
    assert fault.domain in message
    assert re.search(r"does not cover|no certificate", message)


def test_unreadable_key(certificates: list[str], fault: Site) -> None:
    for stem in certificates:
        fault.host.check_output(f"chown root:root {stem}.key && chmod 0600 {stem}.key")
    message = refused(fault)
    assert f"{certificates[0]}.key: Permission denied" in message


def test_port_taken_by_another_process(fault: Site) -> None:
    process = fault.process()
    fault.host.check_output("systemd-run --unit=port-taker python3 -m http.server 5299")
    try:
        message = refused(fault, fault.with_option("c2s_direct_tls_ports", "{ 5299 }"))
    finally:
        fault.host.check_output("systemctl stop port-taker")
    assert "5299" in message
    assert "port-taker.service" in message
    assert fault.process() == process


@pytest.mark.parametrize(
    ("option", "value", "seen"),
    [
        # Prosody says that it listens on 99999, and listens on what the number is modulo 65536
        ("c2s_ports", "{ 99999 }", "is no port"),
        ("c2s_ports", "{ 5222.5 }", "is no port"),
        ("c2s_ports", '{ "xmpp-client" }', "is no port"),
        ("c2s_ports", "{ 5222, 5269 }", "only one of them can"),
        ("c2s_ports", "{ 5222, 88 }", "does not listen on [*]:88"),
        ("c2s_interfaces", '{ "192.0.2.77" }', "does not listen on [192.0.2.77]:5222"),
    ],
)
def test_port_that_cannot_be_had(fault: Site, option: str, value: str, seen: str) -> None:
    process = fault.process()
    content = fault.with_option(option, value)
    message = refused(fault, content, lint=False)
    assert seen in message
    assert "previous configuration is back" in message
    if seen in ("is no port", "only one of them can"):
        message = refused(fault, content)
        assert "nothing was touched" in message
        assert re.search(r"port numbers from 1 to 65535|expects a list of port numbers|port-clash", message)
    assert fault.process() == process


def test_wrong_database_password(fault: Site) -> None:
    process = fault.process()
    found = re.search(rf'FileLine\("{SECRETS}/([^"]*(?:database|sql)[^"]*)"\)', fault.content)
    assert found, fault.content
    secrets = {**fault.secrets, found.group(1): "not-the-password"}
    message = refused(fault, secrets=secrets)
    assert "password authentication failed" in message
    assert "not-the-password" not in message
    assert fault.process() == process
    # a reload leaves the connections as they are, so that only a restart tells who did not ask
    restarted = fault.with_option("network_default_read_size", "32768")
    message = refused(fault, restarted, secrets=secrets, probe={"ignore": ["database:*"]})
    assert "storage:" in message
    assert "Failed to connect to database" in message
    assert "previous configuration is back" in message


def test_syntax_error_in_the_operators_include(fault: Site) -> None:
    process = fault.process()
    before = fault.host.run(f"cat {INCLUDE}")
    content = fault.content if "conf.d/operator" in fault.content else fault.before_hosts(f'Include "{INCLUDE}"')
    fault.host.check_output(f"echo 'welcome_message = = \"hello\"' > {INCLUDE}")
    try:
        message = refused(fault, content)
    finally:
        if before.rc == 0:
            fault.host.check_output(f"printf '%s' {before.stdout!r} > {INCLUDE}")
        else:
            fault.host.check_output(f"rm {INCLUDE}")
    assert f"{INCLUDE}:1" in message or ("operator.cfg.lua" in message and "unexpected symbol" in message)
    assert fault.process() == process


def test_module_that_raises_an_error_on_load(fault: Site) -> None:
    process = fault.process()
    fault.host.check_output(f"""echo 'error("the reactor is too hot")' > {MODULE}""")
    try:
        message = refused(fault, fault.with_module("fault"))
    finally:
        fault.host.check_output(f"rm {MODULE}")
    assert "the reactor is too hot" in message
    assert fault.process() == process


def test_after_all_faults_nothing_is_left_to_do(site: Site) -> None:
    answer = site.apply()
    assert not answer.failed, answer.message
    assert not answer.changed, answer.actions


def test_killed_then_finished_by_the_next_run(site: Site) -> None:
    """The module's process is killed for real between swap and reload; the next run with the same wish finishes."""
    wanted = site.with_option("tls_profile", '"modern"')
    killed = run_module(
        site.directory,
        "prosody_config_killed",
        {"phase": "applying", "arguments": {"content": wanted, "secrets": site.secrets}},
    )
    assert killed.failed
    assert site.state()["journal"] == "True"
    site.serves()
    finished = site.apply(wanted)
    assert not finished.failed, finished.message
    assert "interrupted while applying" in finished.result["recovered"]
    assert "finished" in finished.result["recovered"]
    assert site.host.file(CONFIG).content_string == wanted
    assert site.state()["journal"] == "False"
    site.serves()
    back = site.apply()
    assert not back.failed, back.message


def test_killed_then_undone_by_the_next_run(site: Site) -> None:
    """The next run wants something else that cannot even be read: the half-done change is taken back."""
    killed = run_module(
        site.directory,
        "prosody_config_killed",
        {
            "phase": "applying",
            "arguments": {"content": site.with_option("tls_profile", '"modern"'), "secrets": site.secrets},
        },
    )
    assert killed.failed
    assert site.host.file(CONFIG).content_string != site.content
    refused_ = site.apply("this is = = no Lua")
    assert refused_.failed
    assert "unexpected" in refused_.message or "syntax" in refused_.message
    assert site.host.file(CONFIG).content_string == site.content
    assert site.state()["journal"] == "False"
    site.serves()
    assert not site.apply().changed


def test_a_connected_client_survives_a_change_that_needs_no_restart(site: Site) -> None:
    process = site.process()
    with site.client("alice") as alice, site.client("bob") as bob:
        alice.say(bob.stream, "before the change")
        assert bob.hears("before the change")
        streams = alice.stream, bob.stream
        for number, content in enumerate(
            (
                site.content.replace('rate = "100kb/s"', 'rate = "77kb/s"'),
                site.with_option("tls_profile", '"modern"'),
                site.content,
            )
        ):
            answer = site.apply(content)
            assert not answer.failed, answer.message
            assert answer.changed
            done = {action for action, _target in answer.actions}
            assert "module:reload" in done
            assert not done & {"restart", "start", "host:activate", "host:deactivate"}
            alice.say(bob.stream, f"after change {number}")
            assert bob.hears(f"after change {number}")
        assert (alice.ended, bob.ended) == (0, 0)
        assert (alice.stream, bob.stream) == streams
    assert site.process() == process


def not_archived(site: Site) -> float:
    """What the server counts of messages that were delivered and could not be archived."""
    fetch = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:5280/metrics', timeout=20).read().decode())"
    found = re.search(
        r"(?m)^prosody_mod_measure_traffic__not_archived_total (\S+)", site.host.check_output("python3 -c %s", fetch)
    )
    assert found
    return float(found[1])


def test_the_database_is_restarted_under_connected_clients(site: Site) -> None:
    """Prosody remembers for ever that it was disconnected once; it works all the same, and a run has nothing to do."""
    process = site.process()
    with site.client("alice") as alice, site.client("bob", direct=True) as bob:
        site.host.check_output("systemctl restart postgresql@17-main")
        alice.say(bob.stream, "after the restart")
        assert bob.hears("after the restart")
        assert "Disconnected from PostgreSQL" in site.host.check_output("timeout 30 prosodyctl shell module list")
        answer = site.apply()
        assert not answer.failed, answer.message
        assert not answer.changed, answer.actions
        problems = run_module(site.directory, "allthingslinux.xmpp.prosody_info", {}).result["problems"]
        assert not [problem for problem in problems if problem["module"] == "storage_sql"]
        alice.say(bob.stream, "after the run")
        assert bob.hears("after the run")
        assert (alice.ended, bob.ended) == (0, 0)
    assert site.process() == process


COLLECT = """
local kept = {}
collectgarbage() collectgarbage()
for n = 1, 50000 do kept[n] = ("%044d"):format(n) end
return true, "collected " .. #kept
"""


def test_an_outage_of_the_database_takes_nobody_down(site: Site) -> None:
    """Without module sql_reconnect Prosody reads freed memory here, and hangs or crashes.

    The collector is called so that it comes at the worst moments: when the old connection is let go of while its
    statements are still there, and when these are let go of after the reconnection. What was the connection's is then
    filled with texts of just its size.
    """
    collect = "timeout 30 prosodyctl shell %s", "> " + COLLECT.replace("\n", " ")
    process, missing = site.process(), not_archived(site)
    with site.client("alice") as alice, site.client("bob", direct=True) as bob:
        for number in range(2):
            alice.say(bob.stream, f"before outage {number}")
            assert bob.hears(f"before outage {number}")
            site.host.check_output("systemctl stop postgresql@17-main")
            try:
                alice.say(bob.stream, f"during outage {number}")
                assert bob.hears(f"during outage {number}")
                assert "collected" in site.host.check_output(*collect)
            finally:
                site.host.check_output("systemctl start postgresql@17-main")
            alice.say(bob.stream, f"after outage {number}")
            assert bob.hears(f"after outage {number}")
            assert "collected" in site.host.check_output(*collect)
        assert (alice.ended, bob.ended) == (0, 0)
    assert site.process() == process
    # both have an archive, and neither has what was said while there was none
    assert not_archived(site) - missing == 4
    site.serves()
    assert not site.apply().changed


def said_to(site: Site, *passwords: str) -> list[str]:
    """Out: what the server says to passwords of alice, one after the other in one stream."""
    command = [sys.executable, str(PLAINLY), site.address, site.domain, "alice", *passwords]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.split()


def refusals(site: Site) -> tuple[int, int]:
    """Out: the lines by which guessers are banned, and how many the audit trail has."""
    told = site.host.check_output("journalctl -u prosody -o cat --no-pager | grep -c 'Sign-in refused' || true")
    trail = site.host.check_output("grep -h refused /var/lib/prosody/audit_trail/*.jsonl || true")
    return int(told), sum(json.loads(line).get("count", 1) for line in trail.splitlines())


def test_who_is_refused_by_an_outage_of_the_database_has_guessed_nothing(site: Site) -> None:
    """Neither the log, by which guessers are banned, nor the audit trail has it. A third one is told at once."""
    right, before = site.passwords["alice"], refusals(site)
    site.host.check_output("systemctl stop postgresql@17-main")
    try:
        assert said_to(site, right, right, right) == ["not-authorized"] * 3
    finally:
        site.host.check_output("systemctl start postgresql@17-main")
    assert said_to(site, "wrong", "wrong", "wrong", right) == ["not-authorized"] * 3 + ["success"]
    # the trail has the first of some at once and counts the others, which come later
    wait_until(lambda: refusals(site) == (before[0] + 1, before[1] + 3), 90, 0.5)


def test_the_log_goes_to_standard_output(site: Site) -> None:
    """Prosody writes into the settings of that sink, which is no change of the configuration."""
    wanted = site.with_option("log", '{ { to = "console", levels = { min = "info" } } }')
    answer = site.apply(wanted)
    assert not answer.failed, answer.message
    assert not site.apply(wanted).changed
    back = site.apply()
    assert not back.failed, back.message


def test_check_mode_touches_nothing_and_says_what_would_be_done(site: Site) -> None:
    before = site.state()
    content = site.with_option("tls_profile", '"modern"')
    answer = site.apply(content, "--check", "--diff")
    assert not answer.failed, answer.message
    assert answer.changed
    assert ("config:reload", "") in answer.actions
    assert ("module:reload", "c2s") in answer.actions
    assert "modern" in str(answer.result["diff"])
    for secret in site.secrets.values():
        assert secret.strip() not in str(answer.result)
    assert site.state() == before
    done = site.apply(content)
    assert done.actions == answer.actions
    assert not site.apply().failed
