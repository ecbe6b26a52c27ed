"""Synthetic events, by which an implementation reports what a loss has taken: what must hold of them, event by event.

No message stands behind them, so neither the bytes nor the other implementation say anything of them; what they do to
the state is judged after the resync (``final``), and these rules judge what a consumer sees before that.

Rules:
1. An event is at the place of a loss that was reported: its frame and time. Its header is made up: no sequence number,
   no port, and of the flags only those by which an IPv4 route goes behind those of its group.
2. It names its interface by the name that the link has, or had.
3. A link is there before what is on it comes, and goes after it.
4. Nothing is reported that was reported to the consumer before: twice, or though it has not changed.

Not here: which objects must be reported (``final``), and whether there may be synthetic events at all (``judge``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from msgspec import Struct

from nlmon.compare.difference import Class
from nlmon.compare.explain import show
from nlmon.compare.same import same
from nlmon.events import Event, LinkInfo, RoutePayload
from nlmon.objects.keys import Key
from nlmon.state.dumps import changed_fields
from nlmon.state.identity import objects_of
from nlmon.state.tables import State
from nlmon.uapi import AF_INET, NETLINK_ROUTE, NLM_F_APPEND, NLM_F_CREATE, RTM_NEWROUTE

__all__ = ["Flaw", "RecoveryFacts", "flaws"]


class Flaw(NamedTuple):
    """What does not hold of a synthetic event: a field and two values, or no field."""

    cls: Class
    event: Event
    field: str
    expected: str
    given: str
    reason: str


class RecoveryFacts(Struct, frozen=True):
    """What is known when an implementation recovers. ``losses``: time and frame of the losses that it reported, None
    where it did not report one as an event; ``names``: of the link with an index, before the resync and after it,
    None where there was no room for all; ``reported``: what was reported to its consumer, to which the events are
    added."""

    losses: Collection[tuple[int, int]] | None
    names: Mapping[int, Collection[str | None]] | None
    reported: State


def flaws(events: Sequence[Event], known: RecoveryFacts) -> Iterator[Flaw]:
    """What does not hold of the synthetic events of a resync, in their order."""
    found = [event for event in events if isinstance(event.payload, RoutePayload)]
    for event in found:
        yield from _head(event, known)
    yield from _order(found)
    yield from _needless(found, known.reported)


def _head(event: Event, known: RecoveryFacts) -> Iterator[Flaw]:
    appended = event.msg_type == RTM_NEWROUTE and getattr(event.payload, "family", None) == AF_INET
    flags = NLM_F_CREATE | NLM_F_APPEND if appended else 0
    rows: list[tuple[str, Any]] = [("msg_flags", flags), ("protocol", NETLINK_ROUTE), ("nsid", None)]
    for name, value in (*rows, *((name, 0) for name in ("seq", "pid", "offset"))):
        if not same(getattr(event, name), value):
            yield _flaw(event, name, value, getattr(event, name), "the header of a synthetic event is made up")
    place = event.timestamp, event.frame
    if known.losses is not None and place not in known.losses:
        yield _flaw(event, "timestamp, frame", sorted(known.losses)[-1:], place, "no loss was reported there")
    index = getattr(event.payload, "ifindex", None) or getattr(event.payload, "oif", None)
    if known.names is None:
        return
    names = {None} if index is None else set(known.names.get(index, ())) or {None}
    if event.interface not in names:
        expected = sorted(name or "(none)" for name in names)
        yield _flaw(event, "interface", expected, event.interface, "the link with this index has another name")


def _flaw(event: Event, field: str, expected: Any, given: Any, reason: str) -> Flaw:
    return Flaw(Class.CONFLICT, event, field, show(expected), show(given), reason)


def _order(events: Sequence[Event]) -> Iterator[Flaw]:
    """Objects that come before their link, and links that go before what is on them."""
    came: set[int] = {e.payload.ifindex for e in events if isinstance(e.payload, LinkInfo) and not e.msg_type & 3}
    gone: set[int] = set()
    for event in events:
        index = getattr(event.payload, "ifindex", None) or getattr(event.payload, "oif", None)
        if index is None:
            continue
        if isinstance(event.payload, LinkInfo):
            came.discard(index)
            gone.update([index] if event.msg_type & 3 else [])
        elif index in came and not event.msg_type & 3:
            yield _flaw(event, "order", "behind its link", "before it", "it comes before the link that it is on")
        elif index in gone and event.msg_type & 3:
            yield _flaw(event, "order", "before its link", "behind it", "it goes after the link that it was on")


def _needless(events: Sequence[Event], reported: State) -> Iterator[Flaw]:
    """What was reported to the consumer before, by this resync or by the events before it."""
    last: dict[tuple[str, Key], Event] = {}
    for event in events:
        objects = list(objects_of(event.payload))  # type: ignore[arg-type]
        for kind, key, payload in objects:
            before, last[kind, key] = last.get((kind, key)), event
            held = reported.tables[kind].get(key)
            again = before is not None and before.msg_type == event.msg_type and before.payload == event.payload
            nothing = (
                held is None if event.msg_type & 3 else held is not None and not changed_fields(kind, held, payload)
            )
            if nothing:
                reason = "the resync reports it twice" if again else "that was reported to its consumer before"
                yield Flaw(Class.EXTRA, event, "", "no event", "an event", reason)
        reported.apply(event)
