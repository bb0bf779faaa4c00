from __future__ import annotations

from django.urls import path

from shop.payments import views

app_name = "payments"
urlpatterns = [
    path("orders/<str:token>/pay/", views.pay, name="pay"),
    path("payments/stripe/webhook/", views.stripe_webhook, name="stripe-webhook"),
]
