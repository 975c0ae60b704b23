# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of the pages, and an operator's own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.filter.proxy import FilterModule
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.proxy.texts import TextsError, page_texts

WEB = Path(__file__).parents[3] / "roles" / "proxy"
PLACE = re.compile(r"%[a-z]")


def test_every_language_of_ours_says_everything_with_the_same_places() -> None:
    texts = FilterModule().filters()["proxy_page_texts"]({})
    assert set(texts) == {"en", "de"}
    for words in texts.values():
        assert {name: sorted(PLACE.findall(text)) for name, text in words.items()} == {
            name: sorted(PLACE.findall(text)) for name, text in texts["en"].items()
        }


def test_every_word_that_a_page_asks_for_is_there() -> None:
    asked = set(re.findall(r'data-text="(\w+)"', (WEB / "templates" / "invite.html.j2").read_text()))
    asked |= set(re.findall(r"\btext\('(\w+)'", (WEB / "files" / "web" / "invite.js").read_text()))
    asked |= {"invited_by", "invited"} | {
        f"{state}{end}" for state in ("used", "expired", "unknown") for end in ("", "_about")
    }
    asked |= {"taken", "bad_user", "bad_password", "refused"}
    assert asked == set(page_texts({})["en"])


def test_own_words_stand_over_ours_and_a_language_may_be_another() -> None:
    texts = page_texts({"de": {"go": "Los"}, "pt_BR": {"sign_in": "Entrar"}})
    assert texts["de"]["go"] == "Los"
    assert texts["de"]["back"] == "Zurück"
    assert texts["pt-br"] == {"sign_in": "Entrar"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"german!": {}}, "proxy_texts.german! is no code of a language"),
        ({"de": "hallo"}, "proxy_texts.de has no names with texts"),
        ({"de": {"sign_on": "x"}}, "proxy_texts.de.sign_on is said on no page: did you mean sign_in?"),
        ({"de": {"go": 5}}, "proxy_texts.de.go is no text"),
        ({"fr": {"go": "Allez %j"}}, "proxy_texts.fr.go has %j, for which the page has nothing there"),
    ],
)
def test_what_no_page_can_say_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(TextsError, match=re.escape(said)):
        page_texts(given)
