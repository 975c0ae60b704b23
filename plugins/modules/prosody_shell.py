#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: prosody_shell
short_description: Run one command of Prosody's shell
version_added: 1.0.0
description:
  - Runs a command that C(prosodyctl shell) knows, through the admin socket, for what no other module of this
    collection does.
  - State what makes it a change (O(changed)), a failure (O(failed)) and unnecessary (O(unless)), so that the task
    is truthful.
  - Passwords go into O(secrets). They are answers to prompts, never part of a command line.
  - Nothing is written to a file C(.shell_history), which C(prosodyctl shell) leaves with passwords in clear.
author:
  - allthingslinux.xmpp contributors (@allthingslinux)
options:
  argv:
    description:
      - The command as words, section and name first. Each word arrives as it is, so nothing needs quoting.
      - Exactly one of O(argv) and O(command) is needed.
    type: list
    elements: str
  command:
    description:
      - The command as it is written in Prosody's shell, C(section:name(arguments\)), where texts need quotes.
      - With a leading C(>) it is Lua that runs inside the server and can do everything.
    type: str
  secrets:
    description:
      - Answers to the prompts for passwords, in their order.
      - A prompt that finds none left makes the task fail.
    type: list
    elements: str
  read_only:
    description:
      - Whether the command only reads. It then never counts as a change, and runs in check mode, too.
    type: bool
    default: false
  changed:
    description:
      - Regular expression that the answer matches when the command has changed something.
      - Without it, a command that ran has changed something, unless it is O(read_only).
    type: str
  failed:
    description:
      - Regular expression that the answer matches when the command has failed.
      - What Prosody calls an error is a failure anyway. It does not say so of all of them, as in
        C(Module reloaded on 0 hosts).
    type: str
  unless:
    description:
      - A command, written as in O(command), that only reads. When it succeeds, there is nothing to do.
      - It runs in check mode, too.
    type: str
  unless_matches:
    description: Regular expression that the answer to O(unless) must match, too, for there to be nothing to do.
    type: str
extends_documentation_fragment:
  - allthingslinux.xmpp.connection
  - allthingslinux.xmpp.attributes
attributes:
  check_mode:
    support: partial
    details:
      - In check mode the guard and a command that only reads are run. Any other command is not, and counts as a change.
  diff_mode:
    support: none
  idempotent:
    support: partial
    details:
      - As far as O(unless) or O(changed) make it.
notes:
  - Ansible logs the arguments and the result of a task. So a command that may have a secret in either is refused unless
    the task has C(no_log=true). These are passwords among the arguments, options that may hold a secret, invitations,
    and Lua that names such things.
  - Commands of the section C(watch) never end and are refused.
seealso:
  - module: allthingslinux.xmpp.prosody_info
  - module: allthingslinux.xmpp.prosody_room
"""

EXAMPLES = r"""
- name: See who is connected
  allthingslinux.xmpp.prosody_shell:
    argv: [c2s, show]
    read_only: true
  register: clients

- name: Let alice and bob see each other
  allthingslinux.xmpp.prosody_shell:
    argv: [roster, subscribe_both, alice@example.org, bob@example.org]
    unless: roster:show("alice@example.org")
    unless_matches: bob@example\.org.*both

- name: Create the account of a bot
  allthingslinux.xmpp.prosody_shell:
    argv: [user, create, bot@example.org]
    secrets: ["{{ bot_password }}"]
    unless: user:role("bot@example.org")

- name: Reload a module, which must be loaded
  allthingslinux.xmpp.prosody_shell:
    command: module:reload("firewall", "example.org")
    failed: on 0 hosts
"""

RETURN = r"""
ran:
  description: Whether the command was run.
  type: bool
  returned: always
  sample: true
output:
  description: The lines that the command printed.
  type: list
  elements: str
  returned: when it ran
  sample: [alice@example.org]
result:
  description: The result that Prosody gave at the end.
  type: str
  returned: when it ran
  sample: "OK: Showing all 1 users"
reason:
  description: Why the command was not run.
  type: str
  returned: when it did not run
  sample: "the guard holds: OK: prosody:member"
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody import connection, shell_command


def run(module):
    """Run the declared command, or say why not; return the result of the module."""
    params = module.params
    argv, line = params["argv"], params["command"]
    command = shell_command.from_words(argv) if argv else shell_command.from_line(line)
    guard = shell_command.from_line(params["unless"]) if params["unless"] else None
    patterns = {name: shell_command.pattern(name, params[name]) for name in ("changed", "failed", "unless_matches")}
    for each in (command, guard):
        if each:
            shell_command.refuse(each, module.no_log)
    with connection.connect(params) as socket:
        if guard:
            reply = socket.command(guard.line, check=False)
            if shell_command.guarded(guard, reply, patterns["unless_matches"]):
                return {"changed": False, "ran": False, "reason": f"the guard holds: {reply.text}"}
        if module.check_mode and not params["read_only"]:
            return {"changed": True, "ran": False, "reason": "check mode: what may change something is not run"}
        reply = socket.command(command.line, params["secrets"] or (), check=False)
    result = {"ran": True, "output": list(reply.output), "result": reply.text}
    try:
        changed = shell_command.judge(command, reply, patterns["changed"], patterns["failed"])
    except XmppError as error:
        module.fail_json(msg=str(error), **result)
    return {"changed": changed and not params["read_only"], **result}


def main():
    module = AnsibleModule(
        argument_spec={
            **connection.argument_spec(),
            "argv": {"type": "list", "elements": "str"},
            "command": {"type": "str"},
            "secrets": {"type": "list", "elements": "str", "no_log": True},
            "read_only": {"type": "bool", "default": False},
            "changed": {"type": "str"},
            "failed": {"type": "str"},
            "unless": {"type": "str"},
            "unless_matches": {"type": "str"},
        },
        mutually_exclusive=[("argv", "command"), ("read_only", "changed")],
        required_one_of=[("argv", "command")],
        required_by={"unless_matches": ("unless",)},
        supports_check_mode=True,
    )
    try:
        result = run(module)
    except XmppError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
