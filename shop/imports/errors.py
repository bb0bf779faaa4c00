"""Errors of a catalogue file or of one of its rows."""

from __future__ import annotations


class ImportProblem(Exception):
    """Refuses the whole catalogue; the message tells staff what to do."""


class RowError(ValueError):
    """Rejects one row; the message is the reason that staff read in the report.

    ``faults`` holds the single errors if this one combines several.
    """

    def __init__(self, message: str, column: str = "") -> None:
        super().__init__(message)
        self.column = column
        self.faults: tuple[RowError, ...] = (self,)

    @classmethod
    def of(cls, faults: list[RowError]) -> RowError:
        """Return one error that combines all of these."""
        error = cls(" ".join(map(str, faults)), faults[0].column)
        error.faults = tuple(faults)
        return error


class UploadStopped(Exception):
    """Signals that staff asked the job of an upload to stop."""
