# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A text as a QR code (ISO/IEC 18004) in a picture: made by segno, which has no dependencies, on the controller."""

from __future__ import annotations

import io
import os
from pathlib import Path

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.errors import XmppError

try:
    import segno
except ImportError:  # it is asked for when a picture is
    segno = None  # type: ignore[assignment]

KINDS = ("png", "svg")
_SCALE = 8  # pixels for a module of the code: a phone reads it off a screen and off paper
_BORDER = 4  # modules of white around it, as the standard asks


class QrError(XmppError):
    """No picture can be made. The message never holds the text."""


def kind_of(path: str) -> str:
    """Return png or svg, by the end of the name; raises QrError."""
    kind = Path(path).suffix.lower().removeprefix(".")
    if kind not in KINDS:
        raise QrError(f"A QR code is written as PNG or SVG, and {path} ends in neither .png nor .svg.")
    if segno is None:
        raise QrError(
            "The controller lacks the Python package segno, which makes QR codes: install it beside ansible-core, or "
            "leave the file out."
        )
    return kind


def picture(text: str, kind: str) -> bytes:
    """Return the text as a picture. Mends up to 15 % of it that cannot be read (level M)."""
    out = io.BytesIO()
    segno.make(text, error="m", micro=False).save(out, kind=kind, scale=_SCALE, border=_BORDER)
    return out.getvalue()


def write(path: str, text: str) -> None:
    """Write it to a file that nobody else can read: whoever has the picture has the text. Raises QrError."""
    data = picture(text, kind_of(path))
    target = Path(path).expanduser()
    try:
        target.unlink(missing_ok=True)
        with open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
    except OSError as error:
        raise QrError(f"The QR code could not be written to {path}: {error.strerror}.") from error
