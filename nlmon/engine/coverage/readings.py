"""Who of two implementations reads which attribute: what each declares, laid one over the other; and what messages are
called of which the same is read.

Not here: names of attributes (``nlmon.names``).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from nlmon.backends.base import Backend
from nlmon.backends.reads import UNDECLARED, Attributes, Node, Reads
from nlmon.compare.contract import Contract
from nlmon.names import unknown_message
from nlmon.uapi import AF_UNIX, NETLINK_AUDIT, NETLINK_GENERIC, NETLINK_SOCK_DIAG, NETLINK_XFRM, NLMSG_HDRLEN

__all__ = ["BOTH", "NEITHER", "ReadAttribute", "Readings", "first_of", "label_of", "who_reads"]

# Who reads: bits, 1 for the first of the two and 2 for the second.
NEITHER, BOTH = 0, 3
# Protocols whose messages begin with neither an address family nor a command.
UNNAMED = {NETLINK_XFRM, NETLINK_AUDIT}
# Answers that are remembered.
READINGS_KEPT = 1024


class ReadAttribute(NamedTuple):
    """An attribute that somebody reads: ``readers``; ``inside``: what is read of the attributes in it, by number, None:
    it is read as it is; ``begin`` and ``hops`` as those of ``Node``."""

    readers: int
    inside: Mapping[int, ReadAttribute] | None
    begin: int
    hops: bool


# Attributes that are read as they are, by who does.
READ = tuple(ReadAttribute(readers, None, 0, False) for readers in range(BOTH + 1))


class Readings(NamedTuple):
    """What is read of messages of one kind. ``readers``: who gives an event for them, ``everything``: who reads all
    that is in them; ``begin``: bytes of the fixed header; ``attributes``: what is read, by number; a number that is not
    there is read by nobody but ``everything``."""

    readers: int
    everything: int
    begin: int
    attributes: Mapping[int, ReadAttribute]


@lru_cache(READINGS_KEPT)
def who_reads(
    backends: tuple[type[Backend], type[Backend]], protocol: int, msg_type: int, first: int, family: str = ""
) -> Readings | None:
    """Who of two classes reads what of messages of a type; the other arguments are those of ``Declares.reads``. None:
    one of them does not say it."""
    said = [_said(one, protocol, msg_type, first, family) for one in backends]
    if UNDECLARED in said:
        return None
    readers, everything, begin = NEITHER, NEITHER, 0
    trees: list[Attributes | None] = [None, None]
    for number, reads in enumerate(said):
        if reads is not None:
            readers |= 1 << number
            begin = max(begin, reads.begin)
            everything |= 0 if reads.attributes is not None else 1 << number
            trees[number] = reads.attributes
    return Readings(readers, everything, begin, _over(trees[0] or {}, trees[1] or {}))


def _said(one: type[Backend], protocol: int, msg_type: int, first: int, family: str) -> Reads | None:
    """What a class says that it reads; one that raises, or gives what says nothing, has not said it."""
    try:
        found = one.reads(protocol, msg_type, first, family) if protocol in one.groups else None
        if found is None or (isinstance(found, Reads) and _is_number(found.begin) and _are_nodes(found.attributes)):
            return found
    except KeyboardInterrupt:
        raise
    except BaseException:
        return UNDECLARED
    return UNDECLARED


def _is_number(value: object) -> bool:
    return type(value) is int and value >= 0


def _are_nodes(attributes: Attributes | None) -> bool:
    """Whether these are attributes by number, down to the last."""
    return attributes is None or all(
        _is_number(number) and isinstance(node, Node) and _is_number(node.begin) and _are_nodes(node.inside)
        for number, node in attributes.items()
    )


def _over(one: Attributes, other: Attributes) -> Mapping[int, ReadAttribute]:
    return {number: _node(one.get(number), other.get(number)) for number in {**one, **other}}


def _node(one: Node | None, other: Node | None) -> ReadAttribute:
    node = one or other
    readers = (one is not None) + 2 * (other is not None)
    if node is None or node.inside is None or (other is not None and other.inside is None):
        return READ[readers]
    inside = _over((one and one.inside) or {}, (other and other.inside) or {})
    return ReadAttribute(readers, inside, node.begin, node.hops)


def first_of(protocol: int, message: bytes) -> int:
    """The first byte behind the header of a message, where that says what is read of it: an address family, or a
    generic command; else -1."""
    return message[NLMSG_HDRLEN] if len(message) > NLMSG_HDRLEN and protocol not in UNNAMED else -1


def label_of(contract: Contract, protocol: int, msg_type: int, first: int, family: str, reads: Readings | None) -> str:
    """What messages are called that are listed together: by the kind of their event, or by their type where they give
    none; sockets by their family and messages of IPsec together, as the sets of their attributes are."""
    if protocol == NETLINK_GENERIC:
        return family or f"family {msg_type}"
    kind = contract.of(protocol, msg_type)
    if reads is None or not reads.readers or not kind:
        return unknown_message(protocol, msg_type, first)
    if protocol == NETLINK_SOCK_DIAG:
        return "unix socket" if first == AF_UNIX else "inet socket"
    return "xfrm" if protocol == NETLINK_XFRM else kind
