"""Sentences that several reports have."""

from __future__ import annotations

import pytest

from nlmon.report.differences import evidence_lines
from nlmon.report.model import CaptureReport
from nlmon.report.sentences import in_order, losses_line, whole_events

# Counts as a report in JSON has them, in the order of the alphabet.
SIDES = [
    ({"legacy": 1, "libnl": 2}, ("legacy", "libnl"), ("legacy", "libnl")),
    ({"legacy": 1, "libnl": 2}, ("libnl", "legacy"), ("libnl", "legacy")),
    ({"legacy": 1, "libnl": 2}, ("legacy", "mine"), ("legacy", "libnl")),
    ({"legacy": 1, "libnl": 2}, ("mine", "legacy"), ("libnl", "legacy")),
    ({"legacy": 1, "libnl": 2}, ("mine", "yours"), ("legacy", "libnl")),
    ({"a (candidate)": 1, "a (reference)": 2}, ("a (reference)", "a (candidate)"), ("a (reference)", "a (candidate)")),
    ({}, ("legacy", "libnl"), ()),
]


@pytest.mark.parametrize(("counts", "names", "expected"), SIDES, ids=range(len(SIDES)))
def test_whose_a_count_is(counts: dict[str, int], names: tuple[str, str], expected: tuple[str, ...]) -> None:
    """By its name, whatever order the counts are in, and whatever name an implementation was given."""
    assert tuple(in_order(counts, names)) == expected


@pytest.mark.parametrize(
    ("count", "events", "expected"),
    [(3, 0, ""), (3, 3, "whole events"), (3, 1, "1 whole event, 2 answers"), (3, 2, "2 whole events, 1 answer")],
)
def test_answers_are_no_events(count: int, events: int, expected: str) -> None:
    """Of what would be lost, whole events and the answers of a recording are told apart; a field is neither."""
    assert whole_events(count, events) == expected


def test_losses_are_named_in_one_bounded_line() -> None:
    """Whole events first, then the most frequent, in every report, the evidence of a finding among them."""
    counts = {"xfrm_sa": 9, **{f"link.field{number}": 100 + number for number in range(20)}}
    line = losses_line(("libnl", "legacy"), counts, {"xfrm_sa": 1}, 2)
    report = CaptureReport("a.pcap", "lossy", "", losses=counts, lost_events={"xfrm_sa": 1})
    (evidence,) = evidence_lines(report, ("libnl", "legacy"))

    most = "xfrm_sa 9 (1 whole event, 8 answers), link.field19 119"
    assert line == f"libnl alone provides, and legacy would lose: {most} and 19 more"
    assert evidence.startswith(line.removesuffix(" and 19 more"))
    assert evidence.endswith("link.field11 111 and 11 more")
    assert losses_line(("libnl", "legacy"), {}, {}) == ""
