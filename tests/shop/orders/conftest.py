from __future__ import annotations

from decimal import Decimal

import pytest

from shop.orders.models import ShippingMethod


@pytest.fixture
def method(db: None) -> ShippingMethod:
    """The shop's standard shipping method: 4.95, and free from 60."""
    values = {"price": Decimal("4.95"), "free_from": Decimal(60)}
    return ShippingMethod.objects.update_or_create(name="Standard", defaults=values)[0]
