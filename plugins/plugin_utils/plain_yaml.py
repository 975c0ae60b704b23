# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""YAML that is part of the collection, or that an operator gave."""

from __future__ import annotations

from typing import Any

import yaml

#: the one in C is eight times as fast, and there are thousands of lines for each host
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parsed(text: str) -> Any:
    """Return the plain data of a YAML text. Raises yaml.YAMLError."""
    # as bytes: the parser takes no text of a class that Ansible made of str
    return yaml.load(text.encode("utf-8"), Loader=_LOADER)
