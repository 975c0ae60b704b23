# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""module_utils/community_modules: source text, the environment as recorded from Prosody 13.0.1, and the planner."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import lupa
import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.community_modules import (
    code,
    environment,
    lua,
    planner,
    report,
    sources,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.community_modules.code import Code, ModuleSetError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.community_modules.planner import Wanted
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody import admin_stream
from hypothesis import given
from hypothesis import strategies as st

RECORDED = json.loads((Path(__file__).parents[1] / "data" / "prosody_modules.json").read_text())
ENVIRONMENT = environment.read(RECORDED)
MANAGED = "/usr/local/lib/prosody/xmpp-modules"


def files(name: str, text: str = "") -> dict[str, bytes]:
    return {f"mod_{name}.lua": text.encode()}


def source(name: str = "tree", **modules: str) -> sources.Source:
    return sources.Source(name, frozenset(modules), lambda module: files(module, modules[module]), "abcdef0")


DISTRIBUTION = sources.Source("distribution", ENVIRONMENT.distribution, lambda _: {}, in_place=True)
TREE = source(hello="", needy='module:depends("hello")\nmodule:depends "disco"\n')


def test_the_library_is_lua_and_fits_into_one_command():
    assert admin_stream.command_size("> " + lua.library()) < admin_stream.MAX_COMMAND_BYTES
    assert lupa.LuaRuntime().eval("load")(lua.library())


@pytest.mark.parametrize(
    ("text", "depends"),
    [
        ('module:depends("http")', {"http"}),
        ("module:depends 'http';", {"http"}),
        ('module:depends"http_files".serve;', {"http_files"}),
        ('local http, x = module:depends("http")', {"http"}),
        ('module : depends ( "http" )', {"http"}),
        ('module:depends("http", true)', set()),
        ('-- module:depends("http")', set()),
        ('--[[\nmodule:depends("http")\n]]', set()),
        ('--[==[\nmodule:depends("http")\n]]\n]==]', set()),
        ('if x then\n\tmodule:depends("http")\nend', set()),
        ("module:depends(mod_bookmarks_available)", set()),
        ('x();\nmodule:depends("a")\n\nmodule:depends("b")', {"a", "b"}),
    ],
)
def test_dependencies(text, depends):
    assert code.parse(text).depends == depends


def test_headers():
    text = "--% conflicts: mod_flags, muc_vcard\n--% requires: keyval+\n--% lua: 5.2, 5.4 \r\n-- % lua: 5.1\n"
    assert code.parse(text) == Code(
        conflicts=frozenset({"mod_flags", "muc_vcard"}),
        requires=frozenset({"keyval+"}),
        lua=frozenset({"5.2", "5.4"}),
    )


@pytest.mark.parametrize(
    ("text", "name"), [("firewall", "firewall"), ("mod_firewall", "firewall"), ("s2s_bidi", "s2s_bidi")]
)
def test_names(text, name):
    assert code.normal_name(text) == name


@pytest.mark.parametrize("text", ["", "mod_", "../x", "Mod_x", "a/b", "mod_x.lua", "a b"])
def test_what_is_no_name(text):
    with pytest.raises(ModuleSetError, match="is not the name of a module"):
        code.normal_name(text)


def test_the_main_file_is_where_prosody_looks_first():
    both = {"x/mod_x.lua": b"inner", "mod_x.lua": b"outer"}
    assert code.main_file("x", both) == "x/mod_x.lua"
    assert code.main_file("x", {"mod_y.lua": b""}) is None
    with pytest.raises(ModuleSetError, match=r"mod_x has no file mod_x\.lua"):
        code.read("x", {})


@given(st.dictionaries(st.text(min_size=1), st.binary()))
def test_a_digest_tells_every_change(tree):
    assert code.digest(tree) == code.digest(dict(reversed(tree.items())))
    assert code.digest({**tree, "another": b""}) != code.digest(tree) or "another" in tree
    for path in tree:
        assert code.digest({**tree, path: tree[path] + b"x"}) != code.digest(tree)


def test_the_environment():
    assert ENVIRONMENT.running
    assert (ENVIRONMENT.version, ENVIRONMENT.lua) == ("13.0.1", "5.4")
    assert {"flags", "muc", "mam", "c2s"} <= ENVIRONMENT.core
    assert {"firewall", "http_oauth2"} <= ENVIRONMENT.distribution
    assert "firewall" not in ENVIRONMENT.core
    assert "mod_flags" in ENVIRONMENT.features
    assert ENVIRONMENT.plugin_paths == ("/var/lib/prosody/custom_plugins", MANAGED, "/usr/lib/prosody/modules")
    assert ENVIRONMENT.loaded_on("c2s") == ["*", "example.test"]
    assert "example.test" in ENVIRONMENT.enabled_on("smacks")
    assert ENVIRONMENT.elsewhere("firewall", MANAGED)
    assert not ENVIRONMENT.elsewhere("hello", MANAGED)


def test_the_environment_without_lists_of_packages():
    found = environment.read({**RECORDED, "core": [], "distribution": []})
    assert {"muc", "c2s", "pubsub"} <= found.core
    assert "hello" not in found.core


@pytest.mark.parametrize("answer", [None, {}, [], {**RECORDED, "plugins": 3}, {**RECORDED, "hosts": {"x": {}}}])
def test_an_answer_that_is_none(answer):
    with pytest.raises(ModuleSetError, match="answer about its modules cannot be read"):
        environment.read(answer)


def test_the_environment_of_a_prosody_that_does_not_run(tmp_path):
    root, dpkg = tmp_path / "prosody", tmp_path / "info"
    for path in ("modules/mod_iq.lua", "modules/muc/mod_muc.lua", "modules/mod_ours/mod_ours.lua", "core/features.lua"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text('return {\n\t\t"mod_flags";\n\t\t"keyval+";\n}\n')
    bare = environment.installed(root, dpkg)
    assert (bare.running, bare.core, bare.distribution) == (False, {"iq", "muc", "ours"}, frozenset())
    assert bare.features == {"mod_flags", "keyval+"}
    dpkg.mkdir()
    (dpkg / "prosody.list").write_text(
        "/usr/lib/prosody/modules/mod_iq.lua\n/usr/lib/prosody/modules/muc/mod_muc.lua\n"
    )
    (dpkg / "prosody-modules.list").write_text("/.\n/usr/lib/prosody/modules/mod_ours/mod_ours.lua\n")
    packaged = environment.installed(root, dpkg)
    assert (packaged.core, packaged.distribution) == ({"iq", "muc"}, {"ours"})


def test_resolve_takes_what_is_needed_from_the_first_source_that_has_it():
    picks = planner.resolve([Wanted("needy"), Wanted("firewall")], [TREE, DISTRIBUTION], ENVIRONMENT)
    assert {name: (pick.source, pick.needed_by, pick.files is None) for name, pick in picks.items()} == {
        "needy": ("tree", "", False),
        "hello": ("tree", "needy", False),
        "firewall": ("distribution", "", True),
    }
    assert picks["hello"].revision == "abcdef0"


def test_resolve_prefers_by_order_and_by_name():
    other = source("other", hello="-- other")
    assert planner.resolve([Wanted("hello")], [other, TREE], ENVIRONMENT)["hello"].source == "other"
    assert planner.resolve([Wanted("hello", "tree")], [other, TREE], ENVIRONMENT)["hello"].source == "tree"


def test_what_a_module_needs_may_lie_on_the_plugin_path_already():
    picks = planner.resolve([Wanted("mine")], [source(mine='module:depends("firewall")')], ENVIRONMENT)
    assert list(picks) == ["mine"]


def test_a_source_that_must_be_asked_comes_last_for_what_is_needed():
    asked: list[str] = []

    def ask(name):
        asked.append(name)
        return files(name)

    rocks = sources.Source("rocks", None, ask, version_of=lambda _: "1-1")
    tree = source(a='module:depends("b")\nmodule:depends("firewall")\n')
    picks = planner.resolve([Wanted("a")], [rocks, tree], ENVIRONMENT)
    assert asked == ["b"]
    assert (picks["b"].source, picks["b"].revision) == ("rocks", "1-1")


REFUSALS = [
    ([Wanted("flags")], "mod_flags is part of Prosody 13.0.1 itself"),
    ([Wanted("nope")], "mod_nope is in none of the sources: tree, distribution."),
    (
        [Wanted("hello", "elsewhere")],
        "wanted from the source elsewhere, and there is no such one. The sources are: tree",
    ),
    ([Wanted("hello", version="9")], "the source tree gives version abcdef0, and 9 was wanted"),
    ([Wanted("hello"), Wanted("hello")], "mod_hello is declared twice"),
    ([Wanted("lost")], "mod_nowhere, which mod_lost needs, is in none of the sources"),
    ([Wanted("old")], "mod_old is for Lua 5.1, 5.2, and Prosody runs on 5.4."),
    ([Wanted("twin")], "mod_twin conflicts with what this Prosody has itself: mod_flags."),
    ([Wanted("future")], "mod_future requires what this Prosody does not have: time-travel."),
    ([Wanted("rival")], "mod_rival conflicts with mod_smacks, which is loaded on example.test"),
    ([Wanted("foe"), Wanted("hello")], "mod_foe conflicts with mod_hello, which is wanted, too."),
]
TROUBLE = source(
    hello="",
    lost='module:depends("nowhere")',
    old="--% lua: 5.1, 5.2\n",
    twin="--% conflicts: mod_flags\n",
    future="--% requires: time-travel, loader\n",
    rival="--% conflicts: mod_smacks\n",
    foe="--% conflicts: mod_hello\n",
)


@pytest.mark.parametrize(("wanted", "message"), REFUSALS)
def test_refusals(wanted, message):
    with pytest.raises(ModuleSetError) as caught:
        planner.resolve(wanted, [TROUBLE, DISTRIBUTION], ENVIRONMENT)
    assert message in str(caught.value)


def test_all_refusals_at_once():
    with pytest.raises(ModuleSetError) as caught:
        planner.resolve([Wanted("flags"), Wanted("old"), Wanted("nope")], [TROUBLE], ENVIRONMENT)
    assert all(f"mod_{name} is" in str(caught.value) for name in ("flags", "old", "nope"))


def plan(wanted, installed=None, record=None, env=ENVIRONMENT, offered=(TREE, DISTRIBUTION), purge=True):
    picks = planner.resolve([Wanted(each) if isinstance(each, str) else each for each in wanted], offered, env)
    return planner.plan(picks, installed or {}, record or {}, env, MANAGED, purge)


def with_hosts(**changes):
    """The recorded environment with other modules on example.test: name=(path or None, enabled)."""
    host = ENVIRONMENT.hosts["example.test"]
    loaded, enabled = dict(host.loaded), set(host.enabled)
    for name, (path, on) in changes.items():
        loaded.pop(name, None)
        if path:
            loaded[name] = path
        enabled = enabled | {name} if on else enabled - {name}
    hosts = {**ENVIRONMENT.hosts, "example.test": environment.Host(loaded, frozenset(enabled))}
    return dataclasses.replace(ENVIRONMENT, hosts=hosts)


# recorded with mod_needy enabled and loaded on example.test, with mod_hello, both from the managed directory
CLEAN = with_hosts(needy=(None, False), hello=(None, False))
BOTH = {"hello": files("hello"), "needy": TREE.files("needy")}
RECORD = dict(plan(["needy"], env=CLEAN).record)


def summary(found):
    return {
        "write": sorted(found.write),
        "added": list(found.added),
        "removed": list(found.removed),
        "load": list(found.load),
        "reload": list(found.reload),
        "unload": list(found.unload),
        "held": list(found.held),
        "some": bool(found),
    }


NOTHING = {"write": [], "added": [], "removed": [], "load": [], "reload": [], "unload": [], "held": [], "some": False}
PLANS = [
    pytest.param(
        ["needy"], {}, {}, CLEAN, {"write": ["hello", "needy"], "added": ["hello", "needy"]}, id="new, not enabled"
    ),
    pytest.param(
        ["needy"],
        {},
        {},
        with_hosts(needy=(None, True), hello=(None, False)),
        {"write": ["hello", "needy"], "added": ["hello", "needy"], "load": [("example.test", "needy")]},
        id="new, enabled",
    ),
    pytest.param(["needy"], BOTH, RECORD, ENVIRONMENT, None, id="nothing to do"),
    pytest.param(["needy"], BOTH, {}, ENVIRONMENT, {}, id="only the record is missing"),
    pytest.param(
        ["needy"],
        {**BOTH, "hello": files("hello", "old")},
        RECORD,
        ENVIRONMENT,
        {"write": ["hello"], "reload": ["hello"]},
        id="changed and loaded",
    ),
    pytest.param(
        ["needy"],
        {**BOTH, "hello": files("hello", "old")},
        RECORD,
        CLEAN,
        {"write": ["hello"]},
        id="changed, not loaded",
    ),
    pytest.param(
        [],
        BOTH,
        RECORD,
        with_hosts(needy=(f"{MANAGED}/mod_needy/mod_needy.lua", False)),
        {"removed": ["hello", "needy"], "unload": ["hello", "needy"]},
        id="removed and loaded",
    ),
    pytest.param(
        [Wanted("hello", hosts=("example.test",))],
        {},
        {},
        CLEAN,
        {"write": ["hello"], "added": ["hello"], "load": [("example.test", "hello")]},
        id="loaded where it is not enabled",
    ),
    pytest.param(
        ["firewall"],
        {},
        {},
        with_hosts(firewall=(None, True)),
        {"load": [("example.test", "firewall")]},
        id="of the distribution, enabled",
    ),
    pytest.param(
        ["firewall"],
        {"firewall": files("firewall")},
        {"firewall": {}},
        with_hosts(firewall=(f"{MANAGED}/mod_firewall/mod_firewall.lua", True)),
        {"removed": ["firewall"], "reload": ["firewall"]},
        id="back to the distribution",
    ),
]


@pytest.mark.parametrize(("wanted", "installed", "record", "env", "expected"), PLANS)
def test_plan(wanted, installed, record, env, expected):
    some = expected is not None
    assert summary(plan(wanted, installed, record, env)) == {**NOTHING, **(expected or {}), "some": some}


def test_a_module_that_hosts_hold_on_to_is_not_reloaded():
    loaded = with_hosts(auth_ours=(f"{MANAGED}/mod_auth_ours/mod_auth_ours.lua", True))
    found = plan(["auth_ours"], {"auth_ours": files("auth_ours", "old")}, {}, loaded, [source(auth_ours="new")])
    assert (found.reload, found.held) == ((), ("auth_ours",))


def test_a_pinned_copy_replaces_the_loaded_one_of_the_distribution():
    loaded = with_hosts(firewall=("/usr/lib/prosody/modules/mod_firewall/mod_firewall.lua", True))
    found = plan(["firewall"], {}, {}, loaded, [source(firewall="new")])
    assert (found.added, found.reload) == (("firewall",), ("firewall",))


def test_without_purge_the_others_stay_with_their_record():
    found = plan([], BOTH, RECORD, ENVIRONMENT, purge=False)
    assert (bool(found), found.record) == (False, RECORD)


def test_what_is_still_enabled_is_not_removed():
    with pytest.raises(ModuleSetError, match=r"still enabled in the configuration: mod_needy \(on example.test\)"):
        plan([], BOTH, RECORD, ENVIRONMENT)


def test_a_directory_that_prosody_does_not_look_into():
    blind = dataclasses.replace(ENVIRONMENT, plugin_paths=("/usr/lib/prosody/modules",))
    with pytest.raises(ModuleSetError, match=rf'Put plugin_paths = {{ "{MANAGED}" }} into its configuration'):
        plan(["needy"], env=blind)
    # nothing of ours has to be found there
    assert not plan(["firewall"], env=blind)


def test_a_host_that_is_not_there():
    with pytest.raises(ModuleSetError, match=r"mod_hello is wanted on nope.test, and there is no such host"):
        plan([Wanted("hello", hosts=("nope.test",))])


def test_while_prosody_does_not_run_only_files_are_planned():
    stopped = environment.Environment(core=ENVIRONMENT.core, distribution=ENVIRONMENT.distribution)
    found = plan([Wanted("needy", hosts=("example.test",))], env=stopped)
    assert summary(found) == {**NOTHING, "write": ["hello", "needy"], "added": ["hello", "needy"], "some": True}


def test_report():
    old = {**BOTH, "hello": files("hello", "old"), "gone": files("gone")}
    found = report.result(plan(["needy"], old, RECORD, ENVIRONMENT), old, ENVIRONMENT)
    assert (found["installed"], found["updated"], found["removed"], found["reloaded"]) == (
        [],
        ["hello"],
        ["gone"],
        ["hello"],
    )
    assert found["modules"]["needy"]["enabled_on"] == ["example.test"]
    assert found["diff"]["before"].splitlines() == [
        f"mod_gone: sha256 {code.digest(files('gone'))}",
        f"mod_hello: sha256 {code.digest(files('hello', 'old'))}",
        "mod_hello on example.test: loaded",
        f"mod_needy: sha256 {code.digest(BOTH['needy'])}",
    ]
    assert found["diff"]["after"].splitlines() == [
        f"mod_hello: sha256 {code.digest(files('hello'))}",
        "mod_hello on example.test: reloaded",
        f"mod_needy: sha256 {code.digest(BOTH['needy'])}",
    ]
