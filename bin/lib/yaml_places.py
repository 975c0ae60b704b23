# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the files of an inventory are no YAML: Ansible ends before the first task then, and does not always say where.

Arguments: the inventory. Standard output: a line for each file, with its line, its column and what the parser wants.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

_VARIABLES = ("group_vars", "host_vars")


def files(inventory: Path) -> Iterator[Path]:
    """Out: what Ansible reads as YAML for an inventory, be it a file or a directory."""
    top = inventory if inventory.is_dir() else inventory.parent
    candidates = [inventory] if inventory.is_file() else sorted(top.iterdir())
    candidates = [path for path in candidates if path.suffix in (".yml", ".yaml", ".json")]
    for name in _VARIABLES:
        candidates += sorted(path for path in (top / name).rglob("*") if path.suffix in ("", ".yml", ".yaml", ".json"))
    yield from (path for path in candidates if path.is_file())


def fault(path: Path) -> str:
    """Out: what is wrong and where, "" where nothing is; nothing of what stands there, which may be a secret."""
    text = path.read_text(encoding="utf-8", errors="replace")
    if text.startswith("$ANSIBLE_VAULT"):
        return ""
    try:
        yaml.compose(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        return f"{place}: {error.problem or 'no YAML'}"
    except yaml.YAMLError:
        return f"{path}: no YAML"
    return ""


def main() -> None:
    """Print what is found."""
    for path in files(Path(sys.argv[1])):
        if found := fault(path):
            print(found)


if __name__ == "__main__":
    main()
