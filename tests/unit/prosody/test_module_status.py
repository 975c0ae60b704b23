# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A storage is asked; what another module remembers counts from a moment on. In a real Lua."""

from __future__ import annotations

import lupa
import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.module_status import STATUS_NOW

WORLD = """
local function module(status, text, time, drivers)
    local api = { get_status = function () return status, text, time end }
    api.items = drivers and { ["storage-provider"] = drivers }
    return { module = api }
end
local function driver(get) return { open = function () return { get = get } end } end
return {
    fine = module("core", "Loaded", 5),
    warns = module("warn", "hm", 5),
    sick = module("error", "fever", 5),
    storage_back = module("error", "Disconnected from PostgreSQL", 9, { driver(function () return nil end) }),
    storage_away = module("core", "Connected", 9, { driver(function () return nil, "no connection" end) }),
    storage_breaks = module("core", "Connected", 9, { driver(function () error("broken", 0) end) }),
    storage_knows = module("core", "Connected", 9, { driver(function () return {} end) }),
    storage_other = module("core", "Loaded", 9, { { open = function () return nil, "unsupported-store" end } }),
}
"""


@pytest.mark.parametrize(
    ("name", "since", "status"),
    [
        ("fine", 0, "core"),
        ("warns", 9, "warn"),
        ("sick", 0, "error"),
        ("sick", 5, "error"),
        ("sick", 6, "core"),
        ("storage_back", 0, "core"),
        ("storage_away", 99, "error"),
        ("storage_breaks", 99, "error"),
        ("storage_knows", 0, "core"),
        ("storage_other", 0, "core"),
    ],
)
def test_status_now(name: str, since: int, status: str) -> None:
    runtime = lupa.LuaRuntime(unpack_returned_tuples=True)
    status_now = runtime.execute(STATUS_NOW + "return status_now")
    found, text = status_now(runtime.execute(WORLD)[name], since)
    assert found == status
    assert isinstance(text, str)
