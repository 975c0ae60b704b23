# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A deployed service as its users meet it: real clients, from outside.

Runs on the controller, or another vantage point that has slixmpp, aioice and websockets; nothing outside this
package imports it but the module xmpp_check and the end-to-end tests.
`client` is the reusable part: a signed-in session.
"""
