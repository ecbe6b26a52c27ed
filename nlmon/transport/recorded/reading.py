"""What messages of the route protocol are about: the values that their objects are known by, read from the bytes.

Rules of this file:
1. Only what ``nlmon.objects.keys`` asks for is read, and it stays bytes where it is compared and nothing else. Nothing
   is shared with an implementation.
2. An attribute that is too short for its number is not there.

Not here: keeping objects (``objects``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias

from msgspec import Struct

from nlmon.framing import attribute, attributes, next_hops
from nlmon.objects.keys import (
    Subject,
    address_subject,
    hops_of,
    link_subject,
    neighbour_subject,
    route_group,
    rule_subject,
)
from nlmon.objects.partial import is_echo, is_partial_link
from nlmon.uapi import (
    FIB_RULE_HDR,
    FRA_DPORT_MASK,
    FRA_DPORT_RANGE,
    FRA_DSCP,
    FRA_DSCP_MASK,
    FRA_DST,
    FRA_FLOW,
    FRA_FLOWLABEL,
    FRA_FLOWLABEL_MASK,
    FRA_FWMARK,
    FRA_FWMASK,
    FRA_GOTO,
    FRA_IIFNAME,
    FRA_IP_PROTO,
    FRA_L3MDEV,
    FRA_OIFNAME,
    FRA_PRIORITY,
    FRA_PROTOCOL,
    FRA_SPORT_MASK,
    FRA_SPORT_RANGE,
    FRA_SRC,
    FRA_SUPPRESS_IFGROUP,
    FRA_SUPPRESS_PREFIXLEN,
    FRA_TABLE,
    FRA_TUN_ID,
    FRA_UID_RANGE,
    IFA_ADDRESS,
    IFA_LOCAL,
    IFA_TARGET_NETNSID,
    IFADDRMSG,
    IFINFOMSG,
    IFLA_MTU,
    IFLA_OPERSTATE,
    IFLA_TARGET_NETNSID,
    NDA_DST,
    NDA_LLADDR,
    NDA_MASTER,
    NDA_PORT,
    NDA_SRC_VNI,
    NDA_VLAN,
    NDA_VNI,
    NDMSG,
    NLMSG_HDRLEN,
    RTA_DST,
    RTA_ENCAP,
    RTA_ENCAP_TYPE,
    RTA_GATEWAY,
    RTA_METRICS,
    RTA_MULTIPATH,
    RTA_NH_ID,
    RTA_OIF,
    RTA_PREFSRC,
    RTA_PRIORITY,
    RTA_SRC,
    RTA_TABLE,
    RTA_VIA,
    RTM_NEWADDR,
    RTM_NEWLINK,
    RTM_NEWNEIGH,
    RTM_NEWROUTE,
    RTM_NEWRULE,
    RTMSG,
    RTNEXTHOP,
)

__all__ = ["Reading", "Route"]

Values: TypeAlias = Mapping[int, bytes]
# By the name of the value for which ``nlmon.objects.keys`` asks, in the order of ``Rule``; the header is read apart.
RULE = {
    "priority": FRA_PRIORITY,
    "src": FRA_SRC,
    "dst": FRA_DST,
    "iifname": FRA_IIFNAME,
    "oifname": FRA_OIFNAME,
    "fwmark": FRA_FWMARK,
    "fwmask": FRA_FWMASK,
    "ip_proto": FRA_IP_PROTO,
    "sport_range": FRA_SPORT_RANGE,
    "dport_range": FRA_DPORT_RANGE,
    "uid_range": FRA_UID_RANGE,
    "tun_id": FRA_TUN_ID,
    "l3mdev": FRA_L3MDEV,
    "goto": FRA_GOTO,
    "suppress_prefixlen": FRA_SUPPRESS_PREFIXLEN,
    "suppress_ifgroup": FRA_SUPPRESS_IFGROUP,
    "flow": FRA_FLOW,
    "protocol": FRA_PROTOCOL,
    "dscp": FRA_DSCP,
    "flowlabel": FRA_FLOWLABEL,
    "flowlabel_mask": FRA_FLOWLABEL_MASK,
    "sport_mask": FRA_SPORT_MASK,
    "dport_mask": FRA_DPORT_MASK,
    "dscp_mask": FRA_DSCP_MASK,
}


class Link(Struct, frozen=True):
    """A message of a link or a bridge port."""

    family: int
    ifindex: int
    mtu: bytes | None
    operstate: bytes | None
    target_netnsid: bytes | None


class Address(Struct, frozen=True):
    """A message of an address."""

    family: int
    ifindex: int
    addr: bytes | None
    prefixlen: int
    peer: bytes | None
    target_netnsid: bytes | None


class Neighbour(Struct, frozen=True):
    """A message of a neighbour or of an entry of a forwarding database."""

    family: int
    ifindex: int
    flags: int
    dst: bytes | None
    lladdr: str | None
    vlan: bytes | None
    master: int | None
    vni: bytes | None
    src_vni: bytes | None
    port: bytes | None


class Rule(Struct, frozen=True):
    """A message of a rule."""

    family: int
    dst_len: int
    src_len: int
    tos: int
    table: int
    action: int
    flags: int
    priority: bytes | None
    src: bytes | None
    dst: bytes | None
    iifname: bytes | None
    oifname: bytes | None
    fwmark: bytes | None
    fwmask: bytes | None
    ip_proto: bytes | None
    sport_range: bytes | None
    dport_range: bytes | None
    uid_range: bytes | None
    tun_id: bytes | None
    l3mdev: bytes | None
    goto: bytes | None
    suppress_prefixlen: bytes | None
    suppress_ifgroup: bytes | None
    flow: bytes | None
    protocol: bytes | None
    dscp: bytes | None
    flowlabel: bytes | None
    flowlabel_mask: bytes | None
    sport_mask: bytes | None
    dport_mask: bytes | None
    dscp_mask: bytes | None


class Hop(Struct, frozen=True):
    """A hop of a route."""

    ifindex: int
    weight: int
    flags: int
    gateway: bytes | None
    via: bytes | None
    encap_type: int | None
    encap: bytes | None


class Route(Struct, frozen=True):
    """A message of a route."""

    family: int
    dst_len: int
    src_len: int
    tos: int
    table: int
    protocol: int
    scope: int
    type: int
    flags: int
    dst: bytes | None
    src: bytes | None
    priority: int | None
    prefsrc: bytes | None
    metrics: bytes | None
    nh_id: int | None
    gateway: bytes | None
    via: bytes | None
    oif: int | None
    encap_type: int | None
    encap: bytes | None
    multipath: tuple[Hop, ...] | None


class Reading:
    """Reads messages that have their whole fixed header, in the byte order of the recorded machine."""

    def __init__(self, byteorder: Literal["little", "big"]) -> None:
        self._order = byteorder
        self._subjects: dict[int, Callable[[bytes], Subject | None]] = {
            RTM_NEWLINK: lambda message: link_subject(self._link(message)),
            RTM_NEWADDR: lambda message: address_subject(self._address(message)),
            RTM_NEWNEIGH: lambda message: neighbour_subject(self._neighbour(message)),
            RTM_NEWRULE: lambda message: rule_subject(self._rule(message)),
        }

    def subject(self, kind: int, message: bytes) -> Subject | None:
        """What a message is about, by the type that brings its kind (RTM_NEW*); see ``nlmon.objects.keys``."""
        if kind == RTM_NEWROUTE:
            route = self.route(message)
            group = route_group(route)
            return "route", (*group, hops_of(route)), group
        return self._subjects[kind](message)

    def is_partial(self, kind: int, message: bytes) -> bool:
        """Whether a message of family AF_UNSPEC describes only a part of a link."""
        if kind != RTM_NEWLINK or message[16]:
            return False
        # Nearly every message has its MTU, which stands near the beginning.
        mtu = attribute(message, NLMSG_HDRLEN + IFINFOMSG, len(message), self._order, IFLA_MTU)
        return mtu is None and is_partial_link(self._link(message))

    def completed(self, kind: int, before: bytes, message: bytes) -> bytes:
        """A NEW message with what it leaves out of the one ``before``, if there was one."""
        if before and self.is_partial(kind, message):
            return before[:24] + message[24:28] + before[28:]
        if before and kind == RTM_NEWNEIGH and is_echo(self._neighbour(before), self._neighbour(message)):
            return before
        return message

    def index(self, message: bytes) -> int:
        """The index of the interface in the header of a link, an address or a neighbour."""
        return int.from_bytes(message[20:24], self._order, signed=True)

    def route(self, message: bytes) -> Route:
        """The values of a route."""
        values = self._values(message, RTMSG)
        family, dst_len, src_len, tos, table, protocol, scope, type_ = message[16:24]
        wide, hops = self._number(values, RTA_TABLE), values.get(RTA_MULTIPATH)
        return Route(
            *(family, dst_len, src_len, tos, table if wide is None else wide, protocol, scope, type_),
            flags=int.from_bytes(message[24:28], self._order),
            dst=values.get(RTA_DST),
            src=values.get(RTA_SRC),
            priority=self._number(values, RTA_PRIORITY),
            prefsrc=values.get(RTA_PREFSRC),
            metrics=values.get(RTA_METRICS),
            nh_id=self._number(values, RTA_NH_ID),
            gateway=values.get(RTA_GATEWAY),
            via=values.get(RTA_VIA),
            oif=self._number(values, RTA_OIF),
            encap_type=self._number(values, RTA_ENCAP_TYPE, 2),
            encap=values.get(RTA_ENCAP),
            multipath=None if hops is None else tuple([self._hop(hops, *place) for place in self._hops(hops)]),
        )

    def _hops(self, hops: bytes) -> list[tuple[int, int]]:
        return list(next_hops(hops, self._order))

    def _hop(self, hops: bytes, begin: int, end: int) -> Hop:
        values = self._attributes(hops, begin + RTNEXTHOP, end)
        index = int.from_bytes(hops[begin + 4 : begin + RTNEXTHOP], self._order, signed=True)
        return Hop(
            *(index, hops[begin + 3] + 1, hops[begin + 2], values.get(RTA_GATEWAY), values.get(RTA_VIA)),
            encap_type=self._number(values, RTA_ENCAP_TYPE, 2),
            encap=values.get(RTA_ENCAP),
        )

    def _link(self, message: bytes) -> Link:
        values = self._values(message, IFINFOMSG)
        told = [values.get(number) for number in (IFLA_MTU, IFLA_OPERSTATE, IFLA_TARGET_NETNSID)]
        return Link(message[16], self.index(message), *told)

    def _address(self, message: bytes) -> Address:
        values = self._values(message, IFADDRMSG)
        local, address = values.get(IFA_LOCAL), values.get(IFA_ADDRESS)
        own = address if local is None else local
        peer = None if local is None or local == address else address
        return Address(message[16], self.index(message), own, message[17], peer, values.get(IFA_TARGET_NETNSID))

    def _neighbour(self, message: bytes) -> Neighbour:
        values = self._values(message, NDMSG)
        lladdr = values.get(NDA_LLADDR)
        return Neighbour(
            *(message[16], self.index(message), message[26], values.get(NDA_DST)),
            lladdr=None if lladdr is None else lladdr.hex(":"),
            vlan=values.get(NDA_VLAN),
            master=self._number(values, NDA_MASTER),
            vni=values.get(NDA_VNI),
            src_vni=values.get(NDA_SRC_VNI),
            port=values.get(NDA_PORT),
        )

    def _rule(self, message: bytes) -> Rule:
        values = self._values(message, FIB_RULE_HDR)
        family, dst_len, src_len, tos, table, _, _, action = message[16:24]
        wide = self._number(values, FRA_TABLE)
        head = (family, dst_len, src_len, tos, table if wide is None else wide, action)
        selectors = [values.get(number) for number in RULE.values()]
        return Rule(*head, int.from_bytes(message[24:28], self._order), *selectors)

    def _values(self, message: bytes, header: int) -> Values:
        return self._attributes(message, NLMSG_HDRLEN + header, len(message))

    def _attributes(self, data: bytes, begin: int, end: int) -> Values:
        places = attributes(data, begin, end, self._order)
        return {number: data[start:stop] for number, (start, stop) in places.items()}

    def _number(self, values: Values, number: int, size: int = 4) -> int | None:
        value = values.get(number)
        return None if value is None or len(value) < size else int.from_bytes(value[:size], self._order)
