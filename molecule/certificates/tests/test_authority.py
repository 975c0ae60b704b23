# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The authority beside the inventory, where certificates of another one lie on the host already."""

from __future__ import annotations

import json

from ansible_collections.allthingslinux.xmpp.tests.scenario.playbook import playbook

NAME = "moved.example.test"


def test_what_another_authority_issued_is_issued_anew_by_the_first_run(host, tmp_path):
    play = [{"hosts": "all", "tasks": [{"ansible.builtin.include_role": {"name": "allthingslinux.xmpp.certificates"}}]}]
    (tmp_path / "play.yml").write_text(json.dumps(play), encoding="utf-8")

    def issued_by(authority: str) -> str:
        given = {
            "certificates_source": "ca",
            "certificates_requests": [{"name": NAME, "names": [NAME]}],
            "certificates_secrets_dir": str(tmp_path / authority),
            "certificates_ca_name": authority,
        }
        options = (str(tmp_path / "play.yml"), "-e", json.dumps(given))
        playbook(*options).assert_ok()
        return host.check_output(f"openssl x509 -noout -issuer -in /etc/xmpp/certificates/{NAME}/fullchain.pem")

    assert issued_by("one").endswith("CN=one")
    assert issued_by("other").endswith("CN=other")
