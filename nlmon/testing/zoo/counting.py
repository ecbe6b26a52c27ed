"""Mistakes with the counters of ``status()``; the events are right.

Not here: counters before anything is enabled (``nlmon.testing.zoo.upstream``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import structs

from nlmon.backends.base import Backend
from nlmon.backends.legacy import LegacyBackend
from nlmon.backends.libnl import LibnlBackend
from nlmon.backends.options import BackendOptions
from nlmon.backends.status import BackendStatus, ProtocolStatus
from nlmon.compare.difference import Class
from nlmon.errors import TransportError
from nlmon.events import Decoded
from nlmon.testing.messages import link, message, number
from nlmon.testing.zoo.base import BadImplementation, Make
from nlmon.transport.base import TransportStatus
from nlmon.transport.recorded.faults import Fault

__all__ = ["COUNTING"]

ROUTE = 0
BASIC = "01-route-basic"
LINK, EEXIST, DONE = message(16, link(3, "lan0")), message(2, number("i", -17) + bytes(16)), message(3, number("i", 0))
ACTION = message(48, bytes(4))
LOSS = (Fault(100, 30),)
RESYNC = BackendOptions(resync=True, resync_interval=0.0)


def _counting(change: Callable[[Decoded], Decoded], base: type[Backend] = LibnlBackend) -> Make:
    """An implementation that counts something else than it gives."""

    class Miscounting(base):  # type: ignore[misc, valid-type]
        def count(self, protocol: int, frame: int, decoded: Decoded) -> None:
            super().count(protocol, frame, change(decoded))

    return Miscounting


def _saying(change: Callable[[ProtocolStatus], ProtocolStatus]) -> Make:
    """A libnl whose status says something else of each protocol."""

    class Saying(LibnlBackend):
        def status(self) -> BackendStatus:
            found = super().status()
            return structs.replace(found, protocols={one: change(of) for one, of in found.protocols.items()})

    return Saying


def _socket(**changes: Callable[[TransportStatus], Any]) -> Make:
    """A libnl whose status says something else of its sockets."""

    def change(status: ProtocolStatus) -> ProtocolStatus:
        socket = status.transport
        if socket is None:
            return status
        new = {name: value(socket) for name, value in changes.items()}
        return structs.replace(status, transport=structs.replace(socket, **new))

    return _saying(change)


class TwiceInBulk(LibnlBackend, bulk=True):
    """Counts events twice where many messages are decoded at once."""

    def count(self, protocol: int, frame: int, decoded: Decoded) -> None:
        super().count(protocol, frame, decoded)
        if len(decoded.events) > 1:
            self._counts[protocol][0] += len(decoded.events)


class OneForAll(LibnlBackend):
    """Counts what comes of every protocol as NETLINK_ROUTE's."""

    def count(self, protocol: int, frame: int, decoded: Decoded) -> None:
        super().count(ROUTE, frame, decoded)
        self._frames[protocol] = frame


class LossesTwice(LibnlBackend):
    """Counts the error of a loss when the socket fails and when it is reported."""

    def on_transport_error(self, protocol: int, error: TransportError) -> bool:
        self._counts[protocol][1] += 1
        return super().on_transport_error(protocol, error)


class RecoveryUncounted(LibnlBackend):
    """Does not count the events of a resync."""

    def _resynchronize(self, now: int) -> bool:
        before = self._counts[ROUTE][0]
        done = super()._resynchronize(now)
        self._counts[ROUTE][0] = before
        return done


class Forgetful(LibnlBackend):
    """Counts from nothing again when a lost socket is replaced."""

    def enable(self, protocol: int) -> None:
        if protocol not in self._transports:
            self._counts.pop(protocol, None)
        super().enable(protocol)


class OtherName(LibnlBackend):
    """Has another name in its status."""

    def status(self) -> BackendStatus:
        return structs.replace(super().status(), name="netlink")


class NotAll(LibnlBackend):
    """Leaves a protocol out of its status."""

    def status(self) -> BackendStatus:
        found = super().status()
        return structs.replace(found, protocols={ROUTE: found.protocols[ROUTE]})


def _datagrams(decoded: Decoded) -> Decoded:
    return structs.replace(decoded, events=decoded.events[:1])


def _types(decoded: Decoded) -> Decoded:
    return structs.replace(decoded, unknown=[(kind, -1) for kind, _ in decoded.unknown])


def _control(decoded: Decoded) -> Decoded:
    return structs.replace(decoded, unknown=[*decoded.unknown, *[(3, 0)] * decoded.control], control=0)


def _bad(name: str, description: str, make: Make, **shown: Any) -> BadImplementation:
    if "messages" not in shown:
        shown.setdefault("recording", BASIC)
    return BadImplementation(
        name=name, description=description, make=make, found_as=frozenset({Class.COUNTER}), **shown
    )


def _class(name: str, mistake: type[Backend], **shown: Any) -> BadImplementation:
    return _bad(name, (mistake.__doc__ or "").strip(), mistake, **shown)


COUNTING = (
    _bad(
        "datagrams for events",
        "Counts one event for a datagram with several.",
        _counting(_datagrams),
        messages=(LINK + LINK,),
    ),
    _bad(
        "legacy: datagrams for events",
        "Counts one event for a datagram with several.",
        _counting(_datagrams, LegacyBackend),
        base="legacy",
        messages=(LINK + LINK,),
    ),
    _bad(
        "errors uncounted",
        "Reports errors and does not count them.",
        _counting(lambda decoded: structs.replace(decoded, errors=[])),
        messages=(LINK + EEXIST,),
    ),
    _bad(
        "unknown uncounted",
        "Does not count messages that give no event.",
        _counting(lambda decoded: structs.replace(decoded, unknown=[])),
        messages=(LINK + ACTION,),
    ),
    _bad(
        "legacy: unknown uncounted",
        "Does not count messages that give no event.",
        _counting(lambda decoded: structs.replace(decoded, unknown=[]), LegacyBackend),
        base="legacy",
        messages=(LINK + ACTION,),
    ),
    _bad(
        "unknown by type alone",
        "Does not say with which family a message began that gives no event.",
        _counting(_types),
        messages=(LINK + ACTION,),
    ),
    _bad(
        "control uncounted",
        "Does not count the end of a dump.",
        _counting(lambda decoded: structs.replace(decoded, control=0)),
        messages=(LINK + DONE,),
    ),
    _bad("control is unknown", "Counts the end of a dump as unknown.", _counting(_control), messages=(LINK + DONE,)),
    _bad(
        "floating counters",
        "The number of events is a floating point number.",
        _saying(lambda status: structs.replace(status, events=float(status.events))),
    ),
    _bad(
        "never enabled",
        "Says of what it reads that it is not enabled.",
        _saying(lambda status: structs.replace(status, enabled=False)),
    ),
    _bad(
        "descriptor zero",
        "Says that a recording has a descriptor.",
        _saying(lambda status: structs.replace(status, fd=0)),
    ),
    _bad("no socket", "Says nothing of its sockets.", _saying(lambda status: structs.replace(status, transport=None))),
    _bad("drops of a recording", "Says that messages were dropped.", _socket(drops=lambda _: 1)),
    _bad("groups of its own", "Leaves a group out that it joined.", _socket(groups=lambda socket: socket.groups[1:])),
    _bad("datagrams of others", "Counts a datagram too many.", _socket(datagrams=lambda socket: socket.datagrams + 1)),
    _class("twice in bulk", TwiceInBulk),
    _class("one for all", OneForAll, recording="04-conntrack"),
    _class("losses twice", LossesTwice, faults=LOSS),
    _class("recovery uncounted", RecoveryUncounted, options=RESYNC, faults=LOSS),
    _class("counts from nothing again", Forgetful, faults=(Fault(300, kind="lost_socket"),)),
    _class("another name in the status", OtherName),
    _class("a protocol less", NotAll),
)
