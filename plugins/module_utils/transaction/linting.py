# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The linter and its registry as the transaction uses them: remarks or an error, and who reads which option."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils import lint
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.installation import RunCommand


class LintFailed(XmppError):
    """The configuration says what Prosody does not read, or reads otherwise. objections: a line for each error."""

    def __init__(self, objections: Sequence[str]) -> None:
        listed = "\n".join(f"- {text}" for text in objections)
        super().__init__(f"The configuration was not applied, nothing was touched. The linter found:\n{listed}")
        self.objections = list(objections)


def judge(findings: Iterable[Any]) -> list[str]:
    """Findings of the linter → the warnings as text; raises LintFailed when there are errors."""
    considered = list(findings)
    errors = [described(item) for item in considered if item.severity == lint.ERROR]
    if errors:
        raise LintFailed(errors)
    return [described(item) for item in considered]


def described(finding: Any) -> str:
    """One finding on one line."""
    hint = f" ({finding.hint})" if finding.hint else ""
    return f"{finding.where}: {finding.message}{hint} [{finding.code}]"


class Linter:
    """Reads the sources of the installed Prosody at most once in a run: that is what takes time.

    enabled: whether to lint; the registry is made in any case. ignore: codes and options accepted.
    """

    def __init__(self, enabled: bool, ignore: Iterable[str], run_command: RunCommand) -> None:
        self._enabled = enabled
        self._ignore = tuple(ignore)
        self._run_command = run_command
        self._source: tuple[str, str, list[str]] | None = None
        self._read: tuple[lint.Config, lint.Registry] | None = None

    def stage(self, path: str, as_path: str, pending: Iterable[str]) -> None:
        """Say what the next questions are about: a staged file, where it will be, files about to be written."""
        self._source = (path, as_path, list(pending))
        self._read = None

    @property
    def has_read(self) -> bool:
        """Are the sources read already?"""
        return self._read is not None

    def check(self) -> list[str]:
        """Lint; return remarks, raise LintFailed for errors."""
        if not self._enabled:
            return []
        config, registry = self._both()
        return judge(lint.check(config, registry, ignore=self._ignore))

    def readers(self) -> Callable[[str], frozenset[str]]:
        """A function: option → the modules that read it, "" for the server itself."""
        _config, registry = self._both()
        return lambda option: frozenset(reader.module for reader in registry.readers(option))

    @staticmethod
    def unprivileged() -> list[str]:
        """The command prefix that becomes Prosody's user."""
        return lint.find().unprivileged()

    def _both(self) -> tuple[lint.Config, lint.Registry]:
        if self._read is None:
            if self._source is None:
                raise XmppError("There is no staged configuration to lint")
            path, as_path, pending = self._source
            installed = lint.find()
            config = lint.read_config(
                path,
                run_command=self._run_command,
                installation=installed,
                as_path=as_path,
                pending_files=pending,
                timeout=20,
                wrap=None,
            )
            registry = lint.extract(
                lint.plugin_roots(config, installed),
                installed.source,
                programs=installed.programs,
                lua=config.lua,
                lua_path=f"{config.lua_path};{config.lua_cpath}",
            )
            self._read = (config, registry)
        return self._read
