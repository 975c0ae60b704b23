# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service under attack: how much of it gets through, and what 200 honest people notice.

    python tests/benchmarks/attack.py [--seconds 60] [--image IMAGE]

Deploys Prosody, open to everybody's registration, and the firewall into a throw-away container, as the roles set them
up. Two hundred people from four addresses sign in, ask the server once a second and write to each other, first alone
and then while it is attacked from fourteen other addresses at once: passwords guessed, connections opened, handshakes
that never end, accounts registered, a room flooded, stanzas of a megabyte. Who attacks has the lower priority, because
elsewhere he brings processors of his own. Exit code 1 when a figure is outside its bound.
"""

from __future__ import annotations

import argparse
import ipaddress
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / ".cache"))

from ansible_collections.allthingslinux.xmpp.tests.benchmarks.throwaway import (  # noqa: E402
    IMAGE,
    Table,
    container,
    deployed,
)
from ansible_collections.allthingslinux.xmpp.tests.scenario.browser import address_of  # noqa: E402

HOST, PEOPLE, ATTACKERS = NAMES = ("xmpp-bench-attacked", "xmpp-bench-people", "xmpp-bench-attackers")
NETWORK = "xmpp-bench-attack"
DOMAIN = "bench.localhost"
PASSWORD = "a-password-of-the-benchmark"
HONEST = 4  # addresses, with fifty people behind each
# kind → from how many addresses, what is counted, and how many of a hundred may pass once it has lasted (0: not said)
KINDS = {
    "guesses": (4, "passwords guessed and looked at", 1.0),
    "connections": (2, "connections opened without end", 0),
    "slow": (1, "handshakes that never end", 1.0),
    "accounts": (4, "accounts registered", 0),
    "lines": (1, "lines into a room, at once", 0),
    "large": (2, "stanzas of a megabyte", 1.0),
}
SIDE = Path(__file__).with_name("attacked")
PACKAGE = "ansible_collections.allthingslinux.xmpp.tests.benchmarks.attacked"


@contextmanager
def network() -> Iterator[list[str]]:
    """A network of our own. Out: addresses of it that Docker gives to nobody."""
    subprocess.run(["docker", "network", "create", NETWORK], check=True, capture_output=True)
    try:
        said = subprocess.run(["docker", "network", "inspect", NETWORK], check=True, capture_output=True, text=True)
        subnet = ipaddress.ip_network(json.loads(said.stdout)[0]["IPAM"]["Config"][0]["Subnet"])
        yield [f"{subnet[-2 - number]}/{subnet.prefixlen}" for number in range(64)]
    finally:
        subprocess.run(["docker", "network", "rm", NETWORK], check=False, capture_output=True)


@contextmanager
def side(name: str, addresses: list[str], image: str) -> Iterator[None]:
    """A machine with several addresses, from which people or attackers come."""
    options = [
        "--network",
        NETWORK,
        "--cap-add",
        "NET_ADMIN",
        "--volume",
        f"{SIDE}:/side/{PACKAGE.replace('.', '/')}:ro",
    ]
    with container(name, image, *options):
        for address in addresses:
            subprocess.run(["docker", "exec", name, "ip", "address", "add", address, "dev", "eth0"], check=True)
        yield


def command(name: str, program: str, *words: str) -> list[str]:
    """A program of one side, as docker runs it."""
    low = "19" if name == ATTACKERS else "0"
    return ["docker", "exec", "--interactive", "--env", "PYTHONPATH=/side", name, "nice", "-n", low,
            "python3", "-m", f"{PACKAGE}.{program}", *words]  # fmt: skip


def watched(address: str, sources: list[str], attack: list[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Have people live while something runs. Out: what became of them, and what it printed."""
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command(PEOPLE, "people", address, DOMAIN, PASSWORD, *sources), **pipes) as people:
        if people.stdout.readline().strip() != "there":  # type: ignore[union-attr]
            raise SystemExit("not all of them were let in")
        done = subprocess.run(attack, stdout=subprocess.PIPE, text=True, check=True)
        said, _errors = people.communicate("over\n", timeout=120)
    return json.loads(said), json.loads(done.stdout or "{}")


def describe(table: Table, when: str, people: dict[str, Any]) -> None:
    """What honest people noticed."""
    waited = sorted(people["waited"])
    slowest = waited[int(len(waited) * 0.99)] * 1000
    dropped, lost = len(people["dropped"]), people["written"] - people["read"]
    table.row(f"{when}: of {people['there']} honest people dropped", str(dropped), "0", not dropped)
    table.row("  answers they waited for, median", f"{statistics.median(waited) * 1000:.0f} ms")
    table.row("  all but one in a hundred within", f"{slowest:.0f} ms", "250 ms", slowest < 250)
    # the last ones of each may be on their way
    table.row(f"  of {people['written']} messages not read", str(lost), "", lost <= people["there"])
    for one in people["dropped"][:5]:
        print(f"     {one}")


def measure(table: Table, seconds: int, honest: list[str], others: list[str]) -> None:
    """Once in peace and once under attack, for so many seconds each. In: addresses with the length of their prefix."""
    address, sources = address_of(HOST), [one.partition("/")[0] for one in honest]
    free = iter(one.partition("/")[0] for one in others)
    words = [f"{kind}={','.join(next(free) for _one in range(KINDS[kind][0]))}" for kind in KINDS]
    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}", flush=True)
    calm, _nothing = watched(address, sources, ["sleep", str(seconds)])
    describe(table, "in peace", calm)
    people, found = watched(
        address, sources, command(ATTACKERS, "attackers", address, DOMAIN, PASSWORD, str(seconds), *words)
    )
    print(f"load average {os.getloadavg()[0]:.1f}", flush=True)
    describe(table, "under attack", people)
    for kind, (_count, what, most) in KINDS.items():
        for when in ("all", "later"):
            tried, passed = found[kind][when]
            share = 100 * passed / max(tried, 1)
            told = what if when == "all" else "  later"
            # what keeps out has to see something first
            bound = f"at most {most} %" if most and when == "later" else ""
            table.row(f"{told}, {passed} of {tried} passed", f"{share:.2f} %", bound, not bound or share <= most)
        table.good &= found[kind]["all"][0] > 0


def main() -> int:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--image", default=IMAGE)
    options = parser.parse_args()
    if not 10 <= options.seconds <= 600:
        parser.error("--seconds: from 10 to 600")
    names = [f"u{number}" for number in range(50 * HONEST)] + [f"m{number}" for number in range(4)]
    told = {
        "xmpp_domain": DOMAIN,
        "prosody_registration": "public",
        "prosody_accounts": [{"jid": f"{name}@{DOMAIN}", "password": PASSWORD} for name in names],
    }
    table = Table()
    with network() as free:
        host = container(HOST, options.image, "--network", NETWORK, "--cap-add", "NET_ADMIN")
        honest, others = free[:HONEST], free[HONEST:]
        both = side(PEOPLE, honest, options.image), side(ATTACKERS, others, options.image)
        with host, deployed(HOST, ("prosody", "postgresql", "firewall"), told), both[0], both[1]:
            measure(table, options.seconds, honest, others)
    return 0 if table.good else 1


if __name__ == "__main__":
    sys.exit(main())
