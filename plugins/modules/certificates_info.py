#!/usr/bin/python
# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Report whether certificates with their keys are fit for a server."""

from __future__ import annotations

DOCUMENTATION = r"""
module: certificates_info
short_description: Report whether certificates with their keys are fit for a server
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - Reads certificates with their private keys and reports what is wrong with each, in words for the operator. It finds
    a key that is not that of the certificate, names that are not covered, one that is not valid yet or any more, and a
    chain that is out of order, lacks the certificates of its issuers or does not verify.
  - A chain is judged as by a client that trusts the authorities of the host, those that are given here, and a root that
    ends the chain itself. A certificate without those of its issuers, of which nothing is known, is a problem. A longer
    chain whose last issuer is not known is a warning, since it may be an authority that its clients have been given. An
    authority at the end that has expired is a problem only if the chain does not verify without it.
  - Needs nothing on the host but Python.
extends_documentation_fragment:
  - allthingslinux.xmpp.attributes.info
options:
  certificates:
    description:
      - The certificates to look at.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: A name for it in the result.
        type: str
        required: true
      names:
        description: DNS names and addresses that it must cover.
        type: list
        elements: str
        default: []
      fullchain:
        description:
          - A PEM file on the host with the certificate and after it those of its issuers, the root excepted.
          - With O(certificates[].fullchain_text), what to call it in messages.
        type: path
        required: true
      privkey:
        description:
          - The PEM file with its private key.
          - With O(certificates[].privkey_text), what to call it in messages.
        type: path
        required: true
      fullchain_text:
        description: The text of the certificate file, in place of reading the file.
        type: str
      privkey_text:
        description: The text of the key file, in place of reading the file.
        type: str
      authority:
        description:
          - A PEM file on the host with authorities that clients of this certificate trust, beside those that the host
            trusts.
          - With O(certificates[].authority_text), what to call it in messages.
        type: path
      authority_text:
        description: The text of that file, in place of reading it.
        type: str
      replaces:
        description:
          - A PEM file on the host with the certificate that is served now, if there is one. A key that is another one
            than its own is a problem while TLSA records in DNS name other keys alone (DANE). The resolver of the host
            is asked.
        type: path
  valid_days:
    description:
      - How many days each certificate must still be valid.
    type: int
    default: 0
  max_days:
    description:
      - How many days each certificate may have been issued for at most. Any number if 0.
    type: int
    default: 0
  issuer:
    description:
      - PEM text of the authority that each certificate must come from. Any authority without it.
    type: str
    default: ""
  refuse_issuers:
    description:
      - Who must not have issued any of them, as RV(certificates[].issuer) calls them, each with the line that is in
        RV(refused) where one did.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Look at the certificate of the XMPP server
  allthingslinux.xmpp.certificates_info:
    certificates:
      - name: example.org
        names: [example.org, muc.example.org]
        fullchain: /etc/xmpp/certificates/example.org/fullchain.pem
        privkey: /etc/xmpp/certificates/example.org/privkey.pem
    valid_days: 30
  register: result
"""

RETURN = r"""
certificates:
  description: What was found, in the order of the option.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: The name given.
      type: str
    problems:
      description: What is wrong, a line each. Empty when it is fit.
      type: list
      elements: str
    warnings:
      description: What some clients may stumble over, a line each. They are warnings of the task as well.
      type: list
      elements: str
    names:
      description: The DNS names it is for.
      type: list
      elements: str
    issuer:
      description: Who issued it, empty when it cannot be read.
      type: str
      sample: CN=example.org certificate authority
    not_after:
      description: When it expires (UTC), empty when it cannot be read.
      type: str
      sample: "2027-02-28T12:00:00Z"
    sha256:
      description: Its fingerprint, empty when it cannot be read.
      type: str
    fullchain:
      description: The certificate and those of its issuers as PEM, without what else was in the file.
      type: str
    chain:
      description: Those of its issuers alone, and of the authority where it is given.
      type: str
problems:
  description: The problems of all of them.
  returned: always
  type: list
  elements: str
  sample: ["/etc/x/fullchain.pem expired on 2026-01-31 10:00 UTC: renew it."]
refused:
  description: The lines of O(refuse_issuers) for those that issued one, each once.
  returned: always
  type: list
  elements: str
unfit:
  description: The names of those that have one.
  returned: always
  type: list
  elements: str
"""

import datetime
import tempfile
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.dns import vouched
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.certificate import read_chain
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.certificate_state import State, Wanted, examine

PARTS = ("fullchain", "privkey", "authority")
ENTRY = {
    "name": {"type": "str", "required": True},
    "names": {"type": "list", "elements": "str", "default": []},
    "fullchain": {"type": "path", "required": True},
    "privkey": {"type": "path", "required": True, "no_log": False},
    "fullchain_text": {"type": "str"},
    "privkey_text": {"type": "str", "no_log": True},
    "authority": {"type": "path"},
    "authority_text": {"type": "str"},
    "replaces": {"type": "path"},
}


def held_back(entry: dict[str, Any], state: State, now: datetime.datetime) -> list[str]:
    """Why a fit certificate must not take the place of the one that is served yet, a line at most."""
    if not entry["replaces"] or state.problems or not Path(entry["replaces"]).exists():
        return []
    served = read_chain(Path(entry["replaces"]))[0]
    why = vouched.held_back(served, state.chain[0], entry["names"], now)
    return [f"{entry['fullchain']}: {why}, and run this again."] if why else []


def examine_entry(entry: dict[str, Any], scratch: Path, params: dict[str, Any]) -> tuple[State, str]:
    """Examine an entry; texts are put into files of our own, which the messages do not mention.

    Out: what was found, and the PEM text of the authority that was given.
    """
    places = {}
    for part in PARTS:
        if entry[part]:
            places[part] = Path(entry[part])
        text = entry[f"{part}_text"]
        if text is not None:
            places[part] = scratch / part
            places[part].write_text(text, encoding="utf-8")
    authority = ""
    if "authority" in places:
        authority = "".join(certificate.pem for certificate in read_chain(places["authority"]))
    now = datetime.datetime.now(datetime.timezone.utc)
    wanted = Wanted(entry["names"], params["valid_days"], params["max_days"], params["issuer"], authority)
    state = examine(places["fullchain"], places["privkey"], wanted, now)
    state = State((*state.problems, *held_back(entry, state, now)), state.chain, state.warnings)

    def told(line: str) -> str:
        for part, place in places.items():
            line = line.replace(str(place), entry[part] or part)
        return line

    return State(tuple(map(told, state.problems)), state.chain, tuple(map(told, state.warnings))), authority


def describe(name: str, state: State, authority: str) -> dict[str, Any]:
    """Turn a state into what the module returns."""
    leaf = state.chain[0] if state.chain else None
    return {
        "name": name,
        "problems": list(state.problems),
        "warnings": list(state.warnings),
        "names": list(leaf.names) if leaf else [],
        "issuer": leaf.issuer if leaf else "",
        "not_after": leaf.not_after.strftime("%Y-%m-%dT%H:%M:%SZ") if leaf else "",
        "sha256": leaf.sha256 if leaf else "",
        "fullchain": "".join(certificate.pem for certificate in state.chain),
        "chain": "".join(certificate.pem for certificate in state.chain[1:] if certificate.pem not in authority)
        + authority,
    }


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "certificates": {"type": "list", "elements": "dict", "required": True, "options": ENTRY},
            "valid_days": {"type": "int", "default": 0},
            "max_days": {"type": "int", "default": 0},
            "issuer": {"type": "str", "default": ""},
            "refuse_issuers": {"type": "dict", "default": {}},
        },
        supports_check_mode=True,
    )
    found = []
    try:
        for entry in module.params["certificates"]:
            with tempfile.TemporaryDirectory(dir=module.tmpdir) as scratch:
                state, authority = examine_entry(entry, Path(scratch), module.params)
            found.append(describe(entry["name"], state, authority))
            for warning in state.warnings:
                module.warn(warning)
    except XmppError as error:
        module.fail_json(msg=str(error))
    issuers = {entry["issuer"] for entry in found}
    module.exit_json(
        changed=False,
        certificates=found,
        refused=[line for issuer, line in module.params["refuse_issuers"].items() if issuer in issuers],
        problems=[problem for entry in found for problem in entry["problems"]],
        unfit=[entry["name"] for entry in found if entry["problems"]],
    )


if __name__ == "__main__":
    main()
