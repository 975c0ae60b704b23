# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A table of nftables: what is run in which order, and that nothing is loaded without a way back.

The real nftables is met in scenario security.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.host import nftables
from ansible_collections.allthingslinux.xmpp.plugins.modules import nftables_table
from ansible_collections.allthingslinux.xmpp.tests.unit import module_runner

BODY = "table inet guard {\n chain input { }\n}\n"


class Kernel:
    """A host with nft and systemd: what it has, what it was told, and what it refuses."""

    def __init__(self) -> None:
        self.table = ""
        self.commands: list[str] = []
        self.refuses = ""
        self.armed = False

    def __call__(self, _module: Any, command: list[str], **_options: Any) -> tuple[int, str, str]:
        text = " ".join(command)
        self.commands.append(text)
        if self.refuses and self.refuses in text:
            return 1, "", "no"
        if "list set" in text:
            return 1, "", "no such set"
        if "list table" in text:
            return (0, self.table, "") if self.table else (1, "", "No such file")
        if text.startswith("systemd-run"):
            self.armed = True
        if text.startswith("systemctl stop"):
            was, self.armed = self.armed, False
            return (0 if was else 5), "", ""
        if text.startswith("nft --file"):
            loaded = Path(command[-1]).read_text(encoding="utf-8")
            self.table = loaded.partition("delete table inet guard\n")[2]
        return 0, "", ""


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Kernel:
    found = Kernel()

    def run_command(module: Any, command: list[str], **options: Any) -> tuple[int, str, str]:
        return found(module, command, **options)

    monkeypatch.setattr("ansible.module_utils.basic.AnsibleModule.run_command", run_command)
    monkeypatch.setattr(nftables, "RUNTIME", tmp_path / "run")
    return found


def run(tmp_path: Path, check: bool = False, **options: Any) -> dict[str, Any]:
    given = {"table": "guard", "path": str(tmp_path / "guard.nft"), "content": BODY, **options}
    return module_runner.run(nftables_table, check=check, **given)


def test_rules_are_kept_once_they_are_confirmed(kernel: Kernel, tmp_path: Path) -> None:
    foreseen = run(tmp_path, check=True)
    assert (foreseen["changed"], foreseen["reverts"], kernel.table) == (True, False, "")
    loaded = run(tmp_path)
    assert (loaded["changed"], loaded["reverts"], loaded["diff"]) == (True, True, foreseen["diff"])
    assert kernel.armed
    assert kernel.table == BODY
    assert not (tmp_path / "guard.nft").exists()
    order = [command.split()[0] + " " + command.split()[1] for command in kernel.commands]
    assert order.index("nft --check") < order.index("systemd-run --quiet") < order.index("nft --file")
    assert run(tmp_path, state="confirmed")["changed"]
    assert not kernel.armed
    assert (tmp_path / "guard.nft").read_text(encoding="utf-8").endswith(BODY)
    for state in ("loaded", "confirmed"):
        assert not run(tmp_path, state=state)["changed"]


def test_rules_that_somebody_changed_are_loaded_anew(kernel: Kernel, tmp_path: Path) -> None:
    run(tmp_path)
    run(tmp_path, state="confirmed")
    kernel.table += "# by hand"
    assert run(tmp_path, check=True)["changed"]
    assert run(tmp_path)["changed"]
    assert kernel.table == BODY


@pytest.mark.parametrize("refuses", ["nft --check", "systemd-run"])
def test_nothing_is_loaded_without_a_way_back(kernel: Kernel, tmp_path: Path, refuses: str) -> None:
    kernel.refuses = refuses
    assert run(tmp_path)["failed"]
    assert kernel.table == ""


def test_what_was_undone_meanwhile_is_not_confirmed(kernel: Kernel, tmp_path: Path) -> None:
    run(tmp_path)
    kernel.armed = False
    refused = run(tmp_path, state="confirmed")
    assert refused["failed"]
    assert "has gone back to the rules it had" in refused["msg"]
    assert not (tmp_path / "guard.nft").exists()


def test_the_table_goes_with_its_file(kernel: Kernel, tmp_path: Path) -> None:
    run(tmp_path)
    run(tmp_path, state="confirmed")
    assert run(tmp_path, state="absent")["changed"]
    assert kernel.table == ""
    assert not (tmp_path / "guard.nft").exists()
    assert not run(tmp_path, state="absent")["changed"]


def test_elements_that_expire_are_kept_for_the_rest_of_their_time() -> None:
    listed = {
        "nftables": [
            {"metainfo": {}},
            {
                "set": {
                    "name": "banned4",
                    "elem": [{"elem": {"val": "192.0.2.1", "timeout": 600, "expires": 123}}, "192.0.2.2"],
                }
            },
        ]
    }
    assert nftables.kept_elements("guard", listed) == "add element inet guard banned4 { 192.0.2.1 timeout 123s }\n"
