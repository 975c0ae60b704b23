# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The page to which invitations lead: that it is there, and everything that it needs to look and work as it should."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check import fetch, references, web
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.outcome import CheckFailed
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.stage import Stage

_LOOK = "Is invites_page loaded, is registration not closed, does a proxy pass this path?"
_MISSING = "Is http_libjs loaded, are libjs-bootstrap4 and libjs-jquery installed, and does the proxy pass this path?"
_ALIEN = "Whoever is invited would be seen by that host: serve the file from here"


async def page(stage: Stage) -> str:
    """The page answers a token that nobody has (so nothing is used up), and all it refers to is served by this host."""
    url = await web.below(stage, stage.target.invitation_page)
    answer = await fetch.send(stage, "GET", f"{url}?{stage.marker}", {}, None)
    if answer.status != 200 or "html" not in answer.headers.get("content-type", ""):
        raise CheckFailed(f"GET {url}", f"HTTP {answer.status}, {answer.headers.get('content-type', 'no type')}", _LOOK)
    needed = references.of_page(answer.body.decode("utf-8", "replace"), url)
    size = sum(await asyncio.gather(*(_whole(stage, url, one) for one in needed)))
    return f"{url} with {len(needed)} files that it refers to ({(len(answer.body) + size) // 1024} KiB)"


async def _whole(stage: Stage, page_url: str, url: str) -> int:
    """The bytes of the file at `url` and, where it is a style sheet, of what it refers to in turn."""
    answer = await _file(stage, page_url, url)
    if answer[0] != "text/css":
        return len(answer[1])
    inner = references.of_style(answer[1].decode("utf-8", "replace"), url)
    return len(answer[1]) + sum([len((await _file(stage, page_url, one))[1]) for one in inner])


async def _file(stage: Stage, page_url: str, url: str) -> tuple[str, bytes]:
    here, there = urlsplit(page_url), urlsplit(url)
    if (there.scheme, there.netloc) != (here.scheme, here.netloc):
        raise CheckFailed(f"reading {page_url}", f"it loads {url} from another host", _ALIEN)
    answer = await fetch.send(stage, "GET", url, {}, None)
    if answer.status != 200 or not answer.body:
        seen = f"HTTP {answer.status}" if answer.status != 200 else "an empty answer"
        raise CheckFailed(f"reading {page_url}", f"it needs {there.path}, and GET of that is {seen}", _MISSING)
    return answer.headers.get("content-type", "").partition(";")[0].strip(), answer.body
