"""One bad implementation: how it is made, what shows its mistake, and what a comparison must say of it.

Rules:
1. A mistake leaves alone what it is not about: but for it the implementation is the good one it is made from.
2. What shows a mistake shows nothing without it: the good implementation passes on the same recording or messages.

Not here: the mistakes (``nlmon.testing.zoo.decoding``, ``nlmon.testing.zoo.events``, ``nlmon.testing.zoo.behaviour``,
``nlmon.testing.zoo.values``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from msgspec import structs

from nlmon.backends.base import Backend
from nlmon.backends.libnl import LibnlBackend
from nlmon.backends.options import BackendOptions
from nlmon.compare.difference import Class, Severity
from nlmon.events import Decoded, Event
from nlmon.transport.base import TransportFactory
from nlmon.transport.recorded.faults import Fault
from nlmon.wire import Datagram

__all__ = ["BadImplementation", "Make", "changing", "decoding", "with_fields"]

Make = Callable[[TransportFactory, BackendOptions], Backend]


@dataclass(frozen=True, kw_only=True)
class BadImplementation:
    """An implementation with one mistake. A comparison with the other implementation, over ``recording`` or over
    ``messages`` (all of them fed, a datagram each), has the differences ``found_as`` and the verdict ``verdict``."""

    name: str
    description: str
    make: Make
    found_as: frozenset[Class]
    """All of them must be found; there may be others, as a state that differs."""
    base: Literal["legacy", "libnl"] = "libnl"
    recording: str = ""
    """Name of a capture in ``fixtures/captures/linux-6.12``, or with its folder as ``by-hand/01-rare-values``, without
    its suffix."""
    protocol: int = 0
    messages: tuple[bytes, ...] = ()
    options: BackendOptions = field(default_factory=BackendOptions)
    faults: tuple[Fault, ...] = ()
    """Losses of the recording that both suffer."""

    @property
    def verdict(self) -> Literal["equivalent", "regression"]:
        """A warning alone turns no verdict."""
        fails = any(cls.severity is Severity.REGRESSION for cls in self.found_as)
        return "regression" if fails else "equivalent"


def decoding(change: Callable[[Datagram, Decoded], Decoded]) -> Make:
    """A libnl of which every datagram's result is changed."""

    class Changed(LibnlBackend):
        def decode(self, datagram: Datagram) -> Decoded:
            return change(datagram, super().decode(datagram))

    return Changed


def changing(change: Callable[[Event], Any]) -> Make:
    """A libnl of which every event is changed: into what ``change`` gives, a list of several, or None for none."""

    def all_of(_: Datagram, decoded: Decoded) -> Decoded:
        made = [change(event) for event in decoded.events]
        flat = [one for some in made for one in (some if isinstance(some, list) else [some])]
        return structs.replace(decoded, events=[one for one in flat if one is not None])

    return decoding(all_of)


def with_fields(kind: type, /, **values: Any) -> Make:
    """A libnl that gives other values to fields of one kind of payload: fixed ones, or computed from the payload."""

    def change(event: Event) -> Event:
        if not isinstance(event.payload, kind):
            return event
        new = {name: value(event.payload) if callable(value) else value for name, value in values.items()}
        return structs.replace(event, payload=structs.replace(event.payload, **new))

    return changing(change)
