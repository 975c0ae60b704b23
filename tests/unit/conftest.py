# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How hypothesis looks for examples, and what Ansible finds.

`repeatable` is usual: the same examples each time, so that a red result always has a change to blame. Who
wants new ones runs pytest tests/unit --hypothesis-profile=explore, and keeps what it finds as an @example.
"""

from __future__ import annotations

from ansible.plugins.loader import init_plugin_loader
from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("explore", max_examples=3000, deadline=None)
# a busy machine is no defect of what is tested; an option of pytest chooses another one
settings.load_profile("repeatable")

# Values that Ansible templates may use the filters and lookups of the collection
init_plugin_loader()
