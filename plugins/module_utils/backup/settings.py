# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a host is told of its backups: /etc/xmpp/backup/backup.json, and the places that are always the same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError

CONFIG = Path("/etc/xmpp/backup/backup.json")
STATE = Path("/var/lib/xmpp-backup/state.json")
SET = Path("/var/lib/xmpp-backup/set.json")
SEALED = Path("/var/lib/xmpp-backup/controller.vault")
"""The controller's own secrets, which this host cannot read."""
RESTORE = Path("/var/lib/xmpp-backup/restore.json")
LOCK = Path("/var/lib/xmpp-backup/lock")
"""Not in /run, which a timer of containers and the companion in which roles work do not share."""
FORMAT = 1
"""Of set.json. A number that is higher than this is of a later version of the collection."""


class BackupError(XmppError):
    """What keeps a backup from being made, proved or brought back."""


@dataclass(frozen=True)
class Settings:
    """host: its name in the repository; database: the name of Prosody's, "" where there is none on the host.

    paths: what restic keeps, all of which must be there; maybe: what it keeps where it is there; cluster: the version
    of PostgreSQL; repository: the directory that all backups of the host are in, or its address where that is another
    host's; restic, environment, options: how restic comes to its part of it.
    """

    host: str
    database: str
    cluster: str
    paths: tuple[str, ...]
    maybe: tuple[str, ...]
    excludes: tuple[str, ...]
    retention_days: int
    repository: str
    metrics: str
    collection: str
    restic: str
    environment: Mapping[str, str]
    options: tuple[str, ...]

    @property
    def elsewhere(self) -> bool:
        """Whether the repository is reached over the network."""
        return not self.repository.startswith("/")

    @property
    def data(self) -> Path:
        """The directory of the database cluster."""
        return Path(f"/var/lib/postgresql/{self.cluster}/main")


def of(data: dict[str, Any]) -> Settings:
    """In: the configuration as data. Raises KeyError, TypeError."""
    return Settings(
        data["host"],
        data["database"],
        data["cluster"],
        tuple(data["paths"]),
        tuple(data["maybe"]),
        tuple(data["excludes"]),
        int(data["retention_days"]),
        data["repository"],
        data["metrics"],
        data["collection"],
        data["restic"],
        dict(data["environment"]),
        tuple(data["options"]),
    )


def load(path: Path = CONFIG) -> Settings:
    """Raises BackupError."""
    try:
        return of(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise BackupError(f"There is no {path}: this host is not set up for backups. Deploy it first.") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BackupError(f"{path} cannot be read ({error}): deploy the host again.") from error
