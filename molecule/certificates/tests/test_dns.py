# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The zone that playbook dns prints, read by dnspython; its keys are those of the installed certificate."""

from __future__ import annotations

import hashlib
import json
import subprocess

import dns.zone
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.certificate import parse_pem
from ansible_collections.allthingslinux.xmpp.tests.scenario.playbook import playbook

SOA = "@ 60 IN SOA ns root 1 60 60 60 60\n@ 60 IN NS ns\n"


def test_the_zone_of_the_host(host, tmp_path):
    target, secrets = tmp_path / "zone", tmp_path / "secrets"
    given = ["xmpp_domain=example.test", f"xmpp_secrets_dir={secrets}", f"xmpp_dns_file={target}", "xmpp_dns_tlsa=true"]
    given.append("xmpp_dns_compare=false")  # nobody knows of this domain
    # a key that comes next is vouched for before it is served
    following = tmp_path / "next.pem"
    made = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-subj",
        "/CN=x",
    ]
    subprocess.run([*made, "-keyout", str(tmp_path / "key"), "-out", str(following)], check=True, capture_output=True)
    given.append(json.dumps({"xmpp_dns_next_certificates": [str(following)]}))
    options = [word for one in given for word in ("-e", one)]
    playbook("dns", *options).assert_ok()
    playbook("dns", *options).assert_unchanged()
    assert not secrets.exists(), "printing records makes no secrets"
    zone = dns.zone.from_text(SOA + target.read_text(), origin="example.test.", relativize=False)

    def found(name, kind):
        return {item.to_text() for item in zone.find_rdataset(f"{name}.example.test.", kind)}

    assert found("_xmpps-client._tcp", "SRV") == {"5 5 5223 xmpp.example.test."}
    assert found("_xmpp-server._tcp.muc", "SRV") == {"10 5 5269 xmpp.example.test."}
    assert found("xmpp", "A") == {host.check_output("hostname -i").split()[0]}
    public_key = "openssl x509 -in /etc/prosody/certs/example.test.crt -noout -pubkey"
    digest = host.check_output(f"{public_key} | openssl pkey -pubin -outform DER | sha256sum").split()[0]
    (leaf,) = parse_pem(following.read_bytes(), "next")
    coming = hashlib.sha256(leaf.public_key).hexdigest()
    wanted = {f"3 1 1 {digest}", f"3 1 1 {coming}"}
    assert found("_5222._tcp.xmpp", "TLSA") == found("_5281._tcp.upload", "TLSA") == wanted
