# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The words of the pages for invitations: ours, and what an operator has instead."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils import plain_yaml
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.types import nearest

_DATA = Path(__file__).with_name("texts.yml")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*\Z")
_PLACE = re.compile(r"%[a-z]")


class TextsError(XmppError):
    """Words that no page asks for, or that say a thing the page does not know."""


@lru_cache(maxsize=1)
def _ours() -> Mapping[str, dict[str, str]]:
    """Read once: each page of each site asks."""
    found: dict[str, dict[str, str]] = plain_yaml.parsed(_DATA.read_text(encoding="utf-8"))
    return found


def page_texts(given: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return language → name → text: ours with what is given over it.

    Languages are in small letters, as pages compare them. Raises TextsError for what is no language, for a name that no
    page uses, and for a place (%s) that ours does not have there.
    """
    found, english = dict(_ours()), _ours()["en"]
    for language, texts in given.items():
        path, code = f"proxy_texts.{language}", str(language).lower().replace("_", "-")
        if not _LANGUAGE.match(code):
            raise TextsError(f"{path} is no code of a language: write it as in de, fr or pt-br.")
        if not isinstance(texts, Mapping):
            raise TextsError(f"{path} has no names with texts: write a line with a name and its text for each.")
        for name, text in texts.items():
            if name not in english:
                near = nearest(str(name), english)
                advice = f"did you mean {near}?" if near else f"there are {', '.join(english)}."
                raise TextsError(f"{path}.{name} is said on no page: {advice}")
            if not isinstance(text, str):
                raise TextsError(f"{path}.{name} is no text: put it between quotes.")
            if odd := set(_PLACE.findall(text)) - set(_PLACE.findall(english[name])):
                raise TextsError(f"{path}.{name} has {', '.join(sorted(odd))}, for which the page has nothing there.")
        found[code] = {**found.get(code, {}), **texts}
    return found
