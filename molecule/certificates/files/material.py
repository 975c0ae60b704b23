# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write a tar file with certificates and keys, good ones and bad ones, one directory each."""

from __future__ import annotations

import sys
import tarfile
import tempfile
from pathlib import Path

from ansible_collections.allthingslinux.xmpp.tests.unit import tls_material as material

NAMES = ("example.test", "*.example.test")


def main(target: str) -> None:
    authority = material.authority()

    def leaf(names=NAMES, **options):
        return material.issue(names, by=authority.intermediate, **options)

    first, renewed, third = leaf(), leaf(kind="RSA"), leaf()
    expired = leaf(not_before=material.NOW - 9 * material.DAY, not_after=material.NOW - material.DAY)
    partial, other = leaf(("example.test",)), leaf(("other.test",))
    pairs = {
        "first": (authority.fullchain(first), first),
        "renewed": (authority.fullchain(renewed), renewed),
        "third": (authority.fullchain(third), third),
        "wrong_key": (authority.fullchain(third), first),
        "unordered": (third.pem + authority.root.pem + authority.intermediate.pem, third),
        "expired": (authority.fullchain(expired), expired),
        "partial": (authority.fullchain(partial), partial),
        "other": (authority.fullchain(other), other),
        "readable": (authority.fullchain(third), third),
        "alone": (third.pem, third),
    }
    with tempfile.TemporaryDirectory() as directory:
        for name, (chain, issued) in pairs.items():
            material.write_pair(Path(directory) / name, chain, issued.key_pem())
        (Path(directory) / "root.pem").write_text(authority.root.pem)
        (Path(directory) / "readable" / "privkey.pem").chmod(0o644)
        with tarfile.open(target, "w") as archive:
            archive.add(directory, "material")


main(sys.argv[1])
