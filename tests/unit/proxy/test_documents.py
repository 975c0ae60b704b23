# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a proxy says below /.well-known/: values out of the settings of the server, and nothing that nobody knows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.allthingslinux.xmpp.plugins.filter import proxy
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.front import front
from ansible_collections.allthingslinux.xmpp.tests.unit.role_settings import role_settings

FILTERS = proxy.FilterModule().filters()
host_meta = FILTERS["proxy_host_meta"]
provider_file = FILTERS["proxy_provider_file"]
D = "example.org"
WORLD: dict[str, Any] = {"groups": {"prosody": ["one"], "postgresql": ["one"], "proxy": ["one"]}}
WAYS: dict[str, Any] = {"addresses": [], "port": 443, "direct_tls": True}


def sites(tmp_path: Path, **variables: Any) -> list[dict[str, Any]]:
    told = front(role_settings(tmp_path, variables, **WORLD))
    return [{**site, "ports": told["ports"]} for site in told["sites"]]


def test_limits_come_from_the_settings(tmp_path: Path) -> None:
    found = sites(tmp_path, prosody_upload_expires_after="1 week", prosody_archive_expires_after="never")
    said = provider_file(found[0], found, {})
    # a GiB a day for seven days, in MB
    assert said["maximumHttpFileUploadTotalSize"] == 7 * 2**30 // 10**6
    assert said["maximumHttpFileUploadStorageTime"] == 7
    assert said["maximumMessageArchiveManagementStorageTime"] == 0


@pytest.mark.parametrize(
    ("variables", "size", "days"),
    [
        ({}, 20 * 2**30 // 10**6, 28),
        ({"prosody_upload_expires_after": "12 hours"}, 2**30 // 10**6, -1),
        ({"prosody_upload_expires_after": "172800"}, 2 * 2**30 // 10**6, 2),
        ({"prosody_upload_expires_after": "never"}, 20 * 2**30 // 10**6, 0),
        ({"prosody_upload_expires_after": "2 months"}, 20 * 2**30 // 10**6, 62),
        ({"prosody_upload_total_quota": "", "prosody_upload_daily_quota": ""}, 0, 28),
        ({"prosody_upload_total_quota": "100 kB", "prosody_upload_daily_quota": ""}, -1, 28),
        ({"prosody_standard_components": ["muc"]}, 0, 0),
    ],
)
def test_what_one_user_may_keep(tmp_path: Path, variables: dict[str, Any], size: int, days: int) -> None:
    assert sites(tmp_path, **variables)[0]["limits"] == {"upload_total": size, "upload_days": days, "archive_days": 28}


def test_what_nobody_said_is_unknown(tmp_path: Path) -> None:
    found = sites(tmp_path)
    said = provider_file(found[0], found, {})
    assert (said["busFactor"], said["organization"], said["website"], said["since"]) == (-1, "", {}, "")
    assert not any(said[name] for name in ("serverTesting", "professionalHosting", "freeOfCharge", "serverLocations"))


def test_what_is_said_is_there(tmp_path: Path) -> None:
    hosts = [{"name": D}, {"name": "bücher.example"}, {"name": "closed.test", "registration": "closed"}]
    found = sites(tmp_path, prosody_hosts=hosts)
    given = {
        "website": {"de": "https://example.org/de/", "en": "https://example.org/"},
        "legal_notice": "https://example.org/legal",
        "organization": "private person",
        "bus_factor": 2,
        "free_of_charge": True,
        "server_locations": ["DE"],
        "since": "2026-01-31",
    }
    said = provider_file(found[0], found, given)
    assert said["alternativeJids"] == ["bücher.example"]
    assert said["website"] == given["website"]
    assert said["legalNotice"] == {"en": "https://example.org/legal"}
    assert (said["organization"], said["busFactor"], said["freeOfCharge"]) == ("private person", 2, True)
    assert (said["serverLocations"], said["since"]) == (["de"], "2026-01-31")


def test_without_addresses_dns_is_still_asked(tmp_path: Path) -> None:
    """A top-level "xmpp" would make clients skip SRV records (XEP-0487)."""
    said = host_meta(sites(tmp_path)[0], WAYS)
    assert said == {
        "links": [
            {"rel": "urn:xmpp:alt-connections:websocket", "href": f"wss://{D}/xmpp-websocket"},
            {"rel": "urn:xmpp:alt-connections:xbosh", "href": f"https://{D}/http-bind"},
        ]
    }


def test_with_addresses_all_ways_in_are_told(tmp_path: Path) -> None:
    addresses = ["192.0.2.1", "2001:db8::1"]
    said = host_meta(sites(tmp_path)[0], {**WAYS, "addresses": addresses, "port": "8443"})
    assert said["xmpp"] == {"ttl": 3600}
    links = {link["rel"].rsplit(":", 1)[1]: link for link in said["links"]}
    assert set(links) == {"websocket", "xbosh", "tls", "s2s-tls"}
    for kind in ("websocket", "tls", "s2s-tls"):
        assert links[kind]["ips"] == addresses
        assert links[kind]["sni"] == D
        assert isinstance(links[kind]["weight"], int)
    assert links["tls"]["port"] == links["s2s-tls"]["port"] == 8443
    assert links["websocket"]["href"] == f"wss://{D}:8443/xmpp-websocket"
    # direct TLS first
    assert links["tls"]["priority"] < links["websocket"]["priority"]


@pytest.mark.parametrize(
    ("variables", "options", "gone"),
    [
        ({}, {"direct_tls": False}, {"tls", "s2s-tls"}),
        ({"prosody_federation": False}, {}, {"s2s-tls"}),
        ({"prosody_modules_disabled": ["websocket"]}, {}, {"websocket"}),
        ({"prosody_modules_disabled": ["bosh"]}, {}, {"xbosh"}),
    ],
)
def test_what_is_not_there_is_not_told(
    tmp_path: Path, variables: dict[str, Any], options: dict[str, Any], gone: set[str]
) -> None:
    said = host_meta(sites(tmp_path, **variables)[0], {**WAYS, "addresses": ["192.0.2.1"], **options})
    there = {link["rel"].rsplit(":", 1)[1] for link in said["links"]}
    assert {"websocket", "xbosh", "tls", "s2s-tls"} - there == gone


def test_what_is_no_address_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AnsibleFilterError, match=r"192.0.2.1:443 is no address"):
        host_meta(sites(tmp_path)[0], {**WAYS, "addresses": ["192.0.2.1:443"]})


def test_a_contact_that_is_given_alone_is_one(tmp_path: Path) -> None:
    found = sites(tmp_path, prosody_contact_info={"security": "mailto:security@example.org"})
    assert found[0]["contacts"] == ["mailto:security@example.org"]
