#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Check a Prosody configuration against the sources of the installed Prosody."""

from __future__ import annotations

DOCUMENTATION = r"""
module: prosody_lint
short_description: Check a Prosody configuration against the sources of the installed Prosody
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - Reads the configuration with Prosody's own parser, and every option, module, store, port and provider that can be
    configured from the sources of the Prosody and the community modules that are installed on the host.
  - Reports options that nothing reads, with the nearest real name; options of modules that are not enabled; options in
    the wrong section; wrong types, values and ranges; stores that no module opens; modules, providers, libraries and
    included files that do not exist; names that are no values of Lua (C(False)); deprecated and removed names.
  - Works on any server, also one with a hand-written configuration that this collection does not manage.
    It changes nothing.
  - The configuration is run without privileges, as the user Prosody runs as, with a time limit; commands, writing and
    removing files are refused to it. Values that come out of files (C(FileLine) and its like) are never shown.
extends_documentation_fragment:
  - allthingslinux.xmpp.attributes.info
options:
  path:
    description: The configuration file.
    type: path
    default: /etc/prosody/prosody.cfg.lua
  as_path:
    description:
      - Path under which the file is read, for a copy that lies elsewhere; relative paths in it resolve against the
        directory of this one.
      - The same as O(path) without it.
    type: path
  fail_on:
    description:
      - The least severity that makes the task fail.
    type: str
    choices: [error, warning, never]
    default: error
  ignore:
    description:
      - Findings to leave out, a code (V(unread-option)), an option (V(site_motto)) or both
        (V(unread-option:site_motto)).
    type: list
    elements: str
    default: []
  timeout:
    description: Seconds that reading the configuration may take.
    type: int
    default: 20
seealso:
  - module: allthingslinux.xmpp.prosody_config
notes:
  - Run it as root, so that the configuration can be read.
  - The codes are described in the guide to the linter, C(docs/linter.md).
"""

EXAMPLES = r"""
- name: Check the configuration of a server
  allthingslinux.xmpp.prosody_lint:

- name: See what is wrong without failing
  allthingslinux.xmpp.prosody_lint:
    fail_on: never
  register: lint

- name: Check a draft before it is installed, strictly
  allthingslinux.xmpp.prosody_lint:
    path: /root/draft.cfg.lua
    as_path: /etc/prosody/prosody.cfg.lua
    fail_on: warning
    ignore:
      - unread-option:site_motto
"""

RETURN = r"""
findings:
  description: What was found, in the order of the file.
  returned: always
  type: list
  elements: dict
  sample:
    - severity: error
      code: unread-option
      where: prosody.cfg.lua:12
      message: archive_compression is read by nothing in this Prosody or its modules
      hint: remove it, archives are never compressed
      host: "*"
      option: archive_compression
      file: /etc/prosody/prosody.cfg.lua
      line: 12
  contains:
    severity:
      description: V(error) or V(warning).
      type: str
    code:
      description: Kind of the finding; what O(ignore) takes.
      type: str
    where:
      description: File, line and host in short.
      type: str
    message:
      description: What is wrong.
      type: str
    hint:
      description: What to do about it, empty when there is nothing to say.
      type: str
    host:
      description: The host it is about, V(*) for the global section.
      type: str
    option:
      description: The option, the module or the host it is about.
      type: str
    file:
      description: The file it is in.
      type: str
    line:
      description: The line, 0 when it is not known.
      type: int
lines:
  description: The findings as text, one line each.
  returned: always
  type: list
  elements: str
  sample:
    - "error: prosody.cfg.lua:12: archive_compression is read by nothing in this Prosody or its modules \
      — remove it, archives are never compressed [unread-option]"
errors:
  description: Number of errors.
  returned: always
  type: int
  sample: 1
warnings_found:
  description: Number of warnings.
  returned: always
  type: int
  sample: 0
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint import ERROR, Finding, lint_file


def verdict(path: str, findings: list[Finding], fail_on: str) -> str:
    """Text of the failure, with every finding on a line of its own; "" when the task may pass."""
    errors = sum(finding.severity == ERROR for finding in findings)
    if fail_on == "never" or not findings or (fail_on == "error" and not errors):
        return ""
    count = f"{errors} error(s) and {len(findings) - errors} warning(s)"
    return f"{path} has {count}:\n" + "\n".join(str(finding) for finding in findings)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "default": "/etc/prosody/prosody.cfg.lua"},
            "as_path": {"type": "path"},
            "fail_on": {"type": "str", "choices": ["error", "warning", "never"], "default": "error"},
            "ignore": {"type": "list", "elements": "str", "default": []},
            "timeout": {"type": "int", "default": 20},
        },
        supports_check_mode=True,
    )
    wanted = module.params
    try:
        findings = lint_file(
            wanted["path"],
            run_command=module.run_command,
            as_path=wanted["as_path"] or wanted["path"],
            ignore=wanted["ignore"],
            timeout=wanted["timeout"],
        )
    except XmppError as error:
        module.fail_json(msg=str(error), findings=[], lines=[], errors=0, warnings_found=0)
    result = {
        "changed": False,
        "findings": [finding.as_dict() for finding in findings],
        "lines": [str(finding) for finding in findings],
        "errors": sum(finding.severity == ERROR for finding in findings),
        "warnings_found": sum(finding.severity != ERROR for finding in findings),
    }
    failure = verdict(wanted["path"], findings, wanted["fail_on"])
    if failure:
        module.fail_json(msg=failure, **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
