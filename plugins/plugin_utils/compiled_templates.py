# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Templates as Jinja compiles them, kept from one run to the next.

Each task runs in a fork that ends with what it compiled, and the next one compiles the same variables of roles again:
a quarter of the processor time of a run that changes nothing, some thousand times a few milliseconds. What is compiled
says what to do and not what comes of it; the same text gives the same code, as long as Jinja, Ansible and the filters
are the same (a filter that takes the context is called in another way).

Only texts that stand in files of this collection are kept: what an operator writes may hold a secret, and stays out of
it. Where another core compiles elsewhere, everything is compiled as it always was.
"""

from __future__ import annotations

import contextlib
import hashlib
import marshal
import os
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType
from typing import Any

import jinja2
from ansible import constants
from ansible.errors import AnsibleError
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.files import durable
from ansible_collections.allthingslinux.xmpp.plugins.plugin_utils import kept

#: plugins that decide how their callers are compiled
CALLED = ("filter", "test")
#: directories of the collection whose texts are ours, and no inventory's
OURS = ("roles", "playbooks", "plugins")
#: bytes after which what is kept begins anew: who works at the collection leaves many texts behind
MOST_BYTES = 32 * 2**20
_DIGEST = 16
# a record: length of the code, its checksum, its key, the code
_HEAD = struct.Struct(f">II{_DIGEST}s")


def pack(key: bytes, code: bytes) -> bytes:
    """Out: one record of a file of them."""
    return _HEAD.pack(len(code), zlib.crc32(code), key) + code


def unpack(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """In: records. Out: key and code of each, up to one that is cut off or damaged (a disk that was full)."""
    at = 0
    while at + _HEAD.size <= len(data):
        length, checksum, key = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        code = data[at : at + length]
        if len(code) < length or zlib.crc32(code) != checksum:
            return
        yield key, code
        at += length


class Store:
    """Compiled templates of earlier runs, and of this one.

    place: where they are kept; run: a file into which every process of this run writes what it compiles.
    """

    def __init__(self, place: kept.Place, run: Path) -> None:
        self.file, self.place, self.run = place.path / "codes", place, run
        self.known: dict[bytes, bytes] = {}

    def lend(self) -> bool:
        """Read what earlier runs compiled. Out: whether anything may be kept. Raises OSError."""
        if not self.place.open():
            return False
        self.known = self._read(self.file)
        return True

    def get(self, key: bytes) -> CodeType | None:
        """Out: what was compiled under a key, None where nothing was."""
        code = self.known.get(key)
        if code is None:
            return None
        found = marshal.loads(code)
        return found if isinstance(found, CodeType) else None

    def add(self, key: bytes, code: CodeType) -> None:
        """Remember what was compiled, for this process and, where it can be written, for later runs."""
        made = marshal.dumps(code)
        self.known[key] = made
        with contextlib.suppress(OSError):
            handle = os.open(self.run, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(handle, pack(key, made))
            finally:
                os.close(handle)

    def keep(self) -> None:
        """Keep what all processes of this run have compiled. Raises OSError."""
        if not self.place.is_safe():
            return
        if self.run.exists():
            made = self._read(self.run)
            # read again: another run may have ended meanwhile
            before = self._read(self.file)
            data = b"".join(pack(key, code) for key, code in (before | made).items())
            if len(data) > MOST_BYTES:
                data = b"".join(pack(key, code) for key, code in made.items())
            durable.write_bytes(self.file, data)
        self.place.tidy()

    @staticmethod
    def _read(file: Path) -> dict[bytes, bytes]:
        with contextlib.suppress(FileNotFoundError):
            return dict(unpack(file.read_bytes()))
        return {}


def prefixes(collection: Path) -> tuple[str, ...]:
    """Out: how the names of files begin whose texts are ours, by the way that Ansible came and by the real one."""
    ways = dict.fromkeys((collection, collection.resolve()))
    return tuple(f"{way / name}{os.sep}" for way in ways for name in OURS)


def key_of(*parts: object) -> bytes:
    """Out: a key for a text and all that decides how it is compiled."""
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogatepass")).digest()[:_DIGEST]


def compile_with(found: Store, collection: Path) -> None:
    """Have Ansible's templates compiled by what is kept. Raises ImportError, AttributeError where core has no such."""
    from ansible._internal._datatag._tags import Origin
    from ansible._internal._templating import _jinja_bits as bits

    environment: Any = bits.AnsibleEnvironment
    compiled: Callable[..., Any] = environment.compile
    context, config = bits._TemplateCompileContext, bits._TemplateConfig
    fields: tuple[str, ...] = bits._TEMPLATE_OVERRIDE_FIELD_NAMES
    begin = prefixes(collection)

    def as_kept(self: Any, source: Any, *args: Any, **kwargs: Any) -> Any:
        # a template that another one includes has a name, and one of an expression is no text
        if args or kwargs or not isinstance(source, str) or self._debuggable_template_source:
            return compiled(self, source, *args, **kwargs)
        origin = Origin.get_tag(source)
        if not origin or not (origin.path or "").startswith(begin):
            return compiled(self, source)
        here = context.current(optional=True)
        key = key_of(
            str(source),
            [getattr(self, name) for name in fields],
            sorted(self.extensions),
            here and here.escape_backslashes,
            config.allow_embedded_templates,
        )
        code = found.get(key)
        if code is None:
            code = compiled(self, source)
            found.add(key, code)
        return code

    environment.compile = as_kept


def store() -> Store | None:
    """Out: the store of the running Ansible, below its home (ANSIBLE_HOME).

    None where the operator has filters or tests of his own, which may have names of core's. Raises OSError.
    """
    if kept.has_files([*constants.DEFAULT_FILTER_PLUGIN_PATH, *constants.DEFAULT_TEST_PLUGIN_PATH]):
        return None
    place = kept.place("xmpp_compiled_templates", CALLED, jinja2.__version__)
    return Store(place, Path(constants.DEFAULT_LOCAL_TMP, "xmpp_compiled"))


def use() -> None:
    """Compile by what is kept, and keep what is compiled when the run ends. Where that cannot be, nothing is kept."""
    with contextlib.suppress(OSError, AttributeError, ImportError, AnsibleError):
        found = store()
        if found and found.lend():
            compile_with(found, Path(__file__).absolute().parents[2])
            kept.when_the_run_ends(found.keep)
