# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The haproxy in front of several servers: who is handed on where, and what it is told when one is drained."""

from __future__ import annotations

import re
import socketserver
import threading
from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.front import haproxy
from ansible_collections.allthingslinux.xmpp.plugins.modules import proxy_drain
from ansible_collections.allthingslinux.xmpp.tests.unit import module_runner
from ansible_collections.allthingslinux.xmpp.tests.unit.front.test_proxy_templates import PORTS, SITE, render_text
from ansible_collections.allthingslinux.xmpp.tests.unit.test_role_templates import render, templated

BOOKS = "xn--bcher-kva.example"
ALL = {**PORTS, "c2s_starttls": 15222, "s2s_starttls": 15269}
ONE: dict[str, Any] = {"name": "chat one", "address": "192.0.2.1", "sites": [SITE], "ports": ALL}
TWO: dict[str, Any] = {
    "name": "two",
    "address": "2001:db8::2",
    "sites": [{**SITE, "name": BOOKS, "address": "bücher.example", "names": [BOOKS, f"muc.{BOOKS}"]}],
    "ports": ALL,
}
WORLD: dict[str, Any] = {
    "groups": {"prosody": ["one", "two"], "proxy": ["door"]},
    "inventory_hostname": "door",
    "proxy_servers": [ONE, TWO],
    "proxy_ipv6": True,
}


def sections(**variables: Any) -> dict[str, list[str]]:
    """Heading ("frontend xmpp_c2s") → its lines."""
    text = render("proxy", "haproxy.cfg.j2", **{**WORLD, **variables})
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line and not line[0].isspace() and not line.startswith("#"):
            lines = found.setdefault(line.removesuffix(" from xmpp"), [])
        elif line.strip() and not line.strip().startswith("#"):
            lines.append(line.strip())
    return found


def backend(lines: list[str], said: str) -> str:
    """Where haproxy hands on whoever says this first (a name for TLS, or the beginning of a stream)."""
    for line in lines:
        name = line.split()[1]
        stream = re.search(r"use_backend .* -m reg -i '(.*)' }$", line)
        if stream and re.search(stream[1].replace("[[:space:]]", r"\s"), said, re.IGNORECASE):
            return name
        if line.startswith("use_backend") and not stream and line.split()[-2] == said:
            return name
    return next(line.split()[1] for line in lines if line.startswith("default_backend"))


STREAM = "<?xml version='1.0'?><stream:stream xmlns='jabber:client' from='a@b' {} version='1.0'>"


@pytest.mark.parametrize(
    ("to", "number"),
    [
        ("to='example.org'", 0),
        ('to="muc.example.org"', 0),
        ("to='bücher.example'", 1),
        (f"to='{BOOKS}'", 1),
        ("to='BÜCHER.example'", 0),
        (f"to='MUC.{BOOKS.upper()}'", 1),
        (f"to='not-{BOOKS}'", 0),
        (f"to='{BOOKS}.evil.example'", 0),
        (f"id='{BOOKS}'", 0),
        ("", 0),
    ],
)
def test_a_stream_gets_to_the_server_of_its_domain(to: str, number: int) -> None:
    for kind in ("c2s_starttls", "s2s_starttls"):
        lines = sections()[f"frontend xmpp_{kind}"]
        # haproxy knows upper case of ASCII alone
        said = STREAM.format(to).replace("BÜCHER", "B\0CHER")
        assert backend(lines, said) == f"xmpp_{kind}_{number}"


@pytest.mark.parametrize("kind", ["c2s", "s2s", "https"])
def test_tls_gets_to_the_server_of_its_name(kind: str) -> None:
    lines = sections()[f"frontend xmpp_{kind}"]
    assert backend(lines, "example.org") == f"xmpp_{kind}_0"
    assert backend(lines, f"muc.{BOOKS}") == f"xmpp_{kind}_1"
    assert backend(lines, "nobody.example") == f"xmpp_{kind}_0"


def test_lines_are_as_short_as_haproxy_reads_them() -> None:
    """Of 2048 bytes and 64 words (LINESIZE and MAX_LINE_ARGS in haproxy's defaults.h)."""
    many = {**ONE, "sites": [{**SITE, "names": [f"host{n}.example.org" for n in range(200)]}]}
    for lines in sections(proxy_servers=[many, TWO]).values():
        assert all(len(line.encode()) < 2000 and len(line.split()) < 60 for line in lines)


def test_every_server_is_looked_at_once_and_told_who_comes() -> None:
    found = sections()
    for number, place in ((0, "chat_one 192.0.2.1"), (1, "two [2001:db8::2]")):
        check = found[f"backend xmpp_check_{number}"]
        assert "tcp-check connect send-proxy" in check
        assert any(line.startswith(f"server {place}:15222 check ") for line in check)
        name = place.split()[0]
        for kind in ("c2s", "s2s", "c2s_starttls", "s2s_starttls"):
            [line] = found[f"backend xmpp_{kind}_{number}"]
            assert line == f"server {place}:{ALL[kind]} send-proxy-v2 track xmpp_check_{number}/{name}"
        [line] = found[f"backend xmpp_https_{number}"]
        assert line == f"server {place}:5281 track xmpp_check_{number}/{name}"
    assert any("bücher.example" in line for line in found["backend xmpp_check_1"])


def test_what_is_not_served_is_not_listened_for() -> None:
    none = {**ALL, "s2s": 0, "s2s_starttls": 0}
    found = sections(proxy_servers=[{**ONE, "ports": none}, {**TWO, "ports": none}], proxy_direct_tls=True)
    assert not [name for name in found if "s2s" in name]
    first = sections(proxy_servers=[{**ONE, "ports": none}, TWO])
    assert first["frontend xmpp_s2s"][-1] == "default_backend xmpp_s2s_1"
    assert not [name for name in sections(proxy_starttls=False) if "starttls" in name]
    assert not [name for name in sections(proxy_direct_tls=False) if name.endswith(("xmpp_c2s", "xmpp_s2s"))]


def test_it_is_there_for_two_servers_and_takes_the_ports_where_no_prosody_has_them() -> None:
    def chosen(**world: Any) -> list[Any]:
        settings = {**WORLD, **world}
        text = "{{ proxy_haproxy | bool }} {{ proxy_starttls | bool }}"
        return str(templated("proxy", text, **settings)).split()

    assert chosen() == ["True", "True"]
    assert chosen(inventory_hostname="one") == ["True", "False"]
    assert chosen(groups={"prosody": ["one"]}) == ["False", "False"]
    assert chosen(groups={"prosody": ["one"]}, xmpp_haproxy=True) == ["True", "True"]


def test_nginx_hands_on_to_it() -> None:
    stream = render("proxy", "stream.conf.j2", **WORLD)
    assert "proxy_pass 127.0.0.1:8448;" in stream
    assert "$xmpp_c2s" not in stream
    http = render("proxy", "http.conf.j2", **WORLD)
    assert re.findall(r"upstream \S+ {\n    server (\S+);\n}", http) == ["127.0.0.1:8450"] * 2
    assert "proxy_ssl_verify on;" in http


def test_metrics_are_for_this_host_and_those_that_watch() -> None:
    alone = render("proxy", "haproxy-generation.cfg.j2", **WORLD, __proxy_generation="abc")
    assert "bind 127.0.0.1:8405\n" in alone
    assert "deny unless here\n" in alone
    watched = render(
        "proxy", "haproxy-generation.cfg.j2", **WORLD, __proxy_generation="abc", proxy_metrics_allow_ips=["192.0.2.9"]
    )
    assert "bind :::8405 v4v6\n" in watched
    assert "deny unless here or { src 192.0.2.9 }\n" in watched


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({}, []),
        ({"proxy_servers": [ONE, {**TWO, "ports": {**ALL, "c2s_starttls": 0}}]}, ["prosody_proxied_c2s_starttls_port"]),
        ({"proxy_haproxy": False}, ["proxy_starttls: the ports 5222 and 5269"]),
        (
            {"proxy_haproxy": False, "proxy_starttls": False, "proxy_bans": True},
            ["proxy_bans has haproxy"],
        ),
        ({"proxy_bans": True, "firewall_ban_for": "an hour"}, ["firewall_ban_for, by which haproxy"]),
    ],
)
def test_what_it_cannot_work_with_is_refused(variables: dict[str, Any], words: list[str]) -> None:
    world = {"proxy_haproxy": True, "proxy_starttls": True, "proxy_other_sites": {}, "proxy_public_addresses": []}
    world |= {
        "proxy_inner_port": 8443,
        "proxy_connections_per_address": 300,
        "proxy_ipv6": True,
        "proxy_ca": "",
        "proxy_challenge_names": [],
        "proxy_provider": {},
    }
    world |= {"proxy_status_from": "", "proxy_status_password": ""}
    world |= {"proxy_texts": {}, "proxy_footer": [], "proxy_bans": False}
    checks = render_text("{{ __proxy_checks }}", **{**WORLD, **world, **variables}, __proxy_nginx={})
    problems = [check["problem"] for check in checks if not check["that"]]
    assert len(problems) == len(words)
    assert all(word in problem for word, problem in zip(words, problems))


HEADER = "# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight"
ROWS = (
    "7 xmpp_check_0 1 one 192.0.2.1 2 0 1",
    "9 xmpp_c2s_0 1 one 192.0.2.1 2 0 1",
    "10 xmpp_c2s_1 1 two 192.0.2.2 2 8 1",
    "17 xmpp_https_0 1 one 192.0.2.1 2 0 1",
    "20 shop 1 one 192.0.2.1 2 8 1",
)


class Haproxy:
    """Answers as haproxy 3.0 does, and drains."""

    def __init__(self, path: str) -> None:
        self.rows = list(ROWS)
        self.told: list[str] = []
        self.answer = ""
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self.wfile.write(outer.said(self.rfile.readline().decode().strip()).encode())

        self.server = socketserver.ThreadingUnixStreamServer(path, Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def said(self, command: str) -> str:
        if command == "show servers state":
            return "\n".join(["1", HEADER, *self.rows, "", ""])
        if command == "show stat":
            return "# pxname,svname,qcur,scur,\nxmpp_c2s_0,one,0,12,\nxmpp_https_0,one,0,3,\nxmpp_c2s_1,two,0,,\n"
        self.told.append(command)
        name, _slash, state = command.removeprefix("set server ").partition("/")
        flag = "8" if state.endswith(" drain") else "0"
        self.rows = [re.sub(r"^(\S+ \S+ \S+ \S+ \S+ \S+) \S+", rf"\1 {flag}", r) if name in r else r for r in self.rows]
        return self.answer or "\n"


@pytest.fixture
def running(tmp_path, monkeypatch):
    """A haproxy, and where it remembers."""
    path = str(tmp_path / "admin.sock")
    fake = Haproxy(path)
    ask = haproxy.ask
    monkeypatch.setattr(haproxy, "ask", lambda command: ask(command, path))
    monkeypatch.setattr(proxy_drain, "REMEMBERED", tmp_path / "drained")
    yield fake
    fake.server.shutdown()
    fake.server.server_close()


def test_a_server_is_drained_remembered_and_served_again(running, tmp_path) -> None:
    file = tmp_path / "drained"
    drained = module_runner.run(proxy_drain, server="one")
    assert (drained["changed"], drained["open"]) == (True, 15)
    assert drained["servers"]["one"] == {"open": 15, "drained": True, "up": True}
    assert running.told == ["set server xmpp_c2s_0/one state drain", "set server xmpp_https_0/one state drain"]
    assert file.read_text().splitlines() == ["1", HEADER, running.rows[1], running.rows[2], running.rows[3]]
    assert not module_runner.run(proxy_drain, server="one")["changed"]
    for name in ("one", "two"):
        assert module_runner.run(proxy_drain, server=name, state="served")["changed"]
    assert not file.exists()
    assert not module_runner.run(proxy_drain, server="one", state="served")["changed"]


def test_a_check_drains_nothing(running, tmp_path) -> None:
    assert module_runner.run(proxy_drain, server="one", check=True)["changed"]
    assert running.told == []
    assert not (tmp_path / "drained").exists()


def test_what_haproxy_says_is_told(running) -> None:
    running.answer = "Permission denied\n"
    said = module_runner.run(proxy_drain, server="one")
    assert said["failed"]
    assert "'set server xmpp_c2s_0/one state drain', and says: Permission denied" in said["msg"]
    unknown = module_runner.run(proxy_drain, server="shop")
    assert "haproxy has no server shop. It has: one, two" in unknown["msg"]


def test_a_haproxy_that_does_not_run(monkeypatch, tmp_path) -> None:
    ask = haproxy.ask
    monkeypatch.setattr(haproxy, "ask", lambda command: ask(command, str(tmp_path / "none.sock")))
    said = module_runner.run(proxy_drain, server="one")
    assert "Does it run? systemctl status haproxy" in said["msg"]


def test_states_of_another_form_are_refused() -> None:
    with pytest.raises(haproxy.HaproxyError, match="a form that is not known"):
        haproxy.read_places("2\n# be_id\n", "")
