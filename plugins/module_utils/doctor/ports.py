# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Judging the ports of a service: whether they answer, TLS, certificates, signing in. Pure: facts in, findings out."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.diagnosis import Finding
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.doctor.facts import SERVICES, Facts, Leaf, Port
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.hello import POST_QUANTUM

_DAY = 86400
_HOUR = 3600


def findings(facts: Facts) -> Iterator[Finding]:
    """Return what is wrong at the ports. A port that cannot be reached is not judged further."""
    if not facts.ports:
        return
    for port in facts.ports:
        if port.step:
            yield _unreached(port, facts)
        elif port.leaf is not None:
            yield from _certificate(port, port.leaf, facts)
            yield from _protocols(port)
            yield from _signing_in(port)
    yield from _old_ones(facts)
    classic = [port for port in facts.ports if port.group and port.group not in POST_QUANTUM]
    if classic:
        groups = sorted({port.group for port in classic})
        text = "What is recorded today can be read by whoever has a quantum computer later."
        mend = "X25519MLKEM768, which OpenSSL has from 3.5 on (prosody_tls_groups)"
        where = ", ".join(sorted({port.service for port in classic}))
        yield Finding("key_exchange_classic", "note", where, f"agrees on {', '.join(groups)}", text, mend)


def _unreached(port: Port, facts: Facts) -> Finding:
    others = [one for one in facts.of(port.service) if one.good]
    family = "IPv6" if ":" in port.address else "IPv4"
    who = "Clients" if port.service.startswith("c2s") else "Other servers"
    if port.step == "connecting":
        name = "address_unreached" if others else "port_unreached"
        if others:
            text = f"{who} that choose this address wait in vain before they try another."
            level = "weak"
        else:
            text = f"{who} do not get in this way."
            level = "fault" if port.by_record or port.service in ("c2s", "s2s") else "weak"
        mend = (
            f"Is it open by {family} (firewall, forwarding), does the server listen? nc -vz {port.address} {port.port}"
        )
        return Finding(name, level, port.where, port.seen, text, mend)
    if "host-unknown" in port.seen:
        text = f"The server there does not serve {facts.domain}."
        mend = "Have the records lead to the right server, or add the host to it"
        return Finding("host_unknown", "fault", port.where, port.seen, text, mend)
    if port.step == "STARTTLS":
        text = "Nobody who insists on encryption gets in; passwords of the others are sent in the clear."
        mend = "Does the server have a certificate for the domain? prosodyctl check certs"
        return Finding("starttls_absent", "fault", port.where, port.seen, text, mend)
    if port.step.startswith("TLS handshake"):
        text = f"{who} do not get in this way."
        mend = f"openssl s_client -connect {port.address}:{port.port} -servername {facts.domain}{_starttls(port)}"
        return Finding("tls_broken", "fault", port.where, port.seen, text, mend)
    text = f"{who} do not get in this way: this is no XMPP server, or it hangs."
    return Finding(
        "not_xmpp", "fault", port.where, f"{port.step}: {port.seen}", text, "Does the port lead to the XMPP server?"
    )


def _starttls(port: Port) -> str:
    _record, _port, content, starttls = SERVICES[port.service]
    kind = "xmpp-server" if content == "xmpp-server" else "xmpp"
    return f" -starttls {kind}" if starttls else f" -alpn {content}"


def _certificate(port: Port, leaf: Leaf, facts: Facts) -> Iterator[Finding]:
    who = "Clients" if port.service.startswith("c2s") else "Other servers"
    renew = "Renew it, and have every service read it anew (systemctl start xmpp-acme)"
    expired = leaf.not_after <= facts.now
    left = leaf.not_after - facts.now
    if expired:
        text = f"{who} refuse it."
        yield Finding("certificate_expired", "fault", port.where, f"ended {_length(-left)} ago", text, renew)
    elif leaf.not_before > facts.now:
        text = f"{who} refuse it."
        mend = "Is the clock of the server, or that of this machine, right?"
        yield Finding(
            "certificate_not_yet", "fault", port.where, f"begins in {_length(leaf.not_before - facts.now)}", text, mend
        )
    elif left < min(14 * _DAY, (leaf.not_after - leaf.not_before) / 6):
        text = "It should have been renewed by now: most are when a third of their life is left."
        yield Finding("certificate_ends_soon", "weak", port.where, f"ends in {_length(left)}", text, renew)
    if not leaf.covers:
        text = f"{who} refuse it."
        mend = f"A certificate for {facts.domain}"
        yield Finding(
            "certificate_other_name", "fault", port.where, f"is for {', '.join(leaf.names) or 'nobody'}", text, mend
        )
    if port.trust and not expired:
        yield _distrust(port, leaf, who)


def _distrust(port: Port, leaf: Leaf, who: str) -> Finding:
    text = f"{who} refuse it, unless they know its authority."
    if leaf.self_issued:
        mend = "A certificate of an authority that others know, such as Let's Encrypt"
        return Finding("certificate_self_signed", "fault", port.where, port.trust, text, mend)
    if leaf.chain == 1 and leaf.chain_known:
        text = f"{who} that do not have the intermediate certificate by chance refuse it."
        mend = f"Serve the whole chain (fullchain.pem): '{leaf.subject}' comes alone, and '{leaf.issuer}' is not known"
        return Finding("chain_incomplete", "fault", port.where, port.trust, text, mend)
    if "expired" in port.trust:
        mend = "Serve the chain of today: an intermediate certificate or root in it has ended"
        return Finding("chain_expired", "fault", port.where, port.trust, text, mend)
    mend = (
        "The whole chain, of an authority that others know; or --ca with the authority's own certificate for this look"
    )
    return Finding("certificate_untrusted", "fault", port.where, f"{port.trust} (issued by {leaf.issuer})", text, mend)


def _protocols(port: Port) -> Iterator[Finding]:
    old = [one for one in port.versions if one in ("TLSv1.0", "TLSv1.1")]
    if old:
        text = "Deprecated since 2021 (RFC 8996): an attacker on the way may have them chosen."
        yield Finding(
            "tls_outdated",
            "weak",
            port.where,
            f"takes {', '.join(old)}",
            text,
            'tls_profile = "intermediate" in Prosody',
        )
    if "TLSv1.3" not in port.versions:
        text = "Slower to connect, the certificate is sent in the clear, and no post-quantum key exchange."
        yield Finding(
            "tls13_absent",
            "weak",
            port.where,
            f"takes {', '.join(port.versions)}",
            text,
            "An OpenSSL of today, and no limit to TLS 1.2",
        )


def _signing_in(port: Port) -> Iterator[Finding]:
    if not port.service.startswith("c2s"):
        return
    if port.in_clear:
        text = "Passwords can be read on their way."
        yield Finding(
            "password_in_clear",
            "fault",
            port.where,
            f"{', '.join(port.in_clear)} before TLS",
            text,
            "c2s_require_encryption = true (Prosody), starttls_required: true (ejabberd)",
        )
    scram = [one for one in port.mechanisms if one.startswith("SCRAM-")]
    if port.mechanisms and not scram:
        text = "The server gets to see every password, and so does whoever stands in between with a certificate."
        yield Finding(
            "scram_absent", "weak", port.where, f"offers {', '.join(port.mechanisms)}", text, "SCRAM-SHA-256 (RFC 7677)"
        )
    elif scram and not any(one.endswith("-PLUS") for one in scram):
        text = "Clients cannot see whether somebody with a false certificate stands in between (RFC 9266)."
        yield Finding(
            "channel_binding_absent",
            "note",
            port.where,
            f"offers {', '.join(scram)}",
            text,
            "Prosody 13 binds to TLS by itself; a proxy that ends TLS hides it",
        )
    if "ANONYMOUS" in port.mechanisms:
        text = "Anybody can write from here without an account."
        mend = "Meant for guests? Then on a host of their own, without federation"
        yield Finding("anonymous_offered", "weak", port.where, "offers ANONYMOUS", text, mend)


def _old_ones(facts: Facts) -> Iterator[Finding]:
    """Where one port serves what was renewed elsewhere: most outages by certificates begin like this."""
    leaves = [(port, port.leaf) for port in facts.ports if port.leaf]
    for port, leaf in leaves:
        newer = [one for _port, one in leaves if _same(one, leaf) and one.not_before > leaf.not_before + _HOUR]
        if newer:
            left = leaf.not_after - facts.now
            text = (
                f"It was renewed and is not served here: in {_length(left)} nobody gets in this way."
                if left > 0
                else "It was renewed and is not served here."
            )
            mend = "Have the service read its certificate anew: prosodyctl --root cert import, systemctl reload nginx"
            yield Finding(
                "certificate_not_newest",
                "weak",
                port.where,
                f"that of {_day(leaf)}; elsewhere that of {_day(newer[0])}",
                text,
                mend,
            )


def _same(one: Leaf, other: Leaf) -> bool:
    return one.sha256 != other.sha256 and set(one.names) == set(other.names)


def _day(leaf: Leaf) -> str:
    return datetime.datetime.fromtimestamp(leaf.not_before, datetime.timezone.utc).strftime("%Y-%m-%d %H:%M")


def _length(seconds: float) -> str:
    for size, word in ((_DAY, "days"), (_HOUR, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{int(seconds // size)} {word}"
    return f"{max(0, int(seconds))} s"
