# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers that benchmarks start, deploy into as an operator does, and remove."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
IMAGE = os.environ.get("XMPP_READY_IMAGE", "xmpp-ready:trixie")


@contextmanager
def container(name: str, image: str = IMAGE, *options: str) -> Iterator[None]:
    """One with systemd, as scenarios have. In: more options of `docker run`."""
    subprocess.run(["docker", "rm", "-f", "--volumes", name], capture_output=True, check=False)
    tmpfs = [word for place in ("/run", "/run/lock", "/tmp") for word in ("--tmpfs", place)]
    words = ["--env", "container=docker", "--cgroupns", "host", "--volume", "/sys/fs/cgroup:/sys/fs/cgroup:rw"]
    words += ["--cap-add", "SYS_ADMIN", "--security-opt", "apparmor=unconfined", *tmpfs, *options]
    run = ["docker", "run", "--detach", "--tty", "--name", name, "--hostname", name, *words, image, "/sbin/init"]
    subprocess.run(run, check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["docker", "rm", "-f", "--volumes", name], capture_output=True, check=False)


def play(inventory: str, playbook: str, *words: str) -> float:
    """Run a playbook. Out: seconds. What it printed is the reason to stop where it fails."""
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", inventory, playbook, *words]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}
    began = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{playbook} failed:\n{done.stdout[-3000:]}")
    return time.monotonic() - began


@contextmanager
def deployed(name: str, groups: Collection[str], variables: dict[str, Any]) -> Iterator[str]:
    """Deploy the groups into a container that is there. Out: the directory of its inventory, which goes afterwards."""
    with tempfile.TemporaryDirectory() as place:
        host = {name: {"ansible_connection": "community.docker.docker"}}
        told = {"ansible_python_interpreter": "/usr/bin/python3", **variables}
        children = {group: {"hosts": host} for group in groups}
        Path(place, "hosts.yml").write_text(yaml.safe_dump({"all": {"vars": told, "children": children}}))
        play(place, "site.yml")
        yield place


class Table:
    """What was measured, printed as it comes. good: whether every figure is inside its bound."""

    def __init__(self) -> None:
        self.good = True

    def row(self, what: str, figure: str, bound: str = "", good: bool = True) -> None:
        """Print a line of it."""
        self.good &= good
        print(f"{'ok ' if good else 'BAD'}  {what:<62} {figure:>16}   {bound}", flush=True)
