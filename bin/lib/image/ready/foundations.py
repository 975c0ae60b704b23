# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What packages stand on: runs while the image `ready` is built, where all of them lie as files.

    foundations.py PACKAGE…

Prints what has to be installed before those packages can be, without them, without anything that brings a service, and
without what needs one of these: a scenario has to see the roles install, enable and configure it.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from typing import Any

ARCHIVE = Path("/var/cache/apt/archives")
# what the scripts of packages call to enable or start something (deb-systemd-helper, invoke-rc.d, update-rc.d)
SERVICE = re.compile(rb"deb-systemd-(?:helper|invoke)|invoke-rc\.d|update-rc\.d")


def without(held: Set[str], needs: Mapping[str, Sequence[Set[str]]]) -> list[str]:
    """Out: the packages that neither are held nor need one that is.

    held: names; needs: package → for each of its dependencies those that fulfil it, none where the system does.
    """
    held = set(held)
    while more := {
        name for name, groups in needs.items() if name not in held and any(group and group <= held for group in groups)
    }:
        held |= more
    return sorted(name for name in needs if name not in held)


def brings_a_service(file: Path) -> bool:
    """Whether the script that runs after the installation of a package file enables or starts something."""
    command = ["dpkg-deb", "--info", str(file), "postinst"]
    return SERVICE.search(subprocess.run(command, capture_output=True, check=False).stdout) is not None


def planned(names: Sequence[str]) -> dict[str, Any]:
    """Out: package → its version of python3-apt, for everything that apt would install along with the names."""
    # of the system that the image is
    import apt  # type: ignore[import-not-found]
    import apt_pkg  # type: ignore[import-not-found]

    apt_pkg.config.set("APT::Install-Recommends", "false")
    cache = apt.Cache()
    for name in names:
        cache[name].mark_install(auto_fix=False, from_user=True)
    cache._depcache.fix_broken()
    return {package.name: package.candidate for package in cache.get_changes() if package.marked_install}


def main(names: Sequence[str]) -> None:
    """In: the packages. Prints what they stand on, a name a line."""
    found = planned(names)
    files = {file.name.partition("_")[0]: file for file in ARCHIVE.glob("*.deb")}
    needs = {
        name: [
            # fulfilled by what is installed: nothing of the plan is needed
            set()
            if any(target.package.is_installed for target in group.target_versions)
            else {target.package.name for target in group.target_versions} & set(found)
            for group in version.get_dependencies("PreDepends", "Depends")
        ]
        for name, version in found.items()
    }
    services = {name for name in found if name in files and brings_a_service(files[name])}
    print("\n".join(without(services | set(names), needs)))


if __name__ == "__main__":
    main(sys.argv[1:])
