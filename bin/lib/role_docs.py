#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""README.md and the comments in defaults/main.yml of every role, from its meta/argument_specs.yml.

With --check nothing is written, only compared.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def main() -> int:
    """Out: 0 when every role's documentation is what its specification says, else 1."""
    check = ["--check"] if "--check" in sys.argv[1:] else []
    tool = str(Path(sys.executable).with_name("ansible-docsmith"))
    status = 0
    for spec in sorted(ROOT.glob("roles/*/meta/argument_specs.yml")):
        role = spec.parent.parent
        done = subprocess.run([tool, "generate", *check, str(role)], capture_output=True, text=True, check=False)
        if done.returncode:
            status = 1
            print(f"{role.name}: not what meta/argument_specs.yml says; bin/lib/role_docs.py makes it anew")
            print(done.stdout + done.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
