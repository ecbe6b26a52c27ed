"""The dumps with which a recording begins, so that a replay knows names and objects from the start.

Links, addresses, routes, neighbours (of bridges, too) and rules; families of NETLINK_GENERIC; TCP, UDP and unix
sockets; tracked connections; states and policies of IPsec. So a recording of a quiet host has something
to compare, too.

Not here: sending (``record``). The bytes are written down here a second time, so that a recording does not
depend on an implementation under test.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["DUMPS", "Dump", "refusal"]

NLM_F_REQUEST_DUMP = 0x301
NLMSG_ERROR = 2
INET, INET6, BRIDGE, UNIX = 2, 10, 7, 1
TCP, UDP = 6, 17
EVERY_STATE = 0xFFFFFFFF
INET_DIAG_CONG = 1 << 3  # bit 4 - 1: the name of the congestion control, which is sent only when asked for
# UDIAG_SHOW_NAME, _PEER, _RQLEN, _UID (linux/unix_diag.h)
SHOW = 0x1 | 0x4 | 0x10 | 0x40


class Dump(NamedTuple):
    """One question: message type, body, and what it asks for in words."""

    kind: int
    body: bytes
    what: str

    def message(self, seq: int) -> bytes:
        """The request with its header, in this host's byte order."""
        return struct.pack("=IHHII", 16 + len(self.body), self.kind, NLM_F_REQUEST_DUMP, seq, 0) + self.body


def _route(kind: int, size: int, what: str, *families: int) -> list[Dump]:
    """RTM_GET* with its fixed header, of which only the family counts."""
    return [Dump(kind, bytes([family]) + bytes(size - 1), what) for family in families]


def _inet(family: int, protocol: int, what: str) -> Dump:
    """inet_diag_req_v2 (linux/inet_diag.h) for every socket."""
    return Dump(20, struct.pack("=BBBBI48x", family, protocol, INET_DIAG_CONG, 0, EVERY_STATE), what)


DUMPS: Mapping[int, list[Dump]] = {
    0: [
        *_route(18, 16, "links", 0, BRIDGE),
        *_route(22, 8, "addresses", 0),
        *_route(26, 12, "routes", INET, INET6),
        *_route(30, 12, "neighbours", 0, BRIDGE),
        *_route(34, 12, "rules", INET, INET6),
    ],
    4: [
        _inet(INET, TCP, "TCP sockets"),
        _inet(INET6, TCP, "TCP sockets of IPv6"),
        _inet(INET, UDP, "UDP sockets"),
        _inet(INET6, UDP, "UDP sockets of IPv6"),
        # unix_diag_req: family, protocol, pad, states, inode, show, cookie
        Dump(20, struct.pack("=BBHIIIII", UNIX, 0, 0, EVERY_STATE, 0, SHOW, 0, 0), "unix sockets"),
    ],
    6: [Dump(0x12, b"", "states of IPsec"), Dump(0x15, b"", "policies of IPsec")],
    12: [Dump(0x101, bytes(4), "tracked connections")],  # IPCTNL_MSG_CT_GET, nfgenmsg of every family
    # CTRL_CMD_GETFAMILY: which family has which number and which groups
    16: [Dump(16, struct.pack("=BBH", 3, 1, 0), "families")],
}


def refusal(answer: bytes) -> int:
    """The error number when an answer is NLMSG_ERROR with one, else 0."""
    if len(answer) < 20 or struct.unpack_from("=H", answer, 4)[0] != NLMSG_ERROR:
        return 0
    number: int = struct.unpack_from("=i", answer, 16)[0]
    return max(0, -number)
