"""Identity: when two messages are about the same object of a host.

- link: ifindex. Messages of family AF_BRIDGE are bridge ports: RTM_DELLINK of a port leaves the link alone.
- address: ifindex, family, own address; for IPv4 prefix length and peer, too.
- neighbour: family, ifindex, destination, and whether it is a proxy entry.
- entry of a forwarding database (AF_BRIDGE): link-layer address and vlan within its bridge, or within a device's own
  table (vxlan) ifindex, link-layer address, vlan and network identifier of the traffic; to a multicast or zero address
  there may be several ways, so destination, network identifier and port of each count, too (drivers/net/vxlan,
  vxlan_fdb_append). A unicast address that moves is the same entry.
- rule: every selector, action and its target, table, priority, realms, protocol and suppressors, which is all that
  rule_exists() in net/core/fib_rules.c, fib4_rule_compare() and fib6_rule_compare() tell rules apart by up to Linux
  6.18. Exact duplicates, which the kernel accepts without NLM_F_EXCL and lists twice, are one here.
- route: family, table, dst/len, src/len, tos, priority, which is its group, and type. IPv6 adds the nexthop object, or
  the next hop: each hop is a route of its own in the kernel (net/ipv6/ip6_fib.c, rt6_duplicate_nexthop). IPv4 adds
  protocol, scope, preferred source, metrics and the nexthop object, or the hops (net/ipv4/fib_semantics.c,
  fib_find_info). The encapsulation of a hop counts for both. Realms, which tell IPv4 routes apart in the kernel and
  which legacy does not provide, do not.
- none: what is said of another network namespace (IFLA_TARGET_NETNSID, IFA_TARGET_NETNSID).

Only values that both implementations provide decide identity, so that their states are comparable. The contract lists
the same rules for readers.

Not here: the order of the routes of a group, and what a new one replaces (``groups``); routes of AF_MPLS and multicast
routing, which have no common identity.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from operator import attrgetter
from typing import Any, TypeAlias

from nlmon.objects.values import Address, Event, Hop, Link, Neighbour, Route, Rule
from nlmon.payloads.route import AddrInfo, LinkInfo, NeighInfo, RouteInfo, RuleInfo
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
    RTNH_F_ONLINK,
    RTNL_KIND_DEL,
    RTNL_KIND_MASK,
    RTPROT_RA,
)

__all__ = [
    "RULE_KEY",
    "Key",
    "Subject",
    "address_subject",
    "hops_of",
    "identity",
    "is_sibling",
    "link_subject",
    "neighbour_subject",
    "parts_of",
    "route_group",
    "route_subject",
    "rule_subject",
    "subject_of",
]

Key: TypeAlias = tuple[Hashable, ...]
ZERO = "00:00:00:00:00:00"
# What a message is about: kind and key of the object, and for a route the key of its group.
Subject: TypeAlias = tuple[str, Key, Key | None]


def link_subject(link: Link) -> Subject | None:
    """Kind and key of a link or a bridge port. A message of another family than AF_UNSPEC and AF_BRIDGE is that
    family's view of a link; its kind ``view`` is no object of its own."""
    if link.target_netnsid is not None:
        return None
    family = link.family
    return "link" if family == AF_UNSPEC else "port" if family == AF_BRIDGE else "view", (link.ifindex,), None


def address_subject(addr: Address) -> Subject | None:
    """Kind and key of an address."""
    if addr.target_netnsid is not None:
        return None
    family = addr.family
    if family == AF_INET6:
        # net/ipv6/addrconf.c knows an address once per interface, whatever its prefix and peer.
        return "addr", (addr.ifindex, family, addr.addr, None, None), None
    return "addr", (addr.ifindex, family, addr.addr, addr.prefixlen, addr.peer), None


def neighbour_subject(entry: Neighbour) -> Subject | None:
    """Kind and key of a neighbour or an entry of a forwarding database. The zero address of a device's own table has
    destinations and is nothing without one (see ``partial``)."""
    family = entry.family
    if family == AF_BRIDGE:
        key = _fdb(entry)
        if key[2] == ZERO and entry.dst is None and entry.flags & NTF_SELF:
            return None
        return "neigh", (AF_BRIDGE, *key), None
    return "neigh", (family, entry.ifindex, entry.dst, entry.flags & NTF_PROXY), None


def _fdb(entry: Neighbour) -> Key:
    if entry.master is not None and not entry.flags & NTF_SELF:
        return ("master", entry.master, entry.lladdr, entry.vlan)
    key = ("self", entry.ifindex, entry.lladdr, entry.vlan, entry.src_vni)
    return (*key, entry.dst, entry.vni, entry.port) if _several_ways(entry.lladdr) else key


def _several_ways(lladdr: str | None) -> bool:
    """Whether frames to a link-layer address may go to several destinations: it is multicast, zero or not known."""
    return not lladdr or bool(int(lladdr[:2], 16) & 1) or not lladdr.strip("0:")


RULE_KEY = (
    "family",
    "priority",
    "table",
    "action",
    "src",
    "src_len",
    "dst",
    "dst_len",
    "tos",
    "iifname",
    "oifname",
    "fwmark",
    "fwmask",
    "ip_proto",
    "sport_range",
    "dport_range",
    "uid_range",
    "tun_id",
    "l3mdev",
    "goto",
    "suppress_prefixlen",
    "suppress_ifgroup",
    "flow",
    "protocol",
    "dscp",
    "flowlabel",
    "flowlabel_mask",
    "sport_mask",
    "dport_mask",
    "dscp_mask",
)


_rule_key = attrgetter(*RULE_KEY)


def _read_of(part: type) -> frozenset[str]:
    return frozenset(name for one in part.__mro__ for name, value in vars(one).items() if isinstance(value, property))


# By kind of payload the fields that tell objects apart: who does not provide all of them names no object for sure.
IDENTIFYING = {
    "link": _read_of(Link),
    "addr": _read_of(Address),
    "neigh": _read_of(Neighbour),
    "rule": _read_of(Rule) | {*RULE_KEY},
    "route": _read_of(Route),
    "hop": _read_of(Hop),
}


def rule_subject(rule: Rule) -> Subject:
    """Kind and key of a rule. Whether its interfaces are there now (FIB_RULE_*_DETACHED) makes no other rule of it."""
    return "rule", (*_rule_key(rule), rule.flags & FIB_RULE_INVERT), None


# -- routes --------------------------------------------------------------------------------------------------


def route_subject(route: Route) -> Subject | None:
    """Kind and key of a route, and the key of its group. None: it is an entry of a cache, or of a family whose routes
    have no common identity."""
    if route.flags & RTM_F_CLONED or route.family not in (AF_INET, AF_INET6):
        return None
    group = route_group(route)
    return "route", group + (hops_of(route),), group  # noqa: RUF005  (twice as fast as unpacking)


def route_group(route: Route) -> Key:
    """What routes to one destination share; with ``hops_of`` it is the key of one route."""
    family, table, dst, src = route.family, route.table, route.dst, route.src
    return (family, table, dst, route.dst_len, src, route.src_len, route.tos, route.priority or 0)


def parts_of(route: Route) -> int:
    """How many hops and metrics a route has, of either of which there may be thousands."""
    hops, metrics = route.multipath, route.metrics
    if hops is None and metrics is None:
        return 0
    return sum(len(parts) for parts in (hops, metrics) if isinstance(parts, tuple))


def hops_of(route: Route) -> Hashable:
    """What tells routes of one group apart: type, for IPv4 all that a ``fib_info`` is found by, nexthop object, and
    hops: (gateway, via, ifindex, weight) each, with encapsulation and, for IPv4, RTNH_F_ONLINK also (flags,
    encap_type, encap). A nexthop object stands for its hops, which are none here."""
    nh_id = route.nh_id
    counted = RTNH_F_ONLINK if route.family == AF_INET else 0
    hops: Key
    if nh_id is not None:
        hops = ()
    elif route.multipath is None:
        flags, encap = route.flags & counted, route.encap
        one = (route.gateway, route.via, route.oif, 1)
        hops = (one if encap is None and not flags else (*one, flags, route.encap_type, encap),)
    else:
        hops = tuple([_hop(hop, counted) for hop in route.multipath])
    if not counted:
        return (route.type, nh_id, hops)
    return (route.type, route.protocol, route.scope, route.prefsrc, route.metrics, nh_id, hops)


def _hop(hop: Hop, counted: int) -> Key:
    flags, encap = hop.flags & counted, hop.encap
    one = (hop.gateway, hop.via, hop.ifindex, hop.weight)
    return one if encap is None and not flags else (*one, flags, hop.encap_type, encap)


def is_sibling(route: Route) -> bool:
    """Whether an IPv6 route may be one of several that share the traffic (include/net/ip6_route.h,
    rt6_qualify_for_ecmp): over a gateway, of no nexthop object, and not of a router advertisement. What the kernel
    lists as a hop of one route is one. IPv4 has no siblings.

    The kernel asks for RTF_ADDRCONF, which no message carries; RTPROT_RA stands for it. Routes that networkd or
    NetworkManager add as ``proto ra`` themselves do qualify, and are siblings here only where they are listed as hops.
    """
    if route.family != AF_INET6 or route.nh_id is not None:
        return False
    return route.multipath is not None or (bool(route.gateway or route.via) and route.protocol != RTPROT_RA)


# -- events --------------------------------------------------------------------------------------------------

# By type, which is looked up at once; what is derived from one of these is an object of its kind, too.
_MAKERS: dict[type, Callable[[Any], Subject | None]] = {
    NeighInfo: neighbour_subject,
    AddrInfo: address_subject,
    LinkInfo: link_subject,
    RuleInfo: rule_subject,
    RouteInfo: route_subject,
}


def subject_of(event: Event) -> Subject | None:
    """What an event is about, by what both implementations provide of it; None where it changes no state of this host,
    or lacks what would say which object it is."""
    if event.protocol != NETLINK_ROUTE or event.msg_type & RTNL_KIND_MASK > RTNL_KIND_DEL or event.nsid is not None:
        return None
    payload = event.payload
    make = _MAKERS.get(type(payload)) or _maker(payload)
    if make is None:
        return None
    try:
        subject = make(payload)
    except TypeError:  # a field that decides is not provided
        return None
    return None if subject is None or subject[0] == "view" else subject


def identity(payload: LinkInfo | AddrInfo | NeighInfo | RuleInfo) -> tuple[str, Key] | None:
    """Kind and key of anything but a route; a family's view of a link, kind ``view``, is no object of its own. None: it
    is no object of this host."""
    make = _maker(payload)
    subject = None if make is None else make(payload)
    return subject and subject[:2]


def _maker(payload: object) -> Callable[[Any], Subject | None] | None:
    return next((make for kind, make in _MAKERS.items() if isinstance(payload, kind)), None)
