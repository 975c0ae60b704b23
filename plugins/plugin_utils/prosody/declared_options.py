# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One entry of a list that role prosody hands to a module of ours, held against that module's own argument spec."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator


def unknown(options: Mapping[str, Any], spec: Mapping[str, Any], what: str) -> list[str]:
    """Return a line for each name that the spec has not. what: the entry, with its article."""
    return [_unknown(str(name), spec, what) for name in options if name not in spec]


def _unknown(name: str, spec: Mapping[str, Any], what: str) -> str:
    near = difflib.get_close_matches(name, list(spec), n=1, cutoff=0.6)
    advice = f"did you mean {near[0]}?" if near else f"known are {', '.join(sorted(spec))}"
    return f"{what} has no {name}: {advice}"


def read(options: Mapping[str, Any], spec: Mapping[str, Any]) -> tuple[list[str], dict[str, Any]]:
    """Return what is wrong with the values, and the options as the module reads them."""
    validated = ArgumentSpecValidator(dict(spec)).validate(dict(options))
    return [str(message) for message in validated.error_messages], dict(validated.validated_parameters)
