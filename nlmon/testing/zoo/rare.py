"""Mistakes that only a rare message shows: values that need all of their bits, and attributes that do not fit.

Each is shown by a small recording of its own kind: ``linux-6.18`` of a kernel with such values, ``by-hand`` of messages
that no kernel at hand sends.

Rules of this file:
1. As in ``values``, a mistake changes what is there and leaves alone what is not.
2. The class of a group is what says of the field that both implementations provide it (conflict, loss) or libnl alone
   (contradicted).

Not here: what any recording shows (``nlmon.testing.zoo.values``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from msgspec import structs

from nlmon.backends.options import BackendOptions
from nlmon.compare.difference import Class
from nlmon.events import (
    AddrInfo,
    ConntrackInfo,
    Decoded,
    DiagInfo,
    FlowTuple,
    LinkInfo,
    NeighInfo,
    NexthopInfo,
    RouteInfo,
    RuleInfo,
    TcInfo,
    XfrmAlgorithm,
    XfrmPolicyInfo,
    XfrmStateInfo,
)
from nlmon.testing.zoo.base import BadImplementation, changing, decoding
from nlmon.testing.zoo.values import Change, WrongValue, always, cut, inside, more, swap
from nlmon.wire import Datagram

__all__ = ["RARE"]

OPTIONS, FLOWS = "linux-6.18/01-rules-routes-neighbours", "linux-6.18/04-flows-and-sockets"
WIDE, BUILT, MALFORMED = "linux-6.18/03-wide-values", "by-hand/01-rare-values", "by-hand/02-malformed-attributes"
CONFLICT, CONTRADICTED, LOSS, ERROR = (
    Class.CONFLICT,
    Class.CONTRADICTED,
    Class.LOSS,
    Class.ERROR,
)
RTAX_LOCK, RTAX_CC_ALGO = 1, 16
INVERT, ONLINK, IPPROTO_TCP, IPPROTO_SCTP = 2, 4, 6, 132
Mistakes: TypeAlias = dict[str, Change]


def bits(size: int) -> Change:
    """Only the lowest bits."""
    return lambda value: value & ((1 << size) - 1)


def narrow(*sizes: int) -> Mistakes:
    """Fields that are too narrow, and the value lost."""
    return {f"cut to {size} bits": bits(size) for size in sizes}


def without(number: int) -> Change:
    """Pairs but those with this number."""
    return lambda pairs: tuple(pair for pair in pairs if pair[0] != number)


def each(**changes: Change) -> Change:
    """The same change in every structure of a list."""
    return lambda values: tuple(inside(**changes)(value) for value in values)


def unmapped(text: str) -> str:
    """An address of IPv4 for one that is mapped into IPv6."""
    return text.removeprefix("::ffff:")


LOST: Mistakes = {"lost": always(None)}
NOTHING: Mistakes = {"empty is lost": lambda text: text or None}
MAPPED: Mistakes = {"mapped as IPv4": unmapped}
EIGHT_BYTES: Mistakes = {"cut at eight bytes": cut(23)}
ENDS: Mistakes = {
    "ends have one prefix": inside(prefixlen_s="prefixlen_d"),
    "masks of ports lost": inside(sport=lambda port: (port[0], 0xFFFF if port[0] else 0), dport=lambda _: (0, 0)),
    "interface lost": inside(ifindex=always(0)),
    "protocol lost": inside(proto=always(0)),
}
VALUES: dict[tuple[str, type, Class], dict[str, Mistakes]] = {
    (WIDE, LinkInfo, CONFLICT): {
        "ifname": {"cut at 14 bytes": cut(14)},
        "ifindex": narrow(16),
    },
    (WIDE, LinkInfo, CONTRADICTED): {
        "ifalias": {"cut at 64 bytes": cut(64)},
        **dict.fromkeys(("link", "master"), narrow(8, 16)),
        "group": narrow(8, 16),
    },
    (BUILT, LinkInfo, CONFLICT): {"addr": EIGHT_BYTES},
    (BUILT, LinkInfo, LOSS): {"addr": NOTHING},
    (BUILT, LinkInfo, CONTRADICTED): {"broadcast": EIGHT_BYTES | NOTHING},
    (WIDE, AddrInfo, CONFLICT): {
        "prefixlen": {"0 is 32": lambda length: length or 32},
        "scope": {"site is universe": lambda scope: 0 if scope == 200 else scope},
        "addr": MAPPED,
    },
    (WIDE, AddrInfo, CONTRADICTED): {
        "route_priority": narrow(16) | LOST,
        "flags": narrow(8),
        **dict.fromkeys(("valid_lifetime", "preferred_lifetime"), narrow(16)),
    },
    (BUILT, AddrInfo, CONTRADICTED): {"anycast": LOST},
    (WIDE, RuleInfo, CONFLICT): {
        "table": narrow(8, 16),
        "priority": narrow(16),
        "flags": {"not inverted": lambda flags: flags & ~INVERT},
        "tun_id": narrow(32) | {"byte order": swap(8)},
        "flow": narrow(16),
        "tos": {"0": always(0)},
    },
    (WIDE, RuleInfo, LOSS): {"flow": LOST, "tun_id": LOST},
    (OPTIONS, RuleInfo, CONFLICT): {
        "uid_range": {"cut to 16 bits": lambda users: tuple(map(bits(16), users))},
        "fwmask": narrow(16),
        "goto": narrow(8),
    },
    (WIDE, RouteInfo, CONFLICT): {
        "table": narrow(8, 16),
        "priority": narrow(16),
        "tos": {"0": always(0)},
        "flags": {"not on link": lambda flags: flags & ~ONLINK},
        "metrics": {
            "lock lost": without(RTAX_LOCK),
            "congestion control lost": without(RTAX_CC_ALGO),
            "only the first": cut(1),
        },
        "multipath": {
            "weights cut to 8 bits": each(weight=bits(8)),
            "flags lost": each(flags=always(0)),
        },
    },
    (WIDE, RouteInfo, LOSS): {"multipath": {"via lost": each(via=always(None))}},
    (WIDE, RouteInfo, CONTRADICTED): {"flow": narrow(16) | LOST, "pref": {"0": always(0)}},
    (OPTIONS, RouteInfo, CONFLICT): {"scope": {"site is universe": lambda scope: 0 if scope == 200 else scope}},
    (BUILT, RouteInfo, CONTRADICTED): {"iif": narrow(16) | LOST},
    (WIDE, NeighInfo, CONFLICT): {
        **dict.fromkeys(("vni", "src_vni", "master"), narrow(16)),
        "port": {"byte order": swap(2)},
    },
    (WIDE, NeighInfo, LOSS): {**dict.fromkeys(("vni", "src_vni"), LOST)},
    (WIDE, NeighInfo, CONTRADICTED): {
        "nda_ifindex": narrow(8),
        **dict.fromkeys(("protocol", "flags_ext"), LOST),
    },
    (BUILT, ConntrackInfo, CONFLICT): dict.fromkeys(
        ("packets_orig", "bytes_orig", "packets_reply", "bytes_reply"), narrow(32)
    ),
    (FLOWS, ConntrackInfo, CONFLICT): {
        "protocol": {"SCTP is TCP": lambda protocol: IPPROTO_TCP if protocol == IPPROTO_SCTP else protocol},
        "mark": narrow(31),
        "src_port": narrow(15),
    },
    (FLOWS, ConntrackInfo, CONTRADICTED): {
        "labels": {"cut to 64 bits": cut(16), "halves swapped": lambda text: text[16:] + text[:16]} | LOST,
        "zone_orig": narrow(8) | LOST,
        "reply": {"zone lost": inside(zone=always(None))},
    },
    (BUILT, XfrmStateInfo, CONTRADICTED): {
        "encap": {
            "ports swapped": lambda encap: (encap[0], encap[2], encap[1]),
            "byte order": lambda encap: (encap[0], *map(swap(2), encap[1:])),
            "type": lambda encap: (encap[0] ^ 3, *encap[1:]),
        },
        "extra_flags": {"one more": more} | LOST,
        "replay_window": narrow(5),
        "flags": narrow(5),
        "reqid": narrow(16),
        **dict.fromkeys(("bytes", "packets"), narrow(32)),
        **dict.fromkeys(("seq", "spi"), narrow(31)),
        "selector": ENDS | {"user cut to 16 bits": inside(user=bits(16))},
    },
    (FLOWS, XfrmPolicyInfo, CONTRADICTED): {
        "selector": ENDS,
        "priority": narrow(16),
        "if_id": narrow(31),
        "mark": {"mask of all": lambda mark: (mark[0], 0xFFFFFFFF)},
        "templates": {"SPI cut to 31 bits": each(spi=bits(31))},
    },
    (WIDE, NexthopInfo, CONTRADICTED): {
        "id": narrow(16),
        "fdb": LOST,
        "gateway": LOST,
        "group": {"weights lost": lambda group: tuple((one, 1) for one, _ in group)},
    },
    (WIDE, TcInfo, CONTRADICTED): {
        "ingress_block": narrow(8) | LOST,
        "egress_block": narrow(16) | LOST,
    },
    (FLOWS, DiagInfo, CONFLICT): {
        "inode": narrow(16),
        **dict.fromkeys(("src_addr", "dst_addr"), MAPPED),
    },
}
GROUPS: dict[type, tuple[str, ...]] = {NexthopInfo: ("nexthop",), TcInfo: ("tc",)}

# Attributes that do not fit, each with a field that an implementation fills from it all the same, and reports nothing.
FILLED: dict[str, tuple[str, Any, Class]] = {
    "IFLA_OPERSTATE": ("operstate", 0, ERROR),
    "IFLA_TARGET_NETNSID": ("target_netnsid", 1, ERROR),
    "IFLA_ADDRESS": ("addr", "00:" * 39 + "00", ERROR),
    "IFLA_QDISC": ("qdisc", "q" * 31, ERROR),
    "IFLA_LINK": ("link", 1, CONTRADICTED),
    "IFLA_CARRIER": ("carrier", 0, CONTRADICTED),
    "IFLA_LINKINFO": ("kind", "", CONTRADICTED),
    "IFLA_PROP_LIST": ("altnames", ("",), CONTRADICTED),
    "IFA_ADDRESS": ("peer", "192.0.2.0", ERROR),
    "IFA_LABEL": ("label", "l" * 15, ERROR),
    "IFA_BROADCAST": ("broadcast", "0.0.0.0", CONTRADICTED),
    "IFA_CACHEINFO": ("preferred_lifetime", 5, CONTRADICTED),
    "IFA_FLAGS": ("flags", 2, CONTRADICTED),
    "RTA_DST": ("dst", "192.0.2.0", ERROR),
    "RTA_GATEWAY": ("gateway", "0.0.0.0", ERROR),
    "RTA_VIA": ("via", "inet6 ::", ERROR),
    "RTA_MULTIPATH": ("multipath", (), ERROR),
    "RTA_MULTIPATH/RTA_VIA": ("multipath", (), ERROR),
    "RTA_ENCAP_TYPE": ("encap_type", 1, ERROR),
    "RTA_METRICS": ("metrics", ((2, 5),), ERROR),
    "RTA_PREF": ("pref", 0, CONTRADICTED),
    "NDA_VLAN": ("vlan", 5, ERROR),
    "NDA_PORT": ("port", 0x1200, ERROR),
    "NDA_DST": ("dst", "0.0.0.0", ERROR),
    "NDA_PROTOCOL": ("protocol", 0, CONTRADICTED),
    "FRA_TUN_ID": ("tun_id", 0, ERROR),
    "FRA_SPORT_RANGE": ("sport_range", (5, 5), ERROR),
    "FRA_UID_RANGE": ("uid_range", (0, 0), ERROR),
    "CTA_MARK": ("mark", 5, ERROR),
    "CTA_COUNTERS_ORIG/CTA_COUNTERS_PACKETS": ("packets_orig", 0, ERROR),
    "CTA_STATUS": ("status", 5, CONTRADICTED),
    "CTA_ZONE": ("zone", 5, CONTRADICTED),
    "CTA_TUPLE_MASTER": ("master", FlowTuple(), CONTRADICTED),
    "XFRMA_ENCAP": ("encap", (0, 0, 0), CONTRADICTED),
    "XFRMA_MARK": ("mark", (0, 0), CONTRADICTED),
    "XFRMA_TMPL": ("templates", (), CONTRADICTED),
    "XFRMA_ALG_CRYPT": ("crypt", XfrmAlgorithm("cbc(aes)", 0), CONTRADICTED),
    "INET_DIAG_MARK": ("mark", 5, CONTRADICTED),
    "INET_DIAG_CGROUP_ID": ("cgroup_id", 0, CONTRADICTED),
}


def _filled(path: str, field: str, value: Any) -> Callable[..., Any]:
    """A libnl that fills a field from an attribute that does not fit, and reports nothing."""

    def change(_: Datagram, decoded: Decoded) -> Decoded:
        errors = [error for error in decoded.errors if getattr(error, "path", "") != path]
        if len(errors) == len(decoded.errors):
            return decoded
        events = [structs.replace(e, payload=structs.replace(e.payload, **{field: value})) for e in decoded.events]
        return structs.replace(decoded, events=events, errors=errors)

    return decoding(change)


def _wrong(recording: str, kind: type, found_as: Class, field: str, mistake: tuple[str, Change]) -> BadImplementation:
    what, change = mistake
    name = f"{kind.__name__}.{field}: {what}"
    value = WrongValue(name, recording, (kind,), field, change)
    return BadImplementation(
        name=name,
        description=f"A value that is rare: {name}.",
        make=changing(value.apply),
        found_as=frozenset({found_as}),
        recording=recording,
        options=BackendOptions(extra_groups=GROUPS.get(kind, ())),
    )


RARE = (
    *(
        _wrong(recording, kind, found_as, field, mistake)
        for (recording, kind, found_as), fields in VALUES.items()
        for field, mistakes in fields.items()
        for mistake in mistakes.items()
    ),
    *(
        BadImplementation(
            name=f"{path} that does not fit: {field}",
            description=f"Where {path} does not fit, {field} is filled from it.",
            make=_filled(path, field, value),
            found_as=frozenset({found_as}),
            recording=MALFORMED,
        )
        for path, (field, value, found_as) in FILLED.items()
    ),
)
