"""The event of the programming interfaces: the fields of the guide's old structure and of its new one, side by side.

A program that was written for the old structure reads ``timestamp``, ``type``, ``protocol``, ``msg_type`` and ``data``;
one that is written now reads ``netlink``. ``translate`` fills both of what either implementation gives.

Rules:
1. The old fields are those that legacy would give for the same datagram, whichever implementation read it.
2. Nothing is dropped. What the old interface has no type for, such as a tracked connection or a loss, has the type
   None, and its new fields.
3. ``data`` of a link, address, route, neighbour or rule is the message as the kernel sent it, from its nlmsghdr on.

Not here: decoding (``nlmon.backends``), and who receives them (``nlmon.api.monitor``).
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any, TypeAlias, TypeVar

from msgspec import Struct, UnsetType

from nlmon.events import (
    AddrInfo,
    ConntrackInfo,
    DiagInfo,
    Event,
    GenericInfo,
    LinkInfo,
    NeighInfo,
    Nl80211Info,
    OverrunInfo,
    Payload,
    QcaVendorInfo,
    RouteInfo,
    RuleInfo,
)

__all__ = [
    "EventType",
    "GenericMessage",
    "NetlinkData",
    "NetlinkFields",
    "NlmonEvent",
    "OldData",
    "SocketDiag",
    "translate",
]

OUI_QCA = 0x001374
T = TypeVar("T")


class EventType(IntEnum):
    """``nlmon_event_type_t``: what an event of the old interface is about."""

    LINK = 0
    ADDR = 1
    ROUTE = 2
    NEIGH = 3
    RULE = 4
    GENERIC = 5
    SOCK_DIAG = 6


class GenericMessage(Struct, frozen=True, gc=False):
    """``struct nlmon_generic_msg``: generic netlink as one sees it who knows no names of families.

    ``family_name``: ``family_N`` with its number, and of a vendor command ``nl80211/QCA:0xSUBCOMMAND`` or
    ``nl80211/vendor:0xOUI``. ``cmd``: that of the message, for QCA the subcommand."""

    cmd: int
    version: int
    family_id: int
    family_name: str


class SocketDiag(Struct, frozen=True, gc=False):
    """``struct nlmon_sock_diag``: one socket. What a message does not say is 0 or empty."""

    family: int
    state: int
    protocol: int
    src_port: int
    dst_port: int
    inode: int
    src_addr: str
    dst_addr: str


OldData: TypeAlias = bytes | GenericMessage | SocketDiag | None


class NetlinkData(Struct, frozen=True, gc=False):
    """The union ``data`` of the new structure: one is set for what the event is about, the others are None. ``generic``
    is set beside ``nl80211`` and ``qca``; kinds that the guide does not name are in ``NlmonEvent.event.payload``."""

    link: LinkInfo | None = None
    addr: AddrInfo | None = None
    route: RouteInfo | None = None
    neigh: NeighInfo | None = None
    rule: RuleInfo | None = None
    diag: DiagInfo | None = None
    conntrack: ConntrackInfo | None = None
    nl80211: Nl80211Info | None = None
    qca: QcaVendorInfo | None = None
    generic: GenericInfo | None = None
    overrun: OverrunInfo | None = None


class NetlinkFields(Struct, frozen=True, gc=False):
    """The part ``netlink`` of the new structure. ``genl_*``: None where the message is no generic netlink, the name
    also where the implementation does not know it."""

    protocol: int
    msg_type: int
    msg_flags: int
    seq: int
    pid: int
    genl_cmd: int | None
    genl_version: int | None
    genl_family_id: int | None
    genl_family_name: str | None
    data: NetlinkData


class NlmonEvent(Struct, frozen=True, gc=False):
    """``struct nlmon_event``. ``timestamp``: nanoseconds since 1970-01-01 UTC. ``type``, ``data``: those of the old
    interface, None where it has none. ``interface``: name of the interface that the event is about, None if unknown.
    ``netlink``: the new fields. ``event``: the event of nlmon that it was made from."""

    timestamp: int
    type: EventType | None
    protocol: int
    msg_type: int
    data: OldData
    interface: str | None
    netlink: NetlinkFields
    event: Event


# The old type, and the member of the new union, of what events carry.
_OLD: dict[type, EventType] = {
    LinkInfo: EventType.LINK,
    AddrInfo: EventType.ADDR,
    RouteInfo: EventType.ROUTE,
    NeighInfo: EventType.NEIGH,
    RuleInfo: EventType.RULE,
    GenericInfo: EventType.GENERIC,
    DiagInfo: EventType.SOCK_DIAG,
}
_MEMBERS: dict[type, str] = {
    LinkInfo: "link",
    AddrInfo: "addr",
    RouteInfo: "route",
    NeighInfo: "neigh",
    RuleInfo: "rule",
    DiagInfo: "diag",
    ConntrackInfo: "conntrack",
    OverrunInfo: "overrun",
}


def translate(event: Event, message: bytes) -> NlmonEvent:
    """An event with old and new fields; ``message``: its bytes from the nlmsghdr on, empty where there was none."""
    payload = event.payload
    return NlmonEvent(
        timestamp=event.timestamp,
        type=_OLD.get(type(payload)),
        protocol=event.protocol,
        msg_type=event.msg_type,
        data=_old_data(payload, message),
        interface=_known(event.interface),
        netlink=_new_fields(event),
        event=event,
    )


def _old_data(payload: Payload, message: bytes) -> OldData:
    match payload:
        case GenericInfo():
            return _old_generic(payload)
        case DiagInfo():
            return SocketDiag(
                payload.family,
                payload.state,
                payload.protocol or 0,
                payload.src_port or 0,
                payload.dst_port or 0,
                payload.inode,
                payload.src_addr or "",
                payload.dst_addr or "",
            )
        case LinkInfo() | AddrInfo() | RouteInfo() | NeighInfo() | RuleInfo():
            return message
    return None


def _old_generic(payload: GenericInfo) -> GenericMessage:
    family, command, version = payload.genl_family_id, payload.genl_cmd, payload.genl_version
    vendor, subcommand = payload.vendor_id, payload.vendor_subcmd
    if vendor is None:
        return GenericMessage(command, version, family, f"family_{family}")
    if vendor == OUI_QCA and subcommand is not None:
        return GenericMessage(subcommand, version, family, f"nl80211/QCA:{subcommand:#x}")
    return GenericMessage(command, version, family, f"nl80211/vendor:{vendor:#08x}")


def _new_fields(event: Event) -> NetlinkFields:
    payload = event.payload
    head = event.protocol, event.msg_type, event.msg_flags, event.seq, event.pid
    if isinstance(payload, GenericInfo):
        data = NetlinkData(nl80211=_known(payload.nl80211), qca=_known(payload.qca_vendor), generic=payload)
        generic = payload.genl_cmd, payload.genl_version, payload.genl_family_id
        return NetlinkFields(*head, *generic, _known(payload.genl_family_name), data)
    member = _MEMBERS.get(type(payload))
    members: dict[str, Any] = {} if member is None else {member: payload}
    return NetlinkFields(*head, None, None, None, None, NetlinkData(**members))


def _known(value: T | None | UnsetType) -> T | None:
    return None if isinstance(value, UnsetType) else value
