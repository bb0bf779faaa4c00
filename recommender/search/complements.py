"""Find products that complete an outfit, by role, nearest first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import connections

from recommender.models import EmbeddingModel
from recommender.search.candidates import FIRST_EMBEDDED
from recommender.search.replica import read_with_fallback
from shop.catalogue.models import Product
from shop.core.db import execute_with_settings

COMPLEMENTS = """
WITH role_of (slug, role) AS (SELECT * FROM unnest(%(slugs)s::text[], %(roles)s::text[])),
fitting AS MATERIALIZED (
    SELECT category.id, COALESCE(leaf.role, parent.role) AS role
    FROM catalogue_category AS category
    LEFT JOIN role_of AS leaf ON leaf.slug = split_part(category.path, '/', -1)
    LEFT JOIN role_of AS parent ON parent.slug = split_part(category.path, '/', -2)
    WHERE COALESCE(leaf.role, parent.role) = ANY(%(wanted)s) AND NOT EXISTS (
        SELECT FROM recommender_discreetcategory AS discreet
        WHERE discreet.category_id = category.id)),
source AS MATERIALIZED (
    SELECT product.season, picture.embedding,
        CASE WHEN product.gender IN ('Unisex', '') THEN %(genders)s
            ELSE ARRAY[product.gender, 'Unisex', ''] END AS genders,
        CASE product.usage WHEN '' THEN ARRAY['Casual', ''] ELSE ARRAY[product.usage, ''] END
            AS usages
    FROM catalogue_product AS product LEFT JOIN LATERAL ({vector_of_product}) AS picture ON true
    WHERE product.id = ANY(%(sources)s))
SELECT role.name, found.id, found.gender, found.distance
FROM source CROSS JOIN unnest(%(wanted)s::text[]) AS role (name) CROSS JOIN LATERAL (
    SELECT pool.id, pool.gender, picture.embedding <-> source.embedding AS distance
    FROM (
        SELECT newest.* FROM fitting CROSS JOIN unnest(source.genders) AS own (gender)
        CROSS JOIN unnest(source.usages) AS apt (usage) CROSS JOIN LATERAL (
            SELECT product.id, product.gender, product.created FROM catalogue_product AS product
            WHERE product.category_id = fitting.id AND product.gender = own.gender
                AND product.usage = apt.usage AND product.listed AND product.stock > 0
                AND product.id <> ALL(%(excluded)s)
                AND (product.season = source.season OR '' IN (product.season, source.season)
                    OR fitting.role <> ALL(%(seasonal)s))
                AND lower(product.base_colour) = ANY(%(colours)s)
            ORDER BY product.created DESC, product.id DESC LIMIT %(per_category)s) AS newest
        WHERE fitting.role = role.name
        ORDER BY newest.created DESC, newest.id DESC LIMIT %(pool)s) AS pool
    CROSS JOIN LATERAL ({vector_of_pool}) AS picture
    ORDER BY distance, pool.id DESC LIMIT %(each)s) AS found
"""
# These settings make PostgreSQL read products in the order of an index and stop at the first
# matches, instead of sorting all products.
SETTINGS = {"enable_seqscan": False, "enable_sort": False, "enable_bitmapscan": False}
PER_CATEGORY = 10
POOL = 60
PER_ROLE = 6


@dataclass(frozen=True)
class Complement:
    """Holds a product that completes an outfit in a ``role``, and its distance, if known."""

    role: str
    product_id: int
    gender: str
    distance: float | None


def find_complements(
    sources: Sequence[int],
    wanted: Sequence[str],
    *,
    role_of: Mapping[str, str],
    seasonal: Sequence[str],
    colours: Sequence[str],
    excluded: Sequence[int],
) -> list[Complement]:
    """Return products that fit the products ``sources`` in each role that is wanted, nearest first.

    ``role_of`` maps slugs of categories to roles; a category without a role has that of its parent.
    The season must match in the roles ``seasonal``. ``colours`` are the colours that match, in
    lower case, and ``excluded`` the ids of products to leave out. The candidates of a role are the
    newest that fit, so that the cost does not grow with the catalogue.
    """
    values = {
        "sources": list(sources),
        "wanted": list(wanted),
        "slugs": list(role_of),
        "roles": list(role_of.values()),
        "seasonal": list(seasonal),
        "colours": list(colours),
        "excluded": list(excluded),
        "genders": ["", *Product.Gender.values],
        "per_category": PER_CATEGORY,
        "pool": POOL,
        "each": PER_ROLE,
    }

    def search(server: str) -> list[Complement]:
        table = EmbeddingModel.objects.using(server).active().table
        vectors = {
            f"vector_of_{of}": FIRST_EMBEDDED.format(table=table, product=f"{of}.id")
            for of in ("product", "pool")
        }
        sql = COMPLEMENTS.format(**vectors)
        with connections[server].cursor() as cursor:
            execute_with_settings(cursor, sql, values, SETTINGS)
            return [Complement(*row) for row in cursor.fetchall()]

    found = read_with_fallback(search)
    return sorted(found, key=lambda one: (one.distance is None, one.distance, -one.product_id))
