# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Backups made, proved and brought back: pgBackRest for PostgreSQL, restic for files. Standard library only.

Role backup copies these files to the hosts, where timers of systemd run them (run.py). What the two programs say of
themselves by their exit status is not believed; what lies in the repository is read.
"""
