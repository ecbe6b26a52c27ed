"""What messages of the route protocol are about: the values that their objects are known by, read from the bytes.

Rules of this file:
1. Only what ``nlmon.objects.keys`` asks for is read, and it stays bytes where it is compared and nothing else. Nothing
   is shared with an implementation.
2. An attribute that is too short for its number is not there.

Not here: the values (``values``), and keeping objects (``objects``).
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from typing import Literal, TypeAlias

from nlmon.framing import align, attributes, next_hops, nlattr
from nlmon.objects.nexthops import GroupHop, Nexthop
from nlmon.objects.partial import PARTIAL_LINK, is_echo, is_partial_link
from nlmon.transport.recorded.values import Address, Hop, Link, Neighbour, Route, Rule, Value
from nlmon.uapi import (
    AF_INET,
    AF_UNSPEC,
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
    IFLA_IFNAME,
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
    NEXTHOP_GRP,
    NHA_GATEWAY,
    NHA_GROUP,
    NHA_ID,
    NHA_OIF,
    NHMSG,
    NLA_HDRLEN,
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
    RTM_DELNEXTHOP,
    RTM_NEWADDR,
    RTM_NEWLINK,
    RTM_NEWNEIGH,
    RTM_NEWROUTE,
    RTM_NEWRULE,
    RTMSG,
    RTNEXTHOP,
)

__all__ = ["FAMILY", "FLAGS", "NDM_FLAGS", "MessageReader"]

Values: TypeAlias = Mapping[int, bytes]
# Where the address family stands, and the index of an interface in ifinfomsg, ifaddrmsg and ndmsg; the flags in
# ifinfomsg, rtmsg and fib_rule_hdr, and those in ndmsg.
FAMILY, INDEX, FLAGS, NDM_FLAGS = NLMSG_HDRLEN, slice(20, 24), slice(24, 28), 26
# By the name of the value for which ``nlmon.objects.keys`` asks; the header is read apart.
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


class MessageReader:
    """Reads messages that have their whole fixed header, in the byte order of the recorded machine."""

    def __init__(self, byteorder: Literal["little", "big"]) -> None:
        self._order = byteorder
        self._readers: dict[int, Callable[[bytes], Value]] = {
            RTM_NEWLINK: self._link,
            RTM_NEWADDR: self.address,
            RTM_NEWNEIGH: self._neighbour,
            RTM_NEWRULE: self._rule,
            RTM_NEWROUTE: self.route,
        }

    def read(self, kind: int, message: bytes) -> Value:
        """The values of a message, by the type that brings its kind (RTM_NEW*)."""
        return self._readers[kind](message)

    def is_partial(self, value: Value) -> bool:
        """Whether a NEW message of family AF_UNSPEC describes only a part of a link."""
        return isinstance(value, Link) and value.family == AF_UNSPEC and is_partial_link(value)

    def completed(self, before: bytes, message: bytes, value: Value) -> bytes:
        """A NEW message, of which ``value`` was read, with what it leaves out of the one ``before``."""
        if isinstance(value, Link) and self.is_partial(value):
            for name in PARTIAL_LINK:
                before = self._written(name, before, message, value)
            return before
        if isinstance(value, Neighbour) and value.dst is None and is_echo(self._neighbour(before), value):
            return before
        return message

    def _written(self, name: str, before: bytes, message: bytes, link: Link) -> bytes:
        """A message of a link with one value of a later one."""
        if name == "flags":
            return before[: FLAGS.start] + message[FLAGS] + before[FLAGS.stop :]
        if link.ifname is None:
            return before
        begin = NLMSG_HDRLEN + IFINFOMSG
        at, end = attributes(before, begin, len(before), self._order).get(IFLA_IFNAME, (begin + NLA_HDRLEN, begin))
        padded = link.ifname + bytes(-len(link.ifname) % 4)
        own = nlattr(self._order).pack(NLA_HDRLEN + len(link.ifname), IFLA_IFNAME) + padded
        body = before[4 : at - NLA_HDRLEN] + own + before[align(end) :]
        return (len(body) + 4).to_bytes(4, self._order) + body

    def without(self, message: bytes, header: int, number: int) -> bytes:
        """A message without an attribute that it has, behind its fixed header."""
        begin, end = attributes(message, NLMSG_HDRLEN + header, len(message), self._order)[number]
        body = message[4 : begin - NLA_HDRLEN] + message[align(end) :]
        return (len(body) + 4).to_bytes(4, self._order) + body

    def without_hops(self, message: bytes, gone: Container[int]) -> bytes:
        """A route without the hops at some places. One of IPv4 with one hop left is a route over that alone."""
        hops = self._values(message, RTMSG)[RTA_MULTIPATH]
        left = [one for place, one in enumerate(self._hops(hops)) if place not in gone]
        body, pack = self.without(message, RTMSG, RTA_MULTIPATH)[4:], nlattr(self._order).pack
        body += bytes(-len(body) % 4)
        if message[FAMILY] == AF_INET and len(left) == 1:
            ((begin, end),) = left
            flags = int.from_bytes(body[20:24], self._order) | hops[begin + 2]
            body = body[:20] + flags.to_bytes(4, self._order) + body[24:]
            body += pack(NLA_HDRLEN + 4, RTA_OIF) + hops[begin + 4 : begin + RTNEXTHOP] + hops[begin + RTNEXTHOP : end]
        else:
            several = b"".join(hops[begin:end] + bytes(-(end - begin) % 4) for begin, end in left)
            body += pack(NLA_HDRLEN + len(several), RTA_MULTIPATH) + several
        return (len(body) + 4).to_bytes(4, self._order) + body

    def nexthop(self, kind: int, message: bytes) -> Nexthop | None:
        """What a message of a kind says of a nexthop object; None: not of which."""
        values = self._values(message, NHMSG)
        number, members = self._number(values, NHA_ID), values.get(NHA_GROUP)
        weights = None
        if members is not None:
            # Of struct nexthop_grp the weight less 1, of which a hop of a route has the lower byte.
            weights = tuple(members[at + 4] + 1 for at in range(0, len(members) - NEXTHOP_GRP + 1, NEXTHOP_GRP))
        oif, gateway = self._number(values, NHA_OIF), values.get(NHA_GATEWAY)
        return None if number is None else Nexthop(number, kind == RTM_DELNEXTHOP, weights, oif, gateway)

    def gateway(self, hop: GroupHop) -> bytes | None:
        """The bytes of the gateway of a hop, which in RTA_VIA stand behind its family."""
        gateway, via = hop.gateway, hop.via
        found = via[2:] if gateway is None and isinstance(via, bytes) else gateway
        return found if isinstance(found, bytes) else None

    def index(self, message: bytes) -> int:
        """The index of the interface in the header of a link, an address or a neighbour."""
        return int.from_bytes(message[INDEX], self._order, signed=True)

    def route(self, message: bytes) -> Route:
        """The values of a route."""
        values = self._values(message, RTMSG)
        family, dst_len, src_len, tos, table, protocol, scope, type_ = message[16:24]
        wide, hops = self._number(values, RTA_TABLE), values.get(RTA_MULTIPATH)
        return Route(
            family=family,
            dst_len=dst_len,
            src_len=src_len,
            tos=tos,
            table=table if wide is None else wide,
            protocol=protocol,
            scope=scope,
            type=type_,
            flags=int.from_bytes(message[FLAGS], self._order),
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
            ifindex=index,
            weight=hops[begin + 3] + 1,
            flags=hops[begin + 2],
            gateway=values.get(RTA_GATEWAY),
            via=values.get(RTA_VIA),
            encap_type=self._number(values, RTA_ENCAP_TYPE, 2),
            encap=values.get(RTA_ENCAP),
        )

    def _link(self, message: bytes) -> Link:
        values = self._values(message, IFINFOMSG)
        return Link(
            family=message[FAMILY],
            ifindex=self.index(message),
            ifname=values.get(IFLA_IFNAME),
            mtu=values.get(IFLA_MTU),
            operstate=values.get(IFLA_OPERSTATE),
            target_netnsid=values.get(IFLA_TARGET_NETNSID),
        )

    def address(self, message: bytes) -> Address:
        """The values of an address."""
        values = self._values(message, IFADDRMSG)
        local, address = values.get(IFA_LOCAL), values.get(IFA_ADDRESS)
        own = address if local is None else local
        peer = None if local is None or local == address else address
        return Address(
            family=message[FAMILY],
            ifindex=self.index(message),
            addr=own,
            prefixlen=message[17],
            peer=peer,
            target_netnsid=values.get(IFA_TARGET_NETNSID),
        )

    def _neighbour(self, message: bytes) -> Neighbour:
        values = self._values(message, NDMSG)
        lladdr = values.get(NDA_LLADDR)
        return Neighbour(
            family=message[FAMILY],
            ifindex=self.index(message),
            flags=message[NDM_FLAGS],
            dst=values.get(NDA_DST),
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
        return Rule(
            family=family,
            dst_len=dst_len,
            src_len=src_len,
            tos=tos,
            table=table if wide is None else wide,
            action=action,
            flags=int.from_bytes(message[FLAGS], self._order),
            **{name: values.get(number) for name, number in RULE.items()},
        )

    def _values(self, message: bytes, header: int) -> Values:
        return self._attributes(message, NLMSG_HDRLEN + header, len(message))

    def _attributes(self, data: bytes, begin: int, end: int) -> Values:
        places = attributes(data, begin, end, self._order)
        return {number: data[start:stop] for number, (start, stop) in places.items()}

    def _number(self, values: Values, number: int, size: int = 4) -> int | None:
        value = values.get(number)
        return None if value is None or len(value) < size else int.from_bytes(value[:size], self._order)
