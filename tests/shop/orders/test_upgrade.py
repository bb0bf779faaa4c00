from __future__ import annotations

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import translation

from shop.orders.models import Order
from tests.factories import make_order

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


def test_old_orders_get_the_language_of_the_site() -> None:
    order = make_order(language="de")
    connection.check_constraints()  # none may be pending
    with translation.override(None):  # as ``manage.py migrate`` does
        MigrationExecutor(connection).migrate([("orders", "0003_order_paid_at")])
        MigrationExecutor(connection).migrate([("orders", "0004_order_language")])
    assert Order.objects.values_list("language", flat=True).get(pk=order.pk) == "en"
