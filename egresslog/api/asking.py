"""One question to logs: what is needed is read, joined, and the records asked about are explained."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from egresslog.api.answer import Terms, correlate_read
from egresslog.api.question import Question, ask, moment_asked
from egresslog.api.reading import Inputs, read_both, sources_of
from egresslog.api.result import Correlation
from egresslog.api.window import NEAR, Looked, Reach, Window, far
from egresslog.files.slices import line_slice
from egresslog.files.sources import Source
from egresslog.parse.logs import Logs, Progress, merge_logs
from egresslog.parse.timeline import timeline
from egresslog.report.explanation import Explanation
from egresslog.report.explanation.lookup import is_at, split_place

# Reasons that more of the logs could change.
_OPEN = (
    "no_candidate", "outside_coverage", "log_lost", "weak_candidates", "no_sidecar_log", "gateway_only",
    "clock_unknown",
)  # fmt: skip
_SURE = ("exact", "strong")
_TEACH = 1_000  # Squid records; fewer teach too little of what links look like
_AMPLE = 8  # a clock that is off by less than this part of what was looked at moves nothing out of it
_AROUND = 1 << 12  # bytes read to know the format of a line

Ask = Callable[[Logs], tuple[list[str], list[Logs]]]


@dataclass(frozen=True)
class Answer:
    """The correlation, the records asked about explained, and how much was read where not everything."""

    found: Correlation
    explanations: list[Explanation]
    looked: Looked | None = None


def who(inputs: Inputs, question: Question, terms: Terms, progress: Progress | None = None) -> Answer:
    """Explain the transactions that the question is about, the question's own line among them.

    Of large logs only what is around the question's moment is read. Raises UsageError when the line
    is in no known Squid format, NothingReadable, and FormatError.
    """
    return _answer(inputs, terms, moment_asked(question), lambda logs: ask(logs, question), progress)


def explain_logs(inputs: Inputs, record: str, terms: Terms, progress: Progress | None = None) -> Answer:
    """Explain a record of logs: by FILE:LINE, or by id, for which everything must be read.

    Raises UsageError when there is no such record, NothingReadable, and FormatError.
    """
    return _answer(inputs, terms, _moment_at(inputs, record), lambda logs: ([record], []), progress)


def _answer(inputs: Inputs, terms: Terms, moment: int | None, ask: Ask, progress: Progress | None) -> Answer:
    if moment is None:
        return _explained(inputs, terms, ask, read_both(inputs, progress), None)
    window = Window(moment)
    answer = _explained(inputs, terms, ask, _read(inputs, window, NEAR, progress), window.looked)
    clock_known, offset = _is_clock_known(answer), _offset(answer)
    if answer.looked and clock_known and abs(offset) > answer.looked.span // _AMPLE:
        window.offset = offset
        answer = _explained(inputs, terms, ask, _read(inputs, window, NEAR, progress), window.looked)
    if answer.looked is None or (clock_known and not _is_open(answer)):
        return answer
    logs = _read(inputs, window, far(terms.max_offset, clock_known=clock_known), progress)
    return _explained(inputs, terms, ask, logs, window.looked)


def _read(inputs: Inputs, window: Window, reach: Reach, progress: Progress | None) -> Logs:
    return read_both(inputs, progress, partial(window.narrowed, reach=reach))


def _explained(inputs: Inputs, terms: Terms, ask: Ask, logs: Logs, looked: Looked | None) -> Answer:
    asked, extra = ask(logs)
    found = correlate_read(merge_logs([logs, *extra]), inputs, terms, controlled=False)
    return Answer(found, [found.explain(record) for record in asked], looked)


def _is_clock_known(answer: Answer) -> bool:
    """True where it was told, or where no other Squid records could tell it."""
    told = (clock["links"] and clock["method"] != "refused" for clock in answer.found.manifest["clocks"])
    return len(answer.found.tables["transactions"]) <= len(answer.explanations) or all(told)


def _offset(answer: Answer) -> int:
    """The largest offset of a Squid's clock against Envoy's (us)."""
    clocks = answer.found.manifest["clocks"]
    return max((int(clock["offset_us"] or 0) for clock in clocks), key=abs, default=0)


def _is_open(answer: Answer) -> bool:
    """True where what was not read could make a record linked, or surer."""
    taught = len(answer.found.tables["transactions"]) >= _TEACH
    return any(_is_unsure(explanation.facts, taught) for explanation in answer.explanations)


def _is_unsure(facts: Mapping[str, Any], taught: bool) -> bool:
    if facts["subject"] == "connection":
        return facts["connection"]["fate"] in ("unmatched", "ambiguous")
    link, reason = (facts["transaction"][name] for name in ("link", "reason"))
    return reason in _OPEN or not (taught or link in _SURE or link == "none")


def _moment_at(inputs: Inputs, record: str) -> int | None:
    """The end (us) of the record at FILE:LINE, where its log can be read in part."""
    place = split_place(record)
    if place is None:
        return None
    file, number = place
    meant = [source for source in sources_of(inputs) if is_at(source.path, file)]
    exact = [source for source in meant if source.path == file] or meant
    return _end_of(exact[0], number) if len(exact) == 1 else None


def _end_of(source: Source, number: int) -> int | None:
    line = timeline(source)
    part = line_slice(source.path, number, _AROUND) if line else None
    if line is None or part is None:
        return None
    return next((end for at, end in line.records(part) if at == number), None)
