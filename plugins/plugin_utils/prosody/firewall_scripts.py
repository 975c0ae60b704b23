# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Scripts for mod_firewall, ours and those of the operator: where each lies on the host, and what its compiler said.

On the host a script is called by what is in it as well. So a changed one is another value of option firewall_scripts:
the module is reloaded for it as for any other change, and a change that is undone finds the script of before.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.document import Option
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.settings import ModelError, Settings

DIRECTORY = "/etc/prosody/xmpp-firewall"

_OURS = Path(__file__).resolve().parents[3] / "roles" / "prosody" / "files" / "firewall"

# those that come with the module
_SHIPPED = re.compile(r"module:scripts/[A-Za-z0-9_-]+\.pfw")
_FILE = re.compile(r"[A-Za-z0-9_-]+\.pfw")
# where in its own source the compiler gave up, and what it was given
_WHERE = re.compile(r"^.*mod_firewall/\w+(?:\.lib)?\.lua:[0-9]+: ")
_LINE = re.compile(r" on line ([0-9]+)\b")


def options(settings: Settings) -> list[Option]:
    """Return the options of mod_firewall that rules of ours and scripts of the operator ask for, none without any."""
    places = [place for place, _text in _rules(settings)] + [place for _given, place, _text in _scripts(settings)]
    if not places:
        return []
    path = settings.where("firewall_scripts" if settings.sequence("firewall_scripts") else "firewall_rules")
    return [Option("firewall_scripts", places, "Rules for stanzas", path)]


def is_wanted(settings: Settings) -> bool:
    """Whether mod_firewall is enabled by itself."""
    return bool(settings.sequence("firewall_scripts") or settings.sequence("firewall_rules"))


def names() -> list[str]:
    """Return the names of our own rules."""
    return sorted(path.stem for path in _OURS.glob("*.pfw"))


def firewall_files(values: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return what belongs to the scripts of `values`, the settings of role prosody.

    scripts: script (as given) and text of each of the operator, that is to be compiled; files: as module managed_files
    takes them, ours too; kept: their paths on the host; leftovers: what is to be removed, likewise. `firewall_texts` of
    the settings has the texts of the operator's by the paths that were given.
    """
    settings = Settings(values)
    scripts = [(given, place, text) for given, place, text in _scripts(settings) if text is not None]
    placed = _rules(settings) + [(place, text) for _given, place, text in scripts]
    directory = [{"path": DIRECTORY, "state": "directory"}] if placed else []
    return {
        "scripts": [{"script": given, "text": text} for given, _place, text in scripts],
        "files": directory + [{"path": place, "content": text} for place, text in placed],
        "kept": [place for place, _text in placed],
        "leftovers": [] if placed else [{"path": DIRECTORY, "state": "absent"}],
    }


def firewall_refusals(results: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return what the compiler refuses, a line for each script.

    results: of a task that had `prosodyctl mod_firewall` compile each of `scripts` (loop variable item) from its input.
    """
    return [
        f"prosody_firewall_scripts: {_told(result['item']['script'], result)}"
        for result in results
        if result.get("rc", 0) != 0
    ]


def _told(script: str, result: Mapping[str, Any]) -> str:
    # prosodyctl tells errors of a module's command where it writes its output
    lines = [line for name in ("stdout", "stderr", "msg") for line in str(result.get(name, "")).splitlines() if line]
    said = next((line for line in lines if _WHERE.match(line)), lines[-1] if lines else "it says nothing")
    said = _WHERE.sub("", said).replace("Error compiling /dev/stdin", "").strip()
    found = _LINE.search(f" {said}")
    if not found:
        return f"mod_firewall cannot compile {script}: {said}"
    rest = _LINE.sub("", f" {said}", count=1).strip().lstrip(": ")
    return f"mod_firewall cannot compile {script}, line {found[1]}: {rest}"


def _rules(settings: Settings) -> list[tuple[str, str]]:
    """Return where each of our rules that is asked for lies on the host, and its text."""
    placed = {}
    for where, given in settings.named_texts("firewall_rules"):
        if given not in names():
            raise ModelError(f"{where}: there are no rules {given!r}; there are {', '.join(names())}")
        text = (_OURS / f"{given}.pfw").read_text(encoding="utf-8")
        placed[_place(f"xmpp-{given}", text)] = text
    return list(placed.items())


def _scripts(settings: Settings) -> list[tuple[str, str, str | None]]:
    """Return each as given, where it lies on the host, and its text; no text for those that come with the module."""
    texts = settings.mapping("firewall_texts")
    scripts: list[tuple[str, str, str | None]] = []
    for where, given in settings.named_texts("firewall_scripts"):
        if _SHIPPED.fullmatch(given):
            place, text = given, None
        else:
            place, text = _placed(where, given, texts)
        if place in {one for _given, one, _text in scripts}:
            raise ModelError(f"{where}: {given} is there twice, write it once")
        scripts.append((given, place, text))
    return scripts


def _placed(where: str, given: str, texts: Mapping[str, Any]) -> tuple[str, str]:
    name = PurePosixPath(given).name
    if not _FILE.fullmatch(name):
        raise ModelError(f"{where}: {given} is no script: its name has letters, digits, - and _ and ends in .pfw")
    if given not in texts:
        raise ModelError(f"{where}: there is no file {given} on this machine; a relative path starts at the inventory")
    text = str(texts[given])
    return _place(name.removesuffix(".pfw"), text), text


def _place(name: str, text: str) -> str:
    return f"{DIRECTORY}/{name}-{hashlib.sha256(text.encode()).hexdigest()[:12]}.pfw"
