"""Each C example of the migration guide has a Python twin in the documentation, which runs and prints what it says."""

from __future__ import annotations

import re

import pytest

from support.codes import transcript
from support.namespaces import inside
from support.paths import REPOSITORY

PAGE = REPOSITORY / "docs" / "how-to" / "use-the-apis.md"
# A program, and what it prints.
BLOCK = re.compile(r"^```python run=(\S+)\n(.*?)^```\n\n```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = {name: (program, printed) for name, program, printed in BLOCK.findall(PAGE.read_text(encoding="utf-8"))}
# The headings of the guide that have C examples, with how many.
GUIDE = {
    "for-application-developers": 1,
    "direct-libnl-api-advanced": 1,
    "event-structure-changes": 2,
    "scenario-5-custom-application-integration": 3,
    "development-best-practices": 4,
}
OURS = ["class", "asyncio", "test"]
# Deprecations are printed as a program's user sees them, but for the place.
RUN = """
import contextlib, io, json, sys, warnings
printed = io.StringIO()
warnings.simplefilter("default", DeprecationWarning)
warnings.showwarning = lambda text, kind, *place: print(f"{kind.__name__}: {text}")
with contextlib.redirect_stdout(printed):
    exec(compile(sys.argv[1], "twin.py", "exec"), {"__name__": "__main__"})
print(json.dumps(printed.getvalue()))
"""


def test_every_example_of_the_guide_has_a_twin() -> None:
    """By the heading that it stands under, and its number where there are several; none lacks its output."""
    twins = [f"{name}-{place}" if count > 1 else name for name, count in GUIDE.items() for place in range(1, count + 1)]

    assert list(BLOCKS) == [*OURS, *twins]
    assert PAGE.read_text(encoding="utf-8").count("```python") == len(BLOCKS)


@pytest.mark.live
@pytest.mark.parametrize("name", BLOCKS)
def test_a_twin_prints_what_the_page_says(name: str) -> None:
    """In a network namespace of its own, with every other warning an error and no socket left open."""
    program, printed = BLOCKS[name]

    found = inside(RUN, program)

    assert transcript(printed).fullmatch(found), found
