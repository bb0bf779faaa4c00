from __future__ import annotations

from django.urls import path

from shop.orders import customer_views, views

app_name = "orders"
urlpatterns = [
    path("account/orders/", customer_views.order_list, name="list"),
    path("checkout/", views.checkout, name="checkout"),
    path("checkout/voucher/", views.voucher, name="voucher"),
    path("orders/<str:token>/", views.order, name="order"),
    path("orders/<str:token>/cancel/", views.cancel_order, name="cancel"),
    path("orders/<str:token>/confirm/", views.confirm_order, name="confirm"),
    path("orders/<str:token>/invoice/", views.invoice, name="invoice"),
]
