"""NETLINK_NETFILTER: subsystems, message types, and the numbers of connection tracking.

A message type is the subsystem in its upper and the message in its lower byte (linux/netfilter/nfnetlink.h).

Not here: what a message holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["MESSAGES", "SUBSYSTEMS", "TABLES"]

# linux/netfilter/nfnetlink.h, NFNL_SUBSYS_*
_SUBSYSTEMS = """
    NONE CTNETLINK CTNETLINK_EXP QUEUE ULOG OSF IPSET ACCT CTNETLINK_TIMEOUT CTHELPER NFTABLES NFT_COMPAT HOOK
"""
SUBSYSTEMS: Mapping[int, str] = MappingProxyType(dict(enumerate(_SUBSYSTEMS.split())))
_CONNTRACK = "NEW GET DELETE GET_CTRZERO GET_STATS_CPU GET_STATS GET_DYING GET_UNCONFIRMED"
# linux/netfilter/nf_tables.h, enum nf_tables_msg_types
_NFTABLES = """
    NEWTABLE GETTABLE DELTABLE NEWCHAIN GETCHAIN DELCHAIN NEWRULE GETRULE DELRULE NEWSET GETSET DELSET NEWSETELEM
    GETSETELEM DELSETELEM NEWGEN GETGEN TRACE NEWOBJ GETOBJ DELOBJ GETOBJ_RESET NEWFLOWTABLE GETFLOWTABLE
    DELFLOWTABLE GETRULE_RESET DESTROYTABLE DESTROYCHAIN DESTROYRULE DESTROYSET DESTROYSETELEM DESTROYOBJ
    DESTROYFLOWTABLE GETSETELEM_RESET
"""


def _messages(subsystem: int, prefix: str, names: str) -> dict[int, str]:
    return {subsystem << 8 | number: f"{prefix}_{name}" for number, name in enumerate(names.split())}


MESSAGES: Mapping[int, str] = MappingProxyType(
    {
        0x10: "NFNL_MSG_BATCH_BEGIN",
        0x11: "NFNL_MSG_BATCH_END",
        **_messages(1, "IPCTNL_MSG_CT", _CONNTRACK),
        **_messages(2, "IPCTNL_MSG_EXP", "NEW GET DELETE GET_STATS_CPU"),
        **_messages(3, "NFQNL_MSG", "PACKET VERDICT CONFIG VERDICT_BATCH"),
        **_messages(4, "NFULNL_MSG", "PACKET CONFIG"),
        **_messages(7, "NFNL_MSG_ACCT", "NEW GET GET_CTRZERO DEL OVERQUOTA"),
        **_messages(10, "NFT_MSG", _NFTABLES),
    }
)
_STATUS = """
    EXPECTED SEEN_REPLY ASSURED CONFIRMED SRC_NAT DST_NAT SEQ_ADJUST SRC_NAT_DONE DST_NAT_DONE DYING FIXED_TIMEOUT
    TEMPLATE UNTRACKED HELPER OFFLOAD HW_OFFLOAD
"""
# linux/netfilter/nf_conntrack_tcp.h
_TCP = "NONE SYN_SENT SYN_RECV ESTABLISHED FIN_WAIT CLOSE_WAIT LAST_ACK TIME_WAIT CLOSE SYN_SENT2"

TABLES: Mapping[str, Mapping[int, str]] = MappingProxyType(
    {
        "conntrack_tcp_state": dict(enumerate(_TCP.split())),
        # linux/netfilter/nf_conntrack_common.h, enum ip_conntrack_status
        "conntrack_status": {1 << bit: name for bit, name in enumerate(_STATUS.split())},
    }
)
