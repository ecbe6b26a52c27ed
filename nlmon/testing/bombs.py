"""Captures that cost memory: files of one of the things that a reader keeps.

Rules:
1. Everything is generated, in a loop, from a size; nothing is stored.

Not here: messages by themselves (``messages``), hosts that grow (``squares``), and measuring what a capture costs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count, cycle

from nlmon import uapi
from nlmon.testing.messages import ASKS_ALL, addr, aligned, attr, message, neigh, new_family, number, numbered_ip, route

__all__ = ["BOMBS", "bomb", "interfaces"]

# Bytes that a pcap of an nlmon device has beside each datagram.
HEADERS = 32

# IFLA_PROP_LIST, which nests IFLA_ALT_IFNAME.
PROPERTIES = 52

Messages = Iterator[bytes]


def _bare(index: int) -> bytes:
    """A link without attributes."""
    return number("BxHiII", uapi.AF_UNSPEC, 1, index, uapi.IFF_UP, 0)


def unknown_types() -> Messages:
    """Messages of every type that nobody knows, with every first byte."""
    for step in count():
        yield message(200 + step % 65_000, bytes([step // 65_000 % 256, 0, 0, 0]))


def strange_sockets() -> Messages:
    """Sockets of every family, in every type."""
    for step in count():
        yield message(uapi.SOCK_DIAG_BY_FAMILY + step % 60_000, bytes([step % 251, 0, 0, 0]))


def hops() -> Messages:
    """IPv6 routes over 8,000 hops each, each of which is a route of its own."""
    for step in count():
        to = bytes([0xFD]) + step.to_bytes(4, "big") + bytes(11)
        each = b"".join(number("HBBi", 8, 0, 0, index) for index in range(1, 8001))
        body = number("BBBBBBBBI", uapi.AF_INET6, 64, 0, 0, 254, 3, 0, 1, 0) + attr(1, to)
        yield message(uapi.RTM_NEWROUTE, body + attr(9, each))


def many_links() -> Messages:
    """Links without anything."""
    return (message(uapi.RTM_NEWLINK, _bare(index)) for index in count(1))


def many_messages() -> Messages:
    """Datagrams of a MiB, full of the smallest messages that give an event."""
    return cycle((message(uapi.RTM_NEWLINK, _bare(1)) * 32_000,))


def huge_datagrams() -> Messages:
    """Datagrams of 8 MiB, full of the smallest messages."""
    return cycle((message(uapi.RTM_NEWLINK, _bare(1)) * 262_144,))


def open_dumps() -> Messages:
    """Dumps that begin and never end, while routes are announced."""
    for seq in range(1, 65):
        yield message(uapi.RTM_GETROUTE, bytes(12), flags=ASKS_ALL, seq=seq, pid=77)
        yield message(uapi.RTM_NEWROUTE, route(f"{numbered_ip(seq)}/32", 1), flags=uapi.NLM_F_MULTI, seq=seq, pid=77)
    for step in count(65):
        yield message(uapi.RTM_NEWROUTE, route(f"{numbered_ip(step)}/32", 1), flags=uapi.NLM_F_CREATE | uapi.NLM_F_EXCL)


def endless_dump() -> Messages:
    """A dump that lists objects and does not end."""
    yield message(uapi.RTM_GETROUTE, bytes(12), flags=ASKS_ALL, seq=1, pid=77)
    for step in count():
        yield message(uapi.RTM_NEWROUTE, route(f"{numbered_ip(step)}/32", 1), flags=uapi.NLM_F_MULTI, seq=1, pid=77)


def long_names() -> Messages:
    """Generic families with names of 4 KiB."""
    return (new_family(uapi.GENL_ID_CTRL + 1 + step % 65_000, f"{step:04096}") for step in count())


def layouts() -> Messages:
    """Messages of which each three have attributes in an order of their own."""
    for step in count():
        salt = step // 3 * 2 + 1
        order = sorted(range(2, 18), key=[one * salt * 7919 % 65_537 for one in range(18)].__getitem__)
        yield message(uapi.RTM_NEWLINK, _bare(1) + b"".join(attr(100 + one, bytes(4)) for one in order))


def errors() -> Messages:
    """What the kernel refuses, for every reason, of every type."""
    for step in count():
        refused = number("IHHII", 16, 16 + step % 65_000, 1, step, 1)
        yield message(uapi.NLMSG_ERROR, number("i", -(step % 4096)) + refused, seq=step, pid=1)


def requests() -> Messages:
    """Requests that nobody answers."""
    for step in count(1):
        yield message(uapi.RTM_GETLINK, bytes(128), flags=ASKS_ALL, seq=step, pid=1)


def deviations() -> Messages:
    """Links whose attributes have lengths that nobody expects."""
    for step in count(1):
        yield message(uapi.RTM_NEWLINK, _bare(step % 1000 + 1) + attr(4, bytes(step % 40)) + attr(3, b"a" * 900))


def large_links() -> Messages:
    """Links with an alias of 60 KiB each."""
    return (message(uapi.RTM_NEWLINK, _bare(index) + attr(20, b"a" * 60_000 + b"\0")) for index in count(1))


def growing_links() -> Messages:
    """A few links, each of which has a longer alias in each message."""
    for step in count():
        alias = b"a" * (step * 40 % 60_000) + b"\0"
        yield message(uapi.RTM_NEWLINK, _bare(step % 5_000 + 1) + attr(3, b"eth\0") + attr(20, alias))


# -- objects, and what there may be much of in one ------------------------------------------------------------------


def plain_routes() -> Messages:
    """IPv4 routes over one link."""
    return (_route(step) for step in count())


def near_routes() -> Messages:
    """IPv4 routes, each by a gateway and from an address of its own."""
    for step in count():
        near = attr(uapi.RTA_GATEWAY, _bytes(step, 11)) + attr(uapi.RTA_PREFSRC, _bytes(step, 12))
        yield _route(step, near + attr(uapi.RTA_OIF, number("i", 1)))


def next_hops() -> Messages:
    """IPv4 routes over 100 hops each, of which no other has all."""
    return (_route(step, attr(uapi.RTA_MULTIPATH, _hops(step, 100))) for step in count())


def links_of_hops() -> Messages:
    """IPv4 routes of six hops and a nexthop object each, over links that no other is over."""
    for step in count():
        hops = b"".join(number("HBBi", 8, 0, 0, 6 * step + place) for place in range(1, 7))
        yield _route(step, attr(uapi.RTA_MULTIPATH, hops) + attr(uapi.RTA_NH_ID, number("I", step + 1)))


def metrics() -> Messages:
    """IPv4 routes with 8,000 metrics each."""
    each = b"".join(attr(step % 17 + 1, number("I", step)) for step in range(8000))
    return (_route(step, attr(uapi.RTA_METRICS, each)) for step in count())


def encapsulations() -> Messages:
    """IPv4 routes with an encapsulation of 60,000 bytes each."""
    encap = attr(uapi.RTA_ENCAP_TYPE, number("H", 1)) + attr(uapi.RTA_ENCAP, bytes(60_000))
    return (_route(step, encap) for step in count())


def dump_of_hops() -> Messages:
    """A dump that lists IPv4 routes over 4,000 hops each, and does not end."""
    yield message(uapi.RTM_GETROUTE, bytes(12), flags=ASKS_ALL, seq=1, pid=77)
    for step in count():
        yield _route(step, attr(uapi.RTA_MULTIPATH, _hops(step, 4000)), flags=uapi.NLM_F_MULTI, seq=1, pid=77)


def rules() -> Messages:
    """IPv4 rules, each of another priority."""
    head = number("BBBBBxxBI", uapi.AF_INET, 0, 0, 0, 254, 1, 0)
    return (message(uapi.RTM_NEWRULE, head + attr(uapi.FRA_PRIORITY, number("I", step))) for step in count())


def neighbours() -> Messages:
    """IPv4 neighbours on many links."""
    return (message(uapi.RTM_NEWNEIGH, neigh(step % 5000 + 1, numbered_ip(step))) for step in count())


def addresses() -> Messages:
    """IPv6 addresses of one link."""
    return (message(uapi.RTM_NEWADDR, addr(1, f"fd00::{step >> 16:x}:{step & 65535:x}")) for step in count())


def alternative_names() -> Messages:
    """Links with 8,000 alternative names each."""
    names = b"".join(attr(uapi.IFLA_ALT_IFNAME, b"%04x" % step) for step in range(8000))
    return (message(uapi.RTM_NEWLINK, _bare(index) + attr(PROPERTIES, names)) for index in count(1))


def group_lists() -> Messages:
    """Generic families of 1,500 groups each."""
    groups = b"".join(
        attr(
            step + 1,
            attr(uapi.CTRL_ATTR_MCAST_GRP_NAME, b"g\0") + attr(uapi.CTRL_ATTR_MCAST_GRP_ID, number("I", step + 1000)),
        )
        for step in range(1500)
    )
    for step in count():
        name, family = attr(uapi.CTRL_ATTR_FAMILY_NAME, b"f%d\0" % step), 32 + step % 60_000
        named = name + attr(uapi.CTRL_ATTR_FAMILY_ID, number("H", family))
        described = named + attr(uapi.CTRL_ATTR_MCAST_GROUPS, groups)
        yield message(uapi.GENL_ID_CTRL, bytes([uapi.CTRL_CMD_NEWFAMILY, 2, 0, 0]) + described)


def askers() -> Messages:
    """Dumps that as many programs ask for, and that do not end."""
    for step in count():
        yield message(uapi.RTM_GETROUTE, bytes(12), flags=ASKS_ALL, seq=step, pid=1000 + step)
        yield b"".join(_route(step * 40 + n, flags=uapi.NLM_F_MULTI, seq=step, pid=1000 + step) for n in range(40))


def _bytes(number_: int, net: int) -> bytes:
    """An IPv4 address as it stands in a message."""
    return bytes([net, number_ >> 16 & 255, number_ >> 8 & 255, number_ & 255])


def _route(
    step: int,
    rest: bytes = attr(uapi.RTA_OIF, number("i", 1)),
    flags: int = uapi.NLM_F_CREATE,
    seq: int = 0,
    pid: int = 0,
) -> bytes:
    """An IPv4 route, an object of its own for each step."""
    body = number("BBBBBBBBI", uapi.AF_INET, 32, 0, 0, 254, 3, 0, 1, 0) + attr(uapi.RTA_DST, _bytes(step, 10))
    return message(uapi.RTM_NEWROUTE, body + rest, flags=flags, seq=seq, pid=pid)


def _hops(step: int, size: int) -> bytes:
    """Hops by gateways of their own over links that are others for each step."""
    return b"".join(
        number("HBBi", 16, 0, 0, step * 37 % 5000 + hop + 1) + attr(uapi.RTA_GATEWAY, _bytes(hop << 8 | step & 255, 12))
        for hop in range(size)
    )


# -- files ----------------------------------------------------------------------------------------------------------


def _block(kind: int, body: bytes) -> bytes:
    """One block of a pcapng file."""
    body = aligned(body)
    return number("II", kind, len(body) + 12) + body + number("I", len(body) + 12)


def interfaces(size: int) -> Iterator[bytes]:
    """A pcapng file of about ``size`` bytes, in pieces: sections of 4,096 interfaces, each with a long name."""
    section = _block(0x0A0D0D0A, number("IHHq", 0x1A2B3C4D, 1, 0, -1))
    interface = _block(1, number("HHI", 253, 0, 0) + number("HH", 2, 4000) + b"a" * 4000 + number("I", 0))
    for place in range(size // len(interface)):
        yield (b"" if place % 4096 else section) + interface


# What makes each, by its name, and the protocol it is of.
_MESSAGES: dict[str, tuple[int, Callable[[], Messages]]] = {
    "unknown types": (uapi.NETLINK_ROUTE, unknown_types),
    "strange sockets": (uapi.NETLINK_SOCK_DIAG, strange_sockets),
    "hops": (uapi.NETLINK_ROUTE, hops),
    "many links": (uapi.NETLINK_ROUTE, many_links),
    "many messages": (uapi.NETLINK_ROUTE, many_messages),
    "huge datagrams": (uapi.NETLINK_ROUTE, huge_datagrams),
    "open dumps": (uapi.NETLINK_ROUTE, open_dumps),
    "endless dump": (uapi.NETLINK_ROUTE, endless_dump),
    "long names": (uapi.NETLINK_GENERIC, long_names),
    "layouts": (uapi.NETLINK_ROUTE, layouts),
    "errors": (uapi.NETLINK_ROUTE, errors),
    "requests": (uapi.NETLINK_ROUTE, requests),
    "deviations": (uapi.NETLINK_ROUTE, deviations),
    "large links": (uapi.NETLINK_ROUTE, large_links),
    "growing links": (uapi.NETLINK_ROUTE, growing_links),
    "plain routes": (uapi.NETLINK_ROUTE, plain_routes),
    "near routes": (uapi.NETLINK_ROUTE, near_routes),
    "next hops": (uapi.NETLINK_ROUTE, next_hops),
    "links of hops": (uapi.NETLINK_ROUTE, links_of_hops),
    "metrics": (uapi.NETLINK_ROUTE, metrics),
    "encapsulations": (uapi.NETLINK_ROUTE, encapsulations),
    "dump of hops": (uapi.NETLINK_ROUTE, dump_of_hops),
    "rules": (uapi.NETLINK_ROUTE, rules),
    "neighbours": (uapi.NETLINK_ROUTE, neighbours),
    "addresses": (uapi.NETLINK_ROUTE, addresses),
    "alternative names": (uapi.NETLINK_ROUTE, alternative_names),
    "group lists": (uapi.NETLINK_GENERIC, group_lists),
    "askers": (uapi.NETLINK_ROUTE, askers),
}
BOMBS = tuple(_MESSAGES)


def bomb(name: str, size: int) -> tuple[int, Messages]:
    """Protocol and datagrams of a capture of about ``size`` bytes, one datagram at least."""
    protocol, make = _MESSAGES[name]
    return protocol, _up_to(make(), size)


def _up_to(messages: Messages, size: int) -> Messages:
    while size > 0:
        one = next(messages)
        size -= len(one) + HEADERS
        yield one
