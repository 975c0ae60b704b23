# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports that two services of one host want."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.preflight.shared_ports import claims, collisions

CLIENTS = {"port": "80", "protocol": "tcp", "address": "", "service": "clients", "variable": "prosody_c2s_ports"}
WEB = {"port": 80, "service": "HTTP"}
TURN = {"port": 3478, "protocol": "udp", "service": "STUN and TURN", "variable": "xmpp_turn_port"}
RELAYS = {"ports": "3000-4000", "protocol": "udp", "service": "relays of TURN"}


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (
            {"prosody": [CLIENTS], "proxy": [WEB]},
            ["Port 80/tcp is wanted twice: for clients of prosody (prosody_c2s_ports) and for HTTP of proxy."],
        ),
        (
            {"coturn": [TURN, RELAYS]},
            ["Port 3478/udp is wanted twice: for STUN and TURN of coturn (xmpp_turn_port) and for relays of TURN of"],
        ),
        ({"monitoring": [RELAYS], "coturn": [RELAYS]}, ["Port 3000/udp is wanted twice"]),
        ({"prosody": [CLIENTS | {"address": "127.0.0.1"}], "proxy": [WEB | {"address": "::"}]}, ["Port 80/tcp is"]),
        # apart from each other, or told by the role itself
        ({"prosody": [CLIENTS | {"address": "127.0.0.1"}], "proxy": [WEB | {"address": "192.0.2.1"}]}, []),
        ({"prosody": [CLIENTS], "proxy": [WEB | {"protocol": "udp"}]}, []),
        ({"prosody": [CLIENTS, CLIENTS | {"service": "servers"}]}, []),
        ({"prosody": [CLIENTS], "proxy": [WEB | {"port": 8080}]}, []),
        ({"certificates": [WEB], "proxy": [WEB]}, []),
        # nothing is listened at, or nobody knows at which
        ({"prosody": [CLIENTS | {"port": 0}], "proxy": [WEB | {"port": 0}, {"service": "x"}, {"port": "x"}]}, []),
    ],
)
def test_a_port_is_wanted_once(wanted: dict[str, list[dict[str, Any]]], told: list[str]) -> None:
    found = collisions(claims(wanted))
    assert [line[: len(begin)] for line, begin in zip(found, told)] == told
    assert len(found) == len(told), found


def test_one_collision_is_told_once() -> None:
    assert len(collisions(claims({"prosody": [CLIENTS, CLIENTS], "proxy": [WEB, WEB]}))) == 1
