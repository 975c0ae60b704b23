# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users who do too much, run on the host with the client and the accounts of the probes. Everything has an end.

python3 users.py refused COUNT | registered COUNT NAME TOKEN | flood COUNT PER_SECOND | relays COUNT SECONDS
"""

from __future__ import annotations

import contextlib
import json
import secrets
import signal
import ssl
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.monitor import turn
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.monitor.session import Session

CONFIG = json.loads(Path("/etc/xmpp/monitoring/probe.json").read_text(encoding="utf-8"))
TARGET = CONFIG["targets"][0]
PLACE = (TARGET["address"], TARGET["ports"]["c2s"])
CONTEXT = ssl.create_default_context(cafile=CONFIG["ca"] or None)


class Guest(Session):
    """Goes as far as TLS, and makes an account with an invitation (XEP-0445) in place of signing in."""

    def _sign_in(self, password: str) -> None:
        self._open()
        account = f"<username>{self.user}</username><password>{secrets.token_hex(12)}</password>"
        self.ask("set", self.domain, f"<preauth xmlns='urn:xmpp:pars:0' token='{password}'/>")
        self.ask("set", self.domain, f"<query xmlns='jabber:iq:register'>{account}</query>")


def sign_in(number: int) -> Session:
    """Out: one of the two accounts, signed in."""
    account = TARGET["accounts"][number]
    return Session(*PLACE, account["jid"], account["password"], CONTEXT, timeout=120)


def guess(_attempt: int) -> bool:
    """Try a wrong password. Out: whether it was taken."""
    try:
        Session(*PLACE, TARGET["accounts"][0]["jid"], "a guess", CONTEXT)
    except XmppError:
        return False
    return True


def refused(count: int) -> None:
    """Try wrong passwords, several at once: on a busy machine, too, there are many in a short time."""
    with ThreadPoolExecutor(8) as pool:
        if any(pool.map(guess, range(count))):
            raise SystemExit("a wrong password was taken")


def registered(count: int, name: str, token: str) -> None:
    """Make accounts NAME-0, NAME-1, … with an invitation for many."""
    for number in range(count):
        Guest(*PLACE, f"{name}-{number}@{TARGET['domain']}", token, CONTEXT).close()


def flood(count: int, per_second: int) -> None:
    """Write to one another."""
    pair = sign_in(0), sign_in(1)
    began = time.monotonic()
    for number in range(count):
        pair[number % 2].send_message(pair[1 - number % 2].jid, "flood", secrets.token_hex(4))
        time.sleep(max(0.0, began + number / per_second - time.monotonic()))
    for session in pair:
        session.close()


def relays(count: int, seconds: int) -> None:
    """Hold relays of the TURN server, and give them back at the end or when asked to end."""
    signal.signal(signal.SIGTERM, lambda *_args: sys.exit())
    session = sign_in(0)
    user, password = session.turn_credentials()
    with contextlib.ExitStack() as held:
        for _relay in range(count):
            held.enter_context(turn.relay(TARGET["turn_address"], TARGET["ports"]["stun_udp"], user, password))
        time.sleep(seconds)
    session.close()


if __name__ == "__main__":
    what, numbers = sys.argv[1], sys.argv[2:]
    if what == "registered":
        registered(int(numbers[0]), *numbers[1:])
    else:
        {"refused": refused, "flood": flood, "relays": relays}[what](*map(int, numbers))
