# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""module_utils/tls/certificate_store.py: a pair is replaced as one, whenever a run is interrupted."""

from __future__ import annotations

import os

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.files import locks
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls import certificate, certificate_store
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.certificate_store import (
    Pair,
    Store,
    StoreError,
)
from ansible_collections.allthingslinux.xmpp.tests.unit import tls_material as material

ISSUED = [material.issue() for _number in range(3)]
PAIRS = [Pair((certificate.parse(one.der),), one.key_pem().encode()) for one in ISSUED]


class Interrupted(Exception):
    """Stands for a kill at any moment."""


def make_store(directory):
    return Store(directory, "example.org", os.getuid(), os.getgid())


@pytest.fixture
def store(tmp_path):
    return make_store(tmp_path / "certs")


def install(store, pair):
    if store.directory.is_dir():
        store.repair()
    store.switch(store.stage(pair), store.current_name())


def modes(store):
    return {path.name: oct(path.stat().st_mode & 0o7777) for path in (store.directory, store.certificate, store.key)}


def test_a_pair_is_installed_where_prosody_looks(store):
    install(store, PAIRS[0])
    store.settle()
    assert store.read() == PAIRS[0]
    assert store.certificate.read_bytes().startswith(b"-----BEGIN CERTIFICATE-----\n")
    certificate.check_pair(store.certificate, store.key)
    assert modes(store) == {"certs": "0o750", "example.org.crt": "0o640", "example.org.key": "0o640"}
    assert store.faults() == ()
    assert store.unproved() is None


def test_only_the_pair_in_use_is_kept(store):
    for pair in PAIRS:
        install(store, pair)
        store.settle()
    assert store.read() == PAIRS[2]
    assert sorted(path.name for path in store.home.iterdir()) == sorted(["current", store.current_name()])


def test_the_pair_before_comes_back(store):
    install(store, PAIRS[0])
    store.settle()
    before = store.current_name()
    install(store, PAIRS[1])
    assert store.unproved() == before
    store.undo(before)
    assert store.read() == PAIRS[0]
    assert store.unproved() is None


def test_no_pair_before_leaves_nothing(store):
    install(store, PAIRS[0])
    store.undo("")
    assert not store.exists()
    assert list(store.directory.iterdir()) == []


def test_files_put_there_by_hand_are_adopted(store):
    store.directory.mkdir()
    store.certificate.write_text(ISSUED[0].pem)
    store.key.write_text(ISSUED[0].key_pem())
    store.directory.chmod(0o755)
    assert len(store.faults()) == 3
    install(store, PAIRS[1])
    store.undo(store.unproved() or "")
    assert store.read() == PAIRS[0]
    assert store.faults() == ()


def test_links_that_somebody_changed_are_repaired(store):
    install(store, PAIRS[0])
    store.settle()
    store.key.unlink()
    store.files(store.current_name())[0].chmod(0o644)
    assert [fault.rpartition("/")[2].partition(":")[0] for fault in store.faults()] == [
        "example.org.key",
        "fullchain.pem",
    ]
    store.repair()
    assert store.faults() == ()
    assert store.read() == PAIRS[0]


def test_a_pair_out_of_sight_can_be_brought_back(store):
    install(store, PAIRS[0])
    store.settle()
    store.hide()
    assert store.read() is None
    store.repair()
    assert store.read() == PAIRS[0]
    store.remove()
    assert not store.exists()


def test_certificates_of_other_names_make_way_and_come_back(store):
    other = store.beside("old.example")
    install(other, PAIRS[0])
    other.settle()
    assert other.managed()
    for keep in (False, True):
        store.switch(store.stage(PAIRS[1]), store.current_name(), ["old.example"])
        assert store.superseded() == ("old.example",)
        assert other.read() is None
        if keep:
            store.settle()
        else:
            store.undo("")
            assert other.read() == PAIRS[0]
            assert other.faults() == ()
    assert store.read() == PAIRS[1]
    assert not other.exists()
    assert not other.managed()


@pytest.mark.parametrize("name", ["", ".", "..", ".x", "a/b", "fullchain", "x.fullchain.org", "a b", "x\n"])
def test_names_that_prosody_would_not_find_are_refused(tmp_path, name):
    with pytest.raises(StoreError, match="cannot be the name"):
        Store(tmp_path, name, 0, 0)


def test_who_comes_second_waits(store, monkeypatch):
    """The timer of source acme may be at work when a playbook comes."""
    store.directory.mkdir()
    first = store.locked()
    first.__enter__()
    monkeypatch.setattr(locks.time, "sleep", lambda _seconds: first.__exit__(None, None, None))
    with make_store(store.directory).locked():
        pass


def test_two_runs_at_once_are_told_apart(store, monkeypatch):
    monkeypatch.setattr(certificate_store, "PATIENCE", 0.0)
    store.directory.mkdir()
    with store.locked(), pytest.raises(StoreError, match="another run"), make_store(store.directory).locked():
        pass
    with store.locked():
        pass


CALLS = ("replace", "chmod", "chown", "mkdir", "fsync", "symlink", "unlink", "open")


@pytest.mark.parametrize("by_hand", [False, True])
def test_wherever_a_run_is_killed_key_and_certificate_belong_together(tmp_path, monkeypatch, by_hand):
    """Interrupts the installation of a second pair at its 1st, 2nd, ... system call, then runs it again."""
    survived = False
    for moment in range(1, 200):
        store = make_store(tmp_path / f"{moment}")
        if by_hand:
            store.directory.mkdir()
            store.certificate.write_text(ISSUED[0].pem)
            store.key.write_text(ISSUED[0].key_pem())
        else:
            install(store, PAIRS[0])
            store.settle()
        left = [moment]
        with monkeypatch.context() as patch:
            for call in CALLS:
                patch.setattr(os, call, interrupting(getattr(os, call), left))
            installed = False
            try:
                install(store, PAIRS[1])
                installed = True
                store.settle()
                survived = True
            except Interrupted:
                pass
        certificate.check_pair(store.certificate, store.key)
        assert store.read() in PAIRS[:2]
        interrupted = store.unproved()
        if store.read() == PAIRS[1] and not installed:
            assert interrupted, "a pair on trial is known as such"
        install(store, PAIRS[2])
        store.settle()
        assert store.read() == PAIRS[2]
        assert store.faults() == ()
        if survived:
            break
    assert survived
    assert moment > 10


def interrupting(call, left):
    def instead(*arguments, **options):
        left[0] -= 1
        if left[0] == 0:
            raise Interrupted
        return call(*arguments, **options)

    return instead
