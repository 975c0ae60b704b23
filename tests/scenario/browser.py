# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Chromium in a container, driven from here: its debugging port is on loopback there, so a relay stands before it."""

from __future__ import annotations

import contextlib
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, sync_playwright

RELAY = """
import asyncio
async def one(reader, writer):
    inner, out = await asyncio.open_connection("127.0.0.1", 9222)
    async def copy(source, target):
        try:
            while data := await source.read(65536):
                target.write(data)
                await target.drain()
        finally:
            target.close()
    await asyncio.gather(copy(reader, out), copy(inner, writer), return_exceptions=True)
async def main():
    async with await asyncio.start_server(one, "0.0.0.0", 9223) as server:
        await server.serve_forever()
asyncio.run(main())
"""


@dataclass
class Seen:
    """What pages did that somebody should know of."""

    hosts: set[str] = field(default_factory=set)
    complaints: list[str] = field(default_factory=list)


def address_of(container: str) -> str:
    """The address of a container."""
    template = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
    done = subprocess.run(["docker", "inspect", "-f", template, container], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@contextlib.contextmanager
def chromium(container: str, name: str) -> Iterator[Browser]:
    """Run Chromium in `container`, where `name` and all below it are the container's own address."""
    address = address_of(container)
    rules = f"--host-resolver-rules=MAP {name} {address}"
    shell = ["chromium-headless-shell", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=9222", rules]
    with contextlib.ExitStack() as stack:
        for command in (shell, ["python3", "-c", RELAY]):
            process = stack.enter_context(
                subprocess.Popen(
                    ["docker", "exec", container, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
                )
            )
            stack.callback(process.kill)
        stack.callback(
            subprocess.run, ["docker", "exec", container, "pkill", "-f", "remote-debugging-port"], check=False
        )
        stack.callback(
            subprocess.run, ["docker", "exec", container, "pkill", "-f", "asyncio.start_server"], check=False
        )
        _wait(f"http://{address}:9223/json/version")
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.connect_over_cdp(f"http://{address}:9223")
        stack.callback(browser.close)
        yield browser


def _wait(url: str) -> None:
    end = time.monotonic() + 30
    while True:
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


def page(browser: Browser, seen: Seen, expected: tuple[int, ...] = (), **options: Any) -> Page:
    """A page in a browser profile of its own; what it does is noted in `seen`, but answers with `expected` statuses."""
    size = {"width": 1280, "height": 800}
    context = browser.new_context(ignore_https_errors=True, **{"viewport": size, **options})
    made = context.new_page()

    def console(message: Any) -> None:
        answered = any(f"status of {status}" in message.text for status in expected)
        if (message.type == "error" or "Content Security Policy" in message.text) and not answered:
            seen.complaints.append(f"console: {message.text[:400]}")

    def address(url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https", "ws", "wss"):
            seen.hosts.add(parts.netloc)

    made.on("console", console)
    made.on("pageerror", lambda error: seen.complaints.append(f"error: {str(error)[:400]}"))
    made.on("request", lambda request: address(request.url))
    made.on("websocket", lambda socket: address(socket.url))
    return made
