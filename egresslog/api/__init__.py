"""The library: read, correlate, load; tables as pandas DataFrames with the columns of schema.py."""

from egresslog.api.answer import Terms, correlate, correlate_read, correlated
from egresslog.api.asking import Answer, explain_logs, who
from egresslog.api.log import Log
from egresslog.api.question import Question
from egresslog.api.reading import Inputs, nothing_readable, read_both, read_envoy, read_squid
from egresslog.api.result import Correlation, load

__all__ = [
    "Answer",
    "Correlation",
    "Inputs",
    "Log",
    "Question",
    "Terms",
    "correlate",
    "correlate_read",
    "correlated",
    "explain_logs",
    "load",
    "nothing_readable",
    "read_both",
    "read_envoy",
    "read_squid",
    "who",
]
