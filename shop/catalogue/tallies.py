"""How many listed products of each kind there are, kept by the database: no page counts them all.

A trigger (migration 0010) adds a row for each kind that a statement changed, with how many more or
fewer there are: nobody waits for another's row, and what is added up is right in every transaction.
"""

from __future__ import annotations

from typing import Self

from django.db import connection, models, transaction

KIND = "category_id, gender, base_colour, in_stock"
# One at a time, while the trigger goes on; and each is one statement, so that what is written
# meanwhile is counted once.
LOCK = "LOCK TABLE catalogue_producttally IN SHARE UPDATE EXCLUSIVE MODE"
ADD_UP = f"""
WITH several AS (
    SELECT {KIND} FROM catalogue_producttally GROUP BY {KIND} HAVING count(*) > 1 OR sum(n) = 0),
gone AS (
    DELETE FROM catalogue_producttally AS tally USING several
    WHERE (tally.category_id, tally.gender, tally.base_colour, tally.in_stock) = (several.*)
    RETURNING tally.*)
INSERT INTO catalogue_producttally ({KIND}, n)
SELECT {KIND}, sum(n) FROM gone GROUP BY {KIND} HAVING sum(n) <> 0
"""  # noqa: S608 - names of ours
COUNT_ANEW = f"""
WITH gone AS (DELETE FROM catalogue_producttally)
INSERT INTO catalogue_producttally ({KIND}, n)
SELECT category_id, gender, base_colour, stock > 0, count(*) FROM catalogue_product
WHERE listed GROUP BY 1, 2, 3, 4
"""  # noqa: S608 - names of ours


class ProductTallyQuerySet(models.QuerySet["ProductTally"]):
    """The words of ``ProductQuerySet``; what is in no list is not counted."""

    def in_stock(self) -> Self:
        return self.filter(in_stock=True)


class ProductTally(models.Model):
    """``n`` listed products more of one kind: a kind's number is the sum of its rows."""

    # No key of the database's: what is counted keeps no category from being deleted.
    category = models.ForeignKey(
        "catalogue.Category", models.DO_NOTHING, db_constraint=False, related_name="tallies"
    )
    gender = models.CharField(max_length=10)
    base_colour = models.CharField(max_length=40)
    in_stock = models.BooleanField()
    n = models.IntegerField()

    objects = ProductTallyQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.category_id} {self.gender} {self.base_colour} {self.n:+d}"


def add_up() -> int:
    """Make one row again of each kind's several. Returns how many rows were written."""
    return _execute(ADD_UP)


def count_anew() -> int:
    """Whatever was written past the trigger: by ``loaddata``, or while it was switched off."""
    return _execute(COUNT_ANEW)


def _execute(sql: str) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(LOCK)
        cursor.execute(sql)
        return int(cursor.rowcount)
