# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a web page needs to look and work as it should: the files it refers to."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html.parser import HTMLParser
from urllib.parse import urldefrag, urljoin

_IN_STYLE = re.compile(r"url\(\s*['\"]?([^'\")]+)['\"]?\s*\)")
# What a browser shows in a tab or on a home screen; a page is whole without
_RELATIONS = frozenset({"stylesheet", "modulepreload", "preload"})


class _Finder(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        relations = set((given.get("rel") or "").lower().split())
        if tag in ("script", "img", "source", "iframe"):
            self.found.append(given.get("src") or "")
        elif tag == "link" and relations & _RELATIONS:
            self.found.append(given.get("href") or "")


def of_page(text: str, url: str) -> list[str]:
    """The absolute URLs of the scripts, styles and pictures of the HTML page that was read at `url`, each once."""
    finder = _Finder()
    finder.feed(text)
    return _absolute(finder.found, url)


def of_style(text: str, url: str) -> list[str]:
    """The absolute URLs of what the CSS at `url` refers to, such as fonts and pictures, each once."""
    return _absolute(_IN_STYLE.findall(text), url)


def _absolute(references: Iterable[str], url: str) -> list[str]:
    wanted = (one.strip() for one in references)
    found = (urldefrag(urljoin(url, one)).url for one in wanted if one and not one.startswith(("data:", "blob:", "#")))
    return list(dict.fromkeys(found))
