"""Fragments of the changelog have names that a release understands, and say something."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent
FRAGMENTS = sorted(path for path in (REPOSITORY / "changelog.d").iterdir() if path.name != "README.md")
SETTINGS = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["towncrier"]
KINDS = {row["directory"] for row in SETTINGS["type"]}


@pytest.mark.parametrize("path", FRAGMENTS, ids=lambda path: path.name)
def test_a_fragment_has_a_name_and_a_kind(path: Path) -> None:
    """``+WHAT.KIND.md``; what is named otherwise would be missing from the release."""
    found = re.fullmatch(r"\+[a-z0-9][a-z0-9-]*\.([a-z]+)\.md", path.name)

    assert found is not None
    assert found[1] in KINDS


@pytest.mark.parametrize("path", FRAGMENTS, ids=lambda path: path.name)
def test_a_fragment_is_of_whole_sentences(path: Path) -> None:
    """It ends with a full stop and is no list, which the release makes of it."""
    text = path.read_text(encoding="utf-8")

    assert text.endswith(".\n")
    assert not text.startswith(("-", "*", "#"))


def test_a_release_has_a_place_in_the_changelog() -> None:
    """Behind the mark that the release looks for."""
    assert "\n<!-- towncrier release notes start -->\n" in (REPOSITORY / SETTINGS["filename"]).read_text(
        encoding="utf-8"
    )
