"""All addresses of the site."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from config import health

urlpatterns = [
    path("admin/", admin.site.urls),
    path("health/live", health.live, name="live"),
    path("health/ready", health.ready, name="ready"),
    path("photo-search/", include("recommender.urls")),
    path("cart/", include("shop.cart.urls")),
    path("account/", include("shop.accounts.urls")),
    path("account/", include("allauth.account.urls")),
    path("", include("shop.wishlist.urls")),
    path("", include("shop.orders.urls")),
    path("", include("shop.catalogue.urls")),
]
