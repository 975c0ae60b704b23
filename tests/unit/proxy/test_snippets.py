# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pieces for web servers of the operator's own. That the servers take them is seen in scenario web."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.allthingslinux.xmpp.plugins.filter import proxy
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.front import front
from ansible_collections.allthingslinux.xmpp.tests.unit.role_settings import role_settings

proxy_snippets = proxy.FilterModule().filters()["proxy_snippets"]
D = "example.org"
KINDS = {"nginx": "conf", "apache": "conf", "caddy": "caddyfile", "traefik": "yml"}
WORLD: dict[str, Any] = {"groups": {"prosody": ["one"], "postgresql": ["one"]}}
PATHS = {
    "/.well-known/host-meta",
    "/.well-known/host-meta.json",
    "/xmpp-websocket",
    "/http-bind",
    "/file_share/",
    "/invites_page",
    "/invites_page/",
    "/register",
    "/register_apps/",
    "/share/",
}


def pieces(tmp_path: Path, options: dict[str, Any] | None = None, **variables: Any) -> dict[str, str]:
    settings = role_settings(tmp_path, {"prosody_http_external_url": f"https://{D}/", **variables}, **WORLD)
    found: dict[str, str] = proxy_snippets(front(settings), options or {})
    return found


def paths(kind: str, text: str) -> set[str]:
    """What a piece hands on."""
    pattern = {
        "nginx": r"^location (?:= )?(\S+) \{",
        "apache": r'^ProxyPass "([^"]+)"',
        "caddy": r"^\thandle (\S+?)\*? \{",
        "traefik": r"Path(?:Prefix)?\(`([^`]+)`\)",
    }[kind]
    return set(re.findall(pattern, text, re.MULTILINE))


@pytest.mark.parametrize("kind", KINDS)
def test_all_hand_on_the_same_and_nothing_else(tmp_path: Path, kind: str) -> None:
    found = pieces(tmp_path)
    assert set(found) == {f"{each}-{D}.{ending}" for each, ending in KINDS.items()}
    assert paths(kind, found[f"{kind}-{D}.{KINDS[kind]}"]) == PATHS


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("variables", "gone"),
    [
        (
            {"prosody_registration": "closed"},
            {path for path in PATHS if "inv" in path or "reg" in path or "sh" in path},
        ),
        ({"prosody_modules_disabled": ["bosh"]}, {"/http-bind"}),
        ({"prosody_modules_disabled": ["websocket"]}, {"/xmpp-websocket"}),
        ({"prosody_standard_components": ["muc"]}, {"/file_share/"}),
    ],
)
def test_what_is_not_offered_is_not_handed_on(
    tmp_path: Path, kind: str, variables: dict[str, Any], gone: set[str]
) -> None:
    gone = gone - {"/file_share/"} if "prosody_registration" in variables else gone
    text = pieces(tmp_path, **variables)[f"{kind}-{D}.{KINDS[kind]}"]
    assert PATHS - paths(kind, text) == gone


def test_the_name_is_that_of_the_url(tmp_path: Path) -> None:
    """Prosody has it as http_host, so the name that was asked for is handed on."""
    found = pieces(tmp_path, prosody_http_external_url="https://chat.example.org/")
    assert "nginx-chat.example.org.conf" in found
    assert "proxy_set_header Host $host;" in found["nginx-chat.example.org.conf"]


def test_a_host_without_a_url_has_uploads_under_their_own_name(tmp_path: Path) -> None:
    found = pieces(tmp_path, prosody_http_external_url="")
    assert paths("nginx", found[f"nginx-upload.{D}.conf"]) == {"/file_share/"}
    assert paths("nginx", found[f"nginx-{D}.conf"]) == PATHS - {"/file_share/"}


def test_on_one_host_it_is_loopback(tmp_path: Path) -> None:
    for name, text in pieces(tmp_path).items():
        assert "http://127.0.0.1:5280" in text, name
        assert "tls_" not in text
        assert "SSLProxy" not in text
        assert "proxy_ssl" not in text


def test_elsewhere_it_is_tls_with_a_certificate_for_the_name(tmp_path: Path) -> None:
    options = {"address": "2001:db8::5", "authority": "/etc/ssl/xmpp.pem"}
    found = pieces(tmp_path, options)
    for name, text in found.items():
        assert "https://[2001:db8::5]:5281" in text, name
        assert "/etc/ssl/xmpp.pem" in text
    assert "proxy_ssl_verify on;" in found[f"nginx-{D}.conf"]
    assert "SSLProxyVerify require" in found[f"apache-{D}.conf"]
    assert f"tls_server_name {D}" in found[f"caddy-{D}.caddyfile"]
    transport = yaml.safe_load(found[f"traefik-{D}.yml"])["http"]["serversTransports"]["xmpp-example-org"]
    assert transport == {"serverName": D, "rootCAs": ["/etc/ssl/xmpp.pem"]}


def test_a_server_without_such_a_port_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AnsibleFilterError, match=r"no port for https .* prosody_https_ports"):
        pieces(tmp_path, {"address": "192.0.2.1"}, prosody_https_ports=[])


@pytest.mark.parametrize(
    ("options", "variables", "words"),
    [
        ({"address": "nonsense;x"}, {}, "prosody_snippets_address is 'nonsense;x'"),
        ({"address": "192.0.2.1:5281"}, {}, "without a port"),
        ({"address": "192.0.2.1", "authority": "ca.pem"}, {}, "whole path of a file"),
        ({"address": "192.0.2.1", "authority": "/etc/a b;c"}, {}, "whole path of a file"),
        ({}, {"prosody_http_external_url": "https://chat.example.org/xmpp/"}, "has a path"),
    ],
)
def test_what_would_break_a_web_server_is_refused(
    tmp_path: Path, options: dict[str, str], variables: dict[str, Any], words: str
) -> None:
    with pytest.raises(AnsibleFilterError, match=re.escape(words)):
        pieces(tmp_path, options, **variables)


def test_uploads_are_as_large_as_prosody_takes_them(tmp_path: Path) -> None:
    found = pieces(tmp_path, prosody_upload_max_size="50 MB")
    for name, word in (
        ("nginx", "client_max_body_size"),
        ("apache", "LimitRequestBody"),
        ("caddy", "max_size"),
    ):
        assert f"{word} {50_000_000 + 65536}" in found[f"{name}-{D}.{KINDS[name]}"]


def test_only_one_place_says_who_the_client_is(tmp_path: Path) -> None:
    """A client may send X-Forwarded-For itself."""
    found = pieces(tmp_path)
    assert found[f"nginx-{D}.conf"].count("X-Forwarded-For $remote_addr;") == len(PATHS)
    assert "RequestHeader unset X-Forwarded-For" in found[f"apache-{D}.conf"]


def test_traefik_reads_yaml(tmp_path: Path) -> None:
    found = yaml.safe_load(pieces(tmp_path)[f"traefik-{D}.yml"])["http"]
    router = found["routers"]["xmpp-example-org"]
    assert router["rule"].startswith(f"Host(`{D}`) && (")
    assert found["services"][router["service"]]["loadBalancer"]["passHostHeader"] is True
