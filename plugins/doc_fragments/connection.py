# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How a module reaches Prosody."""

from __future__ import annotations


class ModuleDocFragment:
    """Use it as C(allthingslinux.xmpp.connection); the argument spec is C(module_utils/prosody/connection.py)."""

    DOCUMENTATION = r"""
options:
  socket:
    description:
      - The admin socket of the running Prosody, as seen from where the module runs.
      - With Prosody in a container this is the path at which its socket is mounted.
    type: path
    default: /var/lib/prosody/prosody.sock
  timeout:
    description: Seconds that connecting to Prosody, and then each command as a whole, may take.
    type: float
    default: 30.0
  config:
    description: The main configuration file of Prosody, for what is asked of C(prosodyctl).
    type: path
    default: /etc/prosody/prosody.cfg.lua
  prosodyctl:
    description:
      - The C(prosodyctl) to run for what works without a running server; a name to look up in C(PATH), or a path.
      - Give a list to reach it through another program, as in C([docker, exec, prosody, prosodyctl]).
    type: list
    elements: str
    default: [prosodyctl]
requirements:
  - Prosody 13.0 with C(admin_shell) among its C(modules_enabled)
"""
