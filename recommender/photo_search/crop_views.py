"""Let shoppers search by a crop of a photo or of a product's image."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from recommender.models import QueryPhoto
from recommender.photo_search.crops import Region, RegionError
from recommender.photo_search.photos import start_search, store_crop
from shop.catalogue.images.pictures import PictureError
from shop.catalogue.images.renditions import WIDTHS, rendition_url
from shop.catalogue.models import ProductImage
from shop.core.rate_limit import allows, too_many_requests
from shop.core.validators import is_id

PRESETS = (
    ("0,0,1,0.5", gettext_lazy("Upper half")),
    ("0,0.5,1,1", gettext_lazy("Lower half")),
    ("0,0,0.5,1", gettext_lazy("Left half")),
    ("0.5,0,1,1", gettext_lazy("Right half")),
    ("0.2,0.2,0.8,0.8", gettext_lazy("Centre")),
)
SIDES = (
    ("left", gettext_lazy("Left")),
    ("top", gettext_lazy("Top")),
    ("right", gettext_lazy("Right")),
    ("bottom", gettext_lazy("Bottom")),
)


@dataclass(frozen=True)
class Source:
    """Holds the picture to crop; the form sends ``key`` as the parameter ``name``."""

    name: str
    key: str
    picture: QueryPhoto | ProductImage
    url: str
    back: str
    alt: str


@require_http_methods(["GET", "HEAD", "POST"])
def choose_crop(request: HttpRequest) -> HttpResponse:
    """Show the form to choose a crop, or store the chosen crop and search by it."""
    source = _source(request.POST if request.method == "POST" else request.GET)
    if request.method != "POST":
        return _page(request, source, request.GET.get("region", ""))
    if not allows(request, "photo-search", settings.PHOTO_SEARCHES_PER_HOUR):
        return too_many_requests(request, "photo-search", settings.PHOTO_SEARCHES_PER_HOUR)
    text = _sent_region(request.POST)
    try:
        photo = store_crop(source.picture, Region.parse(text))
    except (RegionError, PictureError) as error:
        return _page(request, source, text, str(error))
    start_search(request, photo)
    return redirect(photo)


def _source(query: QueryDict) -> Source:
    """Return the query photo or product image to crop. Raises ``Http404`` if it does not exist."""
    if query.get("photo"):
        photo = get_object_or_404(QueryPhoto.objects.live(), pk=query["photo"])
        url = reverse("recommender:query-photo", args=[photo.pk])
        back = photo.get_absolute_url()
        return Source("photo", photo.pk, photo, url, back, _("Your photo"))
    key = query.get("image", "")
    if not is_id(key):
        raise Http404(_("This image does not exist."))
    images = ProductImage.objects.filter(product__listed=True).select_related("product")
    image = get_object_or_404(images, pk=int(key))
    url = rendition_url(image.file, min(image.width, WIDTHS["zoom"]))
    back = image.product.get_absolute_url()
    return Source("image", key, image, url, back, image.alt_text)


def _sent_region(data: QueryDict) -> str:
    """Return the chosen preset region, or the region from the four sides sent in percent."""
    region = data.get("region", "")
    if isinstance(region, str) and region:
        return region
    try:
        return ",".join(f"{float(data.get(name, '')) / 100:.6g}" for name, _label in SIDES)
    except ValueError:
        return ""


def _page(request: HttpRequest, source: Source, text: str, error: str = "") -> HttpResponse:
    try:
        region = Region.parse(text)
    except RegionError:
        region = Region()
    values = [region.left, region.top, region.right, region.bottom]
    context = {
        "source": source,
        "presets": PRESETS,
        "sides": [(*side, round(100 * value)) for side, value in zip(SIDES, values, strict=True)],
        "error": error,
    }
    response = render(request, "recommender/crop.html", context, status=422 if error else 200)
    response["X-Robots-Tag"] = "noindex"
    return response
