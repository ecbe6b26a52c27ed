"""Names the kernel gives to numbers: message types, flags, families, scopes, tables.

Source of every table: the Linux UAPI headers named beside it. The tables serve people: JSON output, reports
and messages. Nothing is decoded with them, and a number without a name is data, not an error.

Not here: attribute numbers (each backend has its own) and names that live in files of a host
(``/etc/iproute2``), since a capture must read the same everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["PROTOCOLS", "TABLES", "flag_names", "message_flags", "message_type", "name_of", "protocol_number"]

# linux/netlink.h
PROTOCOLS: Mapping[int, str] = MappingProxyType(
    {
        0: "NETLINK_ROUTE",
        2: "NETLINK_USERSOCK",
        3: "NETLINK_FIREWALL",
        4: "NETLINK_SOCK_DIAG",
        5: "NETLINK_NFLOG",
        6: "NETLINK_XFRM",
        7: "NETLINK_SELINUX",
        8: "NETLINK_ISCSI",
        9: "NETLINK_AUDIT",
        10: "NETLINK_FIB_LOOKUP",
        11: "NETLINK_CONNECTOR",
        12: "NETLINK_NETFILTER",
        14: "NETLINK_DNRTMSG",
        15: "NETLINK_KOBJECT_UEVENT",
        16: "NETLINK_GENERIC",
        18: "NETLINK_SCSITRANSPORT",
        19: "NETLINK_ECRYPTFS",
        20: "NETLINK_RDMA",
        21: "NETLINK_CRYPTO",
        22: "NETLINK_SMC",
    }
)
_NUMBERS = {name: number for number, name in PROTOCOLS.items()}

_CONTROL = {1: "NLMSG_NOOP", 2: "NLMSG_ERROR", 3: "NLMSG_DONE", 4: "NLMSG_OVERRUN"}


def _verbs(base: int, noun: str, verbs: str = "NEW DEL GET SET") -> dict[int, str]:
    return {base + i: f"RTM_{verb}{noun}" for i, verb in enumerate(verbs.split()) if verb != "-"}


# linux/rtnetlink.h
_RTM = {
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
            128: "RTNL_FAMILY_IPMR",
            129: "RTNL_FAMILY_IP6MR",
        },
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

_BASE_FLAGS = {
    0x01: "NLM_F_REQUEST",
    0x02: "NLM_F_MULTI",
    0x04: "NLM_F_ACK",
    0x08: "NLM_F_ECHO",
    0x10: "NLM_F_DUMP_INTR",
    0x20: "NLM_F_DUMP_FILTERED",
}
# linux/netlink.h: the upper byte means something else in each kind of message.
_NEW_FLAGS = {0x100: "NLM_F_REPLACE", 0x200: "NLM_F_EXCL", 0x400: "NLM_F_CREATE", 0x800: "NLM_F_APPEND"}
_GET_FLAGS = {0x100: "NLM_F_ROOT", 0x200: "NLM_F_MATCH", 0x400: "NLM_F_ATOMIC"}
_DEL_FLAGS = {0x100: "NLM_F_NONREC", 0x200: "NLM_F_BULK"}
_ACK_FLAGS = {0x100: "NLM_F_CAPPED", 0x200: "NLM_F_ACK_TLVS"}


def name_of(table: str, number: int) -> str:
    """Name of ``number`` in a table of ``TABLES``, or the number as text."""
    return TABLES[table].get(number) or str(number)


def flag_names(table: Mapping[int, str], value: int) -> list[str]:
    """Names of the set bits, lowest first; bits without a name come last as one hexadecimal text."""
    found = [name for bit, name in table.items() if value & bit]
    rest = value & ~sum(table)
    return [*found, hex(rest)] if rest else found


def message_type(protocol: int, msg_type: int) -> str:
    """``RTM_NEWLINK`` for (0, 16); control types by their name in every protocol; otherwise the number."""
    if msg_type < 16:
        return _CONTROL.get(msg_type) or str(msg_type)
    if protocol == 0:
        return _RTM.get(msg_type) or str(msg_type)
    return str(msg_type)


def message_flags(protocol: int, msg_type: int, flags: int) -> list[str]:
    """Names of nlmsg_flags; the upper byte is read by the verb of the message (linux/netlink.h)."""
    if msg_type in {2, 3}:
        upper = _ACK_FLAGS
    elif protocol == 0 and msg_type >= 16:
        upper = (_NEW_FLAGS, _DEL_FLAGS, _GET_FLAGS, _NEW_FLAGS)[msg_type & 3]
    else:
        upper = {}
    return flag_names({**_BASE_FLAGS, **upper}, flags)


def protocol_number(text: str) -> int | None:
    """Number for ``route``, ``NETLINK_ROUTE`` or ``0`` in any case; None if unknown."""
    if text.isdecimal():
        return int(text)
    upper = text.upper().replace("-", "_")
    return _NUMBERS.get(upper, _NUMBERS.get("NETLINK_" + upper))
