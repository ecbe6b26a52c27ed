"""Identity: when two messages are about the same object of a host.

- link: ifindex. Messages of family AF_BRIDGE are bridge ports: RTM_DELLINK of a port leaves the link alone.
- address: ifindex, family, own address; for IPv4 prefix length and peer, too.
- neighbour: family, ifindex, destination, and whether it is a proxy entry; an entry of a forwarding database
  (AF_BRIDGE): link-layer address and vlan within its bridge, or within a device's own table (vxlan) ifindex,
  destination, network identifiers and port, too.
- rule: every selector, action and its target, table, priority, realms, protocol and suppressors, which is all that
  rule_exists() in net/core/fib_rules.c and fib4_rule_compare() tell rules apart by up to Linux 6.12. Not yet:
  FRA_DSCP, FRA_FLOWLABEL and the masks of ports, which came later; rules that differ in these alone are one here.
  So are exact duplicates, which the kernel accepts without NLM_F_EXCL and lists twice.
- route: family, table, dst/len, src/len, tos, priority; IPv6 adds the next hop (each hop is a route of its own
  in the kernel), IPv4 keeps an ordered list (append and prepend make several; replace replaces the first) of
  routes that differ in protocol, scope, preferred source, metrics or next hops. These are a nexthop object, if there
  is one, and else the hops; realms and encapsulation of a hop, which legacy does not provide, do not count.

Only fields that both implementations provide decide identity, so that their states are comparable. The contract
lists the same rules for readers.

Not here: how a report names an object (``describe``), what happens to it (``tables``), the objects of an interface
(``indexes``), and routes of AF_MPLS and multicast routing, which have no common identity.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import Any, TypeAlias

from msgspec import structs

from nlmon.events import AddrInfo, Event, LinkInfo, NeighInfo, RouteInfo, RoutePayload, RuleInfo
from nlmon.uapi import (
    AF_BRIDGE,
    AF_INET,
    AF_INET6,
    AF_UNSPEC,
    FIB_RULE_INVERT,
    NETLINK_ROUTE,
    NTF_PROXY,
    NTF_SELF,
    RTM_F_CLONED,
    RTM_GETADDR,
    RTM_GETLINK,
    RTM_GETNEIGH,
    RTM_GETROUTE,
    RTM_GETRULE,
)

__all__ = [
    "RULE_KEY",
    "Key",
    "Subject",
    "held_by_dump",
    "hops_of",
    "identity",
    "objects_of",
    "route_group",
    "split_hops",
    "subject_of",
]

Key: TypeAlias = tuple[Hashable, ...]
# What an event changes: kind and key of the object, and for a route the key of its group.
Subject: TypeAlias = tuple[str, Key, Key | None]


def identity(payload: LinkInfo | AddrInfo | NeighInfo | RuleInfo) -> tuple[str, Key]:
    """Kind and key of anything but a route. A link message of another family than AF_UNSPEC and AF_BRIDGE is that
    family's view of a link; its kind ``view`` is no object of its own."""
    kind, key, _ = _maker(payload)(payload)
    return kind, key


def _neigh(entry: NeighInfo) -> Subject:
    family, flags = entry.family, entry.flags
    if family == AF_BRIDGE:
        return "neigh", (AF_BRIDGE, *_fdb(entry)), None
    return "neigh", (family, entry.ifindex, entry.dst, flags & NTF_PROXY), None


def _addr(addr: AddrInfo) -> Subject:
    family = addr.family
    if family == AF_INET6:
        # net/ipv6/addrconf.c knows an address once per interface, whatever its prefix and peer.
        return "addr", (addr.ifindex, family, addr.addr, None, None), None
    return "addr", (addr.ifindex, family, addr.addr, addr.prefixlen, addr.peer), None


def _link(link: LinkInfo) -> Subject:
    family = link.family
    return "link" if family == AF_UNSPEC else "port" if family == AF_BRIDGE else "view", (link.ifindex,), None


def _rule(rule: RuleInfo) -> Subject:
    return "rule", (*(getattr(rule, name) for name in RULE_KEY), rule.flags & FIB_RULE_INVERT), None


def _fdb(entry: NeighInfo) -> Key:
    """A bridge knows a link-layer address once per vlan and forgets the old port when it moves; a device's own
    table (vxlan) knows one per destination, in external mode also per source identifier."""
    if entry.master is not None and not entry.flags & NTF_SELF:
        return ("master", entry.master, entry.lladdr, entry.vlan)
    return ("self", entry.ifindex, entry.lladdr, entry.vlan, entry.dst, entry.vni, entry.src_vni, entry.port)


RULE_KEY = (
    *("family", "priority", "table", "action", "src", "src_len", "dst", "dst_len", "tos"),
    *("iifname", "oifname", "fwmark", "fwmask", "ip_proto", "sport_range", "dport_range", "uid_range"),
    *("tun_id", "l3mdev", "goto", "suppress_prefixlen", "suppress_ifgroup", "flow", "protocol"),
)


# By type, which is looked up at once; what is derived from one of these is an object of its kind, too.
_MAKERS: dict[type, Callable[[Any], Subject]] = {NeighInfo: _neigh, AddrInfo: _addr, LinkInfo: _link, RuleInfo: _rule}


def _maker(payload: object) -> Callable[[Any], Subject]:
    return next(make for kind, make in _MAKERS.items() if isinstance(payload, kind))


def route_group(route: RouteInfo) -> Key:
    """What routes to one destination share; with ``hops_of`` it is the key of one route."""
    family, table, dst, src = route.family, route.table, route.dst, route.src
    return (family, table, dst, route.dst_len, src, route.src_len, route.tos, route.priority or 0)


def hops_of(route: RouteInfo) -> Hashable:
    """What tells routes of one group apart: type, for IPv4 all that its ``fib_info`` (net/ipv4/fib_semantics.c,
    fib_find_info) is found by, and the hops, (gateway, via, ifindex, weight) each. A nexthop object stands for its
    hops, which are none here."""
    hops: Key
    if route.multipath is not None:
        hops = tuple((hop.gateway, hop.via, hop.ifindex, hop.weight) for hop in route.multipath)
    else:
        hops = ((route.gateway, route.via, route.oif, 1),)
    if route.family != AF_INET:
        return (route.type, hops)
    nh_id = route.nh_id
    hops = hops if nh_id is None else ()
    return (route.type, route.protocol, route.scope, route.prefsrc, route.metrics, nh_id, hops)


def subject_of(event: Event) -> Subject | None:
    """What an event is about, by what both implementations provide of it; None where it changes no state."""
    if event.protocol != NETLINK_ROUTE or event.msg_type & 3 > 1 or event.nsid is not None:
        return None
    payload = event.payload
    make = _MAKERS.get(type(payload))
    if make is None:
        if isinstance(payload, RouteInfo):
            if payload.flags & RTM_F_CLONED or payload.family not in (AF_INET, AF_INET6):
                return None
            group = route_group(payload)
            return "route", group + (hops_of(payload),), group  # noqa: RUF005  (twice as fast as unpacking)
        if not isinstance(payload, tuple(_MAKERS)):
            return None
        make = _maker(payload)
    subject = make(payload)
    return None if subject[0] == "view" else subject


def split_hops(route: RouteInfo) -> dict[Key, RoutePayload]:
    """An IPv6 route as one object per hop."""
    group = route_group(route)
    if route.multipath is None:
        return {(*group, hops_of(route)): route}
    found: dict[Key, RoutePayload] = {}
    for hop in route.multipath:
        one = structs.replace(route, multipath=None, gateway=hop.gateway, oif=hop.ifindex, via=hop.via)
        found[(*group, hops_of(one))] = one
    return found


def objects_of(payload: RoutePayload) -> Iterator[tuple[str, Key, RoutePayload]]:
    """Kind, key and value of each object that a message of a dump describes."""
    if not isinstance(payload, RouteInfo):
        kind, key = identity(payload)
        yield kind, key, payload
    elif payload.flags & RTM_F_CLONED:
        return
    elif payload.family == AF_INET:
        yield "route", (*route_group(payload), hops_of(payload)), payload
    elif payload.family == AF_INET6:
        for key, one in split_hops(payload).items():
            yield "route", key, one


_DUMPED = {
    RTM_GETLINK: "link",
    RTM_GETADDR: "addr",
    RTM_GETROUTE: "route",
    RTM_GETNEIGH: "neigh",
    RTM_GETRULE: "rule",
}


def held_by_dump(get_type: int, family: int) -> tuple[str, Callable[[Key], bool]]:
    """Kind of the objects that a whole dump (RTM_GET* type and family) lists, and whether a key is one of them."""
    kind = _DUMPED[get_type]
    if kind == "link":
        return ("port" if family == AF_BRIDGE else "link"), lambda _: True
    if kind == "addr":
        return kind, lambda key: family in {AF_UNSPEC, key[1]}
    if kind == "neigh":
        # A neighbour dump of every family leaves out forwarding databases and proxy entries.
        if family == AF_BRIDGE:
            return kind, lambda key: key[0] == AF_BRIDGE
        return kind, lambda key: key[0] != AF_BRIDGE and key[3] == 0 and family in {AF_UNSPEC, key[0]}
    return kind, lambda key: family in {AF_UNSPEC, key[0]}
