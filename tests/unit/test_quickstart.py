# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The container of the quickstart, of which a machine has one: that of another checkout is left alone."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCKER = """#!/bin/sh
echo "$@" >> {log}
case "$*" in
  *xmpp.checkout*) echo "{owner}" ;;
  *PortBindings*) echo 127.0.0.1 8443 ;;
  *State.Running*) echo true ;;
  *is-system-running*) echo running ;;
esac
"""


def called(tmp_path: Path, word: str, owner: str) -> tuple[subprocess.CompletedProcess[str], str]:
    """What bin/lib/quickstart says, and all that it asked of Docker."""
    docker, log = tmp_path / "docker", tmp_path / "log"
    docker.write_text(DOCKER.format(log=log, owner=owner))
    docker.chmod(0o755)
    done = subprocess.run(
        [str(ROOT / "bin/lib/quickstart"), word],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done, log.read_text()


@pytest.mark.parametrize("word", ["up", "down", "owned"])
def test_that_of_another_checkout_is_left_alone(tmp_path: Path, word: str) -> None:
    done, asked = called(tmp_path, word, "/srv/other")
    assert done.returncode == 1
    assert "xmpp-quickstart is that of another checkout: /srv/other" in done.stderr
    assert "/srv/other/bin/deploy --destroy" in done.stderr
    assert len(asked.splitlines()) == 1


@pytest.mark.parametrize("owner", ["", str(ROOT)])
def test_that_of_this_one_is_used(tmp_path: Path, owner: str) -> None:
    for word in ("up", "owned"):
        done, _asked = called(tmp_path, word, owner)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("name", "value", "there"),
    [("XMPP_QUICKSTART_ADDRESS", "127.0.0.2", "127.0.0.1"), ("XMPP_QUICKSTART_WEB_PORT", "9443", "8443")],
)
def test_one_that_is_there_keeps_its_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, there: str
) -> None:
    assert called(tmp_path, "where", "")[0].stdout == "127.0.0.1 8443\n"
    monkeypatch.setenv("XMPP_QUICKSTART_ADDRESS", "127.0.0.1")
    assert called(tmp_path, "up", str(ROOT))[0].returncode == 0
    monkeypatch.setenv(name, value)
    done, _asked = called(tmp_path, "up", str(ROOT))
    assert done.returncode == 1
    assert f"is there with {name}={there}, and not {value}" in done.stderr
