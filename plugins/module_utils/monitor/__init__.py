# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the hosts measure of themselves and of the service: standard library only, run by timers of systemd.

Role monitoring copies these files to the hosts. The results are text files that the node exporter serves.
"""
