# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is wanted against what DNS answers: a finding for each difference, with the line that mends it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.diagnosis import Finding, in_order
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.dns.answers import (
    NO_DATA,
    NO_NAME,
    Answer,
    View,
    Wanted,
    Zone,
    zone_line,
)

Question = tuple[str, str]
SERVICES = ("_xmpp-client._tcp", "_xmpps-client._tcp", "_xmpp-server._tcp", "_xmpps-server._tcp")
CALLS = ("_stun._udp", "_turn._udp", "_turn._tcp", "_turns._tcp")
_SOME_AUTHORITY = '0 issue "letsencrypt.org"'
_DAY = 86400
# a signature is made anew days before it ends; one that ends so soon is not made anew any more
_SIGNED_ENOUGH = 2 * _DAY
# RFC 6761: these lead to the machine itself or to nowhere, and no server has them
_NOWHERE = ("localhost", "invalid")


def is_nowhere(name: str) -> bool:
    """Whether a name is one that DNS has nothing to say about."""
    return name.rpartition(".")[2] in _NOWHERE


def questions(wanted: Sequence[Wanted], authority: Sequence[str] = ()) -> list[Question]:
    """Return all that is to be asked for a comparison: what is wanted, and what may be there beside it.

    authority: as for `findings`.
    """
    found: dict[Question, None] = {}
    for one in wanted:
        kinds = ("A", "AAAA") if one.type in ("A", "AAAA") else (one.type,)
        found.update({(one.name, kind): None for kind in kinds})
        if one.type == "SRV" and (target := target_of(one.value)):
            found.update({(target, "A"): None, (target, "AAAA"): None})
    served = domains(wanted)
    for domain in served:
        found.update({(f"{service}.{domain}", "SRV"): None for service in (*SERVICES, *CALLS)})
    for domain in served if authority else _tops(served):
        found.update({(name, "CAA"): None for name in parents(domain)})
    return list(found)


def domains(wanted: Iterable[Wanted]) -> list[str]:
    """Return the hosts and components that clients or servers look for by SRV records."""
    return list(dict.fromkeys(one.name.split(".", 2)[2] for one in wanted if one.type == "SRV"))


def _tops(names: Sequence[str]) -> list[str]:
    """Those that lie below no other one."""
    return [name for name in names if not any(name.endswith(f".{other}") for other in names)]


def parents(name: str) -> list[str]:
    """Return a name and those above it, but for the top-level domain (RFC 8659 section 3 climbs them)."""
    labels = name.split(".")
    return [".".join(labels[start:]) for start in range(max(1, len(labels) - 1))]


def target_of(value: str) -> str:
    """Return the machine that an SRV record leads to, "" where it says that there is no service (RFC 2782)."""
    return value.split()[-1].rstrip(".") if value else ""


def findings(
    wanted: Sequence[Wanted], asked: Sequence[Question], view: View, now: float, authority: Sequence[str] = ()
) -> list[Finding]:
    """Return every difference between what is wanted and what DNS answers. now: seconds since 1970.

    authority: what CAA records call the one that is to issue, by any of these names; nothing where that is not known.
    """
    if all(is_nowhere(name) for name, _type in asked):
        where = asked[0][0].rpartition(".")[2] if asked else "DNS"
        text = "Nobody else finds this service, and DNS has nothing to do with it."
        return [Finding("dns_not_used", "note", where, "a name that leads to the machine itself (RFC 6761)", text)]
    found = [*_unreached(asked, view)]
    if found and not view.zones and not any(one.values for one in view.public.values()):
        return in_order(found)  # that each record is missing goes without saying
    by_set: dict[Question, list[Wanted]] = {}
    for one in wanted:
        by_set.setdefault((one.name, one.type), []).append(one)
    for question in asked:
        found += _of_set(question, by_set.get(question, []), view, wanted)
    found += _targets(wanted, view)
    for zone in view.zones.values():
        found += zone_findings(zone, any(one.type == "TLSA" for one in wanted), now, view.asked)
    found += _authorities(wanted, view)
    if authority:
        found += _forbidden(wanted, view, authority)
    return in_order(found)


def _authorities(wanted: Sequence[Wanted], view: View) -> Iterator[Finding]:
    if any(one.type == "CAA" for one in wanted):
        return
    for name in _tops(domains(wanted)):
        said = [_best(view, (one, "CAA")) for one in parents(name)]
        if all(one.status in (NO_DATA, NO_NAME) for one in said):
            text = "Every authority may issue certificates for it."
            mend = f"xmpp_dns_caa: [letsencrypt.org]; then {zone_line(name, 'CAA', _SOME_AUTHORITY, 3600)}"
            yield Finding("caa_absent", "note", f"{name} CAA", "no authority is named", text, mend)


def issuers(values: Sequence[str]) -> list[str] | None:
    """Return who may issue by CAA records of one name, nothing where they do not say (RFC 8659 section 4.2)."""
    parts = [value.split(None, 2) for value in values]
    said = [one[2] for one in parts if len(one) == 3 and one[1].lower() == "issue"]
    names = [value.strip('"').partition(";")[0].strip().lower() for value in said]
    return [name for name in names if name] if said else None


def _forbidden(wanted: Sequence[Wanted], view: View, authority: Sequence[str]) -> Iterator[Finding]:
    """The nearest name with CAA records counts (RFC 8659 section 3), told once for all below it."""
    told: set[str] = set()
    for domain in domains(wanted):
        for name in parents(domain):
            said = _best(view, (name, "CAA"))
            if not said.came:
                break  # what is further up may not count
            if not said.values:
                continue
            may = issuers(said.values)
            if may is not None and name not in told and not set(authority) & set(may):
                told.add(name)
                text = (
                    f"{authority[0]}, which is to issue the certificate, refuses {domain} and all that is below {name}."
                )
                line = zone_line(name, "CAA", f'0 issue "{authority[0]}"', 3600)
                mend = f"{line} (beside what is there), or another certificates_acme_directory"
                yield Finding("caa_forbids", "fault", f"{name} CAA", f"names {', '.join(may) or 'nobody'}", text, mend)
            break


def _unreached(asked: Sequence[Question], view: View) -> Iterator[Finding]:
    homeless = sorted({name for name, _type in asked if view.zone_of(name) is None})
    nobody = "Nothing is known of these records: they may be right or wrong."
    if view.error and not any(zone.servers for zone in view.zones.values()):
        mend = "Is this machine connected? xmpp_dns_resolvers names resolvers to ask, such as [9.9.9.9]"
        yield Finding("dns_unreached", "fault", "DNS", f"no answer to any question: {view.error}", nobody, mend)
        return
    if view.error:
        text = "What others see was not compared, only what the servers of the zone have."
        mend = "xmpp_dns_resolvers names resolvers to ask, such as [9.9.9.9]"
        yield Finding("resolver_unreached", "weak", "DNS", f"no answer to any question: {view.error}", text, mend)
    if homeless and not view.zones:
        text = "The domain does not exist for anybody else."
        # not of what lies below it, such as _stun._udp
        name = min((one.rpartition("_")[2].partition(".")[2] if "_" in one else one for one in homeless), key=_height)
        mend = f"Register {name}, or have its parent lead to your name servers"
        yield Finding("no_zone", "fault", name, "no zone was found", text, mend)
    for zone in view.zones.values():
        if not zone.servers:
            said = "; ".join(f"{name}: {seen}" for name, seen in zone.silent.items()) or "it names no servers"
            text = "Compared with the public view alone, which may be older than what the servers have."
            mend = f"Can this machine ask other machines at port 53? dig +norec SOA {zone.name} @SERVER"
            yield Finding("authoritative_unreached", "weak", zone.name, said, text, mend)
        else:
            for name, seen in zone.silent.items():
                text = "A part of the world's questions goes there, and waits or fails."
                mend = (
                    f"Have it serve {zone.name}, or take it out of the NS records: dig +norec SOA {zone.name} @SERVER"
                )
                yield Finding("name_server_silent", "weak", f"{zone.name} {name}", seen, text, mend)


def _height(name: str) -> tuple[int, str]:
    """What sorts names by how far up they are."""
    return name.count("."), name


def _best(view: View, question: Question) -> Answer:
    """What is taken for the truth: the first server of the zone that answers, else the public view."""
    zone = view.zone_of(question[0])
    for answers in zone.servers.values() if zone else ():
        if question in answers and answers[question].came:
            return answers[question]
    return view.public[question]


def _of_set(question: Question, mine: Sequence[Wanted], view: View, wanted: Sequence[Wanted]) -> Iterator[Finding]:
    name, kind = question
    truth = _best(view, question)
    if not truth.came:
        if mine and not view.error:
            text = "Nothing is known of these records: they may be right or wrong."
            yield Finding("not_answered", "fault", f"{name} {kind}", truth.seen, text, f"dig {kind} {name}")
        return
    want = {one.value for one in mine}
    extra = [value for value in truth.values if value not in want]
    lacking = []
    for one in mine:
        if one.value in truth.values:
            continue
        ranked = next((value for value in extra if kind == "SRV" and _place(value) == _place(one.value)), "")
        if ranked:
            extra.remove(ranked)
            yield _ranked(one, ranked)
        else:
            lacking.append(one)
    for one in lacking:
        yield _missing(one, extra)
    if lacking:  # what is there in their place has been told
        extra = []
    declared = {(one.name, one.type) for one in wanted}
    for value in extra:
        if mine or kind == "SRV" or (kind in ("A", "AAAA") and declared & {(name, "A"), (name, "AAAA")}):
            yield from _extra(name, kind, value, truth.ttl, mine)
    yield from _views(question, truth, view, bool(mine))


_NEEDED = {
    "addresses": "Nobody finds {name}.",
    "_xmpp-client": "Clients try {host} itself at port 5222, and do not connect where that does not lead here.",
    "_xmpps-client": "Clients take the slower way by STARTTLS, or none where it is blocked.",
    "_xmpp-server": "Other servers try {host} itself at port 5269, and do not connect where that does not lead here.",
    "_xmpps-server": "Other servers take the slower way by STARTTLS.",
    "calls": "Clients that do not ask the server for it find no relay, and calls from strict networks fail.",
    "web": "Clients in a browser that look here find no connection.",
    "keys": "Servers that go by DANE do not trust the certificate, or trust it for less.",
    "authorities": "Every authority, or another one than is meant, may issue certificates.",
}
# where something else stands in its place
_ELSEWHERE = {
    "addresses": "Who looks for {name} comes to another machine, or to none.",
    "_xmpp-client": "Clients are sent to where the service is not, and do not connect.",
    "_xmpps-client": "Clients are sent to where direct TLS is not, and lose time before they try STARTTLS.",
    "_xmpp-server": "Other servers are sent to where the service is not, and do not connect.",
    "_xmpps-server": "Other servers are sent to where direct TLS is not, and lose time before they try STARTTLS.",
    "calls": "Clients that do not ask the server for it are sent to another relay.",
    "web": "Clients in a browser that look here are sent elsewhere.",
    "authorities": "Another authority than is meant may issue certificates, and perhaps the one that is meant may not.",
}
# RFC 2782: a target of "." says that there is no such service, and nobody tries anything else
_DENIED = {
    "_xmpp-client": "It says that there is no such service: clients do not try to connect by STARTTLS.",
    "_xmpp-server": "It says that there is no such service: other servers do not try to connect by STARTTLS.",
    "_xmpps-client": "It says that there is no direct TLS: clients take the slower way by STARTTLS, or none.",
    "_xmpps-server": "It says that there is no direct TLS: other servers take the slower way by STARTTLS.",
    "calls": "It says that there is no relay: clients that do not ask the server for one find none.",
}
_WEAK = ("calls", "web", "authorities")


def _place(value: str) -> list[str]:
    """An SRV record without priority and weight."""
    return value.split()[2:]


def _ranked(one: Wanted, seen: str) -> Finding:
    """What leads to the right place, in an order that the operator may have chosen: never a reason to do something."""
    text = "It leads to the right place, with another priority or weight: good if that is meant."
    return Finding("record_ranked", "note", f"{one.name} {one.type}", f"is {seen}", text, f"{one.line}, if it is not")


def _missing(one: Wanted, others: Sequence[str]) -> Finding:
    service, host = one.name.partition(".")[0], one.name.split(".", 2)[-1]
    denied = one.type == "SRV" and bool(others) and not any(target_of(value) for value in others)
    texts = {**_NEEDED, **(_ELSEWHERE if others else {}), **(_DENIED if denied else {})}
    text = texts.get(service) or texts.get(one.purpose, "What needs it does not work.")
    text = text.format(name=one.name, host=host)
    level = "weak" if one.purpose in _WEAK or service.startswith("_xmpps-") else "fault"
    if one.value.endswith(" 0 ."):
        level, text = "weak", "Other servers try again and again to reach what does not exist."
    if one.purpose == "keys" and others:
        level, text = "fault", "Servers that go by DANE refuse the certificate: only other keys are vouched for."
    where = f"{one.name} {one.type}"
    if others:
        mend = f"{one.line} (in the place of what is there)"
        return Finding("record_different", level, where, f"is {' and '.join(others)}", text, mend)
    return Finding("record_missing", level, where, "is not there", text, one.line)


def _extra(name: str, kind: str, value: str, ttl: int, mine: Sequence[Wanted]) -> Iterator[Finding]:
    line = zone_line(name, kind, value, ttl)
    mend = f"Remove it, or have the model know of it: {line}"
    where = f"{name} {kind}"
    if kind == "SRV":
        if value.endswith(" ."):
            text = "It says that there is no such service, and those who read it do not come."
            yield Finding("record_extra", "fault", where, value, text, mend)
        elif any(_place(one.value) == _place(value) for one in mine):
            text = "The same place as in the record that is wanted, with another weight or priority."
            yield Finding("record_extra", "weak", where, value, text, mend)
        elif not mine and any(name.startswith(service) for service in CALLS):
            text = "A relay that the model does not know of."
            yield Finding("record_extra", "note", where, value, text, mend)
        else:
            text = "A part of those who look for the service is sent to where it is not, and waits for nothing."
            yield Finding("record_extra", "fault", where, value, text, mend)
    elif kind in ("A", "AAAA"):
        text = f"A part of those who look for {name} comes to another machine, or to none."
        family = "IPv6" if kind == "AAAA" else "IPv4"
        if not mine:
            text = f"Whoever has {family} comes to an address that the service is not known to have."
        more = f"{mend}. If it is an address of the service, xmpp_dns_addresses tells the model"
        yield Finding("record_extra", "fault", where, value, text, more)
    elif kind == "CAA":
        text = "One more authority may issue certificates."
        yield Finding("record_extra", "note", where, value, text, mend)
    elif kind == "TLSA":
        text = "Another key is vouched for as well. Right while a key is replaced, a risk for ever."
        yield Finding("record_extra", "weak", where, value, text, mend)


def _views(question: Question, truth: Answer, view: View, needed: bool) -> Iterator[Finding]:
    """Where the servers of a zone differ from one another, and the public view from them."""
    name, kind = question
    zone = view.zone_of(name)
    answers = {who: said[question] for who, said in zone.servers.items() if question in said} if zone else {}
    first = next(iter(answers), "")
    for who, said in answers.items():
        if said.came and said.values != truth.values:
            seen = f"{who} has {' and '.join(said.values) or 'nothing'}, {first} has "
            text = "Who asks the one finds another service than who asks the other."
            mend = f"Have the zone transferred: dig +norec SOA {zone.name if zone else name} @ both shows their serials"
            yield Finding(
                "servers_disagree",
                "fault",
                f"{name} {kind}",
                seen + (" and ".join(truth.values) or "nothing"),
                text,
                mend,
            )
            return
    public = view.public[question]
    if needed and answers and public.came and public.values != truth.values:
        seen = f"{view.asked} still says {' and '.join(public.values) or 'nothing'}"
        text = "Others see the old state until it expires."
        wait = public.ttl or 3600
        mend = f"Wait {wait} s; if it stays, the parent leads to other servers: dig NS {zone.name if zone else name}"
        yield Finding("public_view_old", "weak", f"{name} {kind}", seen, text, mend)


def _targets(wanted: Sequence[Wanted], view: View) -> Iterator[Finding]:
    """RFC 2782: the target of an SRV record has addresses of its own, and is no alias."""
    for target in sorted({target_of(one.value) for one in wanted if one.type == "SRV"} - {""}):
        answers = [_best(view, (target, kind)) for kind in ("A", "AAAA") if (target, kind) in view.public]
        alias = next((one.alias for one in answers if one.alias), "")
        if alias:
            text = "RFC 2782 forbids it, and some servers and clients do not follow it."
            mend = f"Address records in the place of the alias: {target}. A and AAAA as {alias} has them"
            yield Finding("target_is_alias", "weak", target, f"is an alias of {alias}", text, mend)


def zone_findings(zone: Zone, keys_wanted: bool, now: float, asked: str) -> Iterator[Finding]:
    """Return what DNSSEC of a zone is like. keys_wanted: whether TLSA records are to count in it."""
    name = zone.name
    if zone.broken:
        text = (
            f"Whoever checks signatures finds nothing below {name}: for a growing part of the world it does not exist."
        )
        mend = f"Sign the zone anew, or have the parent remove its DS record: delv SOA {name}; dnsviz.net/d/{name}"
        yield Finding(
            "dnssec_broken", "fault", name, f"{asked} refuses its answers, unless told not to check", text, mend
        )
        return
    if zone.ds and not zone.keys:
        text = f"Whoever checks signatures finds nothing below {name}."
        mend = f"Have the parent remove its DS record, or serve the signed zone: dig DS {name}; dig DNSKEY {name}"
        yield Finding(
            "dnssec_keys_missing", "fault", name, "its parent vouches for keys that it does not have", text, mend
        )
    elif zone.keys and not zone.ds:
        level = "fault" if keys_wanted else "weak"
        text = "It is signed, and nobody can know: its signatures and TLSA records count for nothing."
        mend = f"Give the DS record to your registrar: dig DNSKEY {name} | dnssec-dsfromkey -f - {name}"
        yield Finding("dnssec_not_vouched_for", level, name, "signed, without a DS record at its parent", text, mend)
    elif not zone.keys and zone.servers:
        if keys_wanted:
            text = "TLSA records count only in a signed zone: nobody goes by them."
            mend = "Have your DNS provider sign the zone, or leave prosody_dane and xmpp_dns_tlsa off"
            yield Finding("dnssec_absent", "fault", name, "not signed, and TLSA records are to count", text, mend)
        else:
            text = "Answers can be forged on their way; DANE is not possible."
            yield Finding("dnssec_absent", "note", name, "not signed", text, "Have your DNS provider sign the zone")
    if zone.signed_until and zone.signed_until - now < _SIGNED_ENOUGH:
        hours = round((zone.signed_until - now) / 3600)
        level = "weak" if hours > 0 else "fault"
        seen = f"a signature ends in {hours} h" if hours > 0 else f"a signature ended {-hours} h ago"
        text = f"From then on, whoever checks signatures finds nothing below {name}."
        mend = "See why the zone is not signed anew: the log of the server that signs it"
        yield Finding("dnssec_ends_soon", level, name, seen, text, mend)
    if keys_wanted and zone.keys and zone.ds and not zone.validated:
        text = "Whether TLSA records count could not be seen from here."
        mend = "xmpp_dns_resolvers names one that checks signatures, such as [9.9.9.9]"
        yield Finding("dnssec_not_checked", "note", name, f"{asked} does not check signatures", text, mend)
