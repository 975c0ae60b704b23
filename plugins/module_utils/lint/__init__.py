# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Linter of Prosody configurations: checked against the sources of the installed Prosody, before anything is written.

lint_file("/run/staged.lua", run_command=module.run_command, as_path="/etc/prosody/prosody.cfg.lua") → list of Finding
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.config import (
    GLOBAL,
    Config,
    ConfigError,
    read_config,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.context import Context, strings
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.findings import ERROR, WARNING, Finding, ignored
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.registry import Registry, extract
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.rules_knowledge import check_knowledge
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.rules_modules import (
    check_modules,
    check_providers,
    check_server,
    check_sql,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.rules_options import (
    check_keys,
    check_limits,
    check_log,
    check_options,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.rules_ports import check_ports
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.rules_reading import check_hosts, check_reading
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody import installation as installations
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.installation import (
    Installation,
    NotInstalled,
    RunCommand,
    find,
)

__all__ = [
    "ERROR",
    "WARNING",
    "Config",
    "ConfigError",
    "Finding",
    "Installation",
    "NotInstalled",
    "Registry",
    "check",
    "extract",
    "find",
    "lint_file",
    "plugin_roots",
    "read_config",
]

DEFAULT_PATH = "/etc/prosody/prosody.cfg.lua"


def plugin_roots(config: Config, installation: Installation) -> list[Path]:
    """Plugin directories of a configuration, in the order in which Prosody searches them."""
    section = config.hosts.get(GLOBAL, {})
    installer = section.get("installer_plugin_path")
    return installations.plugin_roots(
        installation, installer if isinstance(installer, str) else None, strings(section.get("plugin_paths"))
    )


_RULES = (
    check_knowledge,
    check_server,
    check_reading,
    check_hosts,
    check_modules,
    check_providers,
    check_sql,
    check_options,
    check_keys,
    check_ports,
    check_limits,
    check_log,
)


def check(config: Config, registry: Registry, *, ignore: Iterable[str] = ()) -> list[Finding]:
    """All findings about a configuration, in the order of the file; errors and warnings together."""
    context = Context(config, registry)
    for rule in _RULES:
        rule(context)
    kept = ignored(dict.fromkeys(context.findings), ignore)
    return sorted(
        kept,
        key=lambda finding: (finding.file != config.path, finding.file, finding.line, finding.host, finding.option),
    )


def lint_file(
    path: str,
    *,
    run_command: RunCommand,
    roots: Sequence[str | Path] | None = None,
    as_path: str | None = DEFAULT_PATH,
    pending_files: Iterable[str] = (),
    ignore: Iterable[str] = (),
    installation: Installation | None = None,
    timeout: int = 20,
    wrap: Sequence[str] | None = None,
) -> list[Finding]:
    """Lint one configuration file against the Prosody installed on this machine.

    path: the file to read, staged or in place
    as_path: where it will be (None: where it is); relative paths in it resolve against that directory, findings name it
    run_command: AnsibleModule.run_command, or anything called with (argv, data=text) → (code, output, errors)
    roots: plugin directories, None: as the configuration and the installation say
    pending_files: files the configuration refers to that are about to be written (secrets of the same transaction);
    what lies in the directory of a staged file counts as such by itself
    ignore: codes, option names or code:option that are accepted
    A configuration that Prosody refuses gives exactly one finding, code `syntax`, with file, line and what Lua said.
    Raises NotInstalled: there is no Prosody whose sources could be asked; ConfigError: the file cannot be read at all.
    """
    installed = installation or find()
    try:
        config = read_config(
            str(path),
            run_command=run_command,
            installation=installed,
            as_path=as_path,
            pending_files=pending_files,
            timeout=timeout,
            wrap=wrap,
        )
    except ConfigError as error:
        if not error.reason:
            raise
        where = Path(error.file or path).name + (f":{error.line}" if error.line else "")
        return [
            Finding(
                ERROR,
                "syntax",
                where,
                error.reason,
                "Prosody refuses the whole file",
                file=error.file,
                line=error.line,
            )
        ]
    directories = [Path(root) for root in roots] if roots is not None else plugin_roots(config, installed)
    registry = extract(
        directories,
        installed.source,
        programs=installed.programs,
        lua=config.lua,
        lua_path=f"{config.lua_path};{config.lua_cpath}",
    )
    return check(config, registry, ignore=ignore)
