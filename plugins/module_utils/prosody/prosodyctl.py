# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runner: prosodyctl, for what works without a running server.

Its exit code says little: it is 0 after an unknown command or a failed installation, so callers read the output.
Secrets go through standard input only, and every call has a time limit: two prompts for a password without a terminal
would otherwise wait for ever.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError

DEFAULT_CONFIG = "/etc/prosody/prosody.cfg.lua"


class ProsodyctlFailed(XmppError):
    """prosodyctl could not be run, or took too long."""


@dataclass(frozen=True)
class Output:
    """What one call of prosodyctl left behind."""

    code: int
    stdout: str
    stderr: str

    @property
    def text(self) -> str:
        """Everything it said."""
        return "\n".join(part for part in (self.stdout.strip(), self.stderr.strip()) if part)


class Prosodyctl:
    """Calls prosodyctl.

    command: the program, or the words that reach it (``docker exec prosody prosodyctl``).
    config: the configuration file to use when it is not the default one.
    timeout: seconds that a call may take.
    run: stands in for ``subprocess.run`` in tests.
    """

    def __init__(
        self,
        command: Sequence[str] = ("prosodyctl",),
        config: str = DEFAULT_CONFIG,
        timeout: float = 60.0,
        run: Callable[..., Any] = subprocess.run,
    ) -> None:
        self._command = list(command)
        self._config = config
        self._timeout = timeout
        self._run = run

    def arguments(self, *words: str) -> list[str]:
        """Return the whole command line of a call. The configuration goes first, as an option of prosodyctl itself."""
        chosen = [] if self._config == DEFAULT_CONFIG else ["--config", self._config]
        return [*self._command, *chosen, *words]

    def call(self, *words: str, secrets: Sequence[str] = ()) -> Output:
        """Run prosodyctl with these words; return what it said and its exit code.

        secrets: lines for its standard input.
        Raises ProsodyctlFailed: there is no such program, it may not be run, or it did not end in time.
        """
        line = self.arguments(*words)
        shown = " ".join(line[: -len(words)] + list(words[:2]))
        try:
            # not run_command, which has no time limit: prosodyctl asks for a password for ever
            done = self._run(  # pylint: disable=ansible-bad-function
                line,
                input="".join(f"{secret}\n" for secret in secrets),
                capture_output=True,
                text=True,
                errors="replace",
                timeout=self._timeout,
                check=False,
                env={**os.environ, "LC_ALL": "C.UTF-8"},
            )
        except FileNotFoundError:
            raise ProsodyctlFailed(
                f'Cannot run "{shown}": there is no {line[0]} here. Is Prosody installed on this machine?'
            ) from None
        except PermissionError:
            raise ProsodyctlFailed(f'Cannot run "{shown}": permission denied. Run this task as root.') from None
        except subprocess.TimeoutExpired:
            raise ProsodyctlFailed(f'"{shown}" did not end within {self._timeout:g} seconds and was stopped.') from None
        return Output(done.returncode, done.stdout, done.stderr)
