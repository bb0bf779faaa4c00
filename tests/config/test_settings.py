"""The settings start no server and write no file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from demo.environment import lock_folder, published

pytestmark = pytest.mark.slow

SERVERS = {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "VAR_DIR", "DJANGO_SETTINGS_MODULE"}
# Removed, because the browser tests set it for their own process.
UNSET = SERVERS | {"DJANGO_ALLOW_ASYNC_UNSAFE"}


def run(folder: Path, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run Python in the folder without any environment variable of the shop."""
    environment = {name: value for name, value in os.environ.items() if name not in UNSET}
    environment |= {"VAR_DIR": str(folder / "var"), **variables}
    return subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True
    )


def test_check_starts_no_server_and_writes_no_file(tmp_path: Path) -> None:
    done = run(tmp_path, str(settings.BASE_DIR / "manage.py"), "check")
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.rglob("*")) == []


def test_mypy_starts_no_server_and_writes_no_file(tmp_path: Path) -> None:
    root = settings.BASE_DIR
    command = ("--config-file", str(root / "pyproject.toml"), "--cache-dir", os.devnull)
    done = run(
        tmp_path, "-m", "mypy", *command, str(root / "shop" / "core"), MYPYPATH=str(root),
        PYTHONPATH=str(root),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.parametrize("command", [["migrate"], ["embedding_model", "list"]])
def test_a_command_without_a_database_says_what_to_do(command: list[str], tmp_path: Path) -> None:
    done = run(tmp_path, str(settings.BASE_DIR / "manage.py"), *command)
    assert done.returncode == 1
    assert done.stderr == (
        'There is no database. Start the demo ("make demo"), or set DATABASE_URL.\n'
    )


def test_a_command_uses_the_servers_of_a_running_demo(tmp_path: Path) -> None:
    variables = {name: os.environ[name] for name in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY")}
    with lock_folder(tmp_path / "var"), published(tmp_path / "var", variables):
        script = "from django.conf import settings; print(settings.DATABASE_URL)"
        manage = str(settings.BASE_DIR / "manage.py")
        done = run(tmp_path, manage, "shell", "-v", "0", "-c", script)
    assert done.stdout == f"{variables['DATABASE_URL']}\n", done.stderr


def test_a_database_without_a_secret_key_is_refused(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        str(settings.BASE_DIR / "manage.py"),
        "check",
        DATABASE_URL="postgresql:///shop",
        REDIS_URL="redis://localhost",
    )
    assert done.returncode == 1
    assert "SECRET_KEY" in done.stderr.splitlines()[-1]


CHECK = (str(settings.BASE_DIR / "manage.py"), "check", "--deploy", "--fail-level", "WARNING")
PRODUCTION = {
    "DATABASE_URL": "postgresql:///unused",
    "REDIS_URL": "redis://unused",
    "SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP",
    "HTTPS": "1",
    "EMAIL_HOST": "smtp.example.com",
}


@pytest.mark.parametrize(
    ("variables", "check"),
    [
        ({"SECRET_KEY": "short"}, "security.W009"),
        ({"SECRET_KEY_FALLBACKS": "short"}, "security.W025"),
        ({"DEBUG": "1"}, "security.W018"),
        ({"HTTPS": "0"}, "security.W008"),
        ({"EMAIL_HOST": ""}, "mail.E001"),
    ],
)
def test_an_unsafe_deployment_is_refused(
    variables: dict[str, str], check: str, tmp_path: Path
) -> None:
    done = run(tmp_path, *CHECK, **PRODUCTION | variables)
    assert done.returncode == 1
    assert check in done.stderr


def test_an_empty_secret_key_is_refused(tmp_path: Path) -> None:
    assert run(tmp_path, *CHECK, **PRODUCTION | {"SECRET_KEY": ""}).returncode == 1


@pytest.mark.parametrize("variables", [{}, {"HTTPS": "0", "ALLOW_HTTP": "1"}])
def test_a_safe_deployment_passes(variables: dict[str, str], tmp_path: Path) -> None:
    done = run(tmp_path, *CHECK, **PRODUCTION | variables)
    assert done.returncode == 0, done.stderr
