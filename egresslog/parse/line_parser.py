"""LineParser: one format, one line at a time -> typed values, or the reason why there are none."""

from __future__ import annotations

import re
from dataclasses import dataclass

from egresslog.formats.codes import constraints
from egresslog.formats.program import Item, Literal, LogFormat, Pad, Path
from egresslog.parse.credentials import secret_fields, secret_spans, secret_spans_of_json
from egresslog.parse.json_lines import has_begun, has_keys, read_json, shown
from egresslog.parse.json_objects import JsonProblem
from egresslog.parse.plain import filling, is_conclusive, is_filled, plain_pattern, unchecked_fields
from egresslog.parse.readings import Readings, Span, Stuck, read_all
from egresslog.parse.values import BadValue, Value, decode_text, read_values

Values = dict[str, Value]


@dataclass(frozen=True)
class Parsed:
    """A line's values by column; ``doubtful`` when it has several readings that differ.

    ``secrets``: the spans of the line that hold credentials.
    """

    values: Values
    doubtful: bool = False
    secrets: tuple[Span, ...] = ()


@dataclass(frozen=True)
class Unparsed:
    """Why a line has no reading: what was expected, at which byte of the line.

    ``begun``: it is an access line in part; false where it is something else altogether.
    """

    reason: str
    column: int
    begun: bool = True


class LineParser:
    """The reference parser of one format."""

    def __init__(self, format: LogFormat) -> None:
        self.format = format
        self.fields = format.fields
        self._mixed = {part.key: LineParser(part.format) for part in format.mixed}
        # Without that proof the expression is not even tried: it could backtrack for ever.
        conclusive = format.layout == "text" and is_conclusive(format)
        filled = format.layout == "text" and is_conclusive(format, filled=True)
        self._plain = plain_pattern(format) if filled else None
        self._filling = filling(format) if filled and not conclusive else None
        self._unchecked = unchecked_fields(format)
        self._secret = secret_fields(format)
        self._constraints = [
            (rule, re.compile(rule.pattern, re.DOTALL)) for rule in constraints(format.dialect)
        ]

    def is_plain(self, line: bytes) -> bool:
        """A quick test: the line has this format's shape (JSON: it has the format's keys)."""
        if self.format.layout != "text":
            return has_keys(self.format, line)
        return self._match(line) is not None

    def parse(self, line: bytes) -> Parsed | Unparsed:
        """The line's values: from the one reading there is, or only those equal in all readings."""
        if self.format.layout != "text":
            return self._from_json(line)
        match = self._match(line)
        if match is None:
            return self._search(line)
        try:
            values = self._values(match.groups())
            return Parsed(values, secrets=self._secrets(match) if self._secret else ())
        except BadValue as error:
            return Unparsed(str(error), 0)

    def _match(self, line: bytes) -> re.Match[bytes] | None:
        """The match of a plain line; its groups are the fields."""
        match = self._plain.match(line) if self._plain is not None else None
        if match is None:
            return None
        exact = all(field.exact.fullmatch(match[position + 1]) for position, field in self._unchecked)
        filled = self._filling is None or is_filled(line, match.groups(), *self._filling)
        return match if exact and filled else None

    def _secrets(self, match: re.Match[bytes]) -> tuple[Span, ...]:
        return tuple(
            match.span(position + 1)
            for position in self._secret
            if match[position + 1] not in self.fields[position].code.null
        )

    def _from_json(self, line: bytes) -> Parsed | Unparsed:
        try:
            values, doubtful = read_json(self.format, line, self._read_mixed)
        except ValueError as error:
            return Unparsed(str(error), getattr(error, "pos", 0), has_begun(self.format, line))
        return Parsed(values, doubtful, secret_spans_of_json(self.format, line))

    def _read_mixed(self, key: Path, text: bytes) -> tuple[Values, bool]:
        """The values in a JSON string that mixes text and directives, and whether they are in doubt."""
        found = self._mixed[key].parse(text)
        if isinstance(found, Unparsed):
            raise JsonProblem(f"{shown(key)}: {found.reason}")
        return found.values, found.doubtful

    def _values(self, raw: tuple[bytes, ...]) -> Values:
        values: Values = {}
        for field, text in zip(self.fields, raw, strict=True):
            values.update(zip(field.columns, read_values(field, text), strict=True))
        return values

    def _search(self, line: bytes) -> Parsed | Unparsed:
        found = read_all(self.format, line)
        if isinstance(found, Stuck):
            begun = found.fields > 0 or 3 * found.tail > len(self.fields)  # or its beginning is missing
            return Unparsed(_expected(found.item), found.column, begun)
        secrets = secret_spans(self.format, self._secret, line, found)
        if not found.complete:
            return self._certain_only(line, found, secrets)
        readings, problem = [], "no reading is consistent"
        for reading in found.readings:
            try:
                values = self._values(tuple(line[start:end] for start, end in reading))
            except BadValue as error:
                problem = str(error)
                continue
            if self._consistent(values):
                readings.append(values)
        return _agreed(readings, secrets) if readings else Unparsed(problem, 0)

    def _certain_only(self, line: bytes, found: Readings, secrets: tuple[Span, ...]) -> Parsed | Unparsed:
        values: Values = {}
        for field, span in zip(self.fields, found.certain, strict=True):
            read: tuple[Value, ...] = (None,) * len(field.columns)
            if span is not None:
                if not field.exact.fullmatch(line, *span):
                    return Unparsed(_expected(field), span[0])
                try:
                    read = read_values(field, line[slice(*span)])
                except BadValue as error:
                    return Unparsed(str(error), span[0])
            values.update(zip(field.columns, read, strict=True))
        return Parsed(values, doubtful=True, secrets=secrets)

    def _consistent(self, values: Values) -> bool:
        return all(
            values.get(rule.when) != rule.equals
            or rule.column not in values
            or pattern.fullmatch(str(values[rule.column])) is not None
            for rule, pattern in self._constraints
        )


def _agreed(readings: list[Values], secrets: tuple[Span, ...]) -> Parsed:
    """The fields equal in all readings; the others are null and the record doubtful."""
    first, *others = readings
    agreed = {
        column: value if all(other[column] == value for other in others) else None
        for column, value in first.items()
    }
    return Parsed(agreed, any(other != first for other in others), secrets)


def _expected(item: Item | None) -> str:
    if item is None:
        return "expected the end of the line"
    if isinstance(item, Literal):
        return f"expected {decode_text(item.text)!r}"
    if isinstance(item, Pad):
        return "expected padding"
    return f"expected {item.directive} ({item.type.name})"
