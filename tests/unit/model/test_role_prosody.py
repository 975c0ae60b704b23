# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What role prosody makes of its variables before its entry points use them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.tests.unit.test_role_templates import templated

INVENTORY = {"inventory_dir": "/inventory", "group_names": ["prosody"]}


def asked(*hosts: str) -> list[str]:
    """Name what preflight asks of the host."""
    names = [{"name": name} for name in hosts]
    found = templated("prosody", "{{ __prosody_asks }}", **INVENTORY, prosody_hosts=names)
    return [one["module"].rpartition(".")[2] for one in found]


def test_nobody_is_missed_where_it_is_in_doubt_who_is_to_be_served() -> None:
    assert asked("t13.example", "t14.example") == ["prosody_continuity"]
    # refused by the model: not found on ports with TLS from the first byte, and not in Unicode
    assert asked("t13.example", "bücher.example") == []
    assert asked("t13.example", "xn--bcher-kva.example") == []


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ({"xmpp_check_ca": "../roots.pem"}, "/inventory/../roots.pem"),
        ({"prosody_check_ca": "roots.pem"}, "/inventory/roots.pem"),
        ({"xmpp_check_ca": "/etc/roots.pem"}, "/etc/roots.pem"),
        ({"xmpp_check_ca": ""}, ""),
        ({"certificates_source": "acme"}, ""),
        ({}, "/inventory/.secrets/ca/ca.pem"),
        ({"xmpp_secrets_dir": "secrets"}, "secrets/ca/ca.pem"),
    ],
)
def test_authorities_that_an_inventory_names_lie_beside_it(given: dict[str, Any], used: str) -> None:
    assert templated("prosody", "{{ __prosody_check_ca }}", **INVENTORY, **given) == used
    # as those of an ACME server do
    acme = "{{ __certificates_acme_ca_file }}"
    assert templated("certificates", acme, **INVENTORY, certificates_acme_ca_file="../a.pem") == "/inventory/../a.pem"
