from __future__ import annotations

from django.urls import path

from shop.catalogue.browsing import views
from shop.catalogue.images.views import picture
from shop.catalogue.seo.views import robots

app_name = "catalogue"
urlpatterns = [
    path("", views.home, name="home"),
    path("robots.txt", robots, name="robots"),
    path("privacy/", views.privacy, name="privacy"),
    path("products/", views.products, name="products"),
    path("products/<slug:slug>/", views.product, name="product"),
    path("categories/<path:path>/", views.category, name="category"),
    path("search/", views.search, name="search"),
    path("search/suggestions/", views.suggestions, name="suggestions"),
    path("pictures/<str:name>", picture, name="picture"),
]
