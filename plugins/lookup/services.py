# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: services
short_description: What Prosody hosts of the inventory offer, and where
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - Reads the settings of roles prosody, coturn, proxy and certificates, with their defaults, for hosts of the
    inventory, and returns the domains that are served with ports, names, probe accounts and what is off on purpose.
    Checks, probes of monitoring and DNS records are made of it.
  - Of other hosts than the one it runs for, what the inventory and facts say is known, not what single plays set.
  - No secret is looked up.
options:
  _terms:
    description: Hosts of the inventory that run Prosody.
    type: list
    elements: str
    required: true
  addresses:
    description:
      - Host to the address at which it is reached from where the result is used. By default what
        P(allthingslinux.xmpp.reached_at#lookup) says.
    type: dict
    default: {}
  problems:
    description:
      - Whether to return, in the place of all that, each setting of a role that does not fit to that of another one, as
        M(allthingslinux.xmpp.preflight) takes it. What is wrong by itself is left to the preflight of its role.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Show which ports clients use
  ansible.builtin.debug:
    msg: "{{ lookup('allthingslinux.xmpp.services', 'chat1').services | map(attribute='ports') }}"
"""

RETURN = r"""
_list:
  description: One mapping for each host; with O(problems) one for each problem.
  type: list
  elements: dict
  contains:
    host:
      description: The host of the inventory.
      type: str
    services:
      description:
        - One mapping for each virtual host, with C(domain); C(ports) by what is there of C(c2s), C(c2s_tls), C(s2s),
          C(s2s_tls), C(https), C(turn) and C(turn_tls); C(address), C(http_address), empty where the C(http_name)
          alone is known, C(tls_address), C(starttls_address), C(turn_name) and C(turn_address); C(accounts), those of
          the probes;
          C(archive), whether messages are kept; C(invitation_page), its path; C(without), what checks need not look
          for; and C(closed), the ports that must not answer.
      type: list
      elements: dict
    metrics:
      description:
        - Where metrics are served, C(http) and C(https) port (0 for nowhere), C(http_address) for the host itself, and
          the C(name) that the certificate is for.
      type: dict
    database:
      description:
        - Where Prosody finds PostgreSQL over the network with TLS, C(host) and C(port), and the C(domain) that stores
          there; empty where it does not, and for other hosts than the one this runs for.
      type: dict
    dns:
      description:
        - Options for P(allthingslinux.xmpp.xmpp_dns_records#filter), C(addresses), C(turn_addresses),
          C(proved_by_http) and C(proxy).
      type: dict
    authority:
      description: What CAA records call the ACME server that is to issue certificates; empty where that is not known.
      type: list
      elements: str
    settings:
      description: The settings of role prosody that were read, without prefix.
      type: dict
"""

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.loader import lookup_loader
from ansible.plugins.lookup import LookupBase
from ansible.template import Templar
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.services import addresses, authority, domains

ROLES = Path(__file__).resolve().parents[2] / "roles"


class LookupModule(LookupBase):
    """Lookup allthingslinux.xmpp.services."""

    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[dict[str, Any]]:
        """Return what each of the hosts `terms` offers."""
        self.set_options(var_options=variables, direct=kwargs)
        self._variables = variables or {}
        self._addresses = self.get_option("addresses")
        if self.get_option("problems"):
            return [{"that": False, "problem": problem} for host in terms for problem in self._problems(host)]
        try:
            return [self._host(host) for host in terms]
        except XmppError as error:
            raise AnsibleLookupError(str(error)) from error

    def _problems(self, host: str) -> list[str]:
        try:
            return domains.turn_problems(self._settings("prosody", domains.SETTINGS, host), self._turns())
        except XmppError:
            return []

    def _hosts(self, group: str) -> list[str]:
        return list((self._variables.get("groups") or {}).get(group) or [])

    def _turns(self) -> list[domains.Turn]:
        return [
            domains.Turn(self._relay(name), self._settings("coturn", domains.TURN_SETTINGS, name))
            for name in self._hosts("coturn")
        ]

    def _relay(self, host: str) -> str:
        """Where its coturn is asked: elsewhere than the rest where role containers knows of the Docker host."""
        usual = self._address(host)
        if "__xmpp_outside" not in self._raw(host):
            return usual
        place = self._settings("coturn", domains.TURN_PLACES, host)
        return addresses.relay(place, usual, host in self._addresses)

    def _host(self, host: str) -> dict[str, Any]:
        settings = self._settings("prosody", domains.SETTINGS, host)
        fronts = [
            domains.Proxy(self._address(name), self._settings("proxy", domains.PROXY_SETTINGS, name))
            for name in self._hosts("proxy")[:1]
        ]
        front = fronts[0] if fronts else None
        certificates = self._settings("certificates", authority.SETTINGS, host)
        # from inside nothing forwards another port to its own
        seen = (
            domains.Proxy(front.address, {**front.settings, "https_port": 443}) if front and self._addresses else front
        )
        return {
            "host": host,
            "services": [one.as_dict() for one in domains.services(settings, self._address(host), self._turns(), seen)],
            "metrics": domains.metrics(settings),
            "database": self._database(host, settings),
            "authority": authority.names(certificates),
            "dns": {
                "addresses": self._public_of(host),
                "turn_addresses": self._public("coturn"),
                "proved_by_http": authority.proves_by_http(certificates),
                "proxy": {**front.settings, "addresses": self._public("proxy")} if front else {},
            },
            "settings": settings,
        }

    def _database(self, host: str, settings: dict[str, Any]) -> dict[str, Any]:
        # where others see it does not matter: its firewall lets in nobody else
        if host != self._variables.get("inventory_hostname"):
            return {}
        return domains.database({**settings, **self._settings("prosody", domains.DATABASE_SETTINGS, host)})

    def _public(self, group: str) -> list[str]:
        return [one for name in self._hosts(group)[:1] for one in self._public_of(name)]

    def _address(self, host: str) -> str:
        if host in self._addresses:
            return str(self._addresses[host])
        reached_at = lookup_loader.get("allthingslinux.xmpp.reached_at", loader=self._loader, templar=self._templar)
        return str(reached_at.run([host], self._variables)[0])

    def _raw(self, host: str) -> dict[str, Any]:
        """What the inventory and facts say of a host, not yet templated."""
        hostvars = self._variables.get("hostvars") or {}
        raw = dict(getattr(hostvars, "raw_get", hostvars.get)(host) or {})
        return {**raw, "inventory_hostname": host, "hostvars": hostvars, "groups": self._variables.get("groups")}

    def _public_of(self, host: str) -> list[str]:
        names = ("ansible_facts", "xmpp_dns_addresses", "xmpp_backend", "xmpp_address")
        return addresses.public(self._templated(names, self._raw(host)))

    def _settings(self, role: str, names: tuple[str, ...], host: str) -> dict[str, Any]:
        """Return the variables `names` of a role on a host, without the prefix; without those that nobody defines."""
        file = ROLES / role / "defaults" / "main.yml"
        defaults = self._loader.load_from_file(str(file), trusted_as_template=True) if file.exists() else {}
        # of the host that this runs for, what the play says counts as well
        mine = self._variables if host == self._variables.get("inventory_hostname") else {}
        found = self._templated([f"{role}_{name}" for name in names], {**defaults, **self._raw(host), **mine})
        return {name.removeprefix(f"{role}_"): value for name, value in found.items()}

    def _templated(self, names: Any, variables: dict[str, Any]) -> dict[str, Any]:
        templar = Templar(loader=self._loader, variables=variables)
        return {name: templar.template(variables[name]) for name in names if name in variables}
