# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two hosts in containers, the database on one and Prosody on the other, as on two Docker hosts.

Here they are on one engine, in networks of their own, and meet at an address of this machine alone.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from ansible_collections.allthingslinux.xmpp.tests.scenario.playbook import playbook
from conftest import ARCHIVE, TURN_ADDRESS, docker

DATABASE, CHAT = "xmpp-pair-db", "xmpp-pair-chat"
# the end of its network at which the engine stands: from there containers of the other one come
GATEWAY = "10.213.81.1"


def inventory(**database: Any) -> dict[str, Any]:
    """Out: both hosts, and of that of the database what is given."""
    hosts: dict[str, Any] = {
        DATABASE: {"containers_subnet": "10.213.81.0/24", "xmpp_address": "10.213.81.2", **database},
        CHAT: {"containers_subnet": "10.213.82.0/24", "xmpp_address": "10.213.82.2"},
    }
    for name, host in hosts.items():
        host["ansible_host"] = f"{name}-companion"
    return {
        "all": {
            "hosts": hosts,
            "children": {"postgresql": {"hosts": {DATABASE: {}}}, "prosody": {"hosts": {CHAT: {}}}},
            "vars": {
                "ansible_connection": "docker",
                "ansible_python_interpreter": "/usr/bin/python3",
                "xmpp_backend": "container",
                "xmpp_domain": "chat.localhost",
                "containers_base": ARCHIVE,
                "containers_address": "127.0.0.1",
                "containers_ports": [],
                "backup_repository": "",
            },
        }
    }


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The inventory of both, which playbooks use meanwhile."""
    file = tmp_path_factory.mktemp("pair") / "hosts.yml"
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("MOLECULE_INVENTORY_FILE", str(file))
        yield file
        playbook("containers_remove", "-e", "containers_remove_volumes=true").assert_ok()


def test_a_database_that_is_published_nowhere_is_refused_before_there_is_anything(pair: Path) -> None:
    pair.write_text(yaml.safe_dump(inventory()), encoding="utf-8")
    run = playbook("site")
    assert run.code != 0
    assert f"The database of {DATABASE} is in a container and published nowhere" in re.sub(r"\s+", " ", run.output)
    assert "xmpp-pair-" not in docker("ps", "--all", "--format", "{{.Names}}")


def test_people_talk_through_prosody_on_one_and_what_they_say_lies_on_the_other(pair: Path) -> None:
    given = {"containers_database_address": TURN_ADDRESS, "postgresql_client_addresses": [GATEWAY]}
    pair.write_text(yaml.safe_dump(inventory(**given)), encoding="utf-8")
    playbook("site").assert_ok()
    assert f"the message lies in prosodyarchive on {DATABASE}" in playbook("check").assert_ok().output
    playbook("site").assert_unchanged()


def comes_in(password: str, protection: str) -> str:
    """Out: why the database lets nobody in who comes as Prosody does, from another container; nothing where it does."""
    image = docker("container", "inspect", "--format", "{{.Config.Image}}", f"{CHAT}-keeper")
    place = f"host={TURN_ADDRESS} user=prosody dbname=prosody sslmode={protection}"
    come = f"import psycopg; psycopg.connect({place!r})"
    words = ["docker", "run", "--rm", "--network", "bridge", "--env", "PGPASSWORD", "--entrypoint", "/usr/bin/python3"]
    done = subprocess.run(
        [*words, image, "-c", come],
        env={**os.environ, "PGPASSWORD": password},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stderr


def test_the_database_lets_in_who_is_at_his_address_encrypts_and_has_the_password(pair: Path) -> None:
    password = (pair.parent / ".secrets/postgresql_prosody").read_text(encoding="utf-8").strip()
    assert comes_in(password, "require") == ""
    assert re.search("no pg_hba[.]conf entry .* no encryption", comes_in(password, "disable"))
    assert "password authentication failed" in comes_in("x" + password, "require")
    with pytest.raises(psycopg.OperationalError, match=f'no pg_hba.conf entry for host "{re.escape(TURN_ADDRESS)}"'):
        psycopg.connect(
            host=TURN_ADDRESS,
            user="prosody",
            dbname="prosody",
            password=password,
            sslmode="require",
            connect_timeout=10,
        )
