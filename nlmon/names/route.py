"""NETLINK_ROUTE: message types, and the numbers in links, addresses, routes, neighbours and rules.

Not here: attribute numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["GROUPS", "MESSAGES", "TABLES"]


def _verbs(base: int, noun: str, verbs: str = "NEW DEL GET SET") -> dict[int, str]:
    return {base + i: f"RTM_{verb}{noun}" for i, verb in enumerate(verbs.split()) if verb != "-"}


# linux/rtnetlink.h
MESSAGES: Mapping[int, str] = MappingProxyType(
    {
        **_verbs(16, "LINK"),
        **_verbs(20, "ADDR", "NEW DEL GET"),
        **_verbs(24, "ROUTE", "NEW DEL GET"),
        **_verbs(28, "NEIGH", "NEW DEL GET"),
        **_verbs(32, "RULE", "NEW DEL GET"),
        **_verbs(36, "QDISC", "NEW DEL GET"),
        **_verbs(40, "TCLASS", "NEW DEL GET"),
        **_verbs(44, "TFILTER", "NEW DEL GET"),
        **_verbs(48, "ACTION", "NEW DEL GET"),
        **_verbs(52, "PREFIX", "NEW"),
        **_verbs(58, "MULTICAST", "GET"),
        **_verbs(62, "ANYCAST", "GET"),
        **_verbs(64, "NEIGHTBL", "NEW - GET SET"),
        **_verbs(68, "NDUSEROPT", "NEW"),
        **_verbs(72, "ADDRLABEL", "NEW DEL GET"),
        **_verbs(78, "DCB", "GET SET"),
        **_verbs(80, "NETCONF", "NEW DEL GET"),
        **_verbs(84, "MDB", "NEW DEL GET"),
        **_verbs(88, "NSID", "NEW DEL GET"),
        **_verbs(92, "STATS", "NEW - GET SET"),
        **_verbs(96, "CACHEREPORT", "NEW"),
        **_verbs(100, "CHAIN", "NEW DEL GET"),
        **_verbs(104, "NEXTHOP", "NEW DEL GET"),
        **_verbs(108, "LINKPROP", "NEW DEL GET"),
        **_verbs(112, "VLAN", "NEW DEL GET"),
        **_verbs(116, "NEXTHOPBUCKET", "NEW DEL GET"),
        **_verbs(120, "TUNNEL", "NEW DEL GET"),
    }
)

_METRICS = (
    "lock mtu window rtt rttvar ssthresh cwnd advmss reordering hoplimit initcwnd features rto_min initrwnd quickack "
    "congctl fastopen_no_cookie"
)

_ENCAPSULATIONS = "mpls ip ila ip6 seg6 bpf seg6local rpl ioam6 xfrm"

# linux/rtnetlink.h, enum rtnetlink_groups, from 1
_GROUPS = """
    LINK NOTIFY NEIGH TC IPV4_IFADDR IPV4_MROUTE IPV4_ROUTE IPV4_RULE IPV6_IFADDR IPV6_MROUTE IPV6_ROUTE IPV6_IFINFO
    DECnet_IFADDR NOP2 DECnet_ROUTE DECnet_RULE NOP4 IPV6_PREFIX IPV6_RULE ND_USEROPT PHONET_IFADDR PHONET_ROUTE DCB
    IPV4_NETCONF IPV6_NETCONF MDB MPLS_ROUTE NSID MPLS_NETCONF IPV4_MROUTE_R IPV6_MROUTE_R NEXTHOP BRVLAN MCTP_IFADDR
    TUNNEL STATS
"""
GROUPS: Mapping[int, str] = MappingProxyType(
    {number: f"RTNLGRP_{name}" for number, name in enumerate(_GROUPS.split(), 1)}
)

TABLES: Mapping[str, Mapping[int, str]] = MappingProxyType(
    {
        # linux/socket.h, linux/rtnetlink.h (RTNL_FAMILY_*)
        "family": {
            0: "AF_UNSPEC",
            1: "AF_UNIX",
            2: "AF_INET",
            7: "AF_BRIDGE",
            10: "AF_INET6",
            12: "AF_DECnet",
            16: "AF_NETLINK",
            17: "AF_PACKET",
            28: "AF_MPLS",
            38: "AF_ALG",
            40: "AF_VSOCK",
            43: "AF_SMC",
            44: "AF_XDP",
            128: "RTNL_FAMILY_IPMR",
            129: "RTNL_FAMILY_IP6MR",
        },
        # linux/if_addr.h, struct prefixmsg
        "prefix_flags": {0x01: "ONLINK", 0x02: "AUTOCONF"},
        # linux/if.h
        "operstate": {
            0: "UNKNOWN",
            1: "NOTPRESENT",
            2: "DOWN",
            3: "LOWERLAYERDOWN",
            4: "TESTING",
            5: "DORMANT",
            6: "UP",
        },
        # linux/if.h, enum net_device_flags
        "link_flags": {
            1 << 0: "UP",
            1 << 1: "BROADCAST",
            1 << 2: "DEBUG",
            1 << 3: "LOOPBACK",
            1 << 4: "POINTOPOINT",
            1 << 5: "NOTRAILERS",
            1 << 6: "RUNNING",
            1 << 7: "NOARP",
            1 << 8: "PROMISC",
            1 << 9: "ALLMULTI",
            1 << 10: "MASTER",
            1 << 11: "SLAVE",
            1 << 12: "MULTICAST",
            1 << 13: "PORTSEL",
            1 << 14: "AUTOMEDIA",
            1 << 15: "DYNAMIC",
            1 << 16: "LOWER_UP",
            1 << 17: "DORMANT",
            1 << 18: "ECHO",
        },
        # linux/if_addr.h
        "addr_flags": {
            0x01: "SECONDARY",
            0x02: "NODAD",
            0x04: "OPTIMISTIC",
            0x08: "DADFAILED",
            0x10: "HOMEADDRESS",
            0x20: "DEPRECATED",
            0x40: "TENTATIVE",
            0x80: "PERMANENT",
            0x100: "MANAGETEMPADDR",
            0x200: "NOPREFIXROUTE",
            0x400: "MCAUTOJOIN",
            0x800: "STABLE_PRIVACY",
        },
        # linux/rtnetlink.h, rtm_scope
        "scope": {0: "UNIVERSE", 200: "SITE", 253: "LINK", 254: "HOST", 255: "NOWHERE"},
        # linux/rtnetlink.h, rtm_type
        "route_type": {
            0: "UNSPEC",
            1: "UNICAST",
            2: "LOCAL",
            3: "BROADCAST",
            4: "ANYCAST",
            5: "MULTICAST",
            6: "BLACKHOLE",
            7: "UNREACHABLE",
            8: "PROHIBIT",
            9: "THROW",
            10: "NAT",
            11: "XRESOLVE",
        },
        # linux/rtnetlink.h, rtm_protocol
        "route_protocol": {
            0: "UNSPEC",
            1: "REDIRECT",
            2: "KERNEL",
            3: "BOOT",
            4: "STATIC",
            8: "GATED",
            9: "RA",
            10: "MRT",
            11: "ZEBRA",
            12: "BIRD",
            13: "DNROUTED",
            14: "XORP",
            15: "NTK",
            16: "DHCP",
            17: "MROUTED",
            18: "KEEPALIVED",
            42: "BABEL",
            84: "OVN",
            99: "OPENR",
            186: "BGP",
            187: "ISIS",
            188: "OSPF",
            189: "RIP",
            192: "EIGRP",
        },
        # linux/rtnetlink.h, rt_class_t
        "route_table": {0: "UNSPEC", 252: "COMPAT", 253: "DEFAULT", 254: "MAIN", 255: "LOCAL"},
        # linux/rtnetlink.h, RTAX_*, as ip-route(8) calls them
        "route_metric": dict(enumerate(_METRICS.split(), 1)),
        # linux/lwtunnel.h, LWTUNNEL_ENCAP_*, as ip-route(8) calls them
        "encap_type": dict(enumerate(_ENCAPSULATIONS.split(), 1)),
        # linux/rtnetlink.h, rtm_flags and rtnh_flags
        "route_flags": {
            0x01: "DEAD",
            0x02: "PERVASIVE",
            0x04: "ONLINK",
            0x08: "OFFLOAD",
            0x10: "LINKDOWN",
            0x20: "UNRESOLVED",
            0x40: "TRAP",
            0x100: "NOTIFY",
            0x200: "CLONED",
            0x400: "EQUALIZE",
            0x800: "PREFIX",
            0x1000: "LOOKUP_TABLE",
            0x2000: "FIB_MATCH",
            0x4000: "RT_OFFLOAD",
            0x8000: "RT_TRAP",
            0x20000000: "OFFLOAD_FAILED",
        },
        # linux/neighbour.h, NUD_*
        "neigh_state": {
            0x01: "INCOMPLETE",
            0x02: "REACHABLE",
            0x04: "STALE",
            0x08: "DELAY",
            0x10: "PROBE",
            0x20: "FAILED",
            0x40: "NOARP",
            0x80: "PERMANENT",
        },
        # linux/neighbour.h, NTF_*
        "neigh_flags": {
            0x01: "USE",
            0x02: "SELF",
            0x04: "MASTER",
            0x08: "PROXY",
            0x10: "EXT_LEARNED",
            0x20: "OFFLOADED",
            0x40: "STICKY",
            0x80: "ROUTER",
        },
        # linux/fib_rules.h, FR_ACT_*
        "rule_action": {
            0: "UNSPEC",
            1: "TO_TBL",
            2: "GOTO",
            3: "NOP",
            6: "BLACKHOLE",
            7: "UNREACHABLE",
            8: "PROHIBIT",
        },
        # linux/fib_rules.h, FIB_RULE_*
        "rule_flags": {
            0x01: "PERMANENT",
            0x02: "INVERT",
            0x04: "UNRESOLVED",
            0x08: "IIF_DETACHED",
            0x10: "OIF_DETACHED",
            0x10000: "FIND_SADDR",
        },
    }
)
