# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One entry of a list that role prosody hands to a module of ours, held against that module's own argument spec."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils import types


def read(path: str, options: Mapping[str, Any], spec: Mapping[str, Any]) -> tuple[list[str], dict[str, Any]]:
    """Return what is wrong with names and types of an entry, and its options as the module reads them.

    No type is converted for whoever wrote another: what is an entry of an inventory is as strict as a variable.
    """
    found = types.unknown_or_unfit(path, options, spec)
    if found:
        return found, {}
    # what fits is read as Ansible does, and nothing of a value is in what that says
    validated = ArgumentSpecValidator(dict(spec)).validate(dict(options))
    return [f"{path}: {message}" for message in validated.error_messages], dict(validated.validated_parameters)
