"""Where pages of the documentation are found."""

from __future__ import annotations

import re

import pytest

from support.paths import REPOSITORY

DOCS = REPOSITORY / "docs"
LINKS = re.compile(r"\]\(([^)#]+)")
# Pages that have an index of their own.
INDEXED = {"decisions", "codes"}


def test_every_page_is_in_the_index() -> None:
    """And everything that the index names is there."""
    named = {(DOCS / link).resolve() for link in LINKS.findall((DOCS / "README.md").read_text(encoding="utf-8"))}
    pages = {
        page
        for page in DOCS.rglob("*.md")
        if page != DOCS / "README.md" and (page.parent.name not in INDEXED or page.name == "README.md")
    }

    assert (pages - named, {path for path in named if not path.exists()}) == (set(), set())


@pytest.mark.parametrize(
    "page", ["docs/README.md", "docs/how-to/run-the-monitor.md", "docs/how-to/run-as-a-service.md"]
)
def test_the_readme_leads_there(page: str) -> None:
    """A reader of the README finds the index and the monitor."""
    assert f"]({page})" in (REPOSITORY / "README.md").read_text(encoding="utf-8")
