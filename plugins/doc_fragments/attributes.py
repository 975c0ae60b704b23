# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What every module says about check mode, diff mode and idempotence."""

from __future__ import annotations


class ModuleDocFragment:
    """C(attributes.info) for what only reads, C(attributes.full) for what does all three (a module adds C(details)).

    C(attributes) alone has the descriptions; then the module states C(support) for each.
    """

    DOCUMENTATION = r"""
attributes:
  check_mode:
    description: Can run in check mode and return the changed status it would have, without changing anything.
  diff_mode:
    description: Returns what has changed, or in check mode would change, as a diff.
  idempotent:
    description: When run twice in a row with the same options, the second run changes nothing and says so.
"""

    # what changes something
    FULL = r"""
attributes:
  check_mode:
    support: full
    description: Can run in check mode and return the changed status it would have, without changing anything.
  diff_mode:
    support: full
    description: Returns what has changed, or in check mode would change, as a diff.
  idempotent:
    support: full
    description: When run twice in a row with the same options, the second run changes nothing and says so.
"""

    # what only reads
    INFO = r"""
attributes:
  check_mode:
    support: full
    description: Can run in check mode; it never changes anything.
  diff_mode:
    support: N/A
    description: Returns what has changed; it never changes anything.
  idempotent:
    support: full
    description: When run twice in a row with the same options, the second run changes nothing and says so.
"""
