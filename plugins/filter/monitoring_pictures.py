# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
name: monitoring_pictures
short_description: Dashboards of Grafana and console pages of Prometheus from one description
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - Draws each dashboard as Grafana has it, or as a console page that Prometheus 2 serves by itself.
options:
  _input:
    description:
      - Dashboards, each with C(name), C(title) and C(panels), as in C(files/panels/xmpp.yml) of role C(monitoring).
    type: list
    elements: dict
    required: true
  kind:
    description: What to draw.
    type: str
    choices: [grafana, console]
    default: grafana
  source:
    description:
      - The uid of the data source in Grafana, for dashboards that are provisioned. Without one, Grafana asks for it
        when it imports them.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Show the names of the dashboards
  ansible.builtin.debug:
    msg: "{{ dashboards | allthingslinux.xmpp.monitoring_pictures('console') | list }}"
"""

RETURN = r"""
_value:
  description: The name of a file to its text.
  type: dict
"""

import json
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.monitoring import dashboards


def monitoring_pictures(value: Any, kind: str = "grafana", source: str = "") -> dict[str, str]:
    """In: dashboards; what to draw; the uid of a data source. Out: file name → text. Raises AnsibleFilterError."""
    try:
        wanted = dashboards.checked(value)
    except XmppError as error:
        raise AnsibleFilterError(f"monitoring_pictures: {error}") from error
    if kind == "console":
        return {f"{one['name']}.html": dashboards.console(one, wanted) for one in wanted}
    if kind == "grafana":
        drawn = {one["name"]: dashboards.grafana(one, source) for one in wanted}
        return {f"xmpp-{name}.json": json.dumps(one, indent=2) + "\n" for name, one in drawn.items()}
    raise AnsibleFilterError(f"monitoring_pictures: {kind} is neither grafana nor console")


class FilterModule:
    """Filter allthingslinux.xmpp.monitoring_pictures."""

    def filters(self) -> dict[str, Any]:
        """Out: the filter by name."""
        return {"monitoring_pictures": monitoring_pictures}
