"""The dumps with which a recording begins, so that a replay knows names and objects from the start.

Links, addresses, routes, neighbours (of bridges, too) and rules; families of NETLINK_GENERIC; TCP, UDP and unix
sockets; tracked connections; states and policies of IPsec. So a recording of a quiet host has something
to compare, too.

Not here: sending (``nlmon.cli.record``, ``nlmon.engine.live``). The bytes are written down here a second time, so that
a recording does not depend on an implementation under test.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Mapping
from typing import NamedTuple

from nlmon.framing import header, nlmsghdr
from nlmon.uapi import (
    AF_BRIDGE,
    AF_INET,
    AF_INET6,
    AF_UNIX,
    AF_UNSPEC,
    CTRL_CMD_GETFAMILY,
    FIB_RULE_HDR,
    GENL_ID_CTRL,
    IFADDRMSG,
    IFINFOMSG,
    INET_DIAG_CONG,
    IPCTNL_MSG_CT_GET,
    IPPROTO_TCP,
    IPPROTO_UDP,
    NDMSG,
    NETLINK_GENERIC,
    NETLINK_NETFILTER,
    NETLINK_ROUTE,
    NETLINK_SOCK_DIAG,
    NETLINK_XFRM,
    NFNL_SUBSYS_CTNETLINK,
    NLM_F_DUMP,
    NLM_F_REQUEST,
    NLMSG_ERROR,
    NLMSG_HDRLEN,
    RTM_GETADDR,
    RTM_GETLINK,
    RTM_GETNEIGH,
    RTM_GETROUTE,
    RTM_GETRULE,
    RTMSG,
    SOCK_DIAG_BY_FAMILY,
    UDIAG_SHOW_NAME,
    UDIAG_SHOW_PEER,
    UDIAG_SHOW_RQLEN,
    UDIAG_SHOW_UID,
    XFRM_MSG_GETPOLICY,
    XFRM_MSG_GETSA,
)

__all__ = ["DUMPS", "Dump", "refusal"]

EVERY_STATE = 0xFFFFFFFF
# The name of the congestion control, which is sent only when asked for: extension n is the bit n - 1.
EXTENSIONS = 1 << INET_DIAG_CONG - 1
SHOW = UDIAG_SHOW_NAME | UDIAG_SHOW_PEER | UDIAG_SHOW_RQLEN | UDIAG_SHOW_UID


class Dump(NamedTuple):
    """One question: message type, body, and what it asks for in words."""

    kind: int
    body: bytes
    what: str

    def message(self, seq: int) -> bytes:
        """The request with its header, in this host's byte order."""
        length, flags = NLMSG_HDRLEN + len(self.body), NLM_F_REQUEST | NLM_F_DUMP
        return nlmsghdr(sys.byteorder).pack(length, self.kind, flags, seq, 0) + self.body


def _route(kind: int, size: int, what: str, *families: int) -> list[Dump]:
    """RTM_GET* with its fixed header, of which only the family counts."""
    return [Dump(kind, bytes([family]) + bytes(size - 1), what) for family in families]


def _inet(family: int, protocol: int, what: str) -> Dump:
    """inet_diag_req_v2 (linux/inet_diag.h) for every socket."""
    return Dump(SOCK_DIAG_BY_FAMILY, struct.pack("=BBBBI48x", family, protocol, EXTENSIONS, 0, EVERY_STATE), what)


DUMPS: Mapping[int, list[Dump]] = {
    NETLINK_ROUTE: [
        *_route(RTM_GETLINK, IFINFOMSG, "links", AF_UNSPEC, AF_BRIDGE),
        *_route(RTM_GETADDR, IFADDRMSG, "addresses", AF_UNSPEC),
        *_route(RTM_GETROUTE, RTMSG, "routes", AF_INET, AF_INET6),
        *_route(RTM_GETNEIGH, NDMSG, "neighbours", AF_UNSPEC, AF_BRIDGE),
        *_route(RTM_GETRULE, FIB_RULE_HDR, "rules", AF_INET, AF_INET6),
    ],
    NETLINK_SOCK_DIAG: [
        _inet(AF_INET, IPPROTO_TCP, "TCP sockets"),
        _inet(AF_INET6, IPPROTO_TCP, "TCP sockets of IPv6"),
        _inet(AF_INET, IPPROTO_UDP, "UDP sockets"),
        _inet(AF_INET6, IPPROTO_UDP, "UDP sockets of IPv6"),
        # unix_diag_req: family, protocol, pad, states, inode, show, cookie
        Dump(SOCK_DIAG_BY_FAMILY, struct.pack("=BBHIIIII", AF_UNIX, 0, 0, EVERY_STATE, 0, SHOW, 0, 0), "unix sockets"),
    ],
    NETLINK_XFRM: [Dump(XFRM_MSG_GETSA, b"", "states of IPsec"), Dump(XFRM_MSG_GETPOLICY, b"", "policies of IPsec")],
    # nfgenmsg of every family
    NETLINK_NETFILTER: [
        Dump(NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET, bytes(4), "tracked connections"),
    ],
    # Which family has which number and which groups
    NETLINK_GENERIC: [Dump(GENL_ID_CTRL, struct.pack("=BBH", CTRL_CMD_GETFAMILY, 1, 0), "families")],
}


def refusal(answer: bytes) -> int:
    """The error number when an answer is NLMSG_ERROR with one, else 0."""
    if len(answer) < NLMSG_HDRLEN + 4 or header(answer, 0, sys.byteorder).type != NLMSG_ERROR:
        return 0
    number: int = struct.unpack_from("=i", answer, NLMSG_HDRLEN)[0]
    return max(0, -number)
