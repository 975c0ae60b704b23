# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Having a certificate issued: key and request by openssl, the rest by certbot. The only part that talks to the server.

certbot is given a request (--csr), so that the key, which DNS may vouch for (TLSA), stays the same, and so that
certbot's own renewals, which run hooks at other times than this does, never touch it.
"""

from __future__ import annotations

import errno
import http.client
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.acme.settings import Places, Settings
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.host.listeners import read_listeners

CHALLENGES = ".well-known/acme-challenge"
_FORGOTTEN = "accountDoesNotExist"
# what certbot says beside what happened
_NOISE = (
    "Saving debug log",
    "Ask for help",
    "- - -",
    "Requesting a certificate",
    "Renewing an existing",
    "Account registered",
    "Hint:",
    "See the logfile",
    "Some challenges have failed",
    "An unexpected error occurred",
    "Waiting ",
)


class IssueError(XmppError):
    """No certificate was issued; the text says why. Nothing was changed."""


def call(command: Sequence[str], environment: Mapping[str, str] | None = None, timeout: float = 600) -> tuple[int, str]:
    """Run a program. Out: its code and all that it said. Raises IssueError where it cannot be run."""
    try:
        # not in a module's process alone: the timer runs this without Ansible
        done = subprocess.run(  # pylint: disable=ansible-bad-function
            list(command),
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except OSError as error:
        raise IssueError(f"{command[0]} cannot be run: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise IssueError(f"{command[0]} did not end within {timeout:.0f} s") from error
    return done.returncode, done.stdout


def told(output: str) -> str:
    """What certbot said of a failure, in one line. Pure."""
    lines = [" ".join(line.split()) for line in output.splitlines()]
    lines = [line for line in lines if line and not line.startswith(_NOISE)]
    details = [line for line in lines if line.startswith(("Domain:", "Detail:"))]
    return " ".join(details or lines[-4:])[:600] or "certbot gave no reason"


def see_whole(path: Path) -> None:
    """Raise IssueError where openssl has not written a file to its end: it does not notice that a disk is full."""
    if "-----END " not in path.read_text(encoding="ascii", errors="replace"):
        raise IssueError(f"openssl could not write to {path.parent}: is there no space left on its disk?")


def make_key(path: Path) -> None:
    """Make a key where there is none that openssl can read: on curve P-256, for root alone. Raises IssueError."""
    if path.exists() and not call(["openssl", "pkey", "-in", str(path), "-noout", "-passin", "pass:"])[0]:
        return
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".privkey.")
    os.close(descriptor)
    try:
        code, said = call(
            ["openssl", "genpkey", "-quiet", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", name]
        )
        if code:
            raise IssueError(f"openssl makes no key: {said.strip()}")
        see_whole(Path(name))
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)


def make_request(key: Path, names: Sequence[str], path: Path) -> None:
    """Write a request for a certificate. The names are in its extension alone, as all servers read it."""
    wanted = ",".join(f"DNS:{name}" for name in names)
    code, said = call(
        [
            "openssl",
            "req",
            "-new",
            "-key",
            str(key),
            "-subj",
            "/",
            "-addext",
            f"subjectAltName={wanted}",
            "-out",
            str(path),
        ]
    )
    if code:
        raise IssueError(f"openssl makes no request for {', '.join(names)}: {said.strip()}")
    see_whole(path)


def port_is_free(port: int = 80) -> bool:
    """Whether nobody on this host has a TCP port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise IssueError(f"port {port} cannot be looked at: {error.strerror}") from error
    return True


_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def listening_at(port: int = 80) -> list[str]:
    """Return the addresses at which programs of this host have a TCP port; loopback first, and where none is seen."""
    found = [_EVERYWHERE.get(one.address, one.address) for one in read_listeners([port]) if one.protocol == "tcp"]
    return sorted(dict.fromkeys(found), key=lambda one: one not in _EVERYWHERE.values()) or ["127.0.0.1"]


def seen_at(name: str, path: str, port: int = 80, address: str = "127.0.0.1") -> str:
    """What http://NAME/PATH is at an address of this host; "HTTP 404" and the like where it is not there."""
    connection = http.client.HTTPConnection(address, port, timeout=10)
    try:
        connection.request("GET", f"/{path}", headers={"Host": name})
        answer = connection.getresponse()
        text = answer.read(200).decode("ascii", "replace")
    except (OSError, http.client.HTTPException) as error:
        return str(error) or type(error).__name__
    finally:
        connection.close()
    return text if answer.status == 200 else f"HTTP {answer.status}"


def shows(webroot: Path, names: Sequence[str], port: int = 80) -> None:
    """See that whatever has port 80 shows what lies in webroot, before the server looks. Raises IssueError."""
    place = webroot / CHALLENGES
    place.mkdir(mode=0o755, parents=True, exist_ok=True)
    token = f"xmpp-{secrets.token_hex(8)}"
    file = place / token
    file.write_text(token, encoding="ascii")
    file.chmod(0o644)
    try:
        addresses = listening_at(port)
        for name in names:
            told = {}
            for address in addresses:
                told[address] = seen_at(name, f"{CHALLENGES}/{token}", port, address)
                if told[address] == token:
                    break
            else:
                seen = ", ".join(f"{text[:60]!r} at {address}" for address, text in told.items())
                raise IssueError(
                    f"http://{name}/{CHALLENGES}/ on this host is not {place}, from where names are proved: the "
                    f"program that has port {port} answers with {seen}. Have it show that directory for {name}, "
                    "or set certificates_acme_challenge to dns-01"
                )
    finally:
        file.unlink(missing_ok=True)


def way(settings: Settings, names: Sequence[str]) -> list[str]:
    """The options of certbot by which names are proved. Raises IssueError where that would fail."""
    if settings.challenge == "dns-01":
        return ["--authenticator", f"dns-{settings.provider}"]
    if port_is_free():
        return ["--authenticator", "standalone"]
    shows(Path(settings.webroot), names)
    return ["--authenticator", "webroot", "--webroot-path", settings.webroot]


@contextmanager
def issued(places: Places, settings: Settings, key: Path, names: Sequence[str]) -> Iterator[tuple[Path, Path]]:
    """Have a certificate issued for a key. Out: files with the whole chain and with the issuers, gone afterwards.

    An account that the server does not know any more is made anew. Raises IssueError, OSError.
    """
    places.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    how = way(settings, names)
    with tempfile.TemporaryDirectory(dir=places.state, prefix="issue-") as scratch:
        request, place = Path(scratch) / "request.pem", Path(scratch)
        make_request(key, names, request)
        command = ["certbot", "certonly", "--config", str(places.certbot), "--csr", str(request), *how]
        for part in ("cert", "chain", "fullchain"):
            command += [f"--{part}-path", str(place / f"{part}.pem")]
        environment = {"REQUESTS_CA_BUNDLE": settings.authority} if settings.authority else {}
        code, said = call(command, environment)
        if code and _FORGOTTEN in said + _log(places):
            shutil.rmtree(places.state / "certbot" / "accounts", ignore_errors=True)
            code, said = call(command, environment)
        if code:
            raise IssueError(f"{settings.directory} issued no certificate for {', '.join(names)}: {told(said)}")
        yield place / "fullchain.pem", place / "chain.pem"


def _log(places: Places) -> str:
    """The log of certbot's last run."""
    try:
        return (places.state / "log" / "letsencrypt.log").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
