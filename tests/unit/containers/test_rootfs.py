# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which packages come along into an image."""

from __future__ import annotations

import re

import pytest
from ansible_collections.allthingslinux.xmpp.tests.unit import image_programs as programs

rootfs = programs.load("rootfs")

STATUS = """Package: prosody
Status: install ok installed
Depends: lua5.4 | lua, lua-socket (>= 3.0),
 libc6 (>= 2.41), adduser
Description: a server
 Depends: not this

Package: lua5.4
Status: install ok installed
Provides: lua (= 5.4)

Package: lua5.4-sockets
Status: install ok installed
Provides: lua-socket (= 3.1), something:any

Package: gone
Status: deinstall ok config-files

Package: adduser
Status: install ok installed
Depends: passwd
"""


def test_what_is_depended_on_by_another_name_comes_along_and_what_is_left_out_does_not():
    text = STATUS.replace("(>= 3.0),\n libc6", "(>= 3.0), libc6")
    known = rootfs.read_status(text)
    assert "gone" not in known
    without = re.compile("adduser").fullmatch
    assert rootfs.closure(known, ["prosody"], lambda name: bool(without(name))) == [
        "lua5.4",
        "lua5.4-sockets",
        "prosody",
    ]


def test_a_package_that_is_not_there_is_told():
    with pytest.raises(SystemExit, match="gone is not installed"):
        rootfs.closure(rootfs.read_status(STATUS), ["gone"], lambda _name: False)


def test_paths_below_usr():
    assert rootfs.unmerged("/lib/x86_64-linux-gnu/libc.so.6") == "/usr/lib/x86_64-linux-gnu/libc.so.6"
    assert rootfs.unmerged("/usr/bin/env") == "/usr/bin/env"


def test_a_link_to_a_directory_comes_along_as_a_link(tmp_path):
    (tmp_path / "jquery").mkdir()
    (tmp_path / "jquery/jquery.js").touch()
    (tmp_path / "static").symlink_to("jquery")
    nothing = re.compile("(?!)")
    kept = [path for path in ("jquery", "jquery/jquery.js", "static") if rootfs.is_kept(f"{tmp_path}/{path}", nothing)]
    assert kept == ["jquery/jquery.js", "static"]
    assert not rootfs.is_kept(f"{tmp_path}/static", re.compile(".*/static"))
    assert not rootfs.is_kept("/usr/share/doc/jquery/copyright", nothing)


def test_images_are_built_alike_by_buildkit_and_by_the_older_builder() -> None:
    """Neither reads what the other alone knows (Dockerfile reference, what needs Dockerfile 1.2 or later)."""
    text = (programs.FILES / "Dockerfile").read_text("utf-8")
    instructions = re.sub(r"(?m)^\s*#.*\n", "", text).replace("\\\n", " ").splitlines()
    assert not re.search(r"(?mi)^#\s*(syntax|check|escape)\s*=", text)
    known = {"ARG", "FROM", "LABEL", "RUN", "COPY", "USER", "STOPSIGNAL", "ENTRYPOINT", "ENV", "CMD"}
    assert {line.split()[0] for line in instructions if line.strip()} <= known
    assert [line for line in instructions if re.match(r"(RUN|COPY)\s+(--(?!from=)|.*<<)", line)] == []


def test_each_service_says_which_signal_ends_it() -> None:
    """Without it the engine takes any signal, as that of a reload, for an end, and starts the service no more."""
    stages = re.split(r"(?m)^(?=FROM )", (programs.FILES / "Dockerfile").read_text("utf-8"))
    made = {stage.split()[3]: stage for stage in stages if stage.startswith("FROM ")}
    # what a stage does not say is said by the one that it is made of
    says = {name: stage + made.get(stage.split()[1], "") for name, stage in made.items()}
    services = [name for name, text in says.items() if "\nFROM scratch AS " in f"\n{text}"]
    assert len(services) > 5
    assert {"prosody", "postgresql", "coturn", "nginx", "prometheus", "prometheus-node-exporter"} <= set(services)
    assert [name for name in services if "\nSTOPSIGNAL SIG" not in says[name]] == []
