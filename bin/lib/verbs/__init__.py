# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""bin/xmpp: one command for everything. What it can do stands in table.py and nowhere else."""
