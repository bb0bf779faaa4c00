from __future__ import annotations

import zipfile
from decimal import Decimal

import pytest
from django.db import connection

from shop.catalogue.models import Category, Product, ProductImage, SearchWord, StoredFile, Variant
from shop.imports.jobs.run import import_catalogue
from shop.imports.signals import catalogue_imported
from tests.factories import embedding_of, make_category, make_product
from tests.shop.imports.conftest import (
    LONG_HEADER,
    SHIRT,
    SOLD_HEADER,
    all_rows,
    picture,
    result_counts,
    row,
    sold_row,
    zipped,
)

pytestmark = pytest.mark.django_db


def test_a_folder_is_imported_completely(make_folder):
    folder = make_folder(row(1), row(2, "Puma Women Cap"))
    assert result_counts(import_catalogue(folder)) == (2, 0, 0, 0)
    product = Product.objects.get(external_id="1")
    assert (product.name, product.brand, product.gender) == ("Nike Men Blue Jersey", "", "Men")
    assert product.category.path == "apparel/topwear/tshirts"
    assert product.slug == "nike-men-blue-jersey-1"
    assert product.keywords == product.make_keywords()
    assert (product.price, product.listed, product.stock) == (None, False, 0)
    assert product.currency == "EUR"
    assert product.created
    assert product.updated
    image = product.images.get()
    assert (image.width, image.height, image.position, image.alt) == (60, 80, 0, "")
    assert embedding_of(image).status == "pending"
    assert image.read() == (folder / "images" / "1.jpg").read_bytes()
    assert Category.objects.count() == 3


def test_imported_products_can_be_searched(make_folder):
    import_catalogue(make_folder(sold_row(1), header=SOLD_HEADER))
    assert SearchWord.objects.filter(word="jersey", products=1).exists()
    assert Product.objects.filter(search="jersey").count() == 1


def test_a_folder_and_a_zip_give_the_same_result(make_folder, tmp_path):
    folder = make_folder(row(1), row(2, "Puma, and more"))
    import_catalogue(folder)
    assert result_counts(import_catalogue(zipped(folder, tmp_path / "c.zip"))) == (0, 0, 2, 0)


def test_a_zip_may_have_a_single_top_folder(make_folder, tmp_path):
    make_folder(row(1), name="outer/fashion")
    archive = zipped(tmp_path / "outer", tmp_path / "c.zip")
    assert result_counts(import_catalogue(archive)) == (1, 0, 0, 0)


def test_a_table_and_its_pictures_may_be_in_different_places(make_folder, tmp_path):
    folder = make_folder(row(1))
    pictures = zipped(folder / "images", tmp_path / "pictures.zip")
    table = (folder / "styles.csv").rename(tmp_path / "mine.csv")
    assert result_counts(import_catalogue(table, images=pictures)) == (1, 0, 0, 0)
    assert result_counts(import_catalogue(table, images=folder)) == (0, 0, 1, 0)


def test_surplus_commas_belong_to_the_name(make_folder):
    import_catalogue(make_folder(row(1, "Be Reasonable,Do It, My Way"), row(2, '"Yes, sir"')))
    names = Product.objects.order_by("external_id").values_list("name", flat=True)
    assert list(names) == ["Be Reasonable,Do It, My Way", "Yes, sir"]


def test_a_new_product_without_a_name_is_refused(make_folder):
    result = import_catalogue(make_folder(row(1, "")))
    assert (result_counts(result), Product.objects.count()) == ((0, 0, 0, 1), 0)
    assert result.rejections[0].reason == "productDisplayName is empty."


def test_a_row_without_a_name_does_not_change_the_name(make_folder):
    import_catalogue(make_folder(row(1)))
    assert result_counts(import_catalogue(make_folder(row(1, "")))) == (0, 0, 1, 0)
    assert Product.objects.get().name == "Nike Men Blue Jersey"


def test_a_row_without_a_price_is_imported_unlisted_with_a_warning(make_folder):
    make_category("Apparel", "Topwear", "Tshirts")
    folder = make_folder(f"1,{SHIRT},Shirt,,", f"2,{SHIRT},Shirt,19.90,3", header=SOLD_HEADER)
    result = import_catalogue(folder)
    assert result_counts(result) == (2, 0, 0, 0)
    products = Product.objects.order_by("external_id").values_list("price", "listed", "stock")
    assert list(products) == [(None, False, 0), (Decimal("19.90"), True, 3)]
    warning = "The price is empty: the product is imported, but not listed."
    assert [(w.line, w.column, w.reason) for w in result.row_warnings] == [(2, "price", warning)]
    assert result.warnings == ["The file gives no stock for 1 new product: it will be sold out."]
    assert result_counts(import_catalogue(folder)) == (0, 0, 2, 0)


def test_a_later_price_does_not_list_a_product_and_an_empty_one_does_not_remove_it(make_folder):
    import_catalogue(make_folder(f"1,{SHIRT},Shirt,,5", header=SOLD_HEADER))
    import_catalogue(make_folder(f"1,{SHIRT},Shirt,19.90,5", header=SOLD_HEADER))
    product = Product.objects.get()
    assert (product.price, product.listed) == (Decimal("19.90"), False)
    assert result_counts(import_catalogue(make_folder(row(1, "Shirt")))) == (0, 0, 1, 0)
    assert Product.objects.get().price == Decimal("19.90")


def test_sample_data_is_only_created_on_demand_and_kept(make_folder):
    folder = make_folder(
        row(1), row(2, ""), row(3, ""), pictures={"1.jpg": picture(), "2.jpg": picture()}
    )
    result = import_catalogue(folder, sample_data=True)
    assert result_counts(result) == (2, 0, 0, 1)
    assert result.sample_values == {"brand": 1, "price": 2, "stock": 2, "name": 1}
    warning = "The name was generated from the attributes: Men Blue Tshirts."
    assert [(w.line, w.reason) for w in result.row_warnings] == [(3, warning)]
    one, two = Product.objects.order_by("external_id")
    assert (one.brand, one.listed, one.price > 0) == ("Nike", True, True)
    assert (two.name, two.brand, two.listed) == ("Men Blue Tshirts", "", True)
    before = all_rows()
    assert result_counts(import_catalogue(folder, sample_data=True)) == (0, 0, 2, 1)
    assert result_counts(import_catalogue(folder)) == (0, 0, 2, 1)
    assert all_rows() == before


def test_a_row_without_a_picture_is_rejected_with_its_line(make_folder):
    folder = make_folder(row(1), row(2), pictures={"1.jpg": picture()})
    result = import_catalogue(folder)
    assert result_counts(result) == (1, 0, 0, 1)
    rejection = result.rejections[0]
    assert (rejection.line, rejection.external_id) == (3, "2")
    assert rejection.reason == "There is no image 2.jpg."
    assert Product.objects.count() == 1


def test_a_broken_picture_rejects_its_row_only(make_folder):
    files = {"1.jpg": picture()[:300], "2.jpg": picture(), "3.jpg": b"%PDF-1.7"}
    result = import_catalogue(make_folder(row(1), row(2), row(3), pictures=files))
    assert result_counts(result) == (1, 0, 0, 2)
    assert [rejection.line for rejection in result.rejections] == [2, 4]
    assert "damaged" in result.rejections[0].reason
    assert "PDF" in result.rejections[1].reason
    assert ProductImage.objects.count() == StoredFile.objects.count() == 1


def test_a_picture_that_is_too_large_is_not_read(make_folder, settings):
    settings.PICTURE_MAX_BYTES = 100
    result = import_catalogue(make_folder(row(1)))
    assert result_counts(result) == (0, 0, 0, 1)
    assert "larger than" in result.rejections[0].reason


def test_the_second_of_two_equal_ids_is_rejected(make_folder):
    result = import_catalogue(make_folder(row(1, "First"), row(2), row(1, "Second")))
    assert result_counts(result) == (2, 0, 0, 1)
    assert result.rejections[0].line == 4
    assert "already on line 2" in result.rejections[0].reason
    assert Product.objects.get(external_id="1").name == "First"


def test_bad_rows_do_not_stop_good_ones(make_folder):
    result = import_catalogue(make_folder("1,Men", row(2), f"3,Robot,{SHIRT[4:]},Name"))
    assert result_counts(result) == (1, 0, 0, 2)
    assert {rejection.line for rejection in result.rejections} == {2, 4}


def test_a_second_run_changes_nothing(make_folder):
    files = {"1.jpg": picture(), "2.png": picture("blue", "PNG"), "2-2.jpg": picture("pink")}
    folder = make_folder(row(1), row(2), pictures=files)
    assert result_counts(import_catalogue(folder)) == (2, 0, 0, 0)
    before = all_rows()
    assert result_counts(import_catalogue(folder)) == (0, 0, 2, 0)
    assert all_rows() == before


def test_a_changed_row_updates_what_changed_and_nothing_else(make_folder):
    import_catalogue(make_folder(row(1), row(2)))
    Product.objects.update(listed=False, price=Decimal("1.23"))
    Variant.objects.update(stock=77)
    before = Product.objects.get(external_id="1")
    changed = row(1, "Puma Men Red Shirt").replace("Tshirts", "Shirts")
    assert result_counts(import_catalogue(make_folder(changed, row(2)))) == (0, 1, 1, 0)
    after = Product.objects.get(external_id="1")
    assert (after.name, after.brand) == ("Puma Men Red Shirt", "")
    assert after.category.path == "apparel/topwear/shirts"
    assert after.keywords == after.make_keywords()
    assert (after.listed, after.stock, after.price) == (False, 77, Decimal("1.23"))
    assert (after.slug, after.created) == (before.slug, before.created)
    assert after.updated > before.updated


def test_a_brand_written_by_staff_is_kept(make_folder):
    import_catalogue(make_folder(row(1)))
    Product.objects.update(brand="House")
    assert result_counts(import_catalogue(make_folder(row(1, "Puma Men Shirt")))) == (0, 1, 0, 0)
    assert Product.objects.get().brand == "House"


def test_columns_of_the_file_overwrite_the_shops_values(make_folder):
    import_catalogue(make_folder(row(1)))
    line = f'{row(1)},Acme,19.90,USD,5,"Soft, and\nwarm"'
    assert result_counts(import_catalogue(make_folder(line, header=LONG_HEADER))) == (0, 1, 0, 0)
    product = Product.objects.get()
    assert (product.brand, product.price, product.currency) == ("Acme", Decimal("19.90"), "USD")
    assert (product.stock, product.description) == (5, "Soft, and\nwarm")


def test_a_sku_that_is_in_use_gets_a_suffix(make_folder):
    other = make_product(name="Gift card")
    Variant.objects.update(sku="1")
    assert result_counts(import_catalogue(make_folder(row(1)))) == (1, 0, 0, 0)
    variant = Variant.objects.exclude(product=other).get()
    assert variant.sku.startswith("1-")
    assert variant.product.external_id == "1"


def test_the_long_layout_is_quoted_csv(make_folder):
    lines = [
        f'1,{SHIRT},"Shirt, blue",Acme,10,EUR,0,"Two\nlines"',
        f"2,{SHIRT},Too, many,Acme,10,EUR,0,",
        f"3,{SHIRT},Plain,,,,,",
    ]
    folder = make_folder(*lines, header=LONG_HEADER)
    result = import_catalogue(folder)
    assert result_counts(result) == (2, 0, 0, 1)
    assert (result.rejections[0].line, result.rejections[0].external_id) == (4, "2")
    assert Product.objects.get(external_id="1").stock == 0
    assert Product.objects.get(external_id="3").price is None
    assert result_counts(import_catalogue(folder)) == (0, 0, 2, 1)


def test_a_quotation_mark_that_never_closes_is_one_rejected_row(make_folder):
    folder = make_folder(f"1,{SHIRT},Good,,,,,", f'2,{SHIRT},"Open,,,,,', header=LONG_HEADER)
    result = import_catalogue(folder)
    assert result_counts(result) == (1, 0, 0, 1)
    assert "quotation marks" in result.rejections[0].reason


def test_unknown_columns_are_reported(make_folder):
    header = LONG_HEADER.replace("stock", "stok")
    result = import_catalogue(make_folder(f"1,{SHIRT},Name,,,,3,", header=header))
    assert result.ignored_columns == ["stok"]


def test_a_product_may_have_many_pictures_of_many_kinds(make_folder):
    files = {
        "1.jpg": picture("red"),
        "1-2.PNG": picture("green", "PNG"),
        "1-4.webp": picture("blue", "WEBP"),
        "1-5.jpg": picture("red"),
        "12.jpg": picture("pink"),
    }
    import_catalogue(make_folder(row(1), pictures=files))
    images = list(Product.objects.get().images.all())
    assert [image.position for image in images] == [0, 1, 2]
    assert all(image.file.endswith(".jpg") for image in images)


def test_a_replaced_picture_gets_a_new_row_and_others_keep_theirs(make_folder):
    files = {"1.jpg": picture("red"), "1-2.jpg": picture("green")}
    folder = make_folder(row(1), pictures=files)
    import_catalogue(folder)
    product = Product.objects.get()
    first, second = product.images.all()
    staff = ProductImage.objects.create(
        product=product, file=first.file, width=1, height=1, position=2
    )
    (folder / "images" / "1.jpg").write_bytes(picture("blue"))
    assert result_counts(import_catalogue(folder)) == (0, 1, 0, 0)
    new, *others = product.images.all()
    assert new.pk not in {first.pk, second.pk}
    assert (new.position, new.file == first.file) == (0, False)
    assert [image.pk for image in others] == [second.pk, staff.pk]


def test_pictures_that_change_places_keep_their_rows(make_folder):
    files = {"1.jpg": picture("red"), "1-2.jpg": picture("green")}
    import_catalogue(make_folder(row(1), pictures=files))
    first, second = ProductImage.objects.order_by("position")
    swapped = {"1.jpg": files["1-2.jpg"], "1-2.jpg": files["1.jpg"]}
    result = import_catalogue(make_folder(row(1), pictures=swapped))
    assert (result_counts(result), result.new_pictures) == ((0, 1, 0, 0), 0)
    ordered = ProductImage.objects.order_by("position")
    assert [image.pk for image in ordered] == [second.pk, first.pk]


def test_similar_ids_get_different_slugs(make_folder):
    folder = make_folder(row("A 1"), row("a-1"))
    assert result_counts(import_catalogue(folder)) == (2, 0, 0, 0)
    assert Product.objects.values("slug").distinct().count() == 2


def test_a_dry_run_reports_changes_and_writes_nothing(make_folder, batches_of_two):
    import_catalogue(make_folder(row(1), row(2)))
    before = all_rows()
    new = f"3,{SHIRT.replace('Tshirts', 'Clogs')},New"
    folder = make_folder(row(1, "Other"), row(2), new, "4,Men", pictures={"3.jpg": picture("pink")})
    result = import_catalogue(folder, dry_run=True)
    assert (result_counts(result), result.dry_run) == ((1, 1, 1, 1), True)
    assert all_rows() == before
    assert result_counts(import_catalogue(folder)) == result_counts(result)


def test_the_limit_reads_only_the_first_rows(make_folder):
    result = import_catalogue(make_folder(row(1), row(2), row(3)), limit=2)
    assert (result.read, Product.objects.count()) == (2, 2)


def test_progress_ends_at_the_number_of_rows(make_folder, batches_of_two):
    seen: list[tuple[int, int]] = []
    import_catalogue(
        make_folder(row(1), row(2), row(3)), progress=lambda *numbers: seen.append(numbers)
    )
    assert seen == [(2, 3), (3, 3), (3, 3)]


@pytest.mark.django_db(transaction=True)
def test_a_killed_run_leaves_complete_batches_and_a_rerun_continues(make_folder, batches_of_two):
    folder = make_folder(row(1), row(2), row(3), row(4), row(5))

    def die(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_catalogue(folder, progress=die)
    assert Product.objects.count() == ProductImage.objects.count() == 2
    assert StoredFile.objects.count() == 2
    assert result_counts(import_catalogue(folder)) == (3, 0, 2, 0)
    assert Product.objects.count() == 5


@pytest.mark.django_db(transaction=True)
def test_every_batch_and_the_end_send_a_signal(make_folder, batches_of_two):
    images: list[int] = []

    def listen(**kwargs: object) -> None:
        assert not connection.in_atomic_block
        images.append(ProductImage.objects.count())
        raise RuntimeError("a listener's fault is its own")

    catalogue_imported.connect(listen)
    try:
        import_catalogue(make_folder(row(1), row(2), row(3)))
    finally:
        catalogue_imported.disconnect(listen)
    assert images == [2, 3, 3]


def test_pictures_are_saved_in_another_storage(make_folder, settings, tmp_path):
    settings.STORAGES = settings.STORAGES | {
        "pictures": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path / "pictures")},
        }
    }
    folder = make_folder(row(1), row(2))
    assert result_counts(import_catalogue(folder)) == (2, 0, 0, 0)
    assert result_counts(import_catalogue(folder)) == (0, 0, 2, 0)
    stored = {path.name for path in (tmp_path / "pictures").iterdir()}
    assert stored == set(ProductImage.objects.values_list("file", flat=True))
    assert StoredFile.objects.count() == 0


def test_pictures_that_point_out_of_the_archive_are_ignored(make_folder, tmp_path):
    archive = zipped(make_folder(row(1), row(2), pictures={}), tmp_path / "c.zip")
    with zipfile.ZipFile(archive, "a") as file:
        file.writestr("../images/1.jpg", picture())
        file.writestr("/images/2.jpg", picture())
        file.writestr("images/../images/2.jpg", picture())
        file.writestr("C:/images/2.jpg", picture())
        file.writestr("__MACOSX/images/2.jpg", picture())
    assert result_counts(import_catalogue(archive)) == (0, 0, 0, 2)
    assert Product.objects.count() == 0
