"""The page of the libraries is made by one command, and says what it is made of.

Not here: what the matrix finds (``tests/matrix``).
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib

import pytest

from support.paths import REPOSITORY
from support.requirements import missing

PAGE = REPOSITORY / "docs" / "matrix.md"


def test_every_explanation_is_of_a_harness() -> None:
    """None is of an implementation that is not in the box."""
    data = tomllib.loads((REPOSITORY / "harnesses" / "explained.toml").read_text(encoding="utf-8"))
    there = {path.parent.name for path in (REPOSITORY / "harnesses").glob("*/README.md")}

    assert {one["implementation"] for one in data["explained"]} - there == set()


def test_nobody_finds_a_wrong_value_in_ours() -> None:
    """The page names a wrong value of a library, and none of nlmon's own."""
    rows = re.findall(r"^\| `([\w-]+)` \| .* \| ([\d,]+) \| [\d,]+ \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    wrong = dict(rows)

    assert (wrong["legacy"], wrong["libnl"]) == ("0", "0")
    assert [name for name, count in wrong.items() if count != "0"] != []


@pytest.mark.peer
def test_a_sample_is_made_again(tmp_path: object) -> None:
    """With pyroute2, whose faults in this recording are those of the page."""
    environment = {**os.environ, "NLMON_HARNESSES": str(tmp_path), "NLMON_TEST_REQUIRE_ALL": ""}
    built = subprocess.run(
        [REPOSITORY / "tools" / "harnesses", "pyroute2"], env=environment, capture_output=True, text=True, check=True
    )
    if "skipped" in built.stdout:
        missing(built.stdout)
    done = subprocess.run(
        [sys.executable, REPOSITORY / "tools" / "matrix.py", "--sample"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert "| `route.metrics` | 1 of 3 | `pyroute2` 2 times |" in done.stdout, done.stderr
