# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Filters over what runs where, now and at the last run. Documented beside this file."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils import deployment
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.preflight import names


def deployment_misspelt_groups(groups: Mapping[str, Collection[str]], own: Collection[str] = ()) -> list[str]:
    """Groups that are nearly one of ours, a line each."""
    return names.misspelt_groups(groups, names.GROUPS, own)


class FilterModule:
    """The filters over deployments."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return filter name → function."""
        return {
            "deployment_brings": deployment.brings,
            "deployment_merged": deployment.merged,
            "deployment_misspelt_groups": deployment_misspelt_groups,
            "deployment_moves": deployment.moves,
            "deployment_other_backends": deployment.other_backends,
            "deployment_settled": deployment.settled,
            "deployment_shared_domains": deployment.shared_domains,
            "deployment_unmovable": deployment.unmovable,
        }
