# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The settings of role prosody as a configuration of Prosody 13.

Settings are the variables prosody_* without their prefix. What they do not say stays as Prosody has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.xmpp.jid import domain_to_ascii
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody import ldap, own_modules, secrets
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.document import Document, render
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.hosts import (
    external_components,
    host_name,
    hosts_of,
)
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.server import sections
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.settings import ModelError, Settings

# variable, what it is for, what must be there for it, whether it is on loopback by itself
_LISTENERS: tuple[tuple[str, str, str | None, bool], ...] = (
    ("c2s_ports", "clients", None, False),
    ("c2s_direct_tls_ports", "clients with TLS", None, False),
    ("s2s_ports", "servers", "s2s", False),
    ("s2s_direct_tls_ports", "servers with TLS", "s2s", False),
    ("http_ports", "HTTP", None, True),
    ("https_ports", "HTTPS", None, False),
    ("component_ports", "external components", "", True),
    ("proxy65_ports", "file transfers", "proxy65", False),
)

OPERATOR_FILE = "/etc/prosody/conf.d/operator*.cfg.lua"

_HEADER = """Configuration of Prosody, the XMPP server of {domain}.
Written by role prosody of the Ansible collection allthingslinux.xmpp: what you change here is lost.
Options and what they mean: https://prosody.im/doc/configure"""

_INCLUDE = """Read last, never written by the collection, missing without harm: /etc/prosody/conf.d/operator.cfg.lua.
An option there replaces the one above, a VirtualHost or Component there adds to those above."""


def build(values: Mapping[str, Any]) -> Document:
    """Return the configuration that `values` describe. Raises ModelError or LuaError naming the path."""
    settings = Settings(values)
    hosts = hosts_of(settings)
    if not any(host.module is None for host in hosts):
        raise ModelError("prosody_hosts: Prosody needs at least one virtual host")
    domain = settings.text("domain") or next(host.name for host in hosts if host.module is None)
    return Document(
        _HEADER.format(domain=domain),
        sections(settings, domain_to_ascii(hosts[0].name)),
        hosts,
        OPERATOR_FILE,
        _INCLUDE,
    )


def config_text(values: Mapping[str, Any]) -> str:
    """Return the text of prosody.cfg.lua for `values`."""
    return render(build(values))


def secret_files(values: Mapping[str, Any]) -> dict[str, str]:
    """Return the secrets that the text for `values` refers to: file name to value.

    Raises ModelError, which never shows a value, where one is missing or cannot be read as one line.
    """
    settings = Settings(values)
    files: dict[str, str] = {}
    for name, value in settings.mapping("secrets").items():
        path = f"{settings.where('secrets')}.{name}"
        if name in (secrets.TURN, secrets.DATABASE, secrets.LDAP) or name.startswith("component_"):
            raise ModelError(f"{path}: {name!r} is a name of the role's own; choose another")
        files[name] = secrets.check(name, value, path)
    if settings.text("turn_host"):
        value = settings.values.get("turn_secret")
        files[secrets.TURN] = secrets.check(secrets.TURN, value, settings.where("turn_secret"))
    if settings.text("storage") == "postgresql" and not settings.text("database_host").startswith("/"):
        value = settings.values.get("database_password")
        files[secrets.DATABASE] = secrets.check(secrets.DATABASE, value, settings.where("database_password"))
    files |= ldap.secret(settings)
    generated = settings.mapping("generated")
    for component in external_components(settings):
        name = secrets.component(host_name(component))
        value = component.values.get("secret") or generated.get(name)
        files[name] = secrets.check(name, value, component.where("secret"))
    return files


def certificate_names(values: Mapping[str, Any]) -> list[str]:
    """Return the DNS names that the certificate must cover: every host and component, in the order of the file."""
    return [domain_to_ascii(host.name) for host in hosts_of(Settings(values))]


def ports(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the TCP ports that the server will listen on, in the form that action preflight takes them.

    port, protocol, service, variable; address, where it is not all of them; from, where not everybody has to reach it.
    """
    settings = Settings(values)
    modules = {host.module for host in hosts_of(settings)}
    kinds = {
        "c2s_direct_tls": "proxied_c2s_port",
        "s2s_direct_tls": "proxied_s2s_port",
        "c2s": "proxied_c2s_starttls_port",
        "s2s": "proxied_s2s_starttls_port",
    }
    proxied = {port: kinds[service] for port, service in own_modules.proxied_services(settings).items()}
    behind = {"from": [*settings.texts("proxies"), *settings.texts("metrics_allow_ips")]}
    some = {name: behind for name in ("http_ports", "https_ports") if settings.flag("proxied")}
    return [
        {
            "port": port,
            "protocol": "tcp",
            "service": service,
            "variable": settings.where(name),
            **address,
            **some.get(name, {}),
        }
        for name, service, needed, loopback in _LISTENERS
        if needed is None or (settings.flag("federation", True) if needed == "s2s" else needed in modules)
        for address in _addresses(settings, name, loopback)
        for port in settings.ports(name)
    ] + [
        {"port": port, "protocol": "tcp", "service": "the proxy", "variable": settings.where(name), **address, **behind}
        for port, name in proxied.items()
        for address in [{"address": "127.0.0.1"} if own_modules.proxies_are_here(settings) else {}]
    ]


def _addresses(settings: Settings, name: str, loopback: bool) -> list[dict[str, str]]:
    interfaces = settings.texts(name.replace("_ports", "_interfaces")) or (
        ["127.0.0.1"] if loopback else settings.texts("interfaces")
    )
    return [{} if interface in ("*", "::") else {"address": interface} for interface in interfaces] or [{}]


def ports_once(values: Mapping[str, Any]) -> None:
    """Refuse a port that is given twice: Prosody says so in its log and leaves one of the services out."""
    taken: list[tuple[int, str, str]] = []
    for listener in ports(values):
        port, variable, address = listener["port"], listener["variable"], listener.get("address", "")
        for other, owner, where in taken:
            if other == port and owner != variable and (not address or not where or address == where):
                raise XmppError(f"{variable}: port {port} is that of {owner} already, give each a port of its own")
        taken.append((port, variable, address))
    settings = Settings(values)
    for name, *_rest in _LISTENERS:
        given = settings.ports(name)
        if len(given) != len(set(given)):
            raise XmppError(f"{settings.where(name)} has a port twice, write each once")


def served_names(values: Mapping[str, Any]) -> None:
    """Refuse names that Prosody 13 cannot serve: it looks for the A-labels of SNI among names in Unicode.

    Source: core/portmanager.lua, which enters the host as it is called in the configuration.
    """
    settings = Settings(values)
    direct = [
        name for name in ("c2s_direct_tls_ports", "s2s_direct_tls_ports", "https_ports") if settings.sequence(name)
    ]
    for host in hosts_of(settings):
        if direct and not host.name.isascii():
            variables = " and ".join(settings.where(name) for name in direct)
            raise ModelError(
                f"{host.path}: Prosody 13 does not find {host.name!r} on ports with TLS from the first byte, where it "
                f"is asked for in ASCII; set {variables} to [], and a proxy in front of its HTTP"
            )
