# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the timer runs on a host: certificates renewed when they are due, handed to what serves them, and measured.

python3 -m …acme.job [--force [NAME…]]. Without Ansible. Out on standard error, for the journal: what was done and what
failed.
"""

from __future__ import annotations

import contextlib
import datetime
import sys
from collections.abc import Callable, Sequence

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.acme import due, provide
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.acme.provide import Provided
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.acme.services import Handed, hand
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.acme.settings import (
    Places,
    Service,
    SettingsError,
    names_of,
    read_services,
    read_settings,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.monitor.textfile import Metric, Sample, render, write

NEWEST = Metric("xmpp_acme_expiry_timestamp_seconds", "gauge", "When the newest certificate that was issued ends.")
DUE = Metric("xmpp_acme_renewal_timestamp_seconds", "gauge", "From when on the certificate is renewed.")
RENEWED = Metric("xmpp_acme_renewal_success", "gauge", "Whether the last attempt to have it issued succeeded.")
SERVED = Metric("xmpp_acme_served", "gauge", "Whether every port of the service serves the newest certificate.")
LAST_RUN = Metric("xmpp_acme_last_run_timestamp_seconds", "gauge", "When certificates were looked at the last time.")
FILE = "acme.prom"

Provide = Callable[..., Provided]
Hand = Callable[[Places, Service, datetime.datetime], Handed]


def say(text: str) -> None:
    """A line for the journal."""
    sys.stderr.write(text + "\n")


def run(
    places: Places,
    now: datetime.datetime,
    *,
    force: bool = False,
    only: Sequence[str] = (),
    obtain: Provide = provide.provide,
    give: Hand = hand,
) -> tuple[list[Sample], bool]:
    """Everything once. Out: what was measured, and whether all is well. Raises SettingsError.

    force: issue anew whatever the life that is left. only: the names of the certificates to force; all if empty.
    """
    services = read_services(places)
    names_here = list(dict.fromkeys(service.certificate for service in services))
    if unknown := [name for name in only if name not in names_here]:
        raise SettingsError(f"There is no certificate {', '.join(unknown)} here: there are {', '.join(names_here)}.")
    if not services:
        _forget(places)
        return [], True
    settings = read_settings(places)
    samples: list[Sample] = []
    well = True
    for name in names_here:
        forced = force and (not only or name in only)
        names = names_of(services, name)
        try:
            found = obtain(places, settings, name, names, now, force=forced, patient=True)
        except (XmppError, OSError) as error:
            found = Provided(provide.leaf_of(places, name), problem=str(error))
        if found.changed and found.certificate:
            end = f"{found.certificate.not_after:%Y-%m-%d %H:%M} UTC"
            say(f"{name}: a new certificate until {end}, because {found.reason}.")
        if found.problem:
            say(f"{name}: no new certificate, although {found.reason}: {found.problem}.")
        well = well and not found.problem
        samples.append(Sample(RENEWED, not found.problem, {"certificate": name}))
        if found.certificate is None:
            continue
        record = provide.read_records(places).get(name, due.Record())
        for metric, moment in (
            (NEWEST, found.certificate.not_after),
            (DUE, due.due_time(found.certificate, record)),
        ):
            samples.append(Sample(metric, moment.timestamp(), {"certificate": name}))
        for service in services:
            if service.certificate == name:
                well = _hand(places, service, samples, give) and well
    samples.append(Sample(LAST_RUN, now.timestamp()))
    return samples, well


def _forget(places: Places) -> None:
    """Nobody here takes certificates by ACME any more: no secret of it stays. The role writes them for who does."""
    for path in places.secrets:
        if path.exists():
            path.unlink()
            say(f"{path}: removed, since nothing here takes certificates by ACME any more.")


def _hand(places: Places, service: Service, samples: list[Sample], give: Hand) -> bool:
    handed = give(places, service, datetime.datetime.now(datetime.timezone.utc))
    if handed.problem:
        say(f"{service.certificate}: {service.name}: {handed.problem}.")
    elif handed.changed:
        what = "serves it on every port" if handed.served else "has it, and does not run"
        say(f"{service.certificate}: {service.name} {what}.")
    if handed.served is not None:
        samples.append(Sample(SERVED, handed.served, {"certificate": service.certificate, "service": service.name}))
    return not handed.problem


def publish(places: Places, samples: Sequence[Sample]) -> None:
    """Leave what was measured where the node exporter collects it, if it does."""
    file = places.metrics / FILE
    if samples and places.metrics.is_dir():
        write(file, render(samples))
    elif not samples:
        with contextlib.suppress(OSError):
            file.unlink(missing_ok=True)


def main(arguments: Sequence[str], places: Places | None = None) -> int:
    """In: --force, to have certificates issued anew whatever their life, all or those whose names follow."""
    places = places or Places()
    force, only = "--force" in arguments, [one for one in arguments if one != "--force"]
    try:
        with provide.exclusively(places):
            samples, well = run(places, datetime.datetime.now(datetime.timezone.utc), force=force, only=only)
            publish(places, samples)
    except (XmppError, OSError) as error:
        say(str(error))
        return 1
    return 0 if well else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
