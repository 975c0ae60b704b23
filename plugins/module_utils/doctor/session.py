# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an account sees of its service: features, contacts, upload, relays. The I/O that needs somebody signed in."""

from __future__ import annotations

import asyncio
from xml.etree import ElementTree as ET

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check import run as checks
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.client import (
    Account,
    Client,
    NoAnswer,
    SignInFailed,
    connect,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.relay import NS_SERVICES, Service, services_in
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.stage import (
    NS_INFO,
    NS_ITEMS,
    Target,
    identities_and_features,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.stanzas import NS_FORM, StanzaRefused
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.doctor.facts import Port, Session, Way
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.doctor.gather import way
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError

# what is used with an account; a relay is tried as the service hands it out
_CHECKS = ("upload", "turn_credentials", "turn_udp", "turn_tls")
_CONTACTS = "http://jabber.org/network/serverinfo"


def look(domain: str, account: Account, port: Port | None, web: str, ca: str | None, timeout: float) -> Session:
    """Return what the account sees, signed in at a port that works; web: the address of https, "" for where it says."""
    if port is None:
        return Session("no port for clients works")
    try:
        return asyncio.run(_look(domain, account, port, web, ca, timeout))
    except XmppError as error:
        return Session(str(error))


async def _look(domain: str, account: Account, port: Port, web: str, ca: str | None, timeout: float) -> Session:
    direct = port.service == "c2s_tls"
    try:
        client = await connect(account, port.address, port.port, direct_tls=direct, ca=ca, timeout=timeout)
    except SignInFailed as error:
        return Session(str(error))
    try:
        features, contacts = await _discover(client, domain)
        services = await _ask(client, domain, NS_SERVICES, "services")
    finally:
        await client.close()
    target = Target(
        domain,
        (account, account),
        address=port.address,
        http_address=web,
        ports={"c2s": port.port, "c2s_tls": port.port, "https": 443, "s2s": 5269, "s2s_tls": 5270},
        ca=ca,
        without=("starttls",) if direct else (),
        timeout=timeout,
    )
    report = await checks.run(target, _CHECKS)
    found = {one.name: way(one) for one in report.outcomes if one.name in _CHECKS}
    if not any("store/file" in one for one in features.values()):
        found["upload"] = Way("absent", "no upload service among those of the domain")
    if "urn:xmpp:extdisco:2" not in features.get("domain", ()):
        found.update(
            {name: Way("absent", "no relay is handed out (XEP-0215)") for name in found if name.startswith("turn")}
        )
    handed_out = () if services is None else tuple(dict.fromkeys(_place(one) for one in services_in(services)))
    return Session("", features, contacts, found, handed_out)


def _place(service: Service) -> tuple[str, str, int]:
    return f"{service.type}/{service.transport}", service.host, service.port


async def _discover(client: Client, domain: str) -> tuple[dict[str, frozenset[str]], dict[str, tuple[str, ...]]]:
    """disco#info of the domain, the account and the services of the domain (XEP-0030)."""
    found: dict[str, frozenset[str]] = {"stream": client.stream_features}
    contacts: dict[str, tuple[str, ...]] = {}
    for place, jid in (("domain", domain), ("account", client.account.jid)):
        answer = await _ask(client, jid, NS_INFO)
        if answer is not None:
            found[place] = frozenset().union(*identities_and_features(answer))
            contacts.update(contacts_in(answer) if place == "domain" else {})
    items = await _ask(client, domain, NS_ITEMS)
    for item in items.iter(f"{{{NS_ITEMS}}}item") if items is not None else ():
        jid = item.get("jid", "")
        if jid and not item.get("node") and (info := await _ask(client, jid, NS_INFO)) is not None:
            found[f"component {jid}"] = frozenset().union(*identities_and_features(info))
    return found, contacts


async def _ask(client: Client, jid: str, namespace: str, name: str = "query") -> ET.Element | None:
    try:
        return await client.query(jid, ET.Element(f"{{{namespace}}}{name}"))
    except (StanzaRefused, NoAnswer):
        return None


def contacts_in(info: ET.Element) -> dict[str, tuple[str, ...]]:
    """The contact addresses in an answer of disco#info (XEP-0157): abuse, admin, security, support and others."""
    found = {}
    for form in info.iter(f"{{{NS_FORM}}}x"):
        fields = {
            field.get("var", ""): tuple(value.text or "" for value in field.iter(f"{{{NS_FORM}}}value"))
            for field in form.iter(f"{{{NS_FORM}}}field")
        }
        if fields.get("FORM_TYPE") == (_CONTACTS,):
            found.update(
                {
                    name.removesuffix("-addresses"): values
                    for name, values in fields.items()
                    if name.endswith("-addresses") and any(values)
                }
            )
    return found
