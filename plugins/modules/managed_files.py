#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Bring a set of files and directories into the state they shall have, in one task."""

from __future__ import annotations

DOCUMENTATION = r"""
module: managed_files
short_description: Bring a set of files and directories into the state they shall have
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - Creates, writes and removes files and directories in the order given, all in one task. A file is replaced at once
    and has its owner and mode from its first moment.
  - In check mode it predicts also what it could not do yet, because a package brings the owner or the directory later.
extends_documentation_fragment:
  - allthingslinux.xmpp.attributes.full
attributes:
  diff_mode:
    details:
      - The diff shows the text of O(files), and never that of O(secrets).
options:
  files:
    description:
      - What shall be there, in the open. Directories before what lies in them.
    type: list
    elements: dict
    default: []
    suboptions: &suboptions
      path:
        description: The absolute path.
        type: path
        required: true
      state:
        description: What it shall be. V(absent) removes a directory with all that lies in it.
        type: str
        choices: [file, directory, absent]
        default: file
      content:
        description: The text of a file.
        type: str
      src:
        description: A file on the host to copy from, in place of a text.
        type: path
      template:
        description:
          - A template on the controller, in place of a text. It is looked for where M(ansible.builtin.template) looks,
            and filled in as the lookup P(ansible.builtin.template#lookup) does.
        type: str
      template_vars:
        description: Variables that this template has besides those of the task.
        type: dict
      owner:
        description: The owner, by name or number.
        type: str
        default: root
      group:
        description: The group, by name or number.
        type: str
        default: root
      mode:
        description: The permissions in octal digits. V(0755) for a directory and V(0644) for a file if not given.
        type: str
      validate:
        description:
          - A command that must accept a new file before it is put in place, with V(%s) for the path. It is run without
            a shell, in check mode too if it can be.
        type: list
        elements: str
        default: []
  secrets:
    description:
      - The same for files that hold secrets. Their text is in no diff, log or result. V(0600) is the mode if not given.
    type: list
    elements: dict
    default: []
    suboptions: *suboptions
  undo_dir:
    description:
      - A directory on the host in which is kept, for root only, what was there before, so that it can be brought back.
      - Where nothing changes, what an earlier task kept is left as it is. Directories that are removed are not kept.
    type: path
  undo:
    description:
      - Bring back what the last task with the same O(undo_dir) changed, and forget it.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Write the configuration and the shared secret of coturn
  allthingslinux.xmpp.managed_files:
    files:
      - {path: /etc/turnserver.conf, template: turnserver.conf.j2, group: turnserver, mode: "0640"}
      - {path: /etc/xmpp/turn, state: directory, group: turnserver, mode: "0750"}
    secrets:
      - {path: /etc/xmpp/turn/secret, content: "{{ secret }}", group: turnserver, mode: "0640"}
    undo_dir: /run/xmpp-undo-coturn

- name: Bring back what was there before
  allthingslinux.xmpp.managed_files:
    undo_dir: /run/xmpp-undo-coturn
    undo: true
"""

RETURN = r"""
changed_paths:
  description: The paths that were, or in check mode would be, changed.
  returned: always
  type: list
  elements: str
  sample: [/etc/turnserver.conf]
written_paths:
  description: Those of them that were created, removed or got another content, so not only another owner or mode.
  returned: always
  type: list
  elements: str
  sample: [/etc/turnserver.conf]
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.files.managed_files import (
    Current,
    Wanted,
    apply,
    group_id,
    plan,
    read_state,
    rehearse,
    user_id,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.files.undo import Undo
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.unlogged import UnloggedParameters


class Module(UnloggedParameters, AnsibleModule):
    """An AnsibleModule that does not log its parameters."""


def entry_spec(secret: bool) -> dict[str, Any]:
    """Describe an entry of files or secrets."""
    return {
        "path": {"type": "path", "required": True},
        "state": {"type": "str", "choices": ["file", "directory", "absent"], "default": "file"},
        "content": {"type": "str", "no_log": secret},
        "src": {"type": "path"},
        # the action plugin gives the text of it
        "template": {"type": "str"},
        "template_vars": {"type": "dict"},
        "owner": {"type": "str", "default": "root"},
        "group": {"type": "str", "default": "root"},
        "mode": {"type": "str"},
        "validate": {"type": "list", "elements": "str", "default": []},
    }


def build(entry: dict[str, Any], secret: bool, check_mode: bool) -> Wanted:
    """Turn an entry into what is wanted; content None stands for a source that will only be there later."""
    path, state = Path(entry["path"]), entry["state"]
    if not path.is_absolute():
        raise XmppError(f"{path} is not an absolute path: give one that starts with a slash.")
    try:
        mode = int(entry["mode"] or ("0755" if state == "directory" else "0600" if secret else "0644"), 8)
    except ValueError as error:
        raise XmppError(f"{path}: the mode {entry['mode']!r} is not octal digits, such as '0640'.") from error
    content: bytes | None = None
    if state == "file":
        if (entry["content"] is None) == (entry["src"] is None):
            raise XmppError(f"{path}: give one of content, src and template.")
        if entry["content"] is not None:
            content = entry["content"].encode("utf-8")
        else:
            try:
                content = Path(entry["src"]).read_bytes()
            except OSError as error:
                if not (check_mode and isinstance(error, FileNotFoundError)):
                    raise XmppError(f"{path}: cannot read its source {entry['src']} ({error.strerror}).") from error
    return Wanted(
        path, state, content, mode, user_id(entry["owner"]), group_id(entry["group"]), tuple(entry["validate"])
    )


def describe(current: Current, wanted: Wanted, actions: tuple[str, ...], secret: bool) -> dict[str, str]:
    """Describe a change for --diff."""
    before, after = [f"state: {current.kind}\n"], [f"state: {wanted.state}\n"]
    if current.kind != "absent":
        before.append(f"owner: {current.uid}:{current.gid} mode: {current.mode:04o}\n")
    if wanted.state != "absent":
        owner = "{}:{}".format(*("to come" if each is None else each for each in (wanted.uid, wanted.gid)))
        after.append(f"owner: {owner} mode: {wanted.mode:04o}\n")
    if "write" in actions:
        if secret:
            before.append("content: a secret\n" if current.kind == "file" else "")
            after.append("content: another secret\n" if current.kind == "file" else "content: a secret\n")
        else:
            before.append(current.content.decode("utf-8", "replace"))
            after.append((wanted.content or b"").decode("utf-8", "replace"))
    header = str(wanted.path)
    return {"before_header": header, "after_header": header, "before": "".join(before), "after": "".join(after)}


def main() -> None:
    """Run the module."""
    module = Module(
        argument_spec={
            "files": {"type": "list", "elements": "dict", "default": [], "options": entry_spec(False)},
            "secrets": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": entry_spec(True),
                "no_log": False,
            },
            "undo_dir": {"type": "path"},
            "undo": {"type": "bool", "default": False},
        },
        required_if=[("undo", True, ("undo_dir",))],
        supports_check_mode=True,
    )
    undo = Undo(Path(module.params["undo_dir"])) if module.params["undo_dir"] else None
    changed: list[str] = []
    written: list[str] = []
    diff: list[dict[str, str]] = []
    try:
        if undo and module.params["undo"]:
            for path, before in undo.load():
                if undo.restore(path, before, module.check_mode):
                    changed.append(str(path))
            if not module.check_mode:
                undo.forget()
            module.exit_json(changed=bool(changed), changed_paths=changed, written_paths=changed, diff=[])
        entries = [(entry, False) for entry in module.params["files"]]
        entries += [(entry, True) for entry in module.params["secrets"]]
        for entry, secret in entries:
            wanted = build(entry, secret, module.check_mode)
            current = read_state(wanted.path)
            actions = plan(current, wanted)
            if not actions:
                continue
            if undo and not module.check_mode:
                undo.keep(wanted.path, current)
            (rehearse if module.check_mode else apply)(actions, wanted)
            changed.append(str(wanted.path))
            if {"remove", "create", "write"} & set(actions):
                written.append(str(wanted.path))
            diff.append(describe(current, wanted, actions, secret))
    except XmppError as error:
        module.fail_json(msg=str(error), changed=bool(changed), changed_paths=changed, written_paths=written)
    except OSError as error:
        module.fail_json(
            msg=f"Cannot bring {error.filename} into its state: {error.strerror}.",
            changed=bool(changed),
            changed_paths=changed,
            written_paths=written,
        )
    module.exit_json(changed=bool(changed), changed_paths=changed, written_paths=written, diff=diff)


if __name__ == "__main__":
    main()
