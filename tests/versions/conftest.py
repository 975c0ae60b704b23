# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each test runs on each version."""

from __future__ import annotations

import pytest
from ansible_collections.allthingslinux.xmpp.tests.versions.version import VERSIONS, Version


@pytest.fixture(params=VERSIONS, scope="session")
def version(request: pytest.FixtureRequest) -> Version:
    found: Version = request.param
    return found
