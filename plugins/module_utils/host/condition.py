# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How a host is: units of systemd, packages and what archives have for them, file systems. It asks only."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.host import packages, systemctl

#: packages whose versions and updates an operator is told of, where they are installed
OF_THE_SERVICE = (
    "prosody", "postgresql-17", "postgresql-15", "coturn", "nginx", "haproxy", "fail2ban", "prometheus",
    "prometheus-alertmanager", "grafana", "openssl", "libssl3t64",
)  # fmt: skip
_UNIT = ("Id", "LoadState", "ActiveState", "SubState")
# what a companion of containers says of one that runs and whose health check fails (role containers)
_UNHEALTHY = "unhealthy"


def parse_units(output: str) -> dict[str, str]:
    """Read what `systemctl show` printed: unit → state, such as active or failed, of those that are installed."""
    found = {}
    for values in systemctl.shown(output):
        if values.get("Id") and values.get("LoadState") not in (None, "not-found"):
            state = _UNHEALTHY if values.get("SubState") == _UNHEALTHY else values.get("ActiveState", "unknown")
            found[values["Id"].removesuffix(".service")] = state
    return found


def units(names: Sequence[str], run: packages.RunCommand) -> dict[str, str]:
    """States of the units; a name may be a pattern, which finds those that are loaded."""
    if not names:
        return {}
    _code, output, _errors = run(["systemctl", "show", f"--property={','.join(_UNIT)}", *names])
    return parse_units(output)


def parse_security(output: str) -> dict[str, list[str]]:
    """Read what `apt-cache policy` printed: package → the versions that an archive of security updates has."""
    found: dict[str, list[str]] = {}
    name = version = ""
    for line in output.splitlines():
        if re.match(r"\S+:$", line):
            name, version = line[:-1], ""
        # a version stands five columns in, with *** before the one that is installed; where it comes from, more
        match = re.match(r"(?: \*\*\*|    ) (\S+) -?\d+$", line)
        if match:
            version = match[1]
        elif version and re.match(r"\s+-?\d+ .*-security\b", line):
            versions = found.setdefault(name, [])
            if version not in versions:
                versions.append(version)
    return found


def versions(names: Sequence[str], run: packages.RunCommand) -> dict[str, dict[str, Any]]:
    """Packages that are installed: their version, the newer one of the archives or "", and whether it mends holes."""
    have = packages.installed(names, run)
    if not have:
        return {}
    _code, output, _errors = run(["apt-cache", "policy", *have])
    offered, mending = packages.parse_candidates(output), parse_security(output)
    found = {}
    for name, version in have.items():
        newer = offered.get(name, "")
        if newer and not packages.older(version, newer, run):
            newer = ""
        security = bool(newer) and any(packages.older(version, one, run) for one in mending.get(name, []))
        found[name] = {"installed": version, "newer": newer, "security": security}
    return found


def lists_fetched(directory: Path = Path("/var/lib/apt/lists")) -> float | None:
    """When the newest package list was fetched, in seconds since 1970; None where there is none."""
    return max((file.stat().st_mtime for file in directory.glob("*_*") if file.is_file()), default=None)


def lists_age(now: float, directory: Path = Path("/var/lib/apt/lists")) -> int | None:
    """Seconds since the newest package list was fetched; None where there is none."""
    fetched = lists_fetched(directory)
    return None if fetched is None else max(0, round(now - fetched))


def installed_age(now: float, file: Path = Path("/var/lib/dpkg/status")) -> int | None:
    """Seconds since a package was installed, upgraded or removed last; None where there is no dpkg."""
    try:
        return max(0, round(now - file.stat().st_mtime))
    except OSError:
        return None


def disks(paths: Sequence[str], stat: Callable[[str], os.statvfs_result] = os.statvfs) -> list[dict[str, Any]]:
    """The file systems of those paths that exist, each once: path, bytes, and bytes that are free for services."""
    found: dict[tuple[object, object], dict[str, Any]] = {}
    for path in paths:
        try:
            seen = stat(path)
        except OSError:
            continue
        one = {"path": path, "size": seen.f_blocks * seen.f_frsize, "free": seen.f_bavail * seen.f_frsize}
        # file systems are told apart by what they hold: containers show one disk under several devices
        found.setdefault((one["size"], one["free"]), one)
    return list(found.values())
