"""What goes with an interface is found without looking through the tables, and is what one finds there.

Not here: what goes when (``tests/state/test_tables.py``).
"""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping

import pytest

from nlmon.events import AddrInfo, Event, LinkInfo, NeighInfo, NextHop, RouteInfo, RoutePayload
from nlmon.objects.keys import Key
from nlmon.state.indexes import InterfaceIndex
from nlmon.state.tables import State

NEW_LINK, DEL_LINK, LINKS = 16, 17, 5


class Everything(InterfaceIndex):
    """Looks through the whole table."""

    def on(self, index: int, table: Mapping[Key, RoutePayload]) -> Collection[Key]:
        """All there is."""
        return table


def some_event(rnd: random.Random, frame: int, *, moving: bool) -> Event:
    """An object comes, changes or goes, on one of a few interfaces; ``moving``: some change theirs."""
    on, low = rnd.randrange(1, LINKS + 1), rnd.randrange(6)
    payload: RoutePayload = rnd.choice(
        (
            AddrInfo(2, on, 24, 0, f"10.0.0.{low}"),
            NeighInfo(2, on, 2, 0, f"10.0.0.{low}"),
            NeighInfo(7, on if moving else low + 1, 2, 0, None, f"00:00:00:00:00:0{low}", master=9),
            RouteInfo(2, 24, 0, 0, 3, 0, 1, 0, 254, f"10.{low}.0.0", oif=on),
            RouteInfo(2, 24, 0, 0, 3, 0, 1, 0, 254, f"10.{low}.0.0", oif=on if moving else low + 1, nh_id=1),
            RouteInfo(2, 24, 0, 0, 3, 0, 1, 0, 254, f"10.{low}.0.0", multipath=(NextHop(on, 1, 0), NextHop(1, 1, 0))),
            RouteInfo(10, 64, 0, 0, 3, 0, 1, 0, 254, f"fd0{low}::", oif=on),
            RouteInfo(10, 64, 0, 0, 3, 0, 1, 0, 254, f"fd0{low}::", multipath=(NextHop(on, 1, 0), NextHop(2, 1, 0))),
            RouteInfo(2, 24, 0, 0, 3, 0, 6, 0, 254, f"10.{low}.0.0"),
            LinkInfo(0, on, rnd.randrange(2)),
        )
    )
    kinds = {AddrInfo: 20, NeighInfo: 28, RouteInfo: 24, LinkInfo: NEW_LINK}
    msg_type = kinds[type(payload)] + (rnd.random() < 0.25)
    return Event(frame, 0, msg_type, rnd.choice((0, 0x100, 0x400, 0xC00)), 0, 0, frame, 0, None, payload)


class Counting(InterfaceIndex):
    """Counts the keys that it gives."""

    def __init__(self) -> None:
        super().__init__()
        self.given = 0

    def on(self, index: int, table: Mapping[Key, RoutePayload]) -> Collection[Key]:
        """What is on an interface."""
        found = super().on(index, table)
        self.given += len(found)
        return found


@pytest.mark.parametrize("moving", [False, True], ids=["objects stay", "objects move"])
@pytest.mark.parametrize("seed", range(20))
def test_what_hangs_on_an_interface_is_all_that_a_table_holds_of_it(seed: int, *, moving: bool) -> None:
    """The same objects go, in the same order, whichever way they are looked for."""
    rnd = random.Random(seed)
    quick, slow = State(), State()
    slow._indexes.by_interface = {kind: Everything() for kind in slow._indexes.by_interface}
    for frame in range(400):
        event = some_event(rnd, frame, moving=moving)
        quick.apply(event)
        slow.apply(event)

    assert quick.unannounced == slow.unannounced != []
    assert [list(table.items()) for table in quick.tables.values()] == [list(t.items()) for t in slow.tables.values()]
    assert {one._whole for one in quick._indexes.by_interface.values()} == {False}


def test_nothing_is_kept_of_what_is_gone() -> None:
    """An interface on which nothing hangs takes no memory."""
    state = State()
    for number in range(1, 50):
        event = Event(0, 0, 20, 0, 0, 0, 1, 0, None, AddrInfo(2, number, 24, 0, "10.0.0.1"))
        state.apply(event)
        state.apply(Event(0, 0, 21, 0, 0, 0, 1, 0, None, event.payload))

    assert [one._keys for one in state._indexes.by_interface.values()] == [{}] * 3


def test_a_station_that_moved_costs_the_other_links_nothing() -> None:
    """As many objects are looked at as go, though one of them has moved from one link to another."""
    state, size = State(), 100
    state._indexes.by_interface = {kind: Counting() for kind in state._indexes.by_interface}
    stations = [NeighInfo(7, on, 2, 0, None, f"02:00:00:00:00:{on:02x}", master=9) for on in range(1, size)]
    ports = [LinkInfo(7, on, 1) for on in range(1, size)]
    moved = NeighInfo(7, 1, 2, 0, None, stations[-1].lladdr, master=9)
    for payload in (*stations, *ports, moved):
        state.apply(Event(0, 0, NEW_LINK if isinstance(payload, LinkInfo) else 28, 0, 0, 0, 1, 0, None, payload))
    for on in range(1, size):
        state.apply(Event(0, 0, DEL_LINK, 0, 0, 0, 1, 0, None, LinkInfo(0, on, 0)))

    looked_at = sum(index.given for index in state._indexes.by_interface.values() if isinstance(index, Counting))
    assert (len(state.tables["neigh"]), len(state.tables["port"]), looked_at) == (0, 0, len(stations) + len(ports))
