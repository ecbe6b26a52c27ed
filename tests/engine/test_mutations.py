"""No field of an event can be changed without a regression: a sample of what ``support.mutations`` tries."""

from __future__ import annotations

import random

import pytest

from support.mutations import NO_CHANGE, RECORDINGS, is_found, mutations
from support.sampled import one_in

# So many of each recording.
SAMPLE = 6


@pytest.mark.parametrize("recording", one_in(3, RECORDINGS))
def test_a_change_is_found(recording: str) -> None:
    """Of a field of libnl, by a plain replay of the recording that has it."""
    tried = random.Random(recording).sample([one for one in mutations(recording) if one not in NO_CHANGE], SAMPLE)

    assert [one for one in tried if not is_found(recording, one)] == []


def test_nothing_is_left_out_that_is_found() -> None:
    """What stands there as no change is none."""
    there = {one for one in mutations("01-route-basic") if one in NO_CHANGE}

    assert [one for one in there if is_found("01-route-basic", one)] == []


@pytest.mark.slow
def test_what_no_value_may_hold_is_reported() -> None:
    """A value inside of another one that JSON has not ends no replay."""
    inside = [one for one in mutations("01-route-basic") if one.variant in {"in.UNSET", "in.sub"}]

    assert (len(inside) > 2, [one for one in inside if not is_found("01-route-basic", one)]) == (True, [])
