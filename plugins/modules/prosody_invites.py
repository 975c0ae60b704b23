#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Invitations that are declared by name, each made once."""

from __future__ import annotations

DOCUMENTATION = r"""
module: prosody_invites
short_description: Invitations that are declared by name, each made once
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - Makes an invitation for each name that has none yet. One that was used or has expired is not made again; another
    name, or other options under the same one, make a new invitation.
  - One whose name is not declared any more, or whose options are others now, is revoked if it is still pending.
    Invitations that were made in other ways are left alone.
  - What was made is remembered in the file O(record) on the host, links included, for root alone. No result of this
    module holds a link, and no difference a token. A link that lies at another address since, because a port or a proxy
    came, is remembered anew.
  - In check mode all of it is predicted where Prosody does not run yet, or has not got the host.
extends_documentation_fragment:
  - allthingslinux.xmpp.attributes.full
  - allthingslinux.xmpp.connection
options:
  invitations:
    description: All invitations that are declared. An empty list revokes those which this module made.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: A name for it, of letters, digits, dot, hyphen and underscore.
        type: str
        required: true
      jid:
        description:
          - The host to invite to, such as V(example.org), or an account on it, as in
            O(allthingslinux.xmpp.prosody_invite#module:jid).
        type: str
        required: true
      type:
        description: What it invites to.
        type: str
        choices: [registration, contact]
        default: registration
      expires_after:
        description:
          - How long it is valid, a number with C(s), C(m), C(h), C(d) or C(w). What Prosody says (a week) if not given.
        type: str
      allow_registration:
        description: Whether a contact invitation also allows to register an account.
        type: bool
        default: true
      roles:
        description: The role of the new account, and after it secondary ones.
        type: list
        elements: str
        default: []
      groups:
        description: Groups that the new account joins, by the community module C(invites_groups).
        type: list
        elements: str
        default: []
  record:
    description: The file on the host in which it is remembered what was made.
    type: path
    required: true
seealso:
  - module: allthingslinux.xmpp.prosody_invite
  - module: allthingslinux.xmpp.prosody_invite_info
"""

EXAMPLES = r"""
- name: An invitation for the help desk, and one for a new colleague
  allthingslinux.xmpp.prosody_invites:
    record: /var/lib/xmpp/invitations.json
    invitations:
      - {name: helpdesk, jid: example.org, expires_after: 2d}
      - {name: juliet, jid: juliet@example.org, roles: [prosody:member]}
"""

RETURN = r"""
invitations:
  description: All that are declared, in order.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Its name.
      type: str
    jid:
      description: Whom or what it is for.
      type: str
    state:
      description:
        - V(pending), V(used) (or revoked by hand), V(expired), or V(fulfilled) where who was invited had an account.
        - V(new) in check mode for one that would be made.
      type: str
    expires:
      description: When it expires, or did; empty for one that was not made.
      type: str
  sample: [{name: helpdesk, jid: example.org, state: pending, expires: "2026-11-25T12:00:00Z"}]
made:
  description: Names of those that were (in check mode, would be) made.
  returned: success
  type: list
  elements: str
  sample: [helpdesk]
revoked:
  description: Names of those that were (would be) revoked.
  returned: success
  type: list
  elements: str
  sample: []
"""

import dataclasses
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.invites import declared
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.invites import server as invites
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody import connection
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.admin_socket import AdminUnavailable


class States:
    """What the server knows of hosts and users, each asked once; None for a host that is not there.

    In check mode a host and its modules may only come with the run: what cannot be asked is not there yet.
    """

    def __init__(self, module: AnsibleModule, socket: Any) -> None:
        self._module, self._socket = module, socket
        self._known: dict[tuple[str, str], invites.State | None] = {}

    def __call__(self, host: str, user: str) -> invites.State | None:
        if (host, user) not in self._known:
            self._known[host, user] = self._ask(host, user)
        return self._known[host, user]

    def _ask(self, host: str, user: str) -> invites.State | None:
        if self._socket is None:
            return None
        try:
            return invites.Invites(self._socket, host, user).state()
        except XmppError as error:
            if not self._module.check_mode and invites.NO_HOST not in str(error):
                raise
            return None


def text(lines: Mapping[str, Mapping[str, Any]], moved: Collection[str] = ()) -> str:
    """What there is, in a diff: nothing that lets anybody in."""
    there = dict.fromkeys(moved, ", its link at another address")
    return "".join(
        f"{name}: {line['type']} invitation for {line['jid']}{there.get(name, '')}\n"
        for name, line in sorted(lines.items())
    )


def bring(module: AnsibleModule, socket: Any) -> dict[str, Any]:
    """Plan and apply; out: the result."""
    wanted = declared.wanted_all(module.params["invitations"])
    path = Path(module.params["record"])
    made = declared.read(path)
    before = {name: one.line for name, one in made.items()}
    plan = declared.plan(wanted, made, States(module, socket))
    after = {name: line for name, line in before.items() if name not in plan.forget}
    after.update({name: declared.line_of(wanted[name]) for name in plan.make})
    if not module.check_mode:
        for name in plan.revoke:
            one = made[name]
            invites.Invites(socket, one.host, one.user).revoke([invites.Invite(one.token, "", one.host, one.user, 0)])
        if plan.moved:
            moved = {name: dataclasses.replace(made[name], link=link) for name, link in plan.moved.items()}
            made = {**made, **moved}
            declared.write(path, made)
        if plan.forget:
            made = {name: one for name, one in made.items() if name not in plan.forget}
            declared.write(path, made)
        for name in plan.make:
            ask = wanted[name]
            new = invites.Invites(socket, ask.host, ask.user).create(ask)
            line = declared.line_of(ask)
            made = {**made, name: declared.Made(line, ask.host, ask.user, new.expires, new.token, new.link)}
            # at once, so that a run that ends here makes none twice
            declared.write(path, made)
    return {
        "changed": bool(plan.make or plan.forget or plan.moved),
        "invitations": [
            {
                "name": name,
                "jid": declared.line_of(ask)["jid"],
                "state": plan.became.get(name) or ("new" if module.check_mode else declared.PENDING),
                "expires": invites.moment(made[name].expires) if name in made and name in after else "",
            }
            for name, ask in wanted.items()
        ],
        "made": list(plan.make),
        "revoked": list(plan.revoke),
        "diff": {"before": text(before), "after": text(after, plan.moved)},
    }


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "invitations": {"type": "list", "elements": "dict", "required": True, "options": declared.INVITATION},
            "record": {"type": "path", "required": True},
            **connection.argument_spec(),
        },
        supports_check_mode=True,
    )
    try:
        try:
            socket = connection.connect(module.params)
        except AdminUnavailable as error:
            if not (module.check_mode and error.reason in ("missing", "refused")):
                raise
            module.warn(f"{error} Predicting what this task would do once it runs.")
            result = bring(module, None)
        else:
            with socket:
                result = bring(module, socket)
    except XmppError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
