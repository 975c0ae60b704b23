# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold for services in containers, seen from the Docker host and by real clients."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.allthingslinux.xmpp.tests.scenario.client import Client
from ansible_collections.allthingslinux.xmpp.tests.scenario.crowd import Person
from ansible_collections.allthingslinux.xmpp.tests.scenario.playbook import playbook
from ansible_collections.allthingslinux.xmpp.tests.scenario.waiting import wait_until
from conftest import (
    ADDRESS,
    ALICE,
    ANSWERS,
    ARCHIVE,
    BOB,
    HOST,
    SERVICES,
    TURN_ADDRESS,
    WATCHING,
    Gap,
    docker,
    is_healthy,
    is_open,
    kill,
    names,
    offers_a_stream,
    seen,
    volume_of,
    volumes,
)

ALL = sorted(["keeper", "network", *SERVICES, *WATCHING])
INVENTORY = Path(os.environ["MOLECULE_INVENTORY_FILE"])


def configuration() -> str:
    """Out: what Prosody was told, read where it reads it."""
    return (volume_of("prosody", "/etc/prosody") / "prosody.cfg.lua").read_text(encoding="utf-8")


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_no_right_that_it_does_not_need(service: str) -> None:
    about = seen(service)
    host = about["HostConfig"]
    assert host["ReadonlyRootfs"] is True
    assert host["CapDrop"] == ["ALL"]
    assert not host["CapAdd"]
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert host["RestartPolicy"]["Name"] == "always"
    # as many as the engine may give, and no more
    (files,) = host["Ulimits"]
    assert (files["Name"], files["Soft"]) == ("nofile", files["Hard"])
    assert 0 < files["Hard"] <= 65536
    # an engine that keeps no such limit is asked for none
    assert host["PidsLimit"] in (
        {1024} if json.loads(docker("info", "--format", "{{json .}}"))["PidsLimit"] else {None, 0}
    )
    labels = "org.allthingslinux.xmpp.host,org.allthingslinux.xmpp.service"
    assert host["LogConfig"] == {
        "Type": "json-file",
        "Config": {"max-size": "10m", "max-file": "5", "labels": labels},
    }
    assert about["Config"]["User"] not in ("", "0", "root")
    assert "docker.sock" not in json.dumps(about["Mounts"])
    assert about["Config"]["Labels"]["org.allthingslinux.xmpp.inputs"]
    # coturn has a shell, which puts its secret and its configuration together, and PostgreSQL one for archive_command
    for program in (
        "/usr/bin/python3",
        "/usr/bin/apt-get",
        "/usr/bin/dpkg",
        *(["/bin/sh"] if service not in ("coturn", "postgresql") else []),
    ):
        words = ["docker", "exec", f"{HOST}-{service}", program, "--version"]
        assert subprocess.run(words, capture_output=True, check=False).returncode in (126, 127), program


@pytest.mark.parametrize("name", ["keeper", *SERVICES, *WATCHING])
def test_an_image_says_what_it_is_made_of_whichever_builder_made_it(name: str) -> None:
    """DOCKER_BUILDKIT=0 and 1, where the command docker has buildx, have the scenario run with images of either."""
    container = seen(name)
    image = json.loads(docker("image", "inspect", container["Image"]))[0]
    what, tag = container["Config"]["Image"].split(":")
    labels = image["Config"]["Labels"]
    assert labels["org.allthingslinux.xmpp.inputs"][:12] == tag
    assert labels["org.allthingslinux.xmpp.refresh"] == ""
    assert labels["org.opencontainers.image.title"] == f"allthingslinux.xmpp {what.removeprefix('xmpp-')}"
    assert labels["org.opencontainers.image.base.name"].startswith("xmpp-archive:")
    if name != "keeper":
        package = "postgresql-17" if name == "postgresql" else name
        known = docker("run", "--rm", "--entrypoint", "dpkg-query", f"xmpp-companion:{tag}", "-Wf${Version}", package)
        assert labels["org.opencontainers.image.version"] == known
    assert (image["Config"].get("User", "") == "") is (name == "keeper")
    # the largest is Prometheus; nothing of the stages on the way lies in one
    assert image["Size"] < (2_000_000_000 if name == "keeper" else 150_000_000)


@pytest.mark.parametrize("service", SERVICES)
def test_who_gets_an_image_gets_no_secret(service: str) -> None:
    """Neither with its files nor with how they were made."""
    kept = [path for path in (INVENTORY.parent / ".secrets").rglob("*") if path.is_file()]
    # certificates and what is remembered of runs are none
    texts = [path.read_bytes() for path in kept if path.suffix not in (".pem", ".json")]
    secrets = {line for text in texts for line in text.splitlines() if len(line) >= 16 and b"-----" not in line}
    assert len(secrets) > 10
    image = seen(service)["Image"]
    made = docker("create", image)
    try:
        files = subprocess.run(["docker", "export", made], capture_output=True, check=True, timeout=120).stdout
    finally:
        docker("rm", made)
    assert b"root:x:0:0:" in files, "these are no files"
    how = docker("history", "--no-trunc", image).encode()
    assert {secret for secret in secrets if secret in files or secret in how} == set()


def test_what_is_nobodys_business_is_published_nowhere() -> None:
    published = {port for port, bound in seen("network")["NetworkSettings"]["Ports"].items() if bound}
    assert published == {"80/tcp", "443/tcp", "5222/tcp"}
    assert is_open(25222, "127.0.0.1")
    assert is_open(5222)
    assert not any(is_open(port) for port in (5280, 5347, 5432, 5582))


def test_the_service_is_what_its_users_expect() -> None:
    done = playbook("check").assert_ok()
    assert done.output.count("=ok      ") + done.output.count('"ok      ') >= 20, done.output[-6000:]
    assert names() == ALL  # and no companion


@pytest.mark.parametrize("service", ["postgresql", "coturn", "prosody"])
def test_what_a_service_says_is_lines_of_json_that_name_it(service: str) -> None:
    lines = Path(seen(service)["LogPath"]).read_text(encoding="utf-8").splitlines()
    said = [json.loads(line) for line in lines]
    label = "org.allthingslinux.xmpp"
    assert all(one["attrs"] == {f"{label}.host": HOST, f"{label}.service": service} for one in said)
    assert [one for one in said if one["log"].strip()]


def test_status_and_audit_tell_of_services_and_people() -> None:
    assert "prosody" in playbook("status").assert_ok().output
    trail = playbook("audit", "-e", "xmpp_audit_what=created").assert_ok().output
    assert re.search(rf"created +{ALICE.jid} +shell", trail), trail[-3000:]
    assert names() == ALL


class Talk:
    """Somebody who writes without end and notes what the server said that it took over (XEP-0198), and who listens."""

    def __init__(self) -> None:
        self.acknowledged: list[str] = []
        self.heard: set[str] = set()

    async def write(self, until_set: asyncio.Event) -> None:
        """Write until told to stop, or the connection is gone."""
        alice, bob = (Person(one, "nowhere@muc.chat.localhost", 60) for one in (ALICE, BOB))
        await bob.sign_in(ADDRESS)
        await alice.sign_in(ADDRESS, resumable=True)
        gone = asyncio.Event()
        client = alice.client._xmpp
        client.add_event_handler("stanza_acked", lambda stanza: self.acknowledged.append(str(stanza["body"])))
        client.add_event_handler("disconnected", lambda _event: gone.set())
        listening = bob.client.collecting(self._listen)
        with listening:
            number = 0
            while not until_set.is_set() and not gone.is_set():
                client.send_message(mto=BOB.jid, mbody=f"line {number} of {id(self)}", mtype="chat")
                number += 1
                if number % 5 == 0:
                    client.plugin["xep_0198"].request_ack()
                await asyncio.sleep(0.01)
            if not gone.is_set():
                await asyncio.sleep(1)
        for person in (alice, bob):
            person.cut_off()
        self.acknowledged = [text for text in self.acknowledged if text]

    def _listen(self, xml: Any) -> bool:
        self.heard.update(body.text or "" for body in xml.iter("{jabber:client}body"))
        return False


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_that_is_killed_is_back_by_itself_and_nothing_that_was_acknowledged_is_lost(
    service: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before, talk = seen(service), Talk()
    # what was read anew before is started again as well
    docker("kill", "--signal", before["Config"]["Labels"]["org.allthingslinux.xmpp.reload"], f"{HOST}-{service}")
    wait_until(ANSWERS[service], 40, 0.1)

    def begun_anew() -> bool:
        return bool(seen(service)["State"]["StartedAt"] != before["State"]["StartedAt"])

    async def scene() -> None:
        enough = asyncio.Event()
        talking = asyncio.create_task(talk.write(enough))
        while len(talk.acknowledged) < 50 and not talking.done():
            await asyncio.sleep(0.05)
        await asyncio.to_thread(kill, service)
        await asyncio.to_thread(wait_until, begun_anew, 40, 0.1)
        await asyncio.to_thread(wait_until, ANSWERS[service], 40, 0.1)
        enough.set()
        await talking

    with Gap(ANSWERS[service]) as gap:
        asyncio.run(scene())
    with capsys.disabled():
        print(f"\n{service} killed: away for {gap.seconds:.2f} s, {len(talk.acknowledged)} messages acknowledged")
    wait_until(lambda: is_healthy("prosody"), 40, 0.1)
    assert seen(service)["Id"] == before["Id"]
    assert len(talk.acknowledged) >= 10
    with Client(BOB.jid, BOB.password, ADDRESS) as bob:
        kept = talk.heard | set(bob.archived())
    assert set(talk.acknowledged) <= kept


def test_a_change_is_live_without_a_restart_and_a_bad_one_is_undone() -> None:
    before, configured = seen("prosody")["State"]["StartedAt"], configuration()
    motd = ("-e", "prosody_motd='The roses are watered'")
    playbook("site", "--tags", "prosody", *motd).assert_ok()
    changed = configuration()
    assert changed != configured
    assert "The roses are watered" in changed
    assert seen("prosody")["State"]["StartedAt"] == before
    # a module of the operator's that cannot be loaded, which nobody sees before it is
    own = volume_of("prosody", "/usr/local/lib/prosody") / "operator"
    own.mkdir()
    (own / "mod_fault.lua").write_text('error("the reactor is too hot")\n', encoding="utf-8")
    given = {"prosody_plugin_paths": ["/usr/local/lib/prosody/operator"], "prosody_modules": ["fault"]}
    bad = playbook("site", "--tags", "prosody", *motd, "-e", json.dumps(given))
    assert bad.code != 0
    assert "the reactor is too hot" in bad.output, bad.output[-4000:]
    (own / "mod_fault.lua").unlink()
    own.rmdir()
    assert configuration() == changed
    assert is_healthy("prosody")


def test_what_containers_cannot_do_is_refused_by_name_with_everything_else_before_the_first_change() -> None:
    before = {service: seen(service)["Created"] for service in SERVICES}
    given: dict[str, Any] = {
        "backup_paths": ["/srv/own"],
        "xmpp_haproxy": True,
        "prosody_log_to": "syslog",
        "xmpp_turn_tls_port": 5350,
        "containers_ports": ["25222:5222", "25443:443", "25080:80", "25999:5223"],
    }
    with socket.create_server((TURN_ADDRESS, 5350)), socket.create_server(("127.0.0.1", 25999)):
        done = playbook("site", "-e", json.dumps(given))
    assert done.code != 0
    said = " ".join(done.output.split())
    for words in ("backup_paths: /srv/own is in", "xmpp_haproxy: haproxy is for several", "prosody_log_to is syslog"):
        assert words in said, done.output[-4000:]
    # of the Docker host, in whose network coturn is
    assert re.search(r"Port 5350/tcp of the Docker host, .* taken by a process of user root", said), said[-4000:]
    assert "cannot publish all of 127.0.0.1:25999:5223, since the engine says: " in said
    assert {service: seen(service)["Created"] for service in SERVICES} == before


def test_a_network_that_cannot_be_had_leaves_everybody_in_the_one_before() -> None:
    """That of somebody else, which is seen when it is too late to go on as if nothing had been."""
    before = seen("network")["HostConfig"]["PortBindings"]
    done = playbook("site", "--tags", "postgresql", "-e", "containers_subnet=10.213.96.0/25")
    assert done.code != 0
    assert "It has the one again that it had" in " ".join(done.output.split()), done.output[-4000:]
    wait_until(offers_a_stream, 60, 0.2)
    # a run that failed leaves what it works in to who began it
    assert [name for name in names() if name not in ("companion", "outside")] == ALL
    assert seen("network")["HostConfig"]["PortBindings"] == before
    assert is_open(25222, "127.0.0.1")
    playbook("containers_close").assert_ok()


def test_a_companion_that_nobody_ended_ends_by_itself() -> None:
    playbook("containers_open", "-e", "containers_idle=10").assert_ok()
    assert "companion" in names()
    wait_until(lambda: "companion" not in names(), 40, 0.1)


def test_an_engine_that_stops_everything_at_once_lets_each_service_end_in_order() -> None:
    """As when the machine is shut down: all end with what holds the network, so that waits for them."""
    everything, began = [f"{HOST}-{service}" for service in ALL], time.time()
    try:
        docker("stop", *everything)
        ended = {service: seen(service)["State"]["ExitCode"] for service in (*SERVICES, "network")}
        # coturn ends by the signal itself
        assert ended == {**dict.fromkeys(ended, 0), "coturn": 143}
    finally:
        docker("start", f"{HOST}-network")
        docker("start", *everything)
    wait_until(offers_a_stream, 60, 0.2)
    logged = docker("logs", "--since", f"{began:.3f}", f"{HOST}-postgresql", both=True)
    assert "database system was shut down at" in logged, logged
    assert "not properly shut down" not in logged, logged


@pytest.fixture(scope="module")
def _no_second_set_of_images() -> Iterator[None]:
    """In the end those of the update are removed; the others are of use to the next run."""
    yield
    word = (INVENTORY.parent / ".secrets" / "containers_refresh").read_text(encoding="utf-8")
    docker("image", "prune", "--all", "--force", "--filter", f"label=org.allthingslinux.xmpp.refresh={word}")


@pytest.mark.usefixtures("_no_second_set_of_images")
def test_newer_images_come_into_use_while_people_are_there(capsys: pytest.CaptureFixture[str]) -> None:
    images, alone = {service: seen(service)["Image"] for service in SERVICES}, seen("network")["Id"]
    with Client(ALICE.jid, ALICE.password, ADDRESS) as alice, Gap(offers_a_stream) as gap:
        alice.say(BOB.jid, "before the update")
        playbook("refresh", timeout=1200).assert_ok()
        wait_until(offers_a_stream, 40, 0.1)
        assert alice.ended
        alice.leaving = True
    with capsys.disabled():
        print(f"\nimages updated: no new client for {gap.seconds:.2f} s")
    assert gap.seconds < 15
    assert all(seen(service)["Image"] != images[service] for service in SERVICES)
    assert seen("network")["Id"] == alone  # the network stays
    with Client(BOB.jid, BOB.password, ADDRESS) as bob:
        assert "before the update" in bob.archived()


def test_a_service_that_leaves_the_inventory_loses_its_container_and_keeps_its_volumes() -> None:
    before = volumes()
    text = INVENTORY.read_text(encoding="utf-8")
    told = yaml.safe_load(text)
    del told["coturn"]
    try:
        INVENTORY.write_text(yaml.safe_dump(told), encoding="utf-8")
        playbook("site", "--tags", "postgresql").assert_ok()
    finally:
        INVENTORY.write_text(text, encoding="utf-8")
    assert names() == [name for name in ALL if name != "coturn"]
    assert volumes() == before


def shape(service: str) -> dict[str, Any]:
    """Out: what a container is and may, without who made it and in which order."""
    about = seen(service)
    host, config = about["HostConfig"], about["Config"]
    of_image = json.loads(docker("image", "inspect", "--format", "{{json .Config.Labels}}", about["Image"])) or {}
    same = ("ReadonlyRootfs", "CapDrop", "SecurityOpt", "RestartPolicy", "Init", "ShmSize", "LogConfig", "Ulimits")
    limits = ("Memory", "NanoCpus", "PidsLimit")
    # of no say where there is none, and with the options of a mount or without
    tmpfs = {path: set(filter(None, options.split(","))) for path, options in (host.get("Tmpfs") or {}).items()}
    return {
        **{name: host.get(name) for name in (*same, *limits)},
        "Network": host["NetworkMode"].partition(":")[0],
        "PortBindings": host["PortBindings"] or {},
        "Tmpfs": tmpfs,
        "Mounts": sorted((mount["Name"], mount["Destination"], mount["RW"]) for mount in about["Mounts"]),
        "Image": about["Image"],
        **{name: config[name] for name in ("User", "Entrypoint", "Cmd")},
        "Health": (config.get("Healthcheck") or {}).get("Test"),
        "StopTimeout": config.get("StopTimeout"),
        "Labels": {
            key: value
            for key, value in config["Labels"].items()
            if key.startswith("org.allthingslinux.") and of_image.get(key) != value
        },
    }


def compose(file: Path, *words: str) -> None:
    """Run the Compose of Debian 13, in a container that has the socket of the engine. Raises CalledProcessError."""
    command = "apt-get install -y -q --no-install-recommends docker-compose >/dev/null && exec docker-compose"
    words = ("run", "--rm", "--network", "host", "--volume", "/var/run/docker.sock:/var/run/docker.sock",
             "--volume", f"{file.parent}:/file:ro", "--name", f"{HOST}-compose", ARCHIVE,
             "sh", "-c", f'{command} -f /file/{file.name} "$@"', "compose", *words)  # fmt: skip
    docker(*words)


def test_removal_touches_nothing_that_is_not_labelled_and_volumes_only_when_they_are_named(tmp_path: Path) -> None:
    """Between the two steps the same containers are made of a Compose file, with the same data."""
    composed = tmp_path / "compose.yml"
    docker("volume", "create", f"{HOST}-prosody-of-somebody")
    # looked at often, since one service waits until another is well
    often = {"__containers_health": {"interval": "2s", "timeout": "10s", "retries": 30, "start_period": "1s"}}
    try:
        before = volumes()
        playbook("compose", "-e", f"xmpp_compose_file={composed}", "-e", json.dumps(often)).assert_ok()
        made = {service: shape(service) for service in names()}
        playbook("containers_remove").assert_ok()
        assert names() == []
        assert HOST not in docker("network", "ls", "--format", "{{.Name}}").split()
        assert volumes() == before
        compose(composed, "up", "--detach", "--wait")
        assert names() == ALL
        again = {service: shape(service) for service in made}
        # what holds the network kept the image that it had before the update, so that nobody lost it
        assert made["network"].pop("Image") != again["network"].pop("Image")
        assert again == made
        with Client(BOB.jid, BOB.password, ADDRESS) as bob:
            assert "before the update" in bob.archived()
        compose(composed, "down")
        assert names() == []
        playbook("containers_remove", "-e", "containers_remove_volumes=true").assert_ok()
        assert volumes() == ["backups", "prosody-of-somebody"]
        playbook("containers_remove", "-e", "containers_remove_backups=true").assert_ok()
        assert volumes() == ["prosody-of-somebody"]
    finally:
        docker("volume", "rm", f"{HOST}-prosody-of-somebody")
