"""docs/formats.md says what is read: its table is the catalogue's, and names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import formats_table


def test_the_table_of_formats_is_true() -> None:
    """python tests/formats_table.py writes it anew."""
    assert formats_table.written() == formats_table.table()


def test_every_test_it_names_exists() -> None:
    named = set(re.findall(r"`(test_\w+\.py)::(test_\w+)\[", formats_table.written()))
    assert named
    for file, test in named:
        assert f"def {test}(" in (Path(__file__).parent / file).read_text("utf-8")
