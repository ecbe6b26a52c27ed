"""What people read of a run of scenarios."""

from __future__ import annotations

import pytest

from nlmon.report.model import CaptureReport, Direction
from nlmon.report.outcome import CaseResult
from nlmon.report.runtext import case_lines


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
    ("result", "case", "compared"),
    [
        (passed("migrate", "legacy", "libnl"), "migrate", "libnl against legacy"),
        (passed("rollback", "libnl", "legacy"), "rollback", "legacy against libnl"),
        (passed("migrate", "legacy", "other", "migrate-other"), "migrate-other", "other against legacy"),
        (passed("migrate", "legacy", "legacy", "control"), "control", "legacy against legacy"),
    ],
)
def test_verbose_says_what_was_compared(result: CaseResult, case: str, compared: str) -> None:
    """The candidate against the reference, in the direction of the case."""
    assert list(case_lines([result], verbose=True)) == [
        f"passed   link.flap: {case} equivalent",
        "         A link goes down.",
        f"         {compared}, 7 events compared, 0.25 s, flap.yaml",
    ]
