"""Two states that are folded as one are those that each lane would have folded by itself.

Not here: what an event does to a state (``tests/state/test_tables.py``).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from msgspec import structs

from nlmon.backends.base import Backend
from nlmon.backends.libnl import LibnlBackend
from nlmon.backends.options import BackendOptions
from nlmon.backends.registry import create
from nlmon.capture import Frame, open_capture
from nlmon.engine.lane import BackendMaker
from nlmon.engine.replay import Replay
from nlmon.events import UNSET, Decoded, Event, LinkInfo, RouteInfo
from nlmon.state.tables import State
from nlmon.transport.base import TransportFactory
from nlmon.transport.recorded.faults import Fault
from nlmon.wire import Datagram
from support.paths import CAPTURES

pytestmark = pytest.mark.slow

legacy, libnl = partial(create, "legacy"), partial(create, "libnl")
LATE = 400


def changed(change: Callable[[Event], Event | None]) -> BackendMaker:
    """A libnl that changes or drops single events, but those of the first frames."""

    class Broken(LibnlBackend):
        def decode(self, datagram: Datagram) -> Decoded:
            decoded = super().decode(datagram)
            made = [event if event.frame < LATE else change(event) for event in decoded.events]
            return structs.replace(decoded, events=[event for event in made if event is not None])

    def make(transports: TransportFactory, options: BackendOptions) -> Backend:
        return Broken(transports, options)

    return make


def payload(kind: type, **values: Any) -> BackendMaker:
    """A libnl that gives a value of its own to a field."""

    def change(event: Event) -> Event:
        if not isinstance(event.payload, kind):
            return event
        return structs.replace(event, payload=structs.replace(event.payload, **values))

    return changed(change)


PAIRS: dict[str, tuple[BackendMaker, BackendMaker]] = {
    "sound": (legacy, libnl),
    "rollback": (libnl, legacy),
    "the same": (libnl, libnl),
    "an event is lost": (legacy, changed(lambda e: None if e.msg_type == 25 else e)),
    "an event comes in another frame": (legacy, changed(lambda e: structs.replace(e, frame=e.frame + 1))),
    "another interface": (legacy, payload(RouteInfo, oif=77)),
    "one of its own": (legacy, payload(LinkInfo, group=77)),
    "not provided": (payload(RouteInfo, prefsrc=UNSET), legacy),
    "hops are lost": (legacy, payload(RouteInfo, multipath=None)),
}


def contents(state: State) -> list[Any]:
    """All that is in a state."""
    members = [(group, list(keys)) for group, keys in state._members.items()]
    tables = [list(table.items()) for table in state.tables.values()]
    return [tables, members, state.unannounced, state.unannounced_counts]


def recorded(name: str, kernel: str) -> list[Frame]:
    with open_capture(CAPTURES / kernel / f"{name}.pcap.zst") as reader:
        return list(reader)


@pytest.mark.parametrize("kernel", ["linux-6.1", "linux-6.12"])
@pytest.mark.parametrize("name", ["01-route-basic", "02-route-topology"])
@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS.keys())
def test_one_state_for_both_is_that_of_each(pair: tuple[BackendMaker, BackendMaker], name: str, kernel: str) -> None:
    """With the same differences, whether the two have parted from the start, in the middle, or when they must."""
    found = []
    frames = recorded(name, kernel)
    for apart in (0, len(frames) // 2, None):
        replay = Replay(*pair, byteorder="little")
        for number, frame in enumerate(frames):
            if number == apart:
                replay._folding.part()
            replay.feed(frame)
        states = [contents(lane.state) for lane in replay.lanes]
        found.append((states, replay.judge.counts, replay.judge.details))

    assert found[0] == found[1] == found[2]


def test_they_part_when_they_must() -> None:
    """Equal implementations share one state to the end, and until somebody looks at the other."""
    shared = {}
    for what, pair in PAIRS.items():
        replay = Replay(*pair, byteorder="little")
        for frame in recorded("02-route-topology", "linux-6.12"):
            replay.feed(frame)
        shared[what] = replay._folding.shared
    replay = Replay(legacy, libnl, byteorder="little")
    before = replay._folding.shared
    whole = [contents(lane.state) for lane in replay.lanes]

    assert {what for what, yes in shared.items() if yes} == {"sound", "rollback", "one of its own"}
    assert (before, replay._folding.shared, whole[0] == whole[1]) == (True, False, True)


def test_who_makes_up_for_losses_folds_alone() -> None:
    """With faults or recovery the two need not be the same."""
    options = BackendOptions(resync=True)

    assert not Replay(legacy, libnl, byteorder="little", options=options)._folding.shared
    assert not Replay(legacy, libnl, byteorder="little", faults=(Fault(1, 1),))._folding.shared
