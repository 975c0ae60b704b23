# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is refused before the first change on any host, each as one line that says what was seen and what to do.

No line holds a value that may be secret: names, types and places are told, and what the choices are.
"""
