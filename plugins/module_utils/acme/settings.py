# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What role certificates wrote for a host: where certificates come from, and which services take them. Read only.

/etc/xmpp/acme/settings.json        the ACME server and the way to prove names
/etc/xmpp/acme/certbot.ini          options of certbot, secrets among them
/etc/xmpp/acme/services/NAME.json   a service: its certificate, its names, and how it takes a new one
/var/lib/xmpp-acme/state.json       what was issued and tried, see provide.py
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError


class SettingsError(XmppError):
    """What the role wrote cannot be read."""


@dataclass(frozen=True)
class Places:
    """Where things lie on a host."""

    settings: Path = Path("/etc/xmpp/acme")
    certificates: Path = Path("/etc/xmpp/certificates")
    state: Path = Path("/var/lib/xmpp-acme")
    metrics: Path = Path("/var/lib/xmpp-monitoring")
    # not below /run, which a timer in a container of its own has for itself
    lock: Path = Path("/var/lib/xmpp-acme/lock")

    @property
    def certbot(self) -> Path:
        """The options of certbot."""
        return self.settings / "certbot.ini"

    @property
    def secrets(self) -> tuple[Path, ...]:
        """What certbot proves itself with, at the authority and in DNS."""
        return self.certbot, self.settings / "dns.ini"

    def certificate(self, name: str) -> Path:
        """The directory of a certificate."""
        return self.certificates / name


@dataclass(frozen=True)
class Settings:
    """Whom to ask, and how.

    directory: URL of the ACME server's directory. challenge: http-01 or dns-01. provider: the plug-in of certbot that
    writes into DNS. webroot: the directory that whatever has port 80 shows. authority: PEM file with the authority of
    the ACME server's own https, "" for those of the host.
    wildcard: whether names beside each other are asked for as one. profile: of certificates, "" for its choice.
    """

    directory: str
    challenge: str = "http-01"
    webroot: str = "/var/www/xmpp-acme"
    authority: str = ""
    wildcard: bool = False
    profile: str = ""
    provider: str = "rfc2136"


@dataclass(frozen=True)
class Port:
    """A port that must serve the certificate. name: the server name to send. TLS begins with the first byte."""

    address: str
    port: int
    name: str


@dataclass(frozen=True)
class File:
    """A copy that a service has. part: fullchain, privkey or chain."""

    part: str
    path: Path
    group: str = "root"
    mode: int = 0o600


@dataclass(frozen=True)
class Service:
    """What takes a certificate. names: those it needs in it.

    certs_dir: Prosody's directory, whose files are installed as prosody_cert does. Else files, check (a command that
    must accept them), unit (of systemd, after whose reload it serves them) and ports. dane: whether other servers go by
    the keys that DNS names.
    """

    name: str
    certificate: str
    names: tuple[str, ...]
    certs_dir: str = ""
    files: tuple[File, ...] = ()
    check: tuple[str, ...] = ()
    unit: str = ""
    ports: tuple[Port, ...] = field(default=())
    dane: bool = False


def settings_of(data: Mapping[str, Any]) -> Settings:
    """In: settings.json as a value. Raises KeyError, TypeError."""
    return Settings(
        data["directory"],
        data.get("challenge", "http-01"),
        data.get("webroot", Settings.webroot),
        data.get("authority", ""),
        bool(data.get("wildcard", False)),
        data.get("profile", ""),
        data.get("provider", Settings.provider),
    )


def service_of(name: str, data: Mapping[str, Any]) -> Service:
    """In: the name of a service, and its file as a value. Raises KeyError, TypeError, ValueError."""
    return Service(
        name,
        data["certificate"],
        tuple(data["names"]),
        data.get("certs_dir", ""),
        tuple(
            File(one["part"], Path(one["path"]), one.get("group", "root"), int(one.get("mode", "0600"), 8))
            for one in data.get("files", ())
        ),
        tuple(data.get("check", ())),
        data.get("unit", ""),
        tuple(Port(one["address"], int(one["port"]), one["name"]) for one in data.get("ports", ())),
        bool(data.get("dane", False)),
    )


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path} cannot be read: {error}. Run playbook site again, which writes it.") from error


def read_settings(places: Places) -> Settings:
    """The settings of this host. Raises SettingsError."""
    path = places.settings / "settings.json"
    try:
        return settings_of(_read(path))
    except (KeyError, TypeError) as error:
        raise SettingsError(f"{path} lacks {error}. Run playbook site again, which writes it.") from error


def read_services(places: Places) -> tuple[Service, ...]:
    """All services of this host, by their names; none where there is no such directory. Raises SettingsError."""
    found = []
    for path in sorted((places.settings / "services").glob("*.json")):
        try:
            found.append(service_of(path.stem, _read(path)))
        except (KeyError, TypeError, ValueError) as error:
            raise SettingsError(f"{path} lacks {error}. Run playbook site again, which writes it.") from error
    return tuple(found)


def names_of(services: Sequence[Service], certificate: str) -> tuple[str, ...]:
    """Every name that services need in a certificate, each once, that by which it is called first."""
    names = [name for service in services if service.certificate == certificate for name in service.names]
    return tuple(dict.fromkeys(sorted(names, key=lambda name: name != certificate)))
