"""Policies of socket diagnosis: internet and unix sockets.

Not here: TCP's own numbers (INET_DIAG_INFO), which no event has.
"""

from __future__ import annotations

from nlmon.backends.libnl.policies import Attr, Policy

__all__ = ["INET", "UNIX"]

INET = Policy(
    "pyroute2.netlink.diag:inet_diag_msg",
    (
        Attr("protocol", "INET_DIAG_PROTOCOL", "u8"),
        Attr("mark", "INET_DIAG_MARK", "u32"),
        Attr("congestion", "INET_DIAG_CONG", "string"),
        Attr("shutdown", "INET_DIAG_SHUTDOWN", "u8"),
        Attr("v6only", "INET_DIAG_SKV6ONLY", "u8"),
        Attr("cgroup_id", "INET_DIAG_CGROUP_ID", "u64"),
    ),
)

UNIX = Policy(
    "pyroute2.netlink.diag:unix_diag_msg",
    (
        Attr("path", "UNIX_DIAG_NAME", "unix_name"),
        Attr("peer", "UNIX_DIAG_PEER", "u32"),
        # struct unix_diag_rqlen: rqueue, wqueue
        Attr("rqueue", "UNIX_DIAG_RQLEN", "u32", begin=0),
        Attr("wqueue", "UNIX_DIAG_RQLEN", "u32", begin=4),
        Attr("shutdown", "UNIX_DIAG_SHUTDOWN", "u8"),
        Attr("uid", "UNIX_DIAG_UID", "u32"),
    ),
    # linux/unix_diag.h; pyroute2's list ends before it
    {"UNIX_DIAG_UID": 7},
)
