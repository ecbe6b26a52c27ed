"""Multicast groups of NETLINK_ROUTE that are joined on request, by the names that options use.

Rules:
1. Numbers are those of ``nlmon.uapi``. The contract has them once more, so that it can judge who joins what.

Not here: what an implementation joins unasked (its ``groups``), and reading the messages of these groups.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from nlmon.uapi import (
    RTNLGRP_IPV4_NETCONF,
    RTNLGRP_IPV6_NETCONF,
    RTNLGRP_IPV6_PREFIX,
    RTNLGRP_MDB,
    RTNLGRP_MPLS_NETCONF,
    RTNLGRP_NEXTHOP,
    RTNLGRP_NSID,
    RTNLGRP_STATS,
    RTNLGRP_TC,
)

__all__ = ["EXTRA_GROUPS"]

EXTRA_GROUPS: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {
        "tc": (RTNLGRP_TC,),
        "prefix": (RTNLGRP_IPV6_PREFIX,),
        "netconf": (RTNLGRP_IPV4_NETCONF, RTNLGRP_IPV6_NETCONF, RTNLGRP_MPLS_NETCONF),
        "mdb": (RTNLGRP_MDB,),
        "nsid": (RTNLGRP_NSID,),
        "nexthop": (RTNLGRP_NEXTHOP,),
        "stats": (RTNLGRP_STATS,),
    }
)
