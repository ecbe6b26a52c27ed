"""Bytes of a datagram as a report shows them: keys as their length only.

Rules:
1. Of a message that can hold keys, what is not understood counts as a key: an attribute that does not fit, what stands
   behind it, a request that the kernel gave back with an error.

Not here: which attributes hold keys (``nlmon.names.secret``), and where evidence is (``locate``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

from msgspec import structs

from nlmon.events import Event, GenericInfo, QcaVendorInfo
from nlmon.framing import align, messages, nlattr
from nlmon.names.attribute_sets import root_of
from nlmon.names.secret import ALL, SECRET_VENDOR_COMMANDS, as_length, is_secret, secrets_of
from nlmon.uapi import (
    GENL_HDRLEN,
    NETLINK_GENERIC,
    NLA_HDRLEN,
    NLA_TYPE_MASK,
    NLMSG_ERROR,
    NLMSG_HDRLEN,
    NLMSG_MIN_TYPE,
)
from nlmon.wire import Datagram

__all__ = ["hidden_bytes", "length_of", "shown_bytes", "shown_values"]

# errno, and the header of the request that follows it
ERROR_HEADER = 4 + NLMSG_HDRLEN


def shown_bytes(
    datagram: Datagram, begin: int, end: int, byteorder: str, families: Callable[[int], Collection[str]]
) -> str:
    """Bytes of a datagram in hexadecimal. ``families``: the names of a generic family by its number."""
    parts, at = [], begin
    for start, stop in hidden_bytes(datagram, byteorder, families):
        if at < stop and start < end:
            parts += [datagram.data[at : max(at, start)].hex(" "), as_length(stop - start)]
            at = stop
    return " ".join(filter(None, (*parts, datagram.data[at : max(at, end)].hex(" "))))


def hidden_bytes(
    datagram: Datagram, byteorder: str, families: Callable[[int], Collection[str]]
) -> Iterator[tuple[int, int]]:
    """Where keys are, or may be, in order."""
    data, protocol, last = datagram.data, datagram.protocol, 0
    if secrets_of(protocol) is not ALL and not secrets_of(protocol):
        return
    for message in messages(data, byteorder):
        body, last = message.offset + NLMSG_HDRLEN, message.offset + message.length
        if message.type == NLMSG_ERROR:
            yield from _rest(body + ERROR_HEADER, last)
        if message.type < NLMSG_MIN_TYPE:
            continue
        names = families(message.type) if protocol == NETLINK_GENERIC else ()
        secrets = secrets_of(protocol, message.type, names)
        if secrets is ALL or secrets:
            first = data[body] if body < last else -1
            root = root_of(protocol, message.type, first)
            before = GENL_HDRLEN if protocol == NETLINK_GENERIC else root.before if root.set else 0
            yield from _attributes(data, body + before, last, byteorder, secrets)
    yield from _rest(align(last), len(data))


def _attributes(
    data: bytes, at: int, end: int, byteorder: str, secrets: frozenset[int] | None
) -> Iterator[tuple[int, int]]:
    """Payloads that are keys, and all that is no whole attribute."""
    while at + NLA_HDRLEN <= end:
        size, kind = nlattr(byteorder).unpack_from(data, at)
        if size < NLA_HDRLEN or at + size > end:
            break
        if is_secret(kind & NLA_TYPE_MASK, secrets):
            yield from _rest(at + NLA_HDRLEN, min(at + align(size), end))
        at += align(size)
    yield from _rest(at, end)


def _rest(begin: int, end: int) -> Iterator[tuple[int, int]]:
    if begin < end:
        yield begin, end


def shown_values(event: Event, values: tuple[Any, Any], families: Callable[[int], Collection[str]]) -> tuple[Any, Any]:
    """Two values of a field of an event without keys; what was shown already stays as it is. Who gave the event may
    call the family something else than nlctrl, or the command of a vendor: what is a key by either is one."""
    payload = event.payload
    vendor = any(isinstance(one, QcaVendorInfo) and one.subcmd in SECRET_VENDOR_COMMANDS for one in values)
    if not isinstance(payload, GenericInfo):
        return _vendor_data(values[0], hide=vendor), _vendor_data(values[1], hide=vendor)
    vendor = vendor or payload.vendor_subcmd in SECRET_VENDOR_COMMANDS
    name = payload.genl_family_name
    secrets = (
        secrets_of(NETLINK_GENERIC, payload.genl_family_id, [name] if isinstance(name, str) else []),
        secrets_of(NETLINK_GENERIC, event.msg_type, families(event.msg_type)),
    )

    def shown(value: Any) -> Any:
        if isinstance(value, tuple) and all(isinstance(one, tuple) and len(one) == 2 for one in value):
            hidden = [any(is_secret(number, one) for one in secrets) for number, _ in value]
            return tuple(
                (n, length_of(raw)) if hide else (n, raw) for hide, (n, raw) in zip(hidden, value, strict=True)
            )
        return length_of(value) if vendor and isinstance(value, str) else _vendor_data(value, hide=vendor)

    return shown(values[0]), shown(values[1])


def _vendor_data(value: Any, *, hide: bool) -> Any:
    if not hide or not isinstance(value, QcaVendorInfo):
        return value
    return structs.replace(value, data=length_of(value.data))


def length_of(data: Any) -> Any:
    """The length of bytes in hexadecimal, as text; what is one already, or nothing, stays."""
    shown = data is None or (isinstance(data, str) and data.startswith("("))
    return data if shown else as_length(len(str(data)) // 2)
