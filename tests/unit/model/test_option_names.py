# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of options that nothing reads, before there is a Prosody that could be asked."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody import option_names
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.settings import ModelError, Settings

MISSPELT = {"archive_cleanup_intervall": "1 day"}
FAR = {"zebra_stripes": 5}


def refused(values: dict[str, Any]) -> str:
    try:
        option_names.refuse_unread(Settings(values))
    except ModelError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ({"options": MISSPELT}, "prosody_options.archive_cleanup_intervall"),
        ({"hosts": [{"name": "a.test", "options": MISSPELT}]}, "prosody_hosts[0].options.archive_cleanup_intervall"),
        (
            {"hosts": [{"name": "a.test", "components": [{"name": "c.a.test", "options": MISSPELT}]}]},
            "prosody_hosts[0].components[0].options.archive_cleanup_intervall",
        ),
        ({"components": [{"options": MISSPELT}]}, "prosody_components[0].options.archive_cleanup_intervall"),
        ({"component_settings": {"muc": {"options": MISSPELT}}}, "prosody_component_settings.muc.options.archive"),
    ],
    ids=["server", "host", "component of a host", "component", "standard component"],
)
def test_a_misspelt_name_is_refused_wherever_options_are(values: dict[str, Any], path: str) -> None:
    said = refused(values)
    assert said.startswith(path), said
    assert "is it 'archive_cleanup_interval'?" in said
    assert "1 day" not in said


def test_a_name_like_none_is_refused_where_every_module_is_known() -> None:
    assert "zebra_stripes: nothing in Prosody" in refused({"options": FAR, "modules": ["csi", "firewall"]})
    assert "remove it" in refused({"options": FAR})


@pytest.mark.parametrize(
    "unseen",
    [
        {"plugin_paths": ["/srv/modules"]},
        {"community_modules": [{"name": "zebra"}]},
        {"modules": ["zebra"]},
        {"hosts": [{"name": "a.test", "modules": ["zebra"]}]},
    ],
    ids=["directory", "community module", "module", "module of a host"],
)
def test_what_unseen_modules_may_read_is_left_to_the_linter(unseen: dict[str, Any]) -> None:
    assert refused({"options": FAR, **unseen}) == ""
    assert "is it 'archive_cleanup_interval'?" in refused({"options": MISSPELT, **unseen})


@pytest.mark.parametrize("accepted", ["unread-option", "unread-option:zebra_stripes", "zebra_stripes"])
def test_what_an_operator_accepts_is_let_through(accepted: str) -> None:
    assert refused({"options": FAR, "lint_ignore": [accepted]}) == ""
    assert refused({"options": FAR, "lint_ignore": ["unread-option:other", "wrong-type"]})


def test_what_is_known_or_left_out_is_let_through() -> None:
    assert refused({"options": {"archive_cleanup_interval": 5, "firewall_scripts": [], "zebra": None}}) == ""
    assert len(option_names.known()) > 600


def unopened(values: dict[str, Any]) -> str:
    try:
        option_names.refuse_unopened(Settings(values))
    except ModelError as error:
        return str(error)
    return ""


def test_a_store_that_nothing_opens_is_refused() -> None:
    assert unopened({"stores": {"archiv": "internal"}}) == (
        "prosody_stores.archiv: nothing in Prosody or its packaged modules opens such a store; is it 'archive'? "
        "(prosody_lint_ignore: ['unread-store:storage.archiv'] keeps it)"
    )
    assert "; remove it (" in unopened({"stores": {"zebras": "internal"}})


@pytest.mark.parametrize(
    "values",
    [
        {"stores": {"archive": "none", "roster": "internal", "archive_prefs": "internal"}},
        {"stores": {"zebras": "internal"}, "community_modules": [{"name": "zebra"}]},
        {"stores": {"zebras": "internal"}, "options": {"archive_store": "zebras"}},
        {"stores": {"zebras": "internal"}, "lint_ignore": ["unread-store:storage.zebras"]},
        {"stores": {"zebras": "internal"}, "lint_ignore": ["unread-store"]},
    ],
)
def test_a_store_that_something_opens_or_may_open_is_let_through(values: dict[str, Any]) -> None:
    assert unopened(values) == ""
