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

from nlmon import uapi
from nlmon.framing import header, nlmsghdr

__all__ = ["DUMPS", "Dump", "refusal"]

EVERY_STATE = 0xFFFFFFFF
# The name of the congestion control, which is sent only when asked for: extension n is the bit n - 1.
EXTENSIONS = 1 << uapi.INET_DIAG_CONG - 1
SHOW = uapi.UDIAG_SHOW_NAME | uapi.UDIAG_SHOW_PEER | uapi.UDIAG_SHOW_RQLEN | uapi.UDIAG_SHOW_UID


class Dump(NamedTuple):
    """One question: message type, body, and what it asks for in words."""

    kind: int
    body: bytes
    what: str

    def message(self, seq: int) -> bytes:
        """The request with its header, in this host's byte order."""
        length, flags = uapi.NLMSG_HDRLEN + len(self.body), uapi.NLM_F_REQUEST | uapi.NLM_F_DUMP
        return nlmsghdr(sys.byteorder).pack(length, self.kind, flags, seq, 0) + self.body


def _route(kind: int, size: int, what: str, *families: int) -> list[Dump]:
    """RTM_GET* with its fixed header, of which only the family counts."""
    return [Dump(kind, bytes([family]) + bytes(size - 1), what) for family in families]


def _inet(family: int, protocol: int, what: str) -> Dump:
    """inet_diag_req_v2 (linux/inet_diag.h) for every socket."""
    return Dump(uapi.SOCK_DIAG_BY_FAMILY, struct.pack("=BBBBI48x", family, protocol, EXTENSIONS, 0, EVERY_STATE), what)


DUMPS: Mapping[int, list[Dump]] = {
    uapi.NETLINK_ROUTE: [
        *_route(uapi.RTM_GETLINK, uapi.IFINFOMSG, "links", uapi.AF_UNSPEC, uapi.AF_BRIDGE),
        *_route(uapi.RTM_GETADDR, uapi.IFADDRMSG, "addresses", uapi.AF_UNSPEC),
        *_route(uapi.RTM_GETROUTE, uapi.RTMSG, "routes", uapi.AF_INET, uapi.AF_INET6),
        *_route(uapi.RTM_GETNEIGH, uapi.NDMSG, "neighbours", uapi.AF_UNSPEC, uapi.AF_BRIDGE),
        *_route(uapi.RTM_GETRULE, uapi.FIB_RULE_HDR, "rules", uapi.AF_INET, uapi.AF_INET6),
    ],
    uapi.NETLINK_SOCK_DIAG: [
        _inet(uapi.AF_INET, uapi.IPPROTO_TCP, "TCP sockets"),
        _inet(uapi.AF_INET6, uapi.IPPROTO_TCP, "TCP sockets of IPv6"),
        _inet(uapi.AF_INET, uapi.IPPROTO_UDP, "UDP sockets"),
        _inet(uapi.AF_INET6, uapi.IPPROTO_UDP, "UDP sockets of IPv6"),
        # unix_diag_req: family, protocol, pad, states, inode, show, cookie
        Dump(
            uapi.SOCK_DIAG_BY_FAMILY,
            struct.pack("=BBHIIIII", uapi.AF_UNIX, 0, 0, EVERY_STATE, 0, SHOW, 0, 0),
            "unix sockets",
        ),
    ],
    uapi.NETLINK_XFRM: [
        Dump(uapi.XFRM_MSG_GETSA, b"", "states of IPsec"),
        Dump(uapi.XFRM_MSG_GETPOLICY, b"", "policies of IPsec"),
    ],
    # nfgenmsg of every family
    uapi.NETLINK_NETFILTER: [
        Dump(uapi.NFNL_SUBSYS_CTNETLINK << 8 | uapi.IPCTNL_MSG_CT_GET, bytes(4), "tracked connections"),
    ],
    # Which family has which number and which groups
    uapi.NETLINK_GENERIC: [Dump(uapi.GENL_ID_CTRL, struct.pack("=BBH", uapi.CTRL_CMD_GETFAMILY, 1, 0), "families")],
}


def refusal(answer: bytes) -> int:
    """The error number when an answer is NLMSG_ERROR with one, else 0."""
    if len(answer) < uapi.NLMSG_HDRLEN + 4 or header(answer, 0, sys.byteorder).type != uapi.NLMSG_ERROR:
        return 0
    number: int = struct.unpack_from("=i", answer, uapi.NLMSG_HDRLEN)[0]
    return max(0, -number)
