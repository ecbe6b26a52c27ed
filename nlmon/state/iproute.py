"""What ``ip`` and ``bridge`` call numbers in their output, where that is not the kernel's name in other letters.

The names are those of iproute2 6.1, without files of its own in /etc/iproute2.

Not here: the kernel's names (``nlmon.names``).
"""

from __future__ import annotations

from nlmon.uapi import AF_INET, AF_INET6, NTF_PROXY

__all__ = [
    "ADDRESS_FLAGS",
    "ADDRESS_PROTOCOLS",
    "ENTRY_FLAGS",
    "ENTRY_STATES",
    "FAMILIES",
    "LINK_FLAGS",
    "LINK_TYPES",
    "METRICS",
    "NEIGHBOUR_FLAGS",
    "PREFERENCES",
    "PROTOCOLS",
    "ROUTE_FLAGS",
    "ROUTE_TABLES",
    "SCOPES",
    "TUNNELS",
]

FAMILIES = {AF_INET: "inet", AF_INET6: "inet6"}
SCOPES = {0: "global", 200: "site", 253: "link", 254: "host", 255: "nowhere"}
ROUTE_TABLES = {0: "unspec", 253: "default", 254: "main", 255: "local"}
PREFERENCES = {0: "medium", 1: "high", 3: "low"}
# iproute2, ip/ipaddress.c, print_link_flags: in this order, and IFF_RUNNING only where it is missing.
LINK_FLAGS = (
    *("LOOPBACK", "BROADCAST", "POINTOPOINT", "MULTICAST", "NOARP", "ALLMULTI", "PROMISC", "MASTER", "SLAVE", "DEBUG"),
    *("DYNAMIC", "AUTOMEDIA", "PORTSEL", "NOTRAILERS", "UP", "LOWER_UP", "DORMANT", "ECHO"),
)
# linux/if_arp.h, as iproute2's lib/ll_types.c calls them.
LINK_TYPES = {
    1: "ether",
    32: "infiniband",
    280: "can",
    512: "ppp",
    768: "ipip",
    769: "tunnel6",
    772: "loopback",
    776: "sit",
    778: "gre",
    801: "ieee802.11",
    803: "ieee802.11/radiotap",
    805: "ieee802.15.4",
    823: "gre6",
    824: "netlink",
    825: "6lowpan",
    65534: "none",
}
# Types whose addresses are those of tunnels, by length.
TUNNELS = {4: {768, 776, 778}, 16: {769, 823}}
# linux/if_addr.h, as iproute2 calls them; IFA_F_PERMANENT is the absence of ``dynamic``.
ADDRESS_FLAGS = {
    0x02: "nodad",
    0x04: "optimistic",
    0x08: "dadfailed",
    0x10: "home",
    0x20: "deprecated",
    0x40: "tentative",
    0x100: "mngtmpaddr",
    0x200: "noprefixroute",
    0x400: "autojoin",
    0x800: "stable_privacy",
}
ADDRESS_PROTOCOLS = {1: "kernel_lo", 2: "kernel_ra", 3: "kernel_ll"}
# linux/rtnetlink.h, rtnh_flags and rtm_flags, in the order of iproute2.
ROUTE_FLAGS = {
    0x01: "dead",
    0x04: "onlink",
    0x02: "pervasive",
    0x08: "offload",
    0x40: "trap",
    0x100: "notify",
    0x10: "linkdown",
    0x20: "unresolved",
    0x4000: "rt_offload",
    0x8000: "rt_trap",
    0x20000000: "rt_offload_failed",
}
# Metrics that iproute2 prints as they are; the others are times, bits, or locks of others.
METRICS = {
    2: "mtu",
    3: "window",
    6: "ssthresh",
    7: "cwnd",
    8: "advmss",
    9: "reordering",
    10: "hoplimit",
    11: "initcwnd",
    14: "initrwnd",
    15: "quickack",
    16: "congctl",
    17: "fastopen_no_cookie",
}
# linux/neighbour.h, NTF_* and NUD_*
NEIGHBOUR_FLAGS = {0x80: "router", NTF_PROXY: "proxy", 0x10: "extern_learn", 0x20: "offload"}
ENTRY_FLAGS = {0x02: "self", 0x80: "router", 0x10: "extern_learn", 0x20: "offload", 0x04: "master", 0x40: "sticky"}
ENTRY_STATES = {0x80: "permanent", 0x40: "static", 0x04: "stale", 0x02: ""}
# Of these /etc/protocols has another name.
PROTOCOLS = {58: "ipv6-icmp", 4: "ipencap", 136: "udplite"}
