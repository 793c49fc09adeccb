"""The evidence of a few pairs side by side, as bars on one scale, for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from egresslog.report.explanation.bars import Scale
from egresslog.report.explanation.words import probability
from egresslog.report.layout import fitting, styled
from egresslog.report.neutralise import for_terminal
from egresslog.report.rows import Row
from egresslog.schema import EVIDENCE

_HEAD, _WEIGHT, _GAP = 12, 6, 2
_LEAST_BAR, _MOST_BAR = 15, 40
_SHOWN = 0.05  # bits: what is less is written as 0
MOST = 3  # pairs side by side


@dataclass(frozen=True)
class Chart:
    """Weights of the pairs by kind, their sums, and the probabilities.

    ``names``: a head per pair. ``prior`` and ``total``: of the first (see odds). ``none``: the
    probability that it is none of these.
    """

    pairs: Sequence[Row]
    names: Sequence[str]
    width: int
    prior: float | None = None
    total: float | None = None
    none: float | None = None

    def text(self, colour: bool = False, rule: str = "─") -> str:
        """Every line with its end; bars are of blocks where the rule is."""
        blocks, shown = rule == "─", self._shown()
        kinds = kinds_of(self.pairs[:shown])
        bar = min(_MOST_BAR, (self.width - _HEAD) // shown - _WEIGHT - 1 - _GAP)
        weights = [[pair[f"{kind}_weight"] for pair in self.pairs[:shown]] for kind in kinds]
        scale = Scale.of((weight for some in weights for weight in some), bar)
        cell = _WEIGHT + 1 + bar
        heads = [fitting(for_terminal(name), cell).ljust(cell) for name in self.names[:shown]]
        across = rule * (_HEAD + shown * (cell + _GAP) - _GAP)
        title = "Evidence in bits: each one more doubles the odds, each one less halves them"
        lines = [styled(fitting(title, self.width), "bold", colour), _row("", heads), across]
        for kind, some in zip(kinds, weights, strict=True):
            bars = [_cell(weight, scale, blocks, colour) for weight in some]
            lines.append(_row(kind.replace("_", " "), bars))
        return "\n".join([*lines, across, *self._sums(shown, cell), ""])

    def _shown(self) -> int:
        """How many pairs have room side by side."""
        each = _WEIGHT + 1 + _LEAST_BAR + _GAP
        return max(1, min(MOST, len(self.pairs), (self.width - _HEAD) // each))

    def _sums(self, shown: int, cell: int) -> list[str]:
        """Below the bars: the sum of the evidence, then what makes it a probability."""
        pairs = self.pairs[:shown]
        lines = [_row("evidence", [_number(pair["weight"]).ljust(cell) for pair in pairs])]
        if self.prior is not None:
            said = " before any evidence, and what other records claim"
            lines.append(fitting(_row("prior", [_number(self.prior) + said]), self.width))
            said = " odds of 1 against none of these"
            lines.append(fitting(_row("total", [_number(self.total) + said]), self.width))
        chances = [f"{probability(pair['posterior']):>{_WEIGHT}}".ljust(cell) for pair in pairs]
        lines.append(_row("probability", chances))
        if self.none is not None:
            left_out = len(self.pairs) - shown
            more = f"; {left_out:,} more candidates {probability(self._rest(shown))}" if left_out else ""
            lines.append(f"{'none of these':<{_HEAD}} {probability(self.none)}{more}")
        return lines

    def _rest(self, shown: int) -> float:
        return float(sum(pair["posterior"] for pair in self.pairs[shown:]))


def kinds_of(pairs: Sequence[Row]) -> list[str]:
    """The kinds of evidence that weigh anything in any of the pairs."""
    return [kind for kind in EVIDENCE if any(abs(pair[f"{kind}_weight"] or 0) >= _SHOWN for pair in pairs)]


def _cell(weight: float | None, scale: Scale, blocks: bool, colour: bool) -> str:
    bar = scale.bar(weight, blocks=blocks)
    return f"{_number(weight)} {styled(bar, 'red', colour) if (weight or 0) < 0 else bar}"


def _number(value: float | None) -> str:
    return f"{'':>{_WEIGHT}}" if value is None else f"{value:+{_WEIGHT}.1f}"


def _row(head: str, cells: Sequence[str]) -> str:
    return f"{head:<{_HEAD}}{(' ' * _GAP).join(cells)}".rstrip()
