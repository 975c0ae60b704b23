# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scripts for mod_firewall: where they lie, what is refused, and what their compiler says as an operator reads it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.filter.prosody import FilterModule
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.firewall_scripts import options
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.module_choice import groups_of
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.settings import ModelError, Settings

firewall_files = FilterModule().filters()["prosody_firewall_files"]
firewall_refusals = FilterModule().filters()["prosody_firewall_refusals"]

SHIPPED = "module:scripts/spam-blocking.pfw"
TEXT = "::deliver\nKIND: message\nDROP.\n"


def values(*scripts: str, text: str = TEXT) -> dict[str, Any]:
    return {"firewall_scripts": list(scripts), "firewall_texts": {one: text for one in scripts if ":" not in one}}


def places(*scripts: str, text: str = TEXT) -> Any:
    [option] = options(Settings(values(*scripts, text=text)))
    return option.value


def test_none_is_nothing_but_what_was_there() -> None:
    assert options(Settings({})) == []
    leftovers = [{"path": "/etc/prosody/xmpp-firewall", "state": "absent"}]
    assert firewall_files({}) == {"scripts": [], "files": [], "kept": [], "leftovers": leftovers}


def test_a_script_has_another_name_when_it_has_another_text() -> None:
    [one], [other] = places("rules/no-adverts.pfw"), places("rules/no-adverts.pfw", text=TEXT + "#\n")
    assert one.startswith("/etc/prosody/xmpp-firewall/no-adverts-")
    assert one != other
    assert places("rules/no-adverts.pfw") == [one]


def test_files_and_configuration_name_the_same() -> None:
    given = values("/srv/a.pfw", SHIPPED)
    found = firewall_files(given)
    [place, shipped] = places("/srv/a.pfw", SHIPPED)
    assert shipped == SHIPPED
    assert found["scripts"] == [{"script": "/srv/a.pfw", "text": TEXT}]
    assert found["files"] == [
        {"path": "/etc/prosody/xmpp-firewall", "state": "directory"},
        {"path": place, "content": TEXT},
    ]
    assert found["kept"] == [place]
    assert found["leftovers"] == []


def test_the_module_is_enabled_where_there_are_any() -> None:
    def enabled(given: dict[str, Any]) -> bool:
        return "firewall" in {name for _title, names in groups_of(Settings(given)) for name in names}

    assert enabled(values(SHIPPED))
    assert not enabled({})


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (values("a.lua"), r"^prosody_firewall_scripts\[0\]: a\.lua is no script"),
        (values("module:scripts/../x.pfw"), r"^prosody_firewall_scripts\[0\]: .* is no script|there is no file"),
        ({"firewall_scripts": ["a.pfw"]}, r"^prosody_firewall_scripts\[0\]: there is no file a\.pfw on this machine"),
        (values("a.pfw", "b.pfw", "a.pfw"), r"^prosody_firewall_scripts\[2\]: a\.pfw is there twice"),
        (values(SHIPPED, SHIPPED), r"^prosody_firewall_scripts\[1\]: .* is there twice"),
    ],
)
def test_what_cannot_be_is_refused(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ModelError, match=told):
        options(Settings(given))


ERROR = "Failed to execute command: Error: /usr/lib/prosody/modules/mod_firewall/mod_firewall.lua"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (f"{ERROR}:791: Unknown condition on line 3: BODY", "a.pfw, line 3: Unknown condition: BODY"),
        (
            f"{ERROR}:791: Expected an action on line 4 for preceding criteria",
            "a.pfw, line 4: Expected an action for preceding criteria",
        ),
        (f"{ERROR}:791: Error compiling /dev/stdin on line 1: Unknown chain: x", "a.pfw, line 1: Unknown chain: x"),
        (
            f"{ERROR}:235: attempt to index a nil value (field 'LIST')",
            "a.pfw: attempt to index a nil value (field 'LIST')",
        ),
        (
            f"do -- File x\n{ERROR}:791: Error compiling /dev/stdin on line 4: No such path\nstack traceback:",
            "a.pfw, line 4: No such path",
        ),
        ("module not found\nError: Unknown command", "a.pfw: Error: Unknown command"),
        ("", "a.pfw: it says nothing"),
    ],
)
def test_what_the_compiler_says_is_told_by_script_and_line(said: str, told: str) -> None:
    results = [{"item": {"script": "good.pfw"}, "rc": 0}, {"item": {"script": "a.pfw"}, "rc": 1, "stdout": said}]
    assert firewall_refusals(results) == [f"prosody_firewall_scripts: mod_firewall cannot compile {told}"]
