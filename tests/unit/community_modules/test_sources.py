# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""module_utils/community_modules: trees, archives and rocks, good ones and hostile ones, and the managed directory."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import tarfile
import zipfile
from pathlib import Path

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.community_modules import code, rocks, sources
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.community_modules.code import ModuleSetError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.community_modules.store import RECORD, Store

NODE = "0123456789abcdef0123456789abcdef01234567"
MEMBERS = {
    "prosody-modules-0123/mod_plain/mod_plain.lua": "plain",
    "prosody-modules-0123/mod_plain/README.md": "read me",
    "prosody-modules-0123/mod_inner/inner/mod_inner.lua": "inner",
    "prosody-modules-0123/mod_inner/inner/www/mod_fake.lua": "not a module of its own",
    "prosody-modules-0123/mod_single.lua": "single",
    "prosody-modules-0123/mod_empty/README.md": "no code",
    "prosody-modules-0123/mod_plain/.luacheckrc": "hidden",
    "prosody-modules-0123/tools/x.lua": "no module",
}


def tree(place: Path, members=None) -> Path:
    for member, text in (members or MEMBERS).items():
        path = place / member
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return place


def tar(place: Path, members=None, kind="w:gz", **options) -> tuple[str, str]:
    with tarfile.open(place, kind, **options) as archive:
        for member, text in (members or MEMBERS).items():
            info = tarfile.TarInfo(member)
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))
    return str(place), hashlib.sha256(place.read_bytes()).hexdigest()


def pin_of(place: Path) -> str:
    with pytest.raises(ModuleSetError, match=r"is not pinned") as caught:
        sources.open_source("s", "tree", str(place), "", "")
    return str(caught.value).rpartition(" ")[2]


def test_a_tree(tmp_path):
    place = tree(tmp_path)
    source = sources.open_source("s", "tree", str(place), "", pin_of(place))
    assert source.names == {"plain", "inner", "single"}
    assert source.files("plain") == {"mod_plain.lua": b"plain", "README.md": b"read me"}
    assert source.files("inner") == {
        "inner/mod_inner.lua": b"inner",
        "inner/www/mod_fake.lua": b"not a module of its own",
    }
    assert source.files("single") == {"mod_single.lua": b"single"}


def test_a_tree_that_has_changed(tmp_path):
    pin = pin_of(tree(tmp_path))
    (tmp_path / "prosody-modules-0123/mod_plain/mod_plain.lua").write_text("changed")
    with pytest.raises(ModuleSetError, match=rf"is not what was pinned: its SHA-256 is .* and {pin} was wanted"):
        sources.open_source("s", "tree", str(tmp_path), "", pin)


def hg_export(place):
    (place / ".hg_archival.txt").write_text(f"repo: 0\nnode: {NODE}\nbranch: default\n")


def hg_checkout(place):
    (place / ".hg").mkdir()
    (place / ".hg" / "dirstate").write_bytes(bytes.fromhex(NODE) + bytes(20) + b"rest")


def git_branch(place):
    (place / ".git" / "refs" / "heads").mkdir(parents=True)
    (place / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (place / ".git" / "refs" / "heads" / "main").write_text(f"{NODE}\n")


def git_packed(place):
    (place / ".git").mkdir()
    (place / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (place / ".git" / "packed-refs").write_text(f"# pack-refs\n{'f' * 40} refs/heads/other\n{NODE} refs/heads/main\n")


def git_detached(place):
    (place / ".git").mkdir()
    (place / ".git" / "HEAD").write_text(f"{NODE}\n")


@pytest.mark.parametrize("make", [hg_export, hg_checkout, git_branch, git_packed, git_detached])
def test_the_revision_of_a_tree(tmp_path, make):
    make(tree(tmp_path))
    assert sources.open_source("s", "tree", str(tmp_path), NODE[:12], "").revision == NODE
    with pytest.raises(ModuleSetError, match=rf"is revision {NODE}, and fedcba9 was wanted"):
        sources.open_source("s", "tree", str(tmp_path), "fedcba9", "")


@pytest.mark.parametrize(
    ("revision", "message"), [("0123456", "does not say which revision it is"), ("tip", "'tip' is not a revision")]
)
def test_a_revision_that_cannot_be_told(tmp_path, revision, message):
    with pytest.raises(ModuleSetError, match=message):
        sources.open_source("s", "tree", str(tree(tmp_path)), revision, "")


def test_a_link_out_of_a_tree(tmp_path):
    place = tree(tmp_path / "tree")
    (tmp_path / "secret").write_text("x")
    (place / "mod_link.lua").symlink_to(tmp_path / "secret")
    with pytest.raises(ModuleSetError, match=r"mod_link\.lua leads out of the tree, to .*secret"):
        sources.open_source("s", "tree", str(place), "", "0" * 64)


@pytest.mark.parametrize(
    ("kind", "path", "message"),
    [
        ("tree", "nowhere", "is no directory"),
        ("tree", "empty", "holds no module"),
        ("archive", "nowhere", "cannot read"),
    ],
)
def test_what_cannot_be_read(tmp_path, kind, path, message):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModuleSetError, match=message):
        sources.open_source("s", kind, str(tmp_path / path), "", "0" * 64)


@pytest.mark.parametrize("kind", ["w", "w:gz", "w:bz2", "w:xz"])
def test_archives(tmp_path, kind):
    path, pin = tar(tmp_path / "a", kind=kind)
    source = sources.open_source("s", "archive", path, "", pin.upper())
    assert source.names == {"plain", "inner", "single"}
    assert source.files("plain") == {"mod_plain.lua": b"plain", "README.md": b"read me"}


def test_the_revision_of_an_archive(tmp_path):
    path, pin = tar(tmp_path / "a", {**MEMBERS, "prosody-modules-0123/.hg_archival.txt": f"node: {NODE}\n"})
    assert sources.open_source("s", "archive", path, NODE[:12], pin).revision == NODE
    path, pin = tar(tmp_path / "b", format=tarfile.PAX_FORMAT, pax_headers={"comment": NODE})
    assert sources.open_source("s", "archive", path, NODE[:12], pin).revision == NODE
    with pytest.raises(ModuleSetError, match=r"and fedcba9 was wanted"):
        sources.open_source("s", "archive", path, "fedcba9", pin)


def test_a_zip(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.mkdir("x")
        for member, text in MEMBERS.items():
            archive.writestr(member, text)
        archive.comment = NODE.encode()
    pin = hashlib.sha256((tmp_path / "a.zip").read_bytes()).hexdigest()
    source = sources.open_source("s", "archive", str(tmp_path / "a.zip"), NODE, pin)
    assert source.files("inner")["inner/mod_inner.lua"] == b"inner"


def test_an_archive_must_be_pinned_and_is_not_looked_into_before(tmp_path):
    path, pin = tar(tmp_path / "a", {"../evil": "x"})
    with pytest.raises(ModuleSetError, match=rf"is not pinned. Look at what it holds, then give its sha256: {pin}"):
        sources.open_source("s", "archive", path, "0123456", "")
    with pytest.raises(ModuleSetError, match=rf"its SHA-256 is {pin}, and {'0' * 64} was wanted. Nothing was taken"):
        sources.open_source("s", "archive", path, "", "0" * 64)


@pytest.mark.parametrize("member", ["../evil", "a/../../evil", "/etc/evil", "a\\..\\evil", "mod_x/../../../evil.lua"])
def test_a_way_out_of_an_archive(tmp_path, member):
    path, pin = tar(tmp_path / "a", {**MEMBERS, member: "x"})
    with pytest.raises(ModuleSetError, match=r"which leads out of it. Do not trust it"):
        sources.open_source("s", "archive", path, "", pin)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(member, "x")
    pin = hashlib.sha256((tmp_path / "a.zip").read_bytes()).hexdigest()
    with pytest.raises(ModuleSetError, match=r"which leads out of it. Do not trust it"):
        sources.open_source("s", "archive", str(tmp_path / "a.zip"), "", pin)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_what_is_no_regular_file_in_a_tar(tmp_path, kind):
    place = tmp_path / "a.tar"
    with tarfile.open(place, "w") as archive:
        info = tarfile.TarInfo("mod_x/mod_x.lua")
        info.type, info.linkname = kind, "/etc/shadow"
        archive.addfile(info)
    with pytest.raises(ModuleSetError, match=r"which is no regular file"):
        sources.open_source("s", "archive", str(place), "", hashlib.sha256(place.read_bytes()).hexdigest())


def test_a_link_in_a_zip(tmp_path):
    place = tmp_path / "a.zip"
    with zipfile.ZipFile(place, "w") as archive:
        info = zipfile.ZipInfo("mod_x/mod_x.lua")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/shadow")
    with pytest.raises(ModuleSetError, match=r"which is no regular file"):
        sources.open_source("s", "archive", str(place), "", hashlib.sha256(place.read_bytes()).hexdigest())


def test_a_bomb(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "MODULE_LIMIT", 1000)
    path, pin = tar(tmp_path / "a", {"mod_x/mod_x.lua": "x" * 1001})
    with pytest.raises(ModuleSetError, match=r"unpacks to too much, at mod_x/mod_x\.lua"):
        sources.open_source("s", "archive", path, "", pin)
    path, pin = tar(tmp_path / "b", {f"mod_x/{number}.lua": "x" * 900 for number in range(10)})
    with pytest.raises(ModuleSetError, match=r"unpacks to too much"):
        sources.open_source("s", "archive", path, "", pin)
    tree(tmp_path / "t", {"mod_x/mod_x.lua": "x" * 1001})
    with pytest.raises(ModuleSetError, match=r"is larger than 1000 bytes"):
        sources.open_source("s", "tree", str(tmp_path / "t"), "", "0" * 64)


@pytest.mark.parametrize("data", [b"", b"neither", b"\x1f\x8b\x08broken", b"PK\x05\x06broken"])
def test_what_is_no_archive(tmp_path, data):
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(ModuleSetError, match=r"cannot read|holds no module"):
        sources.open_source("s", "archive", str(tmp_path / "a"), "", hashlib.sha256(data).hexdigest())


def snapshot(place: Path) -> dict[str, object]:
    return {
        str(path.relative_to(place)): path.read_bytes() if path.is_file() else path.stat().st_mode
        for path in sorted(place.glob("**/*"))
    }


OLD = {"a": {"mod_a.lua": b"old"}, "gone": {"mod_gone.lua": b"x", "www/page.html": b"y"}}


@pytest.fixture
def store(tmp_path):
    store = Store(str(tmp_path / "modules"))
    store.begin(OLD, frozenset(), {"a": {"source": "old"}}).commit()
    return store


def test_the_store_keeps_what_it_was_given(store):
    assert store.installed() == OLD
    assert store.record() == {"a": {"source": "old"}}
    modes = {path.name: oct(path.stat().st_mode & 0o777) for path in store.path.glob("**/*")}
    assert modes == {
        "mod_a": "0o755",
        "mod_a.lua": "0o644",
        "mod_gone": "0o755",
        "mod_gone.lua": "0o644",
        "www": "0o755",
        "page.html": "0o644",
        RECORD: "0o644",
    }


def test_a_tight_umask_does_not_lock_prosody_out(tmp_path):
    before = os.umask(0o077)
    try:
        store = Store(str(tmp_path / "modules"))
        store.begin(OLD, frozenset(), {}).commit()
    finally:
        os.umask(before)
    assert {oct(path.stat().st_mode & 0o777) for path in [store.path, *store.path.glob("**/*")]} == {"0o755", "0o644"}


def test_undo(store):
    before = snapshot(store.path)
    change = store.begin({"a": {"mod_a.lua": b"new"}, "b": {"mod_b.lua": b"b"}}, frozenset({"gone"}), {"b": {}})
    assert sorted(store.installed()) == ["a", "b"]
    assert store.record() == {"b": {}}
    change.undo()
    assert snapshot(store.path) == before


def test_undo_of_the_very_first_change(tmp_path):
    store = Store(str(tmp_path / "new" / "modules"))
    store.begin(OLD, frozenset(), {}).undo()
    assert not store.path.exists()


def test_commit_leaves_no_rest(store):
    store.begin({"a": {"mod_a.lua": b"new"}}, frozenset({"gone"}), {}).commit()
    assert sorted(snapshot(store.path)) == [RECORD, "mod_a", "mod_a/mod_a.lua"]


def test_an_interrupted_run_is_put_back(store):
    before = snapshot(store.path)
    store.begin({"a": {"mod_a.lua": b"new"}}, frozenset({"gone"}), {"x": {}})
    assert store.recover() is True
    assert snapshot(store.path) == before
    assert store.recover() is False


def test_a_disk_that_is_full(store, monkeypatch):
    before = snapshot(store.path)
    write = Path.write_bytes

    def full(path, data):
        if path.name == "mod_b.lua":
            raise OSError(28, "No space left on device")
        return write(path, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(ModuleSetError, match=r"No space left on device. Nothing was changed"):
        store.begin({"a": {"mod_a.lua": b"new"}, "b": {"mod_b.lua": b""}}, frozenset({"gone"}), {})
    assert snapshot(store.path) == before


def test_a_broken_record_is_none(store):
    (store.path / RECORD).write_text("{")
    assert store.record() == {}
    (store.path / RECORD).write_text("[]")
    assert store.record() == {}


def rock_tree(place: Path, name="x", extra="") -> None:
    tree(
        place,
        {
            f"share/lua/5.4/mod_{name}/mod_{name}.lua": "code",
            f"lib/luarocks/rocks-5.4/mod_{name}/3-1/html/index.html": "page",
            f"lib/luarocks/rocks-5.4/mod_{name}/3-1/mod_{name}-3-1.rockspec": "spec",
            **({f"share/lua/5.4/{extra}": "library"} if extra else {}),
        },
    )


class Prosodyctl:
    """Does as `prosodyctl install` does: exit code 0, whatever happened."""

    def __init__(self, extra="", works=True):
        self.calls, self.extra, self.works = [], extra, works

    def __call__(self, arguments, environ):
        self.calls.append(arguments)
        config = Path(arguments[arguments.index("--config") + 1])
        assert Path(environ["LUAROCKS_CONFIG"]).read_text() == 'rocks_servers = { "/srv/rocks" }\n'
        place = Path(config.read_text().partition('"')[2].partition('"')[0])
        if self.works:
            rock_tree(place, arguments[-1][4:], self.extra)
        return (
            0,
            "Installing\n",
            "\nError: No results matching query were found for Lua 5.4.\n" if not self.works else "",
        )


def rocks_source(run, installed=None, record=None, versions=None):
    return rocks.Rocks("r", "/srv/rocks", ["prosodyctl"], run, installed or {}, record or {}, versions or {}).source()


def test_a_rock():
    run = Prosodyctl()
    source = rocks_source(run)
    assert source.files("x") == {"mod_x.lua": b"code", "html/index.html": b"page"}
    assert source.version_of("x") == "3-1"
    assert len(run.calls) == 1
    assert run.calls[0][-3:] == ["install", "--server=/srv/rocks", "mod_x"]
    assert not Path(run.calls[0][2]).parent.exists()


def test_a_rock_that_is_there_is_not_fetched_again():
    files = {"mod_x.lua": b"code"}
    record = {"x": {"source": "r", "sha256": code.digest(files), "revision": "3-1"}}
    run = Prosodyctl()
    assert rocks_source(run, {"x": files}, record).files("x") == files
    assert rocks_source(run, {"x": files}, record, {"x": "3-1"}).version_of("x") == "3-1"
    assert run.calls == []
    for changed in (
        rocks_source(run, {"x": files}, record, {"x": "4-1"}),
        rocks_source(run, {"x": {"mod_x.lua": b"tampered"}}, record),
        rocks_source(run, {"x": files}, {"x": {**record["x"], "source": "other"}}),
    ):
        run.calls = []
        changed.files("x")
        assert len(run.calls) == 1


def test_a_rock_that_is_not_there():
    message = r"installed nothing. It said: Error: No results matching query were found for Lua 5\.4\."
    with pytest.raises(ModuleSetError, match=message):
        rocks_source(Prosodyctl(works=False)).files("x")


def test_a_rock_that_brings_libraries():
    with pytest.raises(ModuleSetError, match=r"mod_x needs the Lua libraries luatz, which Prosody would not find"):
        rocks_source(Prosodyctl(extra="luatz/init.lua")).files("x")


def test_a_rock_of_a_single_file(tmp_path):
    tree(tmp_path, {"share/lua/5.4/mod_x.lua": "code"})
    assert rocks.collect(tmp_path, "x") == ("", {"mod_x.lua": b"code"})
    shutil.rmtree(tmp_path / "share")
    assert rocks.collect(tmp_path, "x") == ("", {})
