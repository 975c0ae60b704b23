# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Callback progress, as ansible-playbook prints small plays through it."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
SECRET = "hunter2-and-a-half"


class Plays:
    """A directory in which plays are run, on hosts that are this machine."""

    def __init__(self, top: Path) -> None:
        self.top = top
        (top / "ansible.cfg").touch()
        (top / "hosts.ini").write_text(
            "[all:vars]\nansible_connection=local\nansible_python_interpreter=" + sys.executable + "\n"
            "[all]\none\ntwo\n[gone]\nthree ansible_connection=ssh ansible_host=127.0.0.1 ansible_port=1\n"
        )

    def write(self, tasks: list[dict[str, Any]], **play: Any) -> None:
        found = {"name": "A step", "hosts": "one", "gather_facts": False, "tasks": tasks, **play}
        (self.top / "play.yml").write_text(yaml.safe_dump([found], sort_keys=False))

    def module(self, name: str, text: str) -> None:
        (self.top / "library").mkdir()
        (self.top / "library" / f"{name}.py").write_text(
            f"from ansible.module_utils.basic import AnsibleModule\nm = AnsibleModule({{}})\n{text}\n"
        )

    def environment(self, **more: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
        return {
            **kept,
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache"),
            "ANSIBLE_STDOUT_CALLBACK": "allthingslinux.xmpp.progress",
            "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml",
            "ANSIBLE_CONFIG": str(self.top / "ansible.cfg"),
            "ANSIBLE_LOCAL_TEMP": str(self.top / "local"),
            "ANSIBLE_REMOTE_TEMP": str(self.top / "remote"),
            "ANSIBLE_HOST_PATTERN_MISMATCH": "ignore",
            "ANSIBLE_TASK_TIMEOUT": "20",
            "ANSIBLE_SSH_TIMEOUT": "2",
            "LC_ALL": "C.UTF-8",
            **more,
        }

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "ansible", "playbook", "-i", "hosts.ini", *(arguments or ()), "play.yml"]

    def run(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            cwd=self.top,
            env=self.environment(**more),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@pytest.fixture
def plays(tmp_path: Path) -> Plays:
    return Plays(tmp_path)


def debug(text: Any, **more: Any) -> dict[str, Any]:
    return {"name": "Say", "ansible.builtin.debug": {"msg": text}, **more}


def change(name: str = "Change", **more: Any) -> dict[str, Any]:
    return {"name": name, "ansible.builtin.command": {"cmd": "true"}, **more}


def fail(**more: Any) -> dict[str, Any]:
    return {"name": "Break", "ansible.builtin.fail": {"msg": "what was seen\nand what to do"}, **more}


def test_one_line_for_each_host_with_count_time_and_what_changed(plays):
    plays.write(
        [
            {
                "name": "Write a file",
                "ansible.builtin.copy": {"content": "x", "dest": f"{plays.top}/made-{{{{ inventory_hostname }}}}"},
            },
            {
                "name": "Loop",
                "ansible.builtin.command": {"cmd": "true"},
                "loop": ["a", "b"],
                "changed_when": "item == 'b'",
            },
            {"name": "Skip", "ansible.builtin.command": {"cmd": "true"}, "when": "false"},
        ],
        hosts="one,two",
    )
    done = plays.run()
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert [re.sub(r"\d+\.\d s", "T", line).split() for line in lines if "1/1" in line] == [
        ["1/1", "A", "step", "one", "T", "2", "changed"],
        ["1/1", "A", "step", "two", "T", "2", "changed"],
    ]
    assert f"          Write a file: {plays.top}/made-one" in lines
    assert "          Loop: b" in lines
    assert "Skip" not in done.stdout
    assert "PLAY RECAP" not in done.stdout
    assert any(re.fullmatch(r"Changed       one: 2 tasks: A step \(2\)", line) for line in lines), lines
    assert done.stderr == ""


def test_nothing_changed_is_said(plays):
    plays.write([{"name": "Look", "ansible.builtin.stat": {"path": "/"}}])
    lines = plays.run().stdout.splitlines()
    assert lines[0].endswith("ok")
    assert lines[-1] == "Changed       nothing"


def test_a_step_in_which_all_was_skipped_is_no_line(plays):
    plays.write([change(when=False)])
    assert "1/1" not in plays.run().stdout


def test_everything_of_a_failure_is_shown(plays):
    plays.write(
        [
            {"name": "Call", "ansible.builtin.command": {"cmd": "sh -c 'echo out of it; echo wrong way >&2; exit 7'"}},
            change("Never"),
        ]
    )
    done = plays.run()
    assert done.returncode == 2
    for text in (
        "FAILED  A step: Call [one]",
        "play.yml:",
        "rc: 7",
        "out of it",
        "wrong way",
        "FAILED        one: A step: Call",
    ):
        assert text in done.stdout, done.stdout
    assert "Never" not in done.stdout


def test_what_a_task_says_of_a_failure_is_all_there(plays):
    plays.write([fail()])
    done = plays.run()
    assert "what was seen" in done.stdout
    assert "and what to do" in done.stdout


def test_an_undefined_variable_is_named(plays):
    plays.write([debug("{{ nobody_knows_this }}")])
    done = plays.run()
    assert done.returncode == 2
    assert "'nobody_knows_this' is undefined" in done.stdout


def test_a_failure_in_a_loop_names_its_item_and_the_others_are_not_lost(plays):
    plays.write([{"name": "Each", "ansible.builtin.command": {"cmd": "test {{ item }} != b"}, "loop": ["a", "b", "c"]}])
    done = plays.run()
    assert done.returncode == 2
    assert done.stdout.count("FAILED  A step: Each [one]") == 1
    assert "(item=b)" in done.stdout
    assert "(item=a)" not in done.stdout
    assert "1 FAILED" in done.stdout


def test_unreachable(plays):
    plays.write([{"name": "Reach", "ansible.builtin.ping": {}}], hosts="gone")
    done = plays.run()
    assert done.returncode == 4
    assert "UNREACHABLE  A step: Reach [three]" in done.stdout
    assert "FAILED        three: A step: cannot be reached" in done.stdout
    plays.write([{"name": "Reach", "ansible.builtin.ping": {}, "ignore_unreachable": True}], hosts="gone")
    done = plays.run()
    assert done.returncode == 0
    assert "ignored  A step: Reach [three]" in done.stdout
    assert "FAILED" not in done.stdout


def test_rescued_is_told_and_is_no_failure(plays):
    block = {"block": [{"block": [fail()]}], "rescue": [change("Mend")]}
    plays.write([{"name": "Try", **block}])
    done = plays.run()
    assert done.returncode == 0, done.stdout
    assert "rescued  A step: Break [one]" in done.stdout
    assert "what was seen" in done.stdout
    assert "Mend" in done.stdout
    assert "1 changed, 1 failed and rescued" in done.stdout
    assert "Rescued       one: 1" in done.stdout
    assert "FAILED" not in done.stdout


def test_a_failure_in_the_rescue_itself_is_one(plays):
    plays.write([{"name": "Try", "block": [fail()], "rescue": [fail(name="Break again")]}])
    done = plays.run()
    assert done.returncode == 2
    assert "rescued  A step: Break [one]" in done.stdout
    assert "FAILED  A step: Break again [one]" in done.stdout


def test_a_rescue_around_an_include_counts(plays):
    (plays.top / "more.yml").write_text(yaml.safe_dump([fail()]))
    plays.write(
        [{"name": "Try", "block": [{"ansible.builtin.include_tasks": "more.yml"}], "rescue": [debug("mended")]}]
    )
    done = plays.run()
    assert done.returncode == 0
    assert "rescued  A step: Break [one]" in done.stdout


def test_ignored(plays):
    plays.write([fail(ignore_errors=True), change("Later")])
    done = plays.run()
    assert done.returncode == 0
    assert "ignored  A step: Break [one]" in done.stdout
    assert "1 changed, 1 failed and ignored" in done.stdout
    assert "Ignored       one: 1" in done.stdout


def test_failed_when_false_is_no_failure(plays):
    plays.write(
        [{"name": "Ask", "ansible.builtin.command": {"cmd": "false"}, "failed_when": False, "changed_when": False}]
    )
    done = plays.run()
    assert done.returncode == 0
    assert "FAILED" not in done.stdout
    assert done.stdout.splitlines()[0].endswith("ok")


def test_handlers_count(plays):
    plays.write([change(notify="Restart")], handlers=[change("Restart")])
    done = plays.run()
    assert "2 changed" in done.stdout
    assert "          Restart" in done.stdout.splitlines()


def test_a_failed_handler(plays):
    plays.write([change(notify="Restart")], handlers=[fail(name="Restart")])
    done = plays.run()
    assert done.returncode == 2
    assert "FAILED  A step: Restart [one]" in done.stdout


def test_check_and_diff(plays):
    target = plays.top / "made"
    plays.write([{"name": "Write a file", "ansible.builtin.copy": {"content": "inside\n", "dest": str(target)}}])
    done = plays.run("--check", "--diff")
    assert not target.exists()
    assert done.stdout.startswith("Nothing is changed: a check says what would be")
    assert "+inside" in done.stdout
    assert "1 would change" in done.stdout
    assert "Would change  one: 1 tasks: A step (1)" in done.stdout


def test_a_diff_of_a_task_without_log_is_not_shown(plays):
    task = {
        "ansible.builtin.copy": {"content": f"{SECRET}\n", "dest": f"{plays.top}/made"},
        "name": "Write",
        "no_log": True,
    }
    plays.write([task])
    done = plays.run("--diff")
    assert done.returncode == 0
    assert SECRET not in done.stdout + done.stderr
    assert "1 changed" in done.stdout


SECRETIVE: list[dict[str, Any]] = [
    {"ansible.builtin.fail": {"msg": SECRET}},
    {"ansible.builtin.debug": {"msg": SECRET}},
    {"ansible.builtin.command": {"cmd": f"echo {SECRET}"}},
    {"ansible.builtin.command": {"cmd": f"sh -c 'echo {SECRET}; exit 3'"}},
    {"ansible.builtin.command": {"cmd": "echo {{ item }}"}, "loop": [SECRET]},
    {"ansible.builtin.command": {"cmd": "sh -c 'echo {{ item }}; exit 3'"}, "loop": [SECRET]},
    {"ansible.builtin.assert": {"that": "item != ''", "quiet": True}, "loop": [f"ok {SECRET}"]},
    {"ansible.builtin.assert": {"that": "item == ''"}, "loop": [SECRET], "loop_control": {"label": "{{ item }}"}},
    {"ansible.builtin.command": {"cmd": f"sh -c 'echo {SECRET}; exit 3'"}, "retries": 1, "delay": 0, "until": "false"},
    {"warner": {}},
]


def test_secrets_are_never_shown(plays):
    plays.module("warner", f"m.warn('{SECRET}')\nm.exit_json(changed=True, msg='{SECRET}')")
    plays.write([{"name": "Quietly", "no_log": True, "ignore_errors": True, **task} for task in SECRETIVE])
    record = plays.top / "record.json"
    done = plays.run(XMPP_PROGRESS_RECORD=str(record))
    assert done.returncode == 0, done.stdout
    assert SECRET not in done.stdout + done.stderr + record.read_text()
    assert "hidden (no_log)" in done.stdout


def test_the_last_failure_shows_no_secret_either(plays):
    plays.write([{"name": "Quietly", "no_log": True, "ansible.builtin.fail": {"msg": SECRET}}])
    done = plays.run()
    assert done.returncode == 2
    assert SECRET not in done.stdout + done.stderr
    assert "FAILED        one: A step: Quietly" in done.stdout


def test_what_a_playbook_says_is_said_as_it_is(plays):
    plays.write(
        [debug(["first", "second"]), debug("one\ntwo"), {"ansible.builtin.debug": {"var": "inventory_hostname"}}]
    )
    lines = plays.run(XMPP_PROGRESS_QUIET="1").stdout.splitlines()
    assert lines[:4] == ["first", "second", "one", "two"]
    assert "inventory_hostname: one" in lines[4] + lines[5]


def test_quiet_says_nothing_but_failures(plays):
    plays.write([change()])
    assert plays.run(XMPP_PROGRESS_QUIET="1").stdout == ""
    plays.write([fail()])
    assert "FAILED        one: A step: Break" in plays.run(XMPP_PROGRESS_QUIET="1").stdout


def test_checks_with_real_clients_are_what_was_proved(plays):
    lines = ["ok      one", "FAILED  two", "absent  three"]
    task = {
        "ansible.builtin.assert": {"that": True, "quiet": True},
        "loop": lines,
        "loop_control": {"label": "{{ item }}"},
    }
    plays.write([{"name": "What was seen", **task}])
    done = plays.run()
    assert all(f"          {line}" in done.stdout.splitlines() for line in lines)
    assert "Proved        1 of 2 checks" in done.stdout


def test_warnings_are_shown(plays):
    plays.module("warner", "m.warn('beware of it')\nm.exit_json(changed=False)")
    plays.write([{"name": "Warn", "warner": {}}])
    done = plays.run()
    assert "beware of it" in done.stdout + done.stderr


def test_a_role_of_several_is_a_step(plays):
    for name in ("red", "blue"):
        (plays.top / "roles" / name / "tasks").mkdir(parents=True)
        (plays.top / "roles" / name / "tasks" / "main.yml").write_text(yaml.safe_dump([change(f"Do {name}")]))
    inner = plays.top / "roles" / "inner" / "tasks"
    inner.mkdir(parents=True)
    (inner / "main.yml").write_text(yaml.safe_dump([change("Do within")]))
    (plays.top / "roles" / "blue" / "tasks" / "main.yml").write_text(
        yaml.safe_dump([{"ansible.builtin.include_role": {"name": "inner"}}])
    )
    plays.write([], roles=["red", "blue"])
    lines = [line for line in plays.run().stdout.splitlines() if "1/1" in line]
    assert [line.split()[1:4] for line in lines] == [["A", "step:", "red"], ["A", "step:", "blue"]]


def test_what_is_included_and_who_it_is_delegated_to_make_no_further_lines(plays):
    tasks = plays.top / "roles" / "red" / "tasks"
    tasks.mkdir(parents=True)
    (tasks / "main.yml").write_text(yaml.safe_dump([change("Do red")]))
    include = {"ansible.builtin.include_role": {"name": "red"}}
    plays.write([change("Before"), include, include, change("There", delegate_to="two")])
    done = plays.run()
    lines = [line for line in done.stdout.splitlines() if "1/1" in line]
    assert len(lines) == 1, done.stdout
    assert "4 changed" in lines[0]


def test_a_play_in_batches_is_one_of_the_plays(plays):
    plays.write([change()], hosts="one,two", serial=1)
    lines = [line.split()[0] for line in plays.run().stdout.splitlines() if "A step  " in line]
    assert lines == ["1/1", "1/1"]


def test_verbose_is_ansibles_own(plays):
    plays.write([change()])
    done = plays.run("-v")
    assert "PLAY RECAP" in done.stdout
    assert "TASK [Change]" in done.stdout
    assert "1/1" not in done.stdout


def test_a_pipe_gets_plain_lines(plays):
    plays.write([change(), fail()])
    assert "\x1b" not in plays.run().stdout
    assert "\r" not in plays.run().stdout


@pytest.mark.parametrize(("terminal", "live"), [("xterm", True), ("dumb", False)])
def test_a_terminal_sees_what_is_being_done(plays, terminal, live):
    plays.write([change("Look for it")])
    master, slave = pty.openpty()
    environment = plays.environment(TERM=terminal, ANSIBLE_NOCOLOR="1")
    with subprocess.Popen(
        plays.command(), cwd=plays.top, env=environment, stdin=slave, stdout=slave, stderr=slave
    ) as process:
        os.close(slave)
        seen = b""
        while True:
            try:
                block = os.read(master, 65536)
            except OSError:
                break
            if not block:
                break
            seen += block
        process.wait(timeout=60)
    os.close(master)
    assert (b"A step: Look for it" in seen) is live
    assert (b"\x1b[K" in seen) is live
    assert b"1 changed" in seen


def test_the_record_tells_the_run(plays):
    plays.write([change("Alter")], hosts="one,two")
    path = plays.top / "record.json"
    plays.run(XMPP_PROGRESS_RECORD=str(path))
    told = json.loads(path.read_text())
    assert told["changed"] == {"one": 1, "two": 1}
    assert told["failed"] == []
    assert told["changes"][0] == {"host": "one", "step": "A step", "task": "Alter", "why": ""}


def test_who_stops_to_read_stops_nothing(plays):
    """As with | head: no warning, and all that was to be done is done."""
    lines = {"ansible.builtin.debug": {"msg": ["a line"] * 40000}}
    marked = {"ansible.builtin.copy": {"content": "", "dest": str(plays.top / "done")}}
    plays.write([{"name": "Tell", **lines}, {"name": "Tell again", **lines}, {"name": "Do something", **marked}])
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        plays.command(),
        cwd=plays.top,
        env=plays.environment(),
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")
    assert (plays.top / "done").exists()


def test_what_a_failure_advises_is_typed_where_the_services_are(plays):
    plays.write(
        [{"name": "Break", "ansible.builtin.fail": {"msg": "it is down: journalctl -u prosody -n 9"}}], hosts="one,two"
    )
    (plays.top / "host_vars").mkdir()
    contained = {"xmpp_backend": "container", "ansible_host": "xmpp-chat-companion"}
    (plays.top / "host_vars" / "one").write_text(yaml.safe_dump(contained))
    said = plays.run().stdout
    assert said.count("On the Docker host that is: docker logs --tail 9 xmpp-chat-prosody\n") == 1
    assert said.count("Break [") == 2
