"""Lets an implementation load what it needs to read messages before the first one comes.

libnl looks its attributes up in a large package when it reads the first message of a kind. That takes so long that a
burst of messages right after the start would not fit into a receive buffer of the default size.

Rules:
1. The samples are read and forgotten: nothing is counted, and no event comes of them.

Not here: opening sockets (``sources``).
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping

from nlmon.backends.base import Backend
from nlmon.framing import nlmsghdr
from nlmon.uapi import (
    GENL_ID_CTRL,
    NETLINK_AUDIT,
    NETLINK_GENERIC,
    NETLINK_NETFILTER,
    NETLINK_ROUTE,
    NETLINK_SOCK_DIAG,
    NETLINK_XFRM,
    NLMSG_HDRLEN,
    RTM_NEWADDR,
    RTM_NEWLINK,
    RTM_NEWNEIGH,
    RTM_NEWROUTE,
    RTM_NEWRULE,
    SOCK_DIAG_BY_FAMILY,
    XFRM_MSG_NEWSA,
)
from nlmon.wire import Datagram

__all__ = ["warm_up"]

# Message types by protocol that come often: 0x100 is IPCTNL_MSG_CT_NEW, 1300 AUDIT_SYSCALL.
KINDS: Mapping[int, tuple[int, ...]] = {
    NETLINK_ROUTE: (RTM_NEWLINK, RTM_NEWADDR, RTM_NEWROUTE, RTM_NEWNEIGH, RTM_NEWRULE),
    NETLINK_GENERIC: (GENL_ID_CTRL,),
    NETLINK_NETFILTER: (0x100,),
    NETLINK_SOCK_DIAG: (SOCK_DIAG_BY_FAMILY,),
    NETLINK_XFRM: (XFRM_MSG_NEWSA,),
    NETLINK_AUDIT: (1300,),
}
# As large as any of their headers.
BODY = bytes(256)


def warm_up(backend: Backend, protocols: Iterable[int]) -> None:
    """Let an implementation read a message without content of each kind."""
    for protocol in protocols:
        for kind in KINDS.get(protocol, ()):
            head = nlmsghdr(sys.byteorder).pack(NLMSG_HDRLEN + len(BODY), kind, 0, 0, 0)
            backend.decode(Datagram(0, 0, protocol, head + BODY))
