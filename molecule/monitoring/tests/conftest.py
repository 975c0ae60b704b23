# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of this scenario share."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.allthingslinux.xmpp.tests.scenario import evidence
from ansible_collections.allthingslinux.xmpp.tests.scenario.watched import NOTES, put

HERE = Path(__file__).parent
# a test that fails is told with what its clients saw
pytest_runtest_makereport = evidence.pytest_runtest_makereport


UNIT = """[Service]
ExecStart=/usr/bin/python3 /root/tests/receiver.py NOTES
"""


@pytest.fixture(scope="module", autouse=True)
def at_rest(host):
    """Package lists are fetched by tests alone: what is said of their age would differ by the hour."""
    host.check_output("systemctl stop apt-daily.timer apt-daily-upgrade.timer")


@pytest.fixture(scope="module")
def receiver(host):
    """Somebody who gets mail and webhooks: the unit `operator`."""
    put(host, "/root/tests/receiver.py", (HERE / "receiver.py").read_text(encoding="utf-8"))
    put(host, "/run/systemd/system/operator.service", UNIT.replace("NOTES", NOTES))
    host.check_output(f"rm -f {NOTES}; systemctl daemon-reload && systemctl start operator")
    yield
    host.check_output("systemctl stop operator; rm /run/systemd/system/operator.service; systemctl daemon-reload")
