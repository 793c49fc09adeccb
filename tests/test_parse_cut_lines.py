"""Records torn in the middle: what is left says what the whole record does, or nothing."""

from __future__ import annotations

import pytest

from egresslog.formats import compile_format
from egresslog.parse.cut_lines import parse_cut
from egresslog.parse.detect import parser_of
from egresslog.parse.line_parser import Parsed

TORN = {
    "squid": b"1795407756.343     13 10.60.1.11 TCP_MISS/200 39 GET http://h/ bob HIER_NONE/10.0.0.1 a/b",
    "common": b'10.60.1.11 - bob [23/Nov/2026:04:22:36 +0000] "GET http://h/ HTTP/1.1" 200 9 TCP_HIT:NONE',
    "%{%FT%T}tg.%03tu %-8rm %9tr": b"2026-11-23T04:22:36.343 GET           13",
}


@pytest.mark.parametrize("text", TORN)
def test_a_line_torn_anywhere_says_what_the_whole_one_does(text: str) -> None:
    log_format = compile_format(text, "squid")
    whole = parser_of(log_format).parse(TORN[text])
    assert isinstance(whole, Parsed) and not whole.doubtful
    for end in range(len(TORN[text])):
        torn = parse_cut(log_format, TORN[text][:end])
        assert isinstance(torn, Parsed), end
        assert all(value in (None, whole.values[column]) for column, value in torn.values.items()), end
