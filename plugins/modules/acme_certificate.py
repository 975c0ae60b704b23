#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Have a certificate by ACME on this host, issued by certbot where need be."""

from __future__ import annotations

DOCUMENTATION = r"""
module: acme_certificate
short_description: Have a certificate by ACME on this host, issued by certbot where need be
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - Looks at the certificate below C(/etc/xmpp/certificates), and has one issued where there is none, where it came from
    elsewhere, lacks names, or has a third of its life left (half where that is under ten days).
  - Reads how from C(/etc/xmpp/acme), where role C(certificates) writes it, and does what the timer C(xmpp-acme) does,
    except that it hands the certificate to no service.
  - One that was issued is put in place only if it belongs to the key, covers the names and verifies with its chain. The
    key is made once and stays.
  - Fails where a certificate is needed and none could be issued. Where the one that is there still does, that is a
    warning.
extends_documentation_fragment:
  - allthingslinux.xmpp.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  name:
    description: What the certificate is called, which is the name of its directory.
    type: str
    required: true
  names:
    description: DNS names that it must cover, beside those that other services of the host have asked for.
    type: list
    elements: str
    required: true
  directory:
    description: The URL of the ACME server's directory.
    type: str
    required: true
  service:
    description: The service that asks. What it asked for before does not count any more.
    type: str
    required: true
notes:
  - Must run as root on the target.
"""

EXAMPLES = r"""
- name: Have a certificate of Let's Encrypt
  allthingslinux.xmpp.acme_certificate:
    name: example.org
    names: [example.org, muc.example.org]
    directory: https://acme-v02.api.letsencrypt.org/directory
    service: prosody
"""

RETURN = r"""
reason:
  description: Why one was, or in check mode would be, issued. Empty where none need be.
  returned: success
  type: str
  sample: it lacks muc.example.org
not_after:
  description: When the certificate ends (UTC), empty where there is none.
  returned: success
  type: str
  sample: "2027-02-28T12:00:00Z"
"""

import dataclasses
import datetime

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.acme import provide
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.acme.settings import (
    Places,
    Service,
    names_of,
    read_services,
    read_settings,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError


def run(module: AnsibleModule, places: Places) -> provide.Provided:
    """Do what the options ask for. Raises XmppError, OSError."""
    asked, now = module.params, datetime.datetime.now(datetime.timezone.utc)
    others = [service for service in read_services(places) if service.name != asked["service"]]
    names = names_of([*others, Service(asked["service"], asked["name"], tuple(asked["names"]))], asked["name"])
    if module.check_mode:
        return provide.foreseen(places, asked["directory"], asked["name"], names, now)
    with provide.exclusively(places):
        settings = dataclasses.replace(read_settings(places), directory=asked["directory"])
        return provide.provide(places, settings, asked["name"], names, now)


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "names": {"type": "list", "elements": "str", "required": True},
            "directory": {"type": "str", "required": True},
            "service": {"type": "str", "required": True},
        },
        supports_check_mode=True,
    )
    try:
        found = run(module, Places())
    except (XmppError, OSError) as error:
        module.fail_json(msg=str(error))
    end = found.certificate.not_after.strftime("%Y-%m-%dT%H:%M:%SZ") if found.certificate else ""
    if found.problem:
        why = f"The certificate '{module.params['name']}' was not issued, although {found.reason}: {found.problem}."
        if not found.usable or "did not come from" in found.reason:
            module.fail_json(msg=why, reason=found.reason)
        module.warn(f"{why} What is there is valid until {end}.")
    module.exit_json(
        changed=found.changed or (module.check_mode and bool(found.reason)), reason=found.reason, not_after=end
    )


if __name__ == "__main__":
    main()
