#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Install a certificate for Prosody, proved by what its ports serve."""

from __future__ import annotations

DOCUMENTATION = r"""
module: prosody_cert
short_description: Install a certificate for Prosody, proved by what its ports serve
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - Installs a certificate with its key where Prosody finds them, has a running Prosody take them up with all clients
    connected, and then reads the served certificate on every TLS port with every name. If one of them does not serve
    it, the certificate before is put back, reloaded, and read again, and the task fails with what was seen.
  - Before anything is changed it verifies that the key belongs to the certificate, that the chain is in order, complete
    and rightly signed, that it is valid now, that it covers O(names), that nobody but its owner and group reads the
    key, and that no other file in O(certs_dir) holds the same names, for Prosody takes any of two. One that this module
    has installed under another O(name), and all of whose names are covered, makes way.
  - Ports and names are asked from the running server. Names that it does not host are not looked at. Without a running
    server the files are installed, and looked at by a run when it runs.
  - Changed is what is not on disk or not served. A certificate that is on disk and not served (somebody forgot to
    reload) is reloaded.
  - C(prosodyctl cert import) is not used, for it changes files at each run and leaves copies of keys behind. The layout
    is the one that it makes, except that C(<name>.crt) and C(<name>.key) are links to a directory that is replaced as
    one. So no interruption can leave a certificate with the key of another; what an interrupted run left on trial, the
    next run proves or puts back.
extends_documentation_fragment:
  - allthingslinux.xmpp.attributes.full
  - allthingslinux.xmpp.connection
attributes:
  check_mode:
    details: When O(fullchain) does not exist yet, because the task that makes it ran in check mode too, it predicts a
      change.
  diff_mode:
    details: Shows subject, names, issuer, validity and fingerprint; never a key.
options:
  name:
    description: Name of the installed files, without their extension; the main host's name is a good one.
    type: str
    required: true
  state:
    description:
      - V(present) has the certificate installed and served.
      - V(absent) removes it; refused where a hosted name would be left without TLS.
    type: str
    choices: [present, absent]
    default: present
  fullchain:
    description:
      - PEM file on the target with the certificate, followed by its issuers'.
      - Required for O(state=present).
    type: path
  privkey:
    description:
      - PEM file on the target with the private key, without a passphrase, not accessible to others.
      - Required for O(state=present).
    type: path
  authority:
    description:
      - PEM file on the target with authorities that clients trust, beside those that the target trusts. It may be
        empty.
      - A certificate without those of its issuers is refused unless one of these issued it. A longer chain of which no
        client is known to trust the end is a warning.
    type: path
  written_before:
    description:
      - Whether another task of the play writes the files that are given. Then check mode, where it has not, predicts an
        installation where what lies there would be refused.
    type: bool
    default: false
  names:
    description:
      - DNS names that the certificate must cover, wildcards understood; hosts, components and HTTP hosts.
      - The filter P(allthingslinux.xmpp.prosody_certificate_names#filter) computes them.
    type: list
    elements: str
    default: []
  dane:
    description:
      - Whether other servers go by the keys that DNS names (DANE). Then a certificate with another key than the one
        that is installed is refused while the TLSA records that others find, by way of the SRV records of O(names),
        name other keys alone. The resolver of the target is asked.
      - Where there are no such records, or what is installed has expired, nothing is refused.
    type: bool
    default: false
  min_days:
    description: Days that the certificate must at least be valid for.
    type: int
    default: 0
  certs_dir:
    description: Directory in which Prosody looks for certificates; created, and kept from other users.
    type: path
    default: /etc/prosody/certs
  owner:
    description: Owner of directory and files, a name or number.
    type: str
    default: root
  group:
    description:
      - Group of directory and files, a name or number; Prosody's, which only reads them.
      - While it does not exist (Prosody is not installed yet), they belong to the group of root, with a warning.
    type: str
    default: prosody
  probe_address:
    description:
      - Address at which the ports of Prosody are reached from the target.
      - By default each is looked at where it listens, and on the loopback interface where it listens everywhere.
    type: str
  probe_timeout:
    description: Seconds that one look at one port may take.
    type: float
    default: 5.0
seealso:
  - module: allthingslinux.xmpp.certificates_info
  - module: allthingslinux.xmpp.prosody_info
notes:
  - Must run as root on the target.
"""

EXAMPLES = r"""
- name: The certificate of the service is installed and served
  allthingslinux.xmpp.prosody_cert:
    name: example.org
    fullchain: /etc/xmpp/certificates/example.org/fullchain.pem
    privkey: /etc/xmpp/certificates/example.org/privkey.pem
    authority: /etc/xmpp/certificates/example.org/chain.pem
    names:
      - example.org
      - muc.example.org
      - upload.example.org

- name: A renewed certificate is taken up at once, if it is good for two weeks at least
  allthingslinux.xmpp.prosody_cert:
    name: example.org
    fullchain: /etc/letsencrypt/live/example.org/fullchain.pem
    privkey: /etc/letsencrypt/live/example.org/privkey.pem
    min_days: 14

- name: The certificate of a host that was removed is gone
  allthingslinux.xmpp.prosody_cert:
    name: old.example.org
    state: absent
"""

RETURN = r"""
actions:
  description:
    - What was done, or in check mode would be.
    - V(install), V(supersede) (certificates under other names whose names this one covers are gone), V(repair) (links,
      owners, modes), V(reload), V(remove).
  type: list
  elements: str
  returned: always
  sample: [install, reload]
running:
  description: Whether a running Prosody was found; if not, nothing was proved.
  type: bool
  returned: always
certificate:
  description: The certificate.
  type: dict
  returned: when O(state=present) and O(fullchain) exists
  sample:
    subject: CN=example.org
    issuer: CN=Example CA
    names: [example.org, "*.example.org"]
    not_before: "2026-11-01T00:00:00Z"
    not_after: "2027-01-30T00:00:00Z"
    days_left: 69
    sha256: 5f2d0a8c0f1c8f8a5c5b0c5f2e3b0f5d7b7c9c9c2f8f0e6a2c4f7c5d1b2a3c4d
certificate_file:
  description: The installed certificate file; the key lies beside it.
  type: str
  returned: always
  sample: /etc/prosody/certs/example.org.crt
served:
  description:
    - What every TLS port serves for every hosted name that this certificate is taken for, after the change.
    - C(name) is V(null) for clients that send no server name.
  type: list
  elements: dict
  returned: always
  sample:
    - service: c2s
      address: 127.0.0.1
      port: 5222
      name: example.org
      protocol: TLSv1.3
      sha256: 5f2d0a8c0f1c8f8a5c5b0c5f2e3b0f5d7b7c9c9c2f8f0e6a2c4f7c5d1b2a3c4d
"""

import datetime
import grp
import pwd
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.dns import vouched
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody import connection
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.admin_socket import AdminUnavailable
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls import served
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.certificate import Certificate
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.certificate_install import (
    Installation,
    InstallError,
    Outcome,
    Server,
    describe,
    exclusively,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.certificate_state import State, Wanted, examine
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.certificate_store import Pair, Store

UTC = datetime.timezone.utc


def identifier(kind: str, name: str) -> int | None:
    """The number of a user or group, None when there is no such one."""
    if name.isdigit():
        return int(name)
    try:
        return pwd.getpwnam(name).pw_uid if kind == "user" else grp.getgrnam(name).gr_gid
    except KeyError:
        return None


def examined(params: dict[str, Any], now: datetime.datetime) -> State:
    """What is found about the files that were given; raises InstallError for an authority that cannot be read."""
    trusted = ""
    if params["authority"]:
        try:
            trusted = Path(params["authority"]).read_text(encoding="ascii", errors="replace")
        except OSError as error:
            raise InstallError(f"{params['authority']}: cannot be read: {error.strerror}.") from error
    wanted = Wanted(params["names"], params["min_days"], trusted=trusted)
    return examine(Path(params["fullchain"]), Path(params["privkey"]), wanted, now)


def wanted_pair(params: dict[str, Any], state: State) -> Pair:
    """The pair to install, verified; raises InstallError with everything that is wrong with it."""
    privkey = Path(params["privkey"])
    problems = [problem.rstrip(".") for problem in state.problems]
    try:
        if privkey.stat().st_mode & 0o007:
            problems.append(f"{privkey} is accessible to every user of the machine: chmod o= it, and replace the key")
        key = privkey.read_bytes()
    except OSError as error:
        key = b""
        if not problems:
            problems.append(f"{privkey}: cannot be read: {error.strerror}")
    if problems:
        raise InstallError(f"The certificate '{params['name']}' was not installed: {'; '.join(problems)}.")
    return Pair(state.chain, key)


def certificate_result(leaf: Certificate, now: datetime.datetime) -> dict[str, Any]:
    """What the result tells about a certificate."""
    return {
        "subject": leaf.subject,
        "issuer": leaf.issuer,
        "names": list(leaf.names),
        "not_before": f"{leaf.not_before:%Y-%m-%dT%H:%M:%SZ}",
        "not_after": f"{leaf.not_after:%Y-%m-%dT%H:%M:%SZ}",
        "days_left": (leaf.not_after - now).days,
        "sha256": leaf.sha256,
    }


def seen_result(seen: served.Seen) -> dict[str, Any]:
    """What the result tells about one look."""
    target = seen.target
    found = {"service": target.service, "address": target.address, "port": target.port, "name": target.name}
    if seen.served is None:
        return {**found, "error": seen.error}
    return {**found, "protocol": seen.served.protocol, "sha256": seen.sha256}


def run(module: AnsibleModule) -> dict[str, Any]:
    """Do what the options ask for; the result."""
    params, now = module.params, datetime.datetime.now(UTC)
    uid, gid = identifier("user", params["owner"]), identifier("group", params["group"])
    if uid is None:
        raise InstallError(f"There is no user '{params['owner']}' to own the certificate's files.")
    if gid is None and not module.check_mode:
        module.warn(f"There is no group '{params['group']}': the certificate belongs to root's until a run finds it.")
    store = Store(Path(params["certs_dir"]), params["name"], uid, gid or 0)
    result: dict[str, Any] = {"certificate_file": str(store.certificate), "running": False}
    old, pair = store.read(), None
    if params["state"] == "present":
        if module.check_mode and not Path(params["fullchain"]).exists():
            return {**result, "changed": True, "actions": ["install"], "served": []}
        try:
            state = examined(params, now)
            pair = wanted_pair(params, state)
        except InstallError:
            if module.check_mode and params["written_before"]:  # the run would find other files than lie there now
                return {**result, "changed": True, "actions": ["install"], "served": []}
            raise
        for warning in state.warnings:
            module.warn(warning)
        if params["dane"] and old and (why := vouched.held_back(old.chain[0], pair.chain[0], params["names"], now)):
            raise InstallError(f"The certificate '{params['name']}' was not installed: {why}, and run this again.")
        result["certificate"] = certificate_result(pair.chain[0], now)

    def act(server: Server | None) -> Outcome:
        result["running"] = server is not None
        with exclusively(store, module.check_mode):
            installation = Installation(store, server, now, module.check_mode)
            return installation.present(pair, params["names"]) if pair else installation.absent()

    try:
        runner = connection.connect(params)
    except AdminUnavailable as error:
        if error.reason not in ("missing", "refused"):
            raise
        outcome = act(None)
    else:
        with runner:
            outcome = act(Server(runner, served.ask(runner), params["probe_address"], params["probe_timeout"]))
    for warning in outcome.warnings:
        module.warn(warning)
    result.update(changed=bool(outcome.actions), actions=list(outcome.actions))
    result["served"] = [seen_result(one) for one in outcome.seen]
    if module._diff and {"install", "remove"} & set(outcome.actions):
        result["diff"] = {
            "before_header": str(store.certificate),
            "after_header": str(store.certificate),
            "before": describe(old),
            "after": describe(pair),
        }
    return result


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "fullchain": {"type": "path"},
            "privkey": {"type": "path", "no_log": False},
            "authority": {"type": "path"},
            "written_before": {"type": "bool", "default": False},
            "names": {"type": "list", "elements": "str", "default": []},
            "dane": {"type": "bool", "default": False},
            "min_days": {"type": "int", "default": 0},
            "certs_dir": {"type": "path", "default": "/etc/prosody/certs"},
            "owner": {"type": "str", "default": "root"},
            "group": {"type": "str", "default": "prosody"},
            "probe_address": {"type": "str"},
            "probe_timeout": {"type": "float", "default": 5.0},
            **connection.argument_spec(),
        },
        required_if=[("state", "present", ["fullchain", "privkey"])],
        supports_check_mode=True,
    )
    try:
        result = run(module)
    except XmppError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
