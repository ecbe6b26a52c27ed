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

from nlmon import uapi
from nlmon.framing import align, attributes, next_hops, nlattr
from nlmon.objects.nexthops import GroupHop, Nexthop
from nlmon.objects.partial import PARTIAL_LINK, is_echo, is_partial_link
from nlmon.transport.recorded.values import Address, Hop, Link, Neighbour, Route, Rule, Value

__all__ = ["FAMILY", "FLAGS", "NDM_FLAGS", "MessageReader", "index_of"]

Values: TypeAlias = Mapping[int, bytes]
# Where the address family stands, and the index of an interface in ifinfomsg, ifaddrmsg and ndmsg; the flags in
# ifinfomsg, rtmsg and fib_rule_hdr, and those in ndmsg.
FAMILY, INDEX, FLAGS, NDM_FLAGS = uapi.NLMSG_HDRLEN, slice(20, 24), slice(24, 28), 26
# By the name of the value for which ``nlmon.objects.keys`` asks; the header is read apart.
RULE = {
    "priority": uapi.FRA_PRIORITY,
    "src": uapi.FRA_SRC,
    "dst": uapi.FRA_DST,
    "iifname": uapi.FRA_IIFNAME,
    "oifname": uapi.FRA_OIFNAME,
    "fwmark": uapi.FRA_FWMARK,
    "fwmask": uapi.FRA_FWMASK,
    "ip_proto": uapi.FRA_IP_PROTO,
    "sport_range": uapi.FRA_SPORT_RANGE,
    "dport_range": uapi.FRA_DPORT_RANGE,
    "uid_range": uapi.FRA_UID_RANGE,
    "tun_id": uapi.FRA_TUN_ID,
    "l3mdev": uapi.FRA_L3MDEV,
    "goto": uapi.FRA_GOTO,
    "suppress_prefixlen": uapi.FRA_SUPPRESS_PREFIXLEN,
    "suppress_ifgroup": uapi.FRA_SUPPRESS_IFGROUP,
    "flow": uapi.FRA_FLOW,
    "protocol": uapi.FRA_PROTOCOL,
    "dscp": uapi.FRA_DSCP,
    "flowlabel": uapi.FRA_FLOWLABEL,
    "flowlabel_mask": uapi.FRA_FLOWLABEL_MASK,
    "sport_mask": uapi.FRA_SPORT_MASK,
    "dport_mask": uapi.FRA_DPORT_MASK,
    "dscp_mask": uapi.FRA_DSCP_MASK,
}


def index_of(message: bytes, byteorder: Literal["little", "big"]) -> int:
    """The index of the interface in the header of a link, an address or a neighbour."""
    return int.from_bytes(message[INDEX], byteorder, signed=True)


class MessageReader:
    """Reads messages that have their whole fixed header, in the byte order of the recorded machine."""

    def __init__(self, byteorder: Literal["little", "big"]) -> None:
        self._order = byteorder
        self._readers: dict[int, Callable[[bytes], Value]] = {
            uapi.RTM_NEWLINK: self._link,
            uapi.RTM_NEWADDR: self.address,
            uapi.RTM_NEWNEIGH: self._neighbour,
            uapi.RTM_NEWRULE: self._rule,
            uapi.RTM_NEWROUTE: self.route,
        }

    def read(self, kind: int, message: bytes) -> Value:
        """The values of a message, by the type that brings its kind (RTM_NEW*)."""
        return self._readers[kind](message)

    def is_partial(self, value: Value) -> bool:
        """Whether a NEW message of family AF_UNSPEC describes only a part of a link."""
        return isinstance(value, Link) and value.family == uapi.AF_UNSPEC and is_partial_link(value)

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
        begin = uapi.NLMSG_HDRLEN + uapi.IFINFOMSG
        at, end = attributes(before, begin, len(before), self._order).get(
            uapi.IFLA_IFNAME, (begin + uapi.NLA_HDRLEN, begin)
        )
        padded = link.ifname + bytes(-len(link.ifname) % 4)
        own = nlattr(self._order).pack(uapi.NLA_HDRLEN + len(link.ifname), uapi.IFLA_IFNAME) + padded
        body = before[4 : at - uapi.NLA_HDRLEN] + own + before[align(end) :]
        return (len(body) + 4).to_bytes(4, self._order) + body

    def without(self, message: bytes, header: int, number: int) -> bytes:
        """A message without an attribute that it has, behind its fixed header."""
        begin, end = attributes(message, uapi.NLMSG_HDRLEN + header, len(message), self._order)[number]
        body = message[4 : begin - uapi.NLA_HDRLEN] + message[align(end) :]
        return (len(body) + 4).to_bytes(4, self._order) + body

    def without_hops(self, message: bytes, gone: Container[int]) -> bytes:
        """A route without the hops at some places. One of IPv4 with one hop left is a route over that alone."""
        hops = self._values(message, uapi.RTMSG)[uapi.RTA_MULTIPATH]
        left = [one for place, one in enumerate(self._hops(hops)) if place not in gone]
        body, pack = self.without(message, uapi.RTMSG, uapi.RTA_MULTIPATH)[4:], nlattr(self._order).pack
        body += bytes(-len(body) % 4)
        if message[FAMILY] == uapi.AF_INET and len(left) == 1:
            ((begin, end),) = left
            flags = int.from_bytes(body[20:24], self._order) | hops[begin + 2]
            body = body[:20] + flags.to_bytes(4, self._order) + body[24:]
            body += (
                pack(uapi.NLA_HDRLEN + 4, uapi.RTA_OIF)
                + hops[begin + 4 : begin + uapi.RTNEXTHOP]
                + hops[begin + uapi.RTNEXTHOP : end]
            )
        else:
            several = b"".join(hops[begin:end] + bytes(-(end - begin) % 4) for begin, end in left)
            body += pack(uapi.NLA_HDRLEN + len(several), uapi.RTA_MULTIPATH) + several
        return (len(body) + 4).to_bytes(4, self._order) + body

    def nexthop(self, kind: int, message: bytes) -> Nexthop | None:
        """What a message of a kind says of a nexthop object; None: not of which."""
        values = self._values(message, uapi.NHMSG)
        number, members = self._number(values, uapi.NHA_ID), values.get(uapi.NHA_GROUP)
        weights = None
        if members is not None:
            # Of struct nexthop_grp the weight less 1, of which a hop of a route has the lower byte.
            weights = tuple(
                members[at + 4] + 1 for at in range(0, len(members) - uapi.NEXTHOP_GRP + 1, uapi.NEXTHOP_GRP)
            )
        oif, gateway = self._number(values, uapi.NHA_OIF), values.get(uapi.NHA_GATEWAY)
        return None if number is None else Nexthop(number, kind == uapi.RTM_DELNEXTHOP, weights, oif, gateway)

    def gateway(self, hop: GroupHop) -> bytes | None:
        """The bytes of the gateway of a hop, which in RTA_VIA stand behind its family."""
        gateway, via = hop.gateway, hop.via
        found = via[2:] if gateway is None and isinstance(via, bytes) else gateway
        return found if isinstance(found, bytes) else None

    def index(self, message: bytes) -> int:
        """The index of the interface in the header of a link, an address or a neighbour."""
        return index_of(message, self._order)

    def route(self, message: bytes) -> Route:
        """The values of a route."""
        values = self._values(message, uapi.RTMSG)
        family, dst_len, src_len, tos, table, protocol, scope, type_ = message[16:24]
        wide, hops = self._number(values, uapi.RTA_TABLE), values.get(uapi.RTA_MULTIPATH)
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
            dst=values.get(uapi.RTA_DST),
            src=values.get(uapi.RTA_SRC),
            priority=self._number(values, uapi.RTA_PRIORITY),
            prefsrc=values.get(uapi.RTA_PREFSRC),
            metrics=values.get(uapi.RTA_METRICS),
            nh_id=self._number(values, uapi.RTA_NH_ID),
            gateway=values.get(uapi.RTA_GATEWAY),
            via=values.get(uapi.RTA_VIA),
            oif=self._number(values, uapi.RTA_OIF),
            encap_type=self._number(values, uapi.RTA_ENCAP_TYPE, 2),
            encap=values.get(uapi.RTA_ENCAP),
            multipath=None if hops is None else tuple([self._hop(hops, *place) for place in self._hops(hops)]),
        )

    def _hops(self, hops: bytes) -> list[tuple[int, int]]:
        return list(next_hops(hops, self._order))

    def _hop(self, hops: bytes, begin: int, end: int) -> Hop:
        values = self._attributes(hops, begin + uapi.RTNEXTHOP, end)
        index = int.from_bytes(hops[begin + 4 : begin + uapi.RTNEXTHOP], self._order, signed=True)
        return Hop(
            ifindex=index,
            weight=hops[begin + 3] + 1,
            flags=hops[begin + 2],
            gateway=values.get(uapi.RTA_GATEWAY),
            via=values.get(uapi.RTA_VIA),
            encap_type=self._number(values, uapi.RTA_ENCAP_TYPE, 2),
            encap=values.get(uapi.RTA_ENCAP),
        )

    def _link(self, message: bytes) -> Link:
        values = self._values(message, uapi.IFINFOMSG)
        return Link(
            family=message[FAMILY],
            ifindex=self.index(message),
            ifname=values.get(uapi.IFLA_IFNAME),
            mtu=values.get(uapi.IFLA_MTU),
            operstate=values.get(uapi.IFLA_OPERSTATE),
            target_netnsid=values.get(uapi.IFLA_TARGET_NETNSID),
        )

    def address(self, message: bytes) -> Address:
        """The values of an address."""
        values = self._values(message, uapi.IFADDRMSG)
        local, address = values.get(uapi.IFA_LOCAL), values.get(uapi.IFA_ADDRESS)
        own = address if local is None else local
        peer = None if local is None or local == address else address
        return Address(
            family=message[FAMILY],
            ifindex=self.index(message),
            addr=own,
            prefixlen=message[17],
            peer=peer,
            target_netnsid=values.get(uapi.IFA_TARGET_NETNSID),
        )

    def _neighbour(self, message: bytes) -> Neighbour:
        values = self._values(message, uapi.NDMSG)
        lladdr = values.get(uapi.NDA_LLADDR)
        return Neighbour(
            family=message[FAMILY],
            ifindex=self.index(message),
            flags=message[NDM_FLAGS],
            dst=values.get(uapi.NDA_DST),
            lladdr=None if lladdr is None else lladdr.hex(":"),
            vlan=values.get(uapi.NDA_VLAN),
            master=self._number(values, uapi.NDA_MASTER),
            vni=values.get(uapi.NDA_VNI),
            src_vni=values.get(uapi.NDA_SRC_VNI),
            port=values.get(uapi.NDA_PORT),
        )

    def _rule(self, message: bytes) -> Rule:
        values = self._values(message, uapi.FIB_RULE_HDR)
        family, dst_len, src_len, tos, table, _, _, action = message[16:24]
        wide = self._number(values, uapi.FRA_TABLE)
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
        return self._attributes(message, uapi.NLMSG_HDRLEN + header, len(message))

    def _attributes(self, data: bytes, begin: int, end: int) -> Values:
        places = attributes(data, begin, end, self._order)
        return {number: data[start:stop] for number, (start, stop) in places.items()}

    def _number(self, values: Values, number: int, size: int = 4) -> int | None:
        value = values.get(number)
        return None if value is None or len(value) < size else int.from_bytes(value[:size], self._order)
