# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs of bin/xmpp, and the options of ansible-playbook that all of them hand on.

A verb is a playbook of the same name in playbooks/, which works without this command as well
(`ansible-playbook allthingslinux.xmpp.VERB`). A new one is one entry here and one playbook.
"""

from __future__ import annotations

from dataclasses import dataclass

QUICKSTART = "quickstart"


@dataclass(frozen=True)
class Option:
    """An option of a verb. sets: the variable that its value goes to; value: what the value is called, "" for none."""

    name: str
    sets: str
    help: str
    value: str = ""
    is_file: bool = False
    """Whether the value is a path, which starts where the operator is."""


@dataclass(frozen=True)
class Verb:
    """One thing to do. adds: options of ansible-playbook that it always has."""

    name: str
    help: str
    options: tuple[Option, ...] = ()
    adds: tuple[str, ...] = ()
    word: str = ""
    """What a word after the inventory is called, "" where there may be none."""
    word_sets: str = ""
    bare: bool = False
    """Whether only what its playbook says is printed, and failures."""
    brings_up: bool = False
    """Whether it makes the container of the quickstart; the others want it there."""
    alone: bool = False
    """Whether it goes through the whole state or changes what is stored: not beside another one of the kind."""
    records: str = ""
    """The variable that is told where the records of the last runs of other verbs lie, "" for none."""
    domain_sets: str = ""
    """The variable that takes a domain in the place of the inventory, "" where there may be none."""
    differs: bool = False
    """Whether a run that would change something says so by its exit status."""


VERBS = {
    verb.name: verb
    for verb in (
        Verb(
            "deploy",
            "make it so, then check with real clients (the same as bin/deploy)",
            (
                Option("--fast", "", "with Mitogen: the same tasks and results in a fraction of the time"),
                Option("--destroy", "", "remove what the quickstart made"),
            ),
            brings_up=True,
            alone=True,
        ),
        Verb("check", "use every service as its users do, and say what was seen"),
        Verb(
            "status",
            "one screen with what an operator asks first",
            (Option("--json", "xmpp_status_json", "the same as data"),),
            bare=True,
            records="xmpp_status_records",
        ),
        Verb(
            "dns",
            "the DNS records that make it complete, and how what DNS answers differs (exit status 2)",
            (
                Option("--file", "xmpp_dns_file", "write them there", "FILE", is_file=True),
                Option("--apply", "xmpp_dns_apply", "write what is missing by RFC 2136; asks once"),
                Option("--yes", "xmpp_dns_yes", "ask nothing"),
                Option("--json", "xmpp_dns_json", "records and findings as data"),
            ),
            bare=True,
            differs=True,
        ),
        Verb(
            "doctor",
            "what is wrong, seen from outside, with any domain or all of an inventory (exit status 2)",
            (
                Option(
                    "--account", "xmpp_doctor_account", "an account of the domain; its password in XMPP_PASSWORD", "JID"
                ),
                Option("--ca", "xmpp_doctor_ca", "authorities to trust, PEM", "FILE", is_file=True),
                Option("--json", "xmpp_doctor_json", "all that was seen as data"),
                Option(
                    "--since", "xmpp_doctor_since", "what changed since it was written; writes it", "FILE", is_file=True
                ),
            ),
            bare=True,
            records="xmpp_status_records",
            domain_sets="xmpp_doctor_domain",
            differs=True,
        ),
        Verb(
            "compose",
            "services in containers as a Compose file, for running them without Ansible",
            (Option("--file", "xmpp_compose_file", "write it there", "FILE", is_file=True),),
            bare=True,
        ),
        Verb("refresh", "services in containers with the packages of today, security updates among them", alone=True),
        Verb(
            "invite",
            "a link with which somebody makes an account, or sets a password anew",
            (
                Option("--expires", "xmpp_invite_expires", "how long it is good: 2h, 3d, 1w", "TIME"),
                Option("--qr", "xmpp_invite_qr", "write the link as a QR code there, PNG or SVG", "FILE", is_file=True),
                Option("--reset", "xmpp_invite_reset", "for an account that exists: to set a new password"),
            ),
            word="JID",
            word_sets="xmpp_invite_jid",
            bare=True,
        ),
        Verb(
            "drain",
            "have the proxy hand nobody new to a host of Prosody, as before a maintenance",
            (Option("--end", "xmpp_drain_end", "hand clients to it again"),),
            word="HOST",
            word_sets="xmpp_drain_host",
            bare=True,
        ),
        Verb("accounts", "who has an account, and who is signed in", bare=True),
        Verb(
            "audit",
            "who signed in and who was refused, and what was done to accounts and by admins",
            (
                Option("--account", "xmpp_audit_account", "only what was done to it and by it", "JID"),
                Option("--since", "xmpp_audit_since", "how far back: 30m, 12h, 2d, 1w", "TIME"),
                Option("--what", "xmpp_audit_what", "such as signed-in,refused,removed; with commas", "KINDS"),
                Option("--json", "xmpp_audit_json", "the same as data"),
            ),
            bare=True,
        ),
        Verb(
            "backup",
            "a backup now, beside those that timers make",
            (Option("--prove", "xmpp_backup_prove", "restore it beside the live service and compare, too"),),
            bare=True,
        ),
        Verb(
            "restore",
            "bring a backup back, on the same host or a fresh one; asks once",
            (
                Option("--to", "xmpp_restore_to", "a time such as '2026-11-25 09:30', or latest", "TIME"),
                Option("--only", "xmpp_restore_only", "database or uploads", "PART"),
                Option("--yes", "xmpp_restore_yes", "ask nothing"),
            ),
            alone=True,
        ),
        Verb(
            "recover",
            "bring one account back out of a backup into the running service; asks once",
            (
                Option("--to", "xmpp_restore_to", "a time such as '2026-11-25 09:30', or latest", "TIME"),
                Option("--yes", "xmpp_restore_yes", "ask nothing"),
            ),
            word="JID",
            word_sets="xmpp_recover_jid",
            alone=True,
        ),
        Verb(
            "export",
            "everything that is kept of one person, in a file for them",
            (Option("--file", "xmpp_export_file", "write it there", "FILE", is_file=True),),
            word="JID",
            word_sets="xmpp_export_jid",
            bare=True,
        ),
        Verb(
            "erase",
            "remove everything that is kept of one person, and say what is left where; asks once",
            (Option("--yes", "xmpp_erase_yes", "ask nothing"),),
            word="JID",
            word_sets="xmpp_erase_jid",
            alone=True,
        ),
        Verb(
            "storage",
            "carry all data to where prosody_storage of the inventory says; asks once",
            (Option("--yes", "xmpp_storage_yes", "ask nothing"),),
            alone=True,
        ),
        Verb(
            "move",
            "bring all that is kept to where Prosody is in the inventory now, also into containers; asks once",
            (Option("--yes", "xmpp_move_yes", "ask nothing"),),
            alone=True,
        ),
        Verb(
            "rotate",
            "new secrets in the place of those that were made, while everybody stays connected",
            (
                Option(
                    "--only",
                    "xmpp_rotate_only",
                    "database, turn, metrics, probe, components, authority; with commas",
                    "WHAT",
                ),
                Option("--now", "xmpp_rotate_now", "end what the old secret of TURN allows at once, not a day later"),
            ),
            alone=True,
        ),
        Verb(
            "drift",
            "what differs from the inventory; changes nothing, and exits with 2 where anything does",
            adds=("--check", "--diff"),
            differs=True,
            alone=True,
        ),
    )
}

# Options of ansible-playbook (2.19 to 2.21). The inventory may stand anywhere among them, so it must be known which
# take a value.
WITH_VALUE = frozenset(
    (
        "-e",
        "--extra-vars",
        "-t",
        "--tags",
        "--skip-tags",
        "-l",
        "--limit",
        "-f",
        "--forks",
        "-u",
        "--user",
        "-c",
        "--connection",
        "-T",
        "--timeout",
        "-M",
        "--module-path",
        "--vault-id",
        "--vault-password-file",
        "--vault-pass-file",
        "--private-key",
        "--key-file",
        "--ssh-common-args",
        "--ssh-extra-args",
        "--sftp-extra-args",
        "--scp-extra-args",
        "--become-method",
        "--become-user",
        "--become-password-file",
        "--become-pass-file",
        "--connection-password-file",
        "--conn-pass-file",
        "--start-at-task",
    )
)
WITHOUT_VALUE = frozenset(
    (
        "-C",
        "--check",
        "-D",
        "--diff",
        "-J",
        "--ask-vault-password",
        "--ask-vault-pass",
        "-K",
        "--ask-become-pass",
        "-k",
        "--ask-pass",
        "-b",
        "--become",
        "-v",
        "--verbose",
        "--list-hosts",
        "--list-tasks",
        "--list-tags",
        "--syntax-check",
        "--step",
        "--flush-cache",
        "--force-handlers",
        "--version",
    )
)
INVENTORY = frozenset(("-i", "--inventory", "--inventory-file"))

# What a later run needs as well: how to get in and at the secrets, not what was asked of this one
NEEDED_AGAIN = frozenset(
    (
        "-J",
        "--ask-vault-password",
        "--ask-vault-pass",
        "--vault-id",
        "--vault-password-file",
        "--vault-pass-file",
        "-K",
        "--ask-become-pass",
        "-b",
        "--become",
        "--become-method",
        "--become-user",
        "--become-password-file",
        "--become-pass-file",
        "-k",
        "--ask-pass",
        "--connection-password-file",
        "--conn-pass-file",
        "-u",
        "--user",
        "--private-key",
        "--key-file",
    )
)

# What is never meant for the quickstart: a container of its own, without a vault, a password or a second host
ELSEWHERE = NEEDED_AGAIN | {"-l", "--limit"}
