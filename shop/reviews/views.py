from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from shop.catalogue.models import Product
from shop.orders.models import Order
from shop.reviews.forms import ReviewForm
from shop.reviews.links import LinkExpired, read_token
from shop.reviews.models import Review
from shop.reviews.published import published, summary
from shop.reviews.writing import Obstacle, display_name, obstacle

PAGE_SIZE = 10


@require_safe
def reviews(request: HttpRequest, slug: str) -> HttpResponse:
    """Show all published reviews of a product, newest first."""
    product = get_object_or_404(Product.objects.listed().with_card_data(), slug=slug)
    paginator = Paginator(published(product), PAGE_SIZE)
    page = paginator.get_page(request.GET.get("page"))
    numbers = list(paginator.get_elided_page_range(page.number, on_each_side=1))
    context = {"product": product, "summary": summary(product), "page": page, "numbers": numbers}
    return render(request, "shop/reviews/reviews.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def write(request: HttpRequest, token: str) -> HttpResponse:
    """Let anybody who has the link from the email review the product that it identifies."""
    try:
        ids = read_token(token)
    except LinkExpired:
        return _refuse(request, "expired", 410)
    if ids is None:
        return render(request, "404.html", status=404)
    order = get_object_or_404(Order, pk=ids[0])
    product_id = Product.objects.following_merges([ids[1]])[0]
    product = get_object_or_404(Product.objects.listed().with_card_data(), pk=product_id)
    problem = obstacle(order, product)
    if problem == Obstacle.NOT_BOUGHT:
        return render(request, "404.html", status=404)
    if problem:
        return _refuse(request, problem.name.lower(), 409, product)
    return _write(request, order, product)


def _write(request: HttpRequest, order: Order, product: Product) -> HttpResponse:
    form = ReviewForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        review: Review = form.save(commit=False)
        review.order, review.product, review.name = order, product, display_name(order.name)
        try:
            with transaction.atomic():
                review.save()
        except IntegrityError:  # sent twice at the same time
            return _refuse(request, "reviewed", 409, product)
        messages.success(request, _("Thank you! We’ll publish your review once we’ve checked it."))
        return redirect(product)
    context = {"form": form, "product": product, "display_name": display_name(order.name)}
    return render(request, "shop/reviews/write.html", context, status=422 if form.errors else 200)


def _refuse(
    request: HttpRequest, why: str, status: int, product: Product | None = None
) -> HttpResponse:
    context = {"why": why, "product": product}
    return render(request, "shop/reviews/refused.html", context, status=status)
