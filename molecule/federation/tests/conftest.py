# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two deployments, the servers of others, and who lives on them."""

from __future__ import annotations

import contextlib
import re
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import testinfra
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.client import NoAnswer
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.stanzas import StanzaRefused
from ansible_collections.allthingslinux.xmpp.tests.scenario.browser import address_of
from ansible_collections.allthingslinux.xmpp.tests.scenario.client import Client
from ansible_collections.allthingslinux.xmpp.tests.scenario.waiting import wait_until

HERE = Path(__file__).parent
BAD = {
    "expired": "certificate has expired",
    "selfsigned": "certificate is self-signed",
    "wrongname": "certificate is not valid for this name",
    "unknown": "certificate is not trusted",
}
PASSWORD = "walks-by-the-sea"


@dataclass(frozen=True)
class Peer:
    """Another server: its domain, somebody there, its rooms, its container, and ports for clients, servers, uploads.

    mechanism: how it lets in a server whose certificate has not the purpose "TLS client".
    """

    domain: str
    person: str
    rooms: str
    host: str
    port: int = 5222
    s2s: int = 5270
    mechanism: str = "EXTERNAL"
    uploads: int = 5281

    @property
    def jid(self) -> str:
        return f"{self.person}@{self.domain}"


PEERS = {
    "ours": Peer("beta.example", "bob", "muc.beta.example", "two"),
    "ejabberd": Peer("gamma.example", "dave", "conference.gamma.example", "new", uploads=5443),
    # before certificates without that purpose, it asks back (dialback)
    "ejabberd-23": Peer("delta.example", "erin", "conference.delta.example", "old", mechanism="dialback", uploads=5443),
    "prosody-12": Peer("epsilon.example", "frank", "conference.epsilon.example", "old", 5322, 5370),
}
EJABBERD = ("ejabberd", "ejabberd-23")
STRANGERS = [*BAD, "plain", "denied", "dane", "wrongdane"]


def machine(name: str) -> Any:
    return testinfra.get_host(f"docker://xmpp-federation-{name}")


def _start_ejabberd(name: str, peer: Peer) -> None:
    host = machine(name)
    host.check_output("systemctl restart ejabberd && timeout 60 ejabberdctl started")
    if peer.person not in host.check_output("ejabberdctl registered_users %s", peer.domain).split():
        for somebody in (peer.person, "nora"):
            host.check_output("ejabberdctl register %s %s %s", somebody, peer.domain, PASSWORD)
    _reach_us(name, peer)


# ejabberd 24.12 goes on to the next address 50 ms after the first (5269 after 5270) where it is slow, as when it reads
# its authorities, and then reads TLS that comes from the first as XML from the second. Seen in its log of level debug
# and in packets captured there. Therefore it hears of direct TLS only where that is what is tested (unbound.conf).
ITS_OWN_FAULT = "not well-formed (invalid token)"
PING = '<ping xmlns="urn:xmpp:ping"/>'


@contextlib.contextmanager
def told_of_direct_tls(peer: Peer) -> Iterator[None]:
    """That other server hears of SRV records for direct TLS, as everybody else does (XEP-0368)."""
    if peer.host != "new":
        yield
        return
    host = machine(peer.host)
    own = "sed --in-place 's/^  {}access-control-view/  {}access-control-view/' /etc/unbound/unbound.conf"
    host.check_output(own.format("", "#") + " && systemctl restart unbound")
    try:
        yield
    finally:
        host.check_output(own.format("#", "") + " && systemctl restart unbound")


OURS = ("alpha.example", "muc.alpha.example", "beta.example")


def _reach_us(name: str, peer: Peer, ours: Sequence[str] = OURS) -> None:
    """Have ejabberd connect, and again after a second (s2s_max_retry_delay) where that failed by its own fault.

    Raises AssertionError for any other reason.
    """
    for _attempt in range(5):
        refused = [*_refused(name, peer, ours), *_unanswered(name, peer)]
        if not refused:
            return
        assert all(ITS_OWN_FAULT in one for one in refused), refused
        time.sleep(1)
    raise AssertionError(f"ejabberd does not get through in five attempts: {refused}")


def _refused(name: str, peer: Peer, ours: Sequence[str]) -> Iterator[str]:
    """Why somebody there is told that we cannot be reached."""
    with Client(peer.jid, PASSWORD, address_of(f"xmpp-federation-{name}"), port=peer.port) as person:
        for host in ours:
            try:
                person.ask(host, PING)
            except StanzaRefused as error:
                if error.condition.startswith("remote-server-"):
                    yield str(error)


def _unanswered(name: str, peer: Peer) -> Iterator[str]:
    """Why its rooms, which connect by themselves, do not answer one of ours: what its log says of that."""
    with Client("alice@alpha.example", PASSWORD, address_of("xmpp-federation-one")) as alice:
        try:
            alice.ask(peer.rooms, PING)
        except StanzaRefused as error:
            if error.condition.startswith("remote-server-"):
                yield str(error)
        except NoAnswer as error:
            log = machine(name).check_output("tail -n 200 /var/log/ejabberd/ejabberd.log")
            yield "\n".join([str(error), *(line for line in log.splitlines() if f"connection {peer.rooms} ->" in line)])


def _start_prosody(peer: Peer) -> None:
    host = machine(peer.host)
    own = [(peer.domain, peer.person), (peer.domain, "nora")]
    for domain, person in [*own, *((f"{name}.example", "mallory") for name in STRANGERS)]:
        host.check_output("prosodyctl register %s %s %s", person, domain, PASSWORD)
    host.check_output("systemctl restart prosody")
    host.check_output("for i in $(seq 100); do ss -ltn | grep -q :5322 && exit; sleep 0.1; done; exit 1")


@pytest.fixture(scope="session", autouse=True)
def federated() -> None:
    """Everybody trusts the authority that the first deployment made, as its operator would have them do."""
    authority = machine("one").check_output("cat /etc/xmpp/certificates/alpha.example/chain.pem")

    def trust(name: str) -> None:
        path = "/usr/local/share/ca-certificates/alpha.crt"
        machine(name).check_output("printf %%s %s > %s && update-ca-certificates 2>&1", authority, path)

    with ThreadPoolExecutor() as pool:
        list(pool.map(trust, ("two", "new", "old")))
        began = [
            *(pool.submit(_start_ejabberd, PEERS[name].host, PEERS[name]) for name in EJABBERD),
            pool.submit(_start_prosody, PEERS["prosody-12"]),
        ]
        for one in began:
            one.result()


@pytest.fixture(scope="session")
def one() -> Any:
    """The host of the first deployment."""
    return machine("one")


def arrivals(host: Any, domain: str) -> set[tuple[str, str]]:
    """Out: the port of Prosody, and the address from which, of each connection that came in from a server."""
    said = host.check_output("prosodyctl shell s2s show %s 'dir remote port ip'", domain)
    rows = [[cell.strip() for cell in line.split("|")] for line in said.splitlines()]
    # what came in may be used both ways
    return {(row[-2], row[-1]) for row in rows if len(row) >= 4 and row[-4] in ("<--", "<->")}


PUSH_SERVICE = "push.alpha.example"


@pytest.fixture(scope="session")
def pushed(one: Any) -> Iterator[Callable[[], list[tuple[str, str]]]]:
    """A function: who published to the push service of the first deployment, and for which node."""
    notes, program = "/root/pushed", "/root/push_service.py"
    one.check_output("printf %%s %s > %s", (HERE / "push_service.py").read_text(encoding="utf-8"), program)
    command = (
        f"systemd-run --quiet --collect --unit push-service python3 {program} {PUSH_SERVICE} tells-the-phones {notes}"
    )
    one.check_output(f"rm -f {notes}; {command}")

    def look() -> list[tuple[str, str]]:
        lines = one.run(f"cat {notes}").stdout.splitlines()
        return [(line.split()[0], line.split()[1]) for line in lines if " " in line]

    wait_until(lambda: "connected" in one.run(f"cat {notes}").stdout, 20)
    # ejabberd forgets a phone whose service it cannot reach
    for name in EJABBERD:
        _reach_us(PEERS[name].host, PEERS[name], [PUSH_SERVICE])
    yield look
    one.check_output("systemctl stop push-service")


def connections(host: Any, domain: str) -> list[tuple[str, str, str]]:
    """Out: direction, whether by certificate (SASL) and whether by dialback, for each connection to a server."""
    said = host.check_output("prosodyctl shell s2s show %s", domain)
    rows = [[cell.strip() for cell in line.split("|")] for line in said.splitlines()]
    return [(row[2], row[6], row[7]) for row in rows if len(row) == 8 and row[3] == domain]


@pytest.fixture(scope="session")
def alice(federated: None) -> Iterator[Client]:
    """Of the first deployment, and never to be dropped."""
    with Client("alice@alpha.example", PASSWORD, address_of("xmpp-federation-one")) as client:
        yield client
        assert client.ended == 0


@pytest.fixture(scope="session")
def people(federated: None) -> Iterator[Callable[[Peer], Client]]:
    """A function from another server to somebody who is signed in there."""
    with contextlib.ExitStack() as stack:
        known: dict[str, Client] = {}

        def at(peer: Peer) -> Client:
            if peer.jid not in known:
                address = address_of(f"xmpp-federation-{peer.host}")
                known[peer.jid] = stack.enter_context(Client(peer.jid, PASSWORD, address, port=peer.port))
                # what was sent before is done by then: the server knows that somebody is there
                known[peer.jid].say(peer.jid, "here")
                assert known[peer.jid].hears("here")
            return known[peer.jid]

        yield at


@pytest.fixture(params=PEERS.values(), ids=PEERS)
def peer(request: pytest.FixtureRequest) -> Peer:
    """Each of the other servers that work, in turn."""
    found: Peer = request.param
    return found


def talk(one: Client, other: Client) -> None:
    """Each reads what the other wrote. Raises AssertionError with what came back in its place."""
    for writer, reader in ((one, other), (other, one)):
        writer.say(reader.jid, word := secrets.token_hex(4))
        assert reader.hears(word), writer.reasons


@pytest.fixture
def person(peer: Peer, people: Callable[[Peer], Client]) -> Client:
    """Somebody there."""
    return people(peer)


@pytest.fixture
def mallory(people: Callable[[Peer], Client]) -> Callable[[str], Client]:
    """A function from the name of a stranger's domain to somebody there."""
    return lambda name: people(Peer(f"{name}.example", "mallory", "", "old", 5322))


@pytest.fixture
def figures(one: Any) -> Callable[[str], dict[str, float]]:
    """A function from the name of a metric to its lines: labels → value, as Prometheus would read them."""

    def look(name: str) -> dict[str, float]:
        fetch = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:5280/metrics').read().decode())"
        lines = re.findall(rf"(?m)^{name}{{(.*)}} (\S+)$", one.check_output("python3 -c %s", fetch))
        return {labels: float(value) for labels, value in lines}

    return look
