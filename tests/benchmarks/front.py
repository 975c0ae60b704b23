# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Speed of a service with the proxy: sign-ins by each way in, a file of 50 MB up and down beside what the disk takes,
the first view of the web client where there is a Chromium, and memory of nginx and haproxy.

    bin/deploy && python tests/benchmarks/front.py [--container xmpp-quickstart] [--domain chat.localhost] [--seconds 8]
    molecule converge -s web && python tests/benchmarks/front.py --container xmpp-web

Everything is measured in turns in one run, so that ratios can be compared between machines. Exit code 1 when a way
through the proxy has less than half of the sign-ins that there are without it. Makes an account and removes it.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import os
import re
import secrets
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / ".cache"))

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.client import Account  # noqa: E402
from ansible_collections.allthingslinux.xmpp.tests.scenario.browser import Seen, address_of, chromium, page  # noqa: E402
from ansible_collections.allthingslinux.xmpp.tests.scenario.proxied import Proxied  # noqa: E402
from ansible_collections.allthingslinux.xmpp.tests.scenario.trust import everybody  # noqa: E402

AT_ONCE = 4
ROUNDS = 3
SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
STREAM = "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='{}' version='1.0'>"
OPEN = "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='{}' version='1.0'/>"


def tls(address: str, port: int, name: str, alpn: str | None) -> ssl.SSLSocket:
    """A connection with TLS."""
    context = everybody()
    if alpn:
        context.set_alpn_protocols([alpn])
    return context.wrap_socket(socket.create_connection((address, port), 20), server_hostname=name)


class Stream:
    """XMPP over TLS from the first byte, or over a WebSocket (RFC 7395)."""

    def __init__(self, address: str, port: int, domain: str, alpn: str | None, websocket: bool) -> None:
        self.domain, self.websocket, self.seen = domain, websocket, ""
        self.socket = tls(address, port, domain, alpn)
        if websocket:
            key = base64.b64encode(secrets.token_bytes(16)).decode()
            lines = [
                "GET /xmpp-websocket HTTP/1.1",
                f"Host: {domain}",
                "Connection: Upgrade",
                "Upgrade: websocket",
                "Sec-WebSocket-Version: 13",
                f"Sec-WebSocket-Key: {key}",
                "Sec-WebSocket-Protocol: xmpp",
            ]
            self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
            self.until(r"101 .*\r\n\r\n")

    def open(self) -> None:
        """Begin a stream, and wait for what it offers."""
        self.send((OPEN if self.websocket else STREAM).format(self.domain))
        self.until(r"</(stream:)?features>")

    def send(self, text: str) -> None:
        """Send a text; a frame of its own and masked over a WebSocket (RFC 6455 section 5)."""
        data = text.encode()
        if self.websocket:
            size = bytes([0x80 | len(data)]) if len(data) < 126 else b"\xfe" + struct.pack("!H", len(data))
            # a mask of nothing but zeros changes nothing
            data = b"\x81" + size + bytes(4) + data
        self.socket.sendall(data)

    def until(self, pattern: str) -> re.Match[str]:
        """Read until something is there; what came before it is forgotten."""
        while not (found := re.search(pattern, self.seen, re.DOTALL)):
            data = self.socket.recv(65536)
            if not data:
                raise OSError(f"the stream ended before {pattern}")
            self.seen += data.decode("utf-8", "replace")
        self.seen = self.seen[found.end() :]
        return found

    def sign_in(self, name: str, password: str) -> None:
        """SCRAM-SHA-256 (RFC 7677), and a resource."""
        self.open()
        nonce = secrets.token_hex(12)
        bare = f"n={name},r={nonce}"
        first = base64.b64encode(f"n,,{bare}".encode()).decode()
        self.send(f"<auth xmlns='{SASL}' mechanism='SCRAM-SHA-256'>{first}</auth>")
        challenge = base64.b64decode(self.until(r"<challenge[^>]*>([^<]+)</challenge>")[1]).decode()
        given = dict(part.split("=", 1) for part in challenge.split(","))
        salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(given["s"]), int(given["i"]))
        key = hmac.digest(salted, b"Client Key", "sha256")
        without = f"c=biws,r={given['r']}"
        signature = hmac.digest(hashlib.sha256(key).digest(), f"{bare},{challenge},{without}".encode(), "sha256")
        proof = base64.b64encode(bytes(one ^ other for one, other in zip(key, signature, strict=True))).decode()
        last = base64.b64encode(f"{without},p={proof}".encode()).decode()
        self.send(f"<response xmlns='{SASL}'>{last}</response>")
        self.until(r"<success")
        self.open()
        bind = "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>"
        self.send(f"<iq xmlns='jabber:client' type='set' id='b'>{bind}</iq>")
        self.until(r"<jid>[^<]+</jid>")


WAYS: dict[str, tuple[int, str | None, bool]] = {
    "direct TLS at 5223": (5223, "xmpp-client", False),
    "direct TLS at 443": (443, "xmpp-client", False),
    "WebSocket at 443": (443, None, True),
}


def sign_ins(address: str, domain: str, account: tuple[str, str], way: str, seconds: float) -> int:
    """How many sign-ins several clients make in that time."""
    port, alpn, websocket = WAYS[way]
    end, done, failed = time.monotonic() + seconds, [0] * AT_ONCE, []

    def client(number: int) -> None:
        try:
            while time.monotonic() < end:
                stream = Stream(address, port, domain, alpn, websocket)
                stream.sign_in(*account)
                stream.socket.close()
                done[number] += 1
        except OSError as error:
            failed.append(str(error))

    threads = [threading.Thread(target=client, args=(number,)) for number in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise SystemExit(f"{way}: {failed[0]}")
    return sum(done)


def transfer(service: Proxied, account: Account, size: int) -> tuple[float, float]:
    """MB/s of an upload and of the download."""
    content = secrets.token_bytes(size)
    put, get, headers = service.slot(account, size)
    began = time.monotonic()
    assert service.ask(put, "PUT", content, **headers).status == 201
    middle = time.monotonic()
    assert service.ask(get).body == content
    return size / 1e6 / (middle - began), size / 1e6 / (time.monotonic() - middle)


# what the disk takes below Prosody's files, until it is really there
DISK = (
    "cd /var/lib/prosody && dd if=/dev/urandom of=/tmp/bench.bin bs=1M count=48 2>/dev/null && "
    "dd if=/tmp/bench.bin of=bench.bin bs=256k conv=fsync 2>&1 | tail -n 1; rm -f bench.bin /tmp/bench.bin"
)


def disk(service: Proxied) -> float:
    """MB/s that the disk takes, as dd says it."""
    said = service.shell(DISK)
    found = re.search(r"copied, ([0-9.]+) s", said)
    if not found:
        raise SystemExit(f"dd does not say how long it took: {said}")
    return 48 * 1.048576 / float(found[1])


def first_view(service: Proxied) -> tuple[int, int, list[float]]:
    """Bytes and requests of the page at /, and milliseconds until one can sign in: anew each time, then cached."""
    entries = "[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]"
    size, count, times = 0, 0, []
    with chromium(service.container, service.domain) as browser:
        for _round in range(ROUNDS):
            made = page(browser, Seen())
            for again in (False, True):
                began = time.monotonic()
                made.goto(f"https://{service.domain}/")
                made.wait_for_selector("input[name=password]")
                if not again:
                    times.append((time.monotonic() - began) * 1000)
                    made.wait_for_load_state("networkidle")
                    size = made.evaluate(f"{entries}.reduce((sum, one) => sum + one.transferSize, 0)")
                    count = made.evaluate(f"{entries}.length")
                elif _round == ROUNDS - 1:
                    times.append((time.monotonic() - began) * 1000)
            made.context.close()
    return size, count, times


PSS = "awk '/^Pss:/ {{print $2}}' /proc/$pid/smaps_rollup"
MEMORY = f"for pid in $(pgrep -x {{}}); do {PSS}; done | awk '{{{{sum += $1}}}} END {{{{print sum + 0}}}}'"


def main() -> int:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--container", default="xmpp-quickstart")
    parser.add_argument("--domain", default="chat.localhost")
    parser.add_argument("--seconds", type=float, default=8)
    options = parser.parse_args()
    if subprocess.run(["docker", "inspect", options.container], capture_output=True, check=False).returncode:
        print(f"There is no container {options.container}: make one with bin/deploy")
        return 1
    service = Proxied(options.container, options.domain, address_of(options.container))
    name, password = f"bench-{secrets.token_hex(3)}", secrets.token_hex(12)
    jid = f"{name}@{options.domain}"
    service.shell(f'prosodyctl shell \'user:create("{jid}", "{password}")\'')
    try:
        return measure(service, Account(jid, password), (name, password), options.seconds)
    finally:
        service.shell(f"prosodyctl shell 'user:delete(\"{jid}\")'")


def measure(service: Proxied, account: Account, pair: tuple[str, str], seconds: float) -> int:
    """Print what was measured; out: 1 where the proxy costs too much."""
    counts = dict.fromkeys(WAYS, 0)
    for _round in range(ROUNDS):
        for way in WAYS:
            counts[way] += sign_ins(service.address, service.domain, pair, way, seconds / ROUNDS)
    rates = {way: count / seconds for way, count in counts.items()}
    direct = next(iter(rates.values()))
    for way, rate in rates.items():
        print(f"{way:22} {rate:6.1f} sign-ins/s   {rate / direct:5.2f}")
    for number in range(ROUNDS):
        up, down = transfer(service, account, 50_000_000)
        takes = disk(service)
        print(f"50 MB, {number + 1:<15} {up:6.1f} MB/s up    {down:6.1f} MB/s down   the disk {takes:6.1f} MB/s")
    if service.shell("command -v chromium-headless-shell", check=False):
        size, count, (*anew, cached) = first_view(service)
        print(f"first view             {size / 1000:6.0f} kB in {count} requests")
        print(f"until one can sign in  {min(anew):6.0f} ms, cached {cached:.0f} ms")
    for name in ("nginx", "haproxy"):
        if used := int(service.shell(MEMORY.format(name))):
            print(f"memory of {name:<12} {used / 1024:6.1f} MB")
    print(f"load of the machine    {os.getloadavg()[0]:6.1f}")
    return 1 if min(rates.values()) < direct / 2 else 0


if __name__ == "__main__":
    sys.exit(main())
