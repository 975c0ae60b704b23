# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Asks servers of Prosody on other hosts, all the time, from where they refused sign-ins, and says so line by line.

The lines go to the journal of the host where connections of clients end, and there fail2ban reads them. They are those
of mod_log_refused_sign_ins; whom to ask is in a file (JSON): `ca` (a file), `interval` (seconds), and `servers`, each
with `name`, `address`, `port` and `domain`. A server that were another's could have addresses banned, and nothing else.

    python3 -m ansible_collections.allthingslinux.xmpp.plugins.module_utils.front.refusals FILE
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import socket
import ssl
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError

PATH = "/refused_sign_ins"
_MOST = 1000
"""Addresses of one answer; as many are kept by mod_front_refusals."""
_BYTES = 200_000
_TIMEOUT = 5.0
_ENDS_AFTER = 12 * 3600.0
"""Seconds after which systemd begins us anew, with the authority as it is then."""


class RefusalsError(XmppError):
    """A server does not tell, or in a form that is not known."""


@dataclass(frozen=True)
class Place:
    """How far we have read what a server tells. run: of its Prosody, "" where we have read nothing yet."""

    run: str = ""
    last: int = 0

    @property
    def query(self) -> str:
        """The path and query by which it is asked for what came after."""
        return f"{PATH}?run={self.run}&after={self.last}"


def read_answer(text: str, before: Place) -> tuple[Place, list[str]]:
    """Read what a server told: how far we are now, and the addresses that are new. Raises RefusalsError.

    At first what was refused before is passed over: it was told to who asked before us. Whatever is no address is left
    out, and one of IPv4 in the clothes of IPv6 is undressed.
    """
    try:
        found = json.loads(text)
        now = Place(str(found["run"]), int(found["last"]))
        given = list(found["addresses"])
    except (ValueError, KeyError, TypeError) as error:
        raise RefusalsError("it answers in a form that is not known") from error
    if not now.run.replace("-", "").replace("_", "").isalnum() or len(now.run) > 100 or now.last < 0:
        raise RefusalsError("it answers in a form that is not known")
    if not before.run:
        return now, []
    return now, [text for one in given[-_MOST:] if (text := _address(one))]


def _address(given: Any) -> str:
    try:
        address = ipaddress.ip_address(given if isinstance(given, str) else "")
    except ValueError:
        return ""
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


def line(address: str, server: str) -> str:
    """What is said of one refused sign-in; the filter of fail2ban knows its beginning."""
    return f"Sign-in refused (not-authorized) from address {address} at {server}"


class _Connection(http.client.HTTPSConnection):
    """To an address, and proved to be who has the certificate of a domain."""

    def __init__(self, server: Mapping[str, Any], context: ssl.SSLContext) -> None:
        super().__init__(server["domain"], int(server["port"]), timeout=_TIMEOUT, context=context)
        self._place = (str(server["address"]), int(server["port"]))
        self._tls = context

    def connect(self) -> None:
        """Connect there, whatever DNS says of the domain."""
        plain = socket.create_connection(self._place, _TIMEOUT)
        try:
            self.sock = self._tls.wrap_socket(plain, server_hostname=self.host)
        except OSError:
            plain.close()
            raise


class Server:
    """One of them, and how far we have read what it tells."""

    def __init__(self, given: Mapping[str, Any], context: ssl.SSLContext) -> None:
        self.name = str(given["name"])
        self.place = Place()
        self._connection = _Connection(given, context)

    def ask(self) -> list[str]:
        """Return the addresses from which sign-ins were refused since it was asked last. Raises RefusalsError."""
        try:
            self._connection.request("GET", self.place.query)
            answer = self._connection.getresponse()
            text = answer.read(_BYTES + 1)
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise RefusalsError(f"{type(error).__name__}: {error}") from error
        if answer.status != 200 or len(text) > _BYTES:
            self._connection.close()
            raise RefusalsError(f"it answers {answer.status} with {len(text)} bytes")
        self.place, found = read_answer(text.decode("utf-8", "replace"), self.place)
        return found


def follow(server: Server, interval: float, say: Any, stop: threading.Event) -> None:
    """Ask it again and again until `stop`, and say what it tells; that it tells nothing is said once."""
    silent = ""
    while not stop.is_set():
        try:
            for address in server.ask():
                say(line(address, server.name))
            if silent:
                say(f"{server.name} tells again from where it refused sign-ins")
            silent = ""
        except RefusalsError as error:
            if str(error) != silent:
                say(f"{server.name} does not tell from where it refused sign-ins, so nobody is banned for it: {error}")
            silent = str(error)
        stop.wait(interval)


def run(given: Mapping[str, Any], say: Any, stop: threading.Event) -> None:
    """Follow all servers, each on its own so that one that hangs keeps no other back, until `stop`."""
    context = ssl.create_default_context(cafile=given["ca"])
    threads = [
        threading.Thread(target=follow, args=(Server(one, context), float(given["interval"]), say, stop))
        for one in given["servers"]
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main(arguments: Sequence[str]) -> None:
    """Follow those in the file that is named for half a day."""
    lock = threading.Lock()

    def say(text: str) -> None:
        with lock:
            sys.stdout.write(f"{text}\n")
            sys.stdout.flush()

    stop = threading.Event()
    timer = threading.Timer(_ENDS_AFTER, stop.set)
    timer.daemon = True
    timer.start()
    run(json.loads(Path(arguments[0]).read_text(encoding="utf-8")), say, stop)


if __name__ == "__main__":
    main(sys.argv[1:])
