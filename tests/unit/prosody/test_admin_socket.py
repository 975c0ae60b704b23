# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The admin socket: a real UNIX socket with a scripted server behind it, and the stream reader on its own."""

from __future__ import annotations

import contextlib
import re
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody import admin_stream
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.admin_socket import (
    AdminCommandFailed,
    AdminSocket,
    AdminUnavailable,
    Reply,
)
from hypothesis import given, settings
from hypothesis import strategies as st

# as Prosody 13.0.1 opens it
HELLO = (
    b"<?xml version='1.0'?><stream:stream xmlns='xmpp:prosody.im/admin' "
    b"xmlns:stream='http://etherx.jabber.org/streams' xml:lang='en' id='1'>"
)
OK = b"<repl-result>OK: fine</repl-result>"


class Client:
    """The server's side of a connection: takes whole commands, however they are cut on their way."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._data = b""
        self.sendall = connection.sendall
        while not self._data.endswith(b"id=''>"):
            self._data += connection.recv(1)
        self._data = b""

    def next(self) -> bytes:
        """Return the next command or answer to a prompt; nothing when the other side has gone."""
        while True:
            found = re.search(rb"<repl-(input|requested-input).*?(</repl-(requested-)?input>|/>)", self._data, re.S)
            if found:
                self._data = self._data[found.end() :]
                return found.group()
            more = self._connection.recv(65536)
            if not more:
                return b""
            self._data += more


Script = Callable[[Client], None]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[Script], str]]:
    """Return a function that starts a server which runs a script with its first client, and returns the path."""
    threads: list[threading.Thread] = []
    listeners: list[socket.socket] = []

    def start(script: Script) -> str:
        path = str(tmp_path / "prosody.sock")
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen()
        listeners.append(listener)

        def run() -> None:
            client, _address = listener.accept()
            client.settimeout(10)
            with client, contextlib.suppress(OSError):
                script(Client(client))

        thread = threading.Thread(target=run)
        thread.start()
        threads.append(thread)
        return path

    yield start
    for thread in threads:
        thread.join()
    for listener in listeners:
        listener.close()


def answers(*pieces: bytes) -> Script:
    """Script: greet, then for each command send the next piece."""

    def script(client: Client) -> None:
        client.sendall(HELLO)
        for piece in pieces:
            client.next()
            client.sendall(piece)
        client.next()

    return script


def test_a_command_is_answered(serve: Callable[[Script], str]) -> None:
    path = serve(answers(b"<repl-output>one</repl-output><repl-output>two</repl-output>" + OK, OK))
    with AdminSocket(path) as admin:
        reply = admin.command("host:list()")
        assert (reply.ok, reply.text, reply.output) == (True, "OK: fine", ("one", "two"))
        assert admin.command("again").output == ()


def test_output_without_line_end_is_joined(serve: Callable[[Script], str]) -> None:
    path = serve(
        answers(b"<repl-output eol='0'>a</repl-output><repl-output>b</repl-output><repl-output>c</repl-output>" + OK)
    )
    with AdminSocket(path) as admin:
        assert admin.command("x").output == ("ab", "c")


def test_text_that_looks_like_the_end_of_an_answer_is_text(serve: Callable[[Script], str]) -> None:
    fake = "</repl-output><repl-result type='error'>gotcha</repl-result>"
    path = serve(answers(b"<repl-output>" + fake.replace("<", "&lt;").encode() + b"</repl-output>" + OK))
    with AdminSocket(path) as admin:
        assert admin.command("x") == Reply(True, "OK: fine", (fake,))


def test_escaped_markup_and_nested_elements_do_not_end_an_answer(serve: Callable[[Script], str]) -> None:
    path = serve(
        answers(
            b"<repl-output>&lt;/repl-output>&lt;repl-result/></repl-output>"
            b"<repl-output><repl-result>inner</repl-result></repl-output>"
            b"<x xmlns='urn:other'><repl-result>other</repl-result></x><repl-result xmlns='urn:other'>no</repl-result>"
            + OK
        )
    )
    with AdminSocket(path) as admin:
        reply = admin.command("x")
    assert reply.output == ("</repl-output><repl-result/>", "")
    assert reply.text == "OK: fine"


def test_an_error_is_raised_or_returned(serve: Callable[[Script], str]) -> None:
    error = b"<repl-result type='error'>Error: no such user</repl-result>"
    path = serve(answers(error, error, error))
    with AdminSocket(path) as admin:
        with pytest.raises(AdminCommandFailed, match=r'refused the command "user:delete": no such user') as caught:
            admin.command('user:delete("secret@x")')
        assert caught.value.reply.text == "Error: no such user"
        assert not admin.command("x", check=False).ok
        with pytest.raises(AdminCommandFailed, match="a Lua command: no such user"):
            admin.lua("return nil, 'secret'")


def test_a_failed_command_without_text_shows_its_output(serve: Callable[[Script], str]) -> None:
    path = serve(
        answers(b"<repl-output>usage</repl-output><repl-result type='error'/>", b"<repl-result type='error'/>")
    )
    with AdminSocket(path) as admin:
        with pytest.raises(AdminCommandFailed, match="usage"):
            admin.command("x")
        with pytest.raises(AdminCommandFailed, match="no reason given"):
            admin.command("x")


def test_prompts_are_answered_in_order_then_refused(serve: Callable[[Script], str]) -> None:
    got: list[bytes] = []

    def script(client: Client) -> None:
        client.sendall(HELLO)
        client.next()
        for kind in (b"password", b"password", b"text", b"password"):
            client.sendall(b"<repl-request-input type='" + kind + b"' id='i&quot;1'/>")
            got.append(client.next())
        client.sendall(OK)
        client.next()

    with AdminSocket(serve(script)) as admin:
        admin.command("user:password()", secrets=["a<b", "c"])
    assert b"status='submit'>a&lt;b</repl-requested-input>" in got[0]
    assert b"status='submit'>c</repl-requested-input>" in got[1]
    assert b"status='cancel'/>" in got[2]
    assert b"status='cancel'/>" in got[3]


def test_lua_returns_its_text(serve: Callable[[Script], str]) -> None:
    path = serve(
        answers(
            b"<repl-result>OK: </repl-result>",
            b'<repl-result>OK: {"a":1}</repl-result>',
            b"<repl-result>OK: {</repl-result>",
            b"<repl-result>Result: 5</repl-result>",
        )
    )
    with AdminSocket(path) as admin:
        assert admin.lua("return true, ''") == ""
        assert admin.lua_json("x") == {"a": 1}
        with pytest.raises(AdminCommandFailed, match="not JSON"):
            admin.lua_json("x")
        with pytest.raises(AdminCommandFailed, match="without a text: 'Result: 5'"):
            admin.lua("return 5")


def test_answers_may_be_any_size_and_come_in_any_pieces(serve: Callable[[Script], str]) -> None:
    text = "ä&lt;" * 400_000

    def script(client: Client) -> None:
        client.sendall(HELLO)
        client.next()
        data = f"<repl-result>OK: {text}</repl-result>".encode()
        for start in range(0, len(data), 70_001):
            client.sendall(data[start : start + 70_001])
        client.next()

    with AdminSocket(serve(script)) as admin:
        assert admin.lua("x") == text.replace("&lt;", "<")


@pytest.mark.parametrize(
    ("make", "reason", "text"),
    [
        (lambda path: None, "missing", "there is no such socket"),
        (lambda path: path.write_text(""), "refused", "nobody listens"),
        (lambda path: socket.socket(socket.AF_UNIX).bind(str(path)), "refused", "nobody listens"),
    ],
)
def test_no_server(tmp_path: Path, make: Callable[[Path], object], reason: str, text: str) -> None:
    path = tmp_path / "s"
    make(path)
    with pytest.raises(AdminUnavailable, match=text) as caught:
        AdminSocket(str(path))
    assert caught.value.reason == reason
    assert str(path) in str(caught.value)


def test_no_permission(monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(_self: object, _path: str) -> None:
        raise PermissionError(13, "Permission denied")

    # root may do anything, so the system's answer is made up
    monkeypatch.setattr(socket, "socket", type("Denied", (socket.socket,), {"connect": connect}))
    with pytest.raises(AdminUnavailable, match="Run this task as root") as caught:
        AdminSocket("/run/x")
    assert caught.value.reason == "denied"


def test_another_error_is_told_as_it_is() -> None:
    with pytest.raises(AdminUnavailable, match="too long") as caught:
        AdminSocket("/" + "x" * 300)
    assert caught.value.reason == "failed"


def test_a_server_that_does_not_answer_is_given_up_and_the_connection_with_it(serve: Callable[[Script], str]) -> None:
    done = threading.Event()

    def script(client: Client) -> None:
        client.sendall(HELLO)
        while not done.wait(0.02):
            # signs of life are no answer
            client.sendall(b" ")

    path = serve(script)
    admin = AdminSocket(path, timeout=0.3)
    start = time.monotonic()
    with pytest.raises(AdminUnavailable, match=r"no answer within 0.3 seconds") as caught:
        admin.command("x")
    assert time.monotonic() - start < 2
    assert caught.value.reason == "timeout"
    with pytest.raises(AdminUnavailable, match="no answer"):
        admin.command("x")
    done.set()
    admin.close()


@pytest.mark.parametrize(
    ("sent", "reason", "text"),
    [
        (HELLO, "closed", "closed the connection"),
        (HELLO + b"</stream:stream>", "closed", "closed the connection"),
        (b"HTTP/1.1 400 Bad Request\r\n", "protocol", "not XML"),
        (b"<html/>", "protocol", "not Prosody's admin socket: it opened the conversation with <html>"),
        (b"<!DOCTYPE x [<!ENTITY a 'b'>]><x/>", "protocol", "no XMPP stream may hold"),
        (HELLO + b"<repl-result><!-- no --></repl-result>", "protocol", "no XMPP stream may hold"),
        (HELLO + b"<?pi x?>", "protocol", "no XMPP stream may hold"),
        (HELLO + b"<repl-result>&bomb;</repl-result>", "protocol", "not XML"),
        (HELLO + b"<repl-result>\xff</repl-result>", "protocol", "not XML"),
        (
            HELLO + b"<stream:error><system-shutdown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
            b"<text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>bye</text></stream:error>",
            "protocol",
            "ended the stream with system-shutdown: bye",
        ),
        (HELLO + b"<stream:error/>", "protocol", "ended the stream with undefined-condition"),
    ],
)
def test_a_stream_that_breaks(serve: Callable[[Script], str], sent: bytes, reason: str, text: str) -> None:
    path = serve(lambda client: client.sendall(sent))
    with AdminSocket(path) as admin:
        with pytest.raises(AdminUnavailable, match=text) as caught:
            admin.command("x")
        assert caught.value.reason == reason
        # nothing later on this connection can be trusted
        with pytest.raises(AdminUnavailable, match=text):
            admin.command("y")


def test_a_server_that_hangs_up_while_something_is_sent(serve: Callable[[Script], str]) -> None:
    path = serve(lambda client: client.sendall(HELLO + b"<stream:error><reset/></stream:error>"))
    with AdminSocket(path) as admin:
        assert select.select([admin._socket], [], [], 10)[0], "the server said nothing"
        with pytest.raises(AdminUnavailable, match="ended the stream with reset"):
            admin.command("x" * 9000)


def test_commands_have_a_largest_size() -> None:
    assert len(admin_stream.repl_input("x" * 9_900)) < admin_stream.MAX_COMMAND_BYTES
    assert admin_stream.command_size("ä<\r") == len(admin_stream.repl_input("ä<\r"))
    with pytest.raises(XmppError, match="10046 bytes"):
        admin_stream.repl_input("x" * 10_000)
    with pytest.raises(XmppError, match=r"character 2 is U\+0000"):
        admin_stream.repl_input("x\0")


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=200))
def test_any_text_arrives_as_it_was_sent(text: str) -> None:
    reader = admin_stream.StreamReader()
    reader.feed(HELLO + admin_stream.repl_input(text))
    stanza = reader.next()
    allowed = text.replace("\ufffe", "").replace("\uffff", "")
    assert stanza is not None
    assert stanza.text == allowed


@settings(deadline=None)
@given(st.lists(st.integers(1, 40), max_size=60))
def test_where_the_bytes_are_cut_does_not_matter(cuts: list[int]) -> None:
    data = HELLO + b"<repl-output eol='0'>\xc3\xa4&lt;&#13;</repl-output>" + OK
    reader = admin_stream.StreamReader()
    position = 0
    for cut in cuts:
        reader.feed(data[position : position + cut])
        position += cut
    reader.feed(data[position:])
    found = []
    while stanza := reader.next():
        found.append((stanza.name, stanza.text))
    assert found == [("repl-output", "ä<\r"), ("repl-result", "OK: fine")]


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_garbage_ends_in_an_error_or_in_nothing(data: bytes) -> None:
    reader = admin_stream.StreamReader()
    with contextlib.suppress(admin_stream.StreamError):
        reader.feed(HELLO)
        reader.feed(data)
    # without markup nothing may come out of it
    if b"<" not in data:
        assert reader.next() is None


def test_nothing_is_left_open_after_a_failure(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _attempt in range(5):
        with pytest.raises(AdminUnavailable):
            AdminSocket(str(tmp_path / "none"))
    assert len(list(Path("/proc/self/fd").iterdir())) == before
