# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""bin/deploy and bin/test refuse what they cannot do, and say what they can."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

BIN = Path(__file__).resolve().parents[2] / "bin"


def run(command: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(BIN / command), *arguments],
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("command", "arguments", "said"),
    [
        ("deploy", ["nowhere"], ["no inventory nowhere", "quickstart", "single"]),
        ("deploy", ["single", "--destroy"], ["--destroy removes the quickstart only"]),
        ("test", ["lints"], ["unknown rung lints", "molecule/default"]),
        ("test", ["molecule/nothing"], ["there is no scenario molecule/nothing"]),
    ],
)
def test_refusals_name_what_was_asked_and_what_there_is(command, arguments, said):
    done = run(command, *arguments)
    assert done.returncode == 1
    for text in said:
        assert text in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("command", ["deploy", "test"])
def test_help_tells_the_whole_use(command):
    done = run(command, "--help")
    assert done.returncode == 0
    assert f"bin/{command}" in done.stdout


def test_an_engine_that_does_not_answer_is_named():
    done = run("lib/docker", DOCKER_HOST="tcp://127.0.0.1:1")
    assert done.returncode == 1
    assert "no engine answers at DOCKER_HOST=tcp://127.0.0.1:1" in done.stderr


def test_no_python_that_is_new_enough_is_said(tmp_path):
    for name in ("python3", "python3.11", "python3.12", "python3.13"):
        (tmp_path / name).write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / name).chmod(0o755)
    root = tmp_path / "checkout"
    (root / "bin").mkdir(parents=True)
    (root / "requirements").mkdir()
    (root / "requirements" / "deploy.lock").touch()
    (root / "requirements.yml").touch()
    (root / "bin" / "lib").symlink_to(BIN / "lib")
    done = subprocess.run(
        ["bash", str(root / "bin" / "lib" / "environment"), "deploy"],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 1
    assert "no Python 3.11 or newer was found" in done.stderr
