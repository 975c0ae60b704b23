# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who looks at uploads: which clamd, how large a file it must take, and what is refused because nobody ever would."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.settings import ModelError, Settings
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody.upload_scan import options, scanner

SHARING = {"hosts": [{"name": "example.org"}], "standard_components": ["muc", "upload"]}
SCANNED = {**SHARING, "upload_scan": True}


def written(**more: Any) -> dict[str, Any]:
    return {option.name: option.value for option in options(Settings({**SCANNED, **more}))}


def test_nobody_looks_unless_he_is_asked_to() -> None:
    assert options(Settings(SHARING)) == []
    assert not scanner(SHARING)["here"]
    assert written(upload_scan=False, upload_scan_socket="nowhere") == {}


@pytest.mark.parametrize(
    ("place", "remote"),
    [("/srv/clamd.sock", False), ("scanner.example:3310", True), ("192.0.2.5:3310", True), ("[fd00::5]:3310", True)],
)
def test_a_clamd_that_is_named_is_asked_and_none_is_run(place: str, remote: bool) -> None:
    assert written(upload_scan_socket=place)["scan_uploads_socket"] == place
    found = scanner({**SCANNED, "upload_scan_socket": place})
    assert (found["here"], found["remote"]) == (False, remote)


@pytest.mark.parametrize(
    "place", ["scanner.example", "clamd.ctl", "scanner.example:0", "scanner.example:70000", "::1", ":3310"]
)
def test_what_is_no_place_of_a_clamd_is_refused(place: str) -> None:
    with pytest.raises(ModelError, match=r"^prosody_upload_scan_socket: write the path of clamd's socket, or scanner"):
        written(upload_scan_socket=place)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"standard_components": ["muc"]}, r"^prosody_upload_scan: no host has the component upload"),
        ({"hosts": [{"name": "a.example", "standard_components": []}]}, r"^prosody_upload_scan: no host has"),
        ({"upload_scan_unavailable": "ask"}, r"^prosody_upload_scan_unavailable"),
        ({"upload_scan_timeout": "never"}, r"^prosody_upload_scan_timeout: whoever uploads waits"),
        ({"upload_scan_timeout": "soon"}, r"^prosody_upload_scan_timeout: expected a number of seconds"),
        ({"upload_quarantine_expires_after": "0"}, r"^prosody_upload_quarantine_expires_after: no time at all"),
    ],
)
def test_what_would_not_be_what_was_meant_is_refused(more: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        written(**more)


@pytest.mark.parametrize(
    "more",
    [
        {"hosts": [{"name": "a.example"}, {"name": "b.example", "standard_components": []}]},
        {"standard_components": [], "components": [{"name": "f.example", "module": "http_file_share"}]},
        {
            "standard_components": [],
            "hosts": [{"name": "a.example", "components": [{"name": "f.example", "module": "http_file_share"}]}],
        },
    ],
)
def test_files_may_be_shared_anywhere(more: dict[str, Any]) -> None:
    assert written(**more)["scan_uploads_socket"] == "/run/clamav/clamd.ctl"


@pytest.mark.parametrize(
    ("size", "megabytes"),
    [("100 MiB", "101M"), ("100 MB", "97M"), ("1 GiB", "1025M"), (1, "2M"), ("", "11M")],
)
def test_clamd_takes_what_people_may_upload(size: Any, megabytes: str) -> None:
    limits = {one["name"]: one["value"] for one in scanner({**SCANNED, "upload_max_size": size})["limits"]}
    assert limits["StreamMaxLength"] == limits["MaxFileSize"] == megabytes
    assert int(limits["MaxScanSize"][:-1]) == 4 * int(megabytes[:-1])
