# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One program reads configurations, for the linter and for comparing; one encoder of ours makes JSON of Lua."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.config import read_config
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody import configuration
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.model import ConfigUnreadable, judged
from ansible_collections.allthingslinux.xmpp.tests.unit.lint.lint_support import INSTALLATION, run_command

PLUGINS = Path(__file__).parents[3] / "plugins"


def compared(path: Path) -> dict[str, Any]:
    return configuration.compare(str(path), INSTALLATION, run_command)


def test_both_questions_give_the_same_values_but_secrets(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("correct horse\n")
    path = tmp_path / "prosody.cfg.lua"
    path.write_text(
        'a = true; b = 5; c = 2.5; d = { 1, "x", k = { false } }; e = "\\195\\188"; s = FileLine("secret"); n = 3.0\n'
        'VirtualHost "example.org" { }\n'
    )
    plain = judged(compared(path), str(path)).hosts
    read = read_config(str(path), run_command=run_command, installation=INSTALLATION, wrap=[])
    assert plain["*"] == {
        "a": True, "b": 5, "c": 2.5, "d": {"1": 1, "2": "x", "k": [False]}, "e": "\xc3\xbc", "n": 3,
        "s": "correct horse",
    }  # fmt: skip
    assert plain["example.org"]["defined"] is True
    assert read.hosts["*"]["s"] == f"FileLine {path.parent}/secret"
    assert (read.hosts["*"]["e"], read.hosts["*"]["n"]) == ("ü", 3.0)
    assert set(read.hosts) == set(plain)


def test_what_cannot_be_parsed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "prosody.cfg.lua"
    path.write_text("a = = 1\n")
    with pytest.raises(ConfigUnreadable, match=r"Prosody cannot parse the configuration: .*:1: unexpected symbol"):
        judged(compared(path), str(path))


def test_a_configuration_that_prints_is_read(tmp_path: Path) -> None:
    path = tmp_path / "prosody.cfg.lua"
    path.write_text('Lua.io.write("noise")\na = 1\n')
    assert compared(path)["hosts"]["*"] == {"a": 1}


def test_a_secret_that_is_a_word_of_the_reader_hurts_nobody(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("value\n")
    path = tmp_path / "prosody.cfg.lua"
    path.write_text('s = FileLine("secret")\nb = 1\n')
    config = read_config(str(path), run_command=run_command, installation=INSTALLATION, wrap=[])
    assert config.place("*", "b").line == 2


@pytest.mark.parametrize("answer", [(124, "", ""), (137, "", "")])
def test_who_compares_does_not_wait_for_ever_either(answer: tuple[int, str, str]) -> None:
    with pytest.raises(configuration.NoAnswer, match="still running after 20 s"):
        configuration.compare("/x.cfg.lua", INSTALLATION, lambda _argv, data="": answer)


def test_there_is_one_reader_and_one_encoder() -> None:
    texts = {path: path.read_text(encoding="utf-8") for path in PLUGINS.rglob("*.py")}

    def those_with(pattern: str) -> list[str]:
        return [path.relative_to(PLUGINS).as_posix() for path, text in texts.items() if re.search(pattern, text)]

    # the other one begins as Prosody's own programs do, and reads nothing for us
    found = sorted(those_with(r"(configmanager|\bcm)\.load\b"))
    assert found == ["module_utils/prosody/configuration_lua.py", "module_utils/storage/lua.py"]
    assert those_with(r"%04x") == ["module_utils/prosody/lua_json.py"]
