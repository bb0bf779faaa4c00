from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.http import QueryDict

from recommender.models import BlueEmbedding, CategoryGarment, EmbeddingModel
from recommender.search import candidates, similar
from recommender.search.candidates import Strategy, choose_strategy, parse_filters
from recommender.search.similar import retrieves_itself, similar_to_photo, similar_to_product
from shop.catalogue.browsing.filters import Filters
from shop.catalogue.models import Product
from tests.factories import (
    embed,
    make_category,
    make_image,
    make_lookalike,
    make_photo,
    make_product,
    point,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def source() -> Product:
    return make_lookalike(1, 0)


def make_copy(original: Product, *values: float, **product: Any) -> Product:
    """Make a product whose image is a copy of the original's, as the worker stores it."""
    made = make_product(**product)
    embed(make_image(made), *values, duplicate_group=original.images.get().pk)
    return made


def test_the_nearest_products_come_first(source: Product) -> None:
    far, near, middle = make_lookalike(0, 1), make_lookalike(1, 0.1), make_lookalike(1, 0.5)
    assert similar_to_product(source) == [near, middle, far]


def test_five_products_are_returned_by_default(source: Product) -> None:
    near = [make_lookalike(1, step / 10) for step in range(1, 8)]
    assert similar_to_product(source) == near[:5]
    assert similar_to_product(source, count=7) == near


def test_fewer_products_are_not_padded(source: Product) -> None:
    other = make_lookalike(0, 1)
    assert similar_to_product(source) == [other]


def test_unlisted_and_sold_out_products_are_left_out(source: Product) -> None:
    make_lookalike(1, 0.1, listed=False)
    make_lookalike(1, 0.1, stock=0)
    kept = make_lookalike(0, 1)
    assert similar_to_product(source) == [kept]


def test_a_product_sold_out_after_it_was_embedded_is_left_out(source: Product) -> None:
    gone, kept = make_lookalike(1, 0.1), make_lookalike(0, 1)
    Product.objects.filter(pk=gone.pk).update(stock=0)
    assert similar_to_product(source) == [kept]


def test_a_product_with_many_images_is_returned_once(source: Product) -> None:
    many = make_lookalike(1, 0.1)
    for step in range(2 * similar.CANDIDATES):
        embed(make_image(many), 1, 0.1 + step / 1000)
    other = make_lookalike(0, 1)
    assert similar_to_product(source) == [many, other]


def test_a_product_is_searched_by_its_first_image_that_was_embedded(source: Product) -> None:
    make_image(source, position=0)
    embed(make_image(source, position=2), 0, 1)
    source.images.filter(position=0).order_by("pk").update(position=1)
    near, far = make_lookalike(1, 0.1), make_lookalike(0.1, 1)
    assert similar_to_product(source) == [near, far]


def test_equal_distances_are_ordered_by_primary_key(source: Product) -> None:
    around = [make_lookalike(1, *at) for at in ((0.5,), (-0.5,), (0, 0.5), (0, -0.5))]
    assert similar_to_product(source) == around


def test_one_of_several_copies_is_returned_among_five_products(source: Product) -> None:
    first = make_lookalike(1, 0.1)
    for step in range(1, 30):
        make_copy(first, 1, 0.1, step / 1000)
    others = [make_lookalike(1, step / 10) for step in range(2, 7)]
    assert similar_to_product(source) == [first, *others[:4]]


def test_more_candidates_are_selected_if_copies_leave_too_few(
    source: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(similar, "CANDIDATES", 20)
    first = make_lookalike(1, 0.1)
    for step in range(1, 40):
        make_copy(first, 1, 0.1, step / 1000)
    others = [make_lookalike(1, step / 10) for step in range(2, 7)]
    assert similar_to_product(source) == [first, *others[:4]]


def test_a_copy_of_the_product_itself_is_no_recommendation(source: Product) -> None:
    copy = make_copy(source, 1, 0.049)
    near = make_lookalike(1, 0.01)
    assert similar_to_product(source) == [near]
    assert similar_to_product(copy) == [near]


def test_a_product_that_shares_any_image_is_no_recommendation(source: Product) -> None:
    other = make_lookalike(1, 0.1)
    embed(make_image(other), 0, 1, duplicate_group=source.images.get().pk)
    assert similar_to_product(source) == []


def test_a_photo_finds_one_of_two_copies() -> None:
    original = make_lookalike(1, 0)
    make_copy(original, 1, 0)
    other = make_lookalike(1, 0.5)
    assert similar_to_photo(make_photo(1)) == [original, other]


def test_a_photo_of_one_of_two_images_finds_their_product_once() -> None:
    product = make_lookalike(1)
    embed(make_image(product), 0, 1)
    others = [make_lookalike(0.1 * step, 1) for step in range(1, 6)]
    photo = make_photo(0, 1, whole_embedding=point(1))
    assert similar_to_photo(photo) == [product, *others[:4]]


def test_a_product_found_by_different_images_in_two_scopes_is_returned_once(
    source: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(similar, "CANDIDATES", 8)
    CategoryGarment.objects.create(category=source.category, garment="Shirts", share=1)
    elsewhere = make_category("Outlet")
    CategoryGarment.objects.create(category=elsewhere, garment="Shirts", share=1)
    product, *others = [make_product(), *(make_product(category=elsewhere) for _number in range(7))]
    for step, made in enumerate([product, *others]):
        embed(make_image(made), 1, 0.1 + step / 100, colour=[25, 60, 40])
    embed(make_image(product), 1, 0.2)  # more similar by its colour, but not among 8 candidates
    assert similar_to_product(source, count=2) == [product, others[0]]


def test_a_product_without_an_embedding_has_nothing_similar() -> None:
    product = make_product()
    make_image(product)
    make_lookalike(1, 0)
    assert similar_to_product(product) == []


@pytest.mark.parametrize(
    ("query", "match"),
    [
        ("gender=Women", {"gender": "Women"}),
        ("colour=Red", {"base_colour": "Red"}),
        ("not_colour=Blue", {"base_colour": "Red"}),
        ("price_from=50", {"price": Decimal("60.00")}),
        ("price_to=10", {"price": Decimal("9.99")}),
        ("q=linen", {"name": "Linen shirt"}),
    ],
)
def test_filters_limit_the_similar_products(
    source: Product, query: str, match: dict[str, Any]
) -> None:
    make_lookalike(1, 0.1, gender="Men", base_colour="Blue")
    wanted = make_lookalike(0, 1, **match)
    assert similar_to_product(source, parse_filters(QueryDict(query))) == [wanted]


def test_a_category_filter_includes_subcategories(source: Product) -> None:
    make_lookalike(1, 0.1)
    wanted = make_lookalike(0, 1, category=make_category("Footwear", "Shoes", "Heels"))
    filters = Filters.from_query(QueryDict("type=footwear"))
    assert similar_to_product(source, filters) == [wanted]


def test_filters_use_changes_of_a_product_since_it_was_embedded(source: Product) -> None:
    other = make_lookalike(0, 1, gender="Men")
    women = Filters.from_query(QueryDict("gender=Women"))
    assert similar_to_product(source, women) == []
    Product.objects.filter(pk=other.pk).update(gender="Women")
    assert similar_to_product(source, women) == [other]


def test_a_photo_finds_the_nearest_products() -> None:
    far, near = make_lookalike(0, 1), make_lookalike(1, 0)
    assert similar_to_photo(make_photo(1, 0.1)) == [near, far]


def test_a_photo_embedded_by_another_model_finds_nothing() -> None:
    make_lookalike(1, 0)
    other = EmbeddingModel.objects.create(name="other", slot="green", state="filling")
    assert similar_to_photo(make_photo(1, embedding_model=other)) == []
    assert similar_to_photo(make_photo()) == []


def test_embeddings_of_the_other_model_are_not_searched(source: Product) -> None:
    other = EmbeddingModel.objects.create(name="other", slot="green", state="filling")
    made = make_product()
    image = make_image(made)
    other.embeddings.filter(image=image).update(embedding=point(1), status="embedded")
    assert similar_to_product(source) == []


def test_an_image_retrieves_itself_unless_five_others_are_nearer(source: Product) -> None:
    model, image = EmbeddingModel.objects.active(), source.images.get()
    for _number in range(10):
        make_copy(source, 1, 0)
    vector = point(1, 0.2)
    for step in range(4):
        make_lookalike(1, 0.2 + step / 100)
    assert retrieves_itself(model, image.pk, vector)
    make_lookalike(1, 0.15)
    assert not retrieves_itself(model, image.pk, vector)


def _fill(products: int) -> None:
    """Make products with random embeddings by SQL, because the ORM would take minutes."""
    template = make_product()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO catalogue_product (name, slug, description, brand, category_id, gender,
                base_colour, season, usage, price, currency, stock, listed, keywords,
                rating_count, rating_sum, created, updated)
            SELECT 'P' || n, 'p-' || n, '', '', %s, '',
                CASE WHEN n %% 100 = 0 THEN 'Red' ELSE '' END,
                '', '', 10, 'EUR', 1, true, '', 0, 0, now(), now()
            FROM generate_series(1, %s) AS n
            """,
            [template.category_id, products],
        )
        cursor.execute(
            """
            INSERT INTO catalogue_productimage (product_id, file, width, height, alt, position)
            SELECT id, id::text, 1, 1, '', 0 FROM catalogue_product WHERE slug LIKE 'p-%'
            """
        )
        cursor.execute(
            """
            UPDATE recommender_embedding_blue SET status = 'embedded', duplicate_group = image_id,
                colour = '[25,0,0]',
                embedding = l2_normalize(v.vector::halfvec(256))
            FROM (SELECT image.id, array_agg(random() - 0.5) AS vector
                FROM catalogue_productimage AS image, generate_series(1, 256)
                GROUP BY image.id) AS v
            WHERE v.id = image_id
            """
        )
        # The graph still has the rows of earlier tests, which were rolled back.
        cursor.execute("REINDEX INDEX embedding_blue_hnsw")
        cursor.execute("ANALYZE catalogue_product, recommender_embedding_blue")


@pytest.mark.slow
def test_a_large_table_is_searched_by_the_index_and_few_rows_exactly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(candidates, "MAX_EXACT_ROWS", 1000)
    _fill(2500)
    table = BlueEmbedding._meta.db_table
    red = Filters(colours=("Red",))
    with connection.cursor() as cursor:

        def strategy(filters: Filters) -> Strategy:
            return choose_strategy(cursor, table, filters)

        assert strategy(Filters()) is Strategy.HNSW
        assert strategy(Filters(genders=("",))) is Strategy.HNSW
        assert strategy(red) is Strategy.EXACT
        assert strategy(Filters().with_words("P77")) is Strategy.EXACT


@pytest.mark.parametrize("strategy", Strategy)
def test_either_strategy_finds_the_nearest_products_that_pass(
    strategy: Strategy, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fill(300)
    source = make_lookalike(1, 0)
    near = [make_lookalike(1, step / 50, base_colour="Blue") for step in range(1, 7)]
    monkeypatch.setattr(similar, "choose_strategy", lambda *_any: strategy)
    assert similar_to_product(source, Filters(colours=("Blue",))) == near[:5]


@pytest.mark.slow
def test_the_search_is_exact_if_the_index_finds_too_few_products(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _fill(2500)
    source = make_lookalike(1, 0)
    far = [make_lookalike(-1, step / 50, base_colour="Blue") for step in range(1, 6)]
    monkeypatch.setattr(similar, "choose_strategy", lambda *_any: Strategy.HNSW)
    few = candidates.SETTINGS[Strategy.HNSW] | {"hnsw.max_scan_tuples": 1, "hnsw.ef_search": 10}
    monkeypatch.setitem(candidates.SETTINGS, Strategy.HNSW, few)
    found = similar_to_product(source, Filters(colours=("Blue",)))
    assert {product.pk for product in found} == {product.pk for product in far}
