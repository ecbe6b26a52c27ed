"""What the kernel answers: the type that answers a request, and what a dump was asked for.

Rules:
1. A type is that of include/uapi/linux; what a header does not say is cited from the kernel's source.
2. Nothing is remembered: a request is judged by its own bytes.

Not here: which message answers which request of a recording (``conversation``).
"""

from __future__ import annotations

from nlmon import uapi
from nlmon.capture.segment import DumpScope
from nlmon.framing import align, walk_attributes
from nlmon.uapi import NETLINK_NETFILTER, NETLINK_ROUTE, NETLINK_XFRM, NLA_HDRLEN, RTNL_KIND_GET, RTNL_KIND_MASK

__all__ = ["ANSWERED_COMMANDS", "HARMLESS_FILTERS", "answer_type", "dump_scope"]

# Filters that do not narrow a dump: IFLA_EXT_MASK only chooses which attributes a link message carries.
HARMLESS_FILTERS = {uapi.IFLA_EXT_MASK}
# Commands that are answered, of families that announce the effect of all others with sequence number and port of the
# request: net/openvswitch/datapath.c (ovs_notify), net/l2tp/l2tp_netlink.c (l2tp_tunnel_notify, l2tp_session_notify).
ANSWERED_COMMANDS = {
    b"ovs_datapath": frozenset({uapi.OVS_DP_CMD_GET}),
    b"ovs_vport": frozenset({uapi.OVS_VPORT_CMD_GET}),
    b"ovs_flow": frozenset({uapi.OVS_FLOW_CMD_GET}),
    b"l2tp": frozenset({uapi.L2TP_CMD_NOOP, uapi.L2TP_CMD_TUNNEL_GET, uapi.L2TP_CMD_SESSION_GET}),
}
# Messages of each subsystem; requests for statistics are answered in their own type.
_NETFILTER = {
    uapi.NFNL_SUBSYS_CTNETLINK: {
        uapi.IPCTNL_MSG_CT_GET: uapi.IPCTNL_MSG_CT_NEW,
        uapi.IPCTNL_MSG_CT_GET_CTRZERO: uapi.IPCTNL_MSG_CT_NEW,
        uapi.IPCTNL_MSG_CT_GET_STATS_CPU: uapi.IPCTNL_MSG_CT_GET_STATS_CPU,
        uapi.IPCTNL_MSG_CT_GET_STATS: uapi.IPCTNL_MSG_CT_GET_STATS,
        uapi.IPCTNL_MSG_CT_GET_DYING: uapi.IPCTNL_MSG_CT_NEW,
        uapi.IPCTNL_MSG_CT_GET_UNCONFIRMED: uapi.IPCTNL_MSG_CT_NEW,
    },
    uapi.NFNL_SUBSYS_CTNETLINK_EXP: {
        uapi.IPCTNL_MSG_EXP_GET: uapi.IPCTNL_MSG_EXP_NEW,
        uapi.IPCTNL_MSG_EXP_GET_STATS_CPU: uapi.IPCTNL_MSG_EXP_GET_STATS_CPU,
    },
    uapi.NFNL_SUBSYS_ACCT: {
        uapi.NFNL_MSG_ACCT_GET: uapi.NFNL_MSG_ACCT_NEW,
        uapi.NFNL_MSG_ACCT_GET_CTRZERO: uapi.NFNL_MSG_ACCT_NEW,
    },
    uapi.NFNL_SUBSYS_NFTABLES: {
        uapi.NFT_MSG_GETTABLE: uapi.NFT_MSG_NEWTABLE,
        uapi.NFT_MSG_GETCHAIN: uapi.NFT_MSG_NEWCHAIN,
        uapi.NFT_MSG_GETRULE: uapi.NFT_MSG_NEWRULE,
        uapi.NFT_MSG_GETSET: uapi.NFT_MSG_NEWSET,
        uapi.NFT_MSG_GETSETELEM: uapi.NFT_MSG_NEWSETELEM,
        uapi.NFT_MSG_GETGEN: uapi.NFT_MSG_NEWGEN,
        uapi.NFT_MSG_GETOBJ: uapi.NFT_MSG_NEWOBJ,
        uapi.NFT_MSG_GETOBJ_RESET: uapi.NFT_MSG_NEWOBJ,
        uapi.NFT_MSG_GETFLOWTABLE: uapi.NFT_MSG_NEWFLOWTABLE,
        uapi.NFT_MSG_GETRULE_RESET: uapi.NFT_MSG_NEWRULE,
        uapi.NFT_MSG_GETSETELEM_RESET: uapi.NFT_MSG_NEWSETELEM,
    },
}
_XFRM = {
    uapi.XFRM_MSG_GETSA: uapi.XFRM_MSG_NEWSA,
    uapi.XFRM_MSG_GETPOLICY: uapi.XFRM_MSG_NEWPOLICY,
    uapi.XFRM_MSG_ALLOCSPI: uapi.XFRM_MSG_NEWSA,
    uapi.XFRM_MSG_GETAE: uapi.XFRM_MSG_NEWAE,
    uapi.XFRM_MSG_GETSADINFO: uapi.XFRM_MSG_NEWSADINFO,
    uapi.XFRM_MSG_GETSPDINFO: uapi.XFRM_MSG_NEWSPDINFO,
    uapi.XFRM_MSG_GETDEFAULT: uapi.XFRM_MSG_GETDEFAULT,
}
# Sizes of the fixed headers of dump requests of NETLINK_ROUTE; every other one is struct rtmsg's.
_HEADERS = {uapi.RTM_GETLINK: uapi.IFINFOMSG, uapi.RTM_GETADDR: uapi.IFADDRMSG}


def answer_type(protocol: int, get_type: int) -> int | None:
    """Type of the message that answers a request of ``get_type``; None for a request that asks for nothing."""
    if protocol == NETLINK_ROUTE:
        return get_type - RTNL_KIND_GET if get_type & RTNL_KIND_MASK == RTNL_KIND_GET else None
    if protocol == NETLINK_NETFILTER:
        subsystem, message = get_type & 0xFF00, get_type & 0xFF
        answer = _NETFILTER.get(subsystem >> 8, {}).get(message)
        return None if answer is None else subsystem | answer
    if protocol == NETLINK_XFRM:
        return _XFRM.get(get_type)
    return get_type  # generic families and socket diagnosis answer in their own type


def dump_scope(protocol: int, get_type: int, body: bytes, byteorder: str) -> DumpScope:
    """What a dump request asks for, by its type and what stands behind its nlmsghdr."""
    # FDB dumps may come with the header of links (linux/if_bridge.h), which is all zero beyond the family then.
    size = _HEADERS.get(get_type, uapi.RTMSG)
    whole = protocol == NETLINK_ROUTE and not any(body[1:size]) and _harmless(body, size, byteorder)
    return DumpScope(protocol=protocol, get_type=get_type, family=body[0] if body else 0, whole=whole)


def _harmless(body: bytes, at: int, byteorder: str) -> bool:
    """Whether no attribute of a request narrows a dump; what is no attribute may be padding with zeros."""
    filters = walk_attributes(body, at, len(body), byteorder, clip=True)
    rest = body[align(filters[-1][2]) if filters else at :]
    return HARMLESS_FILTERS.issuperset(number for number, _, _ in filters) and not (
        len(rest) >= NLA_HDRLEN and any(rest)
    )
