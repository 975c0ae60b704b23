# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Another authority in three steps (plugin_utils/authority_rotation.py): a step that died is done again."""

from __future__ import annotations

import datetime
import stat
from pathlib import Path

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils import authority_rotation, secret_files
from ansible_collections.allthingslinux.xmpp.tests.unit.test_role_templates import templated
from ansible_collections.allthingslinux.xmpp.tests.unit.test_secret_rotation import step
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

OLD, NEW = (f"-----BEGIN CERTIFICATE-----\n{name}\n-----END CERTIFICATE-----" for name in ("b2xk", "bmV3"))


@pytest.fixture
def place(tmp_path):
    """The directory of an authority."""
    directory = tmp_path / "ca"
    directory.mkdir()
    (directory / "ca.pem").write_text(f"{OLD}\n")
    (directory / "ca.key").write_text("the old key")
    return directory


def make_next(place: Path) -> None:
    """What role certificates makes before the first step."""
    (place / "next.pem").write_text(f"{NEW}\n")
    (place / "next.key").write_text("the new key")


def state(place: Path) -> tuple[list[str], str]:
    """The certificates that are trusted, the issuing one first, and the key."""
    text = (place / "ca.pem").read_text()
    return [one for _at, one in sorted((text.index(one), one) for one in (OLD, NEW) if one in text)], (
        place / "ca.key"
    ).read_text()


def test_it_is_trusted_before_it_issues_and_the_old_one_is_trusted_after_it(place):
    assert authority_rotation.due(place) == "announce"
    make_next(place)
    assert authority_rotation.begin(place)
    assert state(place) == ([OLD, NEW], "the old key")
    assert authority_rotation.finish(place)
    assert authority_rotation.due(place) == "take"
    assert authority_rotation.begin(place)
    assert state(place) == ([NEW, OLD], "the new key")
    assert authority_rotation.finish(place)
    assert authority_rotation.due(place) == "leave"
    assert authority_rotation.begin(place)
    assert state(place) == ([NEW], "the new key")
    assert authority_rotation.finish(place)
    assert sorted(path.name for path in place.iterdir()) == ["ca.key", "ca.pem"]
    assert authority_rotation.due(place) == "announce"
    assert stat.S_IMODE((place / "ca.pem").stat().st_mode) == 0o644


def test_a_step_that_was_not_proved_is_done_again_and_not_the_next_one(place):
    make_next(place)
    for after in (([OLD, NEW], "the old key"), ([NEW, OLD], "the new key"), ([NEW], "the new key")):
        authority_rotation.begin(place)
        assert authority_rotation.unproved(place)
        assert not authority_rotation.begin(place)
        assert state(place) == after
        authority_rotation.finish(place)
        assert not authority_rotation.unproved(place)
        assert not authority_rotation.finish(place)


def test_who_died_after_the_key_was_taken_takes_the_certificate_too(place, monkeypatch):
    make_next(place)
    authority_rotation.begin(place)
    authority_rotation.finish(place)
    put = secret_files.replace

    def die(path, *rest):
        if path.name == "ca.pem":
            raise KeyboardInterrupt
        put(path, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(secret_files, "replace", die)
        with pytest.raises(KeyboardInterrupt):
            authority_rotation.begin(place)
    assert authority_rotation.due(place) == "take"
    assert authority_rotation.begin(place)
    assert state(place) == ([NEW, OLD], "the new key")


@pytest.mark.parametrize("name", ["next.pem", "next.key"])
def test_without_the_next_one_nothing_is_half_done(place, name):
    make_next(place)
    authority_rotation.begin(place)
    authority_rotation.finish(place)
    (place / name).unlink()
    before = {path.name: path.read_text() for path in place.iterdir()}
    with pytest.raises(secret_files.SecretError, match=f"{name} is not there"):
        authority_rotation.begin(place)
    assert {path.name: path.read_text() for path in place.iterdir()} == before


def test_what_is_not_there_is_said(tmp_path, place):
    assert authority_rotation.due(tmp_path) == ""
    with pytest.raises(secret_files.SecretError, match="holds no authority"):
        authority_rotation.begin(tmp_path)
    with pytest.raises(secret_files.SecretError, match="begin anew"):
        authority_rotation.begin(place)
    (place / "rotation").write_text("")
    with pytest.raises(secret_files.SecretError, match="how far the rotation is, nobody knows"):
        authority_rotation.due(place)
    (place / "rotation").write_text("half-way")
    with pytest.raises(secret_files.SecretError, match="no step of a rotation"):
        authority_rotation.due(place)


def test_the_module_does_it_only_when_it_is_asked_for_or_was_begun(tmp_path, place):
    assert step(tmp_path, state="planned")["authority"] == ""
    assert step(tmp_path, state="planned", only="authority")["authority"] == "announce"
    make_next(place)
    assert not step(tmp_path, check=True, state="begun", names=["authority"])["changed"]
    assert step(tmp_path, state="begun", names=["authority"])["names"] == ["authority"]
    assert step(tmp_path, state="planned")["authority"] == "announce"
    assert step(tmp_path, state="finished", names=["authority"])["changed"]
    assert step(tmp_path, state="planned")["authority"] == ""
    (place / "rotation").write_text("")
    with pytest.raises(secret_files.SecretError, match="how far the rotation is, nobody knows"):
        authority_rotation.due(place)
    (place / "rotation").write_text("half-way")
    with pytest.raises(AnsibleActionFail, match="no step"):
        step(tmp_path, state="planned", only="authority")


def authority(place: Path, name: str) -> None:
    """A real one: NAME.pem and NAME.key."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.timezone.utc)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    made = x509.CertificateBuilder(subject, subject, key.public_key(), 1, now, now + datetime.timedelta(1))
    pem = serialization.Encoding.PEM
    (place / f"{name}.pem").write_bytes(made.sign(key, hashes.SHA256()).public_bytes(pem))
    text = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (place / f"{name}.key").write_bytes(text)


def test_a_key_of_another_authority_is_refused_before_anything_is_issued(place):
    variables = {
        "certificates_source": "ca",
        "certificates_secrets_dir": str(place.parent),
        "certificates_requests": [],
        "inventory_dir": str(place.parent),
    }

    def refused() -> list[str]:
        checks = templated("certificates", "{{ __certificates_checks }}", **variables)
        return [check["problem"] for check in checks if not check["that"]]

    authority(place, "ca")
    authority(place, "next")
    assert refused() == []
    authority_rotation.begin(place)
    assert refused() == []
    (place / "next.key").replace(place / "ca.key")
    [told] = refused()
    assert "is not the key of the first certificate" in told
    assert "PRIVATE" not in told
