# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A message both ways, and back out of the archive."""

from __future__ import annotations

import asyncio
import time

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.client import (
    Client,
    NoAnswer,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.outcome import (
    PROSODY_LOG,
    CheckFailed,
    NotTried,
    milliseconds,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.stage import Stage
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.stanzas import (
    StanzaRefused,
    archive_id,
    body_of,
    bounced,
    has_body,
    refusal,
)

LOOK = f"Look at the log ({PROSODY_LOG}), at the rules of mod_firewall and at blocking between the two accounts"


async def message(stage: Stage) -> str:
    """first → second and second → first, to the bare JIDs."""
    first, second = stage.clients()
    there = await _deliver(first, second, f"check {stage.marker} there")
    back = await _deliver(second, first, f"check {stage.marker} back")
    stage.archived, stage.archive_id = second.account.jid, there[1]
    return f"{first.account.name} to {second.account.name} in {milliseconds(there[0])}, back in {milliseconds(back[0])}"


async def _deliver(sender: Client, receiver: Client, body: str) -> tuple[float, str]:
    """Send and see it come: (seconds, archive id the receiver's archive stamped on it). Raises CheckFailed."""
    arrival = receiver.expect(has_body(body))
    began = time.monotonic()
    message_id = sender.send_message(receiver.account.jid, body)
    bounce = sender.expect(bounced(message_id))
    done, _pending = await asyncio.wait(
        {arrival, bounce}, timeout=receiver.timeout, return_when=asyncio.FIRST_COMPLETED
    )
    attempted = f"message from {sender.account.jid} to {receiver.account.jid}"
    if bounce in done:
        raise CheckFailed(attempted, f"came back as {refusal(bounce.result())}", LOOK)
    if arrival not in done:
        raise CheckFailed(attempted, f"did not arrive within {receiver.timeout:g} s", LOOK)
    bounce.cancel()
    return time.monotonic() - began, archive_id(arrival.result(), receiver.account.jid)


async def archive(stage: Stage) -> str:
    """The message of check `message` in both archives: the receiver's by its archive id, the sender's by its body."""
    first, second = stage.clients()
    if not stage.archived:
        raise NotTried("not tried, because no message was delivered")
    look = f"Is mam loaded for the host (prosodyctl shell module list), and does its store answer? {PROSODY_LOG}"
    if not stage.archive_id:
        raise CheckFailed("archiving a message", "it was delivered without an archive id (XEP-0359 stanza-id)", look)
    attempted = f"reading the message back from the archive of {second.account.jid}"
    try:
        found = await second.archive(ids=[stage.archive_id])
        sent = await first.archive(with_jid=second.account.jid)
    except (StanzaRefused, NoAnswer) as error:
        raise CheckFailed(attempted, str(error), look) from None
    if not any(entry.id == stage.archive_id and stage.marker in body_of(entry.message) for entry in found):
        raise CheckFailed(attempted, f"no message under the archive id {stage.archive_id} it was delivered with", look)
    if not any(stage.marker in body_of(entry.message) for entry in sent):
        raise CheckFailed(
            f"reading the message back from the archive of {first.account.jid}",
            f"not among its newest {len(sent)} messages with {second.account.jid}",
            look,
        )
    return f"read back from both archives, archive id {stage.archive_id}"
