# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""All checks, in the order in which they run, and the one function that runs them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check import (
    features,
    federation,
    invitations,
    messages,
    ports,
    relay,
    rooms,
    sign_in,
    transfers,
    upload,
    web,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.outcome import (
    PROSODY_LOG,
    CheckFailed,
    NotOffered,
    NotTried,
    Outcome,
    explain,
    without_secrets,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.stage import Stage, Target
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError, printable


@dataclass(frozen=True)
class Check:
    """A check: how lines call it, what does it, how many waits of `timeout` it may add up to.

    A service that goes without all of `of` (features, modules) has nothing to check here.
    """

    title: Callable[[Target], str]
    run: Callable[[Stage], Awaitable[str]]
    waits: int = 2
    of: Sequence[Sequence[str]] = ()

    def applies(self, without: Sequence[str]) -> bool:
        """Whether a service that goes without these has what is checked: one of `of`, known under any of its names."""
        return not self.of or any(not set(names) & set(without) for names in self.of)


TURN = [("turn", "turn_external", "external_services")]
CHECKS: dict[str, Check] = {
    "starttls": Check(lambda target: f"STARTTLS {target.ports['c2s']}", sign_in.starttls, of=[("starttls",)]),
    "direct_tls": Check(
        lambda target: f"direct TLS {target.ports['c2s_tls']}", sign_in.direct_tls, of=[("direct_tls",)]
    ),
    "message": Check(lambda target: "message", messages.message),
    "archive": Check(lambda target: "archive", messages.archive, of=[("archive", "mam")]),
    "features": Check(lambda target: "features", features.features),
    "room": Check(lambda target: "room", rooms.room, 4, [("rooms", "muc", "room")]),
    "upload": Check(lambda target: "upload", upload.upload, 3, [("upload", "http_file_share")]),
    "proxy": Check(lambda target: "file transfer", transfers.proxy, 4, [("proxy", "proxy65")]),
    "turn_credentials": Check(lambda target: "TURN credentials", relay.credentials, of=TURN),
    "turn_udp": Check(lambda target: "TURN over UDP", relay.udp, 3, TURN),
    "turn_tcp": Check(lambda target: "TURN over TCP", relay.tcp, 3, TURN),
    "turn_tls": Check(lambda target: "TURN over TLS", relay.tls, 3, TURN),
    "host_meta": Check(lambda target: "host-meta", web.host_meta, of=[("websocket",), ("bosh",)]),
    "websocket": Check(lambda target: "WebSocket", web.websocket, of=[("websocket",)]),
    "bosh": Check(lambda target: "BOSH", web.bosh, of=[("bosh",)]),
    "invitations": Check(lambda target: "invitation page", invitations.page, 3, [("invites_page",)]),
    "s2s": Check(lambda target: f"federation {target.ports['s2s']}", federation.s2s, 4, [("s2s",)]),
    "s2s_tls": Check(lambda target: f"federation {target.ports['s2s_tls']}", federation.s2s_tls, 2, [("s2s_tls",)]),
    "closed_ports": Check(lambda target: "closed ports", ports.closed_ports),
}
SIGN_IN = {"starttls", "direct_tls"}
WITHOUT_ACCOUNTS = SIGN_IN | {"host_meta", "websocket", "bosh", "invitations", "s2s", "s2s_tls", "closed_ports"}


@dataclass(frozen=True)
class Report:
    """All outcomes, and where in the archive the message of this run lies ("" when none was delivered)."""

    outcomes: list[Outcome]
    marker: str
    archive_id: str
    archived: str


async def run(target: Target, names: Sequence[str] = tuple(CHECKS)) -> Report:
    """Run the checks named, in the order of CHECKS; one that fails does not keep another from being tried.

    Checks that need the accounts signed in bring a sign-in along when none is among them; what the service goes
    without is left out.
    Nothing of what is returned contains a secret. Raises nothing but what ends the process.
    """
    stage = Stage(target)
    outcomes = []
    wanted = set(names)
    if not wanted & SIGN_IN and wanted - WITHOUT_ACCOUNTS:
        wanted.add("direct_tls" if "starttls" in target.without else "starttls")
    with _quiet():
        try:
            for name, check in CHECKS.items():
                if name in wanted and check.applies(target.without):
                    outcomes.append(await _run_one(stage, name, check))
        finally:
            await stage.close()
    hidden = [
        replace(
            outcome,
            seen=printable(without_secrets(outcome.seen, stage.secrets)),
            advice=printable(without_secrets(outcome.advice, stage.secrets)),
        )
        for outcome in outcomes
    ]
    return Report(hidden, stage.marker, stage.archive_id, stage.archived)


async def _run_one(stage: Stage, name: str, check: Check) -> Outcome:
    title = check.title(stage.target)
    limit = check.waits * stage.target.timeout
    began = time.monotonic()
    advice = ""
    try:
        seen, state = await asyncio.wait_for(check.run(stage), limit), "ok"
    except CheckFailed as error:
        seen, state, advice = f"{error.attempted}: {error.seen}", "failed", error.advice
    except NotTried as error:
        seen, state = str(error), "not_tried"
    except NotOffered as error:
        seen, state = str(error), "not_offered"
    except XmppError as error:
        seen, state = str(error), "failed"
    except asyncio.TimeoutError:
        seen, state, advice = (
            f"not done within {limit:g} s",
            "failed",
            f"The server is slow or hangs: {PROSODY_LOG}",
        )
    except Exception as error:
        seen, state = f"unexpected {type(error).__name__}: {explain(error)}", "failed"
    return Outcome(name, title, state, seen, advice, time.monotonic() - began)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Libraries log stanzas and bytes, in which secrets lie: nothing of theirs leaves while checks run."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
