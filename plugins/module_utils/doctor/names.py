# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Judging what DNS says of a service: records, DNSSEC, keys and authorities. Pure: facts in, findings out."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.diagnosis import Finding
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.dns import compare
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.dns.answers import zone_line
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.doctor.facts import SERVICES, Facts

# a word in the name of an issuer → what a CAA record calls it
_AUTHORITIES = {
    "let's encrypt": "letsencrypt.org",
    "zerossl": "sectigo.com",
    "sectigo": "sectigo.com",
    "google trust services": "pki.goog",
    "buypass": "buypass.com",
    "digicert": "digicert.com",
}


def findings(facts: Facts) -> Iterator[Finding]:
    """Return what DNS lacks or says wrong."""
    view = facts.view
    if compare.is_nowhere(facts.domain):
        text = "Nobody else finds this service: it is not looked at from outside."
        yield Finding("dns_not_used", "note", facts.domain, "a name that leads to the machine itself (RFC 6761)", text)
        return
    if view.error and not any(zone.servers for zone in view.zones.values()):
        text = "Nothing can be said of the service: nobody could be asked where it is."
        mend = "Is this machine connected? xmpp_dns_resolvers names resolvers to ask, such as [9.9.9.9]"
        yield Finding("dns_unreached", "fault", "DNS", f"no answer to any question: {view.error}", text, mend)
        return
    if not view.zones:
        text = "The domain does not exist for anybody."
        yield Finding(
            "no_zone", "fault", facts.domain, "no zone was found", text, "Is it written right, and registered?"
        )
        return
    wanted = any(facts.tlsa.values())
    for zone in view.zones.values():
        yield from compare.zone_findings(zone, wanted, facts.now, view.asked)
        for name, seen in zone.silent.items():
            text = "A part of the world's questions goes there, and waits or fails."
            mend = f"Have it serve {zone.name}, or take it out of the NS records: dig +norec SOA {zone.name} @SERVER"
            yield Finding("name_server_silent", "weak", f"{zone.name} {name}", seen, text, mend)
    yield from _services(facts)
    yield from _targets(facts)
    yield from _keys(facts)
    yield from _authorities(facts)


def _services(facts: Facts) -> Iterator[Finding]:
    domain = facts.domain
    target = next((port.target for port in facts.of("c2s", "s2s") if port.by_record), f"xmpp.{domain}")
    for service, (record, port, _content, starttls) in SERVICES.items():
        name = f"{record}.{domain}"
        said = facts.srv[name]
        if not said.came:
            text = "Nothing is known of this service: it may be right or wrong."
            yield Finding("not_answered", "fault", f"{name} SRV", said.seen, text, f"dig SRV {name}")
        elif said.values == ("0 0 0 .",) or any(value.endswith(" .") for value in said.values):
            closed = service.startswith("s2s")
            text = "Other servers do not come: the service is closed." if closed else "Clients do not come."
            level = "note" if closed else "fault"
            yield Finding(
                "service_denied", level, f"{name} SRV", " and ".join(said.values), text, "Remove it, if it is not meant"
            )
        elif not said.values and starttls:
            who = "Clients" if service == "c2s" else "Other servers"
            text = f"{who} try {domain} itself at port {port}, and do not connect where that does not lead here."
            level = "weak" if any(one.good for one in facts.of(service)) else "fault"
            yield Finding(
                "record_missing",
                level,
                f"{name} SRV",
                "is not there",
                text,
                zone_line(name, "SRV", f"10 5 {port} {target}.", 3600),
            )
        elif not said.values and facts.of(service.removesuffix("_tls")):
            who = "Clients" if service == "c2s_tls" else "Other servers"
            text = f"{who} always take the slower way by STARTTLS, which some networks block (XEP-0368)."
            line = zone_line(name, "SRV", f"5 5 {port} {target}.", 3600)
            yield Finding("direct_tls_absent", "note", f"{name} SRV", "is not there", text, line)


def _targets(facts: Facts) -> Iterator[Finding]:
    places: dict[str, None] = {}
    for said in facts.srv.values():
        places.update({target: None for value in said.values if (target := compare.target_of(value))})
    for target in places:
        found = facts.addresses.get(target, ())
        if not found:
            text = "Whoever is sent there finds nothing."
            mend = f"{target}. 3600 IN A ADDRESS (and AAAA), or remove the SRV records that lead there"
            yield Finding("target_without_address", "fault", target, "has no address", text, mend)
        elif not any(":" in one for one in found):
            text = "Phones in networks with IPv6 alone come by translation, or not at all."
            yield Finding("no_ipv6", "note", target, "has no IPv6 address", text, f"{target}. 3600 IN AAAA ADDRESS")
        if alias := facts.aliases.get(target):
            text = "RFC 2782 forbids it, and some servers and clients do not follow it."
            mend = f"Address records in the place of the alias: {target}. A and AAAA as {alias} has them"
            yield Finding("target_is_alias", "weak", target, f"is an alias of {alias}", text, mend)
    if not facts.addresses.get(facts.domain):
        text = "Invitations, web clients and all that reads host-meta look there."
        mend = f"{facts.domain}. 3600 IN A ADDRESS: where https is served"
        yield Finding("domain_without_address", "weak", facts.domain, "has no address", text, mend)


def _keys(facts: Facts) -> Iterator[Finding]:
    """RFC 7673, RFC 6698: TLSA records name the key that is served (3 1 1 and 3 0 1 are judged)."""
    for port in facts.ports:
        owner = f"_{port.port}._tcp.{port.target}"
        given = [value.split() for value in facts.tlsa.get(owner, ())]
        judged = [one for one in given if len(one) == 4 and one[0] == "3" and one[2] == "1" and one[1] in "01"]
        if port.leaf is None or not given or len(judged) != len(given):
            continue
        has = {"1": port.leaf.key_sha256, "0": port.leaf.sha256}
        if not any(one[3] == has[one[1]] for one in judged):
            text = "Servers that go by DANE refuse the certificate."
            mend = zone_line(owner, "TLSA", f"3 1 1 {port.leaf.key_sha256}", 3600)
            yield Finding(
                "tlsa_mismatch", "fault", f"{owner} TLSA", "names another key than the one served", text, mend
            )
        elif any(one[1] == "0" for one in judged):
            text = "It names the certificate, and is wrong with the next renewal; 3 1 1 names the key, which can stay."
            mend = zone_line(owner, "TLSA", f"3 1 1 {port.leaf.key_sha256}", 3600)
            yield Finding("tlsa_of_certificate", "weak", f"{owner} TLSA", "is of kind 3 0 1", text, mend)


def _authorities(facts: Facts) -> Iterator[Finding]:
    where = f"{facts.domain} CAA"
    leaf = next((port.leaf for port in facts.ports if port.leaf and not port.trust), None)
    name = next((one for word, one in _AUTHORITIES.items() if leaf and word in leaf.issuer.lower()), "")
    mend = zone_line(facts.domain, "CAA", f'0 issue "{name or "letsencrypt.org"}"', 3600)
    if not facts.caa:
        text = "Every authority may issue certificates for it."
        yield Finding("caa_absent", "note", where, "no authority is named", text, mend)
        return
    allowed = [value.split()[2].strip('"').split(";")[0].strip() for value in facts.caa if value.split()[1] == "issue"]
    if name and allowed and name not in allowed:
        text = f"{name}, which issued the certificate that is served, refuses the next renewal."
        yield Finding("caa_forbids", "weak", where, f"names {', '.join(allowed) or 'nobody'}", text, mend)
