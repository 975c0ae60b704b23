#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""README.md and the comments in defaults/main.yml of every role, from its meta/argument_specs.yml.

docsmith takes the entry point that is called main for the variables of a role. Ours is called otherwise, so that
Ansible does not check it by itself (the specs say why), and docsmith works on a copy where it is called main. With
--check nothing is written, only compared. Values of defaults are compared in any case: docsmith does not.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

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


def differences(options: Mapping[str, Any], defaults: Mapping[str, Any]) -> list[str]:
    """Where specification and defaults of a role do not say the same; docsmith looks at the names of variables alone.

    A default that is a template and whose type is none of text stands in the defaults only (the specs say why).
    """
    strange = [name for name in defaults if name not in options]
    found = [f"{name} has a default and is no variable of the specification" for name in strange]
    for name, option in options.items():
        there = name in defaults
        if "default" in option and not there:
            found.append(f"{name} has a default in the specification and none in defaults/main.yml")
        elif "default" in option and plain(option["default"]) != plain(defaults[name]):
            found.append(f"{name} has one default in the specification and another one in defaults/main.yml")
        elif "default" not in option and there and "{{" not in str(defaults[name]):
            found.append(f"{name} has a default in defaults/main.yml and none in the specification")
    return found


def plain(value: Any) -> Any:
    """A value as it is compared: how a text is folded makes no difference."""
    return " ".join(value.split()) if isinstance(value, str) else value


def differences_of(role: Path) -> str:
    """The same for the files of a role, a line each."""
    spec = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    main = role / "defaults" / "main.yml"
    defaults = yaml.safe_load(main.read_text(encoding="utf-8")) if main.is_file() else None
    found = differences(spec["argument_specs"]["variables"].get("options") or {}, defaults or {})
    return "".join(f"{role.name}: {line}\n" for line in found)


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
        complaint += differences_of(role)
        if complaint:
            status = 1
            print(complaint, end="")
    return status


if __name__ == "__main__":
    sys.exit(main())
