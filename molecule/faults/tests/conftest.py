# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changing the configuration of the scenario's host with the real module, and real clients that look at the result."""

from __future__ import annotations

import asyncio
import json
import os
import re
import ssl
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import slixmpp

ROOT = Path(__file__).resolve().parents[3]
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
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
        "ANSIBLE_LIBRARY": str(Path(__file__).resolve().parents[1] / "library"),
    }
    done = subprocess.run(
        ["ansible-playbook", "-i", os.environ["MOLECULE_INVENTORY_FILE"], str(playbook), *options],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    start = done.stdout.find("{")
    assert start >= 0, done.stdout + done.stderr
    (result,) = json.loads(done.stdout[start:])["plays"][0]["tasks"][0]["hosts"].values()
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
        return Client(self, name, direct)

    def serves(self) -> None:
        """Real clients sign in over STARTTLS and over direct TLS, and a message goes from one to the other."""
        with self.client("alice") as alice, self.client("bob", direct=True) as bob:
            alice.say(bob, "still there")
            assert bob.hears("still there")


class Client:
    """A slixmpp client in a thread of its own; notes every message and whether its stream ever ended."""

    def __init__(self, site: Site, name: str, direct: bool) -> None:
        self.site, self.direct = site, direct
        self.jid = f"{name}@{site.domain}"
        self.password = site.passwords[name]
        self.heard: list[str] = []
        self.ended = 0
        self.leaving = False
        self.stream = ""
        self._new = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._failure = ""
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._xmpp = xmpp = slixmpp.ClientXMPP(self.jid, self.password)
        xmpp.ssl_context.check_hostname = False
        xmpp.ssl_context.verify_mode = ssl.CERT_NONE
        xmpp.enable_starttls = not self.direct
        xmpp.enable_direct_tls = self.direct
        xmpp.enable_plaintext = False
        xmpp.add_event_handler("session_start", self._started)
        xmpp.add_event_handler("message", self._message)
        xmpp.add_event_handler("failed_all_auth", self._refused)
        xmpp.add_event_handler("disconnected", self._disconnected)
        xmpp.connect(self.site.address, 5223 if self.direct else 5222)
        self._loop.run_forever()

    async def _started(self, _event: Any) -> None:
        self._xmpp.send_presence()
        await self._xmpp.get_roster()
        self.stream = str(self._xmpp.boundjid.full)
        self._ready.set()

    def _message(self, message: Any) -> None:
        with self._new:
            self.heard.append(str(message["body"]))
            self._new.notify_all()

    def _refused(self, _event: Any) -> None:
        self._failure = "the server refused the password"
        self._ready.set()

    def _disconnected(self, _event: Any) -> None:
        self.ended += not self.leaving

    def __enter__(self) -> Client:
        self._thread.start()
        assert self._ready.wait(20), f"{self.jid} could not sign in within 20 s (direct TLS: {self.direct})"
        assert not self._failure, self._failure
        return self

    def __exit__(self, *_exception: object) -> None:
        async def leave() -> None:
            self.leaving = True
            await self._xmpp.disconnect(wait=1.0)
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()
            self._loop.call_soon(self._loop.stop)

        asyncio.run_coroutine_threadsafe(leave(), self._loop)
        self._thread.join(5)

    def say(self, other: Client, text: str) -> None:
        self._loop.call_soon_threadsafe(lambda: self._xmpp.send_message(mto=other.stream, mbody=text, mtype="chat"))

    def hears(self, text: str, patience: float = 10.0) -> bool:
        with self._new:
            return self._new.wait_for(lambda: text in self.heard, patience)


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
        {"alice": "alice-of-the-scenario", "bob": "bob-of-the-scenario"},
    )


@pytest.fixture
def fault(site: Site) -> Iterator[Site]:
    """A fault is planted on a working, unchanged service; afterwards everything is as it was, and it still serves."""
    before = site.state()
    yield site
    assert site.state() == before
    site.serves()
