"""Which multicast group the kernel announces a message in.

The mapping is that of the senders in the kernel (rtnl_notify and nlmsg_notify in net/core and net/ipv4,
net/ipv6, net/bridge, net/sched); the numbers are ``enum rtnetlink_groups`` of linux/rtnetlink.h.

Not here: joining groups (``kernel``).
"""

from __future__ import annotations

__all__ = ["group_of"]

AF_INET, AF_INET6, AF_MPLS, IPMR, IP6MR = 2, 10, 28, 128, 129
LINK, NEIGH, TC, PREFIX, ND_USEROPT, DCB, MDB, NSID, NEXTHOP, BRVLAN, STATS, TUNNEL = (
    *(1, 3, 4, 18, 20, 23, 26, 28, 32, 33, 36),
    35,
)
# By message type // 4, which is the same for NEW, DEL, GET and SET.
_ANY_FAMILY = {
    7: NEIGH,
    **dict.fromkeys((9, 10, 11, 12, 25), TC),
    13: PREFIX,
    17: ND_USEROPT,
    19: DCB,
    21: MDB,
    22: NSID,
    23: STATS,
    26: NEXTHOP,
    27: LINK,
    28: BRVLAN,
    29: NEXTHOP,
    30: TUNNEL,
}
_BY_FAMILY = {
    # Link messages of family AF_INET6 are the address family's own view (RTNLGRP_IPV6_IFINFO).
    4: {0: LINK, 7: LINK, AF_INET6: 12},
    5: {AF_INET: 5, AF_INET6: 9},
    6: {AF_INET: 7, AF_INET6: 11, AF_MPLS: 27, IPMR: 6, IP6MR: 10},
    8: {AF_INET: 8, AF_INET6: 19, IPMR: 8, IP6MR: 19},
    20: {AF_INET: 24, AF_INET6: 25, AF_MPLS: 29},
    24: {IPMR: 30, IP6MR: 31},
}


def group_of(protocol: int, msg_type: int, family: int) -> int | None:
    """Group number (from 1) of a NETLINK_ROUTE notification; None for other protocols and unknown types."""
    if protocol != 0:
        return None
    kind = msg_type // 4
    found = _BY_FAMILY.get(kind)
    return _ANY_FAMILY.get(kind) if found is None else found.get(family)
