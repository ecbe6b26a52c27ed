"""The page on what is claimed of the guide: each sentence has a claim, a scenario, a test, or a reason for none."""

from __future__ import annotations

import re

from nlmon.conformance.claim import all_claims
from support.paths import REPOSITORY

PAGE = (REPOSITORY / "docs" / "reference" / "guide-claims.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (?!the guide says|---)(.+) \| (.+) \|$", PAGE, re.MULTILINE)
REASON = "\N{EN DASH} "
ID = re.compile(r"`([a-z]+(?:\.[a-z0-9-]+)+)`")
TEST = re.compile(r"(tests/[\w/]+\.py)(?:::(\w+))?")
# Chapters of the guide whose sentences the page has.
CHAPTERS = {
    *("options", "unified", "direct", "deprecated", "structure", "trouble"),
    *("quick", "migration", "rollback", "pattern", "validation"),
}


def test_every_sentence_is_tested_or_has_a_reason() -> None:
    """A reason follows a dash."""
    proof = re.compile(rf"{ID.pattern}|{TEST.pattern}|^{REASON}|each claim")
    bare = [says for says, by in ROWS if not proof.search(by)]

    assert (bare, len(ROWS) > 50) == ([], True)


def test_what_the_page_names_is_there() -> None:
    """Claims by their id, and scenarios by that of their file."""
    named = {one for _, by in ROWS for one in ID.findall(by)}
    claims = {one.id for one in all_claims()}
    folder = REPOSITORY / "scenarios" / "configuration"
    scenarios = {f"configuration.{path.stem}" for path in folder.glob("*.yaml")}

    assert named - claims - scenarios == set()


def test_tests_that_the_page_names_are_there() -> None:
    """Each function in its file."""
    named = set(TEST.findall(PAGE))
    lost = [
        (path, function)
        for path, function in named
        if not (REPOSITORY / path).is_file() or f"def {function}" not in (REPOSITORY / path).read_text(encoding="utf-8")
    ]

    assert (lost, len(named) > 10) == ([], True)


def test_every_claim_of_these_chapters_is_on_the_page() -> None:
    """None is there that no sentence needs."""
    named = set(ID.findall(PAGE))

    assert {one.id for one in all_claims() if one.id.partition(".")[0] in CHAPTERS} - named == set()
