# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Typed reading of the settings of role prosody: every wrong value is an error that names its variable."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.values import duration

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kKMGT]i?)?B?\Z")
_NO_TIME = re.compile(r"0+(?![0-9.])")
# util/human/io.lua, parse_duration, which looks at the first letters of a unit and so takes "4 weks" for weeks
_PERIOD = re.compile(
    r"never|[0-9]+ *(s|sec(onds?)?|min(utes?)?|h|hours?|d|days?|w|weeks?|mon(ths?)?|y|years?)?", re.IGNORECASE
)
_FACTORS = {None: 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_FACTORS |= {"K": 10**3, "Ki": 2**10, "ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


class ModelError(XmppError):
    """A setting that no configuration can be made of. The message starts with the path of the value."""


class Settings:
    """A mapping of settings with the path it came from. An absent, null or empty value means: as Prosody does it.

    So does an item of a list that is null: preflight has told of it, or put it there for one that was refused.
    """

    def __init__(self, values: Mapping[str, Any], path: str = "", prefix: str = "prosody_") -> None:
        if not isinstance(values, Mapping):
            raise ModelError(f"{path or 'settings'}: expected a mapping, got {_kind(values)}")
        self.values = values
        self.path = path
        self._prefix = prefix

    def where(self, name: str) -> str:
        """Return the path of setting `name`, as an operator writes it."""
        return f"{self.path}.{name}" if self.path else f"{self._prefix}{name}"

    def has(self, name: str) -> bool:
        """Whether `name` is set to something: not absent, not null."""
        return self.values.get(name) is not None

    def text(self, name: str, default: str = "") -> str:
        """Return a string without line ends at its edges."""
        value = self.values.get(name)
        if value is None:
            return default
        if not isinstance(value, str):
            raise ModelError(f"{self.where(name)}: expected a text, got {_kind(value)}")
        return value.strip()

    def choice(self, name: str, choices: tuple[str, ...], default: str) -> str:
        """Return a string out of `choices`."""
        value = self.text(name, default) or default
        if value not in choices:
            raise ModelError(f"{self.where(name)} is none of {', '.join(choices)}")
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        """Return a boolean."""
        value = self.values.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise ModelError(f"{self.where(name)}: expected true or false, got {_kind(value)}")
        return value

    def number(self, name: str, default: int = 0) -> int:
        """Return an integer; a string of digits counts, as values from templates are."""
        value = self.values.get(name)
        if value is None or value == "":
            return default
        return _integer(value, self.where(name))

    def numbers(self, name: str) -> list[int]:
        """Return a list of integers."""
        return [_integer(item, path) for path, item in self._items(name)]

    def ports(self, name: str) -> list[int]:
        """Return a list of port numbers."""
        numbers = []
        for path, item in self._items(name):
            number = _integer(item, path)
            if not 0 < number < 65536:
                raise ModelError(f"{path}: {number} is no port, they go from 1 to 65535")
            numbers.append(number)
        return numbers

    def port(self, name: str) -> int:
        """Return a port number, 0 for none."""
        number = self.number(name)
        if not 0 <= number < 65536:
            raise ModelError(f"{self.where(name)}: {number} is no port, they go from 1 to 65535")
        return number

    def size(self, name: str) -> int | None:
        """Return bytes out of an integer or a text such as "100 MiB" (factor 1024) or "100 MB" (factor 1000)."""
        value = self.values.get(name)
        if value is None or value == "":
            return None
        match = _SIZE.match(str(value).strip())
        if not match or isinstance(value, (bool, float)):
            raise ModelError(f"{self.where(name)}: expected a size such as 100 MiB or 2 GB")
        return int(float(match[1]) * _FACTORS[match[2]])

    def period(self, name: str) -> str:
        """Return a text such as "90 days", or "never"."""
        value = self.text(name)
        if _NO_TIME.match(value):
            raise ModelError(f"{self.where(name)}: no time at all, and everything would go; write 90 days or never")
        if value and not _PERIOD.fullmatch(value):
            raise ModelError(
                f"{self.where(name)}: expected a number of seconds, minutes, hours, days, weeks, months or years, "
                "such as 90 days, or never"
            )
        return value

    def seconds(self, name: str) -> int | None:
        """Return the seconds of a period; None for never, for none, and for what Prosody does not understand."""
        value = str(self.values.get(name) or "").strip()
        found = float(value) if value.isdecimal() else duration(value)
        return None if found is None else int(found)

    def sequence(self, name: str) -> list[Any]:
        """Return a list."""
        value = self.values.get(name)
        if value is None:
            return []
        if not isinstance(value, (list, tuple)):
            raise ModelError(f"{self.where(name)}: expected a list, got {_kind(value)}")
        return list(value)

    def texts(self, name: str) -> list[str]:
        """Return a list of strings."""
        return [item for _path, item in self.named_texts(name)]

    def named_texts(self, name: str) -> list[tuple[str, str]]:
        """Return a list of strings, each after its path."""
        items = self._items(name)
        for path, item in items:
            if not isinstance(item, str):
                raise ModelError(f"{path}: expected a text, got {_kind(item)}")
        return items

    def mapping(self, name: str) -> dict[str, Any]:
        """Return a mapping with text keys."""
        value = self.values.get(name)
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            raise ModelError(f"{self.where(name)}: expected a mapping, got {_kind(value)}")
        for key in value:
            if not isinstance(key, str):
                raise ModelError(f"{self.where(name)}: a key is not a text; put it between quotes")
        return dict(value)

    def entries(self, name: str) -> list[Settings]:
        """Return a list of mappings as settings of their own."""
        return [Settings(item, path) for path, item in self._items(name)]

    def scopes(self) -> Iterator[Settings]:
        """Return all that has modules and options of its own: the server, hosts, components, standard components."""
        for scope in (self, *self.entries("hosts")):
            yield scope
            yield from scope.entries("components")
        for kind, given in self.mapping("component_settings").items():
            yield Settings(given or {}, f"{self.where('component_settings')}.{kind}")

    def named_modules(self) -> Iterator[tuple[str, str]]:
        """Return each module that is enabled anywhere by name, and what components are made of, after its path."""
        for scope in self.scopes():
            yield from scope.named_texts("modules")
            if scope.text("module"):
                yield scope.where("module"), scope.text("module")

    def _items(self, name: str) -> list[tuple[str, Any]]:
        """Return what is in a list, each after its path."""
        given = enumerate(self.sequence(name))
        return [(f"{self.where(name)}[{index}]", item) for index, item in given if item is not None]


def _integer(value: Any, path: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().isdecimal():
        return int(value)
    raise ModelError(f"{path}: expected a whole number, got {_kind(value)}")


def _kind(value: Any) -> str:
    """Name the type of a value. What it holds may be a secret, and is never told."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, (int, float)):
        return "a number; put it between quotes where it is a text"
    if isinstance(value, str):
        return "a text"
    return (
        "a mapping"
        if isinstance(value, Mapping)
        else "a list"
        if isinstance(value, (list, tuple))
        else "something else"
    )
