"""List the guards (safety checks) that ``bench/mutations.py`` breaks.

Each has a source text, a text that replaces it, and the test that must then fail.
"""

from __future__ import annotations

from typing import NamedTuple


class Guard(NamedTuple):
    name: str
    file: str
    source: str
    broken: str
    test: str


T_GUARDS, T_ORDERS, T_ACCOUNTS, T_API = (
    "tests/test_guards.py",
    "tests/shop/orders",
    "tests/shop/accounts",
    "tests/shop/api",
)
T_PHOTO, T_QUEUE = "tests/recommender/photo_search", "tests/recommender/embedding/test_queue.py"
EXEMPT = '__import__("django.views.decorators.csrf", fromlist=["x"]).csrf_exempt'

GUARDS = [
    Guard(
        "permission of order actions",
        "shop/orders/admin.py",
        '@admin.action(description=label, permissions=["change"])',
        "@admin.action(description=label)",
        f"{T_GUARDS}::test_staff_with_view_permission_cannot_change_orders",
    ),
    Guard(
        "permission to record a payment",
        "shop/orders/admin.py",
        'payment"), permissions=["change"])',
        'payment"))',
        f"{T_GUARDS}::test_staff_with_view_permission_cannot_change_orders",
    ),
    Guard(
        "CSRF everywhere",
        "config/settings.py",
        '    "django.middleware.csrf.CsrfViewMiddleware",\n',
        "",
        f"{T_GUARDS}::test_nothing_is_ordered_without_a_csrf_token",
    ),
    Guard(
        "CSRF at account deletion",
        "shop/accounts/views.py",
        "@login_required\ndef delete_account",
        f"@login_required\n@{EXEMPT}\ndef delete_account",
        f"{T_GUARDS}::test_no_account_is_deleted_without_a_csrf_token",
    ),
    Guard(
        "X-Forwarded-For through known proxies",
        "shop/core/rate_limit.py",
        "if settings.PROXIES and len(forwarded) >= settings.PROXIES:",
        "if forwarded:",
        f"{T_GUARDS}::test_x_forwarded_for_is_trusted_for_the_configured_proxies",
    ),
    Guard(
        "throttle of the token endpoint",
        "shop/api/tokens.py",
        "throttle_classes = (ScopedThrottle,)",
        "throttle_classes = ()",
        f"{T_GUARDS}::test_token_requests_are_throttled",
    ),
    Guard(
        "CSP",
        "config/settings.py",
        '    "csp.middleware.CSPMiddleware",\n',
        "",
        f"{T_GUARDS}::test_pages_allow_no_inline_or_foreign_scripts",
    ),
    Guard(
        "no inline scripts for staff",
        "backoffice/site.py",
        '"script-src": [UNSAFE_EVAL]',
        '"script-src": [UNSAFE_EVAL, UNSAFE_INLINE]',
        f"{T_GUARDS}::test_admin_pages_allow_no_inline_scripts",
    ),
    Guard(
        "guesses at one account",
        "shop/accounts/sign_in_limit.py",
        'hit(PAIR_LIMIT, "sign-in-pair", pair)',
        "True",
        f"{T_ACCOUNTS}/test_sign_in_limit.py::test_five_guesses_at_one_sign_in_block_all_of_them",
    ),
    Guard(
        "guesses of one address",
        "shop/accounts/sign_in_limit.py",
        'hit(ADDRESS_LIMIT, "sign-in", address)',
        "True",
        f"{T_ACCOUNTS}/test_sign_in_limit.py::test_guesses_from_one_address_at_many_accounts_are_limited",
    ),
    Guard(
        "known addresses are not locked out",
        "shop/accounts/sign_in_limit.py",
        "bool(cache.get(_known(pair))) or ",
        "",
        f"{T_ACCOUNTS}/test_sign_in_limit.py"
        "::test_many_strangers_block_only_addresses_that_never_signed_in",
    ),
    Guard(
        "one IPv6 customer is one address",
        "shop/core/rate_limit.py",
        "if isinstance(address, ipaddress.IPv6Address):",
        "if False:",
        f"{T_ACCOUNTS}/test_sign_in_limit.py::test_an_ipv6_network_counts_as_one_address",
    ),
    Guard(
        "second factor for tokens",
        "shop/api/tokens.py",
        '        _check_second_factor(user, values.get("code", ""))\n',
        "",
        "tests/backoffice/test_sign_in.py::test_a_token_needs_the_code_too",
    ),
    Guard(
        "STAFF_REQUIRE_MFA",
        "shop/accounts/second_factor.py",
        "user.is_staff and (not settings.STAFF_REQUIRE_MFA or is_mfa_enabled(user))",
        "user.is_staff",
        "tests/backoffice/test_sign_in.py"
        "::test_staff_without_a_required_second_factor_have_no_access",
    ),
    Guard(
        "scope of a token",
        "shop/api/authentication.py",
        "request.method not in SAFE_METHODS",
        "False",
        f"{T_API}/test_authentication.py::test_a_read_only_token_cannot_write",
    ),
    Guard(
        "expiry of a token",
        "shop/api/authentication.py",
        "ApiToken.objects.valid()",
        "ApiToken.objects.all()",
        f"{T_API}/test_authentication.py::test_an_expired_token_gives_no_access",
    ),
    Guard(
        "tokens end with the password",
        "shop/api/apps.py",
        "instance.api_tokens.all().delete()",
        "pass",
        f"{T_API}/test_tokens.py::test_a_new_password_revokes_the_token",
    ),
    Guard(
        "ownership of a token",
        "shop/accounts/views.py",
        "get_object_or_404(ApiToken, pk=pk, user=_user(request))",
        "get_object_or_404(ApiToken, pk=pk)",
        f"{T_ACCOUNTS}/test_account.py::test_only_the_owner_can_see_and_revoke_a_token",
    ),
    Guard(
        "ownership of an address",
        "shop/accounts/views.py",
        "own = Address.objects.filter(user=user)",
        "own = Address.objects.all()",
        f"{T_ACCOUNTS}/test_account.py::test_another_customers_address_is_not_found",
    ),
    Guard(
        "ownership of a cart line",
        "shop/api/cart.py",
        "pk=pk, cart__user=self.user)",
        "pk=pk)",
        f"{T_API}/test_orders.py::test_carts_and_orders_of_others_are_not_found",
    ),
    Guard(
        "ownership of an order",
        "shop/api/orders.py",
        "Order.objects.filter(user=self.user)",
        "Order.objects.all()",
        f"{T_API}/test_orders.py::test_carts_and_orders_of_others_are_not_found",
    ),
    Guard(
        "e-mails are compared exactly",
        "shop/core/emails.py",
        "return text.translate(_LOWER)",
        "return text.casefold()",
        f"{T_ACCOUNTS}/test_account.py::test_a_confusable_email_address_gives_no_access",
    ),
    Guard(
        "idempotency of an order",
        "shop/orders/checkout.py",
        "if placed is not None:",
        "if False:",
        f"{T_ORDERS}/test_checkout.py::test_twenty_identical_submissions_make_one_order",
    ),
    Guard(
        "idempotency of an API call",
        "shop/api/idempotency.py",
        "if not is_new:",
        "if False:",
        f"{T_API}/test_idempotency.py::test_a_request_with_the_same_key_is_executed_once",
    ),
    Guard(
        "stock",
        "shop/orders/checkout.py",
        "if line.quantity > left:",
        "if False:",
        f"{T_ORDERS}/test_checkout.py::test_fifty_buyers_of_ten_pieces_make_ten_orders",
    ),
    Guard(
        "the price that the buyer has seen",
        "shop/orders/checkout.py",
        "if total is not None and total != sums.total:",
        "if False:",
        f"{T_ORDERS}/test_voucher.py::test_nothing_is_ordered_at_a_price_the_buyer_has_not_seen",
    ),
    Guard(
        "transitions of an order",
        "shop/orders/states.py",
        "if state not in TRANSITIONS[order.state]:",
        "if False:",
        f"{T_ORDERS}/test_states.py::test_only_the_listed_transitions_are_possible",
    ),
    Guard(
        "confirmation of a guest's order",
        "shop/orders/confirmation.py",
        "confirm_by__lte=timezone.now()",
        "confirm_by=None",
        f"{T_ORDERS}/test_confirmation.py::test_an_unconfirmed_order_is_cancelled_and_its_stock_restored",
    ),
    Guard(
        "limit of unpaid orders",
        "shop/orders/limits.py",
        "if not allows_key(key, subject, settings.UNPAID_ORDERS_PER_HOUR):",
        "if False:",
        f"{T_ORDERS}/test_limits.py::test_orders_per_address_and_email_are_limited",
    ),
    Guard(
        "limit of voucher codes",
        "shop/orders/limits.py",
        'if not (allows(request, "voucher", limit) and by_session):',
        "if False:",
        f"{T_ORDERS}/test_limits.py::test_voucher_codes_cannot_be_guessed",
    ),
    Guard(
        "limit of photo searches",
        "recommender/photo_search/views.py",
        'if not allows(request, "photo-search", settings.PHOTO_SEARCHES_PER_HOUR):',
        "if False:",
        f"{T_PHOTO}/test_views.py::test_too_many_searches_are_refused",
    ),
    Guard(
        "no links in names",
        "shop/core/validators.py",
        "if _LINK.search(text):",
        "if False:",
        f"{T_ORDERS}/test_confirmation.py::test_a_name_with_a_link_is_refused",
    ),
    Guard(
        "SKIP LOCKED of claims",
        "recommender/embedding/queue.py",
        ".select_for_update(skip_locked=True)",
        ".select_for_update(nowait=True)",
        f"{T_QUEUE}::test_two_workers_never_get_the_same_image",
    ),
    Guard(
        "attempts",
        "recommender/embedding/queue.py",
        'attempts=F("attempts") + 1',
        'attempts=F("attempts")',
        f"{T_QUEUE}::test_a_claim_counts_an_attempt_and_ends_with_its_lease",
    ),
    Guard(
        "size limit of a picture",
        "shop/catalogue/images/pictures.py",
        "if len(data) > settings.PICTURE_MAX_BYTES:",
        "if False:",
        f"{T_PHOTO}/test_views.py::test_an_invalid_photo_is_refused_with_a_reason",
    ),
    Guard(
        "scan limit of a picture",
        "shop/catalogue/images/structure.py",
        "if scans > MAX_SCANS or junk > MAX_JUNK:",
        "if junk > MAX_JUNK:",
        "tests/shop/catalogue/images/test_structure.py"
        "::test_too_many_parts_are_refused_before_decoding",
    ),
    Guard(
        "re-encoding drops metadata",
        "shop/catalogue/images/pictures.py",
        "return structure.clean and image.format",
        "return image.format",
        f"{T_PHOTO}/test_views.py::test_metadata_is_removed_and_the_photo_is_upright",
    ),
    Guard(
        "size limit of a body",
        "shop/core/middleware.py",
        "if len(length) > 18 or int(length) > limit:",
        "if False:",
        "tests/shop/core/test_middleware.py"
        "::test_a_body_of_300_megabytes_is_refused_before_it_is_read",
    ),
    Guard(
        "expiry of a photo",
        "recommender/models/query_photo.py",
        "return self.filter(expires__gt=timezone.now())",
        "return self.all()",
        f"{T_PHOTO}/test_views.py::test_an_expired_photo_is_gone_and_deleted",
    ),
    Guard(
        "signature of a webhook",
        "shop/payments/views.py",
        "stripe.Webhook.construct_event(request.body, signature, settings.STRIPE_WEBHOOK_SECRET)",
        "pass",
        "tests/shop/payments/test_webhook.py::test_a_forged_signature_is_refused",
    ),
    Guard(
        "formulas in exports",
        "shop/imports/parsing/formulas.py",
        'DANGEROUS = re.compile(r"\'*[=+\\-@\\t\\r]")',
        'DANGEROUS = re.compile(r"never")',
        "tests/shop/imports/test_uploads.py::test_a_formula_from_the_file_is_exported_as_text",
    ),
    Guard(
        "private answers are stored nowhere",
        "shop/core/browser_headers.py",
        "if is_personal(request):",
        "if False:",
        f"{T_PHOTO}/test_views.py::test_a_photo_is_private_and_not_indexed",
    ),
]
