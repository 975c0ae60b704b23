# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sources that are laid out otherwise: read where they are, or said to hold nothing; never passed over."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint import Finding, Installation
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.registry import Registry, extract
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.rules_knowledge import NEEDED, unknown
from ansible_collections.allthingslinux.xmpp.tests.unit.lint import lint_support

HOST = 'VirtualHost "example.org" { }\n'
# the profiles as util/tlsref.lua of 13.0.7 holds them
TLSREF = """
local latest_version = "6.0"
local default_version = "5.7";
local ffdhe2048 = [[
-----BEGIN DH PARAMETERS-----
]];
local profiles = {
    ["6.0"] = { modern = { protocol = "tlsv1_3"; }; intermediate = { dhparam = ffdhe2048; }; };
    -- a comment
    ["5.7"] = { modern = { }; intermediate = { }; old = { ciphers = { "A"; "B" }; }; };
};
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the made-up Prosody, to be changed."""
    copy = tmp_path / "tree"
    shutil.copytree(lint_support.TREE, copy)
    return copy


def lint(tmp_path: Path, tree: Path, text: str) -> list[Finding]:
    installed = Installation(tree, (tree / "modules",), Path("/etc/prosody"), Path("/var/lib/prosody"), "lua5.4")
    return lint_support.lint(tmp_path, text, installation=installed, roots=[tree / "modules"])


def read(tree: Path) -> Registry:
    return extract([tree / "modules"], tree)


def newer(tree: Path) -> None:
    """Lay it out as 13.0.7 is."""
    manager = tree / "core" / "certmanager.lua"
    kept = [line for line in manager.read_text().splitlines() if "mozilla_ssl_configs" not in line]
    manager.write_text("\n".join([*kept, 'local name = profile ~= "legacy" and profile;']))
    (tree / "util" / "tlsref.lua").write_text(TLSREF)


def test_profiles_of_several_versions(tmp_path: Path, tree: Path) -> None:
    newer(tree)
    found = read(tree)
    assert found.tls_profiles == {
        "6.0": ("modern", "intermediate", "legacy"),
        "5.7": ("modern", "intermediate", "old", "legacy"),
        "latest": ("modern", "intermediate", "legacy"),
    }
    assert found.tls_profile_version == "5.7"
    (finding,) = lint(tmp_path, tree, 'tls_profile = "unheard-of"\n' + HOST)
    assert (finding.code, finding.option) == ("wrong-value", "tls_profile")
    assert "old" in finding.hint
    assert lint(tmp_path, tree, 'tls_profile = "old"\n' + HOST) == []


def test_the_version_of_the_profiles(tmp_path: Path, tree: Path) -> None:
    newer(tree)
    reader = tree / "core" / "certmanager.lua"
    reader.write_text(reader.read_text() + 'local version = configmanager.get("*", "tls_profile_version");\n')
    (finding,) = lint(tmp_path, tree, 'tls_profile_version = "5.9"\n' + HOST)
    assert (finding.code, finding.option) == ("wrong-value", "tls_profile_version")
    (finding,) = lint(tmp_path, tree, 'tls_profile_version = "latest"\ntls_profile = "old"\n' + HOST)
    assert finding.option == "tls_profile"
    assert lint(tmp_path, tree, 'tls_profile_version = "6.0"\ntls_profile = "modern"\n' + HOST) == []


def test_what_stands_for_several_kinds_of_session(tmp_path: Path, tree: Path) -> None:
    text = 'modules_enabled = { "limits" }\nlimits = { s2s = { rate = "1kb/s" } }\n' + HOST
    assert [finding.option for finding in lint(tmp_path, tree, text)] == ["limits.s2s"]
    module = tree / "modules" / "mod_limits.lua"
    module.write_text(module.read_text() + "\nif not limits.s2sin then limits.s2sin = limits.s2s; end\n")
    assert lint(tmp_path, tree, text) == []


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("core/certmanager.lua", 'tls_profile = "intermediate"\n', "cannot check tls_profile: found no profiles in"),
        ("core/statsmanager.lua", 'statistics = "internal"\n', "cannot check statistics: found no providers"),
        ("core/loggingmanager.lua", 'log = { info = "*syslog" }\n', "cannot check log: found no levels"),
        ("util/gc.lua", 'gc = { mode = "generational" }\n', "cannot check gc: found no keys"),
        ("core/modulemanager.lua", "", "cannot check this configuration: found no modules that load by themselves"),
        ("util/prosodyctl/check.lua", "", "cannot check this configuration: found no removed options"),
    ],
)
def test_a_check_without_knowledge_says_so(tmp_path: Path, tree: Path, file: str, text: str, said: str) -> None:
    source = tree / file
    assert lint(tmp_path, tree, text + HOST) == []
    # what reads the option stays, what it is compared with goes
    source.write_text('local configmanager = require "prosody.core.configmanager";\n' * ("certmanager" in file))
    if "certmanager" in file:
        source.write_text(source.read_text() + 'local profile = configmanager.get("*", "tls_profile");\n')
    found = [finding for finding in lint(tmp_path, tree, text + HOST) if finding.code == "nothing-to-check"]
    assert any(said in finding.message and finding.severity == "error" for finding in found), found


def test_nothing_is_said_of_what_is_not_used(tmp_path: Path, tree: Path) -> None:
    (tree / "core" / "certmanager.lua").write_text("")
    assert lint(tmp_path, tree, HOST) == []
    assert [need.option for need in unknown(read(tree))] == ["tls_profile", "tls_profile_version"]


def test_everything_that_is_needed_is_known_of_the_made_up_prosody() -> None:
    assert unknown(lint_support.registry()) == []
    assert len(NEEDED) > 15
