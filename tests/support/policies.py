"""Where each policy of libnl is read, and payloads for each kind of value, so that every row can be attacked.

A policy or kind that is not in these tables fails the tests that walk the policies.

Not here: what happens to a row (``backends/libnl/test_policies``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, NamedTuple

from nlmon.testing.messages import attr, big, message, nested, number
from support import xfrm
from support.sockets import inet_msg, unix_msg

__all__ = ["CARRIERS", "KINDS", "Carrier", "Kind", "policy_of"]

MODULES = ("route", "network", "sockets", "generic", "netfilter", "xfrm")


class Carrier(NamedTuple):
    """A message that is read with a policy: protocol, type, fixed header. ``wrap`` puts the attributes where the
    policy is read, ``inside`` is the path of that place, ``skip`` the bytes before them, ``only`` or ``but`` say
    which rows the message carries."""

    policy: str
    protocol: int
    type: int
    header: Callable[[str], bytes]
    family: int = 0
    wrap: Callable[[bytes, str], bytes] = lambda data, _: data
    inside: str = ""
    skip: int = 0
    only: frozenset[str] = frozenset()
    but: frozenset[str] = frozenset()

    def message(self, rows: bytes, order: str) -> bytes:
        """The message with these attributes."""
        return message(self.type, self.header(order) + self.wrap(rows, order), byteorder=order)

    @property
    def start(self) -> int:
        """Where in the message the attributes begin."""
        return 16 + len(self.header("little")) + self.skip


def _first(family: int, size: int) -> Callable[[str], bytes]:
    return lambda _: bytes([family]) + bytes(size - 1)


def _hop(data: bytes, order: str) -> bytes:
    return attr(9, number("HBBi", 8 + len(data), 0, 0, 3, byteorder=order) + data, order)


def _qualcomm(order: str) -> bytes:
    rows = [attr(kind, number("I", value, byteorder=order), order) for kind, value in ((195, 0x1374), (196, 64))]
    return bytes((103, 1, 0, 0)) + b"".join(rows)


# Rows that only some messages make use of
_USED, _DATA = frozenset({"XFRMA_LTIME_VAL"}), frozenset({"NL80211_ATTR_VENDOR_DATA"})
CARRIERS = (
    Carrier("route.LINK", 0, 16, _first(0, 16)),
    Carrier("route.ADDR", 0, 20, _first(2, 8), 2),
    Carrier("route.ROUTE", 0, 24, _first(2, 12), 2),
    Carrier("route.HOP", 0, 24, _first(2, 12), 2, _hop, "RTA_MULTIPATH", 12),
    Carrier("route.NEIGH", 0, 28, _first(2, 12), 2),
    Carrier("route.RULE", 0, 32, _first(2, 12), 2),
    Carrier("network.TC", 0, 36, _first(0, 20)),
    Carrier("network.NEXTHOP", 0, 104, _first(2, 8), 2),
    Carrier("network.NSID", 0, 88, _first(0, 4)),
    Carrier("network.PREFIX", 0, 52, _first(10, 12), 10),
    Carrier("network.MDB", 0, 84, _first(7, 8)),
    Carrier("network.NETCONF", 0, 80, _first(2, 4)),
    Carrier("network.STATS", 0, 92, _first(0, 12)),
    Carrier("sockets.INET", 4, 20, lambda order: inet_msg(2, byteorder=order)),
    Carrier("sockets.UNIX", 4, 20, lambda order: unix_msg(byteorder=order)),
    Carrier("generic.NL80211", 16, 28, lambda _: bytes((7, 1, 0, 0))),
    Carrier("generic.NL80211_VENDOR", 16, 28, lambda _: bytes((103, 1, 0, 0)), but=_DATA),
    Carrier("generic.NL80211_VENDOR", 16, 28, _qualcomm, only=_DATA),
    Carrier("netfilter.CONNTRACK", 12, 0x100, _first(2, 4)),
    Carrier("netfilter.EXPECT", 12, 0x200, _first(2, 4)),
    *(
        Carrier("netfilter.TUPLE", 12, kind, _first(2, 4), 0, lambda d, o, n=n: nested(n, d, byteorder=o), path, 4)
        for kind, n, path in (
            *((0x100, 1, "CTA_TUPLE_ORIG"), (0x100, 2, "CTA_TUPLE_REPLY"), (0x102, 14, "CTA_TUPLE_MASTER")),
            *((0x200, 1, "CTA_EXPECT_MASTER"), (0x200, 2, "CTA_EXPECT_TUPLE"), (0x202, 3, "CTA_EXPECT_MASK")),
        )
    ),
    Carrier("xfrm.STATE", 6, 17, lambda order: xfrm.state_id(2, order), but=_USED),
    Carrier("xfrm.STATE", 6, 30, lambda order: xfrm.aevent(2, order), only=_USED),
    Carrier("xfrm.POLICY", 6, 20, lambda order: xfrm.policy_id(2, order)),
)


def policy_of(name: str) -> Any:
    """The policy called ``module.NAME``."""
    module, _, constant = name.partition(".")
    return getattr(import_module(f"nlmon.backends.libnl.policies.{module}"), constant)


class Kind(NamedTuple):
    """A kind of value: two payloads that mean something else, the smallest one, and what other lengths are:
    ``longer`` is fine, ``exact``: neither, ``any``: every length is fine, ``members``: a multiple of the smallest,
    ``nest``: attributes."""

    make: Callable[[int, str], bytes]
    smallest: int
    lengths: str


def _bytes(size: int, lengths: str = "longer") -> Kind:
    return Kind(lambda i, _: bytes(i + 1 + j for j in range(size)), size, lengths)


def _text(i: int, _: str) -> bytes:
    return b"name%d\0" % i


def _entry(i: int, order: str) -> bytes:
    one = number("IBBH", i, 1, 2, 10, byteorder=order) + bytes(16) + big("H", 0x0800) + bytes(2)
    return nested(1, attr(1, one, order), byteorder=order)


def _state(i: int, order: str) -> bytes:
    """Of the family of the message that carries it, in another mode."""
    whole = xfrm.state(2, order)
    return whole[:214] + bytes([i]) + whole[215:]


_FAMILIES = (2, 10)
KINDS: Mapping[str, Kind] = {
    **{kind: _bytes(size) for kind, size in {"u8": 1, "u16": 2, "u32": 4, "s32": 4, "u64": 8}.items()},
    **{kind: _bytes(size) for kind, size in {"be16": 2, "be32": 4, "be64": 8, "u16_pair": 4, "u32_pair": 8}.items()},
    **{kind: _bytes(4, "exact") for kind in ("ip", "inet", "ip4", "ip_or_all", "ip_or_label", "ip_by_length")},
    "ip6": _bytes(16, "exact"),
    **{kind: Kind(_text, 0, "any") for kind in ("string", "unix_name", "hex", "text", "lladdr")},
    "flag": Kind(lambda _, __: b"", 0, "any"),
    "via": Kind(lambda i, order: number("H", 99, byteorder=order) + bytes([i]), 2, "longer"),
    "hops": Kind(lambda i, order: number("HBBi", 8, 0, 0, i, byteorder=order), 8, "nest"),
    "metrics": Kind(lambda i, order: attr(2, number("I", i, byteorder=order), order), 8, "nest"),
    "altnames": Kind(lambda i, order: attr(53, b"altern%d\0" % i, order), 12, "nest"),
    "mdb": Kind(_entry, 36, "nest"),
    "tuple": Kind(lambda i, order: nested(2, attr(1, bytes([i]), order), byteorder=order), 12, "nest"),
    "nexthop_group": Kind(lambda i, order: number("IBBH", i, 0, 0, 0, byteorder=order), 8, "members"),
    "templates": Kind(lambda i, order: xfrm.template(_FAMILIES[i], order), 64, "members"),
    "algorithm": Kind(lambda i, order: xfrm.algorithm(_text(i, order), order), 68, "longer"),
    "auth_algorithm": Kind(lambda i, order: xfrm.auth(_text(i, order), order), 72, "longer"),
    "aead_algorithm": Kind(lambda i, order: xfrm.aead(_text(i, order), order), 72, "longer"),
    "encap": Kind(lambda i, order: number("H", i, byteorder=order) + big("HH", 1, 2), 6, "longer"),
    "state": Kind(_state, 224, "longer"),
    "policy": Kind(lambda i, order: xfrm.policy(_FAMILIES[i], order), 168, "longer"),
}
