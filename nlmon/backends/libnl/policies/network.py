"""Policies of rtnetlink's neighbouring groups: traffic control, next hops, namespaces, prefixes, multicast
database, settings, statistics.

The numbers are those of linux/rtnetlink.h, nexthop.h, net_namespace.h, if_addr.h, netconf.h and if_link.h;
pyroute2 defines half of these messages, and one source for all of them is easier to check.

Not here: options of one kind of qdisc, class or filter.
"""

from __future__ import annotations

from nlmon.backends.libnl.policies import Attr, Policy

__all__ = ["MDB", "NETCONF", "NEXTHOP", "NSID", "PREFIX", "STATS", "TC"]

TC = Policy(
    "",
    (
        Attr("kind", "TCA_KIND", "string"),
        Attr("chain", "TCA_CHAIN", "u32"),
        Attr("ingress_block", "TCA_INGRESS_BLOCK", "u32"),
        Attr("egress_block", "TCA_EGRESS_BLOCK", "u32"),
        Attr("hw_offload", "TCA_HW_OFFLOAD", "u8"),
        # struct gnet_stats_basic: bytes, packets; struct gnet_stats_queue: qlen, backlog, drops, ...
        Attr("bytes", "TCA_STATS2/TCA_STATS_BASIC", "u64", begin=0),
        Attr("packets", "TCA_STATS2/TCA_STATS_BASIC", "u32", begin=8),
        # follows where the number of packets has more than 32 bits
        Attr("packets", "TCA_STATS2/TCA_STATS_PKT64", "u64"),
        Attr("qlen", "TCA_STATS2/TCA_STATS_QUEUE", "u32", begin=0),
        Attr("backlog", "TCA_STATS2/TCA_STATS_QUEUE", "u32", begin=4),
        Attr("drops", "TCA_STATS2/TCA_STATS_QUEUE", "u32", begin=8),
    ),
    {
        "TCA_KIND": 1,
        "TCA_STATS2": 7,
        "TCA_CHAIN": 11,
        "TCA_HW_OFFLOAD": 12,
        "TCA_INGRESS_BLOCK": 13,
        "TCA_EGRESS_BLOCK": 14,
        "TCA_STATS_BASIC": 1,
        "TCA_STATS_QUEUE": 3,
        "TCA_STATS_PKT64": 8,
    },
)

NEXTHOP = Policy(
    "",
    (
        Attr("id", "NHA_ID", "u32"),
        Attr("group", "NHA_GROUP", "nexthop_group"),
        Attr("group_type", "NHA_GROUP_TYPE", "u16"),
        Attr("blackhole", "NHA_BLACKHOLE", "flag"),
        Attr("oif", "NHA_OIF", "u32"),
        Attr("gateway", "NHA_GATEWAY", "ip"),
        Attr("encap_type", "NHA_ENCAP_TYPE", "u16"),
        Attr("master", "NHA_MASTER", "u32"),
        Attr("fdb", "NHA_FDB", "flag"),
    ),
    {
        "NHA_ID": 1,
        "NHA_GROUP": 2,
        "NHA_GROUP_TYPE": 3,
        "NHA_BLACKHOLE": 4,
        "NHA_OIF": 5,
        "NHA_GATEWAY": 6,
        "NHA_ENCAP_TYPE": 7,
        "NHA_MASTER": 10,
        "NHA_FDB": 11,
    },
)

NSID = Policy(
    "",
    (Attr("nsid", "NETNSA_NSID", "s32"), Attr("current_nsid", "NETNSA_CURRENT_NSID", "s32")),
    {"NETNSA_NSID": 1, "NETNSA_CURRENT_NSID": 5},
)

PREFIX = Policy(
    "",
    (
        Attr("prefix", "PREFIX_ADDRESS", "ip"),
        # struct prefix_cacheinfo: preferred_time, valid_time
        Attr("preferred_lifetime", "PREFIX_CACHEINFO", "u32", begin=0),
        Attr("valid_lifetime", "PREFIX_CACHEINFO", "u32", begin=4),
    ),
    {"PREFIX_ADDRESS": 1, "PREFIX_CACHEINFO": 2},
)

MDB = Policy("", (Attr("entries", "MDBA_MDB", "mdb"),), {"MDBA_MDB": 1})

NETCONF = Policy(
    "",
    (
        Attr("ifindex", "NETCONFA_IFINDEX", "s32"),
        Attr("forwarding", "NETCONFA_FORWARDING", "s32"),
        Attr("rp_filter", "NETCONFA_RP_FILTER", "s32"),
        Attr("mc_forwarding", "NETCONFA_MC_FORWARDING", "s32"),
        Attr("proxy_neigh", "NETCONFA_PROXY_NEIGH", "s32"),
        Attr("ignore_routes_with_linkdown", "NETCONFA_IGNORE_ROUTES_WITH_LINKDOWN", "s32"),
        Attr("input", "NETCONFA_INPUT", "s32"),
        Attr("bc_forwarding", "NETCONFA_BC_FORWARDING", "s32"),
    ),
    {
        f"NETCONFA_{name}": number
        for number, name in enumerate(
            [
                "IFINDEX",
                "FORWARDING",
                "RP_FILTER",
                "MC_FORWARDING",
                "PROXY_NEIGH",
                "IGNORE_ROUTES_WITH_LINKDOWN",
                "INPUT",
                "BC_FORWARDING",
            ],
            1,
        )
    },
)

STATS = Policy(
    "",
    tuple(
        # struct rtnl_link_stats64, in its order
        Attr(field, "IFLA_STATS_LINK_64", "u64", begin=8 * place)
        for place, field in enumerate(
            ["rx_packets", "tx_packets", "rx_bytes", "tx_bytes", "rx_errors", "tx_errors", "rx_dropped", "tx_dropped"]
        )
    ),
    {"IFLA_STATS_LINK_64": 1},
)
