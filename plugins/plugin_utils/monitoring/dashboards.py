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
# unit of a tile → that of Grafana, and how a Go template of Prometheus writes it
_TILE_UNITS = {
    "number": ("short", 'printf "%.0f"'),
    "seconds": ("s", "humanizeDuration"),
    "ratio": ("percentunit", "humanizePercentage"),
    "up": ("short", ""),
}
_GOOD, _BAD = "#1a7f37", "#b42318"
_WIDE, _TILE_HIGH, _PANEL_HIGH = 24, 4, 8  # the grid of Grafana
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
    """In: a list of {name, title, panels: [{title, unit, queries: [{expr, legend}]}]}. Raises DashboardError.

    tiles, which a dashboard may have: [{title, unit, expr, and min or max where it is good or bad} or {title, text}].
    """
    names: set[str] = set()
    try:
        for dashboard in dashboards:
            where = f"dashboard {dashboard['name']}"
            if not re.fullmatch(r"[a-z0-9_-]{1,35}", dashboard["name"]):
                raise DashboardError(f"{where}: the name may have 35 small letters, digits, - and _ only")
            if dashboard["name"] in names:
                raise DashboardError(f"{where}: there are two of this name")
            names.add(dashboard["name"])
            for tile in dashboard.get("tiles", []):
                where = f"dashboard {dashboard['name']}, tile {tile['title']}"
                if "text" not in tile and tile["unit"] not in _TILE_UNITS:
                    raise DashboardError(f"{where}: unit {tile['unit']} is none of {', '.join(_TILE_UNITS)}")
                if {"min", "max"} <= set(tile) or not (tile.get("text") or tile["expr"]):
                    raise DashboardError(f"{where}: it wants an expr or a text, and not both min and max")
            for panel in dashboard["panels"]:
                where = f"dashboard {dashboard['name']}, panel {panel['title']}"
                if panel["unit"] not in UNITS:
                    raise DashboardError(f"{where}: unit {panel['unit']} is none of {', '.join(UNITS)}")
                if not [query["expr"] + query["legend"] for query in panel["queries"]]:
                    raise DashboardError(f"{where}: no queries")
    except (KeyError, TypeError) as error:
        raise DashboardError(f"a dashboard that lacks {error}") from error
    return list(dashboards)


def _thresholds(tile: Mapping[str, Any]) -> dict[str, Any]:
    """Colours of Grafana: a step holds from its value on."""
    if "min" in tile:
        steps = [{"color": _BAD, "value": None}, {"color": _GOOD, "value": tile["min"]}]
    elif "max" in tile:
        # good is up to max and with it
        steps = [{"color": _GOOD, "value": None}, {"color": _BAD, "value": tile["max"] + 1e-9}]
    else:
        steps = [{"color": "text", "value": None}]
    return {"mode": "absolute", "steps": steps}


def _tile(tile: Mapping[str, Any], number: int, place: Mapping[str, int]) -> dict[str, Any]:
    """One tile of Grafana."""
    common = {"id": number, "title": tile["title"], "gridPos": place}
    if "text" in tile:
        return {**common, "type": "text", "options": {"mode": "markdown", "content": tile["text"]}}
    words = {"0": {"text": "DOWN"}, "1": {"text": "up"}}
    return {
        **common,
        "type": "stat",
        "datasource": {"type": "prometheus", "uid": "${datasource}"},
        "fieldConfig": {
            "defaults": {
                "unit": _TILE_UNITS[tile["unit"]][0],
                "decimals": 3 if tile["unit"] == "seconds" else 0,
                "thresholds": _thresholds(tile),
                "mappings": [{"type": "value", "options": words}] if tile["unit"] == "up" else [],
            },
            "overrides": [],
        },
        "options": {
            "colorMode": "background" if {"min", "max"} & set(tile) else "value",
            "graphMode": "none",
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        },
        "targets": [{"refId": "A", "expr": tile["expr"], "instant": True}],
    }


def grafana(dashboard: Mapping[str, Any], source: str = "") -> dict[str, Any]:
    """Out: a dashboard of Grafana: its tiles in one row, then two panels in a row.

    source: the uid of the data source, for a dashboard that is provisioned. Without one Grafana asks at the import, and
    a dashboard that is provisioned all the same takes the first Prometheus that Grafana has.
    """
    chosen = source or f"${{{_ASKED['name']}}}"
    tiles = dashboard.get("tiles", [])
    width = _WIDE // len(tiles) if tiles else 0
    panels = [
        _tile(tile, number + 1, {"x": number * width, "y": 0, "w": width, "h": _TILE_HIGH})
        for number, tile in enumerate(tiles)
    ]
    top = _TILE_HIGH if tiles else 0
    for number, panel in enumerate(dashboard["panels"]):
        targets = [
            {"refId": chr(65 + index), "expr": query["expr"], "legendFormat": _LABEL.sub(r"{{\1}}", query["legend"])}
            for index, query in enumerate(panel["queries"])
        ]
        panels.append(
            {
                "id": len(tiles) + number + 1,
                "type": "timeseries",
                "title": panel["title"],
                "datasource": {"type": "prometheus", "uid": "${datasource}"},
                "gridPos": {
                    "x": number % 2 * (_WIDE // 2),
                    "y": top + number // 2 * _PANEL_HIGH,
                    "w": _WIDE // 2,
                    "h": _PANEL_HIGH,
                },
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
<script src="{{ pathPrefix }}/classic/static/rickshaw/rickshaw.min.js"></script>
<script src="{{ pathPrefix }}/classic/static/jquery/jquery.min.js"></script>
<script>var PATH_PREFIX = "{{ pathPrefix }}";</script>
<script src="{{ pathPrefix }}/classic/static/js/prom_console.js"></script>
<style>
:root { color-scheme: light dark; --text: #1f2933; --soft: #5b6775; --back: #f6f7f9; --card: #fff; --line: #d9dee3;
  --link: #0b5fa5; --good: #1a7f37; --bad: #b42318 }
@media (prefers-color-scheme: dark) { :root { --text: #e6eaf0; --soft: #9aa7b6; --back: #14181e; --card: #1d232b;
  --line: #353e4a; --link: #7ab8ff; --good: #63c97f; --bad: #ff8a7d } }
body { font: 15px/1.5 system-ui, sans-serif; margin: 0 1.5rem 4rem; color: var(--text); background: var(--back) }
nav a { margin-right: 1.2rem; color: var(--link) } nav { padding: .8rem 0 } nav b { margin-right: 1.2rem }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: 1rem; margin: 1rem 0 }
.tile { background: var(--card); border: 1px solid var(--line); border-left: 5px solid var(--line); border-radius: 6px;
  padding: .5rem .9rem }
.tile span { color: var(--soft); display: block; font-size: .85rem } .tile b { font-size: 1.25rem; font-weight: 600 }
.tile.good { border-left-color: var(--good) } .tile.bad { border-color: var(--bad) }
/* auto-fill: with auto-fit the first one is drawn over the whole width, since it is alone when its script runs */
.panels { display: grid; grid-template-columns: repeat(auto-fill, minmax(34rem, 1fr)); gap: 1rem }
.panel { background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: .6rem 1rem 1rem;
  overflow: hidden }
.panel h2 { font-size: 1rem; margin: 0 0 .4rem }
p.good, .good b { color: var(--good) } .bad { color: var(--bad); font-weight: 600 }
/* what prom_console.js and Rickshaw draw: legends that can be read, in the dark too */
.rickshaw_legend { background: none !important; color: var(--text) !important; max-height: none !important;
  font: 13px/1.5 system-ui, sans-serif !important; width: auto !important; padding: .3rem 0 0 !important }
.rickshaw_legend .line { display: inline-block; margin-right: 1.2rem }
.rickshaw_legend .label { color: inherit; text-shadow: none; padding: 0; font: inherit; background: none }
.rickshaw_graph .y_axis text, .rickshaw_graph .x_tick .title, .rickshaw_graph .y_ticks text, .y_axis text {
  fill: var(--text) !important; color: var(--text) !important; opacity: .8 }
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
@TILES@
<script>
// an hour, or as long as there are figures
var WINDOW = Math.max(600, Math.min(3600, +{{ with query "time() - min(min_over_time(timestamp(up)[1h:1m]))" }}
  {{ . | first | value | printf "%.0f" }}{{ else }}3600{{ end }}));
</script>
<div class="panels">
@PANELS@
</div>
</body>
</html>
"""

_PANEL = """<div class="panel"><h2>@TITLE@</h2><div id="graph@NUMBER@"></div>
<script>
new PromConsole.Graph({
  node: document.querySelector("#graph@NUMBER@"), expr: @EXPR@, name: @NAME@, min: 0, height: 180,
  duration: WINDOW, yTitle: @UNIT@,
  yAxisFormatter: PromConsole.NumberFormatter.@FORMAT@, yHoverFormatter: PromConsole.NumberFormatter.@FORMAT@
});
</script></div>"""


def _tile_page(tile: Mapping[str, Any]) -> str:
    """One tile of a page: a Go template that asks when the page is opened."""
    title = html.escape(tile["title"])
    if "text" in tile:
        return f'<div class="tile"><span>{title}</span><b>{html.escape(tile["text"])}</b></div>'
    judged = ""
    for word, function in (("min", "ge"), ("max", "le")):
        if word in tile:
            judged = f" {{{{ if {function} $v {float(tile[word])!r} }}}}good{{{{ else }}}}bad{{{{ end }}}}"
    written = _TILE_UNITS[tile["unit"]][1]
    figure = f"{{{{ $v | {written} }}}}" if written else "{{ if ge $v 1.0 }}up{{ else }}DOWN{{ end }}"
    return (
        f"{{{{ with query {json.dumps(tile['expr'])} }}}}{{{{ $v := . | first | value }}}}"
        f'<div class="tile{judged}"><span>{title}</span><b>{figure}</b></div>'
        f'{{{{ else }}}}<div class="tile"><span>{title}</span><b>no figure</b></div>{{{{ end }}}}'
    )


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
    tiles = "\n".join(map(_tile_page, dashboard.get("tiles", [])))
    return _filled(
        _PAGE,
        TITLE=title,
        LINKS=links,
        TILES=f'<div class="tiles">\n{tiles}\n</div>' if tiles else "",
        PANELS="\n".join(panels),
    )


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
