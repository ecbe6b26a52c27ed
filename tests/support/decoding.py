"""Runs a decoder on bytes, and says what came out in values that a test can compare.

Not here: building bytes (``nlmon.testing.messages``).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from nlmon.backends.registry import create
from nlmon.errors import DecodeError
from nlmon.eventjson.read import event_from_json
from nlmon.eventjson.write import event_to_json
from nlmon.events import Decoded, Event
from nlmon.testing.messages import new_family
from nlmon.transport.recorded.kernel import RecordedKernel
from nlmon.transport.recorded.transport import RecordedFactory
from nlmon.wire import Datagram, Datagrams

__all__ = ["BACKENDS", "ORDERS", "backend", "decode", "event", "findings", "payload"]

BACKENDS, ORDERS = ("legacy", "libnl"), ("little", "big")
GENERIC = 16
FRAME = 7


def backend(name: str, byteorder: Any = "little", families: Mapping[int, str] | None = None) -> Any:
    """An implementation to which nlctrl has named these families."""
    factory = RecordedFactory(RecordedKernel(byteorder))
    for number, family in (families or {}).items():
        factory.kernel.learn(Datagrams.of(Datagram(1, 0, GENERIC, new_family(number, family, byteorder=byteorder))))
    made = create(name, factory)
    if families:
        made.enable(GENERIC)
    return made


@cache
def _decoder(name: str, byteorder: str, families: tuple[tuple[int, str], ...]) -> Any:
    """One for all: decoding is pure."""
    return backend(name, byteorder, dict(families))


def decode(
    name: str,
    protocol: int,
    data: bytes,
    byteorder: str = "little",
    *,
    request: bytes = b"",
    families: Mapping[int, str] | None = None,
) -> Decoded:
    """What an implementation makes of one datagram; ``request``: the message that it answers."""
    decoder = _decoder(name, byteorder, tuple((families or {}).items()))
    decoded: Decoded = decoder.decode(Datagram(FRAME, 1_000, protocol, data, request=request))
    return decoded


def event(*args: Any, **named: Any) -> Event:
    """The one event of a datagram in which nothing is wrong; as a line of JSON it is the same event."""
    decoded = decode(*args, **named)
    assert (len(decoded.events), findings(decoded), decoded.unknown, decoded.control) == (1, [], [], 0)
    assert event_from_json(event_to_json(decoded.events[0])) == decoded.events[0]
    return decoded.events[0]


def payload(*args: Any, **named: Any) -> Any:
    """The payload of the one event of a datagram in which nothing is wrong."""
    return event(*args, **named).payload


def findings(decoded: Decoded) -> list[tuple[str, int, str]]:
    """Class, offset and attribute path of each error; all must be of our kind and of this frame."""
    assert all(isinstance(error, DecodeError) and error.frame == FRAME for error in decoded.errors)
    return [(type(error).__name__, error.offset, error.path) for error in decoded.errors]
