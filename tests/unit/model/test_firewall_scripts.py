# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scripts for mod_firewall: where they lie, what is refused, and what their compiler says as an operator reads it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.allthingslinux.xmpp.plugins.filter.prosody import FilterModule
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.firewall_scripts import names, options
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.module_choice import groups_of
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.settings import ModelError, Settings

firewall_files = FilterModule().filters()["prosody_firewall_files"]
firewall_refusals = FilterModule().filters()["prosody_firewall_refusals"]

ROOT = Path(__file__).resolve().parents[3]
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
    assert enabled({"firewall_rules": ["message-waves"]})
    assert not enabled({})


def test_rules_of_ours_come_first_by_names_of_their_own() -> None:
    """A script of the operator may be called as they are."""
    given = {**values("/srv/message-waves.pfw"), "firewall_rules": ["message-waves", "contact-floods", "message-waves"]}
    found = firewall_files(given)
    assert [path.rpartition("-")[0] for path in found["kept"]] == [
        "/etc/prosody/xmpp-firewall/xmpp-message-waves",
        "/etc/prosody/xmpp-firewall/xmpp-contact-floods",
        "/etc/prosody/xmpp-firewall/message-waves",
    ]
    [option] = options(Settings(given))
    assert option.value == found["kept"]
    assert [entry["path"] for entry in found["files"][1:]] == found["kept"]
    # ours are compiled by a scenario
    assert [one["script"] for one in found["scripts"]] == ["/srv/message-waves.pfw"]


def test_all_rules_of_ours_can_be_chosen_and_no_two_have_a_name_for_one_thing() -> None:
    """mod_firewall has one list, rate and pattern of a name for all scripts."""
    spec = yaml.safe_load((ROOT / "roles/prosody/meta/argument_specs.yml").read_text(encoding="utf-8"))
    described = spec["argument_specs"]["variables"]["options"]["prosody_firewall_rules"]
    assert names() == described["choices"]
    texts = [(ROOT / "roles/prosody/files/firewall" / f"{name}.pfw").read_text(encoding="utf-8") for name in names()]
    defined = [match for text in texts for match in re.findall(r"^%\w+ (\w+):", text, re.MULTILINE)]
    assert len(defined) > 5
    assert len(set(defined)) == len(defined)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (values("a.lua"), r"^prosody_firewall_scripts\[0\]: a\.lua is no script"),
        (values("module:scripts/../x.pfw"), r"^prosody_firewall_scripts\[0\]: .* is no script|there is no file"),
        ({"firewall_scripts": ["a.pfw"]}, r"^prosody_firewall_scripts\[0\]: there is no file a\.pfw on this machine"),
        (values("a.pfw", "b.pfw", "a.pfw"), r"^prosody_firewall_scripts\[2\]: a\.pfw is there twice"),
        (values(SHIPPED, SHIPPED), r"^prosody_firewall_scripts\[1\]: .* is there twice"),
        (
            {"firewall_rules": ["waves"]},
            r"^prosody_firewall_rules\[0\]: there are no rules 'waves'; there are contact-",
        ),
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
