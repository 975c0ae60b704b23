# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changing the configuration of the scenario's host with the real module, and real clients that look at the result."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.tests.scenario.client import Client
from ansible_collections.allthingslinux.xmpp.tests.scenario.playbook import results

LIBRARY = str(Path(__file__).resolve().parents[1] / "library")
CONFIG = "/etc/prosody/prosody.cfg.lua"
SECRETS = "/etc/prosody/secrets"


@dataclass
class Answer:
    """What a task gave: its result, and whether Ansible was told that it failed."""

    result: dict[str, Any]

    @property
    def failed(self) -> bool:
        return bool(self.result.get("failed") or self.result.get("unreachable"))

    @property
    def changed(self) -> bool:
        return bool(self.result.get("changed"))

    @property
    def message(self) -> str:
        return str(self.result.get("msg", ""))

    @property
    def actions(self) -> list[tuple[str, str]]:
        return [(action["action"], action["target"]) for action in self.result.get("actions", [])]


def run_module(directory: Path, module: str, arguments: dict[str, Any], *options: str) -> Answer:
    """One task on the host of the scenario, through ansible-playbook as everybody runs it."""
    play = [{"hosts": "prosody", "gather_facts": False, "tasks": [{module: arguments}]}]
    playbook = directory / "play.json"
    playbook.touch(mode=0o600)
    playbook.write_text(json.dumps(play), encoding="utf-8")
    done = results(playbook, *options, timeout=180, ANSIBLE_LIBRARY=LIBRARY)
    ((_task, result),) = done.tasks
    return Answer(result)


@dataclass
class Site:
    """The service as the roles made it: its configuration, its secrets, where it is, and how to change it."""

    host: Any
    directory: Path
    content: str
    secrets: dict[str, str]
    address: str
    domain: str
    passwords: dict[str, str] = field(default_factory=dict)

    def apply(self, content: str | None = None, *options: str, **arguments: Any) -> Answer:
        """Run prosody_config with the text (the roles' own, when not given)."""
        given = {"content": self.content if content is None else content, "secrets": self.secrets, **arguments}
        return run_module(self.directory, "allthingslinux.xmpp.prosody_config", given, *options)

    def with_option(self, name: str, value: str) -> str:
        """The text with one global option set to a Lua expression."""
        line = f"{name} = {value}"
        text, count = re.subn(rf"(?m)^{name}\s*=.*$", lambda _match: line, self.content, count=1)
        return text if count else self.before_hosts(line)

    def before_hosts(self, lines: str) -> str:
        """The text with more lines in the global section."""
        text, count = re.subn(r'(?m)^VirtualHost "', lambda match: f"{lines}\n\n{match.group()}", self.content, count=1)
        assert count == 1
        return text

    def with_module(self, name: str) -> str:
        """The text with one more module enabled everywhere."""
        text, count = re.subn(r"(?m)^modules_enabled\s*=\s*\{", lambda match: f'{match.group()} "{name}";',
                              self.content, count=1)  # fmt: skip
        assert count == 1
        return text

    def state(self) -> dict[str, str]:
        """Everything that a failed change must leave alone."""
        files = f"{CONFIG} $(find {SECRETS} /etc/prosody/certs ! -type d | sort)"
        return {
            "files": self.host.check_output(f"sha256sum {files}; stat -c '%n %a %U %G' {files}"),
            "journal": str(self.host.file("/var/lib/xmpp-prosody-config/journal.json").exists),
        }

    def process(self) -> str:
        return self.host.check_output("systemctl show --property=MainPID --value prosody")

    def client(self, name: str, *, direct: bool = False) -> Client:
        return Client(f"{name}@{self.domain}", self.passwords[name], self.address, direct=direct)

    def serves(self) -> None:
        """Real clients sign in over STARTTLS and over direct TLS, and a message goes from one to the other."""
        with self.client("alice") as alice, self.client("bob", direct=True) as bob:
            alice.say(bob.stream, "still there")
            assert bob.hears("still there")


@pytest.fixture(scope="module")
def site(host: Any, tmp_path_factory: pytest.TempPathFactory) -> Site:
    content = host.file(CONFIG).content_string
    names = host.check_output(f"find {SECRETS} -maxdepth 1 -type f -printf '%f\\n'").split()
    domain = re.search(r'(?m)^VirtualHost "([^"]+)"', content)
    assert domain
    return Site(
        host,
        tmp_path_factory.mktemp("faults"),
        content,
        {name: host.file(f"{SECRETS}/{name}").content_string for name in names},
        host.check_output("hostname -I").split()[0],
        domain.group(1),
        {"alice": "first-of-the-scenario", "bob": "second-of-the-scenario"},
    )


@pytest.fixture
def fault(site: Site) -> Iterator[Site]:
    """A fault is planted on a working, unchanged service; afterwards everything is as it was, and it still serves."""
    before = site.state()
    yield site
    assert site.state() == before
    site.serves()
