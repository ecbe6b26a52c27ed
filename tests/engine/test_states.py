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
from nlmon.engine.guarded import BackendMaker
from nlmon.engine.replay import Replay
from nlmon.events import UNSET, Decoded, Event, LinkInfo, RouteInfo
from nlmon.state.tables import State
from nlmon.transport.base import TransportFactory
from nlmon.transport.recorded.faults import Fault
from nlmon.wire import Datagram
from support.paths import CAPTURES, NEWEST_FIRST
from support.sampled import one_in

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
# Legacy and libnl that give the same objects share one state to the end.
SHARED = {"sound", "rollback", "one of its own"}
# On the large recording one of them shows what all do.
RECORDED = [
    *((what, "01-route-basic") for what in PAIRS),
    *one_in(len(PAIRS), [(what, "02-route-topology") for what in PAIRS], pytest.mark.long),
]


def contents(state: State) -> list[Any]:
    """All that is in a state."""
    members = [(group, state.order(group)) for group in {key[:-1]: None for key in state.tables["route"]}]
    tables = [list(table.items()) for table in state.tables.values()]
    return [tables, members, state.unannounced, state.unannounced_counts]


def recorded(name: str, kernel: str) -> list[Frame]:
    with open_capture(CAPTURES / kernel / f"{name}.pcap.zst") as reader:
        return list(reader)


@pytest.mark.parametrize("kernel", NEWEST_FIRST)
@pytest.mark.parametrize(("what", "name"), RECORDED)
def test_one_state_for_both_is_that_of_each(what: str, name: str, kernel: str) -> None:
    """With the same differences, whether the two diverge at the start, in the middle, or when they must, if ever."""
    found = []
    frames = recorded(name, kernel)
    for diverge_at in (0, len(frames) // 2, len(frames)):
        replay = Replay(*PAIRS[what], byteorder="little")
        replay.play(frames[:diverge_at])
        shared = replay.states.shared
        replay.states.diverge()
        replay.play(frames[diverge_at:])
        objects, states = replay.states.objects(1), [contents(state) for state in replay.states.both]
        found.append((states, objects, replay.judge.counts, replay.judge.details))

    assert found[0] == found[1] == found[2]
    assert shared == (what in SHARED)


def test_two_states_that_shared_nothing_are_equal() -> None:
    """Before anything is fed both are empty, whether they are one or two."""
    states = Replay(legacy, libnl, byteorder="little").states
    before = states.shared
    states.diverge()

    assert (before, states.shared, contents(states.both[0])) == (True, False, contents(states.both[1]))


def test_where_losses_are_recovered_from_each_state_is_its_own() -> None:
    """With faults or recovery the two need not be the same."""
    options = BackendOptions(resync=True)

    assert not Replay(legacy, libnl, byteorder="little", options=options).states.shared
    assert not Replay(legacy, libnl, byteorder="little", faults=(Fault(1, 1),)).states.shared
