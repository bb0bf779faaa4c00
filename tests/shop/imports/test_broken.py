"""Broken files are reported, and their good rows are imported."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from shop.catalogue.models import Product
from shop.imports.errors import ImportProblem
from shop.imports.jobs.run import Result, import_catalogue
from tests.shop.catalogue.images.crafted import BROKEN_EXIF, scans, with_exif
from tests.shop.imports.conftest import HEADER, LONG_HEADER, SHIRT, picture, row

pytestmark = pytest.mark.django_db
RED, BLUE, GREEN = picture("red"), picture("blue"), picture("green")
GOOD = (row(1), row(2))
Run = Callable[..., Result]


def messages(result: Result) -> str:
    return "\n".join([*(r.reason for r in result.rejections), *result.warnings])


def ids() -> list[str]:
    return list(Product.objects.order_by("external_id").values_list("external_id", flat=True))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Import a table and a ZIP of pictures, as an upload does; every row must be accounted for."""

    def run(table: bytes | str, pictures: dict[str, bytes] | bytes | None = None) -> Result:
        path = tmp_path / "table.csv"
        path.write_bytes(table.encode() if isinstance(table, str) else table)
        images = tmp_path / "pictures.zip"
        if pictures is None:
            pictures = {f"{number}.jpg": data for number, data in ((1, RED), (2, BLUE), (3, GREEN))}
        images.write_bytes(pictures if isinstance(pictures, bytes) else make_zip(pictures))
        result = import_catalogue(path, images=images)
        assert result.read == result.done
        return result

    return run


def make_zip(
    files: dict[str, bytes], change: Callable[[zipfile.ZipInfo], None] | None = None
) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(name)
            if change:
                change(info)
            archive.writestr(info, data)
    return buffer.getvalue()


def table(*rows: str, header: str = HEADER) -> str:
    return "\n".join([header, *rows]) + "\n"


# Tables that are read all the same


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_other_delimiters_are_detected(run: Run, delimiter: str) -> None:
    text = table(*GOOD, header=HEADER).replace(",", delimiter)
    assert run(text).imported == 2
    assert ids() == ["1", "2"]


@pytest.mark.parametrize(
    "encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "utf-8"]
)
def test_common_encodings_are_detected(run: Run, encoding: str) -> None:
    run(table(row(1, "Café Größe")).encode(encoding))
    assert Product.objects.get().name == "Café Größe"


def test_the_delimiter_of_a_long_header_is_detected(run: Run) -> None:
    unknown = "".join(f"\tunknown {number}" for number in range(10_000))
    assert run(table(*GOOD).replace(",", "\t").replace("\n", unknown + "\n")).imported == 2


def test_line_ends_of_every_system_are_read(run: Run) -> None:
    assert run(table(*GOOD).replace("\n", "\r\n")).imported == 2
    assert run(table(*GOOD).replace("\n", "\r")).unchanged == 2


# Tables that cannot be read at all


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "could not find your article numbers"),
        ("\n\n\n", "could not find your article numbers"),
        ("name,price\nShirt,3\n", "could not find your article numbers"),
        ("id\n1\n", "the header has no known columns"),
        ("id,colour of the moon\n1,red\n", "the header has no known columns"),
        (table(*GOOD, header=HEADER.replace(",year", "")), "is missing the columns year"),
        (table(*GOOD, header=f"{HEADER},id"), "Columns A .id. and K .id. are both mapped to id"),
        (b"\x81\x8d\x8f" + table(*GOOD).encode(), "could not find your article numbers"),
        (table(*GOOD, "x" * (1024 * 1024 + 2)), "is longer than 1 MB"),
        (b"PK\x03\x04 but no ZIP" * 10, "could not find your article numbers"),
        (f'[{{"sku": "{"x" * 140_000}"}}]', "has a name longer than 131072 characters"),
        ("sku,pri\0ce\n1,2\n", "contains a NUL character"),
    ],
)
def test_an_unreadable_table_is_refused(run: Run, text: bytes | str, message: str) -> None:
    with pytest.raises(ImportProblem, match=message):
        run(text)
    assert not Product.objects.exists()


# Rows that cannot be used


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (f'9,{SHIRT},"never closed,Nike,1.00,EUR,1,x', "quotation marks do not match"),
        (f'9,{SHIRT},"closed" badly,Nike,1.00,EUR,1,x', "quotation marks do not match"),
        (f"1,{SHIRT},Again,Nike,1.00,EUR,1,x", "The id is already on line 2"),
        (f"9,{SHIRT},Shirt,Nike,-1.00,EUR,1,x", "price is -1.00"),
        (f"9,{SHIRT},Shirt,Nike,1.00,EUR,-1,x", "stock is -1"),
        (f"9,{SHIRT},Nu\0l,Nike,1.00,EUR,1,x", "NUL character"),
        (f"9,{SHIRT},Shirt,Nike,1.00,EUR,1,x,y", "16 values for 15 columns"),
        (f",{SHIRT},Shirt,Nike,1.00,EUR,1,x", "The id is empty"),
        (f"9,{SHIRT},Shirt,Nike,1.00,EUR,1,x", "There is no image 9.jpg"),
        (f"=cmd()|' /C calc'!A0,{SHIRT},Shirt,Nike,1.00,EUR,1,x", "There is no image =cmd()"),
    ],
)
def test_a_bad_row_is_reported_and_others_are_imported(run: Run, bad: str, message: str) -> None:
    rows = [f"{number},{SHIRT},Shirt,Nike,1.00,EUR,1,x" for number in (1, 2)]
    result = run(table(rows[0], bad, rows[1], header=LONG_HEADER))
    assert ids() == ["1", "2"]
    assert (result.read, result.rejected) == (3, 1)
    assert message in messages(result)
    assert result.rejections[0].line == 3


def test_a_rejection_names_column_and_value(run: Run) -> None:
    bad = f"9,{SHIRT},Shirt,Nike,abc,EUR,1,x"
    (rejection,) = run(table(bad, header=LONG_HEADER)).rejections
    assert (rejection.column, rejection.value, rejection.external_id) == ("price", "abc", "9")


def test_a_formula_is_imported_as_text(run: Run) -> None:
    run(table(row(1, "=cmd()|' /C calc'!A0")))
    assert Product.objects.get().name == "=cmd()|' /C calc'!A0"


# ZIPs that are dangerous or broken


@pytest.mark.parametrize("name", ["../2.jpg", "/2.jpg", "a/../../2.jpg", "..\\2.jpg", "C:/2.jpg"])
def test_a_path_out_of_the_zip_is_skipped(run: Run, name: str) -> None:
    result = run(table(*GOOD), {"1.jpg": RED, name: BLUE})
    assert ids() == ["1"]
    assert "leads out of the ZIP" in messages(result)
    assert "There is no image 2.jpg" in messages(result)


def test_a_symlink_is_skipped(run: Run) -> None:
    def link(info: zipfile.ZipInfo) -> None:
        if info.filename == "2.jpg":
            info.external_attr = 0o120777 << 16

    result = run(table(*GOOD), make_zip({"1.jpg": RED, "2.jpg": b"/etc/passwd"}, link))
    assert ids() == ["1"]
    assert "it is only a link: " in messages(result)


def test_a_nested_archive_is_reported(run: Run) -> None:
    result = run(table(*GOOD), {"1.jpg": RED, "more.zip": make_zip({"2.jpg": BLUE})})
    assert ids() == ["1"]
    assert "Archives inside the archive: " in messages(result)


def test_an_encrypted_picture_is_reported(run: Run) -> None:
    data = bytearray(make_zip({"1.jpg": RED, "2.jpg": BLUE}))
    # Set the flag "encrypted" of the second entry, in its own header and in the directory.
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = data.rindex(mark)
        data[place + offset] |= 1
    result = run(table(*GOOD), bytes(data))
    assert ids() == ["1"]
    assert "Encrypted and not readable: " in messages(result)
    assert "2.jpg cannot be read" in messages(result)


def test_a_picture_with_a_wrong_checksum_is_reported(run: Run) -> None:
    data = bytearray(make_zip({"1.jpg": RED, "2.jpg": BLUE}))
    place = data.rindex(b"PK\x01\x02") + 16
    data[place : place + 4] = struct.pack("<I", 1)
    result = run(table(*GOOD), bytes(data))
    assert ids() == ["1"]
    assert "2.jpg cannot be read: Bad CRC-32" in messages(result)


def test_a_truncated_zip_is_refused(run: Run) -> None:
    with pytest.raises(ImportProblem, match="neither a folder nor a readable ZIP"):
        run(table(*GOOD), make_zip({"1.jpg": RED})[:-30])
    assert not Product.objects.exists()


def test_a_picture_that_unpacks_to_too_much_is_reported(run: Run, settings: Any) -> None:
    settings.PICTURE_MAX_BYTES = 100_000
    result = run(table(*GOOD), {"1.jpg": RED, "2.jpg": b"\0" * 5_000_000})
    assert ids() == ["1"]
    assert "2.jpg is larger than" in messages(result)


def test_a_zip_bomb_is_refused(run: Run, settings: Any) -> None:
    settings.IMPORT_MAX_UNPACKED_BYTES = 50_000_000
    bomb = {f"{number}.jpg": b"\0" * 9_000_000 for number in range(1, 8)}
    with pytest.raises(ImportProblem, match="would unpack to 60 MB; at most 47 MB are allowed"):
        run(table(*GOOD), bomb)
    assert not Product.objects.exists()


def test_a_false_size_in_the_zip_is_detected(run: Run, settings: Any) -> None:
    settings.PICTURE_MAX_BYTES = 100_000
    data = bytearray(make_zip({"1.jpg": RED, "2.jpg": b"\0" * 5_000_000}))
    place = data.rindex(b"PK\x01\x02") + 24
    data[place : place + 4] = struct.pack("<I", 10)
    result = run(table(*GOOD), bytes(data))
    assert ids() == ["1"]
    assert [r.line for r in result.rejections] == [3]


def test_too_many_files_are_refused(run: Run, settings: Any) -> None:
    settings.IMPORT_MAX_FILES = 3
    with pytest.raises(ImportProblem, match="contains 4 files; at most 3 are allowed"):
        run(table(*GOOD), {f"{number}.jpg": RED for number in range(1, 5)})


def test_names_that_differ_only_in_case_are_reported(run: Run) -> None:
    rows = (row("a1"), row("A1"))
    result = run(table(*rows), {"a1.jpg": RED, "A1.jpg": BLUE})
    assert sorted(ids()) == ["A1", "a1"]
    assert "Names that differ only in upper and lower case: " in messages(result)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_duplicate_names_are_reported(run: Run) -> None:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for data in (RED, BLUE):
            archive.writestr("1.jpg", data)
    result = run(table(row(1)), buffer.getvalue())
    assert ids() == ["1"]
    assert "In the ZIP more than once: " in messages(result)


def test_macos_metadata_is_ignored(run: Run) -> None:
    result = run(table(*GOOD), {"1.jpg": RED, "2.jpg": BLUE, "__MACOSX/._1.jpg": b"x"})
    assert ids() == ["1", "2"]
    assert (result.rejections, "__MACOSX" in messages(result)) == ([], False)


def test_one_bad_picture_among_a_thousand_is_rejected(run: Run) -> None:
    tiny = [picture(colour, size=(2, 2)) for colour in ("red", "blue", "green")]
    pictures = {f"{number}.jpg": tiny[number % 3] for number in range(1000)}
    pictures["500.jpg"] = b"\xff\xd8\xff" + b"\0" * 100
    result = run(table(*(row(number) for number in range(1000))), pictures)
    assert (result.imported, result.rejected, Product.objects.count()) == (999, 1, 999)
    assert result.rejections[0].line == 502
    assert "500.jpg: " in result.rejections[0].reason


@pytest.mark.usefixtures("busy")
def test_bombs_and_broken_exif_concern_their_own_row_only(run: Run) -> None:
    pictures = {
        "1.jpg": with_exif("JPEG", BROKEN_EXIF["short"]),
        "2.jpg": scans(2000),
        "3.webp": with_exif("WEBP", BROKEN_EXIF["junk"]),
        "4.gif": picture("red", "GIF"),
        "5.jpg": RED,
    }
    result = run(table(*(row(number) for number in range(1, 6))), pictures)
    assert ids() == ["1", "3", "4", "5"]
    assert [rejection.line for rejection in result.rejections] == [3]
    assert "2.jpg: This image takes too long to read" in result.rejections[0].reason
