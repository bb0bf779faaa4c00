from __future__ import annotations

import os
import subprocess
import sys

import pytest
from django.conf import settings

pytestmark = pytest.mark.slow
KEY = {"STRIPE_SECRET_KEY": "sk_test_1"}
SECRET = {"STRIPE_WEBHOOK_SECRET": "whsec_1"}
QUESTION = """
import django; django.setup()
from django.conf import settings
from shop.orders.payment import METHODS
print(list(METHODS), settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]["form-action"])
"""


def _start(variables: dict[str, str]) -> tuple[str, str]:
    """Return stdout and stderr of a process started with these variables."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("STRIPE_")}
    done = subprocess.run(
        [sys.executable, "-c", QUESTION],
        env=kept | {"DJANGO_SETTINGS_MODULE": "config.settings"} | variables,
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout.strip(), done.stderr


def test_two_variables_enable_cards() -> None:
    said, _complaint = _start(KEY | SECRET)
    methods = "['invoice', 'delivery', 'card']"
    assert said == f"""{methods} ["'self'", 'https://checkout.stripe.com']"""


def test_cards_are_disabled_by_default() -> None:
    said, _complaint = _start({})
    assert said == """['invoice', 'delivery'] ["'self'"]"""


@pytest.mark.parametrize("variables", [KEY, SECRET], ids=["key", "secret"])
def test_one_variable_without_the_other_is_refused(variables: dict[str, str]) -> None:
    said, complaint = _start(variables)
    assert said == ""
    assert "Set both STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET, or neither." in complaint
