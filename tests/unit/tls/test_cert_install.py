# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""module_utils/tls/certificate_install.py and served.py: proved by what a simulated server serves, or taken back."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls import certificate, served
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.certificate_index import (
    choices,
    key_of,
    read_files,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.certificate_install import (
    Installation,
    InstallError,
    Server,
    conflicts,
    describe,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.certificate_store import Pair, Store
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.handshake import Served, TlsProbeError
from ansible_collections.allthingslinux.xmpp.tests.unit import tls_material as material

NAMES = ("example.org", "muc.example.org")
AUTHORITY = material.authority()


def make_pair(*names):
    issued = material.issue(names or NAMES, by=AUTHORITY.intermediate)
    chain = (certificate.parse(issued.der), certificate.parse(AUTHORITY.intermediate.der))
    return Pair(chain, issued.key_pem().encode())


OLD, NEW = make_pair(), make_pair()
# recorded from Prosody 13.0.1
ANSWER = {
    "listening": {
        "services": {},
        "held": [
            {"service": "c2s", "interface": "*", "port": 5222, "encryption": "starttls", "private": False},
            {"service": "c2s", "interface": "::", "port": 5222, "encryption": "starttls", "private": False},
            {"service": "c2s_direct_tls", "interface": "*", "port": 5223, "encryption": "ssl", "private": False},
            {"service": "s2s", "interface": "192.0.2.1", "port": 5269, "encryption": "starttls", "private": False},
            {"service": "http", "interface": "127.0.0.1", "port": 5280, "encryption": "", "private": False},
            {"service": "https", "interface": "*", "port": 5281, "encryption": "ssl", "private": False},
        ],
    },
    "hosts": [
        {"name": "example.org", "c2s": True, "s2s": True, "tls": True, "http_host": "muc.example.org"},
        {"name": "muc.example.org", "c2s": False, "s2s": True, "tls": True, "http_host": "muc.example.org"},
        {"name": "localhost", "c2s": True, "s2s": True, "tls": True, "http_host": "localhost"},
        {"name": "elsewhere.example", "c2s": True, "s2s": True, "tls": True, "http_host": "elsewhere.example"},
    ],
    "reload": ["c2s", "s2s", "http"],
    "certificates": "/etc/prosody/certs",
}
RUNNING = served.read_answer(ANSWER)
RELOAD = [
    "config:reload()",
    'module:reload("tls")',
    'module:reload("c2s", "*")',
    'module:reload("s2s", "*")',
    'module:reload("http", "*")',
]


class Simulated:
    """A Prosody that serves what it read at its last reload, with faults to plant."""

    def __init__(self, directory, stale_ports=(), closed_ports=(), refuse_reload_of=None, chain_known=True):
        self.directory, self.stale_ports, self.closed_ports = directory, stale_ports, closed_ports
        self.refuse_reload_of, self.chain_known = refuse_reload_of, chain_known
        self.commands, self.looks = [], 0
        self.now: dict[str, tuple] = {}
        self.at_start: dict[str, tuple] | None = None
        self.take_up()

    def take_up(self):
        files = read_files(self.directory, material.NOW)
        self.now = {
            name: certificate.read_chain(sorted(choices(files, name))[0])
            for name in served.names(RUNNING)
            if choices(files, name)
        }
        self.at_start = self.now if self.at_start is None else self.at_start

    def command(self, line, secrets=(), check=True):
        self.commands.append(line)
        if self.refuse_reload_of and self.refuse_reload_of in self.now_names():
            raise XmppError("Prosody refused to reload: a fault that was planted.")
        self.take_up()

    def lua_json(self, chunk):
        return ANSWER

    def now_names(self):
        return {leaf.sha256 for leaf in read_files(self.directory, material.NOW).values()}

    def see(self, where, timeout):
        self.looks += 1
        found = []
        for target in where:
            from_disk = self.at_start if target.port in self.stale_ports else self.now
            chain = (from_disk or {}).get(target.name or "example.org")
            if target.port in self.closed_ports:
                found.append(served.Seen(target, None, "connecting: connection refused", False))
            elif chain is None:
                found.append(served.Seen(target, None, "TLS handshake: alert handshake failure"))
            else:
                found.append(served.Seen(target, Served(chain[0], "TLSv1.3", "X", "", "", chain, self.chain_known)))
        return tuple(found)

    def server(self):
        return Server(self, RUNNING, None, 1.0, self.see)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(served.time, "sleep", lambda _seconds: None)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "certs", "example.org", os.getuid(), os.getgid())


def present(store, pair, simulated=None, names=NAMES, check_mode=False):
    server = simulated.server() if simulated else None
    return Installation(store, server, material.NOW, check_mode).present(pair, names)


def installed(store, pair=OLD):
    present(store, pair)
    assert store.read() == pair


def test_the_four_ways_with_a_server(store):
    simulated = Simulated(store.directory)
    predicted = present(store, NEW, simulated, check_mode=True)
    assert predicted.actions == ("install", "reload")
    assert not store.directory.exists()
    assert simulated.commands == []
    done = present(store, NEW, simulated)
    assert done.actions == ("install", "reload")
    assert simulated.commands == RELOAD
    # 1 c2s on 2 interfaces, direct TLS with and without name, 2 s2s, https with and without name
    assert len(done.seen) == 2 + 2 + 2 + 2
    assert {seen.sha256 for seen in done.seen} == {NEW.chain[0].sha256}
    assert done.warnings == (
        f"'elsewhere.example' is hosted by this Prosody, and no certificate in {store.directory} covers it.",
    )
    for check_mode in (False, True):
        again = present(store, NEW, simulated, check_mode=check_mode)
        assert again.actions == ()
        assert len(again.seen) == 8
    assert simulated.commands == RELOAD


def test_without_a_server_files_are_installed(store):
    assert present(store, OLD, check_mode=True).actions == ("install",)
    assert present(store, OLD).actions == ("install",)
    assert present(store, OLD).actions == ()
    assert store.unproved() is None


def test_a_certificate_on_disk_that_nobody_reloaded_is_reloaded(store):
    installed(store)
    simulated = Simulated(store.directory)
    installed(store, NEW)
    assert present(store, NEW, simulated, check_mode=True).actions == ("reload",)
    assert present(store, NEW, simulated).actions == ("reload",)
    assert present(store, NEW, simulated).actions == ()


def test_what_is_not_served_is_taken_back(store):
    installed(store)
    simulated = Simulated(store.directory, stale_ports=(5223,))
    with pytest.raises(InstallError) as raised:
        present(store, NEW, simulated)
    message = str(raised.value)
    assert message.startswith(
        "The certificate 'example.org' (CN=example.org) was installed and is not served: c2s_direct_tls 127.0.0.1 "
        f"port 5223 for example.org: serves CN=example.org until {OLD.chain[0].not_after:%Y-%m-%d}"
    )
    assert "for no name: serves CN=example.org" in message
    assert "reads certificates from /etc/prosody/certs." in message
    assert message.endswith(
        "The one before (CN=example.org) was put back and is served again on all 8 ports and names "
        "that served it before."
    )
    assert store.read() == OLD
    assert store.unproved() is None
    assert simulated.commands == RELOAD * 2


def test_a_first_certificate_that_is_not_served_is_removed(store):
    simulated = Simulated(store.directory, stale_ports=(5223,))
    with pytest.raises(InstallError, match=r"The state before, no certificate, was put back\.$"):
        present(store, NEW, simulated)
    assert not store.exists()


def test_a_reload_that_is_refused_takes_the_certificate_back(store):
    installed(store)
    simulated = Simulated(store.directory, refuse_reload_of=NEW.chain[0].sha256)
    with pytest.raises(InstallError, match=r"a fault that was planted.*is served again on all 8"):
        present(store, NEW, simulated)
    assert store.read() == OLD


def test_what_does_not_come_back_is_told(store):
    installed(store)
    simulated = Simulated(store.directory, stale_ports=(5223,))
    simulated.at_start = {}
    before: dict[served.Target, served.Seen] = {}

    def see(where, timeout, original=simulated.see):
        seen = original(where, timeout)
        return tuple(
            before.setdefault(one.target, replace(one, served=Served(OLD.chain[0], "", "", "")))
            if simulated.looks == 1
            else one
            for one in seen
        )

    server = Server(simulated, RUNNING, None, 1.0, see)
    with pytest.raises(InstallError, match=r"and is NOT served again on: c2s_direct_tls 127.0.0.1 port 5223"):
        Installation(store, server, material.NOW).present(NEW, NAMES)


def test_an_incomplete_chain_is_a_fault(store):
    simulated = Simulated(store.directory)

    def see(where, timeout):
        return tuple(
            replace(one, served=replace(one.served, chain=one.served.chain[:1])) if one.served else one
            for one in simulated.see(where, timeout)
        )

    server = Server(simulated, RUNNING, None, 1.0, see)
    with pytest.raises(InstallError, match="serves the right certificate with 0 others in its chain instead of 1"):
        Installation(store, server, material.NOW).present(NEW, NAMES)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ((AUTHORITY.root,), ""),
        ((AUTHORITY.intermediate,), "serves the right certificate with 1 others in its chain instead of 0"),
        (
            (AUTHORITY.intermediate, AUTHORITY.root),
            "serves the right certificate with 2 others in its chain instead of 0",
        ),
    ],
)
def test_a_leaf_alone_is_completed_by_openssl_where_the_host_trusts_its_root(store, more, said):
    """A second run finds nothing to do, and an authority that did not issue it is none of its chain."""
    issued = material.issue(NAMES, by=AUTHORITY.root)
    alone = Pair((certificate.parse(issued.der),), issued.key_pem().encode())
    added = tuple(certificate.parse(one.der) for one in more)
    simulated = Simulated(store.directory)

    def see(where, timeout):
        return tuple(
            replace(one, served=replace(one.served, chain=(one.served.chain[0], *added))) if one.served else one
            for one in simulated.see(where, timeout)
        )

    server = Server(simulated, RUNNING, None, 1.0, see)
    if said:
        with pytest.raises(InstallError, match=said):
            Installation(store, server, material.NOW).present(alone, NAMES)
        return
    assert Installation(store, server, material.NOW).present(alone, NAMES).actions == ("install", "reload")
    assert Installation(store, server, material.NOW).present(alone, NAMES).actions == ()


def test_a_port_that_cannot_be_reached_is_a_warning_and_not_the_certificates_fault(store):
    installed(store)
    done = present(store, NEW, Simulated(store.directory, closed_ports=(5281,)))
    assert done.actions == ("install", "reload")
    assert done.warnings[-1] == (
        "Not proved, because it could not be reached: 127.0.0.1 port 5281 (connecting: connection refused)."
    )


def test_when_no_port_can_be_reached_nothing_is_proved(store):
    installed(store)
    with pytest.raises(InstallError, match="no port could be reached, for one c2s"):
        present(store, NEW, Simulated(store.directory, closed_ports=(5222, 5223, 5269, 5281)))
    assert store.read() == OLD


def test_a_port_that_closes_with_the_new_certificate_is_its_fault(store):
    installed(store)
    simulated = Simulated(store.directory)

    def see(where, timeout):
        simulated.closed_ports = (5281,) if store.read() == NEW else ()
        return simulated.see(where, timeout)

    server = Server(simulated, RUNNING, None, 1.0, see)
    with pytest.raises(InstallError, match=r"https 127\.0\.0\.1 port 5281 for muc\.example\.org: connecting: "):
        Installation(store, server, material.NOW).present(NEW, NAMES)
    assert store.read() == OLD


def interrupt(store, pair):
    store.repair()
    store.switch(store.stage(pair), store.current_name())


def test_an_interrupted_run_is_proved_by_the_next(store):
    installed(store)
    simulated = Simulated(store.directory)
    interrupt(store, NEW)
    assert present(store, NEW, simulated, check_mode=True).actions == ("reload",)
    assert present(store, NEW, simulated).actions == ("reload",)
    assert store.unproved() is None


def test_an_interrupted_run_that_cannot_be_proved_is_taken_back_by_the_next(store):
    installed(store)
    simulated = Simulated(store.directory, stale_ports=(5223,))
    interrupt(store, NEW)
    with pytest.raises(InstallError, match=r"The one before .* was put back"):
        present(store, NEW, simulated)
    assert store.read() == OLD


def test_after_an_interruption_the_proved_certificate_comes_back_not_the_one_on_trial(store):
    installed(store)
    simulated = Simulated(store.directory, stale_ports=(5223,))
    interrupt(store, make_pair())
    with pytest.raises(InstallError):
        present(store, NEW, simulated)
    assert store.read() == OLD


def test_nothing_is_taken_back_when_nothing_was_changed(store):
    installed(store, NEW)
    simulated = Simulated(store.directory, stale_ports=(5223,))
    simulated.at_start = {}
    with pytest.raises(InstallError, match=r"Nothing was changed but a reload\.$"):
        present(store, NEW, simulated)
    assert store.read() == NEW


@pytest.mark.parametrize("name", ["copy.crt", "fullchain.crt", "fullchain.pem"])
def test_a_second_file_with_the_same_name_is_refused(store, name):
    installed(store)
    other = store.directory / name
    other.write_bytes(NEW.fullchain)
    Path(key_of(str(other))).write_bytes(NEW.key)
    with pytest.raises(
        InstallError, match=rf"'example.org' is also in {other}, and Prosody takes either of two by chance"
    ):
        present(store, NEW)
    assert store.read() == OLD


def other_store(store, pair, name="aaa.example"):
    other = store.beside(name)
    other.switch(other.stage(pair), "")
    other.settle()
    return other


def test_a_certificate_under_another_name_makes_way(store):
    other = other_store(store, make_pair("example.org"))
    simulated = Simulated(store.directory)
    assert present(store, NEW, simulated, check_mode=True).actions == ("install", "supersede", "reload")
    assert other.exists()
    assert present(store, NEW, simulated).actions == ("install", "supersede", "reload")
    assert not other.exists()
    assert present(store, NEW, simulated).actions == ()


def test_one_that_appeared_later_makes_way_too(store):
    installed(store, NEW)
    other = other_store(store, make_pair("example.org"))
    assert present(store, NEW, Simulated(store.directory)).actions == ("supersede", "reload")
    assert not other.exists()


def test_what_made_way_comes_back_when_the_new_one_is_not_served(store):
    before = make_pair(*NAMES)
    other = other_store(store, before)
    with pytest.raises(InstallError, match="is served again on all 8 ports"):
        present(store, NEW, Simulated(store.directory, stale_ports=(5223,)))
    assert other.read() == before
    assert not store.exists()


def test_what_made_way_before_an_interruption_comes_back_too(store):
    before = make_pair(*NAMES)
    other = other_store(store, before)
    simulated = Simulated(store.directory, stale_ports=(5223,))
    store.switch(store.stage(OLD), "", [other.name])
    assert other.read() is None
    for pair in (OLD, NEW):
        with pytest.raises(InstallError):
            present(store, pair, simulated)
        assert other.read() == before
        assert not store.exists()


def test_one_with_further_names_does_not_make_way(store):
    other = other_store(store, make_pair("example.org", "further.example"))
    with pytest.raises(InstallError, match="either of two by chance"):
        present(store, NEW)
    assert other.exists()


def test_conflicts_are_told_from_intentions():
    wild, exact = make_pair("*.example.org").chain[0], make_pair("muc.example.org").chain[0]
    files = {"ours": wild, "other": exact}
    assert conflicts(files, "ours", [], ["muc.example.org"]) == []
    assert conflicts(files, "ours", ["muc.example.org"], []) == [
        "for 'muc.example.org' Prosody prefers other, which names it exactly: move that file away"
    ]
    assert conflicts(files, "other", ["muc.example.org"], ["x.example.org"]) == []


def test_absent_four_ways(store):
    installed(store)
    fallback = store.directory / "fallback" / "fullchain.pem"
    fallback.parent.mkdir()
    simulated = Simulated(store.directory)
    assert absent(store, simulated, check_mode=True).actions == ("remove", "reload")
    assert store.exists()
    with pytest.raises(InstallError, match=r"cannot go, it is needed: c2s .*put back and is served again on all 8"):
        absent(store, simulated)
    assert store.read() == OLD
    fallback.write_bytes(NEW.fullchain)
    fallback.with_name("privkey.pem").write_bytes(NEW.key)
    assert absent(store, simulated).actions == ("remove", "reload")
    assert not store.exists()
    assert absent(store, simulated).actions == ()
    assert absent(store, simulated, check_mode=True).actions == ()


def absent(store, simulated=None, check_mode=False):
    server = simulated.server() if simulated else None
    return Installation(store, server, material.NOW, check_mode).absent()


def test_absent_without_a_server(store):
    installed(store)
    assert absent(store).actions == ("remove",)
    assert not store.exists()


def test_a_removed_certificate_that_is_still_served_is_a_fault(store):
    installed(store)
    with pytest.raises(InstallError, match="still serves it"):
        absent(store, Simulated(store.directory, stale_ports=(5281,)))


def test_a_description_shows_no_key():
    text = describe(NEW)
    assert "names: example.org, muc.example.org\n" in text
    assert "chain: CN=example.org < CN=Test intermediate\n" in text
    assert "PRIVATE" not in text
    assert "PRIVATE" not in repr(NEW)
    assert describe(None) == ""


def test_where_to_look():
    where = served.targets(RUNNING, lambda name: name in NAMES)
    assert [str(target) for target in where] == [
        "c2s 127.0.0.1 port 5222 for example.org",
        "c2s ::1 port 5222 for example.org",
        "c2s_direct_tls 127.0.0.1 port 5223 for example.org",
        "c2s_direct_tls 127.0.0.1 port 5223 for no name",
        "s2s 192.0.2.1 port 5269 for example.org",
        "s2s 192.0.2.1 port 5269 for muc.example.org",
        "https 127.0.0.1 port 5281 for muc.example.org",
        "https 127.0.0.1 port 5281 for no name",
    ]
    assert {target.address for target in served.targets(RUNNING, lambda _name: True, "10.0.0.2")} == {"10.0.0.2"}
    assert served.targets(RUNNING, lambda _name: False) == ()


def test_lua_has_one_kind_of_table():
    empty = served.read_answer(
        {"listening": {"services": {}, "held": {}}, "hosts": {}, "reload": {}, "certificates": "/x"}
    )
    assert (empty.ports, empty.hosts, empty.reload) == ((), (), ())


def test_looking_asks_each_port_in_its_own_protocol():
    asked = []

    def read(host, port, **how):
        asked.append((host, port, {key: value for key, value in how.items() if key in ("starttls", "direct", "sni")}))
        if port == 5281:
            raise TlsProbeError(host, port, "connecting", "connection refused")
        if host == "::1":
            raise TlsProbeError(host, port, "connecting", "cannot assign requested address")
        return Served(OLD.chain[0], "TLSv1.3", "X", "")

    where = served.targets(RUNNING, lambda name: name in NAMES)
    seen = served.look(where, read=read)
    assert asked[0] == ("127.0.0.1", 5222, {"sni": "example.org", "starttls": "xmpp-client"})
    assert asked[2] == ("127.0.0.1", 5223, {"sni": "example.org", "direct": "xmpp-client"})
    assert asked[3] == ("127.0.0.1", 5223, {"sni": None, "direct": "xmpp-client"})
    assert asked[4] == ("192.0.2.1", 5269, {"sni": "example.org", "starttls": "xmpp-server"})
    assert asked[6] == ("127.0.0.1", 5281, {"sni": "muc.example.org"})
    assert len(seen) == len(where) - 1, "a machine without IPv6 is not asked over it"
    assert [one.reached for one in seen] == [True] * 5 + [False] * 2


def test_a_stale_certificate_without_a_name_is_a_fault_another_one_on_disk_is_not():
    target = served.targets(RUNNING, lambda name: name == "example.org")[3]
    seen = [served.Seen(target, Served(OLD.chain[0], "TLSv1.3", "X", ""))]
    assert served.faults(seen, [NEW.chain[0].sha256], [OLD.chain[0].sha256]) == ()
    assert "not on disk any more" in served.faults(seen, [NEW.chain[0].sha256], [])[0]
