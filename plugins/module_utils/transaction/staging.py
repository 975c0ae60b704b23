# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A wanted configuration beside the living one: read, checked and linted there before anything is touched.

The stage is a directory only root can enter. Everything else of the configuration's directory appears in it as symbolic
links, so that relative paths (Include "conf.d/*.cfg.lua", certificates = "certs") mean the same; the wanted secrets lie
in it as files, and the staged text refers to them instead of the living ones.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.installation import RunCommand
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.model import Model
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.reading import ModelReader


class CheckFailed(XmppError):
    """prosodyctl found something wrong in the staged configuration."""


class Stage:
    """Context manager; removes itself."""

    def __init__(self, path: str, content: bytes, secrets_dir: str, secrets: Mapping[str, bytes]) -> None:
        self._living = Path(path)
        self._secrets_dir = secrets_dir.rstrip("/")
        base = "/run" if os.access("/run", os.W_OK) else None
        self.directory = Path(tempfile.mkdtemp(prefix="xmpp-prosody-config.", dir=base))
        name = self._living.name if self._living.name.endswith(".lua") else self._living.name + ".lua"
        self.path = self.directory / name
        self.original = self.directory / f".original.{name}"
        try:
            self._fill(content, secrets)
        except BaseException:
            self.remove()
            raise

    def _fill(self, content: bytes, secrets: Mapping[str, bytes]) -> None:
        staged_secrets = self.directory / ".secrets"
        staged_secrets.mkdir(mode=0o700)
        for name, value in secrets.items():
            (staged_secrets / name).write_bytes(value)
        parent = self._living.parent
        for entry in parent.iterdir() if parent.is_dir() else ():
            target = self.directory / entry.name
            if entry.name != self.path.name and entry != Path(self._secrets_dir):
                target.symlink_to(entry)
        living = self._secrets_dir.encode()
        text = content.replace(living + b"/", bytes(staged_secrets) + b"/")
        if Path(self._secrets_dir).parent == parent:
            (self.directory / Path(self._secrets_dir).name).symlink_to(staged_secrets)
        self.path.write_bytes(text)
        self.original.write_bytes(content)

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.remove()

    def remove(self) -> None:
        """Remove the stage; never raises."""
        shutil.rmtree(self.directory, ignore_errors=True)

    def unstaged(self, text: str) -> str:
        """A message about the stage → the same about the living files."""
        text = text.replace(str(self.directory / ".secrets"), self._secrets_dir)
        text = text.replace(str(self.path), str(self._living))
        return text.replace(str(self.directory), str(self._living.parent))

    def model(self, reader: ModelReader, run_command: RunCommand) -> Model:
        """What the staged configuration says; raises ConfigUnreadable with the living paths."""
        try:
            model = reader.read(str(self.path), run_command)
        except XmppError as error:
            raise type(error)(self.unstaged(str(error))) from None
        return replace(
            model,
            files=tuple(map(self.unstaged, model.files)),
            warnings=tuple(map(self.unstaged, model.warnings)),
        )

    def check(self, prosodyctl: list[str], run_command: RunCommand) -> list[str]:
        """Run `prosodyctl check config` on the stage; return its remarks, raise CheckFailed with its complaints."""
        rc, out, err = run_command([*prosodyctl, "--root", "--config", str(self.path), "check", "config"])
        return judge_check(rc, self.unstaged(out), self.unstaged(err))


_PASSED = re.compile(r"^All checks passed", re.MULTILINE)
_CHATTER = re.compile(r"^(Checking config|Done\.|All checks passed|Problems found)|^\*+$")


def judge_check(rc: int, out: str, err: str) -> list[str]:
    """What `prosodyctl check config` said → its remarks; raises CheckFailed unless it says that all passed."""
    paragraphs = [
        " ".join(line.strip() for line in part.splitlines() if not _CHATTER.match(line.strip()))
        for part in re.split(r"\n\s*\n", out)
    ]
    remarks = [
        part
        for part in paragraphs
        if part.strip() and "configuration files have been loaded" not in part and "check features" not in part
    ]
    if rc == 0 and _PASSED.search(out):
        return remarks
    said = " ".join(remarks) or (out + err).strip()[-1500:]
    raise CheckFailed(f"`prosodyctl check config` refuses the configuration: {said}")
