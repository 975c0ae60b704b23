# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pictures from one description: dashboards of Grafana, and console pages of Prometheus, which need no Grafana."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError

# unit → that of Grafana, function of prom_console.js
UNITS = {
    "number": ("short", "humanizeNoSmallPrefix"),
    "seconds": ("s", "humanizeNoSmallPrefix"),
    "bytes": ("bytes", "humanize1024"),
    "ratio": ("percentunit", "humanizeNoSmallPrefix"),
    "cores": ("short", "humanizeNoSmallPrefix"),
}
# What Grafana asks for when a dashboard is imported
_ASKED = {
    "name": "DS_PROMETHEUS",
    "label": "Prometheus",
    "description": "The Prometheus that has the metrics",
    "type": "datasource",
    "pluginId": "prometheus",
    "pluginName": "Prometheus",
}
_LABEL = re.compile(r"\{(\w+)\}")


class DashboardError(XmppError):
    """A description of a dashboard that cannot be drawn; the text says which and why."""


def checked(dashboards: Any) -> list[Mapping[str, Any]]:
    """In: a list of {name, title, panels: [{title, unit, queries: [{expr, legend}]}]}. Raises DashboardError."""
    names: set[str] = set()
    try:
        for dashboard in dashboards:
            where = f"dashboard {dashboard['name']}"
            if not re.fullmatch(r"[a-z0-9_-]{1,35}", dashboard["name"]):
                raise DashboardError(f"{where}: the name may have 35 small letters, digits, - and _ only")
            if dashboard["name"] in names:
                raise DashboardError(f"{where}: there are two of this name")
            names.add(dashboard["name"])
            for panel in dashboard["panels"]:
                where = f"dashboard {dashboard['name']}, panel {panel['title']}"
                if panel["unit"] not in UNITS:
                    raise DashboardError(f"{where}: unit {panel['unit']} is none of {', '.join(UNITS)}")
                if not [query["expr"] + query["legend"] for query in panel["queries"]]:
                    raise DashboardError(f"{where}: no queries")
    except (KeyError, TypeError) as error:
        raise DashboardError(f"a dashboard that lacks {error}") from error
    return list(dashboards)


def grafana(dashboard: Mapping[str, Any], source: str = "") -> dict[str, Any]:
    """Out: a dashboard of Grafana, two panels in a row.

    source: the uid of the data source, for a dashboard that is provisioned. Without one Grafana asks at the import, and
    a dashboard that is provisioned all the same takes the first Prometheus that Grafana has.
    """
    chosen = source or f"${{{_ASKED['name']}}}"
    panels = []
    for number, panel in enumerate(dashboard["panels"]):
        targets = [
            {"refId": chr(65 + index), "expr": query["expr"], "legendFormat": _LABEL.sub(r"{{\1}}", query["legend"])}
            for index, query in enumerate(panel["queries"])
        ]
        panels.append(
            {
                "id": number + 1,
                "type": "timeseries",
                "title": panel["title"],
                "datasource": {"type": "prometheus", "uid": "${datasource}"},
                "gridPos": {"x": number % 2 * 12, "y": number // 2 * 8, "w": 12, "h": 8},
                "fieldConfig": {"defaults": {"unit": UNITS[panel["unit"]][0], "min": 0}, "overrides": []},
                "options": {
                    "legend": {"showLegend": True, "displayMode": "list", "placement": "bottom", "calcs": []},
                    "tooltip": {"mode": "multi", "sort": "desc"},
                },
                "targets": targets,
            }
        )
    asked = {} if source else {"__inputs": [_ASKED]}
    return {
        **asked,
        "uid": f"xmpp-{dashboard['name']}",
        "title": f"XMPP: {dashboard['title']}",
        "tags": ["xmpp"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "1m",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {
            "list": [
                {
                    "name": "datasource",
                    "type": "datasource",
                    "query": "prometheus",
                    "label": "Source",
                    "current": {"selected": True, "text": chosen, "value": chosen},
                }
            ]
        },
        "links": [{"type": "dashboards", "tags": ["xmpp"], "title": "XMPP", "asDropdown": True}],
        "panels": panels,
    }


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>@TITLE@</title>
<link rel="stylesheet" href="{{ pathPrefix }}/classic/static/rickshaw/rickshaw.min.css">
<link rel="stylesheet" href="{{ pathPrefix }}/classic/static/css/prom_console.css">
<script src="{{ pathPrefix }}/classic/static/d3/d3.min.js"></script>
<script src="{{ pathPrefix }}/classic/static/vendor/rickshaw/vendor/d3.layout.min.js"></script>
<script src="{{ pathPrefix }}/classic/static/rickshaw/rickshaw.min.js"></script>
<script src="{{ pathPrefix }}/classic/static/jquery/jquery.min.js"></script>
<script>var PATH_PREFIX = "{{ pathPrefix }}";</script>
<script src="{{ pathPrefix }}/classic/static/js/prom_console.js"></script>
<style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 0 1.5rem 4rem; color: #1f2933; background: #f6f7f9 }
nav a { margin-right: 1.2rem; color: #0b5fa5 } nav { padding: .8rem 0 } nav b { margin-right: 1.2rem }
.panels { display: grid; grid-template-columns: repeat(auto-fit, minmax(34rem, 1fr)); gap: 1rem }
.panel { background: #fff; border: 1px solid #d9dee3; border-radius: 6px; padding: .6rem 1rem 1rem; overflow: hidden }
.panel h2 { font-size: 1rem; margin: 0 0 .4rem }
.good { color: #1a7f37 } .bad { color: #b42318; font-weight: 600 }
</style>
</head>
<body>
<nav>@LINKS@<a href="{{ pathPrefix }}/alerts">Alerts</a><a href="{{ pathPrefix }}/graph">Query</a></nav>
<h1>@TITLE@</h1>
{{ with query "ALERTS{alertstate='firing',alertname!='XmppWatchdog'}" }}
<ul>{{ range . }}
<li class="bad">{{ .Labels.alertname }} {{ .Labels.instance }} {{ .Labels.domain }} {{ .Labels.unit }}
{{ .Labels.probe }}</li>
{{ end }}</ul>
{{ else }}<p class="good">No alert is firing.</p>{{ end }}
<div class="panels">
@PANELS@
</div>
</body>
</html>
"""

_PANEL = """<div class="panel"><h2>@TITLE@</h2><div id="graph@NUMBER@"></div>
<script>
new PromConsole.Graph({
  node: document.querySelector("#graph@NUMBER@"), expr: @EXPR@, name: @NAME@, min: 0, height: 180, yTitle: @UNIT@,
  yAxisFormatter: PromConsole.NumberFormatter.@FORMAT@, yHoverFormatter: PromConsole.NumberFormatter.@FORMAT@
});
</script></div>"""


def console(dashboard: Mapping[str, Any], dashboards: Sequence[Mapping[str, Any]]) -> str:
    """Out: a console page of Prometheus 2 (Go template) with links to those of `dashboards`."""
    links = "".join(
        f"<b>{html.escape(other['title'])}</b>"
        if other["name"] == dashboard["name"]
        else f'<a href="{other["name"]}.html">{html.escape(other["title"])}</a>'
        for other in dashboards
    )
    panels = []
    for number, panel in enumerate(dashboard["panels"]):
        names = ", ".join(_name(query["legend"]) for query in panel["queries"])
        panels.append(
            _filled(
                _PANEL,
                TITLE=html.escape(panel["title"]),
                NUMBER=str(number),
                EXPR=_script([query["expr"] for query in panel["queries"]]),
                NAME=f"[{names}]",
                UNIT=_script(panel["unit"] if panel["unit"] != "number" else ""),
                FORMAT=UNITS[panel["unit"]][1],
            )
        )
    title = html.escape(f"XMPP: {dashboard['title']}")
    return _filled(_PAGE, TITLE=title, LINKS=links, PANELS="\n".join(panels))


def _name(legend: str) -> str:
    """A function from the labels of a line to its name: prom_console.js itself loses what follows its last [[ ]]."""
    parts = _LABEL.split(legend)
    terms = [f"(m[{_script(part)}] || '')" if index % 2 else _script(part) for index, part in enumerate(parts)]
    return "function (m) { return " + " + ".join(terms) + "; }"


def _script(value: Any) -> str:
    """JSON that can stand in a script in a Go template: no tag and no action can begin in it."""
    return json.dumps(value).replace("<", "\\u003c").replace("{{", "{\\u007b")


def _filled(template: str, **values: str) -> str:
    return re.sub(r"@([A-Z]+)@", lambda match: values[match[1]], template)
