# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Debian packages that roles and scenarios may install, a name a line: those of every branch and every option.

Roles have them in vars/main.yml, in the variables that their tasks give to role service as `service_packages`;
scenarios in tasks of `ansible.builtin.apt`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, StrictUndefined, nodes

ROOT = Path(__file__).resolve().parents[3]
_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]+\Z")
_JINJA = Environment(undefined=StrictUndefined)


def _constants(expression: str) -> Iterator[str]:
    """Yields the texts in the lists of a Jinja expression, whatever its conditions say."""
    for found in _JINJA.parse(expression).find_all(nodes.List):
        for item in found.items:
            if not isinstance(item, nodes.Const) or not isinstance(item.value, str):
                raise ValueError(f"not a list of names: {expression}")
            yield item.value


def given(tasks: str) -> set[str]:
    """In: tasks of roles, as text. Out: the variables that they give to role service as its packages."""
    return set(re.findall(r'service_packages: "\{\{ (__\w+_packages) \}\}"', tasks))


def of_variables(variables: dict[str, Any], lists: Set[str]) -> set[str]:
    """In: the variables of a role, and which of them list packages. Out: these. Raises ValueError for none."""
    found: set[str] = set()
    for key, value in variables.items():
        if key in lists:
            names = (
                [_JINJA.from_string(name).render(variables) for name in value]
                if isinstance(value, list)
                else list(_constants(value))
            )
            if not names or not all(map(_NAME.match, names)):
                raise ValueError(f"{key} has no names of packages: {names}")
            found.update(names)
    return found


def of_playbook(document: Any) -> set[str]:
    """In: a playbook or a list of tasks. Out: what its apt tasks install."""
    if isinstance(document, list):
        return set().union(*map(of_playbook, document))
    if not isinstance(document, dict):
        return set()
    names = (document.get("ansible.builtin.apt") or {}).get("name", [])
    return {names} if isinstance(names, str) else set(names).union(*map(of_playbook, document.values()))


def main() -> None:
    """Print them all."""
    found: set[str] = set()
    lists = given("\n".join(file.read_text(encoding="utf-8") for file in ROOT.glob("roles/*/tasks/*.yml")))
    for file in sorted(ROOT.glob("roles/*/vars/main.yml")):
        found |= of_variables(yaml.safe_load(file.read_text(encoding="utf-8")), lists)
    for file in sorted(ROOT.glob("molecule/*/*.yml")):
        if file.name != "molecule.yml":
            found |= of_playbook(yaml.safe_load(file.read_text(encoding="utf-8")))
    print("\n".join(sorted(found)))


if __name__ == "__main__":
    main()
