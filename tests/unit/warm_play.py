# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A play that the installed Ansible runs on this machine, with what earlier runs of it kept."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def collections_of(file: str) -> Path:
    """Out: the ansible_collections that a plugin's file lies in."""
    return next(path for path in Path(file).absolute().parents if path.name == "ansible_collections")


def run(directory: Path, collections: Path, **more: str) -> str:
    """Run play.yml of a directory, where Ansible has its home as well. Out: what was printed.

    collections: what has ansible_collections; more: of the environment. Raises CalledProcessError.
    """
    (directory / "ansible.cfg").touch()
    return subprocess.run(
        [Path(sys.executable).with_name("ansible-playbook"), "-i", "localhost,", "-c", "local", "play.yml"],
        cwd=directory,
        env={
            **os.environ,
            "ANSIBLE_HOME": str(directory / "home"),
            "ANSIBLE_COLLECTIONS_PATH": str(collections),
            "ANSIBLE_CALLBACKS_ENABLED": "allthingslinux.xmpp.warm",
            "ANSIBLE_CONFIG": str(directory / "ansible.cfg"),
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            **more,
        },
        capture_output=True,
        text=True,
        check=True,
    ).stdout
