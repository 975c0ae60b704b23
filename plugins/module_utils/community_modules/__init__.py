# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Community modules of Prosody as a pinned set.

code (pure): what a module's source says. sources: where modules come from. rocks: the same through LuaRocks. store: the
managed directory. lua, server: the running server. planner (pure): what there is and what is wanted → what to do.
apply: doing it, and undoing it.
"""

from __future__ import annotations
