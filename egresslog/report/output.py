"""A correlation as output: on a terminal, as a document, or as the file that -o names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from egresslog.errors import UsageError
from egresslog.report.matrix import matrix
from egresslog.report.neutralise import for_markdown, for_terminal
from egresslog.report.select import Selection, select
from egresslog.report.writers import SUFFIXES, format_of, write_document, write_table
from egresslog.schema import REASONS

if TYPE_CHECKING:
    import pyarrow as pa
    from rich.table import Table as RichTable

Tables = Mapping[str, "pa.Table"]
Manifest = Mapping[str, Any]

SHOWN_CLIENTS = 20  # clients listed per reason on a terminal; the totals cover all


def is_run_folder(output: str) -> bool:
    """True where -o names a folder: it has no suffix, ends in a slash, or is one already."""
    path = Path(output)
    return output.endswith("/") or path.is_dir() or not path.suffix


def what(tables: Tables, rows: str, chosen: Selection) -> pa.Table:
    """The table that ``rows`` (matrix, transactions, connections) names, filtered for showing."""
    shown = select(tables["transactions"], chosen)
    if rows == "matrix":
        return matrix(shown, tables["connections"])
    if rows == "connections" and not chosen.is_everything:
        import pyarrow.compute as pc

        kept = shown["connection_id"].drop_null().unique()
        return tables["connections"].filter(pc.field("connection_id").isin(kept))
    return shown if rows == "transactions" else tables[rows]


def write_correlation(
    tables: Tables,
    manifest: Manifest,
    path: str,
    rows: str | None,
    chosen: Selection,
    form: str | None = None,
) -> None:
    """Write what ``rows`` names to a file, in ``form`` or as its suffix says.

    Raises UsageError for an unknown suffix and OutputError when the file cannot be written.
    """
    form = form or format_of(path)
    table = what(tables, rows or ("matrix" if form == "markdown" else "transactions"), chosen)
    if form == "json":
        write_document(_document(table, manifest, rows or "transactions"), path)
    else:
        write_table(table, path, form)


def print_correlation(
    tables: Tables, manifest: Manifest, stream: TextIO, form: str, rows: str | None, chosen: Selection
) -> None:
    """Print to a stream: table and markdown show the matrix and the balance, the others the rows.

    Raises UsageError for a format that a stream cannot carry.
    """
    named = rows or ("matrix" if form in ("table", "markdown") else "transactions")
    table = what(tables, named, chosen)
    if form == "table":
        _print_tables(tables, manifest, stream, table, named, chosen)
    elif form == "json":
        write_document(_document(table, manifest, named), stream.buffer)
    elif form == "markdown":
        write_table(table, stream.buffer, "markdown")
        _print_balance(manifest, stream)
    elif form in SUFFIXES.values():
        write_table(table, stream.buffer, form)
    else:
        raise UsageError(f"unknown format {form!r}")


def _document(table: pa.Table, manifest: Manifest, name: str) -> dict[str, object]:
    head = ("egresslog", "run_id", "flags", "problems", "parameters", "proxies", "clocks", "balance", "files")
    return {**{key: manifest[key] for key in head}, name: table}


def _print_tables(
    tables: Tables, manifest: Manifest, stream: TextIO, table: pa.Table, rows: str, chosen: Selection
) -> None:
    from egresslog.report.layout import console, show
    from egresslog.report.listing import listing
    from egresslog.report.terminal import balance_table, matrix_table, unlinked_table

    to = console(stream)
    shown = select(tables["transactions"], chosen)
    listed: list[RichTable] = (
        [matrix_table(table, to.width)] if rows == "matrix" else [listing(table, rows, to.width)]
    )
    if any(link in ("ambiguous", "none") for link in shown["link"].to_pylist()):
        listed.append(unlinked_table(shown, to.width, SHOWN_CLIENTS))
    listed.append(balance_table(tables["transactions"], tables["connections"], to.width))
    show(listed, to)
    for sentence in [*_reasons(tables), *_closing(manifest)]:
        to.print(for_terminal(sentence))


def _reasons(tables: Tables) -> list[str]:
    """A sentence for each reason that occurs."""
    found = {
        reason for name in ("transactions", "connections") for reason in tables[name]["reason"].to_pylist()
    }
    return [f"{reason}: {meaning}" for reason, meaning in REASONS.items() if reason in found]


def _closing(manifest: Manifest) -> list[str]:
    """The lines of the inputs as equations, the proxy, and each clock: one sentence each."""
    sentences = [
        f"{e['what'].capitalize()} read: {e['total']:,} = "
        + " + ".join(f"{n:,} {p}" for p, n in e["parts"].items() if n)
        for e in manifest["balance"]
        if e["side"] == "files" and e["total"]
    ]
    proxies = manifest["proxies"]
    if proxies["endpoints"]:
        sentences.append(f"Proxy: {', '.join(proxies['endpoints'])} (found by {proxies['source']})")
    return sentences + [_clock(clock) for clock in manifest["clocks"]]


def _clock(clock: Mapping[str, Any]) -> str:
    from egresslog.report.human import seconds

    if not clock["links"]:
        return f"Clock of {clock['proxy']}: nothing to estimate an offset from; taken as equal to Envoy's"
    spread = seconds(clock["spread_us"]).lstrip("+")
    return (
        f"Clock of {clock['proxy']}: {seconds(clock['offset_us'])} against Envoy, spread {spread}, "
        f"from {clock['links']:,} pairs by {clock['method']}"
    )


def _print_balance(manifest: Manifest, stream: TextIO) -> None:
    stream.flush()
    print("\n| side | what | part | count |\n| --- | --- | --- | ---: |", file=stream)
    for e in manifest["balance"]:
        for part, count in e["parts"].items():
            print(f"| {e['side']} | {e['what']} | {for_markdown(part)} | {count} |", file=stream)
