#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Invitations to register, to become a contact, or to reset a password."""

from __future__ import annotations

DOCUMENTATION = r"""
module: prosody_invite
short_description: Invitations to register, to become a contact, or to reset a password
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - Creates and revokes invitations of Prosody's module C(invites), and returns the link to hand out.
  - A pending invitation with the same parameters is handed out again, so that a second run changes nothing. Once it was
    used or has expired, a further run makes a new one. An invitation to register a given account that exists by now is
    fulfilled and not made again.
  - The link is a credential. Whoever has it registers, or sets the password of the account. Put C(no_log=true) on the
    task, and on every task that handles its result; and pass it on by a way that only the invited person reads. The
    diff never shows it.
extends_documentation_fragment:
  - allthingslinux.xmpp.attributes
  - allthingslinux.xmpp.connection
attributes:
  check_mode:
    support: full
    details: An invitation that would be created has no link yet.
  diff_mode:
    support: full
    details: Shows what the invitations are for and when they expire; never a token.
  idempotent:
    support: partial
    details: Not with O(force=true), which creates another one each time.
options:
  jid:
    description:
      - The host to invite to, such as V(example.org), or an account on it.
      - For O(type=registration) with an account, the client proposes this name; Prosody 13.0 does not insist on it.
      - For O(type=contact) the account that invites; for O(type=password_reset) the one whose password is reset.
    type: str
    required: true
  state:
    description:
      - V(present) returns an invitation, a pending one if there is one.
      - V(absent) revokes the invitation O(token), or all pending ones of the O(type) for O(jid).
    type: str
    choices: [present, absent]
    default: present
  type:
    description: What it invites to.
    type: str
    choices: [registration, contact, password_reset]
    default: registration
  expires_after:
    description:
      - How long a new invitation is valid, a number with C(s), C(m), C(h), C(d) or C(w).
      - By default what Prosody's option C(invite_expiry) says (a week), and a day for O(type=password_reset).
    type: str
  min_remaining:
    description: How long a pending invitation must still be valid to be handed out again; else a new one is made.
    type: str
    default: "0"
  force:
    description: Make a new invitation even if one is pending.
    type: bool
    default: false
  allow_registration:
    description: Whether a contact invitation also allows to register an account.
    type: bool
    default: true
  roles:
    description:
      - For O(type=registration), the role of the new account, such as V(prosody:member), and after it secondary roles.
      - Refused where the host does not know a role, because the account would go without it.
    type: list
    elements: str
    default: []
  groups:
    description:
      - For O(type=registration), groups that the new account joins.
      - Needs the community modules C(groups_internal) and C(invites_groups), and is refused without them.
    type: list
    elements: str
    default: []
  token:
    description: The one invitation to revoke, for O(state=absent).
    type: str
  qr_file:
    description:
      - A file on the controller into which the link is written as a QR code, as PNG or SVG by the end of its name. Only
        its owner can read it. It is written anew each time.
      - Needs the Python package C(segno) on the controller.
    type: str
seealso:
  - module: allthingslinux.xmpp.prosody_invite_info
  - module: allthingslinux.xmpp.prosody_accounts
"""

EXAMPLES = r"""
- name: An invitation to register, valid for three days
  allthingslinux.xmpp.prosody_invite:
    jid: example.org
    expires_after: 3d
    roles: [prosody:member]
  register: invitation
  no_log: true

- name: Send it
  community.general.mail:
    to: new.member@example.net
    subject: Your account
    body: "{{ invitation.link }}"
  no_log: true

- name: A link with which Alice sets a new password
  allthingslinux.xmpp.prosody_invite:
    jid: alice@example.org
    type: password_reset
    expires_after: 2h
  register: reset
  no_log: true

- name: Nobody can register with an old link any more
  allthingslinux.xmpp.prosody_invite:
    jid: example.org
    state: absent
"""

RETURN = r"""
link:
  description:
    - What to hand out. The invitation page where Prosody has one, else the C(xmpp:) URI.
    - A credential. Empty in check mode for one that would be created, and when nothing is pending.
  type: str
  returned: when O(state=present)
  sample: xmpp:example.org?register;preauth=VmBY5N6pzpEhBIyn1kWkLg7B
invite:
  description: The invitation; V(null) when RV(fulfilled), and in check mode for one that would be created.
  type: dict
  returned: when O(state=present)
  sample:
    jid: example.org
    type: registration
    expires: "2026-11-25T12:00:00Z"
    created: "2026-11-22T12:00:00Z"
    allow_registration: true
    roles: [prosody:member]
    groups: []
    reusable: false
    token: VmBY5N6pzpEhBIyn1kWkLg7B
    uri: xmpp:example.org?register;preauth=VmBY5N6pzpEhBIyn1kWkLg7B
    landing_page: ""
fulfilled:
  description: Whether nothing is to be done because who was invited has an account.
  type: bool
  returned: when O(state=present)
invites:
  description: The invitations that were revoked, each as RV(invite).
  type: list
  elements: dict
  returned: when O(state=absent)
  sample: []
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.invites import server as invites
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody import connection


def line(kind: str, jid: str, expires: int | None) -> str:
    """One invitation in a diff: nothing that lets anybody in."""
    until = "" if expires is None else f" until {invites.moment(expires)}"
    return f"{kind} invitation for {jid}{until}\n"


def wanted_invite(params: dict[str, Any]) -> invites.Wanted:
    """The options as a value; raises XmppError."""
    host, user = invites.host_and_user(params["jid"], params["type"])
    if params["type"] != invites.REGISTRATION and (params["roles"] or params["groups"]):
        raise invites.InviteError(
            "Roles and groups are for registration invitations: leave them out, or change the type."
        )
    return invites.Wanted(
        kind=params["type"],
        host=host,
        user=user,
        allow_registration=params["allow_registration"] or params["type"] != invites.CONTACT,
        roles=tuple(params["roles"]),
        groups=tuple(params["groups"]),
        ttl=invites.lifetime(params["expires_after"]) if params["expires_after"] else None,
        remaining=invites.seconds(params["min_remaining"]),
        force=params["force"],
    )


def present(module: AnsibleModule, server: invites.Invites, wanted: invites.Wanted) -> dict[str, Any]:
    """An invitation, pending or new."""
    state = server.state()
    plan = invites.plan(state, wanted)
    invite = plan.reuse
    if plan.create and not module.check_mode:
        invite = server.create(wanted)
    expires = invite.expires if invite else state.now + wanted.ttl if wanted.ttl else None
    jid = f"{wanted.user}@{wanted.host}" if wanted.user else wanted.host
    return {
        "changed": plan.create,
        "link": invite.link if invite else "",
        "invite": invite.shown() if invite else None,
        "fulfilled": plan.fulfilled,
        "diff": {"before": "", "after": line(wanted.kind, jid, expires) if plan.create else ""},
    }


def absent(module: AnsibleModule, server: invites.Invites, wanted: invites.Wanted) -> dict[str, Any]:
    """Invitations revoked."""
    which = invites.to_revoke(server.state(), wanted, module.params["token"] or "")
    if not module.check_mode:
        server.revoke(which)
    before = "".join(line(one.kind, one.jid, one.expires) for one in which)
    return {"changed": bool(which), "invites": [one.shown() for one in which], "diff": {"before": before, "after": ""}}


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "jid": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "type": {
                "type": "str",
                "choices": [invites.REGISTRATION, invites.CONTACT, invites.PASSWORD_RESET],
                "default": invites.REGISTRATION,
            },
            "expires_after": {"type": "str"},
            "min_remaining": {"type": "str", "default": "0"},
            "force": {"type": "bool", "default": False},
            "allow_registration": {"type": "bool", "default": True},
            "roles": {"type": "list", "elements": "str", "default": []},
            "groups": {"type": "list", "elements": "str", "default": []},
            "token": {"type": "str", "no_log": True},
            "qr_file": {"type": "str"},  # the action plugin keeps it for itself
            **connection.argument_spec(),
        },
        supports_check_mode=True,
    )
    try:
        wanted = wanted_invite(module.params)
        with connection.connect(module.params) as socket:
            server = invites.Invites(socket, wanted.host, wanted.user)
            act = present if module.params["state"] == "present" else absent
            result = act(module, server, wanted)
    except XmppError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
