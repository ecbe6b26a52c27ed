"""The kernel's numbers under the kernel's names, by the header that they stand in.

Rules of this file:
1. Plain integers: they are compared for every message, where the members of an ``IntEnum`` cost several times as much.
2. A name is that of the header, and so a constant is found by it. The size of a structure has the structure's name in
   capitals, as ``IFINFOMSG``.
3. What is used in one more place is added here. The implementations do not use this: each has its numbers from a
   source of its own.

Not here: names of numbers for people (``nlmon.names``), numbers of file formats (``nlmon.capture``).
"""

from __future__ import annotations

from typing import Final

# linux/netlink.h: protocols
NETLINK_ROUTE: Final = 0
NETLINK_SOCK_DIAG: Final = 4
NETLINK_XFRM: Final = 6
NETLINK_AUDIT: Final = 9
NETLINK_NETFILTER: Final = 12
NETLINK_KOBJECT_UEVENT: Final = 15
NETLINK_GENERIC: Final = 16

# linux/netlink.h: struct nlmsghdr and struct nlattr
NLMSG_HDRLEN: Final = 16
NLA_HDRLEN: Final = 4
NLA_TYPE_MASK: Final = 0x3FFF
NLA_F_NESTED: Final = 0x8000

# linux/netlink.h: protocols have numbers below this one
MAX_LINKS: Final = 32

# linux/netlink.h: message types of every protocol
NLMSG_NOOP: Final = 1
NLMSG_ERROR: Final = 2
NLMSG_DONE: Final = 3
NLMSG_OVERRUN: Final = 4
NLMSG_MIN_TYPE: Final = 16

# linux/netlink.h: flags; those from 0x100 depend on the kind of the message
NLM_F_REQUEST: Final = 0x1
NLM_F_MULTI: Final = 0x2
NLM_F_ACK: Final = 0x4
NLM_F_ECHO: Final = 0x8
NLM_F_DUMP_INTR: Final = 0x10
NLM_F_DUMP: Final = 0x300
NLM_F_REPLACE: Final = 0x100
NLM_F_EXCL: Final = 0x200
NLM_F_CREATE: Final = 0x400
NLM_F_APPEND: Final = 0x800

# linux/netlink.h, linux/socket.h: options of a socket
SOL_NETLINK: Final = 270
NETLINK_ADD_MEMBERSHIP: Final = 1
NETLINK_DROP_MEMBERSHIP: Final = 2
NETLINK_LISTEN_ALL_NSID: Final = 8
NETLINK_EXT_ACK: Final = 11
NETLINK_GET_STRICT_CHK: Final = 12
MSG_TRUNC: Final = 0x20
MSG_DONTWAIT: Final = 0x40

# asm-generic/socket.h
SO_SNDBUFFORCE: Final = 32
SO_RCVBUFFORCE: Final = 33
SO_MEMINFO: Final = 55
SO_NETNS_COOKIE: Final = 71

# linux/sock_diag.h
SOCK_DIAG_BY_FAMILY: Final = 20
SK_MEMINFO_DROPS: Final = 8
SK_MEMINFO_VARS: Final = 9
SKNLGRP_INET_TCP_DESTROY, SKNLGRP_INET_UDP_DESTROY, SKNLGRP_INET6_TCP_DESTROY, SKNLGRP_INET6_UDP_DESTROY = 1, 2, 3, 4

# linux/sockios.h
SIOCGIFNAME: Final = 0x8910

# linux/genetlink.h
GENL_HDRLEN: Final = 4
GENL_ID_CTRL: Final = 16
CTRL_CMD_NEWFAMILY: Final = 1
CTRL_CMD_DELFAMILY: Final = 2
CTRL_CMD_GETFAMILY: Final = 3
CTRL_CMD_NEWMCAST_GRP: Final = 7
CTRL_CMD_DELMCAST_GRP: Final = 8
CTRL_ATTR_FAMILY_ID, CTRL_ATTR_FAMILY_NAME, CTRL_ATTR_HDRSIZE, CTRL_ATTR_MCAST_GROUPS = 1, 2, 4, 7
CTRL_ATTR_MCAST_GRP_NAME, CTRL_ATTR_MCAST_GRP_ID = 1, 2

# linux/socket.h, linux/rtnetlink.h: address families
AF_UNSPEC: Final = 0
AF_UNIX: Final = 1
AF_INET: Final = 2
AF_BRIDGE: Final = 7
AF_INET6: Final = 10
AF_NETLINK: Final = 16
AF_PACKET: Final = 17
AF_MPLS: Final = 28
AF_XDP: Final = 44
RTNL_FAMILY_IPMR: Final = 128
RTNL_FAMILY_IP6MR: Final = 129

# linux/in.h
IPPROTO_TCP: Final = 6
IPPROTO_UDP: Final = 17

# include/net/rtnetlink.h of the kernel: message types of one object are NEW, DEL, GET and SET, in this order
RTNL_KIND_MASK: Final = 3
RTNL_KIND_NEW: Final = 0
RTNL_KIND_DEL: Final = 1
RTNL_KIND_GET: Final = 2

# linux/rtnetlink.h: message types
RTM_NEWLINK: Final = 16
RTM_DELLINK: Final = 17
RTM_GETLINK: Final = 18
RTM_NEWADDR: Final = 20
RTM_DELADDR: Final = 21
RTM_GETADDR: Final = 22
RTM_NEWROUTE: Final = 24
RTM_DELROUTE: Final = 25
RTM_GETROUTE: Final = 26
RTM_NEWNEIGH: Final = 28
RTM_DELNEIGH: Final = 29
RTM_GETNEIGH: Final = 30
RTM_NEWRULE: Final = 32
RTM_DELRULE: Final = 33
RTM_GETRULE: Final = 34
RTM_NEWQDISC: Final = 36
RTM_DELQDISC: Final = 37
RTM_NEWTCLASS: Final = 40
RTM_DELTCLASS: Final = 41
RTM_NEWTFILTER: Final = 44
RTM_DELTFILTER: Final = 45
RTM_NEWACTION: Final = 48
RTM_DELACTION: Final = 49
RTM_NEWPREFIX: Final = 52
RTM_NEWNEIGHTBL: Final = 64
RTM_NEWNDUSEROPT: Final = 68
RTM_NEWADDRLABEL: Final = 72
RTM_GETDCB: Final = 78
RTM_NEWNETCONF: Final = 80
RTM_NEWMDB: Final = 84
RTM_NEWNSID: Final = 88
RTM_NEWSTATS: Final = 92
RTM_NEWCACHEREPORT: Final = 96
RTM_NEWCHAIN: Final = 100
RTM_DELCHAIN: Final = 101
RTM_NEWNEXTHOP: Final = 104
RTM_DELNEXTHOP: Final = 105
RTM_NEWLINKPROP: Final = 108
RTM_NEWVLAN: Final = 112
RTM_NEWNEXTHOPBUCKET: Final = 116
RTM_DELNEXTHOPBUCKET: Final = 117
RTM_NEWTUNNEL: Final = 120

# linux/rtnetlink.h: groups
RTNLGRP_LINK: Final = 1
RTNLGRP_NEIGH: Final = 3
RTNLGRP_TC: Final = 4
RTNLGRP_IPV4_IFADDR: Final = 5
RTNLGRP_IPV4_MROUTE: Final = 6
RTNLGRP_IPV4_ROUTE: Final = 7
RTNLGRP_IPV4_RULE: Final = 8
RTNLGRP_IPV6_IFADDR: Final = 9
RTNLGRP_IPV6_MROUTE: Final = 10
RTNLGRP_IPV6_ROUTE: Final = 11
RTNLGRP_IPV6_IFINFO: Final = 12
RTNLGRP_IPV6_PREFIX: Final = 18
RTNLGRP_IPV6_RULE: Final = 19
RTNLGRP_ND_USEROPT: Final = 20
RTNLGRP_DCB: Final = 23
RTNLGRP_IPV4_NETCONF: Final = 24
RTNLGRP_IPV6_NETCONF: Final = 25
RTNLGRP_MDB: Final = 26
RTNLGRP_MPLS_ROUTE: Final = 27
RTNLGRP_NSID: Final = 28
RTNLGRP_MPLS_NETCONF: Final = 29
RTNLGRP_IPV4_MROUTE_R: Final = 30
RTNLGRP_IPV6_MROUTE_R: Final = 31
RTNLGRP_NEXTHOP: Final = 32
RTNLGRP_BRVLAN: Final = 33
RTNLGRP_TUNNEL: Final = 35
RTNLGRP_STATS: Final = 36

# linux/rtnetlink.h, linux/if_addr.h, linux/neighbour.h, linux/fib_rules.h, linux/if_link.h, linux/if_bridge.h,
# linux/netconf.h: sizes of the structures of these names, with the padding behind them
IFINFOMSG: Final = 16
IFADDRMSG: Final = 8
RTMSG: Final = 12
NDMSG: Final = 12
FIB_RULE_HDR: Final = 12
RTNEXTHOP: Final = 8
RTGENMSG: Final = 4
TCMSG: Final = 20
PREFIXMSG: Final = 12
NETCONFMSG: Final = 4
BR_PORT_MSG: Final = 8
IF_STATS_MSG: Final = 12

# linux/rtnetlink.h: routes
RTM_F_CLONED: Final = 0x200
RT_TABLE_MAIN: Final = 254
RTPROT_KERNEL: Final = 2
RTPROT_BOOT: Final = 3
RTPROT_RA: Final = 9
RTNH_F_ONLINK: Final = 4
RTN_UNICAST: Final = 1
RT_SCOPE_UNIVERSE: Final = 0
RT_SCOPE_HOST: Final = 254
RTA_DST, RTA_SRC, RTA_OIF, RTA_GATEWAY, RTA_PRIORITY, RTA_PREFSRC, RTA_METRICS, RTA_MULTIPATH = 1, 2, 4, 5, 6, 7, 8, 9
RTA_TABLE, RTA_VIA, RTA_ENCAP_TYPE, RTA_ENCAP, RTA_NH_ID = 15, 18, 21, 22, 30

# linux/nexthop.h
NHMSG: Final = 8
NHA_ID, NHA_GROUP, NHA_OIF, NHA_GATEWAY = 1, 2, 5, 6
NEXTHOP_GRP: Final = 8
RTAX_CC_ALGO: Final = 16

# linux/if.h
IFF_UP: Final = 0x1
IFF_POINTOPOINT: Final = 0x10
IFF_RUNNING: Final = 0x40
IFF_LOWER_UP: Final = 0x10000

# linux/if_link.h
IFLA_VF_INFO, IFLA_IFNAME, IFLA_MTU, IFLA_OPERSTATE, IFLA_VFINFO_LIST, IFLA_EXT_MASK = 1, 3, 4, 16, 22, 29
IFLA_TARGET_NETNSID, IFLA_ALT_IFNAME = 46, 53

# linux/if_addr.h
IFA_ADDRESS: Final = 1
IFA_LOCAL: Final = 2
IFA_TARGET_NETNSID: Final = 10
IFA_F_SECONDARY: Final = 0x01
IFA_F_PERMANENT: Final = 0x80

# linux/neighbour.h
NTF_SELF: Final = 0x02
NTF_PROXY: Final = 0x08
NDA_DST, NDA_LLADDR, NDA_VLAN, NDA_PORT, NDA_VNI, NDA_MASTER, NDA_SRC_VNI = 1, 2, 5, 6, 7, 9, 11

# linux/fib_rules.h
FIB_RULE_INVERT, FIB_RULE_UNRESOLVED, FIB_RULE_IIF_DETACHED, FIB_RULE_OIF_DETACHED = 0x2, 0x4, 0x8, 0x10
FRA_DST, FRA_SRC, FRA_IIFNAME, FRA_GOTO, FRA_PRIORITY, FRA_FWMARK, FRA_FLOW, FRA_TUN_ID = 1, 2, 3, 4, 6, 10, 11, 12
FRA_SUPPRESS_IFGROUP, FRA_SUPPRESS_PREFIXLEN, FRA_TABLE, FRA_FWMASK, FRA_OIFNAME, FRA_L3MDEV = 13, 14, 15, 16, 17, 19
FRA_UID_RANGE, FRA_PROTOCOL, FRA_IP_PROTO, FRA_SPORT_RANGE, FRA_DPORT_RANGE, FRA_DSCP = 20, 21, 22, 23, 24, 25
FRA_FLOWLABEL, FRA_FLOWLABEL_MASK, FRA_SPORT_MASK, FRA_DPORT_MASK, FRA_DSCP_MASK = 26, 27, 28, 29, 30
FR_ACT_TO_TBL, FR_ACT_GOTO, FR_ACT_NOP = 1, 2, 3

# linux/inet_diag.h: a size, an attribute, a bit of the extensions of a request
INET_DIAG_MSG: Final = 72
INET_DIAG_PROTOCOL: Final = 10
INET_DIAG_CONG: Final = 4

# linux/unix_diag.h: a size, what a request asks for
UNIX_DIAG_MSG: Final = 16
UDIAG_SHOW_NAME, UDIAG_SHOW_PEER, UDIAG_SHOW_RQLEN, UDIAG_SHOW_UID = 0x1, 0x4, 0x10, 0x40

# linux/xfrm.h: sizes of the structures of these names on 64-bit kernels
XFRM_USERSA_INFO: Final = 224
XFRM_USERSA_ID: Final = 24
XFRM_USERPOLICY_INFO: Final = 168
XFRM_USERPOLICY_ID: Final = 64
XFRM_USER_ACQUIRE: Final = 280
XFRM_USER_EXPIRE: Final = 232
XFRM_USER_POLEXPIRE: Final = 176
XFRM_USERSA_FLUSH: Final = 1
XFRM_AEVENT_ID: Final = 48

# linux/xfrm.h: attributes, message types and groups
XFRMA_SA: Final = 6
XFRMA_POLICY: Final = 7
XFRMA_LTIME_VAL: Final = 9
XFRM_MSG_NEWSA: Final = 16
XFRM_MSG_DELSA: Final = 17
XFRM_MSG_GETSA: Final = 18
XFRM_MSG_NEWPOLICY: Final = 19
XFRM_MSG_DELPOLICY: Final = 20
XFRM_MSG_GETPOLICY: Final = 21
XFRM_MSG_ALLOCSPI: Final = 22
XFRM_MSG_ACQUIRE: Final = 23
XFRM_MSG_EXPIRE: Final = 24
XFRM_MSG_UPDPOLICY: Final = 25
XFRM_MSG_UPDSA: Final = 26
XFRM_MSG_POLEXPIRE: Final = 27
XFRM_MSG_FLUSHSA: Final = 28
XFRM_MSG_FLUSHPOLICY: Final = 29
XFRM_MSG_NEWAE: Final = 30
XFRM_MSG_GETAE: Final = 31
XFRM_MSG_REPORT: Final = 32
XFRM_MSG_MIGRATE: Final = 33
XFRM_MSG_NEWSADINFO: Final = 34
XFRM_MSG_GETSADINFO: Final = 35
XFRM_MSG_NEWSPDINFO: Final = 36
XFRM_MSG_GETSPDINFO: Final = 37
XFRM_MSG_MAPPING: Final = 38
XFRM_MSG_GETDEFAULT: Final = 40
XFRMNLGRP_ACQUIRE: Final = 1
XFRMNLGRP_EXPIRE: Final = 2
XFRMNLGRP_SA: Final = 3
XFRMNLGRP_POLICY: Final = 4
XFRMNLGRP_AEVENTS: Final = 5
XFRMNLGRP_REPORT: Final = 6
XFRMNLGRP_MIGRATE: Final = 7
XFRMNLGRP_MAPPING: Final = 8

# linux/netfilter/nfnetlink.h: size of the header, subsystems, which are the upper byte of a message type, and groups
NFGENMSG: Final = 4
NFNL_SUBSYS_CTNETLINK: Final = 1
NFNL_SUBSYS_CTNETLINK_EXP: Final = 2
NFNL_SUBSYS_ACCT: Final = 7
NFNL_SUBSYS_NFTABLES: Final = 10
NFNLGRP_CONNTRACK_NEW: Final = 1
NFNLGRP_CONNTRACK_UPDATE: Final = 2
NFNLGRP_CONNTRACK_DESTROY: Final = 3
NFNLGRP_CONNTRACK_EXP_NEW: Final = 4
NFNLGRP_CONNTRACK_EXP_UPDATE: Final = 5
NFNLGRP_CONNTRACK_EXP_DESTROY: Final = 6
NFNLGRP_NFTABLES: Final = 7
NFNLGRP_ACCT_QUOTA: Final = 8
NFNLGRP_NFTRACE: Final = 9

# linux/netfilter/nfnetlink_conntrack.h, nfnetlink_acct.h, nf_tables.h: messages of these subsystems
IPCTNL_MSG_CT_NEW: Final = 0
IPCTNL_MSG_CT_GET: Final = 1
IPCTNL_MSG_CT_DELETE: Final = 2
IPCTNL_MSG_CT_GET_CTRZERO: Final = 3
IPCTNL_MSG_CT_GET_STATS_CPU: Final = 4
IPCTNL_MSG_CT_GET_STATS: Final = 5
IPCTNL_MSG_CT_GET_DYING: Final = 6
IPCTNL_MSG_CT_GET_UNCONFIRMED: Final = 7
IPCTNL_MSG_EXP_NEW: Final = 0
IPCTNL_MSG_EXP_GET: Final = 1
IPCTNL_MSG_EXP_DELETE: Final = 2
IPCTNL_MSG_EXP_GET_STATS_CPU: Final = 3
NFNL_MSG_ACCT_NEW: Final = 0
NFNL_MSG_ACCT_GET: Final = 1
NFNL_MSG_ACCT_GET_CTRZERO: Final = 2
NFNL_MSG_ACCT_OVERQUOTA: Final = 4
NFT_MSG_NEWTABLE, NFT_MSG_GETTABLE, NFT_MSG_NEWCHAIN, NFT_MSG_GETCHAIN, NFT_MSG_NEWRULE = 0, 1, 3, 4, 6
NFT_MSG_GETRULE, NFT_MSG_NEWSET, NFT_MSG_GETSET, NFT_MSG_NEWSETELEM, NFT_MSG_GETSETELEM = 7, 9, 10, 12, 13
NFT_MSG_NEWGEN, NFT_MSG_GETGEN, NFT_MSG_TRACE, NFT_MSG_NEWOBJ, NFT_MSG_GETOBJ = 15, 16, 17, 18, 19
NFT_MSG_GETOBJ_RESET, NFT_MSG_NEWFLOWTABLE, NFT_MSG_GETFLOWTABLE, NFT_MSG_GETRULE_RESET = 21, 22, 23, 25
NFT_MSG_GETSETELEM_RESET: Final = 33

# linux/openvswitch.h, linux/l2tp.h: commands of generic families
OVS_DP_CMD_GET: Final = 3
OVS_VPORT_CMD_GET: Final = 3
OVS_FLOW_CMD_GET: Final = 3
L2TP_CMD_NOOP: Final = 0
L2TP_CMD_TUNNEL_GET: Final = 4
L2TP_CMD_SESSION_GET: Final = 8

# linux/audit.h
AUDIT_NLGRP_READLOG: Final = 1

# linux/nl80211.h, and the vendor's identifier in its commands
NL80211_CMD_VENDOR: Final = 103
QCA_NL80211_VENDOR_ID: Final = 0x001374

# linux/sched.h: namespaces
CLONE_NEWNS: Final = 0x20000
CLONE_NEWCGROUP: Final = 0x2000000
CLONE_NEWUTS: Final = 0x4000000
CLONE_NEWIPC: Final = 0x8000000
CLONE_NEWUSER: Final = 0x10000000
CLONE_NEWPID: Final = 0x20000000
CLONE_NEWNET: Final = 0x40000000

# linux/capability.h (whose name of the version begins with an underscore)
CAP_SETPCAP: Final = 8
CAP_NET_BIND_SERVICE: Final = 10
CAP_NET_ADMIN: Final = 12
CAP_NET_RAW: Final = 13
CAP_AUDIT_READ: Final = 37
LINUX_CAPABILITY_VERSION_3: Final = 0x20080522

# linux/prctl.h
PR_SET_PDEATHSIG: Final = 1
PR_SET_KEEPCAPS: Final = 8
PR_CAPBSET_READ: Final = 23
PR_CAPBSET_DROP: Final = 24
PR_SET_NO_NEW_PRIVS: Final = 38
PR_CAP_AMBIENT: Final = 47
PR_CAP_AMBIENT_CLEAR_ALL: Final = 4

__all__ = [name for name in dir() if name.isupper()]
