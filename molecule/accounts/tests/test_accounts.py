# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the accounts are worth: who can sign in, whose sessions are cut and whose not, and where no secret may be."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

HOSTS = ("internal.example", "sqlite.example", "postgresql.example")
CONTAINER = "xmpp-accounts"
HERE = Path(__file__).parent


def start(*words: str) -> Any:
    """Start a program in the container."""
    return subprocess.Popen(
        ["docker", "exec", "-i", CONTAINER, *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def in_container(*words: str, text: str = "") -> str:
    """Run a program in the container with this standard input; return its output."""
    return start(*words).communicate(text)[0]


@pytest.fixture(scope="module", autouse=True)
def programs() -> None:
    """The two little programs are in the container."""
    for name in ("client.py", "watch.py"):
        in_container("sh", "-c", f"cat > /root/{name}", text=(HERE / name).read_text())


def sign_in(host: str, user: str, password: str) -> str:
    """Try to sign in; return what came of it."""
    return in_container("python3", "/root/client.py", host, user, text=password + "\n").strip()


class Session:
    """A client that is signed in."""

    def __init__(self, host: str, user: str, password: str) -> None:
        self._process = start("python3", "/root/client.py", host, user, "stay")
        self._process.stdin.write(password + "\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == "signed in\n"

    def fate(self, leave: bool = False) -> str:
        """Return how the session ended: by the server's doing, or when it was told to leave."""
        if leave:
            self._process.stdin.close()
        return self._process.stdout.read().strip()


@pytest.fixture
def module(host: Any) -> Any:
    """Return a function that runs a module of the collection in the container."""

    def run(name: str, check: bool = False, **options: Any) -> dict[str, Any]:
        return host.ansible(f"allthingslinux.xmpp.{name}", json.dumps(options), check=check)

    return run


@pytest.mark.parametrize("storage", HOSTS)
def test_a_verifier_is_as_good_as_its_password(storage: str) -> None:
    assert sign_in(storage, "romeo", "second-secret-of-romeo") == "signed in"
    assert "not-authorized" in sign_in(storage, "romeo", "first-secret-of-romeo")


@pytest.mark.parametrize("storage", HOSTS)
def test_who_was_purged_is_gone_and_who_was_exempt_is_not(storage: str, module: Any) -> None:
    found = {account["name"] for account in module("prosody_account_info", host=storage)["accounts"]}
    assert {"romeo", "bot-1"} <= found
    assert not {"juliet", "tybalt"} & found
    assert ("operator" in found) == (storage == "internal.example")
    assert "not-authorized" in sign_in(storage, "juliet", "second-secret-of-juliet")
    assert sign_in(storage, "bot-1", "first-secret-of-bot") == "signed in"


def test_nothing_is_left_of_who_was_purged() -> None:
    tables = in_container("su", "postgres", "-c", "psql -qAt prosody -c 'table prosody' -c 'table prosodyarchive'")
    assert "romeo" in tables
    assert "juliet" not in tables
    files = in_container("find", "/var/lib/prosody/internal%2eexample")
    assert "romeo" in files
    assert "juliet" not in files


@pytest.mark.parametrize("storage", HOSTS)
def test_nothing_to_do_cuts_no_session_and_a_new_password_does(storage: str, module: Any) -> None:
    name = f"mercutio@{storage}"
    secret = "first-secret-of-mercutio"
    assert module("prosody_account", jid=name, password=secret, role="prosody:member")["changed"]
    session = Session(storage, "mercutio", secret)
    assert not module("prosody_account", jid=name, password=secret, role="prosody:member")["changed"]
    assert not module(
        "prosody_accounts", host=storage, accounts=[{"name": "mercutio", "password": secret, "role": "prosody:member"}]
    )["changed"]
    [shown] = module("prosody_account_info", host=storage, names=["mercutio"])["accounts"]
    assert shown["sessions"] == 1
    assert session.fate(leave=True) == "still there"
    for options, reason in (
        ({"password": "second-secret-of-mercutio"}, "reset"),
        ({"role": "prosody:admin"}, "reset"),
        ({"state": "disabled"}, "not-authorized"),
    ):
        session = Session(storage, "mercutio", secret)
        assert module("prosody_account", jid=name, **options)["changed"]
        fate = session.fate()
        assert fate.startswith("cut:")
        assert reason in fate
        secret = options.get("password", secret)
    assert "disabled" in sign_in(storage, "mercutio", secret)
    assert module("prosody_account", jid=name)["changes"] == ["state"]
    session = Session(storage, "mercutio", secret)
    assert module("prosody_account", jid=name, state="absent")["action"] == "removed"
    assert "cut:" in session.fate()


@pytest.mark.parametrize("storage", HOSTS)
def test_a_role_left_behind_gives_nobody_power(storage: str, module: Any) -> None:
    plant = (
        f"> require'prosody.core.storagemanager'.open('{storage}', 'account_roles')"
        ":set('banquo', { _default = 'prosody:admin' }) return true, 'planted'"
    )
    assert "planted" in in_container("prosodyctl", "shell", text=plant + "\n")
    assert module("prosody_account", jid=f"banquo@{storage}", password="first-secret-of-banquo")["changed"]
    [shown] = module("prosody_account_info", host=storage, names=["banquo"])["accounts"]
    assert shown["stored_role"] == "prosody:registered"


@pytest.fixture
def watched() -> Iterator[Any]:
    """Watch all processes of the container; give a function that ends it and returns what was seen."""
    in_container("rm", "-f", "/root/stop", "/root/seen")
    watcher = start("python3", "/root/watch.py", "/root/seen", "/root/stop")
    assert watcher.stdout.readline() == "watching\n"

    def seen() -> str:
        in_container("touch", "/root/stop")
        print(watcher.stdout.read())
        return in_container("cat", "/root/seen")

    yield seen
    in_container("touch", "/root/stop")
    watcher.wait()


def test_the_watcher_sees_what_it_should(watched: Any) -> None:
    in_container("sh", "-c", ": planted-argument; sleep 0.3")
    in_container("sh", "-c", "PLANTED=planted-variable sleep 0.3")
    seen = watched()
    assert "planted-argument" in seen
    assert "planted-variable" in seen


def test_no_secret_is_seen_in_a_process_a_file_or_a_log(watched: Any, tmp_path: Path, request: Any) -> None:
    names = [f"watched{number:03d}" for number in range(300)]
    accounts = [{"name": name, "password": f"top-secret-of-{name}"} for name in names]
    verifier = "SCRAM-SHA-256$10000:" + ":".join(
        [
            "$".join([base64.b64encode(b"some salt").decode(), base64.b64encode(b"s" * 32).decode()]),
            base64.b64encode(b"v" * 32).decode(),
        ]
    )
    play = [
        {
            "hosts": "all",
            "gather_facts": False,
            "environment": {"WATCHED": "these-accounts"},
            "tasks": [
                {
                    "allthingslinux.xmpp.prosody_accounts": {
                        "host": storage,
                        "accounts": [*accounts, {"name": "verified", "verifier": verifier}],
                    }
                }
                for storage in HOSTS
            ],
        }
    ]
    playbook = tmp_path / "play.yml"
    playbook.write_text(json.dumps(play))
    done = subprocess.run(
        [
            "ansible-playbook",
            "-i",
            f"{CONTAINER},",
            "-c",
            "community.docker.docker",
            "-e",
            "ansible_python_interpreter=/usr/bin/python3",
            "-vvv",
            "--diff",
            str(playbook),
        ],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "ANSIBLE_PIPELINING": "1"},
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert "changed=3" in done.stdout
    seen = watched()
    # the modules of this run were among the processes
    assert "WATCHED=these-accounts" in seen
    assert "top-secret-of" not in seen
    assert "top-secret-of" not in done.stdout.replace(str(playbook), "")
    # nor may what was sent be kept anywhere
    places = "/var/lib/prosody /var/lib/postgresql /var/log /etc /root /home /tmp /run /var/tmp"
    found = in_container("sh", "-c", f"grep -rlsaF top-secret-of {places}; journalctl -q | grep -cF top-secret-of")
    assert found.strip() == "0", found
