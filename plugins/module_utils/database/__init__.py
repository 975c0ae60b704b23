# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Prosody's database where the role has an object of its own in it. Standard library only.

Role postgresql copies these files to the hosts, where a timer of systemd runs them (run.py).
"""
