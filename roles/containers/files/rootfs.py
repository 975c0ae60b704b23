# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cut a program out of a Debian: its packages with what they depend on, and the libraries that these are linked with.

rootfs.py DIRECTORY PACKAGE… --without PATTERN… --not PATH… --user NAME --add PATH…
No shell and no package manager come along; what dpkg knows of each package does, for those who look for known holes.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

# Every Debian has these, so packages depend on them without need of more than a library
_LEFT_OUT = re.compile(
    r"/usr/share/(doc|man|lintian|bug|locale|bash-completion|info|postgresql-common)(/|$)|/usr/lib/systemd|/etc/init[.]d|/var/(log|cache)|/etc/prosody"
)
_BASE = re.compile(
    r"libc6|libc-bin|base-files|base-passwd|bash|dash|coreutils|dpkg|init|systemd.*|gcc-.*-base|tzdata.*|passwd|procps|netbase"
)


def read_status(text: str) -> dict[str, dict[str, str]]:
    """In: dpkg's status file. Out: name → fields of each package that is installed."""
    found = {}
    for block in text.split("\n\n"):
        fields: dict[str, str] = {}
        for line in block.splitlines():
            if line[:1] not in (" ", "\t") and ":" in line:
                key, _colon, value = line.partition(":")
                fields[key] = value.strip()
        if fields.get("Status", "").endswith(" installed"):
            found[fields["Package"]] = fields
    return found


def names_of(field: str) -> list[list[str]]:
    """In: a field such as Depends. Out: for each dependency the names that satisfy it, without versions."""
    return [
        [re.sub(r"[ (:\[].*", "", name.strip()) for name in part.split("|")]
        for part in field.split(",")
        if part.strip()
    ]


def closure(known: Mapping[str, Mapping[str, str]], wanted: Iterable[str], without: Callable[[str], bool]) -> list[str]:
    """Out: the wanted packages, and those that they depend on, also by a name that another one provides."""
    provided: dict[str, list[str]] = {}
    for name, fields in known.items():
        for names in [[name]], names_of(fields.get("Provides", "")):
            for one in names:
                provided.setdefault(one[0], []).append(name)
    found: dict[str, None] = {}
    waiting = list(wanted)
    for name in waiting:
        if name not in known:
            raise SystemExit(f"rootfs.py: {name} is not installed")
    while waiting:
        name = waiting.pop()
        if name in found or without(name):
            continue
        found[name] = None
        fields = known[name]
        for alternatives in names_of(fields.get("Pre-Depends", "")) + names_of(fields.get("Depends", "")):
            waiting += [real for one in alternatives for real in provided.get(one, [])]
    return sorted(found)


def unmerged(path: str) -> str:
    """In: a path of a package's list. Out: where it is, with /bin, /sbin and /lib below /usr."""
    return re.sub(r"^/(bin|sbin|lib|lib64)/", r"/usr/\1/", path)


def is_kept(path: str, unwanted: re.Pattern[str]) -> bool:
    """Whether a path of a package's list is a file or a link that comes along; directories are made for what they have.

    A link to a directory is a link; what it leads to comes with its own package.
    """
    is_directory = Path(path).is_dir() and not Path(path).is_symlink()
    return not (is_directory or _LEFT_OUT.match(path) or unwanted.fullmatch(path))


def _copy(path: str, root: Path) -> None:
    """Put a file, a link, or a directory with all that is in it into the new root, as it is."""
    source, target = Path(path), root / path.lstrip("/")
    if source.is_dir() and not source.is_symlink():
        for entry in sorted(entry.name for entry in source.iterdir()):
            _copy(f"{path}/{entry}", root)
        return
    if target.is_symlink() or target.exists() or not (source.is_symlink() or source.is_file()):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target, follow_symlinks=False)
    if source.is_symlink():
        where = os.path.normpath(source.parent / source.readlink())
        if Path(where).is_file():
            _copy(unmerged(where), root)
    else:
        about = source.stat()
        os.chown(target, about.st_uid, about.st_gid)


def _libraries(root: Path) -> None:
    """Add what the programs and libraries in the new root are linked with, and what these are linked with."""
    files = [str(path) for path in root.rglob("*") if path.is_file() and not path.is_symlink()]
    linked = [path for path in files if ".so" in path or os.access(path, os.X_OK)]
    said = subprocess.run(
        ["ldd", *[path[len(str(root)) :] for path in linked]], capture_output=True, text=True, check=False
    )
    for library in sorted(set(re.findall(r"(?:=> |^\s*)(/[^ ]+) \(0x", said.stdout, re.MULTILINE))):
        _copy(unmerged(library), root)


def main() -> None:
    """Do it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("root", type=Path)
    parser.add_argument("packages", nargs="+")
    parser.add_argument("--without", nargs="+", default=[], help="packages that are left out, as patterns")
    parser.add_argument("--not", dest="unwanted", nargs="+", default=[], help="files that are left out, as patterns")
    parser.add_argument("--user", action="append", default=[])
    parser.add_argument("--add", nargs="+", default=[])
    given = parser.parse_args()
    root: Path = given.root
    for name in ("etc", "tmp", "run", "usr/bin", "usr/sbin", "usr/lib", "usr/lib64", "var/lib/dpkg/status.d"):
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "tmp").chmod(0o1777)
    for name in ("bin", "sbin", "lib", "lib64"):
        (root / name).symlink_to(f"usr/{name}")
    (root / "var/run").symlink_to("/run")

    leave = re.compile("|".join([*given.without, _BASE.pattern]))
    unwanted = re.compile("|".join([*given.unwanted, "(?!)"]))
    known = read_status(Path("/var/lib/dpkg/status").read_text(encoding="utf-8"))
    packages = closure(known, given.packages, lambda name: bool(leave.fullmatch(name)))
    for package in packages:
        listed = subprocess.run(["dpkg", "-L", package], capture_output=True, text=True, check=True).stdout
        for path in listed.splitlines():
            if is_kept(path, unwanted):
                _copy(unmerged(path), root)
        about = subprocess.run(["dpkg", "-s", package], capture_output=True, text=True, check=True).stdout
        (root / "var/lib/dpkg/status.d" / package).write_text(about, encoding="utf-8")
    for path in given.add:
        _copy(path, root)
    _libraries(root)
    for file in ("passwd", "group"):
        names = {"root", "nobody", "nogroup", *given.user}
        lines = Path("/etc", file).read_text(encoding="utf-8").splitlines()
        (root / "etc" / file).write_text(
            "".join(f"{line}\n" for line in lines if line.split(":")[0] in names), encoding="utf-8"
        )
    (root / "etc/nsswitch.conf").write_text("passwd: files\ngroup: files\nhosts: files dns\n", encoding="utf-8")
    shutil.copy2("/usr/lib/os-release", root / "etc/os-release")
    print(" ".join(packages))


if __name__ == "__main__":
    main()
