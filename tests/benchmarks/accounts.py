# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Speed of prosody_accounts on PostgreSQL, against hashing alone and against one prosodyctl process per account.

    python tests/benchmarks/accounts.py [--accounts 10000] [--image IMAGE | --container NAME] [--priority]

Starts a throw-away Debian container (packages are installed unless its image has them), runs the module in it as
Ansible would, and prints a table. Exit code 1 when a figure is outside its bound. Everything is measured in one run on
one machine, so ratios can be compared between machines. Its seconds mean something on an idle machine only; on a busy
one --priority puts everything that is measured before everything else.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / ".cache"))
os.environ.setdefault("ANSIBLE_CONFIG", str(ROOT / "ansible.cfg"))
os.chdir(ROOT)

from ansible.executor.module_common import modify_module  # noqa: E402
from ansible.parsing.dataloader import DataLoader  # noqa: E402
from ansible.plugins.loader import init_plugin_loader, module_loader  # noqa: E402
from ansible.template import Templar  # noqa: E402

init_plugin_loader([str(ROOT / ".cache")])
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.xmpp import scram  # noqa: E402

HOST = "bench.example"
SAMPLE = 30
# how much longer accounts from verifiers may take than their rows take the database
MOST_AGAINST_ROWS = 8

SETUP = """
set -e
export DEBIAN_FRONTEND=noninteractive
command -v prosody >/dev/null && command -v psql >/dev/null || {
  apt-get update -q >/dev/null
  apt-get install -y -q --no-install-recommends prosody lua-dbi-postgresql postgresql python3 >/dev/null
}
cat > /etc/prosody/prosody.cfg.lua <<'END'
modules_enabled = { "roster", "saslauth", "disco", "ping", "admin_shell" }
modules_disabled = { "s2s", "tls" }
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
authentication = "internal_hashed"
password_hash = "SHA-256"
storage = "sql"
sql = { driver = "PostgreSQL", database = "bench", username = "bench", password = "bench", host = "127.0.0.1" }
limits = { c2s = { rate = "1mb/s" } }
pidfile = "/run/prosody/prosody.pid"
log = { info = "/var/log/prosody/prosody.log" }
VirtualHost "bench.example" {}
END
systemctl start postgresql
until su postgres -c "psql -qtc 'select 1'" >/dev/null 2>&1; do sleep 0.5; done
su postgres -c "psql -qc \\"create role bench login password 'bench'\\" -c 'create database bench owner bench'"
systemctl restart prosody
until [ -S /var/lib/prosody/prosody.sock ]; do sleep 0.2; done
printf '%s\\n' pinger pinger | prosodyctl adduser pinger@bench.example >/dev/null
"""

# runs in the container: hashes as many passwords as there will be accounts, on all cores, and nothing else
HASH_ALONE = """
import hashlib, os, sys, time
from concurrent.futures import ThreadPoolExecutor
count = int(sys.argv[1])
def work(i): hashlib.pbkdf2_hmac("sha256", b"password-%d" % i, b"salt-%d" % i, 10000)
start = time.monotonic()
with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool: list(pool.map(work, range(count), chunksize=16))
print(time.monotonic() - start)
"""

# the rows of that many accounts, made by the database itself, a transaction for every two hundred
ROWS_ALONE = """
DO $$ BEGIN
  FOR part IN 0..(COUNT - 1) / 200 LOOP
    INSERT INTO prosody SELECT 'bench.example', 'user' || account, 'accounts', key, 'string', repeat(md5(key), 2)
      FROM generate_series(part * 200, least(COUNT, part * 200 + 200) - 1) AS account,
      unnest(ARRAY['a', 'b', 'c', 'd', 'e', 'f', 'g']) AS key;
    COMMIT;
  END LOOP;
END $$;
"""

# runs in the container: a client that is signed in and pings its server twenty times a second until told to stop
PING = """
import base64, json, re, select, socket, sys, time
s = socket.create_connection(("127.0.0.1", 5222)); s.settimeout(60)
data = ""
def until(pattern):
    global data
    while True:
        found = re.search(pattern, data, re.S)
        if found:
            data = data[found.end():]; return
        got = s.recv(65536)
        if not got: raise SystemExit("closed: " + data)
        data += got.decode()
HEAD = ("<?xml version='1.0'?><stream:stream to='%s' version='1.0' xmlns='jabber:client' "
        "xmlns:stream='http://etherx.jabber.org/streams'>" % sys.argv[1]).encode()
s.sendall(HEAD); until("</stream:features>")
s.sendall(b"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>"
          + base64.b64encode(b"\\0pinger\\0pinger") + b"</auth>"); until("<success")
data = ""; s.sendall(HEAD); until("</stream:features>")
s.sendall(b"<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>"); until("id='b'|id=\\"b\\"")
times, number = [], 0
print("ready", flush=True)
while not select.select([sys.stdin], [], [], 0.05)[0]:
    number += 1
    start = time.monotonic()
    s.sendall(b"<iq type='get' id='p%d'><ping xmlns='urn:xmpp:ping'/></iq>" % number)
    until("id=['\\"]p%d['\\"]" % number)
    times.append(time.monotonic() - start)
print(json.dumps(times))
"""

# runs in the container: a program with its time and its largest memory
MEASURE = """
import json, os, sys, time
start = time.monotonic()
read, write = os.pipe()
child = os.fork()
if not child:
    os.dup2(write, 1); os.execv(sys.executable, [sys.executable, sys.argv[1]])
os.close(write)
with os.fdopen(read) as pipe: output = pipe.read()
_pid, _status, usage = os.wait4(child, 0)
print(json.dumps({"seconds": time.monotonic() - start, "megabytes": usage.ru_maxrss / 1024,
                  "cpu": usage.ru_utime + usage.ru_stime, "output": output}))
"""


class Container:
    """A Debian with systemd, reached through the docker client."""

    def __init__(self, image: str | None, name: str, priority: bool) -> None:
        self.name = name
        self.prefix = ["nice", "-n", "-19"] if priority else []
        self._own = image is not None
        if image:
            subprocess.run(
                [
                    "docker",
                    "run",
                    "-d",
                    "--name",
                    name,
                    "--cgroupns",
                    "host",
                    "--tmpfs",
                    "/run",
                    "--tmpfs",
                    "/run/lock",
                    "--tmpfs",
                    "/tmp",
                    "--cap-add",
                    "SYS_ADMIN",
                    "--cap-add",
                    "SYS_NICE",
                    "-t",
                    "--security-opt",
                    "apparmor=unconfined",
                    "-e",
                    "container=docker",
                    "-v",
                    "/sys/fs/cgroup:/sys/fs/cgroup:rw",
                    image,
                    "/sbin/init",
                ],
                check=True,
                stdout=subprocess.DEVNULL,
            )
            time.sleep(3)

    def run(self, *words: str, text: str = "") -> str:
        """Run a program with this standard input, return its standard output."""
        done = subprocess.run(
            ["docker", "exec", "-i", self.name, *self.prefix, *words],
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"{words[0]} in the container failed: {done.stderr or done.stdout}")
        return done.stdout

    def close(self) -> None:
        """Remove the container, if this run started it."""
        if self._own:
            subprocess.run(["docker", "rm", "-f", self.name], check=True, stdout=subprocess.DEVNULL)


def payload(**options: Any) -> str:
    """Return the program that Ansible would send to the target for a task with these options."""
    name = "allthingslinux.xmpp.prosody_accounts"
    # what the controller tells every module about its run
    internal = {
        "check_mode": False,
        "no_log": False,
        "diff": False,
        "debug": False,
        "verbosity": 0,
        "version": "2.19",
        "module_name": name,
        "syslog_facility": "LOG_USER",
        "selinux_special_fs": [],
        "remote_tmp": "/tmp",
        "socket": None,
        "shell_executable": "/bin/sh",
        "target_log_info": None,
        "ignore_unknown_opts": False,
        "keep_remote_files": False,
        "tracebacks_for": [],
    }
    built = modify_module(
        module_name=name,
        module_path=module_loader.find_plugin(name),
        module_args={**options, "host": HOST, **{f"_ansible_{key}": value for key, value in internal.items()}},
        templar=Templar(DataLoader()),
        task_vars={"ansible_python_interpreter": "/usr/bin/python3"},
        module_compression="ZIP_DEFLATED",
    )
    return built.b_module_data.decode()


class Bench:
    """The measurements, one after the other, on one container."""

    def __init__(self, container: Container, count: int) -> None:
        self.container = container
        self.count = count
        self.rows: list[tuple[str, str, str, bool]] = []
        self.names = [f"user{number:05d}" for number in range(count)]

    def module(self, **options: Any) -> dict[str, Any]:
        """Run the module once; return its result, with seconds and megabytes."""
        self.container.run("sh", "-c", "umask 077; cat > /root/module.py", text=payload(**options))
        measured = json.loads(self.container.run("python3", "-", "/root/module.py", text=MEASURE))
        result = json.loads(measured.pop("output"))
        if result.get("failed"):
            raise SystemExit(f"the module failed: {result['msg']}")
        return {**result, **measured}

    def row(self, what: str, figure: str, bound: str, good: bool) -> None:
        """Add a line to the table."""
        self.rows.append((what, figure, bound, good))
        print(f"{'ok ' if good else 'BAD'}  {what:<58} {figure:>14}   {bound}", flush=True)

    def forget(self) -> None:
        """Remove the accounts behind Prosody's back, which is quick."""
        self.container.run(
            "su",
            "postgres",
            "-c",
            "psql -q bench",
            text="""
            delete from prosody where "user" like 'user%';
            vacuum prosody;
        """,
        )

    def rows_alone(self) -> float:
        """Seconds in which the database makes as many rows by itself."""
        start = time.monotonic()
        words = ("su", "postgres", "-c", "psql -q -v ON_ERROR_STOP=1 bench")
        self.container.run(*words, text=ROWS_ALONE.replace("COUNT", str(self.count)))
        return time.monotonic() - start

    def run(self) -> bool:
        """Measure everything; return whether all is within its bounds."""
        self.container.run("sh", "-s", text=SETUP)
        if self.container.prefix:
            # what systemd started does not inherit the priority
            self.container.run("sh", "-c", "renice -n -19 $(pgrep 'prosody|lua|postgres')")
        cores, busy = os.cpu_count() or 1, os.getloadavg()[0]
        print(f"{cores} cores, load average {busy:.1f}" + (": busy, the seconds below mean little" if busy > 1 else ""))
        scale = self.count / 10_000
        with_passwords = [{"name": name, "password": f"secret-{name}", "role": "prosody:member"} for name in self.names]

        alone = float(self.container.run("python3", "-", str(self.count), text=HASH_ALONE))
        self.row(f"hashing {self.count} passwords alone", f"{alone:.2f} s", "", True)

        pinger = subprocess.Popen(
            ["docker", "exec", "-i", self.container.name, *self.container.prefix, "python3", "-c", PING, HOST],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert pinger.stdout is not None
        assert pinger.stdin is not None
        if pinger.stdout.readline().strip() != "ready":
            raise SystemExit("the pinging client could not sign in")
        created = self.module(accounts=with_passwords)
        pinger.stdin.write("stop\n")
        pinger.stdin.close()
        pings = sorted(json.loads(pinger.stdout.read()))
        assert len(created["created"]) == self.count
        creating = created["seconds"]
        self.row("creating them from passwords", f"{creating:.2f} s", "", True)
        self.row("  processor time of the module", f"{created['cpu']:.2f} s", "", True)
        ratio = creating / alone
        self.row("  against the hashing alone", f"{ratio:.2f} x", "at most 1.3 x", ratio <= 1.3)
        p99 = pings[int(len(pings) * 0.99) - 1] * 1000
        self.row(f"  99th percentile of {len(pings)} pings meanwhile", f"{p99:.0f} ms", "under 250 ms", p99 < 250)
        self.row("  longest ping", f"{pings[-1] * 1000:.0f} ms", "", True)

        same = self.module(accounts=with_passwords, update_password="on_create")
        assert not same["changed"]
        assert same["unchanged"] == self.count
        self.row(
            "nothing to do (state and role compared)",
            f"{same['seconds']:.2f} s",
            f"under {3 * scale:g} s",
            same["seconds"] < 3 * scale,
        )
        tested = self.module(accounts=with_passwords)
        assert not tested["changed"]
        self.row("  processor time of the module", f"{same['cpu']:.2f} s", "", True)
        self.row("nothing to do, every password tested", f"{tested['seconds']:.2f} s", "", True)

        self.forget()
        rows = self.rows_alone()
        self.row("the same number of rows, by the database alone", f"{rows:.2f} s", "", True)
        self.forget()
        verifiers = [
            # what a verifier was made of does not matter to its storing: one iteration is quick
            {"name": name, "role": "prosody:member", "verifier": str(quick_verifier(name))}
            for name in self.names
        ]
        stored = self.module(accounts=verifiers)
        assert len(stored["created"]) == self.count
        self.row(
            "creating them from verifiers",
            f"{stored['seconds']:.2f} s",
            f"under {6 * scale:g} s",
            stored["seconds"] < 6 * scale,
        )
        ratio = stored["seconds"] / rows
        self.row(
            "  against the rows alone", f"{ratio:.1f} x", f"at most {MOST_AGAINST_ROWS} x", ratio <= MOST_AGAINST_ROWS
        )
        compared = self.module(accounts=verifiers)
        assert not compared["changed"]
        self.row("nothing to do, verifiers compared", f"{compared['seconds']:.2f} s", "", True)
        megabytes = max(result["megabytes"] for result in (created, same, tested, stored, compared))
        self.row("most memory of the module", f"{megabytes:.0f} MB", "under 150 MB", megabytes < 150)

        self.against_prosodyctl(creating, same["seconds"])
        return all(good for *_rest, good in self.rows)

    def against_prosodyctl(self, creating: float, nothing: float) -> None:
        """Measure a sample of processes, one per account."""
        start = time.monotonic()
        self.container.run(
            "sh",
            "-c",
            f"for i in $(seq {SAMPLE}); do "
            f"printf 'secret\\nsecret\\n' | prosodyctl adduser sample$i@{HOST} >/dev/null; done",
        )
        each = (time.monotonic() - start) / SAMPLE
        self.row("prosodyctl adduser, each", f"{each * 1000:.0f} ms", "", True)
        ratio = each * self.count / creating
        self.row("  the module creates faster by", f"{ratio:.0f} x", "at least 20 x", ratio >= 20)
        start = time.monotonic()
        self.container.run(
            "sh", "-c", f"for i in $(seq {SAMPLE}); do prosodyctl shell user role sample$i@{HOST} >/dev/null; done"
        )
        each = (time.monotonic() - start) / SAMPLE
        self.row("prosodyctl shell user role, each", f"{each * 1000:.0f} ms", "", True)
        ratio = each * self.count / nothing
        self.row("  the module finds nothing to do faster by", f"{ratio:.0f} x", "at least 100 x", ratio >= 100)


def quick_verifier(name: str) -> scram.Verifier:
    """A verifier with keys of the right form."""
    key = hashlib.sha256(name.encode()).hexdigest()
    return scram.Verifier(key, key, f"salt-of-{name}", 10000, "SHA-256")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--accounts", type=int, default=10_000)
    parser.add_argument("--image", default=os.environ.get("XMPP_TEST_IMAGE", "xmpp-host:trixie"))
    parser.add_argument("--container", help="a running one with nothing of value in it, instead of a new one")
    parser.add_argument("--priority", action="store_true", help="put what is measured before everything else")
    chosen = parser.parse_args()
    image = None if chosen.container else chosen.image
    container = Container(image, chosen.container or f"xmpp-bench-{os.getpid()}", chosen.priority)
    try:
        return 0 if Bench(container, chosen.accounts).run() else 1
    finally:
        container.close()


if __name__ == "__main__":
    sys.exit(main())
