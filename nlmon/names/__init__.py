"""Names the kernel gives to numbers: message types, flags, families, scopes, tables. One module per protocol.

Source of every table: the Linux UAPI headers named beside it. The tables serve people: JSON output, reports
and messages. Nothing is decoded with them, and a number without a name is data, not an error.

Not here: names of attributes (``attributes``; their numbers each backend has for itself too), and names that live in
files of a host (/etc/iproute2), since a capture must read the same everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from nlmon.names import audit, generic, netfilter, route, sockets, xfrm
from nlmon.uapi import (
    NETLINK_AUDIT,
    NETLINK_NETFILTER,
    NETLINK_ROUTE,
    NETLINK_SOCK_DIAG,
    NETLINK_XFRM,
    NLMSG_DONE,
    NLMSG_ERROR,
    NLMSG_MIN_TYPE,
    NLMSG_NOOP,
    NLMSG_OVERRUN,
    RTNL_KIND_MASK,
)

__all__ = [
    "PROTOCOLS",
    "TABLES",
    "flag_names",
    "is_message_type",
    "message_flags",
    "message_names",
    "message_type",
    "name_of",
    "protocol_number",
    "unknown_message",
]

# linux/netlink.h
PROTOCOLS: Mapping[int, str] = MappingProxyType(
    {
        0: "NETLINK_ROUTE",
        2: "NETLINK_USERSOCK",
        3: "NETLINK_FIREWALL",
        4: "NETLINK_SOCK_DIAG",
        5: "NETLINK_NFLOG",
        6: "NETLINK_XFRM",
        7: "NETLINK_SELINUX",
        8: "NETLINK_ISCSI",
        9: "NETLINK_AUDIT",
        10: "NETLINK_FIB_LOOKUP",
        11: "NETLINK_CONNECTOR",
        12: "NETLINK_NETFILTER",
        14: "NETLINK_DNRTMSG",
        15: "NETLINK_KOBJECT_UEVENT",
        16: "NETLINK_GENERIC",
        18: "NETLINK_SCSITRANSPORT",
        19: "NETLINK_ECRYPTFS",
        20: "NETLINK_RDMA",
        21: "NETLINK_CRYPTO",
        22: "NETLINK_SMC",
    }
)
# More than any protocol has, and fewer than int() refuses.
PROTOCOL_DIGITS = 9
_NUMBERS = {name: number for number, name in PROTOCOLS.items()}


_CONTROL = {
    NLMSG_NOOP: "NLMSG_NOOP",
    NLMSG_ERROR: "NLMSG_ERROR",
    NLMSG_DONE: "NLMSG_DONE",
    NLMSG_OVERRUN: "NLMSG_OVERRUN",
}
_MESSAGES: Mapping[int, Mapping[int, str]] = {
    NETLINK_ROUTE: route.MESSAGES,
    NETLINK_SOCK_DIAG: sockets.MESSAGES,
    NETLINK_XFRM: xfrm.MESSAGES,
    NETLINK_AUDIT: audit.MESSAGES,
    NETLINK_NETFILTER: netfilter.MESSAGES,
}

TABLES: Mapping[str, Mapping[int, str]] = MappingProxyType(
    {**route.TABLES, **generic.TABLES, **sockets.TABLES, **netfilter.TABLES, **xfrm.TABLES, **audit.TABLES}
)

_BASE_FLAGS = {
    0x01: "NLM_F_REQUEST",
    0x02: "NLM_F_MULTI",
    0x04: "NLM_F_ACK",
    0x08: "NLM_F_ECHO",
    0x10: "NLM_F_DUMP_INTR",
    0x20: "NLM_F_DUMP_FILTERED",
}
# linux/netlink.h: the upper byte means something else in each kind of message.
_NEW_FLAGS = {0x100: "NLM_F_REPLACE", 0x200: "NLM_F_EXCL", 0x400: "NLM_F_CREATE", 0x800: "NLM_F_APPEND"}
_GET_FLAGS = {0x100: "NLM_F_ROOT", 0x200: "NLM_F_MATCH", 0x400: "NLM_F_ATOMIC"}
_DEL_FLAGS = {0x100: "NLM_F_NONREC", 0x200: "NLM_F_BULK"}
_ACK_FLAGS = {0x100: "NLM_F_CAPPED", 0x200: "NLM_F_ACK_TLVS"}


def name_of(table: str, number: int) -> str:
    """Name of ``number`` in a table of ``TABLES``, or the number as text."""
    return TABLES[table].get(number) or str(number)


def flag_names(table: Mapping[int, str], value: int) -> list[str]:
    """Names of the set bits, lowest first; bits without a name come last as one hexadecimal text."""
    found = [name for bit, name in table.items() if value & bit]
    rest = value & ~sum(table)
    return [*found, hex(rest)] if rest else found


def message_type(protocol: int, msg_type: int) -> str:
    """``RTM_NEWLINK`` for (0, 16); control types by their name in every protocol; otherwise the number. A type of
    NETLINK_GENERIC is the number of a family, which has a name only on the host that gave it."""
    if msg_type < NLMSG_MIN_TYPE:
        return _CONTROL.get(msg_type) or str(msg_type)
    known = _MESSAGES.get(protocol, {}).get(msg_type)
    if known is None and protocol == NETLINK_NETFILTER and msg_type >> 8 in netfilter.SUBSYSTEMS:
        return f"NFNL_SUBSYS_{netfilter.SUBSYSTEMS[msg_type >> 8]}/{msg_type & 0xFF}"
    return known or str(msg_type)


def message_names() -> list[str]:
    """Every name that ``message_type`` gives and that does not carry a number."""
    return [*_CONTROL.values(), *(name for names in _MESSAGES.values() for name in names.values())]


def is_message_type(text: str) -> bool:
    """Whether ``message_type`` gives this text for some message."""
    name, _, number = text.rpartition("/")
    if name.startswith("NFNL_SUBSYS_"):
        return number.isdecimal() and name.removeprefix("NFNL_SUBSYS_") in netfilter.SUBSYSTEMS.values()
    return text.isdecimal() or text in message_names()


def unknown_message(protocol: int, msg_type: int, first: int) -> str:
    """Name of a message that gives no event; of socket diagnosis with the family, which is the first byte. A type
    below 0 stands for all that are not counted apart."""
    if msg_type < 0:
        return "others"
    name = message_type(protocol, msg_type)
    return f"{name}/{name_of('family', first)}" if protocol == NETLINK_SOCK_DIAG and first >= 0 else name


def message_flags(protocol: int, msg_type: int, flags: int) -> list[str]:
    """Names of nlmsg_flags; the upper byte is read by the verb of the message (linux/netlink.h)."""
    if msg_type in {NLMSG_ERROR, NLMSG_DONE}:
        upper = _ACK_FLAGS
    elif protocol == NETLINK_ROUTE and msg_type >= NLMSG_MIN_TYPE:
        upper = (_NEW_FLAGS, _DEL_FLAGS, _GET_FLAGS, _NEW_FLAGS)[msg_type & RTNL_KIND_MASK]
    elif protocol == NETLINK_NETFILTER and msg_type & 0xFF == 0:
        upper = _NEW_FLAGS
    else:
        upper = {}
    return flag_names({**_BASE_FLAGS, **upper}, flags)


def protocol_number(text: str) -> int | None:
    """Number for ``route``, ``NETLINK_ROUTE`` or ``0`` in any case; None if unknown, or too long to be a protocol."""
    if text.isascii() and text.isdecimal():
        return int(text) if len(text) <= PROTOCOL_DIGITS else None
    upper = text.upper().replace("-", "_")
    return _NUMBERS.get(upper, _NUMBERS.get("NETLINK_" + upper))
