"""Why a link, or why none: the answer to ``explain`` and ``who``, in a terminal, a notebook and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from egresslog.report.explanation.book import Book
from egresslog.report.explanation.facts import connection_facts, transaction_facts
from egresslog.report.explanation.lookup import find
from egresslog.report.layout import WIDTH
from egresslog.report.rows import Row

if TYPE_CHECKING:
    import pyarrow as pa

    from egresslog.report.explanation.page import Block


@dataclass(frozen=True)
class Explanation:
    """One transaction or one connection: its link, the evidence for it and against others.

    ``print`` shows it as ``egresslog explain`` does, a notebook as a page with bars.
    """

    facts: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data, as ``--format json`` writes it; times are ISO 8601, weights log2.

        ``subject`` says whether it is about a transaction or a connection.
        """
        return dict(self.facts)

    def blocks(self, width: int = WIDTH) -> list[Block]:
        """The parts of the page, as ``printing.show`` takes them."""
        from egresslog.report.explanation.page import blocks

        return blocks(dict(self.facts), width)

    def __str__(self) -> str:
        from egresslog.report.printing import text_of

        return "\n".join(text_of(block) for block in self.blocks())

    def __repr__(self) -> str:
        subject: Row = self.facts[self.facts["subject"]]
        return f"<explanation of {self.facts['subject']} {subject[self.facts['subject'] + '_id']}>"

    def _repr_html_(self) -> str:
        from egresslog.report.explanation.html import page

        return page(dict(self.facts))


def explain(tables: Mapping[str, pa.Table], manifest: Mapping[str, Any], text: str) -> Explanation:
    """Explain the transaction or connection that ``text`` names: an id, its beginning, or FILE:LINE.

    Raises UsageError when it names none, or several.
    """
    found = find(tables, text)
    book = Book(tables, manifest)
    if found.subject == "transaction":
        return Explanation(transaction_facts(book, found.id))
    return Explanation(connection_facts(book, found.id))
