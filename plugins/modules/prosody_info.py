#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: prosody_info
short_description: Read what a running Prosody is and does
version_added: 1.0.0
description:
  - Reads version, hosts, components, loaded modules and their problems, ports, certificates with names and expiry,
    sessions, storage drivers, memory, and where the running server differs from its configuration.
  - All of it is one question through the admin socket and takes some ten milliseconds of the server.
  - Never returns a secret. Options are not returned; the few that are read cannot hold one.
author:
  - allthingslinux.xmpp contributors (@allthingslinux)
options:
  fail_when_stopped:
    description:
      - Whether to fail when Prosody does not run.
      - Otherwise RV(running) is V(false), and everything else is empty.
      - A server that runs and refuses to be asked (no permission, no answer in time) always fails.
    type: bool
    default: false
  set_facts:
    description: Whether to return the state as C(ansible_facts['prosody']), too.
    type: bool
    default: false
extends_documentation_fragment:
  - allthingslinux.xmpp.connection
  - allthingslinux.xmpp.attributes.info
seealso:
  - module: allthingslinux.xmpp.prosody_shell
"""

EXAMPLES = r"""
- name: Read the state of the server
  allthingslinux.xmpp.prosody_info:
  register: prosody

- name: Refuse a certificate that ends within two weeks
  ansible.builtin.assert:
    that: prosody.certificates.values() | map(attribute='seconds_left') | min > 14 * 86400

- name: Show what the running server does not do as configured
  ansible.builtin.debug:
    msg: "{{ prosody.drift }}"
"""

RETURN = r"""
running:
  description: Whether Prosody runs.
  type: bool
  returned: always
  sample: true
version:
  description: Version of the running server.
  type: str
  returned: always
  sample: 13.0.1
started:
  description: When it was started, in UTC.
  type: str
  returned: always
  sample: "2026-11-22T12:53:11Z"
uptime:
  description: Seconds since then.
  type: int
  returned: always
  sample: 79
hosts:
  description:
    - The virtual hosts that are configured or active, by name.
    - C(configured), C(enabled) and C(active) say whether the configuration has it, whether it is switched on there, and
      whether it is served.
    - C(certificate) is the file that Prosody finds for it, C(storage) the default driver, the stores that deviate and
      the drivers that are loaded, C(authentication) its provider.
  type: dict
  returned: always
  sample:
    example.org:
      type: host
      configured: true
      enabled: true
      active: true
      authentication: internal_hashed
      certificate: /etc/prosody/certs/example.org.crt
      http_host: null
      http_certificate: null
      storage:
        default: internal
        stores:
          archive: sql
        drivers: [internal, sql]
components:
  description:
    - The components, by name, with the same keys.
    - C(component) is the module; C(external) is true for one that connects from outside, and C(connected) says
      whether it does.
  type: dict
  returned: always
  sample:
    rooms.example.org:
      type: component
      component: muc
      external: false
      connected: null
modules:
  description: The modules that are loaded, by host; C(*) holds those that serve all hosts.
  type: dict
  returned: always
  sample:
    "*": [admin_shell, admin_socket, c2s]
    example.org: [disco, roster, saslauth]
problems:
  description:
    - Modules that are in state C(warn) or C(error), and what they say.
    - A storage is asked whether it works now. What other modules say may be of long ago, since Prosody remembers an
      error until the module is reloaded.
  type: list
  elements: dict
  returned: always
  sample:
    - host: example.org
      module: firewall
      status: error
      message: Failed to load (see log)
ports:
  description: The ports that are listened on.
  type: list
  elements: dict
  returned: always
  sample:
    - service: c2s
      interface: "*"
      port: 5222
      direct_tls: false
      private: false
      certificate: null
certificates:
  description:
    - The certificates that Prosody uses for its hosts and ports, by file.
    - Where one cannot be read, C(error) says why.
  type: dict
  returned: always
  sample:
    /etc/prosody/certs/example.org.crt:
      subject: CN=example.org
      issuer: CN=Example CA
      names: [example.org, "*.example.org"]
      sha256: 5f2d…
      not_before: "2026-11-22T12:53:11Z"
      not_after: "2026-12-22T12:53:11Z"
      seconds_left: 2591921
      expired: false
      hosts: [example.org, rooms.example.org]
      ports: [5223, 5281]
      error: null
sessions:
  description: How many sessions there are, in all and by host.
  type: dict
  returned: always
  sample:
    c2s: 2
    c2s_unauthenticated: 0
    s2s_in: 1
    s2s_out: 1
    hosts:
      example.org:
        c2s: 2
        c2s_unauthenticated: 0
        s2s_in: 1
        s2s_out: 1
failing_peers:
  description:
    - Other servers that cannot be reached (C(direction) is C(out)), or are not let in (C(in)), for which host of
      ours, since when, and why.
    - C(text) is what Prosody said; C(worked) when it worked last, null where it never did within the last 30 days.
    - Known where the module C(measure_peers) of role prosody is on.
  type: list
  elements: dict
  returned: always
  sample:
    - peer: example.net
      host: example.org
      direction: out
      since: "2026-11-22T12:53:11Z"
      reason: certificate-expired
      text: Your server's certificate has expired
      worked: "2026-11-22T12:40:02Z"
memory:
  description: Bytes that the process has allocated, uses, and that Lua uses.
  type: dict
  returned: always
  sample:
    allocated: 6320128
    used: 5813136
    lua: 3610057
paths:
  description:
    - Main configuration file, data directory and source directory.
    - C(plugins) are the directories that modules are loaded from, in order.
  type: dict
  returned: always
  sample:
    config: /etc/prosody/prosody.cfg.lua
    data: /var/lib/prosody
    source: /usr/lib/prosody
    plugins: [/var/lib/prosody/custom_plugins, /usr/lib/prosody/modules]
drift:
  description:
    - What would have to be done for the running server to be what its configuration, as last read, says.
    - Hosts to activate and to deactivate; modules to load and to unload on a host.
    - Modules that another one needs are no drift.
  type: dict
  returned: always
  sample:
    activate: []
    deactivate: [typo.example.org]
    load: []
    unload:
      - host: example.org
        module: firewall
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.info import lua, reader
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody import connection
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.admin_socket import AdminUnavailable

#: reasons of AdminUnavailable that mean that nobody is there, rather than that somebody does not answer
_STOPPED = ("missing", "refused")


def gather(params):
    """Return the state of the server that the options name."""
    try:
        with connection.connect(params) as socket:
            return reader.read(socket.lua_json(lua.command()))
    except AdminUnavailable as error:
        if params["fail_when_stopped"] or error.reason not in _STOPPED:
            raise
        return reader.stopped()


def main():
    module = AnsibleModule(
        argument_spec={
            **connection.argument_spec(),
            "fail_when_stopped": {"type": "bool", "default": False},
            "set_facts": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    try:
        state = gather(module.params)
    except XmppError as error:
        module.fail_json(msg=str(error))
    facts = {"ansible_facts": {"prosody": state}} if module.params["set_facts"] else {}
    module.exit_json(changed=False, **state, **facts)


if __name__ == "__main__":
    main()
