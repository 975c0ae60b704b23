# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""bin/xmpp: what was asked for → ansible-playbook. The only part with input and output."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import subprocess
import sys
import time
import zlib
from collections.abc import Sequence
from pathlib import Path

from . import completion, help, inventories
from .alone import alone
from .arguments import Request, find_verb, read
from .table import QUICKSTART, VERBS, Verb
from .words import Refusal

ROOT = Path(__file__).resolve().parents[3]
LIB = ROOT / "bin" / "lib"
VENV = ROOT / ".venv"
CONTAINER = "xmpp-quickstart"
INTERRUPTED = 99  # exit status of ansible-playbook after Ctrl-C
DRIFTED = 2  # exit status: nothing failed, and something differs


def say(text: str) -> None:
    """A heading, on standard error like those of the other commands."""
    heading = f"\033[1m== {text}\033[0m" if sys.stderr.isatty() else f"== {text}"
    print(f"\n{heading}", file=sys.stderr, flush=True)


def refuse(command: str, said: str, *more: str) -> int:
    """Tell what cannot be done, and what can. Out: the exit status."""
    print(f"\n{command}: {said}", file=sys.stderr)
    for line in more:
        print(f"   {line}", file=sys.stderr)
    return 1


def tool(name: str, *words: str) -> None:
    """Run one of the scripts in bin/lib; what it refuses it has told itself."""
    code = subprocess.run([str(LIB / name), *words], check=False).returncode
    if code:
        raise SystemExit(code)


def container_runs() -> bool:
    """Out: whether the container of the quickstart is there, as far as can be seen."""
    asked = ["docker", "container", "inspect", "-f", "{{.State.Running}}", CONTAINER]
    try:
        return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip() == "true"
    except OSError:
        return False


def published() -> dict[str, str]:
    """Out: what says to the inventory of the quickstart where its container is; nothing where there is none."""
    asked = subprocess.run([str(LIB / "quickstart"), "where"], stdout=subprocess.PIPE, text=True, check=False)
    there = asked.stdout.split()
    return dict(zip(("XMPP_QUICKSTART_ADDRESS", "XMPP_QUICKSTART_WEB_PORT"), there)) if len(there) == 2 else {}


def variables(request: Request) -> dict[str, object]:
    """Out: what the verb's own options and word say to its playbook; paths start where the operator is."""
    found: dict[str, object] = {}
    for option in request.verb.options:
        if option.sets and option.name in request.given:
            value = request.given[option.name]
            found[option.sets] = str(Path.cwd() / str(value)) if option.is_file else value
    if request.word:
        found[request.verb.word_sets] = request.word
    return found


def record_of(verb: Verb, inventory: Path) -> Path:
    """Out: where the last run of a verb on an inventory is written down."""
    return ROOT / ".cache" / f"run-{verb.name}-{_file_name(inventory)}.json"


def _file_name(inventory: Path) -> str:
    """Out: an inventory in the name of a file."""
    return f"{inventory.name}-{zlib.crc32(str(inventory).encode()):08x}"


def beside_none(verb: Verb, inventory: Path, contained: bool) -> contextlib.AbstractContextManager[None]:
    """Out: what has a run be the only one on its servers, where another one would be in its way."""
    if not (verb.alone or contained):
        return contextlib.nullcontext()
    lock = ROOT / ".cache" / f"lock-{_file_name(inventory)}"
    return alone(lock, f"bin/xmpp {verb.name}", lambda text: print(f"\n{text}", file=sys.stderr, flush=True))


def of_it(request: Request) -> str:
    """Out: what follows another verb for the same servers: the inventory and what opens its vault."""
    return " ".join(shlex.quote(word) for word in request.again if word != "--fast")


def environment(request: Request, again: str, record: Path) -> dict[str, str]:
    """Out: the environment of ansible-playbook. record: where the run is written down."""
    made = {"ANSIBLE_STDOUT_CALLBACK": "allthingslinux.xmpp.progress", **os.environ}
    made |= {
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "XMPP_DEPLOY_AGAIN": again,
        "XMPP_DEPLOY_OF": of_it(request),
        "XMPP_PROGRESS_RECORD": str(record),
        "XMPP_PROGRESS_QUIET": str(int(request.verb.bare)),
    }
    if request.verb.domain_sets:  # there may be no group at all
        made["ANSIBLE_HOST_PATTERN_MISMATCH"] = "ignore"
    if "--fast" in request.given:
        # the strategy is deprecated as all third-party ones are, and every run would say so
        made |= {"ANSIBLE_STRATEGY": "mitogen_linear", "ANSIBLE_DEPRECATION_WARNINGS": "False"}
        found = sorted(VENV.glob("lib/python3*/site-packages/ansible_mitogen/plugins/strategy"))
        made["ANSIBLE_STRATEGY_PLUGINS"] = str(found[0]) if found else ""
    return made


def ended(process: subprocess.Popen[bytes]) -> int:
    """Wait for it. Out: its exit status."""
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:  # it was told as well, and says so itself
            continue


def why_not(code: int, record: Path) -> str:
    """Out: where to read why a run failed. code: its exit status; record: what it wrote down, if it came so far."""
    if code == INTERRUPTED:
        return "it was interrupted"
    if record.exists() and json.loads(record.read_text())["failed"]:
        return "the failed task above says what was seen and what to do"
    return "what Ansible says above tells why; no task of a host failed"


def unreadable(path: Path, record: Path) -> list[str]:
    """Out: where the files of an inventory are no YAML, if a run ended before it had anything to write down."""
    if record.exists():
        return []
    asked = [str(VENV / "bin" / "python"), str(LIB / "yaml_places.py"), str(path)]
    try:
        return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.splitlines()
    except OSError:
        return []


def run(request: Request, command: str, called: str) -> int:
    """Do it. command: for messages; called: how the operator called it, for the next time. Out: the exit status."""
    verb = request.verb
    domain = bool(verb.domain_sets) and inventories.is_domain(ROOT, request.inventory, Path.cwd())
    # of a domain alone nothing but this machine is needed
    path = Path("localhost,") if domain else inventories.find(ROOT, request.inventory, Path.cwd())
    quick = path == ROOT / "inventories" / QUICKSTART
    if "--destroy" in request.given:
        if not quick:
            raise Refusal("--destroy removes the quickstart only", "Servers of other inventories are left as they are.")
        tool("quickstart", "down")
        return 0
    if quick and not verb.brings_up and not container_runs():
        raise Refusal(
            "the quickstart does not run here", "bin/deploy makes it. For a server of yours, name its inventory."
        )
    if quick and not verb.brings_up:
        tool("quickstart", "owned")
    tool("environment", "deploy")
    if quick and verb.brings_up:
        tool("docker")
        tool("quickstart", "up")
    if quick:
        os.environ.update(published())
    contained = inventories.in_containers(path)
    if contained and verb.brings_up and not inventories.all_elsewhere(path, VENV / "bin" / "ansible-inventory"):
        tool("docker", "--base-only")

    with beside_none(verb, path, contained):
        return play(request, command, called, path, domain, contained)


def play(request: Request, command: str, called: str, path: Path, domain: bool, contained: bool) -> int:
    """Run the playbook of the verb, and tell how it ended. Out: the exit status.

    path: the inventory; domain: whether it is none, and a domain was named; contained: whether it has containers.
    """
    verb = request.verb
    again = " ".join([called, *map(shlex.quote, request.again)])
    summary = ROOT / ".cache" / f"summary-{path.name}.txt"
    record = record_of(verb, path)
    record.unlink(missing_ok=True)
    given = variables(request)
    if domain:
        given[verb.domain_sets] = request.inventory
    if verb.records:
        given[verb.records] = {other.name: str(record_of(other, path)) for other in VERBS.values() if other is not verb}
    if verb.brings_up:
        say(f"Deploying {path.name}")
        summary.unlink(missing_ok=True)
        given["xmpp_summary_file"] = str(summary)
    words = ["-i", str(path), str(ROOT / "playbooks" / f"{verb.name}.yml")]
    if given:
        words += ["-e", json.dumps(given)]
    started = time.monotonic()
    process = subprocess.Popen(
        [str(VENV / "bin" / "ansible-playbook"), *words, *verb.adds, *request.options],
        env=environment(request, again, record),
    )
    code = ended(process)
    if code and contained:  # its end removes what has the socket of the Docker engine, and it did not come to its end
        words = ["-i", str(path), str(ROOT / "playbooks" / "containers_close.yml"), *request.options]
        quiet = {**environment(request, again, record), "XMPP_PROGRESS_QUIET": "1"}
        # what is written down stays what failed; an empty path is the directory in which it would be looked for
        del quiet["XMPP_PROGRESS_RECORD"]
        ended(subprocess.Popen([str(VENV / "bin" / "ansible-playbook"), *words], env=quiet))
    seconds = round(time.monotonic() - started)
    if code and verb.brings_up:
        return refuse(
            command,
            f"not everything was done (after {seconds} s): {why_not(code, record)}",
            *unreadable(path, record),
            "Nothing is lost: mend it and run the same command again.",
        )
    if verb.brings_up:
        say(f"Done in {seconds} s")
        if summary.exists():
            print(summary.read_text(), end="")
    if not code and verb.differs and record.exists() and any(json.loads(record.read_text())["changed"].values()):
        return DRIFTED
    return 1 if code else 0


def main(words: Sequence[str]) -> int:
    """The command. Out: the exit status."""
    alias = os.environ.get("XMPP_CALLED_AS", "")  # bin/deploy, which is one verb of this command
    if words[:1] == ["--complete"]:
        # not even an empty line where nothing fits: bash would take it for a word
        for word in completion.offered(words[1:], inventories.names(ROOT)):
            print(word)
        return 0
    if words[:1] == ["--completion"]:
        print(completion.SCRIPT % shlex.quote(str(ROOT / "bin" / "xmpp")), end="")
        return 0
    if not words or words[0] in ("-h", "--help", "help"):
        print(help.of_all(), end="")
        return 0
    command = Path(alias).name if alias else f"xmpp {words[0]}" if words[0] in VERBS else "xmpp"
    try:
        verb: Verb = find_verb(words[0])
        typed = "bin/deploy" if alias else f"bin/xmpp {verb.name}"
        request = read(verb, words[1:], typed)
        if request.help:
            print(help.of_verb(verb, typed), end="")
            return 0
        return run(request, command, alias or f"{ROOT / 'bin' / 'xmpp'} {verb.name}")
    except Refusal as refusal:
        return refuse(command, str(refusal), *refusal.more)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
