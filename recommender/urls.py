from __future__ import annotations

from django.urls import path

from recommender.photo_search import crop_views, views

app_name = "recommender"
urlpatterns = [
    path("", views.photo_search, name="photo-search"),
    path("part/", crop_views.choose_crop, name="photo-crop"),
    path("<str:photo_id>/", views.photo_results, name="photo-results"),
    path("<str:photo_id>/photo", views.query_photo, name="query-photo"),
]
