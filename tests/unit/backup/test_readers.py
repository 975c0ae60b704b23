# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What pgBackRest 2.55.1 and restic 0.18.0 printed: both exit with 0 over what is read here as a fault."""

from __future__ import annotations

import json

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup import pgbackrest, restic

INFO = (
    '[{"archive":[{"database":{"id":1,"repo-key":1},"id":"17-1","max":"000000010000000000000006","min":"0'
    '00000010000000000000001"}],"backup":[{"archive":{"start":"000000010000000000000002","stop":"00000001'
    '0000000000000003"},"backrest":{"format":5,"version":"2.55.1"},"database":{"id":1,"repo-key":1},"erro'
    'r":false,"info":{"delta":23382430,"repository":{"delta":2799576,"delta-map":24712,"size-map":24712},'
    '"size":23382430},"label":"20261126-043040F","lsn":{"start":"0/2000028","stop":"0/3000050"},"prior":n'
    'ull,"reference":null,"timestamp":{"start":1795667440,"stop":1795667442},"type":"full"},{"archive":{"'
    'start":"000000010000000000000006","stop":"000000010000000000000006"},"backrest":{"format":5,"version'
    '":"2.55.1"},"database":{"id":1,"repo-key":1},"error":false,"info":{"delta":5120258,"repository":{"de'
    'lta":351448,"delta-map":4304,"size-map":27608},"size":27036062},"label":"20261126-043040F_20261126-0'
    '43043D","lsn":{"start":"0/6000028","stop":"0/6000120"},"prior":"20261126-043040F","reference":["2026'
    '1126-043040F"],"timestamp":{"start":1795667443,"stop":1795667444},"type":"diff"}],"cipher":"aes-256-'
    'cbc","db":[{"id":1,"repo-key":1,"system-id":7712332819757198081,"version":"17"}],"name":"xmpp","repo'
    '":[{"cipher":"aes-256-cbc","key":1,"status":{"code":0,"message":"ok"}}],"status":{"code":0,"lock":{"'
    'backup":{"held":false}},"message":"ok"}}]'
)
GONE = (
    '[{"archive":[],"backup":[],"cipher":"aes-256-cbc","db":[],"name":"xmpp","repo":[{"cipher":"aes-256-c'
    'bc","key":1,"status":{"code":1,"message":"missing stanza path"}}],"status":{"code":1,"lock":{"backup'
    '":{"held":false}},"message":"missing stanza path"}}]'
)
OTHER_KEY = (
    '[{"archive":[],"backup":[],"cipher":"aes-256-cbc","db":[],"name":"xmpp","repo":[{"cipher":"aes-256-cbc","key":1,"s'
    'tatus":{"code":99,"message":"[FormatError] unable to load info file \'/var/backups/xmpp/h/pgbackrest/backup/xmpp/'
    "backup.info' or '/var/backups/xmpp/h/pgbackrest/backup/xmpp/backup.info.copy':\nFormatError: key/value found outs"
    "ide of section at line 1: Hx\ufffdiG\x1b\x02\ufffd4>-N\nHINT: backup.info cannot be opened and is required to "
    'perform a backup.\nHINT: has a stanza-create been performed?"}}],"status":{"code":99,"lock":{"backup":{"held":fals'
    'e}},"message":"other"}}]'
)
LISTED = (
    '{".":{"type":"path"},"17-1":{"type":"path"},"17-1/0000000100000000":{"type":"path"},"17-1/0000000100'
    '000000/000000010000000000000001-ccae26043944691d8db37bb366396aa58d99b020.zst":{"type":"file","size":'
    '1094944,"time":1795667440},"17-1/0000000100000000/000000010000000000000002-18fe1e15793cdfcaa4bf08a53'
    '97bfcb854c8c741.zst":{"type":"file","size":784,"time":1795667441},"17-1/0000000100000000/00000001000'
    '0000000000002.00000028.backup":{"type":"file","size":400,"time":1795667442},"archive.info":{"type":"'
    'file","size":368,"time":1795667444},"archive.info.copy":{"type":"file","size":368,"time":1795667444}'
    "}"
)
VERIFIED = """\
2026-11-26 04:30:44.908 P00   INFO: verify command begin 2.55.1: --output=text --stanza=xmpp --verbose
2026-11-26 04:30:45.231 P00   INFO: stanza: xmpp
                                    status: ok
                                      archiveId: 17-1, total WAL checked: 6, total valid WAL: 6
                                        missing: 0, checksum invalid: 0, size invalid: 0, other: 0
                                      backup: 20261126-043040F, status: valid, total files checked: 963
                                        missing: 0, checksum invalid: 0, size invalid: 0, other: 0
stanza: xmpp
status: ok
  archiveId: 17-1, total WAL checked: 6, total valid WAL: 6
    missing: 0, checksum invalid: 0, size invalid: 0, other: 0
  backup: 20261126-043040F, status: valid, total files checked: 963, total valid files: 963
    missing: 0, checksum invalid: 0, size invalid: 0, other: 0
2026-11-26 04:30:45.233 P00   INFO: verify command end: completed successfully (327ms)
"""
DAMAGED = """\
2026-11-26 04:33:29.949 P01   INFO: invalid checksum '20261126-043040F/bundle/1'
stanza: xmpp
status: error
  archiveId: 17-1, total WAL checked: 8, total valid WAL: 7
    missing: 0, checksum invalid: 1, size invalid: 0, other: 0
  backup: 20261126-043040F, status: invalid, total files checked: 963, total valid files: 962
    missing: 0, checksum invalid: 1, size invalid: 0, other: 0
  backup: 20261126-043040F_20261126-043043D, status: valid, total files checked: 965, total valid files: 965
    missing: 0, checksum invalid: 0, size invalid: 0, other: 0
2026-11-26 04:33:30.062 P00   INFO: verify command end: completed successfully (315ms)
"""
SNAPSHOTS = (
    '[{"time":"2026-11-26T04:31:12.75515454Z","tree":"08b3","paths":["/tmp/src"],"hostname":"h","username'
    '":"root","excludes":["/tmp/src/b"],"tags":["xmpp"],"program_version":"restic 0.18.0","summary":{"bac'
    'kup_start":"2026-11-26T04:31:12.75515454Z","data_added_packed":1228,"total_files_processed":1,"total'
    '_bytes_processed":3},"id":"fa1898aae88f","short_id":"fa1898aa"}]'
)
KEPT = (
    '{"message_type":"status","percent_done":1,"total_files":1,"total_bytes":3,"bytes_done":3,"current_fi'
    'les":["/tmp/src/a/x"]}\n{"message_type":"summary","files_new":1,"data_added":1374,"data_added_packed"'
    ':1228,"total_files_processed":1,"total_bytes_processed":3,"snapshot_id":"fa1898aae88f"}\n/tmp/nothere'
    " does not exist, skipping\n"
)
BROKEN = (
    '{"message_type":"summary","num_errors":1,"broken_packs":["841ba4f6f5ccdcc691de5aef1c1c9a052731b68e95'
    '9310e3f81a2bf5960e3c0c"],"suggest_repair_index":false,"suggest_prune":false}\n{"message_type":"exit_e'
    'rror","code":1,"message":"Fatal: repository contains errors"}\n'
)


def test_backups_of_a_database() -> None:
    found = pgbackrest.stanza(INFO)
    assert (found.version, found.system, found.archive, found.problem) == ("17", "7712332819757198081", "17-1", "")
    assert [one.kind for one in found.backups] == ["full", "diff"]
    newest = found.newest
    assert newest is not None
    assert (newest.label, newest.first, newest.size) == (
        "20261126-043040F_20261126-043043D",
        "000000010000000000000006",
        27036062,
    )


def test_a_backup_with_errors_is_none() -> None:
    data = json.loads(INFO)
    data[0]["backup"][1]["error"] = True
    newest = pgbackrest.stanza(json.dumps(data)).newest
    assert newest is not None
    assert newest.kind == "full"


def test_a_repository_that_is_gone() -> None:
    found = pgbackrest.stanza(GONE)
    assert found.problem == "missing stanza path"
    assert found.newest is None
    assert pgbackrest.stanza("[]").problem


def test_what_another_key_does_not_open_is_said_in_a_line() -> None:
    found = pgbackrest.stanza(OTHER_KEY)
    assert found.damaged
    assert found.problem == (
        "[FormatError] unable to load info file '/var/backups/xmpp/h/pgbackrest/backup/xmpp/backup.info' or "
        "'/var/backups/xmpp/h/pgbackrest/backup/xmpp/backup.info.copy'"
    )
    assert not pgbackrest.stanza(GONE).damaged
    assert not pgbackrest.stanza(INFO).damaged


@pytest.mark.parametrize("text", ["", "nothing", "[{}]", '[{"status":{}}]'])
def test_what_is_no_answer_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - json has its own
        pgbackrest.stanza(text)


def test_segments_and_when_they_came() -> None:
    assert pgbackrest.segments(LISTED) == {
        "000000010000000000000001": 1795667440,
        "000000010000000000000002": 1795667441,
    }
    assert pgbackrest.stanza(INFO).before(1795667443) == pgbackrest.stanza(INFO).backups[0]
    assert pgbackrest.stanza(INFO).before(1795667441) is None
    empty = LISTED.replace('"size":784', '"size":0')
    assert list(pgbackrest.segments(empty)) == ["000000010000000000000001"]


def test_a_verification_that_ends_with_0_over_damage() -> None:
    assert pgbackrest.verified(VERIFIED) == []
    assert pgbackrest.verified(DAMAGED) == [
        "status: error",
        "archive 17-1: checksum invalid 1",
        "backup 20261126-043040F is invalid",
        "backup 20261126-043040F: checksum invalid 1",
    ]


def test_a_verification_that_says_nothing_is_none() -> None:
    assert pgbackrest.verified("2026-11-26 04:30:44.891 P00   INFO: verify command end: completed successfully\n") != []


def test_snapshots() -> None:
    (found,) = restic.snapshots(SNAPSHOTS)
    assert (found.name, found.paths, found.host, found.size) == ("fa1898aae88f", ("/tmp/src",), "h", 3)
    assert found.at == pytest.approx(1795667472.75515454)
    assert restic.snapshots("null") == []


def test_a_source_that_was_passed_over() -> None:
    kept = restic.kept(KEPT)
    assert (kept.snapshot, kept.size, kept.errors) == ("fa1898aae88f", 3, ())
    (snapshot,) = restic.snapshots(SNAPSHOTS)
    assert restic.lacking(["/tmp/src", "/tmp/nothere"], snapshot) == ["/tmp/nothere"]


def test_what_could_not_be_read() -> None:
    line = '{"message_type":"error","error":{"message":"permission denied"},"during":"archival","item":"/etc/x"}\n'
    assert restic.kept(line + KEPT).errors == (("/etc/x", "permission denied"),)


def test_a_damaged_repository_of_files() -> None:
    good = '{"message_type":"summary","num_errors":0,"broken_packs":null,"suggest_prune":false}\n'
    assert restic.checked(good) == []
    assert restic.checked(BROKEN) == [
        "1 errors in the repository",
        "pack 841ba4f6f5cc is damaged",
        "Fatal: repository contains errors",
    ]
    assert restic.checked("killed\n") != []


@pytest.mark.parametrize("text", ["2026-11-26", "2026-11-26T04:31:12", "yesterday"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match="no time"):
        restic.seconds(text)
