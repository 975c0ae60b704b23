# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A deployment as DNS sees it, out of the settings of role prosody and what only DNS needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.dns.records import (
    Deployment,
    DnsError,
    Name,
    domain_name,
)
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.hosts import host_name, hosts_of
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.settings import Settings
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.services import domains

# Components to whose own name clients connect
_WEB = frozenset({"http_file_share", "http_upload", "http_upload_external"})
_RELAY = frozenset({"proxy65"})
_LISTS = ("addresses", "turn_addresses", "certificates", "turn_certificates")


def deployment(values: Mapping[str, Any], options: Mapping[str, Any]) -> Deployment:
    """The deployment that `values` (variables of role prosody without prefix) describe; raises XmppError.

    options: target, addresses, turn_addresses, certificates, turn_certificates, caa, bosh_url, websocket_url, ttl;
    proved_by_http: whether an authority asks port 80 of every name in the certificate;
    proxy: settings of a proxy of ours with its addresses, empty without one.
    """
    settings = Settings(values)
    lists = {name: texts(options.get(name), name) for name in _LISTS}
    given = options.get("proxy") if settings.flag("proxied", True) else None
    proxy = _proxy(given or {}, lists["addresses"])
    relayed = settings.text("proxy65_address")
    users = {host_name(host): host for host in settings.entries("hosts")}
    web = {
        name: bool(domains.https_port(settings, host, name, proxy))
        and (bool(proxy) or not _elsewhere(settings, host, name))
        for name, host in users.items()
    }
    # a proxy has uploads under the names of the hosts
    elsewhere = bool(proxy) or bool(settings.text("http_external_url")) or settings.flag("proxied")
    uploads = not elsewhere and bool(settings.numbers("https_ports"))
    proved = bool(options.get("proved_by_http"))
    names = tuple(
        Name(
            domain_name(host.name),
            users=host.module is None,
            web=web.get(host.name, False) if host.module is None else uploads and host.module in _WEB,
            relay=not relayed and host.module in _RELAY,
            # a host whose web site is elsewhere keeps its address
            proved=proved
            and (host.module is not None or bool(proxy) or not _elsewhere(settings, users[host.name], host.name)),
        )
        for host in hosts_of(settings)
    )
    first = next((name.name for name in names if name.users), "")
    target = options.get("target") or (f"xmpp.{first}" if first else "")
    if not target:
        raise DnsError("There is no virtual host to make records for: set prosody_hosts.")
    if not lists["addresses"]:
        raise DnsError(f"The addresses of {target} are not known: give at least one.")
    turn_host = settings.text("turn_host")
    return Deployment(
        names=names,
        target=domain_name(target),
        addresses=lists["addresses"],
        federation=settings.flag("federation", True),
        turn_host=domain_name(turn_host) if turn_host else "",
        turn_addresses=lists["turn_addresses"] or lists["addresses"],
        turn_port=settings.number("turn_port", 3478) or 3478,
        turn_tls_port=settings.number("turn_tls_port", 0) or 0,
        certificates=lists["certificates"],
        turn_certificates=lists["turn_certificates"],
        caa=tuple(options.get("caa") or ()),
        bosh_url=options.get("bosh_url") or "",
        websocket_url=options.get("websocket_url") or "",
        ttl=int(options.get("ttl") or 3600),
        **_ports(settings, proxy),
        **_front(proxy, lists["addresses"], first),
    )


def _elsewhere(settings: Settings, host: Settings, name: str) -> bool:
    """Whether HTTPS of a host is at a proxy that is not ours, whose addresses nobody told us."""
    return bool(domains.external_url(settings, host, name))


def _proxy(given: Mapping[str, Any], addresses: tuple[str, ...]) -> domains.Proxy | None:
    if not given:
        return None
    return domains.Proxy((texts(given.get("addresses"), "proxy.addresses") or addresses or ("",))[0], given)


def _ports(settings: Settings, proxy: domains.Proxy | None) -> dict[str, Any]:
    ports = {name: tuple(settings.numbers(name)) for name in _PORTS if settings.has(name)}
    if proxy:
        ports["https_ports"] = (domains.proxy_port(proxy),)
        if domains.has_direct_tls(proxy):
            ports.update({name: ports["https_ports"] for name in _DIRECT if ports.get(name)})
        if domains.has_starttls(proxy):
            there = {f"{name}_ports": (port,) for name, port in domains.STARTTLS.items()}
            ports.update({name: one for name, one in there.items() if ports.get(name, one)})
    return ports


def _front(proxy: domains.Proxy | None, addresses: tuple[str, ...], first: str) -> dict[str, Any]:
    """Where https is, direct TLS and what upgrades to it: at a proxy of ours on another machine, by the first host."""
    if proxy is None:
        return {}
    there = texts(proxy.settings.get("addresses"), "proxy.addresses")
    if not there or set(there) == set(addresses):
        return {"web_keys": False}
    return {
        "web_keys": False,
        "web_addresses": there,
        "direct_target": first if domains.has_direct_tls(proxy) else "",
        "starttls_target": first if domains.has_starttls(proxy) else "",
    }


_DIRECT = ("c2s_direct_tls_ports", "s2s_direct_tls_ports")
_PORTS = ("c2s_ports", "c2s_direct_tls_ports", "s2s_ports", "s2s_direct_tls_ports", "https_ports")


def texts(value: Any, name: str) -> tuple[str, ...]:
    """One text or several, without empty ones; raises DnsError naming the option."""
    if value is None:
        return ()
    given: Iterable[Any] = [value] if isinstance(value, str) else value
    found = tuple(given)
    if not all(isinstance(one, str) for one in found):
        raise DnsError(f"{name}: a list of texts is expected, {value!r} was given.")
    return tuple(one for one in found if one)
