# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Virtual hosts and components, each with its own options, modules and storage."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.xmpp.jid import domain_to_ascii
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody import (
    module_choice,
    own_modules,
    secrets,
    upload_scan,
)
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.document import Host, Option
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.names import DNS_NAME, domain_name
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.server import (
    STORAGES,
    Entries,
    open_options,
    registration_options,
)
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.settings import ModelError, Settings
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.types import nearest

STANDARD = ("muc", "upload", "proxy", "pubsub")

_HOST_KEYS = frozenset(
    [
        "name",
        "title",
        "standard_components",
        "components",
        "modules",
        "modules_disabled",
        "options",
        "storage",
        "authentication",
        "admins",
        "registration",
    ]
)
_COMPONENT_KEYS = frozenset(("name", "module", "secret", "title", "modules", "options", "storage", "admins"))

_STANDARD_KEYS = frozenset(["label", "title", "modules", "modules_disabled", "options"])
_STANDARD_MODULES = {"muc": ("muc_mam", "muc_moderation", "muc_search")}

_HOST_TYPED = {
    "admins": "admins of the host",
    "authentication": "authentication of the host",
    "component_module": "module of the component",
    "component_secret": "secret of the component",
    "defined": "nothing: it is a word of Prosody's own",
    "enabled": "no host at all",
    "load_global_modules": "nothing: it is a word of Prosody's own",
    "modules_disabled": "modules_disabled of the host",
    "modules_enabled": "modules of the host",
    "name": "title",
    "registration_invite_only": "registration of the host",
    "storage": "storage of the host",
}


def hosts_of(settings: Settings) -> list[Host]:
    """Return the virtual hosts, each followed by its components, then the components of the server.

    Raises ModelError for an unknown key, a name that is no domain, or one name used twice.
    """
    result: list[Host] = []
    for host in settings.entries("hosts"):
        result.append(_virtual_host(host, settings))
        name = host_name(host)
        chosen = host if host.has("standard_components") else settings
        for path, kind in chosen.named_texts("standard_components"):
            if kind not in STANDARD:
                raise ModelError(f"{path} is none of {', '.join(STANDARD)}")
            result.append(_standard(kind, name, host, settings))
        result += [_component(component, settings) for component in host.entries("components")]
    result += [_component(component, settings) for component in settings.entries("components")]
    _refuse_twice(result)
    return result


def host_name(scope: Settings) -> str:
    """Return the normalised name of a host or component. Raises ModelError for what is no domain in Unicode."""
    name = scope.text("name")
    if not name:
        raise ModelError(f"{scope.where('name')}: a host needs a name")
    return domain_name(name, scope.where("name"))


def external_components(settings: Settings) -> list[Settings]:
    """Return the components of programs outside Prosody (XEP-0114): those without a module."""
    scopes = [*settings.entries("hosts"), settings]
    return [component for scope in scopes for component in scope.entries("components") if not component.text("module")]


def _refuse_twice(hosts: list[Host]) -> None:
    seen: dict[str, str] = {}
    for host in hosts:
        if host.name in seen:
            raise ModelError(f"{host.path}: {host.name!r} is already defined by {seen[host.name]}")
        seen[host.name] = host.path


def _virtual_host(host: Settings, settings: Settings) -> Host:
    _known_keys(host, _HOST_KEYS)
    entries: Entries = []
    if host.text("title"):
        entries.append(Option("name", host.text("title"), path=host.where("title")))
    if host.texts("admins"):
        entries.append(Option("admins", host.texts("admins"), "Role prosody:admin", host.where("admins")))
    if host.text("authentication"):
        entries.append(Option("authentication", host.text("authentication"), path=host.where("authentication")))
    entries += _own_storage(host)
    more = module_choice.checked(host, "modules")
    less = module_choice.checked_disabled(host, settings)
    if host.text("registration") and host.text("registration") != settings.text("registration"):
        entries += registration_options(host)
        here, everywhere = (module_choice.registration_modules(scope, settings) for scope in (host, settings))
        more = [name for name in here if name not in everywhere] + more
        less = [name for name in everywhere if name not in here] + less
    if more:
        entries.append(module_choice.enabled([("", more)]))
    if less:
        entries.append(module_choice.disabled(less))
    entries += _behind_proxy(settings, host_name(host))
    if settings.flag("proxied") and (host.text("registration") or settings.text("registration")) != "closed":
        page = f"{external_url(settings, host_name(host))}invite/?{{invite.token}}"
        entries.append(Option("invites_page", page, "The proxy has pages of its own for invitations"))
    return Host(host_name(host), None, _with_options(entries, host, settings), path=host.where("name"))


def _component(component: Settings, settings: Settings) -> Host:
    _known_keys(component, _COMPONENT_KEYS)
    name, module = host_name(component), component.text("module")
    entries: Entries = []
    if component.text("title"):
        entries.append(Option("name", component.text("title"), path=component.where("title")))
    if module and component.has("secret"):
        raise ModelError(f"{component.where('secret')}: only a component without a module has a secret")
    if not module:
        secret = secrets.reference(secrets.component(name))
        entries.append(Option("component_secret", secret, "Of the program that connects"))
    if component.texts("admins"):
        entries.append(Option("admins", component.texts("admins"), path=component.where("admins")))
    entries += _own_storage(component)
    modules = module_choice.checked(component, "modules")
    if module == upload_scan.SHARING:
        modules += [name for name in own_modules.wanted(settings, own_modules.UPLOADS) if name not in modules]
    if modules:
        entries.append(module_choice.enabled([("", modules)]))
    return Host(name, module, _with_options(entries, component, settings), _about(module), component.where("name"))


def _about(module: str) -> str:
    return module_choice.comment_of(module or "component")


def _own_storage(scope: Settings) -> Entries:
    value = scope.text("storage")
    if not value:
        return []
    return [Option("storage", STORAGES.get(value, value), path=scope.where("storage"))]


def external_url(settings: Settings, domain: str) -> str:
    """Return where the HTTP of host `domain` is reached from outside, "" where that is Prosody itself.

    A proxy of the operator has one URL, for the main host; the one of role proxy serves every host under its own name.
    Raises ModelError where it is none.
    """
    given = settings.text("http_external_url")
    if given:
        if not re.fullmatch(r"https?://[^/?#\s\"'\\;{}]+(/[^?#\s\"'\\;{}]*)?", given):
            raise ModelError(
                f"{settings.where('http_external_url')}: {given!r} is no URL such as https://chat.example.org/"
            )
        return given if domain == settings.text("domain") else ""
    if not settings.flag("proxied"):
        return ""
    port = settings.number("proxied_https_port", 443)
    return f"https://{domain_to_ascii(domain)}{'' if port == 443 else f':{port}'}/"


def _behind_proxy(settings: Settings, domain: str) -> Entries:
    """A host and its upload component are reached by the name of the proxy in front of them."""
    url = external_url(settings, domain)
    name = urlsplit(url).hostname if url else None
    if not name:
        return []
    return [
        Option("http_external_url", url, "As the proxy is reached from outside", settings.where("http_external_url")),
        Option("http_host", name, "The name in the requests it hands on"),
    ]


def _with_options(entries: Entries, scope: Settings, settings: Settings) -> Entries:
    """What the operator sets replaces what this file only suggests."""
    own = open_options(scope, settings, _HOST_TYPED)
    names = {option.name for option in own}
    return [entry for entry in entries if entry.name not in names] + own


def _known_keys(scope: Settings, known: frozenset[str]) -> None:
    for key in scope.values:
        if key not in known:
            near = nearest(str(key), known)
            advice = f"did you mean {near}?" if near else f"known are {', '.join(sorted(known))}"
            raise ModelError(f"{scope.path}.{key}: there is no such key: {advice}")


def _standard(kind: str, domain: str, host: Settings, settings: Settings) -> Host:
    """One of the components that every virtual host gets; who is admin of the host is admin of them as well."""
    module, build = _STANDARD[kind]
    own = _standard_settings(kind, settings)
    entries = build(settings)
    if own.text("title"):
        entries[0] = Option("name", own.text("title"), path=own.where("title"))
    standard = [*_STANDARD_MODULES.get(kind, ()), *own_modules.wanted(settings, kind)]
    disabled = module_choice.checked_disabled(own, settings)
    modules = [name for name in standard if name not in disabled]
    modules += [name for name in module_choice.checked(own, "modules") if name not in modules]
    if modules:
        entries.insert(1, module_choice.enabled([("", modules)]))
    if kind == "upload":
        entries += _behind_proxy(settings, domain)
    if host.texts("admins"):
        entries.append(Option("admins", host.texts("admins"), path=host.where("admins")))
    entries = _with_options(entries, own, settings)
    return Host(f"{_label(kind, own)}.{domain}", module, entries, _about(module), f"standard component of {domain}")


def _label(kind: str, own: Settings) -> str:
    """What the name of a standard component begins with. Raises ModelError for what is no such label."""
    label = own.text("label", kind)
    if not label.isascii() or not DNS_NAME.match(label) or "." in label:
        raise ModelError(f"{own.where('label')}: {label!r} is no label; write what the name begins with, as {kind!r}")
    return label.lower()


def _standard_settings(kind: str, settings: Settings) -> Settings:
    """What holds for standard component `kind` of all hosts. Raises ModelError for a kind or key that there is not."""
    given = settings.mapping("component_settings")
    path = settings.where("component_settings")
    for name in given:
        if name not in STANDARD:
            raise ModelError(f"{path}.{name}: there are settings for {', '.join(STANDARD)} only")
    own = Settings(given.get(kind) or {}, f"{path}.{kind}")
    _known_keys(own, _STANDARD_KEYS)
    return own


def _muc(settings: Settings) -> Entries:
    who = settings.choice("muc_room_creation", ("everybody", "local", "admins"), "local")
    entries: Entries = [Option("name", "Group chat")]
    if who != "everybody":
        local = who == "local"
        comment = "Users of this host create rooms" if local else "Only admins create rooms"
        entries.append(Option("restrict_room_creation", "local" if local else True, comment))
    entries.append(Option("muc_room_default_persistent", True, "A room outlives its last visitor"))
    announcers = settings.texts("muc_announcers")
    if announcers:
        path = settings.where("muc_announcers")
        entries.append(Option("muc_announcers", announcers, "Their messages to a room are said in it", path))
    return entries


def _upload(settings: Settings) -> Entries:
    entries: Entries = [Option("name", "File sharing")]
    for name, option, comment in (
        ("upload_max_size", "http_file_share_size_limit", "One file"),
        ("upload_daily_quota", "http_file_share_daily_quota", "One user, a day"),
        ("upload_total_quota", "http_file_share_global_quota", "All users"),
    ):
        size = settings.size(name)
        if size is not None:
            entries.append(Option(option, size, f"{comment}: {settings.values[name]}", settings.where(name)))
    if settings.text("upload_expires_after"):
        period, path = settings.period("upload_expires_after"), settings.where("upload_expires_after")
        entries.append(Option("http_file_share_expires_after", period, "Then a file is deleted", path))
    return entries


def _proxy(settings: Settings) -> Entries:
    entries: Entries = [Option("name", "File transfer relay")]
    if settings.text("proxy65_address"):
        entries.append(Option("proxy65_address", settings.text("proxy65_address"), "Where clients connect"))
    return entries


def _pubsub(settings: Settings) -> Entries:
    del settings
    return [Option("name", "Publish-subscribe")]


_STANDARD: dict[str, tuple[str, Callable[[Settings], Entries]]] = {
    "muc": ("muc", _muc),
    "upload": ("http_file_share", _upload),
    "proxy": ("proxy65", _proxy),
    "pubsub": ("pubsub", _pubsub),
}
