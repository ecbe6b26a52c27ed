"""Fragments of the changelog have names that a release understands, and say something."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent
FRAGMENTS = sorted(path for path in (REPOSITORY / "changelog.d").iterdir() if path.name != "README.md")
SETTINGS = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["towncrier"]
KINDS = {row["directory"] for row in SETTINGS["type"]}


def test_a_fragment_has_a_name_and_a_kind() -> None:
    """``+WHAT.KIND.md``; what is named otherwise would be missing from the release."""
    found = {path.name: re.fullmatch(r"\+[a-z0-9][a-z0-9-]*\.([a-z]+)\.md", path.name) for path in FRAGMENTS}

    assert [name for name, parts in found.items() if parts is None or parts[1] not in KINDS] == []


def test_a_fragment_is_of_whole_sentences() -> None:
    """It ends with a full stop and is no list, which the release makes of it."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in FRAGMENTS}

    assert [name for name, text in texts.items() if not text.endswith(".\n")] == []
    assert [name for name, text in texts.items() if text.startswith(("-", "*", "#"))] == []


def test_a_release_has_a_place_in_the_changelog() -> None:
    """Behind the mark that the release looks for."""
    assert "\n<!-- towncrier release notes start -->\n" in (REPOSITORY / SETTINGS["filename"]).read_text(
        encoding="utf-8"
    )
