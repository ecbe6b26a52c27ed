"""Numbers of the kernel's headers, as this implementation knows them.

Rules:
1. Each stands here once, by the name that its header gives it, but for attributes, whose numbers are pyroute2's
   (``policies``), and for what one protocol alone has, which stands with its decoder.
2. None is taken from ``nlmon.uapi`` or from the other implementation: a wrong number that both had in common, no
   comparison would show.

Not here: bounds of our own (each module).
"""

from __future__ import annotations

__all__ = ()

# linux/netlink.h: protocols, the headers of messages and attributes, control messages, flags
NETLINK_ROUTE, NETLINK_SOCK_DIAG, NETLINK_XFRM, NETLINK_AUDIT, NETLINK_NETFILTER, NETLINK_GENERIC = 0, 4, 6, 9, 12, 16
NLMSG_HDRLEN = 16
NLA_TYPE_MASK = 0x3FFF  # the two top bits say nested and byte order
LONGEST_ATTRIBUTE = 0xFFFF  # as nla_len has 16 bits
NLMSG_ERROR, NLMSG_DONE, NLMSG_OVERRUN, NLMSG_MIN_TYPE = 2, 3, 4, 16
NLM_F_REQUEST, NLM_F_DUMP_INTR, NLM_F_DUMP = 0x1, 0x10, 0x300
NLM_F_CREATE, NLM_F_APPEND = 0x400, 0x800
NLM_F_CAPPED, NLM_F_ACK_TLVS = 0x100, 0x200

# linux/socket.h, linux/rtnetlink.h: address families
AF_UNSPEC, AF_UNIX, AF_INET, AF_BRIDGE, AF_INET6, AF_MPLS = 0, 1, 2, 7, 10, 28
RTNL_FAMILY_IPMR, RTNL_FAMILY_IP6MR = 128, 129

# linux/rtnetlink.h: messages; those of one object follow each other: NEW, DEL, GET, SET
RTM_NEWLINK, RTM_GETLINK, RTM_SETLINK = 16, 18, 19
RTM_NEWADDR, RTM_GETADDR = 20, 22
RTM_NEWROUTE, RTM_GETROUTE = 24, 26
RTM_NEWNEIGH, RTM_GETNEIGH = 28, 30
RTM_NEWRULE, RTM_GETRULE = 32, 34
RTM_NEWQDISC, RTM_DELQDISC, RTM_NEWTCLASS, RTM_DELTCLASS, RTM_NEWTFILTER, RTM_DELTFILTER = 36, 37, 40, 41, 44, 45
RTM_NEWCHAIN, RTM_DELCHAIN = 100, 101
RTM_NEWPREFIX = 52
RTM_NEWNETCONF, RTM_DELNETCONF = 80, 81
RTM_NEWMDB, RTM_DELMDB, RTM_GETMDB = 84, 85, 86
RTM_NEWNSID, RTM_DELNSID = 88, 89
RTM_NEWSTATS = 92
RTM_NEWNEXTHOP, RTM_DELNEXTHOP = 104, 105

# linux/rtnetlink.h, linux/if_addr.h, linux/neighbour.h, linux/fib_rules.h and others: sizes of fixed headers
IFINFOMSG, IFADDRMSG, RTMSG, NDMSG, FIB_RULE_HDR = 16, 8, 12, 12, 12
TCMSG, PREFIXMSG, NETCONFMSG, BR_PORT_MSG, RTGENMSG, IF_STATS_MSG, NHMSG = 20, 12, 4, 8, 4, 12, 8
RTNEXTHOP = 8

# linux/sock_diag.h
SOCK_DIAG_BY_FAMILY = 20

# linux/xfrm.h: messages
XFRM_MSG_NEWSA, XFRM_MSG_DELSA, XFRM_MSG_NEWPOLICY, XFRM_MSG_DELPOLICY = 16, 17, 19, 20
XFRM_MSG_ACQUIRE, XFRM_MSG_EXPIRE, XFRM_MSG_UPDPOLICY, XFRM_MSG_UPDSA, XFRM_MSG_POLEXPIRE = 23, 24, 25, 26, 27
XFRM_MSG_FLUSHSA, XFRM_MSG_FLUSHPOLICY, XFRM_MSG_NEWAE = 28, 29, 30

# linux/netfilter/nfnetlink.h, linux/netfilter/nfnetlink_conntrack.h: messages of subsystems 1 and 2, and their header
CT_NEW, CT_DELETE, EXP_NEW, EXP_DELETE = 0x100, 0x102, 0x200, 0x202
NFGENMSG = 4

# linux/genetlink.h; nlctrl has the number of its family
GENL_ID_CTRL, GENL_HDRLEN, CTRL_CMD_GETFAMILY = 16, 4, 3
