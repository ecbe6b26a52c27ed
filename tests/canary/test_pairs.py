"""Lines of two logs, paired by their messages."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from nlmon.canary.pairs import Line, LogDifference, LogSummary, Pairs
from nlmon.compare.provided import only_provided
from nlmon.compare.statement import statement_of
from nlmon.events import OVERRUN, Event, OverrunInfo
from support.exported import received

LINK = received()[1][0]
SECOND = 1_000_000_000


def of_libnl(at: float, seq: int = 1, **fields: Any) -> Event:
    """A link as libnl gives it, so many seconds after the first one, with other fields."""
    payload = structs.replace(LINK.payload, **fields)
    return structs.replace(LINK, timestamp=LINK.timestamp + round(at * SECOND), seq=seq, payload=payload, frame=0)


def of_legacy(at: float, seq: int = 1, **fields: Any) -> Event:
    """The same as legacy gives it."""
    return only_provided(statement_of("legacy"), of_libnl(at, seq, **fields))


def lost(at: float) -> Event:
    """The place of a loss."""
    zero = {"protocol": 0, "msg_type": 0, "msg_flags": 0, "seq": 0, "pid": 0, "interface": None}
    return structs.replace(of_libnl(at), type=OVERRUN, payload=OverrunInfo(), **zero)


def compared(
    before: list[Event], after: list[Event], most: int = 100
) -> tuple[list[tuple[str, str]], LogSummary, list[LogDifference]]:
    """Differences by class and field, the summary, and the differences, of logs that are read in step."""
    pairs = Pairs(("legacy", "libnl"), 10, most)
    found: list[LogDifference] = []
    for number, event, side in sorted(
        [(one.timestamp, at, 0) for at, one in enumerate(before)]
        + [(one.timestamp, at, 1) for at, one in enumerate(after)]
    ):
        line = Line(f"{'ab'[side]}:{event + 1}", "text", (before, after)[side][event])
        found += pairs.add(side, line)
        found += pairs.settle(number)
    found += pairs.finish()
    return [(one.difference, one.field) for one in found], pairs.summary(1, (False, False), ()), found


FIRST = of_legacy(-60, 99), of_libnl(-60, 99)
LAST = of_legacy(60, 98), of_libnl(60, 98)
ROWS = [
    pytest.param([of_legacy(0)], [of_libnl(0.4)], [], id="read at different times"),
    pytest.param([of_legacy(0), of_legacy(1, 2)], [of_libnl(0.4, 2), of_libnl(1)], [], id="in another order"),
    pytest.param([of_legacy(0), of_legacy(0)], [of_libnl(0), of_libnl(0)], [], id="twice in both"),
    pytest.param([of_legacy(0)], [of_libnl(0), of_libnl(0)], [("extra", "")], id="twice in one"),
    pytest.param([of_legacy(0)], [of_libnl(0, mtu=9)], [("conflict", "mtu")], id="another value"),
    pytest.param([of_legacy(0)], [of_libnl(0, 7)], [("missing", ""), ("extra", "")], id="another message"),
    pytest.param([of_legacy(0)], [], [("missing", "")], id="missing"),
    pytest.param([], [of_libnl(0)], [("extra", "")], id="extra"),
    pytest.param([of_legacy(0)], [of_libnl(40)], [("missing", ""), ("extra", "")], id="too late"),
    pytest.param(
        [of_legacy(0, ifindex=5)], [of_libnl(0, ifindex=6)], [("missing", ""), ("extra", "")], id="another object"
    ),
    pytest.param([], [lost(0)], [("extra", "")], id="a loss that one says"),
    pytest.param([lost(0)], [lost(2)], [], id="a loss that both say"),
]


@pytest.mark.parametrize(("before", "after", "expected"), ROWS)
def test_lines_of_two_logs(before: list[Event], after: list[Event], expected: list[tuple[str, str]]) -> None:
    """Between two messages that both have, with what differs."""
    found, summary, _ = compared([FIRST[0], *before, LAST[0]], [FIRST[1], *after, LAST[1]])

    assert sorted(found) == sorted(expected)
    assert summary.verdict == ("differences" if expected else "same")


def test_both_lines_are_named() -> None:
    """With their places, the values and the time of the message."""
    *_, (found,) = compared([FIRST[0], of_legacy(0, mtu=8)], [FIRST[1], of_libnl(1, mtu=9)])

    assert (found.reference_place, found.candidate_place, found.reference, found.candidate, found.timestamp) == (
        *("a:2", "b:2", "8", "9"),
        LINK.timestamp,
    )


def test_what_is_from_before_the_other_log_is_outside() -> None:
    """A monitor that began later has not missed it."""
    found, summary, _ = compared([of_legacy(-5, 3), of_legacy(0)], [of_libnl(0.1)])

    assert (found, summary.outside, summary.paired) == ([], 1, 1)


def test_what_is_newer_than_the_other_log_waits() -> None:
    """It may still come; what is much newer should have."""
    found, summary, _ = compared([of_legacy(0), of_legacy(15, 3), of_legacy(29, 4)], [of_libnl(0)])

    assert (found, summary.waiting) == ([("missing", "")], 1)


def test_a_line_that_is_no_event_is_a_difference() -> None:
    """With its place."""
    pairs = Pairs(("legacy", "libnl"), 10)
    (found,) = pairs.add(1, Line("b:7", "nothing", None))

    assert (found.difference, found.reason, found.candidate_line) == ("error", "b:7 is no event", "nothing")


def test_so_many_lines_wait() -> None:
    """The oldest one is judged when there are more, so that memory is bounded."""
    found, summary, _ = compared([FIRST[0], *(of_legacy(0, seq) for seq in range(60))], [FIRST[1]], most=10)

    assert (len(found), summary.waiting) == (50, 10)


@pytest.mark.parametrize("number", [40, 400])
def test_as_much_is_kept_of_a_long_log_as_of_a_short_one(number: int) -> None:
    """Whatever is in it: here no line has a counterpart, so that each waits as long as it may."""
    pairs, most, differences = Pairs(("legacy", "libnl"), 10, 20), [0, 0], 0
    for at in range(number):
        for side, event in enumerate((of_legacy(at / 1000, 2 * at), of_libnl(at / 1000, 2 * at + 1, mtu=at))):
            pairs_found = [*pairs.add(side, Line("", "", event)), *pairs.settle(event.timestamp)]
            differences += len(pairs_found)
            most = [max(both) for both in zip(most, pairs.waiting, strict=True)]

    assert (most, differences + sum(pairs.waiting)) == ([20, 20], 2 * number)


def test_too_little_evidence() -> None:
    """Logs without a message in common prove nothing."""
    assert Pairs(("legacy", "libnl"), 10).summary(1, (False, False), ()).verdict == "too little evidence"
