"""Route the API, its OpenAPI document and the page that shows it."""

from __future__ import annotations

from csp.decorators import csp_replace
from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from shop.api.problems import NotFoundView

schema = SpectacularAPIView.as_view(schema=None)
# The CSP allows inline styles here, because Swagger UI writes style attributes.
docs = csp_replace({"style-src": ["'self'", "'unsafe-inline'"]})(
    SpectacularSwaggerSplitView.as_view(url_name="schema", schema=None)
)
urlpatterns = [
    path("schema/", schema, name="schema"),
    path("docs/", docs, name="api-docs"),
    path("", include("recommender.api_urls")),
    path("", include("shop.api.urls")),
    # The empty pattern matches every remaining path. A ``<path:…>`` would not match a path with a
    # line break.
    re_path(r"", NotFoundView.as_view(), name="api-not-found"),
]
