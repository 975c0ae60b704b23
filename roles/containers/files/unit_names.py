# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What units are called. Pure, and quick to load: each call of systemctl does."""

from __future__ import annotations


def full_name(unit: str) -> str:
    """In: prosody, or postgresql@17-main.service. Out: with its kind, which is a service where nothing is said."""
    return unit if "." in unit else f"{unit}.service"


def service_of(unit: str) -> str:
    """In: postgresql@17-main.service. Out: postgresql, the service of which it is an instance."""
    return unit.removesuffix(".service").partition("@")[0]
