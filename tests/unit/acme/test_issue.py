# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""module_utils/acme/issue.py: key, request, the way to prove names, and what certbot says."""

from __future__ import annotations

import http.server
import socket
import threading
from pathlib import Path

import pytest
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.acme import issue
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.acme.settings import Settings
from ansible_collections.allthingslinux.xmpp.tests.unit.acme import acme_support as support
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

# recorded from certbot 4.0.0 of Debian 13 against pebble
REFUSED = """Saving debug log to /var/lib/xmpp-acme/log/letsencrypt.log
Requesting a certificate for nobody.example and 2 more domains

Certbot failed to authenticate some domains (authenticator: webroot). The Certificate Authority reported these problems:
  Domain: nobody.example
  Type:   dns
  Detail: DNS problem: NXDOMAIN looking up A for nobody.example

Hint: The Certificate Authority failed to download the temporary challenge files created by Certbot.

Some challenges have failed.
Ask for help or search for solutions at https://community.letsencrypt.org. See the logfile
"""
DOWN = """Saving debug log to /var/lib/xmpp-acme/log/letsencrypt.log
An unexpected error occurred:
requests.exceptions.ConnectionError: HTTPSConnectionPool(host='localhost', port=1): Connection refused
Ask for help or search for solutions at https://community.letsencrypt.org. See the logfile
"""


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (REFUSED, "Domain: nobody.example Detail: DNS problem: NXDOMAIN looking up A for nobody.example"),
        (
            DOWN,
            "requests.exceptions.ConnectionError: HTTPSConnectionPool(host='localhost', port=1): Connection refused",
        ),
        ("", "certbot gave no reason"),
    ],
)
def test_the_reason_out_of_what_certbot_says(said, told):
    assert issue.told(said) == told


def test_a_key_is_made_once_for_root_alone(tmp_path):
    path = tmp_path / "privkey.pem"
    issue.make_key(path)
    made = path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    key = serialization.load_pem_private_key(made, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert key.curve.name == "secp256r1"
    issue.make_key(path)
    assert path.read_bytes() == made
    assert [one.name for one in tmp_path.iterdir()] == ["privkey.pem"]


@pytest.mark.parametrize("damage", ["", "no key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_a_key_that_is_damaged_is_made_anew(tmp_path, damage):
    path = tmp_path / "privkey.pem"
    path.write_text(damage, encoding="ascii")
    issue.make_key(path)
    assert serialization.load_pem_private_key(path.read_bytes(), None)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_request_has_the_names_and_no_subject(tmp_path):
    key, request = tmp_path / "privkey.pem", tmp_path / "request.pem"
    issue.make_key(key)
    issue.make_request(key, ["example.org", "*.example.org"], request)
    read = x509.load_pem_x509_csr(request.read_bytes())
    assert list(read.subject) == []
    names = read.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["example.org", "*.example.org"]


@pytest.fixture
def webserver(tmp_path, request):
    """Shows a folder for every name but one, at 127.0.0.1 or the address it is asked for."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, directory=str(tmp_path / "www"), **kwargs)

        def do_GET(self):
            if self.headers["Host"] == "other.example":
                self.send_error(404)
            else:
                super().do_GET()

        def log_message(self, *_args):
            pass

    server = http.server.ThreadingHTTPServer((getattr(request, "param", "127.0.0.1"), 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def test_whoever_has_the_port_is_looked_at_before_the_server_does(tmp_path, webserver):
    root = tmp_path / "www"
    issue.shows(root, ["example.org", "muc.example.org"], webserver)
    with pytest.raises(
        issue.IssueError, match=r"http://other.example/.* answers with 'HTTP 404' at 127.0.0.1. Have it show"
    ):
        issue.shows(root, ["example.org", "other.example"], webserver)
    assert list((root / issue.CHALLENGES).iterdir()) == []


@pytest.mark.parametrize("webserver", ["127.0.0.2"], indirect=True)
def test_a_server_that_is_bound_to_another_address_is_asked_there(tmp_path, webserver):
    root = tmp_path / "www"
    issue.shows(root, ["example.org"], webserver)
    with pytest.raises(issue.IssueError, match=r"'HTTP 404' at 127[.]0[.]0[.]2"):
        issue.shows(root, ["other.example"], webserver)


def test_where_a_port_is_looked_at():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert issue.listening_at(port) == ["127.0.0.1"]
    with socket.create_server(("0.0.0.0", 0)) as taken:
        assert issue.listening_at(taken.getsockname()[1]) == ["127.0.0.1"]
    # where nobody is seen, as one who may not look sees it
    assert issue.listening_at(port) == ["127.0.0.1"]


def test_a_port_is_free_or_not(webserver):
    assert not issue.port_is_free(webserver)


@pytest.mark.parametrize(
    ("challenge", "free", "way"),
    [
        ("dns-01", False, ["--authenticator", "dns-rfc2136"]),
        ("http-01", True, ["--authenticator", "standalone"]),
        ("http-01", False, ["--authenticator", "webroot", "--webroot-path", "/srv/acme"]),
    ],
)
def test_the_way_to_prove_names(monkeypatch, challenge, free, way):
    looked = []
    monkeypatch.setattr(issue, "port_is_free", lambda: free)
    monkeypatch.setattr(issue, "shows", lambda root, names: looked.append((root, names)))
    assert issue.way(Settings(support.DIRECTORY, challenge, "/srv/acme"), ["example.org"]) == way
    assert looked == ([(Path("/srv/acme"), ["example.org"])] if "webroot" in way else [])


class Certbot:
    """Answers with what it is given, and notes how it was called. openssl is the real one."""

    def __init__(self, answers):
        self.answers, self.calls, self.really = list(answers), [], issue.call

    def __call__(self, command, environment=None, timeout=600):
        if command[0] != "certbot":
            return self.really(command, environment, timeout)
        self.calls.append((list(command), dict(environment or {})))
        code, said = self.answers.pop(0)
        if not code:
            for option in ("--cert-path", "--chain-path", "--fullchain-path"):
                Path(command[command.index(option) + 1]).write_text(option)
        return code, said


@pytest.fixture
def certbot(monkeypatch):
    def made(*answers):
        found = Certbot(answers)
        monkeypatch.setattr(issue, "call", found)
        monkeypatch.setattr(issue, "port_is_free", lambda: True)
        return found

    return made


def test_certbot_gets_a_request_and_no_secret(tmp_path, certbot):
    where, called = support.places(tmp_path), certbot((0, ""))
    key = tmp_path / "privkey.pem"
    issue.make_key(key)
    with issue.issued(where, Settings(support.DIRECTORY, authority="/etc/ca.pem"), key, ["example.org"]) as (
        full,
        chain,
    ):
        assert (full.read_text(), chain.read_text()) == ("--fullchain-path", "--chain-path")
    assert not full.exists()
    [(command, environment)] = called.calls
    assert command[:4] == ["certbot", "certonly", "--config", str(where.certbot)]
    assert "--csr" in command
    assert environment == {"REQUESTS_CA_BUNDLE": "/etc/ca.pem"}


def test_an_account_that_was_forgotten_is_made_anew_once(tmp_path, certbot):
    where = support.places(tmp_path)
    (where.state / "certbot" / "accounts").mkdir(parents=True)
    key = tmp_path / "privkey.pem"
    issue.make_key(key)
    forgotten = (1, "urn:ietf:params:acme:error:accountDoesNotExist")
    called = certbot(forgotten, (0, ""))
    with issue.issued(where, Settings(support.DIRECTORY), key, ["example.org"]):
        pass
    assert len(called.calls) == 2
    assert not (where.state / "certbot" / "accounts").exists()
    called = certbot(forgotten, forgotten)
    refused = pytest.raises(issue.IssueError, match=r"issued no certificate for example[.]org")
    with refused, issue.issued(where, Settings(support.DIRECTORY), key, ["example.org"]):
        pass
    assert len(called.calls) == 2


def test_a_program_that_is_not_there_is_named():
    with pytest.raises(issue.IssueError, match="/nonexistent cannot be run"):
        issue.call(["/nonexistent"])
    with pytest.raises(issue.IssueError, match="did not end within"):
        issue.call(["sleep", "5"], timeout=0.05)


def test_a_key_or_a_request_that_a_full_disk_cut_off_is_none(tmp_path, monkeypatch):
    """openssl ends well then, and certbot says that it cannot parse the request."""

    def cut_off(command, *_more):
        Path(command[command.index("-out") + 1]).write_text("")
        return 0, ""

    monkeypatch.setattr(issue, "call", cut_off)
    with pytest.raises(issue.IssueError, match="no space left on its disk"):
        issue.make_key(tmp_path / "privkey.pem")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(issue.IssueError, match="no space left on its disk"):
        issue.make_request(tmp_path / "privkey.pem", ["example.org"], tmp_path / "request.pem")
