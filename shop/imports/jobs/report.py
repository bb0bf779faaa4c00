"""Report the result of an import: a table of counts, and a file of rejected rows and warnings."""

from __future__ import annotations

import csv
import os
import tempfile
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from shop.imports.jobs.run import Result


def summary(result: Result) -> str:
    """Return the table of counts that the command prints."""
    would = "would be " if result.dry_run else ""
    lines = [
        ("rows read", result.read),
        (f"{would}imported", result.imported),
        (f"{would}updated", result.updated),
        ("unchanged", result.unchanged),
        ("rejected", result.rejected),
    ]
    table = [f"Read as {result.dialect}"]
    width = max(len(label) for label, _number in lines)
    table += [f"{label:<{width}}  {number:>9,}" for label, number in lines]
    if result.sample_values:
        pairs = result.sample_values.items()
        counts = ", ".join(f"{column} {number:,}" for column, number in pairs)
        table.append(f"Made up for new products (--sample-data): {counts}")
    table.extend(result.warnings)
    if result.ignored_columns:
        table.append(f"Ignored columns: {', '.join(result.ignored_columns)}")
    return "\n".join(table)


def default_path() -> Path:
    name = timezone.now().strftime("%Y%m%d-%H%M%S-%f.csv")
    return Path(settings.VAR_DIR) / "import-reports" / name


def write_report(result: Result, path: Path) -> None:
    """Write the rejected rows and the warnings as CSV.

    An existing file is replaced only when the new one is complete.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["kind", "line", "column", "id", "value", "reason"])
            for kind, messages in (
                ("rejected", result.rejections),
                ("warning", result.row_warnings),
            ):
                writer.writerows(
                    (kind, m.line or "", m.column, m.external_id, m.value, m.reason)
                    for m in messages
                )
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
