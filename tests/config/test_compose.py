"""Check docker-compose.yml, Dockerfile and nginx.conf without Docker."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml
from django.conf import settings
from django.urls import reverse

from config import gunicorn
from config.beat_schedule import DEFAULT_QUEUE, ROUTES
from shop.core.middleware import body_limit

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
NGINX = (ROOT / "deploy" / "nginx.conf").read_text()
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"] == "lookalike"}


def example_variables() -> set[str]:
    return set(re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))


def test_the_services_are_the_documented_ones() -> None:
    assert set(SERVICES) == {
        "postgres",
        "replica",
        "redis",
        "migrate",
        "web",
        "proxy",
        "search",
        "catalogue",
        "uploads",
        "shop",
        "beat",
    }
    assert set(OURS) == {"migrate", "web", "search", "catalogue", "uploads", "shop", "beat"}


def test_every_permanent_service_has_a_health_check() -> None:
    assert [n for n, s in SERVICES.items() if "healthcheck" not in s] == ["migrate"]


def test_services_wait_for_healthy_servers_and_a_migrated_database() -> None:
    for name, service in OURS.items():
        conditions = {of: d["condition"] for of, d in service["depends_on"].items()}
        expected = {"postgres": "service_healthy", "redis": "service_healthy"}
        if name != "migrate":
            expected["migrate"] = "service_completed_successfully"
        assert conditions == expected, name


def test_the_replica_is_optional_and_follows_the_primary() -> None:
    replica, primary = SERVICES["replica"], SERVICES["postgres"]
    assert [name for name, service in SERVICES.items() if "profiles" in service] == ["replica"]
    assert replica["profiles"] == ["replica"]
    assert replica["image"] == primary["image"]
    assert re.findall(r"pg_basebackup -h (\w+)", replica["command"][2]) == ["postgres"]
    hba = COMPOSE["configs"]["pg_hba"]["content"].splitlines()
    assert hba[-1] == "host replication shop all scram-sha-256"
    for service in (replica, primary):
        (config,) = service["configs"]
        assert f"hba_file={config['target']}" in " ".join(service["command"])


def test_only_the_proxy_publishes_ports() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]
    assert "0.0.0.0:8000" in (ROOT / "Dockerfile").read_text()


def test_the_proxy_finds_a_replaced_web_container() -> None:
    # nginx resolves a name that is not in a variable only when it starts.
    assert re.findall(r"proxy_pass (\S+);", NGINX) == ["$shop", "$shop"]
    assert re.findall(r"set \$shop (\S+);", NGINX) == ["http://web:8000"]
    assert "upstream" not in NGINX
    (seconds,) = re.findall(r"resolver 127\.0\.0\.11 valid=(\d+)s;", NGINX)
    assert int(seconds) <= 5


def test_the_proxy_accepts_bodies_little_larger_than_the_shop() -> None:
    photo, catalogue = (int(size) for size in re.findall(r"client_max_body_size (\d+)m;", NGINX))
    assert 0 <= photo * 2**20 - body_limit() < 2**20
    assert 0 <= catalogue * 2**20 - body_limit() - settings.IMPORT_MAX_FILE_BYTES < 2**20
    # As in ``BodyLimitMiddleware``, all staff pages accept the larger bodies.
    (path,) = re.findall(r"location (\S+) {\n\s+client_max_body_size", NGINX)
    assert path == reverse("admin:index") == "/admin/"


def test_the_proxy_answers_its_own_errors_with_pages_in_both_languages() -> None:
    pages = re.findall(r"error_page ([\d ]+) /(\S+);", NGINX)
    assert pages == [("429 502 504", "busy.html"), ("413", "too-large.html")]
    assert "./deploy/pages:/etc/nginx/pages:ro" in SERVICES["proxy"]["volumes"]
    (limit,) = re.findall(r"client_max_body_size (\d+)m;\n    proxy_http", NGINX)
    for _statuses, name in pages:
        page = (ROOT / "deploy" / "pages" / name).read_text()
        assert '<div lang="de">' in page
        assert name == "busy.html" or page.count(f"{limit} MB") == 2


def test_the_proxy_limits_the_addresses_that_photos_are_uploaded_to() -> None:
    limited = re.findall(r'"POST (/[^"]+)" \$binary_remote_addr;', NGINX)
    names = ("recommender:photo-search", "recommender-api:image-searches")
    assert limited == [reverse(name) for name in names]
    assert "limit_req zone=uploads " in NGINX


def test_the_proxy_waits_longer_than_gunicorn_and_compose_longer_than_both() -> None:
    (seconds,) = re.findall(r"proxy_read_timeout (\d+)s;", NGINX)
    assert int(seconds) > gunicorn.timeout
    assert int(OURS["web"]["stop_grace_period"].removesuffix("s")) > gunicorn.graceful_timeout


def test_unsafe_settings_start_no_service() -> None:
    (script,) = OURS["migrate"]["command"][2:]
    assert script.startswith("python manage.py check --deploy --fail-level WARNING && ")


def test_every_queue_has_a_worker() -> None:
    queues = {
        s["command"][s["command"].index("-Q") + 1]
        for s in OURS.values()
        if "-Q" in s.get("command", [])
    }
    assert queues == {DEFAULT_QUEUE, *(route["queue"] for route in ROUTES.values())}


def test_bulk_workers_have_less_cpu() -> None:
    shares = {name: service.get("cpu_shares", 1024) for name, service in OURS.items()}
    assert {name for name, share in shares.items() if share == 128} == {"catalogue", "uploads"}
    assert {shares[name] for name in ("web", "search", "shop", "beat", "migrate")} == {1024}


def test_the_settings_read_every_variable_of_the_file() -> None:
    for service in OURS.values():
        assert set(service["environment"]) <= example_variables()


def test_every_service_reads_the_env_file() -> None:
    for service in OURS.values():
        assert service["env_file"] == [{"path": ".env", "required": False}]
        # Nor is any of its variables overridden by a default of Compose.
        composed = {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "VAR_DIR"}
        own = {
            name: value for name, value in service["environment"].items() if name not in composed
        }
        assert own == {"HTTPS": "${HTTPS:-True}", "PROXIES": "${PROXIES:-1}"}


def test_shared_files_are_on_volumes_owned_by_the_images_user() -> None:
    mounted = {name: dict(v.split(":") for v in s["volumes"]) for name, s in OURS.items()}
    assert all(folders["models"] == "/app/var/models" for folders in mounted.values())
    assert {name for name, folders in mounted.items() if "uploads" in folders} == {"web", "uploads"}
    (made,) = re.findall(r"mkdir -p (.*?) && chown", (ROOT / "Dockerfile").read_text())
    assert set(made.split()) == {path for folders in mounted.values() for path in folders.values()}
    assert {*COMPOSE["volumes"]} == {"postgres", "replica", "uploads", "models"}


def test_received_files_are_spooled_to_a_limited_tmpfs() -> None:
    (mount,) = SERVICES["web"]["tmpfs"]
    size = int(re.fullmatch(r"/tmp:size=(\d+)m,mode=1777", mount)[1])  # noqa: S108
    assert size * 2**20 > settings.IMPORT_MAX_FILE_BYTES + 16 * body_limit()


def test_env_example_lists_exactly_the_variables_of_the_settings() -> None:
    settings = (ROOT / "config" / "settings.py").read_text()
    assert set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', settings)) == example_variables()


def test_the_image_runs_as_a_user_and_copies_every_package() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert re.findall(r"^USER (\w+)", dockerfile, re.MULTILINE) == ["shop"]
    copied = set(re.findall(r"^COPY (?:--chown=\S+ )?([\w.]+) ", dockerfile, re.MULTILINE))
    packages = {"backoffice", "config", "demo", "recommender", "shop"}
    folders = {*packages, "templates", "static", "locale"}
    assert copied == {*folders, "manage.py", "requirements.lock"}
    # Only what is copied is not ignored, because the image cannot be built without it.
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert (ignored[0], ignored[-1]) == ("*", "**/__pycache__")
    assert {name[1:] for name in ignored if name.startswith("!")} == copied
    assert all((ROOT / name).exists() for name in copied)


def test_no_secret_has_a_default() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    for name in ("SECRET_KEY", "POSTGRES_PASSWORD"):
        assert set(re.findall(rf"\${{{name}(..)", text)) == {":?"}
