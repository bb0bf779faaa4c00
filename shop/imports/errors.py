"""Define errors of a catalogue file and of its rows."""

from __future__ import annotations


class ImportProblem(Exception):
    """Signals that the whole file is refused; the message tells staff what to do."""


class RowError(ValueError):
    """Signals that one row is rejected; the message is the reason that staff read in the report.

    If the error combines several errors, ``faults`` holds them.
    """

    def __init__(self, message: str, column: str = "") -> None:
        super().__init__(message)
        self.column = column
        self.faults: tuple[RowError, ...] = (self,)

    @classmethod
    def of(cls, faults: list[RowError]) -> RowError:
        """Return one error that combines all ``faults``."""
        error = cls(" ".join(map(str, faults)), faults[0].column)
        error.faults = tuple(faults)
        return error


class UploadStopped(Exception):
    """Signals that staff asked the job of an upload to stop."""
