"""Every fault of the format over a recording: both implementations get through, and one with a mistake is found."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from nlmon.backends.options import BackendOptions
from nlmon.capture import open_capture
from nlmon.compare.difference import Class
from nlmon.engine.guarded import BackendMaker
from nlmon.engine.replay import Replay
from nlmon.engine.summary import capture_reports
from nlmon.report.model import CaptureReport
from nlmon.scenario.faults import NEEDS_SOCKET, apply_faults, socket_faults
from nlmon.scenario.model import Fault
from nlmon.scenario.schema import FAULTS
from nlmon.testing.zoo import ZOO
from nlmon.testing.zoo.faults import NothingLate, OneForEachFrame
from support.paths import CAPTURES
from support.sampled import one_in
from support.verdicts import legacy, libnl

pytestmark = pytest.mark.slow

BASIC, TOPOLOGY, WIRELESS = "01-route-basic", "02-route-topology", "03-nl80211"


def replayed(
    recording: str, faults: Sequence[Fault], candidate: BackendMaker = libnl, *, seed: int = 1, resync: bool = False
) -> CaptureReport:
    """The report on a recording with faults."""
    options = BackendOptions(resync=resync, resync_interval=0.0)
    with open_capture(CAPTURES / "linux-6.12" / f"{recording}.pcap.zst") as reader:
        order = reader.info.byteorder
        replay = Replay(legacy, candidate, byteorder=order, options=options, faults=socket_faults(faults, seed))
        for batch in apply_faults(reader.batches(), faults, seed, byteorder=order):
            replay.add(batch)
        replay.finish()
        return capture_reports(replay, reader, recording)[0]


def bad(name: str) -> BackendMaker:
    """An implementation with a mistake."""
    return ZOO[name].make


# A recording, faults, an implementation that makes a mistake of them, and how that is found.
ROWS: list[tuple[str, tuple[Fault, ...], BackendMaker, Class]] = [
    (BASIC, (Fault("drop", at=400, count=9),), bad("no RTM_DELADDR"), Class.MISSING),
    (BASIC, (Fault("duplicate", at=300),), bad("no repeats"), Class.MISSING),
    (WIRELESS, (Fault("reorder", at=300, count=2),), NothingLate, Class.MISSING),
    (BASIC, (Fault("merge", at=100), Fault("split", at=100)), OneForEachFrame, Class.MISSING),
    (BASIC, (Fault("merge", at=100),), bad("first message alone"), Class.MISSING),
    (BASIC, (Fault("truncate", at=200, size=40),), bad("silent truncation"), Class.ERROR),
    (BASIC, (Fault("short_payload", at=200, size=4),), bad("silent short payload"), Class.ERROR),
    (BASIC, (Fault("interrupted_dump", at=5),), bad("no interrupted dumps"), Class.MISSING),
    (BASIC, (Fault("unknown_attribute", at=40, size=9),), bad("known attributes alone"), Class.CRASH),
    (BASIC, (Fault("longer_structure", at=484, size=4),), bad("exact structures"), Class.CONTRADICTED),
    (BASIC, (Fault("overrun", at=300, count=9),), bad("silent overrun"), Class.ERROR),
    (BASIC, (Fault("enobufs", at=300),), bad("silent ENOBUFS"), Class.ERROR),
    (TOPOLOGY, (Fault("paused_reader", at=100, count=600),), bad("names of then"), Class.CONFLICT),
    (BASIC, (Fault("lost_socket", at=300),), bad("silent lost socket"), Class.ERROR),
    (BASIC, (Fault("vanished_namespace", at=300),), bad("never gives up"), Class.CRASH),
]
NAMES = [faults[-1].kind for _, faults, _, _ in ROWS]


def test_every_fault_has_a_row() -> None:
    """A kind that is added to the format is shown here."""
    assert sorted(NAMES) == sorted(FAULTS)


@pytest.mark.parametrize(("recording", "faults", "candidate", "found_as"), ROWS, ids=NAMES)
def test_a_mistake_under_a_fault_is_found(
    recording: str, faults: tuple[Fault, ...], candidate: BackendMaker, found_as: Class
) -> None:
    """Both implementations get through and agree; the one with the mistake does not."""
    sound, found = replayed(recording, faults), replayed(recording, faults, candidate)

    assert (sound.verdict, set(sound.differences), sound.reason) == ("equivalent", {"enhancement"}, "")
    assert sound.compared["NETLINK_ROUTE"] > 0
    assert (found.verdict, found_as.label in found.differences) == ("regression", True)


# One of the two recordings for each kind, but when all tests run.
PLACES = [(kind, *one) for one in ((TOPOLOGY, "route"), (WIRELESS, "generic")) for kind in sorted(FAULTS)]


@pytest.mark.parametrize(("kind", "recording", "protocol"), one_in(2, PLACES, pytest.mark.long))
def test_wherever_it_happens(kind: str, recording: str, protocol: str) -> None:
    """At a place that the seed chooses, and with recovery, both agree in what they received."""
    if (kind, protocol) in {("longer_structure", "generic"), ("reorder", "route")}:
        pytest.skip("no such datagram in this recording")
    count, at = 1 if kind == "merge" else 5, 500 if kind in NEEDS_SOCKET else 0
    fault = Fault(kind, at=at, count=count, protocol=protocol)
    report = replayed(recording, [fault], seed=7, resync=True)

    assert (report.verdict, set(report.differences)) == ("equivalent", {"enhancement"})


def test_all_at_once() -> None:
    """Faults in one recording, one behind the other."""
    faults = [Fault(kind, at=50 + 40 * number, count=3) for number, kind in enumerate(FAULTS) if kind != "reorder"]
    report = replayed(BASIC, faults)

    assert (report.verdict, set(report.differences)) == ("equivalent", {"enhancement"})
    codes = {code.partition(" ")[0] for code in report.problems["libnl"]}
    assert codes == {"NLM-D001", "NLM-D002", "NLM-T002", "NLM-T003", "NLM-T010"}


def test_what_one_of_them_missed_alone_is_no_evidence() -> None:
    """Legacy opens no other socket: what libnl goes on to receive is compared with nothing, and the states are not."""
    whole, report = replayed(BASIC, []), replayed(BASIC, [Fault("lost_socket", at=300)])

    assert 0 < report.compared["NETLINK_ROUTE"] < whole.compared["NETLINK_ROUTE"]
    assert report.events["legacy"] == report.compared["NETLINK_ROUTE"]
    assert report.events["libnl"] == whole.events["libnl"] - 1
    assert (report.state, report.reason) == ("same", "")
    assert "legacy lost its socket of NETLINK_ROUTE at frame 306" in report.notes


def test_a_fault_that_takes_everything_leaves_no_evidence() -> None:
    """It was asked for and is no reason; that nothing is left to compare is one."""
    for fault in (
        Fault("overrun", at=1, count=10**6),
        Fault("vanished_namespace", at=1),
        Fault("drop", at=1, count=10**6),
    ):
        report = replayed(BASIC, [fault])

        assert (report.verdict, report.compared) == ("inconclusive", {})
        assert report.reason.startswith("no event was compared: ")


def test_what_remains_is_judged() -> None:
    """A regression behind a lost socket is one, seen in what both received before it."""
    report = replayed(BASIC, [Fault("lost_socket", at=600)], bad("MTU in the other byte order"))

    assert report.verdict == "regression"


def test_an_interrupted_dump_shows_nothing() -> None:
    """What it lacks is not concluded to be gone, and the report says so."""
    report = replayed(BASIC, [Fault("interrupted_dump", at=1)])

    assert "1 recorded dump was interrupted or incomplete, and does not check the state" in report.notes
