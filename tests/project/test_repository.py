"""Where the repository is that a command runs in."""

from __future__ import annotations

from pathlib import Path

import pytest

from nlmon.project.repository import places
from nlmon.report.places import Places

CASES = [
    ({"a/.git"}, "a/b/c", "", "a"),
    ({"a/.git", "a/b/.git"}, "a/b/c", "", "a/b"),
    ({"a/.git"}, "a/b/c", "a/b", "a/b"),
    ({"a/.git"}, "a/b/c", "a/x", "a"),
    (set(), "a/b", "a", "a"),
]


@pytest.mark.parametrize(("made", "here", "checked_out", "top"), CASES, ids=range(len(CASES)))
def test_the_repository_is_the_nearest_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: set[str], here: str, checked_out: str, top: str
) -> None:
    """Or what GitLab has checked out, if the command runs in it."""
    for name in (*made, here):
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(tmp_path / here)
    monkeypatch.setenv("CI_PROJECT_DIR", str(tmp_path / checked_out) if checked_out else "")

    assert places() == Places(str(tmp_path / top), str(tmp_path / here))


def test_without_a_repository_paths_start_from_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As they are written."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CI_PROJECT_DIR", raising=False)

    assert places().in_repository("a/b.pcap") == "a/b.pcap"
