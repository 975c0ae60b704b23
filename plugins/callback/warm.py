# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs of this collection that do not load its plugins anew for each task, whatever they print."""

from __future__ import annotations

DOCUMENTATION = r"""
name: warm
type: aggregate
short_description: Load the plugins of this collection once for a run
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - Ansible runs each task in a process of its own, in which filters are loaded anew. This loads those of the collection
    in the process from which all of them come, so that a run takes less of the controller's processor.
  - Modules of the collection and of those that it depends on are packed once, and not in every run. They are kept in
    C(xmpp_built_modules) below C(ANSIBLE_HOME), until one of their files or Ansible changes, or no run uses them for a
    week.
  - Templates that stand in files of the collection are compiled once likewise, and kept in C(xmpp_compiled_templates).
    What an operator writes is not, since it may hold a secret.
  - It prints nothing. Callback P(allthingslinux.xmpp.progress#callback) does the same by itself.
requirements:
  - enabled in the configuration
"""

EXAMPLES = r"""
# In ansible.cfg, or as the environment variable ANSIBLE_CALLBACKS_ENABLED
#
# [defaults]
# callbacks_enabled = allthingslinux.xmpp.warm
"""

from ansible.plugins.callback import CallbackBase
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.warm import warm


class CallbackModule(CallbackBase):
    """Callback allthingslinux.xmpp.warm."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "allthingslinux.xmpp.warm"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        warm()
