from __future__ import annotations

from django.urls import path

from shop.accounts import views

app_name = "accounts"
urlpatterns = [
    path("", views.account, name="account"),
    path("addresses/", views.addresses, name="addresses"),
    path("addresses/new/", views.address, name="new-address"),
    path("addresses/<int:pk>/", views.address, name="address"),
    path("addresses/<int:pk>/delete/", views.delete_address, name="delete-address"),
    path("tokens/<int:pk>/end/", views.revoke_token, name="revoke-token"),
    path("export/", views.export_data, name="export"),
    path("delete/", views.delete_account, name="delete"),
]
