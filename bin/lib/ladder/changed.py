# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rungs a difference can reach."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable
from typing import Any

from .rung import ROOT, SCENARIO, everything, read_scenario, scenarios

CODE = ("lint", "unit", "sanity")
SHIPPED = (*CODE, "build")
READING = r"(?:module_utils/(?:lint|prosody|transaction)|plugin_utils/prosody)/"  # what the rung versions runs
# What a path (a pattern for its beginning) reaches; the first line that fits counts. Words with a capital stand for
# scenarios: Every one, Site those that run playbook site, Role those of them with a host in the group of that name, Own
# the one that the file lies in; and Rung for the rung whose script it is.
TABLE: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"bin/lib/rungs/(?:unit|sanity|build|lint|versions)$", ("lint", "Rung")),
    (r"bin/lib/(?:quickstart|lock)$|bin/deploy$", ("lint",)),
    (r"bin/lib/role_docs[.]py$", ("lint", "unit")),
    (r"bin/", (*SHIPPED, "Every")),
    (r"[.]config/molecule/|molecule/shared/", ("lint", "Every")),
    (r"molecule/", ("lint", "unit", "Own")),
    (r"plugins/" + READING, (*SHIPPED, "versions", "Every")),
    (r"plugins/", (*SHIPPED, "Every")),
    (r"roles/prosody/(?:defaults|files)/", (*SHIPPED, "versions", "Role")),
    (r"roles/backup/", (*SHIPPED, "molecule/backup", "molecule/monitoring")),  # the others are without backups
    (r"roles/containers/", (*SHIPPED, "molecule/containers", "molecule/move")),  # the others are on hosts
    (r"roles/(?:postgresql|coturn|prosody|monitoring)/", (*SHIPPED, "Role")),
    (r"roles/|playbooks/|site[.]yml$", (*SHIPPED, "Site")),
    (r"tests/scenario/", (*CODE, "Every")),
    (r"tests/(?:e2e|integration)/", ("lint", "sanity", "Site")),
    (r"tests/unit/(?:lint/lint_support|role_settings)[.]py$", (*CODE, "versions")),
    (r"tests/unit/", CODE),
    (r"tests/versions/", ("lint", "sanity", "versions")),
    (r"tests/", ("lint", "sanity")),
    (r"docs/monitoring[.]md$", (*SHIPPED, "molecule/spread")),  # one of its tests does what the guide says
    (r"docs/|inventories/|galaxy[.]yml$|meta/|changelogs/|[A-Z]+[.]md$|LICEN[CS]ES?(?:/|$)", SHIPPED),
    (r"ansible[.]cfg$|requirements", (*SHIPPED, "Every")),
    (r"pyproject[.]toml$", ("lint", "unit", "Every")),
    (r"[.]ci/|[.]ansible-lint$|[.]yamllint$|[.]luacheckrc$|[.]gitignore$|REUSE[.]toml$", ("lint",)),
)


def runs_site(scenario: dict[str, Any]) -> bool:
    """Whether a scenario (its molecule.yml) runs the roles as an operator does."""
    playbooks = scenario.get("provisioner", {}).get("playbooks", {})
    return any("site.yml" in str(playbook) for playbook in playbooks.values())


def groups(scenario: dict[str, Any]) -> set[str]:
    """Out: the groups that its hosts are in."""
    return {group for platform in scenario["platforms"] for group in platform.get("groups", [])}


def _scenarios(word: str, path: str) -> list[str]:
    """Out: the names of the scenarios that a word of the table stands for."""
    names, part = scenarios(), path.split("/")[1] if "/" in path else ""
    if word == "Own":
        return [part] if part in names else []
    if word == "Every":
        return names
    known = {name: read_scenario(name) for name in names}
    site = [name for name in names if runs_site(known[name])]
    return [name for name in site if part in groups(known[name])] if word == "Role" else site


def reached_by(path: str) -> set[str]:
    """Out: the rungs that a change of the file can reach. Raises LookupError where the table does not know the file."""
    for pattern, words in TABLE:
        if re.match(pattern, path):
            found = set()
            for word in words:
                if word == "Rung":
                    found.add(path.rpartition("/")[2])
                elif word[0].isupper():
                    found.update(SCENARIO + name for name in _scenarios(word, path))
                else:
                    found.add(word)
            return found
    raise LookupError(f"the table in bin/lib/ladder/changed.py does not say what {path} reaches")


def reached(paths: Iterable[str]) -> set[str]:
    """Out: the rungs that changes of these files can reach; all of them where the table does not know one."""
    try:
        return set().union(*map(reached_by, paths))
    except LookupError:
        return set(everything())


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout


def default_base() -> str:
    """Out: the commit at which this branch left the main one; the last commit where there is no other."""
    for name in ("origin/HEAD", "origin/main", "main"):
        done = subprocess.run(
            ["git", "merge-base", "HEAD", name], cwd=ROOT, capture_output=True, text=True, check=False
        )
        if done.returncode == 0:
            return done.stdout.strip()
    return "HEAD"


def files(base: str) -> list[str]:
    """Out: what differs from a commit, with what git does not know yet. Raises ValueError where it is none."""
    try:
        known = _git("diff", "--name-only", "--no-renames", "-z", base, "--")
    except subprocess.CalledProcessError as error:
        raise ValueError(f"git does not know {base}: {error.stderr.strip()}") from error
    return [name for name in (known + _git("ls-files", "-z", "--others", "--exclude-standard")).split("\0") if name]
