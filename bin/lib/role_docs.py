#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""README.md and the comments in defaults/main.yml of every role, from its meta/argument_specs.yml.

docsmith takes the entry point that is called main for the variables of a role. Ours is called otherwise, so that
Ansible does not check it by itself (the specs say why), and docsmith works on a copy where it is called main. With
--check nothing is written, only compared.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
ENTRY = re.compile(r"^  variables:$", re.MULTILINE)
MADE = ("README.md", "defaults/main.yml")


def generate(role: Path, copy: Path) -> str:
    """Make the documentation of a role in a copy of it. Out: what docsmith complains of, or nothing."""
    for name in ("meta", "defaults"):
        if (role / name).is_dir():
            shutil.copytree(role / name, copy / name)
    shutil.copy(role / "README.md", copy / "README.md")
    spec = copy / "meta" / "argument_specs.yml"
    text, found = ENTRY.subn("  main:", spec.read_text(encoding="utf-8"))
    if found != 1:
        return f"{role.name}: meta/argument_specs.yml has no entry 'variables'\n"
    spec.write_text(text, encoding="utf-8")
    tool = str(Path(sys.executable).with_name("ansible-docsmith"))
    done = subprocess.run([tool, "generate", str(copy)], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr if done.returncode else ""


def main() -> int:
    """Out: 0 when every role's documentation is what its specification says, else 1."""
    check = "--check" in sys.argv[1:]
    status = 0
    for spec in sorted(ROOT.glob("roles/*/meta/argument_specs.yml")):
        role = spec.parent.parent
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / role.name
            copy.mkdir()
            complaint = generate(role, copy)
            for name in MADE:
                made = (copy / name).read_bytes() if (copy / name).is_file() else b""
                if complaint or made == ((role / name).read_bytes() if (role / name).is_file() else b""):
                    continue
                if check:
                    complaint = (
                        f"{role.name}: not what meta/argument_specs.yml says; bin/lib/role_docs.py makes it anew\n"
                    )
                else:
                    (role / name).write_bytes(made)
        if complaint:
            status = 1
            print(complaint, end="")
    return status


if __name__ == "__main__":
    sys.exit(main())
