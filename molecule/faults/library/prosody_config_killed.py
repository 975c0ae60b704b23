# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test double: prosody_config that is killed for real (SIGKILL) as soon as its journal says a given phase."""

from __future__ import annotations

import os
import signal

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.host.service import Service
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction import linting, reading
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.journal import Journal, owner_ids
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.probes import Options
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.run import Request, Transaction


class Doomed(Journal):
    """A journal whose writer dies."""

    def __init__(self, directory: str, phase: str) -> None:
        super().__init__(directory)
        self._last = phase

    def phase(self, entry, phase):
        super().phase(entry, phase)
        if phase == self._last:
            os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    module = AnsibleModule({"phase": {"type": "str"}, "arguments": {"type": "dict", "no_log": True}})
    given = module.params["arguments"]
    uid, gid = owner_ids("root", "prosody")
    request = Request(
        path="/etc/prosody/prosody.cfg.lua",
        content=given["content"].encode(),
        secrets={name: value.encode() for name, value in given["secrets"].items()},
        secrets_dir="/etc/prosody/secrets",
        uid=uid,
        gid=gid,
        mode=0o640,
        start=True,
        probe=True,
        options=Options(),
        socket="/var/lib/prosody/prosody.sock",
        timeout=30.0,
        prosodyctl=("prosodyctl",),
    )
    Transaction(
        request,
        reading.find(),
        Service(module.run_command),
        Doomed("/var/lib/xmpp-prosody-config", module.params["phase"]),
        module.run_command,
        linting.Linter(False, [], module.run_command),
    ).run()
    module.fail_json(msg="survived")


if __name__ == "__main__":
    main()
