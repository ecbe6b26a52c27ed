"""What the parsers read, written down by hand, as they are: attributes by the name of the parser.

Not here: reading them (``route``, ``sockets``, ``netfilter``, ``generic``).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from nlmon.backends.legacy import generic, netfilter, route, sockets
from nlmon.backends.legacy.reading import AF_BRIDGE, AF_INET, AF_INET6, AF_UNIX, RTNL_FAMILY_IP6MR, RTNL_FAMILY_IPMR
from nlmon.backends.reads import WHOLE, Attributes, Node, Reads

__all__ = ["READS", "reads_of"]

IP = {AF_INET, AF_INET6}


def _whole(*numbers: int) -> dict[int, Node]:
    return dict.fromkeys(numbers, WHOLE)


# How a hop is reached, but for a gateway of the route's own family.
_WAY = (route.RTA_VIA, route.RTA_ENCAP_TYPE, route.RTA_ENCAP)
# Attributes that are read of every message, and those that hold an address and are read of the families that it names.
READS: Mapping[str, tuple[Attributes, Mapping[int, Node], frozenset[int]]] = MappingProxyType(
    {
        "parse_link": (
            _whole(route.IFLA_ADDRESS, route.IFLA_IFNAME, route.IFLA_MTU, route.IFLA_QDISC, route.IFLA_OPERSTATE)
            | _whole(route.IFLA_TARGET_NETNSID),
            {},
            frozenset(),
        ),
        "parse_addr": (
            _whole(route.IFA_LABEL, route.IFA_TARGET_NETNSID),
            _whole(route.IFA_ADDRESS, route.IFA_LOCAL),
            frozenset(IP),
        ),
        "parse_route": (
            {
                **_whole(route.RTA_OIF, route.RTA_PRIORITY, route.RTA_METRICS, route.RTA_TABLE, route.RTA_NH_ID, *_WAY),
                route.RTA_MULTIPATH: Node(_whole(*_WAY), hops=True),
            },
            {
                **_whole(route.RTA_DST, route.RTA_SRC, route.RTA_GATEWAY, route.RTA_PREFSRC),
                route.RTA_MULTIPATH: Node(_whole(route.RTA_GATEWAY, *_WAY), hops=True),
            },
            frozenset({*IP, RTNL_FAMILY_IPMR, RTNL_FAMILY_IP6MR}),
        ),
        "parse_neigh": (
            _whole(route.NDA_LLADDR, route.NDA_VLAN, route.NDA_PORT, route.NDA_VNI, route.NDA_MASTER)
            | _whole(route.NDA_SRC_VNI),
            _whole(route.NDA_DST),
            frozenset({*IP, AF_BRIDGE}),
        ),
        "parse_rule": (
            _whole(*route.RULE_NUMBERS, route.FRA_IIFNAME, route.FRA_OIFNAME, route.FRA_TUN_ID)
            | _whole(route.FRA_UID_RANGE, route.FRA_SPORT_RANGE, route.FRA_DPORT_RANGE),
            _whole(route.FRA_DST, route.FRA_SRC),
            frozenset({*IP, RTNL_FAMILY_IPMR, RTNL_FAMILY_IP6MR}),
        ),
        "parse_conntrack": (
            {
                netfilter.CTA_TUPLE_ORIG: Node(
                    {
                        netfilter.CTA_TUPLE_IP: Node(
                            _whole(netfilter.CTA_IP_V4_SRC, netfilter.CTA_IP_V4_DST)
                            | _whole(netfilter.CTA_IP_V6_SRC, netfilter.CTA_IP_V6_DST)
                        ),
                        netfilter.CTA_TUPLE_PROTO: Node(
                            _whole(netfilter.CTA_PROTO_NUM, netfilter.CTA_PROTO_SRC_PORT, netfilter.CTA_PROTO_DST_PORT)
                        ),
                    }
                ),
                netfilter.CTA_PROTOINFO: Node(
                    {netfilter.CTA_PROTOINFO_TCP: Node(_whole(netfilter.CTA_PROTOINFO_TCP_STATE))}
                ),
                netfilter.CTA_MARK: WHOLE,
                **dict.fromkeys(
                    (netfilter.CTA_COUNTERS_ORIG, netfilter.CTA_COUNTERS_REPLY),
                    Node(_whole(netfilter.CTA_COUNTERS_PACKETS, netfilter.CTA_COUNTERS_BYTES)),
                ),
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
        numbers = (generic.NL80211_ATTR_VENDOR_ID, generic.NL80211_ATTR_VENDOR_SUBCMD)
        return Reads(size, _whole(*numbers) if first == generic.NL80211_CMD_VENDOR else {})
    if parser == "parse_socket":
        if first == AF_UNIX:
            return Reads(sockets.UNIX_DIAG_MSG, {})
        return Reads(sockets.INET_DIAG_MSG, _whole(sockets.INET_DIAG_PROTOCOL)) if first in IP else None
    if parser not in READS:  # one of a subclass, which declares nothing
        return Reads(size, {})
    always, addresses, families = READS[parser]
    return Reads(size, {**always, **addresses} if first in families else always)
