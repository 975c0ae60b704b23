# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The firewall from outside: what is open, who is told, who is kept out, and that nobody locks himself out."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
from pathlib import Path

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check import client as check
from ansible_collections.allthingslinux.xmpp.tests.scenario.browser import address_of
from ansible_collections.allthingslinux.xmpp.tests.scenario.exposure import exposure
from ansible_collections.allthingslinux.xmpp.tests.scenario.playbook import ROOT, playbook
from ansible_collections.allthingslinux.xmpp.tests.scenario.relay import relay
from ansible_collections.allthingslinux.xmpp.tests.scenario.trust import everybody
from conftest import DOMAIN, GREETING, HOST, NEIGHBOUR, PASSWORDS, banned, client, reached, waits_until

PLAINLY = ROOT / "tests" / "scenario" / "plainly.py"
OPEN = [22, 3478, 5222, 5223, 5269, 5270, 5281, 5349]
BESIDE = 8080
FIREWALL = ("site", "--tags", "firewall")


def test_what_is_needed_is_open_and_nothing_else(guarded, address):
    assert [port for port in OPEN if not reached(address, port)] == []
    assert not reached(address, BESIDE)
    # it listens, and only the rules keep it closed: without them it is seen, and they come back with the unit
    guarded.check_output("nft delete table inet xmpp")
    assert reached(address, BESIDE)
    guarded.check_output("systemctl reload xmpp-firewall")
    assert not reached(address, BESIDE)


ECHO = """
import socket
echo = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
echo.bind(("0.0.0.0", 7777))
while True:
    echo.sendto(*echo.recvfrom(99))
"""


def test_a_relay_reaches_other_relays_of_its_host_and_nothing_else_there(guarded, address):
    async def comes_back(port: int = 0) -> bool:
        """Whether a port of the host answers a relay; without one whether another relay hears it."""
        async with relay(address) as one, relay(address) as other:
            place = (address, port) if port else other.relayed_address
            hearing = one if port else other
            if not port:
                await other.send_data(b"come in", one.relayed_address)
            for _time in range(3):  # they are datagrams
                await one.send_data(b"is anybody there?", place)
                with contextlib.suppress(TimeoutError):
                    return bool(await asyncio.wait_for(hearing.receiver.heard.get(), 1))
            return False

    guarded.check_output("systemd-run --unit=echo --collect python3 -c %s", ECHO)
    try:
        assert asyncio.run(comes_back())
        assert not asyncio.run(comes_back(7777))
        # only the rules keep it closed
        guarded.check_output("nft delete chain inet xmpp output")
        assert asyncio.run(comes_back(7777))
    finally:
        guarded.check_output("systemctl reload xmpp-firewall")
        guarded.check_output("systemctl stop echo")
    assert "chain output" in guarded.check_output("nft list table inet xmpp")


def test_who_would_be_cut_off_is_told_before_the_first_change(guarded):
    rules = guarded.file("/etc/xmpp/firewall.nft").sha256sum
    refused = playbook(*FIREWALL, "-e", '{"firewall_closed": [], "firewall_extra": [{"port": 70000}]}')
    assert refused.code != 0
    assert "firewall would close port 8080/tcp, at which python3 listens" in refused.output
    assert "70000" in refused.output
    assert not any(refused.changed.values())
    assert guarded.file("/etc/xmpp/firewall.nft").sha256sum == rules


def test_rules_of_others_are_left_alone_and_a_flush_does_not_open_the_host(guarded, address):
    guarded.check_output("nft add table inet somebody")
    extra = [{"port": 8081, "from": ["192.0.2.1", "2001:db8::/32"]}]
    playbook(*FIREWALL, "-e", json.dumps({"firewall_extra": extra, "firewall_sandbox": False})).assert_ok()
    assert exposure(guarded.check_output, "fail2ban") > 9
    tables = guarded.check_output("nft list tables")
    assert "table inet somebody" in tables
    rules = guarded.check_output("nft list table inet xmpp")
    assert "ip saddr 192.0.2.1 tcp dport 8081 accept" in rules
    assert "ip6 saddr 2001:db8::/32 tcp dport 8081 accept" in rules
    guarded.check_output("systemctl start nftables && systemctl restart nftables")
    assert "table inet somebody" not in guarded.check_output("nft list tables"), "nothing was flushed"
    # the unit is begun again after nftables, for which systemctl does not wait
    assert waits_until(lambda: not reached(address, BESIDE), 20), "the rules did not come back"
    assert reached(address, 5222)
    guarded.check_output("systemctl stop nftables; systemctl start xmpp-firewall")
    playbook(*FIREWALL).assert_ok()
    playbook(*FIREWALL).assert_unchanged()


def test_what_is_new_is_open_before_what_was_is_closed(guarded, address, tmp_path):
    """As in a run that brings somebody else: a play of the same two steps, between which the others would be."""
    role = {"name": "allthingslinux.xmpp.firewall"}
    early = [{"hosts": HOST, "gather_facts": True, "tasks": [
        {"ansible.builtin.include_role": {**role, "tasks_from": "look"}},
        {"ansible.builtin.include_role": {**role, "tasks_from": "widen"}}]}]  # fmt: skip
    (tmp_path / "early.yml").write_text(json.dumps(early), encoding="utf-8")
    playbook(str(tmp_path / "early.yml"), "-e", '{"firewall_extra": [{"port": 8080}]}').assert_ok()
    assert reached(address, BESIDE)
    assert [port for port in OPEN if not reached(address, port)] == []
    # what goes away meanwhile was kept, and is closed in the end
    playbook(*FIREWALL).assert_ok()
    assert not reached(address, BESIDE)
    assert [port for port in OPEN if not reached(address, port)] == []


def test_who_locks_himself_out_is_let_in_again_and_open_connections_stay(guarded, address, talking, tmp_path):
    """By SSH, as servers are reached: the new rules have another port for it, and the run cannot go on."""
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    public = key.with_suffix(".pub").read_text(encoding="utf-8").strip()
    guarded.check_output(f"install -d -m 700 /root/.ssh && echo '{public}' >/root/.ssh/authorized_keys")
    options = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"
    by_ssh = {
        "ansible_connection": "ssh",
        "ansible_host": address,
        "ansible_user": "root",
        "ansible_ssh_private_key_file": str(key),
        "ansible_ssh_common_args": options,
        "ansible_host_key_checking": False,
        "firewall_revert_after": 12,
    }
    # not by -e, which would win over what tasks on the controller say of their connection
    reached_so = tmp_path / "by_ssh.yml"
    reached_so.write_text(json.dumps({"all": {"hosts": {HOST: by_ssh}}}), encoding="utf-8")
    limited = (*FIREWALL, "--limit", HOST, "-i", str(reached_so))
    # that it would be cut off is told as of any other program, and somebody insists
    wrong = {"firewall_ssh_ports": [2222], "firewall_closed": ["8080/tcp", "22/tcp"]}
    before = guarded.check_output("nft --stateless --terse list table inet xmpp")
    run = playbook(*limited, "-e", json.dumps(wrong))
    assert run.code != 0, run.output[-3000:]
    assert "Connect anew" in run.output, run.output[-3000:]
    assert talking()
    assert waits_until(lambda: reached(address, 22), 20), "the host did not go back"
    assert talking()
    # what was opened beside the old one before anything was closed is closed by the next run
    playbook(*limited).assert_ok()
    assert guarded.check_output("nft --stateless --terse list table inet xmpp") == before
    playbook(*limited).assert_unchanged()


def test_fail2ban_gives_up_what_it_does_not_need(guarded):
    """As packaged it has 9.6. What the next test sees it do it does so; here, that jails of Debian's work too."""
    assert exposure(guarded.check_output, "fail2ban") < 2.0
    pid = guarded.check_output("systemctl show -P MainPID fail2ban")
    assert guarded.check_output(f"sed -n 's/^CapBnd:.//p' /proc/{pid}/status") == f"{1 << 12:016x}"
    assert "Read-only file system" in guarded.run(f"nsenter -t {pid} -m touch /etc/fail2ban/x").stderr

    def of_sshd() -> bool:
        return "192.0.2.9" in guarded.run("nft list set inet f2b-table addr-set-sshd").stdout

    guarded.check_output("fail2ban-client set sshd banip 192.0.2.9")
    assert waits_until(of_sshd, 10)
    guarded.check_output("fail2ban-client set sshd unbanip 192.0.2.9")
    assert waits_until(lambda: not of_sshd(), 10)


def test_who_guesses_is_kept_out_and_others_behind_the_address_go_on(
    guarded, address, gateway, neighbour, talking, let_go
):
    for _guess in range(4):
        asyncio.run(_guess_wrongly(address))
    assert waits_until(lambda: banned(guarded) == [gateway], 40), guarded.check_output(
        "fail2ban-client status xmpp-prosody"
    )
    assert not reached(address, 5222)
    assert not reached(address, 5281)
    assert reached(address, 22), "nobody shall have to ask the hoster for a console"
    assert talking(), "people behind the same address were cut off"
    assert neighbour() == "served"
    # a change of the rules forgets nobody
    playbook(*FIREWALL, "-e", '{"firewall_extra": [{"port": 8082}]}').assert_ok()
    assert banned(guarded) == [gateway]
    guarded.check_output("systemctl reload xmpp-firewall")
    assert waits_until(lambda: banned(guarded) == [gateway], 10), "the rules were loaded anew, and forgot him"
    playbook(*FIREWALL).assert_ok()
    guarded.check_output(f"fail2ban-client set xmpp-prosody unbanip {gateway}")
    assert waits_until(lambda: reached(address, 5222), 10)


async def _guess_wrongly(address: str) -> None:
    guesser = check.Client(check.Account(f"alice@{DOMAIN}", "not-the-password"), everybody(), 15)
    try:
        await guesser.sign_in(address, 5222, False)
    except Exception:  # pylint: disable=broad-exception-caught
        pass
    else:
        raise AssertionError("a wrong password was accepted")
    finally:
        await guesser.close()


def test_a_client_that_needs_three_attempts_is_no_guesser(guarded, address):
    """slixmpp 1.8 begins with two variants of SCRAM that fail: said to the server here as it says them."""
    told = "journalctl -u prosody --no-pager -o cat | grep -c 'Sign-in refused' || true"
    before = guarded.check_output(told)
    for _again in range(3):
        asyncio.run(_third_time_lucky(address))
    # those that are told are told after five seconds
    assert not waits_until(lambda: guarded.check_output(told) != before, 8)


async def _third_time_lucky(address: str) -> None:
    """Two PLAIN attempts with a wrong password and one with the right one, in one stream over TLS."""
    process = await asyncio.create_subprocess_exec(
        "python3",
        str(PLAINLY),
        address,
        DOMAIN,
        "alice",
        "wrong",
        "wrong",
        PASSWORDS["alice"],
        stdout=asyncio.subprocess.PIPE,
    )
    out, _errors = await process.communicate()
    assert out.decode().split() == ["not-authorized", "not-authorized", "success"]


def test_not_all_wrong_passwords_are_looked_at(guarded, address):
    """Forty from the neighbour, as they are: each that is looked at is hashed by the server, and all wait for it."""
    there = address_of(NEIGHBOUR)
    script = PLAINLY.read_text(encoding="utf-8")
    command = ["docker", "exec", "-i", NEIGHBOUR, "python3", "-", address, DOMAIN, "bob"]
    guesses = [f"wrong-{number}" for number in range(40)]
    try:
        done = subprocess.run(
            [*command, *guesses], input=script, capture_output=True, text=True, timeout=60, check=True
        )
        said = done.stdout.split()
        assert set(said) == {"not-authorized", "temporary-auth-failure"}
        # those at once, and one for each second that it took
        assert said[:10] == ["not-authorized"] * 10
        assert said.count("temporary-auth-failure") >= 15
        # who comes from elsewhere is looked at
        asyncio.run(_third_time_lucky(address))
        assert waits_until(lambda: there in banned(guarded), 40), "who is refused without a look is a guesser too"
    finally:
        told = f"journalctl -u prosody --no-pager -o cat | grep -c 'Sign-in refused.*{there}' || true"
        waits_until(lambda: int(guarded.check_output(told)) >= len(guesses), 20)
        # those that are still read bring the ban back
        for _again in range(10):
            guarded.run(f"fail2ban-client set xmpp-prosody unbanip {there}")
            if not waits_until(lambda: there in banned(guarded), 4):
                break


def test_fifty_at_once_are_let_in(address):
    """As after a restart, all of them behind one address, and once more."""

    async def all_of_them() -> list[str]:
        people = [check.Client(check.Account(f"bob@{DOMAIN}", PASSWORDS["bob"]), everybody(), 60) for _one in range(50)]
        try:
            await asyncio.gather(*(one.sign_in(address, 5222, False) for one in people))
            return [one.jid for one in people]
        finally:
            await asyncio.gather(*(one.close() for one in people), return_exceptions=True)

    assert len(set(asyncio.run(all_of_them()))) == 50
    assert len(set(asyncio.run(all_of_them()))) == 50


def test_a_flood_from_one_address_leaves_the_others_alone(guarded, address, neighbour):
    """A thousand connections at once, bounded and kept open: most are refused, the neighbour notices nothing."""

    async def one() -> asyncio.StreamWriter | None:
        try:
            _reader, writer = await asyncio.wait_for(asyncio.open_connection(address, 5222), 20)
        except (OSError, TimeoutError):
            return None
        return writer

    async def flood() -> tuple[int, list[str]]:
        writers = await asyncio.gather(*(one() for _connection in range(1000)))
        held = [writer for writer in writers if writer]
        loop = asyncio.get_running_loop()
        answers = [await loop.run_in_executor(None, neighbour) for _time in range(5)]
        for writer in held:
            writer.close()
        return len(held), answers

    held, answers = asyncio.run(flood())
    assert answers == ["served"] * 5
    assert 100 < held <= 420, held
    # and who was in the flood's place is served again when it is over
    assert waits_until(lambda: _greeted(address), 40)


def _greeted(address: str) -> bool:
    done = subprocess.run(["python3", "-c", GREETING, address], capture_output=True, text=True, timeout=30, check=False)
    return done.stdout.strip() == "served"


def test_z_a_host_that_leaves_the_group_is_open_again(guarded, address, tmp_path):
    inventory = Path(os.environ["MOLECULE_INVENTORY_FILE"]).read_text(encoding="utf-8")
    assert HOST in inventory
    leave = tmp_path / "leave.yml"
    leave.write_text(
        json.dumps([{"hosts": HOST, "gather_facts": False, "tasks": [
            {"ansible.builtin.include_role": {"name": "allthingslinux.xmpp.firewall", "tasks_from": "stop"}}]}]),
        encoding="utf-8",
    )  # fmt: skip
    playbook(str(leave)).assert_ok()
    assert reached(address, BESIDE)
    assert "inet xmpp" not in guarded.check_output("nft list tables")
    assert waits_until(lambda: guarded.run("fail2ban-client status").rc == 0, 10)
    assert "xmpp-prosody" not in guarded.check_output("fail2ban-client status")
    assert exposure(guarded.check_output, "fail2ban") > 9
    playbook(str(leave)).assert_unchanged()
    with client(address, "alice") as alice:
        assert alice.stream
