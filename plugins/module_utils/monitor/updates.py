# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is installed, what archives have that is newer, updates of security that wait, and whether to boot anew.

The package lists are read as they lie there; fetching them is for apt's own timers.

python3 -m …monitor.updates RESULT PACKAGE…: PACKAGE are those whose versions are told.
"""

from __future__ import annotations

import platform
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.host import condition, packages
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.monitor.textfile import Metric, Sample, render, write

INSTALLED = Metric("xmpp_package_info", "gauge", "The version of a package that is installed.")
NEWER = Metric("xmpp_package_newer", "gauge", "A newer version of a package that the archives have.")
SECURITY = Metric("xmpp_security_updates", "gauge", "Packages of the host that wait for an update of security.")
LISTS = Metric("xmpp_package_lists_timestamp_seconds", "gauge", "When the newest package list was fetched.")
REBOOT = Metric("xmpp_reboot_required", "gauge", "Whether the host has to boot for what is installed to be used.")

# apt-get --simulate: Inst NAME [INSTALLED] (NEWER ORIGIN [ARCHITECTURE]), where ORIGIN is as Debian-Security:13/…
_INST = re.compile(r"Inst \S+ \[\S+\] \(\S+ (?P<origin>[^\[]*)")
_KERNEL = "vmlinuz-"


def waiting(simulated: str) -> int:
    """In: what `apt-get --simulate dist-upgrade` printed. Out: how many packages an archive of security has newer."""
    found = (_INST.match(line) for line in simulated.splitlines())
    return sum(1 for one in found if one and "-security" in one["origin"].lower())


def newest(kernels: Iterable[str], run: packages.RunCommand) -> str:
    """Out: the newest of these versions as Debian compares them, "" for none."""
    best = ""
    for one in kernels:
        if not best or packages.older(best, one, run):
            best = one
    return best


def must_boot(running: str, kernels: Sequence[str], told: bool, run: packages.RunCommand) -> bool:
    """Whether a newer kernel lies there than the one that runs, or a package said so.

    running: release of the kernel (uname -r). kernels: those of /boot; a container has none, and one that does not run
    from there, as a guest with a kernel from outside, is not judged. told: whether there is /run/reboot-required.
    """
    return told or (running in kernels and newest(kernels, run) != running)


def samples(
    versions: Mapping[str, Mapping[str, Any]], security: int, lists: float | None, reboot: bool
) -> list[Sample]:
    """Out: what is said to Prometheus. versions: as condition.versions; lists: seconds since 1970."""
    found = [Sample(INSTALLED, 1, {"package": name, "version": one["installed"]}) for name, one in versions.items()]
    found += [
        Sample(NEWER, 1, {"package": name, "version": one["newer"], "security": "yes" if one["security"] else "no"})
        for name, one in versions.items()
        if one["newer"]
    ]
    found += [Sample(REBOOT, reboot)]
    # without lists nothing is known of updates, which is another thing than that there are none
    if lists is not None:
        found += [Sample(LISTS, lists), Sample(SECURITY, security)]
    return found


def _run(command: Sequence[str]) -> tuple[int, str, str]:
    # a program of its own under systemd: there is no AnsibleModule
    done = subprocess.run(  # pylint: disable=ansible-bad-function
        command, capture_output=True, text=True, timeout=120, check=False
    )
    return done.returncode, done.stdout, done.stderr


def main(arguments: list[str]) -> int:
    """In: path of the result, names of packages (without any: those of the service). Raises OSError."""
    # without a lock: somebody may install something just now
    command = ["apt-get", "--simulate", "--quiet=2", "-o", "Debug::NoLocking=1", "dist-upgrade"]
    code, simulated, errors = _run(command)
    if code:
        sys.stderr.write(f"apt-get cannot tell what it would upgrade: {errors.strip()}\n")
        return 1
    kernels = [path.name.removeprefix(_KERNEL) for path in Path("/boot").glob(f"{_KERNEL}*")]
    reboot = must_boot(platform.release(), kernels, Path("/run/reboot-required").exists(), _run)
    versions, lists = condition.versions(arguments[1:] or condition.OF_THE_SERVICE, _run), condition.lists_fetched()
    write(Path(arguments[0]), render(samples(versions, waiting(simulated), lists, reboot)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
