# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The check of the page for invitations, against answers as Prosody and proxies give them."""

from __future__ import annotations

import asyncio

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check import fetch, invitations, references
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.client import Account
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.https import Response
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.outcome import CheckFailed
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.stage import Stage, Target

HERE = "https://example.org:5281"
# As mod_invites_page of Debian 13 answers a token that it does not know, shortened
PAGE = """<!DOCTYPE html><html><head><title>Invite</title>
<link rel="stylesheet" href="/share/bootstrap4/css/bootstrap.min.css">
<link rel="icon" type="image/png" href="/favicon-32x32.png"><link rel="manifest" href="/site.webmanifest"></head>
<body><img class="w-100" src="https://example.org:5281/invites_page/static/illus-empty.svg">
<img src="data:image/png;base64,AA=="><script>inline()</script>
<script src="/share/jquery/jquery.min.js"></script></body></html>"""
STYLE = "@font-face{src:url('fonts/a.woff2')} .x{background:url(data:image/png;base64,AA==)}"
FILES = {
    "/share/bootstrap4/css/bootstrap.min.css": ("text/css", STYLE),
    "/share/bootstrap4/css/fonts/a.woff2": ("font/woff2", "font"),
    "/share/jquery/jquery.min.js": ("application/javascript", "script"),
    "/invites_page/static/illus-empty.svg": ("image/svg+xml", "<svg/>"),
}


def checked(monkeypatch, page=PAGE, status=200, without=(), **changed):
    """Run the check against these answers: (what it says, the paths that it asked for)."""
    files = {**FILES, **changed}
    asked = []

    async def send(_stage, _method, url, _headers, _body):
        path = url.removeprefix(HERE)
        if path == "/.well-known/host-meta":
            return Response(404, {}, b"")
        if path.startswith("/invites_page?"):
            return Response(status, {"content-type": "text/html; charset=utf-8"}, page.encode())
        asked.append(path)
        if path in without:
            return Response(404, {}, b"not found")
        kind, text = files[path]
        return Response(200, {"content-type": kind}, text.encode())

    monkeypatch.setattr(fetch, "send", send)
    accounts = (Account("one@example.org", "a"), Account("two@example.org", "b"))
    return asyncio.run(invitations.page(Stage(Target("example.org", accounts)))), asked


def test_everything_that_the_page_needs_is_fetched(monkeypatch):
    seen, asked = checked(monkeypatch)
    assert sorted(asked) == sorted(FILES)
    assert seen.startswith(f"{HERE}/invites_page with 3 files")


@pytest.mark.parametrize("path", list(FILES))
def test_a_page_of_which_something_is_missing(monkeypatch, path):
    with pytest.raises(CheckFailed, match=f"needs {path}, and GET of that is HTTP 404.*http_libjs"):
        checked(monkeypatch, without=(path,))


def test_a_file_that_is_empty(monkeypatch):
    with pytest.raises(CheckFailed, match="an empty answer"):
        checked(monkeypatch, **{"/share/jquery/jquery.min.js": ("application/javascript", "")})


def test_a_page_that_is_not_there(monkeypatch):
    with pytest.raises(CheckFailed, match=r"HTTP 404.*Is invites_page loaded"):
        checked(monkeypatch, status=404)


def test_a_page_that_tells_another_host_who_was_invited(monkeypatch):
    page = PAGE.replace("/share/jquery/jquery.min.js", "//cdn.example.net/jquery.js")
    with pytest.raises(CheckFailed, match=r"it loads https://cdn\.example\.net/jquery\.js from another host"):
        checked(monkeypatch, page)


def test_references_are_absolute_and_told_once():
    page = "<img src=a.png#x><img src='a.png'><script src='../b.js'></script><link rel=preload href='/c.css'>"
    assert references.of_page(page, "https://example.org/d/e/") == [
        "https://example.org/d/e/a.png",
        "https://example.org/d/b.js",
        "https://example.org/c.css",
    ]
