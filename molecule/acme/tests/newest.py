# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""When each port began to serve each certificate: seen from outside, all the time that renewals go on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.handshake import TlsProbeError
from ansible_collections.allthingslinux.xmpp.tests.scenario.waiting import wait_until

Port = tuple[int, str, str]


class Watch:
    """Looks at all ports again and again, in a thread of its own. Moments are seconds since 1970."""

    def __init__(self, look: Callable[[], Mapping[Port, Any]], pause: float = 0.1) -> None:
        self._look, self._pause = look, pause
        self.first: dict[tuple[Port, str], float] = {}
        self.looks = 0
        # ports are opened anew while a reload goes on, and refuse who comes in that moment
        self.missed: list[str] = []
        self.in_a_row = self._row = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        while not self._over.wait(self._pause):
            self.looks += 1
            try:
                found = self._look()
            except TlsProbeError as error:
                self.missed.append(str(error))
                self._row += 1
                self.in_a_row = max(self.in_a_row, self._row)
                continue
            self._row = 0
            for port, leaf in found.items():
                self.first.setdefault((port, leaf.sha256), time.time())

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join(60)

    def delays(self, wanted: Mapping[Port, str], since: float, seconds: float) -> dict[Port, float]:
        """Out: for each port, how many seconds after `since` it showed the certificate of this fingerprint.

        Raises AssertionError where one did not within that many seconds.
        """

        def missing() -> list[Port]:
            return [port for port, sha256 in wanted.items() if (port, sha256) not in self.first]

        wait_until(lambda: not missing() or time.time() > since + seconds, seconds + 1, 0.2)
        assert not missing(), f"not within {seconds} s: {missing()}"
        found = {port: max(0.0, self.first[port, sha256] - since) for port, sha256 in wanted.items()}
        assert max(found.values()) < seconds, found
        return found
