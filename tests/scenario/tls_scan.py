# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""sslyze against ports of a service: what it finds beside Mozilla's "intermediate" recommendation."""

from __future__ import annotations

import fcntl
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from ansible_collections.allthingslinux.xmpp.tests.scenario.playbook import ROOT


def sslyze() -> Path:
    """Out: the program, in an environment of its own (requirements/scan.lock)."""
    # scenarios run side by side
    with (ROOT / ".cache/scan.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        make = [str(ROOT / "bin/lib/separate"), "scan", sys.executable, "-r", "requirements/scan.lock"]
        folder = subprocess.run(make, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT).stdout.strip()
    return Path(folder) / "bin/sslyze"


def findings(
    address: str, ports: Iterable[int], name: str, authority: Path | None, starttls: str = ""
) -> dict[int, list[str]]:
    """Look at several ports with one kind of handshake. Out: port → what is not as it should be.

    name: which certificate to ask for; authority: the root that it must lead to; starttls: xmpp, xmpp_server or
    nothing, where TLS begins at once. Raises AssertionError where a port could not be looked at.
    """
    options = ["--mozilla_config=intermediate", f"--sni={name}"]
    options += [f"--certinfo_ca_file={authority}"] if authority else []
    options += [f"--starttls={starttls}", f"--xmpp_to={name}"] if starttls else []
    targets = [f"{address}:{port}" for port in ports]
    output = _said(*options, *targets)
    return {int(target.rpartition(":")[2]): _told(output, target) for target in targets}


def weaknesses(address: str, port: int, name: str) -> tuple[set[str], list[str]]:
    """Look at a port that answers nothing to old versions of TLS, for which sslyze would wait minutes.

    Out: the suites of TLS 1.2 and 1.3 that it takes, and what is weak. Raises AssertionError where it was not seen.
    """
    questions = ("tlsv1_2", "tlsv1_3", "heartbleed", "robot", "reneg", "compression", "fallback")
    options = [f"--sni={name}", "--mozilla_config=disable", *(f"--{question}" for question in questions)]
    output = _said(*options, f"{address}:{port}")
    assert output.count("OK - ") >= 6, output[-3000:]
    assert "ERROR" not in output, output[-3000:]
    found = [line.strip() for line in output.splitlines() if "VULNERABLE" in line]
    return set(re.findall(r"(?m)^ +(TLS_[A-Z0-9_]+) ", output)), found


def _said(*arguments: str) -> str:
    # its exit code says that something was found, or that nothing could be looked at
    done = subprocess.run([sslyze(), *arguments], capture_output=True, text=True, check=False, timeout=180)
    return done.stdout + done.stderr


def _told(output: str, target: str) -> list[str]:
    verdict = re.search(rf"(?m)^ +{re.escape(target)}: (OK|FAILED) - .*\n((?: +\* .*\n?)*)", output)
    assert verdict, output[-3000:]
    # the part about this port; a weakness stands there in capitals
    part = re.search(rf"(?ms)^ SCAN RESULTS FOR {re.escape(target)}.*?(?=^ SCAN|\Z)", output)
    assert part, output[-3000:]
    lines = [line.strip(" *") for line in verdict[2].splitlines()]
    assert lines or verdict[1] == "OK", output[-3000:]
    return lines + [line.strip() for line in part[0].splitlines() if "VULNERABLE" in line]
