# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which certificate file Prosody 13 takes for a host: core/certmanager.lua (index_certs, find_cert_in_index).

Prosody indexes every fitting file up to three levels down by the names inside, and takes any one when two hold a name.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.certificate import (
    Certificate,
    CertificateError,
    a_label,
    read_chain,
)

_LEVELS = 3
_FIRST_LINE = b"-----BEGIN CERTIFICATE-----"


def key_of(path: str) -> str:
    """Where Prosody looks for the key of a certificate file (find_matching_key)."""
    return re.sub(r"\.crt$", ".key", path).replace("fullchain", "privkey")


def candidates(directory: Path, levels: int = _LEVELS) -> Iterator[str]:
    """Paths of the files in a certificates directory that Prosody opens, by name; nothing where it cannot be read."""
    try:
        paths = sorted(directory.iterdir())
    except OSError:
        return
    for path in paths:
        name = path.name
        if path.is_dir():
            if not name.startswith(".") and levels > 1:
                yield from candidates(path, levels - 1)
        elif name.endswith(".crt") or "fullchain" in name:
            yield str(path)


def read_files(directory: Path, now: datetime.datetime) -> dict[str, Certificate]:
    """Path → certificate of every file that Prosody would index at the time `now`."""
    found = {}
    for path in candidates(directory):
        try:
            with open(path, "rb") as stream:
                first = stream.readline().rstrip(b"\n")
            if first != _FIRST_LINE or not Path(key_of(path)).is_file():
                continue
            leaf = read_chain(path)[0]
        except (OSError, CertificateError):
            continue
        if leaf.not_before <= now <= leaf.not_after:
            found[path] = leaf
    return found


def identities(certificate: Certificate) -> frozenset[str]:
    """The names under which Prosody indexes a certificate for any service (util/x509.lua, get_identities)."""
    found = set()
    for name in (*certificate.names, *certificate.common_names):
        try:
            found.add(a_label(name))
        except CertificateError:
            continue
    return frozenset(found)


def choices(files: Mapping[str, Certificate], host: str) -> frozenset[str]:
    """The paths among which Prosody picks one for `host`: those that hold its name, else those with its wildcard."""
    name = a_label(host)
    exact = frozenset(path for path, leaf in files.items() if name in identities(leaf))
    wildcard = "*." + name.partition(".")[2]
    return exact or frozenset(path for path, leaf in files.items() if wildcard in identities(leaf))
