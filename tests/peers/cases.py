"""All cases: which peer speaks of which protocol. The tests and ``tools/peers.py`` run this list.

Not here: the cases themselves (one module per protocol), and the five kinds of messages of NETLINK_ROUTE that every
monitor reads, which ``tests/backends`` and ``tests/state/test_oracle.py`` hold against pyroute2 and ``ip``.
"""

from __future__ import annotations

from peers import audit, conntrack, generic, network, nl80211, sock_diag, xfrm, xfrm_commands
from peers.table import Case

__all__ = ["CASES", "NOTES"]

MODULES = (nl80211, generic, conntrack, sock_diag, xfrm, xfrm_commands, network, audit)
CASES: tuple[Case, ...] = tuple(case for module in MODULES for case in module.CASES)

# What a reader of the figures must know of the peers.
NOTES = (
    "xfrm: tshark has no dissector for NETLINK_XFRM, so that it confirms message headers alone; pyroute2 has no "
    "definitions; what messages hold is confirmed by what ip xfrm printed and by the commands that sent them",
    "conntrack: of TCP states, counters, marks, use and time stamps tshark shows the bytes; the tests read these",
    "expectations: pyroute2 has no definitions",
    "sock_diag: tshark takes a notification, whose port id is 0, for a request; of these it confirms the header alone",
    "nl80211, generic: tshark is asked for a sample of 03-nl80211 (tests/peers/tshark.py says which), pyroute2 for all",
    "generic: tshark leaves most families as bytes; the tests frame the attributes in them",
    "audit: tshark has no dissector and shows the bytes; the tests read the text",
)
