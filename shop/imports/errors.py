"""What can be wrong with a catalogue: all of it, or one row."""

from __future__ import annotations


class ImportProblem(Exception):
    """The catalogue cannot be read at all; the message says what to do about it."""


class RowError(ValueError):
    """One row cannot be used; the message is the reason that its owner reads in the report.

    ``faults`` are the single ones of an error that stands for several.
    """

    def __init__(self, message: str, column: str = "") -> None:
        super().__init__(message)
        self.column = column
        self.faults: tuple[RowError, ...] = (self,)

    @classmethod
    def of(cls, faults: list[RowError]) -> RowError:
        """Return one error that stands for all of these."""
        error = cls(" ".join(map(str, faults)), faults[0].column)
        error.faults = tuple(faults)
        return error


class UploadStopped(Exception):
    """Signals that staff asked the job of an upload to stop."""
