# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Text as a Lua string literal, which is escaped in this one place, and code as one command of the shell.

Source: Lua 5.4 manual, section 3.1 (lexical conventions). Only escapes that Lua 5.1 and later read alike are used.
"""

from __future__ import annotations

import unicodedata

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError

# Words that no name in Lua may be
KEYWORDS = frozenset(
    [
        "and",
        "break",
        "do",
        "else",
        "elseif",
        "end",
        "false",
        "for",
        "function",
        "goto",
        "if",
        "in",
        "local",
        "nil",
        "not",
        "or",
        "repeat",
        "return",
        "then",
        "true",
        "until",
        "while",
    ]
)
_NAMED = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
# Control, format (bidirectional overrides, zero-width), line and paragraph separators: a reader of the file must not
# see something else than Lua does.
_INVISIBLE = frozenset({"Cc", "Cf", "Zl", "Zp"})


class LuaTextError(XmppError):
    """The text has no form in Lua (a lone surrogate has no UTF-8 encoding)."""


def quote(text: str) -> str:
    """Return `text` as a double-quoted Lua string literal on one line.

    In: any str, including quotes, backslashes, line ends and NUL. Out: the literal; visible characters stay as they are
    (UTF-8), invisible ones become three-digit byte escapes, so that a digit may follow.
    Raises LuaTextError for lone surrogates.
    """
    return '"' + "".join(_escape(character) for character in text) + '"'


def _escape(character: str) -> str:
    if character in _NAMED:
        return _NAMED[character]
    if " " <= character <= "~":
        return character
    if unicodedata.category(character) in _INVISIBLE:
        return "".join(f"\\{byte:03d}" for byte in character.encode("utf-8"))
    if "\ud800" <= character <= "\udfff":
        raise LuaTextError(
            f"cannot write the character U+{ord(character):04X} to a Lua string: it is half of a surrogate pair "
            "and has no UTF-8 form; remove it from the value"
        )
    # A plain str, whatever subclass the character came from.
    return str.__str__(character)


def as_command(code: str) -> str:
    """Return code without its indentation, which is then the one command that it fits into."""
    return "\n".join(line.strip() for line in code.strip().splitlines())
