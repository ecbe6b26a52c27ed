"""Layouts of messages, written down a third time: where header fields stand and which number an attribute has.

Used only to find the bytes of a field for a report, never to decode one (linux/if_link.h, if_addr.h, rtnetlink.h,
neighbour.h, fib_rules.h, genetlink.h, nl80211.h, inet_diag.h, unix_diag.h, nfnetlink_conntrack.h, xfrm.h,
nexthop.h, net_namespace.h, if_bridge.h, netconf.h).

Not here: the search (``nlmon.compare.evidence.locate``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from nlmon import uapi
from nlmon.framing import align

__all__ = [
    "ATTRIBUTES",
    "HEADERS",
    "KIND_HEADERS",
    "NLMSGHDR_FIELDS",
    "SIGNED",
    "XFRM_FIELDS",
    "XFRM_HEADERS",
    "XFRM_NESTED",
    "header_size",
]

# Offset behind the message header, and length, in bytes.
Fields: TypeAlias = Mapping[str, tuple[int, int]]

NLMSGHDR_FIELDS: Fields = {"msg_type": (4, 2), "msg_flags": (6, 2), "seq": (8, 4), "pid": (12, 4)}
# Fixed header per prefix of attribute names: its size, and the place (offset, length) of each field.
HEADERS: Mapping[str, Fields] = {
    "ifi_": {"family": (0, 1), "type": (2, 2), "index": (4, 4), "flags": (8, 4), "change": (12, 4)},
    "ifa_": {"family": (0, 1), "prefixlen": (1, 1), "flags": (2, 1), "scope": (3, 1), "index": (4, 4)},
    "rtm_": {
        **{name: (at, 1) for at, name in enumerate(("family", "dst_len", "src_len", "tos", "table"))},
        **{name: (at + 5, 1) for at, name in enumerate(("protocol", "scope", "type"))},
        "flags": (8, 4),
    },
    "ndm_": {"family": (0, 1), "ifindex": (4, 4), "state": (8, 2), "flags": (10, 1), "type": (11, 1)},
    "": {
        **{name: (at, 1) for at, name in enumerate(("family", "dst_len", "src_len", "tos", "table"))},
        "action": (7, 1),
        "flags": (8, 4),
    },
    "genl_": {"cmd": (0, 1), "version": (1, 1), "attributes": (4, 4)},
    "idiag_": {
        **{name: (at, 1) for at, name in enumerate(("family", "state", "timer", "retrans"))},
        "sport": (4, 2),
        "dport": (6, 2),
        "src": (8, 16),
        "dst": (24, 16),
        "if": (40, 4),
        "cookie": (44, 8),
        **{name: (52 + 4 * at, 4) for at, name in enumerate(("expires", "rqueue", "wqueue", "uid", "inode"))},
    },
    "udiag_": {"family": (0, 1), "type": (1, 1), "state": (2, 1), "ino": (4, 4), "cookie": (8, 8)},
    "nfgen_": {"family": (0, 1)},
    "tcm_": {"family": (0, 1), "ifindex": (4, 4), "handle": (8, 4), "parent": (12, 4), "info": (16, 4)},
    "nh_": {"family": (0, 1), "scope": (1, 1), "protocol": (2, 1), "flags": (4, 4)},
    "rtgen_": {"family": (0, 1)},
    "prefix_": {"family": (0, 1), "ifindex": (4, 4), "type": (8, 1), "len": (9, 1), "flags": (10, 1)},
    "bpm_": {"family": (0, 1), "ifindex": (4, 4)},
    "ncm_": {"family": (0, 1)},
    "ism_": {"family": (0, 1), "ifindex": (4, 4), "filter_mask": (8, 4)},
}
# Fields of these that have a sign; the others have none.
SIGNED = {"tcm_ifindex", "prefix_ifindex"}
# The structures of IPsec messages by message type; their fields are shown as one piece.
XFRM_HEADERS: Mapping[int, int] = {
    **dict.fromkeys((uapi.XFRM_MSG_NEWSA, uapi.XFRM_MSG_UPDSA), uapi.XFRM_USERSA_INFO),
    uapi.XFRM_MSG_DELSA: uapi.XFRM_USERSA_ID,
    **dict.fromkeys((uapi.XFRM_MSG_NEWPOLICY, uapi.XFRM_MSG_UPDPOLICY), uapi.XFRM_USERPOLICY_INFO),
    uapi.XFRM_MSG_DELPOLICY: uapi.XFRM_USERPOLICY_ID,
    uapi.XFRM_MSG_ACQUIRE: uapi.XFRM_USER_ACQUIRE,
    uapi.XFRM_MSG_EXPIRE: uapi.XFRM_USER_EXPIRE,
    uapi.XFRM_MSG_POLEXPIRE: uapi.XFRM_USER_POLEXPIRE,
    uapi.XFRM_MSG_FLUSHSA: uapi.XFRM_USERSA_FLUSH,
    uapi.XFRM_MSG_FLUSHPOLICY: 0,
    uapi.XFRM_MSG_NEWAE: uapi.XFRM_AEVENT_ID,
}
_SA_INFO: Fields = {
    "selector": (0, 56),
    "daddr": (56, 16),
    "spi": (72, 4),
    "proto": (76, 1),
    "saddr": (80, 16),
    "bytes": (160, 8),
    "packets": (168, 8),
    "seq": (204, 4),
    "reqid": (208, 4),
    "family": (212, 2),
    "mode": (214, 1),
    "replay_window": (215, 1),
    "flags": (216, 1),
}
_SA_ID: Fields = {"daddr": (0, 16), "spi": (16, 4), "family": (20, 2), "proto": (22, 1)}
_POLICY_INFO: Fields = {
    "selector": (0, 56),
    "priority": (152, 4),
    "index": (156, 4),
    "dir": (160, 1),
    "action": (161, 1),
    "flags": (162, 1),
    "share": (163, 1),
}
# Fields of those structures, xfrm_usersa_info and its kin, by message type; 64-bit kernels.
XFRM_FIELDS: Mapping[int, Fields] = {
    **dict.fromkeys((uapi.XFRM_MSG_NEWSA, uapi.XFRM_MSG_UPDSA), _SA_INFO),
    uapi.XFRM_MSG_DELSA: _SA_ID,
    **dict.fromkeys((uapi.XFRM_MSG_NEWPOLICY, uapi.XFRM_MSG_UPDPOLICY), _POLICY_INFO),
    uapi.XFRM_MSG_DELPOLICY: {"selector": (0, 56), "index": (56, 4), "dir": (60, 1)},  # xfrm_userpolicy_id
    # xfrm_user_acquire: what state is wanted, the selector of the traffic, the policy at 96
    uapi.XFRM_MSG_ACQUIRE: {
        "acquire": (0, 280),
        **{name: (96 + at, size) for name, (at, size) in _POLICY_INFO.items()},
    },
    uapi.XFRM_MSG_EXPIRE: {**_SA_INFO, "hard": (224, 1)},
    uapi.XFRM_MSG_POLEXPIRE: {**_POLICY_INFO, "hard": (168, 1)},
    uapi.XFRM_MSG_FLUSHSA: {"proto": (0, 1)},
    uapi.XFRM_MSG_NEWAE: {**_SA_ID, "saddr": (24, 16), "reqid": (44, 4)},
}
# Fields that an attribute of such a message holds, by message type: its number, the bytes it must have, the fields.
XFRM_NESTED: Mapping[int, tuple[int, int, Fields]] = {
    uapi.XFRM_MSG_DELSA: (
        *(uapi.XFRMA_SA, uapi.XFRM_USERSA_INFO),
        {name: place for name, place in _SA_INFO.items() if name not in _SA_ID},
    ),
    # Where it is absent the header names the policy.
    uapi.XFRM_MSG_DELPOLICY: (uapi.XFRMA_POLICY, uapi.XFRM_USERPOLICY_INFO, _POLICY_INFO),
    # A part of it is malformed.
    uapi.XFRM_MSG_NEWAE: (uapi.XFRMA_LTIME_VAL, 16, {"bytes": (0, 8), "packets": (8, 8)}),
}
# Bytes of the fixed header of kinds that one implementation gives alone.
KIND_HEADERS = {
    "tc": uapi.TCMSG,
    "prefix": uapi.PREFIXMSG,
    "netconf": uapi.NETCONFMSG,
    "mdb": uapi.BR_PORT_MSG,
    "nsid": uapi.RTGENMSG,
    "stats": uapi.IF_STATS_MSG,
    "nexthop": uapi.NHMSG,
    "expect": uapi.NFGENMSG,
}
_SIZES = {
    "IFLA": uapi.IFINFOMSG,
    "IFA": uapi.IFADDRMSG,
    "RTA": uapi.RTMSG,
    "NDA": uapi.NDMSG,
    "FRA": uapi.FIB_RULE_HDR,
    "NL80211": uapi.GENL_HDRLEN,
    "INET": uapi.INET_DIAG_MSG,
    "UNIX": uapi.UNIX_DIAG_MSG,
    "CTA": uapi.NFGENMSG,
    "TCA": uapi.TCMSG,
    "NHA": uapi.NHMSG,
    "NETNSA": uapi.RTGENMSG,
    "PREFIX": uapi.PREFIXMSG,
    "MDBA": uapi.BR_PORT_MSG,
    "NETCONFA": uapi.NETCONFMSG,
}


def header_size(attribute: str, msg_type: int) -> int:
    """Bytes of the fixed header before an attribute of this name."""
    if attribute.startswith("XFRMA_"):
        return align(XFRM_HEADERS.get(msg_type, 0))
    if attribute.startswith("IFLA_STATS_"):
        return uapi.IF_STATS_MSG
    return _SIZES.get(attribute.partition("_")[0], 0)


def _numbers(prefix: str, **numbers: int) -> dict[str, int]:
    return {f"{prefix}_{name}": number for name, number in numbers.items()}


ATTRIBUTES: Mapping[str, int] = {
    **_numbers("IFLA", ADDRESS=1, BROADCAST=2, IFNAME=3, MTU=4, LINK=5, QDISC=6, MASTER=10, TXQLEN=13),
    **_numbers("IFLA", OPERSTATE=16, LINKINFO=18, IFALIAS=20, GROUP=27, PROMISCUITY=30, CARRIER=33),
    **_numbers("IFLA", LINK_NETNSID=37, NEW_NETNSID=45, TARGET_NETNSID=46, NEW_IFINDEX=49, PROP_LIST=52),
    **_numbers("IFLA", ALT_IFNAME=53),
    **_numbers("IFLA_INFO", KIND=1, SLAVE_KIND=4),
    **_numbers("IFA", ADDRESS=1, LOCAL=2, LABEL=3, BROADCAST=4, ANYCAST=5, CACHEINFO=6, FLAGS=8),
    **_numbers("IFA", RT_PRIORITY=9, TARGET_NETNSID=10, PROTO=11),
    **_numbers("RTA", DST=1, SRC=2, IIF=3, OIF=4, GATEWAY=5, PRIORITY=6, PREFSRC=7, METRICS=8, MULTIPATH=9),
    **_numbers("RTA", FLOW=11, CACHEINFO=12, TABLE=15, MARK=16, VIA=18, PREF=20, ENCAP_TYPE=21, ENCAP=22, NH_ID=30),
    **_numbers("NDA", DST=1, LLADDR=2, CACHEINFO=3, PROBES=4, VLAN=5, PORT=6, VNI=7, IFINDEX=8, MASTER=9),
    **_numbers("NDA", LINK_NETNSID=10, SRC_VNI=11, PROTOCOL=12, FLAGS_EXT=15),
    **_numbers("FRA", DST=1, SRC=2, IIFNAME=3, GOTO=4, PRIORITY=6, FWMARK=10, FLOW=11, TUN_ID=12),
    **_numbers("FRA", SUPPRESS_IFGROUP=13, SUPPRESS_PREFIXLEN=14, TABLE=15, FWMASK=16, OIFNAME=17, L3MDEV=19),
    **_numbers("FRA", UID_RANGE=20, PROTOCOL=21, IP_PROTO=22, SPORT_RANGE=23, DPORT_RANGE=24, DSCP=25),
    **_numbers("FRA", FLOWLABEL=26, FLOWLABEL_MASK=27, SPORT_MASK=28, DPORT_MASK=29, DSCP_MASK=30),
    **_numbers("NL80211_ATTR", WIPHY=1, WIPHY_NAME=2, IFINDEX=3, IFNAME=4, IFTYPE=5, MAC=6, WIPHY_FREQ=38),
    **_numbers("NL80211_ATTR", WIPHY_CHANNEL_TYPE=39, FRAME=51, SSID=52, REASON_CODE=54, TIMED_OUT=65),
    **_numbers("NL80211_ATTR", DISCONNECTED_BY_AP=71, STATUS_CODE=72, WDEV=153, CHANNEL_WIDTH=159, CENTER_FREQ1=160),
    **_numbers("NL80211_ATTR", VENDOR_ID=195, VENDOR_SUBCMD=196, VENDOR_DATA=197),
    **_numbers("INET_DIAG", CONG=4, SHUTDOWN=8, PROTOCOL=10, SKV6ONLY=11, MARK=15, CGROUP_ID=21),
    **_numbers("UNIX_DIAG", NAME=0, PEER=2, RQLEN=4, SHUTDOWN=6, UID=7),
    **_numbers("CTA", TUPLE_ORIG=1, TUPLE_REPLY=2, STATUS=3, PROTOINFO=4, HELP=5, TIMEOUT=7, MARK=8),
    **_numbers("CTA", COUNTERS_ORIG=9, COUNTERS_REPLY=10, USE=11, ID=12, TUPLE_MASTER=14, ZONE=18, SECCTX=19),
    **_numbers("CTA", TIMESTAMP=20, LABELS=22, TUPLE_IP=1, TUPLE_PROTO=2, TUPLE_ZONE=3, HELP_NAME=1),
    **_numbers("CTA", SECCTX_NAME=1, TIMESTAMP_START=1, TIMESTAMP_STOP=2, PROTOINFO_TCP=1),
    **_numbers("CTA", PROTOINFO_TCP_STATE=1, COUNTERS_PACKETS=1, COUNTERS_BYTES=2),
    **_numbers("CTA_IP", V4_SRC=1, V4_DST=2, V6_SRC=3, V6_DST=4),
    **_numbers("CTA_PROTO", NUM=1, SRC_PORT=2, DST_PORT=3, ICMP_ID=4, ICMP_TYPE=5, ICMP_CODE=6),
    **_numbers("CTA_PROTO", ICMPV6_ID=7, ICMPV6_TYPE=8, ICMPV6_CODE=9),
    **_numbers("CTA_EXPECT", MASTER=1, TUPLE=2, MASK=3, TIMEOUT=4, ID=5, HELP_NAME=6, ZONE=7, FLAGS=8, CLASS=9),
    **_numbers("CTA_EXPECT", NAT=10, FN=11, NAT_DIR=1, NAT_TUPLE=2),
    **_numbers("XFRMA", ALG_AUTH=1, ALG_CRYPT=2, ALG_COMP=3, ENCAP=4, TMPL=5, POLICY_TYPE=16, ALG_AEAD=18),
    **_numbers("XFRMA", ALG_AUTH_TRUNC=20, MARK=21, SA_EXTRA_FLAGS=24, IF_ID=31),
    **_numbers("TCA", KIND=1, STATS2=7, CHAIN=11, HW_OFFLOAD=12, INGRESS_BLOCK=13, EGRESS_BLOCK=14),
    **_numbers("TCA_STATS", BASIC=1, QUEUE=3, PKT64=8),
    **_numbers("NHA", ID=1, GROUP=2, GROUP_TYPE=3, BLACKHOLE=4, OIF=5, GATEWAY=6, ENCAP_TYPE=7, MASTER=10, FDB=11),
    **_numbers("NETNSA", NSID=1, CURRENT_NSID=5),
    **_numbers("PREFIX", ADDRESS=1, CACHEINFO=2),
    **_numbers("MDBA", MDB=1),
    **_numbers("NETCONFA", IFINDEX=1, FORWARDING=2, RP_FILTER=3, MC_FORWARDING=4, PROXY_NEIGH=5),
    **_numbers("NETCONFA", IGNORE_ROUTES_WITH_LINKDOWN=6, INPUT=7, BC_FORWARDING=8),
    **_numbers("IFLA_STATS", LINK_64=1),
}
