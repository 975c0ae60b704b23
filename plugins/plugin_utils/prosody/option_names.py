# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Names in the maps of options and stores that nothing reads, as far as can be told before Prosody is installed.

The linter knows better, from the sources on the host; but where there are none yet it would be asked too late.
"""

from __future__ import annotations

import difflib
from functools import lru_cache
from pathlib import Path

from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils import plain_yaml
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody import module_choice, own_modules
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.catalogue import packaged
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.settings import ModelError, Settings

_OPTIONS = Path(__file__).with_name("options.yml")
_STORES = Path(__file__).with_name("stores.yml")
_CODE, _STORE_CODE = "unread-option", "unread-store"
# options whose value is the name of a store: mod_mam, mod_vcard of prosody-modules
_NAMING_A_STORE = ("archive_store", "vcard_store_name")
# another module may read a name that is merely like one of these
_LIKE, _NEARLY_THE_SAME = 0.75, 0.9


@lru_cache(maxsize=1)
def known() -> frozenset[str]:
    """Return the names of all options that something in Debian's packages reads, or a module of ours."""
    return frozenset(plain_yaml.parsed(_OPTIONS.read_text(encoding="utf-8")))


@lru_cache(maxsize=1)
def stores() -> frozenset[str]:
    """Return the names of all stores that something in Debian's packages opens, or a module of ours."""
    return frozenset(plain_yaml.parsed(_STORES.read_text(encoding="utf-8")))


def refuse_unread(settings: Settings) -> None:
    """Raise ModelError for an option that nothing reads.

    Where modules are named that are in no package, whatever they may read is left to the linter, and only what is
    nearly the name of another option is refused. prosody_lint_ignore counts here as well.
    """
    accepted = set(settings.texts("lint_ignore"))
    if _CODE in accepted:
        return
    unseen = _has_unseen_modules(settings)
    for scope in settings.scopes():
        for name, value in scope.mapping("options").items():
            if value is None or name in known() or accepted & {name, f"{_CODE}:{name}"}:
                continue
            if advice := _advice(name, known(), unseen):
                raise ModelError(
                    f"{scope.where('options')}.{name}: nothing in Prosody or its packaged modules reads it; {advice} "
                    f"(prosody_lint_ignore: ['{_CODE}:{name}'] keeps it)"
                )


def refuse_unopened(settings: Settings) -> None:
    """Raise ModelError for a store that nothing opens, with the same care as for options."""
    accepted = set(settings.texts("lint_ignore"))
    if _STORE_CODE in accepted:
        return
    unseen = _has_unseen_modules(settings)
    chosen = {scope.mapping("options").get(name) for scope in settings.scopes() for name in _NAMING_A_STORE}
    opened = stores() | {name for store in chosen if isinstance(store, str) for name in (store, f"{store}_prefs")}
    for store in settings.mapping("stores"):
        if store in opened or accepted & {f"storage.{store}", f"{_STORE_CODE}:storage.{store}"}:
            continue
        if advice := _advice(store, opened, unseen):
            raise ModelError(
                f"{settings.where('stores')}.{store}: nothing in Prosody or its packaged modules opens such a store; "
                f"{advice} (prosody_lint_ignore: ['{_STORE_CODE}:storage.{store}'] keeps it)"
            )


def _advice(name: str, names: frozenset[str], unseen: bool) -> str:
    """What to do about a name that is none of these, "" where a module that nobody sees may know it."""
    near = difflib.get_close_matches(name, names, n=1, cutoff=_NEARLY_THE_SAME if unseen else _LIKE)
    return f"is it {near[0]!r}?" if near else "" if unseen else "remove it"


def _has_unseen_modules(settings: Settings) -> bool:
    """Whether there may be modules whose sources are in no package of Debian and none of ours."""
    seen = packaged() | {module.name for module in own_modules.OWN}
    return bool(
        settings.texts("plugin_paths")
        or settings.entries("community_modules")
        or module_choice.named(settings) - seen - {""}
    )
