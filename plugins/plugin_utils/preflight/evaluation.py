# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Variables worked out one by one, so that one that cannot be is a line of the report and not the end of the run.

Ansible shows the lines around a template that fails, and these may hold passwords; here a fault tells names and places.
"""

from __future__ import annotations

import contextlib
import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError, AnsibleTemplateError, AnsibleUndefinedVariable
from ansible.template import Templar
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.secret_files import ONLY_LOOKS
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.types import HOLE

try:  # where a value was set: core 2.19 knows, and tells nobody officially
    from ansible._internal._datatag._tags import Origin
except ImportError:  # pragma: no cover
    Origin = None

_UNDEFINED = re.compile(r"'([A-Za-z_][A-Za-z0-9_]*)' is undefined")
_ATTRIBUTE = re.compile(r"has no (?:attribute|element) '?([A-Za-z_][A-Za-z0-9_]*)'?")
_FILTER = re.compile(r"No (filter|test) named '?([A-Za-z_][A-Za-z0-9_.]*)'?")


class Fault(XmppError):
    """A value that cannot be worked out. The text says why, without anything of the value."""

    def __init__(self, reason: str, missing: str = "", source: Any = None, own: bool = False) -> None:
        super().__init__(reason)
        #: whether a plugin of ours said so, about the values it was given
        self.own = own
        #: the variable that is set nowhere, if that is the reason
        self.missing = missing
        #: the template that could not be worked out, which knows where it was written
        self.source = source


def place(value: Any) -> str:
    """Name the file and line that a value comes from, as far as core tells; one from another source has no place."""
    path, line = _origin(value)
    if not path:
        return ""
    with contextlib.suppress(ValueError):
        path = str(Path(path).relative_to(Path.cwd()))
    return f"{path}:{line}" if line else path


def _origin(value: Any) -> tuple[str, int]:
    origin = Origin.get_tag(value) if Origin is not None else None
    return str(getattr(origin, "path", None) or ""), int(getattr(origin, "line_num", None) or 0)


def is_within(value: Any, directory: Path) -> bool:
    """Whether a value was written in a file below a directory, whose path is without symbolic links."""
    path, _line = _origin(value)
    return bool(path) and _resolved(path).is_relative_to(directory)


@lru_cache(maxsize=1024)
def _resolved(path: str) -> Path:
    return Path(path).resolve()


class Evaluator:
    """The variables of one host, worked out as a task would have them, but without making secrets."""

    def __init__(self, templar: Templar, variables: Mapping[str, Any]) -> None:
        #: as they were written
        self.variables: dict[str, Any] = {**variables, ONLY_LOOKS: True}
        self._seen = dict(self.variables)
        self._templar = templar.copy_with_new_env(available_variables=self._seen)

    def settle(self, name: str, value: Any) -> None:
        """Have what is made of a variable take this value, and not work it out anew each time."""
        self._seen[name] = value

    def replace(self, changes: Mapping[str, Any], removed: Iterable[str] = ()) -> None:
        """Give variables other values, or none at all, and work out anew what is made of them."""
        self.variables.update(changes)
        for name in removed:
            self.variables.pop(name, None)
        self._seen.clear()
        self._seen.update(self.variables)

    def template(self, raw: Any) -> Any:
        """Work out a value as it was written. Raises Fault."""
        try:
            return self._templar.template(raw)
        except (AnsibleError, XmppError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise fault(error, self.variables) from None

    def value(self, name: str) -> Any:
        """Work out a variable. Raises Fault, also where it is set nowhere."""
        if name not in self.variables:
            raise Fault("is set nowhere.", name)
        return self.template(self.variables[name])

    def parts(self, path: str, raw: Any) -> tuple[Any, list[tuple[str, Fault]]]:
        """Work out as much of a value as can be: the value, with holes, and what is wrong with each of the holes."""
        try:
            return self.template(raw), []
        except Fault as fault:
            if isinstance(raw, Mapping):
                keys: list[Any] = list(raw)
                named = [(f"{path}.{key}", held) for key, held in raw.items()]
            elif isinstance(raw, (list, tuple)):
                keys = []
                named = [(f"{path}[{index}]", held) for index, held in enumerate(raw)]
            else:
                return HOLE, [(path, fault)]
        found = [self.parts(*part) for part in named]
        faults = [fault for _value, faults in found for fault in faults]
        values = [value for value, _faults in found]
        return (dict(zip(keys, values, strict=True)) if keys else values), faults


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def fault(error: BaseException, variables: Mapping[str, Any]) -> Fault:
    """Say why a template failed: in our own words where it is one of our filters, else by names alone."""
    chain = list(_causes(error))
    source = next((obj for each in chain if isinstance(obj := getattr(each, "obj", None), str)), None)
    for each in chain:
        if isinstance(each, XmppError):
            return Fault(str(each), source=source, own=True)
    text = " ".join(str(each) for each in chain)
    if any(isinstance(each, AnsibleUndefinedVariable) for each in chain):
        if found := _UNDEFINED.search(text):
            missing = found[1]
            near = difflib.get_close_matches(missing, [str(each) for each in variables], n=1, cutoff=0.8)
            advice = f"did you mean {near[0]}?" if near else "set it, or correct the name."
            return Fault(f"refers to {missing}, which is set nowhere: {advice}", missing, source)
        if found := _ATTRIBUTE.search(text):
            return Fault(f"refers to {found[1]} of something that has no {found[1]}: correct it.", source=source)
        return Fault("refers to something that there is not: correct it.", source=source)
    if "vault" in text.lower():
        advice = "give it with --ask-vault-pass or --vault-password-file."
        return Fault(f"is encrypted, and its password was not given or is another one: {advice}", source=source)
    if "Recursive loop" in text:
        return Fault("is made of itself: give it a value of its own.", source=source)
    if found := _FILTER.search(text):
        return Fault(f"uses the {found[1]} {found[2]}, which there is not: correct it.", source=source)
    if isinstance(error, AnsibleTemplateError) and "Syntax error" in text:
        return Fault("is no template that can be read: see its braces, brackets and quotes.", source=source)
    if "lookup plugin" in text and "File not found" in text:
        return Fault("looks up a file that there is not on the controller: correct its path.", source=source)
    return Fault("cannot be worked out: see what it is made of.", source=source)
