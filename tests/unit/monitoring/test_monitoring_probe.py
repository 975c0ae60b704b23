# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The probes and figures of monitoring, as far as they need no server."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.monitor import (
    probe,
    services,
    textfile,
    turn,
)

GAUGE = textfile.Metric("a", "gauge", "Help.")


def test_samples_of_one_metric_stand_together() -> None:
    other = textfile.Metric("b", "counter", "Other.")
    samples = [
        textfile.Sample(GAUGE, 1, {"x": 'q"\\\n'}),
        textfile.Sample(other, 2),
        textfile.Sample(GAUGE, True, {"x": "y"}),
    ]
    assert textfile.render(samples) == (
        '# HELP a Help.\n# TYPE a gauge\na{x="q\\"\\\\\\n"} 1.0\na{x="y"} 1.0\n'
        "# HELP b Other.\n# TYPE b counter\nb 2.0\n"
    )


def test_a_file_is_replaced_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "a.prom"
    textfile.write(path, "one\n")
    textfile.write(path, "two\n")
    assert path.read_text() == "two\n"
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == [path]


def test_a_stun_message_is_signed_as_the_rfc_says() -> None:
    """RFC 5769 section 2.1, cut before its fingerprint: the integrity covers a length that counts itself."""
    transaction = bytes.fromhex("b7e7a701bc34d686fa87dfae")
    attributes = [
        (0x8022, b"STUN test client"),
        (0x0024, bytes.fromhex("6e0001ff")),
        (0x8029, bytes.fromhex("932ff9b151263b36")),
    ]
    made = turn.message(turn.BINDING, transaction, attributes, b"VOkJxbRl1RmTxUk/WvJxBt")
    kind, found = turn.parse(made, transaction)
    assert kind == turn.BINDING
    assert found[0x8022] == b"STUN test client"
    assert len(found[turn.INTEGRITY]) == 20
    assert struct.unpack("!H", made[2:4])[0] == len(made) - 20


def test_an_answer_to_another_question_is_refused() -> None:
    with pytest.raises(turn.TurnError):
        turn.parse(turn.message(0x0101, b"a" * 12, []), b"b" * 12)
    with pytest.raises(turn.TurnError):
        turn.parse(b"short", b"b" * 12)


def test_a_refusal_is_told_without_the_padding_of_coturn() -> None:
    """coturn counts the NULs behind a reason as text."""
    told = turn.refusal({turn.ERROR_CODE: b"\0\0\x04\x28Wrong address family\0\0"})
    assert told.startswith("error 440 Wrong address family: it relays no IPv4")
    assert told.isprintable()
    assert turn.refusal({turn.ERROR_CODE: b"\0\0\x04\x56Quota \x1b[31mreached\0"}) == "error 486 Quota [31mreached"
    assert turn.refusal({}) == "error 0"


def test_properties_of_units_are_read() -> None:
    assert services.blocks("Id=a.service\nNRestarts=1\n\nId=b.service\nX=y=z\n") == [
        {"Id": "a.service", "NRestarts": "1"},
        {"Id": "b.service", "X": "y=z"},
    ]


def test_a_unit_that_does_not_run_has_no_figures_but_that(tmp_path: Path) -> None:
    unit = {"Id": "coturn.service", "ActiveState": "failed", "NRestarts": "3", "MainPID": "0", "ControlGroup": ""}
    found = services.samples_of(unit, tmp_path, tmp_path)
    assert [(sample.metric.name, sample.value) for sample in found] == [
        ("xmpp_service_active", False),
        ("xmpp_service_restarts_total", 3.0),
    ]
    assert found[0].labels == {"unit": "coturn"}


def test_a_unit_that_is_not_there_is_down(tmp_path: Path) -> None:
    """What systemctl show says of a unit with a slip in its name."""
    unit = {"Id": "coturm.service", "ActiveState": "inactive", "NRestarts": "0", "MainPID": "0", "ControlGroup": ""}
    assert [sample.value for sample in services.samples_of(unit, tmp_path, tmp_path)] == [False, 0.0]


def test_memory_that_processes_share_is_counted_once(tmp_path: Path) -> None:
    group = tmp_path / "cg/system.slice/p.service"
    group.mkdir(parents=True)
    (group / "cgroup.procs").write_text("7\n8\n")
    for number, own in ((7, 100), (8, 50)):
        process = tmp_path / str(number)
        (process / "fd").mkdir(parents=True)
        (process / "fd/0").touch()
        (process / "status").write_text(f"RssAnon:\t{own} kB\nRssFile:\t20 kB\nRssShmem:\t30 kB\n")
        (process / "limits").write_text("Limit  Soft Hard Units\nMax open files            1024   4096   files\n")
    unit = {
        "Id": "p.service",
        "ActiveState": "active",
        "MainPID": "7",
        "ControlGroup": "/system.slice/p.service",
        "CPUUsageNSec": "2500000000",
    }
    values = {sample.metric.name: sample.value for sample in services.samples_of(unit, tmp_path, tmp_path / "cg")}
    assert values["xmpp_service_memory_bytes"] == 200 * 1024
    assert values["xmpp_service_cpu_seconds_total"] == 2.5
    assert values["xmpp_service_open_files"] == 1
    assert values["xmpp_service_max_open_files"] == 1024
    assert values["xmpp_service_processes"] == 2


# of a host with three relays open: two sockets of coturn for clients, three clients of root, coturn is 101
UDP = """\
   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
 3937: 020011AC:AC42 020011AC:0D96 01 00000000:00000000 00:00000000 00000000     0        0 2746600 2 000000009d3b0c48 0
 9573: 020011AC:C246 020011AC:0D96 01 00000000:00000000 00:00000000 00000000     0        0 2746598 2 000000008ccde45e 0
12469: 020011AC:0D96 00000000:0000 07 00000000:00000000 00:00000000 00000000   101        0 2719343 2 00000000b4fe08d3 0
12469: 020011AC:0D96 00000000:0000 07 00000000:00000000 00:00000000 00000000   101        0 2719342 2 000000008c3c1201 0
13011: 020011AC:CFB4 00000000:0000 07 00000000:00000000 00:00000000 00000000   101        0 2746603 2 00000000eba71cbd 0
14827: 020011AC:D6CC 00000000:0000 07 00000000:00000000 00:00000000 00000000   101        0 2746601 2 00000000b3d9388d 0
14837: 020011AC:96D6 020011AC:0D96 01 00000000:00000000 00:00000000 00000000     0        0 2746602 2 00000000ca71f436 0
15281: 020011AC:D892 00000000:0000 07 00000000:00000000 00:00000000 00000000   101        0 2746599 2 00000000bb53282b 0
"""
UDP6 = """\
  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when\
 retrnsmt   uid  timeout inode ref pointer drops
 8132: 000080FE00000000FF5302424DB8FEFE:C001 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000\
 00000000   101        0 27431 2 00000000ca71f437 0
"""


def test_relays_are_the_ports_that_coturn_has_open_where_it_relays() -> None:
    ports = services.relay_ports("listening-port=3478\n# min-port=1\nmin-port=49152\nmax-port = 65535\n")
    assert (ports[0], ports[-1]) == (49152, 65535)
    assert services.relays(UDP, "101", ports) == 3
    assert services.relays(UDP, "0", ports) == 1
    assert services.relays(UDP, "101", services.relay_ports("min-port=54000")) == 2
    assert services.relays(UDP6, "101", ports) == 1
    assert services.relays("", "101", ports) == 0
    assert services.relay_ports("") == range(49152, 65536)


def test_relays_are_counted_in_the_network_of_coturn(tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    config = tmp_path / "turnserver.conf"
    config.write_text("max-port=60000\n")
    files = {"net/udp": UDP, "net/udp6": UDP6, "status": "Name:\tturnserver\nUid:\t101\t101\t101\t101\n"}
    files |= {"cmdline": f"/usr/bin/turnserver\0-c\0{config}\0--pidfile=\0", "comm": "turnserver\n"}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert services.relays_of(tmp_path) == [4]
    (tmp_path / "net/udp6").unlink()
    assert services.relays_of(tmp_path) == [3]
    (tmp_path / "comm").write_text("lua5.4\n")
    assert services.relays_of(tmp_path) == []
    assert services.relays_of(tmp_path / "gone") == []


@pytest.mark.parametrize(("shown", "value"), [("2678", 2678.0), ("[no data]", None), ("", None)])
def test_traffic_is_known_where_systemd_counts_it(tmp_path: Path, shown: str, value: float | None) -> None:
    unit = {"Id": "c.service", "ActiveState": "active", "MainPID": "7", "ControlGroup": "/c", "IPIngressBytes": shown}
    values = {sample.metric: sample.value for sample in services.samples_of(unit, tmp_path, tmp_path)}
    assert values.get(services.RECEIVED) == value
    assert services.SENT not in values


def test_a_server_that_is_not_there_is_a_result_and_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    accounts = [{"jid": "a@d.test", "password": "hunter2"}, {"jid": "b@d.test", "password": "hunter3"}]
    ports = dict.fromkeys(("c2s", "c2s_tls", "s2s", "s2s_tls", "https", "turn_tls", "stun_tcp"), 1)
    target = {
        "domain": "d.test",
        "address": "127.0.0.1",
        "turn_address": "127.0.0.1",
        "turn_name": "t",
        "ports": ports,
        "accounts": accounts,
    }
    found = probe.run({"ca": "", "targets": [target]})
    success = {sample.labels["probe"]: sample.value for sample in found if sample.metric is probe.SUCCESS}
    assert success == dict.fromkeys([*ports, "http"], False)
    assert [sample.value for sample in found if sample.metric is probe.ROUND_TRIP] == [False]
    assert [sample.value for sample in found if sample.metric is probe.STEP_SUCCESS] == [False, False, False]
    said = capsys.readouterr().err
    assert "connecting to 127.0.0.1 port 1" in said
    assert "hunter" not in said
