"""A shop's own files, as spreadsheets and other shops write them."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable
from decimal import Decimal
from io import BytesIO, StringIO
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test import Client
from django.utils import timezone

from shop.catalogue.models import Category, Product, Variant
from shop.imports.errors import ImportProblem
from shop.imports.export import export_lines
from shop.imports.jobs.run import Result, import_catalogue
from shop.imports.models import ColumnMapping, GenderWord, Upload
from shop.imports.parsing.encodings import find_encoding
from shop.imports.parsing.numbers import NotationDetector, read_number
from shop.imports.parsing.pictures import assign_pictures
from shop.imports.parsing.table import ReadOptions
from tests.factories import make_category, make_product, make_variant
from tests.shop.imports.conftest import (
    HEADER,
    NEW,
    SHIRT,
    SOLD_HEADER,
    MakeFolder,
    Send,
    act,
    picture,
    result_counts,
    row,
    sold_row,
    zipped,
)

pytestmark = pytest.mark.django_db
GERMAN = SOLD_HEADER.replace(",", ";")
WOMEN = "Women;Apparel;Topwear;Shirts;Blue;Summer;2024;Casual"
Take = Callable[..., Result]


def prices() -> dict[str | None, str]:
    return {p.external_id: str(p.price) for p in Product.objects.order_by("external_id")}


@pytest.fixture
def take(make_folder: MakeFolder) -> Take:
    """Import these lines with a picture for each id that ``ids`` names."""

    def take(text: str | bytes, *ids: str, read_options: ReadOptions | None = None) -> Result:
        folder = make_folder(pictures={f"{i}.jpg": picture(size=(60, 80 + len(i))) for i in ids})
        data = text.encode() if isinstance(text, str) else text
        (folder / "styles.csv").write_bytes(data)
        result = import_catalogue(folder, read_options=read_options)
        assert result.read == result.done
        return result

    return take


# Numbers


@pytest.mark.parametrize(
    ("text", "mark", "number"),
    [
        ("19,90", ",", "19.90"),
        ("1.249,00", ",", "1249.00"),
        ("1.234.567", ",", "1234567"),
        ("49", ",", "49"),
        ("19.9000", ".", "19.9000"),
        ("1,234.56", ".", "1234.56"),
        ("1'249.50", ".", "1249.50"),
        ("1 249,50", ",", "1249.50"),
        ("1\u202f249,50 €", ",", "1249.50"),
        ("€ 19.90", ".", "19.90"),
        ("CHF 19.-", ".", "19"),
        ("19,- EUR", ",", "19"),
        ("99,90 zł", ",", "99.90"),
        ("$1,249", ".", "1249"),
    ],
)
def test_an_amount_is_read_in_its_notation(text: str, mark: str, number: str) -> None:
    assert read_number(text, mark) == Decimal(number)


@pytest.mark.parametrize(
    ("text", "mark"),
    [("19,90", "."), ("19.90", ","), ("1,24,900", "."), ("-5", "."), ("5k", "."), ("1e3", "."),
     ("0,249", "."), ("", "."), ("NaN", "."), ("12/99", "."), ("(5.00)", "."), ("19%", ".")],
)  # fmt: skip
def test_invalid_amounts_are_not_read(text: str, mark: str) -> None:
    assert read_number(text, mark) is None


@pytest.mark.parametrize(
    ("values", "mark"),
    [
        (["49", "50"], "."),
        (["49", "19,90", "1.249"], ","),
        (["1,249", "5.0"], "."),
        (["19.9000"], "."),
        (["1.249.000"], ","),
    ],
)
def test_the_notation_is_detected_from_all_values(values: list[str], mark: str) -> None:
    detector = NotationDetector()
    for line, value in enumerate(values, 2):
        detector.add(line, value, is_price=True)
    assert detector.decide() == mark


def test_stock_decides_only_where_prices_do_not() -> None:
    detector = NotationDetector()
    detector.add(2, "5.0", is_price=False)
    detector.add(3, "1,249", is_price=True)
    assert detector.decide() == "."
    detector.add(4, "19,90", is_price=True)
    assert detector.decide() == ","


def test_a_german_file_is_read_in_its_notation(take: Take) -> None:
    lines = [f"Z-0{n};{WOMEN};Shirt;{price};2" for n, price in ((1, "19,90"), (2, "1.249,00"))]
    text = "\n".join([GERMAN, *lines, f"Z-03;{WOMEN};Shirt;49;5,0"])
    result = take(text, "Z-01", "Z-02", "Z-03")
    assert result_counts(result) == (3, 0, 0, 0)
    assert result.dialect == "UTF-8, semicolon, 1.234,56"
    assert prices() == {"Z-01": "19.90", "Z-02": "1249.00", "Z-03": "49.00"}
    assert Variant.objects.get(sku="Z-03").stock == 5


def test_an_ambiguous_notation_must_be_chosen(take: Take) -> None:
    text = f"{GERMAN}\nZ-1;{WOMEN};Shirt;1.249;2\n"
    with pytest.raises(ImportProblem, match=r"1\.249 on line 2 may be 1\.249 or 1249\.0\. Choose"):
        take(text, "Z-1")
    assert not Product.objects.exists()
    result = take(text, "Z-1", read_options=ReadOptions(decimal=","))
    assert (result_counts(result), prices()) == ((1, 0, 0, 0), {"Z-1": "1249.00"})


def test_with_two_notations_the_rows_in_the_other_are_rejected(take: Take) -> None:
    rows = (f"Z-1;{WOMEN};Shirt;19.90;2", f"Z-2;{WOMEN};Shirt;24,90;2")
    text = "\n".join([GERMAN, *rows])
    with pytest.raises(ImportProblem, match=r"Line 2 has the amount 19\.90, line 3 has 24,90"):
        take(text, "Z-1", "Z-2")
    result = take(text, "Z-1", "Z-2", read_options=ReadOptions(decimal="."))
    assert (result_counts(result), prices()) == ((1, 0, 0, 1), {"Z-1": "19.90"})
    assert result.rejections[0].reason == "price is 24,90; enter an amount above 0, such as 19.90."


def test_the_command_takes_the_decimal_mark(make_folder: MakeFolder) -> None:
    folder = make_folder(f'1,{SHIRT},Shirt,"1,249",2', header=SOLD_HEADER)
    with pytest.raises(CommandError, match="Choose the decimal separator"):
        call_command("import_catalogue", str(folder))
    call_command("import_catalogue", str(folder), decimal=".", report=folder / "report.csv")
    assert prices() == {"1": "1249.00"}


def test_a_price_list_is_mapped_and_unknown_skus_are_reported(client: Client, send: Send) -> None:
    make_product(external_id="SB-HTML", stock=0)
    Variant.objects.update(sku="SB-HTML")
    upload = send("Artikelnummer;Preis;Bestand\nSB-HTML;24,50;1.000\nSB-LINES;24;12\n")
    upload = act(client, upload, "check", column0="sku", column1="price", column2="stock")
    assert (upload.state, upload.dialect) == ("checked", "UTF-8, semicolon, 1.234,56")
    upload = act(client, upload, "start")
    assert (upload.updated, upload.rejected) == (1, 1)
    assert (prices(), Variant.objects.get().stock) == ({"SB-HTML": "24.50"}, 1000)
    assert "There is no product SB-LINES" in upload.errors.get().reason


def test_the_notation_can_be_chosen_on_the_page(client: Client, send: Send) -> None:
    sku = make_product().variants.get().sku
    upload = act(client, send(f"sku;price\n{sku};1.249\n"), "check")
    assert upload.state == "refused"
    page = client.get(upload.get_absolute_url()).content.decode()
    assert "may be 1.249 or 1249.0" in page
    assert "1.234,56" in page
    upload = act(client, upload, "check", decimal=",")
    assert (upload.state, upload.updated) == ("checked", 1)
    act(client, upload, "start")
    assert Product.objects.get().price == 1249


def test_an_export_survives_a_german_spreadsheet(client: Client, send: Send) -> None:
    make_product(external_id="1", price=Decimal("1016.95"), description='Say "hi"; twice')
    make_product(external_id="2", price=Decimal("38.00"))
    text = "".join(export_lines()).removeprefix("\ufeff")
    cells = [line.split(",") for line in text.splitlines()]
    assert "1016.95" in text
    german = text.replace('"Say ""hi""; twice"', "TEXT").replace(",", ";").replace(".", ",")
    german = german.replace("TEXT", '"Say ""hi""; twice"')
    assert len(cells) == 3
    upload = act(client, send(german.encode("cp1252")), "check")
    assert (upload.unchanged, upload.rejected, upload.updated) == (2, 0, 0)


# Columns


def test_empty_columns_at_the_end_are_not_read(take: Take) -> None:
    text = f"{GERMAN};;\nZ-31;{WOMEN};Shirt;19.90;5;;\nZ-32;{WOMEN};Shirt;19.90;5;;;;\n"
    assert result_counts(take(text, "Z-31", "Z-32")) == (2, 0, 0, 0)


def test_ignored_columns_may_have_the_same_name(take: Take) -> None:
    text = f"{GERMAN};Note;Note\nZ-1;{WOMEN};Shirt;19.90;5;a;b\n"
    result = take(text, "Z-1")
    assert (result_counts(result), result.ignored_columns) == ((1, 0, 0, 0), ["Note", "Note"])


def test_missing_cells_at_the_end_of_a_row_are_empty(take: Take) -> None:
    rows = (
        f"Z-32;{WOMEN};Shirt;19.90;5;Soft",
        f"Z-33;{WOMEN};Shirt;19.90;5",
        f"Z-34;{WOMEN};Shirt",
    )
    result = take("\n".join([f"{GERMAN};description", *rows]), "Z-32", "Z-33", "Z-34")
    assert result_counts(result) == (3, 0, 0, 0)
    products = Product.objects.order_by("external_id")
    assert [(p.price, p.stock, p.description, p.listed) for p in products] == [
        (Decimal("19.90"), 5, "Soft", True),
        (Decimal("19.90"), 5, "", True),
        (None, 0, "", False),
    ]


@pytest.mark.parametrize("before", ["sep=;\r\n", '"sep=;"\r\n', "\r\n", "\r\n;;;\r\n \r\n"])
def test_the_header_is_found_below_other_lines(take: Take, before: str) -> None:
    row = f"Z-41;{WOMEN};Shirt;19.90;5"
    result = take(f"{before}{GERMAN}\r\n{row}\r\n{row}\r\n", "Z-41")
    assert result_counts(result) == (1, 0, 0, 1)
    lines = before.count("\n")
    assert result.rejections[0].line == lines + 3
    assert f"already on line {lines + 2}" in result.rejections[0].reason


def test_duplicate_columns_are_resolved_by_ignoring_one(
    client: Client, send: Send, make_folder: MakeFolder, tmp_path: Path
) -> None:
    folder = make_folder(f"Z-51,{SHIRT},Shirt,19.90,24.90", header=f"{HEADER},price,Price")
    with pytest.raises(CommandError, match=r"Columns K \(price\) and L \(Price\) both stand for"):
        call_command("import_catalogue", str(folder))
    assert not Product.objects.exists()
    upload = send(zipped(folder, tmp_path / "c.zip").read_bytes(), name="c.zip")
    upload = act(client, upload, "check")
    assert upload.state == "refused"
    assert "Columns K (price) and L (Price)" in upload.message
    upload = act(client, upload, "check", column10="")
    assert upload.state == "checked"
    act(client, upload, "start")
    assert prices() == {"Z-51": "24.90"}


def test_leading_zeros_make_another_product(take: Take) -> None:
    text = f"{SOLD_HEADER}\n{sold_row('00123')}\n{sold_row('123')}\n"
    assert result_counts(take(text, "00123", "123")) == (2, 0, 0, 0)
    images = {p.external_id: p.images.get().file for p in Product.objects.all()}
    assert images["00123"] != images["123"]


def test_older_mappings_keep_their_meaning(carol: User) -> None:
    before = MigrationExecutor(connection).migrate([("imports", "0005_upload_warnings")])
    header, mapping = ["Artikel", "Preis", "stock", "x"], {"Artikel": "sku", "Preis": "price"}
    mapping |= {"stock": "", "x": ""}
    uploads = before.apps.get_model("imports", "Upload").objects
    values = {"created": timezone.now(), "table_name": "a.csv"}
    pk = uploads.create(header=header, mapping=mapping, **values).pk
    plain = uploads.create(header=["sku", "STOCK"], mapping={}, **values).pk
    signature = hashlib.sha256(json.dumps(header).encode()).hexdigest()
    remembered = before.apps.get_model("imports", "ColumnMapping").objects
    remembered.create(user_id=carol.pk, header=signature, mapping=mapping)
    remembered.create(user_id=carol.pk, header="nobody knows", mapping={"a": "sku"})
    connection.check_constraints()  # of which none may be pending
    MigrationExecutor(connection).migrate([("imports", "0006_columns_by_position")])
    read = ["sku", "price", "", ""]
    assert list(Upload.objects.filter(pk=pk).values_list("columns", "decimal")) == [(read, "")]
    assert Upload.objects.values_list("columns", flat=True).get(pk=plain) == ["sku", "stock"]
    assert list(ColumnMapping.objects.values_list("header", "columns")) == [(signature, read)]


# Encodings


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("utf-8", "Żółta bluza, 青いシャツ"),
        ("utf-8-sig", "Größe"),
        ("utf-16", "Жёлтая блуза"),
        ("cp1252", "Weiße Hose – 19 €"),
        ("cp1252", "Crème brûlée garçon"),
        ("cp1252", "Señora Camisa"),
        ("cp1250", "Żółta bluza damska z długim rękawem"),
        ("cp1250", "Košile pánská, příliš žluťoučký kůň"),
        ("cp1251", "Женская рубашка с длинным рукавом"),
        ("cp1253", "Πουκάμισο μπλε με μακρύ μανίκι"),
        ("mac_roman", "Crème brûlée garçon, déjà vu"),
        ("shift_jis", "青いシャツ 長袖"),
    ],
)
def test_the_encoding_of_a_file_is_detected(encoding: str, name: str) -> None:
    text = f"sku;price;productDisplayName\nA;19.90;{name}\n"
    found = find_encoding(BytesIO(text.encode(encoding)))
    assert text.encode(encoding).decode(found) == text


def test_a_letter_after_the_first_megabytes_is_considered() -> None:
    text = "sku;price\n" + "A;1\n" * 600_000 + "B;1;Größe\n"
    assert find_encoding(BytesIO(text.encode())) == "utf-8"
    assert find_encoding(BytesIO(text.encode("cp1252"))) == "cp1252"
    assert find_encoding(BytesIO("sku\nGrö".encode()[:-1])) == "cp1252"


def test_staff_see_a_sample_and_choose_another_encoding(client: Client, send: Send) -> None:
    make_product(external_id="A")
    Variant.objects.update(sku="A")
    name = "Kék női ing"
    upload = send(f"sku;price;Größe;productDisplayName\nA;1.50;;{name}\n".encode("cp1250"))
    page = client.get(upload.get_absolute_url()).content.decode()
    assert (upload.encoding, "Kék nõi ing" in page) == ("cp1252", True)
    upload = act(client, upload, "check", encoding="cp1250")
    assert (upload.encoding, upload.dialect) == ("cp1250", "Windows-1250, semicolon, 1,234.56")
    assert name in client.get(upload.get_absolute_url()).content.decode()
    upload = act(client, upload, "check", encoding="shift_jis")
    act(client, act(client, upload, "check", encoding="cp1250"), "start")
    assert Product.objects.get().name == name


def test_the_command_takes_an_encoding(take: Take, make_folder: MakeFolder) -> None:
    folder = make_folder(sold_row(1), header=SOLD_HEADER)
    text = "\n".join([SOLD_HEADER, sold_row(1, "Kék női ing")])
    (folder / "styles.csv").write_bytes(text.encode("cp1250"))
    with pytest.raises(CommandError, match="klingon is not the name of an encoding"):
        call_command("import_catalogue", str(folder), "--encoding", "klingon")
    with pytest.raises(CommandError, match="Choose another encoding"):
        call_command("import_catalogue", str(folder), "--encoding", "utf-8")
    assert not Product.objects.exists()
    call_command("import_catalogue", str(folder), "--encoding", "cp1250")
    assert Product.objects.get().name == "Kék női ing"


# Pictures


def stems(*names: str) -> list[str]:
    return [f"images/{name}" for name in names]


def test_pictures_are_assigned_by_common_naming_schemes() -> None:
    files = stems(
        *("Z-61_1.jpg", "Z-62-1.jpg", "z-63.jpg", "Z-64.JPG", "Z-65.jpeg", "Z-65_2.jpeg"),
        *("Z-66 (1).jpg", "Z-67_back.jpg", "Z-67_front.jpg", "Z-68 10.png", "Z-68 9.png"),
        *("Z-69_front_2.webp", "Z-69_side.webp"),
    )
    found = assign_pictures(files, {f"Z-{number}" for number in range(61, 70)}, {})
    assert found.unused == []
    assert found.of == {
        "Z-61": stems("Z-61_1.jpg"),
        "Z-62": stems("Z-62-1.jpg"),
        "Z-63": stems("z-63.jpg"),
        "Z-64": stems("Z-64.JPG"),
        "Z-65": stems("Z-65.jpeg", "Z-65_2.jpeg"),
        "Z-66": stems("Z-66 (1).jpg"),
        "Z-67": stems("Z-67_front.jpg", "Z-67_back.jpg"),
        "Z-68": stems("Z-68 9.png", "Z-68 10.png"),
        "Z-69": stems("Z-69_front_2.webp", "Z-69_side.webp"),
    }


def test_a_name_that_equals_an_id_belongs_to_that_id_only() -> None:
    files = stems("TEE-1-2.jpg", "TEE-1.jpg", "TEE-1-3.jpg", "a1.jpg", "A1.jpg", "A1-2.jpg")
    found = assign_pictures(files, {"TEE-1", "TEE-1-2", "a1", "A1"}, {})
    assert found.of == {
        "TEE-1-2": stems("TEE-1-2.jpg"),
        "TEE-1": stems("TEE-1.jpg", "TEE-1-3.jpg"),
        "a1": stems("a1.jpg"),
        "A1": stems("A1.jpg", "A1-2.jpg"),
    }


def test_an_ambiguous_or_unknown_name_is_not_assigned() -> None:
    files = stems("TEE.jpg", "1-red-shirt.jpg", "11.jpg", "1.jpg", "1.png")
    found = assign_pictures(files, {"tee", "Tee", "1"}, {})
    assert found.of == {"1": stems("1.jpg")}
    assert sorted(found.unused) == sorted(stems("TEE.jpg", "1-red-shirt.jpg", "11.jpg", "1.png"))


def test_the_pictures_that_a_row_names_come_first_and_belong_to_it_alone() -> None:
    named = {"1": ["look.JPG", "2", "none.jpg"], "3": ["sub/look.jpg"]}
    files = stems("1.jpg", "2.jpg", "look.jpg")
    found = assign_pictures(files, {"1", "2", "3"}, named)
    assert found.of == {"1": stems("look.jpg", "2.jpg", "1.jpg")}
    assert found.problems == {
        "1": ["There is no image none.jpg."],
        "3": ["The image sub/look.jpg already belongs to 1."],
    }


def test_unused_pictures_are_listed_with_the_most_similar_id(
    client: Client, send: Send, make_folder: MakeFolder, tmp_path: Path
) -> None:
    names = ("SB-PIX.jpg", "SBPIX.jpg", "SB-PIX-red.jpg", "other.jpg")
    folder = make_folder(
        sold_row("SB-PIX"), header=SOLD_HEADER, pictures=dict.fromkeys(names, picture())
    )
    table = "\n".join([SOLD_HEADER, sold_row("SB-PIX")])
    result = import_catalogue(folder, read_options=ReadOptions())
    warning = "3 images belong to no row: images/SB-PIX-red.jpg, images/SBPIX.jpg, images/other.jpg"
    assert warning in result.warnings
    upload = act(client, send(table, zipped(folder / "images", tmp_path / "p.zip")), "check")
    page = client.get(upload.get_absolute_url()).content.decode()
    assert "3 images belong to no row: SB-PIX-red.jpg, SBPIX.jpg, other.jpg" in page
    assert list(upload.errors.values_list("value", "reason", "is_warning")) == [
        ("SB-PIX-red.jpg", "This picture belongs to no row; the most similar id is SB-PIX.", True),
        ("SBPIX.jpg", "This picture belongs to no row; the most similar id is SB-PIX.", True),
        ("other.jpg", "This picture belongs to no row.", True),
    ]
    upload = act(client, upload, "start")
    assert (upload.state, Product.objects.get().images.count()) == ("done", 1)


def test_a_row_names_its_pictures_and_urls_are_not_fetched(
    client: Client, send: Send, make_folder: MakeFolder, tmp_path: Path
) -> None:
    pictures = {"front view.jpg": picture("red"), "b.png": picture("blue", "PNG")}
    address = "https://example.org/c.jpg"
    folder = make_folder(
        f"{sold_row(1)},front view.jpg|b|{address}",
        f"{sold_row(2)},{address}",
        header=f"{SOLD_HEADER},Images",
        pictures=pictures,
    )
    upload = send(zipped(folder, tmp_path / "c.zip").read_bytes(), name="c.zip")
    upload = act(client, upload, "start")
    assert (upload.imported, upload.rejected) == (1, 1)
    assert Product.objects.get().images.count() == 2
    assert list(upload.errors.values_list("line", "reason")) == [
        (2, f"Images on the web are not downloaded: {address}"),
        (3, "There is no image 2.jpg."),
        (3, f"Images on the web are not downloaded: {address}"),
    ]


# One product over several rows

SIZED_HEADER = f"{HEADER},price,sku,size,stock"
NOTHING = "," * 9


def sized(i: str, price: str, size: str, name: str = "Shirt") -> str:
    return f"{i},{SHIRT},{name},{price},{i}-{size},{size},3"


def variants() -> list[tuple[str, str, str | None, int]]:
    rows = Variant.objects.order_by("product__external_id", "position")
    return [
        (v.product.external_id, v.size, str(v.unit_price), v.stock)
        for v in rows.select_related("product")
    ]


def test_rows_without_a_description_are_variants_of_the_product_above(take: Take) -> None:
    rows = (
        sized("Z-101", "19.90", "S"),
        f"{NOTHING},,Z-101-M,M,4",
        f"Z-101{NOTHING},,Z-101-L,L,2",
        sized("Z-102", "9.90", "S"),
        f"{NOTHING},,Z-102-M,M,1",
    )
    text = "\n".join([SIZED_HEADER, *rows])
    result = take(text, "Z-101", "Z-102")
    assert (result_counts(result), result.row_warnings) == ((5, 0, 0, 0), [])
    assert variants() == [
        ("Z-101", "S", "19.90", 3),
        ("Z-101", "M", "19.90", 4),
        ("Z-101", "L", "19.90", 2),
        ("Z-102", "S", "9.90", 3),
        ("Z-102", "M", "9.90", 1),
    ]
    assert result_counts(take(text, "Z-101", "Z-102")) == (0, 0, 5, 0)


def test_repeated_descriptions_are_allowed_and_a_repeated_sku_is_rejected(
    take: Take,
) -> None:
    sizes = (("19.90", "S"), ("19.90", "M"), ("24.90", "L"))
    rows = [sized("Z-102", price, size) for price, size in sizes]
    text = "\n".join([SIZED_HEADER, *rows, sized("Z-102", "19.90", "M")])
    result = take(text, "Z-102")
    assert (result_counts(result), result.rejections[0].line) == ((3, 0, 0, 1), 5)
    assert "The SKU is already on line 3" in result.rejections[0].reason
    assert prices() == {"Z-102": "19.90"}
    assert [price for _i, _s, price, _n in variants()] == ["19.90", "19.90", "24.90"]
    own = Variant.objects.order_by("position").values_list("price", flat=True)
    assert list(own) == [None, None, Decimal("24.90")]
    assert result_counts(take(text, "Z-102")) == (0, 0, 3, 1)


def test_prices_that_change_together_become_the_products_price(take: Take) -> None:
    def text(*amounts: str) -> str:
        rows = [sized("1", amount, size) for amount, size in zip(amounts, "SML", strict=True)]
        return "\n".join([SIZED_HEADER, *rows])

    take(text("19.90", "19.90", "24.90"), "1")
    assert result_counts(take(text("25.00", "25.00", "25.00"), "1")) == (0, 3, 0, 0)
    assert (prices(), Variant.objects.exclude(price=None).count()) == ({"1": "25.00"}, 0)
    assert result_counts(take(text("30.00", "25.00", "25.00"), "1")) == (0, 1, 2, 0)
    assert [price for _i, _s, price, _n in variants()] == ["30.00", "25.00", "25.00"]


def test_a_price_list_by_sku_prices_each_sku(client: Client, send: Send) -> None:
    shirt = make_product(external_id="7", price=Decimal("19.90"))
    Variant.objects.update(sku="S", size="S")
    for size in ("M", "L"):
        make_variant(shirt, sku=size, size=size, position=1)
    table = "sku,price\nL,24.90\nS,19.90\nM,19.90\n"
    upload = act(client, send(table), "start")
    assert (upload.updated, upload.unchanged, prices()) == (1, 2, {"7": "19.90"})
    assert Variant.objects.get(sku="L").unit_price == Decimal("24.90")
    upload = act(client, send(table), "start")
    assert (upload.updated, upload.unchanged) == (0, 3)
    upload = act(client, upload, "roll-back")
    assert upload.warnings == []


def test_the_first_of_contradictory_rows_counts_with_a_warning(
    client: Client, send: Send, make_folder: MakeFolder, tmp_path: Path
) -> None:
    rows = (sized("1", "19.90", "S"), sized("1", "19.90", "M", "Jumper"))
    folder = make_folder(*rows, header=SIZED_HEADER)
    upload = send(zipped(folder, tmp_path / "c.zip").read_bytes(), name="c.zip")
    reason = "productDisplayName differs from line 2. The value of line 2 is used."
    for action in ("check", "start"):
        upload = act(client, upload, action)
        assert list(upload.errors.values_list("line", "value", "reason", "is_warning")) == [
            (3, "Jumper", reason, True)
        ]
    assert Product.objects.get().name == "Shirt"
    assert result_counts(import_catalogue(folder)) == (0, 0, 2, 0)


def test_variants_of_a_rejected_product_are_rejected(take: Take) -> None:
    rows = (
        sized("1", "19.90", "S"),
        sized("2", "19.90", "S").replace("2012", "12"),
        f"{NOTHING},,2-M,M,4",
        sized("3", "19.90", "S"),
        f"{NOTHING},,3-M,M,4",
    )
    result = take("\n".join([SIZED_HEADER, *rows]), "1", "2")
    assert result_counts(result) == (1, 0, 0, 4)
    assert [(r.line, r.reason) for r in result.rejections] == [
        (3, "year is 12; it must be empty or 1990 to 2100."),
        (4, "There is no product 2-M, and the row does not describe a new one."),
        (5, "There is no image 3.jpg."),
        (6, "Line 5, which describes the product, was rejected."),
    ]
    assert variants() == [("1", "S", "19.90", 3)]


def test_rows_of_one_product_stay_in_one_batch_so_that_a_check_finds_them(
    make_folder: MakeFolder, batches_of_two: None
) -> None:
    rows = (sized("1", "9.00", "S"), sized("2", "9.00", "S"), f"{NOTHING},,2-M,M,4")
    pictures = {"1.jpg": picture("red"), "2.jpg": picture("blue")}
    folder = make_folder(*rows, header=SIZED_HEADER, pictures=pictures)
    assert result_counts(import_catalogue(folder, dry_run=True)) == (3, 0, 0, 0)
    assert result_counts(import_catalogue(folder)) == (3, 0, 0, 0)


# What the check says


def test_common_words_for_genders_are_recognised_and_staff_add_others(
    take: Take, admin_client: Client
) -> None:
    words = ["women", "WOMEN", "Women's", "female", "Damen", "Ladies", "Kids", "Unisex", "Herren"]
    rows = [f"Z-{n},{word},{SHIRT[4:]},Shirt,9.00,1" for n, word in enumerate(words)]
    text = "\n".join([SOLD_HEADER, *rows])
    ids = [f"Z-{n}" for n in range(len(words))]
    result = take(text, *ids)
    assert result_counts(result) == (8, 0, 0, 1)
    assert result.rejections[0].reason == (
        "gender is Kids; it must be empty or one of Women, Men, Girls, Boys, Unisex, or a word "
        "for one of them that staff add under Gender words."
    )
    genders = dict(Product.objects.values_list("external_id", "gender"))
    assert [genders.get(i) for i in ids] == [*["Women"] * 6, None, "Unisex", "Men"]
    values = {"word": "Kid's", "gender": "Girls"}
    admin_client.post("/admin/imports/genderword/add/", values)
    assert list(GenderWord.objects.values_list("word", "gender")) == [("kids", "Girls")]
    assert result_counts(take(text, *ids)) == (1, 0, 8, 0)


@pytest.mark.parametrize("damaged", ["4,00638E+12", "4.00638E12", "1e5"])
def test_an_id_in_scientific_notation_is_rejected(take: Take, damaged: str) -> None:
    make_product(external_id="123")
    Variant.objects.update(sku="123")
    result = take(f"id;price;stock\n123;18,50;4\n{damaged};21,00;3\n")
    assert (result.updated, result.rejected) == (1, 1)
    assert result.rejections[0].reason == (
        f"id is {damaged}: a spreadsheet has cut a long number off. Format the column as text and "
        "save the file again."
    )


def test_sizes_that_became_dates_and_invisible_characters_are_reported(take: Take) -> None:
    header = f"{SOLD_HEADER},sku,size"
    sizes = ("04. Mrz", "3-Apr", "2026-03-04", "38", "M/L")
    rows = [f"{sold_row(n)},{n},{size}" for n, size in enumerate(sizes, 1)]
    rows[3] = rows[3].replace("Nike Men Blue", "Nike\u200b Men\ufeff Blue")
    result = take("\n".join([header, *rows]), *"12345")
    assert result_counts(result) == (5, 0, 0, 0)
    assert [(w.line, w.column, w.reason) for w in result.row_warnings] == [
        (2, "size", "size is 04. Mrz: a spreadsheet may have turned it into a date."),
        (3, "size", "size is 3-Apr: a spreadsheet may have turned it into a date."),
        (4, "size", "size is 2026-03-04: a spreadsheet may have turned it into a date."),
        *[(5, "productDisplayName",
           "productDisplayName contained invisible characters, which were removed.")],
    ]  # fmt: skip
    assert Product.objects.get(external_id="4").name == "Nike Men Blue Jersey"


def test_a_price_that_changes_by_more_than_half_is_reported(client: Client, send: Send) -> None:
    for sku, price in (("A", "20.00"), ("B", "20.00"), ("C", "20.00")):
        make_product(external_id=sku, price=Decimal(price)).variants.update(sku=sku)
    upload = act(client, send("id,price\nA,199.00\nB,10.00\nC,9.99\n"), "check")
    assert (upload.updated, upload.rejected) == (3, 0)
    assert list(upload.errors.values_list("line", "reason", "is_warning")) == [
        (2, "The price changes from 20.00 to 199.00.", True),
        (4, "The price changes from 20.00 to 9.99.", True),
    ]


def test_new_categories_are_reported_with_a_similar_one_and_can_be_refused(
    client: Client, send: Send, make_folder: MakeFolder, tmp_path: Path
) -> None:
    make_product(category=make_category("Apparel", "Topwear", "Tshirts"))
    rows = [
        sold_row(n).replace("Topwear", name)
        for n, name in enumerate(("Topwaer", "TOPWEAR", "Top wear"), 1)
    ]
    folder = make_folder(*rows, header=SOLD_HEADER)
    upload = send(zipped(folder, tmp_path / "c.zip").read_bytes(), name="c.zip")
    upload = act(client, upload, "check")
    assert upload.imported == 3
    assert upload.warnings == [
        "4 new categories: Apparel / Topwaer (similar: Topwear), Apparel / Top wear (similar: "
        "Topwear), Topwaer / Tshirts, Top wear / Tshirts"
    ]
    before = Category.objects.count()
    upload = act(client, upload, "check", no_new_categories="on")
    assert (upload.imported, upload.rejected) == (1, 2)
    reason = "There is no category Topwaer; did you mean Topwear?"
    assert upload.errors.first().reason == reason
    act(client, upload, "start")
    assert (Product.objects.count(), Category.objects.count()) == (2, before)
    options = {"no_new_categories": True, "stdout": StringIO(), "report": tmp_path / "r.csv"}
    call_command("import_catalogue", str(folder), **options)
    assert reason in (tmp_path / "r.csv").read_text()


def test_all_errors_of_a_row_are_reported(client: Client, send: Send) -> None:
    row = 'SB-F,womn,Apparel,Topwear,Shirts,Blue,Summer,24,Casual,Women F,"19,90",SB-F,S,1.5'
    upload = act(client, send(f"{SIZED_HEADER}\n{row}\n"), "check")
    assert (upload.rejected, upload.read) == (1, 1)
    assert list(upload.errors.values_list("column", "value")) == [
        ("gender", "womn"),
        ("year", "24"),
        ("stock", "1.5"),
    ]


def test_names_and_categories_of_any_script_are_imported_with_a_url(
    take: Take, client: Client
) -> None:
    rows = [
        "Z-91,Women,Apparel,Topwear,Shirts,Blue,Summer,2024,Casual,Женская рубашка,19.90,5",
        "Z-92,Women,Ρούχα,Μπλούζες,Πουκάμισα,Blue,Summer,2024,Casual,Πουκάμισο,19.90,5",
        "Z-93,Women,Apparel,Topwear,Shirts,Blue,Summer,2024,Casual,青いシャツ,19.90,5",
        "Z-94,Women,Apparel,Übergrößen,Shirts,Żółty,Summer,2024,Casual,Żółta bluza,19.90,5",
    ]
    text = "\n".join([SOLD_HEADER, *rows])
    ids = ("Z-91", "Z-92", "Z-93", "Z-94")
    assert result_counts(take(text, *ids)) == (4, 0, 0, 0)
    paths = dict(Product.objects.values_list("external_id", "category__path"))
    assert paths["Z-92"] == "ρούχα/μπλούζες/πουκάμισα"
    assert paths["Z-94"] == "apparel/ubergroen/shirts"  # as before
    for product in Product.objects.select_related("category"):
        assert client.get(product.get_absolute_url()).status_code == 200
        page = client.get(product.category.get_absolute_url())
        assert product.name in page.content.decode()
    category = Category.objects.get(name="Πουκάμισα")
    assert client.get("/sitemap.xml").status_code == 200
    assert category.get_absolute_url().isascii()
    assert result_counts(take(text, *ids)) == (0, 0, 4, 0)


# Errors


def test_errors_name_the_uploaded_files(client: Client, carol: User, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("1.jpg", picture())
    empty = (tmp_path / "a.zip").read_bytes()
    for files, message in (
        ({"table": ("Herbst.zip", empty)}, "Herbst.zip holds no styles.csv"),
        (
            {"table": ("a.csv", b"sku,stock\n"), "pictures": ("Fotos.zip", b"PK")},
            "Fotos.zip is neither a folder nor a ZIP",
        ),
    ):
        sent = {field: SimpleUploadedFile(*file) for field, file in files.items()}
        response = client.post(NEW, sent)
        assert response.status_code == 422
        page = response.content.decode()
        assert message in page
        assert str(tmp_path) not in page


def test_a_cell_that_is_too_long_is_reported(take: Take) -> None:
    make_product(external_id="1")
    result = take(f"id,description\n1,{'x' * 140_000}\n")
    assert result.rejections[0].reason == "A cell has more than 131,072 characters."


# Descriptions and what is listed


def test_html_becomes_plain_paragraphs_and_lists(take: Take, client: Client) -> None:
    html = (
        "<p>Soft <b>organic</b> cotton.</p><ul><li>Machine wash</li><li>No bleach</li></ul>"
        "<script>alert(1)</script>&nbsp;Made in Porto &amp; Braga"
    )
    plain = "Soft cotton.\n\nWash at 30°\nSizes < 40 & > 30"
    rows = (f'{sold_row("Z-71")},"{html}"', f'{sold_row("Z-72")},"{plain}"')
    text = "\n".join([f"{SOLD_HEADER},description", *rows])
    assert result_counts(take(text, "Z-71", "Z-72")) == (2, 0, 0, 0)
    one, two = Product.objects.order_by("external_id")
    words = "Soft organic cotton.\n\n• Machine wash\n• No bleach\n\nMade in Porto & Braga"
    assert (one.description, two.description) == (words, plain)
    page = client.get(one.get_absolute_url()).content.decode()
    assert "<p>Soft organic cotton.</p>" in page
    assert "• Machine wash<br>• No bleach" in page
    assert 'content="Soft organic cotton.' in page
    assert "alert(1)" not in page
    assert "\\u0026 Braga" in page
    assert result_counts(take(text, "Z-71", "Z-72")) == (0, 0, 2, 0)


def test_the_listed_column_does_not_list_a_product_without_a_price(
    take: Take, tmp_path: Path
) -> None:
    header = f"{SOLD_HEADER},listed"
    rows = (f"{sold_row(1)},nein", f"{sold_row(2)},", f"{row(3)},,5,yes", f"{sold_row(4)},perhaps")
    result = take("\n".join([header, *rows]), *"1234")
    assert result_counts(result) == (3, 0, 0, 1)
    assert result.rejections[0].reason == "listed is perhaps; enter yes or no."
    listed = Product.objects.order_by("external_id").values_list("listed", flat=True)
    assert list(listed) == [False, True, False]
    (tmp_path / "list.csv").write_text("id,listed\n1,yes\n2,no\n3,ja\n")
    result = import_catalogue(tmp_path / "list.csv")
    assert result_counts(result) == (0, 2, 1, 0)
    assert [w.reason for w in result.row_warnings] == [
        "The product has no price: it is not listed."
    ]
    assert list(listed.all()) == [True, False, False]
