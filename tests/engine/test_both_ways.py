"""Both directions judged in one reading give in each what a run in that direction alone gives.

Not here: what the verdicts must be (``test_verdict``).
"""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from msgspec import structs

from nlmon.backends.options import BackendOptions
from nlmon.capture import open_capture
from nlmon.compare.known import KnownDifferences
from nlmon.engine.guarded import BackendMaker
from nlmon.engine.run import replay_capture
from nlmon.engine.segments import Select
from nlmon.report.model import CaptureReport
from nlmon.testing.zoo import ZOO
from nlmon.transport.recorded.faults import Fault
from support.paths import CAPTURES, NEWEST_FIRST
from support.sampled import one_in
from support.verdicts import legacy, libnl

NAMES = sorted(path.name.removesuffix(".pcap.zst") for path in (CAPTURES / "linux-6.12").glob("*.pcap.zst"))


@dataclasses.dataclass(frozen=True)
class Case:
    """How a recording is replayed."""

    select: Select = "notifications"
    options: BackendOptions = dataclasses.field(default_factory=BackendOptions)
    faults: tuple[Fault, ...] = ()


def reports(name: str, kernel: str, pair: tuple[BackendMaker, BackendMaker], known: int, case: Case) -> list[Any]:
    """What the reports on a recording say, by key; ``known``: the number of directions."""
    with open_capture(CAPTURES / kernel / f"{name}.pcap.zst") as reader:
        found = replay_capture(
            *(reader, name, *pair),
            select=case.select,
            options=case.options,
            faults=case.faults,
            known=[KnownDifferences() for _ in range(known)],
        )
    return [comparable(report) for report in found]


def comparable(report: CaptureReport) -> dict[str, Any]:
    """A report without the word for its direction. Where two implementations lost something by turns, the order of
    their notes is that of the lanes."""
    found = structs.asdict(report)
    del found["direction"]
    found["notes"] = sorted(found["notes"])
    return found


def same_both_ways(name: str, kernel: str, candidate: BackendMaker, case: Case) -> tuple[list[Any], list[Any]]:
    """Both directions in one reading, and in two."""
    once = reports(name, kernel, (legacy, candidate), 2, case)
    twice = [reports(name, kernel, pair, 1, case)[0] for pair in ((legacy, candidate), (candidate, legacy))]
    return once, twice


@pytest.mark.slow
@pytest.mark.parametrize("kernel", NEWEST_FIRST)
@pytest.mark.parametrize("name", NAMES)
def test_one_reading_is_as_good_as_two(name: str, kernel: str) -> None:
    """Every recording gives the same two reports."""
    once, twice = same_both_ways(name, kernel, libnl, Case())

    assert once == twice


@pytest.mark.slow
@pytest.mark.parametrize(
    "case",
    [
        Case(select="all"),
        Case(options=BackendOptions(extra_groups=("netconf",))),
        Case(faults=(Fault(100, 20),)),
        Case(faults=(Fault(100, 20),), options=BackendOptions(resync=True, resync_interval=0.0)),
        Case(options=BackendOptions(caches=("link",))),
    ],
    ids=["all", "netconf", "fault", "resync", "cache"],
)
@pytest.mark.parametrize("name", ["01-route-basic", pytest.param("02-route-topology", marks=pytest.mark.long)])
def test_options_do_not_depend_on_the_direction(name: str, case: Case) -> None:
    """The same with every message, more groups, losses, a resync and a cache."""
    once, twice = same_both_ways(name, "linux-6.12", libnl, case)

    assert once == twice


@pytest.mark.slow
@pytest.mark.parametrize("name", one_in(9, sorted(ZOO)[::8], pytest.mark.long))
def test_a_bad_implementation_is_as_bad_both_ways(name: str) -> None:
    """Each difference of a bad implementation, one in eight, is found from both sides, as in two runs."""
    once, twice = same_both_ways("01-route-basic", "linux-6.12", ZOO[name].make, Case())

    assert once == twice
