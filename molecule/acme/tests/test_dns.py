# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The records of the service, compared with what knot has, and written there by dynamic update."""

from __future__ import annotations

import base64
import json

import pytest
from ansible_collections.allthingslinux.xmpp.tests.scenario.playbook import ROOT, results

DOMAIN = "acme.example"
KEY = base64.b64encode(b"a key that writes records in tests").decode()


@pytest.fixture(scope="module")
def dns(authority, address, tmp_path_factory):
    """A function that runs playbook dns: what it tells as data. Nothing but knot is asked."""
    place = str(authority.interface("eth0").addresses[0])
    given = {
        "xmpp_dns_json": True,
        "xmpp_dns_resolvers": [place],
        "xmpp_dns_addresses": [address],
        "xmpp_dns_update_server": place,
        "xmpp_dns_update_key_name": "records",
        "xmpp_dns_update_key_secret": KEY,
        "prosody_secrets_dir": str(tmp_path_factory.mktemp("secrets")),
    }

    def run(**more):
        done = results(ROOT / "playbooks" / "dns.yml", "-e", json.dumps({**given, **more}))
        assert done.code == 0, done.output
        assert KEY not in done.output
        ((_task, told),) = [one for one in done.tasks if one[0] == "Show it"]
        return json.loads(told["msg"])["xmpp-acme"], told["changed"]

    return run


def test_records_are_compared_written_and_then_right(dns, authority):
    told, differs = dns()
    assert differs
    missing = {one["where"] for one in told["findings"] if one["name"] == "record_missing"}
    assert f"_xmpp-client._tcp.{DOMAIN} SRV" in missing
    assert f"{DOMAIN} A" not in missing
    authority.check_output(
        "knotc zone-begin acme.example && knotc zone-set acme.example _xmpp-client._tcp 60 SRV 5 5 5222 elsewhere && "
        "knotc zone-commit acme.example"
    )
    told, _differs = dns(xmpp_dns_apply=True, xmpp_dns_yes=True)
    assert f"+ _xmpp-server._tcp.muc.{DOMAIN}. 3600 IN SRV 10 5 5269 xmpp.{DOMAIN}." in told["applied"]
    # what another one wrote is told, and left
    bad = [(one["name"], one["where"]) for one in told["findings"] if one["level"] != "note"]
    assert bad == [("record_extra", f"_xmpp-client._tcp.{DOMAIN} SRV")]
    authority.check_output(
        "knotc zone-begin acme.example && knotc zone-unset acme.example _xmpp-client._tcp SRV 5 5 5222 elsewhere && "
        "knotc zone-commit acme.example"
    )
    told, differs = dns(xmpp_dns_apply=True, xmpp_dns_yes=True)
    assert (told["applied"], told["good"], differs) == ([], True, False)
    told, differs = dns(xmpp_dns_resolvers=["127.0.0.1#9"])
    assert differs
    assert [one["name"] for one in told["findings"]] == ["dns_unreached"]
