"""A configuration stays in force until another one is in order."""

from __future__ import annotations

from pathlib import Path

import pytest

from nlmon.config import Loaded, load, reload


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "nlmon.yaml"
    path.write_text("core: {max_events: 500}\n")
    return path


def events(loaded: Loaded) -> int:
    """The value that the tests change."""
    assert loaded.config is not None
    return loaded.config.core.max_events


def test_a_change_is_taken_over(file: Path) -> None:
    """The version counts the configurations, and files and environment are read again."""
    first = load([file], {})
    file.write_text("core: {max_events: 600}\n")
    second = reload(first, {})
    third = reload(second, {"NLMON_MAX_EVENTS": "700"})

    assert [(one.version, events(one)) for one in (first, second, third)] == [(1, 500), (2, 600), (3, 700)]
    assert third.origins["core.max_events"] == "environment NLMON_MAX_EVENTS"


@pytest.mark.parametrize("text", ["core: {max_events: 5}\n", "core: [", None])
def test_with_an_error_the_old_one_stays(file: Path, text: str | None) -> None:
    """Whether a value is wrong, the file is none, or it is gone; the errors are reported."""
    first = load([file], {})
    if text is None:
        file.unlink()
    else:
        file.write_text(text)
    second = reload(first, {})

    assert (second.config, second.version, second.origins) == (first.config, 1, first.origins)
    assert len(second.errors) == 1


def test_all_keys_are_in_force_at_once(file: Path) -> None:
    """The implementation, too."""
    first = load([file], {})
    file.write_text("core: {max_events: 600}\nnetlink: {use_libnl: false}\n")
    second = reload(first, {})

    assert second.config is not None
    assert (events(second), second.config.netlink.use_libnl, second.origins["netlink.use_libnl"]) == (
        600,
        False,
        f"{file}:2",
    )
    assert second.problems == ()


def test_after_errors_at_the_start_the_first_good_one_is_taken(file: Path) -> None:
    """There was none to keep."""
    file.write_text("core: {max_events: 5}\n")
    first = load([file], {})
    file.write_text("core: {max_events: 600}\n")

    assert (first.config, events(reload(first, {}))) == (None, 600)
