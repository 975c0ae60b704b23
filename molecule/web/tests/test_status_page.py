# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of everything as a page, for who has its password and nobody else."""

from __future__ import annotations

import base64
import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from ansible_collections.allthingslinux.xmpp.tests.scenario.browser import Seen, address_of, chromium, page
from ansible_collections.allthingslinux.xmpp.tests.scenario.proxied import Proxied
from ansible_collections.allthingslinux.xmpp.tests.scenario.waiting import wait_until

CONTAINER = os.environ["XMPP_WEB_CONTAINER"]
SHOTS = Path(os.environ["XMPP_WEB_SHOTS"])
DOMAIN = "chat.localhost"
PASSWORD = Path(os.environ["MOLECULE_INVENTORY_FILE"]).parent / ".secrets/status_password"
# a bad one has a figure for each line of the page too
ROWS = ["Alerts", "Service", "Clients", "Other servers", "Services", "Versions", "Certificates", "Database", "Disk"]
ROWS += ["Last check", "Last backup", "Drift"]


@pytest.fixture(scope="module")
def service() -> Proxied:
    return Proxied(CONTAINER, DOMAIN, address_of(CONTAINER))


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"operator:{password}".encode()).decode()


def test_without_its_password_nothing_is_told(service):
    for headers in ({}, {"Authorization": basic("guessed")}):
        answer = service.ask("/status", **headers)
        assert answer.status == 401
        assert "prosody" not in answer.body.decode().lower()
        assert answer.headers["strict-transport-security"] == "max-age=31536000"


def test_who_guesses_has_a_try_a_second(service):
    with ThreadPoolExecutor(20) as crowd:
        guessed = list(crowd.map(lambda _n: service.ask("/status", Authorization=basic("guessed")).status, range(20)))
    assert set(guessed) == {401, 429}
    # those that may wait, and one for each second that it took
    assert guessed.count(401) < 13
    own = {"Authorization": basic(PASSWORD.read_text().strip())}
    # who only looks whether it answers
    assert wait_until(lambda: service.ask("/status", "HEAD", **own).status == 200, 20)


def test_the_rest_of_prometheus_stays_inside(service):
    own = {"Authorization": basic(PASSWORD.read_text().strip())}
    assert service.ask("/status", "POST", b"x", **own).status == 403
    for path in ("/status/", "/status/../graph", "/api/v1/query?query=up", "/consoles/status.html", "/graph"):
        assert service.ask(path, **own).status == 404, path


def test_the_page_says_how_everything_is(service):
    SHOTS.mkdir(parents=True, exist_ok=True)
    known, seen = {"username": "operator", "password": PASSWORD.read_text().strip()}, Seen()
    with chromium(CONTAINER, DOMAIN) as browser:
        made = page(browser, seen, (401,), http_credentials=known, viewport={"width": 1000, "height": 1100})

        def text() -> str:
            made.goto(f"https://{DOMAIN}/status")
            return made.inner_text("body")

        def whole() -> str:
            said = text()
            return said if "every port serves" in said and "prosody 13." in said else ""

        # the first probes are a minute away from the deployment, and metrics are fetched every few seconds
        shown = wait_until(whole, 120, 5)
        made.screenshot(path=SHOTS / "status.png", full_page=True)
        assert [row for row in ROWS if row not in made.locator("th").all_inner_texts()] == []
        installed = service.shell("dpkg-query -W -f '${Version}' prosody")
        assert f"prosody {installed}" in shown
        assert re.search(r"prosody active", shown)
        assert re.search(rf"{DOMAIN} \d+\.\d days", shown)
        assert re.search(r"prosody [\d.]+\w*B", shown), "the size of the database"
        assert re.search(r"(\d+) of \1 good", shown)
        # a service that is stopped is said to be down
        service.shell("systemctl stop prosody")
        try:
            wait_until(lambda: "prosody DOWN" in text(), 90, 5)
        finally:
            service.shell("systemctl start prosody")
        made.emulate_media(color_scheme="dark")
        made.screenshot(path=SHOTS / "status-dark.png", full_page=True)
    assert seen.complaints == []
    assert seen.hosts == {DOMAIN}
