# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service goes from a host into containers and back, with all that people have. The tests go with it, in order."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from ansible_collections.allthingslinux.xmpp.tests.scenario.client import Client, web
from ansible_collections.allthingslinux.xmpp.tests.scenario.playbook import Run, playbook

HOST, POD = "xmpp-move-host", "xmpp-move-pod"
INVENTORY = Path(os.environ["MOLECULE_INVENTORY_FILE"])
RECORD = INVENTORY.parent / ".secrets" / "deployed.json"
POD_ADDRESS, PUBLISHED = "10.213.79.2", 25322
ALICE, BOB = ("alice@move.localhost", "walks-by-the-sea"), ("bob@move.localhost", "reads-in-the-tree")
ROOM = "kitchen@muc.move.localhost"
# the host of the inventory for them
IN_CONTAINERS = {
    "xmpp_backend": "container",
    "ansible_connection": "docker",
    "ansible_host": f"{POD}-companion",
    # in the network of the containers, where this machine reaches them without a published port
    "xmpp_address": POD_ADDRESS,
}
GROUPS = ("postgresql", "coturn", "prosody")
SERVICES = ("prosody", "coturn", "postgresql@17-main")


def docker(*words: str) -> str:
    """Out: what the command says. Raises CalledProcessError."""
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=True, timeout=120).stdout.strip()


def on_host(*words: str) -> str:
    """Out: what a program says on the host, whatever its status."""
    done = subprocess.run(["docker", "exec", HOST, *words], capture_output=True, text=True, check=False, timeout=60)
    return done.stdout.strip()


def containers() -> list[str]:
    """Out: the containers of the service that run."""
    listed = docker("ps", "--format", "{{.Names}}").split()
    return sorted(name.removeprefix(f"{POD}-") for name in listed if name.startswith(f"{POD}-"))


def host_address() -> str:
    """Out: where the host is."""
    return docker("inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", HOST)


def in_groups(name: str) -> None:
    """Write into the inventory that this host has the services now; the other one stays, in no group."""
    told: dict[str, Any] = yaml.safe_load(INVENTORY.read_text(encoding="utf-8"))
    known = {POD: IN_CONTAINERS, **told["all"].get("hosts", {})}
    for group in GROUPS:
        known.update({host: about for host, about in told[group]["hosts"].items() if about})
    told["all"]["hosts"] = known
    for group in GROUPS:
        told[group]["hosts"] = {name: known[name]}
    INVENTORY.write_text(yaml.safe_dump(told), encoding="utf-8")


def move(*options: str) -> Run:
    """Do it as an operator who is not asked."""
    return playbook("move", "-e", "xmpp_move_yes=true", *options)


def where() -> dict[str, list[str]]:
    """Out: which host has what, as the next run knows it."""
    return {host: one["roles"] for host, one in json.loads(RECORD.read_text(encoding="utf-8")).items()}


def runs_on_the_host() -> dict[str, tuple[str, str]]:
    """Out: unit to whether it runs and starts with the host."""
    return {
        unit: (on_host("systemctl", "is-active", unit), on_host("systemctl", "is-enabled", unit)) for unit in SERVICES
    }


def everything_is_at(address: str, url: str, *texts: str) -> None:
    """What people had they have: contacts, archives of their own and of the room, and uploaded files."""
    with Client(*BOB, address) as bob:
        assert bob.archived().count("before the move") == 1
        assert set(texts) <= set(bob.archived())
    with Client(*ALICE, address) as alice:
        assert BOB[0] in alice.friends()
        alice.join(ROOM, "alice")
        assert alice.hears("said in the kitchen")
    status, content = web(address, 5281, url)
    assert (status, content) == (200, b"the very same bytes")


@pytest.fixture(scope="module")
def url() -> str:
    """People have used the service on the host. Out: where one of them uploaded a file to."""
    address = host_address()
    with Client(*ALICE, address) as alice, Client(*BOB, address) as bob:
        alice.befriend(BOB[0])
        alice.say(BOB[0], "before the move")
        assert bob.hears("before the move")
        alice.join(ROOM, "alice")
        alice.say(ROOM, "said in the kitchen", "groupchat")
        assert alice.hears("said in the kitchen")
        return alice.upload("upload.move.localhost", b"the very same bytes")


def test_an_ordinary_deployment_refuses_to_leave_everything_behind(url: str) -> None:
    assert urlsplit(url).scheme == "https"
    in_groups(POD)
    done = playbook("site")
    assert done.code != 0
    said = " ".join(done.output.split())
    assert f"What Prosody keeps on {HOST} would stay there" in said
    assert "bin/xmpp move INVENTORY" in said
    assert containers() == []


def test_where_it_does_not_become_a_service_the_one_of_before_goes_on(url: str) -> None:
    # without the services that come before Prosody it comes to the port sooner
    with socket.create_server(("127.0.0.1", PUBLISHED)):
        done = move("--tags", "prosody")
    assert done.code != 0
    said = " ".join(done.output.split())
    assert f"Prosody was not moved from {HOST}, where it runs as before" in said
    assert str(PUBLISHED) in said
    assert [one for one in containers() if one != "companion"] == []
    assert where() == {HOST: ["coturn", "postgresql", "prosody"]}
    assert set(runs_on_the_host().values()) == {("active", "enabled")}
    everything_is_at(host_address(), url)


def test_into_containers(url: str) -> None:
    done = move().assert_ok()
    said = " ".join(done.output.split())
    assert f"from {HOST} to {POD}" in said
    assert f"All of it arrived on {POD}" in said
    assert containers() == ["coturn", "keeper", "network", "postgresql", "prosody"]
    assert where() == {POD: ["coturn", "postgresql", "prosody"]}
    assert {active for active, _enabled in runs_on_the_host().values()} == {"inactive"}
    assert {enabled for _active, enabled in runs_on_the_host().values()} == {"disabled"}
    everything_is_at(POD_ADDRESS, url)
    with socket.create_connection(("127.0.0.1", PUBLISHED), 5):
        pass
    # what was kept is kept there as well, and no copy lies about
    assert on_host("sh", "-c", "ls -d /var/lib/prosody/*upload*")
    assert on_host("sh", "-c", "ls -d /var/tmp/xmpp-move* 2>/dev/null") == ""
    assert not list(RECORD.parent.glob("move_*"))


def test_back_to_the_host_with_what_was_written_meanwhile(url: str) -> None:
    with Client(*ALICE, POD_ADDRESS) as alice, Client(*BOB, POD_ADDRESS) as bob:
        alice.say(BOB[0], "written in containers")
        assert bob.hears("written in containers")
    in_groups(HOST)
    done = move().assert_ok()
    said = " ".join(done.output.split())
    assert f"All of it arrived on {HOST}" in said
    assert "What lay here before is kept: the schema before_" in said
    assert containers() == []
    assert f"{POD}-postgresql" in docker("volume", "ls", "--format", "{{.Name}}").split()
    assert where() == {HOST: ["coturn", "postgresql", "prosody"]}
    assert set(runs_on_the_host().values()) == {("active", "enabled")}
    everything_is_at(host_address(), url, "written in containers")
    assert on_host("sh", "-c", "ls -d /var/lib/prosody/before-*")
