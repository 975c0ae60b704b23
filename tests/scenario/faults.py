# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults for a host that has everything and is watched, as context managers: planted at once, repaired at the end.

What takes its time goes on in a unit of systemd. The programs are those in molecule/monitoring/tests.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.prosody import own_modules
from ansible_collections.allthingslinux.xmpp.tests.scenario.playbook import ROOT
from ansible_collections.allthingslinux.xmpp.tests.scenario.waiting import wait_until
from ansible_collections.allthingslinux.xmpp.tests.scenario.watched import put
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

LIBRARY = "/usr/local/lib/xmpp-monitoring"
PROGRAMS = "/root/tests"
# what the probes found last
PROBED = "/var/lib/xmpp-monitoring/probe.prom"


@contextlib.contextmanager
def background(host: Any, unit: str, *command: str, properties: str = "") -> Iterator[None]:
    """A program in a unit of its own, which is stopped at the end."""
    words = " ".join(["%s"] * len(command))
    host.check_output(f"systemd-run --quiet --collect --unit {unit} {properties} {words}", *command)
    try:
        yield
    finally:
        host.run(f"systemctl stop {unit}")


def script(host: Any, unit: str, text: str) -> contextlib.AbstractContextManager[None]:
    """Lines of shell in the background."""
    return background(host, unit, "/bin/sh", "-ec", text)


def users(host: Any, unit: str, *arguments: str) -> contextlib.AbstractContextManager[None]:
    """What users.py does, in the background."""
    properties = f"-E PYTHONPATH={LIBRARY} -E PYTHONDONTWRITEBYTECODE=1"
    return background(host, unit, "/usr/bin/python3", f"{PROGRAMS}/users.py", *arguments, properties=properties)


@contextlib.contextmanager
def stopped(host: Any, *units: str) -> Iterator[None]:
    """Units that somebody stopped."""
    host.check_output(f"systemctl stop {' '.join(units)}")
    try:
        yield
    finally:
        host.check_output(f"systemctl start {' '.join(units)}")


def killed_again_and_again(host: Any) -> contextlib.AbstractContextManager[None]:
    """coturn dies every three seconds, less often than systemd would give it up for."""
    kill = "systemctl kill --signal KILL --kill-whom main coturn"
    return script(host, "fault-kill", f"for number in 1 2 3 4 5 6; do {kill}; sleep 3; done")


@contextlib.contextmanager
def another_that_ends(host: Any, unit: str, path: str, authority: Path, days: int = 5) -> Iterator[int]:
    """A service serves a certificate of the right authority, for the same names and key, that ends soon.

    Out: a moment after its end, and before that of any other one.
    """
    served = x509.load_pem_x509_certificate(host.check_output(f"cat {path}").encode())
    issuer = x509.load_pem_x509_certificate((authority / "ca.pem").read_bytes())
    key: Any = serialization.load_pem_private_key((authority / "ca.key").read_bytes(), None)
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = x509.CertificateBuilder(issuer.subject, served.subject, served.public_key(), x509.random_serial_number())
    # of a life in which that is the last
    builder = builder.not_valid_before(now - datetime.timedelta(days=90)).not_valid_after(
        now + datetime.timedelta(days=days)
    )
    for extension in served.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    made = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
    host.check_output(f"cp -p {path} {path}.before")
    try:
        host.check_output(f"printf %%s %s > {path} && systemctl reload {unit}", made)
        yield int((now + datetime.timedelta(days=days + 1)).timestamp())
    finally:
        host.check_output(f"mv {path}.before {path} && systemctl reload-or-restart {unit}")


def probed_to_end(host: Any, soon: int) -> None:
    """Have the probes look, and wait until they have seen a certificate that ends before a moment."""
    ends = f"awk '/^xmpp_certificate_expiry_timestamp_seconds/ && $NF < {soon} {{n++}} END {{print n + 0}}' {PROBED}"
    # a run that is on its way already has looked before
    wait_until(lambda: host.check_output(f"systemctl start xmpp-probe; {ends}") != "0", 60)


@contextlib.contextmanager
def certificate_that_ends(host: Any, authority: Path) -> Iterator[None]:
    """That of coturn, as the probes of the same host have seen."""
    with another_that_ends(host, "coturn", "/etc/xmpp/coturn/fullchain.pem", authority) as soon:
        probed_to_end(host, soon)
        yield


@contextlib.contextmanager
def certificates_not_renewed(host: Any) -> Iterator[None]:
    """The figures that xmpp-acme leaves where it has tried in vain for ten days. Scenario acme has the faults."""
    path = PROBED.replace("probe.prom", "acme.prom")
    figures = """xmpp_acme_renewal_timestamp_seconds{certificate="c"} $((now - 864000))
xmpp_acme_expiry_timestamp_seconds{certificate="c"} $((now + 1728000))
xmpp_acme_served{certificate="c",service="s"} 0"""
    host.check_output(f"now=$(date +%s); cat > {path} <<END\n{figures}\nEND")
    try:
        yield
    finally:
        host.check_output(f"rm {path}")


@contextlib.contextmanager
def probes_stopped(host: Any) -> Iterator[None]:
    """Nobody probes any more; what is left says that the last time was ten minutes ago, which is not waited for."""
    with stopped(host, "xmpp-probe.timer"):
        name = "xmpp_probe_last_run_timestamp_seconds"
        host.check_output(f'sed -i "s/^{name} .*/{name} $(($(date +%s) - 600))/" {PROBED}')
        yield


@contextlib.contextmanager
def connections_taken(host: Any) -> Iterator[None]:
    """92 of PostgreSQL's 100 connections belong to somebody who does nothing."""
    put(host, "/tmp/idle.sql", "SELECT pg_sleep(300);\n")
    bench = "/usr/lib/postgresql/*/bin/pgbench --no-vacuum --client 92 --transactions 1 --file /tmp/idle.sql postgres"
    try:
        with script(host, "fault-connections", f"cd /; exec runuser -u postgres -- {bench}"):
            yield
    finally:
        # who sleeps does not notice that nobody waits any more
        end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'pgbench'"
        host.check_output("cd / && rm /tmp/idle.sql && runuser -u postgres -- psql -qAtX -c %s", end)


@contextlib.contextmanager
def peer_lost(host: Any) -> Iterator[None]:
    """Another server worked an hour ago, as Prosody remembers, and has no DNS any more."""
    known = {"direction": "out", "host": "chat.localhost", "peer": "lost.invalid", "ok": int(time.time()) - 3600}

    def remember(peers: dict[str, Any]) -> None:
        host.check_output("printf %%s %s > /var/lib/prosody/peers.json", json.dumps(peers))
        host.check_output("prosodyctl shell module reload measure_peers '*'")

    remember({"out chat.localhost lost.invalid": known})
    try:
        host.run("prosodyctl shell xmpp ping chat.localhost lost.invalid")
        yield
    finally:
        remember({})


# changes the node, says when the list was had, and loads the module that goes by it
BLOCK_LIST = """
local mm, storage = require[[prosody.core.modulemanager]], require[[prosody.core.storagemanager]]
local service = prosody.hosts[ [[pubsub.chat.localhost]] ].modules.pubsub.service
assert(service:CHANGE([[spammers]], true)) mm.unload([[*]], [[block_lists]])
local kept = storage.open([[chat.localhost]], [[block_lists]], [[keyval]])
kept:set([[pubsub.chat.localhost/spammers]], { entries = {}, had = os.time() - 9000 })
return not not mm.load([[*]], [[block_lists]])
"""


def _block_list(host: Any, change: str) -> None:
    lua = " ".join(BLOCK_LIST.replace("CHANGE", change).split())
    assert "Result: true" in host.check_output("prosodyctl shell %s", f"> {lua}")


def block_list_made(host: Any) -> None:
    """The service that keeps the list of spammers of the scenario begins to, and it is had at once."""
    _block_list(host, "create")


@contextlib.contextmanager
def block_list_lost(host: Any) -> Iterator[None]:
    """Whoever kept a list of spammers removed it; what is known of it is of two and a half hours ago."""
    _block_list(host, "delete")
    try:
        yield
    finally:
        block_list_made(host)


# loads the module that has clamd look at uploads, and counts viruses when somebody has seen that there were none
SCANNER = """
local mm, config = require[[prosody.core.modulemanager]], require[[prosody.core.configmanager]]
config.set([[*]], [[scan_uploads_socket]], [[/run/nobody]])
local loaded = assert(mm.load([[upload.chat.localhost]], [[scan_uploads]])).module
loaded:add_timer(15, function ()
  for _, one in ipairs(loaded.items.metric) do
    if one.name == [[scans]] then one.mf:with_labels([[upload.chat.localhost]], [[infected]]):add(COUNTED) end
  end
end)
return true
"""


@contextlib.contextmanager
def scanner_away(host: Any, infected: int = 1) -> Iterator[None]:
    """Uploads are looked at, somebody uploads viruses, and then there is no clamd. Scenario security has a real one."""
    source = ROOT / "roles/prosody/files/mod_scan_uploads.lua"
    place = f"{own_modules.DIRECTORY}/{source.name}"
    put(host, place, source.read_text(encoding="utf-8"))
    try:
        lua = " ".join(SCANNER.replace("COUNTED", str(infected)).split())
        assert "Result: true" in host.check_output("prosodyctl shell %s", f"> {lua}")
        yield
    finally:
        host.check_output("prosodyctl shell module unload scan_uploads upload.chat.localhost && rm %s", place)


# asks a directory at a port where nobody listens, as sign-ins do
DIRECTORY = """
while :; do
  prosodyctl shell '> return tostring((require[[lualdap]].open_simple([[ldap://127.0.0.1:9]], [[cn=x]], [[y]])))'
  sleep 2
done
"""


@contextlib.contextmanager
def directory_away(host: Any) -> Iterator[None]:
    """A directory does not answer, which the module for hosts with accounts in one sees. None is needed for that."""
    place = f"{own_modules.DIRECTORY}/mod_ldap_guard.lua"
    put(host, place, (ROOT / "roles/prosody/files/mod_ldap_guard.lua").read_text(encoding="utf-8"))
    module = "prosodyctl shell module {} ldap_guard '*'"
    host.check_output(module.format("load"))
    try:
        with script(host, "fault-directory", DIRECTORY):
            yield
    finally:
        host.check_output(f"{module.format('unload')} && rm {place}")


@contextlib.contextmanager
def archive_index_lost(host: Any) -> Iterator[None]:
    """Somebody dropped the index of archives, and a table is in the way of its being made anew."""
    sql = "cd / && runuser -u postgres -- psql -qAtX prosody -c %s"
    # its timer may not have come yet since Prosody made the table
    host.check_output("systemctl start xmpp-database")
    host.check_output(sql, "DROP INDEX xmpp_archive_expiry; CREATE TABLE xmpp_archive_expiry ()")
    try:
        assert host.run("systemctl start xmpp-database").rc != 0
        yield
    finally:
        host.check_output(sql, "DROP TABLE xmpp_archive_expiry")
        host.check_output("systemctl start xmpp-database")


# a package of version 1, and an archive of security with version 2 of it
PLANTED = r"""
set -e
. /etc/os-release
mkdir -p /srv/planted/tree/DEBIAN && cd /srv/planted
for version in 1 2; do
  printf '%s\n' 'Package: xmpp-planted' "Version: $version" 'Architecture: all' \
    'Maintainer: Nobody <nobody@invalid>' 'Description: planted' >tree/DEBIAN/control
  dpkg-deb --build tree planted-$version.deb >/dev/null
done
dpkg --install planted-1.deb >/dev/null
{ cat tree/DEBIAN/control; printf '%s\n' 'Filename: ./planted-2.deb' "Size: $(stat --format %s planted-2.deb)" \
  "SHA256: $(sha256sum planted-2.deb | cut -d' ' -f1)"; } >Packages
printf '%s\n' 'Origin: Debian' 'Label: Debian-Security' 'Suite: stable-security' \
  "Codename: $VERSION_CODENAME-security" 'Date: Thu, 01 Jan 2026 00:00:00 UTC' 'SHA256:' \
  " $(sha256sum Packages | cut -d' ' -f1) $(stat --format %s Packages) Packages" >Release
echo 'deb [trusted=yes] file:/srv/planted ./' >/etc/apt/sources.list.d/planted.list
apt-get update --quiet=2 -o Dir::Etc::SourceList=/etc/apt/sources.list.d/planted.list -o Dir::Etc::SourceParts=- \
  -o APT::Get::List-Cleanup=0
touch /run/reboot-required
touch --date '-10 days' /var/lib/apt/lists/*_*
# one that runs already has asked before
systemctl restart xmpp-updates
"""
NOT_PLANTED = """
rm -rf /run/reboot-required /etc/apt/sources.list.d/planted.list /srv/planted /var/lib/apt/lists/*planted*
dpkg --purge xmpp-planted
touch /var/lib/apt/lists/*_*
systemctl restart xmpp-updates
"""


@contextlib.contextmanager
def updates_wait(host: Any) -> Iterator[None]:
    """An update of security waits, a boot too, and nobody fetched package lists for ten days."""
    try:
        host.check_output("sh -c %s", PLANTED)
        yield
    finally:
        host.check_output("sh -c %s", NOT_PLANTED)


@contextlib.contextmanager
def backups_failed(host: Any) -> Iterator[None]:
    """Backups left on the host that the last one failed and had a hole, none was good, and a drill found damage."""
    state = "/var/lib/xmpp-backup/state.json"
    left = {
        "backup": {"begun": 1, "ended": 2, "parts": {}, "problems": ["planted"], "missing": 1},
        "last_success": {"database": 1},
        "drill": {"problems": ["planted"]},
        "verified": 1,
    }
    host.check_output(f"cp -p {state} /root/state.before")
    put(host, state, json.dumps(left))
    try:
        host.check_output("systemctl start xmpp-backup-figures")
        yield
    finally:
        host.check_output(f"mv /root/state.before {state} && systemctl start xmpp-backup-figures")


@contextlib.contextmanager
def disk_filled(host: Any) -> Iterator[None]:
    """A disk of its own, 40 MiB, that fills in steps. Overlays have the size of the file system under them."""
    # what is predicted must not know of an earlier one
    parts, place = "/run/fault-disk", f"/srv/fault-{secrets.token_hex(3)}"
    host.check_output(
        f"mkdir -p {place} {parts} && mount -t tmpfs -o size=40m tmpfs {parts}"
        f" && mkdir {parts}/low {parts}/up {parts}/work"
        f" && mount -t overlay overlay -o lowerdir={parts}/low,upperdir={parts}/up,workdir={parts}/work {place}"
    )
    try:
        # mounts do not reach running services in a container
        host.check_output("systemctl restart prometheus-node-exporter")
        fill = f"for number in 1 2 3 4 5 6; do head -c 6600000 /dev/zero > {place}/$number; sleep 5; done"
        with script(host, "fault-disk", fill):
            yield
    finally:
        host.check_output(f"umount -l {place}; umount -l {parts}; rmdir {place} {parts}")
        host.check_output("systemctl restart prometheus-node-exporter")


@contextlib.contextmanager
def memory_used(host: Any) -> Iterator[None]:
    """The kernel says that 4 % of the memory are left."""
    changed = "awk '/^MemTotal/ {total = $2} /^MemAvailable/ {$2 = int(total / 25)} {print}'"
    host.check_output(f"{changed} /proc/meminfo > /run/fault-meminfo && mount --bind /run/fault-meminfo /proc/meminfo")
    try:
        host.check_output("systemctl restart prometheus-node-exporter")
        yield
    finally:
        host.check_output("umount -l /proc/meminfo && rm /run/fault-meminfo")
        host.check_output("systemctl restart prometheus-node-exporter")


@contextlib.contextmanager
def greedy_service(host: Any) -> Iterator[None]:
    """A further unit that is watched, opens 60 of 64 files, and grows from 150 to 450 MiB."""
    unit, figures = "fault-greedy", "xmpp-service-figures.service"
    command = host.check_output(f"sed -n 's/^ExecStart=//p' /etc/systemd/system/{figures}")
    dropin = f"/run/systemd/system/{figures}.d"
    try:
        put(host, f"{dropin}/fault.conf", f"[Service]\nExecStart=\nExecStart={command} {unit}\n")
        arguments = ["/usr/bin/python3", f"{PROGRAMS}/greedy.py", "56", "140", "25", "300"]
        with background(host, unit, *arguments, properties="-p LimitNOFILE=64"):
            host.check_output(f"systemctl daemon-reload && systemctl start {figures}")
            yield
    finally:
        host.check_output(f"rm -r {dropin}; systemctl daemon-reload && systemctl start {figures}")


@contextlib.contextmanager
def logs_refused(host: Any) -> Iterator[None]:
    """The HTTP receiver of the logs wants none of them."""
    file = "/var/lib/logs-receiver/picky"
    host.check_output(f"touch {file}")
    try:
        yield
    finally:
        host.check_output(f"rm {file}")


@contextlib.contextmanager
def errors_logged(host: Any) -> Iterator[None]:
    """Somebody has Prosody load what is not there."""
    lua = "for _ = 1, 25 do require[[prosody.core.modulemanager]].load([[chat.localhost]], [[not_there]]) end"
    host.check_output("prosodyctl shell %s", f"> {lua} return true, [[done]]")
    yield


def sign_ins_refused(host: Any) -> contextlib.AbstractContextManager[None]:
    """Somebody tries passwords."""
    return users(host, "fault-guesses", "refused", "300")


@contextlib.contextmanager
def accounts_registered(host: Any) -> Iterator[None]:
    """Somebody has an invitation for many, and makes 60 accounts with it. Names of deleted accounts are not taken."""
    where = "prosody.hosts[ [[chat.localhost]] ].modules.invites"
    said = host.check_output("prosodyctl shell %s", f"> return true, {where}.create_group({{}}, nil, 600).token")
    token, name = said.rpartition("OK: ")[2].strip(), f"crowd-{secrets.token_hex(3)}"
    try:
        with users(host, "fault-crowd", "registered", "60", name, token):
            yield
    finally:
        delete = f"require[[prosody.core.usermanager]].delete_user([[{name}-]]..n, [[chat.localhost]])"
        ends = f"{where}.delete_account_invite([[{token}]])"
        host.check_output("prosodyctl shell %s", f"> for n = 0, 59 do {delete} end {ends} return true, [[done]]")


def messages_flood(host: Any) -> contextlib.AbstractContextManager[None]:
    """Two accounts write 50 messages a second to one another, for 50 seconds."""
    return users(host, "fault-flood", "flood", "2500", "50")


@contextlib.contextmanager
def password_of_alerts_changed(host: Any, password: str) -> Iterator[None]:
    """The account that sends alerts has another password than the program that uses it. In: the right one."""
    change = "prosodyctl shell 'user:password(\"alerts@chat.localhost\", \"'%s'\")'"
    host.check_output(change, "another-one")
    try:
        yield
    finally:
        host.check_output(change, password)


@contextlib.contextmanager
def archive_refused(host: Any) -> Iterator[None]:
    """The database does not take some of the messages of messages_flood into archives: about 15 of 5,000."""
    as_admin = "cd / && runuser -u postgres -- psql -qX -v ON_ERROR_STOP=1 prosody -c %s"
    body = "BEGIN RAISE EXCEPTION 'a fault of the tests'; END"
    refuse = f"CREATE FUNCTION fault_refused() RETURNS trigger LANGUAGE plpgsql AS $${body}$$"
    which = "FOR EACH ROW WHEN (strpos(NEW.value, 'flood') > 0 AND random() < 0.003)"
    trigger = f"CREATE TRIGGER fault_refused BEFORE INSERT ON prosodyarchive {which} EXECUTE FUNCTION fault_refused()"
    host.check_output(as_admin, f"{refuse}; {trigger}")
    try:
        yield
    finally:
        host.check_output(as_admin, "DROP FUNCTION fault_refused CASCADE")


@contextlib.contextmanager
def archive_slow(host: Any) -> Iterator[None]:
    """The database takes three seconds to archive a message of the probes, and each is archived twice."""
    as_admin = "cd / && runuser -u postgres -- psql -qX -v ON_ERROR_STOP=1 prosody -c %s"
    body = "BEGIN PERFORM pg_sleep(3); RETURN NEW; END"
    wait = f"CREATE FUNCTION fault_slow() RETURNS trigger LANGUAGE plpgsql AS $${body}$$"
    whose = """FOR EACH ROW WHEN (NEW."user" LIKE 'xmpp-probe-%')"""
    trigger = f"CREATE TRIGGER fault_slow BEFORE INSERT ON prosodyarchive {whose} EXECUTE FUNCTION fault_slow()"
    host.check_output(as_admin, f"{wait}; {trigger}")
    try:
        yield
    finally:
        host.check_output(as_admin, "DROP FUNCTION fault_slow CASCADE")
