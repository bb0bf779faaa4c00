from __future__ import annotations

from django.urls import path

from shop.api import cart, catalogue, orders, staff, tokens

app_name = "api"
urlpatterns = [
    path("products/", catalogue.ProductList.as_view(), name="products"),
    path("products/<int:pk>/", catalogue.ProductDetail.as_view(), name="product"),
    path("products/<int:pk>/reviews/", catalogue.ReviewList.as_view(), name="reviews"),
    path("categories/", catalogue.CategoryList.as_view(), name="categories"),
    path("facets/", catalogue.FacetList.as_view(), name="facets"),
    path("cart/", cart.CartView.as_view(), name="cart"),
    path("cart/lines/", cart.CartLineList.as_view(), name="cart-lines"),
    path("cart/lines/<int:pk>/", cart.CartLineDetail.as_view(), name="cart-line"),
    path("checkout-options/", orders.CheckoutOptions.as_view(), name="checkout-options"),
    path("orders/", orders.OrderList.as_view(), name="orders"),
    path("orders/<int:pk>/", orders.OrderDetail.as_view(), name="order"),
    path("tokens/", tokens.TokenView.as_view(), name="tokens"),
    path("staff/products/", staff.StaffProductList.as_view(), name="staff-products"),
    path("staff/products/<int:pk>/", staff.StaffProductDetail.as_view(), name="staff-product"),
    path(
        "staff/products/<int:pk>/images/",
        staff.StaffProductImages.as_view(),
        name="staff-product-images",
    ),
    path("staff/images/<int:pk>/", staff.StaffImageDetail.as_view(), name="staff-image"),
    path("staff/variants/<path:sku>/stock/", staff.StaffStock.as_view(), name="staff-stock"),
]
