# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where hosts of an inventory are: an address or a name that resolves, and the command that logs in.

What stands in `ansible_host` may be a name that only ~/.ssh/config knows; `ssh -G` tells what is meant (ssh(1)).
"""

from __future__ import annotations

import ipaddress
import shlex
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.addresses import is_address as _is_address

_SSH = ("ssh", "smart", "paramiko", "paramiko_ssh", "ansible.builtin.ssh", "ansible.netcommon.libssh")
_CONTAINERS = ("docker", "community.docker.docker", "community.docker.docker_api")
_KEY = "ansible_ssh_private_key_file"
_PODMAN = ("podman", "containers.podman.podman")


def is_address(text: str) -> bool:
    """Whether a text is an address of IPv4 or IPv6, with or without brackets."""
    return _is_address(text.strip("[]"))


def uses_ssh(host: Mapping[str, Any]) -> bool:
    """Whether Ansible reaches a host (its variables) by SSH."""
    return str(host.get("ansible_connection") or "ssh") in _SSH


def target(name: str, host: Mapping[str, Any]) -> str:
    """Return what Ansible hands to ssh for a host of that name."""
    return str(host.get("ansible_host") or name)


def ssh_arguments(host: Mapping[str, Any]) -> list[str]:
    """Return the options for ssh that the variables of a host name, which may be where its name is known from."""
    given = [str(host.get(name) or "") for name in ("ansible_ssh_common_args", "ansible_ssh_extra_args")]
    port = ["-p", str(host["ansible_port"])] if host.get("ansible_port") else []
    return [*shlex.split(" ".join(given)), *port]


def meant(configuration: str) -> str:
    """Return the host that ssh connects to by itself, out of what `ssh -G` prints; nothing where it goes by a proxy."""
    values: dict[str, str] = {}
    for line in configuration.splitlines():
        key, _space, value = line.partition(" ")
        values.setdefault(key.lower(), value.strip())
    through = [values.get(key, "none") for key in ("proxyjump", "proxycommand")]
    return "" if any(value.lower() not in ("", "none") for value in through) else values.get("hostname", "")


def own_addresses(host: Mapping[str, Any]) -> list[str]:
    """Return the addresses that the facts of a host name, that of IPv4 first; none where it was not asked.

    Those from which it goes out. A host without a default route, as in a network of its own, has all that others reach.
    """
    facts = host.get("ansible_facts") or {}
    routed = [(facts.get(family) or {}).get("address") for family in ("default_ipv4", "default_ipv6")]
    every = [address for family in ("all_ipv4_addresses", "all_ipv6_addresses") for address in facts.get(family) or []]
    return [str(address) for address in routed if address] or [
        address for address in map(str, every) if _routable(address)
    ]


def _routable(address: str) -> bool:
    """Whether an address can be reached from another host without naming an interface."""
    if not is_address(address):
        return False
    parsed = ipaddress.ip_address(address)
    return not (parsed.is_loopback or parsed.is_link_local or parsed.is_multicast or parsed.is_unspecified)


def addresses(hosts: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return all addresses from which some hosts (their variables, with facts) may come, of IPv4 and of IPv6.

    A host that was not asked is "unknown", which the roles refuse: it would be let in nowhere. What runs in containers
    knows the address in their network, and comes from that of the Docker host (xmpp_address).
    """
    found: list[str] = []
    for host in hosts:
        outside = [address for address in of_engine(host) if _routable(address)]
        found += own_addresses(host) + outside or ["unknown"]
    return list(dict.fromkeys(found))


def of_engine(host: Mapping[str, Any]) -> list[str]:
    """Return the address of the Docker host of containers as the inventory tells it; nothing for other hosts."""
    told = str(host.get("xmpp_address") or "").strip("[]") if host.get("xmpp_backend") == "container" else ""
    return [told] if is_address(told) else []


def seen_at(host: Mapping[str, Any], by: Mapping[str, Any]) -> str:
    """Return the address of one host for another one (their variables, with facts): of a family that both have.

    IPv4 before IPv6, of the host alone where nothing is known of the other; empty where the host was not asked.
    """
    own, others = own_addresses(host), own_addresses(by)
    common = [address for address in own if any((":" in address) == (":" in other) for other in others)]
    return (common or own or [""])[0]


def reached_at(
    name: str, host: Mapping[str, Any], configuration: Callable[[], str], resolves: Callable[[str], bool]
) -> str:
    """Return where the controller, and so clients, reach a host: an address, or a name that resolves.

    As told by xmpp_address, else where ssh goes, else where the host says that it is, else what the inventory says.
    configuration: asks `ssh -G` about target(); resolves: whether the controller finds an address of a name.
    """
    if host.get("xmpp_address"):
        return str(host["xmpp_address"])
    if uses_ssh(host):
        for place in dict.fromkeys((meant(configuration()), target(name, host))):
            if place and (is_address(place) or resolves(place)):
                return place.strip("[]")
    return (own_addresses(host) or [target(name, host) if uses_ssh(host) else name])[0]


def shell_command(name: str, host: Mapping[str, Any]) -> str:
    """Return what an operator types before a command for a host: `ssh -p 2222 me@server sudo`, or nothing."""
    kind = str(host.get("ansible_connection") or "ssh")
    sudo = ["sudo"] if str(host.get("ansible_become") or "").lower() in ("true", "yes", "on", "1") else []
    if kind in _CONTAINERS or kind in _PODMAN:
        return shlex.join([*engine_command(host), "exec", target(name, host)])
    if not uses_ssh(host):
        return shlex.join(sudo)
    return shlex.join([*login(name, host), *sudo])


def engine_command(host: Mapping[str, Any]) -> list[str]:
    """Return the command of the engine that has the container of a host, in words: `docker --host=ssh://root@chat`."""
    if str(host.get("ansible_connection")) in _PODMAN:
        return ["podman"]
    return ["docker", *shlex.split(str(host.get("ansible_docker_extra_args") or ""))]


def login(name: str, host: Mapping[str, Any]) -> list[str]:
    """Return the command that logs in to a host by SSH, in words."""
    user = f"{host['ansible_user']}@" if host.get("ansible_user") else ""
    # a shell would not expand ~ between quotes
    key = ["-i", str(Path(str(host[_KEY])).expanduser())] if host.get(_KEY) else []
    return ["ssh", *ssh_arguments(host), *key, user + target(name, host)]
