# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible finds: it must know the collection before anything of it is imported, so nothing else is in here."""

from __future__ import annotations

from ansible.plugins.loader import init_plugin_loader

# Defaults of role prosody use the filters of the collection
init_plugin_loader()
