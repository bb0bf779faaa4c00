from __future__ import annotations

from django.urls import path

from recommender import api

app_name = "recommender-api"
urlpatterns = [
    path("products/<int:pk>/similar/", api.SimilarProducts.as_view(), name="similar"),
    path("image-searches/", api.ImageSearchList.as_view(), name="image-searches"),
    path("image-searches/<str:photo_id>/", api.ImageSearchDetail.as_view(), name="image-search"),
]
