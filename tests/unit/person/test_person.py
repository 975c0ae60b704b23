# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that is kept of one person: what the server is asked, the file that comes out, and what is removed."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.person import document, lua, server
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody import admin_stream, connection
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.xmpp.jid import Jid
from ansible_collections.allthingslinux.xmpp.plugins.modules import prosody_erase, prosody_export
from ansible_collections.allthingslinux.xmpp.tests.unit.module_runner import run

ALICE = "alice@example.org"
# as Prosody 13.0.1 wrote it, in part
DOCUMENT = (
    "<server-data xmlns='urn:xmpp:pie:0'><host jid='example.org'><user name='alice'>"
    "<query xmlns='jabber:iq:roster'><item jid='bob@example.org' subscription='both'/></query>"
    "</user></host></server-data>"
)
MESSAGE = "<message from='alice@example.org/x' to='bob@example.org' type='chat' xmlns='jabber:client'>{}</message>"


class Socket:
    """A server on which Alice is, who has 150 messages, an upload that is there and one that is gone."""

    def __init__(self, place: Path) -> None:
        self.account, self.calls, self.keeps = True, list[str](), False
        (place / "slot.bin").write_bytes(b"a picture")
        self.uploads = [
            ["upload.example.org", "s-1", str(place / "slot.bin"), "../../p.png", 9, "image/png", 5],
            ["upload.example.org", "s-2", str(place / "gone.bin"), "p.png", 9, "image/png", 6],
        ]
        self.messages = [
            [f"k{n}", 60 * n, "bob@example.org", MESSAGE.format(f"<body>no {n}</body>")] for n in range(149)
        ]
        # bytes, one character each, as the server tells them
        odd = MESSAGE.format("<encrypted xmlns='x'/><body></body>") if place else ""
        self.messages.append(["k149", 9000, "j\u00c3\u00bcrgen@example.org", odd])

    def __enter__(self) -> Socket:
        return self

    def __exit__(self, *_all: object) -> None:
        pass

    def lua(self, chunk: str) -> str:
        return str(len(self.messages) if 'count("archive")' in chunk else 0)

    def lua_json(self, chunk: str) -> Any:
        self.calls.append(chunk)
        call = chunk.removeprefix("return PERSON.")
        if call.startswith("page("):
            _store, after = (one.strip('" ') for one in call[5:-1].split(","))
            if "offline" in call:
                return []
            begin = next((n + 1 for n, one in enumerate(self.messages) if one[0] == after), 0)
            return self.messages[begin : begin + 100]
        if call == "delete()" and not self.keeps:
            self.account, self.messages = False, []
        if call.startswith("forget_uploads"):
            self.uploads = []
        roster = {"roster": {"bob@example.org": {"name": "B"}}} if self.account else {}
        contacts = [["bob", "example.org"]] if not any("forget_contact" in one for one in self.calls) else []
        rooms = {"hall@muc.example.org": "member"} if not any("forget_room" in one for one in self.calls) else {}
        name = call.partition("(")[0]
        answers = {"open": {"account": self.account}, "document": {"xml": DOCUMENT}, "stores": roster,
                   "uploads": self.uploads, "rooms": rooms, "contacts": contacts}  # fmt: skip
        return answers.get(name, {})


@pytest.fixture
def socket(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Socket:
    there = Socket(tmp_path)
    monkeypatch.setattr(connection, "connect", lambda _params: there)
    return there


def test_what_runs_in_the_server_fits_into_one_command() -> None:
    assert admin_stream.command_size(lua.library()) < admin_stream.MAX_COMMAND_BYTES


def test_all_of_it_is_in_one_file_that_nobody_else_reads(socket: Socket, tmp_path: Path) -> None:
    path = tmp_path / "export.tar.gz"
    path.write_text("of an earlier run")
    path.chmod(0o644)
    trail = tmp_path / "audit_trail"
    trail.mkdir()
    told = {"time": "2026-11-27T08:00:00Z", "host": "example.org", "account": ALICE, "from": "192.0.2.0/24"}
    happened = [
        {**told, "what": "signed-in"},
        {**told, "what": "password", "by": "boss@example.org"},
        {**told, "what": "signed-in", "account": "bob@example.org"},
    ]
    (trail / "2026-11-27.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in happened))
    found = run(prosody_export, jid="Alice@example.org", path=str(path), audit_trail=str(trail))
    assert (found["messages"], found["uploads"], found["gone"]) == (150, 1, ["p.png"])
    assert path.stat().st_mode & 0o777 == 0o600
    assert sorted(one.name for one in tmp_path.iterdir()) == ["audit_trail", "export.tar.gz", "slot.bin"]
    with tarfile.open(path) as archive:
        assert all(one.mode & 0o077 == 0 for one in archive.getmembers())
        archive.extractall(tmp_path / "out", filter="data")
    top = tmp_path / "out" / ALICE
    user = ET.parse(top / "account.xml").getroot()[0][0]
    results = user.findall("{urn:xmpp:pie:0#mam}archive/{urn:xmpp:mam:2}result")
    assert [one.get("id") for one in results] == [f"k{number}" for number in range(150)]
    stamps = [one.get("stamp") for one in user.iter("{urn:xmpp:delay}delay")]
    assert stamps[1] == "1970-01-01T00:01:00Z"
    assert [one.read_bytes() for one in (top / "uploads").iterdir()] == [b"a picture"]
    assert "1970-01-01 00:02:00  alice@example.org: no 2\n" in (top / "messages/bob@example.org.txt").read_text()
    assert "(encrypted, body)" in (top / "messages/jürgen@example.org.txt").read_text()
    assert json.loads((top / "stores/roster.json").read_text()) == {"bob@example.org": {"name": "B"}}
    lines = json.loads((top / "audit_trail.json").read_text())
    assert [(one["what"], one.get("from")) for one in lines] == [("signed-in", "192.0.2.0/24"), ("password", None)]
    page = (top / "index.html").read_text()
    for part in (
        "2 lines",
        "jürgen@example.org",
        "149 messages",
        "(gone)",
        "hall@muc.example.org: member",
        "archive: 150 messages",
    ):
        assert part in page


def test_a_check_writes_nothing(socket: Socket, tmp_path: Path) -> None:
    assert run(prosody_export, jid=ALICE, path=str(tmp_path / "export.tar.gz"), check=True)["changed"]
    assert not (tmp_path / "export.tar.gz").exists()


def test_nobody_and_what_is_no_account(socket: Socket, tmp_path: Path) -> None:
    socket.account = False
    path = str(tmp_path / "export.tar.gz")
    assert "There is no account alice@example.org" in run(prosody_export, jid=ALICE, path=path)["msg"]
    assert "such as alice@example.org" in run(prosody_export, jid="example.org", path=path)["msg"]
    assert "such as alice@example.org" in run(prosody_erase, jid=f"{ALICE}/phone")["msg"]


def test_all_of_it_is_removed(socket: Socket) -> None:
    looked = run(prosody_erase, jid=ALICE, check=True)
    assert looked["changed"]
    assert not any("forget" in one or "delete" in one for one in socket.calls)
    found = run(prosody_erase, jid=ALICE)
    assert found["erased"] == looked["erased"]
    assert found["erased"] == {
        "account": True,
        "stores": ["roster"],
        "messages": 150,
        "uploads": 2,
        "rooms": ["hall@muc.example.org"],
        "contacts": ["bob@example.org"],
    }
    assert not run(prosody_erase, jid=ALICE)["changed"]


def test_what_is_left_is_said(socket: Socket) -> None:
    socket.keeps = True
    assert (
        "Not everything is gone: account True, stores ['roster'], messages 150." in run(prosody_erase, jid=ALICE)["msg"]
    )


def test_a_form_that_is_not_known_is_refused() -> None:
    with pytest.raises(server.PersonError, match="not known here"):
        document.halves("<server-data/>")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("../../etc/passwd", "_.._etc_passwd"),
        ("a b.png", "a_b.png"),
        (".hidden", "hidden"),
        ("", "unnamed"),
        ("/", "_"),
    ],
)
def test_a_name_is_never_a_path(text: str, name: str) -> None:
    known = set[str]()
    assert document.file_name(text, known) == name
    assert document.file_name(text.upper(), known).lower() == f"2-{name}".lower()


def test_a_page_shows_texts_as_they_are() -> None:
    page = document.index(Jid("a", "b"), 0, {}, {"<x>": ("f.txt", 1)}, [], {"roster": {"<i>@b": {}}}, {})
    assert "<x>" not in page
    assert "<i>" not in page
