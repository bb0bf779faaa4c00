"""Let shoppers search by a photo."""

from __future__ import annotations

from django.conf import settings
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from recommender.garments.names import NAMES
from recommender.models import Event, QueryPhoto
from recommender.photo_search.answers import MAX_COUNT, Answer, answer_photo
from recommender.photo_search.forms import PhotoForm
from recommender.photo_search.photos import start_search, state_of, store_photo
from recommender.photo_search.polling import is_stale, wait_for_vector
from recommender.photo_search.refinements import (
    colour_refinements,
    garment_refinements,
    gender_refinements,
)
from recommender.search.candidates import parse_filters
from recommender.search.similar import ROW_SIZE
from recommender.tracking.events import record, tracking_allowed
from shop.catalogue.browsing.facets import Facet, facets_in_stock
from shop.catalogue.browsing.filters import Filters
from shop.catalogue.images.pictures import ACCEPT, PictureError
from shop.catalogue.models import Product, ProductImage
from shop.core.htmx import is_htmx_fragment
from shop.core.rate_limit import allows, too_many_requests
from shop.core.validators import is_id

SAMPLES = 6
MAX_WAIT_SECONDS = 0.6
# Delays after which a page polls again, normally and while no worker seems to be running.
POLL_DELAY, SLOW_POLL_DELAY = "300ms", "4s"
# The id of the element that htmx replaces with the filters.
FILTERS_ID = "choices"


@require_http_methods(["GET", "HEAD", "POST"])
def photo_search(request: HttpRequest) -> HttpResponse:
    """Show the upload form, or store the photo and redirect to its results."""
    if request.method != "POST":
        return _upload_page(request, PhotoForm())
    if not allows(request, "photo-search", settings.PHOTO_SEARCHES_PER_HOUR):
        return too_many_requests(request, "photo-search", settings.PHOTO_SEARCHES_PER_HOUR)
    form = PhotoForm(request.POST, request.FILES)
    try:
        photo = _store_upload(request, form)
    except PictureError as error:
        form.add_error("photo", str(error))
        photo = None
    if photo is None:
        return _upload_page(request, form, status=422)
    start_search(request, photo)
    return redirect(photo)


def _store_upload(request: HttpRequest, form: PhotoForm) -> QueryPhoto | None:
    """Store the upload or the chosen sample; return ``None`` if the form is invalid.

    Raises ``PictureError``.
    """
    sample = request.POST.get("sample", "")
    if is_id(sample):
        images = ProductImage.objects.filter(product__listed=True)
        image = get_object_or_404(images, pk=int(sample))
        return store_photo(image.read(), image=image)
    if not form.is_valid():
        return None
    # One byte over the limit shows that the file is too large, so the rest is not read.
    return store_photo(form.cleaned_data["photo"].read(settings.PICTURE_MAX_BYTES + 1))


def _upload_page(request: HttpRequest, form: PhotoForm, status: int = 200) -> HttpResponse:
    one_each = Product.objects.listed().in_stock().order_by("category_id", "-pk")
    keys = one_each.distinct("category_id").values("pk")[: SAMPLES * 3 : 3]
    samples = Product.objects.with_card_data().in_bulk([row["pk"] for row in keys]).values()
    context = {
        "form": form,
        "samples": [product for product in samples if product.primary_image],
        "accept": ACCEPT,
        "max_megabytes": settings.PICTURE_MAX_BYTES // 1024**2,
        "lifetime_hours": settings.PHOTO_LIFETIME_HOURS,
    }
    return render(request, "recommender/photo_search.html", context, status=status)


@require_safe
def photo_results(request: HttpRequest, photo_id: str) -> HttpResponse:
    """Show similar products beside a photo, or a page that polls until the photo is embedded."""
    photo = _photo_or_gone(photo_id)
    if photo is None:
        return render(request, "410.html", status=410)
    filters = parse_filters(request.GET)
    if request.htmx.target == FILTERS_ID:  # type: ignore[attr-defined]
        form = {"facets": _facets(request, filters), "query": request.GET}
        return render(request, "includes/facets.html", form)
    # Unless filters are in use, the page loads their many choices after the results.
    facets = _facets(request, filters) if filters or "facets" in request.GET else []
    model = wait_for_vector(photo, MAX_WAIT_SECONDS)
    slow = is_stale(photo)
    state = state_of(photo, model)
    garment = request.GET.get("garment", "")
    answer = Answer()
    if state == "ready":
        answer = answer_photo(photo, filters, garment, _count(request))
        _record_correction(request, photo, garment)
    context = {
        "photo": photo,
        "state": state,
        "slow": slow,
        "delay": SLOW_POLL_DELAY if slow else POLL_DELAY,
        "answer": answer,
        "garment_refinements": garment_refinements(answer, request.GET),
        "gender_refinements": gender_refinements(filters, request.GET),
        "colour_refinements": colour_refinements(filters, request.GET) if answer.products else [],
        "more": _more_address(request, answer),
        "products": answer.products,
        "filters": filters,
        "query": request.GET,
        "facets": facets,
    }
    name = "includes/photo_results" if is_htmx_fragment(request) else "photo_results"
    response = render(request, f"recommender/{name}.html", context)
    response["X-Robots-Tag"] = "noindex"
    return response


def _count(request: HttpRequest) -> int:
    """Return the number of products: ``MAX_COUNT`` after "Show more", else ``ROW_SIZE``."""
    return MAX_COUNT if request.GET.get("count") == str(MAX_COUNT) else ROW_SIZE


def _more_address(request: HttpRequest, answer: Answer) -> str:
    """Return the address of the page with more products, or ``""``."""
    if len(answer.products) != ROW_SIZE or _count(request) != ROW_SIZE:
        return ""
    query = request.GET.copy()
    query["count"] = str(MAX_COUNT)
    return f"?{query.urlencode()}"


def _record_correction(request: HttpRequest, photo: QueryPhoto, garment: str) -> None:
    """Record that the shopper chose another garment than was detected, once for each photo."""
    if garment not in NAMES or photo.likely_garments[:1] == [garment]:
        return
    seconds = settings.PHOTO_LIFETIME_HOURS * 3600
    if tracking_allowed(request) and cache.add(f"corrected:{photo.pk}", 1, seconds):
        record([("photo", Event.Kind.CORRECTED, None)])


def _facets(request: HttpRequest, filters: Filters) -> list[Facet]:
    """Return the filters of a product list without colours, which have links of their own."""
    return [facet for facet in facets_in_stock(request.GET, filters) if facet.name != "colour"]


def _photo_or_gone(photo_id: str) -> QueryPhoto | None:
    """Return the photo, or ``None`` if it has expired. Raises ``Http404`` for an unknown id."""
    photo = QueryPhoto.objects.defer("content").filter(pk=photo_id).first()
    if photo is None:
        raise Http404(_("This photo does not exist or has expired."))
    return photo if photo.expires > timezone.now() else None


@require_safe
def query_photo(request: HttpRequest, photo_id: str) -> HttpResponse:
    """Send a photo's bytes to anybody who has its link, until the photo expires."""
    photo = get_object_or_404(QueryPhoto.objects.live(), pk=photo_id)
    response = HttpResponse(bytes(photo.content), content_type="image/jpeg")
    response["X-Robots-Tag"] = "noindex"
    return response
