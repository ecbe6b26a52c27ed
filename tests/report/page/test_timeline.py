"""A timeline as a drawing."""

from __future__ import annotations

import json
import re

import pytest

from nlmon.report.evidence import Timeline
from nlmon.report.page.timeline import HEIGHT, Drawing, draw
from support.pages import a_timeline

NAMES = ("legacy", "libnl")


def drawn(timeline: Timeline, frames: int = 100) -> Drawing:
    """A drawing of a timeline that has parts."""
    found = draw(timeline, NAMES, NAMES, frames)
    assert found is not None
    return found


def test_a_part_has_a_bar_for_each_lane() -> None:
    """The reference's grows up from the middle, the candidate's down; what has most fills its lane."""
    found = drawn(Timeline(frames=2, times=[0, 1, 2], events={"legacy": [4, 0, 2], "libnl": [4, 1, 0]}))

    assert found.bars == ("M0 60v-52h1V60zM2 60v-26h1V60z", "M0 72v52h1V72zM1 72v13h1V72z")


def test_little_is_seen() -> None:
    """One event beside a thousand, and one difference among six hundred parts."""
    found = drawn(a_timeline(600, frames=1000, differences=(0, 300, 599)))
    one = drawn(Timeline(frames=1, times=[0, 1], events={"legacy": [1, 1000]}))
    widths = {float(width) for width in re.findall(r"h([\d.]+)v", found.strip["regression"])}

    assert (widths, one.bars[0].split("z")[0]) == ({2.4}, "M0 60v-1.5h1V60")


def test_marks_stay_inside() -> None:
    """Those of the first part and of the last."""
    found = drawn(a_timeline(600, differences=(0, 599)))
    places = [float(place) for place in re.findall(r"M([\d.]+) ", found.marks["regression"])]

    assert places == [0.0, 597.6]


def test_a_drawing_says_what_it_shows() -> None:
    """For whoever does not see it, and for the script that counts what is brushed."""
    found = drawn(a_timeline())

    assert found.sentence == "legacy 100 events, libnl 99 events and 1 message lost; 2 regressions."
    assert json.loads(found.data) == {
        "parts": 20,
        "frames": 5,
        "last": 100,
        "lanes": [["legacy", [5] * 20, []], ["libnl", [5] * 19 + [4], [0] * 19 + [1]]],
        "differences": [["regression", [int(part in {2, 11}) for part in range(20)]]],
    }


def test_what_was_lost_stands_at_the_edge() -> None:
    """Of the candidate at the lower one."""
    assert drawn(a_timeline()).lost == ("", f"M19 {HEIGHT - 8}h1v8h-1z")


def test_enhancements_are_not_marked() -> None:
    """What the contract allows is no difference to look at."""
    found = drawn(Timeline(frames=1, times=[0], differences={"info": [7]}))

    assert (found.marks, found.sentence) == ({}, "legacy 0 events, libnl 0 events; no warning, no regression.")


@pytest.mark.parametrize("frames", [0, 100])
def test_of_nothing_there_is_no_drawing(frames: int) -> None:
    """A capture without frames has no parts."""
    assert draw(Timeline(frames=1, times=[]), NAMES, NAMES, frames) is None
