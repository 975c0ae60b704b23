# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which metrics an expression of Prometheus reads."""

from __future__ import annotations

import re

_WORDS = {"and", "or", "unless", "by", "without", "on", "ignoring", "offset", "bool", "group_left", "group_right"}
_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'')
_LABELS = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)")
_NAME = re.compile(r"(?<![\w.:])([a-zA-Z_:][\w:]*)(?!\w|:|\s*\()")


def metric_names(expression: str) -> set[str]:
    """Out: the names of the metrics in the expression, without functions, keywords, labels and durations."""
    text = _STRINGS.sub('""', expression)
    text = _LABELS.sub(" ", text)
    text = re.sub(r"\{[^}]*\}|\[[^\]]*\]", " ", text)
    text = re.sub(r"\boffset\s+\w+", " ", text)
    return {name for name in _NAME.findall(text) if name not in _WORDS}
