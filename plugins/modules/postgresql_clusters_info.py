#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The clusters of PostgreSQL on a host, and what keeps a role from taking one for its own."""

from __future__ import annotations

DOCUMENTATION = r"""
module: postgresql_clusters_info
short_description: Whether a cluster of PostgreSQL can be had without harm to others
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - Looks at the clusters of Debian's packages on a host and says what keeps role C(postgresql) from working with
    17/main at port 5432, which are another cluster at that port, 17/main at another one, and databases or lines in
    C(pg_hba.conf) that belong to others.
  - A cluster that the role has configured is its own, whatever is in it.
extends_documentation_fragment:
  - allthingslinux.xmpp.attributes.info
seealso:
  - module: allthingslinux.xmpp.packages_info
"""

EXAMPLES = r"""
- name: Look for clusters of others
  allthingslinux.xmpp.postgresql_clusters_info:
  register: clusters
"""

RETURN = r"""
clusters:
  description: The clusters, with their ports.
  returned: always
  type: dict
  sample: {17/main: 5432}
misplaced:
  description: Why the role would reach another cluster than 17/main, each with what to do.
  returned: always
  type: list
  elements: str
databases:
  description: Databases in 17/main, where the role has not configured it; their numbers where it does not run.
  returned: always
  type: list
  elements: str
lines:
  description: Lines in its C(pg_hba.conf) that are not Debian's, where the role has not configured it.
  returned: always
  type: list
  elements: str
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.database import clusters


def databases_in(module: AnsibleModule, cluster: clusters.Cluster) -> set[str]:
    """Out: the databases of a cluster; of one that does not run their numbers."""
    if cluster.running:
        query = "SELECT datname FROM pg_database"
        psql = ["psql", f"--host={cluster.socket}", f"--port={cluster.port}", "-qAtXc", query, "postgres"]
        code, out, _err = module.run_command(["runuser", "-u", "postgres", "--", *psql], cwd="/")
        if code == 0:
            return set(out.split()) - clusters.INITIAL
    numbers = [one.name for one in Path(cluster.data, "base").glob("*") if one.name.isdigit()]
    return {f"number {one}" for one in numbers if int(one) >= clusters.FIRST_NORMAL_OID}


def of_others(module: AnsibleModule, found: list[clusters.Cluster]) -> tuple[set[str], list[str]]:
    """Out: databases and lines in the cluster that the role would take, where it has not configured it."""
    for cluster in found:
        if not cluster.is_named_as_ours:
            continue
        try:
            text = Path(cluster.config, "pg_hba.conf").read_text(encoding="utf-8", errors="replace")
        except OSError:
            text = ""
        if not Path(cluster.config, "conf.d/xmpp.conf").exists() and not clusters.is_of_the_role(text):
            return databases_in(module, cluster), clusters.lines_of_others(text)
    return set(), []


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    lister = module.get_bin_path("pg_lsclusters")
    found: list[clusters.Cluster] = []
    if lister:
        code, out, err = module.run_command([lister, "--json"])
        try:
            found = clusters.read(out)
        except (ValueError, KeyError, TypeError):
            module.fail_json(msg=f"{lister} --json could not be read ({code}): {(err or out)[:300]}")
    databases, lines = of_others(module, found)
    module.exit_json(
        changed=False,
        clusters={str(one): one.port for one in found},
        misplaced=clusters.misplaced(found),
        databases=sorted(databases),
        lines=lines,
    )


if __name__ == "__main__":
    main()
