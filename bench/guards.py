"""The guards that ``bench/mutations.py`` breaks: source text, what replaces it, and the test."""

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
        f"{T_GUARDS}::test_who_may_only_view_orders_moves_none",
    ),
    Guard(
        "permission to note a payment",
        "shop/orders/admin.py",
        'paid"), permissions=["change"])',
        'paid"))',
        f"{T_GUARDS}::test_who_may_only_view_orders_moves_none",
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
        f"{T_GUARDS}::test_an_address_is_believed_from_as_many_proxies_as_there_are",
    ),
    Guard(
        "throttle of the token endpoint",
        "shop/api/tokens.py",
        "throttle_classes = (ScopedThrottle,)",
        "throttle_classes = ()",
        f"{T_GUARDS}::test_tokens_are_guessed_so_often_an_hour",
    ),
    Guard(
        "CSP",
        "config/settings.py",
        '    "csp.middleware.CSPMiddleware",\n',
        "",
        f"{T_GUARDS}::test_pages_run_no_script_but_their_own",
    ),
    Guard(
        "no inline scripts for staff",
        "backoffice/site.py",
        '"script-src": [UNSAFE_EVAL]',
        '"script-src": [UNSAFE_EVAL, UNSAFE_INLINE]',
        f"{T_GUARDS}::test_pages_of_the_staff_run_no_inline_script",
    ),
    Guard(
        "guesses at one account",
        "shop/accounts/sign_in_limit.py",
        'hit(PAIR_LIMIT, "sign-in-pair", pair)',
        "True",
        f"{T_ACCOUNTS}/test_sign_in_limit.py::test_five_guesses_by_one_door_close_all",
    ),
    Guard(
        "guesses of one address",
        "shop/accounts/sign_in_limit.py",
        'hit(ADDRESS_LIMIT, "sign-in", address)',
        "True",
        f"{T_ACCOUNTS}/test_sign_in_limit.py::test_an_address_guesses_at_so_many_accounts",
    ),
    Guard(
        "known addresses are not locked out",
        "shop/accounts/sign_in_limit.py",
        "bool(cache.get(_known(pair))) or ",
        "",
        f"{T_ACCOUNTS}/test_sign_in_limit.py"
        "::test_many_strangers_stop_new_addresses_but_not_those_that_signed_in_before",
    ),
    Guard(
        "one IPv6 customer is one address",
        "shop/core/rate_limit.py",
        "if isinstance(address, ipaddress.IPv6Address):",
        "if False:",
        f"{T_ACCOUNTS}/test_sign_in_limit.py::test_one_ipv6_customer_is_one_address",
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
        "::test_where_it_is_demanded_staff_do_nothing_without_a_second_factor",
    ),
    Guard(
        "scope of a token",
        "shop/api/authentication.py",
        "request.method not in SAFE_METHODS",
        "False",
        f"{T_API}/test_authentication.py::test_a_token_that_may_read_changes_nothing",
    ),
    Guard(
        "end of a token",
        "shop/api/authentication.py",
        "ApiToken.objects.valid()",
        "ApiToken.objects.all()",
        f"{T_API}/test_authentication.py::test_a_token_opens_nothing_after_its_end",
    ),
    Guard(
        "tokens end with the password",
        "shop/api/apps.py",
        "instance.api_tokens.all().delete()",
        "pass",
        f"{T_API}/test_tokens.py::test_a_new_password_ends_the_token",
    ),
    Guard(
        "owner of a token",
        "shop/accounts/views.py",
        "get_object_or_404(ApiToken, pk=pk, user=_user(request))",
        "get_object_or_404(ApiToken, pk=pk)",
        f"{T_ACCOUNTS}/test_account.py::test_a_token_is_shown_and_revoked_by_its_owner_alone",
    ),
    Guard(
        "owner of an address",
        "shop/accounts/views.py",
        "own = Address.objects.filter(user=user)",
        "own = Address.objects.all()",
        f"{T_ACCOUNTS}/test_account.py::test_an_address_of_somebody_else_is_not_found",
    ),
    Guard(
        "owner of a cart line",
        "shop/api/cart.py",
        "pk=pk, cart__user=self.user)",
        "pk=pk)",
        f"{T_API}/test_orders.py::test_nobody_reaches_what_is_anothers",
    ),
    Guard(
        "owner of an order",
        "shop/api/orders.py",
        "Order.objects.filter(user=self.user)",
        "Order.objects.all()",
        f"{T_API}/test_orders.py::test_nobody_reaches_what_is_anothers",
    ),
    Guard(
        "e-mails are compared exactly",
        "shop/core/emails.py",
        "return text.translate(_LOWER)",
        "return text.casefold()",
        f"{T_ACCOUNTS}/test_account.py::test_an_address_that_only_looks_the_same_opens_nothing",
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
        f"{T_API}/test_idempotency.py::test_a_call_with_the_same_key_happens_once",
    ),
    Guard(
        "stock",
        "shop/orders/checkout.py",
        "if line.quantity > left:",
        "if False:",
        f"{T_ORDERS}/test_checkout.py::test_fifty_buyers_of_ten_pieces_make_ten_orders",
    ),
    Guard(
        "the price that was seen",
        "shop/orders/checkout.py",
        "if total is not None and total != sums.total:",
        "if False:",
        f"{T_ORDERS}/test_voucher.py::test_nothing_is_ordered_at_another_price_than_was_seen",
    ),
    Guard(
        "moves of an order",
        "shop/orders/states.py",
        "if state not in TRANSITIONS[order.state]:",
        "if False:",
        f"{T_ORDERS}/test_states.py::test_only_the_moves_of_the_table_are_possible",
    ),
    Guard(
        "a guest's order is confirmed or cancelled",
        "shop/orders/confirmation.py",
        "confirm_by__lte=timezone.now()",
        "confirm_by=None",
        f"{T_ORDERS}/test_confirmation.py::test_an_order_that_nobody_confirms_gives_its_stock_back",
    ),
    Guard(
        "limit of orders on invoice",
        "shop/orders/limits.py",
        'return allows(request, "invoice-order", limit) and allows_key(',
        "return True or allows_key(",
        f"{T_ORDERS}/test_confirmation.py"
        "::test_one_address_and_one_email_place_so_many_orders_an_hour",
    ),
    Guard(
        "limit of voucher codes",
        "shop/orders/limits.py",
        'if not (allows(request, "voucher", limit) and by_session):',
        "if False:",
        f"{T_ORDERS}/test_confirmation.py::test_voucher_codes_cannot_be_guessed",
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
        f"{T_ORDERS}/test_confirmation.py::test_a_name_carries_no_link",
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
        "size of a picture",
        "shop/catalogue/images/pictures.py",
        "if len(data) > settings.PICTURE_MAX_BYTES:",
        "if False:",
        f"{T_PHOTO}/test_views.py::test_bad_input_gets_its_message_and_nothing_is_kept",
    ),
    Guard(
        "scans of a picture",
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
        f"{T_PHOTO}/test_views.py::test_metadata_is_removed_and_the_photo_stands_upright",
    ),
    Guard(
        "size of a body",
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
        "shop/imports/parsing/rows.py",
        'DANGEROUS = re.compile(r"\'*[=+\\-@\\t\\r]")',
        'DANGEROUS = re.compile(r"never")',
        "tests/shop/imports/test_uploads.py::test_a_formula_from_the_file_is_text",
    ),
    Guard(
        "private answers are stored nowhere",
        "shop/core/browser_headers.py",
        "if is_personal(request):",
        "if False:",
        f"{T_PHOTO}/test_views.py::test_a_photo_is_private_and_not_indexed",
    ),
]
