# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Outcome → what the modules return and say. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.accounts import reconcile
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.accounts.model import Account, Host, HostError, Plan
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.prosody.admin_socket import AdminUnavailable

# how many failed accounts a message names; the result lists them all
_NAMED = 20


def may_come_later(error: Exception) -> bool:
    """Tell whether the error only means that Prosody, or the host in it, is not set up yet (check mode at first)."""
    if isinstance(error, AdminUnavailable):
        return error.reason in ("missing", "refused")
    return isinstance(error, HostError) and error.reason == "no-such-host"


def prediction(declarations: Iterable[Mapping[str, Any]], host: str) -> tuple[Plan, Host]:
    """Return the plan for a host that does not exist yet, and what it will probably be like."""
    about = Host(host, "SHA-256", 10000, frozenset(), "prosody:registered", True)
    return reconcile.predict(declarations, host), about


def of(outcome: reconcile.Outcome, host: str, plan: Plan | None = None, predicted: bool = False) -> dict[str, Any]:
    """Return the values both account modules report."""
    return {
        "changed": outcome.changed,
        "host": host,
        "created": list(outcome.created),
        "updated": dict(outcome.updated),
        "removed": list(outcome.removed),
        "unchanged": plan.unchanged if plan else 0,
        "errors": dict(outcome.failed),
        "predicted": predicted,
    }


def failure(outcome: reconcile.Outcome, host: str) -> str | None:
    """Return the message with which the task fails, or None."""
    if not outcome.failed:
        return None
    count = len(outcome.failed)
    lines = [f"{count} account{'s' if count != 1 else ''} of {host} cannot be had as declared; the others were done:"]
    lines += [f"- {reason}" for _name, reason in sorted(outcome.failed.items())[:_NAMED]]
    if count > _NAMED:
        lines.append(f"- and {count - _NAMED} more, listed in the result under errors")
    return "\n".join(lines)


def warnings(plan: Plan, host: Host) -> list[str]:
    """Return what the operator should know although nothing is wrong."""
    said = []
    wanted = [*plan.create, *(update.wanted for update in plan.update)]
    for entry in wanted:
        given = _configured_role(entry.name, host)
        if given and entry.role not in (None, given):
            said.append(
                f"{entry.name}@{host.name} is in admins of Prosody's configuration, which makes it {given}, "
                f"whatever role it is given here ({entry.role})."
            )
    return said


def undeclared(names: list[str], host: str) -> list[str]:
    """Return what to say about accounts that are declared no more, or nothing where there are none."""
    if not names:
        return []
    shown = ", ".join(f"{name}@{host}" for name in names[:_NAMED])
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return [
        f"Declared before and no more, though they exist and can sign in: {shown}{more}. Declare them with "
        "state: absent to remove them with all they stored, with state: disabled to lock them, or as they were."
    ]


def _configured_role(name: str, host: Host) -> str | None:
    """The role that admins of the configuration gives, which outranks the stored one (mod_authz_internal)."""
    if name in host.operators:
        return "prosody:operator"
    return "prosody:admin" if name in host.admins else None


def account(stored: Account, host: Host) -> dict[str, Any]:
    """Return an account as a module shows it: nothing secret."""
    return {
        "name": stored.name,
        "jid": f"{stored.name}@{host.name}",
        "enabled": stored.enabled,
        "role": _configured_role(stored.name, host) or stored.role,
        "stored_role": stored.role,
        "secondary_roles": sorted(stored.secondary_roles),
        "password_hash": stored.verifier.hash if stored.verifier else None,
        "iterations": stored.verifier.iterations if stored.verifier else None,
        "created": stored.created,
        "password_updated": stored.password_updated,
        "last_active": stored.last_active,
        "sessions": stored.sessions,
        "flags": dict(stored.flags),
        "contact": dict(stored.contact),
    }


def action(outcome: reconcile.Outcome) -> str:
    """Name what happened to the only account of an outcome."""
    happened = {"created": outcome.created, "updated": outcome.updated, "removed": outcome.removed}
    return next((name for name, accounts in happened.items() if accounts), "none")
