# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A package of npm: fetched by npm, verified, and only what is wanted taken out of it."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.front import package
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.front.package import PackageError
from ansible_collections.allthingslinux.xmpp.plugins.modules import npm_package
from ansible_collections.allthingslinux.xmpp.tests.unit import module_runner

FILES = {
    "package/LICENSE.txt": b"licence",
    "package/dist/app.min.js": b"script",
    "package/dist/app.min.js.map": b"map",
    "package/dist/app.js": b"for humans",
    "package/dist/images/logo.svg": b"<svg/>",
    "package/src/app.js": b"source",
}


def archive(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as made:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            made.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


@pytest.fixture
def npm(tmp_path, monkeypatch):
    """An npm on the path that packs FILES, and tells how it was called."""
    tools, said = tmp_path / "tools", tmp_path / "said"
    tools.mkdir()
    (tools / "package.tgz").write_bytes(archive(FILES))
    program = tools / "npm"
    program.write_text(f'#!/bin/sh\necho "$@" >>{said}\n/bin/cp {tools}/package.tgz app-1.0.0.tgz\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tools))
    return tools, said


def checksum(tools: Path) -> str:
    return package.integrity_of(tools / "package.tgz")


def test_it_is_fetched_once_and_kept(npm, tmp_path):
    tools, said = npm
    path, fetched = package.fetch("app", "1.0.0", checksum(tools), tmp_path / "cache")
    assert (path.name, fetched) == ("app-1.0.0.tgz", True)
    assert package.fetch("app", "1.0.0", checksum(tools), tmp_path / "cache") == (path, False)
    # nothing of the package is run, and no registry is named: that is npm's to know
    assert said.read_text().splitlines() == ["pack app@1.0.0 --ignore-scripts --silent"]
    assert [entry.name for entry in (tmp_path / "cache").iterdir()] == ["app-1.0.0.tgz"]


def test_another_package_of_that_name_is_refused_and_not_kept(npm, tmp_path):
    with pytest.raises(PackageError, match="not the package that was reviewed"):
        package.fetch("app", "1.0.0", "sha512-AAAA", tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_one_in_the_cache_that_was_changed_is_fetched_anew(npm, tmp_path):
    tools, _said = npm
    cache = tmp_path / "cache"
    cache.mkdir()
    (cache / "app-1.0.0.tgz").write_bytes(b"something else")
    assert package.fetch("app", "1.0.0", checksum(tools), cache)[1] is True


def test_an_npm_that_fails_is_told_with_its_last_word(npm, tmp_path):
    tools, _said = npm
    (tools / "npm").write_text("#!/bin/sh\necho first >&2\necho 'no network' >&2\nexit 1\n")
    with pytest.raises(PackageError, match="npm on the controller failed: no network"):
        package.fetch("app", "1.0.0", "sha512-AAAA", tmp_path / "cache")


def test_only_what_is_wanted_is_taken(npm, tmp_path):
    tools, _said = npm
    for name in ("one.tar.gz", "two.tar.gz"):
        count = package.select(
            tools / "package.tgz", tmp_path / name, ["LICENSE.txt", "dist/*"], ["*.map", "dist/app.js"], "dist/"
        )
        assert count == 3
    with tarfile.open(tmp_path / "one.tar.gz") as taken:
        assert taken.getnames() == ["LICENSE.txt", "app.min.js", "images/logo.svg"]
    assert (tmp_path / "one.tar.gz").read_bytes() == (tmp_path / "two.tar.gz").read_bytes()


def test_a_file_that_would_lie_outside_is_refused(tmp_path):
    (tmp_path / "bad.tgz").write_bytes(archive({"package/dist/../../etc/passwd": b"x"}))
    with pytest.raises(PackageError, match="would lie outside"):
        package.select(tmp_path / "bad.tgz", tmp_path / "out", ["*"], [], "")


def test_nothing_that_is_wanted_is_said(tmp_path):
    (tmp_path / "a.tgz").write_bytes(archive(FILES))
    with pytest.raises(PackageError, match="no file that is matched by build"):
        package.select(tmp_path / "a.tgz", tmp_path / "out", ["build/*"], [], "")


@pytest.mark.parametrize(("name", "file"), [("app", "app-1.0.tgz"), ("@scope/app", "scope-app-1.0.tgz")])
def test_npm_calls_it(name, file):
    assert package.file_name(name, "1.0") == file


def test_the_module_has_it_and_says_when_it_came(npm, tmp_path):
    tools, _said = npm
    options: dict[str, Any] = {
        "name": "app",
        "version": "1.0.0",
        "integrity": checksum(tools),
        "directory": str(tmp_path / "cache"),
        "patterns": ["dist/*"],
        "without": ["*.map"],
        "strip": "dist/",
    }
    assert module_runner.run(npm_package, check=True, **options)["changed"] is True
    assert not (tmp_path / "cache").exists()
    first = module_runner.run(npm_package, **options)
    assert (first["changed"], first["files"]) == (True, 3)
    assert Path(first["selection"]).exists()
    again = module_runner.run(npm_package, **options)
    assert (again["changed"], again["selection"]) == (False, first["selection"])
    # what is wanted has changed, so the archive is another one
    other = module_runner.run(npm_package, **{**options, "without": []})
    assert other["selection"] != first["selection"]


def test_the_module_refuses_what_was_not_reviewed(npm, tmp_path):
    options: dict[str, Any] = {
        "name": "app",
        "version": "1.0.0",
        "integrity": "sha512-AAAA",
        "directory": str(tmp_path / "cache"),
    }
    result = module_runner.run(npm_package, **options)
    assert result["failed"] is True
    assert "not the package that was reviewed" in result["msg"]
