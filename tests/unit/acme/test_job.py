# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""module_utils/acme/job.py: what the timer does, says and measures; and that the role ships all that it needs."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.acme import job, provide
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.acme.services import Handed
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.acme.settings import Settings
from ansible_collections.allthingslinux.xmpp.tests.unit import tls_material as material
from ansible_collections.allthingslinux.xmpp.tests.unit.acme import acme_support as support

ROOT = Path(__file__).resolve().parents[3]
NOW = support.NOW


@pytest.fixture
def where(tmp_path):
    found = support.places(tmp_path)
    support.service(found, "prosody")
    support.service(found, "proxy", names=["example.org"])
    return found


@pytest.fixture
def server(monkeypatch):
    return support.use(monkeypatch)


def measured(samples):
    return {
        (sample.metric.name.removeprefix("xmpp_acme_"), *sample.labels.values()): sample.value for sample in samples
    }


def test_it_is_issued_and_handed_to_all(where, server, capsys):
    handed = []

    def give(_places, service, _now):
        handed.append(service.name)
        return Handed(True, True)

    samples, well = job.run(where, NOW, give=give)
    assert well
    assert handed == ["prosody", "proxy"]
    found = measured(samples)
    assert found["renewal_success", "example.org"] == 1
    assert found["served", "example.org", "prosody"] == found["served", "example.org", "proxy"] == 1
    end = (server.begin + server.life).replace(microsecond=0).timestamp()
    assert found["expiry_timestamp_seconds", "example.org"] == end
    assert end - found["renewal_timestamp_seconds", "example.org"] == 30 * 86400
    assert found[("last_run_timestamp_seconds",)] == NOW.timestamp()
    said = capsys.readouterr().err
    assert "example.org: a new certificate until" in said
    assert "example.org: proxy serves it on every port." in said
    job.run(where, NOW, give=lambda *_args: Handed(True))
    assert len(server.asked) == 1
    assert capsys.readouterr().err == ""


def test_what_fails_is_said_and_measured(where, server, capsys):
    provide.provide(where, Settings(support.DIRECTORY), "example.org", support.NAMES, NOW)
    server.fail = "no route"
    later = NOW + 61 * material.DAY
    answers = {"prosody": Handed(False, False, "c2s: serves another one"), "proxy": Handed(None, True)}
    samples, well = job.run(where, later, give=lambda _places, service, _now: answers[service.name])
    assert not well
    found = measured(samples)
    assert found["renewal_success", "example.org"] == 0
    assert found["served", "example.org", "prosody"] == 0
    assert ("served", "example.org", "proxy") not in found
    said = capsys.readouterr().err
    assert "example.org: no new certificate, although it ends on" in said
    assert "example.org: prosody: c2s: serves another one." in said


def test_where_there_is_no_certificate_yet_nothing_is_handed_over(where, server):
    server.fail = "no route"
    samples, well = job.run(where, NOW, give=lambda *_args: pytest.fail("there is nothing to hand over"))
    assert not well
    assert sorted(measured(samples)) == [("last_run_timestamp_seconds",), ("renewal_success", "example.org")]


def test_figures_lie_where_they_are_collected_and_go_with_the_last_service(where, server, monkeypatch):
    monkeypatch.setattr(job, "hand", lambda *_args: Handed(True))
    monkeypatch.setitem(job.run.__kwdefaults__, "give", lambda *_args: Handed(True))
    assert job.main([], where) == 0
    text = (where.metrics / "acme.prom").read_text()
    assert 'xmpp_acme_served{certificate="example.org",service="prosody"} 1.0' in text
    for path in (where.settings / "services").iterdir():
        path.unlink()
    assert job.main([], where) == 0
    assert not (where.metrics / "acme.prom").exists()


def test_no_secret_stays_where_nobody_takes_certificates_any_more(where, server, capsys):
    for path in where.secrets:
        path.write_text("secret", encoding="ascii")
    job.run(where, NOW, give=lambda *_given: Handed(True, True))
    assert all(path.exists() for path in where.secrets)
    for path in (where.settings / "services").iterdir():
        path.unlink()
    assert job.run(where, NOW) == ([], True)
    assert not any(path.exists() for path in where.secrets)
    assert "dns.ini: removed" in capsys.readouterr().err
    job.run(where, NOW)
    assert capsys.readouterr().err == ""


def test_settings_that_cannot_be_read_are_told(where, capsys):
    (where.settings / "settings.json").write_text("{")
    assert job.main([], where) == 1
    assert "Run playbook site again" in capsys.readouterr().err


def test_force_is_for_all_or_for_those_that_are_named(where, server, monkeypatch, capsys):
    monkeypatch.setitem(job.run.__kwdefaults__, "give", lambda *_args: Handed(True))
    support.service(where, "coturn", certificate="turn.example.org", names=["turn.example.org"])
    job.main([], where)
    assert len(server.asked) == 2
    job.main(["--force"], where)
    assert len(server.asked) == 4
    job.main(["--force", "turn.example.org"], where)
    assert len(server.asked) == 5
    assert job.main(["--force", "turn.example.net"], where) == 1
    assert "There is no certificate turn.example.net here: there are" in capsys.readouterr().err
    assert len(server.asked) == 5


def shipped():
    variables = yaml.safe_load((ROOT / "roles/certificates/vars/main.yml").read_text(encoding="utf-8"))
    return variables["__certificates_acme_module_files"]


def test_the_role_ships_what_it_imports_and_nothing_else(tmp_path):
    """A file that is forgotten would be missed by the timer alone, in two months."""
    base = tmp_path / "ansible_collections/allthingslinux/xmpp/plugins/module_utils"
    for name in shipped():
        (base / name).parent.mkdir(parents=True, exist_ok=True)
        (base / name).write_bytes((ROOT / "plugins/module_utils" / name).read_bytes())
    code = (
        "import json, sys\n"
        "import ansible_collections.allthingslinux.xmpp.plugins.module_utils.acme.job\n"
        "files = [getattr(module, '__file__', None) or '' for module in sys.modules.values()]\n"
        "print(json.dumps([file for file in files if file.startswith(sys.argv[1])]))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, sys.argv[1])\n{code}", str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert sorted(str(Path(path).relative_to(base)) for path in json.loads(done.stdout)) == sorted(shipped())


@pytest.mark.parametrize("name", shipped())
def test_it_runs_without_ansible(name):
    tree = ast.parse((ROOT / "plugins/module_utils" / name).read_text(encoding="utf-8"))
    imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not {module for module in imported if module.split(".")[0] == "ansible"}
