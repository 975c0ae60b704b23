# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration of role proxy: what is reachable, who is told what, and which headers go along."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from ansible_collections.allthingslinux.xmpp.tests.unit.test_role_templates import ROOT, render, trust


def render_text(text: str, **variables: Any) -> Any:
    """Template a text with the internal variables of the role."""
    known = yaml.safe_load((ROOT / "roles" / "proxy" / "vars" / "main.yml").read_text())
    trusted = {name: trust(value) for name, value in known.items()}
    return Templar(DataLoader(), variables={**trusted, **variables}).template(trust_as_template(text))


SITE: dict[str, Any] = {
    "name": "example.org",
    "address": "example.org",
    "title": "Example",
    "url": "https://example.org/",
    "names": ["example.org", "muc.example.org"],
    "upload": "upload.example.org",
    "rooms": "muc.example.org",
    "upload_size": 1000,
    "registration": "invite",
    "websocket": True,
    "bosh": True,
    "contacts": ["xmpp:admin@example.org"],
}
PORTS = {"http": 5280, "https": 5281, "c2s": 15223, "s2s": 15270}


def server(address: str = "127.0.0.1", ports: dict[str, int] | None = None, **site: Any) -> dict[str, Any]:
    return {"name": "one", "address": address, "sites": [{**SITE, **site}], "ports": PORTS if ports is None else ports}


def http(*servers: dict[str, Any], **variables: Any) -> str:
    return render("proxy", "http.conf.j2", proxy_servers=list(servers or [server()]), proxy_ipv6=True, **variables)


def stream(*servers: dict[str, Any], **variables: Any) -> str:
    return render("proxy", "stream.conf.j2", proxy_servers=list(servers or [server()]), proxy_ipv6=True, **variables)


def locations(text: str) -> dict[str, str]:
    """Location → what is in it."""
    return dict(re.findall(r"\n    location ([^{]+?) \{\n(.*?)\n    \}", text, re.DOTALL))


def test_only_what_is_named_is_reachable() -> None:
    found = locations(http())
    assert "return 404;" in found["/"]
    assert {name for name, body in found.items() if "proxy_pass" in body} == {
        "= /invites_json",
        "= /xmpp-websocket",
        "= /http-bind",
        "/file_share/",
        "= /.well-known/host-meta",
    }


@pytest.mark.parametrize(
    ("site", "gone"),
    [
        (
            {"registration": "closed"},
            {"= /invite", "= /invite/", "= /invites_json", "= /.well-known/xmpp-provider-v2.json"},
        ),
        ({"websocket": False}, {"= /xmpp-websocket"}),
        ({"bosh": False}, {"= /http-bind"}),
        ({"upload": ""}, {"/file_share/", "= /file_share/"}),
        ({"contacts": []}, {"= /.well-known/security.txt"}),
    ],
)
def test_what_a_host_does_not_offer_is_not_there(site: dict[str, Any], gone: set[str]) -> None:
    assert set(locations(http())) - set(locations(http(server(**site)))) == gone


def test_what_is_in_an_invitation_is_in_no_log() -> None:
    found = locations(http())
    for name in ("= /invite", "= /invite/", "= /invites_json"):
        assert "access_log off;" in found[name], name


def test_connections_of_one_address_are_bounded_where_each_client_has_its_own() -> None:
    bounded = re.findall(r"limit_conn\w* .*;", stream(proxy_connections_per_address=40))
    assert bounded[0] == "limit_conn_zone $binary_remote_addr zone=xmpp_addresses:4m;"
    assert bounded[-1] == "limit_conn xmpp_addresses 40;"
    assert "limit_conn" not in stream(proxy_connections_per_address=0)


def test_the_web_client_says_the_domain_as_prosody_knows_it() -> None:
    """Prosody has no host by the name that DNS has for it."""
    site = {
        **SITE,
        "name": "xn--bcher-kva.example",
        "address": "b\u00fccher.example",
        "rooms": "muc.b\u00fccher.example",
    }
    text = render("proxy", "chat.html.j2", site=site, proxy_title="", proxy_footer=[])
    (data,) = re.findall(r'data-site="([^"]+)"', text)
    told = json.loads(html.unescape(data))
    assert (told["address"], told["rooms"]) == (site["address"], site["rooms"])
    assert site["name"] not in text


def test_without_the_web_client_there_is_none() -> None:
    found = locations(http(proxy_web_client=False))
    assert "= /" not in found
    assert "/converse/" not in found
    assert "= /invite/" in found


def test_every_answer_has_the_headers_of_safety_once() -> None:
    looked_at = set()
    for name, body in locations(http()).items():
        if "return 404" in body or "return 308" in body or "acme" in name:
            continue
        for header in ("Strict-Transport-Security", "X-Content-Type-Options", "Referrer-Policy"):
            assert body.count(f"add_header {header}") == 1, (name, header)
            if "proxy_pass" in body:
                assert f"proxy_hide_header {header}" in body
        looked_at.add(name)
    assert {"= /", "/converse/", "= /invite/"} <= looked_at


def test_prosody_is_told_who_asks_in_every_location() -> None:
    """One proxy_set_header of a location makes nginx forget all those around it."""
    passed = {name: body for name, body in locations(http()).items() if "proxy_pass" in body}
    assert len(passed) > 3
    for name, body in passed.items():
        for header in (
            "Host example.org",
            "X-Forwarded-For $remote_addr",
            "X-Forwarded-Proto https",
            "Connection ",
        ):
            assert f"proxy_set_header {header}" in body, (name, header)


def test_nothing_is_loaded_from_elsewhere() -> None:
    policies = re.findall(r'Content-Security-Policy "([^"]+)"', http())
    assert policies
    for policy in policies:
        assert policy.startswith("default-src 'none'")
        assert "unsafe-eval" not in policy.replace("wasm-unsafe-eval", "")
        assert set(re.findall(r"\w+://[^ ;]+", policy)) <= {"wss://example.org"}


def test_a_forwarded_port_is_in_what_leads_back() -> None:
    text = http(xmpp_https_port=8443)
    assert "https://$host:8443$request_uri" in text
    assert "wss://example.org:8443" in text


def test_prosody_on_this_host_is_asked_over_loopback() -> None:
    text = http()
    assert "server 127.0.0.1:5280;" in text
    assert "proxy_ssl" not in text


def test_prosody_elsewhere_is_asked_over_https_and_must_prove_its_name() -> None:
    text = http(server("2001:db8::1"))
    assert "server [2001:db8::1]:5281;" in text
    for name, body in locations(text).items():
        if "proxy_pass" in body:
            assert "proxy_pass https://" in body, name
            assert "proxy_ssl_verify on;" in body
            assert "proxy_ssl_name example.org;" in body
            assert "proxy_ssl_trusted_certificate /etc/xmpp/certificates/example.org/chain.pem;" in body
    assert "ca-certificates.crt" in http(server("192.0.2.1"), xmpp_certificate_source="files")


def test_http_3_is_a_switch() -> None:
    assert "quic" not in http()
    assert "Alt-Svc" not in http()
    text = http(proxy_http3=True, xmpp_https_port=8443)
    # a socket for each worker is asked for once
    assert text.count("listen 443 quic reuseport default_server;") == 1
    assert text.count("listen [::]:443 quic;") == text.count("http3 on;") == 1
    for name, body in locations(text).items():
        if "add_header Strict-Transport-Security" in body:
            assert """add_header Alt-Svc 'h3=":8443"; ma=86400' always;""" in body, name
    plain = {"proxy_inner_port": 8443, "proxy_haproxy": False, "proxy_starttls": False}
    ports = render_text("{{ __proxy_ports }}", proxy_http3=True, **plain)
    assert [port["port"] for port in ports if port["protocol"] == "udp"] == [443]
    assert {port["protocol"] for port in render_text("{{ __proxy_ports }}", proxy_http3=False, **plain)} == {"tcp"}


def test_443_is_told_apart_by_alpn() -> None:
    text = stream(proxy_other_sites={"shop.example.org": "127.0.0.1:8450"})
    assert '"~\\bxmpp-client\\b" 127.0.0.1:8444;' in text
    assert '"~\\bxmpp-server\\b" 127.0.0.1:8445;' in text
    assert '"~\\bacme-tls/1\\b" 127.0.0.1:8446;' in text
    assert "shop.example.org 127.0.0.1:8450;" in text
    assert "default $xmpp_https;" in text
    assert "listen [::]:443" in text


def test_several_servers_are_told_apart_by_name() -> None:
    other = server("192.0.2.2", name="other.test", names=["other.test", "muc.other.test"])
    text = stream(server(), other)
    assert "muc.example.org 127.0.0.1:15223;" in text
    assert "muc.other.test 192.0.2.2:15223;" in text
    assert "default 127.0.0.1:15270;" in text


def test_where_prosody_takes_nothing_by_the_proxy_protocol_443_is_https_alone() -> None:
    assert "xmpp-client" not in stream(proxy_direct_tls=False)
    text = stream(server(ports={**PORTS, "s2s": 0}))
    assert "xmpp-client" in text
    assert "xmpp-server" not in text


DUMP = """# configuration file /etc/nginx/nginx.conf:
http {
# configuration file %s:
%s
# configuration file /etc/nginx/conf.d/xmpp.conf:
    listen 443;
"""


@pytest.mark.parametrize(
    ("line", "refused"),
    [
        ("    listen 443 ssl;", True),
        ("listen [::]:443 ssl ipv6only=on;", True),
        ("server { listen 192.0.2.1:443 ssl; }", True),
        ("    listen 443;", True),
        ("    # listen 443 ssl default_server;", False),
        ("    listen 8443 ssl;", False),
        ("    listen 127.0.0.1:4430;", False),
        ("    listen 80 default_server;", False),
    ],
)
def test_a_site_of_somebody_else_that_has_443_is_found(line: str, refused: bool) -> None:
    dump = (DUMP % ("/etc/nginx/sites-enabled/shop", line)).splitlines()
    found = render_text("{{ __proxy_foreign }}", __proxy_nginx={"stdout_lines": dump})
    assert list(found) == (["/etc/nginx/sites-enabled/shop"] if refused else [])


@pytest.mark.parametrize(
    ("said", "refused"),
    [
        ('nginx: [emerg] unknown directive "lisen" in /etc/nginx/sites-enabled/shop:3', True),
        (
            'nginx: [emerg] cannot load certificate "/etc/letsencrypt/live/shop/fullchain.pem": BIO_new_file() failed',
            True,
        ),
        # what is wrong with our own files is mended by this run
        ('nginx: [emerg] cannot load certificate "/etc/xmpp/proxy/fullchain.pem": BIO_new_file() failed', False),
        ('nginx: [emerg] unknown directive "pas" in /etc/nginx/modules-enabled/99-xmpp.conf:40', False),
        ('nginx: [emerg] unknown directive "pas" in /etc/nginx/conf.d/99-xmpp.stream:40', False),
        ('nginx: [emerg] unexpected "}" in /etc/nginx/conf.d/xmpp.conf:40', False),
        ("nginx: [warn] conflicting server name", False),
        ("", False),
    ],
)
def test_an_nginx_that_is_broken_already_is_refused_with_its_own_words(said: str, refused: bool) -> None:
    found = render_text("{{ __proxy_broken }}", __proxy_nginx={"stderr_lines": said.splitlines()})
    assert found == (said.removeprefix("nginx: ") if refused else "")


def problems_of(**variables: Any) -> list[str]:
    """What preflight has against these variables, where all others are in order."""
    usual: dict[str, Any] = {
        "proxy_other_sites": {},
        "proxy_texts": {},
        "proxy_footer": [],
        "proxy_servers": [server()],
        "proxy_haproxy": False,
        "proxy_bans": False,
        "proxy_starttls": False,
        "proxy_public_addresses": [],
        "proxy_inner_port": 8443,
        "proxy_connections_per_address": 300,
        "proxy_ipv6": True,
        "proxy_ca": "",
        "proxy_challenge_names": [],
        "proxy_provider": {},
        "proxy_status_from": "",
        "proxy_status_password": "",
        "xmpp_certificate_source": "ca",
        "__proxy_nginx": {},
    }
    checks = render_text("{{ __proxy_checks }}", **{**usual, **variables})
    return [check["problem"] for check in checks if not check["that"]]


@pytest.mark.parametrize(
    ("sites", "words"),
    [
        ({"shop.example.org": "127.0.0.1:8450"}, []),
        ({"shop.example.org": "[::1]:8450"}, []),
        ({"shop.example.org": "192.0.2.1:8450"}, ["no place on loopback"]),
        ({"shop.example.org": "8450"}, ["no place on loopback"]),
        ({"shop.example.org; evil": "127.0.0.1:8450"}, ["no name of a site beside ours"]),
        ({"example.org": "127.0.0.1:8450"}, ["no name of a site beside ours"]),
        ({"EXAMPLE.org": "127.0.0.1:8450"}, ["no name of a site beside ours"]),
        ({"default": "127.0.0.1:8450"}, ["no name of a site beside ours"]),
        ({"*.shop.example": "127.0.0.1:8450"}, ["no name of a site beside ours"]),
        ({"shop.example.org": "127.999.0.1:8450"}, ["no place on loopback"]),
        ({"shop.example.org": "127.0.0.1:99999"}, ["no place on loopback"]),
    ],
)
def test_a_site_that_is_joined_is_beside_ours_and_on_loopback(sites: dict[str, str], words: list[str]) -> None:
    problems = problems_of(proxy_other_sites=sites)
    assert len(problems) == len(words)
    for problem, word in zip(problems, words, strict=True):
        assert word in problem


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"proxy_inner_port": 65528}, ""),
        ({"proxy_inner_port": 65532}, "give 65528 at most"),
        ({"proxy_connections_per_address": -1}, "or 0 for no bound"),
        ({"proxy_challenge_names": ["turn.b\u00fccher.example"]}, ""),
        ({"proxy_ipv6": "perhaps"}, "neither true nor false"),
        ({"proxy_ca": "/etc/ssl/own.pem"}, ""),
        ({"proxy_ca": "own.pem"}, "begin it with a slash"),
        ({"proxy_challenge_names": ["turn.example.org"]}, ""),
        ({"proxy_challenge_names": ["a b; c"]}, "no name that DNS could have"),
        (
            {"proxy_provider": {"website": "https://example.org/", "since": "2026-01-31", "server_locations": ["DE"]}},
            "",
        ),
        ({"proxy_provider": {"website": {"de": "https://example.org/de"}}}, ""),
        ({"proxy_provider": {"website": "javascript:alert(1)"}}, "website"),
        ({"proxy_provider": {"legal_notice": {"de": "imprint"}}}, "legal_notice"),
        ({"proxy_provider": {"since": "yesterday"}}, "since (a day"),
        ({"proxy_provider": {"server_locations": ["Germany"]}}, "two letters"),
    ],
)
def test_what_nginx_or_a_reader_could_not_take_is_refused(variables: dict[str, Any], told: str) -> None:
    problems = problems_of(**variables)
    assert len(problems) == bool(told)
    assert not told or told in problems[0]


@pytest.mark.parametrize(
    ("addresses", "good"),
    [(["192.0.2.1", "2001:db8::1"], True), ([], True), (["chat.example.org"], False), (["192.0.2.1:443"], False)],
)
def test_public_addresses_are_addresses(addresses: list[str], good: bool) -> None:
    problems = problems_of(proxy_footer=[{"text": "Rules", "url": "/rules"}], proxy_public_addresses=addresses)
    assert (not problems) == good


@pytest.mark.parametrize(
    ("place", "password", "told"),
    [
        ("", "", ""),
        ("127.0.0.1:9090", "a-password-of-24-letters", ""),
        ("[2001:db8::1]:9090", "a-password-of-24-letters", ""),
        ("watch1:9090", "a-password-of-24-letters", ""),
        ("watch1", "a-password-of-24-letters", "proxy_status_from: watch1 is no address with a port"),
        ("http://watch1:9090/", "a-password-of-24-letters", "proxy_status_from"),
        ("127.0.0.1:9090", "short", "proxy_status_password has fewer than 12"),
        ("127.0.0.1:9090", "a password of several words", "proxy_status_password has fewer than 12"),
    ],
)
def test_the_page_of_the_state_wants_a_place_and_a_password_that_nobody_guesses(
    place: str, password: str, told: str
) -> None:
    problems = problems_of(proxy_status_from=place, proxy_status_password=password)
    assert len(problems) == bool(told)
    assert all(told in one and (not password or password not in one) for one in problems)
