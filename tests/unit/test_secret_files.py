# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets that nobody gives (plugin_utils/secret_files.py, the lookup secret): made once, kept, for their owner."""

from __future__ import annotations

import multiprocessing
import re
import stat
from pathlib import Path

import pytest
from ansible.errors import AnsibleLookupError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from ansible_collections.allthingslinux.xmpp.plugins.lookup.secret import LookupModule
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils import secret_files

FORM = re.compile(r"[A-Za-z0-9]{32}")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_secret_is_made_once_and_stays(tmp_path):
    directory = tmp_path / "inventory" / ".secrets"
    made = secret_files.obtain(directory, "turn_secret", may_make=True)
    assert FORM.fullmatch(made)
    assert secret_files.obtain(directory, "turn_secret", may_make=True) == made
    assert secret_files.obtain(directory, "turn_secret", may_make=False) == made
    assert secret_files.obtain(directory, "postgresql_prosody", may_make=True) != made
    assert (mode(directory), mode(directory / "turn_secret")) == (0o700, 0o600)
    assert sorted(path.name for path in directory.iterdir()) == ["postgresql_prosody", "turn_secret"]


def test_a_directory_that_is_there_is_left_as_it_is(tmp_path):
    tmp_path.chmod(0o750)
    secret_files.obtain(tmp_path, "turn_secret", may_make=True)
    assert mode(tmp_path) == 0o750


@pytest.mark.parametrize("text", ["made-before\n", "made-before", "made-before \n\n"])
def test_files_of_the_lookup_password_go_on(tmp_path, text):
    (tmp_path / "account_alice@example.org").write_text(text)
    assert secret_files.obtain(tmp_path, "account_alice@example.org", may_make=True) == "made-before"
    assert (tmp_path / "account_alice@example.org").read_text() == text


def test_while_nothing_is_made_something_of_the_same_form_stands_for_it(tmp_path):
    there = tmp_path / ".secrets"
    found = secret_files.obtain(there, "turn_secret", may_make=False)
    assert FORM.fullmatch(found)
    assert found == secret_files.obtain(tmp_path / "other", "turn_secret", may_make=False), "the same on every host"
    assert found != secret_files.obtain(there, "account_a@b", may_make=False)
    assert not there.exists()


def ask(directory: Path) -> str:
    return secret_files.obtain(directory, "turn_secret", may_make=True)


def test_many_who_ask_at_once_get_the_same(tmp_path):
    for attempt in range(5):
        with multiprocessing.get_context("fork").Pool(8) as pool:
            found = set(pool.map(ask, [tmp_path / str(attempt)] * 32, chunksize=1))
        assert len(found) == 1
        assert [path.name for path in (tmp_path / str(attempt)).iterdir()] == ["turn_secret"]


@pytest.mark.parametrize(
    "name",
    [
        "turn_secret",
        "postgresql_prosody",
        "account_a@b",
        "account_é@bücher.example",
        "probe_x",
        "component_bot.example.org",
    ],
)
def test_names_that_there_are(name):
    assert secret_files.check_name(name) == name


@pytest.mark.parametrize("name", ["", "turn_secrets", "password", "account_", "account_a", "probe_", "../turn_secret"])
def test_names_that_there_are_not(name):
    with pytest.raises(secret_files.SecretError, match="the names are turn_secret, postgresql_USER, account_JID"):
        secret_files.check_name(name)


@pytest.mark.parametrize("name", ["account_../x@b", "probe_a/b", "probe_a\0b", f"probe_{'é' * 125}x"])
def test_names_that_are_no_names_of_files(name):
    with pytest.raises(secret_files.SecretError, match="can be no name of a file"):
        secret_files.check_name(name)


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "is empty"), (b" \n", "is empty"), (b"\xff\xfe", "is no text")],
)
def test_files_that_hold_no_secret(tmp_path, content, said):
    (tmp_path / "turn_secret").write_bytes(content)
    with pytest.raises(secret_files.SecretError, match=f"turn_secret {said}: put the secret in it"):
        secret_files.obtain(tmp_path, "turn_secret", may_make=True)


def test_files_that_cannot_be_had(tmp_path):
    (tmp_path / "turn_secret").mkdir()
    with pytest.raises(secret_files.SecretError, match=r"turn_secret cannot be read \(Is a directory\)"):
        secret_files.obtain(tmp_path, "turn_secret", may_make=True)
    (tmp_path / "file").write_text("")
    with pytest.raises(secret_files.SecretError, match=r"cannot be (made|read) \(.*Not a directory\)"):
        secret_files.obtain(tmp_path / "file", "turn_secret", may_make=True)


def lookup(*names, variables=None, **options):
    held = variables or {}
    plugin = LookupModule(loader=DataLoader(), templar=Templar(loader=DataLoader(), variables=held))
    plugin._load_name = "allthingslinux.xmpp.secret"
    plugin.set_options = lambda var_options=None, direct=None: None
    plugin.get_option = options.get
    return plugin.run(list(names), variables=held, **options)


def test_the_lookup_returns_one_for_each_name(tmp_path):
    found = lookup("turn_secret", "account_a@b", directory=str(tmp_path))
    assert found == [(tmp_path / name).read_text().strip() for name in ("turn_secret", "account_a@b")]


@pytest.mark.parametrize("name", ["ansible_check_mode", secret_files.ONLY_LOOKS])
def test_nothing_is_made_in_a_check_or_while_preflight_looks(tmp_path, name):
    found = lookup("turn_secret", directory=str(tmp_path), variables={name: True})
    assert found == [secret_files.stand_in("turn_secret")]
    assert list(tmp_path.iterdir()) == []
    assert lookup("turn_secret", directory=str(tmp_path), variables={name: False}) != found


def test_where_the_lookup_looks_by_itself(tmp_path):
    beside = lookup("turn_secret", variables={"inventory_dir": str(tmp_path)})
    assert beside == [(tmp_path / ".secrets" / "turn_secret").read_text().strip()]
    told = {"xmpp_secrets_dir": trust_as_template("{{ inventory_dir }}/held"), "inventory_dir": str(tmp_path)}
    assert lookup("turn_secret", variables=told) == [(tmp_path / "held" / "turn_secret").read_text().strip()]
    with pytest.raises(AnsibleLookupError, match="There is no inventory"):
        lookup("turn_secret")


def test_the_lookup_says_what_is_wrong(tmp_path):
    with pytest.raises(AnsibleLookupError, match="There is no secret turn: the names are"):
        lookup("turn", directory=str(tmp_path))
