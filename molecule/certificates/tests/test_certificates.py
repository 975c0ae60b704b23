# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A certificate is installed and served, or the old one is; in the order of this file."""

from __future__ import annotations

import pytest
from conftest import NAMES, cert, fingerprint, served, wait_for_ports

STORE = "/etc/prosody/certs/.example.test"
FAULT = "/etc/prosody/conf.d/fault.cfg.lua"
RELOAD = "prosodyctl shell 'config:reload()' && prosodyctl shell 'module:reload(\"http\", \"*\")'"


def assert_served(host, pair):
    seen = served(host)
    assert len(seen) == 1 + 2 + 3 + 4 + 4
    assert set(seen.values()) == {fingerprint(host, pair)}, seen


@pytest.fixture(scope="module", autouse=True)
def begin(host):
    """Whatever an earlier run of verify left."""
    host.check_output(f"rm -f {FAULT} /etc/prosody/certs/copy.* && systemctl restart prosody")
    assert not cert("first").failed


def test_converge_installed_it_with_the_rights_of_prosody(host):
    assert_served(host, "first")
    for path, mode in (("/etc/prosody/certs", "750"), ("/etc/prosody/certs/example.test.key", "640")):
        assert host.check_output(f"stat -Lc '%U %G %a' {path}") == f"root prosody {mode}"


def test_renewal_under_a_connected_client_four_ways(host, client):
    client.ping(1)
    predicted = cert("renewed", check=True)
    assert predicted.result["actions"] == ["install", "reload"]
    assert_served(host, "first")
    done = cert("renewed")
    assert done.changed
    assert done.result["actions"] == ["install", "reload"]
    assert_served(host, "renewed")
    assert "type='result'" in client.ping(2)
    for check in (False, True):
        again = cert("renewed", check=check)
        assert not again.changed
        assert len(again.result["served"]) == 14
    assert "type='result'" in client.ping(3)


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        ("wrong_key", "the key is not that of 'CN=example.test'"),
        ("partial", "is for example.test, and lacks muc.example.test, upload.example.test"),
        ("expired", "expired on"),
        ("unordered", "out of order"),
        ("alone", "the certificates of its issuers are missing. It was issued by CN=Test intermediate"),
        ("readable", "is accessible to every user of the machine"),
    ],
)
def test_bad_ones_are_refused_and_the_old_one_stays_served(host, pair, message):
    done = cert(pair, check=pair == "expired")
    assert done.failed
    assert message in done.message
    assert "was not installed" in done.message
    assert_served(host, "renewed")


def test_a_second_file_with_the_same_name_is_refused(host):
    host.check_output("cp /root/material/third/fullchain.pem /etc/prosody/certs/copy.crt")
    host.check_output("cp /root/material/third/privkey.pem /etc/prosody/certs/copy.key")
    done = cert("third")
    host.check_output("rm /etc/prosody/certs/copy.crt /etc/prosody/certs/copy.key")
    assert done.failed
    assert "is also in /etc/prosody/certs/copy.crt" in done.message
    assert_served(host, "renewed")


def test_one_that_is_not_served_everywhere_is_taken_back(host):
    """Planted: an option that gives HTTPS a certificate of its own, so that what is installed is not what is served."""
    host.check_output("install -d -m 750 -g prosody /etc/prosody/other")
    host.check_output("install -m 640 -g prosody -t /etc/prosody/other /root/material/renewed/*.pem")
    lua = 'https_ssl = { certificate = "/etc/prosody/other/fullchain.pem", key = "/etc/prosody/other/privkey.pem" }'
    host.check_output(f"printf '%s\\n' '{lua}' > {FAULT} && chmod 644 {FAULT}")
    host.check_output(RELOAD)
    assert_served(host, "renewed")
    done = cert("third")
    assert done.failed
    assert "https 127.0.0.1 port 5281" in done.message
    assert "The one before (CN=example.test) was put back and is served again on all 14 ports" in done.message
    assert_served(host, "renewed")
    host.check_output(f"rm {FAULT} && {RELOAD}")
    assert not cert("renewed", check=True).changed


def test_a_run_that_is_killed_on_trial_is_finished_by_the_next(host):
    """Kills the module between the switch of the pair and its proof, when its lock on the directory tells who it is."""
    killer = (
        "import os, pathlib, time\n"
        f"link, end = '{STORE}/current', time.monotonic() + 60\n"
        "before = os.readlink(link)\n"
        "while os.readlink(link) == before and time.monotonic() < end: time.sleep(0.002)\n"
        "for fd in pathlib.Path('/proc').glob('[0-9]*/fd/*'):\n"
        "    try:\n"
        "        if os.readlink(fd) == '/etc/prosody/certs': os.kill(int(fd.parts[2]), 9); print('killed'); break\n"
        "    except OSError: pass\n"
    )
    unit = "systemd-run --unit=killer --collect --property=StandardOutput=file:/run/killer"
    host.check_output(f"{unit} python3 -c %s", killer)
    assert cert("third").failed
    assert host.check_output("cat /run/killer") == "killed"
    assert host.file(f"{STORE}/unproved").exists
    done = cert("third")
    assert not done.failed
    assert done.result["actions"] == ["reload"]
    assert not host.file(f"{STORE}/unproved").exists
    assert_served(host, "third")


def test_a_certificate_that_somebody_forgot_to_reload_is_reloaded(host):
    host.check_output("systemctl kill --signal=STOP prosody; systemctl kill --signal=CONT prosody")
    host.check_output(f"cp /root/material/renewed/fullchain.pem {STORE}/current/fullchain.pem")
    host.check_output(f"cp /root/material/renewed/privkey.pem {STORE}/current/privkey.pem")
    assert_served(host, "third")
    assert cert("renewed", check=True).result["actions"] == ["reload"]
    assert cert("renewed").result["actions"] == ["reload"]
    assert_served(host, "renewed")


def test_while_prosody_is_stopped_files_are_installed(host):
    host.check_output("systemctl stop prosody")
    done = cert("first")
    assert done.result["actions"] == ["install"]
    assert done.result["running"] is False
    host.check_output("systemctl start prosody")
    assert not cert("first").changed
    assert_served(host, "first")


def test_one_that_is_needed_cannot_be_removed_one_that_is_not_can(host):
    done = cert(state="absent")
    assert done.failed
    assert "cannot go, it is needed" in done.message
    assert_served(host, "first")
    assert cert("other", name="other.test", names=["other.test"]).changed
    for check, changed in ((True, True), (False, True), (False, False), (True, False)):
        assert cert(name="other.test", state="absent", check=check).changed is changed
    assert not host.file("/etc/prosody/certs/.other.test").exists
    assert_served(host, "first")


def test_after_a_restart_with_an_expired_certificate_every_port_still_serves_it(host):
    """Nobody renewed it: clients complain, which they could not do where nothing is served. A new one is taken up."""
    for name in ("fullchain", "privkey"):
        host.check_output(f"cp /root/material/expired/{name}.pem {STORE}/current/{name}.pem")
    host.check_output("systemctl restart prosody")
    wait_for_ports(host)
    assert_served(host, "expired")
    assert not cert("first").failed
    assert_served(host, "first")


def test_no_key_is_shown_or_logged(host):
    done = cert("third")
    assert done.changed
    assert "+sha256: " in done.output
    assert "names: example.test, *.example.test" in done.output
    logs = host.check_output("journalctl --no-pager -o cat")
    for pair in ("first", "renewed", "third"):
        key = host.check_output(f"cat /root/material/{pair}/privkey.pem").splitlines()
        assert all(line not in done.output and line not in logs for line in key[1:-1])
    assert NAMES[0] in logs
