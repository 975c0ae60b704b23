# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules have left behind, seen from the host: also after a restart."""

from __future__ import annotations

import json

import pytest

MODULES = "/usr/local/lib/prosody/xmpp-modules"
ROOMS = "/var/lib/prosody/rooms%2eexample%2etest/config"
SECRETS = [
    "the-password-of-the-team",
    "another-password-of-the-team",
    "the-password-of-the-bot",
    "the-secret-of-the-gateway",
]


def test_the_directory_holds_the_set_and_nothing_else(host):
    found = host.check_output(f"cd {MODULES} && find . -type f | sort").split()
    assert found == [
        "./.modules.json",
        "./mod_test_base/mod_test_base.lua",
        "./mod_test_base/part.lib.lua",
        "./mod_test_greeter/mod_test_greeter.lua",
        "./mod_test_guard/mod_test_guard.lua",
        "./mod_test_rock/html/index.html",
        "./mod_test_rock/mod_test_rock.lua",
    ]
    assert "greeter 2" in host.file(f"{MODULES}/mod_test_greeter/mod_test_greeter.lua").content_string
    record = json.loads(host.file(f"{MODULES}/.modules.json").content_string)
    assert record["test_greeter"]["revision"] == "0123456789abcdef0123456789abcdef01234567"
    assert record["test_rock"] == {**record["test_rock"], "source": "rocks", "revision": "3-1"}


def test_prosody_may_read_it_and_nobody_else_may_write(host):
    assert host.check_output(f"find {MODULES} ! -user root -o -perm /022") == ""
    assert host.check_output(f"find {MODULES} ! -perm -a=r") == ""


def test_the_archive_with_a_way_out_has_planted_nothing(host):
    assert host.check_output("find / -xdev -name 'planted*' -not -path '/proc/*'") == ""


@pytest.mark.parametrize("secret", SECRETS)
def test_no_secret_is_in_a_log_or_a_history(host, secret):
    places = "/var/log /root /var/lib/prosody/.shell_history"
    assert host.run(f"grep -rlF -e {secret} {places}").stdout == ""
    assert host.run(f"journalctl --no-pager -o cat | grep -cF -e {secret}").stdout.strip() == "0"


def test_the_grep_for_secrets_would_find_one(host):
    """Ansible logs what a task is called with: the scenario has a password among the arguments of a refused command."""
    assert host.run("journalctl --no-pager -o cat | grep -cF -e in-clear").stdout.strip() != "0"


def test_no_history_of_a_shell(host):
    assert host.check_output("find / -xdev -name .shell_history -not -path '/proc/*'") == ""


def test_nobody_else_is_in_the_rooms(host):
    rooms = host.check_output(f"ls {ROOMS}").split()
    assert rooms == ["lobby.dat", "team.dat"]
    lobby = host.file(f"{ROOMS}/lobby.dat").content_string
    assert "protected@example.test" not in lobby
    assert "zoe@example.test" not in lobby
    assert '["history_length"] = 7' in lobby


def test_set_and_rooms_survive_a_restart(host):
    host.check_output("systemctl restart prosody")
    host.check_output("for i in $(seq 50); do prosodyctl shell host list >/dev/null 2>&1 && break; sleep 0.1; done")
    assert "test_greeter" in host.check_output("prosodyctl shell module list example.test")
    rooms = host.check_output("prosodyctl shell muc list rooms.example.test")
    assert "lobby@rooms.example.test" in rooms
    assert "team@rooms.example.test" in rooms
