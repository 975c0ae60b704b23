# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""bin/deploy and bin/test refuse what they cannot do, and say what they can."""

from __future__ import annotations

import json
import os
import subprocess
import sys
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
        ("deploy", ["--destroy", "single"], ["--destroy removes the quickstart only"]),
        ("deploy", ["single", "--chek"], ["there is no option --chek", "--help"]),
        ("deploy", ["single", "-X"], ["there is no option -X"]),
        ("deploy", ["single", "--limit"], ["--limit lacks its value"]),
        ("deploy", ["single", "-vl"], ["-vl lacks its value"]),
        ("deploy", ["single", "elsewhere"], ["two inventories: single and elsewhere"]),
        ("deploy", ["single", "-i", "elsewhere"], ["two inventories: single and elsewhere"]),
        ("deploy", ["--fast", "nowhere"], ["no inventory nowhere"]),
        ("deploy", ["--check", "--", "-nowhere"], ["no inventory -nowhere"]),
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


STUB = "#!/bin/sh\necho $(basename $0) $* >>{log}\n"
PLAYBOOK = """#!{python}
import json, os, sys
told = {{name: os.environ.get(name, "") for name in ("ANSIBLE_CONFIG", "ANSIBLE_STRATEGY", "XMPP_DEPLOY_AGAIN")}}
with open({log!r}, "a") as log:
    print(json.dumps({{"arguments": sys.argv[1:], "where": os.getcwd(), **told}}), file=log)
"""


class Checkout:
    """A checkout whose tools only write down how they were called, and an operator's own directory."""

    def __init__(self, top: Path) -> None:
        self.root, self.home, self.log = top / "checkout", top / "home", top / "log"
        (self.root / "bin" / "lib").mkdir(parents=True)
        (self.root / ".venv" / "bin").mkdir(parents=True)
        for name in ("deploy", "lib/common", "lib/arguments"):
            (self.root / "bin" / name).symlink_to(BIN / name)
        for name in ("environment", "docker", "quickstart"):
            self._tool(self.root / "bin" / "lib" / name, STUB.format(log=self.log))
        playbook = PLAYBOOK.format(python=sys.executable, log=str(self.log))
        self._tool(self.root / ".venv" / "bin" / "ansible-playbook", playbook)
        for name in ("quickstart", "single"):
            (self.root / "inventories" / name).mkdir(parents=True)
            (self.root / "inventories" / name / "hosts.yml").touch()
        (self.home / "mine").mkdir(parents=True)
        (self.home / "mine" / "hosts.yml").touch()
        (self.home / "empty").mkdir()

    @staticmethod
    def _tool(path: Path, text: str) -> None:
        path.write_text(text)
        path.chmod(0o755)

    def deploy(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(self.root / "bin" / "deploy"), *arguments]
        return subprocess.run(command, cwd=self.home, capture_output=True, text=True, timeout=60, check=False)

    def called(self) -> tuple[list[str], dict[str, object]]:
        """What was run: the tools before Ansible, and how Ansible was."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return lines[:-1], json.loads(lines[-1]) if lines else {}


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "handed_on"),
    [
        (["mine"], []),
        (["--fast", "mine"], []),
        (["--check", "mine", "--diff"], ["--check", "--diff"]),
        (["-l", "xmpp1", "mine"], ["-l", "xmpp1"]),
        (["-vvJl", "xmpp1", "mine"], ["-v", "-v", "-J", "-l", "xmpp1"]),
        (["-lxmpp1", "mine/"], ["-l", "xmpp1"]),
        (["--limit=xmpp1", "./mine"], ["--limit", "xmpp1"]),
        (["--tags", "single", "mine"], ["--tags", "single"]),
        (
            ["-e", "@more.yml", "--vault-password-file", "pass", "mine"],
            ["-e", "@more.yml", "--vault-password-file", "pass"],
        ),
        (["-i", "mine", "-K"], ["-K"]),
        (["--inventory=mine"], []),
        (["-imine"], []),
    ],
)
def test_the_inventory_may_stand_anywhere_and_paths_start_where_the_operator_is(checkout, arguments, handed_on):
    done = checkout.deploy(*arguments)
    assert done.returncode == 0, done.stderr
    before, ansible = checkout.called()
    assert before == ["environment deploy"]  # no Docker, no container
    given = ansible["arguments"]
    assert given[:2] == ["-i", str(checkout.home / "mine")]
    assert given[2:5] == [
        str(checkout.root / name) for name in ("site.yml", "playbooks/check.yml", "playbooks/summary.yml")
    ]
    assert given[5:7] == ["-e", f"xmpp_summary_file={checkout.root}/.cache/summary-mine.txt"]
    assert given[7:] == handed_on
    assert ansible["where"] == str(checkout.home)
    assert ansible["ANSIBLE_CONFIG"] == str(checkout.root / "ansible.cfg")
    assert ansible["ANSIBLE_STRATEGY"] == ("mitogen_linear" if "--fast" in arguments else "")


@pytest.mark.parametrize("arguments", [[], ["--check"], ["quickstart", "--fast"]])
def test_without_an_inventory_a_container_host_is_made(checkout, arguments):
    assert checkout.deploy(*arguments).returncode == 0
    before, ansible = checkout.called()
    assert before == ["environment deploy", "docker", "quickstart up"]
    assert ansible["arguments"][1] == str(checkout.root / "inventories" / "quickstart")


def test_the_command_for_the_next_run_has_what_it_needs_and_no_secret(checkout):
    checkout.deploy("--ask-vault-pass", "-e", "password=hunter2", "mine", "--fast", "-K", "--limit", "xmpp1", "--diff")
    again = checkout.called()[1]["XMPP_DEPLOY_AGAIN"]
    assert again == f"{checkout.root}/bin/deploy --ask-vault-pass mine --fast -K"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["empty"], "empty is empty"), (["--fast", "elsewhere"], "there is no inventory elsewhere"), (["."], None)],
)
def test_nothing_is_installed_for_an_inventory_that_there_is_not(checkout, arguments, said):
    done = checkout.deploy(*arguments)
    before, ansible = checkout.called()
    if said is None:  # the operator's own directory is one
        assert (done.returncode, ansible["arguments"][1]) == (0, str(checkout.home))
    else:
        assert (done.returncode, before, ansible) == (1, [], {})
        assert said in done.stderr


def test_destroy_removes_and_installs_nothing(checkout):
    assert checkout.deploy("--destroy").returncode == 0
    assert checkout.log.read_text() == "quickstart down\n"
