from __future__ import annotations

from django.urls import path

from shop.reviews import views

app_name = "reviews"
urlpatterns = [
    path("products/<slug:slug>/reviews/", views.reviews, name="reviews"),
    path("reviews/<str:token>/", views.write, name="write"),
]
