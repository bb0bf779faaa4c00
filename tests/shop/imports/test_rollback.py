"""An upload is rolled back by product; products that were changed since are skipped."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db.models import F
from django.test import Client
from django.utils import timezone

from shop.catalogue.category_tree import save_category
from shop.catalogue.merging import merge
from shop.catalogue.models import Category, Product, ProductImage, Variant
from shop.imports.jobs.run import import_catalogue
from shop.imports.models import Upload, UploadChange
from tests.factories import (
    embed,
    embedding_of,
    make_category,
    make_order,
    make_product,
    make_stored_image,
    make_variant,
)
from tests.shop.imports.conftest import (
    HEADER,
    LONG_HEADER,
    SHIRT,
    SOLD_HEADER,
    Send,
    UploadFolder,
    act,
    catalogue_contents,
    picture,
    row,
    sold_row,
    upload_counts,
    zipped,
)

pytestmark = pytest.mark.django_db
CHANGED = "“{}” was not rolled back: it has been changed since."
ORDERED = "“{}” was not rolled back: it has been ordered since."


@pytest.fixture
def coat(client: Client, send: Send) -> Product:
    """A product for 10.00 of which there are 5."""
    return make_product(name="Coat", price=Decimal("10.00"), stock=5)


def reprice(client: Client, send: Send, product: Product) -> Upload:
    """Upload a price of 12.00 and a stock of 9."""
    sku = product.variants.get().sku
    return act(client, send(f"sku,price,stock\n{sku},12.00,9\n"), "start")


def price_and_stock(product: Product) -> tuple[Decimal, int]:
    product.refresh_from_db()
    return product.price, product.stock


def sizes() -> dict[str, str]:
    return dict(Variant.objects.values_list("sku", "size"))


def test_every_value_is_restored(
    client: Client, make_folder: Any, upload_folder: UploadFolder
) -> None:
    header = LONG_HEADER
    folder = make_folder(
        f"1,{SHIRT},Old Name,Nike,10.00,EUR,4,old", f"2,{SHIRT},Same,Nike,10.00,EUR,4,same",
        header=header, pictures={"1.jpg": picture("red"), "2.jpg": picture("blue")},
    )  # fmt: skip
    import_catalogue(folder)
    before = catalogue_contents()
    folder = make_folder(
        f"1,{SHIRT},New Name,Puma,12.00,EUR,9,new", f"2,{SHIRT},Same,Nike,10.00,EUR,4,same",
        f"3,{SHIRT},Third,Nike,10.00,EUR,4,third", header=header, name="later",
        pictures={"1.jpg": picture("green"), "2.jpg": picture("blue"), "3.jpg": picture("pink")},
    )  # fmt: skip
    upload = upload_folder(folder)
    assert upload_counts(upload) == (1, 1, 1, 0)
    assert Product.objects.get(external_id="1").name == "New Name"
    upload = act(client, upload, "roll-back")
    assert (upload.state, upload.warnings) == ("undone", [])
    assert catalogue_contents() == before


def test_created_categories_are_deleted_and_times_restored(client: Client, send: Send) -> None:
    product = make_product()
    sku = product.variants.get().sku
    updated, keywords = product.updated, product.keywords
    before = list(Category.objects.values_list("path", flat=True))
    place = "Home,Garden,Gnomes"
    table = f"sku,price,masterCategory,subCategory,articleType\n{sku},9.00,{place}\n"
    upload = act(client, send(table), "start")
    assert Product.objects.get().category.path == "home/garden/gnomes"
    act(client, upload, "roll-back")
    assert list(Category.objects.values_list("path", flat=True)) == before
    product.refresh_from_db()
    assert (product.updated, product.keywords) == (updated, keywords)


def change_price(product: Product) -> None:
    product.price = Decimal("15.00")
    product.save()


def hide(product: Product) -> None:
    Product.objects.filter(pk=product.pk).update(listed=False, updated=timezone.now())


def change_price_of_variant(product: Product) -> None:
    Variant.objects.filter(product=product).update(price=Decimal("15.00"))


def add_variant(product: Product) -> None:
    make_variant(product, size="XL", stock=0)


def add_picture(product: Product) -> None:
    make_stored_image(product)


@pytest.mark.parametrize(
    "edit", [change_price, hide, change_price_of_variant, add_variant, add_picture]
)
def test_a_product_that_staff_edited_is_skipped_with_its_stock(
    client: Client, send: Send, coat: Product, edit: Callable[[Product], None]
) -> None:
    other = make_product(name="Other", price=Decimal("10.00"), stock=5)
    skus = Variant.objects.values_list("sku", flat=True)
    table = "".join(f"{sku},12.00,9\n" for sku in skus)
    upload = act(client, send(f"sku,price,stock\n{table}"), "start")
    coat.refresh_from_db()
    edit(coat)
    before = catalogue_contents()[0][0], list(coat.variants.values()), list(coat.images.values())
    upload = act(client, upload, "roll-back")
    assert (upload.state, upload.warnings) == ("undone", [CHANGED.format("Coat")])
    assert (
        catalogue_contents()[0][0],
        list(coat.variants.values()),
        list(coat.images.values()),
    ) == before
    assert price_and_stock(coat)[1] == 9
    assert price_and_stock(other) == (Decimal("10.00"), 5)


def test_saving_a_product_without_an_edit_is_no_change(
    client: Client, send: Send, coat: Product
) -> None:
    upload = reprice(client, send, coat)
    Product.objects.get().save()
    upload = act(client, upload, "roll-back")
    assert (upload.warnings, price_and_stock(coat)) == ([], (Decimal("10.00"), 5))


def test_stock_is_rolled_back_as_a_difference(client: Client, send: Send, coat: Product) -> None:
    upload = reprice(client, send, coat)
    Variant.objects.update(stock=F("stock") - 2)  # sold
    upload = act(client, upload, "roll-back")
    assert (upload.warnings, price_and_stock(coat)) == ([], (Decimal("10.00"), 3))


def test_stock_is_not_rolled_back_below_zero(client: Client, send: Send, coat: Product) -> None:
    sku = coat.variants.get().sku
    upload = reprice(client, send, coat)
    Variant.objects.update(stock=F("stock") - 6)
    upload = act(client, upload, "roll-back")
    assert price_and_stock(coat) == (Decimal("10.00"), 3)
    text = f"“Coat”: stock of {sku} was not rolled back, because it has been changed since."
    assert upload.warnings == [text]


def test_new_products_are_deleted_unless_they_are_in_use(
    client: Client, make_folder: Any, upload_folder: UploadFolder
) -> None:
    make_category("Apparel", "Topwear", "Tshirts")
    names = ("Ordered", "Edited", "Sized", "Pictured", "Delivered", "Target", "Untouched")
    rows = [sold_row(number, name) for number, name in enumerate(names, 1)]
    upload = upload_folder(make_folder(*rows, header=SOLD_HEADER))
    new = {product.name: product for product in Product.objects.defer("search")}
    order = make_order()
    order.lines.update(variant=new["Ordered"].variants.get())
    new["Edited"].description = "By hand"
    new["Edited"].save()
    make_variant(new["Sized"], size="XL", stock=0)
    make_stored_image(new["Pictured"], position=1)
    Variant.objects.filter(product=new["Delivered"]).update(stock=F("stock") + 5)
    same = make_product(name="Same", price=new["Target"].price, stock=0)
    merge(new["Target"].pk, [same.pk])
    upload = act(client, upload, "roll-back")
    assert (upload.state, sorted(upload.warnings)) == (
        "undone",
        sorted([ORDERED.format("Ordered"), *(CHANGED.format(name) for name in names[1:6])]),
    )
    left = Product.objects.filter(external_id__isnull=False).order_by("external_id")
    assert list(left.values_list("name", flat=True)) == list(names[:6])


def test_products_that_a_later_upload_changed_are_skipped(
    client: Client, send: Send, make_folder: Any, upload_folder: UploadFolder
) -> None:
    make_category("Apparel", "Topwear", "Tshirts")
    first = upload_folder(make_folder(sold_row(1), header=SOLD_HEADER))
    price, stock = price_and_stock(Product.objects.get())
    second = act(client, send("sku,price,stock\n1,77.00,3\n"), "start")
    name = Product.objects.get().name
    first = act(client, first, "roll-back")
    assert (first.state, first.warnings) == ("undone", [CHANGED.format(name)])
    assert price_and_stock(Product.objects.get()) == (Decimal("77.00"), 3)
    second = act(client, second, "roll-back")
    assert (second.warnings, price_and_stock(Product.objects.get())) == ([], (price, stock))


def test_uploads_are_rolled_back_one_after_another_the_last_first(
    client: Client, send: Send, make_folder: Any, upload_folder: UploadFolder
) -> None:
    import_catalogue(make_folder(row(1), pictures={"1.jpg": picture("red")}))
    before, image = catalogue_contents(), ProductImage.objects.get()
    embed(image, 1)
    first = act(client, send("sku,price,stock\n1,77.00,3\n"), "start")
    second = upload_folder(make_folder(row(1), pictures={"1.jpg": picture("lime")}, name="later"))
    second = act(client, second, "roll-back")
    restored = ProductImage.objects.get()
    assert (restored.pk, restored.file) == (image.pk, image.file)
    assert embedding_of(restored).status == "pending"
    first = act(client, first, "roll-back")
    assert (first.warnings, second.warnings, catalogue_contents()) == ([], [], before)


def test_a_product_with_more_variants_than_a_batch_is_deleted_completely(
    client: Client, send: Send, batches_of_two: None, make_folder: Any, tmp_path: Path
) -> None:
    folder = make_folder(row(7))
    make_category("Apparel", "Topwear", "Tshirts")
    header = f"{HEADER},price,sku,size,stock"
    lines = [
        f"7,{SHIRT},Shirt {size},9.00,7-{size},{size},2" for size in ("S", "M", "L", "XL", "5")
    ]
    (folder / "styles.csv").write_text("\n".join([header, *lines]))
    upload = send(zipped(folder, tmp_path / "c.zip").read_bytes(), name="c.zip")
    checked = act(client, upload, "check")
    assert upload_counts(checked) == (5, 0, 0, 0)
    upload = act(client, checked, "start")
    assert upload_counts(upload) == (5, 0, 0, 0)
    upload = act(client, upload, "roll-back")
    assert (upload.state, upload.warnings, Product.objects.count()) == ("undone", [], 0)


def test_a_product_of_which_a_new_size_was_ordered_is_skipped(
    client: Client, send: Send, coat: Product
) -> None:
    coat.external_id = "7"
    coat.save()
    upload = act(client, send("id,sku,size,price,stock\n7,XL-7,XL,12.00,3\n"), "start")
    order = make_order()
    order.lines.update(variant=Variant.objects.get(sku="XL-7"))
    upload = act(client, upload, "roll-back")
    assert upload.warnings == [ORDERED.format("Coat")]
    assert price_and_stock(coat) == (Decimal("10.00"), 8)


@pytest.fixture
def shirt() -> Product:
    """A product in two sizes: A-2 is M, A-1 is L."""
    shirt = make_product(name="Shirt", external_id="7", stock=0)
    shirt.variants.update(sku="A-2", size="M")
    make_variant(shirt, sku="A-1", size="L")
    return shirt


def test_exchanged_sizes_are_exchanged_back(client: Client, send: Send, shirt: Product) -> None:
    upload = act(client, send("sku,size\nA-2,XL\nA-1,M\n"), "start")
    assert sizes() == {"A-1": "M", "A-2": "XL"}
    upload = act(client, upload, "roll-back")
    assert (upload.state, upload.warnings) == ("undone", [])
    assert sizes() == {"A-1": "L", "A-2": "M"}


def test_a_new_variant_is_deleted_before_its_size_is_restored(
    client: Client, send: Send, shirt: Product
) -> None:
    upload = act(client, send("id,sku,size,stock\n7,A-2,XL,3\n7,A-3,M,4\n"), "start")
    assert sizes() == {"A-1": "L", "A-2": "XL", "A-3": "M"}
    upload = act(client, upload, "roll-back")
    assert (upload.warnings, sizes()) == ([], {"A-1": "L", "A-2": "M"})
    assert price_and_stock(shirt)[1] == 10


def test_a_product_whose_old_size_is_in_use_again_is_skipped(
    client: Client, send: Send, shirt: Product
) -> None:
    upload = act(client, send("sku,size,stock\nA-2,XL,3\nA-1,L,4\n"), "start")
    make_variant(shirt, sku="A-3", size="M")
    upload = act(client, upload, "roll-back")
    assert upload.warnings == [CHANGED.format("Shirt")]
    assert sizes() == {"A-1": "L", "A-2": "XL", "A-3": "M"}
    assert [v.stock for v in Variant.objects.order_by("sku")] == [4, 3, 10]


def test_a_picture_that_staff_replaced_since_is_kept(
    client: Client, make_folder: Any, upload_folder: UploadFolder
) -> None:
    import_catalogue(make_folder(row(1)))
    upload = upload_folder(make_folder(row(1), pictures={"1.jpg": picture("lime")}, name="later"))
    assert upload_counts(upload) == (0, 1, 0, 0)
    ProductImage.objects.update(file="0" * 64 + ".jpg")
    upload = act(client, upload, "roll-back")
    assert ProductImage.objects.get().file == "0" * 64 + ".jpg"
    assert upload.warnings == [CHANGED.format(Product.objects.get())]


def test_pictures_return_to_their_positions(
    client: Client, make_folder: Any, upload_folder: UploadFolder
) -> None:
    red, blue, lime = picture("red"), picture("blue"), picture("lime")
    import_catalogue(make_folder(row(1), pictures={"1.jpg": red, "1-2.jpg": blue}))
    before = list(ProductImage.objects.values("pk", "file", "position").order_by("pk"))
    later = make_folder(row(1), pictures={"1.jpg": blue, "1-2.jpg": lime}, name="later")
    upload = act(client, upload_folder(later), "roll-back")
    assert (upload.warnings, ProductImage.objects.count()) == ([], 2)
    assert list(ProductImage.objects.values("pk", "file", "position").order_by("pk")) == before


def moved_to_gnomes(client: Client, send: Send, product: Product) -> Upload:
    make_category("Gnomes")
    sku = product.variants.get().sku
    return act(client, send(f"sku,categoryPath\n{sku},gnomes\n"), "start")


def test_a_product_whose_category_is_gone_is_skipped(client: Client, send: Send) -> None:
    product = make_product(name="Dwarf", category=make_category("Dwarfs"))
    upload = moved_to_gnomes(client, send, product)
    Category.objects.get(name="Dwarfs").delete()
    upload = act(client, upload, "roll-back")
    text = "“Dwarf” was not rolled back: its former category no longer exists."
    assert (upload.state, upload.warnings) == ("undone", [text])
    assert Product.objects.get().category.name == "Gnomes"


def test_a_category_that_was_renamed_since_is_no_change(client: Client, send: Send) -> None:
    product = make_product(category=make_category("Dwarfs"))
    upload = moved_to_gnomes(client, send, product)
    for name in ("Dwarfs", "Gnomes"):
        category = Category.objects.get(name=name)
        category.name = f"Small {name}"
        save_category(category)
    upload = act(client, upload, "roll-back")
    product = Product.objects.select_related("category").get()
    assert (upload.warnings, product.category.name) == ([], "Small Dwarfs")
    assert product.keywords == "Small Dwarfs dwarfs"


def test_changes_of_an_older_version_are_skipped_and_reported(
    client: Client, send: Send, coat: Product
) -> None:
    upload = reprice(client, send, coat)
    sku = coat.variants.get().sku
    content = {
        "updated": "2026-01-01T00:00:00+00:00", "fields": {"price": ["10.00", "12.00"]},
        "variants": [[sku, {"stock": [5, 9]}]], "new_variants": {}, "new_images": [],
        "moved_images": [], "dropped_images": [],
    }  # fmt: skip
    UploadChange.objects.update(content=content)
    upload = act(client, upload, "roll-back")
    text = "“Coat” was not rolled back: it was imported by an older version of the shop."
    assert (upload.state, upload.warnings) == ("undone", [text])
    assert price_and_stock(coat) == (Decimal("12.00"), 9)
