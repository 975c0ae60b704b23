#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The invitations that are pending."""

from __future__ import annotations

DOCUMENTATION = r"""
module: prosody_invite_info
short_description: The invitations that are pending
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - Lists the invitations of a host that allow to register or to reset a password and have neither been used nor
    expired; for an account, its contact invitations too.
  - With O(links=true) the result holds credentials. Put C(no_log=true) on such a task.
extends_documentation_fragment:
  - allthingslinux.xmpp.attributes.info
  - allthingslinux.xmpp.connection
options:
  jid:
    description: The host, such as V(example.org), or an account on it.
    type: str
    required: true
  links:
    description: Whether to return what lets somebody in, C(token), C(uri) and C(landing_page).
    type: bool
    default: false
seealso:
  - module: allthingslinux.xmpp.prosody_invite
"""

EXAMPLES = r"""
- name: Who is invited
  allthingslinux.xmpp.prosody_invite_info:
    jid: example.org
  register: pending

- name: Show for whom, and until when
  ansible.builtin.debug:
    msg: "{{ pending.invites | map(attribute='jid') | zip(pending.invites | map(attribute='expires')) }}"
"""

RETURN = r"""
invites:
  description: The pending invitations, the one that expires next first.
  type: list
  elements: dict
  returned: always
  sample:
    - jid: example.org
      type: registration
      expires: "2026-11-25T12:00:00Z"
      created: "2026-11-22T12:00:00Z"
      allow_registration: true
      roles: [prosody:member]
      groups: []
      reusable: false
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.invites import server as invites
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody import connection

_CREDENTIALS = ("token", "uri", "landing_page")


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "jid": {"type": "str", "required": True},
            "links": {"type": "bool", "default": False},
            **connection.argument_spec(),
        },
        supports_check_mode=True,
    )
    try:
        host, user = invites.host_and_user(module.params["jid"], invites.REGISTRATION)
        with connection.connect(module.params) as socket:
            pending = [one.shown() for one in invites.Invites(socket, host, user).state().invites]
    except XmppError as error:
        module.fail_json(msg=str(error))
    if not module.params["links"]:
        pending = [{key: value for key, value in one.items() if key not in _CREDENTIALS} for one in pending]
    module.exit_json(changed=False, invites=pending)


if __name__ == "__main__":
    main()
