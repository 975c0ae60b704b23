# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What bin/xmpp says of itself: one screen for all, and one for each verb. Pure."""

from __future__ import annotations

from .table import VERBS, Verb

_WIDTH = 21

_COMMON = """
  INVENTORY   the name of one in inventories/, or a path. Without one: quickstart, a container host on this machine.

All other options go to ansible-playbook, and paths in them start where you are:
  --ask-vault-pass   for secrets that ansible-vault encrypted, or --vault-password-file FILE
  -K, -v             asks for your password of sudo on the servers, where one is needed; Ansible's own output
  --limit --tags -e …
"""
_DEPLOY = "  --check --diff     see what a run would change\n"


def _line(left: str, right: str) -> str:
    return f"  {left:<{_WIDTH}}{right}\n"


def usage(verb: Verb) -> str:
    """Out: how a verb is called, without what stands before it."""
    options = "".join(f" [{option.name}{' ' + option.value if option.value else ''}]" for option in verb.options)
    return f"[INVENTORY]{f' [{verb.word}]' if verb.word else ''}{options}"


def of_all() -> str:
    """Out: the screen of bin/xmpp --help."""
    lines = "".join(_line(verb.name, verb.help) for verb in VERBS.values())
    return (
        "bin/xmpp VERB [INVENTORY] [options]\n\n"
        f"{lines}{_COMMON}\n"
        "bin/xmpp VERB --help tells what else a verb takes. "
        "Each is a playbook as well: ansible-playbook allthingslinux.xmpp.VERB\n"
        'Completion, for this shell or in ~/.bashrc: eval "$(bin/xmpp --completion)"\n'
    )


def of_verb(verb: Verb, command: str) -> str:
    """Out: the screen of one verb. command: what the operator typed, such as bin/deploy."""
    own = "".join(_line(f"{option.name} {option.value}".rstrip(), option.help) for option in verb.options)
    common = _COMMON + (_DEPLOY if verb.brings_up else "")
    return (
        f"{command} {usage(verb)} [ansible-playbook options]\n\n  {verb.help}\n" + (f"\n{own}" if own else "") + common
    )
