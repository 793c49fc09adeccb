"""An explanation as an HTML fragment for a notebook: no script, no link, every text escaped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from egresslog.report.explanation.bars import Scale
from egresslog.report.explanation.chart import MOST, Chart, kinds_of
from egresslog.report.explanation.page import Block, blocks
from egresslog.report.explanation.prose import Prose, RawLine
from egresslog.report.explanation.words import probability
from egresslog.report.layout import Sheet
from egresslog.report.neutralise import for_html

if TYPE_CHECKING:
    from egresslog.report.rows import Row

_WIDTH = 1_000  # wide enough that no cell is cut: a page wraps by itself
_TEXT = 1_100
_STEPS = 96  # columns of a bar's scale
_CELL = "text-align:left;vertical-align:top;padding:2px 12px 2px 0"
_RIGHT = "text-align:right;padding:2px 12px 2px 0"
_MONO = "font-family:monospace;white-space:pre-wrap;overflow-wrap:anywhere;margin:2px 0 8px"
_FOR, _AGAINST = "#2f7d5b", "#b5483a"


def page(facts: Row) -> str:
    """The parts that a terminal shows, drawn: sentences, raw lines, bars and tables."""
    parts = [_drawn(block) for block in blocks(facts, _WIDTH)]
    return f'<div style="max-width:70em">\n{"".join(parts)}</div>'


def _drawn(block: Block) -> str:
    if isinstance(block, Prose):
        return _sentences(block.said)
    if isinstance(block, RawLine):
        head = f"<b>{for_html(block.whose)}</b> {for_html(block.place, _TEXT)}"
        return f'<div>{head}</div>\n<pre style="{_MONO}">{for_html(block.said, _TEXT)}</pre>\n'
    if isinstance(block, Chart):
        return _bars(block)
    if isinstance(block, Sheet):
        return _sheet(block)
    return f'<p style="margin:8px 0 2px">{for_html(str(block), _TEXT)}</p>\n' if block else ""


def _sentences(said: Sequence[tuple[str, str]]) -> str:
    return _table(
        f'<tr><th style="{_CELL}">{for_html(head.strip())}</th>'
        f'<td style="{_CELL}">{for_html(sentence, _TEXT)}</td></tr>\n'
        for head, sentence in said
    )


def _bars(chart: Chart) -> str:
    """The evidence of each pair side by side, then what makes it a probability."""
    pairs = chart.pairs[:MOST]
    scale = Scale.of((pair[f"{kind}_weight"] for pair in pairs for kind in kinds_of(pairs)), _STEPS)
    heads = "".join(f'<th style="{_CELL}">{for_html(name)}</th>' for name in chart.names[:MOST])
    lines = [f"<tr><th></th>{heads}</tr>\n"]
    for kind in kinds_of(pairs):
        cells = "".join(_bar(pair[f"{kind}_weight"], scale) for pair in pairs)
        lines.append(f'<tr><th style="{_CELL}">{for_html(kind.replace("_", " "))}</th>{cells}</tr>\n')
    return _table([*lines, *_sums(chart)])


def _sums(chart: Chart) -> Iterator[str]:
    pairs = chart.pairs[:MOST]
    yield _line("evidence", [f"{pair['weight']:+.1f} bits" for pair in pairs])
    if chart.prior is not None and chart.total is not None:
        yield _line("prior", [f"{chart.prior:+.1f} bits"])
        yield _line("total", [f"{chart.total:+.1f} bits against none of these"])
    yield _line("probability", [probability(pair["posterior"]) for pair in pairs])
    if chart.none is not None:
        yield _line("none of these", [probability(chart.none)])


def _line(head: str, cells: Iterable[str]) -> str:
    drawn = "".join(f'<td style="{_CELL}">{for_html(cell)}</td>' for cell in cells)
    return f'<tr><th style="{_CELL}">{for_html(head)}</th>{drawn}</tr>\n'


def _bar(weight: float | None, scale: Scale) -> str:
    """A weight and its bar, from the axis to the right or to the left."""
    begin, length, axis = scale.shares(weight)
    colour = _FOR if (weight or 0) > 0 else _AGAINST
    place = f"position:absolute;top:2px;bottom:2px;left:{begin:.1%};width:{length:.1%};background:{colour}"
    line = f"position:absolute;top:0;bottom:0;left:{axis:.1%};border-left:1px solid #888"
    track = "display:inline-block;position:relative;width:12em;height:1em;vertical-align:middle"
    number = "" if weight is None else f"{weight:+.1f}"
    label = (
        f'<span style="display:inline-block;width:3.5em;text-align:right;margin-right:.5em">{number}</span>'
    )
    return (
        f'<td style="{_CELL};white-space:nowrap">{label}<span style="{track}">'
        f'<span style="{place}"></span><span style="{line}"></span></span></td>'
    )


def _sheet(sheet: Sheet) -> str:
    """A table of the terminal, whose texts are harmless already, escaped."""
    rows = []
    for tag, line in [("th", sheet.head), *(("td", line) for line in sheet.lines)]:
        cells = "".join(f'<{tag} style="{_RIGHT}">{_cell(cell)}</{tag}>' for cell in line.cells)
        rows.append(f'<tr><{tag} style="{_CELL}">{_cell(line.name)}</{tag}>{cells}</tr>\n')
    return f'<p style="margin:8px 0 2px"><b>{_cell(sheet.title)}</b></p>\n{_table(rows)}'


def _cell(text: str) -> str:
    import html

    return html.escape(text)


def _table(rows: Iterable[str]) -> str:
    return f'<table style="border-collapse:collapse;margin:4px 0 8px">\n{"".join(rows)}</table>\n'
