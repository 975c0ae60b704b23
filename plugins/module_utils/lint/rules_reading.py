# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the reading itself brought up: includes, files, words that are no values, hosts declared twice."""

from __future__ import annotations

import re

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.config import GLOBAL, Opaque, Place, Table
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.context import Context
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.findings import ERROR, WARNING
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.knowledge import BOOLEAN_WORDS

_PROBLEMS = {
    "include-missing": (
        ERROR,
        "Include of {subject}: {text}",
        "Prosody does not start without it; write the file or remove the line",
    ),
    "file-missing": (ERROR, "{subject} cannot be read: {text}", "write the file, readable for the group of Prosody"),
    "ignored-argument": (
        ERROR,
        "{subject}(…) takes a name and nothing else, the second argument ({text}) is ignored",
        'write {subject} "name" "module" { … } without a comma',
    ),
    "refused": (
        WARNING,
        "The configuration calls {subject} ({text}); the linter does not do that",
        "what depends on it was not checked",
    ),
}


def check_reading(context: Context) -> None:
    """Problems, undefined names, unset options, warnings of the parser."""
    config = context.config
    for problem in config.problems:
        severity, message, hint = _PROBLEMS[problem.code]
        reason = re.sub(r"^.*?: ", "", problem.text) if problem.code.endswith("missing") else problem.text
        code = "refused-call" if problem.code == "refused" else problem.code
        context.at(
            severity,
            code,
            message.format(subject=problem.subject, text=reason),
            hint.replace("{subject}", problem.subject),
            problem.place,
        )
    for host, options in config.hosts.items():
        for option, value in sorted(options.items()):
            if isinstance(value, Opaque) and value.kind.startswith("handle"):
                other = value.kind.rsplit(" ", 1)[-1]
                context.error(
                    "wrong-type",
                    f"{option} is a {value.kind}, not its value",
                    f"write {option} = {other}:value()" if other != option else "remove the line",
                    host=host,
                    option=option,
                )
    unset = {place: key for _host, key, place in config.unset}
    for name, place in config.undefined:
        option = unset.get(place, "")
        word = BOOLEAN_WORDS.get(name)
        if word:
            context.at(
                ERROR,
                "undefined-name",
                f"{name} is no value of Lua: {option or 'what it is given to'} stays unset",
                f"write {word}",
                place,
                name,
            )
        else:
            context.at(
                WARNING,
                "undefined-name",
                f"{name} is not defined: its value is nil",
                f'a text needs quotes: "{name}"',
                place,
                name,
            )
    for text in config.warnings:
        match = re.match(r"(.*?):(\d+): (.*)$", text, re.DOTALL)
        place, message = (Place(match[1], int(match[2])), match[3]) if match else (Place(config.path), text)
        twice = re.search(r"Duplicate option '([^']*)'", message)
        if twice:
            context.at(
                WARNING,
                "duplicate-option",
                f"{twice[1]} is set twice in this section, the last one counts",
                "keep one",
                place,
                twice[1],
            )
        else:
            context.at(WARNING, "lua-api", message, "", place)


def check_hosts(context: Context) -> None:
    """Declarations of hosts, and JIDs that refer to people."""
    config = context.config
    names = [host for host in config.hosts if host != GLOBAL]
    if not any(config.component(host) is None for host in names):
        context.error(
            "no-host", "There is no VirtualHost: nobody can have an account here", 'add VirtualHost "example.org" { }'
        )
    for host, places in config.declared.items():
        if len(places) > 1 and len({name for (section, name) in config.assigned if section == host}) > 0:
            lines = _distinct(config.assigned, host)
            if lines:
                context.at(
                    WARNING,
                    "duplicate-host",
                    f"{host} is declared {len(places)} times ({', '.join(str(place) for place in places)}), and"
                    f" {lines[0]} is set in more than one of them",
                    "keep one declaration",
                    places[-1],
                    host,
                    host,
                )
    for host, options in config.hosts.items():
        value = options.get("admins")
        for jid in value.values if isinstance(value, Table) else [value] if value is not None else []:
            if isinstance(jid, str) and not _is_jid(jid):
                context.error(
                    "bad-jid",
                    f'admins holds "{jid}", which is no JID',
                    "write user@domain",
                    host=host,
                    option="admins",
                    keys=(jid,),
                )
            elif not isinstance(jid, str):
                context.error(
                    "wrong-type",
                    "admins holds something that is no text",
                    "write user@domain",
                    host=host,
                    option="admins",
                )


def _distinct(assigned: dict[tuple[str, str], list], host: str) -> list[str]:
    return sorted(
        option
        for (section, option), places in assigned.items()
        if section == host and len(places) > 1 and option != "component_module"
    )


_JID = re.compile(r"(?:[^\s\"&'/:<>@\x00-\x1f]+@)?[^\s@/\x00-\x1f\"&'<>:]+(?:/.*)?")


def _is_jid(text: str) -> bool:
    match = _JID.fullmatch(text)
    if not match:
        return False
    domain = text.split("/", 1)[0].rsplit("@", 1)[-1]
    return bool(domain) and not domain.startswith((".", "-")) and ".." not in domain and not domain.endswith("-")
