# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The link of an invitation as a picture on the controller."""

from __future__ import annotations

import struct
import xml.etree.ElementTree as ET
import zlib
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.action import prosody_invite
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils import qr

LINK = "https://chat.test/invite/?VmBY5N6pzpEhBIyn1kWkLg7B"


class Target:
    """Where the module runs: what it was given, and what it answers."""

    def __init__(self, **answer: Any) -> None:
        self.answer = {"changed": True, "link": LINK, **answer}
        self.given: list[dict[str, Any]] = []

    def runs(self, check: bool = False, **options: Any) -> dict[str, Any]:
        task = MagicMock(args=options, check_mode=check, async_val=0, diff=False)
        made = prosody_invite.ActionModule(task, MagicMock(), MagicMock(), MagicMock(), MagicMock(), MagicMock())

        def execute(module_name: str, module_args: dict[str, Any], task_vars: Any) -> dict[str, Any]:
            assert module_name == "allthingslinux.xmpp.prosody_invite"
            self.given.append(module_args)
            return dict(self.answer)

        made._execute_module = execute
        return made.run(task_vars={})


def modules(png: bytes) -> int:
    """How many modules a side of the code in a PNG has."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack("!II", png[16:24])
    assert width == height
    at = png.index(b"IDAT")
    assert zlib.decompress(png[at + 4 : at + 4 + struct.unpack("!I", png[at - 4 : at])[0]])
    return width // 8 - 8


def test_without_a_file_the_module_is_all(tmp_path):
    target = Target()
    assert target.runs(jid="chat.test")["link"] == LINK
    assert target.given == [{"jid": "chat.test"}]


def test_a_picture_that_only_its_owner_reads(tmp_path):
    target, path = Target(), tmp_path / "invitation.png"
    path.write_text("of somebody else")
    path.chmod(0o644)
    result = target.runs(jid="chat.test", qr_file=str(path))
    assert result["changed"] is True
    assert target.given == [{"jid": "chat.test"}]
    assert modules(path.read_bytes()) == 33  # version 4 holds 62 bytes at level M
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_drawing(tmp_path):
    path = tmp_path / "invitation.SVG"
    Target().runs(jid="chat.test", qr_file=str(path))
    assert ET.fromstring(path.read_text()).tag == "{http://www.w3.org/2000/svg}svg"


@pytest.mark.parametrize("name", ["a.jpg", "a", "png"])
def test_no_invitation_is_made_that_nobody_would_get(tmp_path, name):
    target = Target()
    result = target.runs(jid="chat.test", qr_file=str(tmp_path / name))
    assert result["failed"]
    assert "neither .png nor .svg" in result["msg"]
    assert target.given == []


def test_without_segno_nothing_is_made_either(tmp_path, monkeypatch):
    monkeypatch.setattr(qr, "segno", None)
    target = Target()
    result = target.runs(jid="chat.test", qr_file=str(tmp_path / "a.png"))
    assert "segno" in result["msg"]
    assert target.given == []


def test_a_folder_that_there_is_not_is_named_and_the_link_is_not_lost(tmp_path):
    result = Target().runs(jid="chat.test", qr_file=str(tmp_path / "nowhere" / "a.png"))
    assert result["failed"]
    assert "nowhere" in result["msg"]
    assert LINK not in result["msg"]
    assert result["link"] == LINK


@pytest.mark.parametrize(
    ("check", "answer"), [(True, {"link": ""}), (True, {}), (False, {"link": ""}), (False, {"failed": True})]
)
def test_no_picture_of_nothing(tmp_path, check, answer):
    path = Path(tmp_path / "a.png")
    Target(**answer).runs(check=check, jid="chat.test", qr_file=str(path))
    assert not path.exists()
