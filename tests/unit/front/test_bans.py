# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guessers behind a proxy: what the proxy asks of servers elsewhere, and whom haproxy keeps out."""

from __future__ import annotations

import json
import re
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.front import bans, refusals
from ansible_collections.allthingslinux.xmpp.tests.unit.front.test_haproxy import ONE, TWO, WORLD, sections
from ansible_collections.allthingslinux.xmpp.tests.unit.test_role_templates import render, templated

REJECT = "tcp-request session reject if { src -f /var/lib/xmpp-bans/haproxy.lst }"
CONNECTIONS = {"frontend xmpp_c2s", "frontend xmpp_s2s", "frontend xmpp_c2s_starttls", "frontend xmpp_s2s_starttls"}


def refusing(**variables: Any) -> Any:
    return templated("proxy", "{{ __proxy_refusing }}", **{**WORLD, **variables})


def test_who_is_kept_out_is_so_before_anything_is_read() -> None:
    """With the address that nginx tells, which "tcp-request connection" would not know yet."""
    found = sections()
    assert {name for name, lines in found.items() if REJECT in lines} == CONNECTIONS
    for name in CONNECTIONS:
        assert found[name].index(REJECT) == 1
    assert "stats socket /run/haproxy/xmpp-bans.sock mode 660 level operator" in found["global"]


@pytest.mark.parametrize(
    "variables",
    [
        {"proxy_bans": False},
        {"groups": {**WORLD["groups"], "firewall": ["door"]}},
        {"xmpp_backend": "container"},
    ],
)
def test_where_the_kernel_or_nobody_does_it_haproxy_does_not(variables: dict[str, Any]) -> None:
    text = json.dumps(sections(**variables))
    assert "reject" not in text
    assert "xmpp-bans" not in text


def test_servers_elsewhere_are_asked_by_their_domain() -> None:
    assert refusing() == [
        {"name": "chat one", "address": "192.0.2.1", "port": 5281, "domain": "example.org"},
        {"name": "two", "address": "2001:db8::2", "port": 5281, "domain": "xn--bcher-kva.example"},
    ]
    closed = {"groups": {**WORLD["groups"], "firewall": ["door"]}}
    assert len(refusing(**closed)) == 2, "the firewall of the proxy is told by the same"


@pytest.mark.parametrize(
    ("mine", "proxies", "here"),
    [
        (["prosody"], [], True),
        (["prosody"], ["door"], False),
        (["prosody", "proxy"], ["one"], True),
        (["proxy"], ["one", "door"], True),
        (["postgresql"], [], False),
    ],
)
def test_the_firewall_keeps_them_out_where_connections_end(mine: list[str], proxies: list[str], here: bool) -> None:
    world = {"group_names": mine, "groups": {"proxy": proxies, "firewall": ["one"]}, "inventory_hostname": "one"}
    assert templated("firewall", "{{ __firewall_can_ban }}", **world) == here


def test_whom_to_ask_is_what_the_program_reads() -> None:
    text = templated("proxy", "{{ __proxy_refusals_text }}", **WORLD)
    found = json.loads(text)
    assert (found["interval"], found["servers"]) == (2, refusing())
    unit = render("proxy", "xmpp-refusals.service.j2", **WORLD, __proxy_ca="/etc/ssl/authority.pem")
    assert f"BindReadOnlyPaths=/etc/ssl/authority.pem:{found['ca']}" in unit


@pytest.mark.parametrize(
    "variables",
    [
        {"proxy_servers": [{**ONE, "address": "127.0.0.1"}]},
        {"proxy_servers": [{**TWO, "ports": {**TWO["ports"], "https": 0}}]},
        {"proxy_bans": False},
        {"xmpp_backend": "container"},
    ],
)
def test_nobody_is_asked_in_vain(variables: dict[str, Any]) -> None:
    assert refusing(**variables) == []


def test_the_filter_knows_what_is_said() -> None:
    text = render("firewall", "fail2ban-filter.conf.j2")
    pattern = re.search("^failregex = (.*)$", text, re.MULTILINE)
    assert pattern
    known = re.compile(pattern[1].replace("<ADDR>", r"(\S+)"))
    assert known.search(refusals.line("2001:db8::66", "chat1"))
    assert "_SYSTEMD_UNIT=prosody.service + _SYSTEMD_UNIT=xmpp-refusals.service" in text


def answer(**given: Any) -> str:
    return json.dumps({"run": "abc-D_1", "last": 3, "addresses": ["192.0.2.66"], **given})


def test_what_was_told_before_us_is_passed_over() -> None:
    place, found = refusals.read_answer(answer(), refusals.Place())
    assert (place, found) == (refusals.Place("abc-D_1", 3), [])
    assert place.query == "/refused_sign_ins?run=abc-D_1&after=3"
    assert refusals.read_answer(answer(last=4), place) == (refusals.Place("abc-D_1", 4), ["192.0.2.66"])
    # Prosody began anew, and all that it tells is new
    assert refusals.read_answer(answer(run="other"), place)[1] == ["192.0.2.66"]


def test_only_addresses_are_said() -> None:
    odd = [
        "::ffff:192.0.2.7",
        "2001:DB8::1",
        "x\nSign-in refused (not-authorized) from address 192.0.2.1",
        7,
        None,
        "1.2.3",
    ]
    place = refusals.Place("abc", 1)
    assert refusals.read_answer(answer(addresses=odd), place)[1] == ["192.0.2.7", "2001:db8::1"]
    assert len(refusals.read_answer(answer(addresses=["192.0.2.1"] * 5000), place)[1]) == 1000


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        answer(last="many"),
        answer(last=-1),
        answer(run="a b"),
        answer(run="x" * 101),
        answer(addresses=7),
    ],
)
def test_what_is_no_answer_is_none(text: str) -> None:
    with pytest.raises(refusals.RefusalsError):
        refusals.read_answer(text, refusals.Place("abc", 1))


def test_that_one_tells_nothing_is_said_once() -> None:
    said: list[str] = []
    stop = threading.Event()
    answers: list[Any] = [["192.0.2.66"], None, None, ["192.0.2.67"]]

    class Told:
        name = "chat1"

        def ask(self) -> list[str]:
            one = answers.pop(0)
            if not answers:
                stop.set()
            if one is None:
                raise refusals.RefusalsError("it is away")
            return list(one)

    refusals.follow(Told(), 0.001, said.append, stop)  # type: ignore[arg-type]
    assert said == [
        "Sign-in refused (not-authorized) from address 192.0.2.66 at chat1",
        "chat1 does not tell from where it refused sign-ins, so nobody is banned for it: it is away",
        "Sign-in refused (not-authorized) from address 192.0.2.67 at chat1",
        "chat1 tells again from where it refused sign-ins",
    ]


class Running:
    """A haproxy that is told things, and answers what it is to."""

    def __init__(self, path: str) -> None:
        self.told: list[str] = []
        self.says: dict[str, str] = {}
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                command = self.rfile.readline().decode().strip()
                outer.told.append(command)
                self.wfile.write(outer.says.get(command.split()[0], "").encode() + b"\n")

        self.server = socketserver.UnixStreamServer(path, Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    found = Running(str(tmp_path / "sock"))
    yield found
    found.server.shutdown()
    found.server.server_close()


def test_a_ban_is_in_the_file_and_in_the_one_that_runs(tmp_path: Path, running: Running) -> None:
    path = tmp_path / "haproxy.lst"
    running.says["del"] = "Key not found.\n"
    for address in ("192.0.2.66", "2001:DB8::1", "192.0.2.66"):
        bans.do(path, str(tmp_path / "sock"), "ban", address)
    assert path.read_text() == "2001:db8::1\n192.0.2.66\n"
    assert path.stat().st_mode & 0o777 == 0o644
    assert running.told[:4] == [
        f"del acl {path} 192.0.2.66",
        f"add acl {path} 192.0.2.66",
        f"del acl {path} 2001:db8::1",
        f"add acl {path} 2001:db8::1",
    ]
    running.told.clear()
    bans.do(path, str(tmp_path / "sock"), "unban", "2001:db8::1")
    assert path.read_text() == "192.0.2.66\n"
    bans.do(path, str(tmp_path / "sock"), "clear", "")
    assert path.read_text() == ""
    assert running.told == [f"del acl {path} 2001:db8::1", f"clear acl {path}"]


def test_a_haproxy_that_does_not_run_reads_it_when_it_starts(tmp_path: Path) -> None:
    path = tmp_path / "haproxy.lst"
    bans.do(path, str(tmp_path / "nobody"), "ban", "192.0.2.66")
    assert path.read_text() == "192.0.2.66\n"


def test_one_that_refuses_is_told_of(tmp_path: Path, running: Running) -> None:
    running.says["add"] = "Permission denied\n"
    with pytest.raises(bans.BanError, match=r"'add acl .* 192\.0\.2\.66', and says: Permission denied"):
        bans.do(tmp_path / "haproxy.lst", str(tmp_path / "sock"), "ban", "192.0.2.66")
    with pytest.raises(SystemExit, match="'no address; clear acl' is no address"):
        bans.main([str(tmp_path / "haproxy.lst"), str(tmp_path / "sock"), "ban", "no address; clear acl"])
