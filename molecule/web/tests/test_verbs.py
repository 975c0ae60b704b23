# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What bin/xmpp does to a service that runs: its playbooks, with what it gives them."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
DOMAIN = "chat.localhost"


def verb(name: str, *options: str, **variables: Any) -> str:
    """Run the playbook of a verb; what it prints."""
    words = ["-i", os.environ["MOLECULE_INVENTORY_FILE"], str(ROOT / "playbooks" / f"{name}.yml")]
    done = subprocess.run(
        ["ansible-playbook", *words, "-e", json.dumps(variables), *options],
        env={**os.environ, "ANSIBLE_STDOUT_CALLBACK": "allthingslinux.xmpp.progress", "XMPP_PROGRESS_QUIET": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_who_has_an_account():
    lines = verb("accounts").splitlines()
    assert lines[0].split() == ["account", "role", "sessions", "last", "active"]
    assert any(line.startswith(f"alice@{DOMAIN} ") and "prosody:registered" in line for line in lines)


def test_an_invitation_and_its_picture(tmp_path):
    path = tmp_path / "invitation.svg"
    said = verb("invite", xmpp_invite_expires="2h", xmpp_invite_qr=str(path))
    assert f"Link     https://{DOMAIN}/invite/?" in said
    assert f"In apps  xmpp:{DOMAIN}?register;preauth=" in said
    assert b"<svg" in path.read_bytes()
    assert verb("invite") != verb("invite")  # a link is for one account
    # who lost a link asks for it again
    named = [verb("invite", xmpp_invite_jid=f"dora@{DOMAIN}") for _time in range(2)]
    assert named[0] == named[1]
    assert f"Link     https://{DOMAIN}/invite/?" in named[1]
    assert "has an account" in verb("invite", xmpp_invite_jid=f"alice@{DOMAIN}")
    assert f"For      alice@{DOMAIN}" in verb("invite", xmpp_invite_jid=f"alice@{DOMAIN}", xmpp_invite_reset=True)


def test_how_it_is(tmp_path):
    found = json.loads(verb("status", xmpp_status_json=True))
    (prosody,) = found["prosody"].values()
    assert prosody["running"]
    assert prosody["domains"] == [DOMAIN]
    (services,) = found["services"].values()
    assert services["nginx"] == services["prosody"] == services["postgresql@17-main"] == "active"
    assert found["certificates"][0]["days"] > 14
    (databases,) = found["databases"].values()
    assert databases["prosody"] > 1_000_000
    assert [one for one in found["alerts"] if one["severity"] == "critical"] == []
    record = tmp_path / "check.json"
    # newer than the last look of who watches
    record.write_text(json.dumps({"at": time.time() + 60, "proved": ["ok      one", "FAILED  two"]}))
    said = verb("status", xmpp_status_records={"check": str(record)})
    assert "by real clients: 1 of 2 good NOT ALL" in said
    assert len(said.splitlines()) <= 24
