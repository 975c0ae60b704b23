# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Module prosody_cert as Ansible runs it: options, flags → result, with a simulated server or none."""

from __future__ import annotations

import grp
import json
import os

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.admin_socket import AdminUnavailable
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls import served
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.certificate_install import Server
from ansible_collections.allthingslinux.xmpp.plugins.modules import prosody_cert
from ansible_collections.allthingslinux.xmpp.tests.unit import module_runner
from ansible_collections.allthingslinux.xmpp.tests.unit import tls_material as material
from ansible_collections.allthingslinux.xmpp.tests.unit.tls.test_cert_install import ANSWER, Simulated

NAMES = ["example.org", "muc.example.org"]
AUTHORITY = material.authority()
STOPPED = AdminUnavailable("There is no such socket.", "missing")


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A place for certificates, and options of the module for it; Prosody does not run."""
    monkeypatch.setattr(served.time, "sleep", lambda _seconds: None)
    module_runner.use(monkeypatch, STOPPED)
    (tmp_path / "root.pem").write_text(AUTHORITY.root.pem)
    options = {
        "authority": str(tmp_path / "root.pem"),
        "name": "example.org",
        "names": NAMES,
        "certs_dir": str(tmp_path / "certs"),
        "owner": str(os.getuid()),
        "group": grp.getgrgid(os.getgid()).gr_name,
    }
    return tmp_path, options


@pytest.fixture
def warned(monkeypatch):
    """Warnings as they are given; in a process that runs several modules they would not be told apart."""
    given: list[str] = []
    monkeypatch.setattr(prosody_cert.AnsibleModule, "warn", lambda _module, text: given.append(text))
    return given


def pair(tmp_path, name="one", mode=0o600, **how):
    issued = material.issue(how.pop("names", NAMES), by=AUTHORITY.intermediate, **how)
    chain, key = material.write_pair(tmp_path / name, AUTHORITY.fullchain(issued), issued.key_pem())
    key.chmod(mode)
    return {"fullchain": str(chain), "privkey": str(key)}


def run(options, check=False, **more):
    return module_runner.run(prosody_cert, check=check, **{**options, **more})


def serve(monkeypatch, tmp_path, **faults):
    simulated = Simulated(tmp_path / "certs", **faults)
    module_runner.use(monkeypatch, lambda *call: ANSWER)
    monkeypatch.setattr(
        prosody_cert,
        "Server",
        lambda _runner, running, address, timeout: Server(simulated, running, address, timeout, simulated.see),
    )
    return simulated


def test_the_four_ways_without_a_server(place):
    tmp_path, options = place
    options |= pair(tmp_path)
    results = [run(options, check) for check in (True, False, False, True)]
    assert [(one["changed"], one["actions"]) for one in results] == [
        (True, ["install"]),
        (True, ["install"]),
        (False, []),
        (False, []),
    ]
    assert {one["running"] for one in results} == {False}
    assert results[1]["certificate_file"] == str(tmp_path / "certs" / "example.org.crt")
    assert results[1]["certificate"]["names"] == NAMES
    assert results[1]["certificate"]["days_left"] in (59, 60)


def test_the_four_ways_with_a_server(place, monkeypatch, warned):
    tmp_path, options = place
    options |= pair(tmp_path)
    serve(monkeypatch, tmp_path)
    results = [run(options, check) for check in (True, False, False, True)]
    assert [one["actions"] for one in results] == [["install", "reload"], ["install", "reload"], [], []]
    assert results[1]["running"] is True
    assert len(results[1]["served"]) == 8
    assert results[1]["served"][0] == {
        "service": "c2s",
        "address": "127.0.0.1",
        "port": 5222,
        "name": "example.org",
        "protocol": "TLSv1.3",
        "sha256": results[1]["certificate"]["sha256"],
    }
    assert "error" in results[0]["served"][0]
    assert "and no certificate in" in warned[-1]


def test_a_diff_shows_the_certificate_and_never_the_key(place):
    tmp_path, options = place
    run(options | pair(tmp_path))
    options |= pair(tmp_path, "two")
    result = run(options)
    assert result["diff"]["before"] != result["diff"]["after"]
    assert "names: example.org, muc.example.org\n" in result["diff"]["after"]
    key = (tmp_path / "two" / "privkey.pem").read_text().splitlines()[1]
    assert key not in json.dumps(result)
    assert "diff" not in run(options)


def test_in_check_mode_the_files_may_be_about_to_be_written(place):
    tmp_path, options = place
    lacking = {**options, **pair(tmp_path), "names": ["second.test"]}
    predicted = run(lacking, check=True, written_before=True)
    assert (predicted["changed"], predicted["actions"]) == (True, ["install"])
    for check, written in ((True, False), (False, True), (False, False)):
        assert "second.test" in run(lacking, check, written_before=written)["msg"]


def test_in_check_mode_the_source_may_not_exist_yet(place):
    tmp_path, options = place
    absent = {"fullchain": str(tmp_path / "later.pem"), "privkey": str(tmp_path / "later.key")}
    result = run(options, check=True, **absent)
    assert (result["changed"], result["actions"]) == (True, ["install"])
    assert "later.pem: cannot be read" in run(options, **absent)["msg"]


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"mode": 0o644}, "privkey.pem is accessible to every user of the machine"),
        ({"names": ["example.org"]}, "lacks muc.example.org"),
        ({"not_after": material.NOW - material.DAY, "not_before": material.NOW - 9 * material.DAY}, "expired on"),
    ],
)
def test_all_that_is_wrong_is_told_and_nothing_changed(place, how, message):
    tmp_path, options = place
    result = run(options | pair(tmp_path, **how))
    assert result["failed"]
    assert result["msg"].startswith("The certificate 'example.org' was not installed: ")
    assert message in result["msg"]
    assert not (tmp_path / "certs").exists()


def test_one_without_its_issuers_is_refused(place, warned):
    tmp_path, options = place
    issued = material.issue(NAMES, by=AUTHORITY.intermediate)
    chain, key = material.write_pair(tmp_path / "one", issued.pem, issued.key_pem())
    result = run(options | {"fullchain": str(chain), "privkey": str(key)})
    assert "the certificates of its issuers are missing" in result["msg"]
    assert not (tmp_path / "certs").exists()
    assert warned == []


def test_a_chain_of_which_nobody_is_known_is_installed_with_a_warning(place, warned):
    tmp_path, options = place
    (tmp_path / "root.pem").write_text("")
    assert run(options | pair(tmp_path))["actions"] == ["install"]
    [warning] = warned
    assert "was issued by CN=Test root, which is no authority that this host trusts" in warning


def test_an_authority_that_is_not_there_is_named(place):
    tmp_path, options = place
    (tmp_path / "root.pem").unlink()
    assert "root.pem: cannot be read: No such file" in run(options | pair(tmp_path))["msg"]


def test_several_faults_are_told_at_once(place):
    tmp_path, options = place
    result = run(options | pair(tmp_path, mode=0o644, names=["example.org"]), min_days=90)
    assert all(text in result["msg"] for text in ("lacks muc", "90 are asked for", "accessible to every user"))


def test_a_failed_proof_is_a_failure_of_the_module(place, monkeypatch):
    tmp_path, options = place
    serve(monkeypatch, tmp_path, stale_ports=(5223,))
    result = run(options | pair(tmp_path))
    assert result["failed"]
    assert "was put back." in result["msg"]


def test_a_server_that_cannot_be_asked_is_not_taken_for_stopped(place, monkeypatch):
    tmp_path, options = place
    module_runner.use(monkeypatch, AdminUnavailable("permission denied", "denied"))
    result = run(options | pair(tmp_path))
    assert result["msg"] == "permission denied"
    assert not (tmp_path / "certs").exists()


def test_before_prosody_is_installed_there_is_no_group(place, warned):
    tmp_path, options = place
    result = run(options | pair(tmp_path), group="no-such-group")
    assert result["changed"]
    assert warned[0].startswith("There is no group 'no-such-group'")
    run(options | pair(tmp_path, "two"), check=True, group="no-such-group")
    assert len(warned) == 1, "in check mode Prosody may be yet to come"


def test_an_owner_that_does_not_exist_is_refused(place):
    tmp_path, options = place
    assert "no user 'no-such-user'" in run(options | pair(tmp_path), owner="no-such-user")["msg"]


def test_present_needs_both_files(place):
    _tmp_path, options = place
    assert "all of the following are missing: fullchain, privkey" in run(options)["msg"]


def test_absent_four_ways(place):
    tmp_path, options = place
    run(options | pair(tmp_path))
    results = [run(options, check, state="absent") for check in (True, False, False, True)]
    assert [one["changed"] for one in results] == [True, True, False, False]
    assert results[1]["diff"]["after"] == ""
    assert "example.org" in results[1]["diff"]["before"]


def test_rights_that_somebody_changed_are_repaired(place):
    tmp_path, options = place
    options |= pair(tmp_path)
    run(options)
    (tmp_path / "certs").chmod(0o755)
    assert run(options)["actions"] == ["repair"]
    assert run(options)["actions"] == []


def test_a_key_that_dns_does_not_name_is_not_installed(place, monkeypatch):
    tmp_path, options = place
    options |= {"dane": True}
    first, second = pair(tmp_path, "one"), pair(tmp_path, "two")
    said = ["no record names its key"]
    monkeypatch.setattr(prosody_cert.vouched, "held_back", lambda *_args: said[0])
    assert run(options | first)["changed"]  # nothing is served yet
    before = (tmp_path / "certs" / "example.org.crt").read_bytes()
    for check in (True, False):
        refused = run(options | second, check)
        assert refused["failed"]
        assert "was not installed: no record names its key, and run this again." in refused["msg"]
    assert (tmp_path / "certs" / "example.org.crt").read_bytes() == before
    said[0] = ""
    assert run(options | second)["changed"]
