"""Policies of connection tracking: flows, expectations, tuples. Every number is big-endian.

Not here: nftables, logging and queues.
"""

from __future__ import annotations

from nlmon.backends.libnl.policies import Attr, Policy

__all__ = ["CONNTRACK", "EXPECT", "TUPLE"]

DEFINITION = "pyroute2.netlink.nfnetlink.nfctsocket:nfct_msg"

CONNTRACK = Policy(
    DEFINITION,
    (
        Attr("original", "CTA_TUPLE_ORIG", "tuple"),
        Attr("tcp_state", "CTA_PROTOINFO/CTA_PROTOINFO_TCP/CTA_PROTOINFO_TCP_STATE", "u8"),
        Attr("mark", "CTA_MARK", "be32"),
        Attr("packets_orig", "CTA_COUNTERS_ORIG/CTA_COUNTERS_PACKETS", "be64"),
        Attr("bytes_orig", "CTA_COUNTERS_ORIG/CTA_COUNTERS_BYTES", "be64"),
        Attr("packets_reply", "CTA_COUNTERS_REPLY/CTA_COUNTERS_PACKETS", "be64"),
        Attr("bytes_reply", "CTA_COUNTERS_REPLY/CTA_COUNTERS_BYTES", "be64"),
        Attr("reply", "CTA_TUPLE_REPLY", "tuple"),
        Attr("status", "CTA_STATUS", "be32"),
        Attr("id", "CTA_ID", "be32"),
        Attr("zone", "CTA_ZONE", "be16"),
        Attr("timeout", "CTA_TIMEOUT", "be32"),
        Attr("use", "CTA_USE", "be32"),
        Attr("helper", "CTA_HELP/CTA_HELP_NAME", "string"),
        Attr("master", "CTA_TUPLE_MASTER", "tuple"),
        Attr("start", "CTA_TIMESTAMP/CTA_TIMESTAMP_START", "be64"),
        Attr("stop", "CTA_TIMESTAMP/CTA_TIMESTAMP_STOP", "be64"),
        Attr("labels", "CTA_LABELS", "hex"),
        Attr("secctx", "CTA_SECCTX/CTA_SECCTX_NAME", "string"),
    ),
    # linux/netfilter/nfnetlink_conntrack.h; pyroute2 does not open these
    {"CTA_HELP_NAME": 1, "CTA_SECCTX_NAME": 1},
)

TUPLE = Policy(
    "",
    (
        Attr("src_addr", "CTA_TUPLE_IP/CTA_IP_V4_SRC", "ip4"),
        Attr("src_addr", "CTA_TUPLE_IP/CTA_IP_V6_SRC", "ip6"),
        Attr("dst_addr", "CTA_TUPLE_IP/CTA_IP_V4_DST", "ip4"),
        Attr("dst_addr", "CTA_TUPLE_IP/CTA_IP_V6_DST", "ip6"),
        Attr("protocol", "CTA_TUPLE_PROTO/CTA_PROTO_NUM", "u8"),
        Attr("src_port", "CTA_TUPLE_PROTO/CTA_PROTO_SRC_PORT", "be16"),
        Attr("dst_port", "CTA_TUPLE_PROTO/CTA_PROTO_DST_PORT", "be16"),
        Attr("icmp_type", "CTA_TUPLE_PROTO/CTA_PROTO_ICMP_TYPE", "u8"),
        Attr("icmp_type", "CTA_TUPLE_PROTO/CTA_PROTO_ICMPV6_TYPE", "u8"),
        Attr("icmp_code", "CTA_TUPLE_PROTO/CTA_PROTO_ICMP_CODE", "u8"),
        Attr("icmp_code", "CTA_TUPLE_PROTO/CTA_PROTO_ICMPV6_CODE", "u8"),
        Attr("icmp_id", "CTA_TUPLE_PROTO/CTA_PROTO_ICMP_ID", "be16"),
        Attr("icmp_id", "CTA_TUPLE_PROTO/CTA_PROTO_ICMPV6_ID", "be16"),
        Attr("zone", "CTA_TUPLE_ZONE", "be16"),
    ),
    # linux/netfilter/nfnetlink_conntrack.h, enum ctattr_tuple, ctattr_ip, ctattr_l4proto: tuples stand in four
    # places, and pyroute2 defines them only inside one message
    {
        "CTA_TUPLE_IP": 1,
        "CTA_TUPLE_PROTO": 2,
        "CTA_TUPLE_ZONE": 3,
        "CTA_IP_V4_SRC": 1,
        "CTA_IP_V4_DST": 2,
        "CTA_IP_V6_SRC": 3,
        "CTA_IP_V6_DST": 4,
        "CTA_PROTO_NUM": 1,
        "CTA_PROTO_SRC_PORT": 2,
        "CTA_PROTO_DST_PORT": 3,
        "CTA_PROTO_ICMP_ID": 4,
        "CTA_PROTO_ICMP_TYPE": 5,
        "CTA_PROTO_ICMP_CODE": 6,
        "CTA_PROTO_ICMPV6_ID": 7,
        "CTA_PROTO_ICMPV6_TYPE": 8,
        "CTA_PROTO_ICMPV6_CODE": 9,
    },
)

EXPECT = Policy(
    "",
    (
        Attr("tuple", "CTA_EXPECT_TUPLE", "tuple"),
        Attr("mask", "CTA_EXPECT_MASK", "tuple"),
        Attr("master", "CTA_EXPECT_MASTER", "tuple"),
        Attr("timeout", "CTA_EXPECT_TIMEOUT", "be32"),
        Attr("id", "CTA_EXPECT_ID", "be32"),
        Attr("helper", "CTA_EXPECT_HELP_NAME", "string"),
        Attr("zone", "CTA_EXPECT_ZONE", "be16"),
        Attr("flags", "CTA_EXPECT_FLAGS", "be32"),
        Attr("expect_class", "CTA_EXPECT_CLASS", "be32"),
        Attr("function", "CTA_EXPECT_FN", "string"),
        Attr("nat_dir", "CTA_EXPECT_NAT/CTA_EXPECT_NAT_DIR", "be32"),
        Attr("nat_tuple", "CTA_EXPECT_NAT/CTA_EXPECT_NAT_TUPLE", "tuple"),
    ),
    # linux/netfilter/nfnetlink_conntrack.h, enum ctattr_expect; pyroute2 has none of it
    {
        "CTA_EXPECT_MASTER": 1,
        "CTA_EXPECT_TUPLE": 2,
        "CTA_EXPECT_MASK": 3,
        "CTA_EXPECT_TIMEOUT": 4,
        "CTA_EXPECT_ID": 5,
        "CTA_EXPECT_HELP_NAME": 6,
        "CTA_EXPECT_ZONE": 7,
        "CTA_EXPECT_FLAGS": 8,
        "CTA_EXPECT_CLASS": 9,
        "CTA_EXPECT_NAT": 10,
        "CTA_EXPECT_FN": 11,
        "CTA_EXPECT_NAT_DIR": 1,
        "CTA_EXPECT_NAT_TUPLE": 2,
    },
)
