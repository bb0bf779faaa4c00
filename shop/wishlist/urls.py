from __future__ import annotations

from django.urls import path

from shop.wishlist import views

app_name = "wishlist"
urlpatterns = [
    path("saved/", views.wishlist, name="wishlist"),
    path("saved/<int:pk>/", views.toggle_saved, name="toggle"),
    path("saved/share/", views.share, name="share"),
    path("wishlists/<str:token>/", views.shared, name="shared"),
    path("recently-viewed/", views.recent, name="recent"),
    path("stock-alerts/", views.stock_alert, name="stock-alert"),
]
