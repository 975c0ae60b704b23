#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: prosody_room
short_description: Chat rooms with their configuration and affiliations
version_added: 1.0.0
description:
  - Brings multi-user chat rooms (XEP-0045) of a running Prosody into the declared state, one or many in a task.
  - Only what is declared is looked at and changed; whatever else a room has, its owners may have chosen.
  - A room is changed as a whole or not at all. What an option or a module of the server overrules is an error, and the
    room is left as it was. The other rooms of the task are brought into their state nevertheless.
author:
  - allthingslinux.xmpp contributors (@allthingslinux)
options:
  rooms:
    description: Rooms, each with the options that this module has for one room.
    type: list
    elements: dict
    suboptions: &room
      jid:
        description:
          - Address of the room, as C(room@rooms.example.org).
          - Exactly one of O(jid) and O(rooms) is needed; each of the O(rooms) needs its own.
        type: str
      state:
        description:
          - V(present) creates the room if need be.
          - V(absent) destroys it with its configuration. Its archived messages stay until they expire.
        type: str
        choices: [present, absent]
        default: present
      name:
        description: Title of the room; empty for none.
        type: str
      description:
        description: What the room is about, in a few words; empty for none.
        type: str
      language:
        description: Tag of the language that is spoken, as C(en); empty for none.
        type: str
      subject:
        description: The current subject, which those inside see as set by the room; empty for none.
        type: str
      change_subject:
        description: Whether all participants may set the subject, and not moderators only.
        type: bool
      public:
        description: Whether the room is listed by the service.
        type: bool
      persistent:
        description: Whether the room stays when the last one leaves.
        type: bool
        default: true
      members_only:
        description: Whether only members, admins and owners may enter. Others who are inside must leave.
        type: bool
      member_invites:
        description: Whether members may invite others into a room for members.
        type: bool
      moderated:
        description: Whether only those whom a moderator has given voice may speak.
        type: bool
      whois:
        description: Who may see the real addresses of those inside.
        type: str
        choices: [moderators, anyone]
      private_messages:
        description: Who may send private messages through the room, by role, or V(affiliated) for its members.
        type: str
        choices: [visitor, participant, moderator, affiliated, none]
      password:
        description:
          - Password that is asked for on entry; empty for none.
          - The module compares it without reading the one that the room has.
        type: str
      history_length:
        description: How many past messages are sent to who enters.
        type: int
      archiving:
        description: Whether messages are archived, which needs the module C(muc_mam) on the component.
        type: bool
      affiliations:
        description:
          - Who has which affiliation with the room, as lists of bare JIDs.
          - A domain stands for all of its accounts, which makes sense for V(outcast) only.
        type: dict
        suboptions:
          owner:
            description: Those who may configure and destroy the room.
            type: list
            elements: str
          admin:
            description: Those who may ban, and make members and moderators.
            type: list
            elements: str
          member:
            description: Those who may enter a room for members.
            type: list
            elements: str
          outcast:
            description: Those who may not enter.
            type: list
            elements: str
          none:
            description: Those who shall have no affiliation.
            type: list
            elements: str
      purge:
        description:
          - Whether to take their affiliation from all who have one of those that are listed in O(affiliations), and
            are not in the list.
          - An empty list purges, a list that is not given does not. So bans stay unless C(outcast) is given.
        type: bool
        default: false
      reason:
        description: What is told to those inside when the room is destroyed.
        type: str
  <<: *room
extends_documentation_fragment:
  - allthingslinux.xmpp.connection
  - allthingslinux.xmpp.attributes.full
attributes:
  diff_mode:
    details:
      - A password is only named.
notes:
  - A room that is created starts with what the service gives to new rooms (its options C(muc_room_default_*)), and then
    gets what is declared.
seealso:
  - module: allthingslinux.xmpp.prosody_shell
"""

EXAMPLES = r"""
- name: A public room for everybody and a closed one for the team
  allthingslinux.xmpp.prosody_room:
    rooms:
      - jid: lobby@rooms.example.org
        name: Lobby
        description: Come in
        public: true
        affiliations:
          owner: [alice@example.org]
      - jid: team@rooms.example.org
        name: Team
        public: false
        members_only: true
        archiving: true
        affiliations:
          owner: [alice@example.org]
          member: [bob@example.org, carol@example.org]
        purge: true

- name: A room with a password
  allthingslinux.xmpp.prosody_room:
    jid: board@rooms.example.org
    password: "{{ board_password }}"

- name: No such room any more
  allthingslinux.xmpp.prosody_room:
    jid: old@rooms.example.org
    state: absent
    reason: We meet in the lobby
"""

RETURN = r"""
rooms:
  description: What was done, or in check mode would be done, with each room that is not as declared.
  type: list
  elements: dict
  returned: always
  sample:
    - jid: team@rooms.example.org
      actions: [create, owner alice@example.org, set name]
failed_rooms:
  description: The rooms that could not be brought into their state.
  type: list
  elements: str
  returned: on failure
  sample: [board@rooms.example.org]
"""

import json
import secrets
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody import connection
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.admin_socket import AdminUnavailable
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.rooms import model, planner
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.rooms.runner import Rooms
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.rooms.spec import ROOM
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.unlogged import UnloggedParameters


class Module(UnloggedParameters, AnsibleModule):
    """An AnsibleModule that does not log its parameters."""


def run(module):
    """Bring the rooms into their state; return the result, and room → error of those where that failed."""
    wanted = model.wanted_rooms([module.params] if module.params["rooms"] is None else module.params["rooms"])
    done: list[dict[str, Any]] = []
    failed: dict[str, str] = {}
    before, after = {}, {}
    try:
        opened = connection.connect(module.params)
    except AdminUnavailable as error:
        if not (module.check_mode and error.reason in ("missing", "refused")):
            raise
        module.warn(f"{error} Predicting what this task would do once it runs.")
        done = [{"jid": room.jid, "actions": ["create"]} for room in wanted if room.present]
        return {"changed": bool(done), "rooms": done}, failed
    with opened as socket:
        rooms, key = Rooms(socket), secrets.token_hex(16)
        states = rooms.states(wanted, key)
        for room in wanted:
            state = states[room.jid]
            try:
                if state.error:
                    raise model.RoomError(f"Room {room.jid}: {state.error}.")
                plan = planner.plan(state, room, key)
                if not plan:
                    continue
                if not module.check_mode:
                    rooms.apply(room.jid, plan, room.reason)
            except model.RoomError as error:
                failed[room.jid] = str(error)
                continue
            done.append({"jid": room.jid, "actions": plan.actions()})
            before[room.jid], after[room.jid] = planner.diff(state, room, plan)
    result = {"changed": bool(done), "rooms": done, "diff": {"before": _text(before), "after": _text(after)}}
    return result, failed


def _text(rooms):
    return json.dumps(rooms, indent=2, ensure_ascii=False, sort_keys=True) + "\n" if rooms else ""


def main():
    module = Module(
        argument_spec={
            **connection.argument_spec(),
            **ROOM,
            "rooms": {"type": "list", "elements": "dict", "options": ROOM},
        },
        mutually_exclusive=[("rooms", name) for name in ROOM],
        required_one_of=[("jid", "rooms")],
        supports_check_mode=True,
    )
    try:
        result, failed = run(module)
    except XmppError as error:
        module.fail_json(msg=str(error))
    if failed:
        module.fail_json(msg=" ".join(failed.values()), failed_rooms=list(failed), **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
