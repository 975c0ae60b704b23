# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Current and wanted accounts → what to do. Pure; also the diff of it."""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Mapping, Sequence

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.accounts.model import (
    Account,
    Host,
    Plan,
    Step,
    Update,
    Wanted,
)


def needs_password_test(wanted: Wanted, current: Account | None, host: Host) -> bool:
    """Tell whether the plan depends on hashing the password with the stored salt."""
    return (
        current is not None
        and wanted.state != "absent"
        and wanted.password is not None
        and wanted.update_password == "always"
        and current.verifier is not None
        and current.verifier.hash == host.hash
    )


def needed(wanted: Sequence[Wanted]) -> str:
    """Return what has to be read of the wanted accounts besides state and roles, in the letters of ``store.read``."""
    kept = [entry for entry in wanted if entry.state != "absent"]
    tests = {
        "k": any(
            entry.update_password == "always" and (entry.password is not None or entry.verifier is not None)
            for entry in kept
        ),
        "f": any(entry.flags is not None for entry in kept),
        "t": any(entry.contact is not None for entry in kept),
    }
    return "".join(letter for letter, test in tests.items() if test)


def plan(
    wanted: Sequence[Wanted],
    current: Mapping[str, Account],
    host: Host,
    *,
    same_password: Collection[str] = (),
    undeclared: Sequence[Account] = (),
    exempt: Sequence[str] = (),
    errors: Mapping[str, str] | None = None,
) -> Plan:
    """Decide what has to be done.

    current: the existing accounts among the wanted ones, by name.
    same_password: of those that :func:`needs_password_test` names, the ones whose password is the stored one.
    undeclared: existing accounts that are not declared and may be purged.
    exempt: patterns of names of accounts that are never purged; those of the configuration's admins never are.
    errors: what is already known to be wrong, to be carried along.
    """
    create: list[Wanted] = []
    update: list[Update] = []
    remove: list[Account] = []
    problems = dict(errors or {})
    unchanged = 0
    for entry in wanted:
        existing = current.get(entry.name)
        problem = _problem(entry, existing, host)
        if problem:
            problems[entry.name] = f"{entry.name}@{host.name}: {problem}"
        elif entry.state == "absent":
            if existing:
                remove.append(existing)
            else:
                unchanged += 1
        elif existing is None:
            create.append(entry)
        else:
            change = _update(entry, existing, host, entry.name in same_password)
            if change:
                update.append(change)
            else:
                unchanged += 1
    protected = host.operators | host.admins
    purge = [account for account in undeclared if account.name not in protected and not _exempted(account.name, exempt)]
    purge.sort(key=lambda account: account.name)
    kept = tuple(sorted({account.name for account in undeclared} - {account.name for account in purge}))
    return Plan(tuple(create), tuple(update), (*remove, *purge), problems, unchanged, kept)


def _exempted(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _problem(entry: Wanted, existing: Account | None, host: Host) -> str | None:
    """Why the declaration cannot be met, or None."""
    if entry.state == "absent":
        return None
    unknown = sorted({entry.role, *(entry.secondary_roles or ())} - host.roles - {None})
    if unknown:
        return f"no role is called {', '.join(map(str, unknown))}; the host knows {', '.join(sorted(host.roles))}."
    if entry.flags and not host.flags:
        return "flags need Prosody's module flags: add it to modules_enabled of the host."
    if entry.verifier and entry.verifier.hash != host.hash:
        return (
            f"its verifier is for SCRAM-{entry.verifier.hash}, but the host stores {host.hash} "
            f"(password_hash of the configuration): nobody could sign in with it."
        )
    if existing is None and entry.state == "present" and entry.password is None and entry.verifier is None:
        return "it does not exist yet, and without a password or a verifier nobody could sign in to it."
    return None


def _update(entry: Wanted, existing: Account, host: Host, same_password: bool) -> Update | None:
    steps: list[Step] = []
    changes: list[str] = []
    if entry.state == "disabled" and existing.enabled:
        # first, so that its sessions are gone before anything else happens
        steps.append(Step("disable"))
        changes.append("state")
    new_password = _new_password(entry, existing, host, same_password)
    if new_password:
        changes.append("password")
    if entry.role is not None and entry.role != existing.role:
        steps.append(Step("role", (entry.role,)))
        changes.append("role")
    if entry.secondary_roles is not None:
        # the primary role, old or new, is no secondary one
        held = existing.secondary_roles - ({entry.role} if entry.role else set())
        steps += [Step("remove_role", (role,)) for role in sorted(held - entry.secondary_roles)]
        steps += [Step("add_role", (role,)) for role in sorted(entry.secondary_roles - held)]
        if held != entry.secondary_roles:
            changes.append("secondary_roles")
    if entry.flags is not None:
        gone = sorted(set(existing.flags) - set(entry.flags))
        new = sorted(flag for flag, note in entry.flags.items() if existing.flags.get(flag) != note)
        steps += [Step("remove_flag", (flag,)) for flag in gone]
        steps += [Step("add_flag", (flag, entry.flags[flag])) for flag in new]
        if gone or new:
            changes.append("flags")
    if entry.contact is not None:
        different = {key: value for key, value in entry.contact.items() if existing.contact.get(key, "") != value}
        if different:
            steps.append(Step("contact", (different,)))
            changes.append("contact")
    if entry.state == "present" and not existing.enabled:
        # last, so that nobody signs in with an old password or role
        steps.append(Step("enable"))
        changes.append("state")
    if not changes:
        return None
    return Update(existing, entry, tuple(steps), new_password, tuple(sorted(changes)))


def _new_password(entry: Wanted, existing: Account, host: Host, same_password: bool) -> bool:
    if entry.password is None and entry.verifier is None:
        return False
    if not existing.has_password:
        # nobody could ever sign in: not even on_create means to leave it so
        return True
    if entry.update_password == "on_create":
        return False
    if existing.verifier is None:
        return True
    if entry.verifier is not None:
        return entry.verifier != existing.verifier
    return existing.verifier.hash != host.hash or not same_password


def diff(plan: Plan, host: Host) -> dict[str, str]:
    """Return the diff of a plan as Ansible shows it: only accounts that change, without any secret."""
    sides: list[tuple[str, Mapping[str, str], Mapping[str, str]]] = []
    for wanted in plan.create:
        sides.append((wanted.name, {}, _declared(wanted, host)))
    for update in plan.update:
        old = {name: value for name, value in _stored(update.before).items() if name in update.changes}
        new = {**old, **{k: v for k, v in _declared(update.wanted, host).items() if k in update.changes}}
        if "contact" in update.changes:
            new["contact"] = _shown({**update.before.contact, **(update.wanted.contact or {})})
        if update.new_password:
            old["password"], new["password"] = "as it was", "new"
        sides.append((update.before.name, old, new))
    for account in plan.remove:
        sides.append((account.name, _stored(account), {}))
    sides.sort(key=lambda side: side[0])
    return {
        "before_header": f"accounts of {host.name}",
        "after_header": f"accounts of {host.name}",
        "before": "".join(_text(name, old) for name, old, _new in sides),
        "after": "".join(_text(name, new) for name, _old, new in sides),
    }


# in this order on both sides of a diff
_SHOWN = ("state", "password", "role", "secondary_roles", "flags", "contact")


def _text(name: str, values: Mapping[str, str]) -> str:
    """An account's half of a diff; nothing where there is no account."""
    if not values:
        return ""
    return f"{name}:\n" + "".join(f"  {key}: {values[key]}\n" for key in _SHOWN if values.get(key))


def _shown(values: Mapping[str, str] | None) -> str:
    return ", ".join(f"{key}={value}" if value else key for key, value in sorted((values or {}).items()))


def _stored(account: Account) -> dict[str, str]:
    return {
        "state": "present" if account.enabled else "disabled",
        "role": account.role,
        "secondary_roles": ", ".join(sorted(account.secondary_roles)),
        "flags": _shown(account.flags),
        "contact": _shown(account.contact),
    }


def _declared(entry: Wanted, host: Host) -> dict[str, str]:
    return {
        "state": entry.state,
        "role": entry.role or host.default_role,
        "secondary_roles": ", ".join(sorted(entry.secondary_roles or ())),
        "flags": _shown(entry.flags),
        "contact": _shown(entry.contact),
    }
