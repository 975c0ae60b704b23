# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""JIDs (XMPP addresses): taken apart and normalised exactly as Prosody does (util/jid.lua ``prepped_split``).

Pure. Source of the rules: RFC 6122; of the details: Prosody 13, which both server and clients have to agree with.
"""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.xmpp import stringprep_profiles


class InvalidJid(XmppError):
    """The text is not a JID; the message says why."""


@dataclass(frozen=True)
class Jid:
    """A JID, every part normalised. An absent local part or resource is the empty string."""

    local: str
    domain: str
    resource: str = ""

    @property
    def bare(self) -> str:
        """The JID without its resource."""
        return f"{self.local}@{self.domain}" if self.local else self.domain

    def __str__(self) -> str:
        return f"{self.bare}/{self.resource}" if self.resource else self.bare


def parse(text: str, strict: bool = False) -> Jid:
    """Take a JID apart and normalise its parts.

    strict: refuse what Prosody refuses for new accounts: code points that Unicode 3.2 does not know.
    Raises InvalidJid: with the reason.
    """
    if not isinstance(text, str):
        raise InvalidJid(f"A JID must be text, not {type(text).__name__}.")
    local, domain, resource = _split(text)
    prepared_domain = _prepared("nameprep", domain[:-1] if domain.endswith(".") else domain, text, strict)
    prepared_local = "" if local is None else _prepared("nodeprep", local, text, strict)
    prepared_resource = "" if resource is None else _prepared("resourceprep", resource, text, strict)
    return Jid(prepared_local, prepared_domain, prepared_resource)


def account(text: str) -> Jid:
    """Take the address of an account apart: a JID with a local part and no resource. Raises InvalidJid."""
    try:
        found = parse(text)
    except InvalidJid as error:
        raise InvalidJid(f"{error} Give the address of an account, such as alice@example.org.") from error
    if not found.local or found.resource:
        raise InvalidJid(f"{found} is no address of an account: give one such as alice@example.org.")
    return found


def nodeprep(text: str, strict: bool = False) -> str:
    """Normalise a local part. Raises InvalidJid."""
    return _prepared("nodeprep", text, text, strict)


def nameprep(text: str, strict: bool = False) -> str:
    """Normalise a domain. Raises InvalidJid."""
    return _prepared("nameprep", text, text, strict)


def resourceprep(text: str, strict: bool = False) -> str:
    """Normalise a resource. Raises InvalidJid."""
    return _prepared("resourceprep", text, text, strict)


def domain_to_ascii(domain: str) -> str:
    """Return the domain as DNS and certificates know it (A-labels, RFC 3490).

    Raises InvalidJid: a label is empty, too long, or cannot be written so; the whole is longer than 253 characters.
    """
    try:
        ascii_domain = nameprep(domain).encode("idna").decode("ascii")
    except UnicodeError as error:
        raise InvalidJid(f'The domain "{domain}" cannot be used in DNS: {error}.') from None
    if len(ascii_domain) > 253:
        raise InvalidJid(f'The domain "{domain}" cannot be used in DNS: it is longer than 253 characters.')
    return ascii_domain


def domain_to_unicode(domain: str) -> str:
    """Return a domain as streams and addresses have it (RFC 7622 section 3.2); as it is where it cannot be one."""
    if "xn--" not in domain:
        return domain
    try:
        return domain.encode("ascii").decode("idna")
    except UnicodeError:
        return domain


_PARTS = {
    "nodeprep": ("local part", stringprep_profiles.nodeprep),
    "nameprep": ("domain", stringprep_profiles.nameprep),
    "resourceprep": ("resource", stringprep_profiles.resourceprep),
}


def _prepared(profile: str, part: str, whole: str, strict: bool) -> str:
    name, prepare = _PARTS[profile]
    try:
        prepared = prepare(part, strict)
    except stringprep_profiles.StringprepError as error:
        raise InvalidJid(f"{_shown(whole)} is not a valid JID: its {name} is not allowed: {error}.") from None
    if not prepared:
        raise InvalidJid(f"{_shown(whole)} is not a valid JID: its {name} is empty.")
    return prepared


def _split(text: str) -> tuple[str | None, str, str | None]:
    """Cut at the first "/" and the first "@" before it, as ``split`` of util/jid.lua does."""
    address, slash, resource = text.partition("/")
    local, at, domain = address.partition("@")
    if not at:
        local, domain = "", address
    elif not local:
        raise InvalidJid(f'{_shown(text)} is not a valid JID: nothing stands before the "@".')
    if not domain or domain == ".":
        raise InvalidJid(f"{_shown(text)} is not a valid JID: it has no domain.")
    if "@" in domain:
        raise InvalidJid(f'{_shown(text)} is not a valid JID: it has more than one "@".')
    if slash and not resource:
        raise InvalidJid(f'{_shown(text)} is not a valid JID: nothing stands after the "/".')
    return (local if at else None), domain, (resource if slash else None)


def _shown(text: str) -> str:
    shown = text if len(text) <= 100 else text[:100] + "…"
    if shown.isprintable():
        return f'"{shown}"'
    return ascii(shown)
