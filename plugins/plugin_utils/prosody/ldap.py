# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Accounts of an LDAP directory, for mod_auth_ldap: its options, and what libldap takes from the environment.

mod_auth_ldap waits for the directory, and nobody is served meanwhile; how long is libldap's matter (ldap.conf(5)).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody import secrets
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.document import Option
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.settings import ModelError, Settings

PROVIDER = "ldap"
KEYS = ("server", "base", "filter", "bind_dn", "bind_password", "start_tls", "ca", "timeout")
USUAL_FILTER = "(&(objectClass=person)(uid=$user))"
_SERVER = re.compile(r"(?:(?P<scheme>ldaps?|ldapi)://)?(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_%./-]+)(?::\d{1,5})?/?\Z")


def hosts(settings: Settings) -> list[Settings]:
    """Return the virtual hosts whose accounts a directory keeps."""
    usual = settings.text("authentication")
    return [host for host in settings.entries("hosts") if (host.text("authentication") or usual) == PROVIDER]


def options(settings: Settings) -> list[Option]:
    """Return the options of mod_auth_ldap that prosody_ldap asks for, none without it.

    Raises ModelError for what cannot work, and for passwords that would cross a network as they are.
    """
    if not settings.mapping("ldap"):
        return []
    given = _given(settings)
    if not hosts(settings):
        raise ModelError(f"{given.path}: no host of prosody_hosts has authentication: ldap, so nobody would read it")
    for name in ("server", "base"):
        if not given.text(name):
            raise ModelError(f"{given.where(name)} is needed, such as {_SAMPLES[name]}")
    server = given.text("server")
    found = _SERVER.match(server)
    if not found:
        raise ModelError(f"{given.where('server')} is none: give a name, or {_SAMPLES['server']}")
    direct = found["scheme"] == "ldaps"
    start_tls = given.flag("start_tls", not direct and found["scheme"] != "ldapi")
    if direct and start_tls:
        raise ModelError(f"{given.where('start_tls')}: ldaps:// is TLS from the first byte; leave it out")
    if not direct and not start_tls and found["scheme"] != "ldapi" and not _own(found["host"]):
        raise ModelError(f"{given.where('start_tls')}: passwords would cross the network as they are; use ldaps://")
    wanted = given.text("filter") or USUAL_FILTER
    if "$user" not in wanted:
        raise ModelError(f"{given.where('filter')}: it must have $user in it, such as {USUAL_FILTER}")
    if given.text("bind_dn") == "" and given.has("bind_password"):
        raise ModelError(f"{given.where('bind_dn')} is needed for the password beside it")
    timeout(settings)
    entries = [
        Option("ldap_server", server, path=given.where("server")),
        Option("ldap_tls", start_tls, "STARTTLS"),
        Option("ldap_base", given.text("base"), path=given.where("base")),
        Option("ldap_filter", wanted, path=given.where("filter")),
        Option("ldap_mode", "bind", "The directory looks at passwords itself, and Prosody keeps none"),
    ]
    if given.text("bind_dn"):
        entries.append(Option("ldap_rootdn", given.text("bind_dn"), path=given.where("bind_dn")))
    if given.has("bind_password"):
        entries.append(Option("ldap_password", secrets.reference(secrets.LDAP)))
    return entries


def secret(settings: Settings) -> dict[str, str]:
    """Return the file of the password with which Prosody looks for people: name to value, empty without one."""
    if not settings.mapping("ldap"):
        return {}
    given = _given(settings)
    if not given.has("bind_password"):
        return {}
    value = given.values["bind_password"]
    return {secrets.LDAP: secrets.check(secrets.LDAP, value, given.where("bind_password"))}


def timeout(settings: Settings) -> int:
    """Return the seconds that the directory may take. Raises ModelError for more than people would wait."""
    given = _given(settings)
    seconds = given.number("timeout", 1)
    if not 1 <= seconds <= 10:
        raise ModelError(f"{given.where('timeout')}: from 1 to 10 seconds, in which nobody at all is served")
    return seconds


def environment(values: Mapping[str, Any]) -> dict[str, str]:
    """Return the environment that Prosody needs for libldap; empty where no host asks a directory."""
    settings = Settings(values)
    if not hosts(settings):
        return {}
    seconds = str(timeout(settings))
    found = {"LDAPNETWORK_TIMEOUT": seconds, "LDAPTIMEOUT": seconds, "LDAPTLS_REQCERT": "demand"}
    authority = _given(settings).text("ca")
    return {**found, **({"LDAPTLS_CACERT": authority} if authority else {})}


def refuse_what_it_cannot(settings: Settings) -> None:
    """Raise ModelError for accounts and registrations on hosts whose accounts a directory keeps."""
    for host in hosts(settings):
        policy = host if host.has("registration") else settings
        if policy.text("registration") not in ("", "closed"):
            raise ModelError(
                f"{policy.where('registration')}: the accounts of {host.text('name')} are those of the LDAP directory, "
                "where nobody can register from a client; closed is what there is"
            )


_SAMPLES = {"server": "ldaps://ldap.example.org", "base": "ou=people,dc=example,dc=org"}


def _given(settings: Settings) -> Settings:
    given = Settings(settings.mapping("ldap"), settings.where("ldap"))
    for key in given.values:
        if key not in KEYS:
            raise ModelError(f"{given.where(key)}: there is no such setting; there are {', '.join(KEYS)}")
    return given


def _own(host: str) -> bool:
    """Whether a name or address is this host's own."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
