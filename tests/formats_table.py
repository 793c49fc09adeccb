"""The table of docs/formats.md: what is read, who writes it, and the tests that show it.

    python tests/formats_table.py     # writes the table anew
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from lab import DATA

from egresslog.api.reading import Inputs, read_both
from egresslog.formats.presets import NAMED
from egresslog.unwrap.objects import object_wrappers
from egresslog.unwrap.text import text_wrappers

PAGE = Path(__file__).parents[1] / "docs" / "formats.md"
_TABLE = re.compile(r"(?<=<!-- table -->\n).*?(?=<!-- end -->)", re.DOTALL)
_OPTIONS = {"--squid-format": "squid_format", "--envoy-format": "envoy_format"}


def written() -> str:
    """The table as the page has it."""
    match = _TABLE.search(PAGE.read_text("utf-8"))
    assert match is not None
    return match[0]


def table() -> str:
    """The table as it has to be."""
    files = field_files()
    head = ["| Format or wrapper | What it is | Versions | Sample test | Field files |", "|-" * 5 + "|"]
    return "\n".join([*head, *_presets(files), *_wrappers(files), ""])


def field_files() -> Counter[str]:
    """In how many files of tests/data/field each preset and each wrapper was found."""
    cases = tomllib.loads((DATA / "field" / "expected.toml").read_text("utf-8"))
    return Counter(name for case in cases.values() for name in set(_found(case)))


def _found(case: dict[str, object]) -> Iterator[str]:
    options = list(case["options"])  # type: ignore[call-overload]
    said = {_OPTIONS[name]: text for name, text in zip(options[::2], options[1::2], strict=True)}
    for report in read_both(Inputs([DATA / "field" / str(case["file"])], **said)).files:
        for what in report.found:
            yield from what.split(" in ")


def _presets(files: Counter[str]) -> Iterator[str]:
    for name, preset in NAMED.items():
        test = "test_preset_compiles_and_needs_no_search"
        yield _row(name, preset.title, preset.versions, f"test_formats_catalogue.py::{test}", files)


def _wrappers(files: Counter[str]) -> Iterator[str]:
    for wrapper in (*text_wrappers(), *object_wrappers()):
        test = "test_unwrap.py::test_records_do_not_depend_on_the_wrapper"
        yield _row(wrapper.name, wrapper.title, wrapper.versions, test, files)


def _row(name: str, title: str, versions: str, test: str, files: Counter[str]) -> str:
    return f"| {name} | {title} | {versions or 'any'} | `{test}[{name}]` | {files[name] or ''} |"


if __name__ == "__main__":
    PAGE.write_text(_TABLE.sub(lambda _: table(), PAGE.read_text("utf-8")), "utf-8")
