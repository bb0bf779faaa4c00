from __future__ import annotations

from decimal import Decimal

import pytest
from django.test import Client

from bench.search_table import SEARCHES, wrong_products
from demo.catalogue.products import demo_products
from shop.catalogue.browsing.filters import Filters
from shop.catalogue.browsing.lexicon import lexicon
from shop.catalogue.browsing.search import SearchResult, search_products
from shop.catalogue.browsing.spelling import refresh_search_words
from shop.catalogue.default_synonyms import add_default_synonyms
from shop.catalogue.models import Product, SearchSynonym, Variant
from shop.orders.models import Order
from tests.factories import make_category, make_order, make_product, make_variant

pytestmark = pytest.mark.django_db
TSHIRTS = ("Apparel", "Topwear", "Tshirts")
SKIRTS = ("Apparel", "Bottomwear", "Skirts")
SHOES = ("Footwear", "Shoes", "Sports Shoes")


@pytest.fixture(autouse=True)
def _default_synonyms() -> None:
    """Whatever a test with transactions of its own has left of what the migration added."""
    SearchSynonym.objects.all().delete()
    add_default_synonyms(SearchSynonym)


def _search(text: str) -> SearchResult:
    refresh_search_words()
    return search_products(Product.objects.listed(), text)


def _found(text: str) -> list[str]:
    return [product.name for product in _search(text).products.order_by("-rank", "-pk")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("linen", ["Linen Shirt"]),
        ("lin", ["Linen Shirt"]),
        ("shirts", ["Linen Shirt"]),
        ("acme", ["Linen Shirt"]),
        ("blue shirt", ["Linen Shirt"]),
        ("lnen", ["Linen Shirt"]),
        ("linen unicorn", ["Linen Shirt"]),
        ("zzzzqqqq", []),
        ("'); DROP TABLE -- & | !", []),
        ("q='", []),
        ("'", []),
        ("& | ! :*", []),
        ("", []),
    ],
)
def test_search(client: Client, text: str, expected: list[str]) -> None:
    make_product(name="Linen Shirt", brand="Acme", base_colour="Blue")
    make_product(name="Wool Cap", category=make_category("Accessories", "Headwear", "Caps"))
    refresh_search_words()
    response = client.get("/search/", {"q": text})
    assert [product.name for product in response.context["listing"].page] == expected


def test_the_first_five_results_of_60_demo_searches_are_relevant() -> None:
    for each in demo_products():
        row = {"gender": each.gender, "base_colour": each.colour, "season": each.season}
        product = Product(
            name=each.name,
            brand=each.brand,
            price=Decimal(each.price),
            description=each.description,
            category=make_category(*each.range.tree, each.range.article),
            slug=f"demo-{each.id}",
            usage=each.usage,
            **row,
        )
        product.keywords = product.make_keywords()
        product.save()
        Variant.objects.create(product=product, sku=f"{each.id}-S")
    refresh_search_words()
    found = {query: wrong_products(query, wanted, "100001-S") for query, wanted in SEARCHES.items()}
    assert len(SEARCHES) == 60
    assert {query: wrong for query, wrong in found.items() if wrong != []} == {}


@pytest.mark.parametrize("text", ["t-shirt", "T-Shirts", "tee", "tshirt", "t shirt", "T‑SHIRT"])
def test_synonyms_find_each_other(text: str) -> None:
    make_product(name="Striped Tee", category=make_category(*TSHIRTS))
    make_product(name="Polo T-Shirt", category=make_category(*TSHIRTS))
    make_product(name="Oxford Shirt")
    assert sorted(_found(text)) == ["Polo T-Shirt", "Striped Tee"]


def test_the_category_ranks_higher_than_other_words_of_the_name() -> None:
    make_product(name="Pleated Midi", category=make_category(*SKIRTS))
    make_product(name="Skirt Skirt Skirt Hanger", category=make_category("Home", "Hangers"))
    assert _found("skirt") == ["Pleated Midi", "Skirt Skirt Skirt Hanger"]


def test_broader_synonyms_rank_below_the_term_itself() -> None:
    make_product(name="Canvas Sneaker", category=make_category(*SHOES))
    make_product(name="Runner", category=make_category(*SHOES))
    assert _found("sneakers") == ["Canvas Sneaker", "Runner"]


def test_a_broader_synonym_works_in_one_direction_only() -> None:
    SearchSynonym.objects.all().delete()
    SearchSynonym.objects.create(english="poncho", also_finds="cape")
    make_product(name="Wool Cape")
    make_product(name="Rain Poncho")
    assert (_found("poncho"), _found("cape")) == (["Rain Poncho", "Wool Cape"], ["Wool Cape"])


def test_edited_synonyms_are_used_at_once() -> None:
    make_product(name="Anorak")
    assert _found("cagoule") == []
    synonym = SearchSynonym.objects.create(english="anorak, cagoule", german="Friesennerz")
    assert _found("cagoule") == _found("friesennerz") == ["Anorak"]
    synonym.delete()
    assert _found("cagoule") == []


@pytest.mark.parametrize(
    "text", ["Rock", "Röcke", "roecke", "roter Rock", "Damenrock", "Rock für Damen"]
)
def test_german_words_find_products_with_english_names(text: str) -> None:
    skirt = {"gender": "Women", "base_colour": "Red", "category": make_category(*SKIRTS)}
    make_product(name="Pleated Skirt", **skirt)
    make_product(name="Oxford Shirt", gender="Men", base_colour="Blue")
    assert _found(text) == ["Pleated Skirt"]


def test_a_brand_name_is_not_read_as_a_german_garment() -> None:
    make_product(name="Jack Jeans")
    make_product(name="Wool Jacket", category=make_category("Apparel", "Topwear", "Jackets"))
    assert _found("jack") == ["Jack Jeans"]


def test_a_mistyped_word_is_corrected_and_the_page_says_so(client: Client) -> None:
    make_product(name="Linen Shirt")
    refresh_search_words()
    response = client.get("/search/", {"q": "lnen"})
    assert response.context["result"].corrected == "linen"
    assert "Showing results for" in response.content.decode()


@pytest.mark.parametrize("text", ["cape", "kilt", "bikini", "sweatpants", "poncho"])
def test_a_garment_that_the_shop_lacks_is_not_corrected_to_another(text: str) -> None:
    make_product(name="Wool Cap", category=make_category("Accessories", "Headwear", "Caps"))
    make_product(name="Kit", category=make_category("Apparel", "Topwear", "Sweaters"))
    result = _search(text)
    assert (result.corrected, list(result.products)) == ("", [])


def test_an_ambiguous_correction_offers_a_choice(client: Client) -> None:
    make_product(name="Oxford Shirt")
    make_product(name="Pleated Skirt", category=make_category(*SKIRTS))
    refresh_search_words()
    response = client.get("/search/", {"q": "blue sirt"})
    assert response.context["result"].choices == ("blue shirt", "blue skirt")
    assert list(response.context["listing"].page) == []
    assert 'href="/search/?q=blue%20skirt"' in response.content.decode()


def test_a_word_of_the_description_is_not_corrected() -> None:
    make_product(name="Shoes", description="In plain leather.")
    make_product(name="Plaid Shirt")
    assert _search("plain").corrected == ""
    assert _found("plain") == ["Shoes"]


def test_words_that_no_product_has_are_ignored_and_named(client: Client) -> None:
    make_product(name="Linen Shirt")
    make_product(name="Linen Skirt")
    refresh_search_words()
    response = client.get("/search/", {"q": "linen unicorn shirt"})
    result = response.context["result"]
    assert (result.words, result.missing) == (("linen", "shirt"), ("unicorn",))
    content = response.content.decode()
    assert "<mark>linen</mark>" in content
    assert "<s>unicorn</s>" in content


@pytest.mark.parametrize("text", ["AB-77", "ab-77", " AB-77 ", "4711"])
def test_an_article_number_finds_its_product_first(text: str) -> None:
    make_product(name="Eau de Cologne 4711")
    product = make_product(name="Oxford Shirt", external_id="4711")
    make_variant(product, sku="AB-77", size="M")
    assert _found(text)[0] == "Oxford Shirt"


def test_the_article_number_of_an_unlisted_product_finds_nothing() -> None:
    make_product(name="Oxford Shirt", external_id="4711", listed=False)
    assert _found("4711") == []


def test_too_many_words_are_no_error() -> None:
    make_product(name="Linen Shirt")
    assert _found("linen " * 40) == ["Linen Shirt"]


def test_synonyms_work_in_filters_by_words() -> None:
    make_product(name="Striped Tee", category=make_category(*TSHIRTS))
    condition = Filters().with_words("T-Shirts").q()
    assert [product.name for product in Product.objects.filter(condition)] == ["Striped Tee"]


def test_every_category_name_is_a_word_of_its_own() -> None:
    leaf = make_category("Apparel", "Saree", "Sarees")
    assert lexicon().english[("sare",)].categories == {leaf.pk}


def test_a_search_without_result_shows_categories_and_best_sellers(client: Client) -> None:
    order = make_order()
    sold = order.lines.get().variant.product
    make_product(name="Newer")
    make_order(state=Order.State.CANCELLED).lines.update(quantity=9)
    content = client.get("/search/", {"q": "zzzzqqqq"}).content.decode()
    assert "No results for “zzzzqqqq”" in content
    assert "Best sellers" in content
    cards = content.split('id="best-sellers"')[1].split('data-product-id="')[1:]
    assert int(cards[0].split('"')[0]) == sold.pk
    assert len(cards) == 3


def test_a_synonym_without_words_is_refused(admin_client: Client) -> None:
    before = SearchSynonym.objects.count()
    row = {"english": " , ", "german": "", "also_finds": "shirt"}
    response = admin_client.post("/admin/catalogue/searchsynonym/add/", row)
    assert "Enter at least one word." in response.content.decode()
    assert SearchSynonym.objects.count() == before


def test_staff_add_a_synonym(admin_client: Client) -> None:
    row = {"english": "anorak, cagoule", "german": "", "also_finds": ""}
    assert admin_client.post("/admin/catalogue/searchsynonym/add/", row).status_code == 302
    make_product(name="Anorak")
    assert _found("cagoule") == ["Anorak"]
