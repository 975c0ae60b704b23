#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Refuse a change of Prosody's configuration that would lock users out or leave data behind."""

from __future__ import annotations

DOCUMENTATION = r"""
module: prosody_continuity
short_description: Refuse a change of Prosody that would lock users out or leave data behind
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - Reads where accounts, rooms and whatever else belongs to users of the present server are and in which form, and
    compares that with what is wanted. Changes nothing.
  - Fails, with the way to do it, when accounts would be left in another storage, kept by another authentication, kept
    under a hash with which they cannot sign in, or on a host that is to be no more; and when another store with
    something in it would lie elsewhere (in another database, with another driver, below another data directory), or on
    a component of another name, as rooms on C(conference.example.org).
  - A database is what it is, however it is reached. The socket, loopback and a name of one server of PostgreSQL are
    the same.
  - What counts is the data. The hash is told by the length of the stored keys, not by what a configuration says.
  - A running server is asked. Of a stopped one the configuration and the files of internal storage are read; what is
    in a database cannot be seen then, and a change away from it is refused. Where Prosody is not installed, or stopped
    with a configuration that cannot be read, nothing is looked at.
extends_documentation_fragment:
  - allthingslinux.xmpp.attributes.info
  - allthingslinux.xmpp.connection
options:
  hosts:
    description:
      - The wanted virtual hosts and components, name to where their data is to be.
      - The filter P(allthingslinux.xmpp.prosody_places#filter) computes them. The keys of each are C(authentication),
        C(password_hash), C(storage) (the driver of all stores that C(stores) does not name), C(stores) (store to
        driver), C(sql) (without its password), C(data_path), and C(module) of a component.
    type: dict
    required: true
  accept:
    description: What may be left behind. Role prosody has it from C(prosody_accept_loss).
    type: list
    elements: str
    choices: [authentication, hosts, password_hash, storage]
    default: []
  data_path:
    description: The data directory of Prosody, where its configuration or O(hosts) do not name one.
    type: path
    default: /var/lib/prosody
notes:
  - Must run as root on the target.
"""

EXAMPLES = r"""
- name: Refuse what would lock users out
  allthingslinux.xmpp.prosody_continuity:
    hosts:
      example.org: {authentication: internal_hashed, password_hash: SHA-256, storage: internal}

- name: Begin with what lies in the other storage
  allthingslinux.xmpp.prosody_continuity:
    hosts: "{{ settings | allthingslinux.xmpp.prosody_places }}"
    accept: [storage]
"""

RETURN = r"""
source:
  description: What was looked at. V(none) where there is nothing that could be looked at.
  type: str
  returned: always
  sample: server
objections:
  description: What would be left behind.
  type: list
  elements: dict
  returned: always
  contains:
    kind:
      description: The name to accept it with.
      type: str
    text:
      description: What would happen, and how to go about it.
      type: str
"""

from pathlib import Path
from typing import Any, Optional

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.accounts import continuity, reached
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody import connection
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.admin_socket import AdminUnavailable
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction import reading
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.model import ConfigUnreadable

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    **connection.argument_spec(),
    "hosts": {"type": "dict", "required": True},
    "accept": {"type": "list", "elements": "str", "choices": list(continuity.KINDS), "default": []},
    "data_path": {"type": "path", "default": "/var/lib/prosody"},
}

#: reasons of AdminUnavailable that mean that nobody is there, rather than that somebody does not answer
_STOPPED = ("missing", "refused")


Held = dict[continuity.Pair, Optional[int]]


def look(module: AnsibleModule, then: dict[str, continuity.Place]) -> tuple[str, dict[str, continuity.Place], Held]:
    """Return what was looked at, host to place, and what is in the stores that a change to `then` would move.

    Raises XmppError when a server that runs does not answer.
    """
    try:
        with connection.connect(module.params) as socket:
            places = continuity.answer(socket.lua_json(continuity.question()))
            pairs = continuity.moved(places, then, reached.identity)
            held = continuity.answer_of(socket.lua_json(continuity.question_of(pairs))) if pairs else {}
            return "server", places, held
    except AdminUnavailable as error:
        if error.reason not in _STOPPED:
            raise
    found = reading.find()
    if not found or not Path(module.params["config"]).is_file():
        return "none", {}, {}
    try:
        model = found.read(module.params["config"], module.run_command)
    except ConfigUnreadable as error:
        # Nobody uses it, and whoever repairs it must not be stopped.
        module.warn(f"Cannot see what users of the stopped Prosody have: {error}")
        return "none", {}, {}
    places = continuity.configured(model, Path(module.params["data_path"]))
    pairs = continuity.moved(places, then, reached.identity)
    return "configuration", places, continuity.held_in_files(places, pairs)


def main() -> None:
    """Look, compare, object."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        then = continuity.wanted(module.params["hosts"], module.params["data_path"])
        source, places, held = look(module, then)
        found = continuity.objections(places, then, module.params["accept"], held, reached.identity)
    except XmppError as error:
        module.fail_json(msg=str(error))
    result = {"source": source, "objections": [{"kind": item.kind, "text": item.text} for item in found]}
    if found:
        lines = "\n".join(f"- {item.text}" for item in found)
        module.fail_json(
            msg=f"This change would leave users or their data behind. Nothing was changed.\n{lines}", **result
        )
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
