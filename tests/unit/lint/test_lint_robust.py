# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a configuration holds, the linter answers: no value, name or nesting makes a rule fail."""

from __future__ import annotations

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint import check
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.lint.config import Config, Opaque, Secret, Table
from ansible_collections.allthingslinux.xmpp.tests.unit.lint.lint_support import registry
from hypothesis import given, settings
from hypothesis import strategies as st

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["sql", "internal", "letters", "lounge", "*syslog", "example.org"]),
    st.just(Secret("FileLine /x")),
    st.just(Opaque("function")),
)
KEYS = st.one_of(
    st.integers(1, 3), st.text(max_size=4), st.booleans(), st.sampled_from(["c2s", "rate", "to", "levels", "mode"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(st.tuples(KEYS, inner), max_size=3).map(lambda pairs: Table(tuple(pairs))),
    max_leaves=6,
)
NAMES = st.one_of(
    st.sampled_from(
        ["modules_enabled", "modules_disabled", "component_module", "storage", *sorted(registry().options)]
    ),
    st.text(max_size=5),
)
SECTIONS = st.dictionaries(NAMES, VALUES, max_size=8)


@settings(deadline=None, max_examples=60)
@given(st.dictionaries(st.sampled_from(["*", "example.org", "lounge.example.org"]), SECTIONS))
def test_no_configuration_breaks_a_rule(hosts):
    for finding in check(Config("/etc/prosody/prosody.cfg.lua", hosts), registry()):
        assert finding.severity in ("error", "warning")
        assert finding.code
        assert finding.message
        assert "\n" not in finding.code


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=10), VALUES)
def test_an_option_that_nothing_reads_is_always_named(option, value):
    if option in registry().options or value is None:
        return
    found = check(Config("x.lua", {"*": {option: value}, "example.org": {"defined": True}}), registry())
    named = {finding.option for finding in found}
    implicit = {"name", "enabled", "defined", "disco_hidden"}
    assert (
        option in named or option in implicit or option in ("component_module", "modules_enabled", "modules_disabled")
    )
