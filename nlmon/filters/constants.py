"""Symbolic constants of filters: the kernel's names for numbers, such as ``RTM_NEWLINK`` and ``IFF_UP``.

Rules of this file:
1. A constant has the whole name of the kernel's header. Beside it a value of a field may be written as text with the
   name that ``nlmon decode`` prints: ``netlink.link.operstate == "DOWN"``.
2. Names are known in any case.

Not here: the names themselves (``nlmon.names``).
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Mapping

from nlmon.names import PROTOCOLS, TABLES, audit, message_flags, message_type, netfilter, route, sockets, xfrm

__all__ = ["CONNTRACK_NEW", "PREFIXES", "constant", "constant_names", "constants_near", "names_of", "number_named"]

# What the kernel's headers put before the names of a table; of tables that are not here names are text alone.
PREFIXES = {
    "family": "AF_",
    "link_flags": "IFF_",
    "addr_flags": "IFA_F_",
    "prefix_flags": "IF_PREFIX_",
    "operstate": "IF_OPER_",
    "scope": "RT_SCOPE_",
    "route_type": "RTN_",
    "route_protocol": "RTPROT_",
    "route_table": "RT_TABLE_",
    "route_flags": "RTNH_F_",  # below 0x100, and RTM_F_ from there on
    "neigh_state": "NUD_",
    "neigh_flags": "NTF_",
    "rule_action": "FR_ACT_",
    "rule_flags": "FIB_RULE_",
    "nl80211_cmd": "NL80211_CMD_",
    "nl80211_iftype": "NL80211_IFTYPE_",
    "nl80211_channel_type": "NL80211_CHAN_",
    "qca_subcmd": "QCA_NL80211_VENDOR_SUBCMD_",
    "socket_state": "TCP_",
    "ip_protocol": "IPPROTO_",
    "socket_type": "SOCK_",
    "conntrack_tcp_state": "TCP_CONNTRACK_",
    "conntrack_status": "IPS_",
    "xfrm_mode": "XFRM_MODE_",
    "xfrm_dir": "XFRM_POLICY_",
    "xfrm_action": "XFRM_POLICY_",
    "audit": "AUDIT_",
    "diag_timer": "",
    "protocol": "NETLINK_",
    "msg_type": "",
    "msg_flags": "NLM_F_",
}
# Written in documents, and in no header: a flow that conntrack(8) calls new has sent its SYN.
CONNTRACK_NEW = "TCP_CONNTRACK_NEW"


def _messages() -> dict[str, int]:
    """Types of messages, of all protocols; control messages have the same in each."""
    found = {message_type(0, number): number for number in range(1, 5)}
    for messages in (route.MESSAGES, sockets.MESSAGES, xfrm.MESSAGES, audit.MESSAGES, netfilter.MESSAGES):
        found |= {name: number for number, name in messages.items()}
    return found


def _flags() -> dict[str, int]:
    """Flags of messages; those of the upper byte depend on what the message does."""
    bits = [1 << bit for bit in range(16)]
    kinds = (2, 16, 17, 18)
    return {
        name: bit for bit in bits for kind in kinds for name in message_flags(0, kind, bit) if name.startswith("NLM")
    }


@functools.cache
def names_of(table: str) -> Mapping[str, int]:
    """The numbers of a table by the whole name of each."""
    if table == "protocol":
        return {name: number for number, name in PROTOCOLS.items()}
    if table == "msg_type":
        return _messages()
    if table == "msg_flags":
        return _flags()
    prefix = PREFIXES[table]
    names = {_whole(prefix, name): number for number, name in TABLES[table].items()}
    if table == "route_flags":
        names = {_of_route(name) if number >= 0x100 else name: number for name, number in names.items()}
    return names


def _of_route(name: str) -> str:
    return "RTM_F_" + name.removeprefix("RTNH_F_").removeprefix("RT_")


def _whole(prefix: str, name: str) -> str:
    upper = name.upper()
    return upper if upper.startswith(prefix) else prefix + upper


@functools.cache
def _constants() -> Mapping[str, tuple[int, str]]:
    """Every constant with its number and its table. A name in several tables has the same number in each."""
    found = {
        name: (number, table) for table in PREFIXES if table != "diag_timer" for name, number in names_of(table).items()
    }
    return {**found, CONNTRACK_NEW: (1, "conntrack_tcp_state"), "TRUE": (1, "truth"), "FALSE": (0, "truth")}


def constant(name: str) -> tuple[int, str] | None:
    """The number of a constant and its table; None if there is none of this name."""
    return _constants().get(name.upper())


def constant_names() -> list[str]:
    """Every constant."""
    return list(_constants())


def number_named(table: str, text: str) -> tuple[int, str] | None:
    """The number that a text names in a table, with or without the kernel's prefix, and the constant for it, empty if
    the kernel has none; None if the text names nothing there."""
    names, upper = names_of(table), text.upper()
    for name in (upper, PREFIXES[table] + upper):
        if name in names:
            return names[name], name if name in _constants() else ""
    return None


def constants_near(name: str, table: str = "", at_most: int = 3) -> list[str]:
    """Constants that are spelled like a name, of a table or of all."""
    if not table:
        return difflib.get_close_matches(name.upper(), _constants(), at_most, 0.8)
    names, prefix = names_of(table), PREFIXES[table]
    near = difflib.get_close_matches(name.upper(), [one.removeprefix(prefix) for one in names], at_most, 0.6)
    return near or difflib.get_close_matches(name.upper(), names, at_most, 0.6)
