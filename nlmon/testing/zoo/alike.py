"""Mistakes that hardly show: equal values of other types, wrong signs, and values deep inside or of one family alone.

Not here: values that are simply wrong (``nlmon.testing.zoo.values``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import structs

from nlmon.backends.libnl import LibnlBackend
from nlmon.backends.options import BackendOptions
from nlmon.compare.difference import Class
from nlmon.events import (
    AddrInfo,
    AuditInfo,
    Decoded,
    DiagInfo,
    Event,
    LinkInfo,
    MdbInfo,
    NeighInfo,
    RouteInfo,
    TcInfo,
    XfrmPolicyInfo,
)
from nlmon.testing.zoo.base import BadImplementation, Make, changing
from nlmon.testing.zoo.values import Change
from nlmon.uapi import AF_INET, AF_INET6, AF_MPLS
from nlmon.wire import Datagram, Datagrams

__all__ = ["ALIKE"]

BASIC, TOPOLOGY, TC = "01-route-basic", "02-route-topology", "08-tc"


def _fields(event: Event, kind: type, changes: Mapping[str, Change]) -> Event:
    """The event with other values in its payload, where that is of a kind; what is not there stays so."""
    payload: Any = event.payload
    if not isinstance(event.payload, kind):
        return event
    old: dict[str, Any] = {name: getattr(payload, name) for name in changes}
    new = {name: changes[name](value) for name, value in old.items() if value is not None}
    return structs.replace(event, payload=structs.replace(payload, **new))


def _values(kind: type, **changes: Change) -> Make:
    """A libnl that gives other values."""
    return changing(lambda event: _fields(event, kind, changes))


class TrueInBulk(LibnlBackend, bulk=True):
    """Numbers that are 1 are True, however many messages are decoded at once."""

    def decode(self, datagram: Datagram) -> Decoded:
        return _true(super().decode(datagram))

    def decode_all(self, datagrams: Datagrams) -> Decoded:
        return _true(super().decode_all(datagrams))


def _true(found: Decoded) -> Decoded:
    changes: dict[str, Change] = {"carrier": _bool, "group": _bool, "mtu": float}
    return structs.replace(found, events=[_fields(event, LinkInfo, changes) for event in found.events])


def _bool(value: int) -> int:
    return bool(value) if value in {0, 1} else value


def _signed(value: int) -> int:
    return value - (1 << 32) if value >= 1 << 31 else value


def _with_encapsulation(hops: Any) -> Any:
    return tuple(structs.replace(hop, encap_type=1) for hop in hops)


def _one_group_less(entries: Any) -> Any:
    return entries[:-1]


def _of_family(wrong: Callable[[RouteInfo], RouteInfo], family: int) -> Make:
    def change(event: Event) -> Event:
        payload = event.payload
        if isinstance(payload, RouteInfo) and payload.family == family and payload.dst:
            return structs.replace(event, payload=wrong(payload))
        return event

    return changing(change)


def _bad(
    name: str, description: str, recording: str, make: Make, *found_as: Class, groups: tuple[str, ...] = ()
) -> BadImplementation:
    return BadImplementation(
        name=name,
        description=description,
        make=make,
        found_as=frozenset(found_as),
        recording=recording,
        options=BackendOptions(extra_groups=groups),
    )


ALIKE = (
    _bad(
        "True for 1",
        "Numbers of links that are 0 or 1 are truth values.",
        BASIC,
        _values(LinkInfo, carrier=_bool, group=_bool, operstate=_bool),
        Class.CONTRADICTED,
    ),
    _bad("1500.0 for 1500", "The MTU is a floating point number.", BASIC, _values(LinkInfo, mtu=float), Class.CONFLICT),
    _bad("other types in bulk", TrueInBulk.__doc__ or "", BASIC, TrueInBulk, Class.CONFLICT),
    _bad(
        "a list of names",
        "Alternative names are in a list.",
        BASIC,
        _values(LinkInfo, altnames=list),
        Class.CRASH,
    ),
    _bad(
        "lifetimes with a fraction",
        "Lifetimes are floating point numbers.",
        TOPOLOGY,
        _values(AddrInfo, valid_lifetime=float),
        Class.CONTRADICTED,
    ),
    _bad(
        "True for a type of neighbour",
        "The type of a neighbour that is 1 is a truth value.",
        BASIC,
        _values(NeighInfo, type=_bool),
        Class.CONTRADICTED,
    ),
    _bad(
        "audit numbers with a fraction",
        "The number of an audit event is a floating point number.",
        "09-untapped-audit-uevent-connector",
        _values(AuditInfo, serial=float),
        Class.CONTRADICTED,
    ),
    _bad(
        "a hop that encapsulates",
        "Hops of routes say MPLS, though their message does not.",
        TOPOLOGY,
        _values(RouteInfo, multipath=_with_encapsulation),
        Class.CONFLICT,
    ),
    _bad(
        "another label",
        "The label of an MPLS route is one more.",
        TOPOLOGY,
        _of_family(lambda route: structs.replace(route, dst=str(int(str(route.dst)) + 1)), AF_MPLS),
        Class.CONTRADICTED,
    ),
    _bad(
        "no label",
        "The label of an MPLS route is not there.",
        TOPOLOGY,
        _of_family(lambda route: structs.replace(route, dst=None), AF_MPLS),
        Class.CONTRADICTED,
    ),
    _bad(
        "handles with a sign",
        "Handles and parents of queueing disciplines are negative from 8000:0 on.",
        TC,
        _values(TcInfo, handle=_signed, parent=_signed),
        Class.CONTRADICTED,
        groups=("tc",),
    ),
    _bad(
        "packets of another count",
        "Queueing disciplines count one packet more.",
        TC,
        _values(TcInfo, packets=lambda count: count + 1),
        Class.CONTRADICTED,
        groups=("tc",),
    ),
    _bad(
        "a group less",
        "The last entry of a multicast database is left out.",
        TOPOLOGY,
        _values(MdbInfo, entries=_one_group_less),
        Class.CONTRADICTED,
        groups=("mdb",),
    ),
    _bad(
        "another queue",
        "Sockets say that one byte more waits to be sent.",
        "05-sock_diag",
        _values(DiagInfo, wqueue=lambda size: size + 1),
        Class.CONTRADICTED,
    ),
    _bad(
        "an acquire of another family",
        "What an acquire wants is of another family than its template.",
        "06-xfrm",
        _values(XfrmPolicyInfo, acquire=lambda state: structs.replace(state, family=AF_INET + AF_INET6 - state.family)),
        Class.CONTRADICTED,
    ),
)
