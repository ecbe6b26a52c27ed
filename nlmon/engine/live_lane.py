"""A lane on the running kernel: one implementation with sockets of its own, behind taps.

Rules:
1. The implementation reads; the lane says what it read and what it made of that.
2. A socket that cannot be read any more is nobody's crash. What was lost is counted by protocol, so that a loss of one
   excuses nothing on another.

Not here: pairing what two lanes read (``pairing``), and judging it (``live``).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from msgspec import Struct, structs

from nlmon.backends.options import BackendOptions
from nlmon.compare.side import Side
from nlmon.engine.guarded import BackendMaker
from nlmon.engine.lane import Lane
from nlmon.errors import Overrun, TransportError, UsageError
from nlmon.names.foreign import without_data
from nlmon.transport.base import Transport
from nlmon.transport.tap import FaultsSuffered, Reading, TapFactory

__all__ = ["LiveLane", "Processed", "of_datagram", "refuse_what_is_later"]


class Processed(Struct, frozen=True):
    """What came of one call of ``process``. ``readings``: what it read, which is one datagram or none; ``side``: with
    the errors of its socket; ``more``: it may be called again at once."""

    readings: list[Reading]
    side: Side
    more: bool


class LiveLane(Lane):
    """One implementation on the running kernel; ``failed``: protocols whose socket cannot be read any more, though no
    fault was asked for that."""

    def __init__(self, make: BackendMaker, factory: TapFactory, options: BackendOptions | None = None) -> None:
        super().__init__(make, factory, options)
        self.failed: dict[int, str] = {}
        self._factory = factory

    @property
    def lost_sockets(self) -> dict[int, int]:
        """Protocols of which it reads nothing any more, since a fault took the socket and it opened no other one, with
        the frame where that was."""
        return {protocol: tap.lost_since for protocol, tap in self._factory.taps.items() if tap.lost_since}

    @property
    def sockets(self) -> Mapping[int, Transport | None]:
        """See ``Lane.sockets``."""
        lost, taps = self.lost_sockets, self._factory.taps
        return {protocol: taps.get(protocol) for protocol in self.heard.protocols if protocol not in lost}

    @property
    def had(self) -> FaultsSuffered:
        """What faults did to its sockets."""
        return self._factory.had

    @property
    def lossy(self) -> bool:
        """Whether a socket of this lane lost anything so far."""
        return bool(self.ledger.lost_of)

    def lost(self, protocol: int) -> bool:
        """Whether the socket of a protocol lost anything so far."""
        return protocol in self.ledger.lost_of

    def groups(self, protocol: int) -> Collection[int]:
        """The groups that the socket of a protocol is in."""
        tap = self._factory.taps.get(protocol)
        return () if tap is None else tap.groups

    def fileno(self, protocol: int) -> int:
        """Descriptor to wait for, -1 where there is none."""
        tap = self._factory.taps.get(protocol)
        if tap is not None and tap.lost_since:
            return tap.fileno()
        return self.guarded.fileno(protocol)

    def foreign(self, protocol: int) -> int:
        """Datagrams of a protocol so far that did not come from the kernel."""
        tap = self._factory.taps.get(protocol)
        return 0 if tap is None else tap.status().foreign

    def enable(self, protocol: int) -> Side:
        """Open the socket of a protocol. Raises ``TransportError``."""
        with self.heard.counting(protocol, self._events, self._errors):
            try:
                self.backend.enable(protocol)
            except (TransportError, KeyboardInterrupt):
                raise
            except BaseException as error:
                self.guarded.raised.append(error)
            finally:
                if protocol in self._factory.taps:  # else the kernel refused it, and there is nothing to count
                    self.heard.protocols.add(protocol)
        return of_datagram(self._result(protocol))

    def read(self, protocol: int) -> Processed:
        """Let the implementation read one datagram."""
        more, tap = False, self._factory.taps.get(protocol)
        lost = tap is not None and tap.lost_since > 0
        with self.heard.counting(protocol, self._events, self._errors):
            try:
                if tap is not None and lost:
                    tap.drain()
                else:
                    more = self.backend.process(protocol)
            except TransportError as error:
                if protocol in self.lost_sockets and not lost:
                    self._errors.append(error)
                    more = True  # what comes is missed
                else:
                    self.failed[protocol] = without_data(error.what)
                    self.heard.add(protocol, 0, 1)
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                self.guarded.raised.append(error)
        lost = any(isinstance(error, Overrun) for error in self._errors)
        side = self._result(protocol, lossy=self.lost(protocol) or lost)
        return Processed(self._factory.readings(), side, more)

    def decode_answer(self, reading: Reading) -> Side:
        """Decode an answer to a dump, which is no event."""
        protocol = reading.datagram.protocol
        if self.supports(protocol):
            self._factory.read(reading)
            self.guarded.call(self._decode, reading.datagram)
            self._factory.readings()
        return of_datagram(self._result(protocol, lossy=self.lost(protocol), answer=True))

    def caught_up(self, *, end: bool = False) -> list[int]:
        """It has read all that was sent, or this is the ``end``; the protocols that faults have left something to read
        of."""
        return self._factory.end() if end else self._factory.caught_up()

    def close(self) -> Side:
        """Close the implementation, and sockets that faults took from it."""
        side = super().close()
        self._factory.close()
        return side

    def drops(self) -> dict[int, int]:
        """Messages that the kernel dropped, by protocol, some of which it may not have reported yet."""
        return self.guarded.drops()


def of_datagram(side: Side) -> Side:
    """A result without errors of the socket, which are not the other lane's."""
    if not any(isinstance(error, TransportError) for error in side.errors):
        return side
    return structs.replace(side, errors=[one for one in side.errors if not isinstance(one, TransportError)])


def refuse_what_is_later(options: BackendOptions) -> None:
    """Raise ``UsageError`` for options by which events come without a datagram, or later than theirs."""
    asked = {
        "resync": options.resync,
        "caches": options.caches,
        "message_pool_size": options.message_pool_size is not None,
    }
    if names := " and ".join(name for name, value in asked.items() if value):
        why = "events that come without a datagram, or later than theirs, cannot be paired"
        hint = "compare them in a replay: nlmon replay, of what nlmon live --record has kept"
        raise UsageError("NLM-E001", f"a live comparison does not go with {names}", why=why, hint=hint)
