# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is kept of a person: seen, and removed as far as it is theirs alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.person.server import (
    ARCHIVES,
    Person,
    PersonError,
    Upload,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.xmpp.jid import Jid


@dataclass(frozen=True)
class Kept:
    """What the server keeps of a person. messages: how many."""

    account: bool
    stores: tuple[str, ...]
    messages: int
    uploads: tuple[Upload, ...]
    rooms: tuple[str, ...]
    contacts: tuple[Jid, ...]

    @property
    def anything(self) -> bool:
        """Whether there is anything at all."""
        return bool(self.account or self.stores or self.messages or self.uploads or self.rooms or self.contacts)

    def told(self) -> dict[str, Any]:
        """Out: as data."""
        return {
            "account": self.account,
            "stores": list(self.stores),
            "messages": self.messages,
            "uploads": len(self.uploads),
            "rooms": list(self.rooms),
            "contacts": [one.bare for one in self.contacts],
        }


def look(person: Person) -> Kept:
    """Out: what there is."""
    return Kept(
        person.there,
        tuple(sorted(person.stores())),
        sum(person.count(store) for store in ARCHIVES),
        tuple(person.uploads()),
        tuple(sorted(person.rooms())),
        tuple(person.contacts()),
    )


def erase(person: Person, kept: Kept) -> None:
    """Remove it. It can be ended at any place, and repeated. Raises AdminCommandFailed."""
    # the account goes last of what is found by it
    person.forget_uploads(list(kept.uploads))
    for room in kept.rooms:
        person.forget_room(room)
    person.delete()
    # Prosody leaves a row that says that there is no subscription
    for contact in kept.contacts:
        person.forget_contact(contact)


def prove(kept: Kept) -> None:
    """In: what is there afterwards. Raises PersonError where anything is."""
    # the tombstone of an address that nobody can take again is no store of the account
    left = {name: value for name, value in kept.told().items() if value}
    if left:
        raise PersonError(f"Not everything is gone: {', '.join(f'{name} {value}' for name, value in left.items())}.")
