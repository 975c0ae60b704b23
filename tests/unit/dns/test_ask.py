# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules xmpp_dns_info and xmpp_dns against a name server that is there: asked, compared, updated, read back."""

from __future__ import annotations

import re
from typing import Any

import dns.rcode
import pytest
from ansible_collections.allthingslinux.xmpp.plugins.filter.xmpp import xmpp_dns_records
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.dns import ask, update
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.dns.answers import Answer, wanted
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.modules import xmpp_dns, xmpp_dns_info
from ansible_collections.allthingslinux.xmpp.tests.unit import module_runner
from ansible_collections.allthingslinux.xmpp.tests.unit.dns.name_server import SECRET, NameServer

RECORDS = xmpp_dns_records(
    {"hosts": [{"name": "example.org"}], "standard_components": ["muc"], "c2s_direct_tls_ports": [5223]},
    addresses=["192.0.2.1"],
    caa=["letsencrypt.org"],
)
ZONE = "".join(f"{one['name']}. {one['ttl']} IN {one['type']} {one['value']}\n" for one in RECORDS)


def looked(server: NameServer, **options: Any) -> dict[str, Any]:
    given = {"records": RECORDS, "resolvers": [server.place], "servers": [server.place], "timeout": 0.3, **options}
    return module_runner.run(xmpp_dns_info, **given)


def names(result: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["name"], one["where"]) for one in result["findings"] if one["level"] != "note"]


def write(there: NameServer, check: bool = False, **options: Any) -> dict[str, Any]:
    given = {"records": RECORDS, "server": there.place, "key_name": "xmpp", "key_secret": SECRET, "timeout": 1.0}
    return module_runner.run(xmpp_dns, check=check, **{**given, **options})


def test_a_zone_that_is_right():
    with NameServer("example.org", ZONE) as server:
        found = looked(server)
    assert names(found) == []
    assert found["good"] is True
    assert found["compared"] == [server.place]
    assert found["zones"] == {"example.org": {"signed": False, "vouched_for": False, "checked": False}}


def test_what_is_missing_different_and_too_much():
    text = ZONE.replace("10 5 5222", "10 5 5322").replace("_xmpps-client", "_xmppx-client")
    with NameServer(
        "example.org", text + "muc AAAA 2001:db8::9\n_xmpps-server._tcp.muc SRV 5 5 5270 a.example.net.\n"
    ) as server:
        found = looked(server)
    assert names(found) == [
        ("record_different", "_xmpp-client._tcp.example.org SRV"),
        ("record_extra", "_xmpps-server._tcp.muc.example.org SRV"),
        ("record_missing", "_xmpps-client._tcp.example.org SRV"),
    ]
    assert found["good"] is False
    assert any(
        "→ _xmpps-client._tcp.example.org. 3600 IN SRV 5 5 5223 xmpp.example.org." in one for one in found["lines"]
    )


def test_an_alias_is_followed_and_told():
    text = ZONE.replace("xmpp.example.org. 3600 IN A 192.0.2.1\n", "xmpp CNAME host\nhost A 192.0.2.1\n")
    with NameServer("example.org", text) as server:
        assert names(looked(server)) == [("target_is_alias", "xmpp.example.org")]


def test_who_does_not_answer_is_never_good():
    with NameServer("example.org", ZONE) as server:
        server.deaf = True
        found = looked(server)
    assert names(found) == [("dns_unreached", "DNS")]
    assert "no answer within 0.3 s" in found["findings"][0]["seen"]
    assert found["compared"] == []
    with NameServer("example.org", ZONE) as server:
        server.rcode = dns.rcode.SERVFAIL
        assert "answers SERVFAIL" in looked(server)["findings"][0]["seen"]


def test_a_server_that_does_not_serve_the_zone_is_not_taken_for_one_that_does():
    with NameServer("example.org", ZONE) as lame, NameServer("example.org", ZONE) as good:
        lame.authoritative = False
        found = looked(good, servers=[lame.place, good.place])
    assert names(found) == [("name_server_silent", f"example.org {lame.place}")]


def test_without_resolvers_of_this_machine(monkeypatch):
    monkeypatch.setattr(ask, "of_this_machine", lambda: ())
    found = module_runner.run(xmpp_dns_info, records=RECORDS)
    assert names(found) == [("dns_unreached", "DNS")]


def test_what_is_given_wrong():
    assert "no name server" in module_runner.run(xmpp_dns_info, records=RECORDS, resolvers=["ns1.example.org"])["msg"]
    with pytest.raises(XmppError, match="with # and a port"):
        ask.servers(["192.0.2.1#dns"])
    assert (
        "is no A record"
        in module_runner.run(xmpp_dns_info, records=[{"name": "x.org", "type": "A", "value": "x"}])["msg"]
    )


def test_an_update_adds_what_is_missing_and_leaves_what_others_wrote():
    text = (
        "_xmpp-client._tcp SRV 10 5 5222 other.example.net.\n_xmpps-client._tcp SRV 9 9 5223 xmpp\nwww A 192.0.2.80\n"
    )
    with NameServer("example.org", text) as server:
        planned = write(server, check=True)
        assert "+ xmpp.example.org. 3600 IN A 192.0.2.1" in planned["changes"]
        assert "- _xmpps-client._tcp.example.org. 60 IN SRV 9 9 5223 xmpp.example.org." in planned["changes"]
        assert not [one for one in planned["changes"] if "other.example.net" in one or "192.0.2.80" in one]
        assert names(looked(server)) != []
        done = write(server)
        assert done["changes"] == planned["changes"]
        assert "+" not in done["diff"]["after"]
        assert names(looked(server)) == [("record_extra", "_xmpp-client._tcp.example.org SRV")]
        again = write(server, written=done["written"])
        assert again["changed"] is False
        assert again["written"] == done["written"]
        # the service moves: what was written goes, and nothing else
        moved = xmpp_dns_records({"hosts": [{"name": "example.org"}]}, addresses=["192.0.2.2"])
        there = write(server, records=moved, written=done["written"])
        assert "- xmpp.example.org. 3600 IN A 192.0.2.1" in there["changes"]
        assert "- example.org. 3600 IN A 192.0.2.1" not in there["changes"]
        assert server.zone.find_rdataset("www.example.org.", "A")[0].to_text() == "192.0.2.80"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"key_name": "other"}, "does not know this key"),
        ({"key_secret": "no base64!"}, "not base64"),
        ({"server": "ns1"}, "no name server"),
        (
            {"records": [{"name": "a.example.net", "type": "A", "value": "192.0.2.1"}]},
            "no zone is known for a.example.net",
        ),
    ],
)
def test_an_update_that_cannot_be(options, said):
    with NameServer("example.org", "") as server:
        before = server.zone.to_text()
        failed = write(server, **options)
        assert failed["failed"] is True
        assert re.search(said, failed["msg"]), failed["msg"]
        assert "no base64!" not in failed["msg"]
        assert SECRET not in str(failed)
        assert server.zone.to_text() == before


def test_an_update_that_is_taken_and_not_made_is_seen():
    with NameServer("example.org", "") as server:
        server.forgetful = True
        assert "does not have it" in write(server)["msg"]
        server.deaf = True
        assert "Nothing was changed" in write(server)["msg"]


def test_a_wildcard_stops_to_answer_for_a_name_that_gets_records_below():
    upload = {"hosts": [{"name": "example.org"}], "standard_components": ["upload"], "https_ports": [5281]}
    records = xmpp_dns_records(upload, addresses=["192.0.2.1"])
    with NameServer("example.org", "@ A 192.0.2.1\n* A 192.0.2.1\n") as server:
        done = write(server, records=records)
        assert "+ upload.example.org. 3600 IN A 192.0.2.1" in done.get("changes", done)
        # nothing comes below this one
        assert "+ xmpp.example.org. 3600 IN A 192.0.2.1" not in done["changes"]
        assert write(server, records=records)["changed"] is False


def test_a_key_never_shows():
    assert "c2VjcmV0" not in repr(update.Key("xmpp", "c2VjcmV0"))


def test_what_is_planned_is_pure():
    (one,) = wanted([{"name": "a.example.org", "type": "A", "value": "192.0.2.1", "ttl": 60}])
    there = {("a.example.org", "A"): Answer("answered", ("192.0.2.9",), 300)}
    assert [str(change) for change in update.plan([one], there)] == ["+ a.example.org. 60 IN A 192.0.2.1"]
    ours = [("a.example.org", "A", "192.0.2.9")]
    assert [str(change) for change in update.plan([one], there, ours)] == [
        "+ a.example.org. 60 IN A 192.0.2.1",
        "- a.example.org. 300 IN A 192.0.2.9",
    ]
