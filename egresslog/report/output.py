"""A correlation as output: on a terminal, as a document, or as the file that -o names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TextIO

from egresslog.report.clocks import clock_lines
from egresslog.report.controls import control_lines
from egresslog.report.human import counted, number
from egresslog.report.matrix import TOTALS, matrix
from egresslog.report.neutralise import for_markdown
from egresslog.report.select import Selection, select
from egresslog.report.writers import write_document, write_table
from egresslog.schema import REASONS

if TYPE_CHECKING:
    import pyarrow as pa

    from egresslog.report.layout import Sheet

Tables = Mapping[str, "pa.Table"]
Manifest = Mapping[str, Any]

SHOWN_CLIENTS = 20  # clients listed per reason on a terminal; the totals cover all
HEAD = (
    "egresslog", "run_id", "flags", "problems", "warnings", "parameters", "proxies", "clocks", "population",
    "pruned", "crowded", "controls", "balance", "files",
)  # fmt: skip
LINKED = ("exact", "strong", "probable")


def headline(tables: Tables, manifest: Manifest) -> str:
    """One sentence: how many Squid records are linked, how many not, and whether the evidence is whole."""
    links = tables["transactions"]["link"].to_pylist()
    linked = sum(link in LINKED for link in links)
    whole = "incomplete" if manifest["flags"]["incomplete"] else "complete"
    return (
        f"{number(linked)} of {counted(len(links), 'Squid record')} linked, "
        f"{number(links.count('ambiguous'))} ambiguous, {number(links.count('none'))} without a connection; "
        f"the evidence is {whole}"
    )


def write_correlation(
    tables: Tables, manifest: Manifest, path: str, form: str, rows: str | None, chosen: Selection
) -> None:
    """Write what ``rows`` names to a file. Raises OutputError when it cannot be written."""
    named = _named(rows, form)
    table = _table(select(tables, chosen), named)
    if form == "json":
        write_document(_document(table, manifest, named), path)
    else:
        write_table(table, path, form)


def print_correlation(
    tables: Tables, manifest: Manifest, stream: TextIO, form: str, rows: str | None, chosen: Selection
) -> None:
    """Print to a stream: table and markdown show the matrix and the balance, the others the rows.

    Raises OutputError, and UsageError for an unknown format.
    """
    named, shown = _named(rows, form), select(tables, chosen)
    table = _table(shown, named)
    if form == "table":
        _print_tables(tables, shown, table, named, manifest, stream)
    elif form == "json":
        write_document(_document(table, manifest, named), stream.buffer)
    else:
        write_table(table, stream.buffer, form)
        if form == "markdown":
            _print_balance(manifest, stream)


def _named(rows: str | None, form: str) -> str:
    return rows or ("matrix" if form in ("table", "markdown") else "transactions")


def _table(shown: Tables, rows: str) -> pa.Table:
    """What ``rows`` (matrix, hosts, transactions, connections) names."""
    by = TOTALS.get(rows)
    return matrix(shown["transactions"], shown["connections"], by) if by else shown[rows]


def _document(table: pa.Table, manifest: Manifest, name: str) -> dict[str, object]:
    return {**{key: manifest[key] for key in HEAD}, name: table}


def _print_tables(
    tables: Tables, shown: Tables, table: pa.Table, rows: str, manifest: Manifest, stream: TextIO
) -> None:
    from egresslog.report.listing import listing
    from egresslog.report.printing import screen, show
    from egresslog.report.terminal import balance_table, matrix_table, unlinked_table

    to = screen(stream)
    main = matrix_table(table, to.width) if rows in TOTALS else listing(table, rows, to.width)
    sheets: list[Sheet] = [main]
    if any(link not in LINKED for link in shown["transactions"]["link"].to_pylist()):
        sheets.append(unlinked_table(shown["transactions"], to.width, SHOWN_CLIENTS))
    sheets.append(balance_table(tables["transactions"], tables["connections"], to.width))
    show([*sheets, *_shown(tables, shown), *_reasons(tables), *_closing(manifest)], to)


def _shown(tables: Tables, shown: Tables) -> list[str]:
    """Where filters left something out, how much is shown: the balance is of everything."""
    some, every = len(shown["transactions"]), len(tables["transactions"])
    return [] if some == every else [f"Shown: {some:,} of {every:,} Squid records; the balance is of all"]


def _reasons(tables: Tables) -> list[str]:
    """A sentence for each reason that occurs."""
    found = {
        reason for name in ("transactions", "connections") for reason in tables[name]["reason"].to_pylist()
    }
    return [f"{reason}: {meaning}" for reason, meaning in REASONS.items() if reason in found]


def _closing(manifest: Manifest) -> Iterable[str]:
    """Inputs as equations, the proxy, each clock, what was cut, what the links are worth, what is missing."""
    for e in manifest["balance"]:
        if e["side"] == "files" and e["total"]:
            parts = " + ".join(f"{n:,} {part}" for part, n in e["parts"].items() if n)
            yield f"{e['what'].capitalize()} read: {e['total']:,} = {parts}"
    proxies = manifest["proxies"]
    if proxies["endpoints"]:
        yield f"Proxy: {', '.join(proxies['endpoints'])} (found by {proxies['source']})"
    for clock in manifest["clocks"]:
        yield from clock_lines(clock)
    yield from _cuts(manifest)
    yield from control_lines(manifest["controls"])
    yield from (f"INCOMPLETE: {sentence}" for sentence in manifest["problems"])


def _cuts(manifest: Manifest) -> Iterable[str]:
    """What was not weighed, and what that can change."""
    if crowded := manifest["crowded"]:
        verb = "has" if crowded == 1 else "have"
        yield (
            f"{counted(crowded, 'Squid record')} {verb} too many rivals for all explanations to be weighed: "
            "their confidence is an estimate on the low side"
        )


def _print_balance(manifest: Manifest, stream: TextIO) -> None:
    from egresslog.report.printing import write_text

    lines = ["", "| side | what | part | count |", "| --- | --- | --- | ---: |"]
    lines += [
        f"| {e['side']} | {e['what']} | {for_markdown(part)} | {count} |"
        for e in manifest["balance"]
        for part, count in e["parts"].items()
    ]
    tried = [f"- {for_markdown(sentence)}" for sentence in control_lines(manifest["controls"])]
    lines += ["", *tried] if tried else []
    write_text("".join(f"{line}\n" for line in lines), stream)
