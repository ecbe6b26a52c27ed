"""What the parsers read, by hand as they are: the numbers of the attributes, by the name of the parser.

Not here: reading them (``route``, ``sockets``, ``netfilter``, ``generic``).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from nlmon.backends.reads import WHOLE, Attributes, Node, Reads

__all__ = ["READS", "reads_of"]

AF_UNIX, AF_INET, AF_BRIDGE, AF_INET6, RTNL_FAMILY_IPMR, RTNL_FAMILY_IP6MR = 1, 2, 7, 10, 128, 129
IP = {AF_INET, AF_INET6}
CMD_VENDOR = 103
INET_DIAG_MSG_SIZE, UNIX_DIAG_MSG_SIZE = 72, 16


def _whole(*numbers: int) -> Attributes:
    return dict.fromkeys(numbers, WHOLE)


# Attributes that are read of every message, and those that hold an address and are read of the families that it names.
READS: Mapping[str, tuple[Attributes, Mapping[int, Node], frozenset[int]]] = MappingProxyType(
    {
        "parse_link": (_whole(1, 3, 4, 6, 16, 46), {}, frozenset()),
        "parse_addr": (_whole(3, 10), _whole(1, 2), frozenset(IP)),
        "parse_route": (
            {**_whole(4, 6, 8, 15, 18, 21, 22, 30), 9: Node(_whole(18, 21, 22), hops=True)},
            {**_whole(1, 2, 5, 7), 9: Node(_whole(5, 18, 21, 22), hops=True)},
            frozenset({*IP, RTNL_FAMILY_IPMR, RTNL_FAMILY_IP6MR}),
        ),
        "parse_neigh": (_whole(2, 5, 6, 7, 9, 11), _whole(1), frozenset({*IP, AF_BRIDGE})),
        "parse_rule": (
            _whole(3, 4, 6, 10, 11, 12, 13, 14, 15, 16, 17, 19, 20, 21, 22, 23, 24, *range(25, 31)),
            _whole(1, 2),
            frozenset({*IP, RTNL_FAMILY_IPMR, RTNL_FAMILY_IP6MR}),
        ),
        "parse_conntrack": (
            {
                1: Node({1: Node(_whole(1, 2, 3, 4)), 2: Node(_whole(1, 2, 3))}),
                4: Node({1: Node(_whole(1))}),
                8: WHOLE,
                9: Node(_whole(1, 2)),
                10: Node(_whole(1, 2)),
            },
            {},
            frozenset(),
        ),
    }
)


def reads_of(parser: str, size: int, first: int) -> Reads | None:
    """What a parser reads behind a fixed header of ``size`` bytes, of which the ``first`` is an address family or the
    command; None: it gives no event for such messages."""
    if parser == "parse_generic":
        return Reads(size, _whole(195, 196) if first == CMD_VENDOR else {})
    if parser == "parse_socket":
        if first == AF_UNIX:
            return Reads(UNIX_DIAG_MSG_SIZE, {})
        return Reads(INET_DIAG_MSG_SIZE, _whole(10)) if first in IP else None
    if parser not in READS:  # one of a subclass, which declares nothing
        return Reads(size, {})
    always, addresses, families = READS[parser]
    return Reads(size, {**always, **addresses} if first in families else always)
