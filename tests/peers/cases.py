"""All cases: which peer speaks of which protocol. The tests and ``tools/peers.py`` run this list.

Not here: the cases themselves (one module per protocol), and the five kinds of messages of NETLINK_ROUTE that every
monitor reads, which ``tests/backends`` and ``tests/test_oracle.py`` hold against pyroute2 and ``ip``.
"""

from __future__ import annotations

from peers import audit, conntrack, generic, network, nl80211, sock_diag, xfrm
from peers.table import Case

__all__ = ["CASES"]

MODULES = (nl80211, generic, conntrack, sock_diag, xfrm, network, audit)
CASES: tuple[Case, ...] = tuple(case for module in MODULES for case in module.CASES)
