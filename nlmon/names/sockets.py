"""NETLINK_SOCK_DIAG: message types, states, protocols, timers.

Not here: what a message holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["MESSAGES", "TABLES"]

# linux/sock_diag.h, linux/inet_diag.h
MESSAGES: Mapping[int, str] = MappingProxyType(
    {18: "TCPDIAG_GETSOCK", 19: "DCCPDIAG_GETSOCK", 20: "SOCK_DIAG_BY_FAMILY", 21: "SOCK_DESTROY"}
)
# net/tcp_states.h, as netinet/tcp.h has it
_STATES = """
    ESTABLISHED SYN_SENT SYN_RECV FIN_WAIT1 FIN_WAIT2 TIME_WAIT CLOSE CLOSE_WAIT LAST_ACK LISTEN CLOSING NEW_SYN_RECV
    BOUND_INACTIVE
"""

TABLES: Mapping[str, Mapping[int, str]] = MappingProxyType(
    {
        "socket_state": dict(enumerate(_STATES.split(), 1)),
        # linux/in.h, linux/in6.h
        "ip_protocol": {
            0: "IP",
            1: "ICMP",
            2: "IGMP",
            4: "IPIP",
            6: "TCP",
            17: "UDP",
            33: "DCCP",
            41: "IPV6",
            47: "GRE",
            50: "ESP",
            51: "AH",
            58: "ICMPV6",
            108: "COMP",
            132: "SCTP",
            136: "UDPLITE",
            255: "RAW",
            262: "MPTCP",
        },
        # linux/net.h
        "socket_type": {1: "STREAM", 2: "DGRAM", 3: "RAW", 5: "SEQPACKET"},
        # net/ipv4/tcp_diag.c and net/ipv4/inet_diag.c, idiag_timer
        "diag_timer": {0: "OFF", 1: "ON", 2: "KEEPALIVE", 3: "TIMEWAIT", 4: "PERSIST"},
    }
)
