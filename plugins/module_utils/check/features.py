# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the server says it can do: stream features, disco of domain, account and components."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.outcome import CheckFailed
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.stage import (
    NS_INFO,
    Stage,
    identities_and_features,
)


@dataclass(frozen=True)
class Feature:
    """Where a feature shows: `place` is stream, domain, account or component; `token` a namespace or an identity.

    `module` is the module of Prosody that offers it.
    """

    place: str
    token: str
    module: str


FEATURES = {
    "archive": Feature("account", "urn:xmpp:mam:2", "mam"),
    "blocking": Feature("domain", "urn:xmpp:blocking", "blocklist"),
    "bookmarks": Feature("account", "urn:xmpp:bookmarks:1#compat", "bookmarks"),
    "carbons": Feature("domain", "urn:xmpp:carbons:2", "carbons"),
    "csi": Feature("stream", "urn:xmpp:csi:0", "csi_simple"),
    "pep": Feature("account", "pubsub/pep", "pep"),
    "ping": Feature("domain", "urn:xmpp:ping", "ping"),
    "proxy": Feature("component", "proxy/bytestreams", "proxy65"),
    "pubsub": Feature("component", "pubsub/service", "pubsub"),
    "push": Feature("account", "urn:xmpp:push:0", "cloud_notify"),
    "rooms": Feature("component", "conference/text", "muc"),
    "smacks": Feature("stream", "urn:xmpp:sm:3", "smacks"),
    "turn": Feature("domain", "urn:xmpp:extdisco:2", "turn_external"),
    "upload": Feature("component", "store/file", "http_file_share"),
}


def expected(without: Sequence[str]) -> list[str]:
    """The features to look for: all but those whose name or module is in `without`."""
    return [name for name, feature in FEATURES.items() if name not in without and feature.module not in without]


async def features(stage: Stage) -> str:
    """Every feature that the service does not go without is announced where a client looks for it."""
    wanted = expected(stage.target.without)
    client, _other = stage.clients()
    seen: dict[str, frozenset[str]] = {"stream": client.stream_features}
    for place, jid in (("domain", stage.target.domain), ("account", client.account.jid)):
        answer = await stage.ask(client, jid, ET.Element(f"{{{NS_INFO}}}query"), "its features (disco#info)")
        seen[place] = frozenset().union(*identities_and_features(answer))
    seen["component"] = frozenset().union(*(component.identities for component in await stage.components()))
    missing = [name for name in wanted if FEATURES[name].token not in seen[FEATURES[name].place]]
    if missing:
        modules = ", ".join(FEATURES[name].module for name in missing)
        raise CheckFailed(
            f"looking for {len(wanted)} features",
            f"missing {', '.join(missing)}",
            f"Are these modules loaded: {modules}? prosodyctl shell module list {stage.target.domain}",
        )
    return ", ".join(wanted)
