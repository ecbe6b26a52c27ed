"""Bad implementations in a monitor: the page says which of them its exports show, and they do."""

from __future__ import annotations

import sys
from functools import cache

import pytest

from nlmon.testing.zoo import ZOO
from support.paths import REPOSITORY
from support.sampled import one_in

sys.path.insert(0, str(REPOSITORY / "tools"))

from deviations import suite
from export_deviations import judged, rows, shown

files, ROWS = cache(suite), rows()


def test_the_page_names_every_one_that_can_be_judged_so() -> None:
    """Most of them are found, by each of its scenarios some."""
    found = [scenario for scenario, what in ROWS.values() if what]

    assert ROWS.keys() == judged().keys()
    assert (len(found) > 120, len(found) / len(ROWS) > 0.7, len(set(found)) > 5) == (True, True, True)


@pytest.mark.slow
@pytest.mark.parametrize("name", one_in(12, ROWS, pytest.mark.long))
def test_the_exports_show_it_as_the_page_says(name: str) -> None:
    """Or do not show it."""
    scenario, what = ROWS[name]

    assert shown(ZOO[name], files()[scenario]) == what
