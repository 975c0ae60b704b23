# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Templates of the collection that a run compiled are there for the next one, and those of an operator never are."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils import compiled_templates, kept
from ansible_collections.allthingslinux.xmpp.tests.unit import warm_play

KEY, OTHER = b"k" * 16, b"o" * 16
CODE = compile("answer = 42", "<template>", "exec")


@pytest.fixture
def store(tmp_path: Path) -> compiled_templates.Store:
    found = compiled_templates.Store(kept.Place(tmp_path / "home" / "kept", "abc"), tmp_path / "run")
    assert found.lend()
    return found


def next_run(store: compiled_templates.Store, name: str = "later") -> compiled_templates.Store:
    """Out: the store of a later run, with a file of its own."""
    later = compiled_templates.Store(store.place, store.run.with_name(name))
    later.lend()
    return later


def answer(store: compiled_templates.Store, key: bytes = KEY) -> int | None:
    """Out: what the code under a key says, None where there is none."""
    found = store.get(key)
    said: dict[str, int] = {}
    if found:
        exec(found, said)
    return said.get("answer")


def test_what_was_compiled_is_there_for_the_next_run(store) -> None:
    assert answer(store) is None
    store.add(KEY, CODE)
    assert answer(store) == 42
    store.keep()
    assert answer(next_run(store)) == 42
    assert answer(next_run(store), OTHER) is None


def test_what_other_processes_of_the_run_compiled_is_kept(store) -> None:
    fork = compiled_templates.Store(store.place, store.run)
    fork.add(KEY, CODE)
    assert answer(store) is None
    store.keep()
    assert answer(next_run(store)) == 42


def test_two_runs_at_once_lose_nothing(store) -> None:
    other = next_run(store, "other")
    store.add(KEY, CODE)
    other.add(OTHER, CODE)
    store.keep()
    other.keep()
    later = next_run(store)
    assert [answer(later, key) for key in (KEY, OTHER)] == [42, 42]


def test_a_place_that_others_can_write_into_is_not_believed(store) -> None:
    store.add(KEY, CODE)
    store.keep()
    store.place.path.chmod(0o777)
    later = compiled_templates.Store(store.place, store.run.with_name("later"))
    assert not later.lend()
    assert answer(later) is None


@pytest.mark.parametrize("damage", [lambda data: data[:-3], lambda data: data[:-3] + b"xyz"], ids=["cut", "other"])
def test_a_record_that_is_not_whole_is_left_out(store, damage) -> None:
    store.add(KEY, CODE)
    store.add(OTHER, CODE)
    store.keep()
    file = store.place.path / "codes"
    file.write_bytes(damage(file.read_bytes()))
    assert len(next_run(store).known) == 1


def test_it_begins_anew_before_it_fills_the_disk(store, monkeypatch) -> None:
    store.add(KEY, CODE)
    store.keep()
    monkeypatch.setattr(compiled_templates, "MOST_BYTES", (store.place.path / "codes").stat().st_size + 1)
    later = next_run(store)
    later.add(OTHER, CODE)
    later.keep()
    assert set(next_run(store, "last").known) == {OTHER}


def test_a_disk_that_takes_nothing_stops_nobody(store) -> None:
    store.run.mkdir()
    store.add(KEY, CODE)
    assert answer(store) == 42


def test_a_key_is_another_one_for_each_thing_that_counts() -> None:
    keys = {compiled_templates.key_of(*parts) for parts in (("a", [1]), ("a", [2]), ("b", [1]), ("a", [1], True))}
    assert len(keys) == 4


PLAY = """
- hosts: localhost
  gather_facts: false
  vars:
    # a secret that stands in a text with a template
    address: "postgres://u:hunter2@{{ inventory_hostname }}"
    given: {a: 1, b: 2}
  tasks:
    - ansible.builtin.import_role: {name: allthingslinux.xmpp.prosody, tasks_from: nothing, allow_duplicates: true}
    - ansible.builtin.debug: {msg: "{{ address }} {{ __prosody_told }} {{ given | dict2items | map(attribute='key') }}"}
"""


@pytest.fixture
def run(tmp_path: Path):
    """Runs a play twice or more, with a collection of its own that has one variable. Out: what is said of it."""
    collection = tmp_path / "ansible_collections" / "allthingslinux" / "xmpp"
    role = collection / "roles" / "prosody"
    for name in ("tasks", "vars"):
        (role / name).mkdir(parents=True)
    (role / "tasks" / "nothing.yml").write_text("[]\n")
    (role / "vars" / "main.yml").write_text("__prosody_told: \"{{ ['before', given | length] | join(' ') }}\"\n")
    here = warm_play.collections_of(kept.__file__)
    (collection / "plugins").symlink_to(here / "allthingslinux" / "xmpp" / "plugins")
    for name in ("ansible", "community"):
        (tmp_path / "ansible_collections" / name).symlink_to(here / name)
    (tmp_path / "play.yml").write_text(PLAY)

    def once() -> str:
        return warm_play.run(tmp_path, tmp_path)

    return tmp_path / "home" / "xmpp_compiled_templates", once


def test_a_run_takes_what_an_earlier_one_compiled(run) -> None:
    """With the installed Ansible: where it compiles is nothing that it promises."""
    place, once = run
    assert "postgres://u:hunter2@localhost before 2 ['a', 'b']" in once()
    (file,) = place.glob("*/codes")
    records = dict(compiled_templates.unpack(file.read_bytes()))
    assert len(records) == 1, "the collection's text, and neither the play's nor the secret"
    assert b"hunter2" not in file.read_bytes()
    # other code under the same key, as it would never be: what is said then comes from it
    file.write_bytes(b"".join(compiled_templates.pack(*one) for one in changed(records).items()))
    assert "postgres://u:hunter2@localhost after! 2 ['a', 'b']" in once()
    assert dict(compiled_templates.unpack(file.read_bytes())) == changed(records)


def test_an_operator_who_has_filters_of_his_own_has_all_compiled(run, monkeypatch) -> None:
    place, once = run
    (place.parent / "filters").mkdir(parents=True)
    (place.parent / "filters" / "mine.py").write_text("class FilterModule: filters = lambda self: {}\n")
    monkeypatch.setenv("ANSIBLE_FILTER_PLUGINS", str(place.parent / "filters"))
    assert "before 2" in once()
    assert not place.exists()


def changed(records: dict[bytes, bytes]) -> dict[bytes, bytes]:
    """Out: the same records with other code."""
    return {key: code.replace(b"before", b"after!") for key, code in records.items()}
