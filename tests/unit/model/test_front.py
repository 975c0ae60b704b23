# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prosody behind the proxy of the collection: what changes in its configuration, and what the proxy is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody import findings, model, own_modules
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.front import front
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.settings import ModelError
from ansible_collections.allthingslinux.xmpp.tests.unit.lua_config import read
from ansible_collections.allthingslinux.xmpp.tests.unit.role_settings import role_settings

D = "example.org"
HERE: dict[str, Any] = {"groups": {"prosody": ["one"], "postgresql": ["one"], "proxy": ["one"]}}
AWAY: dict[str, Any] = {
    "groups": {"prosody": ["one"], "postgresql": ["one"], "proxy": ["two"]},
    "hostvars": {"one": {}, "two": {"ansible_facts": {"default_ipv4": {"address": "192.0.2.2"}}}},
}


def config(tmp_path: Path, world: dict[str, Any], **variables: Any) -> dict[str, dict[str, Any]]:
    return read(model.config_text(role_settings(tmp_path, variables, **world)))


def test_without_a_proxy_nothing_is_different(tmp_path: Path) -> None:
    found = config(tmp_path, {"groups": {"prosody": ["one"], "postgresql": ["one"]}})
    assert not {"trusted_proxies", "network_default_read_size", "proxy_direct_tls_mappings"} & set(found["*"])
    assert "invites_page" in found["*"]["modules_enabled"]
    assert "http_external_url" not in found[D]


def test_every_host_is_found_under_its_own_name(tmp_path: Path) -> None:
    hosts = [{"name": D}, {"name": "other.test", "registration": "closed"}]
    found = config(tmp_path, HERE, prosody_hosts=hosts)
    for name in (D, "other.test"):
        assert found[name]["http_external_url"] == f"https://{name}/"
        assert found[f"upload.{name}"]["http_external_url"] == f"https://{name}/"
        assert found[f"upload.{name}"]["http_host"] == name
    assert found[D]["invites_page"] == f"https://{D}/invite/?{{invite.token}}"
    assert "invites_page" not in found["other.test"]
    assert "invites_json" in found["*"]["modules_enabled"]
    assert "invites_json" in found["other.test"]["modules_disabled"]
    assert not {"invites_page", "http_libjs"} & set(found["*"]["modules_enabled"])


def test_a_port_that_is_forwarded_is_in_the_urls(tmp_path: Path) -> None:
    found = config(tmp_path, {**HERE, "xmpp_https_port": 8443})
    assert found[D]["http_external_url"] == f"https://{D}:8443/"
    assert found[D]["http_host"] == D


def test_a_proxy_on_the_same_host_is_loopback(tmp_path: Path) -> None:
    settings = role_settings(tmp_path, **HERE)
    found = read(model.config_text(settings))["*"]
    assert found["trusted_proxies"] == found["proxy_direct_tls_trusted"] == ["127.0.0.1", "::1"]
    assert found["proxy_direct_tls_interfaces"] == ["127.0.0.1"]
    assert found["proxy_direct_tls_mappings"] == {15223: "c2s_direct_tls", 15270: "s2s_direct_tls"}
    listed = {entry["port"]: entry.get("address") for entry in model.ports(settings)}
    assert (listed[15223], listed[15270]) == ("127.0.0.1", "127.0.0.1")


def test_a_proxy_elsewhere_is_known_by_its_address(tmp_path: Path) -> None:
    found = config(tmp_path, AWAY)["*"]
    assert "192.0.2.2" in found["trusted_proxies"]
    assert "192.0.2.2" in found["proxy_direct_tls_trusted"]
    assert "proxy_direct_tls_interfaces" not in found


def test_a_proxy_whose_address_nobody_knows_is_refused(tmp_path: Path) -> None:
    world: dict[str, Any] = {**AWAY, "hostvars": {"one": {}, "two": {}}}
    with pytest.raises(ModelError, match="prosody_proxies: unknown is no address"):
        config(tmp_path, world)
    settings = role_settings(tmp_path, **world)
    assert any("prosody_proxies" in entry["problem"] for entry in findings.problems(settings))
    assert 15223 in {entry["port"] for entry in model.ports(settings)}


@pytest.mark.parametrize(
    ("variables", "mappings"),
    [
        ({"prosody_federation": False}, {15223: "c2s_direct_tls"}),
        ({"prosody_c2s_direct_tls_ports": []}, {15270: "s2s_direct_tls"}),
        ({"prosody_proxied_s2s_port": 0}, {15223: "c2s_direct_tls"}),
    ],
)
def test_what_is_not_served_is_not_handed_on(
    tmp_path: Path, variables: dict[str, Any], mappings: dict[int, str]
) -> None:
    assert config(tmp_path, HERE, **variables)["*"]["proxy_direct_tls_mappings"] == mappings


@pytest.mark.parametrize("more", [{"xmpp_haproxy": True}, {"groups": {"prosody": ["one", "three"], "proxy": ["one"]}}])
def test_for_haproxy_streams_that_upgrade_are_handed_on_too(tmp_path: Path, more: dict[str, Any]) -> None:
    settings = role_settings(tmp_path, **{**HERE, "hostvars": {}, **more})
    mappings = read(model.config_text(settings))["*"]["proxy_direct_tls_mappings"]
    assert mappings == {15223: "c2s_direct_tls", 15270: "s2s_direct_tls", 15222: "c2s", 15269: "s2s"}
    assert {15222, 15269} <= {entry["port"] for entry in model.ports(settings)}
    assert front(settings)["ports"]["c2s_starttls"] == 15222


def test_where_nothing_is_handed_on_the_module_is_off(tmp_path: Path) -> None:
    settings = role_settings(tmp_path, {"prosody_proxied_c2s_port": 0, "prosody_proxied_s2s_port": 0}, **HERE)
    found = read(model.config_text(settings))["*"]
    assert "proxy_direct_tls" not in found["modules_enabled"]
    names = {Path(entry["path"]).name for entry in own_modules.own_modules(settings)["files"]}
    assert "mod_proxy_direct_tls.lua" not in names


def test_a_proxy_of_the_operator_has_one_url(tmp_path: Path) -> None:
    hosts = [{"name": D}, {"name": "other.test"}]
    world: dict[str, Any] = {"groups": {"prosody": ["one"], "postgresql": ["one"]}}
    found = config(tmp_path, world, prosody_hosts=hosts, prosody_http_external_url="https://chat.example.org/")
    assert found[D]["http_external_url"] == "https://chat.example.org/"
    assert "http_external_url" not in found["other.test"]


def test_the_proxy_is_told_what_each_host_offers(tmp_path: Path) -> None:
    hosts = [
        {"name": D, "title": "Chat of example"},
        {"name": "bücher.example", "registration": "closed", "standard_components": [], "modules_disabled": ["bosh"]},
    ]
    settings = role_settings(
        tmp_path,
        {"prosody_hosts": hosts, "prosody_admins": [f"admin@{D}"], "prosody_https_ports": [5281]},
        **HERE,
    )
    told = front(settings)
    first, second = told["sites"]
    assert told["ports"] == {
        "http": 5280,
        "https": 5281,
        "c2s": 15223,
        "s2s": 15270,
        "c2s_starttls": 0,
        "s2s_starttls": 0,
    }
    assert first == {
        "name": D,
        "address": D,
        "title": "Chat of example",
        "url": f"https://{D}/",
        "names": [D, f"muc.{D}", f"upload.{D}", f"proxy.{D}", f"pubsub.{D}"],
        "upload": f"upload.{D}",
        "rooms": f"muc.{D}",
        "upload_size": 104857600,
        "upload_at": D,
        "registration": "invite",
        "invite_paths": [],
        "websocket": True,
        "bosh": True,
        "contacts": [f"xmpp:admin@{D}"],
        "limits": {"upload_total": 21474, "upload_days": 28, "archive_days": 28},
    }
    assert (second["name"], second["address"]) == ("xn--bcher-kva.example", "bücher.example")
    assert (second["upload"], second["rooms"], second["registration"], second["bosh"]) == ("", "", "closed", False)


def test_rooms_are_where_jids_say_and_uploads_where_dns_does(tmp_path: Path) -> None:
    settings = role_settings(tmp_path, {"prosody_hosts": [{"name": "bücher.example"}]}, **HERE)
    (site,) = front(settings)["sites"]
    assert (site["rooms"], site["upload"]) == ("muc.bücher.example", "upload.xn--bcher-kva.example")
    assert "muc.xn--bcher-kva.example" in site["names"]
