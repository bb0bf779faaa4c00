"""Route all URLs of the site."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.sitemaps import views as sitemaps
from django.urls import include, path

from config import health
from recommender.recommendations import refine
from recommender.tracking import views as tracking
from shop.catalogue.seo.sitemaps import SITEMAPS

handler500 = "shop.core.views.server_error"
urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/v1/", include("config.api_urls")),
    path("health/live", health.live, name="live"),
    path("health/ready", health.ready, name="ready"),
    path("health/status", health.status, name="status"),
    path("photo-search/", include("recommender.urls")),
    path("products/<slug:slug>/similar/", refine.more_like, name="more-like"),
    path("events/", tracking.events, name="events"),
    path("privacy/counting/", tracking.opt_out, name="opt-out"),
    path("i18n/", include("django.conf.urls.i18n")),
    path("sitemap.xml", sitemaps.index, {"sitemaps": SITEMAPS}, name="sitemap-index"),
    path(
        "sitemap-<section>.xml",
        sitemaps.sitemap,
        {"sitemaps": SITEMAPS},
        name="django.contrib.sitemaps.views.sitemap",
    ),
    path("cart/", include("shop.cart.urls")),
    path("account/", include("shop.accounts.urls")),
    path("account/", include("allauth.account.urls")),
    path("account/two-factor/", include("allauth.mfa.urls")),
    path("", include("shop.wishlist.urls")),
    path("", include("shop.payments.urls")),
    path("", include("shop.orders.urls")),
    path("", include("shop.pages.urls")),
    path("", include("shop.reviews.urls")),
    path("", include("shop.catalogue.urls")),
]
