#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Change Prosody's configuration as a transaction: proved, or undone."""

from __future__ import annotations

DOCUMENTATION = r"""
module: prosody_config
short_description: Change the configuration of Prosody as a transaction
version_added: 0.1.0
description:
  - Takes the whole text of C(prosody.cfg.lua) and the secrets it refers to, and makes the server
    run them, or changes nothing.
  - The text is read by Prosody's own configuration manager, checked by C(prosodyctl check config) and linted, all on a
    staged copy. Then the previous files are kept, the new ones put in their place in one step each, and the least
    disruptive action that really applies the difference is chosen, from the difference between the wanted configuration
    and the one the running server holds, and between the modules configured and those loaded.
  - Afterwards the running server is probed. When anything does not work, the previous files are put back, the server
    runs them again, that is proved too, and the module fails, saying what was tried and what was seen.
  - A run that was interrupted, by a lost connection or a killed process, is finished or undone by the next one.
author:
  - allthingslinux.xmpp contributors (@allthingslinux)
extends_documentation_fragment:
  - allthingslinux.xmpp.attributes.full
requirements:
  - Prosody 13.0 with C(admin_shell) among its C(modules_enabled). Without it only a restart can apply a change.
attributes:
  diff_mode:
    details:
      - The configuration is shown, with the values of options that are named like a secret left out.
      - Of secrets only the names are shown.
options:
  content:
    description: The text of the configuration. Exactly one of O(content) and O(src) is needed.
    type: str
  src:
    description: A file on the managed host that holds the text of the configuration.
    type: path
  path:
    description: The configuration file that Prosody reads.
    type: path
    default: /etc/prosody/prosody.cfg.lua
  owner:
    description: Owner of the configuration and of the secrets, a name or a number.
    type: str
    default: root
  group:
    description: Group of the configuration and of the secrets; Prosody must be able to read them through it.
    type: str
    default: prosody
  mode:
    description: Mode of the configuration and of the secrets, as octal text.
    type: str
    default: '0640'
  secrets:
    description:
      - File name to value of each secret; the configuration refers to them as C(FileLine("/etc/prosody/secrets/NAME")).
      - They change together with the configuration, and are put back together with it.
      - Other files in O(secrets_dir) are removed. Leave the option out to leave the directory alone.
    type: dict
  secrets_dir:
    description: The directory of the secrets.
    type: path
    default: /etc/prosody/secrets
  service:
    description: Name of the service.
    type: str
    default: prosody
  service_state:
    description:
      - With V(started) a stopped Prosody is started, and probed like a running one.
      - With V(unchanged) it stays stopped, and the files are only checked and written.
    type: str
    choices: [started, unchanged]
    default: started
  lint:
    description: Whether to lint the configuration against the sources of the Prosody that is installed.
    type: bool
    default: true
  list_objections:
    description: Whether to return what the linter objects to as a list too, for M(allthingslinux.xmpp.preflight).
    type: bool
    default: false
  lint_ignore:
    description: Codes of lint findings to leave out.
    type: list
    elements: str
    default: []
  probe:
    description: How the running server is probed.
    type: dict
    suboptions:
      enabled:
        description: Whether to probe at all. Without probes nothing is proved and nothing that fails later is undone.
        type: bool
        default: true
      address:
        description: Where ports that are bound to every address are probed. The loopback address, when not given.
        type: str
      timeout:
        description: Seconds for each connection.
        type: float
        default: 5.0
      ignore:
        description:
          - Patterns of probes to leave out, as in V(tls:https:*), V(storage:muc.example.com) or V(port:proxy65:5000).
          - The names are those in RV(failures).
        type: list
        elements: str
        default: []
  socket:
    description: The admin socket of the running Prosody, as seen from where the module runs.
    type: path
    default: /var/lib/prosody/prosody.sock
  timeout:
    description: Seconds that connecting to Prosody, and then each command as a whole, may take.
    type: float
    default: 30.0
  prosodyctl:
    description: The C(prosodyctl) to run, a name to look up in C(PATH), or a path; as a list with what goes before it.
    type: list
    elements: str
    default: [prosodyctl]
  state_dir:
    description: Where the journal and the previous set are kept; only root can enter it.
    type: path
    default: /var/lib/xmpp-prosody-config
"""

EXAMPLES = r"""
- name: Apply the configuration
  allthingslinux.xmpp.prosody_config:
    content: "{{ prosody | allthingslinux.xmpp.prosody_config_text }}"
    secrets: "{{ prosody | allthingslinux.xmpp.prosody_secret_files }}"
  no_log: true

- name: Try a file written by hand, leave the secrets alone, and do not insist on HTTPS
  allthingslinux.xmpp.prosody_config:
    src: /root/prosody.cfg.lua
    probe:
      ignore: ["tls:https:*", "certificate:https:*"]
"""

RETURN = r"""
actions:
  description: What was done, or would be, in this order. On failure what was tried.
  returned: always
  type: list
  elements: dict
  contains:
    action:
      description:
        - One of write, remove, config:reload, module:load, module:unload, module:reload, host:activate,
          host:deactivate, start and restart.
      type: str
    target:
      description: The file, module or host; empty for the server.
      type: str
    why:
      description: Why this is needed. Names options, never values.
      type: str
    hosts:
      description: Where a module is loaded, unloaded or reloaded; C(*) is its global part.
      type: list
      elements: str
  sample:
    - {action: write, target: /etc/prosody/prosody.cfg.lua, why: content differs}
    - {action: "config:reload", target: "", why: limits changed}
    - {action: "module:reload", target: limits, why: limits changed, hosts: ["*"]}
remarks:
  description: What the linter and C(prosodyctl check config) remarked without objecting.
  returned: always
  type: list
  elements: str
recovered:
  description: What became of an earlier run that was interrupted; empty when there was none.
  returned: always
  type: str
failures:
  description: The probes that failed.
  returned: on failure
  type: list
  elements: dict
  contains:
    probe:
      description: Name of the probe.
      type: str
    seen:
      description: What was seen.
      type: str
  sample: [{probe: "tls:c2s:example.com", seen: "127.0.0.1 port 5222: TLS handshake: the connection was closed"}]
objections:
  description: The errors that the linter found, a line each; empty where something else failed.
  returned: with O(list_objections), on failure before anything was touched
  type: list
  elements: str
undone:
  description: Whether the old state is back.
  returned: on failure
  type: bool
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.host.service import Service
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody import connection
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction import (
    linting,
    reading,
    report,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.journal import (
    Journal,
    owner_ids,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.probes import Options
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.run import (
    Request,
    RollbackFailed,
    Transaction,
    Undone,
)

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    **{name: spec for name, spec in connection.argument_spec().items() if name != "config"},
    "content": {"type": "str"},
    "src": {"type": "path"},
    "path": {"type": "path", "default": "/etc/prosody/prosody.cfg.lua"},
    "owner": {"type": "str", "default": "root"},
    "group": {"type": "str", "default": "prosody"},
    "mode": {"type": "str", "default": "0640"},
    "secrets": {"type": "dict", "no_log": True},
    "secrets_dir": {"type": "path", "default": "/etc/prosody/secrets", "no_log": False},
    "service": {"type": "str", "default": "prosody"},
    "service_state": {"type": "str", "choices": ["started", "unchanged"], "default": "started"},
    "lint": {"type": "bool", "default": True},
    "list_objections": {"type": "bool", "default": False},
    "lint_ignore": {"type": "list", "elements": "str", "default": []},
    "probe": {
        "type": "dict",
        "apply_defaults": True,
        "options": {
            "enabled": {"type": "bool", "default": True},
            "address": {"type": "str"},
            "timeout": {"type": "float", "default": 5.0},
            "ignore": {"type": "list", "elements": "str", "default": []},
        },
    },
    "state_dir": {"type": "path", "default": "/var/lib/xmpp-prosody-config"},
}


def request_of(params: dict[str, Any], check_mode: bool) -> Request:
    """The module's options → what is wanted; raises XmppError for what cannot be."""
    if params["content"] is not None:
        content = params["content"].encode()
    else:
        try:
            content = Path(params["src"]).read_bytes()
        except OSError as error:
            raise XmppError(f"Cannot read src {params['src']}: {error.strerror}") from error
    try:
        mode = int(params["mode"], 8)
    except ValueError:
        raise XmppError(f"mode {params['mode']!r} is no octal number such as 0640") from None
    try:
        uid, gid = owner_ids(params["owner"], params["group"])
    except XmppError:
        if not check_mode:  # the group comes with the package, which check mode has not installed
            raise
        uid, gid = 0, 0
    secrets = params["secrets"]
    probe = params["probe"]
    return Request(
        path=params["path"],
        content=content,
        secrets=None if secrets is None else {name: str(value).encode() for name, value in secrets.items()},
        secrets_dir=params["secrets_dir"],
        uid=uid,
        gid=gid,
        mode=mode,
        start=params["service_state"] == "started",
        probe=probe["enabled"],
        options=Options(probe["address"] or "", probe["timeout"], tuple(probe["ignore"])),
        socket=params["socket"],
        timeout=params["timeout"],
        prosodyctl=tuple(params["prosodyctl"]),
    )


def main() -> None:
    """Plan, apply, report."""
    module = AnsibleModule(
        ARGUMENT_SPEC, required_one_of=[("content", "src")], mutually_exclusive=[("content", "src")],
        supports_check_mode=True,
    )  # fmt: skip
    module.run_command_environ_update = {"LC_ALL": "C.UTF-8"}
    params = module.params
    try:
        request = request_of(params, module.check_mode)
        transaction = Transaction(
            request,
            reading.find(),
            Service(module.run_command, params["service"]),
            Journal(params["state_dir"]),
            module.run_command,
            linting.Linter(params["lint"], params["lint_ignore"], module.run_command),
        )
        result = transaction.predict() if module.check_mode else transaction.run()
    except Undone as error:
        undone = not isinstance(error, RollbackFailed)
        module.fail_json(undone=undone, **report.failure(error, params["secrets"]))
    except XmppError as error:
        found = error.objections if isinstance(error, linting.LintFailed) else []
        objections = [report.scrubbed(line, params["secrets"]) for line in found]
        listed = {"objections": objections} if params["list_objections"] else {}
        module.fail_json(msg=report.scrubbed(str(error), params["secrets"]), **listed)
    module.exit_json(**report.success(result, request, module._diff))


if __name__ == "__main__":
    main()
