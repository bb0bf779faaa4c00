"""Settings of every environment. The file .env.example describes the environment variables."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

import django_stubs_ext
from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _
from environs import Env, validate

from backoffice import admin_site
from config import beat_schedule
from config.databases import build_databases
from demo.environment import running_demo

django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
env = Env()
env.read_env(str(BASE_DIR / ".env"), recurse=False)

VAR_DIR = Path(env.str("VAR_DIR", str(BASE_DIR / "var"))).resolve()
DEBUG = env.bool("DEBUG", False)
HTTPS = env.bool("HTTPS", False)
SITE_NAME = env.str("SITE_NAME", "Lookalike")

# Servers: the addresses come from the environment, or from a demo that runs on this machine.
# Without either, Django starts, and the first query fails with a message that says what to do.

if not env.str("DATABASE_URL", ""):
    os.environ.update(running_demo(VAR_DIR))
DATABASE_URL = env.str("DATABASE_URL", "")
REDIS_URL = env.str("REDIS_URL") if DATABASE_URL else ""
SECRET_KEY = env.str("SECRET_KEY") if DATABASE_URL else ""
SECRET_KEY_FALLBACKS: list[str] = env.list("SECRET_KEY_FALLBACKS", [])
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", [])

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "backoffice.apps.StaffSiteConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.sitemaps",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "csp",
    "django_htmx",
    "pgtrigger",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "backoffice.apps.BackofficeConfig",
    "shop.catalogue",
    "shop.mail",
    "shop.accounts",
    "shop.wishlist",
    "shop.cart",
    "shop.orders",
    "shop.payments",
    "shop.reviews",
    "shop.api",
    "shop.imports",
    "shop.pages",
    "recommender",
]
MIDDLEWARE = [
    "shop.core.access_log.AccessLogMiddleware",
    "shop.core.browser_headers.BrowserHeadersMiddleware",
    "shop.core.middleware.BodyLimitMiddleware",
    "shop.core.middleware.HealthMiddleware",
    "shop.core.middleware.RefuseNulMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "shop.core.middleware.GZipTextMiddleware",
    # ConditionalGet is below GZip, because compression would change the body that the ETag covers.
    "django.middleware.http.ConditionalGetMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "shop.core.middleware.TooBusyMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "csp.context_processors.nonce",
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "shop.catalogue.browsing.context_processors.shop",
                "shop.cart.context_processors.cart",
                "shop.wishlist.context_processors.wishlist",
            ]
        },
    }
]

# PostgreSQL

_max_age, _pooled = env.int("DATABASE_CONN_MAX_AGE", 60), env.bool("DATABASE_POOLED", False)
DATABASES = build_databases(DATABASE_URL, env.str("DATABASE_REPLICA_URL", ""), _max_age, _pooled)
DATABASE_REPLICA_MAX_LAG_SECONDS = env.float("DATABASE_REPLICA_MAX_LAG_SECONDS", 10)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Redis: broker and cache; nothing is stored only in Redis

CACHES = {
    "default": {
        "BACKEND": "shop.core.cache.TolerantRedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "shop",
    }
}
_redis = urlsplit(REDIS_URL)
CELERY_BROKER_URL = f"redis+socket://{_redis.path}" if _redis.scheme == "unix" else REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = beat_schedule.DEFAULT_QUEUE
CELERY_TASK_ROUTES = beat_schedule.ROUTES
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_keepalive": True, "visibility_timeout": 3600}
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "beat-schedule")
# Only one retry, because a shopper's page must not hang when Redis is down.
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_step": 0.1}
CELERY_BEAT_SCHEDULE = beat_schedule.CELERY_BEAT_SCHEDULE

# Files: pictures are in PostgreSQL by default, or in another Django storage such as S3 (see docs)

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "pictures": {
        "BACKEND": env.str("PICTURE_STORAGE", "shop.catalogue.images.storage.PostgresStorage"),
        "OPTIONS": env.json("PICTURE_STORAGE_OPTIONS", {}),
    },
    "uploads": {
        "BACKEND": env.str("UPLOAD_STORAGE", "django.core.files.storage.FileSystemStorage"),
        "OPTIONS": env.json("UPLOAD_STORAGE_OPTIONS", {"location": str(VAR_DIR / "uploads")}),
    },
    "staticfiles": {
        "BACKEND": env.str(
            "STATICFILES_STORAGE", "whitenoise.storage.CompressedManifestStaticFilesStorage"
        )
    },
}
# Files of a FileSystemStorage whose options name no location.
MEDIA_ROOT = VAR_DIR / "media"
STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_MAX_AGE = 3600
PICTURE_MAX_BYTES = env.int("PICTURE_MAX_BYTES", 10 * 1024 * 1024)
PICTURE_MAX_PIXELS = env.int("PICTURE_MAX_PIXELS", 50_000_000)
DATA_UPLOAD_MAX_MEMORY_SIZE = PICTURE_MAX_BYTES + 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = PICTURE_MAX_BYTES
IMPORT_MAX_FILE_BYTES = env.int("IMPORT_MAX_FILE_BYTES", 2 * 1024**3)
IMPORT_MAX_UNPACKED_BYTES = env.int("IMPORT_MAX_UNPACKED_BYTES", 8 * 1024**3)
UPLOAD_LIFETIME_DAYS = env.int("UPLOAD_LIFETIME_DAYS", 30)
IMPORT_MAX_FILES = env.int("IMPORT_MAX_FILES", 500_000)
IMPORT_MAX_RATIO = env.int("IMPORT_MAX_RATIO", 100)

# The shop

DEFAULT_CURRENCY = env.str("DEFAULT_CURRENCY", "EUR")
CATALOGUE_PAGE_SIZE = 24
# The tax included in every price, in per cent.
TAX_RATE = env.decimal("TAX_RATE", Decimal(20))
RETURN_DAYS = env.int("RETURN_DAYS", 14)
# ISO 3166 codes.
DELIVERY_COUNTRIES: list[str] = env.list(
    "DELIVERY_COUNTRIES", ["AT", "BE", "CH", "DE", "ES", "FR", "IE", "IT", "LU", "NL", "PT"]
)
# Base URL of the links in emails.
SITE_URL = env.str("SITE_URL", "http://localhost:8000")
# Unpaid orders are limited per client address, and per account or a guest's e-mail; voucher codes
# per client address and per session.
UNPAID_ORDERS_PER_HOUR = env.int("UNPAID_ORDERS_PER_HOUR", 10)
VOUCHER_CODES_PER_HOUR = env.int("VOUCHER_CODES_PER_HOUR", 20)
STOCK_ALERTS_PER_HOUR = env.int("STOCK_ALERTS_PER_HOUR", 30)
# Days after delivery until buyers are asked for reviews; with 0 they are never asked.
REVIEW_AFTER_DAYS = env.int("REVIEW_AFTER_DAYS", 7)
# Number of trusted proxies in front of the site that append to X-Forwarded-For.
PROXIES = env.int("PROXIES", 0)

# Card payment is offered if the secret key and the webhook secret are set.
STRIPE_SECRET_KEY = env.str("STRIPE_SECRET_KEY", "")
STRIPE_WEBHOOK_SECRET = env.str("STRIPE_WEBHOOK_SECRET", "")
STRIPE_API_BASE = env.str("STRIPE_API_BASE", "https://api.stripe.com")
if bool(STRIPE_SECRET_KEY) != bool(STRIPE_WEBHOOK_SECRET):
    raise ImproperlyConfigured("Set both STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET, or neither.")
# Time to pay by card before the order is cancelled. Stripe allows 30 minutes to 24 hours.
PAYMENT_TIMEOUT_MINUTES = env.int(
    "PAYMENT_TIMEOUT_MINUTES", 60, validate=validate.Range(min=31, max=1439)
)

# Emails are queued in PostgreSQL, then sent to EMAIL_HOST; if it is empty, to files in VAR_DIR

EMAIL_HOST = env.str("EMAIL_HOST", "")
EMAIL_PORT = env.int("EMAIL_PORT", 587)
EMAIL_HOST_USER = env.str("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = env.str("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = env.bool("EMAIL_USE_TLS", True)
EMAIL_TIMEOUT = 20
EMAIL_BACKEND = "shop.mail.backends.QueueBackend"
# The backend that delivers queued emails. It must send what EmailMessage.message() returns, as
# Django's backends do.
_delivery = "smtp" if EMAIL_HOST else "filebased"
EMAIL_DELIVERY_BACKEND = f"django.core.mail.backends.{_delivery}.EmailBackend"
EMAIL_FILE_PATH = VAR_DIR / "mail"
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "shop@localhost")

# The recommender

MODEL_FOLDERS = [VAR_DIR / "models", BASE_DIR / "recommender" / "weights"]
DEFAULT_MODEL = env.str("DEFAULT_MODEL", "fashion-3")
NETWORK_CACHE = VAR_DIR / "network-cache"
NETWORK_THREADS = env.int("NETWORK_THREADS", 0)  # 0: all cores
NETWORK_PRECISION = env.str("NETWORK_PRECISION", "f32", validate=validate.OneOf(["f32", "bf16"]))
EMBED_BATCH = env.int("EMBED_BATCH", 64)
EMBED_LEASE_SECONDS = env.int("EMBED_LEASE_SECONDS", 60)
PHOTO_LIFETIME_HOURS = env.int("PHOTO_LIFETIME_HOURS", 24)
PHOTO_SEARCHES_PER_HOUR = env.int("PHOTO_SEARCHES_PER_HOUR", 120)
EVENTS_PER_HOUR = env.int("EVENTS_PER_HOUR", 2000)
EVENT_LIFETIME_DAYS = env.int("EVENT_LIFETIME_DAYS", 90)

# Languages and time

LANGUAGE_CODE = env.str("LANGUAGE_CODE", "en")
LANGUAGES = [("en", _("English")), ("de", _("German"))]
# The second path has translations of allauth's German texts in the polite form, which the shop
# uses everywhere.
LOCALE_PATHS = [BASE_DIR / "locale", BASE_DIR / "locale" / "allauth"]
FORMAT_MODULE_PATH = "config.formats"
TIME_ZONE = env.str("TIME_ZONE", "UTC")
CELERY_TIMEZONE = TIME_ZONE
USE_I18N = True
USE_TZ = True
# Automatic grouping would break numbers in HTML attributes. Prices and counts are grouped
# explicitly.
USE_THOUSAND_SEPARATOR = False

# The API

API_TOKEN_DAYS = env.int("API_TOKEN_DAYS", 365, validate=validate.Range(min=1))
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "shop.api.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["shop.api.parsers.JSONParser"],
    "DEFAULT_THROTTLE_CLASSES": [
        "shop.api.throttling.AnonThrottle",
        "shop.api.throttling.UserThrottle",
    ],
    "DEFAULT_THROTTLE_RATES": {
        "anon": env.str("API_RATE_ANONYMOUS", "600/hour"),
        "user": env.str("API_RATE_USER", "6000/hour"),
        "image-searches": env.str("API_RATE_IMAGE_SEARCHES", "120/hour"),
        "tokens": env.str("API_RATE_TOKENS", "20/hour"),
    },
    "EXCEPTION_HANDLER": "shop.api.problems.handle",
    "DEFAULT_SCHEMA_CLASS": "shop.api.schema.Schema",
    "COERCE_DECIMAL_TO_STRING": True,
}
SPECTACULAR_SETTINGS = {
    "TITLE": f"{SITE_NAME} API",
    "DESCRIPTION": "Products and similar items, photo search, cart, orders, and the catalogue for "
    "staff. Errors are problem details (RFC 9457).",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "ENUM_NAME_OVERRIDES": {"OrderStateEnum": "shop.orders.models.Order.State"},
}

# Staff

UNFOLD = admin_site.unfold_settings(SITE_NAME)

# Security

SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = env.bool("HSTS_PRELOAD", False)
# W021 asks for HSTS preloading. It is silenced, because browsers keep a preloaded domain for
# months, so that its owner must decide on it.
SILENCED_SYSTEM_CHECKS = ["security.W021"]
if env.bool("ALLOW_HTTP", False):  # lets `check --deploy` pass with HTTP
    SILENCED_SYSTEM_CHECKS += [f"security.W{number}" for number in ("004", "008", "012", "016")]
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
LANGUAGE_COOKIE_SECURE = HTTPS
CSRF_FAILURE_VIEW = "shop.core.views.csrf_failure"
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    # The admin (backoffice.site) and the API's documentation (config.api_urls) allow more.
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "img-src": [SELF, "data:", "blob:"],
        "object-src": [NONE],
        "base-uri": [SELF],
        # Includes Stripe, because browsers also check where a form is redirected to.
        "form-action": [SELF, *(["https://checkout.stripe.com"] if STRIPE_SECRET_KEY else [])],
        "frame-ancestors": [NONE],
    },
}
# Customers

AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "accounts:account"
ACCOUNT_ADAPTER = "shop.accounts.adapter.AccountAdapter"
ACCOUNT_FORMS = {
    "login": "shop.accounts.forms.LoginForm",
    "signup": "shop.accounts.forms.SignupForm",
}
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_LOGOUT_REDIRECT_URL = "catalogue:home"
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ALLAUTH_TRUSTED_PROXY_COUNT = PROXIES
# These limits apply to codes only, because shop.accounts.sign_in_limit limits passwords.
ACCOUNT_RATE_LIMITS = {"login": None, "login_failed": "10/m/ip,5/5m/key"}
MFA_TOTP_ISSUER = SITE_NAME
# Whether staff must set up a second factor before they can use the admin and the staff API.
STAFF_REQUIRE_MFA = env.bool("STAFF_REQUIRE_MFA", False)
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

# Logs one line per request, without private links (shop.core.access_log).
ACCESS_LOG = env.bool("ACCESS_LOG", False)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {
        "handlers": ["console"],
        "level": env.str(
            "LOG_LEVEL", "INFO", validate=validate.OneOf(["DEBUG", "INFO", "WARNING", "ERROR"])
        ),
    },
}
