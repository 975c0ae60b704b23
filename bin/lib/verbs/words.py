# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nearest right word for a wrong one. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class Refusal(Exception):
    """What was asked for and cannot be done: the first line says it, the others what can."""

    def __init__(self, said: str, *more: str) -> None:
        super().__init__(said)
        self.more = tuple(line for line in more if line)


def meant(word: str, known: Iterable[str]) -> str:
    """Ask for the nearest of the known words: a sentence, or nothing where none is near."""
    names = {name.lower(): name for name in known}
    # a word that was begun is nearer than one that only looks alike
    begun = [name for low, name in sorted(names.items()) if len(word.strip("-")) > 1 and low.startswith(word.lower())]
    alike = [names[low] for low in difflib.get_close_matches(word.lower(), names, n=1, cutoff=0.6)]
    found = begun[:1] or alike
    return f"Did you mean {found[0]}?" if found else ""
