# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a test that failed is told with: what its clients saw, and what the services said meanwhile.

A conftest.py imports the hook. A test that fails once in many runs, elsewhere, says more then than that it failed.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.tests.scenario.client import Client

JOURNAL = "journalctl --no-pager --output short-precise --lines 60 --unit prosody --unit prometheus-xmpp-alerts"


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: Any, call: Any) -> Generator[None, Any, None]:
    """Add to the report of a test that failed what its clients saw and the end of the journal of its host."""
    del call
    outcome = yield
    report = outcome.get_result()
    given = getattr(item, "funcargs", {})
    if report.failed:
        clients = [f"{name}: {it.story()}" for name, it in given.items() if isinstance(it, Client)]
        if clients:
            report.sections.append(("clients", "\n".join(clients)))
        if "host" in given:
            report.sections.append(("journal", given["host"].run(JOURNAL).stdout))
