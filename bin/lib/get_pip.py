# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for get-pip.py where ansible-test cannot fetch it: unpacks the pip that this Python ships."""

from __future__ import annotations

import ensurepip
import sysconfig
import zipfile
from pathlib import Path

bundled = next((Path(ensurepip.__file__).parent / "_bundled").glob("pip-*.whl"))
zipfile.ZipFile(bundled).extractall(sysconfig.get_path("purelib"))
