# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Invitations of a running Prosody (mod_invites): read, planned, created, revoked."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.lua_text import quote
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.xmpp import jid

REGISTRATION, CONTACT, PASSWORD_RESET = "registration", "contact", "password_reset"
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}

NO_HOST = "this server has no host"

# All of it works on what mod_invites offers and stores: in invite_token of the host token → invitation, and of the
# inviting user token → expiry.
_PRELUDE = (
    'local json = require "prosody.util.json"; '
    "local q = json.decode(%s); local host = prosody.hosts[q.host]; "
    f'if not host then return nil, "{NO_HOST} "..q.host end; '
    "local invites = host.modules.invites; "
    'if not invites then return nil, q.host.." does not have the module invites: add it to its modules" end; '
)
# What is stored has the page's address as it was then, and leads nowhere once another port or a proxy came. Made anew
# as mod_invites_page makes it, or where that is not loaded mod_invites itself (both 13.0.1).
_PAGE = (
    "local page = host.modules.invites_page; page = page and page.module; "
    'local at = (page or invites.module):get_option_string("invites_page"); '
    'local kinds = not page and invites.module:get_option_set("invites_page_supports", '
    '{ "account", "contact", "account-and-contact" }); '
    "local function shown(one) return one.allow_registration and (not kinds or "
    'kinds:contains(one.type == "roster" and "account-and-contact" or "account")) end; '
    'if page and not at then at = (page:get_option_boolean("invites_page_external", false) and "https://"..q.host.."/" '
    'or page:http_url()).."?{invite.token}" end; '
    'local escape = require "prosody.util.http".urlencode; '
    'local render = require "prosody.util.interpolation".new("%%b{}", escape, { urlescape = escape, '
    'noscheme = function (url) return (url:gsub("^[^:]+:", "")) end }); '
)
_READ = (
    _PRELUDE
    + _PAGE
    + (
        'local um = require "prosody.core.usermanager"; '
        "local out = { now = os.time(), invites = {}, roles = {} }; "
        'for token, one in pairs(invites.module:open_store("invite_token"):get(nil) or {}) do '
        "one.token = token; "
        "one.landing_page = at and shown(one) and render(at, { host = q.host, invite = one }) or nil; "
        "out.invites[#out.invites+1] = one end; "
        "local names = host.modules.taken_names; "
        "if q.user and names then local why, other = names.why_not(q.user); "
        'out.taken = why and (other and why.." "..other or why) or nil end; '
        "if q.user then out.user_exists = um.user_exists(q.user, q.host) and true or false; "
        'out.contacts = invites.module:open_store("invite_token"):get(q.user) end; '
        "for name in pairs(um.get_all_roles(q.host) or {}) do out.roles[#out.roles+1] = name end; "
        "out.groups = host.modules.invites_groups ~= nil; return true, json.encode(out)"
    )
)
_CREATE = _PRELUDE + (
    "local one, err; local data = (q.roles or q.groups) and { roles = q.roles, groups = q.groups } or nil; "
    'if q.type == "contact" then one, err = invites.create_contact(q.user, q.allow_registration, nil, q.ttl) '
    'elseif q.type == "password_reset" then one, err = invites.create_account_reset(q.user, q.ttl) '
    "else one, err = invites.create_account(q.user, data, q.ttl) end; "
    'if not one then return nil, tostring(err or "no reason given") end; return true, json.encode(one)'
)
_DELETE = _PRELUDE + (
    'local store = invites.module:open_store("invite_token", "map"); '
    "for _, token in ipairs(q.tokens) do local ok, err = store:set(nil, token, nil); "
    "if ok and q.user then ok, err = store:set(q.user, token, nil) end; "
    'if not ok then return nil, tostring(err or "no reason given") end end; return true, "{}"'
)


class InviteError(XmppError):
    """An invitation that cannot be had."""


class Runner(Protocol):
    """What is needed of an AdminSocket."""

    def lua_json(self, chunk: str) -> Any:
        """Evaluate Lua that returns JSON."""


@dataclass(frozen=True)
class Invite:
    """A pending invitation. created, expires: seconds since 1970; created is 0 where Prosody keeps no record of it."""

    token: str = field(repr=False)
    kind: str
    host: str
    user: str
    expires: int
    created: int = 0
    allow_registration: bool = True
    roles: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    uri: str = field(default="", repr=False)
    landing_page: str = field(default="", repr=False)
    reusable: bool = False

    @property
    def jid(self) -> str:
        """Whom or what it is for: an account, or a host."""
        return f"{self.user}@{self.host}" if self.user else self.host

    def shown(self) -> dict[str, Any]:
        """What results of modules tell about it; token and links are credentials."""
        return {
            "jid": self.jid,
            "type": self.kind,
            "expires": moment(self.expires),
            "created": moment(self.created),
            "allow_registration": self.allow_registration,
            "roles": list(self.roles),
            "groups": list(self.groups),
            "reusable": self.reusable,
            "token": self.token,
            "uri": self.uri,
            "landing_page": self.landing_page,
        }

    @property
    def link(self) -> str:
        """What to hand out: the page that explains, where there is one, else the xmpp: URI."""
        return self.landing_page or self.uri


@dataclass(frozen=True)
class Wanted:
    """An invitation as asked for. ttl: seconds it shall be valid, None for Prosody's default. remaining: least seconds
    that a pending one must still have to be handed out again."""

    kind: str
    host: str
    user: str = ""
    allow_registration: bool = True
    roles: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    ttl: int | None = None
    remaining: int = 0
    force: bool = False

    def fits(self, invite: Invite) -> bool:
        """Whether `invite` is what is asked for, its time aside."""
        return (invite.kind, invite.host, invite.user) == (self.kind, self.host, self.user) and (
            self.kind == PASSWORD_RESET
            or (
                invite.allow_registration == self.allow_registration
                and invite.roles == self.roles
                and sorted(invite.groups) == sorted(self.groups)
                and not invite.reusable
            )
        )


@dataclass(frozen=True)
class State:
    """What the server knows. user_exists: None when no user was asked about. taken: why nobody could register the name,
    "gone", "odd" or "looks like" with another one; "" if nothing is against it."""

    now: int
    invites: tuple[Invite, ...]
    roles: tuple[str, ...] = ()
    groups_supported: bool = False
    user_exists: bool | None = None
    taken: str = ""


@dataclass(frozen=True)
class Plan:
    """What to do: hand out `reuse`, create one, or neither (`fulfilled`: who was invited has an account)."""

    reuse: Invite | None = None
    create: bool = False
    fulfilled: bool = False


def moment(when: int) -> str:
    """Seconds since 1970 as text in UTC, "" for none."""
    return f"{datetime.datetime.fromtimestamp(when, datetime.timezone.utc):%Y-%m-%dT%H:%M:%SZ}" if when else ""


def seconds(text: str) -> int:
    """A duration such as "90", "36h", "7 d" or "2w" in seconds; raises InviteError."""
    match = re.fullmatch(r"\s*(\d{1,9})\s*([smhdw]?)\s*", text)
    if not match:
        raise InviteError(f"'{text}' is not a duration: give a number with s, m, h, d or w, such as 7d.")
    return int(match[1]) * _UNITS[match[2] or "s"]


def lifetime(text: str) -> int:
    """How long an invitation is to be valid, in seconds; raises InviteError, also for no time at all."""
    found = seconds(text)
    if not found:
        raise InviteError(f"'{text}' is no time, and nobody could use the invitation: give one such as 7d.")
    return found


def read(answer: Mapping[str, Any], host: str, user: str = "") -> State:
    """What the server answered, as values; invitations that have expired are left out. Pure."""
    now = int(answer["now"])
    found = {invite.token: invite for invite in (read_invite(one, host) for one in answer.get("invites") or ())}
    for token, expires in (answer.get("contacts") or {}).items():
        if token not in found:
            uri = f"xmpp:{user}@{host}?roster;preauth={token}"
            found[token] = Invite(token, CONTACT, host, user, int(expires), 0, False, uri=uri)
    return State(
        now,
        tuple(sorted((one for one in found.values() if one.expires > now), key=lambda one: (one.expires, one.token))),
        tuple(sorted(answer.get("roles") or ())),
        bool(answer.get("groups")),
        answer.get("user_exists"),
        str(answer.get("taken") or ""),
    )


def read_invite(one: Mapping[str, Any], host: str) -> Invite:
    """One stored invitation as a value. Pure."""
    data = one.get("additional_data") or {}
    kind = CONTACT if one.get("type") == "roster" else PASSWORD_RESET if data.get("allow_reset") else REGISTRATION
    roles = data.get("roles") or ()
    return Invite(
        token=str(one["token"]),
        kind=kind,
        host=host,
        user=str(data.get("allow_reset") or str(one.get("jid") or host).rpartition("@")[0]),
        expires=int(one.get("expires") or 0),
        created=int(one.get("created_at") or 0),
        allow_registration=bool(one.get("allow_registration")),
        # invitations of old versions hold a set
        roles=tuple(roles) if isinstance(roles, list) else tuple(sorted(roles)),
        groups=tuple(data.get("groups") or ()),
        uri=str(one.get("uri") or ""),
        landing_page=str(one.get("landing_page") or ""),
        reusable=bool(one.get("reusable")),
    )


def plan(state: State, wanted: Wanted) -> Plan:
    """What to do about `wanted`; raises InviteError for what Prosody would accept and never honour. Pure."""
    unknown = [role for role in wanted.roles if role not in state.roles]
    if unknown:
        raise InviteError(
            f"{wanted.host} has no role {', '.join(unknown)}; it has {', '.join(state.roles)}. An account from this "
            "invitation would go without it."
        )
    if wanted.groups and not state.groups_supported:
        raise InviteError(
            f"{wanted.host} does not put invited accounts into groups: load the community modules groups_internal and "
            "invites_groups there, or leave the groups out."
        )
    account = f"{wanted.user}@{wanted.host}"
    if wanted.kind != REGISTRATION and not state.user_exists:
        what = "have contacts" if wanted.kind == CONTACT else "have its password reset"
        raise InviteError(f"There is no account {account} that could {what}: create it first, or correct the name.")
    if wanted.kind == REGISTRATION and wanted.user and state.user_exists:
        return Plan(fulfilled=True)
    if wanted.kind == REGISTRATION and wanted.user and state.taken:
        known = {"odd": "begins with a dot or a hyphen", "gone": "was somebody's whose account was removed"}
        why = known.get(state.taken, state.taken)
        raise InviteError(f"Nobody could register the name {wanted.user}: it {why}. Choose another one.")
    if not wanted.force:
        good = [one for one in state.invites if wanted.fits(one) and one.expires - state.now >= wanted.remaining]
        if good:
            return Plan(reuse=good[-1])
    return Plan(create=True)


def to_revoke(state: State, wanted: Wanted | None, token: str) -> tuple[Invite, ...]:
    """Those pending to revoke: the one with `token`, or else all of the kind for the JID of `wanted`. Pure."""
    if token:
        return tuple(one for one in state.invites if one.token == token)
    if wanted is None:
        return ()
    key = (wanted.kind, wanted.host, wanted.user)
    return tuple(one for one in state.invites if (one.kind, one.host, one.user) == key)


class Invites:
    """The invitations of one host of a running server."""

    def __init__(self, runner: Runner, host: str, user: str = "") -> None:
        self._runner, self._host, self._user = runner, host, user

    def _ask(self, chunk: str, **question: Any) -> Any:
        given = {key: value for key, value in question.items() if value not in (None, "", ())}
        text = json.dumps({"host": self._host, **({"user": self._user} if self._user else {}), **given})
        return self._runner.lua_json(chunk % quote(text))

    def state(self) -> State:
        """What is pending, and what there is to know about the user. Raises what the runner raises."""
        return read(self._ask(_READ), self._host, self._user)

    def create(self, wanted: Wanted) -> Invite:
        """Have one created; raises what the runner raises."""
        made = self._ask(
            _CREATE,
            type=wanted.kind,
            allow_registration=wanted.allow_registration,
            roles=wanted.roles,
            groups=wanted.groups,
            ttl=wanted.ttl,
        )
        return read_invite(made, self._host)

    def revoke(self, which: Sequence[Invite]) -> None:
        """Revoke them; raises what the runner raises."""
        if which:
            self._ask(_DELETE, tokens=[one.token for one in which])


def host_and_user(text: str, kind: str) -> tuple[str, str]:
    """The host and the user of a JID as Prosody normalises them; raises XmppError."""
    parsed = jid.parse(text)
    if parsed.resource:
        raise InviteError(f"'{text}' has a resource; an invitation is for a host or an account.")
    if kind != REGISTRATION and not parsed.local:
        raise InviteError(f"'{text}' is a host; for a {kind.replace('_', ' ')} invitation give the JID of an account.")
    return parsed.domain, parsed.local
