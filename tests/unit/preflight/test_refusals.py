# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbook site and single roles over inventories with mistakes: one list, no secret, no change, and Ansible as it is.

The hosts answer out of a file (connection_plugins/canned.py). Each mistake has a host of its own, so that one run shows
all of them; what is wrong is what an operator wrote, with something planted in it that must not come out.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret

ROOT = Path(__file__).resolve().parents[3]
PLANTED = "planted-secret"
DIGITS = "9876543210"
FACTS = {
    "ansible_distribution": "Debian",
    "ansible_distribution_major_version": "13",
    "ansible_distribution_version": "13.1",
    "ansible_effective_user_id": 0,
    "ansible_interfaces": ["lo", "eth0"],
    "ansible_lo": {"ipv4": {"address": "127.0.0.1"}},
    "ansible_default_ipv4": {"address": "192.0.2.1"},
    "ansible_all_ipv4_addresses": ["192.0.2.1"],
    "ansible_fqdn": "host.test",
    "ansible_memtotal_mb": 2048,
    "ansible_pkg_mgr": "apt",
}
ANSWERS: dict[str, Any] = {
    "setup": {"ansible_facts": FACTS},
    "listeners_info": {"listeners": []},
    "prosody_continuity": {"objections": [], "source": "none"},
    "prosody_config": {"changed": False},
    "certificates_info": {"problems": [], "certificates": [], "unfit": []},
    "backup_key_info": {"problems": []},
    "packages_info": {"packages": {}, "problems": []},
    "postgresql_clusters_info": {"clusters": {}, "misplaced": [], "databases": [], "lines": []},
    "command": {"rc": 0, "stdout": json.dumps({"rc": 0, "stdout": "closed", "changed": True})},
}
WHERE = re.compile(r" \(set in [^)]*\)")


def vault(text: str) -> str:
    return VaultLib([("default", VaultSecret(b"of-the-vault"))]).encrypt(text.encode()).decode()


@dataclass
class Inventory:
    """An operator's folder. groups: group → hosts; hosts: host → variables, or the text of its file."""

    top: Path
    groups: dict[str, list[str]]
    hosts: dict[str, Any]
    common: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder = self.top / "inventory"
        for name in ("home", "inventory/host_vars", "inventory/group_vars"):
            (self.top / name).mkdir(parents=True)
        children = {group: {"hosts": dict.fromkeys(names)} for group, names in self.groups.items()}
        hosts = {name: {"ansible_connection": "canned"} for name in self.hosts}
        (self.folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": hosts, "children": children}}))
        common = {"ansible_python_interpreter": sys.executable, **self.common}
        (self.folder / "group_vars/all.yml").write_text(yaml.safe_dump(common))
        for name, variables in self.hosts.items():
            text = variables if isinstance(variables, str) else yaml.safe_dump(variables)
            (self.folder / f"host_vars/{name}.yml").write_text(text)
        (self.top / "vault-password").write_text("of-the-vault\n")
        (self.top / "canned.json").write_text(json.dumps({"all": ANSWERS, **self.answers}))

    def run(self, *options: str, play: str = "") -> Run:
        """Run playbook site, or a play of the operator's own."""
        book = ROOT / "playbooks" / "site.yml"
        if play:
            book = self.top / "play.yml"
            book.write_text(play)
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.top / "home"),
            "CANNED": str(self.top / "canned.json"),
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".cache"),
            "ANSIBLE_CONNECTION_PLUGINS": str(Path(__file__).parent / "connection_plugins"),
            "ANSIBLE_DEPRECATION_WARNINGS": "false",
            "LC_ALL": "C.UTF-8",
        }
        secrets = ["--vault-password-file", str(self.top / "vault-password")]
        done = subprocess.run(
            [sys.executable, "-m", "ansible", "playbook", "-i", str(self.folder), *secrets, str(book), *options],
            env=environment,
            cwd=self.top,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
            check=False,
        )
        would = self.top / "would-run"
        made = self.folder / ".secrets"
        return Run(
            done.returncode, done.stdout, would.read_text().splitlines() if would.exists() else [], made.exists()
        )


@dataclass(frozen=True)
class Run:
    """Exit code, all that was printed, which further modules would have run, and whether secrets were made."""

    code: int
    output: str
    would_run: list[str]
    made: bool

    @property
    def lines(self) -> list[str]:
        """The lines of the report, each as often as it stands there."""
        return [WHERE.sub("", line) for line in self.output.splitlines() if line.startswith("- ")]

    def of(self, host: str) -> list[str]:
        """What is told of one host."""
        return [line.partition(": ")[2] for line in self.lines if line[2:].partition(": ")[0] == host]

    def refused(self) -> Run:
        """Itself. Raises AssertionError unless it was refused before any change, in our words and without a secret."""
        assert self.code != 0, self.output
        assert self.would_run == [], "more than looking was done"
        assert not self.made, "secrets were made"
        assert "in the way, and nothing was changed" in self.output, self.output[-3000:]
        recap = re.findall(r"changed=(\d+)", self.output)
        assert recap, "no recap"
        assert set(recap) == {"0"}
        assert PLANTED not in self.output, around(self.output, PLANTED)
        assert DIGITS not in self.output, around(self.output, DIGITS)
        for word in ("Traceback", "argument_spec_data", "argument_errors", "_AnsibleTagged", "<class", "NoneType"):
            assert word not in self.output, around(self.output, word)
        return self


def around(text: str, word: str) -> str:
    found = text.index(word)
    return text[max(0, found - 600) : found + 200]


QUOTES = "is a number where a text belongs: put it between quotes."
A_LIST = "write each item on a line of its own after a hyphen, or all of them in brackets"
A_MAPPING = "write a line with a key and its value for each, or {} for none"
ON_COMMAND_LINE = "on the command line -e takes JSON for that"
ME = {"jid": "a@example.test"}

#: mistakes in accounts of one list: the account, and what is told after its place
ACCOUNTS: dict[str, tuple[Any, str]] = {
    "key": (ME | {"pasword": PLANTED}, " has a key pasword, which there is not: did you mean password?"),
    "digits": (ME | {"password": int(DIGITS)}, f".password {QUOTES}"),
    "digits behind a name": (ME | {"password": "{{ vault_digits }}"}, f".password {QUOTES}"),
    "yes": (ME | {"password": True}, ".password is true or false where a text belongs: put it between quotes."),
    "list": (ME | {"password": [PLANTED]}, ".password is a list where a text belongs: write one text."),
    "text": (f"a@example.test:{PLANTED}", f" is a text where a mapping belongs: {A_MAPPING}; {ON_COMMAND_LINE}."),
    "no jid": ({"password": PLANTED}, " has no jid: give it."),
    "swapped": (
        {"jid": PLANTED, "password": "a@example.test"},
        ".jid is not the JID of an account: it has no account part before an @. Write it as in juliet@example.org.",
    ),
    "choice": (ME | {"update_password": PLANTED}, ".update_password is none of always, on_create: choose one of them."),
    "undefined": (
        ME | {"password": PLANTED + "{{ vault_nope }}"},
        ".password refers to vault_nope, which is set nowhere: set it, or correct the name.",
    ),
    "nearly defined": (
        ME | {"password": "{{ vault_pasword }}"},
        ".password refers to vault_pasword, which is set nowhere: did you mean vault_password?",
    ),
    "braces": (
        ME | {"password": PLANTED + "{{ vault_x"},
        ".password is no template that can be read: see its braces, brackets and quotes.",
    ),
    "filter": (
        ME | {"password": "{{ '" + PLANTED + "' | nope }}"},
        ".password uses the filter nope, which there is not: correct it.",
    ),
    "file": (
        ME | {"password": "{{ lookup('ansible.builtin.file', '/nowhere/" + PLANTED + "') }}"},
        ".password looks up a file that there is not on the controller: correct its path.",
    ),
    "sum": (
        ME | {"password": "{{ '" + PLANTED + "' + 5 }}"},
        ".password cannot be worked out: see what it is made of.",
    ),
}

#: mistakes of one host that is in all groups but monitoring: variables, and what is told
VARIABLES: dict[str, tuple[dict[str, Any], str]] = {
    "itself": ({"prosody_motd": "{{ prosody_motd }}"}, "prosody_motd is made of itself: give it a value of its own."),
    "registration": (
        {"xmpp_registration": "open"},
        "xmpp_registration is none of closed, invite, public: choose one of them.",
    ),
    "names of hosts": (
        {"prosody_hosts": ["op.test"]},
        f"prosody_hosts[0] is a text where a mapping belongs: {A_MAPPING}; {ON_COMMAND_LINE}.",
    ),
    "federation": (
        {"prosody_federation": "nope"},
        "prosody_federation is a text where true or false belongs: write true or false, without quotes; "
        f"{ON_COMMAND_LINE}.",
    ),
    "port": ({"prosody_c2s_ports": 5222}, f"prosody_c2s_ports is a number where a list belongs: {A_LIST}."),
    "port word": (
        {"prosody_s2s_ports": [PLANTED]},
        "prosody_s2s_ports[0] is a text where a whole number belongs: write digits.",
    ),
    "null": (
        {"prosody_admins": None},
        "prosody_admins is empty where a list belongs: write [] for none, or remove the line.",
    ),
    "null word": (
        {"prosody_log_level": None},
        "prosody_log_level is empty where a text belongs: choose one of debug, info, warn, error, or remove the line.",
    ),
    "backend": ({"xmpp_backend": "docker"}, "xmpp_backend is none of host, container: choose one of them."),
    "storage": (
        {"prosody_storage": "mysql"},
        "prosody_storage is none of postgresql, sqlite, internal, memory: choose one of them.",
    ),
    "own variable": (
        {"prosody_acounts": []},
        "Role prosody has no variable prosody_acounts: did you mean prosody_accounts?",
    ),
    "prefix": ({"prosdy_accounts": []}, "There is no variable prosdy_accounts: did you mean prosody_accounts?"),
    "vocabulary": (
        {"xmpp_registraton": "open"},
        "There is no variable xmpp_registraton: did you mean xmpp_registration?",
    ),
    "letsencrypt": (
        {"xmpp_certificate_source": "letsencrypt"},
        "xmpp_certificate_source is none of acme, ca, files: choose one of them.",
    ),
    "key of a file": (
        {"certificates_files": [{"fullchan": PLANTED, "privkey": "y"}]},
        "certificates_files[0] has a key fullchan, which there is not: did you mean fullchain?",
    ),
    "turn digits": ({"coturn_secret": int(DIGITS)}, f"coturn_secret {QUOTES}"),
    "turn port": ({"coturn_port": PLANTED}, "coturn_port is a text where a whole number belongs: write digits."),
    "turn name": ({"turn_total_bps": 5}, "There is no variable turn_total_bps: did you mean coturn_total_bps?"),
    "option": (
        {"prosody_options": {"archive_cleanup_intervall": PLANTED}},
        "prosody_options.archive_cleanup_intervall: nothing in Prosody or its packaged modules reads it; is it "
        "'archive_cleanup_interval'? (prosody_lint_ignore: ['unread-option:archive_cleanup_intervall'] keeps it)",
    ),
    "database digits": (
        {"postgresql_extra_users": [{"name": "x", "password": int(DIGITS)}, {"name": "y", "pasword": PLANTED}]},
        f"postgresql_extra_users[0].password {QUOTES}",
    ),
    "database key": ({}, "postgresql_extra_users[1] has a key pasword, which there is not: did you mean password?"),
    "database name": (
        {"postgres_options": {}},
        "There is no variable postgres_options: did you mean postgresql_options?",
    ),
}

VAULTED = f"xmpp_domain: example.test\nprosody_accounts:\n- jid: a@example.test\n  password: {DIGITS}\n"
DOMAIN = {"xmpp_domain": "example.test"}
ACME: dict[str, Any] = {
    "xmpp_certificate_source": "acme",
    "certificates_acme_directory": "https://acme.test/directory",
    "certificates_acme_terms_agreed": True,
}

#: mistakes with a host each, which is in group prosody: variables, or the text of their file, and what is told
HOSTS: dict[str, tuple[Any, str]] = {
    "vaulted": (vault(VAULTED), f"prosody_accounts[0].password {QUOTES}"),
    "mapping": (
        {"prosody_accounts": {"a@example.test": PLANTED}},
        f"prosody_accounts is a mapping where a list belongs: {A_LIST}.",
    ),
    "nowhere": (
        "prosody_metrics: true\n",
        "xmpp_domain is set nowhere, and is needed: set it in group_vars/all, or for the host.",
    ),
    "size": (
        {"prosody_upload_max_size": PLANTED},
        "prosody_upload_max_size: expected a size such as 100 MiB or 2 GB",
    ),
    "number": ({"prosody_secrets": {"x": int(DIGITS)}}, "prosody_secrets.x: the secret must be a text that is not"),
    "secret": (
        {"prosody_options": {"a_password": {"from_secret": PLANTED}}},
        "prosody_options.a_password: from_secret names an entry of prosody_secrets, and there is none of that name",
    ),
    "disabled": (
        {"prosody_modules_disabled": ["bossh"]},
        "prosody_modules_disabled[0]: nothing enables a module bossh: did you mean bosh?",
    ),
    "files": (
        {"xmpp_certificate_source": "files", "prosody_standard_components": ["muc"]},
        "certificates_files has no certificate for example.test, which is to cover example.test, muc.example.test",
    ),
    "absent": (
        {
            "xmpp_certificate_source": "files",
            "certificates_files": [{"fullchain": "/nowhere/x", "privkey": "/nowhere/y"}],
        },
        "certificates_files: /nowhere/x, /nowhere/y cannot be found on the controller",
    ),
    "terms": (ACME | {"certificates_acme_terms_agreed": False}, "certificates_acme_terms_agreed is not true: https://"),
    "days": (
        DOMAIN | {"certificates_days": 367},
        "certificates_days is 367: clients refuse what was issued for too long, so 366 are the most.",
    ),
    "port80": (ACME, "Port 80/tcp, wanted for the proof of names (certificates_acme_challenge), is taken by apache2"),
    "lost": ({}, "The certificates of this host were issued by"),
    "data": ({}, "accounts of example.test would stay in internal: move them."),
    "taken": ({}, "Port 5222/tcp, wanted for clients, is taken by ejabberd (pid 7) on 0.0.0.0: stop that"),
    "bookworm": ({}, "This host is Debian 12.9, which is not supported: use Debian 13."),
    "no-python": ({}, "There is no Python on the host: install it there with apt-get install python3."),
    "full": ({}, "There is no room left for temporary files: see df -h /tmp /var/tmp on the host, and make some."),
    "silent": (
        {},
        "The host cannot be reached (No route to host): see ansible_host, ansible_port, and whether it runs.",
    ),
    "somebody": (
        {},
        "Ansible comes to the host as alice, who is not root: set ansible_become: true (and -K where sudo asks).",
    ),
}
EJABBERD = {
    "protocol": "tcp",
    "address": "0.0.0.0",
    "port": 5222,
    "process": "ejabberd",
    "pid": 7,
    "unit": "",
    "user": "ejabberd",
}
OBJECTION = {"kind": "storage", "text": "accounts of example.test would stay in internal: move them."}
REMARK = "prosody.cfg.lua:12: c2s_timeout wants a number (give one) [wrong-type]"
NO_PYTHON = {"rc": 127, "stdout": "", "stderr": "/bin/sh: 1: /usr/bin/python3: not found"}
NO_ROOM = {"rc": 1, "stdout": "", "stderr": "OSError: [Errno 28] No space left on device"}
BOOKWORM = FACTS | {"ansible_distribution_major_version": "12", "ansible_distribution_version": "12.9"}
ALICE = FACTS | {"ansible_effective_user_id": 1000, "ansible_user_id": "alice"}
HOSTS_THAT_ANSWER_OTHERWISE: dict[str, Any] = {
    "lost": {"certificates_info": {"refused": ["The certificates of this host were issued by X."], "problems": ["no"]}},
    "data": {"prosody_continuity": {"failed": True, "objections": [OBJECTION], "msg": "long"}},
    "taken": {"listeners_info": {"listeners": [EJABBERD]}},
    "port80": {"listeners_info": {"listeners": [EJABBERD | {"port": 80, "process": "apache2"}]}},
    "bookworm": {"setup": {"ansible_facts": BOOKWORM}},
    "no-python": {"setup": NO_PYTHON},
    "full": {"setup": NO_ROOM},
    "silent": {"setup": {"unreachable": "No route to host"}},
    "somebody": {"setup": {"ansible_facts": ALICE}},
}


@pytest.fixture(scope="module")
def all_mistakes(tmp_path_factory) -> Run:
    accounts = {
        # each of an account of its own, or that would be one more mistake
        "prosody_accounts": [
            given | {"jid": f"a{index}@example.test"}
            if isinstance(given, dict) and given.get("jid") == ME["jid"]
            else given
            for index, (given, _told) in enumerate(ACCOUNTS.values())
        ],
        "vault_digits": int(DIGITS),
        "vault_password": PLANTED,
    }
    variables: dict[str, Any] = {}
    for given, _told in VARIABLES.values():
        variables |= given
    hosts: dict[str, Any] = {"accounts": DOMAIN | accounts, "variables": DOMAIN | variables}
    for name, (given, _told) in HOSTS.items():
        hosts[name] = given if isinstance(given, str) else DOMAIN | given
    groups = {"prosody": list(hosts), "coturn": ["variables"], "postgresql": ["variables"]}
    # each host stands for a deployment of its own
    common = {"prosody_storage": "internal", "prosody_turn_host": "", "postgresql_client_addresses": []}
    folder = tmp_path_factory.mktemp("mistakes")
    return Inventory(folder, groups, hosts, common, HOSTS_THAT_ANSWER_OTHERWISE).run("-vvv")


def test_every_mistake_is_refused_before_the_first_change_and_nothing_planted_is_shown(all_mistakes):
    all_mistakes.refused()


@pytest.mark.parametrize("mistake", ACCOUNTS)
def test_what_is_told_of_accounts(all_mistakes, mistake):
    place = f"prosody_accounts[{list(ACCOUNTS).index(mistake)}]"
    told = [line for line in all_mistakes.of("accounts") if line.startswith(place)]
    assert told == [f"{place}{ACCOUNTS[mistake][1]}"]


@pytest.mark.parametrize("mistake", VARIABLES)
def test_what_is_told_of_variables(all_mistakes, mistake):
    told = VARIABLES[mistake][1]
    assert len([line for line in all_mistakes.of("variables") if line.startswith(told)]) == 1


def test_nothing_else_is_told(all_mistakes):
    assert len(all_mistakes.of("accounts")) == len(ACCOUNTS)
    assert len(all_mistakes.of("variables")) == len(VARIABLES), all_mistakes.of("variables")


@pytest.mark.parametrize("host", HOSTS)
def test_what_is_told_of_hosts(all_mistakes, host):
    told = all_mistakes.of(host)
    assert [line[: len(HOSTS[host][1])] for line in told] == [HOSTS[host][1]], told


#: mistakes of every kind in one inventory: variables, and how each line begins
MIXED: tuple[tuple[dict[str, Any], tuple[str, ...]], ...] = (
    # what is of another type, misspelt, undefined, or as in the sample
    ({"prosody_federation": "nope"}, ("prosody_federation is a text where true or false belongs",)),
    ({"prosody_c2s_ports": [PLANTED, 15222]}, ("prosody_c2s_ports[0] is a text where a whole number belongs",)),
    (
        {"xmpp_registraton": PLANTED}
        | dict.fromkeys(("xmpp_domian", "turn_secrt", "postgresql_pasword", "email_usernam"), PLANTED),
        (
            "There is no variable xmpp_registraton",
            "There is no variable xmpp_domian: did you mean xmpp_domain?",
            "There is no variable turn_secrt: did you mean coturn_secret?",
            "Role postgresql has no variable postgresql_pasword",
            "There is no variable email_usernam: did you mean monitoring_email_username?",
        ),
    ),
    # a role that no host has tells nothing of its own
    ({"proxy_https_prot": 8443}, ("There is no variable proxy_https_prot: did you mean proxy_https_port?",)),
    # forms that programs would refuse when they start
    (
        {
            "coturn_external_address": "300.1.2.3",
            "coturn_user_quota": -5,
            "monitoring_webhooks": [f"ftp://{PLANTED} x"],
            "monitoring_scrape_interval": 0,
            "monitoring_repeat_interval": "often",
            "monitoring_email_server": "mail.example.test:99999",
            "postgresql_max_connections": 0,
        },
        (
            "coturn_external_address is not an address",
            "coturn_user_quota is too small: it cannot be below 0",
            "monitoring_webhooks[0] is not the address of a web server",
            "monitoring_scrape_interval is too small: it must be 1 or more",
            "monitoring_repeat_interval is not a duration",
            "monitoring_email_server is not a server with its port",
            "postgresql_max_connections is too small: it must be 10 or more",
        ),
    ),
    ({"prosody_community_modules": [PLANTED]}, ("prosody_community_modules[0] is a text where a mapping belongs",)),
    ({"prosody_motd": "{{ vault_motd }}"}, ("prosody_motd refers to vault_motd, which is set nowhere",)),
    ({"monitoring_email_password": "change-me-before-you-deploy"}, ("monitoring_email_password is what the sample",)),
    ({"coturn_relay_port_min": 60000, "coturn_relay_port_max": 50000}, ("Relay ports 60000 to 50000 are no range",)),
    ({"postgresql_options": [PLANTED]}, ("postgresql_options is a list where a mapping belongs",)),
    # accounts: one that is no mapping, and beside it two passwords and a domain
    (
        {
            "prosody_accounts": [
                f"a@example.test:{PLANTED}",
                {"jid": "b@example.test", "password": "short"},
                {"jid": "c@other.test", "password": "Wherefore-16-art"},
                {"jid": "d@example.test", "password": "change-me-before-you-deploy"},
                {"jid": "e@example.test", "password": int(DIGITS)},
                {"jid": "f@example.test", "role": "prosody:member"},
                {"jid": "f@example.test"},
            ]
        },
        (
            "prosody_accounts[0] is a text where a mapping belongs",
            "prosody_accounts[1].password: the password of b@example.test is shorter",
            "prosody_accounts[2].jid: its domain is none of prosody_hosts (example.test)",
            "prosody_accounts[3].password is what the sample",
            "prosody_accounts[4].password is a number where a text belongs",
            "prosody_accounts[6].jid: the same account is declared twice",
        ),
    ),
    # what only the model knows
    (
        {
            "prosody_options": {
                "storage": "sql",
                "c2s-timeout": 5,
                "a_password": {"from_secret": PLANTED},
                "firewall_scripts": [],
            }
        },
        (
            "prosody_options.storage: set prosody_storage and prosody_stores instead",
            "prosody_options.c2s-timeout: 'c2s-timeout' is no name for an option",
            "prosody_options.a_password: from_secret names an entry of prosody_secrets",
            "prosody_options.firewall_scripts: set prosody_firewall_scripts instead",
        ),
    ),
    ({"prosody_upload_max_size": "much"}, ("prosody_upload_max_size: expected a size such as 100 MiB or 2 GB",)),
    ({"prosody_modules": ["mod_bob", "fierwall"]}, ("prosody_modules[0]", "prosody_modules[1]")),
    ({"prosody_modules_disabled": ["bossh"]}, ("prosody_modules_disabled[0]: nothing enables a module bossh",)),
    (
        {
            "prosody_rooms": [
                {"jid": "a@muc.example.test", "titel": "A"},
                {"jid": "b@muc.example.test", "affiliations": {"ownr": ["b@example.test"]}, "public": "yes please"},
                {"jid": "c@muc.other.test"},
            ]
        },
        (
            "prosody_rooms[0] has a key titel, which there is not",
            "prosody_rooms[1].affiliations has a key ownr, which there is not: did you mean owner?",
            "prosody_rooms[1].public is a text where true or false belongs",
            "prosody_rooms[2]: muc.other.test is no service for rooms",
        ),
    ),
    (
        {"prosody_invitations": [{"name": "a", "expires_after": 0}, {"name": "a/b"}, {"jid": "example.test"}]},
        (
            "prosody_invitations[0].expires_after is a number where a text belongs",
            "prosody_invitations[1]: 'a/b' cannot be the name of an invitation",
            "prosody_invitations[2] has no name: give it.",
        ),
    ),
)


def test_one_run_tells_all_mistakes_of_all_kinds(tmp_path):
    """What is ill-typed is left out, and the rest is held against the model, the ports, the data and the files."""
    variables: dict[str, Any] = {"xmpp_certificate_source": "files"}
    for given, _lines in MIXED:
        variables |= given
    wanted = [line for _given, lines in MIXED for line in lines]
    wanted += ["Port 15222/tcp, wanted for clients, is taken by ejabberd", "accounts of example.test would stay in"]
    wanted += ["certificates_files has no certificate for example.test"]
    wanted += ["certificates_files has no certificate for turn.example.test"]
    groups = {group: ["one"] for group in ("prosody", "coturn", "postgresql", "monitoring")}
    answers = {
        "listeners_info": {"listeners": [EJABBERD | {"port": 15222}]},
        "prosody_continuity": {"failed": True, "objections": [OBJECTION], "msg": "long"},
    }
    inventory = Inventory(tmp_path, groups, {"one": DOMAIN | variables}, {}, {"one": answers})
    told = inventory.run().refused().of("one")
    assert [line for line in wanted if not any(one.startswith(line) for one in told)] == [], "\n".join(told)
    assert [one for one in told if not any(one.startswith(line) for line in wanted)] == []
    assert len(told) == len(wanted)


def test_an_account_that_is_none_hides_nothing_else(tmp_path):
    """It is left out as a whole: without its name it would be held against the model once more."""
    wrong = {"prosody_accounts": [{"jid": "nodomain"}], "prosody_modules": ["fierwall"], "prosody_c2s_ports": [70000]}
    told = Inventory(tmp_path, {"prosody": ["one"]}, {"one": DOMAIN | wrong}).run().refused().of("one")
    starts = (
        "prosody_accounts[0].jid is not the JID",
        "prosody_c2s_ports[0]: 70000 is no port",
        "prosody_modules[0]: there",
    )
    assert [line for line in told if not line.startswith(starts)] == []
    assert len(told) == len(starts)


@pytest.mark.parametrize(
    ("groups", "wrong", "starts"),
    [
        ({"prosody": ["one"]}, {"prosody_hosts": ["example.test"]}, "prosody_hosts[0] is a text where a mapping"),
        ({"prosody": ["one"], "postgres": ["one"]}, {}, "There is a group postgres and no host in group postgresql"),
    ],
    ids=["hosts", "groups"],
)
def test_nobody_is_said_to_be_lost_by_a_name_that_is_only_misspelt(tmp_path, groups, wrong, starts):
    answers = {"prosody_continuity": {"failed": True, "objections": [OBJECTION], "msg": "long"}}
    run = Inventory(tmp_path, groups, {"one": DOMAIN | wrong}, {}, {"one": answers}).run().refused()
    (line,) = run.lines
    assert line.partition(": ")[2].startswith(starts)


@pytest.mark.parametrize(
    ("wrong", "starts"),
    [({}, REMARK), ({"prosody_modules": ["fierwall"]}, "prosody_modules[0]: there")],
    ids=["only the linter", "something else"],
)
def test_the_linter_is_asked_where_nothing_else_is_wrong(tmp_path, wrong, starts):
    """It would tell the same once more, and of settings that stand in for what was refused."""
    answers = {"prosody_config": {"failed": True, "objections": [REMARK], "msg": "long"}}
    run = Inventory(tmp_path, {"prosody": ["one"]}, {"one": DOMAIN | wrong}, {}, {"one": answers}).run().refused()
    (line,) = run.of("one")
    assert line.startswith(starts)


def test_what_the_linter_cannot_judge_yet_is_left_to_the_role(tmp_path):
    """A transaction that fails otherwise has words of its own, at its time."""
    answers = {"prosody_config": {"failed": True, "objections": [], "msg": "Cannot write here"}}
    run = Inventory(tmp_path, {"prosody": ["one"]}, {"one": DOMAIN}, {}, {"one": answers}).run()
    assert "in the way" not in run.output
    assert run.would_run


def test_what_postgresql_would_not_take_is_refused(tmp_path):
    given = {"postgresql_options": {"work_memm": PLANTED, "work_mem": PLANTED, "jit": True, "auto_explain.x": PLANTED}}
    told = Inventory(tmp_path, {"postgresql": ["one"]}, {"one": DOMAIN | given}).run().refused().of("one")
    assert told == [
        "postgresql_options.work_mem is no number: write a number, with B, kB, MB, GB, TB behind it "
        "where that is meant.",
        "postgresql_options.work_memm: PostgreSQL 17 has no such setting: did you mean work_mem?",
    ]


def test_a_port_is_wanted_once_and_data_lie_in_one_place(tmp_path):
    """What no role sees by itself: another one's ports, and a second database."""
    groups = {"prosody": ["one"], "coturn": ["one"], "postgresql": ["one", "two"]}
    given = {"prosody_storage": "internal", "prosody_c2s_ports": [5349]}
    run = Inventory(tmp_path, groups, {"one": DOMAIN | given, "two": DOMAIN}).run().refused()
    assert [line for line in run.of("one") if "wanted twice" in line] == [
        "Port 5349/tcp is wanted twice: for TURN over TLS of coturn (coturn_tls_port) and for clients of prosody "
        "(prosody_c2s_ports). Give one of them another port."
    ]
    assert (
        len([line for line in run.lines if "Group postgresql has 2 hosts, and Prosody would store in one" in line]) == 1
    )


def test_a_check_refuses_what_a_run_does(tmp_path):
    """Two servers of one domain, a module that nobody has, and one that no source of community modules has."""
    groups = {"prosody": ["one", "two", "three"]}
    internal = {"prosody_storage": "internal"}
    hosts = {
        "one": DOMAIN | internal | {"prosody_modules": ["fierwall"]},
        "two": DOMAIN | internal,
        "three": internal | {"xmpp_domain": "three.test", "prosody_community_modules": [{"name": "nope"}]},
    }
    answers = {"three": {"prosody_module": {"failed": True, "msg": "mod_nope is in none of the sources"}}}
    run = Inventory(tmp_path, groups, hosts, {}, answers).run("--check").refused()
    assert [line for line in run.of("one") if "fierwall" in line] == [
        "prosody_modules[0]: there is no module 'fierwall'; is it 'firewall'?"
    ]
    assert any("mod_nope is in none of the sources" in line for line in run.of("three")), run.of("three")
    assert any("example.test is served by" in line for line in run.lines), run.lines


def test_a_proxy_on_another_host_adds_nothing_to_what_is_wrong_with_prosody(tmp_path):
    wrong = {"prosody_upload_max_size": "100 MBytes", "prosody_http_ports": ["abc"]}
    groups = {"prosody": ["one"], "proxy": ["two"]}
    run = Inventory(tmp_path, groups, {"one": DOMAIN | wrong, "two": DOMAIN}).run().refused()
    assert sorted(line.split(":")[1].split("[")[0].strip() for line in run.lines) == [
        "prosody_http_ports",
        "prosody_upload_max_size",
    ]
    assert "rescued=0" in run.output
    assert "prosody_front" not in run.output


def test_derived_names_are_not_blamed(tmp_path):
    """A bad domain is told once, though probe accounts, TURN and certificates are made of it."""
    groups = {group: ["one"] for group in ("prosody", "coturn", "postgresql", "monitoring")}
    common = {"xmpp_domain": f"https://admin:{PLANTED}@example.test"}
    run = Inventory(tmp_path, groups, {"one": {}}, common).run("--check").refused()
    assert run.lines == [
        "- one: xmpp_domain is not a domain: it has an account or a resource in it. Write it as in example.org."
    ]


def test_five_mistakes_on_three_hosts_are_each_told_once(tmp_path):
    groups = {"prosody": ["a"], "coturn": ["a", "b"], "postgresql": ["c"], "monitoring": ["c"]}
    hosts = {
        "a": {"prosody_federation": "nope"},
        "b": {"coturn_port": PLANTED, "coturn_secret": int(DIGITS)},
        "c": {"postgresql_options": [PLANTED], "monitoring_units": None},
    }
    common = {"xmpp_domain": "example.test", "monitoring_email_pasword": PLANTED, "prosody_probe_acounts": []}
    run = Inventory(tmp_path, groups, hosts, common).run("-vvv").refused()
    assert sorted(run.lines) == sorted(set(run.lines))
    assert [line.partition(":")[0] + ":" + line.split(":")[1] for line in sorted(run.lines)] == sorted(
        [
            "- a: prosody_federation is a text where true or false belongs",
            "- b: coturn_port is a text where a whole number belongs",
            "- b: coturn_secret is a number where a text belongs",
            "- c: postgresql_options is a list where a mapping belongs",
            "- c: monitoring_units is empty where a list belongs",
            "- all hosts: Role monitoring has no variable monitoring_email_pasword",
            "- a: Role prosody has no variable prosody_probe_acounts",
        ]
    )


ALONE = "- hosts: all\n  gather_facts: true\n  roles: [allthingslinux.xmpp.{role}]\n"


@pytest.mark.parametrize("role", ["prosody", "coturn", "postgresql", "monitoring", "certificates"])
def test_a_role_that_is_used_alone_refuses_in_the_same_way(tmp_path, role):
    mistakes: dict[str, dict[str, Any]] = {
        "prosody": {"prosody_accounts": [ME | {"pasword": PLANTED}]}
        | {"prosody_turn_secret": [PLANTED], "prosody_turn_host": "t.test"},
        "coturn": {"coturn_secret": int(DIGITS), "coturn_max_bps": [PLANTED]},
        "postgresql": {"postgresql_extra_users": [f"x:{PLANTED}"]},
        "monitoring": {"monitoring_email_password": int(DIGITS)},
        "certificates": {"certificates_files": PLANTED, "xmpp_certificate_source": PLANTED},
    }
    hosts = {"one": {"xmpp_domain": "one.test"}, "two": DOMAIN | mistakes[role]}
    run = Inventory(tmp_path, {role: list(hosts)}, hosts).run("-vvv", play=ALONE.format(role=role)).refused()
    assert run.lines
    assert all(line.startswith("- two: ") for line in run.lines)


def test_with_tags_what_is_asked_for_is_looked_at(tmp_path):
    hosts = {
        "one": {"xmpp_domain": "example.test", "coturn_port": PLANTED}
        | {"prosody_accounts": [ME | {"pasword": PLANTED}]}
    }
    inventory = Inventory(tmp_path, {"prosody": ["one"], "coturn": ["one"]}, hosts)
    assert [line.split()[2] for line in inventory.run("--tags", "prosody").refused().lines] == ["prosody_accounts[0]"]
    assert [line.split()[2] for line in inventory.run("--tags", "coturn").refused().lines] == ["coturn_port"]


def test_a_misspelt_group(tmp_path):
    groups = {"prosody": ["one"], "postgres": ["one"], "turn": ["one"]}
    run = Inventory(tmp_path, groups, {"one": {"xmpp_domain": "example.test"}}).run().refused()
    assert [re.findall("did you mean ([a-z]+)", line) for line in run.lines] == [["postgresql"], ["coturn"]]


def test_without_a_mistake_it_goes_on(tmp_path):
    """What refuses lets through as well: the run gets to the first module that changes something, and makes secrets."""
    groups = {group: ["one"] for group in ("prosody", "coturn", "postgresql", "monitoring")}
    variables = {
        "xmpp_domain": "example.test",
        "xmpp_own_names": ["prosdy_of_mine", "prosody_of_mine", "postgres"],
        "prosody_of_mine": 1,
        "prosody_accounts": [{"jid": "romeo@example.test", "password": "{{ vault_x }}"}],
        "vault_x": "Wherefore-16-art",
    }
    run = Inventory(tmp_path, groups, {"one": variables}).run()
    assert run.lines == [], run.output
    assert run.would_run
    checked = Inventory(tmp_path / "check", groups, {"one": variables}).run("--check")
    assert checked.would_run
    assert not checked.made, "a check makes no secrets"


def test_a_container_has_no_clamd_but_may_ask_one(tmp_path):
    inside = {"prosody_upload_scan": True, "xmpp_backend": "container", "xmpp_domain": "{{ inventory_hostname }}.test"}
    hosts = {
        "none": inside,
        "path": inside | {"prosody_upload_scan_socket": "/run/clamav/clamd.ctl"},
        "elsewhere": inside | {"prosody_upload_scan_socket": "scanner.test:3310"},
        "host": inside | {"xmpp_backend": "host"},
    }
    run = Inventory(tmp_path, {"prosody": list(hosts)}, hosts).run("-vvv", play=ALONE.format(role="prosody")).refused()
    told = "prosody_upload_scan: the images for containers have no clamd"
    assert [line.partition(told)[:2] for line in run.lines] == [("- none, path: ", told)], run.lines
