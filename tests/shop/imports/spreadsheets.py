"""Open and save files as Excel does, whose CSV files lose what is no text, number or date to it."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from io import BytesIO, StringIO

from openpyxl import load_workbook

# Excel shows so many digits of a whole number before it cuts it off.
DIGITS = 11


@dataclass(frozen=True)
class Excel:
    """An Excel of a language; ``imports`` is told that the file has decimal points.

    Without that it reads amounts in its own notation only.
    """

    mark: str
    delimiter: str
    months: str
    day_first: bool
    imports: bool = False

    def save_csv(self, data: bytes) -> bytes:
        """Return our CSV file as it saves it: in Windows-1252, with its own marks."""
        text = StringIO(newline="")
        writer = csv.writer(text, delimiter=self.delimiter, lineterminator="\r\n")
        for row in csv.reader(StringIO(data.decode("utf-8-sig"), newline="")):
            writer.writerow([self._cell(cell) for cell in row])
        return text.getvalue().encode("cp1252", "replace")

    def _cell(self, text: str) -> str:
        mark = "." if self.imports else self.mark
        if not re.fullmatch(rf"[0-9]+(\{mark}[0-9]+)?(E[+-]?[0-9]+)?", text, re.IGNORECASE):
            return self._date(text) or text
        number = float(text.replace(mark, "."))
        is_cut_off = text.isdecimal() and number >= 10**DIGITS
        shown = f"{number:.5E}" if is_cut_off or "E" in text.upper() else f"{number:.{DIGITS}g}"
        return shown.replace(".", self.mark)

    def _date(self, text: str) -> str:
        separators = "./-" if self.mark == "," and not self.imports else "/-"
        found = re.fullmatch(rf"([0-9]{{1,2}})[{separators}]([0-9]{{1,2}})", text)
        if not found:
            return ""
        first, second = int(found[1]), int(found[2])
        day, month = (first, second) if self.day_first else (second, first)
        months = self.months.split()
        if 1 <= month <= 12 and 1 <= day <= 31:
            name = months[month - 1]
            return f"{day:02}. {name}" if self.day_first else f"{day}-{name}"
        if 1 <= first <= 12 and second > 12:
            space = " " if self.day_first else "-"
            return f"{months[first - 1]}{space}{second:02}"
        return ""


ENGLISH = Excel(".", ",", "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec", day_first=False)
GERMAN = Excel(",", ";", "Jan Feb Mrz Apr Mai Jun Jul Aug Sep Okt Nov Dez", day_first=True)
GERMAN_IMPORT = Excel(",", ";", GERMAN.months, day_first=True, imports=True)


def save_workbook(data: bytes, formats: dict[str, str] | None = None) -> bytes:
    """Return a workbook opened and saved again.

    The columns that ``formats`` names were made numbers first, in these formats.
    """
    book = load_workbook(BytesIO(data))
    for column in book.active.iter_cols():
        number_format = (formats or {}).get(str(column[0].value))
        for cell in column[1:] if number_format else ():
            if cell.value is not None:
                cell.value, cell.number_format = float(cell.value), number_format
    buffer = BytesIO()
    book.save(buffer)
    return buffer.getvalue()
