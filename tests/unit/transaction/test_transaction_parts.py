# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the probes make of what they see; staging; logs; the service; the database; results."""

from __future__ import annotations

import datetime
import json
import os
import socket
import threading
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.host.service import Service, ServiceError, parse_show
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody import installation
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.configuration_lua import MARK
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.listening import (
    Held,
    Listening,
    Port,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.listening import (
    Service as Offered,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.certificate import Certificate
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.handshake import Served, TlsProbeError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction import (
    database,
    linting,
    logs,
    probes,
    reading,
    report,
    staging,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.live import (
    Certified,
    Host,
    State,
    read_state,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.model import Model, from_json
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.planner import Action, Loaded
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.probes import Failure, Options
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.transaction.run import Result, story

SASL = "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms>"


def features(inner: str) -> str:
    return f"<stream:features xmlns:stream='http://etherx.jabber.org/streams'>{inner}</stream:features>"


def host(name: str = "x", **more: Any) -> Host:
    given: dict[str, Any] = {
        "component": None, "modules": frozenset({"saslauth"}), "missing": (), "troubled": {}, "http": False, **more
    }  # fmt: skip
    return Host(name, **given)


def state(*hosts: Host) -> State:
    return State(Loaded({}), Listening(), hosts, "/etc/prosody/prosody.cfg.lua", "13.0.1")


MODEL = from_json({"hosts": {"*": {}, "x": {}, "muc.x": {"component_module": "muc"}}})


def test_hosts_and_modules_are_compared_with_the_configuration() -> None:
    seen = probes.host_failures(state(host(missing=("mam",), troubled={"storage_sql": "gone"}), host("typo")), MODEL)
    assert [item.probe for item in seen] == ["host:muc.x", "host:typo", "module:mam@x", "module:storage_sql@x"]
    assert "gone" in seen[-1].seen
    assert probes.host_failures(state(host(), host("muc.x")), MODEL) == []


def test_a_configuration_that_was_not_read_is_noticed_without_showing_values() -> None:
    old = from_json({"hosts": {"*": {"secret": "hunter2"}}})
    new = from_json({"hosts": {"*": {"secret": "hunter3"}}})
    (failure,) = probes.config_failures(old, new)
    assert failure.probe == "config"
    assert "secret changed" in failure.seen
    assert "hunter" not in failure.seen
    assert probes.config_failures(old, old) == []


@pytest.mark.parametrize(
    ("modules", "options", "offered", "missing"),
    [
        ({"saslauth"}, {}, SASL, ""),
        ({"saslauth"}, {}, "", "SASL mechanisms"),
        ({"saslauth"}, {}, "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>", "SASL mechanisms"),
        ({"saslauth", "sasl2"}, {}, SASL, "SASL2"),
        ({"saslauth", "sasl2"}, {}, SASL + "<authentication xmlns='urn:xmpp:sasl:2'/>", ""),
        ({"saslauth", "register_ibr"}, {"allow_registration": True}, SASL, "registration"),
        ({"saslauth", "register_ibr"}, {"allow_registration": False}, SASL, ""),
        (
            {"saslauth", "register_ibr"},
            {"allow_registration": True},
            SASL + "<register xmlns='http://jabber.org/features/iq-register'/>",
            "",
        ),
        ({"tls"}, {}, "", ""),
    ],
)
def test_stream_features(modules: set[str], options: dict[str, Any], offered: str, missing: str) -> None:
    model = from_json({"hosts": {"*": options, "x": {}}})
    found = probes.feature_failures(host(modules=frozenset(modules)), model, features(offered))
    assert [missing in item.seen for item in found] == ([True] if missing else [])


def certificate(names: tuple[str, ...], sha256: str) -> Certificate:
    moment = datetime.datetime(2030, 1, 1, tzinfo=datetime.timezone.utc)
    return Certificate(b"", sha256, "CN=s", "CN=i", names, moment, moment)


@pytest.fixture
def certified(monkeypatch: pytest.MonkeyPatch) -> Certified:
    """A host whose certificate's file holds the certificate "on disk"."""
    monkeypatch.setattr(probes, "read_chain", lambda _path: (certificate(("x",), "on disk"),))
    monkeypatch.setattr(probes, "check_pair", lambda _certificate, _key: None)
    return Certified("x", "c2s", "x", "/c/x.crt", "/c/x.key", "")


def test_the_served_certificate_must_be_the_one_on_the_disk(certified: Certified) -> None:
    served = Served(certificate(("x",), "on disk"), "TLSv1.3", "c", "")
    assert probes.served_failures("tls:c2s:x", certified, served) == []
    (failure,) = probes.served_failures("tls:c2s:x", certified, Served(certificate(("old",), "o"), "", "", ""))
    assert "not the one in /c/x.crt" in failure.seen
    assert "old" in failure.seen


def test_certificates_that_cannot_serve(certified: Certified) -> None:
    assert probes.certificate_failures([certified], MODEL) == []
    other = Certified("y", "c2s", "y", "/c/x.crt", "/c/x.key", "")
    none = Certified("x", "c2s", "x", "", "", "")
    broken = Certified("x", "s2s", "x", "/c/x.crt", "/c/x.key", "key mismatch; Prosody cannot open /c/x.key: no")
    seen = {item.probe: item.seen for item in probes.certificate_failures([other, none, broken], MODEL)}
    assert "does not cover the name y" in seen["certificate:c2s:y"]
    assert "no certificate that covers x" in seen["certificate:c2s:x"]
    assert "/c/x.key: no" in seen["certificate:s2s:x"]
    plain = from_json({"hosts": {"*": {"c2s_require_encryption": False}}})
    assert probes.certificate_failures([none], plain) == []


def test_each_tls_service_is_looked_at_where_it_listens(certified: Certified) -> None:
    calls = []

    def look(address: str, port: int, **how: Any) -> Served:
        calls.append((address, port, how["sni"], how["starttls"], how["direct"], how["to"]))
        if port == 5269:
            raise TlsProbeError(address, port, "TLS handshake", "the connection was closed")
        return Served(certificate(("x",), "on disk"), "TLSv1.3", "c", features("" if port == 5222 else SASL))

    ports = (
        Port("c2s", "::", 5222, True, ""),
        Port("c2s", "*", 5222, True, ""),
        Port("c2s_direct_tls", "192.0.2.1", 5223, True, "ssl"),
        Port("s2s", "*", 5269, True, ""),
        Port("https", "*", 5281, False, "ssl"),
    )
    wanted = [Certified("x", service, "x", "/c/x.crt", "/c/x.key", "") for service in
              ("c2s", "c2s_direct_tls", "s2s", "https")]  # fmt: skip
    found = probes.tls_failures(wanted, state(host()), ports, MODEL, Options(), True, look)
    assert calls == [
        ("127.0.0.1", 5222, "x", "xmpp-client", None, "x"),
        ("192.0.2.1", 5223, "x", None, "xmpp-client", "x"),
        ("127.0.0.1", 5269, "x", "xmpp-server", None, "x"),
    ]
    assert [item.probe for item in found] == ["features:x", "tls:s2s:x"]


def test_a_port_that_answers_one_that_is_closed_and_one_that_another_holds() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        number = listening.getsockname()[1]
        assert probes.port_failures([Port("c2s", "*", number, True, "")], Options(), True) == []
        (failure,) = probes.port_failures([Port("c2s", "*", number, False, "")], Options(), True)
        assert f"pid {os.getpid()}" in failure.seen
    (failure,) = probes.port_failures([Port("c2s", "127.0.0.1", number, True, "")], Options(timeout=1), True)
    assert "no connection" in failure.seen
    assert failure.probe == f"port:c2s:{number}"
    assert probes.port_failures([Port("c2s", "::", 1, False, "")], Options(), ipv6=False) == []


@pytest.mark.parametrize("written", [99999, 0, 5222.5, "xmpp-client"])
def test_a_port_that_is_none_is_never_proved(written: Any) -> None:
    """Prosody says that it listens on 99999, and the kernel has it listen on 34463, where Python finds it."""
    claimed = int(written) if isinstance(written, (int, float)) else 0
    claims = Listening((Offered("c2s", "c2s", (5222,)),), (Held("c2s", "127.0.0.1", claimed),))
    model = from_json({"hosts": {"*": {"c2s_ports": [written], "interfaces": ["127.0.0.1"]}, "x": {}}})
    found = probes.port_failures(probes.configured_ports(model, claims), Options(timeout=1), True, claims.held)
    assert str(written) in found[0].seen
    assert "is no port" in found[0].seen


def test_a_port_that_nobody_configured_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        number = listening.getsockname()[1]
        held = [Held("c2s", "127.0.0.1", number), Held("c2s", "127.0.0.1", 1)]
        wanted = [Port("c2s", "127.0.0.1", number, True, "")]
        (failure,) = probes.port_failures(wanted, Options(), True, held)
    assert (failure.probe, "does not want" in failure.seen) == ("port:c2s:1", True)


@pytest.mark.parametrize(
    ("interface", "address", "expected"),
    [("*", "", "127.0.0.1"), ("::", "", "::1"), ("*", "192.0.2.1", "192.0.2.1"), ("::", "192.0.2.1", "::1"),
     ("*", "2001:db8::1", "127.0.0.1"), ("::", "2001:db8::1", "2001:db8::1"), ("10.0.0.1", "192.0.2.1", "10.0.0.1")],
)  # fmt: skip
def test_where_a_port_is_probed(interface: str, address: str, expected: str) -> None:
    assert probes.address_of(interface, address) == expected


def test_http_answers_or_something_else_does() -> None:
    def serve(listening: socket.socket, answer: bytes) -> None:
        connection, _peer = listening.accept()
        with connection:
            connection.recv(1000)
            connection.sendall(answer)

    for answer, status in (
        (b"HTTP/1.1 404 Not Found\r\n\r\n", "HTTP/1.1 404 Not Found"),
        (b"220 mail\r\n", "220 mail"),
    ):
        with socket.create_server(("127.0.0.1", 0)) as listening:
            threading.Thread(target=serve, args=(listening, answer), daemon=True).start()
            assert probes.http_status("127.0.0.1", listening.getsockname()[1], "x", False, 5) == status


def test_what_an_operator_leaves_out() -> None:
    failures = [Failure("tls:https:x", ""), Failure("tls:c2s:x", ""), Failure("log", "")]
    assert [item.probe for item in probes.kept(failures, ["tls:https:*", "log"])] == ["tls:c2s:x"]


def test_errors_in_the_log_that_are_no_fault() -> None:
    reloading = "mod_http: Not listening on any ports, 'bosh' will be unreachable"
    no_ipv6 = "portmanager: Failed to open server port 5222 on ::, unsupported"
    foreign = ["s2sout55d0c0ffee00: Error: certificate", "c2s55d0c0ffee00: bad", "adns: no answer"]
    found = probes.log_failures([reloading, no_ipv6, *foreign, "x: real\nstack traceback:"], ipv6=False)
    assert [item.seen for item in found] == ["x: real"]
    assert len(probes.log_failures([no_ipv6], ipv6=True)) == 1


def test_the_story_says_each_thing_once_and_keeps_the_log_short() -> None:
    failures = [Failure("tls:a", "closed"), Failure("tls:b", "closed"), *(Failure("log", f"e{n}") for n in range(9))]
    lines = story(failures, [Failure("tls:b", "closed")])
    assert lines[0] == "- tls:a, tls:b (failed before, too): closed"
    assert lines[-1] == "- log: 3 more errors"
    assert len(lines) == 8


# -- staging ----------------------------------------------------------------------------------------------------


def test_a_stage_stands_for_the_living_files(tmp_path: Path) -> None:
    etc = tmp_path / "etc"
    (etc / "secrets").mkdir(parents=True)
    (etc / "conf.d").mkdir()
    (etc / "secrets" / "db").write_text("old")
    content = f'a = FileLine("{etc}/secrets/db"); Include "conf.d/*.cfg.lua"'.encode()
    with staging.Stage(str(etc / "prosody.cfg.lua"), content, f"{etc}/secrets", {"db": b"new"}) as stage:
        text = stage.path.read_text()
        assert str(etc / "secrets") not in text
        assert (stage.directory / ".secrets" / "db").read_bytes() == b"new"
        assert (stage.directory / "secrets" / "db").read_bytes() == b"new"
        assert (stage.directory / "conf.d").readlink() == etc / "conf.d"
        assert stage.original.read_bytes() == content
        assert stage.path.name.endswith(".lua")
        assert stage.directory.stat().st_mode & 0o077 == 0
        said = stage.unstaged(f"{stage.path}:3: no {stage.directory}/.secrets/db")
        assert said == f"{etc}/prosody.cfg.lua:3: no {etc}/secrets/db"
    assert not stage.directory.exists()
    assert (etc / "secrets" / "db").read_text() == "old"


CHECKED = """Checking config...
    The following configuration files have been loaded:
      -  /etc/prosody/prosody.cfg.lua

    mod_posix is loaded in your configuration file, but it has
    been deprecated. You can safely remove it.

    Some of your hosts may be missing features due to a lack of configuration.
    For more details, use the 'prosodyctl check features' command.
Done.

All checks passed, congratulations!
"""
REFUSED = """Checking config...
    The following configuration files have been loaded:
      -  /etc/prosody/prosody.cfg.lua

    You have 1 option set under x.test that should be
    in the global section of the config file

    You need to move the following option: network_backend
Done.

Problems found, see above.
"""


def test_prosodyctl_is_believed_only_when_it_says_that_all_passed() -> None:
    assert staging.judge_check(0, CHECKED, "") == [
        "mod_posix is loaded in your configuration file, but it has been deprecated. You can safely remove it."
    ]
    with pytest.raises(staging.CheckFailed, match="network_backend"):
        staging.judge_check(1, REFUSED, "")
    with pytest.raises(staging.CheckFailed):
        staging.judge_check(0, "Error on line 3", "")


def test_findings_of_the_linter() -> None:
    class Finding:
        def __init__(self, severity: str) -> None:
            self.severity, self.code, self.where, self.message, self.hint = severity, "code", "f:1", "what", "do"

    assert linting.judge([Finding("warning")]) == ["f:1: what (do) [code]"]
    with pytest.raises(linting.LintFailed, match=r"nothing was touched[\s\S]*- f:1: what \(do\) \[code\]"):
        linting.judge([Finding("warning"), Finding("error")])


# -- logs -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("Nov 22 12:48:00 portmanager\terror\tFailed to open", "portmanager: Failed to open"),
        ("portmanager         error\tFailed to open", "portmanager: Failed to open"),
        ("x.test:tls           info\tCertificates loaded", None),
        ('{"level":"error","name":"m","message":"bad"}', "m: bad"),
        ('{"level":"warn","message":"bad"}', None),
        ("an error\tin the text of no log line", None),
        ("{not json", None),
    ],
)
def test_errors_are_told_from_other_lines(line: str, error: str | None) -> None:
    if line.startswith("an error"):
        line = "info\tan error in the text"
    assert logs.error_of(line) == error


def test_the_journal_of_systemd() -> None:
    lines = [
        {"MESSAGE": "c2s1      error\tbad thing", "PRIORITY": "6", "SYSLOG_IDENTIFIER": "prosody"},
        {"MESSAGE": "certmanager: no key", "PRIORITY": "3", "SYSLOG_IDENTIFIER": "prosody"},
        {"MESSAGE": "Started", "PRIORITY": "6", "SYSLOG_IDENTIFIER": "systemd"},
        {"MESSAGE": [1, 2, 3], "PRIORITY": "3", "SYSLOG_IDENTIFIER": "prosody"},
    ]
    text = "\n".join(map(json.dumps, lines)) + "\nno json"
    assert logs.journal_errors(text) == ["c2s1: bad thing", "certmanager: no key"]


def test_only_what_was_logged_since_the_mark(tmp_path: Path) -> None:
    log = tmp_path / "prosody.err"
    log.write_text("Nov 22 12:48:00 m\terror\told\n")
    commands = []

    def run_command(command: list[str], **_more: object) -> tuple[int, str, str]:
        commands.append(command)
        return 0, "", ""

    watch = logs.LogWatch(run_command, "prosody")
    watch.mark([str(log)])
    assert watch.errors() == []
    with log.open("a") as file:
        file.write("Nov 22 12:48:01 m\terror\tnew\nNov 22 12:48:01 m\tinfo\tfine\n")
    assert watch.errors() == ["m: new"]
    log.write_text("m\terror\trotated\n")
    assert watch.errors() == ["m: rotated"]
    assert all(command[0] == "journalctl" and "prosody" in command for command in commands)


@pytest.mark.parametrize(
    ("value", "files"),
    [
        ("*syslog", set()),
        ("/var/log/p", {"/var/log/p"}),
        ({"info": "/var/log/i", "error": "*syslog"}, {"/var/log/i"}),
        ({"info": "/var/log/i", "1": {"to": "file", "filename": "/var/log/f"}}, {"/var/log/i", "/var/log/f"}),
        ([{"to": "console"}], set()),
        (None, set()),
    ],
)
def test_the_files_a_configuration_logs_to(value: Any, files: set[str]) -> None:
    assert logs.log_files(Model({"*": {} if value is None else {"log": value}})) == files


# -- service, database, installation ----------------------------------------------------------------------------


def test_systemd_is_asked_and_told() -> None:
    commands = []

    def run_command(command: list[str], **_more: object) -> tuple[int, str, str]:
        commands.append(command[1:])
        if command[1] == "show":
            return 0, "ActiveState=active\nSubState=running\nUnitFileState=enabled\nMainPID=42\n", ""
        return (1, "", "Job failed.\n") if command[1] == "restart" else (0, "", "")

    service = Service(run_command)
    assert service.is_active()
    assert service.is_enabled()
    assert service.state().pid == 42
    service.start()
    assert commands[-2:] == [["reset-failed", "prosody.service"], ["start", "prosody.service"]]
    with pytest.raises(ServiceError, match=r"systemctl restart prosody.service failed: Job failed\."):
        service.restart()


def test_a_unit_that_does_not_exist() -> None:
    assert not parse_show("ActiveState=inactive\nSubState=dead\nLoadState=not-found\nMainPID=0\n").active


SQL = {"driver": "PostgreSQL", "database": "d", "username": "u", "password": "p", "host": "h"}


@pytest.mark.parametrize(
    ("everywhere", "count"),
    [
        ({"storage": "sql", "sql": SQL}, 1),
        ({"storage": {"archive": "sql"}, "sql": SQL}, 1),
        ({"default_storage": "sql", "sql": SQL}, 1),
        ({"storage": "internal", "sql": SQL}, 0),
        ({"storage": "sql", "sql": {"driver": "SQLite3", "database": "x"}}, 0),
        ({"storage": "sql"}, 0),
    ],
)
def test_the_databases_a_configuration_names(everywhere: dict[str, Any], count: int) -> None:
    model = from_json({"hosts": {"*": everywhere, "x": {}, "y": {}}})
    assert len(database.connections(model)) == count


def test_the_database_is_asked_without_showing_the_password() -> None:
    seen: dict[str, Any] = {}

    def run_command(command: list[str], data: str = "", **_more: object) -> tuple[int, str, str]:
        seen.update(command=command, data=data)
        return 0, "\0refused\0FATAL:  password authentication\nfailed\n", ""

    model = from_json({"hosts": {"*": {"storage": "sql", "sql": {**SQL, "password": 'it\'s "secret"'}}, "x": {}}})
    (parameters,) = database.connections(model)
    reason = database.refusal(parameters, {"PGSSLMODE": "require"}, ["setpriv"], run_command)
    assert reason == "FATAL: password authentication failed"
    assert "secret" not in str(seen["command"])
    assert "secret" not in str(parameters)
    compile(seen["data"], "program", "exec")


def test_libpq_finds_the_same_environment_as_the_server() -> None:
    assert database.environment_of(0, "PGSSLMODE=require HOME=/root") == {"PGSSLMODE": "require"}


def test_where_prosody_is_installed(tmp_path: Path) -> None:
    source, program = tmp_path / "lib", tmp_path / "prosody"
    (source / "core").mkdir(parents=True)
    (source / "core" / "configmanager.lua").touch()
    program.write_text(
        f"#!/usr/bin/env lua5.4\nCFG_SOURCEDIR='{source}';\nCFG_PLUGINDIR='/a;/b';\nCFG_DATADIR='/var/lib/p';\n"
    )
    found = installation.find([str(program)])
    assert (found.source, found.plugins, found.data) == (source, (Path("/a"), Path("/b")), Path("/var/lib/p"))
    assert installation.plugin_roots(found, None, ["own", "/abs"]) == [
        Path("/var/lib/p/custom_plugins"), Path("/var/lib/p/own"), Path("/abs"), Path("/a"), Path("/b")
    ]  # fmt: skip
    with pytest.raises(installation.NotInstalled, match="No Prosody was found"):
        installation.find([str(tmp_path / "nothing")])


# what the made-up reader of configurations answers
ANSWER = {"hosts": {"*": {"modules_enabled": ["tls", "mam"]}, "b.x": {"component_module": "room"}}}


def test_which_modules_load_by_themselves_is_read_off_the_sources(tmp_path: Path) -> None:
    manager = tmp_path / "core" / "modulemanager.lua"
    manager.parent.mkdir()
    module = tmp_path / "modules" / "mod_room.lua"
    module.parent.mkdir()
    module.write_text("--% inherit_modules: mam, smacks\n")
    known = installation.Installation(tmp_path, (tmp_path / "modules",), tmp_path, tmp_path, "lua5.4")
    reader = reading.ModelReader(known)

    def run(_argv: list[str], **_how: Any) -> tuple[int, str, str]:
        return 0, MARK + json.dumps(ANSWER), ""

    with pytest.raises(XmppError, match="laid out in a way"):
        reader.read("/x.cfg.lua", run)
    # the names of 13.0.1, and of 13.0.6
    for name in ("component_inheritable_modules", "default_component_inheritable_modules"):
        manager.write_text(f'local autoload_modules = {{ "s2s", "iq" }};\nlocal {name} = {{ "tls" }};\n')
        model = reader.read("/x.cfg.lua", run)
        assert model.automatic == {"s2s", "iq"}
        assert model.inherited == {"room": {"tls", "mam", "smacks"}}
        assert model.modules("b.x") == {"tls", "mam"}


def test_the_state_of_a_server_is_read() -> None:
    read = read_state(
        {
            "modules": {"*": {"c2s": {}}, "x": {"mam": ["cron"]}},
            "components": {"x": False},
            "services": {"c2s": "c2s"},
            "listening": {
                "services": [{"name": "c2s", "prefix": "c2s", "ports": [5222], "private": False, "encryption": ""}],
                "held": [{"service": "c2s", "interface": "*", "port": 5222, "private": False, "encryption": ""}],
            },
            "hosts": {"x": {"component": False, "missing": {}, "troubled": {"a": "b"}, "http": True}},
            "file": "/etc/prosody/prosody.cfg.lua",
            "version": "13.0.1",
        }
    )
    assert read.loaded.modules == {"*": {"c2s": ()}, "x": {"mam": ("cron",)}}
    assert read.loaded.components == {"x": None}
    assert read.listening == Listening((Offered("c2s", "c2s", (5222,)),), (Held("c2s", "*", 5222),))
    assert read.hosts[0].troubled == {"a": "b"}
    assert read.hosts[0].modules == {"mam"}


# -- results ----------------------------------------------------------------------------------------------------


def test_secrets_are_in_no_message_and_no_diff() -> None:
    assert report.scrubbed("password hunter2 refused", {"db": "hunter2"}) == "password ******** refused"
    text = 'sql = { password = "hunter2", host = "h" }\ncomponent_secret = \'hunter2\'\nname = "hunter"\n'
    shown = report.redacted(text)
    assert "hunter2" not in shown
    assert 'name = "hunter"' in shown

    class Request:
        path, content = "/etc/prosody/prosody.cfg.lua", b'turn_external_secret = "hunter2"\n'

    secret = Action("write", "/etc/prosody/secrets/db", "value differs")
    result = Result(files=[secret, Action("write", Request.path, "content differs")], before=b"old\n")
    result.actions = [Action("restart", "", "sql changed")]
    answer = report.success(result, Request, True)  # type: ignore[arg-type]
    assert answer["changed"] is True
    assert [action["action"] for action in answer["actions"]] == ["write", "write", "restart"]
    assert "hunter2" not in str(answer)
    assert "secrets/db: value differs" in answer["diff"][1]["prepared"]
