"""All cases: which peer speaks of which protocol. The tests and ``tools/peers.py`` run this list.

Not here: the cases themselves (one module per protocol), and NETLINK_ROUTE, which ``tests/backends`` and
``tests/test_oracle.py`` hold against pyroute2 and ``ip``.
"""

from __future__ import annotations

from peers import conntrack, generic, nl80211, sock_diag, xfrm
from peers.table import Case

__all__ = ["CASES"]

CASES: tuple[Case, ...] = (*nl80211.CASES, *generic.CASES, *conntrack.CASES, *sock_diag.CASES, *xfrm.CASES)
