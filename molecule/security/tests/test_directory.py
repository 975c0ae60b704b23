# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""People of an LDAP directory on another host (slapd): who is let in, and what happens when it does not answer."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import testinfra
from ansible_collections.allthingslinux.xmpp.tests.scenario.playbook import playbook
from ansible_collections.allthingslinux.xmpp.tests.scenario.raw import raw
from conftest import NEIGHBOUR, banned, waits_until

DOMAIN = "staff.localhost"
PASSWORDS = {"dave": "paints-the-fence", "erin": "walks-the-dog"}
STAFF = ("site", "--tags", "prosody")


@pytest.fixture(scope="module")
def directory() -> Any:
    """The host with the directory."""
    return testinfra.get_host(f"docker://{NEIGHBOUR}")


@pytest.fixture
def signs_in(address: str) -> Callable[..., bool]:
    """A function from a name and a password to whether somebody of the directory is let in."""

    def sign_in(name: str, password: str = "") -> bool:
        with raw(address, 5223, DOMAIN) as somebody:
            return somebody.is_let_in(DOMAIN, name, password or PASSWORDS[name])

    return sign_in


@contextlib.contextmanager
def serving(directory: Any, certificate: str) -> Iterator[None]:
    """Meanwhile the directory has another certificate."""

    def serve(name: str) -> None:
        directory.check_output(
            f"cd /srv/directory && cp {name}.pem server.pem && cp {name}.key server.key && systemctl stop directory && "
            "systemd-run --unit=directory slapd -f /srv/slapd.conf -h 'ldap:/// ldaps:///' -d 0"
        )
        assert waits_until(lambda: "636" in directory.check_output("ss -Hltn"), 20)

    serve(certificate)
    try:
        yield
    finally:
        serve(NEIGHBOUR)


def test_people_of_the_directory_sign_in_by_its_passwords(signs_in, guarded, address):
    assert signs_in("dave")
    assert not signs_in("dave", PASSWORDS["erin"])
    assert not signs_in("nobody", PASSWORDS["erin"])
    with raw(address, 5223, DOMAIN) as dave, raw(address, 5223, DOMAIN) as erin:
        dave.sign_in(DOMAIN, "dave", PASSWORDS["dave"])
        jid = erin.sign_in(DOMAIN, "erin", PASSWORDS["erin"])
        dave.say(f"<message type='chat' to='{jid}'><body>the fence is blue</body></message>")
        assert erin.hears("the fence is blue")
    # Prosody keeps no password of theirs, and its own is in one file
    assert guarded.check_output("prosodyctl shell user list guarded.localhost").count("dave") == 0
    words = "-e looks-for-people-only -e paints-the-fence"
    found = guarded.check_output(f"grep -rlF {words} /etc /var/lib/prosody /run; true")
    assert found.split() == ["/etc/prosody/secrets/ldap_bind"]
    assert guarded.file("/etc/prosody/secrets/ldap_bind").mode == 0o640
    pid = guarded.check_output("systemctl show --property MainPID --value prosody").strip()
    assert "looks-for-people-only" not in guarded.check_output(f"tr '\\0' '\\n' </proc/{pid}/environ")
    assert guarded.run(f"journalctl | grep -F {words}").stdout == ""


@pytest.mark.parametrize("certificate", ["nobody", "other.invalid"])
def test_a_directory_that_is_another_is_told_no_password(signs_in, directory, certificate):
    with serving(directory, certificate):
        assert not signs_in("dave")
    assert waits_until(lambda: signs_in("dave"), 20)


def test_a_directory_that_does_not_answer_takes_nobody_down(signs_in, guarded, directory, talking, address, capsys):
    """Its packets are dropped; by Prosody's own way of asking nobody would be served for twenty seconds and more."""
    drop = "nft 'add table inet dropped; add chain inet dropped out { type filter hook output priority -200; }; {}'"
    host = directory.check_output("hostname -I").split()[0]
    rule = f"add rule inet dropped out ip daddr {host} tcp dport {{ 389, 636 }} drop"
    with raw(address, 5223, DOMAIN) as erin:
        erin.sign_in(DOMAIN, "erin", PASSWORDS["erin"])
        guarded.check_output(drop.replace("{}", rule))
        try:
            with ThreadPoolExecutor() as pool:
                attempts = [pool.submit(signs_in, "dave") for _one in range(6)]
                waited = []
                while not all(one.done() for one in attempts):
                    began = time.monotonic()
                    assert talking()
                    waited.append(time.monotonic() - began)
            with capsys.disabled():
                print(f"\ntwo people waited at most {max(waited):.1f} s for a line while the directory was away")
            assert [one.result() for one in attempts] == [False] * 6
            # four attempts of a second for each of them, and it was asked at all
            assert 0.8 < max(waited) < 12
        finally:
            guarded.check_output("nft delete table inet dropped")
        assert waits_until(lambda: signs_in("dave"), 40)
        # so many refusals would keep somebody out who guesses
        assert banned(guarded) == []
        assert talking()
        erin.say("<iq type='get' id='there'><ping xmlns='urn:xmpp:ping'/></iq>")
        assert erin.hears("id='there'")
    assert "The LDAP directory did not answer" in guarded.check_output("journalctl --unit prosody --since -10min")


def test_tls_from_the_first_byte(signs_in):
    given = '{"prosody_ldap": {"server": "ldaps://xmpp-security-neighbour", "base": "ou=people,dc=example,dc=org", '
    given += '"bind_dn": "cn=prosody,dc=example,dc=org", "bind_password": "looks-for-people-only", '
    given += '"ca": "/etc/ssl/directory-ca.pem"}}'
    playbook(*STAFF, "-e", given).assert_ok()
    assert signs_in("dave")
    assert not signs_in("dave", "another-one")
