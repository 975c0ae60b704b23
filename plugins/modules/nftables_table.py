#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A table of nftables that undoes itself unless it is confirmed over a new connection."""

from __future__ import annotations

DOCUMENTATION = r"""
module: nftables_table
short_description: A table of nftables that undoes itself unless it is confirmed
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - With O(state=loaded) a table of the family C(inet) gets the rules of O(content), in one transaction. Other tables,
    as those of Docker and fail2ban, are not touched, and connections that are open stay open if the rules let them.
  - The host loads what was there before by itself after O(revert_after) seconds, unless O(state=confirmed) comes first.
    Reset the connection in between, by C(meta), so that a new one proves that the rules let you in.
  - Confirmed rules are written to O(path), for a systemd unit that loads them at boot.
extends_documentation_fragment:
  - allthingslinux.xmpp.attributes.full
options:
  table:
    description: Name of the table.
    type: str
    required: true
  path:
    description: The file for the rules that were confirmed.
    type: path
    required: true
  content:
    description: The table as C(nft) reads it, C(table inet NAME { … }). Needed but for O(state=absent).
    type: str
  state:
    description: What is to be done.
    type: str
    choices: [loaded, confirmed, absent]
    default: loaded
  keep_sets:
    description: Sets of the table whose elements are kept, those that expire.
    type: list
    elements: str
    default: []
  revert_after:
    description: Seconds until the host goes back by itself.
    type: int
    default: 30
"""

EXAMPLES = r"""
- name: Load the rules
  allthingslinux.xmpp.nftables_table: &rules
    table: guard
    path: /etc/guard.nft
    content: "{{ lookup('ansible.builtin.template', 'guard.nft.j2') }}"
  register: loaded

- name: Connect anew
  ansible.builtin.meta: reset_connection

- name: Keep them
  allthingslinux.xmpp.nftables_table:
    <<: *rules
    state: confirmed
  when: loaded is changed
"""

RETURN = r"""
reverts:
  description: Whether the host goes back by itself unless the rules are confirmed.
  returned: success
  type: bool
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.files import durable
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.host import nftables


class Rules:
    """The rules as asked for, and what the host has."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.path = Path(module.params["path"])
        self.seen = self.path.with_suffix(".loaded")
        self.table = nftables.Table(module.params["table"], self._run)
        self.wanted = nftables.replacement(self.table.name, module.params["content"] or "")
        try:
            self.before = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            self.before = ""

    def _run(self, command: list[str]) -> tuple[int, str, str]:
        try:
            code, out, errors = self.module.run_command(command, handle_exceptions=False)
        except FileNotFoundError as error:
            return 127, "", str(error)
        return int(code), str(out), str(errors)

    def settled(self) -> bool:
        """Whether the kernel has what was confirmed, as it listed it then, and that is what is asked for."""
        seen = self.seen.read_text(encoding="utf-8") if self.seen.is_file() else ""
        return self.before == self.wanted and seen != "" and seen == self.table.listing()

    def load(self) -> bool:
        """Load the rules, the way back prepared; out: whether there was anything to do."""
        if self.settled():
            return False
        if not self.module.check_mode:
            nftables.RUNTIME.mkdir(mode=0o700, exist_ok=True)
            before, rules = nftables.RUNTIME / "before.nft", nftables.RUNTIME / "rules.nft"
            rules.write_text(self.wanted, encoding="utf-8")
            self.table.check(rules)
            rules.write_text(self.wanted + self.table.elements(self.module.params["keep_sets"]), encoding="utf-8")
            self.table.save(before)
            self.table.arm(before, self.module.params["revert_after"])
            self.table.load(rules)
        return True

    def confirm(self) -> bool:
        """Keep what was loaded. Raises NftablesError where the host went back meanwhile."""
        if self.settled():
            return False
        if not self.module.check_mode:
            if not self.table.disarm():
                raise nftables.NftablesError(
                    f"The host has gone back to the rules it had: they were not confirmed within "
                    f"{self.module.params['revert_after']} seconds. Run again, or give it longer."
                )
            durable.write_text(self.path, self.wanted, 0o600)
            durable.write_text(self.seen, self.table.listing(), 0o600)
        return True

    def remove(self) -> bool:
        """Have no such table any more; out: whether there was one, or its files."""
        there = self.table.listing() != "" or self.path.exists()
        if there and not self.module.check_mode:
            self.table.disarm()
            self.path.unlink(missing_ok=True)
            self.seen.unlink(missing_ok=True)
            nothing = nftables.RUNTIME / "rules.nft"
            nothing.parent.mkdir(mode=0o700, exist_ok=True)
            nothing.write_text(nftables.replacement(self.table.name, ""), encoding="utf-8")
            self.table.load(nothing)
        return there


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "table": {"type": "str", "required": True},
            "path": {"type": "path", "required": True},
            "content": {"type": "str"},
            "state": {"type": "str", "choices": ["loaded", "confirmed", "absent"], "default": "loaded"},
            "keep_sets": {"type": "list", "elements": "str", "default": []},
            "revert_after": {"type": "int", "default": 30},
        },
        required_if=[("state", "loaded", ["content"]), ("state", "confirmed", ["content"])],
        supports_check_mode=True,
    )
    rules = Rules(module)
    state = module.params["state"]
    try:
        changed = {"loaded": rules.load, "confirmed": rules.confirm, "absent": rules.remove}[state]()
    except XmppError as error:
        module.fail_json(msg=str(error))
    module.exit_json(
        changed=changed,
        reverts=changed and state == "loaded" and not module.check_mode,
        diff={
            "before_header": str(rules.path),
            "after_header": str(rules.path),
            "before": rules.before,
            "after": "" if state == "absent" else rules.wanted,
        },
    )


if __name__ == "__main__":
    main()
