# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The settings that hold for the whole server: one function for each section, in reading order."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Union

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.xmpp import jid
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.addresses import is_address
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody import (
    block_lists,
    firewall_scripts,
    ldap,
    module_choice,
    own_modules,
    secrets,
    upload_scan,
    value_forms,
)
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.catalogue import packaged
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.document import Modules, Option, Section
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.names import domain_name
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.settings import ModelError, Settings
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.types import nearest

Entries = list[Union[Option, Modules]]

LOG_DIRECTORY = "/var/log/prosody"
COMMUNITY_MODULES = "/usr/local/lib/prosody/xmpp-modules"
"""Where module prosody_module puts what prosody_community_modules names."""

LEVELS = ("debug", "info", "warn", "error")
STORAGES = {"postgresql": "sql", "sqlite": "sql", "internal": "internal", "memory": "memory"}

# Prosody's own defaults: a setting that only repeats one is not written.
_PORTS = {
    "c2s_ports": [5222],
    "c2s_direct_tls_ports": [],
    "s2s_ports": [5269],
    "s2s_direct_tls_ports": [],
    "http_ports": [5280],
    "https_ports": [5281],
    "component_ports": [5347],
    "proxy65_ports": [5000],
}

_PORT_COMMENTS = {
    "c2s_direct_tls_ports": "Clients, TLS from the first byte (XEP-0368)",
    "s2s_direct_tls_ports": "Servers, likewise",
}


def sections(settings: Settings, certificate: str) -> list[Section]:
    """Return the sections of `settings` that have something to say. certificate: name of the one for all hosts."""
    built = [(title, intro, build(settings)) for title, intro, build in builders(certificate)]
    # What the operator sets replaces what this file only suggests; TYPED options never get here.
    own = set(settings.mapping("options"))
    last = len(built) - 1
    kept = [
        Section(title, [entry for entry in entries if index == last or entry.name not in own], intro)
        for index, (title, intro, entries) in enumerate(built)
    ]
    return [section for section in kept if section.entries]


def builders(certificate: str) -> list[tuple[str, str, Callable[[Settings], Entries]]]:
    """Return title, introduction and maker of each section. certificate: name of the one for all hosts."""
    return [
        ("Core", "", _core),
        ("Network", "", _network),
        ("Name resolution", "", _resolver),
        ("Modules", "Prosody loads presence, message, iq, offline, c2s and s2s by itself.", _modules),
        ("Authentication and registration", "", _authentication),
        ("Limits", "", _limits),
        ("Storage", "", _storage),
        ("Archive", "", _archive),
        ("TLS", "Certificates are found in the directory by the names they are for.", partial(_tls, certificate)),
        ("HTTP", "", _http),
        ("Calls", "STUN and TURN for calls between clients behind NAT (XEP-0215).", _calls),
        ("Words and information", "", _words),
        ("Logging", "", _logging),
        ("Audit trail", "Read by bin/xmpp audit.", _audit_trail),
        ("Statistics", "", _statistics),
        ("Memory", "", _memory),
        ("Other options", "", _other),
    ]


def _core(settings: Settings) -> Entries:
    entries: Entries = []
    admins = settings.texts("admins")
    if admins:
        entries.append(
            Option("admins", admins, "Role prosody:operator, on every host and component", settings.where("admins"))
        )
    entries.append(Option("pidfile", "/run/prosody/prosody.pid", "Where Debian's service looks"))
    paths = settings.texts("plugin_paths")
    if own_modules.needed(settings) and own_modules.DIRECTORY not in paths:
        paths = [*paths, own_modules.DIRECTORY]
    if settings.has("community_modules") and COMMUNITY_MODULES not in paths:
        paths = [*paths, COMMUNITY_MODULES]
    if paths:
        entries.append(
            Option("plugin_paths", paths, "Searched before Prosody's own modules", settings.where("plugin_paths"))
        )
    return entries


def _network(settings: Settings) -> Entries:
    entries: Entries = []
    if settings.has("ipv6") and not settings.flag("ipv6"):
        entries.append(Option("use_ipv6", False, "This host has no IPv6"))
    interfaces = value_forms.interfaces(settings, "interfaces")
    if interfaces:
        entries.append(Option("interfaces", interfaces, path=settings.where("interfaces")))
    for name, default in _PORTS.items():
        if not _listens(name, settings):
            continue
        ports = settings.ports(name)
        if settings.has(name) and ports != default:
            entries.append(Option(name, ports, _PORT_COMMENTS.get(name, ""), settings.where(name)))
        option = name.replace("ports", "interfaces")
        interfaces = value_forms.interfaces(settings, option)
        if interfaces:
            entries.append(Option(option, interfaces, path=settings.where(option)))
    entries += _proxied(settings)
    if settings.flag("federation", True):
        secure = settings.flag("s2s_secure_auth", True)
        entries.append(Option("s2s_secure_auth", secure, "Servers prove who they are by certificate" if secure else ""))
        insecure = settings.texts("s2s_insecure_domains")
        if insecure:
            path = settings.where("s2s_insecure_domains")
            entries.append(Option("s2s_insecure_domains", insecure, "Except these: by dialback", path))
        for name, comment in (("s2s_allow", "These and no others"), ("s2s_deny", "Not these, nor what is below them")):
            domains = peer_domains(settings, name)
            if domains:
                entries.append(Option(name, domains, comment, settings.where(name)))
        if settings.flag("dane"):
            entries.append(Option("use_dane", True, "Certificates in DNS count as well (RFC 7673)"))
    return entries


def peer_domains(settings: Settings, name: str) -> list[str]:
    """Return the domains of other servers in setting `name` as Prosody has them. Raises ModelError for what is none."""
    denied = set() if name == "s2s_deny" else {one.lower() for one in settings.texts("s2s_deny")}
    domains = []
    for path, domain in settings.named_texts(name):
        if domain.lower() in denied:
            raise ModelError(f"{path}: {domain!r} is in prosody_s2s_deny as well, which counts; take it out of one")
        if domain.startswith(("*.", ".")):
            raise ModelError(f"{path}: write {domain.lstrip('*.')!r}, which stands for all that is below it, too")
        domains.append(domain_name(domain, path))
    return domains


def _listens(name: str, settings: Settings) -> bool:
    """Whether anything listens on ports `name`. The linter refuses ports of what is not there, which nobody reads."""
    if name.startswith("s2s"):
        return settings.flag("federation", True)
    scopes = [settings, *settings.entries("hosts")]
    components = [component.text("module") for scope in scopes for component in scope.entries("components")]
    if name == "component_ports":
        return "" in components  # one of a program outside Prosody
    if name == "proxy65_ports":
        chosen = [host if host.has("standard_components") else settings for host in scopes[1:]]
        return "proxy65" in components or any("proxy" in scope.texts("standard_components") for scope in chosen)
    return True


def _proxied(settings: Settings) -> Entries:
    """What Prosody knows about role proxy: where it hands connections to, and who may say whose they are."""
    services = own_modules.proxied_services(settings)
    if not settings.flag("proxied"):
        return []
    proxies, where = settings.texts("proxies"), settings.where("proxies")
    for address in proxies:
        try:
            ipaddress.ip_network(address, strict=False)
        except ValueError as error:
            raise ModelError(
                f"{where}: {address} is no address. If a host of group proxy does not answer, and so its address is "
                "not known, give the addresses of the proxies."
            ) from error
    # Uploads come in pieces of this size, and after each the connection waits a turn (net/server_epoll.lua)
    entries: Entries = [Option("network_default_read_size", 262144, "Uploads through the proxy: many times faster")]
    if services:
        entries.append(Option("proxy_direct_tls_mappings", services, "From the proxy, with the address of the client"))
        entries.append(Option("proxy_direct_tls_trusted", proxies, path=where))
        if own_modules.proxies_are_here(settings):
            entries.append(Option("proxy_direct_tls_interfaces", ["127.0.0.1"]))
    return entries


def _resolver(settings: Settings) -> Entries:
    resolver = settings.mapping("resolver")
    if settings.flag("dane") and not _TRUST & set(resolver):
        # libunbound proves nothing without a key to begin with, and a resolver's word is not enough for it
        resolver = {**resolver, "trustfile": ROOT_KEYS}
    if not resolver:
        return []
    return [Option("unbound", resolver, "The resolver of this host and its hosts file", settings.where("resolver"))]


# package dns-root-data
ROOT_KEYS = "/usr/share/dns/root.key"
_TRUST = frozenset({"trusted", "trustfile"})


def _modules(settings: Settings) -> Entries:
    groups = module_choice.groups_of(settings)
    entries: Entries = [module_choice.enabled(groups)]
    off = [name for name in module_choice.checked(settings, "modules_disabled") if name in module_choice.AUTOMATIC]
    if not settings.flag("federation", True):
        off.append("s2s")
    if off:
        entries.append(module_choice.disabled(off))
    return entries


def _authentication(settings: Settings) -> Entries:
    entries: Entries = []
    provider = settings.text("authentication", "internal_hashed")
    entries.append(Option("authentication", provider, path=settings.where("authentication")))
    own = {host.text("authentication") or provider for host in settings.entries("hosts")}
    if "internal_hashed" in own:
        password_hash = settings.choice("password_hash", ("SHA-1", "SHA-256"), "SHA-256")
        entries.append(Option("password_hash", password_hash, f"SCRAM-{password_hash}; fixed by the first account"))
    length = settings.number("password_min_length")
    if length:
        policy = {"length": length, "exclude_username": True}
        entries.append(Option("password_policy", policy, path=settings.where("password_min_length")))
    ldap.refuse_what_it_cannot(settings)
    entries += ldap.options(settings)
    entries += registration_options(settings)
    if any(module.name == "newcomers" for module in own_modules.needed(settings)):
        days, path = settings.number("newcomer_days", 3), settings.where("newcomer_days")
        entries.append(Option("newcomer_days", days, "So long a new account may do less", path))
    return entries + _dns_blocklists(settings)


def _dns_blocklists(settings: Settings) -> Entries:
    named = settings.named_texts("registration_dns_blocklists")
    lists = [jid.domain_to_ascii(domain_name(name, path)) for path, name in named]
    if not lists:
        return []
    path = settings.where("registration_dns_blocklists")
    if not any(module.name == "register_dns_lists" for module in own_modules.needed(settings)):
        raise ModelError(
            f"{path}: nobody registers here without an invitation, and who has one is not looked up: set "
            "prosody_registration to public, or leave it out"
        )
    comment = "Nobody registers from an address that one of them has"
    return [Option("registration_dns_blocklists", list(dict.fromkeys(lists)), comment, path)]


def registration_options(settings: Settings) -> Entries:
    """Return the options of the registration policy, for the whole server or for one host."""
    policy = settings.choice("registration", module_choice.REGISTRATION, "closed")
    if policy == "invite":
        return [Option("registration_invite_only", True, "An account needs an invitation")]
    if policy == "public":
        return [
            Option("registration_invite_only", False, "Everybody may create an account"),
            Option("registration_throttle_max", 50, "From one address, as that of a school: that many accounts"),
            Option("registration_throttle_period", "1 hour", "in that time"),
            Option("registration_throttle_cache_size", 10000, "So many addresses are remembered"),
        ]
    return []


def _limits(settings: Settings) -> Entries:
    entries: Entries = []
    if settings.has("block_lists"):
        allow, deny = (peer_domains(settings, name) for name in ("s2s_allow", "s2s_deny"))
        entries += block_lists.options(settings, allow, deny)
    entries += firewall_scripts.options(settings)
    entries += upload_scan.options(settings)
    limits = value_forms.limits(settings)
    if limits:
        comment = "Bytes per second of one connection, and for how long it may exceed them"
        entries.append(Option("limits", limits, comment, settings.where("limits")))
    for name in ("c2s_stanza_size_limit", "s2s_stanza_size_limit"):
        size = settings.size(name)
        if size is not None:
            entries.append(Option(name, size, path=settings.where(name)))
    return entries


def _storage(settings: Settings) -> Entries:
    kind = settings.choice("storage", tuple(STORAGES), "internal")
    stores = settings.mapping("stores")
    known = {name.removeprefix("storage_") for name in packaged() if name.startswith("storage_")}
    for store, backend in stores.items():
        if isinstance(backend, str) and backend not in known and (near := nearest(backend, known)):
            raise ModelError(f"{settings.where('stores')}.{store}: there is no storage {backend!r}; is it {near!r}?")
    name = "default_storage" if stores else "storage"
    entries: Entries = [Option(name, STORAGES[kind])]
    if stores:
        entries.append(Option("storage", stores, "Stores that lie elsewhere", settings.where("stores")))
    if kind == "postgresql":
        entries.append(Option("sql", _postgresql(settings)))
    elif kind == "sqlite":
        entries.append(Option("sql", {"driver": "SQLite3", "database": "prosody.sqlite"}))
        entries.append(Option("sqlite_tune", "normal", "Write-ahead log: many times faster"))
    return entries


def _postgresql(settings: Settings) -> dict[str, Any]:
    host = settings.text("database_host")
    if not host:
        raise ModelError(
            "prosody_database_host: there is no database server; add a host to the inventory group postgresql, "
            "name a server, or choose another prosody_storage"
        )
    parameters: dict[str, Any] = {
        "driver": "PostgreSQL",
        "database": settings.text("database_name", "prosody"),
        "username": settings.text("database_user", "prosody"),
        "host": host,
    }
    port = settings.number("database_port")
    if port and port != 5432:
        parameters["port"] = port
    if not host.startswith("/"):
        parameters["password"] = secrets.reference(secrets.DATABASE)
    return parameters


def _archive(settings: Settings) -> Entries:
    entries: Entries = []
    for name, comment in (
        ("archive_expires_after", "Messages of users live that long"),
        ("muc_archive_expires_after", "Messages of rooms live that long"),
    ):
        if settings.text(name):
            option = "muc_log_expires_after" if name.startswith("muc") else name
            entries.append(Option(option, settings.period(name), comment, settings.where(name)))
    every = settings.period("archive_expiry_interval") if settings.text("archive_expiry_interval") else ""
    if every:
        # the period of a task of mod_cron: util/moduleapi and mod_cron put its name together
        for module in ("mam", "muc_mam"):
            name = f"{module}_remove_expired_messages_period"
            entries.append(
                Option(name, every, "How often they are looked for", settings.where("archive_expiry_interval"))
            )
        # by itself mod_cron looks once an hour whether it is time for anything
        seconds = settings.seconds("archive_expiry_interval")
        if seconds is not None and seconds < 3600:
            entries.append(Option("cron_check_delay", max(60, seconds), "Seconds, so that it is that often"))
    policy = settings.choice("archive_policy", ("always", "roster", "never"), "always")
    if policy != "always":
        entries.append(Option("default_archive_policy", policy, "Until a user decides otherwise"))
    return entries


def _tls(certificate: str, settings: Settings) -> Entries:
    directory = settings.text("certs_dir", "/etc/prosody/certs")
    entries: Entries = [Option("certificates", directory)]
    # The search leaves out what has expired (core/certmanager.lua, index_certs), and then a restart would leave names
    # and ports without any TLS, which is worse than a certificate that clients complain about. These come after it.
    file = f"{directory.rstrip('/')}/{certificate}.crt"
    entries.append(Option("certificate", file, "Where the search finds none, since it takes none that has expired"))
    for service in ("c2s_direct_tls", "s2s_direct_tls", "https"):
        if service.startswith("s2s") and not settings.flag("federation", True):
            continue
        if settings.numbers(f"{service}_ports"):
            entries.append(Option(f"{service}_certificate", file))
    profile = settings.choice("tls_profile", ("intermediate", "modern", "old"), "intermediate")
    if profile != "intermediate":
        entries.append(Option("tls_profile", profile))
    groups = value_forms.groups(settings)
    if groups:
        entries.append(
            Option(
                "ssl", {"curveslist": groups}, "Key exchange, the first that both know", settings.where("tls_groups")
            )
        )
    return entries


def _http(settings: Settings) -> Entries:
    entries: Entries = []
    domain = settings.text("domain")
    if domain:
        entries.append(Option("http_default_host", domain, "Answers requests for names that are no host of ours"))
    proxies = settings.texts("trusted_proxies")
    if proxies:
        path = settings.where("trusted_proxies")
        entries.append(Option("trusted_proxies", proxies, "Believed about the address of a client", path))
    return entries


def _calls(settings: Settings) -> Entries:
    host = settings.text("turn_host")
    if not host:
        return []
    port = settings.number("turn_port", 3478)
    tls_port = settings.number("turn_tls_port")
    services: list[dict[str, Any]] = [
        {"type": "stun", "transport": "udp", "port": port},
        {"type": "turn", "transport": "udp", "port": port, "secret": True},
        {"type": "turn", "transport": "tcp", "port": port, "secret": True},
    ]
    if tls_port:
        services.append({"type": "turns", "transport": "tcp", "port": tls_port, "secret": True})
    return [
        Option("external_service_host", host, path=settings.where("turn_host")),
        Option("external_service_secret", secrets.reference(secrets.TURN), "Shared with the TURN server"),
        Option("external_services", services),
    ]


def _words(settings: Settings) -> Entries:
    entries: Entries = []
    for name, option in (("site_name", "site_name"), ("welcome_message", "welcome_message"), ("motd", "motd_text")):
        if settings.text(name):
            entries.append(Option(option, settings.text(name), path=settings.where(name)))
    contacts = value_forms.contacts(settings)
    if contacts:
        entries.append(
            Option("contact_info", contacts, "Whom to write to about this server", settings.where("contact_info"))
        )
    return entries


def _logging(settings: Settings) -> Entries:
    level = settings.choice("log_level", LEVELS, "info")
    target = settings.choice("log_to", ("syslog", "console", "file", "json"), "syslog")
    if target == "file":
        value: Any = {level: f"{LOG_DIRECTORY}/prosody.log"}
        if level != "error":
            value["error"] = f"{LOG_DIRECTORY}/prosody.err"
        return [Option("log", value)]
    if target == "json":
        # The module comes up after the server: what goes wrong before is found in the journal.
        first = {"levels": {"min": level}, "to": "json", "filename": f"{LOG_DIRECTORY}/prosody.log"}
        return [Option("log", [first, {"levels": {"min": "error"}, "to": "syslog"}], "One JSON object per line")]
    comment = "The journal, with priorities" if target == "syslog" else "Standard output"
    return [Option("log", [{"levels": {"min": level}, "to": target}], comment)]


def _spelt_as_prosody_does(text: str) -> str:
    try:
        return jid.account(text).bare
    except XmppError:
        return text  # refused where accounts are declared


def _audit_trail(settings: Settings) -> Entries:
    if not settings.flag("audit_trail"):
        return []
    where, seconds = settings.where("audit_trail_keep"), settings.seconds("audit_trail_keep")
    if seconds is not None and seconds < 86400:
        raise ModelError(f"{where}: a day at least; prosody_audit_trail: false for no trail")
    addresses = settings.choice("audit_trail_addresses", ("network", "full", "none"), "network")
    entries: Entries = [
        Option("audit_trail_keep", settings.period("audit_trail_keep") or "30 days", "So long a line is kept", where),
        Option(
            "audit_trail_addresses",
            addresses,
            "What of an address is written",
            settings.where("audit_trail_addresses"),
        ),
    ]
    if probes := [_spelt_as_prosody_does(text) for text in settings.texts("probe_accounts")]:
        entries.append(Option("audit_trail_quiet", probes, "They sign in all the time, by order of the operator"))
    return entries


def _statistics(settings: Settings) -> Entries:
    if not settings.flag("metrics"):
        return []
    entries: Entries = [
        Option("statistics", "internal"),
        Option("statistics_interval", "manual", "Collected when somebody asks"),
    ]
    where, addresses = settings.where("metrics_allow_ips"), settings.texts("metrics_allow_ips")
    for address in addresses:
        if not is_address(address):
            raise ModelError(
                f"{where}: {address} is no address. If a host of group monitoring does not answer, and so its address "
                "is not known, give the addresses that fetch metrics."
            )
    if addresses:
        entries.append(Option("openmetrics_allow_ips", ["127.0.0.1", "::1", *addresses], path=where))
    return entries


def _memory(settings: Settings) -> Entries:
    gc = value_forms.collector(settings)
    return [Option("gc", gc, "Lua's garbage collector", settings.where("gc"))] if gc else []


def _other(settings: Settings) -> Entries:
    return open_options(settings, settings, TYPED)


def open_options(scope: Settings, settings: Settings, typed: Mapping[str, str]) -> Entries:
    """Return the open map `options` of `scope`: the server, a host or a component.

    `typed`: option to the setting that stands for it. Raises ModelError for such an option.
    """
    entries: Entries = []
    for name, value in scope.mapping("options").items():
        path = f"{scope.where('options')}.{name}"
        if name in typed:
            raise ModelError(f"{path}: set {typed[name]} instead; two places for one option end in a surprise")
        if value is None:
            continue
        entries.append(Option(name, secrets.resolve(value, settings, path), path=path))
    return entries


TYPED = {
    "admins": "prosody_admins",
    "archive_expires_after": "prosody_archive_expires_after",
    "audit_trail_addresses": "prosody_audit_trail_addresses",
    "audit_trail_keep": "prosody_audit_trail_keep",
    "audit_trail_quiet": "prosody_probe_accounts",
    "authentication": "prosody_authentication",
    "block_lists": "prosody_block_lists",
    "block_lists_host": "prosody_block_lists",
    "c2s_direct_tls_ports": "prosody_c2s_direct_tls_ports",
    "c2s_ports": "prosody_c2s_ports",
    "c2s_stanza_size_limit": "prosody_c2s_stanza_size_limit",
    "certificates": "prosody_certs_dir",
    "component_ports": "prosody_component_ports",
    "component_interfaces": "prosody_component_interfaces",
    "contact_info": "prosody_contact_info",
    "cron_check_delay": "prosody_archive_expiry_interval",
    "default_archive_policy": "prosody_archive_policy",
    "default_storage": "prosody_storage",
    "external_service_host": "prosody_turn_host",
    "external_service_secret": "prosody_turn_secret",
    "firewall_scripts": "prosody_firewall_scripts",
    "gc": "prosody_gc",
    "http_external_url": "prosody_http_external_url",
    "http_file_share_daily_quota": "prosody_upload_daily_quota",
    "http_file_share_expires_after": "prosody_upload_expires_after",
    "http_file_share_global_quota": "prosody_upload_total_quota",
    "http_file_share_size_limit": "prosody_upload_max_size",
    "http_interfaces": "prosody_http_interfaces",
    "http_ports": "prosody_http_ports",
    "https_interfaces": "prosody_https_interfaces",
    "https_ports": "prosody_https_ports",
    "interfaces": "prosody_interfaces",
    "ldap_base": "prosody_ldap",
    "ldap_filter": "prosody_ldap",
    "ldap_password": "prosody_ldap",
    "ldap_rootdn": "prosody_ldap",
    "ldap_server": "prosody_ldap",
    "ldap_tls": "prosody_ldap",
    "limits": "prosody_limits",
    "log": "prosody_log_to and prosody_log_level",
    "modules_disabled": "prosody_modules_disabled",
    "modules_enabled": "prosody_modules",
    "mam_remove_expired_messages_period": "prosody_archive_expiry_interval",
    "motd_text": "prosody_motd",
    "muc_announcers": "prosody_muc_announcers",
    "muc_log_expires_after": "prosody_muc_archive_expires_after",
    "muc_mam_remove_expired_messages_period": "prosody_archive_expiry_interval",
    "newcomer_days": "prosody_newcomer_days",
    "openmetrics_allow_ips": "prosody_metrics_allow_ips",
    "password_hash": "prosody_password_hash",
    "password_policy": "prosody_password_min_length",
    "plugin_paths": "prosody_plugin_paths",
    "proxy_direct_tls_mappings": "prosody_proxied_c2s_port, prosody_proxied_s2s_port, "
    "prosody_proxied_c2s_starttls_port and prosody_proxied_s2s_starttls_port",
    "proxy_direct_tls_trusted": "prosody_proxies",
    "proxy65_address": "prosody_proxy65_address",
    "proxy65_ports": "prosody_proxy65_ports",
    "registration_dns_blocklists": "prosody_registration_dns_blocklists",
    "registration_invite_only": "prosody_registration",
    "restrict_room_creation": "prosody_muc_room_creation",
    "s2s_allow": "prosody_s2s_allow",
    "s2s_deny": "prosody_s2s_deny",
    "s2s_direct_tls_ports": "prosody_s2s_direct_tls_ports",
    "s2s_insecure_domains": "prosody_s2s_insecure_domains",
    "s2s_ports": "prosody_s2s_ports",
    "s2s_secure_auth": "prosody_s2s_secure_auth",
    "s2s_stanza_size_limit": "prosody_s2s_stanza_size_limit",
    "scan_uploads_keep": "prosody_upload_quarantine_expires_after",
    "scan_uploads_socket": "prosody_upload_scan_socket",
    "scan_uploads_timeout": "prosody_upload_scan_timeout",
    "scan_uploads_unavailable": "prosody_upload_scan_unavailable",
    "site_name": "prosody_site_name",
    "sql": "prosody_storage and prosody_database_*",
    "statistics": "prosody_metrics",
    "storage": "prosody_storage and prosody_stores",
    "tls_profile": "prosody_tls_profile",
    "trusted_proxies": "prosody_trusted_proxies",
    "unbound": "prosody_resolver",
    "use_dane": "prosody_dane",
    "use_ipv6": "prosody_ipv6",
    "welcome_message": "prosody_welcome_message",
}
"""Options of the whole server that have a variable of their own, and which."""
