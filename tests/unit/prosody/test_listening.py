# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which ports a configuration wants, against what a server holds."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody import listening
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.listening import (
    Held,
    Listening,
    Service,
    number,
    superfluous,
    wanted,
)
from lupa import lua54

C2S, DIRECT = Service("c2s", "c2s", (5222,)), Service("c2s_direct_tls", "c2s_direct_tls", (), "", False, "ssl")
COMPONENT = Service("component", "component", (5347,), "", True)


def places(options: dict[str, Any], *services: Service, held: tuple[Held, ...] = ()) -> list[tuple[str, str, int]]:
    found = wanted(options.get, Listening(services, held))
    return [(port.service, port.interface, port.port) for port in found]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (5222, 5222),
        ("5222", 5222),
        (" 0x1466 ", 5222),
        (5222.0, 5222),
        (1, 1),
        (65535, 65535),
        (99999, None),
        (65536, None),
        (0, None),
        (-1, None),
        (5222.5, None),
        ("5222.5", None),
        ("http", None),
        ("", None),
        (True, None),
        (float("inf"), None),
        (None, None),
        ([], None),
    ],
)
def test_what_is_a_port(value: Any, expected: int | None) -> None:
    assert number(value) == expected


@pytest.mark.parametrize(
    ("options", "service", "expected"),
    [
        ({}, C2S, [("c2s", "*", 5222), ("c2s", "::", 5222)]),
        ({"use_ipv6": False}, C2S, [("c2s", "*", 5222)]),
        ({"use_ipv4": False}, COMPONENT, [("component", "::1", 5347)]),
        ({}, COMPONENT, [("component", "127.0.0.1", 5347), ("component", "::1", 5347)]),
        ({"local_interfaces": ["127.0.0.9"], "interfaces": ["::"]}, COMPONENT, [("component", "127.0.0.9", 5347)]),
        ({"component_interface": "192.0.2.2"}, COMPONENT, [("component", "192.0.2.2", 5347)]),
        ({"interfaces": ["192.0.2.1"]}, C2S, [("c2s", "192.0.2.1", 5222)]),
        ({"interfaces": ["192.0.2.1"], "c2s_interfaces": ["::1"]}, C2S, [("c2s", "::1", 5222)]),
        ({"interface": "192.0.2.1", "c2s_ports": 5299}, C2S, [("c2s", "192.0.2.1", 5299)]),
        ({"use_ipv6": False, "c2s_ports": [5299, "5298"]}, C2S, [("c2s", "*", 5298), ("c2s", "*", 5299)]),
        ({"use_ipv6": False, "c2s_ports": {"1": 5299, "3": 5298}}, C2S, [("c2s", "*", 5298), ("c2s", "*", 5299)]),
        ({"c2s_ports": []}, C2S, []),
        ({}, DIRECT, []),
        ({}, Service("http", "http", (5280,), "127.0.0.1"), [("http", "127.0.0.1", 5280)]),
    ],
)  # fmt: skip
def test_places_follow_from_the_configuration(options: dict[str, Any], service: Service, expected: list[Any]) -> None:
    assert places(options, service) == expected


def test_a_port_that_prosody_wraps_is_never_had() -> None:
    """The kernel opens 99999 - 65536 and the server reports 99999: neither makes it a port."""
    held = (Held("c2s", "*", 99999), Held("c2s", "::", 99999))
    found = wanted({"c2s_ports": [99999]}.get, Listening((C2S,), held))
    assert [port.active for port in found] == [False, False]
    assert "99999" in found[0].problem
    assert superfluous(found, held) == list(held)


def test_two_services_cannot_have_one_place() -> None:
    options = {"use_ipv6": False, "c2s_ports": [5222, 5223], "c2s_direct_tls_ports": [5223]}
    found = wanted(options.get, Listening((C2S, DIRECT), (Held("c2s", "*", 5222), Held("c2s", "*", 5223))))
    assert [(port.service, port.port, port.active, bool(port.problem)) for port in found] == [
        ("c2s", 5222, True, False),
        ("c2s", 5223, True, False),
        ("c2s_direct_tls", 5223, False, True),
    ]


def test_what_is_open_and_not_wanted_is_told() -> None:
    held = (Held("c2s", "*", 5222), Held("c2s", "*", 5299))
    ports = wanted({"use_ipv6": False}.get, Listening((C2S,), held))
    assert superfluous(ports, held) == [held[1]]


_FAKE = """
local active = { service = { encryption = "ssl", private = true }, tls_cfg = { certificate = "/c.crt" } }
package.preload["prosody.core.portmanager"] = function ()
    return {
        get_registered_services = function ()
            return {
                c2s = { { default_port = 5222, listener = {} } }, gone = {},
                https = { { config_prefix = "h", default_ports = { 5281, 5282 }, private = true, encryption = "ssl",
                    listener = { default_interface = "::1" } } },
            }
        end,
        get_active_services = function ()
            return { iter = function ()
                local done
                return function ()
                    if done then return end
                    done = true
                    return "https", "*", 5281, 1, active
                end
            end }
        end,
    }
end
"""


def test_what_the_server_is_asked() -> None:
    runtime = lua54.LuaRuntime(unpack_returned_tuples=True, register_eval=False)
    runtime.execute(_FAKE)
    found = runtime.execute(listening.LISTENING + "return listening()")

    def plain(value: Any) -> Any:
        if lua54.lua_type(value) != "table":
            return value
        keys = list(value)
        return [plain(value[key]) for key in keys] if keys and keys[0] == 1 else {k: plain(value[k]) for k in keys}

    read = listening.read(json.loads(json.dumps(plain(found))))
    assert read == Listening(
        (Service("c2s", "c2s", (5222,)), Service("https", "h", (5281, 5282), "::1", True, "ssl")),
        (Held("https", "*", 5281, "ssl", True, "/c.crt"),),
    )
    assert listening.read({"services": {}, "held": {}}) == Listening()
