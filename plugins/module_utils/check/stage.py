# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is checked, and what the checks of one run share."""

from __future__ import annotations

import secrets
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.client import (
    Account,
    Client,
    NoAnswer,
    verified_context,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.https import endpoint, resolves
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.outcome import (
    PROSODY_LOG,
    CheckFailed,
    NotTried,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.stanzas import (
    StanzaRefused,
)

NS_INFO = "http://jabber.org/protocol/disco#info"
NS_ITEMS = "http://jabber.org/protocol/disco#items"

DEFAULT_PORTS: Mapping[str, int] = {"c2s": 5222, "c2s_tls": 5223, "s2s": 5269, "s2s_tls": 5270, "https": 5281}


@dataclass(frozen=True)
class Target:
    """The service under check, as the module's options describe it.

    `address` None means: by DNS. `without` names modules or features that the service goes without on purpose.
    """

    domain: str
    accounts: tuple[Account, Account]
    address: str | None = None
    http_address: str | None = None
    tls_address: str | None = None
    starttls_address: str | None = None
    turn_address: str | None = None
    ports: Mapping[str, int] = field(default_factory=lambda: dict(DEFAULT_PORTS))
    invitation_page: str = "invites_page"
    ca: str | None = None
    closed_ports: Sequence[int] = ()
    without: Sequence[str] = ()
    timeout: float = 15.0


@dataclass(frozen=True)
class Component:
    """A service found by disco#items: its JID, identities ("category/type") and features."""

    jid: str
    identities: frozenset[str]
    features: frozenset[str]


class Stage:
    """What one run of checks gathers as it goes: sessions, what they found, and every secret seen."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.marker = secrets.token_hex(8)
        self.sessions: list[tuple[Client, Client]] = []
        self.secrets: set[str] = {account.password for account in target.accounts}
        self.archive_id = ""
        self.archived = ""
        self.links: dict[str, str] | None = None
        self._components: list[Component] | None = None

    def clients(self) -> tuple[Client, Client]:
        """The two sessions that the sign-in left open. Raises NotTried."""
        if not self.sessions:
            raise NotTried("not tried, because no two accounts are signed in")
        return self.sessions[0]

    async def components(self) -> list[Component]:
        """The services of the domain, asked once."""
        if self._components is None:
            client, _other = self.clients()
            answer = await self.ask(
                client, self.target.domain, ET.Element(f"{{{NS_ITEMS}}}query"), "the services of the domain"
            )
            found = []
            for item in answer.iter(f"{{{NS_ITEMS}}}item"):
                jid = item.get("jid", "")
                if not jid or item.get("node"):
                    continue
                try:
                    info = await client.query(jid, ET.Element(f"{{{NS_INFO}}}query"))
                except (StanzaRefused, NoAnswer):
                    continue
                found.append(Component(jid, *identities_and_features(info)))
            self._components = found
        return self._components

    async def component(self, identity: str, what: str, advice: str, feature: str = "") -> Component:
        """The first service with this identity and feature. Raises CheckFailed."""
        for component in await self.components():
            if identity in component.identities and (not feature or feature in component.features):
                return component
        raise CheckFailed(
            f"looking for {what} among the services of {self.target.domain} (disco#items)",
            f"found {', '.join(component.jid for component in await self.components()) or 'none'}",
            advice,
        )

    async def ask(
        self, client: Client, to: str, payload: ET.Element, what: str, kind: str = "get", advice: str = ""
    ) -> ET.Element:
        """client.query() with a refusal turned into CheckFailed."""
        try:
            return await client.query(to, payload, kind)
        except (StanzaRefused, NoAnswer) as error:
            raise CheckFailed(
                f"asking {to} for {what}", str(error), advice or f"Look at the log: {PROSODY_LOG}"
            ) from None

    def http_address(self, url: str) -> str | None:
        """Where HTTPS is reached: None means by the name in the URL, as clients go; that may be a proxy elsewhere."""
        if self.target.http_address == "" and resolves(endpoint(url)[0]):
            return None
        return self.target.http_address or self.target.address

    def context(self) -> ssl.SSLContext:
        """The verified TLS context of this run."""
        return verified_context(self.target.ca)

    async def close(self) -> None:
        """Sign everybody out."""
        for pair in self.sessions:
            for client in pair:
                await client.close()


def identities_and_features(info: ET.Element) -> tuple[frozenset[str], frozenset[str]]:
    """(identities as "category/type", features) of a disco#info answer (XEP-0030)."""
    identities = frozenset(f"{item.get('category')}/{item.get('type')}" for item in info.iter(f"{{{NS_INFO}}}identity"))
    features = frozenset(item.get("var", "") for item in info.iter(f"{{{NS_INFO}}}feature"))
    return identities, features
