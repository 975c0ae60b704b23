# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Commands of Prosody's shell: how they are written, which ones to refuse, what an answer means. Pure.

Source: Prosody 13's modules/mod_admin_shell.lua (process_cmd_line, handle_line).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.admin_socket import Reply
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.lua_text import quote

_CALL = re.compile(r"\s*(?P<section>\w+)\s*[:.]\s*(?P<name>\w+)\s*\((?P<rest>.*)", re.DOTALL)
_TEXT = r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\[\[.*?\]\])"""
_TEXTS = re.compile(_TEXT, re.DOTALL)
_SECOND_TEXT = re.compile(rf"\s*{_TEXT}\s*,\s*{_TEXT}", re.DOTALL)
_SECRET_WORD = re.compile(
    r"secret|passw|token|credential|private|stored_key|server_key|(?<![a-z])(?:key|sql)(?![a-z])|^ldap_|external_services",
    re.IGNORECASE,
)
# what Prosody answers to what is no command, as opposed to a command that says no
_BROKEN = re.compile(r"couldn't understand|attempt to (?:call|index)|Command not found")
#: sections whose answers are themselves a way into the service
_REVEALING_SECTIONS = {"invite": "prints links that let their bearer in"}


class ShellCommandError(XmppError):
    """A command that is not one, must not be run like this, or did not do what was declared."""


@dataclass(frozen=True)
class Command:
    """A command as it is sent, with its section and name (both empty for Lua) and the text of its arguments."""

    line: str
    section: str
    name: str
    arguments: tuple[str, ...]
    words: bool = False

    @property
    def label(self) -> str:
        """The command without its arguments, which may be secret."""
        return f"{self.section}:{self.name}" if self.section else "Lua"


def from_words(words: Sequence[str]) -> Command:
    """Return the command that `prosodyctl shell WORDS…` would run; each word arrives as it is, whatever it holds."""
    if len(words) < 2:
        raise ShellCommandError(
            f"A command of Prosody's shell is a section and a name, and then its arguments, but argv has {len(words)} "
            "word(s). Write it as [user, list, example.org]."
        )
    line = "{ " + ", ".join(quote(word) for word in words) + " }"
    return Command(line, words[0], words[1], tuple(words[2:]), words=True)


def from_line(line: str) -> Command:
    """Return the command that is written as in Prosody's shell, `section:name(arguments)` or `> Lua`."""
    text = line.strip()
    if text.startswith(">"):
        return Command(text, "", "", (text[1:].strip(),))
    match = _CALL.fullmatch(text)
    if not match:
        # Prosody would take a lone word for a variable, answer nil and call that a success
        raise ShellCommandError(
            f"{text[:60]!r} is not a command of Prosody's shell. Write section:name(arguments), as in "
            'user:list("example.org"), or give argv, as in [user, list, example.org], or start with > for Lua.'
        )
    return Command(text, match["section"], match["name"], (match["rest"],))


def refuse(command: Command, no_log: bool) -> None:
    """Raise ShellCommandError for a command that never ends, or that would put a secret into the log of the task."""
    if command.section == "watch":
        raise ShellCommandError(
            f"The command {command.label} prints until it is interrupted, so it cannot be a task. "
            "Run it in `prosodyctl shell`."
        )
    why = None if no_log else _reveals(command)
    if why:
        raise ShellCommandError(
            f"The command {command.label} {why}, and Ansible logs tasks with their results. "
            "Set no_log: true on the task to run it nevertheless."
        )


def _reveals(command: Command) -> str | None:
    """Why a command has a secret in its arguments or its answer, or None."""
    section, name, arguments = command.section, command.name, command.arguments
    if not section:
        return "names what may be a secret" if _SECRET_WORD.search(arguments[0]) else None
    if section == "user" and name in ("create", "password"):
        inline = len(arguments) > 1 and arguments[1] if command.words else _SECOND_TEXT.match(arguments[0])
        return "has the password among its arguments; give it in `secrets`, and it is asked for" if inline else None
    if not command.words and _SECRET_WORD.search(_TEXTS.sub("", arguments[0])):
        return "sets or reads what may be a secret"
    if section == "config" and any(_SECRET_WORD.search(argument) for argument in arguments):
        return "reads or writes an option that may hold a secret"
    return _REVEALING_SECTIONS.get(section)


def text_of(reply: Reply) -> str:
    """Return an answer as one text: the lines that were printed, then the result."""
    return "\n".join([*reply.output, *([reply.text] if reply.text else [])])


def pattern(option: str, text: str | None) -> re.Pattern[str] | None:
    """Compile the regular expression of an option; raises ShellCommandError naming the option."""
    if text is None:
        return None
    try:
        return re.compile(text, re.MULTILINE)
    except re.error as error:
        raise ShellCommandError(f"The option {option} is not a regular expression: {error}: {text!r}") from error


def guarded(guard: Command, reply: Reply, matches: re.Pattern[str] | None) -> bool:
    """Whether the answer to the guard says that there is nothing to do.

    Raises ShellCommandError: the guard itself is broken; taken for a "no", it would let the command run every time.
    """
    if not reply.ok and _BROKEN.search(reply.text):
        raise ShellCommandError(f"Prosody does not understand the guard {guard.label} in `unless`: {reply.text}.")
    return reply.ok and (matches is None or bool(matches.search(text_of(reply))))


def judge(command: Command, reply: Reply, changed: re.Pattern[str] | None, failed: re.Pattern[str] | None) -> bool:
    """Return whether a command has changed something.

    Raises ShellCommandError: it failed, by its own account or by what was declared.
    """
    text = text_of(reply)
    if not reply.ok:
        hint = ""
        if reply.text == "Error: cancelled":
            hint = " It asked for a password and none was left to give: add it to `secrets`."
        seen = text.rstrip(".") or "no reason"
        raise ShellCommandError(f"Prosody answered the command {command.label} with an error: {seen}.{hint}")
    if failed:
        match = failed.search(text)
        if match:
            raise ShellCommandError(
                f"The command {command.label} was answered with {match.group()!r}, "
                f"which is declared as its failure ({failed.pattern!r})."
            )
    return changed is None or bool(changed.search(text))
