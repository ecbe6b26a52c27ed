"""Which multicast group the kernel announces a message in.

The mapping is that of the senders in the kernel (rtnl_notify and nlmsg_notify in net/core, net/ipv4, net/ipv6,
net/bridge, net/sched, net/netfilter, net/xfrm); the numbers are those of the UAPI headers named below, for
NETLINK_ROUTE ``enum rtnetlink_groups`` of linux/rtnetlink.h.

Not here: joining groups (``transport.kernel``).
"""

from __future__ import annotations

import functools

from nlmon import uapi
from nlmon.framing import attribute
from nlmon.transport.recorded.kernel import RecordedKernel
from nlmon.wire import Datagram

__all__ = ["by_family", "carried_by", "groups_of"]

# By the object that a message is about: of the types NEW, DEL, GET and SET of one, which follow each other, the first.
_ANY_FAMILY = {
    uapi.RTM_NEWNEIGH: uapi.RTNLGRP_NEIGH,
    uapi.RTM_NEWQDISC: uapi.RTNLGRP_TC,
    uapi.RTM_NEWTCLASS: uapi.RTNLGRP_TC,
    uapi.RTM_NEWTFILTER: uapi.RTNLGRP_TC,
    uapi.RTM_NEWACTION: uapi.RTNLGRP_TC,
    uapi.RTM_NEWCHAIN: uapi.RTNLGRP_TC,
    uapi.RTM_NEWPREFIX: uapi.RTNLGRP_IPV6_PREFIX,
    uapi.RTM_NEWNDUSEROPT: uapi.RTNLGRP_ND_USEROPT,
    uapi.RTM_GETDCB & ~uapi.RTNL_KIND_MASK: uapi.RTNLGRP_DCB,
    uapi.RTM_NEWMDB: uapi.RTNLGRP_MDB,
    uapi.RTM_NEWNSID: uapi.RTNLGRP_NSID,
    uapi.RTM_NEWSTATS: uapi.RTNLGRP_STATS,
    uapi.RTM_NEWNEXTHOP: uapi.RTNLGRP_NEXTHOP,
    uapi.RTM_NEWLINKPROP: uapi.RTNLGRP_LINK,
    uapi.RTM_NEWVLAN: uapi.RTNLGRP_BRVLAN,
    uapi.RTM_NEWNEXTHOPBUCKET: uapi.RTNLGRP_NEXTHOP,
    uapi.RTM_NEWTUNNEL: uapi.RTNLGRP_TUNNEL,
}
_BY_FAMILY = {
    # Link messages of family AF_INET6 are the address family's own view.
    uapi.RTM_NEWLINK: {
        uapi.AF_UNSPEC: uapi.RTNLGRP_LINK,
        uapi.AF_BRIDGE: uapi.RTNLGRP_LINK,
        uapi.AF_INET6: uapi.RTNLGRP_IPV6_IFINFO,
    },
    uapi.RTM_NEWADDR: {uapi.AF_INET: uapi.RTNLGRP_IPV4_IFADDR, uapi.AF_INET6: uapi.RTNLGRP_IPV6_IFADDR},
    uapi.RTM_NEWROUTE: {
        uapi.AF_INET: uapi.RTNLGRP_IPV4_ROUTE,
        uapi.AF_INET6: uapi.RTNLGRP_IPV6_ROUTE,
        uapi.AF_MPLS: uapi.RTNLGRP_MPLS_ROUTE,
        uapi.RTNL_FAMILY_IPMR: uapi.RTNLGRP_IPV4_MROUTE,
        uapi.RTNL_FAMILY_IP6MR: uapi.RTNLGRP_IPV6_MROUTE,
    },
    uapi.RTM_NEWRULE: {
        uapi.AF_INET: uapi.RTNLGRP_IPV4_RULE,
        uapi.AF_INET6: uapi.RTNLGRP_IPV6_RULE,
        uapi.RTNL_FAMILY_IPMR: uapi.RTNLGRP_IPV4_RULE,
        uapi.RTNL_FAMILY_IP6MR: uapi.RTNLGRP_IPV6_RULE,
    },
    uapi.RTM_NEWNETCONF: {
        uapi.AF_INET: uapi.RTNLGRP_IPV4_NETCONF,
        uapi.AF_INET6: uapi.RTNLGRP_IPV6_NETCONF,
        uapi.AF_MPLS: uapi.RTNLGRP_MPLS_NETCONF,
    },
    uapi.RTM_NEWCACHEREPORT: {
        uapi.RTNL_FAMILY_IPMR: uapi.RTNLGRP_IPV4_MROUTE_R,
        uapi.RTNL_FAMILY_IP6MR: uapi.RTNLGRP_IPV6_MROUTE_R,
    },
}
_CONNTRACK = uapi.NFNL_SUBSYS_CTNETLINK << 8 | uapi.IPCTNL_MSG_CT_NEW
_EXPECT = uapi.NFNL_SUBSYS_CTNETLINK_EXP << 8 | uapi.IPCTNL_MSG_EXP_NEW
# linux/netfilter/nfnetlink_compat.h: a flow or expectation is new when it was created.
_NETFILTER = {
    uapi.NFNL_SUBSYS_CTNETLINK << 8 | uapi.IPCTNL_MSG_CT_DELETE: uapi.NFNLGRP_CONNTRACK_DESTROY,
    uapi.NFNL_SUBSYS_CTNETLINK_EXP << 8 | uapi.IPCTNL_MSG_EXP_DELETE: uapi.NFNLGRP_CONNTRACK_EXP_DESTROY,
    uapi.NFNL_SUBSYS_ACCT << 8 | uapi.NFNL_MSG_ACCT_OVERQUOTA: uapi.NFNLGRP_ACCT_QUOTA,
    uapi.NFNL_SUBSYS_NFTABLES << 8 | uapi.NFT_MSG_TRACE: uapi.NFNLGRP_NFTRACE,
}
_CREATED = uapi.NLM_F_CREATE | uapi.NLM_F_EXCL
_XFRM = {
    uapi.XFRM_MSG_ACQUIRE: uapi.XFRMNLGRP_ACQUIRE,
    **dict.fromkeys((uapi.XFRM_MSG_EXPIRE, uapi.XFRM_MSG_POLEXPIRE), uapi.XFRMNLGRP_EXPIRE),
    **dict.fromkeys(
        (uapi.XFRM_MSG_NEWSA, uapi.XFRM_MSG_DELSA, uapi.XFRM_MSG_UPDSA, uapi.XFRM_MSG_FLUSHSA), uapi.XFRMNLGRP_SA
    ),
    **dict.fromkeys(
        (
            uapi.XFRM_MSG_NEWPOLICY,
            uapi.XFRM_MSG_DELPOLICY,
            uapi.XFRM_MSG_UPDPOLICY,
            uapi.XFRM_MSG_FLUSHPOLICY,
            uapi.XFRM_MSG_GETDEFAULT,
        ),
        uapi.XFRMNLGRP_POLICY,
    ),
    uapi.XFRM_MSG_NEWAE: uapi.XFRMNLGRP_AEVENTS,
    uapi.XFRM_MSG_REPORT: uapi.XFRMNLGRP_REPORT,
    uapi.XFRM_MSG_MIGRATE: uapi.XFRMNLGRP_MIGRATE,
    uapi.XFRM_MSG_MAPPING: uapi.XFRMNLGRP_MAPPING,
}
_SOCK_DIAG = {
    # TCP and UDP of a family; which of the two is in an attribute.
    uapi.AF_INET: frozenset({uapi.SKNLGRP_INET_TCP_DESTROY, uapi.SKNLGRP_INET_UDP_DESTROY}),
    uapi.AF_INET6: frozenset({uapi.SKNLGRP_INET6_TCP_DESTROY, uapi.SKNLGRP_INET6_UDP_DESTROY}),
}


def carried_by(datagram: Datagram, kernel: RecordedKernel) -> frozenset[int] | None:
    """The groups that a notification may have come in; empty: none, None: nobody needs a group for it, or the bytes do
    not say. ``kernel`` knows the groups of generic families."""
    data = datagram.data
    if len(data) < uapi.NLMSG_HDRLEN + 1:
        return None
    _, kind, flags, _, _ = kernel.header.unpack_from(data)
    if kind < uapi.NLMSG_MIN_TYPE:
        return None  # control messages are read by every socket
    groups = kernel.generic_groups.get(kind) if datagram.protocol == uapi.NETLINK_GENERIC else None
    groups = groups or groups_of(datagram.protocol, kind, flags, data[uapi.NLMSG_HDRLEN])
    if datagram.protocol == uapi.NETLINK_SOCK_DIAG and groups:
        # Of the groups of destroyed sockets (linux/sock_diag.h), TCP's or UDP's.
        start = uapi.NLMSG_HDRLEN + uapi.INET_DIAG_MSG
        value = attribute(data, start, len(data), kernel.byteorder, uapi.INET_DIAG_PROTOCOL)
        one = {uapi.IPPROTO_TCP: min, uapi.IPPROTO_UDP: max}.get(value[0] if value else 0)
        groups = groups if one is None else frozenset({one(groups)})
    return groups


@functools.lru_cache(4096)
def groups_of(protocol: int, msg_type: int, flags: int, family: int) -> frozenset[int] | None:
    """Groups (from 1) of which any one receives a notification: ``family`` is the first byte behind the header.

    Empty for a message that no group carries, such as one to a single port; None where the bytes do not say, as
    for generic netlink, whose groups are the kernel's to number.
    """
    found: int | None
    if protocol == uapi.NETLINK_ROUTE:
        found = _route_group(msg_type, family)
    elif protocol == uapi.NETLINK_NETFILTER:
        found = _netfilter_group(msg_type, flags)
    elif protocol == uapi.NETLINK_XFRM:
        found = _XFRM.get(msg_type)
    elif protocol == uapi.NETLINK_SOCK_DIAG:
        return _SOCK_DIAG.get(family, frozenset())
    elif protocol == uapi.NETLINK_AUDIT:
        found = uapi.AUDIT_NLGRP_READLOG
    else:
        return None
    return frozenset() if found is None else frozenset({found})


def by_family(msg_type: int) -> bool:
    """Whether messages of a type of NETLINK_ROUTE are carried by one group or another, as their family says."""
    return msg_type & ~uapi.RTNL_KIND_MASK in _BY_FAMILY


def _route_group(msg_type: int, family: int) -> int | None:
    first = msg_type & ~uapi.RTNL_KIND_MASK
    found = _BY_FAMILY.get(first)
    return _ANY_FAMILY.get(first) if found is None else found.get(family)


def _netfilter_group(msg_type: int, flags: int) -> int | None:
    created = flags & _CREATED == _CREATED
    if msg_type == _CONNTRACK:
        return uapi.NFNLGRP_CONNTRACK_NEW if created else uapi.NFNLGRP_CONNTRACK_UPDATE
    if msg_type == _EXPECT:
        return uapi.NFNLGRP_CONNTRACK_EXP_NEW if created else uapi.NFNLGRP_CONNTRACK_EXP_UPDATE
    if msg_type >> 8 == uapi.NFNL_SUBSYS_NFTABLES:
        return _NETFILTER.get(msg_type, uapi.NFNLGRP_NFTABLES)
    return _NETFILTER.get(msg_type)
