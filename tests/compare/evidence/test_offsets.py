"""The layouts that evidence is found with, against definitions that they were not made from.

Numbers of attributes and places of header fields are held against pyroute2's message classes; what those lack
against the enumerations of the UAPI headers, written down in their order.
"""

from __future__ import annotations

import struct
from importlib import import_module
from typing import Any

import pytest

from nlmon.compare.evidence.offsets import ATTRIBUTES, HEADERS

RTNL = "pyroute2.netlink.rtnl"
PYROUTE2 = (
    *(f"{RTNL}.{name}:{name}" for name in ("ifinfmsg", "ifaddrmsg", "rtmsg", "ndmsg", "fibmsg", "tcmsg", "nsidmsg")),
    "pyroute2.netlink.nl80211:nl80211cmd",
    "pyroute2.netlink.nfnetlink.nfctsocket:nfct_msg",
    "pyroute2.netlink.diag:inet_diag_msg",
    "pyroute2.netlink.diag:unix_diag_msg",
)
# Enumerations by their header, from the first number on; a dash is one that no event needs.
HEADER_FILES = {
    # linux/xfrm.h, enum xfrm_attr_type_t
    ("XFRMA", 1): "ALG_AUTH ALG_CRYPT ALG_COMP ENCAP TMPL - - - - - - - - - - POLICY_TYPE - ALG_AEAD - ALG_AUTH_TRUNC "
    "MARK - - SA_EXTRA_FLAGS - - - - - - IF_ID",
    # linux/nexthop.h
    ("NHA", 1): "ID GROUP GROUP_TYPE BLACKHOLE OIF GATEWAY ENCAP_TYPE - - MASTER FDB",
    # linux/if_addr.h and rtnetlink.h
    ("PREFIX", 1): "ADDRESS CACHEINFO",
    ("RTA", 30): "NH_ID",
    # linux/if_link.h, linux/fib_rules.h
    ("IFLA", 46): "TARGET_NETNSID",
    ("FRA", 25): "DSCP FLOWLABEL FLOWLABEL_MASK SPORT_MASK DPORT_MASK DSCP_MASK",
    # linux/netconf.h
    ("NETCONFA", 1): "IFINDEX FORWARDING RP_FILTER MC_FORWARDING PROXY_NEIGH IGNORE_ROUTES_WITH_LINKDOWN INPUT "
    "BC_FORWARDING",
    # linux/if_bridge.h, if_link.h
    ("MDBA", 1): "MDB",
    ("IFLA_STATS", 1): "LINK_64",
    # linux/rtnetlink.h, enum of traffic control, and gen_stats.h
    ("TCA", 11): "CHAIN HW_OFFLOAD INGRESS_BLOCK EGRESS_BLOCK",
    ("TCA_STATS", 1): "BASIC - QUEUE - - - - PKT64",
    # linux/neighbour.h
    ("NDA", 11): "SRC_VNI PROTOCOL",
    # linux/unix_diag.h
    ("UNIX_DIAG", 7): "UID",
    # linux/netfilter/nfnetlink_conntrack.h
    ("CTA_TUPLE", 3): "ZONE",
    ("CTA_HELP", 1): "NAME",
    ("CTA_EXPECT", 1): "MASTER TUPLE MASK TIMEOUT ID HELP_NAME ZONE FLAGS CLASS NAT FN",
    ("CTA_EXPECT_NAT", 1): "DIR TUPLE",
}
# Prefix of ours, class of theirs, and their other names of the same field.
FIXED = {
    "ifi_": ("ifinfmsg", {}),
    "ifa_": ("ifaddrmsg", {}),
    "rtm_": ("rtmsg", {"protocol": "proto"}),
    "ndm_": ("ndmsg", {}),
    "": ("fibmsg", {}),
    "tcm_": ("tcmsg", {"ifindex": "index"}),
    "idiag_": ("inet_diag_msg", {}),
    "udiag_": ("unix_diag_msg", {}),
}


def theirs() -> dict[str, Any]:
    """pyroute2's classes by name."""
    found = {}
    for place in PYROUTE2:
        module, _, name = place.partition(":")
        found[name] = getattr(import_module(module), name)
    return found


def numbers(message: Any) -> dict[str, int]:
    """Number of every attribute of a class and of the classes nested in it."""
    found: dict[str, int] = {}
    for inner in (getattr(message, name) for name in dir(message)):
        if isinstance(inner, type) and hasattr(inner, "nla_map"):
            found = {**numbers(inner), **found}
    for position, row in enumerate(getattr(message, "nla_map", ())):
        number, name = (row[0], row[1]) if isinstance(row[0], int) else (position, row[0])
        found[name] = number
    return found


def test_every_number_is_confirmed() -> None:
    """Each attribute of the contract has the number that pyroute2 or the kernel's header gives it."""
    known = {
        f"{prefix}_{name}": first + position
        for (prefix, first), names in HEADER_FILES.items()
        for position, name in enumerate(names.split())
        if name != "-"
    }
    for message in theirs().values():
        known = {**numbers(message), **known}

    assert {name: known.get(name) for name in ATTRIBUTES} == dict(ATTRIBUTES)


@pytest.mark.parametrize("prefix", FIXED)
def test_every_header_field_is_confirmed(prefix: str) -> None:
    """Each field of a fixed header stands where pyroute2's class has it, and is as long."""
    name, others = FIXED[prefix]
    places, at = {}, 0
    for field, code in theirs()[name].fields:
        size = struct.calcsize("<" + code.lstrip(">"))
        places[field.removeprefix(prefix)] = (at, size)
        at += size

    assert {field: places.get(others.get(field, field)) for field in HEADERS[prefix]} == dict(HEADERS[prefix])
