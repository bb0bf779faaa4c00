"""Check the admin pages with axe: Unfold's layout, and our tables, forms and inlines."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page

from backoffice.admin_site import MENU
from shop.catalogue.models import Product
from shop.imports.models import Upload
from shop.orders.models import Order, ShippingMethod, Voucher
from tests.browser.axe import MODES, choose_language, serious
from tests.factories import embed, make_order, make_product, make_stored_image

pytestmark = pytest.mark.browser


@pytest.fixture
def staff(page: Page, shop: str) -> str:
    ShippingMethod.objects.update_or_create(name="Standard", defaults={"price": 5})
    Voucher.objects.create(code="TEN", kind=Voucher.Kind.PERCENTAGE, value=10)
    make_order(idempotency_key="seen")
    first, copy = (
        make_stored_image(make_product(name=name), "gold") for name in ("One Coat", "Same Coat")
    )
    for image in (first, copy):
        embed(image, 1, duplicate_group=first.pk)
    upload = Upload(created=timezone.now(), table_name="a.csv", state="checked")
    upload.header = ["sku", "stock", "colour"]
    upload.table.save("table.csv", ContentFile(b"sku,stock,colour\nX-1,-3,Red\n"))
    User.objects.create_superuser("root", "root@example.com", "correct-horse-7")
    page.goto(f"{shop}/admin/")
    page.get_by_label("Email or username").fill("root")
    page.get_by_label("Password").fill("correct-horse-7")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{shop}/admin/")
    return shop


def _addresses() -> list[str]:
    """Return every page of the menu, and the forms they link to."""
    targets = [target for _title, items in MENU for _label, _icon, target in items]
    names = [
        target if ":" in target else f"admin:{target.replace('.', '_')}_changelist"
        for target in targets
    ]
    models = ("catalogue_product", "catalogue_category", "catalogue_stockadjustment")
    names += [f"admin:{model}_add" for model in (*models, "orders_voucher", "auth_user")]
    product, order = Product.objects.get(name="Red Shirt"), Order.objects.get()
    changed = [
        ("catalogue_product", product.pk),
        ("catalogue_productimage", product.images.get().pk),
        ("orders_order", order.pk),
        ("auth_user", User.objects.get(username="root").pk),
    ]
    return [
        *(reverse(name) for name in names),
        reverse("admin:imports_upload_page", args=[Upload.objects.get().pk]),
        reverse("admin:catalogue_product_history", args=[product.pk]),
        reverse("admin:orders_voucher_delete", args=[Voucher.objects.get().pk]),
        reverse("admin:password_change"),
        *(reverse(f"admin:{model}_change", args=[pk]) for model, pk in changed),
    ]


@pytest.mark.parametrize("language", MODES)
def test_axe_finds_nothing_serious_in_the_admin(page: Page, staff: str, language: str) -> None:
    found, blocked = [], []
    page.on(
        "console",
        lambda line: blocked.append(line.text) if "Content Security" in line.text else None,
    )
    choose_language(page, staff, language)
    for address in _addresses():
        response = page.goto(staff + address)
        assert response is not None
        assert response.status == 200, address
        found += serious(page, language)
    assert (found, blocked) == ([], [])


def test_an_added_inline_row_has_labelled_fields(page: Page, staff: str) -> None:
    page.goto(staff + reverse("admin:catalogue_product_add"))
    page.locator("#variants-group .add-row a, #variants-group a.add-row").first.click()
    assert page.locator("#id_variants-1-sku").get_attribute("aria-label") == "SKU"


def test_two_products_with_one_image_are_merged(page: Page, staff: str) -> None:
    survivor, gone = Product.objects.filter(name__endswith="Coat").order_by("pk")
    page.goto(staff + reverse("admin:catalogue_product_copies"))
    page.get_by_role("button", name="Merge…").click()
    page.get_by_role("heading", name="Merge into “One Coat”?").wait_for()
    assert serious(page, "en") == []
    page.get_by_role("button", name="Merge", exact=True).click()
    page.get_by_text("No two products share an image.").wait_for()
    page.goto(staff + gone.get_absolute_url())
    assert page.url == staff + survivor.get_absolute_url()
