"""Verdicts after losses: an implementation that says it recovered is held against the recorded kernel."""

from __future__ import annotations

from functools import partial

import pytest

from nlmon.backends.options import BackendOptions
from nlmon.backends.registry import create
from nlmon.capture import open_capture
from nlmon.compare.difference import Class
from nlmon.engine.lane import BackendMaker
from nlmon.engine.run import replay_capture
from nlmon.report.model import CaptureReport
from nlmon.testing.zoo import ZOO, BadImplementation
from nlmon.transport.recorded.faults import Fault
from support.paths import CAPTURES

legacy = partial(create, "legacy")
libnl = partial(create, "libnl")
LOSS = Fault(100, 30), Fault(700, 300)


def recovered(candidate: BackendMaker, kernel: str = "linux-6.12", name: str = "02-route-topology") -> CaptureReport:
    """The report on a recording of which notifications are lost in two places."""
    with open_capture(CAPTURES / kernel / f"{name}.pcap.zst") as reader:
        options = BackendOptions(resync=True, resync_interval=0.0)
        return replay_capture(reader, name, legacy, candidate, options=options, faults=LOSS)[0]


RECOVERY = {name: bad for name, bad in ZOO.items() if bad.options.resync and bad.found_as == {Class.STATE}}


@pytest.mark.parametrize("kernel", ["linux-6.1", "linux-6.12"])
@pytest.mark.parametrize("name", ["01-route-basic", "02-route-topology"])
def test_a_sound_recovery_is_an_enhancement(kernel: str, name: str) -> None:
    """libnl recovers from the loss, legacy reports it: that is no regression, and said."""
    report = recovered(libnl, kernel, name)

    assert (report.verdict, set(report.differences), report.state) == ("equivalent", {"enhancement"}, "same")
    assert report.fields["recovered"] > 0
    assert report.lost["legacy"] == report.lost["libnl"] > 0


@pytest.mark.parametrize("bad", RECOVERY.values(), ids=RECOVERY.keys())
def test_a_broken_recovery_is_found(bad: BadImplementation) -> None:
    """What is not made up for, or wrongly, is a difference of the state with both values."""
    report = recovered(bad.make)

    assert (report.verdict, report.state) == ("regression", "differs")
    assert any("after the resync of libnl" in d.reason for d in report.details)


def test_an_overrun_that_is_swallowed_at_the_end_is_found() -> None:
    """A loss that lasts until the recording ends is compared like any other."""

    silent = ZOO["silent to the end"].make
    with open_capture(CAPTURES / "linux-6.12" / "01-route-basic.pcap.zst") as reader:
        report = replay_capture(reader, "01", legacy, silent, faults=(Fault(600, 100000),))[0]

    assert (report.verdict, report.differences["error"]) == ("regression", 1)
