# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that answer what a file says: as good as real ones for as long as nothing is changed, and at hand at once.

CANNED names a JSON file: host, then module, then its answer; the host "all" answers for those that say nothing else. An
answer is a result, or {"rc": …, "stdout": …, "stderr": …} in place of one, or {"unreachable": why}. A module that no
answer is for is noted beside the file, as what would have been run, and fails.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.connection import ConnectionBase

DOCUMENTATION = """
name: canned
short_description: Answers out of a file
description: Answers out of a file.
author: allthingslinux.xmpp contributors (@allthingslinux)
options:
  host:
    description: Who answers.
    default: inventory_hostname
    vars:
      - name: inventory_hostname
extends_documentation_fragment: connection_pipelining
"""

MODULE = re.compile(rb"module_fqn=['\"]([A-Za-z0-9_.]+)['\"]")


class Connection(ConnectionBase):
    """Connection plugin canned."""

    transport = "canned"
    has_pipelining = True

    def _connect(self) -> Connection:
        return self

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        """Answer for the module that is sent; say yes to everything else."""
        found = MODULE.search(in_data or b"")
        if not found:
            return 0, b"/root\n", b""
        module = found[1].decode().rpartition(".")[2]
        path = Path(os.environ["CANNED"])
        answers: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        host = str(self.get_option("host"))
        answer = {**answers["all"], **answers.get(host, {})}.get(module)
        if answer is None:
            with path.with_name("would-run").open("a", encoding="utf-8") as file:
                file.write(f"{host} {module}\n")
            answer = {"failed": True, "msg": f"{module} would run"}
        if "unreachable" in answer:
            raise AnsibleConnectionFailure(answer["unreachable"])
        if "stdout" in answer or "stderr" in answer:
            return int(answer.get("rc", 1)), answer.get("stdout", "").encode(), answer.get("stderr", "").encode()
        return 0, json.dumps(answer).encode(), b""

    def put_file(self, in_path: str, out_path: str) -> None:
        """Nothing is put anywhere."""

    def fetch_file(self, in_path: str, out_path: str) -> None:
        """Nothing is there to fetch."""

    def close(self) -> None:
        """Nothing is open."""
