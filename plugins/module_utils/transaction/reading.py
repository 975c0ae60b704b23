# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runner: a configuration file → its model, by the installed Prosody's own configuration manager."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint import loading
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody import configuration
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.installation import (
    Installation,
    RunCommand,
    find_or_none,
    plugin_roots,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.model import (
    GLOBAL,
    ConfigUnreadable,
    Model,
    judged,
)


@dataclass(frozen=True)
class ModelReader:
    """Reads configurations the way this installation does."""

    installation: Installation

    def read(self, path: str, run_command: RunCommand) -> Model:
        """The model of a configuration file; raises ConfigUnreadable."""
        try:
            answer = configuration.compare(path, self.installation, run_command)
        except configuration.NoAnswer as error:
            raise ConfigUnreadable(f"Cannot read {path}: {error.reason}") from error
        model = judged(answer, path)
        known = loading.read(self.installation.source)
        if not known.automatic or not known.inheritable:
            raise XmppError(
                f"Which modules Prosody loads by itself is not to be found in {self.installation.source}/core/"
                "modulemanager.lua: this Prosody is laid out in a way the collection does not know."
            )
        return replace(model, automatic=known.automatic, inherited=self._inherited(model, known))

    def _inherited(self, model: Model, known: loading.Loading) -> Mapping[str, frozenset[str]]:
        """Module of a component → the global modules that its component loads, too."""
        everywhere = model.hosts.get(GLOBAL, {})
        installer = everywhere.get("installer_plugin_path")
        paths = everywhere.get("plugin_paths")
        roots = plugin_roots(
            self.installation,
            installer if isinstance(installer, str) else None,
            [path for path in paths if isinstance(path, str)] if isinstance(paths, list) else [],
        )
        kinds = {kind for host in model.hosts if (kind := model.component(host))}
        return {kind: known.inheritable | loading.wished(kind, roots) for kind in kinds}


def find() -> ModelReader | None:
    """The reader of the Prosody installed here, None when there is none."""
    installed = find_or_none()
    return ModelReader(installed) if installed else None
