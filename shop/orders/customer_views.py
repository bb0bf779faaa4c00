"""Show customers their orders."""

from __future__ import annotations

from typing import cast

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.core.paginator import Paginator
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from shop.orders.models import Order

PAGE_SIZE = 20


@require_safe
@login_required
def order_list(request: HttpRequest) -> HttpResponse:
    orders = Order.objects.filter(user=cast(User, request.user)).order_by("-pk")
    orders = orders.annotate(pieces=Sum("lines__quantity"))
    paginator = Paginator(orders, PAGE_SIZE)
    page = paginator.get_page(request.GET.get("page"))
    numbers = list(paginator.get_elided_page_range(page.number, on_each_side=1))
    return render(request, "shop/orders/list.html", {"page": page, "numbers": numbers})
