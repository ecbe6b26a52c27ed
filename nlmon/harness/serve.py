"""One of our implementations, offered through the harness protocol.

Rules:
1. What is asked is checked: a mistake of whoever asks ends it with an error that says what the protocol asks for.
2. It knows the datagrams that it is given and nothing else, as every program does.

Not here: reading lines and printing them (``nlmon.cli.serve``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import UNSET

from nlmon import __version__
from nlmon.backends.base import Backend
from nlmon.compare.statement import statement_of
from nlmon.errors import DecodeError, InputError, KernelError
from nlmon.events import PAYLOADS, Event
from nlmon.framing import messages
from nlmon.harness.backend import CONTROL, UNSUPPORTED
from nlmon.harness.protocol import PROTOCOL, Ask, AskDatagram, AskEnd, AskHello, payload_of
from nlmon.transport.recorded.kernel import RecordedKernel
from nlmon.uapi import NETLINK_GENERIC
from nlmon.wire import Datagram, Datagrams

__all__ = ["served"]

_ASK: msgspec.json.Decoder[Ask] = msgspec.json.Decoder(Ask)
_KINDS = {struct: kind for kind, struct in PAYLOADS.items()}
Make = Callable[[RecordedKernel], Backend]


def served(make: Make, lines: Iterable[bytes]) -> Iterator[bytes]:
    """The answer to each line, until ``end``. ``make``: the implementation, over a kernel that learns
    from the datagrams.

    Raises ``InputError`` (NLM-N015) for a line that the protocol does not know."""
    backend: Backend | None = None
    kernel = RecordedKernel()
    datagrams = events = 0
    for number, line in enumerate(lines, 1):
        ask = _asked(line, number)
        if isinstance(ask, AskHello):
            kernel, datagrams, events = RecordedKernel(ask.byteorder), 0, 0
            backend = make(kernel)
            for protocol in backend.groups:
                backend.enable(protocol)
            yield _line({"hello": _hello(backend)})
        elif isinstance(ask, AskEnd):
            yield _line({"bye": {"datagrams": datagrams, "events": events}})
            return
        elif backend is None:
            raise InputError("NLM-N015", "the first line is no hello", where=f"line {number}")
        elif isinstance(ask, AskDatagram):
            datagrams += 1
            found = answered(backend, kernel, ask, number)
            events += len(found)
            yield _line({"n": ask.n, "events": found})


def _asked(line: bytes, number: int) -> Ask:
    try:
        return _ASK.decode(line)
    except msgspec.MsgspecError as error:
        hint = "see docs/harness.md"
        raise InputError(
            "NLM-N015", "no line of the protocol", where=f"line {number}", why=str(error), hint=hint
        ) from None


def _hello(backend: Backend) -> dict[str, Any]:
    statement = statement_of(backend.name)
    return {
        "name": f"nlmon-{backend.name}",  # not that of the implementation itself, which it may be compared with
        "version": __version__,
        "language": "Python",
        "protocol": PROTOCOL,
        "netlink": sorted(backend.groups),
        # Those of NETLINK_GENERIC have other numbers on each host; a program is given all of them.
        "groups": {str(one): backend.groups_of(one) for one in sorted(backend.groups) if one != NETLINK_GENERIC},
        "mode": "stream",
        "provides": {kind: sorted(fields) for kind, fields in sorted(statement.fields.items())},
        "interfaces": sorted(statement.interfaces),
        "families": {place: sorted(numbers) for place, numbers in sorted(statement.families.items())},
        "absent": dict(statement.absent),
    }


def answered(backend: Backend, kernel: RecordedKernel, ask: AskDatagram, number: int) -> list[dict[str, Any]]:
    """What became of each message of a datagram, in order. Raises ``InputError`` for what is no base64."""
    try:
        data, request = payload_of(ask)
    except ValueError as error:
        raise InputError("NLM-N015", "data is no base64", where=f"line {number}", why=str(error)) from None
    if ask.netlink not in backend.groups:
        return [
            {"offset": one.offset, "type": one.type, "skip": UNSUPPORTED} for one in messages(data, backend.byteorder)
        ]
    datagram = Datagram(ask.n, 0, ask.netlink, data, request=request)
    families = kernel.families_listed
    if ask.role != "request":
        kernel.learn(Datagrams.of(datagram), announced=ask.role == "notification")
        if kernel.families_listed > families:
            backend.refresh()
    decoded = backend.decode(datagram)
    types = {one.offset: one.type for one in messages(data, backend.byteorder)}
    found = [_event(event) for event in decoded.events]
    found += [_error(error, types) for error in decoded.errors]
    said = {one["offset"] for one in found}
    unknown = {kind for kind, _ in decoded.unknown}
    for offset, kind in types.items():
        if offset not in said:
            found.append({"offset": offset, "type": kind, "skip": UNSUPPORTED if kind in unknown else CONTROL})
    return sorted(found, key=lambda one: one["offset"])


def _event(event: Event) -> dict[str, Any]:
    found = {"offset": event.offset, "type": event.msg_type, "kind": _KINDS[type(event.payload)]}
    interface = {} if event.interface is UNSET else {"interface": event.interface}
    return {**found, **interface, "fields": event.payload}


def _error(error: DecodeError, types: Mapping[int, int]) -> dict[str, Any]:
    offset = max((at for at in types if at <= error.offset), default=0)
    said: dict[str, Any] = {"code": error.code, "text": error.what, "at": error.offset, "path": error.path}
    if isinstance(error, KernelError):
        said |= {"errno": error.errno}
    return {"offset": offset, "type": types.get(offset, -1), "error": said}


def _line(answer: Mapping[str, Any]) -> bytes:
    return msgspec.json.encode(answer) + b"\n"
