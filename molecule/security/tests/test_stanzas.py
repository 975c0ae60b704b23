# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of the operator for stanzas: they count, and one that does not work is refused or undone."""

from __future__ import annotations

import json

from ansible_collections.allthingslinux.xmpp.tests.scenario.playbook import playbook
from ansible_collections.allthingslinux.xmpp.tests.scenario.waiting import wait_until
from conftest import client

CONFIGURATION = "sha256sum /etc/prosody/prosody.cfg.lua /etc/prosody/xmpp-firewall/*"


def with_script(path, text):
    """Out: a run with another script."""
    path.write_text(text, encoding="utf-8")
    return playbook("site", "--tags", "prosody", "-e", json.dumps({"prosody_firewall_scripts": [str(path)]}))


def bounces_adverts(address):
    """Whether the rule of the scenario counts, and no other message is touched."""
    with client(address, "alice") as alice, client(address, "bob") as bob:
        alice.say(bob.stream, "a word")
        assert bob.hears("a word")
        alice.say(bob.stream, "do buy adverts")
        alice.say(bob.stream, "another word")
        assert bob.hears("another word")
        # what comes back to who wrote it may come later than what he wrote next
        wait_until(lambda: "No adverts here" in str(alice.reasons), 10, 0.1)
        return "do buy adverts" not in bob.heard


def test_a_rule_of_the_operator_counts(address):
    assert bounces_adverts(address)


def test_a_script_that_cannot_be_compiled_changes_nothing(guarded, tmp_path):
    before = guarded.check_output(CONFIGURATION)
    path = tmp_path / "wrong.pfw"
    run = with_script(path, "::deliver\nKIND: message\nBODY: adverts\nDROP.\n")
    assert run.code != 0
    assert f"mod_firewall cannot compile {path}, line 3: Unknown condition: BODY" in run.output
    assert guarded.check_output(CONFIGURATION) == before


def test_one_that_does_not_load_is_undone(guarded, address, tmp_path):
    """It asks for a library that is not there, which its compiler does not look for."""
    before = guarded.check_output("sha256sum /etc/prosody/prosody.cfg.lua")
    run = with_script(tmp_path / "country.pfw", "::deliver\nFROM COUNTRY: SE\nDROP.\n")
    assert run.code != 0
    assert "geoip" in run.output
    assert guarded.check_output("sha256sum /etc/prosody/prosody.cfg.lua") == before
    assert bounces_adverts(address)
