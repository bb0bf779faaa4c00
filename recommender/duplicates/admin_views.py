"""Let staff merge, hide or dismiss near-duplicates; ``recommender.admin`` has the URLs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, cast
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE as CHANGED
from django.contrib.admin.models import LogEntry
from django.contrib.auth.decorators import permission_required
from django.contrib.auth.models import User
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import OuterRef, Subquery, Sum
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from recommender.duplicates import grouping
from recommender.duplicates.forms import GroupForm
from recommender.duplicates.grouping import Group, duplicate_groups
from shop.catalogue import merging
from shop.catalogue.models import Product
from shop.orders.models import Order, OrderLine

GROUPS_PER_PAGE = 10
VIEW = ("catalogue.view_product", "catalogue.view_productimage")
CHANGE = (*VIEW, "catalogue.change_product")
MERGE = (*CHANGE, "catalogue.change_variant", "catalogue.delete_product")
ActionView = Callable[[HttpRequest, GroupForm], HttpResponse | None]


@dataclass(frozen=True)
class ShownGroup:
    """Holds a group and its products."""

    group: Group
    products: list[Product]

    @property
    def survivor(self) -> Product:
        """The product to suggest keeping: the best seller, or the oldest of equal best sellers."""
        return min(self.products, key=lambda p: (-p.sold, p.created, p.pk))  # type: ignore[attr-defined]


@require_safe
@permission_required(VIEW, raise_exception=True)
def duplicates(request: HttpRequest) -> HttpResponse:
    """Show groups of listed products, or with ``?show=hidden`` groups with an unlisted product."""
    hidden = request.GET.get("show") == "hidden"
    found = duplicate_groups(hidden=hidden)
    groups = Paginator(found, GROUPS_PER_PAGE).get_page(request.GET.get("page"))
    products = _products([pk for group in groups for pk in group.products])
    context = {
        "groups": groups,
        "shown": [ShownGroup(group, [products[pk] for pk in group.products]) for group in groups],
        "hidden": hidden,
        "may_change": request.user.has_perms(CHANGE),
        "may_merge": request.user.has_perms(MERGE),
        "title": _("Near-duplicates"),
    }
    return _render(request, "page", **context)


def _products(pks: list[int]) -> dict[int, Product]:
    """Return the products by id, annotated with the number of pieces ``sold``."""
    lines = OrderLine.objects.filter(variant__product=OuterRef("pk"))
    lines = lines.exclude(order__state__in=Order.VOID)
    sums = lines.order_by().values("variant__product").annotate(sum=Sum("quantity"))
    sold = Coalesce(Subquery(sums.values("sum")), 0)
    return Product.objects.with_card_data().annotate(sold=sold).in_bulk(pks)


def _render(request: HttpRequest, name: str, **context: Any) -> HttpResponse:
    context = admin.site.each_context(request) | context
    return render(request, f"admin/duplicates/{name}.html", context)


def _action(*permissions: str) -> Callable[[ActionView], Callable[[HttpRequest], HttpResponse]]:
    """Decorate a view: it gets a valid ``GroupForm`` and, unless it responds, redirects back."""

    def decorate(view: ActionView) -> Callable[[HttpRequest], HttpResponse]:
        @wraps(view)
        @require_POST
        @permission_required(permissions, raise_exception=True)
        def checked(request: HttpRequest) -> HttpResponse:
            form = GroupForm(request.POST)
            if form.is_valid():
                return view(request, form) or _back(request)
            messages.error(request, str(next(iter(form.errors.values()))[0]))
            return _back(request)

        return checked

    return decorate


def _back(request: HttpRequest) -> HttpResponse:
    state = {name: request.POST.get(name, "") for name in ("show", "page")}
    query = urlencode({name: value for name, value in state.items() if value})
    return redirect(f"{reverse('admin:catalogue_product_copies')}?{query}".rstrip("?"))


@_action(*MERGE)
def merge(request: HttpRequest, form: GroupForm) -> HttpResponse | None:
    """Show what a merge would do, or with ``confirmed`` merge the selected products."""
    survivor, others = form.cleaned_data["survivor"], form.others()
    if survivor is None:
        messages.error(request, _("Choose the product to keep."))
        return None
    confirmed = "confirmed" in request.POST
    try:
        pks = [product.pk for product in others]
        moved = merging.merge(survivor.pk, pks, dry_run=not confirmed)
    except merging.MergeError as error:
        messages.error(request, str(error))
        return None
    if not confirmed:
        title = _("Merge into “%s”?") % survivor
        context = {"survivor": survivor, "others": others, "moved": moved, "title": title}
        return _render(request, "merge", **context)
    names = ", ".join(f"{product} (#{product.pk})" for product in others)
    _log(request, [survivor], _("Merged products: %s") % names)
    text = _("Merged %(names)s into “%(survivor)s”. Moved: %(moved)s.")
    values = {"survivor": survivor, "names": names, "moved": ", ".join(moved) or "–"}
    messages.success(request, text % values)
    return None


@_action(*CHANGE)
def hide(request: HttpRequest, form: GroupForm) -> None:
    """Hide the selected products except the one to keep."""
    count = _set_listed(request, form.others(), listed=False)
    text = ngettext(
        "%(count)d product hidden. You can list it again under “Hidden”.",
        "%(count)d products hidden. You can list them again under “Hidden”.",
        count,
    )
    messages.success(request, text % {"count": count})


@_action(*CHANGE)
def list_again(request: HttpRequest, form: GroupForm) -> None:
    """List the selected products again after they were hidden."""
    count = _set_listed(request, list(form.cleaned_data["chosen"]), listed=True)
    text = ngettext("%(count)d product listed again.", "%(count)d products listed again.", count)
    messages.success(request, text % {"count": count})


@_action(*CHANGE)
def dismiss(request: HttpRequest, form: GroupForm) -> None:
    """Record that the selected products duplicate neither each other nor the rest of the group."""
    chosen, group = (
        [product.pk for product in form.cleaned_data[name]] for name in ("chosen", "group")
    )
    grouping.dismiss(chosen, group, request.user)
    messages.success(request, _("Saved: these products are no longer shown as duplicates."))


@transaction.atomic
def _set_listed(request: HttpRequest, products: list[Product], *, listed: bool) -> int:
    """List or unlist the products; return how many changed."""
    rows = Product.objects.unmerged().filter(pk__in=[product.pk for product in products])
    locked = rows.exclude(listed=listed).order_by("pk").select_for_update().defer("search")
    changed = list(locked)
    pks = [product.pk for product in changed]
    Product.objects.filter(pk__in=pks).update(listed=listed, updated=timezone.now())
    _log(request, changed, _("Listed again") if listed else _("Hidden as a near-duplicate"))
    return len(changed)


def _log(request: HttpRequest, products: list[Product], message: str) -> None:
    """Add the change to the history of each product."""
    rows = Product.objects.filter(pk__in=[product.pk for product in products]).order_by("pk")
    if products:
        LogEntry.objects.log_actions(
            cast(User, request.user).pk, rows.defer("search"), CHANGED, change_message=message
        )
