# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Debian packages of a host: what is installed, what its archives offer, and what is below a version it must not be.

dpkg and apt-cache are asked, so that neither python3-apt nor a fresh package list is needed to look.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

RunCommand = Callable[..., tuple[int, str, str]]
"""As AnsibleModule.run_command: argv → (return code, output, errors)."""

# dpkg-query's format; one line for each package that it knows
_FORMAT = "${Package}\t${db:Status-Status}\t${Version}\n"


@dataclass(frozen=True)
class Floor:
    """A version that a package must not be below. release: major version of Debian; reason: for the operator."""

    package: str
    release: str
    version: str
    reason: str


@dataclass(frozen=True)
class Below:
    """A package that is below its floor. candidate: what the archives of the host offer, "" for nothing."""

    package: str
    installed: str
    candidate: str
    floor: str
    reason: str
    raised_by_candidate: bool

    def described(self) -> dict[str, Any]:
        """As it appears in a module's result."""
        return asdict(self)

    def __str__(self) -> str:
        text = f"{self.package} {self.installed} is older than {self.floor}: {self.reason}"
        if self.raised_by_candidate:
            return f"{text}. It will be raised to {self.candidate}."
        return (
            f"{text}. As far as its package lists tell, this host is offered {self.candidate or 'none'}. Where that is "
            "said again after a run, which fetches them anew: is the archive of security updates among its package "
            "sources (for Debian the suite with -security), and is the package on hold?"
        )


def parse_installed(output: str) -> dict[str, str]:
    """Read what dpkg-query printed: package → version of those that are installed."""
    rows = [line.split("\t") for line in output.splitlines()]
    return {row[0]: row[2] for row in rows if len(row) == 3 and row[1] == "installed"}


def parse_candidates(output: str) -> dict[str, str]:
    """Read what `apt-cache policy` printed: package → candidate, without those that have none."""
    found: dict[str, str] = {}
    name = ""
    for line in output.splitlines():
        if re.match(r"\S+:$", line):
            name = line[:-1]
        match = re.match(r"  Candidate: (\S+)$", line)
        if match and match[1] != "(none)":
            found[name] = match[1]
    return found


def installed(names: Sequence[str], run: RunCommand) -> dict[str, str]:
    """Versions of those of the packages that are installed."""
    if not names:
        return {}
    _code, output, _errors = run(["dpkg-query", "--show", "--showformat", _FORMAT, *names])  # 1: some are unknown
    return parse_installed(output)


def candidates(names: Sequence[str], run: RunCommand) -> dict[str, str]:
    """Versions that apt would install now."""
    if not names:
        return {}
    _code, output, _errors = run(["apt-cache", "policy", *names])
    return parse_candidates(output)


def older(version: str, other: str, run: RunCommand) -> bool:
    """Whether a version is older than another, as Debian compares them."""
    return run(["dpkg", "--compare-versions", version, "lt", other])[0] == 0


def below(versions: Mapping[str, str], floors: Iterable[Floor], release: str, run: RunCommand) -> list[Below]:
    """Installed packages that are below a floor of this release of Debian."""
    concerned = [
        floor
        for floor in floors
        if floor.release == release and floor.package in versions and older(versions[floor.package], floor.version, run)
    ]
    known = candidates([floor.package for floor in concerned], run)
    return [
        Below(
            floor.package,
            versions[floor.package],
            known.get(floor.package, ""),
            floor.version,
            floor.reason,
            floor.package in known and not older(known[floor.package], floor.version, run),
        )
        for floor in concerned
    ]


def release_of(os_release: str) -> str:
    """Read /etc/os-release: the major version of the distribution."""
    match = re.search(r'^VERSION_ID="?(\d+)', os_release, re.MULTILINE)
    return match[1] if match else ""
