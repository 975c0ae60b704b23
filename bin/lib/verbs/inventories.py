# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory that is meant: a name of one in inventories/, or a path that starts where the operator is."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from .table import QUICKSTART
from .words import Refusal, meant


def names(root: Path) -> list[str]:
    """Out: what lies in inventories/ of the checkout."""
    top = root / "inventories"
    return sorted(path.name for path in top.iterdir() if path.is_dir()) if top.is_dir() else []


def is_domain(root: Path, name: str, here: Path) -> bool:
    """Whether a word is meant as a domain: it has dots between labels, and there is no inventory of that name."""
    if name in names(root) or (here / name).exists():
        return False
    return bool(re.fullmatch(r"(?!-)[^\W_](?:[\w-]*[^\W_])?(?:\.[^\W_](?:[\w-]*[^\W_])?)+\.?", name))


def find(root: Path, name: str, here: Path) -> Path:
    """Out: where the inventory lies; raises Refusal where there is none, or nothing in it."""
    known = names(root)
    name = name or QUICKSTART
    if name in known:
        path = root / "inventories" / name
    elif (here / name).exists():
        path = (here / name).resolve() if (here / name).is_dir() else (here / name).parent.resolve() / Path(name).name
    else:
        beside = [str(Path(name).parent / one.name) for one in (here / name).parent.glob("*")] if "/" in name else known
        raise Refusal(
            f"there is no inventory {name}",
            meant(name, beside),
            f"Known: {' '.join(known)}",
            "A path to one of your own does as well.",
        )
    if path.is_dir() and not any(not entry.name.startswith(".") for entry in path.iterdir()):
        raise Refusal(
            f"the inventory {path} is empty",
            f"Copy one of {root}/inventories there, and edit the lines that say EDIT.",
        )
    return path


_CONTAINED = re.compile(
    r"""^(?:[^#\n]*[{,\s])?["']?xmpp_backend["']?\s*[:=]\s*["']?container["']?\s*(?:[\s,}#]|$)""", re.MULTILINE
)


def _texts(path: Path) -> Iterator[str]:
    """Out: what stands in the files of an inventory."""
    files = (
        [path] if path.is_file() else [file for file in path.rglob("*") if file.suffix in ("", ".yml", ".yaml", ".ini")]
    )
    for file in files:
        if file.is_file() and ".secrets" not in file.parts:
            yield file.read_text(encoding="utf-8", errors="replace")


def in_containers(path: Path) -> bool:
    """Out: whether an inventory says that its services are containers (xmpp_backend), in whichever of its files."""
    return any(_CONTAINED.search(text) for text in _texts(path))


def all_elsewhere(path: Path, tool: Path) -> bool:
    """Out: whether each host of an inventory names the engine on which its containers are (containers_engine).

    tool: the command ansible-inventory.
    """
    if not any("containers_engine" in text for text in _texts(path)):
        return False
    asked = subprocess.run([str(tool), "-i", str(path), "--list"], capture_output=True, text=True, check=False)
    try:
        hosts = json.loads(asked.stdout)["_meta"]["hostvars"].values()
    except (ValueError, KeyError):
        return False
    return all(one.get("containers_engine") or one.get("xmpp_backend") != "container" for one in hosts)
