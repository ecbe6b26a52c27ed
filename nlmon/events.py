"""Event: what a backend makes of one netlink message, the one type every part of nlmon understands.

Rules of this file:
1. ``UNSET`` says that the implementation does not provide the field; ``None`` that it does, and the message
   did not carry it. The comparison depends on the difference.
2. Fields hold numbers as the kernel sent them and canonical text; names of numbers are made when an event is
   written as JSON (``nlmon.eventjson.write``), from the ``names`` key of a field's annotation.
3. The statements in ``nlmon/compare/provides`` are the authority on who provides what.

Canonical text:
- link-layer address of any length: lower-case hexadecimal pairs joined by ``:``; zero bytes long: ``""``.
- IP address: as ``inet_ntop(3)`` writes it. MPLS label stack: labels joined by ``/``.
- strings: the bytes up to the first NUL, as UTF-8, every byte that is not UTF-8 as ``\\xNN``.

Not here: what a payload holds (``nlmon.payloads``), decoding, JSON, comparing.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from msgspec import UNSET, Struct, UnsetType

from nlmon.errors import DecodeError
from nlmon.payloads.audit import AuditInfo
from nlmon.payloads.diag import DiagInfo
from nlmon.payloads.generic import GenericInfo, Nl80211Info, QcaVendorInfo
from nlmon.payloads.netfilter import ConntrackInfo, ExpectInfo, FlowTuple
from nlmon.payloads.network import (
    MdbEntry,
    MdbInfo,
    NetconfInfo,
    NexthopInfo,
    NsidInfo,
    PrefixInfo,
    StatsInfo,
    TcInfo,
)
from nlmon.payloads.overrun import OverrunInfo
from nlmon.payloads.route import AddrInfo, LinkInfo, NeighInfo, NextHop, RouteInfo, RuleInfo
from nlmon.payloads.xfrm import XfrmAlgorithm, XfrmFlushInfo, XfrmPolicyInfo, XfrmSelector, XfrmStateInfo, XfrmTemplate

__all__ = [
    "OVERRUN",
    "PAYLOADS",
    "UNSET",
    "AddrInfo",
    "AuditInfo",
    "ConntrackInfo",
    "Decoded",
    "DiagInfo",
    "Event",
    "ExpectInfo",
    "FlowTuple",
    "GenericInfo",
    "LinkInfo",
    "MdbEntry",
    "MdbInfo",
    "NeighInfo",
    "NetconfInfo",
    "NextHop",
    "NexthopInfo",
    "Nl80211Info",
    "NsidInfo",
    "OverrunInfo",
    "Payload",
    "PrefixInfo",
    "QcaVendorInfo",
    "RouteInfo",
    "RoutePayload",
    "RuleInfo",
    "StatsInfo",
    "TcInfo",
    "UnsetType",
    "XfrmAlgorithm",
    "XfrmFlushInfo",
    "XfrmPolicyInfo",
    "XfrmSelector",
    "XfrmStateInfo",
    "XfrmTemplate",
]


# What a host's state is made of.
RoutePayload: TypeAlias = LinkInfo | AddrInfo | RouteInfo | NeighInfo | RuleInfo
Payload: TypeAlias = (
    RoutePayload
    | GenericInfo
    | DiagInfo
    | ConntrackInfo
    | ExpectInfo
    | XfrmStateInfo
    | XfrmPolicyInfo
    | XfrmFlushInfo
    | AuditInfo
    | TcInfo
    | NexthopInfo
    | NsidInfo
    | PrefixInfo
    | MdbInfo
    | NetconfInfo
    | StatsInfo
    | OverrunInfo
)


# The type of an event that is the place of a loss.
OVERRUN: Final = "overrun"

# What an event may carry, by the name that JSON and the contract have for it.
PAYLOADS: Mapping[str, type[Struct]] = MappingProxyType(
    {
        "link": LinkInfo,
        "addr": AddrInfo,
        "route": RouteInfo,
        "neigh": NeighInfo,
        "rule": RuleInfo,
        "generic": GenericInfo,
        "diag": DiagInfo,
        "conntrack": ConntrackInfo,
        "expect": ExpectInfo,
        "xfrm_state": XfrmStateInfo,
        "xfrm_policy": XfrmPolicyInfo,
        "xfrm_flush": XfrmFlushInfo,
        "audit": AuditInfo,
        "tc": TcInfo,
        "nexthop": NexthopInfo,
        "nsid": NsidInfo,
        "prefix": PrefixInfo,
        "mdb": MdbInfo,
        "netconf": NetconfInfo,
        "stats": StatsInfo,
        "overrun": OverrunInfo,
    }
)


class Event(Struct, frozen=True, gc=False):
    """One netlink message as an implementation reports it.

    ``timestamp``: nanoseconds since 1970-01-01 UTC, of the datagram. ``protocol``, ``msg_type``,
    ``msg_flags``, ``seq``, ``pid``: numbers of the message header. ``frame`` and ``offset``: the place of the
    message, datagram number from 1 and bytes into the datagram. ``interface``: name of the interface the
    event is about, None if it is unknown or there is none. ``payload``: what the message carried, by kind.
    ``nsid``: number of the namespace that it came from, None for the listener's own (NETLINK_LISTEN_ALL_NSID).
    ``synthetic``: no message of the kernel, but a change that a resync after a loss has found; its header is made up,
    and ``frame`` is the datagram at which the loss was noticed. ``type``: ``overrun`` is no message either, but the
    place where some were lost; its header is all zeros and ``frame`` is the last datagram before it.
    """

    timestamp: int
    protocol: int
    msg_type: int
    msg_flags: int
    seq: int
    pid: int
    frame: int
    offset: int
    interface: str | None | UnsetType
    payload: Payload
    type: Literal["netlink", "overrun"] = "netlink"
    nsid: int | None = None
    synthetic: bool = False


class Decoded(Struct, gc=False):
    """What one datagram gave: events in message order, and what could not be read.

    ``unknown``: messages that the
    implementation knows no event for, as (type, first byte behind the header or -1); they are counted by name and
    skipped. ``control``: number of NOOP, DONE and acknowledgements.
    """

    events: list[Event]
    errors: list[DecodeError]
    unknown: list[tuple[int, int]] = []
    control: int = 0

    def add(self, more: Decoded) -> None:
        """Take in what the next datagram gave."""
        self.events.extend(more.events)
        if more.errors or more.unknown or more.control:  # seldom
            self.errors.extend(more.errors)
            self.unknown.extend(more.unknown)
            self.control += more.control
