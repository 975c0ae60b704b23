# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""bin/deploy and bin/test refuse what they cannot do, and say what they can."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from ansible_collections.allthingslinux.xmpp.tests.scenario.waiting import wait_until
from verbs.inventories import all_elsewhere, in_containers
from verbs.table import VERBS

BIN = Path(__file__).resolve().parents[2] / "bin"
ROLE_DEFAULTS = (BIN.parent / "roles" / "prosody" / "defaults" / "main.yml").read_text()


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
        ("deploy", ["single", "--chek"], ["there is no option --chek", "Did you mean --check?", "--help"]),
        ("deploy", ["singel"], ["no inventory singel", "Did you mean single?"]),
        ("deploy", ["--destory"], ["there is no option --destory", "Did you mean --destroy?"]),
        (
            "xmpp",
            ["depoly"],
            [
                "there is no verb depoly",
                "Did you mean deploy?",
                "deploy check status dns doctor compose refresh invite drain accounts audit backup restore recover"
                " export erase storage move rotate drift",
            ],
        ),
        ("xmpp", ["zzz"], ["there is no verb zzz"]),
        ("xmpp", ["--hlp"], ["--hlp is no verb", "Did you mean --help?"]),
        ("xmpp", ["check", "singel"], ["xmpp check: there is no inventory singel", "Did you mean single?"]),
        ("xmpp", ["check", "../inventories/singel"], ["no inventory ../inventories/singel"]),
        ("xmpp", ["dns", "single", "--flie", "x"], ["there is no option --flie", "Did you mean --file?"]),
        ("xmpp", ["dns", "--file"], ["--file lacks its value"]),
        ("xmpp", ["invite", "--reset=yes", "single"], ["--reset takes no value"]),
        ("xmpp", ["invite", "single", "a@b", "c@d"], ["two accounts: a@b and c@d"]),
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


@pytest.mark.parametrize("command", ["deploy", "test", "xmpp"])
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
import json, os, sys, time
told = {{name: os.environ.get(name, "") for name in {told}}}
told["empty"] = sorted(name for name in {told} if os.environ.get(name) == "")
with open({log!r}, "a") as log:
    print(json.dumps({{"arguments": sys.argv[1:], "where": os.getcwd(), **told}}), file=log)
while "UNTIL" in os.environ and not os.path.exists(os.environ["UNTIL"]):
    time.sleep(0.01)
if "CHANGES" in os.environ:
    os.makedirs(os.path.dirname(os.environ["XMPP_PROGRESS_RECORD"]), exist_ok=True)
    with open(os.environ["XMPP_PROGRESS_RECORD"], "w") as record:
        record.write('{{"changed": {{"xmpp1": ' + os.environ["CHANGES"] + '}}}}')
if os.environ.get("FAILS") == "late":
    os.makedirs(os.path.dirname(os.environ["XMPP_PROGRESS_RECORD"]), exist_ok=True)
    with open(os.environ["XMPP_PROGRESS_RECORD"], "w") as record:
        record.write('{{"failed": ["xmpp1"]}}')
sys.exit({{"interrupted": 99}}.get(os.environ["FAILS"], 4) if "FAILS" in os.environ else 0)
"""
TOLD = (
    "ANSIBLE_CONFIG",
    "ANSIBLE_STDOUT_CALLBACK",
    "ANSIBLE_STRATEGY",
    "XMPP_DEPLOY_AGAIN",
    "XMPP_DEPLOY_OF",
    "XMPP_PROGRESS_QUIET",
    "XMPP_QUICKSTART_ADDRESS",
    "XMPP_QUICKSTART_WEB_PORT",
    "XMPP_PROGRESS_RECORD",
)


class Checkout:
    """A checkout whose tools only write down how they were called, and an operator's own directory."""

    def __init__(self, top: Path) -> None:
        self.root, self.home, self.log = top / "checkout", top / "home", top / "log"
        (self.root / "bin" / "lib").mkdir(parents=True)
        (self.root / ".venv" / "bin").mkdir(parents=True)
        for name in ("deploy", "xmpp", "lib/common"):
            (self.root / "bin" / name).symlink_to(BIN / name)
        shutil.copytree(BIN / "lib" / "verbs", self.root / "bin" / "lib" / "verbs")
        for name in ("environment", "docker", "quickstart"):
            self._tool(self.root / "bin" / "lib" / name, STUB.format(log=self.log))
        playbook = PLAYBOOK.format(python=sys.executable, log=str(self.log), told=TOLD)
        self._tool(self.root / ".venv" / "bin" / "ansible-playbook", playbook)
        self._tool(self.root / "tools" / "docker", "#!/bin/sh\necho ${RUNNING:-false}\n")
        for name in ("quickstart", "single"):
            (self.root / "inventories" / name).mkdir(parents=True)
            (self.root / "inventories" / name / "hosts.yml").touch()
        (self.home / "mine").mkdir(parents=True)
        (self.home / "mine" / "hosts.yml").touch()
        (self.home / "empty").mkdir()

    @staticmethod
    def _tool(path: Path, text: str) -> None:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def deploy(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.xmpp(*arguments, command="deploy")

    def xmpp(self, *arguments: str, command: str = "xmpp", **environment: str) -> subprocess.CompletedProcess[str]:
        path = f"{self.root}/tools:{os.environ['PATH']}"
        return subprocess.run(
            [str(self.root / "bin" / command), *arguments],
            env={**os.environ, "PATH": path, **environment},
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    @contextlib.contextmanager
    def begun(self, verb: str, inventory: str, until: Path) -> Iterator[subprocess.Popen[str]]:
        """A run that has begun. until: the file with which its Ansible ends."""
        path = f"{self.root}/tools:{os.environ['PATH']}"
        environment = {**os.environ, "PATH": path, "UNTIL": str(until)}
        command = [str(self.root / "bin" / "xmpp"), verb, inventory]
        with subprocess.Popen(
            command, env=environment, cwd=self.home, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as process:
            try:
                yield process
            finally:
                until.touch()

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
    assert given[2] == str(checkout.root / "playbooks/deploy.yml")
    assert given[3] == "-e"
    assert json.loads(given[4]) == {"xmpp_summary_file": f"{checkout.root}/.cache/summary-mine.txt"}
    assert given[5:] == handed_on
    assert ansible["where"] == str(checkout.home)
    assert ansible["ANSIBLE_CONFIG"] == str(checkout.root / "ansible.cfg")
    assert ansible["ANSIBLE_STRATEGY"] == ("mitogen_linear" if "--fast" in arguments else "")


@pytest.mark.parametrize("arguments", [[], ["--check"], ["quickstart", "--fast"]])
def test_without_an_inventory_a_container_host_is_made(checkout, arguments):
    assert checkout.deploy(*arguments).returncode == 0
    before, ansible = checkout.called()
    assert before == ["environment deploy", "docker", "quickstart up", "quickstart where"]
    assert ansible["arguments"][1] == str(checkout.root / "inventories" / "quickstart")


def test_the_command_for_the_next_run_has_what_it_needs_and_no_secret(checkout):
    checkout.deploy("--ask-vault-pass", "-e", "password=hunter2", "mine", "--fast", "-K", "--limit", "xmpp1", "--diff")
    again = checkout.called()[1]["XMPP_DEPLOY_AGAIN"]
    assert again == f"{checkout.root}/bin/deploy --ask-vault-pass mine --fast -K"
    assert checkout.called()[1]["XMPP_DEPLOY_OF"] == "--ask-vault-pass mine -K"


@pytest.mark.parametrize("option", [["--vault-password-file", "pass"], ["-K"], ["--limit", "mine"], ["-Jl", "xmpp1"]])
def test_an_inventory_that_was_forgotten_is_not_the_quickstart(checkout, option):
    done = checkout.deploy(*option)
    assert (done.returncode, checkout.called()) == (1, ([], {}))
    assert "for servers of yours, and no inventory is named" in done.stderr
    assert checkout.deploy(*option, "mine").returncode == 0


@pytest.mark.parametrize("given", ["invite_jid=a@b.test", "x=1 xmpp_invite_jd=a", '{"invite_jid": "a"}'])
def test_a_variable_that_is_nearly_one_of_the_verb_is_refused(checkout, given):
    done = checkout.xmpp("invite", "mine", "-e", given)
    assert (done.returncode, checkout.called()) == (1, ([], {}))
    assert "Did you mean xmpp_invite_jid?" in done.stderr
    for fine in ("xmpp_invite_jid=a@b.test", "@more.yml", '{"own": 1}', "own=invite_jid"):
        assert checkout.xmpp("invite", "mine", "-e", fine).returncode == 0


def test_files_that_are_no_yaml_are_told_by_their_place_and_nothing_of_them(tmp_path):
    written = {
        "hosts": "[prosody]\nxmpp1 a: : b\n",
        "hosts.yml": "all: {hosts: {xmpp1: }}\n",
        "group_vars/all.yml": "xmpp_domain:\n  secret: : words\n",
        "group_vars/prosody/more": "a: [\n",
        "host_vars/xmpp1.yml": "$ANSIBLE_VAULT;1.1;AES256\n: :\n",
        "host_vars/xmpp2.yml": "password: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  61\n",
        "notes.txt": "a: : b\n",
    }
    for name, text in written.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    asked = [sys.executable, str(BIN / "lib" / "yaml_places.py"), str(tmp_path)]
    told = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    assert [line.split(": ")[0] for line in told.splitlines()] == [
        f"{tmp_path}/group_vars/all.yml:2:11",
        f"{tmp_path}/group_vars/prosody/more:2:1",
    ]
    assert "words" not in told


def test_where_to_read_why_is_told_as_it_is(checkout):
    assert "what Ansible says above tells why" in checkout.xmpp("deploy", "mine", FAILS="early").stderr
    assert "the failed task above says" in checkout.xmpp("deploy", "mine", FAILS="late").stderr
    assert re.search(
        r"\(after \d+ s\): it was interrupted\n", checkout.xmpp("deploy", "mine", FAILS="interrupted").stderr
    )


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


@pytest.mark.parametrize("fails", [False, True])
def test_for_containers_there_is_an_engine_and_no_companion_is_left_by_a_run_that_fails(checkout, fails):
    (checkout.home / "mine" / "hosts.yml").write_text("all: {vars: {}}\n# xmpp_backend: host\n")
    (checkout.home / "mine" / "group_vars").mkdir()
    (checkout.home / "mine" / "group_vars" / "all.yml").write_text('xmpp_backend: "container"  # here\n')
    done = checkout.xmpp("mine", "--check", command="deploy", **{"FAILS": "early"} if fails else {})
    assert done.returncode == int(fails)
    lines = checkout.log.read_text().splitlines()
    assert lines[:2] == ["environment deploy", "docker --base-only"]
    runs = [json.loads(line) for line in lines[2:]]
    # the end of a run that failed writes over nothing that was written down of it
    assert [bool(one.get("XMPP_PROGRESS_RECORD")) for one in runs] == [True, *[False] * fails]
    assert not any("XMPP_PROGRESS_RECORD" in one["empty"] for one in runs)
    asked = [one["arguments"] for one in runs]
    mine = ["-i", str(checkout.home / "mine")]
    assert asked[0][:3] == [*mine, f"{checkout.root}/playbooks/deploy.yml"]
    assert asked[1:] == [[*mine, f"{checkout.root}/playbooks/containers_close.yml", "--check"]] * fails


@pytest.mark.parametrize(
    ("text", "contained"),
    [
        ("all:\n  vars:\n    xmpp_backend: 'container'  # here\n", True),
        ("all: {vars: {xmpp_backend: container}}\n", True),
        ('all: {vars: {"xmpp_backend": "container", other: 1}}\n', True),
        ("[prosody]\nchat ansible_host=chat-companion xmpp_backend=container\n", True),
        ("all:\n  # xmpp_backend: container\n", False),
        ("all: {}  # or xmpp_backend: container\n", False),
        ("all: {vars: {xmpp_backend: containers, my_xmpp_backend: container}}\n", False),
        ("all: {vars: {xmpp_backend: host}}  # no container\n", False),
    ],
)
def test_containers_are_seen_in_whichever_way_an_inventory_says_so(tmp_path, text, contained):
    (tmp_path / "hosts.yml").write_text(text)
    assert in_containers(tmp_path) == contained


@pytest.mark.parametrize(
    ("db", "chat", "elsewhere"),
    [
        ("containers_engine: ssh://a@one.test", "containers_engine: ssh://a@two.test", True),
        ("containers_engine: ssh://a@one.test", "{}", False),
        ("containers_engine: ssh://a@one.test", "xmpp_backend: host", True),
        ("{}", "{}", False),
    ],
)
def test_an_engine_is_needed_here_where_a_host_names_none(tmp_path, db, chat, elsewhere):
    (tmp_path / "hosts.yml").write_text(
        f"all:\n  vars: {{xmpp_backend: container}}\n  hosts:\n    db: {db if db == '{}' else f'{{{db}}}'}\n"
        f"    chat: {chat if chat == '{}' else f'{{{chat}}}'}\n"
    )
    tool = Path(sys.executable).with_name("ansible-inventory")
    assert all_elsewhere(tmp_path, tool) == elsewhere
    assert not all_elsewhere(tmp_path, Path("/bin/false"))


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_what_goes_through_the_whole_state_is_alone(verb):
    plays = yaml.safe_load((BIN.parent / "playbooks" / f"{verb}.yml").read_text())
    if any(play.get("ansible.builtin.import_playbook") == "site.yml" for play in plays):
        assert VERBS[verb].alone


@pytest.mark.parametrize(
    ("backend", "verb", "waits"), [("host", "deploy", True), ("host", "status", False), ("container", "status", True)]
)
def test_two_runs_on_the_same_servers_are_one_after_the_other(checkout, backend, verb, waits):
    (checkout.home / "mine" / "hosts.yml").write_text(f"all:\n  vars:\n    xmpp_backend: {backend}\n")
    end, started = checkout.home / "end", f"playbooks/{verb}.yml"
    with checkout.begun("deploy", "mine", end) as first:
        wait_until(lambda: checkout.log.exists() and "playbooks/deploy.yml" in checkout.log.read_text(), 30, 0.05)
        checkout.log.unlink()
        with checkout.begun(verb, "mine", end) as second:
            if waits:
                told = second.stderr.readline() + second.stderr.readline()
                assert re.search(r"another run .* to end: bin/xmpp deploy, since \d\d:\d\d", told), told
            else:
                wait_until(lambda: checkout.log.exists() and started in checkout.log.read_text(), 30, 0.05)
            assert (started in checkout.log.read_text()) != waits
            end.touch()
            assert (first.wait(30), second.wait(30)) == (0, 0)
            assert started in checkout.log.read_text()
    # nobody waits for one that is over
    assert "Waiting" not in checkout.xmpp(verb, "mine").stderr


def test_destroy_removes_and_installs_nothing(checkout):
    assert checkout.deploy("--destroy").returncode == 0
    assert checkout.log.read_text() == "quickstart down\n"


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_is_a_playbook_and_tells_its_use(verb):
    text = (BIN.parent / "playbooks" / f"{verb}.yml").read_text()
    for option in VERBS[verb].options:
        assert not option.sets or option.sets in text or option.sets in ROLE_DEFAULTS, option
    assert not VERBS[verb].word or VERBS[verb].word_sets in text
    done = run("xmpp", verb, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith(f"bin/xmpp {verb} [INVENTORY]")
    assert all(option.name in done.stdout for option in VERBS[verb].options)


def test_the_help_of_everything_is_one_screen():
    lines = run("xmpp", "--help").stdout.splitlines()
    assert len(lines) <= 32
    assert max(map(len, lines)) <= 120
    assert all(f"  {verb} " in "\n".join(lines) for verb in VERBS)


@pytest.mark.parametrize(
    ("arguments", "handed_on"),
    [
        (["check", "mine", "-l", "xmpp1"], ["-l", "xmpp1"]),
        (["drift", "mine", "--tags", "prosody"], ["--check", "--diff", "--tags", "prosody"]),
        (["dns", "--file", "zone", "mine"], ["-e", {"xmpp_dns_file": "HOME/zone"}]),
        (["dns", "mine", "--file=/tmp/zone"], ["-e", {"xmpp_dns_file": "/tmp/zone"}]),
        (["invite", "mine", "a@op.test"], ["-e", {"xmpp_invite_jid": "a@op.test"}]),
        (["invite", "mine", "--qr", "a.png"], ["-e", {"xmpp_invite_qr": "HOME/a.png"}]),
        (["invite", "a@op.test", "mine"], ["-e", {"xmpp_invite_jid": "a@op.test"}]),
        (
            ["invite", "mine", "op.test", "--expires", "3d"],
            ["-e", {"xmpp_invite_expires": "3d", "xmpp_invite_jid": "op.test"}],
        ),
        (
            ["invite", "mine", "a@op.test", "--reset", "-K"],
            ["-e", {"xmpp_invite_reset": True, "xmpp_invite_jid": "a@op.test"}, "-K"],
        ),
    ],
)
def test_a_verb_is_its_playbook_with_what_it_was_given(checkout, arguments, handed_on):
    done = checkout.xmpp(*arguments)
    assert done.returncode == 0, done.stderr
    before, ansible = checkout.called()
    assert before == ["environment deploy"]
    given = [json.loads(word) if word.startswith("{") else word for word in ansible["arguments"]]
    home = str(checkout.home)
    wanted = [
        {key: str(value).replace("HOME", home) if isinstance(value, str) else value for key, value in word.items()}
        if isinstance(word, dict)
        else word
        for word in handed_on
    ]
    assert given == ["-i", f"{home}/mine", str(checkout.root / "playbooks" / f"{arguments[0]}.yml"), *wanted]


@pytest.mark.parametrize("name", ["example.org", "münchen.example", "xn--mnchen-3ya.example", "chat.example.org."])
def test_the_doctor_takes_any_domain_and_needs_no_inventory(checkout, name):
    done = checkout.xmpp("doctor", name, "--json", "--since", "last.json", CHANGES="1")
    assert done.returncode == 2, done.stderr
    ansible = checkout.called()[1]
    words = [json.loads(word) if word.startswith("{") else word for word in ansible["arguments"]]
    assert words[:2] == ["-i", "localhost,"]
    assert words[-1]["xmpp_doctor_domain"] == name
    assert words[-1]["xmpp_doctor_json"] is True
    assert words[-1]["xmpp_doctor_since"] == f"{checkout.home}/last.json"


def test_the_doctor_takes_an_inventory_and_says_what_is_neither(checkout):
    assert checkout.xmpp("doctor", "mine").returncode == 0
    words = checkout.called()[1]["arguments"]
    assert words[1] == f"{checkout.home}/mine"
    assert "xmpp_doctor_domain" not in json.loads(words[-1])
    assert "no inventory min" in checkout.xmpp("doctor", "min").stderr
    assert "no inventory example.org" in checkout.xmpp("check", "example.org").stderr


def test_other_verbs_want_the_quickstart_there_and_make_nothing(checkout):
    done = checkout.xmpp("check")
    assert done.returncode == 1
    assert "the quickstart does not run here" in done.stderr
    assert checkout.called() == ([], {})
    assert checkout.xmpp("check", RUNNING="true").returncode == 0
    assert checkout.called()[0] == ["quickstart owned", "environment deploy", "quickstart where"]


def test_verbs_know_where_the_container_of_the_quickstart_is(checkout):
    """What was said when it was made need not be said again."""
    tool = checkout.root / "bin" / "lib" / "quickstart"
    tool.write_text('#!/bin/sh\n[ "$1" != where ] || echo 127.0.0.2 9443\n')
    assert checkout.xmpp("check", RUNNING="true").returncode == 0
    told = checkout.called()[1]
    assert (told["XMPP_QUICKSTART_ADDRESS"], told["XMPP_QUICKSTART_WEB_PORT"]) == ("127.0.0.2", "9443")
    assert checkout.xmpp("check", "mine", RUNNING="true").returncode == 0
    assert checkout.called()[1]["XMPP_QUICKSTART_ADDRESS"] == ""


def test_deploy_is_a_verb_and_the_next_command_is_what_was_typed(checkout):
    assert checkout.xmpp("deploy", "mine").returncode == 0
    ansible = checkout.called()[1]
    assert ansible["arguments"][2] == str(checkout.root / "playbooks/deploy.yml")
    assert ansible["XMPP_DEPLOY_AGAIN"] == f"{checkout.root}/bin/xmpp deploy mine"


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["d"], ["deploy", "dns", "doctor", "drain", "drift"]),
        (["deploy", "s"], ["single"]),
        (["invite", "single", "--re"], ["--reset"]),
        (["invite", "--res"], ["--reset"]),
        (["deploy", "--ch"], ["--check"]),
        (["deploy", "--limit", ""], []),
        (["nonsense", ""], []),
    ],
)
def test_bash_is_offered_what_may_stand_there(words, offered):
    assert run("xmpp", "--complete", *words).stdout.split() == offered


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("bin/xmpp dep", ["deploy"]),
        ("bin/deploy si", ["single"]),
        ("bin/deploy --des", ["--destroy"]),
        ("bin/xmpp check q", ["quickstart"]),
    ],
)
def test_bash_completes(tmp_path, line, offered):
    words = line.split()
    quoted = " ".join(words)
    script = f"""
        eval "$({BIN}/xmpp --completion)"
        COMP_WORDS=({quoted}) COMP_CWORD={len(words) - 1}
        _xmpp
        printf '%s\\n' "${{COMPREPLY[@]}}"
        complete -p {words[0]}
    """
    done = subprocess.run(
        ["bash", "-euc", script], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:-2] == offered
    assert "-F _xmpp" in done.stdout


@pytest.mark.parametrize(("changes", "status"), [("0", 0), ("3", 2)])
def test_drift_says_by_its_exit_status_whether_anything_differs(checkout, changes, status):
    assert checkout.xmpp("drift", "mine", CHANGES=changes).returncode == status
    assert checkout.xmpp("check", "mine", CHANGES=changes).returncode == 0


@pytest.mark.parametrize(("verb", "quiet"), [("deploy", "0"), ("check", "0"), ("dns", "1"), ("accounts", "1")])
def test_what_is_printed_is_the_collections_own(checkout, verb, quiet):
    checkout.xmpp(verb, "mine")
    ansible = checkout.called()[1]
    assert ansible["ANSIBLE_STDOUT_CALLBACK"] == "allthingslinux.xmpp.progress"
    assert ansible["XMPP_PROGRESS_QUIET"] == quiet
    checkout.xmpp(verb, "mine", ANSIBLE_STDOUT_CALLBACK="minimal")
    assert checkout.called()[1]["ANSIBLE_STDOUT_CALLBACK"] == "minimal"


def test_status_is_told_where_the_last_runs_are_written_down(checkout):
    checkout.xmpp("check", "mine")
    record = checkout.called()[1]["XMPP_PROGRESS_RECORD"]
    checkout.xmpp("status", "mine", "--json")
    given = json.loads(checkout.called()[1]["arguments"][-1])
    assert given["xmpp_status_records"]["check"] == record
    assert set(given["xmpp_status_records"]) == set(VERBS) - {"status"}
    assert given["xmpp_status_json"] is True
    checkout.xmpp("check", ".")
    assert checkout.called()[1]["XMPP_PROGRESS_RECORD"] != record


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_works_in_the_companion_of_containers_or_refuses_them(verb):
    """There is nothing to connect to outside a run. Playbook site brings its own."""
    plays = yaml.safe_load((BIN.parent / "playbooks" / f"{verb}.yml").read_text())
    imported = [play["ansible.builtin.import_playbook"] for play in plays if "ansible.builtin.import_playbook" in play]
    on_hosts = [
        play for play in plays if set(re.split("[:,]", play.get("hosts", ""))) & {"prosody", "postgresql", "coturn"}
    ]
    brackets = ("containers_open.yml" in imported) + ("containers_close.yml" in imported)
    assert brackets in (0, 2)
    refuses = "(xmpp_backend: host)" in str(plays)
    assert not on_hosts or brackets or refuses
