from __future__ import annotations

from django.urls import path

from shop.cart import views

app_name = "cart"
urlpatterns = [
    path("", views.cart, name="cart"),
    path("add/", views.add_to_cart, name="add"),
    path("lines/<int:pk>/", views.change_line, name="line"),
]
