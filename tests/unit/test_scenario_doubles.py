# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test doubles of scenarios use what there is: one that cannot be imported fails as one does that is killed."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

DOUBLES = sorted((Path(__file__).resolve().parents[2] / "molecule").glob("*/library/*.py"))


@pytest.mark.parametrize("path", DOUBLES, ids=lambda path: path.stem)
def test_it_can_be_imported(path: Path) -> None:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    spec.loader.exec_module(importlib.util.module_from_spec(spec))


def test_there_are_some() -> None:
    assert DOUBLES
