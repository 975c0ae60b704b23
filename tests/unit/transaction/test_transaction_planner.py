# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Old model, new model, loaded state → exactly these actions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.difference import compare
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.model import (
    Model,
    from_json,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.planner import Action, Loaded, plan

# as in Prosody 13.0.1; what is really there is read off the sources
AUTOMATIC = frozenset({"presence", "message", "iq", "offline", "c2s", "s2s", "s2s_auth_certs"})
INHERITED = frozenset({"tls", "saslauth", "dialback", "iq", "s2s", "s2s_bidi", "smacks", "server_contact_info"})


def model(answer: dict[str, Any]) -> Model:
    return replace(from_json(answer), automatic=AUTOMATIC, inherited={"muc": INHERITED})


GLOBALS = ("c2s", "s2s", "http", "limits", "s2s_auth_certs", "admin_socket", "cron")
NEEDS = {"bosh": ("http",), "admin_shell": ("admin_socket",), "tls": ("cron",)}
READERS = {
    "limits": {"limits"},
    "c2s_timeout": {"c2s"},
    "archive_expires_after": {"mam"},
    "muc_log_expires_after": {"muc_mam"},
    "sql_manage_tables": {"storage_sql"},
    "sql": {"storage_sql"},
    "core_thing": {""},
    "http_host": {"", "http"},
    "some_roles": {"authz_internal"},
    "nobody": set(),
}


def base() -> dict[str, dict[str, Any]]:
    return {
        "*": {"modules_enabled": ["tls", "mam", "limits", "bosh", "admin_shell"], "storage": "sql", "sql": {"port": 1}},
        "x.test": {"defined": True},
        "muc.x.test": {"component_module": "muc", "modules_enabled": ["muc_mam"]},
    }


def loaded(model: Model, **more: dict[str, tuple[str, ...]]) -> Loaded:
    """What a server that started with the model has loaded."""
    modules: dict[str, dict[str, tuple[str, ...]]] = {"*": dict.fromkeys(GLOBALS, ())}
    for host in model.enabled():
        names = set(model.modules(host)) | {"auth_internal_hashed", "authz_internal", "storage_sql"}
        names |= {model.component(host) or "disco"} - {"disco"}
        modules[host] = {name: NEEDS.get(name, ()) for name in names}
    modules["x.test"]["http"] = ()
    for host, extra in more.items():
        modules[host.replace("_", ".") if host != "everywhere" else "*"].update(extra)
    components = {host: model.component(host) for host in model.enabled()}
    services = {"c2s": "c2s", "c2s_direct_tls": "c2s", "s2s": "s2s", "http": "http", "https": "http"}
    return Loaded(modules, components, services)


def actions(change: dict[str, Any], *, certificates: bool = False, state: Loaded | None = None) -> list[tuple]:
    """Apply a change ({host: {option: value, None to remove}}, host: None to drop it) and plan it."""
    old = model({"hosts": base()})
    hosts = base()
    for host, options in change.items():
        if options is None:
            del hosts[host]
            continue
        for option, value in options.items():
            hosts.setdefault(host, {})
            if value is None:
                del hosts[host][option]
            else:
                hosts[host][option] = value
    new = model({"hosts": hosts})
    planned = plan(
        compare(old, new),
        new,
        state or loaded(old),
        lambda option: READERS.get(option, set()),
        certificates=certificates,
    )
    return [(item.action, item.target, item.hosts) for item in planned]


RELOAD = ("config:reload", "", ())
RESTART = [("restart", "", ())]
# mod_tls, by which STARTTLS ports have their TLS, is on hosts
TLS = [
    *(("module:reload", name, ("*",)) for name in ("c2s", "http", "s2s")),
    ("module:reload", "tls", ("muc.x.test", "x.test")),
]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({}, [], id="nothing"),
        pytest.param({"*": {"log": "*syslog"}}, [RELOAD], id="log"),
        pytest.param({"*": {"nobody": 1}}, [RELOAD], id="option that no loaded module reads"),
        pytest.param(
            {"*": {"archive_expires_after": "1w"}},
            [RELOAD, ("module:reload", "mam", ("x.test",))],
            id="option of a module",
        ),
        pytest.param(
            {"muc.x.test": {"muc_log_expires_after": "1w"}},
            [RELOAD, ("module:reload", "muc_mam", ("muc.x.test",))],
            id="option of a component",
        ),
        pytest.param(
            {"*": {"limits": {}}},
            [RELOAD, ("module:reload", "limits", ("*", "x.test"))],
            id="option of a shared module",
        ),
        pytest.param(
            {"x.test": {"c2s_timeout": 1}},
            [RELOAD, ("module:reload", "c2s", ("x.test",))],
            id="host option of a shared one",
        ),
        pytest.param({"*": {"tls_profile": "modern"}}, [RELOAD, *TLS], id="tls_profile"),
        pytest.param({"*": {"certificates": "c"}}, [RELOAD, *TLS], id="certificates"),
        pytest.param({"x.test": {"c2s_ssl": {}}}, [RELOAD, *TLS], id="ssl of a host"),
        pytest.param(
            {"*": {"c2s_direct_tls_ports": [1]}}, [RELOAD, ("module:reload", "c2s", ("*", "x.test"))], id="a port"
        ),
        pytest.param(
            {"*": {"interfaces": ["::1"]}},
            [
                RELOAD,
                ("module:reload", "c2s", ("*", "x.test")),
                ("module:reload", "http", ("*", "x.test")),
                ("module:reload", "s2s", ("*", "muc.x.test", "x.test")),
            ],
            id="all ports",
        ),
        pytest.param({"x.test": {"http_host": "w"}}, [RELOAD, ("module:reload", "http", ("x.test",))], id="http_host"),
        pytest.param(
            {"x.test": {"modules_enabled": ["announce"]}},
            [RELOAD, ("module:load", "announce", ("x.test",))],
            id="module +",
        ),
        pytest.param(
            {"muc.x.test": {"modules_enabled": None}},
            [RELOAD, ("module:unload", "muc_mam", ("muc.x.test",))],
            id="module -",
        ),
        pytest.param(
            {"*": {"modules_enabled": ["tls", "mam", "limits", "admin_shell"]}},
            [
                RELOAD,
                ("module:unload", "bosh", ("x.test",)),
                ("module:unload", "http", ("x.test", "*")),
            ],
            id="module - takes what only it needed with it",
        ),
        pytest.param({"new.test": {"defined": True}}, [RELOAD, ("host:activate", "new.test", ())], id="host +"),
        pytest.param({"muc.x.test": None}, [RELOAD, ("host:deactivate", "muc.x.test", ())], id="host -"),
        pytest.param(
            {"muc.x.test": {"component_module": "pubsub"}},
            [RELOAD, ("host:deactivate", "muc.x.test", ()), ("host:activate", "muc.x.test", ())],
            id="another component",
        ),
        pytest.param(
            {"x.test": {"enabled": False}, "y.test": {"defined": True}},
            [RELOAD, ("host:deactivate", "x.test", ()), ("host:activate", "y.test", ())],
            id="host disabled, another added",
        ),
        pytest.param(
            {"x.test": {"authentication": "ldap"}},
            [RELOAD, ("host:deactivate", "x.test", ()), ("host:activate", "x.test", ())],
            id="authentication of a host",
        ),
        pytest.param(
            {"x.test": {"some_roles": 1}},
            [RELOAD, ("host:deactivate", "x.test", ()), ("host:activate", "x.test", ())],
            id="option of an authorization module",
        ),
        pytest.param({"*": {"admins": ["a@x.test"]}}, RESTART, id="admins"),
        pytest.param({"*": {"storage": "internal"}}, RESTART, id="storage"),
        pytest.param({"*": {"sql": {"port": 2}}}, RESTART, id="sql"),
        pytest.param({"*": {"sql_manage_tables": False}}, RESTART, id="option of the storage driver"),
        pytest.param({"*": {"network_backend": "event"}}, RESTART, id="network_backend"),
        pytest.param({"*": {"plugin_paths": ["/x"]}}, RESTART, id="plugin_paths"),
        pytest.param({"*": {"core_thing": 1}}, RESTART, id="option that the server itself reads"),
        pytest.param({"*": {"gc": {}, "limits": {}}, "new": {"defined": True}}, RESTART, id="a restart covers all"),
    ],
)
def test_each_change_gets_what_applies_it(change: dict[str, Any], expected: list[tuple]) -> None:
    assert actions(change) == expected


def test_a_new_password_of_the_database_alone_restarts_nothing() -> None:
    """Only where the module that hands it to the connections is loaded, and only where nothing else differs."""
    modules = [*base()["*"]["modules_enabled"], "sql_reconnect"]
    before = {**base(), "*": {**base()["*"], "modules_enabled": modules, "sql": {"port": 1, "password": "one"}}}
    old = model({"hosts": before})

    def wanted(**sql: Any) -> list[str]:
        new = model({"hosts": {**before, "*": {**before["*"], "sql": sql}}})
        return [item.action for item in plan(compare(old, new), new, state, lambda name: READERS.get(name, ()))]

    state = loaded(old, everywhere={"sql_reconnect": ()})
    assert wanted(port=1, password="two") == ["config:reload"]
    assert wanted(port=2, password="two") == ["restart"]
    assert wanted(port=1) == ["restart"]
    state = loaded(old)
    assert wanted(port=1, password="two") == ["restart"]


def test_changed_certificate_files_are_applied_to_every_port() -> None:
    assert actions({}, certificates=True) == [RELOAD, *TLS]


def test_without_the_admin_socket_only_a_restart_is_certain() -> None:
    old = model({"hosts": base()})
    new = model({"hosts": {**base(), "new.test": {"defined": True}}})
    planned = plan(compare(old, new), new, None, lambda _option: ())
    assert [item.action for item in planned] == ["restart"]
    assert plan(compare(old, old), old, None, lambda _option: ()) == []


def drifted(**more: dict[str, tuple[str, ...]]) -> list[tuple]:
    wanted = model({"hosts": base()})
    return actions({}, state=loaded(wanted, **more))


def test_what_is_loaded_but_not_configured_is_unloaded() -> None:
    assert drifted(x_test={"announce": ()}) == [RELOAD, ("module:unload", "announce", ("x.test",))]


def test_what_a_loaded_module_needs_stays() -> None:
    assert drifted(x_test={"pep": (), "mam": ("pep",)}) == []
    assert drifted(everywhere={"http_errors": (), "http": ("http_errors",)}) == []


def test_what_depends_on_another_is_unloaded_before_it() -> None:
    found = drifted(x_test={"a_base": (), "z_user": ("a_base",)})
    assert found == [RELOAD, ("module:unload", "z_user", ("x.test",)), ("module:unload", "a_base", ("x.test",))]


def test_storage_and_authentication_modules_are_left_alone() -> None:
    assert drifted(x_test={"storage_internal": (), "auth_anonymous": (), "authz_x": ()}) == []


def test_what_is_configured_but_not_loaded_is_loaded() -> None:
    wanted = model({"hosts": base()})
    state = loaded(wanted)
    del state.modules["x.test"]["mam"]  # type: ignore[attr-defined]
    assert actions({}, state=state) == [RELOAD, ("module:load", "mam", ("x.test",))]


def test_a_host_that_is_not_active_is_activated() -> None:
    wanted = model({"hosts": base()})
    state = loaded(wanted)
    del state.modules["muc.x.test"]  # type: ignore[attr-defined]
    assert actions({}, state=state) == [RELOAD, ("host:activate", "muc.x.test", ())]


def test_a_new_module_is_not_reloaded_too() -> None:
    change = {"x.test": {"modules_enabled": ["cloud"], "archive_expires_after": "1w"}}
    assert actions(change) == [
        RELOAD,
        ("module:load", "cloud", ("x.test",)),
        ("module:reload", "mam", ("x.test",)),
    ]


def test_reasons_name_options_and_never_values() -> None:
    old = model({"hosts": base()})
    hosts = base()
    hosts["*"]["limits"] = {"c2s": {"rate": "31337kb/s"}}
    new = model({"hosts": hosts})
    planned = plan(compare(old, new), new, loaded(old), lambda option: READERS.get(option, set()))
    assert [item.why for item in planned] == ["limits added", "limits added"]
    assert "31337" not in str(planned)


def test_an_action_as_result_and_as_text() -> None:
    action = Action("module:reload", "mam", "archive_expires_after changed", ("x.test",))
    assert action.described() == {
        "action": "module:reload",
        "target": "mam",
        "why": "archive_expires_after changed",
        "hosts": ["x.test"],
    }
    assert str(action) == "module:reload mam on x.test (archive_expires_after changed)"
    assert Action("restart", "", "gc changed").described() == {"action": "restart", "target": "", "why": "gc changed"}
