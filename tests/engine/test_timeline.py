"""When there was what: counted by parts of a recording, so that the sums are those of the report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from nlmon.backends.options import BackendOptions
from nlmon.capture import open_capture
from nlmon.capture.base import Batch
from nlmon.compare.known import KnownDifferences
from nlmon.compare.side import Results, Side
from nlmon.engine.guarded import BackendMaker
from nlmon.engine.lane import Lane
from nlmon.engine.run import replay_capture
from nlmon.engine.timeline import PARTS_KEPT, Timeline
from nlmon.report.model import CaptureReport
from nlmon.testing.zoo import ZOO
from nlmon.transport.recorded.faults import Fault
from nlmon.transport.recorded.kernel import RecordedKernel
from nlmon.transport.recorded.transport import RecordedFactory
from nlmon.wire import Datagrams
from support.paths import CAPTURES
from support.sampled import one_in
from support.verdicts import legacy, libnl

LABELS = [("legacy", 0), ("libnl", 1)]
OVERRUN = (Fault(500, 20),)


def batch(number: int, count: int) -> Batch:
    """Frames of which each is sent a microsecond after the one before."""
    return Batch(number, 0, timestamps=[1000 * n for n in range(number, number + count)], data=[b""] * count)


def fed(timeline: Timeline, frames: Sequence[int]) -> None:
    """Count one event of each lane for each frame."""
    columns = Datagrams(frames, 0, [0] * len(frames), [b""] * len(frames))
    timeline.fed(columns, [Results(name, [None] * len(frames), {}) for name in ("legacy", "libnl")], ())


@pytest.mark.parametrize(
    ("frames", "width", "parts"),
    [(1, 1, 1), (600, 1, 600), (601, 2, 301), (1201, 4, 301), (46_150, 128, 361), (1_000_000, 2048, 489)],
)
def test_parts_have_the_same_number_of_frames(frames: int, width: int, parts: int) -> None:
    """A power of two, the least with which there are no more parts than are kept; each begins when its first frame was
    sent."""
    timeline = Timeline()
    for at in range(1, frames + 1, 128):
        count = min(128, frames + 1 - at)
        timeline.add(batch(at, count))
        fed(timeline, range(at, at + count))
    found = timeline.report(0, LABELS)

    assert found is not None
    assert (found.frames, found.last, len(found.times)) == (width, frames, parts)
    assert parts <= PARTS_KEPT
    assert found.times == [1000 * (1 + n * width) for n in range(parts)]
    assert found.events == dict.fromkeys(("legacy", "libnl"), [width] * (parts - 1) + [frames - width * (parts - 1)])
    assert (found.lost, found.differences) == ({}, {})


def test_frames_that_are_no_netlink_leave_gaps() -> None:
    """A part without datagrams has the time of the next one, and no events."""
    timeline = Timeline()
    for at in (2, 6):
        timeline.add(batch(at, 2))
        fed(timeline, (at, at + 1))
    found = timeline.report(0, LABELS)

    assert found is not None
    assert found.times == [2000, 2000, 3000, 6000, 6000, 6000, 7000]
    assert found.events["libnl"] == [0, 1, 1, 0, 0, 1, 1]


def test_what_gives_more_or_less_than_an_event_is_counted() -> None:
    """A datagram of two messages, and one that is not received."""
    timeline = Timeline()
    timeline.add(batch(1, 3))
    others = {0: Side("legacy", (), ()), 2: Side("legacy", ("one", "other"), ())}  # type: ignore[arg-type]
    columns = Datagrams([1, 2, 3], 0, [0] * 3, [b""] * 3)
    lanes = [Lane(make, RecordedFactory(RecordedKernel("little"))) for make in (legacy, libnl)]
    timeline.fed(columns, [Results("legacy", [None] * 3, others), Results("libnl", [None] * 3, {})], lanes)
    found = timeline.report(0, LABELS)

    assert found is not None
    assert found.events == {"legacy": [0, 1, 2], "libnl": [1, 1, 1]}


def test_nothing_read_has_no_timeline() -> None:
    """Nor a time."""
    assert Timeline().report(0, LABELS) is None


CASES: dict[str, tuple[str, BackendMaker, dict[str, Any]]] = {
    "alike": ("02-route-topology", libnl, {}),
    "many": ("07-burst", libnl, {}),
    "all": ("03-nl80211", libnl, {"select": "all"}),
    "different": ("02-route-topology", ZOO["MTU in the other byte order"].make, {}),
    "silent": ("04-conntrack", ZOO["no event"].make, {}),
    "lost": ("02-route-topology", libnl, {"faults": OVERRUN}),
    "recovered": (
        "02-route-topology",
        libnl,
        {"faults": OVERRUN, "options": BackendOptions(resync=True)},
    ),
}


def reports(name: str, candidate: BackendMaker, options: dict[str, Any]) -> tuple[CaptureReport, ...]:
    """Both directions of a replay."""
    with open_capture(CAPTURES / "linux-6.12" / f"{name}.pcap.zst") as reader:
        both = KnownDifferences(), KnownDifferences()
        return replay_capture(reader, name, legacy, candidate, known=both, **options)


@pytest.mark.slow
@pytest.mark.parametrize("case", one_in(4, CASES, pytest.mark.long))
def test_the_sums_are_those_of_the_report(case: str) -> None:
    """Events and losses of each implementation, and differences that weigh something, in each direction."""
    for report in reports(*CASES[case]):
        found = report.timeline
        assert found is not None
        assert sums(found.events) == {name: count for name, count in report.events.items() if count}
        assert sums(found.lost) == {name: count for name, count in report.lost.items() if count}
        assert sum(map(sum, found.differences.values())) == sum(
            count for cls, count in report.differences.items() if cls not in {"enhancement", "loss-of-service"}
        )
        assert {len(counts) for row in (found.events, found.lost, found.differences) for counts in row.values()} <= {
            len(found.times)
        }


def sums(rows: dict[str, list[int]]) -> dict[str, int]:
    """The sum of each row."""
    return {name: sum(counts) for name, counts in rows.items()}


@pytest.mark.slow
def test_losses_stand_where_they_happened() -> None:
    """In the part of the frames that were lost."""
    report = reports(*CASES["lost"])[0]
    found = report.timeline
    assert found is not None

    parts = [place for counts in found.lost.values() for place, count in enumerate(counts) if count]
    assert parts
    assert all(500 <= place * found.frames + found.frames <= 620 for place in parts)
