"""What an implementation may give that is no event and no error: it ends as its crash, at its own frame.

Not here: wrong values of good form (``test_verdict_values``), and what is raised in bulk (``test_bulk``).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any, cast

import pytest
from msgspec import structs

from nlmon.backends.base import Backend
from nlmon.backends.legacy import LegacyBackend
from nlmon.backends.libnl import LibnlBackend
from nlmon.backends.options import BackendOptions
from nlmon.backends.status import BackendStatus
from nlmon.capture import Batch, Frame, open_capture
from nlmon.compare.difference import Class
from nlmon.engine.feed import Feed
from nlmon.engine.read import read_capture
from nlmon.engine.replay import Replay
from nlmon.errors import DecodeError
from nlmon.events import Decoded
from nlmon.testing.messages import addr, message, route
from nlmon.transport.base import TransportFactory
from nlmon.transport.recorded.faults import Fault
from nlmon.wire import Datagram, Datagrams
from support.paths import CAPTURES
from support.sampled import one_in

ROUTE, XFRM, NFLOG = 0, 6, 12
NEWADDR, BAD = 20, 70
FRAMES = [Frame(n, n, ROUTE, message(NEWADDR, addr(1, f"192.0.2.{n}"))) for n in range(1, 101)]


def with_head(**values: Any) -> Callable[[Decoded], Any]:
    """The same events with other values in their heads."""
    return lambda found: structs.replace(found, events=[structs.replace(e, **values) for e in found.events])


def with_error(**place: Any) -> Callable[[Decoded], Any]:
    """An error besides, without its place."""

    def change(found: Decoded) -> Decoded:
        error = DecodeError("NLM-Z001", "no", frame=BAD, offset=0)
        for name, value in place.items():
            setattr(error, name, value)
        return structs.replace(found, errors=[error])

    return change


def with_payload(**values: Any) -> Callable[[Decoded], Any]:
    """The same events with other values in their payloads."""

    def change(found: Decoded) -> Decoded:
        events = [structs.replace(e, payload=structs.replace(e.payload, **values)) for e in found.events]
        return structs.replace(found, events=events)

    return change


class Refuses:
    """Refuses whatever is done with it."""

    def refuse(self, *_: object) -> Any:
        raise RuntimeError("no")

    __eq__ = __hash__ = __repr__ = __str__ = __bool__ = __len__ = __iter__ = refuse


class Text(str):
    """A text that refuses to be printed."""

    def __str__(self) -> str:
        raise RuntimeError("no")


ITSELF: list[Any] = []
ITSELF.append(ITSELF)
DEEP = functools.reduce(lambda inner, _: (inner,), range(100_000), ())
# What is of no form that a value has, wherever it stands.
NO_VALUES: dict[str, Any] = {
    "a list": [1],
    "a dict": {"a": 1},
    "a list that contains itself": ITSELF,
    "a deep tuple": DEEP,
    "an object that refuses": Refuses(),
    "an object inside": (1, Refuses()),
    "a text of a class of its own": Text("eth0"),
    "half a character": "\ud800",
    "a number of many digits": 10**5000,
}


GARBAGE: dict[str, Callable[[Decoded], Any]] = {
    "no result": lambda found: None,
    "no list of events": lambda found: structs.replace(found, events=None),
    "no list of errors": lambda found: structs.replace(found, errors=7),
    "a text for an event": lambda found: structs.replace(found, events=["an event"]),
    "a text for an error": lambda found: structs.replace(found, errors=["an error"]),
    "an event without an offset": with_head(offset=None),
    "a text for an offset": with_head(offset="0"),
    "a part of an offset": with_head(offset=0.5),
    "an event without a type": with_head(msg_type=None),
    "a text for flags": with_head(msg_flags="create"),
    "a list for a frame": with_head(frame=[BAD]),
    "a text for synthetic": with_head(synthetic="no"),
    **{f"{name} in the field of a payload": with_payload(flags=value) for name, value in NO_VALUES.items()},
    **{f"{name} for a name": with_head(interface=value) for name, value in NO_VALUES.items()},
    **{f"{name} for a time": with_head(timestamp=value) for name, value in NO_VALUES.items()},
    **{f"{name} for a namespace": with_head(nsid=value) for name, value in NO_VALUES.items()},
    **{f"{name} for a payload": with_head(payload=value) for name, value in NO_VALUES.items()},
    **{f"{name} for a path": with_error(path=value) for name, value in [*NO_VALUES.items(), ("nothing", None)]},
    **{f"{name} for a code": with_error(code=value) for name, value in NO_VALUES.items()},
    "a number of many digits for an offset": with_head(offset=10**5000),
    "half a character for the type of an event": with_head(type="\ud800"),
    "a number of many digits for the offset of an error": with_error(offset=10**5000),
    "a list for what happened": with_error(kind=["boom"]),
    "nothing for what happened": with_error(what=None),
    "an error without an offset": with_error(offset=None),
    "a text for the offset of an error": with_error(offset="0"),
}


def bad(change: Callable[[Decoded], Any], *, bulk: bool) -> type[Backend]:
    """A libnl that gives garbage for one frame, whether it is asked in bulk or for that frame alone."""

    class Bad(LibnlBackend, bulk=bulk):
        def decode(self, datagram: Datagram) -> Decoded:
            found = super().decode(datagram)
            changed: Decoded = change(found) if datagram.frame == BAD else found
            return changed

        decode_all = Backend.decode_all

    return Bad


def crashes(candidate: type[Backend], frames: Iterable[Frame] = FRAMES, faults: tuple[Fault, ...] = ()) -> list[int]:
    """Frames at which an implementation crashed."""
    replay = Replay(LegacyBackend, candidate, byteorder="little", faults=faults)
    replay.play(frames)
    replay.finish()
    return [found.frame for found in replay.judge.details if found.cls is Class.CRASH]


@pytest.mark.parametrize("bulk", [True, False])
@pytest.mark.parametrize("change", one_in(3, GARBAGE.values()), ids=GARBAGE.keys())
def test_garbage_is_a_crash_at_its_own_frame(change: Callable[[Decoded], Any], bulk: bool) -> None:
    """Of whatever kind it is, in bulk and one by one; it is never an exception of the comparison."""
    assert crashes(bad(change, bulk=bulk)) == [BAD]


@pytest.mark.parametrize("change", one_in(3, GARBAGE.values()), ids=GARBAGE.keys())
def test_garbage_is_a_crash_where_messages_are_lost(change: Callable[[Decoded], Any]) -> None:
    """There, what is announced is read by one more of its kind."""
    assert crashes(bad(change, bulk=False), faults=(Fault(10, 2),)) == [BAD]


BULK_ONLY = {
    **{name: change for name, change in GARBAGE.items() if name != "a list for a frame"},
    "texts for what gives no event": lambda found: structs.replace(found, unknown=["xy"]),
    "a number for what gives no event": lambda found: structs.replace(found, unknown=[7]),
}


@pytest.mark.parametrize("change", one_in(3, BULK_ONLY.values()), ids=BULK_ONLY.keys())
def test_garbage_in_bulk_alone_is_a_crash(change: Callable[[Decoded], Any]) -> None:
    """Where one by one all is well, the crash stands at the last frame of those that were decoded at once."""

    class Bad(LibnlBackend, bulk=True):
        def decode_all(self, datagrams: Datagrams) -> Decoded:
            found = super().decode_all(datagrams)
            changed: Decoded = change(found) if BAD in datagrams.frames else found
            return changed

    assert crashes(Bad, FRAMES[:80]) == [80]


def test_no_crash_is_lost() -> None:
    """Of an implementation that raises for two protocols, both exceptions are shown."""

    class Refuses(LibnlBackend):
        def enable(self, protocol: int) -> None:
            if protocol in {XFRM, NFLOG}:
                raise RuntimeError(f"no {protocol}")
            super().enable(protocol)

    replay = Replay(LegacyBackend, Refuses, byteorder="little", protocols=(ROUTE, XFRM, NFLOG))
    (found,) = replay.judge.details

    assert found.candidate == "RuntimeError: no 6; RuntimeError: no 12"


def test_closing_may_crash() -> None:
    """Who reads the results of one implementation reads its counters before that, and learns of it."""

    class RaisesOnClose(LibnlBackend):
        def close(self) -> None:
            super().close()
            raise RuntimeError("boom")

    with open_capture(CAPTURES / "linux-6.12" / "01-route-basic.pcap.zst") as reader:
        feed = Feed((RaisesOnClose,), reader.info.byteorder)
        read = sum(len(side.events) for side in read_capture(feed, reader))
    (lane,) = feed.lanes
    opened = lane.backend.status().protocols[ROUTE].enabled

    assert (read == lane.counts["events"] + lane.counts["answers"] > 0, opened) == (True, True)
    assert [side.crash for side in feed.close()] == ["RuntimeError: boom"]


def test_what_no_listener_receives_sets_no_clock() -> None:
    """An acknowledgement is the program's alone; the kernel's side learns nothing from it, of whichever protocol."""

    def time(protocol: int) -> int:
        feed = Feed((make,), "little", protocols=(ROUTE,))
        for _ in feed.steps(Batch.of([Frame(1, 7, ROUTE, message(NEWADDR, addr(1, "192.0.2.1")))])):
            pass
        for _ in feed.steps(Batch.of([Frame(2, 99, protocol, message(2, bytes(20)), "in")])):
            pass
        assert [*feed.flush()] == []
        return feed.kernel.time

    def make(factory: TransportFactory, options: BackendOptions) -> Backend:
        return LibnlBackend(factory, options)

    assert (time(ROUTE), time(XFRM)) == (7, 7)


@pytest.mark.parametrize("value", NO_VALUES.values(), ids=NO_VALUES.keys())
def test_a_counter_that_is_no_value_is_a_crash(value: Any) -> None:
    """Of the status as of events: a wrong number is a difference, and what is none at all a crash."""

    class Miscounts(LibnlBackend):
        def status(self) -> BackendStatus:
            found = super().status()
            one = structs.replace(found.protocols[ROUTE], events=value)
            return structs.replace(found, protocols={**found.protocols, ROUTE: one})

    assert len(crashes(Miscounts, FRAMES[:3])) == 1


def test_hops_that_are_none_are_a_difference() -> None:
    """Of good form, and not what a route has in that place."""
    frames = [Frame(1, 1, ROUTE, message(24, route("198.51.100.0/24", 1), flags=0x400))]

    class NoHops(LibnlBackend):
        def decode(self, datagram: Datagram) -> Decoded:
            return cast(Decoded, with_payload(multipath=(None, 5))(super().decode(datagram)))

    replay = Replay(LegacyBackend, NoHops, byteorder="little")
    replay.play(frames)

    assert {one.field for one in replay.judge.details} == {"multipath"}
