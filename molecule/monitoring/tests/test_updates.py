# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Updates of security that nobody waits for, and what is looked at after them."""

from __future__ import annotations

import re

from ansible_collections.allthingslinux.xmpp.tests.scenario import faults
from ansible_collections.allthingslinux.xmpp.tests.scenario.waiting import wait_until
from ansible_collections.allthingslinux.xmpp.tests.scenario.watched import put

# that of the scenario's image is not what is looked at
ONLY = """
Unattended-Upgrade::Package-Whitelist { "xmpp-planted"; };
Unattended-Upgrade::Package-Whitelist-Strict "true";
"""
FIGURES = "/var/lib/xmpp-monitoring/{}.prom"


def waiting(host) -> int:
    """Out: how many updates of security wait, as Prometheus is told."""
    return int(re.search(r"(?m)^xmpp_security_updates (\d+)", host.file(FIGURES.format("updates")).content_string)[1])


def test_updates_of_security_are_installed_and_the_service_is_used_after_them(host):
    assert host.service("apt-daily.timer").is_enabled
    assert host.service("apt-daily-upgrade.timer").is_enabled
    # so that nobody else has looked when it comes
    host.check_output("systemctl stop xmpp-probe.timer xmpp-updates.timer")
    put(host, "/etc/apt/apt.conf.d/99only", ONLY)
    try:
        with faults.updates_wait(host):
            assert host.package("xmpp-planted").version == "1"
            wait_until(lambda: host.run("systemctl is-active xmpp-updates xmpp-probe").rc != 0, 60)
            count = waiting(host)
            before = {name: host.file(FIGURES.format(name)).mtime for name in ("probe", "updates")}
            # what was done today is not done again
            host.check_output("rm -f /var/lib/apt/periodic/*upgrade*-stamp")
            host.check_output("systemctl start apt-daily-upgrade.service")
            assert host.package("xmpp-planted").version == "2"
            for name, when in before.items():
                wait_until(lambda name=name, when=when: host.file(FIGURES.format(name)).mtime > when, 60)
            assert waiting(host) == count - 1
    finally:
        host.check_output("rm /etc/apt/apt.conf.d/99only; systemctl start xmpp-probe.timer xmpp-updates.timer")
