# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which accounts were declared before: a file of names, so that one that is declared no more is not forgotten.

The file is JSON, host to local parts in order. Accounts that nobody ever declared, such as those of users who were
invited, are never in it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.accounts.model import Account
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.files import durable


def undeclared(before: Collection[str], declared: Collection[str], existing: Mapping[str, Account]) -> list[str]:
    """Return who was declared before, is not now, and can still sign in. existing: name to account."""
    left = set(before) - set(declared)
    return sorted(name for name in left if name in existing and existing[name].enabled)


def updated(
    before: Collection[str], declared: Iterable[str], absent: Collection[str], existing: Collection[str]
) -> set[str]:
    """Return who is to be remembered: who is declared to exist, and who was and still does.

    declared: all names of the declarations; absent: those among them that shall not exist.
    """
    declared = set(declared)
    return (declared - set(absent)) | {name for name in set(before) - declared if name in existing}


def read(path: Path) -> dict[str, list[str]]:
    """Return host to names. Raises XmppError for a file that cannot be read; without one nobody was declared."""
    try:
        found: Any = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise XmppError(f"Cannot read which accounts were declared before from {path}: {error}.") from None
    if not isinstance(found, dict) or not all(isinstance(names, list) for names in found.values()):
        raise XmppError(f"{path} does not hold which accounts were declared before: remove it to begin anew.")
    return {str(host): [str(name) for name in names] for host, names in found.items()}


def write(path: Path, host: str, names: Iterable[str]) -> None:
    """Put the names of one host in the place of those before, for root alone. Raises XmppError."""
    before = read(path)
    wanted = {**before, host: sorted(names)}
    if wanted == before or (not wanted[host] and host not in before):
        return
    try:
        durable.write_json(path, wanted)
    except OSError as error:
        raise XmppError(f"Cannot write which accounts are declared to {path}: {error}.") from None
