"""Files that are whole or absent: what was there before stays until they are, and keeps its mode."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nlmon.atomic import write_whole


def test_a_file_is_replaced(tmp_path: Path) -> None:
    """With its mode, and nothing else is left in the folder."""
    path = tmp_path / "a"
    path.write_bytes(b"old")
    path.chmod(0o604)
    write_whole(path, b"new")

    assert [(one.name, one.read_bytes(), one.stat().st_mode & 0o777) for one in tmp_path.iterdir()] == [
        ("a", b"new", 0o604)
    ]


@pytest.mark.parametrize("before", [None, 0o644])
def test_a_private_file_is_its_owners(tmp_path: Path, before: int | None) -> None:
    """Whatever the umask, and whatever mode the file had that was there."""
    path = tmp_path / "a"
    if before is not None:
        path.write_bytes(b"old")
        path.chmod(before)
    mask = os.umask(0)
    try:
        write_whole(path, b"new", private=True)
    finally:
        os.umask(mask)

    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"new", 0o600)


def test_what_fails_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is full leaves the file that was there, and no other."""

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "a"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, b"new")

    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("a", b"old")]


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    """The file behind it stays."""
    (tmp_path / "a").write_bytes(b"old")
    (tmp_path / "link").symlink_to("a")
    write_whole(tmp_path / "link", b"new")

    assert [(one.name, one.is_symlink(), one.read_bytes()) for one in sorted(tmp_path.iterdir())] == [
        ("a", False, b"old"),
        ("link", False, b"new"),
    ]
