# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Look for all that a role cannot work with. The rules are in plugin_utils/preflight, the documentation in
plugins/modules/preflight.py.

Variables are given by their names and worked out here, one by one: one that cannot be is a finding as well, and Ansible
has nothing to print of it.
"""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils import paths, plain_yaml, types
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.preflight import conditions, forms, names
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils.preflight.evaluation import (
    Evaluator,
    Fault,
    is_within,
    place,
)

LIST: dict[str, Any] = {"type": "list", "elements": "str", "default": []}
# what says which port is wanted, and not who may come to it
_OF_A_PORT = ("port", "ports", "protocol", "address", "service", "variable")

ARGUMENT_SPEC = {
    "spec": {"type": "path"},
    "role": {"type": "str"},
    "renamed": {"type": "dict", "default": {}},
    "domains": LIST,
    "certificate_names": LIST,
    "forms": {"type": "dict", "default": {}},
    "jids": LIST,
    "platforms": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "distribution": {"type": "str", "required": True},
            "majors": {"type": "list", "elements": "str", "default": []},
        },
    },
    "ports": LIST,
    "opens": LIST,
    "owners": LIST,
    "checks": LIST,
    "asks": LIST,
    "asks_last": LIST,
    "hands_on": {"type": "dict", "default": {}},
}
_PLUGINS = Path(__file__).resolve().parents[1]
_ROLES = _PLUGINS.parent / "roles"
_VOCABULARY = _PLUGINS / "plugin_utils" / "preflight" / "vocabulary.yml"
#: held by every host, made by Ansible; some would be worked out when they are looked into
_OF_ANSIBLE = frozenset({"ansible_facts", "environment", "groups", "hostvars", "vars"})
#: a default that is a variable of the shared vocabulary
_TAKES = re.compile(r"\{\{\s*(xmpp_[a-z_]+)\s*(?:\|\s*default\(.*\)\s*)?\}\}\Z")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@functools.cache
def _read(path: Path, role: str) -> dict[str, Any]:
    try:
        return names.options_of(plain_yaml.parsed(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError, AttributeError) as error:
        raise AnsibleActionFail(f"Cannot read the specification {path} of role {role}: {error}") from error


def read_specifications() -> None:
    """Read those of our own roles, so that a process that is forked from this one has them."""
    for path in _ROLES.glob("*/meta/argument_specs.yml"):
        _read(path, path.parent.parent.name)
    _read(_VOCABULARY, "xmpp")


def _values(path: str, passed: paths.Steps, value: Any, steps: str) -> Iterator[tuple[str, paths.Steps, Any]]:
    """Follow steps such as [].name from a value: path, steps and what is there.

    What is not there, or of another type, is not followed.
    """
    if not steps:
        yield path, passed, value
    elif steps.startswith("[]"):
        for index, item in enumerate(value if isinstance(value, (list, tuple)) else []):
            yield from _values(f"{path}[{index}]", (*passed, index), item, steps[2:])
    else:
        key = _NAME.findall(steps)[0]
        if isinstance(value, Mapping) and key in value:
            yield from _values(f"{path}.{key}", (*passed, key), value[key], steps[len(key) + 1 :])


def _words(value: Any) -> Iterator[str]:
    """Every word in the texts that a value holds."""
    if isinstance(value, str):
        if "{{" in value or "{%" in value:
            yield from _NAME.findall(value)
    elif isinstance(value, Mapping):
        for held in value.values():
            yield from _words(held)
    elif isinstance(value, (list, tuple)):
        for held in value:
            yield from _words(held)


class ActionModule(ActionBase):
    """Action plugin allthingslinux.xmpp.preflight."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_diff_mode = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the findings, with those that are registered already."""
        del tmp
        variables = task_vars or {}
        result: dict[str, Any] = super().run(task_vars=task_vars)
        _validation, args = self.validate_argument_spec(argument_spec=ARGUMENT_SPEC)
        self._evaluator = Evaluator(self._templar, variables)
        self._findings: list[str] = []
        self._secondary: list[str] = []
        self._faulty: set[str] = set()
        self._blamed: list[str] = []
        # parts of variables that were refused and are left out of what is looked at next
        self._gone: list[paths.Steps] = []
        self._groups_are_in_doubt = False
        self._values: dict[str, Any] = {}
        self._made: dict[str, Any] = {}
        self._options: dict[str, Any] = {}
        self._roles = self._role_dir = _ROLES

        role = args["role"] or ""
        if args["spec"]:
            spec_path = Path(args["spec"]).resolve()
            self._roles, self._role_dir = spec_path.parents[2], spec_path.parents[1]
            role = role or spec_path.parent.parent.name
            self._options = _read(spec_path, role)
            self._look_at_names(spec_path, role, args["renamed"], variables)
            self._look_at_types()
        for path in args["domains"]:
            self._each(path, self._invalid_domains)
        for path in args["certificate_names"]:
            self._each(path, conditions.invalid_certificate_names)
        for path in args["jids"]:
            self._each(path, self._invalid_jids)
        for path, form in args["forms"].items():
            self._each(path, functools.partial(forms.problems, form))
        self._leave_out_what_was_refused()
        self._mark_what_is_made_of_faulty_ones()
        self._settle_what_is_asked_for_often(role)
        if args["platforms"]:
            result.update(self._look_at_system(args["platforms"], variables))
        self._look_at_ports(args["ports"], args["owners"], variables)
        for name in args["checks"]:
            self._check(name)
        for name in args["asks"]:
            self._ask(name, variables)
        if not self._findings and not self._faulty:
            for name in args["asks_last"]:
                self._ask(name, variables)

        result["handed_on"] = self._hand_on(args["hands_on"])

        registered = variables.get(str(getattr(self._task, "register", None)))
        before = registered if isinstance(registered, Mapping) else {}
        result["opens"] = [*(before.get("opens") or []), *self._ports_of(args["opens"])]
        wanted = self._ports_of(dict.fromkeys([*args["ports"], *args["opens"]]))
        result["wants"] = [
            *(before.get("wants") or []),
            *({key: entry[key] for key in _OF_A_PORT if key in entry} for entry in wanted),
        ]
        result["changed"] = False
        result["findings"] = list(dict.fromkeys([*(before.get("findings") or []), *self._findings]))
        result["secondary"] = list(dict.fromkeys(self._secondary))
        result["sound"] = not self._faulty
        return result

    def _hand_on(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Work out variables, each with those that say what is in it, unless one of these was refused."""
        found = {}
        for name, made_of in wanted.items():
            if not any(steps[0] in made_of and paths.identifies(steps) for steps in self._gone):
                with contextlib.suppress(Fault):  # a check has told of it
                    found[name] = self._evaluator.value(name)
        return found

    def _look_at_names(
        self, spec_path: Path, role: str, renamed: Mapping[str, str], variables: Mapping[str, Any]
    ) -> None:
        given = {str(name): value for name, value in variables.items() if name not in _OF_ANSIBLE}
        self._findings += conditions.sample_secrets(given)
        own = self._list(names.OWN)
        self._findings += names.renamed_variables(given, renamed)
        known = {*self._options, *_read(_VOCABULARY, "xmpp")}
        for other in spec_path.parents[2].glob("*/meta/argument_specs.yml"):
            known |= _read(other, other.parent.parent.name).keys()
        told = {name for name in given if name not in known and name not in renamed}
        origins = {name: place(given[name]) for name in told if name.startswith(f"{role}_")}
        self._findings += names.unknown_variables(told, self._options, role, origins, own)
        # a default of the role is not something that the operator sets
        set_here = {name for name, value in given.items() if name not in known or not is_within(value, self._roles)}
        absent = names.absent_roles(variables.get("groups") or {})
        if names.misspelt_variables(set_here, known, role, {}, own, (), absent):
            used = {word for value in given.values() for word in _words(value)}
            origins = {name: place(given[name]) for name in told}
            self._findings += names.misspelt_variables(set_here, known, role, origins, own, used, absent)
        misspelt = names.misspelt_groups(variables.get("groups") or {}, names.GROUPS, own)
        self._groups_are_in_doubt = bool(misspelt)
        self._findings += misspelt

    def _list(self, name: str) -> list[str]:
        try:
            held = self._evaluator.value(name)
        except Fault:
            return []
        return [str(each) for each in held] if isinstance(held, (list, tuple)) else [str(held)]

    def _look_at_types(self) -> None:
        told: list[tuple[Any, list[str]]] = []
        shared = {name: option for name, option in _read(_VOCABULARY, "xmpp").items() if option}
        for name, option in {**shared, **self._options}.items():
            raw = self._evaluator.variables.get(name)
            if name not in self._evaluator.variables:
                if option.get("required"):
                    self._findings.append(f"{name} is not set: give it.")
                continue
            made, faults = self._evaluator.parts(name, raw)
            label, where = self._called(name, raw)
            self._secondary += [str(fault) for _path, fault in faults if self._is_of_another(fault)]
            lines = [self._fault_line(path, raw, fault) for path, fault in faults if not self._is_of_another(fault)]
            lines += types.problems(label, made, option, self._place, where)
            value, gone = types.repaired(made, option, (name,))
            if lines or faults or gone:
                self._faulty.add(name)
                self._gone += gone or [(name,)]
            else:
                self._evaluator.settle(name, made)
            # what another role of ours hands over is told by that one, which knows the variables it is made of
            if not is_within(raw, self._roles) or is_within(raw, self._role_dir):
                told.append((raw, lines))
            self._values[name] = value
        for raw, lines in told:
            # a default that takes over what stands in another variable is not to blame for it
            if not (is_within(raw, self._roles) and self._faulty & set(_words(raw))):
                self._findings += lines

    def _place(self, value: Any) -> str:
        """Name the place of a value, unless it stands in a role, where the operator does not look."""
        return "" if is_within(value, self._roles) else place(value)

    def _called(self, name: str, raw: Any) -> tuple[str, str]:
        """Name a variable as the operator knows it: by the word of the shared vocabulary that its default takes."""
        if isinstance(raw, str) and is_within(raw, self._roles) and (found := _TAKES.match(raw)):
            return found[1], self._place(self._evaluator.variables.get(found[1]))
        return name, self._place(raw)

    def _fault_line(self, path: str, raw: Any, fault: Fault) -> str:
        """Say what is wrong with a part of a variable."""
        if fault.missing and is_within(fault.source, self._roles):
            return f"{fault.missing} is set nowhere, and is needed: set it in group_vars/all, or for the host."
        if fault.own and is_within(raw, self._roles):
            return str(fault)  # names its variable
        where = self._place(fault.source)
        return f"{path} (set in {where}) {fault}" if where else f"{path} {fault}"

    def _each(self, path: str, rule: Any) -> None:
        """Apply a rule to the values that a path such as prosody_hosts[].name leads to."""
        name = _NAME.findall(path)[0]
        if name not in self._values:
            return
        raw = self._evaluator.variables[name]
        label, where = self._called(name, raw)
        if label == name and is_within(raw, self._roles):
            return  # made of other variables by a default, and as good as these
        for called, steps, value in _values(label, (), self._values[name], path[len(name) :]):
            set_in = self._place(value) or where
            shown = f"{called} (set in {set_in})" if set_in else called
            if lines := rule(shown, value):
                self._faulty.add(name)
                self._gone.append((name, *steps))
                self._findings += lines

    def _invalid_domains(self, shown: str, value: Any) -> list[str]:
        """Refuse what is no domain, once: what lies below one that was refused is made of it."""
        if conditions.is_below(value, self._blamed):
            return []
        found = conditions.invalid_domains(shown, value)
        if found and isinstance(value, str):
            self._blamed.append(value)
        return found

    def _invalid_jids(self, shown: str, value: Any) -> list[str]:
        """Refuse what is no account; one on a domain that was refused is not to blame for it."""
        return [] if conditions.is_below(value, self._blamed) else conditions.invalid_jids(shown, value)

    def _leave_out_what_was_refused(self) -> None:
        """Go on with the rest of each variable, or with the default of the role where nothing of it is left."""
        # an item that goes for want of a name is gone as well
        self._gone += [whole for steps in self._gone if (whole := paths.whole(steps)) != steps]
        changes: dict[str, Any] = {}
        for name in self._faulty:
            value: Any = self._values.get(name)
            for steps in self._gone:
                if steps[0] == name:
                    value = paths.without({name: value}, steps).get(name)
            if name in self._options:
                changes[name] = self._default(name) if value is None else value
        if self._faulty:
            self._evaluator.replace(changes, removed=self._faulty - changes.keys())

    def _settle_what_is_asked_for_often(self, role: str) -> None:
        """Work out once what ports, checks and questions are all made of: the variables of the role together."""
        for name in (f"__{role}_given", f"__{role}_settings"):
            with contextlib.suppress(Fault):  # told by what asks for it
                self._evaluator.settle(name, self._evaluator.value(name))

    def _default(self, name: str) -> Any:
        """Return the default of a variable of the role, or nothing where that is what was refused."""
        path = self._role_dir / "defaults" / "main.yml"
        if not path.is_file() or is_within(self._evaluator.variables.get(name), self._role_dir):
            return None
        return (self._loader.load_from_file(str(path), trusted_as_template=True) or {}).get(name)

    def _mark_what_is_made_of_faulty_ones(self) -> None:
        """What a default makes of a variable that was reported is not worth a line of its own."""
        made_of = {
            name: set(_words(raw))
            for name in self._options
            if is_within(raw := self._evaluator.variables.get(name), self._roles)
        }
        told = self._faulty | {self._called(name, self._evaluator.variables.get(name))[0] for name in self._faulty}
        while more := {name for name, words in made_of.items() if name not in told and words & told}:
            told |= more
        # with the default that stands in for it, a variable says nothing of what was meant
        self._gone += [(name,) for name in told - self._faulty]
        self._faulty = told

    def _look_at_system(self, platforms: list[dict[str, Any]], variables: dict[str, Any]) -> dict[str, Any]:
        facts = dict(variables.get("ansible_facts") or {})
        gathered: dict[str, Any] = {}
        if "distribution" not in facts:
            reply = self._target("ansible.builtin.setup", {"gather_subset": ["all"]}, variables)
            if reply is None:
                return {}
            gathered = reply["ansible_facts"]
            facts = {name.removeprefix("ansible_"): value for name, value in gathered.items()}
        self._findings += conditions.unsupported_platform(facts, platforms)
        return {"ansible_facts": gathered} if gathered else {}

    def _ports_of(self, sources: Iterable[str]) -> list[Any]:
        """What variables of the role hold together."""
        return [port for name in sources for port in self._worked_out(name) or []]

    def _look_at_ports(self, sources: list[str], owners: list[str], variables: dict[str, Any]) -> None:
        wanted = [port for port in self._ports_of(sources) if str(port.get("port", "")).isdecimal()]
        if not wanted:
            return
        numbers = sorted({int(port["port"]) for port in wanted})
        reply = self._target("allthingslinux.xmpp.listeners_info", {"ports": numbers}, variables)
        if reply is not None:
            self._findings += conditions.taken_ports(wanted, reply["listeners"], owners)

    def _worked_out(self, name: str) -> Any:
        """Return the value of a variable of the role, or nothing and a finding where it cannot be worked out.

        Each once: ports, which come out of the model, are asked for by the look at who has them and by who opens them.
        """
        if name not in self._made:
            try:
                self._made[name] = self._evaluator.value(name)
            except Fault as fault:
                self._not_worked_out(name, fault)
                return None
        return self._made[name]

    def _is_of_another(self, fault: Fault) -> bool:
        """Whether a plugin of ours said so of a variable that is another role's."""
        named = _NAME.match(str(fault))
        role = named[0].partition("_")[0] if named else ""
        return fault.own and (self._roles / role).is_dir() and bool(role) and role != self._role_dir.name

    def _not_worked_out(self, name: str, fault: Fault) -> None:
        """Report what could not be made of the variables, unless one of them is faulty, which was said already."""
        if self._is_of_another(fault):
            self._secondary.append(str(fault))
        elif fault.own:
            self._consequence(str(fault))
        elif not self._faulty and name.startswith("__"):
            # of our own making: what an operator can do something about stands elsewhere, mostly about another host
            self._secondary.append(f"{name} {fault}")
        elif not self._faulty:
            self._findings.append(f"{name} {fault}")

    def _consequence(self, line: str) -> None:
        """Report what came out of variables, unless it only follows from something that was reported already."""
        if not paths.follows(line, self._gone, self._evaluator.variables):
            self._findings.append(line)

    def _check(self, name: str) -> None:
        """Report the problem of every condition ({that, problem}) of a variable that does not hold."""
        raw = self._evaluator.variables.get(name)
        entries = raw if isinstance(raw, (list, tuple)) else self._worked_out(name)
        for entry in entries or []:
            if self._hangs_on_what_was_refused(entry["that"]):
                continue
            try:
                if not self._evaluator.template(entry["that"]):
                    self._consequence(str(self._evaluator.template(entry["problem"])))
            except Fault as fault:
                self._not_worked_out(name, fault)

    def _hangs_on_what_was_refused(self, raw: Any) -> bool:
        """Whether a condition is made of a variable for which a default stands in."""
        missing = {steps[0] for steps in self._gone if len(steps) == 1}
        seen: set[str] = set()
        further = set(_words(raw))
        while further:
            seen |= further
            within = [self._evaluator.variables.get(name) for name in further if name.startswith("__")]
            further = {word for held in within for word in _words(held)} - seen
        return bool(seen & missing)

    def _ask(self, name: str, variables: dict[str, Any]) -> None:
        """Run modules ({module, args, problems}) on the host, in check mode, and report what they find."""
        for entry in self._worked_out(name) or []:
            if self._rests_on_what_was_refused(entry.get("rests_on") or ()):
                continue
            asked, self._task.check_mode = self._task.check_mode, True
            try:
                reply = self._target(entry["module"], entry.get("args") or {}, variables, entry.get("problems"))
            finally:
                self._task.check_mode = asked
            for problem in (reply or {}).get(entry.get("problems")) or []:
                self._findings.append(str(problem["text"] if isinstance(problem, Mapping) else problem))

    def _rests_on_what_was_refused(self, made_of: Collection[str]) -> bool:
        """Whether what is asked for is in doubt: its variables, or the groups, which defaults are made of."""
        return bool(made_of) and (
            self._groups_are_in_doubt or any(steps[0] in made_of and paths.identifies(steps) for steps in self._gone)
        )

    def _target(
        self, module: str, module_args: dict[str, Any], variables: dict[str, Any], answer: str | None = None
    ) -> dict[str, Any] | None:
        """Run a module on the host. Where it fails without the answer that is asked for, that is a finding."""
        reply: dict[str, Any] = self._execute_module(module_name=module, module_args=module_args, task_vars=variables)
        if reply.get("failed") and (answer is None or answer not in reply):
            self._findings += conditions.failed_on_host(reply, module)
            return None
        return reply
