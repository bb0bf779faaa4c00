from __future__ import annotations

import stat
from pathlib import Path

import pytest

from demo.environment import (
    FolderInUseError,
    is_locked,
    lock_folder,
    published,
    running_demo,
    secret_key,
)

VARIABLES = {"DATABASE_URL": "postgresql://x/y?a=b", "SECRET_KEY": "a=b c"}


def test_without_a_running_demo_nothing_is_found_or_created(tmp_path: Path) -> None:
    assert running_demo(tmp_path / "var") == {}
    assert list(tmp_path.iterdir()) == []


def test_the_variables_of_a_running_demo_are_found(tmp_path: Path) -> None:
    with lock_folder(tmp_path), published(tmp_path, VARIABLES):
        assert running_demo(tmp_path) == VARIABLES
        assert stat.S_IMODE((tmp_path / "demo.env").stat().st_mode) == 0o600
    assert running_demo(tmp_path) == {}
    assert not (tmp_path / "demo.env").exists()


def test_variables_left_by_a_killed_demo_are_ignored(tmp_path: Path) -> None:
    (tmp_path / "servers.lock").touch()
    (tmp_path / "demo.env").write_text("DATABASE_URL=postgresql://x/y\n")
    assert running_demo(tmp_path) == {}


def test_a_folder_can_be_locked_only_once(tmp_path: Path) -> None:
    with lock_folder(tmp_path):
        assert is_locked(tmp_path)
        with pytest.raises(FolderInUseError, match=str(tmp_path)), lock_folder(tmp_path):
            pass
    assert not is_locked(tmp_path)


def test_the_secret_key_is_created_once_with_private_permissions(tmp_path: Path) -> None:
    key = secret_key(tmp_path / "var")
    assert len(key) >= 50
    assert secret_key(tmp_path / "var") == key
    assert stat.S_IMODE((tmp_path / "var" / "secret-key").stat().st_mode) == 0o600
