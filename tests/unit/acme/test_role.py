# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What role certificates refuses of source acme before the first change, and what it writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.acme import issue
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.acme.settings import service_of, settings_of
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.preflight import conditions
from ansible_collections.allthingslinux.xmpp.tests.unit.test_role_templates import render, templated

NAMES = ["example.org", "muc.example.org"]
GOOD: dict[str, Any] = {
    "certificates_source": "acme",
    "certificates_requests": [{"name": "example.org", "names": NAMES}],
    "certificates_acme_terms_agreed": True,
    "certificates_secrets_dir": "/nowhere",
    "inventory_dir": "/nowhere",
    "__certificates_ca_text": "",
    "__certificates_service": {"name": "prosody"},
}
DNS = {
    "certificates_acme_challenge": "dns-01",
    "certificates_acme_dns_server": "192.0.2.53",
    "certificates_acme_dns_key_name": "acme.",
    "certificates_acme_dns_key_secret": "c2VjcmV0",
}


def refused(**variables: Any) -> list[str]:
    checks = templated("certificates", "{{ __certificates_checks }}", **{**GOOD, **variables})
    return [check["problem"] for check in checks if not check["that"]]


def requests(*names: str) -> dict[str, Any]:
    return {"certificates_requests": [{"name": names[0], "names": list(names)}]}


def test_what_is_right_is_not_refused() -> None:
    assert refused() == []
    assert refused(**DNS) == []
    assert refused(**DNS, certificates_acme_wildcard=True) == []
    assert refused(certificates_acme_contact="ops@example.org") == []
    # an authority of one's own may issue for what public DNS does not have
    assert refused(**requests("chat.test"), certificates_acme_directory="https://ca.internal/acme/directory") == []
    assert refused(certificates_source="ca", certificates_acme_terms_agreed=False) == []


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"certificates_acme_terms_agreed": False}, "certificates_acme_terms_agreed is not true"),
        ({"certificates_acme_directory": "letsencrypt"}, "certificates_acme_directory: letsencrypt is no address"),
        (
            {"certificates_acme_directory": "http://ca.test/"},
            "certificates_acme_directory: http://ca.test/ is no address",
        ),
        (requests("chat.test", "muc.chat.test"), "cannot issue for chat.test, muc.chat.test, a name that public DNS"),
        (requests("chat.localhost"), "cannot issue for chat.localhost"),
        (requests("chat"), "cannot issue for chat,"),
        (requests("chat.example.org", "192.0.2.1"), "192.0.2.1 is an address"),
        (requests("chat.example.org", "2001:db8::1"), "2001:db8::1 is an address"),
        (
            {**requests(*(f"a{n}.example.org" for n in range(26))), "certificates_acme_profile": "shortlived"},
            "would have more names than the ACME server takes (25)",
        ),
        (
            requests(*(f"a{n}.example.org" for n in range(101))),
            "would have more names than the ACME server takes (100)",
        ),
        ({"certificates_acme_contact": "me"}, "certificates_acme_contact: me is no mail address"),
        ({"certificates_acme_eab_key_id": "x"}, "only one is given"),
        ({"certificates_acme_ca_file": "ca.pem"}, "there is no /nowhere/ca.pem on the controller"),
        ({"certificates_acme_wildcard": True}, "a wildcard is proved in DNS alone"),
        (requests("example.org", "*.example.org"), "*.example.org is a wildcard, which is proved in DNS alone"),
        ({"certificates_acme_webroot": "/home/www"}, "the timer that renews does not see /home/www"),
        ({"certificates_acme_webroot": "/tmp"}, "the timer that renews does not see /tmp"),
        ({"groups": {"proxy": ["two"]}}, "The names of Prosody lead to the proxy two"),
        ({**DNS, "certificates_acme_dns_key_secret": ""}, "certificates_acme_dns_key_secret is not given"),
        ({**DNS, "certificates_acme_dns_server": "ns.example.org"}, "ns.example.org is no address"),
    ],
)
def test_what_is_refused(variables: dict[str, Any], told: str) -> None:
    found = refused(**variables)
    assert len(found) == 1, found
    assert told in found[0]


def test_port_80_must_be_free_where_nobody_of_ours_has_it() -> None:
    def ports(**variables: Any) -> list[int]:
        wanted = templated("certificates", "{{ __certificates_acme_ports }}", **{**GOOD, **variables})
        return [one["port"] for one in wanted]

    assert ports() == [80]
    assert ports(groups={"proxy": ["one"]}) == []
    assert ports(certificates_acme_webroot="/srv/www") == []
    assert ports(**DNS) == []
    assert ports(certificates_source="ca") == []


def test_who_has_port_80_may_show_a_directory() -> None:
    wanted = templated("certificates", "{{ __certificates_acme_ports }}", **GOOD)
    nginx = {"protocol": "tcp", "address": "::", "port": 80, "process": "nginx", "pid": 9, "unit": "", "user": "root"}
    [problem] = conditions.taken_ports(wanted, [nginx], ["certbot"])
    assert problem.endswith(": stop that, or have it show a directory, and say which in certificates_acme_webroot.")


def written(**variables: Any) -> dict[str, str]:
    role = {"role_path": str(Path(__file__).resolve().parents[3] / "roles/certificates")}
    text = render("certificates", "acme_files.yml.j2", **{**GOOD, **role, **variables})
    # outside of a task a newline in a template stays as it is written
    return {entry["path"]: entry.get("content", "").removesuffix("\\n") for entry in yaml.safe_load(text)}


def test_what_is_written_is_what_the_host_reads() -> None:
    found = written(
        **DNS,
        certificates_acme_wildcard=True,
        __certificates_service={"name": "prosody", "certs_dir": "/etc/prosody/certs"},
    )
    settings = settings_of(json.loads(found["/etc/xmpp/acme/settings.json"]))
    assert (settings.challenge, settings.wildcard, settings.authority) == ("dns-01", True, "")
    service = service_of("prosody", json.loads(found["/etc/xmpp/acme/services/prosody.json"]))
    assert service.names == tuple(NAMES)
    assert (service.certificate, service.certs_dir) == ("example.org", "/etc/prosody/certs")
    # a play of one's own has no service: the certificate is renewed, and nothing more
    assert "/etc/xmpp/acme/services/example.org.json" in written(__certificates_service={})


@pytest.mark.parametrize("role", ["coturn", "proxy"])
def test_how_a_service_takes_it(role: str) -> None:
    sites = [{"name": "example.org", "names": NAMES, "ports": {}}]
    variables = {
        "coturn_tls_port": 5349,
        "coturn_realm": "example.org",
        "coturn_listen_addresses": ["192.0.2.1"],
        "proxy_servers": [{"name": "one", "address": "127.0.0.1", "ports": {}, "sites": sites}],
    }
    given = templated(role, f"{{{{ __{role}_service }}}}", **variables)
    service = service_of(role, {"certificate": "example.org", "names": NAMES, **json.loads(json.dumps(given))})
    assert [file.part for file in service.files] == ["fullchain", "privkey"]
    assert service.files[1].mode & 0o007 == 0
    assert service.unit in ("coturn", "nginx")
    assert [port.port for port in service.ports] == [5349 if role == "coturn" else 443]


def test_options_of_certbot() -> None:
    def options(**variables: Any) -> str:
        return render("certificates", "certbot.ini.j2", **{**GOOD, **variables})

    plain = options()
    assert "agree-tos = true" in plain
    assert "register-unsafely-without-email = true" in plain
    assert "profile" not in plain
    full = options(
        **DNS,
        certificates_acme_contact="ops@example.org",
        certificates_acme_profile="shortlived",
        certificates_acme_eab_key_id="kid",
        certificates_acme_eab_hmac_key="key",
    )
    for line in (
        "email = ops@example.org",
        "preferred-profile = shortlived",
        "eab-kid = kid",
        "eab-hmac-key = key",
        "dns-rfc2136-credentials = /etc/xmpp/acme/dns.ini",
    ):
        assert line in full.splitlines()
    assert "dns_rfc2136_secret = c2VjcmV0" in render("certificates", "dns.ini.j2", **{**GOOD, **DNS})


@pytest.mark.parametrize(
    ("provider", "line"),
    [
        ("cloudflare", "dns_cloudflare_api_token = words"),
        ("desec", "dns_desec_token = words"),
        ("infomaniak", "dns_infomaniak_token = words"),
    ],
)
def test_another_provider_of_dns(provider: str, line: str) -> None:
    given = {"certificates_acme_challenge": "dns-01", "certificates_acme_dns_provider": provider}
    (missing,) = refused(**given)
    assert (
        f"certificates_acme_dns_token is not given: the host writes the proof into the zone at {provider}." in missing
    )
    token = {**GOOD, **given, "certificates_acme_dns_token": "words"}
    assert refused(**token) == []
    assert line in render("certificates", "dns.ini.j2", **token).splitlines()
    assert f"dns-{provider}-credentials = /etc/xmpp/acme/dns.ini" in render("certificates", "certbot.ini.j2", **token)
    assert f"python3-certbot-dns-{provider}" in templated("certificates", "{{ __certificates_acme_packages }}", **token)
    settings = settings_of(json.loads(written(**token)["/etc/xmpp/acme/settings.json"]))
    assert issue.way(settings, NAMES) == ["--authenticator", f"dns-{provider}"]
