# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Judging what a service offers: web, relays, registration, contacts, upload. Pure: facts in, findings out."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.check.web import REL_BOSH, REL_WEBSOCKET
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.diagnosis import Finding
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.doctor.facts import Facts, Session, Web

_SCHEMES = {REL_WEBSOCKET: "wss://", REL_BOSH: "https://"}


def findings(facts: Facts) -> Iterator[Finding]:
    """Return what is wrong with what is offered."""
    if facts.web is not None and facts.addresses.get(facts.domain):
        yield from _web(facts.domain, facts.web)
    yield from _relays(facts)
    yield from _registration(facts)
    if facts.session is not None:
        yield from _session(facts, facts.session)


def _web(domain: str, web: Web) -> Iterator[Finding]:
    url = f"https://{domain}/.well-known/host-meta"
    text = "Web clients, and clients in networks that let only https through, do not find the service (XEP-0156)."
    if web.status == 0:
        yield Finding("host_meta_unreached", "weak", url, web.seen, text, f"curl -v {url}")
    elif web.status != 200 or web.seen:
        mend = "Have the web server of the domain pass /.well-known/host-meta and .json to Prosody (docs/proxy.md)"
        yield Finding("host_meta_absent", "weak", url, web.seen or f"HTTP {web.status}", text, mend)
    else:
        if not any(rel in web.links for rel in _SCHEMES):
            yield Finding(
                "host_meta_empty",
                "weak",
                url,
                "names neither WebSocket nor BOSH",
                text,
                "websocket and bosh in modules_enabled",
            )
        for rel, scheme in _SCHEMES.items():
            if rel in web.links and not web.links[rel].startswith(scheme):
                clear = "What goes this way is not encrypted; browsers refuse it on pages that are."
                yield Finding(
                    "host_meta_in_clear",
                    "fault",
                    url,
                    f"{rel} is {web.links[rel]}",
                    clear,
                    f"It must begin with {scheme}: http_external_url",
                )
        if web.json_status != 200:
            yield Finding(
                "host_meta_json_absent",
                "weak",
                f"{url}.json",
                f"HTTP {web.json_status}" if web.json_status else "no JSON",
                "Web clients read this one alone.",
                "Have the web server pass it as well",
            )
        if not web.shared:
            other = "Web clients under another name may not read it (CORS)."
            yield Finding(
                "host_meta_not_shared",
                "weak",
                url,
                "no Access-Control-Allow-Origin: *",
                other,
                "Have the web server keep that header",
            )
    for name, way in (("websocket", web.websocket), ("bosh", web.bosh)):
        if way.state == "failed":
            yield Finding(
                f"{name}_broken", "fault", f"{domain} {name}", way.seen, "Web clients do not connect.", way.mend
            )


def _relays(facts: Facts) -> Iterator[Finding]:
    for relay in facts.relays:
        where = f"{relay.service} {relay.target} ({relay.address}:{relay.port})"
        if not relay.answers:
            text = "Calls between strict networks fail, or take longer to begin."
            mend = f"Is port {relay.port} open, and does coturn run? systemctl status coturn"
            yield Finding("relay_unreached", "weak", where, relay.seen, text, mend)
        if relay.open:
            text = "Everybody may send through it, in your name and at your cost."
            yield Finding(
                "relay_open",
                "fault",
                where,
                "a relay without credentials",
                text,
                "use-auth-secret and lt-cred-mech in turnserver.conf",
            )


def _registration(facts: Facts) -> Iterator[Finding]:
    where = f"{facts.domain} registration"
    if facts.registration == "open":
        text = "Spammers find such servers within days, and other servers block them."
        mend = "xmpp_registration: invite; or a form with a question, and limits"
        yield Finding(
            "registration_open", "weak", where, "everybody may make accounts, without any question", text, mend
        )
    elif facts.registration == "form":
        text = "Everybody who answers the form may make accounts."
        yield Finding("registration_by_form", "note", where, "by a form or web page", text)


def _session(facts: Facts, session: Session) -> Iterator[Finding]:
    if session.error and not any(port.good for port in facts.of("c2s", "c2s_tls")):
        return  # that no port works has been told
    if session.error:
        text = "What only an account sees was not looked at."
        yield Finding(
            "sign_in_failed", "fault", f"{facts.domain} account", session.error, text, "Are name and password right?"
        )
        return
    if not session.contacts:
        text = "Nobody knows whom to tell of abuse or faults, and blocks the server instead (XEP-0157)."
        yield Finding(
            "contact_absent",
            "weak",
            f"{facts.domain} contacts",
            "no address is published",
            text,
            "prosody_contact_info: {abuse: [mailto:…], admin: [xmpp:…]}",
        )
    elif "abuse" not in session.contacts:
        text = "Reports of spam go elsewhere, or nowhere."
        yield Finding(
            "contact_abuse_absent",
            "note",
            f"{facts.domain} contacts",
            f"only {', '.join(sorted(session.contacts))}",
            text,
            "prosody_contact_info: {abuse: [mailto:…]}",
        )
    consequences = {
        "upload": ("upload", "Files and pictures are not sent."),
        "turn_credentials": ("relay", "Calls between strict networks fail."),
        "turn_udp": ("relay", "Calls between strict networks fail."),
        "turn_tls": ("relay_tls", "Calls from networks that let only TLS through fail."),
    }
    for name, way in session.checks.items():
        kind, text = consequences[name]
        if way.state == "failed":
            yield Finding(f"{kind}_broken", "fault", f"{facts.domain} {name}", way.seen, text, way.mend)
        elif way.state == "absent" and name in ("upload", "turn_credentials"):
            yield Finding(
                f"{kind}_absent",
                "note",
                f"{facts.domain} {name}",
                way.seen,
                text,
                "Groups of the inventory: see docs/configuration.md",
            )
