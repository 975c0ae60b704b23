# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A configuration written by hand with options that nothing reads: each is named, with what to do instead."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint import Finding
from ansible_collections.allthingslinux.xmpp.tests.unit.lint.lint_support import lint

TEXT = (Path(__file__).parent / "handwritten.cfg.lua").read_text(encoding="utf-8")

DEAD = {
    "account_cleanup": "mod_account_activity",
    "archive_compression": "remove it",
    "bosh_hold_timeout": "bosh_max_wait",
    "http_headers": "http_cors_override",
    "lua_gc_pause": "gc = {",
    "lua_gc_step_size": "gc = {",
    "max_connections_per_ip": "firewall",
    "muc_log_compression": "remove it",
    "sasl_mechanisms": "disable_sasl_mechanisms",
    "tls_channel_binding": "remove it",
    "user_account_management": "modules_enabled",
    "websocket_max_frame_size": "websocket_frame_buffer_limit",
    "sql.pool_size": "one connection",
    "limits.s2s": "s2sin",
    "limits.c2s.stanza_size": "c2s_stanza_size_limit",
    "storage.carbons": "nothing is stored",
}
CODES = {
    "sql.pool_size": "unread-key",
    "limits.s2s": "unread-key",
    "limits.c2s.stanza_size": "unread-key",
    "storage.carbons": "unread-store",
}


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> dict[str, Finding]:
    findings = lint(tmp_path_factory.mktemp("lint"), TEXT)
    return {finding.option: finding for finding in findings}


@pytest.mark.parametrize("option", DEAD)
def test_each_dead_option_is_named_with_what_to_do(found, option):
    finding = found[option]
    assert finding.severity == "error"
    assert finding.code == CODES.get(option, "unread-option")
    assert DEAD[option] in finding.hint
    key = option.split(".")[-1]
    assert key in TEXT.splitlines()[finding.line - 1]


def test_no_secret_is_shown(found):
    assert "made-up" not in " ".join(map(str, found.values()))
