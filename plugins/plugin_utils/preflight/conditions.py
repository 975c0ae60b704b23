# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a role cannot work with: domains, addresses, systems, ports, hosts. A line for each problem."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.xmpp.jid import InvalidJid, parse
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.addresses import is_address
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.listeners import is_of

WILDCARDS = frozenset({"0.0.0.0", "::", "*", ""})
_NAME = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+\.?")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")

# What the inventory "single" has where an operator is to write a secret
SAMPLE_SECRET = "change-me-before-you-deploy"


def named_values(name: str, values: Any) -> list[tuple[str, Any]]:
    """Flatten what a variable holds (a value or a list) to (path, value); what is empty counts as not given."""
    if isinstance(values, (list, tuple)):
        return [(f"{name}[{index}]", value) for index, value in enumerate(values) if value not in (None, "")]
    return [] if values in (None, "") else [(name, values)]


def shown(value: Any) -> str:
    """Show a value that was to be a domain where it cannot be anything else, and say nothing of it otherwise."""
    return f" ({value})" if isinstance(value, str) and _NAME.fullmatch(value) else ""


def _reason(error: InvalidJid) -> str:
    """Leave out of a message what our own lines say already."""
    return str(error).rpartition(" is not a valid JID: ")[2]


def domain_reason(text: Any) -> str:
    """Say why a text is not a domain that can be served and what would be one, or nothing when it is one."""
    if not isinstance(text, str):
        return "it is no text"
    reason = _domain_reason(text)
    if not reason:
        return ""
    if len(several := re.split(r"[\s,;]+", text.strip())) > 1:
        return "it is more than one" if not any(map(_domain_reason, filter(None, several))) else reason
    meant = re.sub(r"^[a-z]+://|^\*\.|[:/].*$", "", re.sub(r"^[a-z]+://", "", text.strip()))
    # a word without a dot may be a part of something that nobody shall see
    return reason if "." not in meant or _domain_reason(meant) else f"{reason}; is {meant} meant?"


def _domain_reason(text: str) -> str:
    """Why exactly this is none."""
    try:
        jid = parse(text)
    except InvalidJid as error:
        return _reason(error)
    if jid.local or jid.resource:
        return "it has an account or a resource in it"
    labels = []
    for label in jid.domain.split("."):
        try:
            labels.append(label if label.isascii() else label.encode("idna").decode("ascii"))
        except UnicodeError:
            return "a label of it has no form for DNS"
    name = ".".join(labels).lower()
    if len(name) > 253:
        return "it is longer than the 253 characters of a DNS name"
    for label in name.split("."):
        if not _LABEL.fullmatch(label):
            shape = "1 to 63 letters, digits or inner hyphens"
            return f"a label of it is not {shape}" if label else "it has an empty label"
    if re.fullmatch(r"[0-9]+", name.rpartition(".")[2]):
        return f"it {'is' if is_address(name) else 'ends like'} an address, and XMPP needs a name"
    if text == jid.domain:
        return ""
    # one form everywhere, or services disagree on what they are called
    right = jid.domain if _NAME.fullmatch(jid.domain) else "it in lower case, with no dot at its end"
    return f"it has another form, write {_in_unicode(right)}"


def _in_unicode(domain: str) -> str:
    """Return a domain with A-labels as Prosody wants it; as it is where it has none."""
    try:
        return domain.encode("ascii").decode("idna") if "xn--" in domain else domain
    except UnicodeError:
        return domain


def is_below(value: Any, domains: Iterable[str]) -> bool:
    """Whether a value is one of the domains, or a name or an account below one: it is made of it."""
    domain = value.rpartition("@")[2] if isinstance(value, str) else ""
    return any(domain == each or domain.endswith(f".{each}") for each in domains)


def invalid_domains(name: str, values: Any) -> list[str]:
    """Refuse what is not a domain name in variable `name`."""
    return [
        f"{path}{shown(value)} is not a domain: {reason.rstrip('.')}. Write it as in example.org."
        for path, value in named_values(name, values)
        if (reason := domain_reason(value))
    ]


def invalid_certificate_names(name: str, values: Any) -> list[str]:
    """Refuse what can be no name in a certificate: an address, or a domain before which *. may stand."""
    return [
        line
        for path, value in named_values(name, values)
        if not (isinstance(value, str) and is_address(value))
        for line in invalid_domains(path, value.removeprefix("*.") if isinstance(value, str) else value)
    ]


def invalid_jids(name: str, values: Any) -> list[str]:
    """Refuse what is not the bare JID of an account in variable `name`; it is not shown, since it may be a password."""
    problems = []
    for path, value in named_values(name, values):
        if not isinstance(value, str):
            reason = "it is no text"
        else:
            try:
                jid = parse(value)
            except InvalidJid as error:
                reason = _reason(error)
            else:
                if jid.local and not jid.resource:
                    reason = domain_reason(jid.domain)
                else:
                    reason = "it has a resource" if jid.resource else "it has no account part before an @"
        if reason:
            reason = reason.rstrip(".")
            problems.append(f"{path} is not the JID of an account: {reason}. Write it as in juliet@example.org.")
    return problems


def unsupported_platform(facts: Mapping[str, Any], platforms: Iterable[Mapping[str, Any]]) -> list[str]:
    """Refuse a system that no entry of platforms ({distribution, majors}) describes. facts: those of the host."""
    platforms = list(platforms)
    if not platforms:
        return []
    distribution = str(facts.get("distribution", ""))
    major = str(facts.get("distribution_major_version", ""))
    supported = []
    for platform in platforms:
        name, majors = str(platform["distribution"]), [str(each) for each in platform.get("majors") or []]
        if distribution == name and (not majors or major in majors):
            return []
        supported += [f"{name} {each}" for each in majors] or [name]
    seen = f"{distribution} {facts.get('distribution_version') or major}".strip() or "of an unknown kind"
    return [f"This host is {seen}, which is not supported: use {' or '.join(supported)}."]


def _overlap(one: str, other: str) -> bool:
    return one == other or bool(WILDCARDS & {one, other})


def taken_ports(
    ports: Iterable[Mapping[str, Any]], listeners: Iterable[Mapping[str, Any]], owners: Collection[str]
) -> list[str]:
    """Refuse ports that a process of somebody else holds.

    ports: {port, protocol, service, address, variable, otherwise}; listeners: what module listeners_info returns;
    owners: names of our own processes, units and users.
    """
    listeners = list(listeners)
    problems = []
    for wanted in ports:
        number, protocol = int(wanted["port"]), str(wanted.get("protocol") or "tcp")
        address = str(wanted.get("address") or "")
        holders: dict[str, list[str]] = {}
        for listener in listeners:
            same = (listener["port"], listener["protocol"]) == (number, protocol)
            if not same or not _overlap(address, str(listener["address"])) or is_of(listener, owners):
                continue
            if listener["pid"]:
                unit = f" of {listener['unit']}" if listener["unit"] else ""
                who = f"{listener['process']} (pid {listener['pid']}{unit})"
            else:
                who = f"a process of user {listener['user']} that cannot be seen from here"
            holders.setdefault(who, []).append(str(listener["address"]))
        for who, addresses in holders.items():
            service = f", wanted for {wanted['service']}," if wanted.get("service") else ""
            choice = f", or choose another port with {wanted['variable']}" if wanted.get("variable") else ""
            choice += f", or {wanted['otherwise']}" if wanted.get("otherwise") else ""
            place = f"{who} on {', '.join(addresses)}"
            problems.append(f"Port {number}/{protocol}{service} is taken by {place}: stop that{choice}.")
    return problems


def out_of_reach(said: str) -> list[str]:
    """Say that a host does not let Ansible in. said: what the connection reported."""
    last = next((line.strip() for line in reversed(said.splitlines()) if line.strip()), "no reason given")
    low = said.lower()
    if "permission denied" in low:
        return [f"The host lets nobody in ({last.rstrip('.')}): see ansible_user and its key; ssh with both must work."]
    if "host key verification failed" in low or "host identification has changed" in low:
        return ["The key of the host is not known, or is another one: enter it once with ssh, and compare the key."]
    return [f"The host cannot be reached ({last.rstrip('.')}): see ansible_host, ansible_port, and whether it runs."]


def not_root(facts: Mapping[str, Any]) -> list[str]:
    """Refuse a user who may not administrate the host. facts: as module setup returns them."""
    uid = facts.get("ansible_effective_user_id", facts.get("ansible_user_uid", 0))
    if uid == 0:
        return []
    who = facts.get("ansible_user_id", "somebody")
    return [f"Ansible comes to the host as {who}, who is not root: set ansible_become: true (and -K where sudo asks)."]


def failed_on_host(reply: Mapping[str, Any], module: str) -> list[str]:
    """Say why a module did not run on a host, out of what Ansible got instead of its result."""
    said = "\n".join(str(reply.get(name) or "") for name in ("msg", "module_stderr", "module_stdout"))
    low = said.lower()
    if "no space left on device" in low or "no usable temporary directory" in low:
        return ["There is no room left for temporary files: see df -h /tmp /var/tmp on the host, and make some."]
    if "not in the sudoers file" in low or "is not allowed to execute" in low:
        return ["The user may not administrate the host with sudo: let them (usermod -aG sudo), or come as another."]
    if "incorrect sudo password" in low:
        return [
            "sudo does not take the password that was given: give the right one with -K (--ask-become-pass), of a user "
            "who may use sudo on the host."
        ]
    if "missing sudo password" in low or "a password is required" in low:
        return ["sudo wants a password on the host: give the right one with -K (--ask-become-pass)."]
    if ("interpreter" in low and "not found" in low) or "python3: not found" in low or reply.get("rc") == 127:
        return ["There is no Python on the host: install it there with apt-get install python3."]
    first = next((line.strip() for line in str(reply.get("msg") or "no reason given").splitlines() if line.strip()), "")
    return [f"{module.rpartition('.')[2]} failed on the host: {first}"]


def sample_secrets(variables: Mapping[str, Any]) -> list[str]:
    """Refuse what still has the sample's text for a secret. variables: those of the host, as they are written."""
    return [
        f"{path} is what the sample says, which everybody knows: write a secret of your own, or leave the password out."
        for name, value in sorted(variables.items())
        for path in _holding(name, value, SAMPLE_SECRET)
    ]


def _holding(path: str, value: Any, text: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _holding(f"{path}.{key}", item, text)
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _holding(f"{path}[{index}]", item, text)
    elif isinstance(value, str) and value.strip() == text:
        yield path
