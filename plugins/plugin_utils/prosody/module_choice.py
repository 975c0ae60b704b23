# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which modules a server gets, and in which groups they are listed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.knowledge import nearest
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils import types
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody import firewall_scripts, own_modules
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.catalogue import (
    catalogue,
    comment_of,
    packaged,
)
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.document import Modules
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.settings import ModelError, Settings

REGISTRATION = ("closed", "invite", "public")

# Modules that Prosody loads by itself: they can be disabled, and need not be enabled.
AUTOMATIC = frozenset({"presence", "message", "iq", "offline", "c2s", "s2s", "s2s_auth_certs"})

# Wrong on Prosody 13, and what to do instead.
REFUSED = {
    "blocking": "it is replaced by blocklist, which is enabled",
    "bob": "it needs a module that Debian does not have",
    "carbons_adhoc": "it does not load on Prosody 13",
    "carbons_copies": "it is replaced by carbons, which is enabled",
    "cloud_notify_priority": "its name is cloud_notify_priority_tag",
    "flags": "Debian's community copy shadows the one in Prosody 13, and neither loads",
    "dnsbl": "it needs flags, of which Debian's community copy shadows the one in Prosody 13",
    "http_upload": "it is replaced by the component upload (http_file_share)",
    "legacyauth": "it sends passwords in a form that is obsolete since 2004",
    "muc_activity": "it does not load on Prosody 13",
    "pep_plus": "its name is pep, which is enabled",
    "pep_simple": "it conflicts with pep, which is enabled",
    "posix": "it does nothing since Prosody 13",
    "privacy_lists": "it conflicts with blocklist, which is enabled",
    "register_json": "it does not load on Prosody 13",
    "s2s_smacks_timeout": "it is part of smacks since Prosody 13",
    "turn_external": "before Prosody 13.0.6 it gives no credentials for TURN over TLS, and it offers the same as "
    "external_services does with prosody_turn_host; set that",
    "turncredentials": "it is replaced by external_services; set prosody_turn_host",
    "vcard": "it conflicts with vcard_legacy, which is enabled",
    "vcard_muc": "it is part of muc since Prosody 0.12",
}

_SIGN_IN = ("sasl2", "sasl2_bind2", "sasl2_sm", "sasl2_fast", "sasl_ssdp")
_INVITES = ("invites", "invites_adhoc", "invites_register")
# http_libjs serves what these pages are made with; a proxy has pages of its own
_PAGES = ("invites_page", "invites_register_web", "register_apps", "http_libjs")


def registration_modules(scope: Settings, settings: Settings) -> tuple[str, ...]:
    """Return the modules for setting registration of `scope`, the server or a host: closed, invite or public."""
    policy = scope.choice("registration", REGISTRATION, "closed")
    if policy == "closed":
        return ()
    # An invitation is of use on a public server as well: it brings the contact along.
    own = own_modules.wanted(settings, own_modules.REGISTRATION)
    if policy == "public":
        own += own_modules.wanted(settings, own_modules.PUBLIC)
    pages = () if settings.flag("proxied") else _PAGES
    return ("register_ibr", "register_limits", *_INVITES, *own, *pages, "watchregistrations")


def groups_of(settings: Settings) -> list[tuple[str, list[str]]]:
    """Return (title, modules) for modules_enabled of all hosts, in reading order."""
    s2s = settings.flag("federation", True)
    welcome = _if(settings.text("welcome_message"), "welcome")
    metrics = _if(settings.flag("metrics"), "http_openmetrics")
    own = own_modules.wanted(settings, own_modules.SERVER)
    motd = _if(settings.text("motd"), "motd")
    firewall = _if(firewall_scripts.is_wanted(settings), "firewall")
    wanted: list[tuple[str, Iterable[str]]] = [
        ("The base", ("disco", "roster", "saslauth", "tls")),
        ("Other servers", ("dialback", "s2s_bidi", "s2s_idle_timeout") if s2s else ()),
        ("Sign-in", _SIGN_IN),
        ("Conversations on every device", ("mam", "carbons", "smacks", "bookmarks", "blocklist")),
        ("Profiles and what users publish", ("pep", "vcard4", "vcard_legacy", "private")),
        ("Phones", ("csi_simple", "cloud_notify", "cloud_notify_extensions")),
        ("Web clients", ("bosh", "websocket", "http_altconnect")),
        ("Calls", _if(settings.text("turn_host"), "external_services")),
        ("Accounts", ("user_account_management", "account_activity", "tombstones", "password_policy")),
        ("Registration", registration_modules(settings, settings)),
        ("Words to users", ("announce", *welcome, *motd)),
        ("Limits and abuse", ("limits", "spam_reporting", "watch_spam_reports", "log_auth", *firewall)),
        ("Information", ("server_info", "server_contact_info", "version", "time", "uptime", "ping", "lastactivity")),
        ("Administration", ("admin_shell", "admin_adhoc", *metrics)),
        ("Of the collection itself", own),
        ("Also wanted here", checked(settings, "modules")),
    ]
    disabled = set(checked_disabled(settings, settings))
    seen: set[str] = set()
    result = []
    for title, names in wanted:
        group = [name for name in names if name not in disabled and name not in seen]
        seen.update(group)
        if group:
            result.append((title, group))
    return result


def checked(settings: Settings, name: str) -> list[str]:
    """Return the module names in setting `name`. Raises ModelError for a name that can only be a mistake."""
    names = settings.texts(name)
    for where, module in settings.named_texts(name):
        if module.startswith("mod_"):
            raise ModelError(f"{where}: write {module[4:]!r}, without mod_")
        for prefix, variable in (("auth_", "prosody_authentication"), ("storage_", "prosody_storage")):
            if module.startswith(prefix):
                raise ModelError(f"{where}: {module!r} is not enabled but chosen with {variable}")
        if module in REFUSED and name == "modules":
            raise ModelError(f"{where}: {module!r} is refused: {REFUSED[module]}")
    return names


def refuse_misspelt(settings: Settings) -> None:
    """Raise ModelError for modules that are not packaged, and whose names are near to one that is.

    The linter knows better, where Prosody is installed; before that nobody else would notice, least of all a check.
    """
    if settings.texts("plugin_paths"):
        return  # an operator's own directories may hold anything
    declared = {module.text("name").removeprefix("mod_") for module in settings.entries("community_modules")}
    known = packaged() | declared | {module.name for module in own_modules.OWN}
    for where, module in settings.named_modules():
        if module in known:
            continue
        near = nearest(module, known)
        if not near and where.endswith(".module"):
            # there are few that components are made of, so what is only like one of them is meant to be it
            near = types.nearest(module, [name for name, one in catalogue().items() if "component" in one.scope])
        if near:
            raise ModelError(f"{where}: there is no module {module!r}; is it {near!r}?")


def refuse_unpackaged(settings: Settings) -> None:
    """Raise ModelError for community modules that are to come from Debian's package, which does not have them."""
    sources = settings.entries("module_sources")
    if any(source.text("type") != "distribution" for source in sources):
        return  # what others have is seen on the host
    for module in settings.entries("community_modules"):
        name = module.text("name").removeprefix("mod_")
        if name and name not in packaged():
            near = nearest(name, packaged())
            raise ModelError(
                f"{module.where('name')}: Debian's package prosody-modules has no {name!r}"
                + (f"; is it {near!r}?" if near else "; give a source that has it in prosody_module_sources")
            )


def checked_disabled(scope: Settings, settings: Settings) -> list[str]:
    """Return setting modules_disabled of a scope. Raises ModelError also for a module that nothing would enable.

    Prosody says nothing of such a name, and the module that was meant stays on.
    """
    names = checked(scope, "modules_disabled")
    known = {*packaged(), *catalogue(), *AUTOMATIC, *named(settings)}
    if settings.texts("plugin_paths"):
        return names  # an operator's own directories may hold anything
    for where, module in scope.named_texts("modules_disabled"):
        if module not in known:
            near = nearest(module, known)
            advice = f"did you mean {near}?" if near else "remove it"
            raise ModelError(f"{where}: nothing enables a module {module}: {advice}")
    return names


def named(settings: Settings) -> set[str]:
    """Return the modules that an operator names anywhere."""
    community = {module.text("name") for module in settings.entries("community_modules")}
    return community | {name for _path, name in settings.named_modules()}


def enabled(groups: Sequence[tuple[str, Sequence[str]]]) -> Modules:
    """Return modules_enabled with a comment from the catalogue behind each module."""
    commented = [(title, [(name, comment_of(name)) for name in names]) for title, names in groups]
    return Modules("modules_enabled", commented)


def disabled(names: Sequence[str]) -> Modules:
    """Return modules_disabled."""
    return Modules("modules_disabled", [("", [(name, comment_of(name)) for name in names])])


def _if(condition: object, *names: str) -> tuple[str, ...]:
    return names if condition else ()
