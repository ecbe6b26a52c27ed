"""How the values of fields stand in attributes where the contract leaves that unsaid, since both of nlmon's own
implementations provide them and are held against each other.

Written down from the kernel's headers (linux/rtnetlink.h, fib_rules.h, inet_diag.h), as
``nlmon.compare.evidence.values`` calls them.

Not here: values that are lists or depend on others (``third``).
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["ENCODINGS"]

# By ``kind.field``. Of a destination the contract says how that of an MPLS route stands, of which there is one reader.
ENCODINGS: Mapping[str, str] = {
    "route.dst": "ip",
    "route.src": "ip",
    "route.gateway": "ip",
    "route.prefsrc": "ip",
    "route.encap": "hex",
    "rule.dscp_mask": "u8",
    "rule.sport_mask": "u16",
    "rule.dport_mask": "u16",
    "rule.flowlabel": "be32",
    "rule.flowlabel_mask": "be32",
    "rule.uid_range": "pair",
    "diag.src_addr": "address",
    "diag.dst_addr": "address",
}
