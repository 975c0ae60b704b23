# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which lists of spammers can be had, and what is refused because none ever would be."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.block_lists import options
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.settings import ModelError, Settings

HOSTS = [{"name": "example.org"}, {"name": "staff.example.org"}]


def written(*lists: Any, allow: tuple[str, ...] = (), deny: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    settings = Settings({"hosts": HOSTS, "block_lists": list(lists), **more})
    return {option.name: option.value for option in options(settings, list(allow), list(deny))}


def test_none_is_nothing() -> None:
    assert written() == {}


def test_the_first_host_asks_for_them_as_prosody_has_their_addresses() -> None:
    lists = [{"jid": "XMPPbl.org", "node": "Bans"}, {"jid": "Lists@example.net", "node": "bans"}]
    assert written(*lists) == {
        "block_lists": [{"jid": "xmppbl.org", "node": "Bans"}, {"jid": "lists@example.net", "node": "bans"}],
        "block_lists_host": "example.org",
    }


ONE = {"jid": "lists.example.net", "node": "bans"}


@pytest.mark.parametrize(
    ("lists", "more", "told"),
    [
        ([{"jid": "a.example"}], {}, r"^prosody_block_lists\[0\]\.node is needed, such as muc_bans_sha256"),
        ([{"node": "bans"}], {}, r"^prosody_block_lists\[0\]\.jid is needed, such as xmppbl\.org"),
        ([{**ONE, "url": "x"}], {}, r"^prosody_block_lists\[0\]\.url: a list has jid and node only"),
        ([{**ONE, "jid": "a b@c"}], {}, r"^prosody_block_lists\[0\]\.jid: "),
        ([{**ONE, "jid": "a.example/x"}], {}, r"^prosody_block_lists\[0\]\.jid: .* no resource"),
        ([{**ONE, "jid": "not a domain"}], {}, r"^prosody_block_lists\[0\]\.jid: this is no domain name"),
        ([ONE, {**ONE, "jid": "Lists.example.net"}], {}, r"^prosody_block_lists\[1\]: this list is there twice"),
        ([ONE], {"federation": False}, r"^prosody_block_lists\[0\]\.jid: .*\(prosody_federation: false\)"),
        ([ONE], {"deny": ("example.net",)}, r"^prosody_block_lists\[0\]\.jid: .* on prosody_s2s_deny"),
        ([ONE], {"allow": ("example.com",)}, r"^prosody_block_lists\[0\]\.jid: .* prosody_s2s_allow has it"),
    ],
)
def test_what_could_never_be_had_is_refused(lists: list[Any], more: dict[str, Any], told: str) -> None:
    with pytest.raises(ModelError, match=told):
        written(*lists, **more)


@pytest.mark.parametrize(
    ("jid", "more"),
    [
        ("lists.example.net", {"allow": ("example.net",)}),
        ("pubsub.example.org", {"federation": False}),
        ("pubsub.example.org", {"allow": ("example.com",)}),
        ("lists.internal", {"federation": False, "components": [{"name": "lists.internal", "module": "pubsub"}]}),
    ],
)
def test_a_list_that_is_reached_or_of_this_server_is_not(jid: str, more: dict[str, Any]) -> None:
    assert written({"jid": jid, "node": "bans"}, **more)["block_lists"]
