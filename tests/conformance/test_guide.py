"""The page on what is claimed of the guide: each sentence has a claim, a scenario, or the reason why there is none."""

from __future__ import annotations

import re

from nlmon.conformance.claim import all_claims
from support.paths import REPOSITORY

PAGE = (REPOSITORY / "docs" / "reference" / "guide-claims.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (?!the guide says|---)(.+) \| (.+) \|$", PAGE, re.MULTILINE)
REASON = "\N{EN DASH} "
ID = re.compile(r"`([a-z]+(?:\.[a-z0-9-]+)+)`")
# Chapters of the guide whose sentences the page has.
CHAPTERS = {"options", "unified", "direct", "deprecated", "structure", "trouble"}


def test_every_sentence_is_tested_or_has_a_reason() -> None:
    """A reason follows a dash."""
    bare = [says for says, by in ROWS if not ID.search(by) and not by.startswith(REASON) and "each claim" not in by]

    assert (bare, len(ROWS) > 50) == ([], True)


def test_what_the_page_names_is_there() -> None:
    """Claims by their id, and scenarios by that of their file."""
    named = {one for _, by in ROWS for one in ID.findall(by)} | set(ID.findall(PAGE.rpartition("\n\n")[2]))
    claims = {one.id for one in all_claims()}
    folder = REPOSITORY / "scenarios" / "configuration"
    scenarios = {f"configuration.{path.stem}" for path in folder.glob("*.yaml")}

    assert named - claims - scenarios == set()


def test_every_claim_of_these_chapters_is_on_the_page() -> None:
    """None is there that no sentence needs."""
    named = set(ID.findall(PAGE))

    assert {one.id for one in all_claims() if one.id.partition(".")[0] in CHAPTERS} - named == set()
