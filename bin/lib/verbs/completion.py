# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What bash offers at a place of the command line. Pure; the shell asks `bin/xmpp --complete WORD…` for it."""

from __future__ import annotations

from collections.abc import Sequence

from .table import INVENTORY, VERBS, WITH_VALUE, WITHOUT_VALUE

# %s: bin/xmpp of this checkout. compgen offers paths too where an inventory may stand
SCRIPT = """_xmpp() {
  local verb=() word=${COMP_WORDS[COMP_CWORD]}
  case ${COMP_WORDS[0]} in *deploy) verb=(deploy) ;; esac
  mapfile -t COMPREPLY < <(%s --complete "${verb[@]}" "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  if [ $((COMP_CWORD + ${#verb[@]})) -gt 1 ] && [[ $word != -* ]]; then
    mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -d -- "$word")
  fi
}
complete -o filenames -F _xmpp bin/xmpp xmpp bin/deploy ./bin/xmpp ./bin/deploy
"""


def offered(words: Sequence[str], inventories: Sequence[str]) -> list[str]:
    """Out: what may stand instead of the last of the words (those after the command), which is only begun."""
    *before, begun = words or [""]
    if not before:
        known: list[str] = [*VERBS, "--help", "--completion"]
    elif before[0] not in VERBS or before[-1] in WITH_VALUE:
        known = []
    elif begun.startswith("-"):
        verb = VERBS[before[0]]
        known = [
            *(option.name for option in verb.options),
            *sorted(name for name in WITH_VALUE | WITHOUT_VALUE | INVENTORY if name.startswith("--")),
            "--help",
        ]
    else:
        known = list(inventories)
    return [name for name in known if name.startswith(begun)]
