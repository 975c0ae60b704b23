# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A directory with accounts: what is written for it, what lies in a file, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.filter.prosody import FilterModule
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody import model
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.declared_accounts import declared_accounts
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.settings import ModelError
from ansible_collections.allthingslinux.xmpp.tests.unit.lua_config import read
from ansible_collections.allthingslinux.xmpp.tests.unit.role_settings import role_settings

DIRECTORY = {"server": "ldaps://ldap.example.org", "base": "ou=people,dc=example,dc=org"}
PASSWORD = "never-to-be-seen"
environment = FilterModule().filters()["prosody_ldap_environment"]


def settings(tmp_path: Path, ldap: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    given = {"prosody_authentication": "ldap", "prosody_registration": "closed", "prosody_ldap": ldap or DIRECTORY}
    return role_settings(tmp_path, {**given, **more})


def test_what_mod_auth_ldap_is_told(tmp_path: Path) -> None:
    values = settings(tmp_path, {**DIRECTORY, "bind_dn": "cn=prosody,dc=example,dc=org", "bind_password": PASSWORD})
    text = model.config_text(values)
    told = read(text)["*"]
    assert told["ldap_server"] == DIRECTORY["server"]
    assert told["ldap_base"] == DIRECTORY["base"]
    assert told["ldap_tls"] is False  # it is TLS already
    assert told["ldap_mode"] == "bind"
    assert told["ldap_rootdn"] == "cn=prosody,dc=example,dc=org"
    assert "ldap_guard" in told["modules_enabled"]
    assert PASSWORD not in text
    assert model.secret_files(values)["ldap_bind"] == PASSWORD


def test_a_name_alone_is_starttls(tmp_path: Path) -> None:
    told = read(model.config_text(settings(tmp_path, {**DIRECTORY, "server": "ldap.example.org"})))["*"]
    assert (told["ldap_server"], told["ldap_tls"]) == ("ldap.example.org", True)


def test_accounts_beside_the_directory_are_hashed_as_everywhere(tmp_path: Path) -> None:
    hosts = [{"name": "work.example.org"}, {"name": "example.org", "authentication": "internal_hashed"}]
    assert read(model.config_text(settings(tmp_path, prosody_hosts=hosts)))["*"]["password_hash"] == "SHA-256"
    assert "password_hash" not in read(model.config_text(settings(tmp_path)))["*"]


def test_one_host_alone(tmp_path: Path) -> None:
    hosts = [{"name": "example.org"}, {"name": "work.example.org", "authentication": "ldap", "registration": "closed"}]
    more: dict[str, Any] = {
        "prosody_hosts": hosts,
        "prosody_authentication": "internal_hashed",
        "prosody_registration": "invite",
    }
    config = read(model.config_text(settings(tmp_path, **more)))
    assert config["work.example.org"]["authentication"] == "ldap"
    assert config["*"]["ldap_server"]


@pytest.mark.parametrize("server", ["localhost", "127.0.0.1", "[::1]:389", "ldapi://%2Frun%2Fslapd%2Fldapi"])
def test_without_tls_only_on_the_host_itself(tmp_path: Path, server: str) -> None:
    given = {**DIRECTORY, "server": server, **({} if "ldapi" in server else {"start_tls": False})}
    assert read(model.config_text(settings(tmp_path, given)))["*"]["ldap_tls"] is False


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"server": "ldap.example.org", "start_tls": False}, "as they are"),
        ({"server": "ldap://10.0.0.1", "start_tls": False}, "as they are"),
        ({"start_tls": True}, "leave it out"),
        ({"server": ""}, "prosody_ldap.server is needed"),
        ({"server": "ldap example"}, "prosody_ldap.server is none"),
        ({"server": "http://ldap.example.org"}, "prosody_ldap.server is none"),
        ({"base": None}, "prosody_ldap.base is needed"),
        ({"filter": "(uid=*)"}, r"\$user"),
        ({"bind_password": PASSWORD}, "prosody_ldap.bind_dn is needed"),
        ({"bind_dn": "cn=x", "bind_password": ""}, "not empty"),
        ({"bind_dn": "cn=x", "bind_password": 12345678}, "between quotes"),
        ({"timeout": 60}, "from 1 to 10"),
        ({"pasword": PASSWORD}, "prosody_ldap.pasword: there is no such setting"),
    ],
)
def test_what_cannot_work_is_refused_and_no_password_shown(tmp_path: Path, change: dict[str, Any], told: str) -> None:
    values = settings(tmp_path, {**DIRECTORY, **change})
    with pytest.raises(ModelError, match=told) as refused:
        (model.config_text(values), model.secret_files(values))
    assert PASSWORD not in str(refused.value)
    assert "12345678" not in str(refused.value)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"prosody_registration": "invite"}, "prosody_registration: the accounts of example.org"),
        ({"prosody_authentication": "internal_hashed"}, "nobody would read it"),
        ({"prosody_options": {"ldap_base": "x"}}, "set prosody_ldap instead"),
    ],
)
def test_what_does_not_go_with_it(tmp_path: Path, more: dict[str, Any], told: str) -> None:
    with pytest.raises(ModelError, match=told):
        model.config_text(settings(tmp_path, **more))


def test_accounts_are_the_directorys(tmp_path: Path) -> None:
    assert declared_accounts(settings(tmp_path)) == {}
    with pytest.raises(ModelError, match="checks sign in by SCRAM"):
        declared_accounts(settings(tmp_path, prosody_probe_accounts=["one@example.org", "two@example.org"]))
    with pytest.raises(ModelError, match="made in the LDAP directory"):
        declared_accounts(settings(tmp_path, prosody_accounts=[{"jid": "a@example.org"}]))


def test_how_long_it_may_take_and_whom_it_is_signed_by_are_in_the_environment(tmp_path: Path) -> None:
    assert environment(settings(tmp_path, {**DIRECTORY, "timeout": 2, "ca": "/etc/ssl/own.pem"})) == {
        "LDAPNETWORK_TIMEOUT": "2",
        "LDAPTIMEOUT": "2",
        "LDAPTLS_REQCERT": "demand",
        "LDAPTLS_CACERT": "/etc/ssl/own.pem",
    }
    assert environment(settings(tmp_path, prosody_authentication="internal_hashed")) == {}
