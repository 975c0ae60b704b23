# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""keeper_ask.py WORDS…: ask the keeper of this container, in the words of systemctl. Standard library only."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Sequence

SOCKET = "/run/xmpp/keeper.sock"


def ask(words: Sequence[str], path: str = SOCKET) -> tuple[int, str]:
    """Out: the exit status, and what is to be printed. It is waited for as long as it takes."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.connect(path)
            connection.sendall(json.dumps(list(words)).encode() + b"\n")
            with connection.makefile("rb") as answer:
                said = json.loads(answer.readline())
    except (OSError, ValueError) as error:
        return 1, f"the keeper cannot be asked at {path}: {error}"
    return int(said["code"]), str(said["text"])


if __name__ == "__main__":
    code, text = ask(sys.argv[1:])
    if text:
        print(text)
    sys.exit(code)
