# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A plan as the result of the module and as a diff. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.community_modules import code
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.community_modules.code import Files
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.community_modules.environment import Environment
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.community_modules.planner import Pick, Plan


def result(plan: Plan, installed: Mapping[str, Files], environment: Environment) -> dict[str, Any]:
    """Return what the module returns for a plan, carried out or not."""
    return {
        "changed": bool(plan),
        "running": environment.running,
        "modules": {name: _described(pick, environment) for name, pick in sorted(plan.picks.items())},
        "installed": list(plan.added),
        "updated": sorted(set(plan.write) - set(plan.added)),
        "removed": list(plan.removed),
        "loaded": [{"host": host, "module": name} for host, name in plan.load],
        "reloaded": list(plan.reload),
        "unloaded": list(plan.unload),
        "restart_needed": list(plan.held),
        "diff": _diff(plan, installed, environment),
    }


def _described(pick: Pick, environment: Environment) -> dict[str, Any]:
    return {
        "source": pick.source,
        "revision": pick.revision or None,
        "sha256": None if pick.files is None else code.digest(pick.files),
        "in_place": pick.files is None,
        "needed_by": pick.needed_by or None,
        "enabled_on": environment.enabled_on(pick.name),
    }


def _diff(plan: Plan, installed: Mapping[str, Files], environment: Environment) -> dict[str, str]:
    before = {f"mod_{name}": f"sha256 {code.digest(files)}" for name, files in installed.items()}
    after = {entry: text for entry, text in before.items() if entry[4:] not in plan.removed}
    after.update({f"mod_{name}": f"sha256 {code.digest(files)}" for name, files in plan.write.items()})
    before_loaded = {f"mod_{name} on {host}": "not loaded" for host, name in plan.load}
    after_loaded = dict.fromkeys(before_loaded, "loaded")
    for name in (*plan.reload, *plan.unload):
        for host in environment.loaded_on(name):
            before_loaded[f"mod_{name} on {host}"] = "loaded"
            after_loaded[f"mod_{name} on {host}"] = "reloaded" if name in plan.reload else "not loaded"
    return {"before": _text({**before, **before_loaded}), "after": _text({**after, **after_loaded})}


def _text(lines: Mapping[str, str]) -> str:
    return "".join(f"{entry}: {lines[entry]}\n" for entry in sorted(lines))
