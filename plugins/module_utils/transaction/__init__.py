# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A change of Prosody's configuration as a transaction: proved by probing the live server, or undone.

model → difference → planner are pure; staging, journal, live, probes and run do the work at the edges.
"""
