#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: prosody_module
short_description: Community modules of Prosody as a pinned set
version_added: 1.0.0
description:
  - Takes modules from pinned sources, with the modules that they need, into a directory that holds these and no others.
  - Loads, reloads and unloads them on the running server, where they are enabled or loaded.
  - Either all of it succeeds, or files and loaded modules are put back and the error says what was seen. So it is with
    a module that does not parse, does not load, or is not the one that Prosody finds first.
  - Refuses a module that Prosody has itself, one that conflicts with what it has or with another one, and taking a
    module away that is still enabled.
author:
  - allthingslinux.xmpp contributors (@allthingslinux)
options:
  modules:
    description: The modules of the set. An empty list empties it.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the module, with or without C(mod_).
        type: str
        required: true
      source:
        description: Name of the source to take it from, instead of the first one that has it.
        type: str
      version:
        description: Version that the source must give, as C(12-1). For rocks, which have one each.
        type: str
      hosts:
        description:
          - Hosts to have it loaded on now, besides those whose configuration enables it.
          - A module that the configuration does not enable is not loaded again when Prosody starts.
        type: list
        elements: str
        default: []
  sources:
    description:
      - Where modules come from. The first source that has a module gives it.
      - By default the package of the distribution only.
    type: list
    elements: dict
    suboptions:
      type:
        description:
          - V(distribution) is the package C(prosody-modules). Its modules lie where Prosody finds them, stay there, and
            get the updates of the distribution.
          - V(tree) is a directory on the target, as a checkout of the repository C(prosody-modules).
          - V(archive) is a file on the target, C(.tar.*) or C(.zip). It is verified first, and never unpacked as a
            whole.
          - V(rocks) is a server, or a directory, of LuaRocks, which must be installed.
        type: str
        choices: [distribution, tree, archive, rocks]
        required: true
      name:
        description: Name of the source, by which modules choose it. By default its O(sources[].type).
        type: str
      path:
        description: The directory or file of a V(tree) or V(archive).
        type: path
      server:
        description: The address or the directory of the server of V(rocks).
        type: str
      revision:
        description:
          - The revision that a V(tree) or V(archive) must say it is, by at least 7 hex digits. Mercurial and Git write
            it into what they check out and export.
          - A checkout says so even when its files were changed since. O(sources[].sha256) notices that.
        type: str
      sha256:
        description:
          - For an V(archive), which needs it, the SHA-256 of the file.
          - For a V(tree), which needs this or O(sources[].revision), the SHA-256 over its modules. Leave it out to be
            told.
        type: str
  path:
    description: The directory of the set. Whatever else is called C(mod_*) in it is removed.
    type: path
    default: /usr/local/lib/prosody/xmpp-modules
  server_path:
    description: The same directory as Prosody sees it, where that differs, as in a container.
    type: path
  purge:
    description: Whether to remove modules that are in the directory and not in the set.
    type: bool
    default: true
  manage_running:
    description:
      - Whether to look at a running Prosody, and to load, reload and unload modules there.
      - With V(false) it is left alone and only files are changed, as before a configuration that needs the modules.
    type: bool
    default: true
extends_documentation_fragment:
  - allthingslinux.xmpp.connection
  - allthingslinux.xmpp.attributes.full
attributes:
  check_mode:
    details:
      - Rocks are fetched into a temporary directory to see what they are.
      - Whether a module loads is only known once it was loaded.
notes:
  - O(path) must be among the C(plugin_paths) of Prosody, which it reads when it starts.
  - A module is loaded on the hosts whose configuration enables it, as last read by the server. To enable one is the
    configuration's business.
  - Modules named C(storage_*), C(auth_*) and C(authz_*) are not reloaded, for hosts hold on to them. They are returned
    in RV(restart_needed).
  - The modules that a module needs are those that it names in C(module:depends) at the start of a line.
seealso:
  - module: allthingslinux.xmpp.prosody_info
"""

EXAMPLES = r"""
- name: Two modules of a pinned revision of the repository, one of the distribution
  allthingslinux.xmpp.prosody_module:
    sources:
      - type: archive
        path: /srv/prosody-modules.tar.gz
        sha256: 0f3b6c0c7e6a0f9a4d8e7f9b7f3c8b1d2e4f5a6b7c8d9e0f1a2b3c4d5e6f7a8b
      - type: distribution
    modules:
      - name: http_health
      - name: audit
      - name: firewall
        source: distribution

- name: A module of one's own, for a single host
  allthingslinux.xmpp.prosody_module:
    sources:
      - type: tree
        path: /srv/our-modules
        sha256: 9c56cc51b374c3ba189210d5b6d4bf57790d351c96c47c02190ecf1e430635ab
    modules:
      - name: our_greeting
        hosts: [example.org]

- name: A rock
  allthingslinux.xmpp.prosody_module:
    sources:
      - type: rocks
        server: https://modules.prosody.im/rocks/
    modules:
      - name: http_index
        version: 7-1
"""

RETURN = r"""
predicted:
  description: Whether the answer is only a prediction, because in check mode Prosody is not installed yet.
  type: bool
  returned: when it is
running:
  description: Whether a running Prosody was looked at.
  type: bool
  returned: success
  sample: true
modules:
  description:
    - The modules of the set with those that they need, by name.
    - C(sha256) is that of the module, C(in_place) tells that it was not copied, C(enabled_on) which hosts enable it.
  type: dict
  returned: success
  sample:
    http_health:
      source: archive
      revision: 7d0b7e3a1c5f
      sha256: 5c2b…
      in_place: false
      needed_by: null
      enabled_on: [example.org]
installed:
  description: Modules that were added to the directory.
  type: list
  elements: str
  returned: success
  sample: [http_health]
updated:
  description: Modules whose files were replaced.
  type: list
  elements: str
  returned: success
  sample: []
removed:
  description: Modules that were removed from the directory.
  type: list
  elements: str
  returned: success
  sample: []
loaded:
  description: Modules that were loaded, and where.
  type: list
  elements: dict
  returned: success
  sample:
    - host: example.org
      module: http_health
reloaded:
  description: Modules that were reloaded wherever they were loaded.
  type: list
  elements: str
  returned: success
  sample: []
unloaded:
  description: Modules that were unloaded.
  type: list
  elements: str
  returned: success
  sample: []
restart_needed:
  description: Modules that run with other code than the set has until Prosody is restarted.
  type: list
  elements: str
  returned: success
  sample: []
"""

import contextlib

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.community_modules import (
    environment,
    planner,
    report,
    sources,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.community_modules.apply import apply
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.community_modules.code import (
    ModuleSetError,
    normal_name,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.community_modules.rocks import Rocks
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.community_modules.server import Server
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.community_modules.store import Store
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody import connection
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.admin_socket import AdminUnavailable

_TEXT = {"type": "str"}
SOURCE = {
    "type": {"type": "str", "choices": ["distribution", "tree", "archive", "rocks"], "required": True},
    "path": {"type": "path"},
    **dict.fromkeys(("name", "server", "revision", "sha256"), _TEXT),
}
SOURCE_NEEDS = [("type", "tree", ["path"]), ("type", "archive", ["path"]), ("type", "rocks", ["server"])]
MODULE = {
    "name": {"type": "str", "required": True},
    "source": _TEXT,
    "version": _TEXT,
    "hosts": {"type": "list", "elements": "str", "default": []},
}


def wanted_modules(params):
    """Return the declared modules."""
    return [
        planner.Wanted(normal_name(each["name"]), each["source"] or "", each["version"] or "", tuple(each["hosts"]))
        for each in params["modules"]
    ]


def offered(module, store, installed, env):
    """Return the declared sources, each proved to be the pinned one."""
    result: list[sources.Source] = []
    versions = {normal_name(each["name"]): each["version"] or "" for each in module.params["modules"]}

    def run(arguments, environ):
        try:
            # a server that does not answer must not hang the task
            return module.run_command(
                ["timeout", "300", *arguments], environ_update=environ, cwd="/", handle_exceptions=False
            )
        except OSError as error:
            raise ModuleSetError(f"Cannot run {arguments[0]}: {error}.") from error

    for each in module.params["sources"] or [{"type": "distribution", "name": None}]:
        kind, name = each["type"], each["name"] or each["type"]
        if any(other.name == name for other in result):
            raise ModuleSetError(f"Two sources are named {name}; give each a name of its own.")
        if kind == "distribution":
            # in a check its package may be one of those that a run installs first
            names = env.distribution or (None if module.check_mode else frozenset())
            result.append(sources.Source(name, names, lambda _: {}, in_place=True))
        elif kind == "rocks":
            prosodyctl, record = module.params["prosodyctl"], store.record()
            result.append(Rocks(name, each["server"], prosodyctl, run, installed, record, versions).source())
        else:
            pin = each["revision"] or "", each["sha256"] or ""
            result.append(sources.open_source(name, kind, each["path"], *pin))
    return result


def connect(params, stack):
    """Return the running server, or None when there is none or it shall be left alone."""
    if params["manage_running"]:
        try:
            return Server(stack.enter_context(connection.connect(params)))
        except AdminUnavailable as error:
            if error.reason not in ("missing", "refused"):
                raise
    return None


def _look_for(wanted, module, store):
    """On a bare host: refuse what no source has, where each can be asked already."""
    params = module.params
    if any(each["type"] in ("distribution", "rocks") for each in params["sources"] or [{"type": "distribution"}]):
        return  # they come with packages
    planner.resolve(wanted, offered(module, store, {}, environment.Environment()), environment.Environment())


def run(module):
    """Bring the set into its state, or in check mode find out how; return the result."""
    params = module.params
    store, server_path = Store(params["path"]), (params["server_path"] or params["path"]).rstrip("/")
    wanted = wanted_modules(params)
    with contextlib.ExitStack() as stack:
        server = connect(params, stack)
        if module.check_mode and not server and not environment.CORE.is_dir():
            # a host that is still bare: the packages that a run would install first are not there to be looked at
            module.warn("Prosody is not installed here yet. Predicting what this task would do once it is.")
            names = [each.name for each in wanted]
            _look_for(wanted, module, store)
            return {"changed": bool(names), "predicted": True, "running": False, "installed": names}
        env = server.environment() if server else environment.installed()
        if not module.check_mode and store.recover():
            module.warn(f"An earlier run was interrupted while it changed {params['path']}; that was put back first.")
        installed = store.installed()
        picks = planner.resolve(wanted, offered(module, store, installed, env), env)
        plan = planner.plan(picks, installed, store.record(), env, server_path, params["purge"])
        if plan and not module.check_mode:
            apply(plan, store, server, env, server_path)
    return report.result(plan, installed, env)


def main():
    module = AnsibleModule(
        argument_spec={
            **connection.argument_spec(),
            "modules": {"type": "list", "elements": "dict", "required": True, "options": MODULE},
            "sources": {"type": "list", "elements": "dict", "options": SOURCE, "required_if": SOURCE_NEEDS},
            "path": {"type": "path", "default": "/usr/local/lib/prosody/xmpp-modules"},
            "server_path": {"type": "path"},
            "purge": {"type": "bool", "default": True},
            "manage_running": {"type": "bool", "default": True},
        },
        supports_check_mode=True,
    )
    try:
        result = run(module)
    except XmppError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
