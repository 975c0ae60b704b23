# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What operators are advised to type where there is no systemd: in containers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.filter import doctor
from ansible_collections.allthingslinux.xmpp.plugins.filter.xmpp import FilterModule
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check import outcome
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils import advice

ROOT = Path(__file__).parents[3]
CONTAINERS = {"xmpp_backend": "container", "ansible_connection": "docker", "ansible_host": "xmpp-chat-companion"}
REMOTE = {**CONTAINERS, "ansible_docker_extra_args": "--host=ssh://root@192.0.2.10"}
advised = FilterModule().filters()["xmpp_advice"]


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        (f"Look here ({outcome.PROSODY_LOG}), at", "Look here (docker logs --tail 100 xmpp-chat-prosody), at"),
        (
            f"Is it open? systemctl status coturn; {outcome.COTURN_LOG}",
            "Is it open? docker ps --all --filter name=xmpp-chat-coturn; docker logs --tail 50 xmpp-chat-coturn",
        ),
        ("see journalctl -u xmpp-backup on the host", "see docker logs xmpp-chat-keeper on the host"),
        ("first; journalctl -u 'xmpp-backup*' -n 9", "first; docker logs --tail 9 xmpp-chat-keeper"),
        ("(journalctl -u xmpp-backup -u xmpp-backup-drill).", "(docker logs xmpp-chat-keeper)."),
        ("see journalctl -t postgres and /var", "see docker logs xmpp-chat-postgresql and /var"),
        ("systemctl status postgresql@17-main", "docker ps --all --filter name=xmpp-chat-postgresql"),
        ("start it (systemctl start prosody), and", "start it (docker start xmpp-chat-prosody), and"),
        ("anew (systemctl start xmpp-acme).", "anew (docker exec xmpp-chat-keeper systemctl start xmpp-acme)."),
        ("prosodyctl check certs", "docker exec xmpp-chat-keeper prosodyctl check certs"),
        ("`systemctl status prosody` and `journalctl -u prosody` say why.",
         "`docker ps --all --filter name=xmpp-chat-prosody` and `docker logs xmpp-chat-prosody` say why."),
        ("The database may be down: look", "The database may be down: look"),
    ],
)  # fmt: skip
def test_commands_are_those_of_the_docker_host(text: str, typed: str) -> None:
    assert advised(text, CONTAINERS) == typed
    assert advised(text, {"ansible_host": "192.0.2.7"}) == text
    assert advised(typed, CONTAINERS) == typed


def test_an_engine_elsewhere_is_asked_there() -> None:
    typed = "docker --host=ssh://root@192.0.2.10 logs --tail 100 xmpp-chat-prosody"
    assert advised(outcome.PROSODY_LOG, REMOTE) == typed
    # not worked out: nothing is told that would be wrong
    assert advised(outcome.PROSODY_LOG, {**CONTAINERS, "ansible_host": "{{ other }}"}) == outcome.PROSODY_LOG


def sources() -> Iterator[Path]:
    for top in ("plugins/module_utils", "plugins/modules", "plugins/plugin_utils"):
        yield from (ROOT / top).rglob("*.py")


def test_no_advice_is_left_that_only_a_host_understands() -> None:
    """Each advice in the sources, as it comes out: what it says with systemd is all known."""
    known = 0
    for path in sources():
        if path.name == "advice.py":
            continue
        for line in path.read_text().splitlines():
            text = (
                line.replace("{name}", "prosody").replace("{unit}", "prosody").replace("{self.service.name}", "prosody")
            )
            if "systemctl status" in text or "journalctl -" in text:
                known += 1
                typed = advice.on_docker_host(text.replace("`journalctl -o json`", ""), "xmpp-chat")
                assert "journalctl -" not in typed, f"{path}: {line}"
                assert "systemctl status" not in typed, f"{path}: {line}"
    assert known > 15


def test_findings_of_a_doctor_advise_so_too() -> None:
    found: dict[str, Any] = {"name": "x", "level": "fault", "seen": "s", "means": "m"}
    domain = {"findings": [{**found, "where": "chat.localhost", "mend": "systemctl status coturn"}], "seen": {}}
    told = doctor.doctor_report({"chat.localhost": domain}, hosts={"xmpp-chat": CONTAINERS}, before={}, now=0)
    typed = "docker ps --all --filter name=xmpp-chat-coturn"
    assert [one["mend"] for one in (*told["findings"], *told["changes"]["new"])] == [typed, typed]
    plain = doctor.doctor_report({"chat.localhost": domain}, now=0)
    assert plain["findings"][0]["mend"] == "systemctl status coturn"
