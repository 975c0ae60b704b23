# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups under every fault that their programs do not tell of; at the end the host is destroyed and brought back.

In this order: each test goes on with what the one before left.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.client import SignInFailed
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.certificate import parse
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.handshake import read_served
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils import ssh_keys
from ansible_collections.allthingslinux.xmpp.tests.scenario.client import canonical, web
from ansible_collections.allthingslinux.xmpp.tests.scenario.playbook import ROOT, playbook
from ansible_collections.allthingslinux.xmpp.tests.scenario.waiting import wait_until
from conftest import CHAT, PASSWORDS, Kept

REPOSITORY = f"/srv/vault/{CHAT}"
EPHEMERAL = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"])
SECRETS = EPHEMERAL / "inventory/.secrets"
CONTENT = b"kept by the scenario\n" * 4000
ROOM = "hall@muc.keep.localhost"
# XEP-0384, as clients with version 0.3 of it publish their devices and keys
DEVICES, BUNDLE = "eu.siacs.conversations.axolotl.devicelist", "eu.siacs.conversations.axolotl.bundles:31415"
OMEMO = {
    DEVICES: "<list xmlns='eu.siacs.conversations.axolotl'><device id='31415'/></list>",
    BUNDLE: "<bundle xmlns='eu.siacs.conversations.axolotl'><identityKey>a2V5IG9mIGNhcm9s</identityKey></bundle>",
}
LIFE: dict[str, Any] = {}


def test_the_first_backup_comes_with_the_deployment(chat: Kept) -> None:
    wait_until(lambda: chat.host.file("/var/lib/xmpp-backup/state.json").exists, 90)
    first = chat.state()["backup"]
    assert first["problems"] == []
    assert first["parts"]["database"]["kind"] == "full"
    assert set(chat.state()["last_success"]) == {"database", "files"}


def test_the_role_changes_nothing_again() -> None:
    playbook("site", "--tags", "backup").assert_unchanged()


def test_a_key_that_the_other_host_does_not_know_is_refused_before_anything_changes(tmp_path: Path) -> None:
    done = playbook("site", "--tags", "backup", "-e", json.dumps({"backup_secrets_dir": str(tmp_path / "new")}))
    assert done.code != 0
    told = " ".join(done.output.split())
    assert "nothing was changed" in told
    line = re.search(r'restrict,command="internal-sftp" (ssh-ed25519 AAAA\S+)', told.replace("\\", ""))
    key = tmp_path / "new/backup_sftp_key"
    assert key.stat().st_mode & 0o777 == 0o600
    assert line
    assert line[1] == ssh_keys.public(key.read_text())


def test_people_live_here(chat: Kept) -> None:
    made = f"prosodyctl register carol keep.localhost {PASSWORDS['carol']}"
    assert chat.host.run(made).rc == 0
    with chat.client("carol") as carol, chat.client("alice") as alice, chat.client("bob") as bob:
        for node, payload in OMEMO.items():
            carol.publish(node, payload)
        carol.befriend("alice@keep.localhost")
        LIFE["upload of carol"] = carol.upload("upload.keep.localhost", CONTENT[::-1])
        carol.say(alice.stream, "a word of carol")
        assert alice.hears("a word of carol")
        alice.befriend("bob@keep.localhost")
        alice.join(ROOM, "alice")
        LIFE["upload"] = alice.upload("upload.keep.localhost", CONTENT)
        alice.say(bob.stream, "an old message")
        assert bob.hears("an old message")
    assert chat.backup()["problems"] == []


def sql(chat: Kept, statements: str) -> str:
    """Out: what psql said. A statement a line: some must not be in a transaction."""
    ask = "cd / && printf %s %s | runuser -u postgres -- psql -qAtX prosody"
    return str(chat.host.run(ask, "%s", statements).stdout.strip())


def test_the_index_of_archives_is_made_anew(chat: Kept) -> None:
    """In place of one that was left half done, as by a build that was killed."""
    valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'xmpp_archive_expiry'::regclass;"
    chat.host.check_output("systemctl start xmpp-database")
    assert sql(chat, valid) == "t"
    twice = "CREATE UNIQUE INDEX CONCURRENTLY xmpp_archive_expiry ON prosodyarchive (type);"
    assert sql(chat, f"DROP INDEX xmpp_archive_expiry;\n{twice}\n{valid}") == "f"
    chat.host.check_output("systemctl start xmpp-database")
    assert sql(chat, valid) == "t"


def test_a_drill_restores_and_compares(chat: Kept) -> None:
    found = chat.drill()
    assert found["problems"] == []
    restored = found["database"]["restored"]
    assert restored["accounts"] >= 4
    assert restored["rooms"] == 1
    assert restored["uploads"] == 2
    assert restored["archive"] >= 2
    assert found["database"]["hashed"] >= 3
    assert found["files"]["hashed"] > 10
    # by a Prosody that was started on it, and is gone
    asked = found["database"]["prosody"]
    assert (asked["accounts"], asked["rooms"]) == (restored["accounts"], 1)
    assert asked["archives"] >= 3
    assert chat.host.check_output("pgrep -u prosody -c") == "1"
    assert chat.host.run("ls -d /var/lib/postgresql/xmpp-drill").rc != 0


@pytest.fixture
def unreadable(chat: Kept) -> Iterator[None]:
    """A message is no XML, and of a room nothing is there but its name: in the database, and so in the backup."""
    sql(
        chat,
        """INSERT INTO prosodyarchive (host, "user", store, "when", "with", key, type, value)
 VALUES ('keep.localhost', 'alice', 'archive', 1, 'bob@keep.localhost', 'planted', 'xml', '<message');
INSERT INTO prosody (host, "user", store, key, type, value)
 VALUES ('muc.keep.localhost', '', 'persistent', 'lost@muc.keep.localhost', 'boolean', 'true');""",
    )
    yield
    sql(
        chat,
        """DELETE FROM prosodyarchive WHERE key = 'planted';
DELETE FROM prosody WHERE key = 'lost@muc.keep.localhost';""",
    )


def test_what_is_equal_and_prosody_cannot_read(chat: Kept, unreadable: None) -> None:
    assert chat.backup()["problems"] == []
    problems = chat.drill()["problems"]
    assert len(problems) == 2
    assert "Prosody finds 1 rooms of muc.keep.localhost in what was restored, and 2 are in its tables" in problems
    assert "Prosody cannot read the archive of alice@keep.localhost" in problems[1]
    assert not chat.host.file("/var/lib/postgresql/xmpp-drill").exists


@pytest.fixture
def flipped(vault: Any) -> Iterator[None]:
    """One byte is another one in a pack of restic, and in a full backup of pgBackRest."""
    files = [
        vault.check_output(f"ls -S {REPOSITORY}/restic/data/*/* | head -n 1"),
        vault.check_output(f"ls -S {REPOSITORY}/pgbackrest/backup/xmpp/*F/bundle/* | head -n 1"),
    ]
    for number, file in enumerate(files):
        vault.check_output(f"cp -p {file} /root/{number} && chmod u+w {file}")
        vault.check_output(f"printf X | dd of={file} bs=1 seek=1500 conv=notrunc status=none")
    yield
    for number, file in enumerate(files):
        vault.check_output(f"cp -p /root/{number} {file}")


def test_a_flipped_byte_is_found(chat: Kept, flipped: None) -> None:
    proved = chat.state()["verified"]
    problems = "\n".join(chat.drill()["problems"])
    assert "The repository of the files" in problems
    assert "database" in problems
    assert chat.state()["verified"] == proved


def test_a_source_that_is_gone(chat: Kept) -> None:
    chat.host.check_output("mv /srv/operator /srv/elsewhere")
    assert "/srv/operator is to be kept and is not there" in " ".join(chat.backup()["problems"])
    chat.host.check_output("mv /srv/elsewhere /srv/operator")


def test_a_repository_that_is_full(chat: Kept, vault: Any) -> None:
    vault.run("head -c 200M /dev/zero >/srv/vault/full")
    assert len(chat.backup()["problems"]) == 2
    with chat.client("alice") as alice, chat.client("bob") as bob:
        alice.say(bob.stream, "it goes on")
        assert bob.hears("it goes on")
    vault.check_output("rm /srv/vault/full")


def test_a_repository_that_is_gone(chat: Kept, vault: Any) -> None:
    vault.check_output(f"mv {REPOSITORY} /srv/vault/away")
    good = chat.state()["last_success"]
    assert len(chat.backup()["problems"]) == 2
    assert chat.state()["last_success"] == good
    vault.check_output(f"mv -T /srv/vault/away {REPOSITORY}")
    # all that waited is archived now
    assert chat.backup()["problems"] == []


def test_a_hole_in_the_archive(chat: Kept, vault: Any) -> None:
    """pgBackRest says ok over it; the next run makes a backup that does without."""
    newest = f"ls {REPOSITORY}/pgbackrest/archive/xmpp/17-1/*/*.zst | sort | tail -n 1"
    vault.check_output(f"rm $({newest})")
    assert "lacks 1 segments" in " ".join(chat.backup()["problems"])
    healed = chat.backup()
    assert healed["problems"] == []
    assert healed["parts"]["database"]["kind"] == "diff"


def test_postgresql_is_killed_during_a_backup(chat: Kept) -> None:
    run = "python3 -m ansible_collections.allthingslinux.xmpp.plugins.module_utils.backup.run backup full"
    chat.host.check_output(f"systemd-run --unit killed --setenv PYTHONPATH=/usr/local/lib/xmpp-backup {run}")
    chat.host.check_output("timeout 30 sh -c 'until pgrep -f type=full >/dev/null; do sleep 0.05; done'")
    chat.host.check_output("sleep 0.3; pkill -9 -u postgres -f bin/postgres")
    chat.host.check_output("timeout 60 sh -c 'while systemctl is-active killed; do sleep 0.3; done' >/dev/null")
    assert chat.state()["backup"]["problems"]
    # nobody has to start it
    chat.host.check_output("timeout 60 sh -c 'until pg_isready --quiet; do sleep 0.3; done'")
    assert chat.backup()["problems"] == []


def restore(moment: str) -> list[str]:
    given = {"xmpp_restore_to": moment, "xmpp_restore_yes": True}
    return ["ansible-playbook", "-i", os.environ["MOLECULE_INVENTORY_FILE"], str(ROOT / "playbooks/restore.yml"), "-e",
            json.dumps(given)]  # fmt: skip


def test_nobody_who_is_asked_says_yes() -> None:
    done = playbook("restore")
    assert done.code != 0
    assert "Nothing was changed" in " ".join(done.output.split())


def test_two_messages_at_known_times(chat: Kept) -> None:
    wait_until(lambda: chat.host.run("ss -ltn | grep -q ':5222 '").rc == 0, 30)
    with chat.client("alice") as alice, chat.client("bob") as bob:
        alice.say(bob.stream, "the first")
        assert bob.hears("the first")
        wait_until(lambda: "the first" in alice.archived(), 10)
        LIFE["between"] = datetime.datetime.now(datetime.timezone.utc).isoformat()
        alice.say(bob.stream, "the second")
        assert bob.hears("the second")
    LIFE["certificates"] = chat.certificates()
    # what is brought back from it one day has certificates of another time
    with chat.expired(SECRETS):
        assert chat.backup()["problems"] == []


def test_one_account_comes_back_and_everybody_else_keeps_everything(chat: Kept) -> None:
    files = "/var/lib/prosody/*/http_file_share/*.bin"
    LIFE["files"] = chat.host.check_output(f"ls {files}").split()
    assert len(LIFE["files"]) == 2
    chat.host.check_output("prosodyctl shell user delete carol@keep.localhost")
    chat.host.check_output(f"rm {files}")
    with chat.client("alice") as alice, chat.client("bob") as bob:
        alice.say(bob.stream, "after carol")
        assert bob.hears("after carol")
        wait_until(lambda: "after carol" in alice.archived(), 10)
    with pytest.raises(SignInFailed):
        chat.client("carol").__enter__()
    given = {"xmpp_recover_jid": "carol@keep.localhost", "xmpp_restore_yes": True}
    playbook("recover", "-e", json.dumps(given)).assert_ok()
    with chat.client("alice") as alice, chat.client("carol") as carol:
        assert carol.friends() == {"alice@keep.localhost"}
        assert carol.archived() == ["a word of carol"]
        for node, payload in OMEMO.items():
            assert carol.published(carol.jid, node) == [canonical(payload)]
        assert "after carol" in alice.archived()
    assert web(chat.address, 5281, LIFE["upload of carol"]) == (200, CONTENT[::-1])


def test_uploads_alone_come_back_into_the_running_service(chat: Kept) -> None:
    assert web(chat.address, 5281, LIFE["upload"])[0] == 410
    task = ["ansible", CHAT, "-m", "allthingslinux.xmpp.backup_restore", "-a", "part=uploads stamp=tests"]
    inventory = ["-i", os.environ["MOLECULE_INVENTORY_FILE"]]
    subprocess.run([*task, *inventory], cwd=ROOT, check=True, capture_output=True, timeout=120)
    status, content = web(chat.address, 5281, LIFE["upload"])
    assert (status, content) == (200, CONTENT)
    owner = chat.host.file(LIFE["files"][0])
    assert owner.user == "prosody"


def test_a_person_gets_everything_that_is_kept_of_them(chat: Kept, tmp_path: Path) -> None:
    path = tmp_path / "carol.tar.gz"
    given = {"xmpp_export_jid": "carol@keep.localhost", "xmpp_export_file": str(path)}
    playbook("export", "-e", json.dumps(given)).assert_ok()
    assert path.stat().st_mode & 0o777 == 0o600
    with tarfile.open(path) as archive:
        archive.extractall(tmp_path, filter="data")
    top = tmp_path / "carol@keep.localhost"
    user = ET.parse(top / "account.xml").getroot()[0][0]
    assert user.find("{urn:xmpp:pie:0#scram}scram-credentials") is not None
    assert [one.get("jid") for one in user.iter("{jabber:iq:roster}item")] == ["alice@keep.localhost"]
    nodes = [one.get("node") for one in user.iter("{http://jabber.org/protocol/pubsub}items")]
    assert set(nodes) >= set(OMEMO)
    assert [one.text for one in user.iter("{jabber:client}body")] == ["a word of carol"]
    assert (top / "uploads/kept.bin").read_bytes() == CONTENT[::-1]
    assert "a word of carol" in (top / "messages/alice@keep.localhost.txt").read_text()
    assert chat.host.run("ls -d /tmp/xmpp-export-* /root/export*").stdout == ""


def test_nothing_is_left_of_a_person_but_what_others_received(chat: Kept) -> None:
    with chat.client("alice") as alice:
        alice.befriend("carol@keep.localhost")
    given = {"xmpp_erase_jid": "carol@keep.localhost", "xmpp_erase_yes": True}
    done = playbook("erase", "-e", json.dumps(given)).assert_ok()
    assert "backups have all of it until 20" in done.output
    rows = "SELECT store FROM prosody WHERE concat(\"user\", key, value) LIKE '%carol%';"
    archived = (
        "SELECT count(*) FROM prosodyarchive WHERE \"user\" = 'carol' OR store = 'uploads' AND \"with\" LIKE 'carol@%';"
    )
    # the address cannot be taken by somebody else
    assert sql(chat, rows) == "tombstones"
    assert sql(chat, archived) == "0"
    slot = LIFE["upload of carol"].split("/")[-2].replace("-", "%2d")
    # the checks have uploaded some of their own
    assert slot not in chat.host.check_output("ls /var/lib/prosody/*/http_file_share")
    assert web(chat.address, 5281, LIFE["upload of carol"])[0] in (404, 410)
    with chat.client("alice") as alice:
        assert alice.friends() == {"bob@keep.localhost"}
        assert "a word of carol" in alice.archived()
    assert playbook("erase", "-e", json.dumps(given)).code != 0


def from_the_printed_page(page: str) -> dict[str, str]:
    """Out: name → content of the files that it says to make."""
    key = re.search(r"^Key +(\S+)$", page, re.MULTILINE)
    assert key
    files = re.findall(r"^For \.secrets/(\S+), .*:\n((?:.+\n)+)", page, re.MULTILINE)
    return {"backup_key": f"{key[1]}\n", **dict(files)}


def test_the_controller_is_lost_but_for_the_printed_page() -> None:
    LIFE["secrets"] = {path.relative_to(SECRETS): path.read_bytes() for path in SECRETS.rglob("*") if path.is_file()}
    page = (SECRETS / "backup-escrow.txt").read_text()
    shutil.rmtree(SECRETS)
    SECRETS.mkdir(mode=0o700)
    for name, content in from_the_printed_page(page).items():
        (SECRETS / name).touch(mode=0o600)
        (SECRETS / name).write_text(content)
    assert {path.name for path in SECRETS.iterdir()} == {"backup_key", "backup_controller_key", "backup_sftp_key"}
    assert len(LIFE["secrets"]) > 5


def test_the_host_is_destroyed_and_the_restore_is_killed_half_way(chat: Kept) -> None:
    chat.destroy()
    environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}
    killed = subprocess.Popen(
        restore(LIFE["between"]), cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, start_new_session=True
    )
    begun = (
        "until grep -qs 17/main /var/lib/xmpp-backup/restore.json; do sleep 0.05; done; sleep 0.3; pkill -9 pgbackrest"
    )
    subprocess.run(["docker", "exec", CHAT, "timeout", "300", "sh", "-c", begun], check=True)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait(20)
    pending = json.loads(chat.host.file("/var/lib/xmpp-backup/restore.json").content_string)["pending"]
    assert list(pending) == ["/var/lib/postgresql/17/main"]


def test_it_is_repeated_and_ends_with_a_service_that_was_used() -> None:
    given = {"xmpp_restore_to": LIFE["between"], "xmpp_restore_yes": True}
    playbook("restore", "-e", json.dumps(given)).assert_ok()


def test_all_that_was_beside_the_inventory_is_back() -> None:
    there = {path.relative_to(SECRETS): path.read_bytes() for path in SECRETS.rglob("*") if path.is_file()}
    assert there.keys() == LIFE["secrets"].keys()
    assert [name for name, content in there.items() if content.strip() != LIFE["secrets"][name].strip()] == []
    assert {path.stat().st_mode & 0o077 for path in SECRETS.rglob("*")} == {0}


def test_certificates_that_expired_meanwhile_were_issued_anew(chat: Kept) -> None:
    """What was brought back had expired; the keys are those that were there."""
    served = read_served(chat.address, 5222, sni="keep.localhost", starttls="xmpp-client", timeout=10).certificate
    assert served.not_after > datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=60)
    before = [parse(ssl.PEM_cert_to_DER_cert(text)) for text in LIFE["certificates"].values()]
    assert served.public_key in [one.public_key for one in before]
    assert served.serial not in [one.serial for one in before]


def test_exactly_the_first_message_is_there(chat: Kept) -> None:
    for name in ("alice", "bob"):
        with chat.client(name) as client:
            archive = client.archived()
            assert "an old message" in archive
            assert "the first" in archive
            assert "the second" not in archive
    with chat.client("alice") as alice, chat.client("carol") as carol:
        assert "bob@keep.localhost" in alice.friends()
        for node, payload in OMEMO.items():
            assert carol.published(carol.jid, node) == [canonical(payload)]
    status, content = web(chat.address, 5281, LIFE["upload"])
    assert status == 200
    assert hashlib.sha256(content).digest() == hashlib.sha256(CONTENT).digest()
    assert chat.host.file("/srv/operator/note").content_string == "mine\n"


def test_what_was_replaced_is_kept_and_a_new_backup_leads_on(chat: Kept) -> None:
    assert len(chat.host.check_output("ls -d /var/lib/postgresql/17/main.before-*").split()) == 1
    found = chat.backup()
    assert found["problems"] == []
    assert chat.drill()["problems"] == []


def test_a_drill_leaves_nothing_behind_when_it_is_killed(chat: Kept, vault: Any) -> None:
    # the lock that is left keeps everybody else from reading, and restic itself from removing anything
    chat.host.check_output("systemctl start --no-block xmpp-backup-drill")
    vault.check_output("timeout 60 sh -c 'until ls /srv/vault/*/restic/locks/* >/dev/null 2>&1; do sleep 0.02; done'")
    chat.host.check_output("systemctl kill --signal KILL xmpp-backup-drill")
    chat.host.check_output("systemctl start --no-block xmpp-backup-drill")
    chat.host.check_output("timeout 60 sh -c 'until test -e /var/lib/postgresql/xmpp-drill/data; do sleep 0.05; done'")
    chat.host.check_output("systemctl kill --signal KILL xmpp-backup-drill")
    assert chat.drill()["problems"] == []
    assert not chat.host.file("/var/lib/postgresql/xmpp-drill").exists


def test_object_storage(chat: Kept) -> None:
    """A mock (moto) stands for it: what both programs ask and store, and not whether it is kept."""
    given = {
        "backup_repository": "s3://xmpp-backup-vault:9000/kept/here",
        "backup_s3_access_key": "scenario",
        "backup_s3_secret_key": "secret-of-the-scenario",
        "backup_s3_authority": (EPHEMERAL / "vault/authority.pem").read_text(),
    }
    playbook("site", "--tags", "backup", "-e", json.dumps(given)).assert_ok()
    found = chat.backup()
    assert found["problems"] == []
    assert found["parts"]["database"]["kind"] == "full"
    proved = chat.drill()
    assert proved["problems"] == []
    assert proved["database"]["restored"]["accounts"] >= 4
    assert not chat.host.file("/etc/xmpp/backup/sftp.key").exists
    assert chat.host.file("/etc/xmpp/backup/s3.credentials").mode == 0o600


def test_no_key_is_on_a_command_line_or_in_the_journal(chat: Kept) -> None:
    key = chat.host.file("/etc/xmpp/backup/restic.key").content_string.strip()
    assert len(key) == 32
    journal = chat.host.check_output("journalctl --no-pager --output=cat")
    for secret in (key, "secret-of-the-scenario", "OPENSSH PRIVATE KEY"):
        assert secret not in journal
    assert chat.host.file("/etc/xmpp/backup/restic.key").mode == 0o600
    assert chat.host.file("/etc/xmpp/backup/pgbackrest.d/key.conf").mode == 0o640


def test_no_more_backups_where_none_are_wanted(chat: Kept) -> None:
    without = ["--tags", "backup,postgresql", "-e", '{"backup_repository": "", "postgresql_archive_index": false}']
    playbook("site", *without).assert_ok()
    assert chat.host.run("systemctl list-timers | grep xmpp-backup").rc != 0
    assert not chat.host.file("/etc/xmpp/backup").exists
    ask = "cd / && runuser -u postgres -- psql -qAtXc 'SHOW archive_mode'"
    assert chat.host.check_output(ask) == "off"
    assert sql(chat, "SELECT count(*) FROM pg_class WHERE relname = 'xmpp_archive_expiry';") == "0"
    assert not chat.host.file("/etc/systemd/system/xmpp-database.timer").exists
    playbook("site", *without).assert_unchanged()


@pytest.fixture
def wiki(chat: Kept) -> Iterator[None]:
    """The cluster is one that somebody has for a wiki, as Debian's packages make it."""
    place = "/etc/postgresql/17/main"
    sample = "sed -n 's/^@remove[^@]*@//; s/@authmethodlocal@/peer/; s/@authmethodhost@/scram-sha-256/; /^[lh]o/p'"
    chat.host.check_output(f"mv {place}/conf.d/xmpp.conf /root && mv {place}/pg_hba.conf /root/hba")
    chat.host.check_output(f"{sample} /usr/share/postgresql/17/pg_hba.conf.sample >{place}/pg_hba.conf")
    chat.host.check_output(f"echo 'hostssl wiki wiki 192.0.2.0/24 scram-sha-256' >>{place}/pg_hba.conf")
    assert sql(chat, "CREATE DATABASE wiki;") == ""
    yield
    sql(chat, "DROP DATABASE wiki;")
    chat.host.check_output(f"mv /root/xmpp.conf {place}/conf.d && mv /root/hba {place}/pg_hba.conf")


def test_a_cluster_of_others_is_refused_by_name(wiki: None) -> None:
    done = playbook("site", "--tags", "postgresql")
    assert done.code != 0
    told = " ".join(done.output.split())
    assert "2 things stand in the way, and nothing was changed" in told
    assert "has databases of others (wiki)" in told
    assert "would replace (hostssl wiki wiki 192.0.2.0/24 scram-sha-256): put" in told


def test_another_cluster_at_the_port_is_refused_by_name(chat: Kept) -> None:
    chat.host.check_output("pg_createcluster 17 another && pg_conftool 17 another set port 5432")
    try:
        done = playbook("site", "--tags", "postgresql")
    finally:
        chat.host.check_output("pg_dropcluster 17 another")
    assert done.code != 0
    assert "PostgreSQL's cluster 17/another has port 5432 here" in " ".join(done.output.split())
