"""What events carry, one module per family of messages. Import the names from ``nlmon.events``.

Rules of this room:
1. A structure mirrors one kernel message: fixed header first, then attributes, named as the guide or the kernel
   names them.
2. ``UNSET``: the implementation does not provide the field. ``None``: the message did not carry it.
3. Fields are in a fixed order and new ones go to the end: decoders construct by position, which is fastest.

Not here: the event around a payload (``nlmon.events``), and who provides which field (the contract).
"""

from __future__ import annotations

from nlmon.payloads import audit, diag, generic, netfilter, network, route, xfrm

__all__ = ["audit", "diag", "generic", "netfilter", "network", "route", "xfrm"]
