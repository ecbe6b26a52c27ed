"""Every bad implementation of the zoo is found by a scenario of ours that holds with the good ones."""

from __future__ import annotations

import re
import sys
from collections import Counter
from functools import cache, partial
from typing import Literal

import pytest

from nlmon.backends.registry import create
from nlmon.testing.zoo import ZOO, BadImplementation
from nlmon.testing.zoo.rare import RARE
from nlmon.testing.zoo.values import VALUES
from support.paths import REPOSITORY

sys.path.insert(0, str(REPOSITORY / "tools"))

from deviations import BUGS, ID, PAGE, finding, known_bugs, pairs, suite

# One worker reads the scenarios.
pytestmark = pytest.mark.xdist_group("deviations")
files = cache(suite)
PAIRS = pairs()
# Values are alike; the page has each, and here are some of them.
ALIKE = [*(value.implementation() for value in VALUES), *RARE]
SOME = {bad.name for number, bad in enumerate(ALIKE) if number % 8}


@pytest.mark.slow
def test_the_page_names_every_bad_implementation() -> None:
    """And no other; each by a scenario that there is."""
    assert (set(PAIRS) ^ set(ZOO), {name for name in PAIRS.values() if name not in files()}) == (set(), set())


def test_the_page_counts_what_it_names() -> None:
    """At least twenty, by at least ten different scenarios."""
    assert (len(PAIRS) > 20, len(set(PAIRS.values())) > 10) == (True, True)
    assert PAGE.read_text(encoding="utf-8").count("\n| ") == len(PAIRS) + 1


def test_the_page_of_known_bugs_is_made_from_it() -> None:
    """With the same scenarios."""
    assert BUGS.read_text(encoding="utf-8") == known_bugs()


def test_the_page_of_known_bugs_has_each_id_once() -> None:
    """All 54, each with a scenario or a claim that finds it, or with the reason why there is none."""
    there = re.findall(r"^\| ([NLS]\d\d) \| ", BUGS.read_text(encoding="utf-8"), re.MULTILINE)
    every = [f"{kind}{number:02}" for kind, last in (("N", 24), ("L", 12), ("S", 18)) for number in range(1, last + 1)]

    assert (sorted(there), len(every)) == (sorted(every), 54)
    assert {name[:3] for name in PAIRS if ID.match(name)} < set(every)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in PAIRS if name not in SOME])
def test_the_scenario_finds_the_mistake(name: str) -> None:
    """Which it does not in the good implementation, as the run of the suite shows."""
    assert finding(ZOO[name], files()[PAIRS[name]]) != ""


@pytest.mark.slow
@pytest.mark.parametrize("base", ["legacy", "libnl"])
def test_the_good_implementations_are_not_found(base: Literal["legacy", "libnl"]) -> None:
    """In the most useful scenarios, in the same way that finds the bad ones."""
    good = BadImplementation(name="good", description="", make=partial(create, base), found_as=frozenset(), base=base)
    useful = [name for name, _ in Counter(PAIRS.values()).most_common(10)]

    assert [finding(good, files()[name]) for name in useful] == [""] * 10


def test_mistakes_are_found_in_many_areas() -> None:
    """Not one scenario finds them all."""
    assert Counter(PAIRS.values()).most_common(1)[0][1] < len(PAIRS)
