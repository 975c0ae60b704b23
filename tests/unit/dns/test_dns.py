# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters xmpp_dns_records and xmpp_zone; the text is read back by dnspython, a parser that is not ours."""

from __future__ import annotations

import hashlib
from typing import Any

import dns.rdatatype
import dns.zone
import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.allthingslinux.xmpp.plugins.filter.xmpp import FilterModule, xmpp_dns_records, xmpp_zone
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.dns.records import balanced, quoted
from ansible_collections.allthingslinux.xmpp.tests.unit import tls_material as material
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st

SETTINGS: dict[str, Any] = {
    "hosts": [{"name": "example.org"}],
    "standard_components": ["muc", "upload", "proxy"],
    "c2s_direct_tls_ports": [5223],
    "s2s_direct_tls_ports": [5270],
    "https_ports": [5281],
    "turn_host": "turn.example.org",
    "turn_tls_port": 5349,
}
ADDRESSES = ["192.0.2.1", "2001:DB8:0::1"]


def made(settings=None, **options):
    given_settings = SETTINGS if settings is None else settings
    return xmpp_dns_records(given_settings, **{"addresses": ADDRESSES, **options})


def values(found, kind, purpose=""):
    return [
        (one["name"], one["value"])
        for one in found
        if one["type"] == kind and (not purpose or one["purpose"] == purpose)
    ]


def parsed(text, origin="example.org"):
    head = f"$ORIGIN {origin}.\n@ 60 IN SOA ns.{origin}. root.{origin}. 1 60 60 60 60\n@ 60 IN NS ns.{origin}.\n"
    return dns.zone.from_text(head + text, origin=origin, relativize=False)


def answer(zone, name, kind):
    return sorted(item.to_text() for item in zone.find_rdataset(name + ".", kind))


def test_clients_find_the_service():
    found = made()
    assert values(found, "SRV", "clients") == [
        ("_xmpps-client._tcp.example.org", "5 5 5223 xmpp.example.org."),
        ("_xmpp-client._tcp.example.org", "10 5 5222 xmpp.example.org."),
    ]
    assert values(found, "A") == [
        ("xmpp.example.org", "192.0.2.1"),
        ("example.org", "192.0.2.1"),
        ("upload.example.org", "192.0.2.1"),
        ("proxy.example.org", "192.0.2.1"),
        ("turn.example.org", "192.0.2.1"),
    ]
    assert values(found, "AAAA")[0] == ("xmpp.example.org", "2001:db8::1")


def test_other_servers_find_every_host_and_component():
    names = [name for name, _value in values(made(), "SRV", "servers")]
    assert names == [
        f"{service}._tcp.{host}"
        for host in ("example.org", "muc.example.org", "upload.example.org", "proxy.example.org")
        for service in ("_xmpps-server", "_xmpp-server")
    ]


def test_every_name_that_an_authority_asks_by_http_has_an_address():
    def names(**options):
        return [name for name, _value in values(made({**SETTINGS, "https_ports": [], **options}, **proof), "A")]

    components = {"standard_components": ["muc", "upload", "proxy", "pubsub"]}
    proof = {}
    assert not {"muc.example.org", "upload.example.org", "pubsub.example.org"} & set(names(**components))
    proof = {"proved_by_http": True}
    assert names(**components) == [
        "xmpp.example.org",
        "example.org",
        *(f"{label}.example.org" for label in ("muc", "upload", "proxy", "pubsub")),
        "turn.example.org",
    ]
    # the web site of a host may be anywhere
    found = names(**components, http_external_url="https://web.example.org/")
    assert "example.org" not in found
    assert "muc.example.org" in found


def test_without_federation_other_servers_are_told_so():
    found = values(made({**SETTINGS, "federation": False}), "SRV", "servers")
    assert found[0] == ("_xmpp-server._tcp.example.org", "0 0 0 .")
    assert {value for _name, value in found} == {"0 0 0 ."}


def test_calls_and_their_absence():
    assert values(made(), "SRV", "calls") == [
        ("_stun._udp.example.org", "10 5 3478 turn.example.org."),
        ("_turn._udp.example.org", "10 5 3478 turn.example.org."),
        ("_turn._tcp.example.org", "10 5 3478 turn.example.org."),
        ("_turns._tcp.example.org", "10 5 5349 turn.example.org."),
    ]
    assert values(made({**SETTINGS, "turn_host": ""}), "SRV", "calls") == []
    assert ("turn.example.org", "198.51.100.7") in values(made(turn_addresses=["198.51.100.7"]), "A")


def test_ports_that_are_not_listened_on_have_no_record():
    settings = {**SETTINGS, "c2s_ports": [], "s2s_direct_tls_ports": [], "turn_tls_port": 0}
    names = [name for name, _value in values(made(settings), "SRV")]
    assert "_xmpps-client._tcp.example.org" in names
    assert not [name for name in names if name.startswith(("_xmpp-client.", "_xmpps-server.", "_turns."))]


def test_several_hosts_and_names_outside_ascii():
    hosts = [{"name": "example.org"}, {"name": "m\u00fcnchen.example", "standard_components": []}]
    found = made({**SETTINGS, "hosts": hosts}, target="host7.example.net")
    assert ("_xmpp-client._tcp.xn--mnchen-3ya.example", "10 5 5222 host7.example.net.") in values(found, "SRV")
    assert ("host7.example.net", "192.0.2.1") in values(found, "A")
    assert not [name for name, _value in values(found, "A") if name.startswith("xmpp.")]


def test_behind_a_proxy_and_a_relay_elsewhere_components_need_no_address():
    settings = {**SETTINGS, "http_external_url": "https://chat.example.org/", "proxy65_address": "relay.example.net"}
    assert [name for name, _value in values(made(settings), "A")] == ["xmpp.example.org", "turn.example.org"]


def test_a_host_whose_https_is_ours_has_an_address_of_its_own():
    """Invitations, WebSocket and BOSH are under its name; not without HTTPS, nor behind a foreign proxy."""
    assert ("example.org", "192.0.2.1") in values(made(), "A")
    without: list[dict[str, Any]] = [
        {"https_ports": []},
        {"https_interfaces": ["127.0.0.1"]},
        {"http_external_url": "https://x.example/"},
    ]
    for less in without:
        assert "example.org" not in [name for name, _value in values(made({**SETTINGS, **less}), "A")], less
    hosts = [{"name": "example.org"}, {"name": "b.example"}]
    two = values(made({**SETTINGS, "hosts": hosts, "http_external_url": "https://x.example/"}), "A")
    assert [name for name, _value in two if name in ("example.org", "b.example")] == ["b.example"]


PROXY = {"addresses": ["198.51.100.80"], "https_port": 443, "direct_tls": True}


def test_https_and_direct_tls_are_where_our_proxy_is():
    found = made(proxy=PROXY)
    assert values(found, "A") == [
        ("xmpp.example.org", "192.0.2.1"),
        ("example.org", "198.51.100.80"),
        ("proxy.example.org", "192.0.2.1"),
        ("turn.example.org", "192.0.2.1"),
    ]
    assert values(found, "SRV", "clients") == [
        ("_xmpps-client._tcp.example.org", "5 5 443 example.org."),
        ("_xmpp-client._tcp.example.org", "10 5 5222 xmpp.example.org."),
    ]
    assert ("_xmpps-server._tcp.muc.example.org", "5 5 443 example.org.") in values(found, "SRV", "servers")


@pytest.mark.parametrize(
    ("proxy", "direct"),
    [
        ({"addresses": ADDRESSES}, "5 5 443 xmpp.example.org."),
        ({**PROXY, "direct_tls": False}, "5 5 5223 xmpp.example.org."),
        ({"addresses": [], "https_port": 8443}, "5 5 8443 xmpp.example.org."),
    ],
)
def test_a_proxy_on_the_same_machine_or_without_direct_tls(proxy, direct):
    found = made(proxy=proxy)
    assert values(found, "SRV", "clients")[0] == ("_xmpps-client._tcp.example.org", direct)


def test_what_upgrades_to_tls_is_where_our_haproxy_is():
    found = made(proxy={**PROXY, "starttls": True}, certificates=material.issue().pem)
    targets = {name.split(".")[0]: value.split(" ", 2)[2] for name, value in values(found, "SRV")}
    assert (targets["_xmpp-client"], targets["_xmpp-server"]) == ("5222 example.org.", "5269 example.org.")
    assert "xmpp.example.org" not in [name for name, _value in values(found, "A")]
    keys = [name for name, _value in values(found, "TLSA")]
    assert {"_5222._tcp.example.org", "_5269._tcp.example.org"} <= set(keys)
    there = {**SETTINGS, "c2s_ports": [15222], "s2s_ports": []}
    only = [value for _name, value in values(made(there, proxy={**PROXY, "starttls": True}), "SRV")]
    assert "10 5 5222 example.org." in only
    assert not any("5269" in value or "15222" in value for value in only)


def test_the_key_of_a_proxy_is_not_known():
    found = values(made(proxy=PROXY, certificates=material.issue().pem), "TLSA")
    assert [name for name, _value in found] == [
        "_443._tcp.example.org",
        "_5222._tcp.xmpp.example.org",
        "_5269._tcp.xmpp.example.org",
    ]


def test_keys_stand_at_the_machine_that_srv_records_point_to():
    now, later, turn = material.issue(kind="EC"), material.issue(kind="RSA"), material.issue()

    def digest(issued):
        spki = issued.key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return f"3 1 1 {hashlib.sha256(spki).hexdigest()}"

    assert values(made(), "TLSA") == []
    chain = now.pem + material.issue().pem
    found = values(made(certificates=[chain, later.pem], turn_certificates=turn.pem), "TLSA")
    owners = [f"_{port}._tcp.xmpp.example.org" for port in (5222, 5223, 5269, 5270)] + [
        "_5281._tcp.example.org",
        "_5281._tcp.upload.example.org",
    ]
    assert found == [
        *((owner, digest(issued)) for owner in owners for issued in (now, later)),
        ("_5349._tcp.turn.example.org", digest(turn)),
    ]
    alone = values(made({**SETTINGS, "federation": False}, certificates=now.pem), "TLSA")
    assert [name for name, _value in alone if "5269" in name or "5270" in name] == []


def test_authorities():
    given_authorities = [
        "letsencrypt.org",
        {"tag": "iodef", "value": "mailto:a@example.org"},
        {"flags": 128, "value": ";"},
    ]
    assert values(made(caa=given_authorities), "CAA") == [
        ("example.org", '0 issue "letsencrypt.org"'),
        ("example.org", '0 iodef "mailto:a@example.org"'),
        ("example.org", '128 issue ";"'),
    ]
    components = [{"name": "chat.example.net", "module": "muc"}]
    assert "chat.example.net" in dict(values(made({**SETTINGS, "components": components}, caa=["x.org"]), "CAA"))


def test_browsers_find_websocket_and_bosh():
    found = made(websocket_url="wss://example.org/ws", bosh_url="https://example.org/bosh")
    assert values(found, "TXT") == [
        ("_xmppconnect.example.org", '"_xmpp-client-websocket=wss://example.org/ws"'),
        ("_xmppconnect.example.org", '"_xmpp-client-xbosh=https://example.org/bosh"'),
    ]


@pytest.mark.parametrize(
    ("settings", "options", "message"),
    [
        (SETTINGS, {"addresses": []}, "addresses of xmpp.example.org are not known"),
        (
            SETTINGS,
            {"addresses": ["example.net"]},
            "'example.net' is not an IP address, and xmpp.example.org",
        ),
        (SETTINGS, {"addresses": [1]}, "addresses: a list of texts is expected"),
        (SETTINGS, {"target": "a b"}, "'a b' is not a domain name"),
        (SETTINGS, {"target": "x" * 64 + ".org"}, "is not a domain name"),
        (SETTINGS, {"certificates": ["nothing"]}, "no certificate in it"),
        (SETTINGS, {"caa": [{"tag": "is sue", "value": "x"}]}, "neither an authority's name nor"),
        (SETTINGS, {"caa": [{"tag": "issue"}]}, "neither an authority's name nor"),
        (SETTINGS, {"caa": [{"flags": 1, "value": "x"}]}, "neither an authority's name nor"),
        (SETTINGS, {"websocket_url": "https://example.org/"}, "is not a wss URL"),
        (SETTINGS, {"bosh_url": "https:///x"}, "is not a https URL"),
        (SETTINGS, {"adresses": []}, "has no option adresses; it has"),
        ({"hosts": []}, {}, "no virtual host"),
        ({"hosts": [{"name": "exa mple"}]}, {}, "prosody_hosts"),
    ],
)
def test_what_no_records_can_be_made_of_is_refused(settings, options, message):
    with pytest.raises(AnsibleFilterError, match=message):
        made(settings, **options)


def test_an_independent_parser_reads_the_zone_the_same():
    issued = material.issue()
    found = made(
        caa=["letsencrypt.org; validationmethods=dns-01"],
        certificates=[issued.pem],
        websocket_url="wss://example.org/" + "x" * 300,
        ttl=300,
    )
    text = xmpp_zone(found)
    zone = parsed(text)
    assert answer(zone, "_xmpps-client._tcp.example.org", "SRV") == ["5 5 5223 xmpp.example.org."]
    assert answer(zone, "xmpp.example.org", "AAAA") == ["2001:db8::1"]
    assert answer(zone, "example.org", "CAA") == ['0 issue "letsencrypt.org; validationmethods=dns-01"']
    assert answer(zone, "_5222._tcp.xmpp.example.org", "TLSA") == [
        dict(values(found, "TLSA"))["_5222._tcp.xmpp.example.org"]
    ]
    strings = zone.find_rdataset("_xmppconnect.example.org.", "TXT")[0].strings
    assert [len(string) for string in strings] == [255, 86]
    assert b"".join(strings).startswith(b"_xmpp-client-websocket=wss://example.org/xxx")
    assert {rdataset.ttl for _name, rdataset in zone.iterate_rdatasets() if rdataset.rdtype == dns.rdatatype.SRV} == {
        300
    }
    read = sum(len(rdataset) for _name, rdataset in zone.iterate_rdatasets())
    assert read == len(found) + 2, "every record, and SOA and NS of the frame"
    assert text.startswith("; where the machines are\nxmpp.example.org.")


@given(st.text(max_size=600))
def test_any_text_survives_a_zone_file(text):
    zone = parsed(xmpp_zone([{"name": "x.example.org", "type": "txt", "value": quoted(text)}]))
    strings = zone.find_rdataset("x.example.org.", "TXT")[0].strings
    assert b"".join(strings) == text.encode()
    assert all(len(string) <= 255 for string in strings)


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=30))
def test_what_the_zone_accepts_is_one_record(value):
    try:
        text = xmpp_zone([{"name": "x.example.org", "type": "HINFO", "value": value}])
    except AnsibleFilterError:
        return
    assert balanced(value)
    assert text.count("\n") == 1


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"name": "x.org", "type": "A"}, "has no 'value'"),
        ({"name": "x.org", "type": "A B", "value": "1"}, "no type of DNS records"),
        ({"name": "x.org", "type": "A", "value": "192.0.2.1\nevil.org. IN A 192.0.2.2"}, "cannot stand in a zone file"),
        ({"name": "x.org", "type": "A", "value": "192.0.2.1 ; comment"}, "outside of quotes"),
        ({"name": "x.org", "type": "A", "value": "( 192.0.2.1"}, "outside of quotes"),
        ({"name": "x.org", "type": "CAA", "value": '0 issue "x'}, "outside of quotes"),
        ({"name": "x.org\nevil", "type": "A", "value": "192.0.2.1"}, "is not a domain name"),
    ],
)
def test_what_is_no_record_is_refused(record, message):
    with pytest.raises(AnsibleFilterError, match=message):
        xmpp_zone([record])


def test_records_of_the_operator_fit_in():
    text = xmpp_zone(
        [
            {"name": "*.example.org.", "type": "A", "value": "192.0.2.9", "ttl": 60},
            {"name": "example.org", "type": "TXT", "value": 'v=spf1 "all" \\'},
            {"name": "example.org", "type": "TXT", "value": 'v=spf1 "all" \\', "purpose": "two\nlines"},
        ],
        120,
    )
    zone = parsed(text)
    assert answer(zone, "*.example.org", "A") == ["192.0.2.9"]
    assert zone.find_rdataset("example.org.", "TXT")[0].strings == (b'v=spf1 "all" \\',)
    assert "; two lines\n" in text


def test_filters_are_found_by_their_names():
    assert {"xmpp_dns_records": xmpp_dns_records, "xmpp_zone": xmpp_zone}.items() <= FilterModule().filters().items()
