# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What bin/xmpp was asked for: words → Request. Pure; what is wrong is refused before anything is installed for it."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from .table import ELSEWHERE, INVENTORY, NEEDED_AGAIN, VERBS, WITH_VALUE, WITHOUT_VALUE, Option, Verb
from .words import Refusal, meant


@dataclass
class Request:
    """What was asked. given: own option → value, True for one without; options: for ansible-playbook."""

    verb: Verb
    inventory: str = ""
    word: str = ""
    help: bool = False
    given: dict[str, str | bool] = field(default_factory=dict)
    options: list[str] = field(default_factory=list)
    again: list[str] = field(default_factory=list)
    """The words of a later run: without what was for this one alone."""


def find_verb(word: str) -> Verb:
    """Out: the verb of that name; raises Refusal."""
    if word in VERBS:
        return VERBS[word]
    if word.startswith("-"):
        raise Refusal(
            f"{word} is no verb",
            meant(word, ("--help", "--completion")),
            f"The verb comes first: {' '.join(VERBS)}",
        )
    raise Refusal(f"there is no verb {word}", meant(word, VERBS), f"Known: {' '.join(VERBS)}")


def _variables(given: str) -> list[str]:
    """Out: the names in a value of -e; none of a file."""
    if given.startswith("@"):
        return []
    try:
        found = json.loads(given)
    except ValueError:
        return re.findall(r"(?:^|\s)([A-Za-z_]\w*)=", given)
    return [str(name) for name in found] if isinstance(found, dict) else []


class _Reader:
    def __init__(self, verb: Verb, words: Sequence[str], command: str) -> None:
        self._own = {option.name: option for option in verb.options}
        self._left = list(words)
        self._command = command
        self.request = Request(verb)

    def read(self) -> Request:
        only_words = False
        while self._left:
            word = self._left.pop(0)
            if only_words or not word.startswith("-") or word == "-":
                self._word(word)
            elif word == "--":
                only_words = True
            elif word in ("-h", "--help"):
                self.request.help = True
            elif word.startswith("--"):
                self._long(word)
            else:
                self._letters(word)
        if not self.request.help:
            self._refuse_an_inventory_that_was_forgotten()
        return self.request

    def _refuse_an_inventory_that_was_forgotten(self) -> None:
        """Without one it is the quickstart, to which some options can never be meant."""
        found = [word for word in self.request.options if word in ELSEWHERE]
        if found and not self.request.inventory:
            raise Refusal(
                f"{found[0]} is for servers of yours, and no inventory is named",
                f"Say {self._command} INVENTORY {found[0]} …",
                "Without an inventory it is the quickstart, a container on this machine.",
            )

    def _next(self, option: str) -> str:
        if not self._left:
            raise Refusal(f"{option} lacks its value")
        return self._left.pop(0)

    def _unknown(self, option: str) -> Refusal:
        known = [*self._own, *WITH_VALUE, *WITHOUT_VALUE, *INVENTORY, "--help"]
        near = meant(option, [name for name in known if name.startswith("--")]) if option.startswith("--") else ""
        return Refusal(
            f"there is no option {option}",
            near,
            f"{self._command} --help tells its own, ansible-playbook --help all others.",
        )

    def _word(self, word: str) -> None:
        request = self.request
        # an address is never meant as an inventory where the verb takes one
        if request.verb.word and not request.word and (request.inventory or "@" in word):
            request.word = word
        elif request.word and "@" in word:
            raise Refusal(f"two accounts: {request.word} and {word}", f"{self._command} takes one at a time.")
        elif request.inventory:
            raise Refusal(f"two inventories: {request.inventory} and {word}", f"{self._command} takes one at a time.")
        else:
            request.inventory = word
            request.again.append(word)

    def _long(self, word: str) -> None:
        name, joined, value = word.partition("=")
        if name in self._own:
            self._set(self._own[name], value if joined else None)
        elif name in INVENTORY:
            self._word(value if joined else self._next(name))
        elif name in WITH_VALUE:
            self._hand_on(name, value if joined else self._next(name))
        elif name in WITHOUT_VALUE and not joined:
            self._hand_on(name)
        else:
            raise self._unknown(name)

    def _letters(self, word: str) -> None:
        """Letters in one word, of which the last one may take what follows."""
        letters = word[1:]
        while letters:
            letter, letters = f"-{letters[0]}", letters[1:]
            if letter in WITHOUT_VALUE:
                self._hand_on(letter)
                continue
            if letter not in WITH_VALUE and letter not in INVENTORY:
                raise self._unknown(word)
            value = (letters or self._next(word)).removeprefix("=")
            letters = ""
            if letter in INVENTORY:
                self._word(value)
            else:
                self._hand_on(letter, value)

    def _look_at_variables(self, given: str) -> None:
        """Refuse a name that is nearly one of this verb's own: to Ansible it is a variable like any other."""
        verb = self.request.verb
        own = [*(option.sets for option in verb.options), verb.word_sets, verb.domain_sets]
        known = [name for name in own if name]
        for name in _variables(given):
            near = [f"xmpp_{name}"] if f"xmpp_{name}" in known else difflib.get_close_matches(name, known, 1, 0.85)
            if near and name not in known:
                raise Refusal(f"{self._command} has no variable {name}", f"Did you mean {near[0]}?")

    def _set(self, option: Option, value: str | None) -> None:
        if not option.value and value is not None:
            raise Refusal(f"{option.name} takes no value")
        if option.value:
            self.request.given[option.name] = value if value is not None else self._next(option.name)
        else:
            self.request.given[option.name] = True
            if option.name == "--fast":
                self.request.again.append(option.name)

    def _hand_on(self, *words: str) -> None:
        if words[0] in ("-e", "--extra-vars"):
            self._look_at_variables(words[1])
        self.request.options.extend(words)
        if words[0] in NEEDED_AGAIN:
            self.request.again.extend(words)


def read(verb: Verb, words: Sequence[str], command: str) -> Request:
    """Out: what the words after the verb ask for; raises Refusal. command: what the operator typed before them."""
    return _Reader(verb, words, command).read()
