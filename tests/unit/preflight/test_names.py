# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""plugin_utils/preflight/names.py: what is misspelt is refused with the right name, what is somebody else's is not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.database import archive_index
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.monitor import probe
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.monitor.textfile import Metric
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.preflight import names

ROOT = Path(__file__).parents[3]
KNOWN = {"coturn_realm", "coturn_port", "coturn_relay_port_min"}


def options(role: str) -> dict[str, object]:
    return names.options_of(yaml.safe_load((ROOT / "roles" / role / "meta/argument_specs.yml").read_text()))


ALL = {
    name for role in ("certificates", "coturn", "monitoring", "postgresql", "prosody") for name in options(role)
} | set(names.options_of(yaml.safe_load((ROOT / "plugins/plugin_utils/preflight/vocabulary.yml").read_text())))


def test_options_are_those_of_all_entries():
    spec = {
        "argument_specs": {
            "main": {"options": {"a_x": {"type": "int"}, "a_y": None}},
            "install": {"options": {"a_z": {}}},
            "configure": {"short_description": "no options"},
            "empty": None,
        }
    }
    assert names.options_of(spec) == {"a_x": {"type": "int"}, "a_y": {}, "a_z": {}}


@pytest.mark.parametrize("spec", [None, {}, {"argument_specs": None}])
def test_a_spec_without_options_has_none(spec):
    assert names.options_of(spec) == {}


@pytest.mark.parametrize(
    ("given", "origins", "problems"),
    [
        (["coturn_realm", "coturn_port"], {}, []),
        (["prosody_relam", "coturn", "xcoturn_relam", "__coturn_relam"], {}, []),
        (["coturn_relam"], {}, ["Role coturn has no variable coturn_relam: did you mean coturn_realm?"]),
        (
            ["coturn_relam"],
            {"coturn_relam": "hosts.yml:7"},
            ["Role coturn has no variable coturn_relam (set in hosts.yml:7): did you mean coturn_realm?"],
        ),
        (
            ["coturn_qqqqqqqq"],
            {},
            ["Role coturn has no variable coturn_qqqqqqqq: remove it, or add it to xmpp_own_names if it is yours."],
        ),
        (
            ["coturn_prot", "coturn_relay_port_mni"],
            {},
            [
                "Role coturn has no variable coturn_prot: did you mean coturn_port?",
                "Role coturn has no variable coturn_relay_port_mni: did you mean coturn_relay_port_min?",
            ],
        ),
    ],
)
def test_unknown_variables(given, origins, problems):
    assert names.unknown_variables(given, KNOWN, "coturn", origins) == problems


def test_variables_of_somebody_else_may_have_our_prefix():
    assert names.unknown_variables(["coturn_version"], KNOWN, "coturn", own=["coturn_version"]) == []


def test_renamed_variables():
    renamed = {"coturn_ports": "coturn_port", "coturn_old": "coturn_new"}
    assert names.renamed_variables(["coturn_realm", "coturn_ports"], renamed) == [
        "coturn_ports is called coturn_port now: rename it where you set it."
    ]


@pytest.mark.parametrize(
    ("one", "other", "far"),
    [
        ("", "", 0),
        ("a", "", 1),
        ("abc", "abc", 0),
        ("abc", "acb", 1),
        ("prosdy", "prosody", 1),
        ("kitten", "sitting", 3),
    ],
)
def test_distance(one, other, far):
    assert [names.distance(*pair) for pair in ((one, other), (other, one))] == [far, far]


@pytest.mark.parametrize(
    ("role", "given", "meant"),
    [
        ("prosody", "xmpp_registraton", "xmpp_registration"),
        ("prosody", "xmp_domain", "xmpp_domain"),
        ("prosody", "xmpp_admin", "xmpp_admins"),
        ("prosody", "xmpp_accounts", "prosody_accounts"),
        ("prosody", "prosdy_accounts", "prosody_accounts"),
        ("prosody", "porsody_accounts", "prosody_accounts"),
        ("postgresql", "postgres_options", "postgresql_options"),
        ("postgresql", "pgsql_options", "postgresql_options"),
        ("coturn", "turn_secret", "coturn_secret"),
        ("coturn", "cotrun_port", "coturn_port"),
        ("monitoring", "monitor_email_to", "monitoring_email_to"),
        ("certificates", "certificate_files", "certificates_files"),
        ("certificates", "cert_files", "certificates_files"),
        ("prosody", "xmpp_domian", "xmpp_domain"),
        ("prosody", "upload_max_size", "prosody_upload_max_size"),
        ("prosody", "upload_max_sise", "prosody_upload_max_size"),
        ("prosody", "turn_secret", "coturn_secret"),
        ("coturn", "relay_port_min", "coturn_relay_port_min"),
        ("monitoring", "email_pasword", "monitoring_email_password"),
    ],
)
def test_what_is_nearly_ours_is_refused(role, given, meant):
    found = names.misspelt_variables([given], ALL, role, {given: "all.yml:3"})
    assert found == [
        f"There is no variable {given} (set in all.yml:3): did you mean {meant}? "
        "If it is yours, add it to xmpp_own_names."
    ]
    assert names.misspelt_variables([given], ALL, role, {}, own=[given]) == []
    assert names.misspelt_variables([given], ALL, role, {}, used=[given]) == [], "a value that is read is not a mistake"


@pytest.mark.parametrize("role", ["certificates", "coturn", "monitoring", "postgresql", "prosody"])
def test_what_others_call_their_variables_passes(role):
    theirs = [
        *("nginx_port", "postfix_domain", "users", "domain", "vault_admin_password", "ansible_user", "__own", "turns"),
        *(
            "xmpp_probe_interval_of_mine",
            "postgres_version",
            "pg_options",
            "monitor_plugins",
            "certbot_certs",
            "smpp_host",
        ),
        *("xmpp_domain", "xmpp_domains", "xmpp_password_of_the_bot", "restic_secrets_dir", "turn_pages", "proxy_env"),
    ]
    assert names.misspelt_variables(theirs, ALL, role, {}) == []


@pytest.mark.parametrize(
    ("group", "real"),
    [
        ("postgres", "postgresql"),
        ("postgresqls", "postgresql"),
        ("pgsql", "postgresql"),
        ("turn", "coturn"),
        ("turn-servers", "coturn"),
        ("cotrun", "coturn"),
        ("prosdy", "prosody"),
        ("Prosody", "prosody"),
        ("monitor", "monitoring"),
        ("monitorring", "monitoring"),
    ],
)
def test_groups_that_are_nearly_ours(group, real):
    line = (
        f"There is a group {group} and no host in group {real}, which is what the collection reads: "
        f"did you mean {real}? If the group is yours, add it to xmpp_own_names."
    )
    assert names.misspelt_groups({"all": ["a"], group: ["a"]}, names.GROUPS) == [line]
    assert names.misspelt_groups({group: ["a"], real: []}, names.GROUPS) == [line]
    assert names.misspelt_groups({group: ["a"], real: ["b"]}, names.GROUPS) == [], "then it is a group of theirs"
    assert names.misspelt_groups({group: []}, names.GROUPS) == []
    assert names.misspelt_groups({group: ["a"]}, names.GROUPS, [group]) == []


def test_groups_of_others_pass():
    theirs = ["web", "db", "databases", "xmpp", "jabber", "production", "debian", "mail", "prometheus", "proxies"]
    assert names.misspelt_groups({name: ["a"] for name in theirs}, names.GROUPS) == []


def test_the_groups_are_those_of_the_playbooks():
    read = set()
    for path in (ROOT / "playbooks").glob("*.yml"):
        for play in yaml.safe_load(path.read_text()):
            read |= set(re.split(r"[:!,]+", play.get("hosts", "")))
    read -= {name for name in read if name.startswith("__")}  # made by a playbook itself
    assert read - {"localhost", "all", ""} <= set(names.GROUPS)


def test_the_vocabulary_is_what_roles_and_playbooks_read():
    spec = yaml.safe_load((ROOT / "plugins/plugin_utils/preflight/vocabulary.yml").read_text())
    files = [*ROOT.glob("roles/*/defaults/*.yml"), *ROOT.glob("playbooks/*.yml"), ROOT / "plugins/action/preflight.py"]
    files += [*ROOT.glob("roles/*/tasks/*.yml"), *ROOT.glob("roles/*/vars/*.yml")]
    text = "\n".join(path.read_text() for path in files) + names.OWN
    # fully qualified plugins, registered results (__xmpp_), names of plugins, metrics and the index are no variables
    plugins = {path.stem for kind in ("modules", "filter", "lookup") for path in (ROOT / "plugins" / kind).glob("*")}
    read = set(re.findall(r"(?<![A-Za-z0-9_./-])(xmpp_[a-z_]+)\b(?!-)", text)) - plugins
    read -= {metric.name for metric in vars(probe).values() if isinstance(metric, Metric)} | {archive_index.NAME}
    everywhere = text + "\n".join(path.read_text() for path in (ROOT / "plugins").rglob("*.py"))
    assert [name for name in names.options_of(spec) if name not in everywhere] == [], "nobody reads it"
    assert read - set(names.options_of(spec)) == set(), "describe it in vocabulary.yml"


def test_what_people_call_a_role_is_refused_beside_the_right_name_too():
    (line,) = names.misspelt_variables(["postgres_options", "postgresql_options"], ALL, "postgresql", {})
    assert line.startswith("There is no variable postgres_options: did you mean postgresql_options?")
