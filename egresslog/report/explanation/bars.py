"""Signed bars: evidence for a link to the right of an axis, evidence against it to the left."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_EIGHTHS = " ▏▎▍▌▋▊▉"


@dataclass(frozen=True)
class Scale:
    """How bits become columns: ``left`` and ``right`` of the axis, ``bits`` to a column."""

    left: int
    right: int
    bits: float

    @classmethod
    def of(cls, values: Iterable[float | None], width: int) -> Scale:
        """The scale on which all the values fit in ``width`` columns, the axis among them."""
        known = [value for value in values if value is not None]
        low, high = max(0.0, -min(known, default=0.0)), max(0.0, max(known, default=0.0))
        room = max(2, width - 1)
        span = low + high or 1.0
        left = min(room - 1, max(1 if low else 0, round(room * low / span)))
        right = room - left
        return cls(left, right, max(low / left if left else 0.0, high / right, 1e-9))

    def bar(self, value: float | None, *, blocks: bool) -> str:
        """One bar with its axis, as wide as the scale; of blocks, or of ASCII signs."""
        length = abs(value or 0.0) / self.bits
        positive = (value or 0.0) > 0
        draw = _of_blocks if blocks else _of_signs
        right = draw(length) if positive else ""
        left = "" if positive else _leftward(length, blocks)
        axis = "│" if blocks else "|"
        return f"{left:>{self.left}}{axis}{right:<{self.right}}"

    def shares(self, value: float | None) -> Sequence[float]:
        """For a drawn page: where the bar begins, how long it is, and where the axis is (0 to 1)."""
        whole = self.left + self.right
        length = min(abs(value or 0.0) / self.bits, whole) / whole
        axis = self.left / whole
        return (axis if (value or 0.0) > 0 else axis - length), length, axis


def _of_blocks(length: float) -> str:
    whole, eighths = divmod(round(length * 8), 8)
    return "█" * whole + (_EIGHTHS[eighths] if eighths else "")


def _of_signs(length: float) -> str:
    return "#" * round(length)


def _leftward(length: float, blocks: bool) -> str:
    """To the left only half blocks exist."""
    if not blocks:
        return "-" * round(length)
    whole, half = divmod(round(length * 2), 2)
    return "▐" * half + "█" * whole
