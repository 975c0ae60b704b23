#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Everything that a server keeps of one person, in one file."""

from __future__ import annotations

DOCUMENTATION = r"""
module: prosody_export
short_description: Take out everything that a server keeps of one person
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - Writes an archive (tar, gzip) with the account in the form that other servers import (XEP-0227, with its archive of
    messages), the files that it uploaded, conversations as text, everything else that is stored as JSON, and a page
    C(index.html) that leads to all of it.
  - Reads from the running server, whatever its storage is, a hundred messages at a time, so that everybody else is
    served meanwhile.
  - The file holds what people wrote to each other, and what the password is checked with. Only its owner can read it.
extends_documentation_fragment:
  - allthingslinux.xmpp.attributes
  - allthingslinux.xmpp.connection
attributes:
  check_mode:
    support: full
    details:
      - Says whether there is such an account, and writes nothing.
  diff_mode:
    support: none
  idempotent:
    support: none
    details:
      - Each run writes the file anew.
options:
  jid:
    description: The address of the account.
    type: str
    required: true
  path:
    description: The file on the target. Its directory has to be there.
    type: path
    required: true
  audit_trail:
    description: Where the trail of sign-ins and changes lies on the target; what is about the account is taken out too.
    type: path
    default: /var/lib/prosody/audit_trail
seealso:
  - module: allthingslinux.xmpp.prosody_erase
"""

EXAMPLES = r"""
- name: Take out all that is kept of Alice
  allthingslinux.xmpp.prosody_export:
    jid: alice@example.org
    path: /root/alice.tar.gz
"""

RETURN = r"""
path:
  description: The file.
  returned: success
  type: str
  sample: /root/alice.tar.gz
messages:
  description: How many messages are in it.
  returned: when it was written
  type: int
uploads:
  description: How many uploaded files are in it.
  returned: when it was written
  type: int
gone:
  description: Uploaded files that are known of, and are not there any more.
  returned: when it was written
  type: list
  elements: str
stores:
  description: What else is stored of the account.
  returned: when it was written
  type: list
  elements: str
  sample: [accounts, roster]
size:
  description: Size of the file in bytes.
  returned: when it was written
  type: int
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.audit import files
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.person import export, server
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody import connection
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.xmpp import jid


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **connection.argument_spec(),
            "jid": {"type": "str", "required": True},
            "path": {"type": "path", "required": True},
            "audit_trail": {"type": "path", "default": files.DIRECTORY},
        },
        supports_check_mode=True,
    )
    path = Path(module.params["path"])
    try:
        whose = jid.account(module.params["jid"])
        with connection.connect(module.params) as socket:
            person = server.Person(socket, whose)
            if not person.there:
                raise server.PersonError(
                    f"There is no account {whose.bare} on this server: see bin/xmpp accounts INVENTORY."
                )
            found = {} if module.check_mode else export.export(person, path, Path(module.params["audit_trail"]))
    except XmppError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"The export was not written: {error}. Mend that, and repeat it.")
    module.exit_json(changed=True, path=str(path), **found)


if __name__ == "__main__":
    main()
