"""Verdicts after losses: an implementation that says it made up for one is held against the recorded kernel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import pytest
from msgspec import structs

from nlmon.backends.base import Backend
from nlmon.backends.libnl import LibnlBackend
from nlmon.backends.options import BackendOptions
from nlmon.backends.registry import create
from nlmon.capture import open_capture
from nlmon.engine.lane import BackendMaker
from nlmon.engine.run import replay_capture
from nlmon.events import Event, LinkInfo, RouteInfo
from nlmon.report.model import CaptureReport
from nlmon.transport.base import TransportFactory
from nlmon.transport.recorded.faults import Fault
from support.paths import CAPTURES

legacy = partial(create, "legacy")
libnl = partial(create, "libnl")
LOSS = Fault(100, 30), Fault(700, 300)


def recovered(candidate: BackendMaker, kernel: str = "linux-6.12", name: str = "02-route-topology") -> CaptureReport:
    """The report on a recording of which notifications are lost in two places."""
    with open_capture(CAPTURES / kernel / f"{name}.pcap.zst") as reader:
        options = BackendOptions(resync=True, resync_interval=0.0)
        return replay_capture(reader, name, legacy, candidate, options=options, faults=LOSS)


def told(change: Callable[[Event], Event | None]) -> BackendMaker:
    """A libnl that changes or keeps back what it tells after a loss, while it believes to have told it."""

    class Broken(LibnlBackend):
        def deliver(self, events: Sequence[Event]) -> None:
            changed = [change(event) if event.synthetic else event for event in events]
            on_event, self._on_event = self._on_event, None
            super().deliver(events)
            self._on_event = on_event
            for event in changed:
                if event is not None and on_event is not None:
                    on_event(event)

    def make(transports: TransportFactory, options: BackendOptions) -> Backend:
        return Broken(transports, options)

    return make


def wrong(event: Event) -> Event:
    """A made-up MTU, and a made-up interface of routes."""
    if isinstance(event.payload, LinkInfo):
        return structs.replace(event, payload=structs.replace(event.payload, mtu=1))
    if isinstance(event.payload, RouteInfo):
        return structs.replace(event, payload=structs.replace(event.payload, oif=77))
    return event


def idle(self: LibnlBackend, protocol: int) -> bool:
    """A recovery that does nothing."""
    self._resync.loss = None
    return False


class Lazy(LibnlBackend):
    """Forgets its losses."""

    idle = idle


ZOO: dict[str, BackendMaker] = {
    "nothing is made up for": Lazy,
    "nothing is told": told(lambda _: None),
    "news alone are told": told(lambda e: e if e.msg_type & 3 == 0 else None),
    "what is new is told as gone": told(lambda e: structs.replace(e, msg_type=e.msg_type | 1)),
    "wrong values are told": told(wrong),
    "routes are forgotten": told(lambda e: None if isinstance(e.payload, RouteInfo) else e),
}


@pytest.mark.parametrize("kernel", ["linux-6.1", "linux-6.12"])
@pytest.mark.parametrize("name", ["01-route-basic", "02-route-topology"])
def test_a_sound_recovery_is_an_enhancement(kernel: str, name: str) -> None:
    """libnl makes up for the loss, legacy reports it: that is no regression, and said."""
    report = recovered(libnl, kernel, name)

    assert (report.verdict, set(report.differences), report.state) == ("equivalent", {"enhancement"}, "same")
    assert report.fields["recovered"] > 0
    assert report.lost["legacy"] == report.lost["libnl"] > 0


@pytest.mark.parametrize("maker", ZOO.values(), ids=ZOO.keys())
def test_a_broken_recovery_is_found(maker: BackendMaker) -> None:
    """What is not made up for, or wrongly, is a difference of the state with both values."""
    report = recovered(maker)

    assert (report.verdict, report.state) == ("regression", "differs")
    assert any("after the resync of libnl" in d.reason for d in report.details)


def test_an_overrun_that_is_swallowed_at_the_end_is_found() -> None:
    """A loss that lasts until the recording ends is compared like any other."""

    class Silent(LibnlBackend):
        def report(self, error: Exception) -> None:
            """Says nothing."""

    with open_capture(CAPTURES / "linux-6.12" / "01-route-basic.pcap.zst") as reader:
        report = replay_capture(reader, "01", legacy, Silent, faults=(Fault(600, 100000),))

    assert (report.verdict, report.differences["error"]) == ("regression", 1)
