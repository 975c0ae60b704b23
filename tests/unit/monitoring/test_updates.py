# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Updates that wait, and whether a host has to boot."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.monitor import updates
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.monitor.textfile import render

# as apt 3.0 of Debian 13 prints it
SIMULATED = """\
Inst libssl3t64 [3.5.1-1] (3.5.4-1~deb13u1 Debian-Security:13/stable-security [amd64])
Inst prosody [13.0.1-1] (13.0.1-1+deb13u1 Debian-Security:13/stable-security, Debian:13.2/stable [amd64])
Inst tzdata [2025b-4] (2025b-5 Debian:13.2/stable [all])
Inst something-new (1.0 Debian-Security:13/stable-security [all])
Conf libssl3t64 (3.5.4-1~deb13u1 Debian-Security:13/stable-security [amd64])
"""


def compare(command: Sequence[str]) -> tuple[int, str, str]:
    """The order of Debian for the plain versions of these tests."""
    assert list(command[:2]) == ["dpkg", "--compare-versions"]
    one, other = (
        [
            [int(part) for part in field.split(".")]
            for field in text.removesuffix("-amd64").replace("+", ".0-").split("-")
        ]
        for text in (command[2], command[4])
    )
    return (0 if one < other else 1), "", ""


def test_updates_of_security_are_counted_and_no_others() -> None:
    assert updates.waiting(SIMULATED) == 2
    assert updates.waiting("") == 0


@pytest.mark.parametrize(
    ("running", "kernels", "told", "boots"),
    [
        ("6.12.9-amd64", ["6.12.9-amd64", "6.12.48-amd64"], False, True),
        ("6.12.48-amd64", ["6.12.9-amd64", "6.12.48-amd64"], False, False),
        # a container sees the kernel of somebody else
        ("6.8.0-amd64", [], False, False),
        ("6.8.0-amd64", ["6.12.48-amd64"], False, False),
        ("6.12.48-amd64", ["6.12.48-amd64"], True, True),
    ],
)
def test_a_host_has_to_boot_for_a_newer_kernel_or_where_a_package_says_so(
    running: str, kernels: list[str], told: bool, boots: bool
) -> None:
    assert updates.must_boot(running, kernels, told, compare) is boots


def test_without_package_lists_nothing_is_said_of_updates() -> None:
    versions = {
        "prosody": {"installed": "13.0.1-1", "newer": "13.0.1-1+deb13u1", "security": True},
        "coturn": {"installed": "4.6.1-2", "newer": "", "security": False},
    }
    text = render(updates.samples(versions, 2, 1700000000, False))
    assert 'xmpp_package_info{package="coturn",version="4.6.1-2"} 1.0' in text
    assert 'xmpp_package_newer{package="prosody",version="13.0.1-1+deb13u1",security="yes"} 1.0' in text
    assert 'xmpp_package_newer{package="coturn"' not in text
    assert "xmpp_security_updates 2.0" in text
    assert "xmpp_reboot_required 0.0" in text
    assert "xmpp_security_updates" not in render(updates.samples(versions, 0, None, False))


def test_what_apt_cannot_tell_is_an_error_and_leaves_the_former_figures(
    monkeypatch: pytest.MonkeyPatch, tmp_path, capsys
) -> None:
    result = tmp_path / "updates.prom"
    result.write_text("before")
    monkeypatch.setattr(updates, "_run", lambda command: (100, "", "E: The package lists could not be parsed"))
    assert updates.main([str(result), "prosody"]) == 1
    assert "could not be parsed" in capsys.readouterr().err
    assert result.read_text() == "before"


def test_it_runs_where_there_is_apt(tmp_path) -> None:
    if subprocess.run(["which", "apt-get", "dpkg-query"], capture_output=True, check=False).returncode:
        pytest.skip("no apt here")
    assert updates.main([str(tmp_path / "updates.prom"), "dpkg"]) == 0
    assert 'xmpp_package_info{package="dpkg",version="' in (tmp_path / "updates.prom").read_text()
