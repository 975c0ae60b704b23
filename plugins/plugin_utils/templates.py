# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lists of files of which some name a template in place of their text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError


def filled_in(entries: Any, fill_in: Callable[[str, dict[str, Any]], str]) -> Any:
    """Return the entries of a list of module managed_files with the text in place of each template that one names.

    fill_in takes the name of a template and the variables that only this file has, and returns the text. What is no
    list of mappings is left to the module, which says what is wrong with it. Raises XmppError for an entry with a
    template and another text as well, and for variables without a template.
    """
    if not isinstance(entries, (list, tuple)):
        return entries
    return [_filled_in(entry, fill_in) if isinstance(entry, Mapping) else entry for entry in entries]


def _filled_in(entry: Mapping[str, Any], fill_in: Callable[[str, dict[str, Any]], str]) -> dict[str, Any]:
    given = dict(entry)
    name, variables = given.pop("template", None), given.pop("template_vars", None)
    path = given.get("path", "an entry without a path")
    if name is None:
        if variables is not None:
            raise XmppError(f"{path}: template_vars are for a template, and there is none: give template.")
        return given
    if not isinstance(name, str) or not isinstance(variables or {}, Mapping):
        raise XmppError(f"{path}: template must be the name of a file and template_vars a mapping.")
    if others := [key for key in ("content", "src") if given.get(key) is not None]:
        raise XmppError(f"{path}: give one of template and {others[0]}, not both.")
    if given.get("state", "file") != "file":
        return given
    return {**given, "content": fill_in(name, dict(variables or {}))}
