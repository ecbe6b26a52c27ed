"""Policies of rtnetlink's five kinds of messages: links, addresses, routes, neighbours, rules.

Not here: rtnetlink's other kinds (``network``).
"""

from __future__ import annotations

from nlmon.backends.libnl.policies import Attr, Policy

__all__ = ["ADDR", "HOP", "IFNAMSIZ", "LINK", "NEIGH", "ROUTE", "RULE"]

IFNAMSIZ = 15  # linux/if.h has 16 with the NUL
QDISC_NAME = 31

LINK = Policy(
    "pyroute2.netlink.rtnl.ifinfmsg:ifinfmsg",
    (
        Attr("ifname", "IFLA_IFNAME", "string", IFNAMSIZ),
        Attr("mtu", "IFLA_MTU", "u32"),
        Attr("addr", "IFLA_ADDRESS", "lladdr"),
        Attr("qdisc", "IFLA_QDISC", "string", QDISC_NAME),
        Attr("operstate", "IFLA_OPERSTATE", "u8"),
        Attr("target_netnsid", "IFLA_TARGET_NETNSID", "s32"),
        Attr("kind", "IFLA_LINKINFO/IFLA_INFO_KIND", "string"),
        Attr("slave_kind", "IFLA_LINKINFO/IFLA_INFO_SLAVE_KIND", "string"),
        Attr("master", "IFLA_MASTER", "u32"),
        Attr("link", "IFLA_LINK", "u32"),
        Attr("link_netnsid", "IFLA_LINK_NETNSID", "s32"),
        Attr("broadcast", "IFLA_BROADCAST", "lladdr"),
        Attr("txqlen", "IFLA_TXQLEN", "u32"),
        Attr("ifalias", "IFLA_IFALIAS", "string"),
        Attr("group", "IFLA_GROUP", "u32"),
        Attr("carrier", "IFLA_CARRIER", "u8"),
        Attr("promiscuity", "IFLA_PROMISCUITY", "u32"),
        Attr("new_netnsid", "IFLA_NEW_NETNSID", "s32"),
        Attr("new_ifindex", "IFLA_NEW_IFINDEX", "s32"),
        Attr("altnames", "IFLA_PROP_LIST", "altnames"),
    ),
    # linux/if_link.h; pyroute2 has its former name, IFLA_IF_NETNSID
    {"IFLA_TARGET_NETNSID": 46},
)

ADDR = Policy(
    "pyroute2.netlink.rtnl.ifaddrmsg:ifaddrmsg",
    (
        Attr("local", "IFA_LOCAL", "inet"),
        Attr("address", "IFA_ADDRESS", "inet"),
        Attr("label", "IFA_LABEL", "string", IFNAMSIZ),
        Attr("target_netnsid", "IFA_TARGET_NETNSID", "s32"),
        Attr("flags", "IFA_FLAGS", "u32"),
        Attr("broadcast", "IFA_BROADCAST", "inet"),
        Attr("anycast", "IFA_ANYCAST", "inet"),
        # struct ifa_cacheinfo: preferred, valid, cstamp, tstamp
        Attr("preferred_lifetime", "IFA_CACHEINFO", "u32", begin=0),
        Attr("valid_lifetime", "IFA_CACHEINFO", "u32", begin=4),
        Attr("route_priority", "IFA_RT_PRIORITY", "u32"),
        Attr("protocol", "IFA_PROTO", "u8"),
    ),
    # linux/if_addr.h says unsigned of the index, too; in the kernel, and in all other messages, an index is an int
    header="BBBBi",
)

ROUTE = Policy(
    "pyroute2.netlink.rtnl.rtmsg:rtmsg",
    (
        Attr("table", "RTA_TABLE", "u32"),
        Attr("dst", "RTA_DST", "ip_or_label"),
        Attr("src", "RTA_SRC", "ip"),
        Attr("gateway", "RTA_GATEWAY", "ip"),
        Attr("oif", "RTA_OIF", "u32"),
        Attr("priority", "RTA_PRIORITY", "u32"),
        Attr("multipath", "RTA_MULTIPATH", "hops"),
        Attr("prefsrc", "RTA_PREFSRC", "ip"),
        Attr("iif", "RTA_IIF", "u32"),
        Attr("via", "RTA_VIA", "via"),
        Attr("nh_id", "RTA_NH_ID", "u32"),
        Attr("metrics", "RTA_METRICS", "metrics"),
        Attr("encap_type", "RTA_ENCAP_TYPE", "u16"),
        Attr("encap", "RTA_ENCAP", "hex"),
        Attr("pref", "RTA_PREF", "u8"),
        Attr("flow", "RTA_FLOW", "u32"),
        Attr("mark", "RTA_MARK", "u32"),
        # struct rta_cacheinfo: clntref, lastuse, expires, error, used, id, ts, tsage
        Attr("expires", "RTA_CACHEINFO", "s32", begin=8),
    ),
    # linux/rtnetlink.h; pyroute2's list ends before it
    {"RTA_NH_ID": 30},
)

HOP = Policy(
    "pyroute2.netlink.rtnl.rtmsg:rtmsg",
    (
        Attr("gateway", "RTA_GATEWAY", "ip"),
        Attr("via", "RTA_VIA", "via"),
        Attr("encap_type", "RTA_ENCAP_TYPE", "u16"),
        Attr("encap", "RTA_ENCAP", "hex"),
    ),
)

NEIGH = Policy(
    "pyroute2.netlink.rtnl.ndmsg:ndmsg",
    (
        Attr("dst", "NDA_DST", "ip_by_length"),
        Attr("lladdr", "NDA_LLADDR", "lladdr"),
        Attr("vlan", "NDA_VLAN", "u16"),
        Attr("master", "NDA_MASTER", "u32"),
        Attr("vni", "NDA_VNI", "u32"),
        Attr("src_vni", "NDA_SRC_VNI", "u32"),
        Attr("port", "NDA_PORT", "be16"),
        Attr("nda_ifindex", "NDA_IFINDEX", "u32"),
        Attr("probes", "NDA_PROBES", "u32"),
        Attr("flags_ext", "NDA_FLAGS_EXT", "u32"),
        Attr("link_netnsid", "NDA_LINK_NETNSID", "s32"),
        Attr("protocol", "NDA_PROTOCOL", "u8"),
    ),
)

RULE = Policy(
    "pyroute2.netlink.rtnl.fibmsg:fibmsg",
    (
        Attr("table", "FRA_TABLE", "u32"),
        Attr("priority", "FRA_PRIORITY", "u32"),
        # ip(8) sends them without a byte for "to all" and "from all"
        Attr("dst", "FRA_DST", "ip_or_all"),
        Attr("src", "FRA_SRC", "ip_or_all"),
        Attr("iifname", "FRA_IIFNAME", "string", IFNAMSIZ),
        Attr("oifname", "FRA_OIFNAME", "string", IFNAMSIZ),
        Attr("fwmark", "FRA_FWMARK", "u32"),
        Attr("fwmask", "FRA_FWMASK", "u32"),
        Attr("ip_proto", "FRA_IP_PROTO", "u8"),
        Attr("sport_range", "FRA_SPORT_RANGE", "u16_pair"),
        Attr("dport_range", "FRA_DPORT_RANGE", "u16_pair"),
        Attr("uid_range", "FRA_UID_RANGE", "u32_pair"),
        Attr("tun_id", "FRA_TUN_ID", "be64"),
        Attr("l3mdev", "FRA_L3MDEV", "u8"),
        Attr("goto", "FRA_GOTO", "u32"),
        Attr("suppress_prefixlen", "FRA_SUPPRESS_PREFIXLEN", "s32"),
        Attr("suppress_ifgroup", "FRA_SUPPRESS_IFGROUP", "s32"),
        Attr("flow", "FRA_FLOW", "u32"),
        Attr("protocol", "FRA_PROTOCOL", "u8"),
        Attr("dscp", "FRA_DSCP", "u8"),
        Attr("flowlabel", "FRA_FLOWLABEL", "be32"),
        Attr("flowlabel_mask", "FRA_FLOWLABEL_MASK", "be32"),
        Attr("sport_mask", "FRA_SPORT_MASK", "u16"),
        Attr("dport_mask", "FRA_DPORT_MASK", "u16"),
        Attr("dscp_mask", "FRA_DSCP_MASK", "u8"),
    ),
    # linux/fib_rules.h; pyroute2's list ends before them
    {
        "FRA_DSCP": 25,
        "FRA_FLOWLABEL": 26,
        "FRA_FLOWLABEL_MASK": 27,
        "FRA_SPORT_MASK": 28,
        "FRA_DPORT_MASK": 29,
        "FRA_DSCP_MASK": 30,
    },
)
