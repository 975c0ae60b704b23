#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collections of requirements.yml into .cache.

From Galaxy, or, where it is not reached, out of the package "ansible", which holds them all.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import yaml
from ansible.release import __version__ as core_version

ROOT = Path(__file__).resolve().parent.parent.parent
CACHE = ROOT / ".cache"
BIN = Path(sys.executable).parent
# the package "ansible" that was made for each ansible-core
ANSIBLE_OF_CORE = {"2.19": 12, "2.20": 13, "2.21": 14}


def from_galaxy() -> bool:
    """Install with ansible-galaxy; out: whether it could. What it said is kept in .cache/galaxy.log."""
    command = [
        str(BIN / "ansible-galaxy"),
        "collection",
        "install",
        "-r",
        str(ROOT / "requirements.yml"),
        "-p",
        str(CACHE),
    ]
    # what lies elsewhere, where the operator's own setting leads, is not in this checkout
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(CACHE)}
    with open(CACHE / "galaxy.log", "w", encoding="utf-8") as log:
        done = subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, env=environment, check=False)
    return done.returncode == 0


def from_package() -> None:
    """Take just the wanted collections, and what they depend on, out of the wheel of "ansible"."""
    major = ANSIBLE_OF_CORE[".".join(core_version.split(".")[:2])]
    wanted = [
        item["name"] for item in yaml.safe_load((ROOT / "requirements.yml").read_text(encoding="utf-8"))["collections"]
    ]
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "-q",
            "--no-deps",
            "--only-binary=:all:",
            "-d",
            folder,
            f"ansible=={major}.*",
        ]
        done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            sys.exit(
                "The collections could be had neither from Galaxy (see .cache/galaxy.log)"
                f" nor from the package ansible:\n{done.stderr}"
            )
        wheel = zipfile.ZipFile(next(Path(folder).glob("ansible-*.whl")))
        names = wheel.namelist()
        taken: set[str] = set()
        while wanted:
            name = wanted.pop()
            if name in taken:
                continue
            taken.add(name)
            prefix = f"ansible_collections/{name.replace('.', '/')}/"
            members = [member for member in names if member.startswith(prefix)]
            if not members:
                sys.exit(f"{name} is neither on Galaxy (see .cache/galaxy.log) nor in the package ansible {major}")
            wheel.extractall(CACHE, members)
            wanted += json.loads(wheel.read(prefix + "MANIFEST.json"))["collection_info"]["dependencies"]
    print(f"   Galaxy was not reached: took {len(taken)} collections out of the package ansible {major}")


if __name__ == "__main__":
    if not from_galaxy():
        from_package()
