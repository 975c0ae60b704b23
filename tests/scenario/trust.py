# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom a client believes."""

from __future__ import annotations

import ssl


def everybody() -> ssl.SSLContext:
    """TLS that takes any certificate: whose it is other tests look at."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
