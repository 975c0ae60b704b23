# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks run as Ansible runs them, as far as that goes without a server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
MITOGEN = list(Path(sys.prefix).glob("lib/python3*/site-packages/ansible_mitogen/plugins/strategy"))


class Operator:
    """Somebody with an inventory, whose sudo lets nothing through and says that it was asked."""

    def __init__(self, top: Path) -> None:
        self.top, self.home, self.inventory = top, top / "home", top / "inventory"
        for directory in (top / "bin", self.home, self.inventory):
            directory.mkdir()
        sudo = top / "bin" / "sudo"
        sudo.write_text(f"#!/bin/sh\ntouch {top}/asked\necho 'sudo: a password is required' >&2\nexit 1\n")
        sudo.chmod(0o755)

    def has(self, inventory: dict[str, Any]) -> None:
        (self.inventory / "hosts.yml").write_text(yaml.safe_dump({"all": inventory}))

    def runs(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        environment |= {
            "PATH": f"{self.top}/bin:{os.environ['PATH']}",
            "HOME": str(self.home),
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_LOCAL_TEMP": str(self.home / "local"),
            "ANSIBLE_REMOTE_TEMP": str(self.home / "remote"),
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache"),
            "ANSIBLE_DEPRECATION_WARNINGS": "false",
            "LC_ALL": "C.UTF-8",
        }
        books = [str(ROOT / "playbooks" / word) if word.endswith(".yml") else word for word in arguments]
        return subprocess.run(
            [sys.executable, "-m", "ansible", "playbook", "-i", str(self.inventory), *books],
            env=environment,
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    @property
    def was_asked_for_sudo(self) -> bool:
        return (self.top / "asked").exists()


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    return Operator(tmp_path)


@pytest.mark.parametrize("fast", [False, True], ids=["ansible", "mitogen"])
def test_an_operator_without_sudo_gets_the_summary(operator, fast):
    if fast and not MITOGEN:
        pytest.skip("no Mitogen here")
    strategy = {"ANSIBLE_STRATEGY": "mitogen_linear", "ANSIBLE_STRATEGY_PLUGINS": str(MITOGEN[0])} if fast else {}
    host = {"ansible_host": "192.0.2.1", "ansible_port": 2222, "prosody_c2s_ports": [5322]}
    variables = {"ansible_become": True, "ansible_become_user": "somebody", "xmpp_domain": "op.test"}
    operator.has({"vars": variables, "children": {"prosody": {"hosts": {"xmpp1": host}}}})
    done = operator.runs("summary.yml", "-e", f"xmpp_summary_file={operator.home}/summary", **strategy)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not operator.was_asked_for_sudo
    text = (operator.home / "summary").read_text()
    assert "op.test\nConnect at      192.0.2.1, port 5322 (STARTTLS)" in text
    assert "ssh -p 2222 192.0.2.1 sudo journalctl" in text
    assert not (operator.inventory / ".secrets").exists()  # to tell is not to make


def test_an_inventory_without_a_host_for_any_service_is_refused(operator):
    operator.has({"children": {"prosody": {}, "postgresql": {"hosts": {}}, "others": {"hosts": {"x": {}}}}})
    done = operator.runs("site.yml", "check.yml")
    assert done.returncode != 0
    assert str(operator.inventory) in done.stdout + done.stderr
    assert "prosody, postgresql, coturn, proxy, monitoring" in " ".join((done.stdout + done.stderr).split())


def test_a_group_that_is_misspelt_in_an_otherwise_empty_inventory_is_named(operator):
    operator.has({"children": {"prosodi": {"hosts": {"xmpp1": {}}}, "turn": {"hosts": {"xmpp1": {}}}}})
    done = operator.runs("site.yml")
    assert done.returncode != 0
    said = " ".join(done.stdout.split())
    assert "there is nothing to do. There is a group prosodi and no host in group prosody" in said
    assert "did you mean coturn?" in said


def test_the_check_tells_what_it_saw_also_without_a_database_host(operator):
    ports = {f"prosody_{name}_ports": [1] for name in ("c2s", "c2s_direct_tls", "https", "s2s", "s2s_direct_tls")}
    variables: dict[str, Any] = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "xmpp_domain": "op.test",
    }
    variables |= {"xmpp_certificate_source": "files", **ports}
    operator.has({"vars": variables, "children": {"prosody": {"hosts": {"xmpp1": {}}}, "postgresql": {}}})
    (operator.inventory / ".secrets").mkdir()
    for number in (1, 2):
        (operator.inventory / ".secrets" / f"probe_xmpp-probe-{number}@op.test").write_text("secret\n")
    done = operator.runs("check.yml")
    assert "FAILED  STARTTLS 1: " in done.stdout
    assert "checks failed; see above" in " ".join((done.stdout + done.stderr).split())


def test_drift_changes_nothing_even_when_it_is_run_as_any_playbook(operator):
    operator.has({"children": {"prosody": {"hosts": {"xmpp1": {"ansible_connection": "local"}}}}})
    done = operator.runs("drift.yml")
    assert done.returncode != 0
    assert "Run it with --check" in done.stdout + done.stderr
    assert "preflight" not in done.stdout


def moved_between(operator, here: bool, services: tuple[str, ...] = ("prosody",)) -> None:
    """Have services moved between a host and containers. here: whether they were in containers."""
    backends: tuple[dict[str, Any], ...] = ({}, {"xmpp_backend": "container"})
    old, new = {"ansible_connection": "local", **backends[here]}, {"ansible_connection": "local", **backends[not here]}
    operator.has(
        {
            "vars": {"xmpp_domain": "op.test"},
            "hosts": {"xmpp1": old},
            "children": {service: {"hosts": {"xmpp2": new}} for service in services},
        }
    )
    (operator.inventory / ".secrets").mkdir()
    record = {"xmpp1": {"roles": list(services), "domains": ["op.test"], "address": "xmpp1"}}
    (operator.inventory / ".secrets" / "deployed.json").write_text(json.dumps(record))


@pytest.mark.parametrize("here", [False, True], ids=["into containers", "out of containers"])
def test_a_deployment_leaves_nothing_behind_between_a_host_and_containers(operator, here):
    moved_between(operator, here)
    done = operator.runs("moved.yml")
    assert done.returncode != 0
    said = " ".join((done.stdout + done.stderr).split())
    assert "What Prosody keeps on xmpp1 would stay there, and nobody would have an account on xmpp2" in said
    assert "bin/xmpp move INVENTORY brings all along" in said
    done = operator.runs("moved.yml", "-e", "__xmpp_moving=true")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Prosody was moved from xmpp1 to xmpp2" in " ".join(done.stdout.split())


@pytest.mark.parametrize("moving", ["false", "true"])
def test_a_single_service_does_not_move_into_containers(operator, moving):
    moved_between(operator, False, ("coturn",))
    done = operator.runs("moved.yml", "-e", f'{{"__xmpp_moving": {moving}}}')
    assert done.returncode != 0
    assert "only together with Prosody" in " ".join((done.stdout + done.stderr).split())


def test_what_cannot_be_brought_is_refused_before_anything_is_asked(operator):
    moved_between(operator, False)
    record = json.loads((operator.inventory / ".secrets" / "deployed.json").read_text())
    record["xmpp1"]["domains"] += ["second.test"]
    (operator.inventory / ".secrets" / "deployed.json").write_text(json.dumps(record))
    done = operator.runs("move.yml", "-e", "xmpp_move_yes=true")
    assert done.returncode != 0
    assert "second.test of xmpp1 would be no more" in " ".join((done.stdout + done.stderr).split())


def test_a_host_that_is_in_containers_now_would_begin_with_nothing(operator):
    operator.has(
        {
            "vars": {"xmpp_domain": "op.test", "xmpp_backend": "container"},
            "children": {"prosody": {"hosts": {"xmpp1": {"ansible_connection": "local"}}}},
        }
    )
    (operator.inventory / ".secrets").mkdir()
    record = {"xmpp1": {"roles": ["prosody"], "domains": ["op.test"], "address": "xmpp1", "backend": "host"}}
    (operator.inventory / ".secrets" / "deployed.json").write_text(json.dumps(record))
    done = operator.runs("moved.yml")
    assert done.returncode != 0
    said = " ".join((done.stdout + done.stderr).split())
    assert "xmpp1 was a host, and the inventory has it in containers" in said


@pytest.mark.parametrize("verb", ["refresh", "compose"])
def test_what_works_with_containers_refuses_hosts(operator, verb):
    operator.has({"children": {"prosody": {"hosts": {"xmpp1": {}}}}})
    done = operator.runs(f"{verb}.yml")
    assert done.returncode != 0
    assert "xmpp1 runs its services itself" in " ".join((done.stdout + done.stderr).split())
    assert not (operator.inventory / ".secrets").exists()
