"""The exception tree and the exit codes (one home for both).

EgresslogError
├── UsageError            the user's own text or options are wrong (exit 2)
│   └── FormatError       a format string does not compile: span, caret, hint
├── NothingReadable       no input could be read at all (exit 2)
└── OutputError           the output could not be written (exit 4)

Bad log *lines* never raise: they become rejects. Bad *files* are named and the rest is processed.
"""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of the command line; if several apply: 130, 2, 4, 3, 1."""

    OK = 0
    FINDINGS = 1
    USAGE = 2
    INCOMPLETE = 3
    OUTPUT = 4
    INTERRUPTED = 130


class EgresslogError(Exception):
    """Base of every error egresslog raises on purpose; carries an optional hint."""

    exit_code = Exit.USAGE

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message}\nhint: {self.hint}"


class UsageError(EgresslogError):
    """An option, a path or a format given by the user cannot be used."""


class NothingReadable(EgresslogError):
    """None of the inputs could be read, or none held a record."""


class OutputError(EgresslogError):
    """An output could not be written (disk full, no permission, exists already)."""

    exit_code = Exit.OUTPUT


class FormatError(UsageError):
    """A format string that does not compile, with the place shown by a caret.

    ``text`` is the format string, ``start``/``end`` the span in it that is wrong. Of a text that is
    hardly a format string, such as another file given by mistake, what stands around the span is shown.
    """

    longest = 2_000  # characters of a text shown whole
    around = 60

    def __init__(
        self, message: str, *, text: str, start: int, end: int | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.text, self.start = text, start
        self.end = max(start + 1, start + 1 if end is None else end)

    def __str__(self) -> str:
        first, last = self._window()
        line = self.text[first:last].replace("\n", " ").replace("\t", " ")
        caret = " " * (self.start - first) + "^" * (min(self.end, max(last, self.start + 1)) - self.start)
        shown = f"{self.message}\n  {line}\n  {caret}"
        return shown if self.hint is None else f"{shown}\nhint: {self.hint}"

    def _window(self) -> tuple[int, int]:
        if len(self.text) <= self.longest:
            return 0, len(self.text) + 1  # a caret may stand behind the end
        return max(0, self.start - self.around), self.start + self.around
