# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The accounts that the settings of role prosody declare, and the secrets that are made for whoever gives none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.accounts import declaration
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.xmpp.jid import InvalidJid, Jid, parse
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody import ldap, secrets
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.hosts import (
    external_components,
    host_name,
    hosts_of,
)
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.settings import ModelError, Settings

INTERNAL = "internal_hashed"
STATES = ("present", "disabled", "absent")

ROLES = ("prosody:admin", "prosody:guest", "prosody:member", "prosody:operator", "prosody:registered")
"""The roles that mod_authz_internal brings, beside which there are those of custom_roles."""

# Where accounts are made by us: an empty text is as Prosody does it, internal_hashed
_OWN_ACCOUNTS = ("", "internal_hashed")

# Handed on to the module as they are.
_AS_DECLARED = ("verifier", "secondary_roles", "update_password", "contact")


def generated_files(values: Mapping[str, Any]) -> list[str]:
    """Return the names of the files with the secrets nobody has given: of accounts, probes and components."""
    settings = Settings(values)
    accounts = [f"account_{_jid(account)}" for account in settings.entries("accounts") if _needs_password(account)]
    probes = [probe_file(str(probe)) for probe in _probes(settings)]
    components = [
        secrets.component(host_name(component))
        for component in external_components(settings)
        if not component.text("secret")
    ]
    return [*accounts, *probes, *components]


def account_hosts(values: Mapping[str, Any]) -> list[str]:
    """Return the virtual hosts that have declared accounts, or may have had: those whose accounts Prosody keeps."""
    settings = Settings(values)
    declared = {_jid(account).domain for account in settings.entries("accounts")}
    declared |= {probe.domain for probe in _probes(settings)}
    usual = settings.text("authentication") or INTERNAL
    return [
        host_name(host)
        for host in settings.entries("hosts")
        if host_name(host) in declared or (host.text("authentication") or usual) == INTERNAL
    ]


def leftover_files(values: Mapping[str, Any]) -> list[str]:
    """Return the names of the files with the secrets that may have been made for accounts that are to be absent."""
    accounts = Settings(values).entries("accounts")
    return [
        f"account_{_jid(account)}" for account in accounts if account.choice("state", STATES, "present") == "absent"
    ]


def account_names(values: Mapping[str, Any]) -> list[str]:
    """Return the JIDs of the declared accounts that exist and can sign in."""
    accounts = Settings(values).entries("accounts")
    return [str(_jid(account)) for account in accounts if account.choice("state", STATES, "present") == "present"]


def probe_file(jid: str) -> str:
    """Return the name of the file with the password of probe account `jid`: of its own on each domain."""
    return f"probe_{jid}"


def probe_accounts(settings: Settings) -> list[str]:
    """Return the probe accounts, normalised. Raises ModelError for what is none."""
    return [str(probe) for probe in _probes(settings)]


def probe_pairs(values: Mapping[str, Any]) -> None:
    """Refuse a virtual host with one probe account, or three: checks let one write to another."""
    settings = Settings(values)
    found: dict[str, int] = {}
    for probe in _probes(settings):
        found[probe.domain] = found.get(probe.domain, 0) + 1
    for domain, count in found.items():
        if count != 2:
            where = settings.where("probe_accounts")
            raise ModelError(f"{where}: two accounts of {domain} are needed, or none, and {count} are given")


def usual_probe_accounts(hosts: Any, authentication: str = "") -> list[str]:
    """Return two probe accounts for each virtual host of `hosts` whose accounts Prosody keeps itself.

    What is no host is left out here: preflight says what is wrong with it.
    """
    found = []
    for host in hosts if isinstance(hosts, (list, tuple)) else ():
        name = host.get("name") if isinstance(host, Mapping) else None
        if isinstance(name, str) and name and (host.get("authentication") or authentication) in _OWN_ACCOUNTS:
            found += [f"xmpp-probe-1@{name}", f"xmpp-probe-2@{name}"]
    return found


def _stays_if_operator(account: Settings, admins: set[str], jid: Jid) -> None:
    """Raise ModelError for an operator without an account: whoever gets one of that name has the rights."""
    state = account.choice("state", STATES, "present")
    if str(jid) in admins and (state == "absent" or (state == "disabled" and len(admins) == 1)):
        what = "whoever registers the name then is operator" if state == "absent" else "nobody would be left to sign in"
        raise ModelError(
            f"{account.where('state')}: {jid} is one of prosody_admins, and {what}; take it out there first"
        )


def _known_roles(account: Settings, settings: Settings, jid: Jid) -> None:
    """Raise ModelError for a role that there is not; where authorization is another module's, it knows its own."""
    scopes = [scope.mapping("options") for scope in settings.scopes()]
    if any(options.get("authorization", "internal") != "internal" for options in scopes):
        return
    custom = [role for options in scopes for role in options.get("custom_roles") or [] if isinstance(role, Mapping)]
    known = {*ROLES, *(str(role.get("name")) for role in custom)}
    given = [(account.where("role"), account.text("role"))] if account.text("role") else []
    for path, role in [*given, *account.named_texts("secondary_roles")]:
        if role not in known:
            advice = f"is it prosody:{role}?" if f"prosody:{role}" in known else f"there are {', '.join(sorted(known))}"
            raise ModelError(f"{path}: there is no role of that name for {jid}; {advice}")


def declared_accounts(values: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Return virtual host to its declared accounts, probe accounts among them, as module prosody_accounts takes them.

    `values["generated"]` maps the names of generated_files() to secrets. Raises ModelError, which never shows a
    password, for an account of a host that there is not, one declared twice, a role for somebody whose role is fixed.
    """
    settings = Settings(values)
    generated = settings.mapping("generated")
    elsewhere = {host_name(host) for host in ldap.hosts(settings)}
    hosts = {host.name for host in hosts_of(settings) if host.module is None}
    admins = {str(_parse(jid, settings.where("admins"))) for jid in settings.texts("admins")}
    found: dict[Jid, dict[str, Any]] = {}
    for account in settings.entries("accounts"):
        jid = _jid(account)
        if jid.domain in elsewhere:
            raise ModelError(f"{account.where('jid')}: accounts of {jid.domain} are made in the LDAP directory")
        entry: dict[str, Any] = {"name": jid.local, "state": account.choice("state", STATES, "present")}
        entry.update({name: account.values[name] for name in _AS_DECLARED if account.has(name)})
        if account.text("password"):
            # as it was given: a blank at its edge belongs to it
            entry["password"] = account.values["password"]
        elif _needs_password(account):
            # It is the first password; who has changed it keeps the new one.
            entry["password"] = generated.get(f"account_{jid}")
            entry.setdefault("update_password", "on_create")
        if account.text("role"):
            if str(jid) in admins:
                raise ModelError(f"{account.where('role')}: {jid} is one of prosody_admins and has its role from there")
            entry["role"] = account.text("role")
        _stays_if_operator(account, admins, jid)
        _known_roles(account, settings, jid)
        _usable(account, entry, jid)
        _add(found, entry, hosts, account.where("jid"), jid)
    for path, probe in zip((path for path, _text in settings.named_texts("probe_accounts")), _probes(settings)):
        if probe.domain in elsewhere:
            raise ModelError(f"{path}: checks sign in by SCRAM, which accounts of a directory do not have")
        if probe not in found:
            entry = {"name": probe.local, "password": generated.get(probe_file(str(probe)))}
            _add(found, entry, hosts, path, probe)
    result: dict[str, list[dict[str, Any]]] = {}
    for jid, entry in found.items():
        result.setdefault(jid.domain, []).append(entry)
    return result


def _usable(account: Settings, entry: Mapping[str, Any], jid: Jid) -> None:
    """Raise ModelError for what the module would refuse on the host; passwords are looked at by themselves."""
    alone = {} if account.text("verifier") else {"password": None}
    try:
        declaration.wanted({**entry, **alone}, jid.domain, "always")
    except XmppError as error:
        raise ModelError(f"{account.path}: {error}") from error


def _add(found: dict[Jid, dict[str, Any]], entry: dict[str, Any], hosts: set[str], path: str, jid: Jid) -> None:
    if jid.domain not in hosts:
        raise ModelError(f"{path}: its domain is none of prosody_hosts ({', '.join(sorted(hosts))})")
    if jid in found:
        raise ModelError(f"{path}: the same account is declared twice")
    found[jid] = entry


def _needs_password(account: Settings) -> bool:
    given = account.text("password") or account.text("verifier")
    return not given and account.choice("state", STATES, "present") != "absent"


def _jid(account: Settings) -> Jid:
    return _parse(account.text("jid"), account.where("jid"))


def _probes(settings: Settings) -> list[Jid]:
    return [_parse(text, path) for path, text in settings.named_texts("probe_accounts")]


def _parse(text: str, path: str) -> Jid:
    try:
        jid = parse(text)
    except InvalidJid as error:
        reason = str(error).rpartition(" is not a valid JID: ")[2].rstrip(".")
        raise ModelError(f"{path}: this is no account: {reason}; write it as user@example.org") from error
    if not jid.local or jid.resource:
        raise ModelError(f"{path}: this is no account; write it as user@example.org")
    return jid
