"""What people read of a run of scenarios."""

from __future__ import annotations

import pytest

from nlmon.report.load import as_run
from nlmon.report.model import CaptureReport, Direction
from nlmon.report.outcome import CaseResult, Finding
from nlmon.report.runtext import case_lines, last_line
from support.runs import GOOD, report, result


def passed(direction: Direction, reference: str, candidate: str, case: str = "") -> CaseResult:
    """A case that passed."""
    return CaseResult(
        id=f"link.flap[{case or direction}]",
        scenario="link.flap",
        title="A link goes down.",
        where="flap.yaml",
        direction=direction,
        reference=reference,
        candidate=candidate,
        outcome="passed",
        verdict="equivalent",
        report=CaptureReport("a.pcap", "equivalent", "", direction=direction, compared={"NETLINK_ROUTE": 7}),
        seconds=0.25,
    )


@pytest.mark.parametrize(
    ("found", "case", "compared"),
    [
        (passed("migrate", "legacy", "libnl"), "migrate", "libnl against legacy"),
        (passed("rollback", "libnl", "legacy"), "rollback", "legacy against libnl"),
        (passed("migrate", "legacy", "other", "migrate-other"), "migrate-other", "other against legacy"),
        (passed("migrate", "legacy", "legacy", "control"), "control", "legacy against legacy"),
    ],
)
def test_verbose_says_what_was_compared(found: CaseResult, case: str, compared: str) -> None:
    """The candidate against the reference, in the direction of the case."""
    assert list(case_lines([found], verbose=True)) == [
        f"passed   link.flap: {case} equivalent",
        "         A link goes down.",
        f"         {compared}, 7 events compared, 0.25 s, flap.yaml",
    ]


def test_cases_of_merged_runs_say_whose_they_are() -> None:
    """The same scenario on two hosts is two lines, and what does not hold is said once, with where."""
    finding = Finding("state: a route", "a.yaml:3:1")
    results = [
        result("passed", "a", host="one", verdict="equivalent"),
        *(result("failed", "b", host=host, findings=(finding,)) for host in ("one", "two")),
        result("passed", "a", host="two", verdict="lossy"),
        result("xfailed", "c", host="two", reason="a route"),
    ]

    assert list(case_lines(results)) == [
        "failed   b[migrate] on one  b.yaml",
        "  a.yaml:3:1: state: a route",
        "failed   b[migrate] on two  b.yaml",
        "  what does not hold of b[migrate] on one, too (1)",
        "xfailed  c[migrate] on two: a route",
        "passed   a on one: migrate equivalent",
        "passed   a on two: migrate lossy",
    ]


def test_a_capture_has_no_title() -> None:
    """And so no line for it."""
    found = as_run(report(GOOD))

    assert list(case_lines(found.results, verbose=True)) == [
        "passed   b.pcap: migrate equivalent",
        "         libnl against legacy, 1,200 events compared, 0.00 s, b.pcap",
    ]


def test_the_last_line_counts_captures_or_scenarios() -> None:
    """Of a report of a replay captures, whose time it does not have; else scenarios, and the time."""
    assert last_line(as_run(report(GOOD)).results, 0.0) == "1 passed  (1 case of 1 capture)"
    assert last_line([result("passed")], 1.5) == "1 passed  (1 case of 1 scenario, 1.5 s)"
