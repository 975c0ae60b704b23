# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way to a real server in the README: each command is one that there is, and has what it needs by then."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
READ = """
import json, sys
from verbs.arguments import find_verb, read
words = json.loads(sys.argv[1])
verb = "deploy" if words[0].endswith("deploy") else words.pop(1)
print(read(find_verb(verb), words[1:], words[0]).inventory)
"""


def steps() -> list[str]:
    text = (
        (ROOT / "README.md").read_text(encoding="utf-8").split("## Ten minutes to a real server")[1].split("\n## ")[0]
    )
    return re.findall(r"^[0-9]\. .*?(?=^[0-9]\. |\n\n)", text, re.MULTILINE | re.DOTALL)


def commands() -> list[tuple[int, str]]:
    """The step and the command, in order."""
    return [(number, command) for number, step in enumerate(steps(), 1) for command in re.findall(r"`([^`]+)`", step)]


OURS = [command for _number, command in commands() if command.startswith(("bin/xmpp ", "bin/deploy "))]


def test_there_are_steps() -> None:
    assert len(steps()) == 6
    assert len(OURS) == 5


@pytest.mark.parametrize("command", OURS)
def test_each_command_is_one_that_there_is_and_opens_the_vault(command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", READ, json.dumps(shlex.split(command))],
        env={"PYTHONPATH": str(ROOT / "bin" / "lib")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout.strip()) == (0, "~/chat"), done.stderr
    assert "--ask-vault-pass" in command


def test_the_tools_are_made_before_they_are_used() -> None:
    makes = next(number for number, command in commands() if "bin/lib/environment deploy" in command)
    uses = [
        number for number, command in commands() if command.startswith(("ansible", ".venv", "bin/xmpp", "bin/deploy"))
    ]
    assert makes == 1
    assert min(uses) > makes
    assert "-K" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_what_is_copied_and_encrypted_is_there() -> None:
    (copied,) = (command.split()[2] for _number, command in commands() if command.startswith("cp -r "))
    (encrypted,) = (command.split()[-1] for _number, command in commands() if command.startswith("ansible-vault "))
    assert (ROOT / copied / encrypted.removeprefix("~/chat/")).is_file()
