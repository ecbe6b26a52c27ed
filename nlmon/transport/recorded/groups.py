"""Which multicast group the kernel announces a message in.

The mapping is that of the senders in the kernel (rtnl_notify and nlmsg_notify in net/core, net/ipv4, net/ipv6,
net/bridge, net/sched, net/netfilter, net/xfrm); the numbers are those of the UAPI headers named below, for
NETLINK_ROUTE ``enum rtnetlink_groups`` of linux/rtnetlink.h.

Not here: joining groups (``transport.kernel``).
"""

from __future__ import annotations

import functools

__all__ = ["groups_of"]

ROUTE, SOCK_DIAG, XFRM, AUDIT, NETFILTER = 0, 4, 6, 9, 12
NFNL_SUBSYS_NFTABLES = 10
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


# linux/netfilter/nfnetlink_compat.h, by message type; a flow or expectation is new when it was created.
_NETFILTER = {0x102: 3, 0x202: 6, 0x704: 8, 0xA11: 9}
_CREATED = 0x600  # NLM_F_CREATE | NLM_F_EXCL
# linux/xfrm.h, enum xfrm_nlgroups
_XFRM = {
    23: 1,
    **dict.fromkeys((24, 27), 2),
    **dict.fromkeys((16, 17, 26, 28), 3),
    **dict.fromkeys((19, 20, 25, 29, 40), 4),
    30: 5,
    32: 6,
    33: 7,
    38: 8,
}


@functools.lru_cache(4096)
def groups_of(protocol: int, msg_type: int, flags: int, family: int) -> frozenset[int] | None:
    """Groups (from 1) of which any one receives a notification: ``family`` is the first byte behind the header.

    Empty for a message that no group carries, such as one to a single port; None where the bytes do not tell, as
    for generic netlink, whose groups are the kernel's to number.
    """
    found: int | None
    if protocol == ROUTE:
        found = _route_group(msg_type, family)
    elif protocol == NETFILTER:
        found = _netfilter_group(msg_type, flags)
    elif protocol == XFRM:
        found = _XFRM.get(msg_type)
    elif protocol == SOCK_DIAG:
        # linux/sock_diag.h: TCP and UDP of a family; which of the two is in an attribute.
        return {AF_INET: frozenset({1, 2}), AF_INET6: frozenset({3, 4})}.get(family, frozenset())
    elif protocol == AUDIT:
        found = 1
    else:
        return None
    return frozenset() if found is None else frozenset({found})


def _route_group(msg_type: int, family: int) -> int | None:
    kind = msg_type // 4
    found = _BY_FAMILY.get(kind)
    return _ANY_FAMILY.get(kind) if found is None else found.get(family)


def _netfilter_group(msg_type: int, flags: int) -> int | None:
    if msg_type in {0x100, 0x200}:
        created = flags & _CREATED == _CREATED
        return (1 if created else 2) + (3 if msg_type == 0x200 else 0)
    if msg_type >> 8 == NFNL_SUBSYS_NFTABLES:
        return _NETFILTER.get(msg_type, 7)
    return _NETFILTER.get(msg_type)
