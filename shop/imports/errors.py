"""What can be wrong with a catalogue: all of it, or one row."""

from __future__ import annotations


class ImportProblem(Exception):
    """The catalogue cannot be read at all; the message says what to do about it."""


class RowError(ValueError):
    """One row cannot be used; the message is the reason that its owner reads in the report."""

    def __init__(self, message: str, column: str = "") -> None:
        super().__init__(message)
        self.column = column


class UploadStopped(Exception):
    """Signals that staff asked the job of an upload to stop."""
