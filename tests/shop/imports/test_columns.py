"""Headers, columns and encodings of a shop's own files."""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from io import BytesIO
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test import Client
from django.utils import timezone

from shop.catalogue.models import Product, Variant
from shop.imports.models import ColumnMapping, Upload
from shop.imports.parsing.encodings import find_encoding
from tests.factories import make_product
from tests.shop.imports.conftest import (
    GERMAN,
    HEADER,
    SHIRT,
    SOLD_HEADER,
    WOMEN,
    ImportLines,
    MakeFolder,
    Send,
    act,
    prices,
    result_counts,
    sold_row,
    zipped,
)

pytestmark = pytest.mark.django_db


def test_empty_columns_at_the_end_are_not_read(import_lines: ImportLines) -> None:
    text = f"{GERMAN};;\nZ-31;{WOMEN};Shirt;19.90;5;;\nZ-32;{WOMEN};Shirt;19.90;5;;;;\n"
    assert result_counts(import_lines(text, "Z-31", "Z-32")) == (2, 0, 0, 0)


def test_ignored_columns_may_have_the_same_name(import_lines: ImportLines) -> None:
    text = f"{GERMAN};Note;Note\nZ-1;{WOMEN};Shirt;19.90;5;a;b\n"
    result = import_lines(text, "Z-1")
    assert (result_counts(result), result.ignored_columns) == ((1, 0, 0, 0), ["Note", "Note"])


def test_missing_cells_at_the_end_of_a_row_are_empty(import_lines: ImportLines) -> None:
    rows = (
        f"Z-32;{WOMEN};Shirt;19.90;5;Soft",
        f"Z-33;{WOMEN};Shirt;19.90;5",
        f"Z-34;{WOMEN};Shirt",
    )
    result = import_lines("\n".join([f"{GERMAN};description", *rows]), "Z-32", "Z-33", "Z-34")
    assert result_counts(result) == (3, 0, 0, 0)
    products = Product.objects.order_by("external_id")
    assert [(p.price, p.stock, p.description, p.listed) for p in products] == [
        (Decimal("19.90"), 5, "Soft", True),
        (Decimal("19.90"), 5, "", True),
        (None, 0, "", False),
    ]


@pytest.mark.parametrize("before", ["sep=;\r\n", '"sep=;"\r\n', "\r\n", "\r\n;;;\r\n \r\n"])
def test_the_header_is_found_below_other_lines(import_lines: ImportLines, before: str) -> None:
    row = f"Z-41;{WOMEN};Shirt;19.90;5"
    result = import_lines(f"{before}{GERMAN}\r\n{row}\r\n{row}\r\n", "Z-41")
    assert result_counts(result) == (1, 0, 0, 1)
    lines = before.count("\n")
    assert result.rejections[0].line == lines + 3
    assert f"already on line {lines + 2}" in result.rejections[0].reason


def test_duplicate_columns_are_resolved_by_ignoring_one(
    client: Client, send: Send, make_folder: MakeFolder, tmp_path: Path
) -> None:
    folder = make_folder(f"Z-51,{SHIRT},Shirt,19.90,24.90", header=f"{HEADER},price,Price")
    with pytest.raises(CommandError, match=r"Columns K \(price\) and L \(Price\) are both mapped"):
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


def test_leading_zeros_make_another_product(import_lines: ImportLines) -> None:
    text = f"{SOLD_HEADER}\n{sold_row('00123')}\n{sold_row('123')}\n"
    assert result_counts(import_lines(text, "00123", "123")) == (2, 0, 0, 0)
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


def test_the_command_takes_an_encoding(import_lines: ImportLines, make_folder: MakeFolder) -> None:
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
