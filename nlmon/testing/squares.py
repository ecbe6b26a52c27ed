"""Captures that grow: hosts of many objects in which much happens at once, whose work must grow as their size does.

Rules:
1. Everything is generated, in a loop, from a size of so many links, routes or families; nothing is stored.

Not here: messages by themselves (``messages``), captures that are made to cost memory (``bombs``), and measuring what a
capture costs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from ipaddress import ip_address

from nlmon import uapi
from nlmon.testing.messages import (
    ASKS_ALL,
    addr,
    attr,
    family,
    link,
    message,
    neigh,
    new_family,
    number,
    numbered_ip,
    route,
)

__all__ = ["SQUARES", "square"]

# Hops that an attribute has room for.
HOPS_OF_ONE = 4000

Messages = Iterator[bytes]


def _appear(size: int) -> Messages:
    for index in range(1, size + 1):
        yield message(uapi.RTM_NEWLINK, link(index, f"eth{index}"))
        yield message(uapi.RTM_NEWADDR, addr(index, numbered_ip(index)))
        yield message(uapi.RTM_NEWNEIGH, neigh(index, numbered_ip(index, 11)))
        for net in (20, 21):
            yield message(
                uapi.RTM_NEWROUTE,
                route(f"{numbered_ip(index, net)}/32", index),
                flags=uapi.NLM_F_CREATE | uapi.NLM_F_EXCL,
            )


def links_go(size: int) -> Messages:
    """Links with an address, a neighbour and two routes each, of which one after the other goes down and away."""
    yield from _appear(size)
    for index in range(1, size + 1):
        yield message(uapi.RTM_NEWLINK, link(index, f"eth{index}", up=False))
        yield message(uapi.RTM_DELLINK, link(index, f"eth{index}", up=False))


def links_change(size: int) -> Messages:
    """Links that are renamed, go down and up again."""
    yield from _appear(size)
    for index in range(1, size + 1):
        yield message(uapi.RTM_NEWLINK, link(index, f"net{index}", up=False))
        yield message(uapi.RTM_NEWLINK, link(index, f"net{index}"))


def _fdb(index: int, number_: int, master: int) -> bytes:
    """An entry of the forwarding database of a bridge."""
    lladdr = attr(2, b"\2" + number("I", number_, byteorder="big") + b"\0")
    return number("BxxxiHBB", uapi.AF_BRIDGE, index, 2, 0, 0) + lladdr + attr(9, number("I", master))


def stations_move(size: int) -> Messages:
    """Links in a bridge, each with a station behind it; one of these moves, then all links go."""
    for index in range(1, size + 1):
        yield message(uapi.RTM_NEWLINK, link(index, f"eth{index}"))
        yield message(uapi.RTM_NEWLINK, link(index, f"eth{index}", family=uapi.AF_BRIDGE))
        yield message(uapi.RTM_NEWNEIGH, _fdb(index, index, 1))
    for index in range(2, size + 1):
        yield message(uapi.RTM_NEWNEIGH, _fdb(index, index - 1, 1))
    for index in range(1, size + 1):
        yield message(uapi.RTM_DELLINK, link(index, f"eth{index}"))


def routes_prepended(size: int) -> Messages:
    """Routes to one destination, each before all others; then the first is replaced, as often."""
    yield message(uapi.RTM_NEWLINK, link(1, "eth1"))
    for step in range(size):
        yield message(uapi.RTM_NEWROUTE, route("192.0.2.0/24", 1, numbered_ip(step)), flags=uapi.NLM_F_CREATE)
    for step in range(size):
        yield message(uapi.RTM_NEWROUTE, route("192.0.2.0/24", 1, numbered_ip(step, 11)), flags=uapi.NLM_F_REPLACE)


def routes_appended(size: int) -> Messages:
    """Routes to one destination, each behind all others, which then go from the first to the last."""
    yield message(uapi.RTM_NEWLINK, link(1, "eth1"))
    for step in range(size):
        yield message(
            uapi.RTM_NEWROUTE, route("192.0.2.0/24", 1, numbered_ip(step)), flags=uapi.NLM_F_CREATE | uapi.NLM_F_APPEND
        )
    for step in range(size):
        yield message(uapi.RTM_DELROUTE, route("192.0.2.0/24", 1, numbered_ip(step)))


def links_dumped(size: int) -> Messages:
    """Links, addresses and routes that a program lists, and then changes."""
    for kind in (uapi.RTM_NEWLINK, uapi.RTM_NEWADDR, uapi.RTM_NEWROUTE):
        yield message(kind + 2, bytes(28 if kind != uapi.RTM_NEWLINK else 16), flags=ASKS_ALL, seq=kind, pid=77)
        for index in range(1, size + 1):
            body = {
                uapi.RTM_NEWLINK: lambda n: link(n, f"eth{n}"),
                uapi.RTM_NEWADDR: lambda n: addr(n, numbered_ip(n)),
                uapi.RTM_NEWROUTE: lambda n: route(f"{numbered_ip(n, 20)}/32", n),
            }[kind](index)
            yield message(kind, body, flags=uapi.NLM_F_MULTI, seq=kind, pid=77)
        yield message(uapi.NLMSG_DONE, bytes(4), flags=uapi.NLM_F_MULTI, seq=kind, pid=77)
    for index in range(1, size + 1):
        yield message(uapi.RTM_NEWLINK, link(index, f"eth{index}", up=False))


def _listed(addresses: Iterable[bytes]) -> Messages:
    """A program asks for all addresses, and these are listed."""
    yield message(uapi.RTM_GETADDR, bytes(8), flags=ASKS_ALL, seq=1, pid=77)
    for address in addresses:
        yield message(uapi.RTM_NEWADDR, address, flags=uapi.NLM_F_MULTI, seq=1, pid=77)
    yield message(uapi.NLMSG_DONE, bytes(4), flags=uapi.NLM_F_MULTI, seq=1, pid=77)


def addresses_go(size: int) -> Messages:
    """A link of many IPv6 addresses and routes, all of whose addresses were listed, that loses its last IPv4 address
    again and again."""
    yield message(uapi.RTM_NEWLINK, link(1, "eth1"))
    yield from _listed([addr(1, "192.0.2.1")])
    yield from _many_of_ipv6(size)
    for _ in range(size):
        yield message(uapi.RTM_DELADDR, addr(1, "192.0.2.1"))
        yield message(uapi.RTM_NEWADDR, addr(1, "192.0.2.1"))


def routes_stay(size: int) -> Messages:
    """A link of many IPv6 addresses and routes that is down, which the kernel says again and again."""
    yield message(uapi.RTM_NEWLINK, link(1, "eth1"))
    yield from _many_of_ipv6(size)
    for _ in range(size):
        yield message(uapi.RTM_NEWLINK, link(1, "eth1", up=False))


def _many_of_ipv6(size: int) -> Messages:
    for step in range(size):
        yield message(uapi.RTM_NEWADDR, addr(1, f"fd00::{step + 1:x}"))
        yield message(uapi.RTM_NEWROUTE, route(f"fd01::{step + 1:x}/128", 1), flags=uapi.NLM_F_CREATE | uapi.NLM_F_EXCL)


def _over(to: str, hops: Iterable[int], *more: bytes, scope: int = uapi.RT_SCOPE_UNIVERSE) -> bytes:
    """The body of a message: ``rtmsg``, RTA_DST, and RTA_MULTIPATH with a gateway on each of these interfaces."""
    head = number("BBBBBBBBI", uapi.AF_INET, 32, 0, 0, uapi.RT_TABLE_MAIN, uapi.RTPROT_BOOT, scope, uapi.RTN_UNICAST, 0)
    each = b"".join(
        number("HBBi", 16, 0, 0, index) + attr(uapi.RTA_GATEWAY, ip_address(numbered_ip(index, 11)).packed)
        for index in hops
    )
    return head + attr(uapi.RTA_DST, ip_address(to).packed) + attr(uapi.RTA_MULTIPATH, each) + b"".join(more)


def sources_go(size: int) -> Messages:
    """A link of many IPv6 addresses, each of which is the preferred source of a route; they go, and come again."""
    yield message(uapi.RTM_NEWLINK, link(1, "eth1"))
    for step in range(1, size + 1):
        own = f"fd00::{step:x}"
        preferring = route(f"fd01::{step:x}/128", 1) + attr(uapi.RTA_PREFSRC, ip_address(own).packed)
        yield message(uapi.RTM_NEWADDR, addr(1, own))
        yield message(uapi.RTM_NEWROUTE, preferring, flags=uapi.NLM_F_CREATE | uapi.NLM_F_EXCL)
    for step in range(1, size + 1):
        yield message(uapi.RTM_DELADDR, addr(1, f"fd00::{step:x}"))
        yield message(uapi.RTM_NEWADDR, addr(1, f"fd00::{step:x}"))


def local_sources_go(size: int) -> Messages:
    """Links that have the same link-local address, which a route over each prefers; it goes from one after the
    other."""
    local = "fe80::1"
    for index in range(1, size + 1):
        preferring = route(f"fd01::{index:x}/128", index) + attr(uapi.RTA_PREFSRC, ip_address(local).packed)
        yield message(uapi.RTM_NEWLINK, link(index, f"eth{index}"))
        yield message(uapi.RTM_NEWADDR, addr(index, local))
        yield message(uapi.RTM_NEWROUTE, preferring, flags=uapi.NLM_F_CREATE | uapi.NLM_F_EXCL)
    for index in range(1, size + 1):
        yield message(uapi.RTM_DELADDR, addr(index, local))


def hops_go(size: int) -> Messages:
    """Routes over all links, which go down one after the other, and routes over two of them."""
    for index in range(1, size + 1):
        yield message(uapi.RTM_NEWLINK, link(index, f"eth{index}"))
        yield message(
            uapi.RTM_NEWROUTE, _over(numbered_ip(index, 20), (1, index)), flags=uapi.NLM_F_CREATE | uapi.NLM_F_EXCL
        )
    for net in (21, 22):
        hops = range(1, min(size, HOPS_OF_ONE) + 1)
        yield message(uapi.RTM_NEWROUTE, _over(numbered_ip(1, net), hops), flags=uapi.NLM_F_CREATE | uapi.NLM_F_EXCL)
    for index in range(size, 0, -1):
        yield message(uapi.RTM_NEWLINK, link(index, f"eth{index}", up=False))


def hops_stay(size: int) -> Messages:
    """Routes over a link of two, of host scope and over a nexthop object; the link goes down and up, and down, which
    the kernel says again and again."""
    for index in (1, 2):
        yield message(uapi.RTM_NEWLINK, link(index, f"eth{index}"))
    for step in range(size):
        rows = (
            _over(numbered_ip(step, 20), (1, 2)),
            _over(numbered_ip(step, 21), (1, 1), scope=uapi.RT_SCOPE_HOST),
            _over(numbered_ip(step, 22), (1, 2), attr(uapi.RTA_NH_ID, number("I", 1))),
        )
        yield from (message(uapi.RTM_NEWROUTE, row, flags=uapi.NLM_F_CREATE | uapi.NLM_F_EXCL) for row in rows)
    for step in range(2 * size):
        yield message(uapi.RTM_NEWLINK, link(1, "eth1", up=step % 2 == 0 and step < size))


def hops_of_many_links(size: int) -> Messages:
    """Routes over one link and another one each, half of them of host scope with the other one down; the link is
    without a carrier, and then down, which the kernel says again and again."""
    yield message(uapi.RTM_NEWLINK, link(1, "eth1"))
    for step in range(2, size + 2):
        yield message(uapi.RTM_NEWLINK, link(size + step, f"eth{size + step}", up=False))
        for net, index, scope in ((20, step, uapi.RT_SCOPE_UNIVERSE), (21, size + step, uapi.RT_SCOPE_HOST)):
            row = _over(numbered_ip(step, net), (1, index), scope=scope)
            yield message(uapi.RTM_NEWROUTE, row, flags=uapi.NLM_F_CREATE | uapi.NLM_F_EXCL)
    for step in range(2 * size):
        yield message(uapi.RTM_NEWLINK, link(1, "eth1", up=step < size))


def hops_of_one_link(size: int) -> Messages:
    """Routes over one link and another one each, all of whose addresses were listed. The link goes down and comes up
    again and again, then its address goes and comes, and at last goes, which the kernel says again and again."""
    for index in range(1, size + 2):
        yield message(uapi.RTM_NEWLINK, link(index, f"eth{index}"))
    yield from _listed(addr(index, numbered_ip(index, 12)) for index in range(1, size + 2))
    for index in range(2, size + 2):
        yield message(
            uapi.RTM_NEWROUTE, _over(numbered_ip(index, 20), (1, index)), flags=uapi.NLM_F_CREATE | uapi.NLM_F_EXCL
        )
    for step in range(2 * size):
        yield message(uapi.RTM_NEWLINK, link(1, "eth1", up=step % 2 == 1))
    for step in range(3 * size):
        gone = step % 2 == 0 or step > 2 * size
        yield message(uapi.RTM_DELADDR if gone else uapi.RTM_NEWADDR, addr(1, numbered_ip(1, 12)))


def routes_behind(size: int) -> Messages:
    """Routes to one destination, each behind all others, and a link that is named again and again."""
    yield message(uapi.RTM_NEWLINK, link(1, "eth1"))
    for step in range(size):
        yield message(
            uapi.RTM_NEWROUTE, route("192.0.2.0/24", 1, numbered_ip(step)), flags=uapi.NLM_F_CREATE | uapi.NLM_F_APPEND
        )
    for _ in range(8):
        yield message(uapi.RTM_NEWLINK, link(1, "eth1"))


def nexthops_go(size: int) -> Messages:
    """Routes over a nexthop object and over a group; another object goes again and again, with the group announced
    behind it, and at last that of the routes."""
    for step in range(size):
        rows = (
            _over(numbered_ip(step, 20), (1, 2), attr(uapi.RTA_NH_ID, number("I", 9))),
            route(f"{numbered_ip(step, 21)}/32", 1) + attr(uapi.RTA_NH_ID, number("I", 1)),
        )
        yield from (message(uapi.RTM_NEWROUTE, row, flags=uapi.NLM_F_CREATE | uapi.NLM_F_EXCL) for row in rows)
    for _ in range(size):
        yield message(uapi.RTM_DELNEXTHOP, _nexthop(3, attr(uapi.NHA_OIF, number("I", 1))))
        yield message(uapi.RTM_NEWNEXTHOP, _nexthop(9, attr(uapi.NHA_GROUP, number("IBBH", 1, 0, 0, 0))))
    yield message(uapi.RTM_DELNEXTHOP, _nexthop(1, attr(uapi.NHA_OIF, number("I", 1))))


def _nexthop(number_: int, more: bytes) -> bytes:
    return bytes([uapi.AF_INET]) + bytes(uapi.NHMSG - 1) + attr(uapi.NHA_ID, number("I", number_)) + more


def others_dumped(size: int) -> Messages:
    """IPv4 routes and stations behind a bridge, and a program that lists IPv6 routes and neighbours: there are none."""
    yield message(uapi.RTM_NEWLINK, link(1, "eth1"))
    for step in range(size):
        yield message(uapi.RTM_NEWROUTE, route(f"{numbered_ip(step)}/32", 1), flags=uapi.NLM_F_CREATE | uapi.NLM_F_EXCL)
        yield message(uapi.RTM_NEWNEIGH, _fdb(1, step, 1))
    for seq in range(1, size + 1):
        for kind, asked in (
            (uapi.RTM_NEWROUTE, uapi.AF_INET6),
            (uapi.RTM_NEWNEIGH, uapi.AF_INET6),
            (uapi.RTM_NEWNEIGH, uapi.AF_UNSPEC),
        ):
            yield message(kind + 2, bytes([asked]) + bytes(11), flags=ASKS_ALL, seq=seq, pid=kind)
            yield message(uapi.NLMSG_DONE, bytes(4), flags=uapi.NLM_F_MULTI, seq=seq, pid=kind)


def families_appear(size: int) -> Messages:
    """Generic families that appear, each with a message of its own behind it."""
    for step in range(size):
        yield new_family(uapi.GENL_ID_CTRL + 1 + step, f"family{step}")
        yield message(uapi.GENL_ID_CTRL + 1 + step, bytes(4))


def family_groups_appear(size: int) -> Messages:
    """Generic families that appear, each with a group, and one that gets another group again and again."""
    for step in range(1, size + 1):
        yield family(uapi.GENL_ID_CTRL + step, f"family{step}", {"events": 100 + step % 100})
        yield family(
            uapi.GENL_ID_CTRL + 1, "family1", {f"group{step}": 100 + step % 100}, command=uapi.CTRL_CMD_NEWMCAST_GRP
        )


# What makes each, by its name, and the protocol it is of.
SQUARES: dict[str, tuple[int, Callable[[int], Messages]]] = {
    "links go": (uapi.NETLINK_ROUTE, links_go),
    "links change": (uapi.NETLINK_ROUTE, links_change),
    "stations move": (uapi.NETLINK_ROUTE, stations_move),
    "routes prepended": (uapi.NETLINK_ROUTE, routes_prepended),
    "routes appended": (uapi.NETLINK_ROUTE, routes_appended),
    "links dumped": (uapi.NETLINK_ROUTE, links_dumped),
    "addresses go": (uapi.NETLINK_ROUTE, addresses_go),
    "routes stay": (uapi.NETLINK_ROUTE, routes_stay),
    "sources go": (uapi.NETLINK_ROUTE, sources_go),
    "local sources go": (uapi.NETLINK_ROUTE, local_sources_go),
    "hops go": (uapi.NETLINK_ROUTE, hops_go),
    "nexthops go": (uapi.NETLINK_ROUTE, nexthops_go),
    "hops stay": (uapi.NETLINK_ROUTE, hops_stay),
    "hops of many links": (uapi.NETLINK_ROUTE, hops_of_many_links),
    "hops of one link": (uapi.NETLINK_ROUTE, hops_of_one_link),
    "routes behind": (uapi.NETLINK_ROUTE, routes_behind),
    "others dumped": (uapi.NETLINK_ROUTE, others_dumped),
    "families appear": (uapi.NETLINK_GENERIC, families_appear),
    "family groups appear": (uapi.NETLINK_GENERIC, family_groups_appear),
}


def square(name: str, size: int) -> tuple[int, Messages]:
    """Protocol and datagrams of a host of ``size`` links, routes or families."""
    protocol, make = SQUARES[name]
    return protocol, make(size)
