"""Claims about what NETLINK_ROUTE gives: links, addresses, routes, neighbours and rules.

Not here: damaged messages (``test_reading``).
"""

from __future__ import annotations

from nlmon.conformance.claim import by_design, claim, not_applicable
from nlmon.conformance.monitor import Start
from nlmon.events import RuleInfo
from nlmon.testing.messages import addr, attr, link, message, neigh, nested, number, route
from nlmon.testing.transport import ROUTE, FakeKernel
from nlmon.uapi import RTM_NEWADDR, RTM_NEWLINK, RTM_NEWNEIGH, RTM_NEWROUTE, RTM_NEWRULE

__all__ = ()

LIMITED = by_design("its events have the fields of the guide's structures alone")
MAC = bytes.fromhex("020000000001")


def rule(family: int, priority: int) -> bytes:
    """The body of a message: ``fib_rule_hdr`` that looks table main up, FRA_PRIORITY."""
    return number("BBBBBBBBI", family, 0, 0, 0, 254, 0, 0, 1, 0) + attr(6, number("I", priority))


@claim(
    "route.header",
    "An event carries the protocol, type, flags, sequence number and port of its message.",
    source="guide#event-structure-changes",
)
def test_header(start: Start) -> None:
    (event,) = start(ROUTE).receive(message(RTM_NEWLINK, link(3, "lan0"), flags=0x600, seq=7, pid=4321))
    assert (event.protocol, event.msg_type, event.msg_flags, event.seq, event.pid) == (ROUTE, 16, 0x600, 7, 4321)


@claim(
    "route.link",
    "A link event has the index, flags, name, MTU, address, queueing discipline and operational state.",
    source="guide#event-structure-changes; linux/if_link.h",
)
def test_link(start: Start) -> None:
    body = number("BxHiII", 0, 1, 3, 0x1043, 0) + attr(1, MAC) + attr(3, b"lan0\0") + attr(4, number("I", 1400))
    found = start(ROUTE).payload(message(RTM_NEWLINK, body + attr(6, b"fq\0") + attr(16, b"\6")))
    values = found.ifindex, found.flags, found.ifname, found.mtu, found.addr, found.qdisc, found.operstate
    assert values == (3, 0x1043, "lan0", 1400, "02:00:00:00:00:01", "fq", 6)


@claim(
    "route.link.kind",
    "A link event says what type and kind of device it is, and of which bridge or bond it is a part.",
    source="guide#event-structure-changes; linux/if_link.h",
    legacy=LIMITED,
)
def test_link_kind(start: Start) -> None:
    body = link(3, "br0.5") + attr(10, number("I", 9)) + nested(18, attr(1, b"vlan\0"))
    found = start(ROUTE).payload(message(RTM_NEWLINK, body))
    assert (found.type, found.kind, found.master) == (1, "vlan", 9)


@claim(
    "route.link.altnames",
    "A link event has the alternative names of the link.",
    source="guide#event-structure-changes; ip-link(8)",
    legacy=LIMITED,
)
def test_altnames(start: Start) -> None:
    assert start(ROUTE).payload(message(RTM_NEWLINK, link(3, "lan0", altnames=("a", "b")))).altnames == ("a", "b")


@claim(
    "route.link.port",
    "A message about a bridge port can be distinguished from one about the link: it has the family AF_BRIDGE.",
    source="guide#event-structure-changes; linux/if_bridge.h",
)
def test_bridge_port(start: Start) -> None:
    monitor = start(ROUTE)
    assert [monitor.payload(message(17, link(3, "lan0", family=one))).family for one in (0, 7)] == [0, 7]


@claim(
    "route.link.address",
    "A link-layer address of any length is given whole.",
    source="guide#event-structure-changes; linux/if_infiniband.h",
)
def test_long_address(start: Start) -> None:
    monitor = start(ROUTE)
    sizes = (4, 6, 16, 20)
    found = [monitor.payload(message(RTM_NEWLINK, link(3, "ib0") + attr(1, bytes(range(size))))).addr for size in sizes]
    assert found == [bytes(range(size)).hex(":") for size in sizes]


@claim(
    "route.addr",
    "An address event has the family, index, prefix length, scope, address and label.",
    source="guide#event-structure-changes; linux/if_addr.h",
)
def test_addr(start: Start) -> None:
    own = bytes((192, 0, 2, 1))
    body = number("BBBBI", 2, 24, 0, 253, 3) + attr(1, own) + attr(2, own) + attr(3, b"lan0:1\0")
    found = start(ROUTE).payload(message(RTM_NEWADDR, body))
    values = found.family, found.ifindex, found.prefixlen, found.scope, found.addr, found.label
    assert values == (2, 3, 24, 253, "192.0.2.1", "lan0:1")


@claim(
    "route.addr.own",
    "The address of a point-to-point link is its own, and the other side's is the peer.",
    source="guide#event-structure-changes; decision 4",
)
def test_own_address(start: Start) -> None:
    body = number("BBBBI", 2, 32, 0, 0, 3) + attr(1, bytes((10, 0, 0, 2))) + attr(2, bytes((10, 0, 0, 1)))
    found = start(ROUTE).payload(message(RTM_NEWADDR, body))
    assert (found.addr, found.peer) == ("10.0.0.1", "10.0.0.2")


@claim(
    "route.addr.lifetime",
    "An address event says how long the address is valid and preferred.",
    source="guide#event-structure-changes; linux/if_addr.h",
    legacy=LIMITED,
)
def test_lifetimes(start: Start) -> None:
    found = start(ROUTE).payload(
        message(RTM_NEWADDR, addr(3, "2001:db8::1", 64) + attr(6, number("IIII", 600, 1800, 0, 0)))
    )
    assert (found.preferred_lifetime, found.valid_lifetime) == (600, 1800)


@claim(
    "route.route",
    "A route event has the family, destination, gateway, interface, priority, protocol, scope, type and table.",
    source="guide#event-structure-changes; linux/rtnetlink.h",
)
def test_route(start: Start) -> None:
    found = start(ROUTE).payload(message(RTM_NEWROUTE, route("198.51.100.0/24", 3, "192.0.2.1", metric=20)))
    values = (found.family, found.dst, found.dst_len, found.gateway, found.oif, found.priority)
    assert values == (2, "198.51.100.0", 24, "192.0.2.1", 3, 20)
    assert (found.protocol, found.scope, found.type, found.table) == (3, 0, 1, 254)


@claim(
    "route.route.table",
    "A route's table may have a number above 255.",
    source="decision 8; linux/rtnetlink.h",
)
def test_table(start: Start) -> None:
    found = start(ROUTE).payload(message(RTM_NEWROUTE, route("10.0.0.0/8", 3) + attr(15, number("I", 100_000))))
    assert found.table == 100_000


@claim(
    "route.route.hops",
    "A route with several hops has each with its interface, gateway and weight.",
    source="decision 8; ip-route(8)",
)
def test_hops(start: Start) -> None:
    hops = [
        number("HBBI", 16, 0, weight - 1, index) + attr(5, bytes((192, 0, 2, index)))
        for index, weight in ((3, 1), (4, 5))
    ]
    header = number("BBBBBBBBI", 2, 8, 0, 0, 254, 3, 0, 1, 0) + attr(1, bytes((10, 0, 0, 0)))
    found = start(ROUTE).payload(message(RTM_NEWROUTE, header + attr(9, b"".join(hops))))
    assert [(hop.ifindex, hop.gateway, hop.weight) for hop in found.multipath] == [
        (3, "192.0.2.3", 1),
        (4, "192.0.2.4", 5),
    ]


@claim(
    "route.route.via",
    "A gateway of another family than the route's is given.",
    source="decision 8; ip-route(8)",
)
def test_via(start: Start) -> None:
    via = number("H", 10) + bytes.fromhex("fd000000000000000000000000000001")
    found = start(ROUTE).payload(message(RTM_NEWROUTE, route("10.0.0.0/8", 3) + attr(18, via)))
    assert found.via == "inet6 fd00::1"


@claim(
    "route.neigh",
    "A neighbour event has the family, index, state, flags, address and link-layer address.",
    source="guide#event-structure-changes; linux/neighbour.h",
)
def test_neigh(start: Start) -> None:
    found = start(ROUTE).payload(message(RTM_NEWNEIGH, neigh(3, "2001:db8::1") + attr(2, MAC)))
    values = found.family, found.ifindex, found.state, found.flags, found.dst, found.lladdr
    assert values == (10, 3, 2, 0, "2001:db8::1", "02:00:00:00:00:01")


@claim(
    "route.neigh.vlan",
    "An entry of a bridge's forwarding database has its VLAN.",
    source="decision 8; bridge(8)",
)
def test_forwarding(start: Start) -> None:
    body = number("BxxxiHBB", 7, 3, 0x80, 0, 0) + attr(2, MAC) + attr(5, number("H", 40))
    found = start(ROUTE).payload(message(RTM_NEWNEIGH, body))
    assert (found.family, found.lladdr, found.vlan) == (7, "02:00:00:00:00:01", 40)


@claim(
    "route.rule",
    "Rules of IPv4 and of IPv6 give events with their priority, table and action.",
    source="guide#compatibility-layer; decision 7; decision 8",
)
def test_rules(start: Start) -> None:
    monitor = start(ROUTE)
    found = [monitor.payload(message(RTM_NEWRULE, rule(family, 1000 + family))) for family in (2, 10)]
    assert all(isinstance(one, RuleInfo) for one in found)
    assert [(one.family, one.priority, one.table, one.action) for one in found] == [
        (2, 1002, 254, 1),
        (10, 1010, 254, 1),
    ]


@claim(
    "route.interface",
    "An event about an address, a route or a neighbour names the interface.",
    source="guide#event-structure-changes",
)
def test_interface(start: Start) -> None:
    kernel = FakeKernel()
    kernel.names[3] = "lan0"
    bodies = (
        (RTM_NEWADDR, addr(3, "192.0.2.1")),
        (RTM_NEWROUTE, route("10.0.0.0/8", 3)),
        (RTM_NEWNEIGH, neigh(3, "192.0.2.2")),
    )
    events = start(ROUTE, kernel=kernel).receive(*(message(*one) for one in bodies))
    assert [event.interface for event in events] == ["lan0", "lan0", "lan0"]


@claim(
    "route.interface.message",
    "A link event is named by its message, which is of then, and not by the kernel, which is of now.",
    source="guide#event-structure-changes; decision 17",
)
def test_name_of_then(start: Start) -> None:
    kernel = FakeKernel()
    kernel.names[3] = "renamed"
    (event,) = start(ROUTE, kernel=kernel).receive(message(RTM_NEWLINK, link(3, "lan0")))
    assert (event.interface, kernel.names_asked) == ("lan0", [])


@claim(
    "route.request",
    "What programs ask of the kernel gives events, too, where it has the whole header; else it is no error.",
    source="guide#compatibility-layer; decision 6",
)
def test_requests(start: Start) -> None:
    monitor = start(ROUTE)
    events = monitor.receive(
        *(message(kind, link(3, "lan0"), flags=1) for kind in (18, 19)), message(18, b"\0", flags=0x301)
    )
    assert ([event.msg_type for event in events], monitor.errors) == ([18, 19], [])


@claim(
    "route.delete",
    "What goes gives an event with the same fields as what comes.",
    source="guide#event-structure-changes; rtnetlink(7)",
)
def test_delete(start: Start) -> None:
    bodies = {
        RTM_NEWLINK: link(3, "lan0"),
        RTM_NEWADDR: addr(3, "192.0.2.1"),
        RTM_NEWROUTE: route("10.0.0.0/8", 3),
        RTM_NEWNEIGH: neigh(3, "192.0.2.2"),
        RTM_NEWRULE: rule(2, 100),
    }
    monitor = start(ROUTE)
    new = [monitor.payload(message(kind, body)) for kind, body in bodies.items()]
    gone = [monitor.payload(message(kind + 1, body)) for kind, body in bodies.items()]
    assert gone == new


@claim(
    "route.extra",
    "The groups tc, prefix, netconf, mdb, nsid, nexthop and stats are joined when they are asked for.",
    source="guide#libnl-specific-options; linux/rtnetlink.h",
    legacy=by_design("it joins the groups of links, addresses, routes, neighbours and rules alone"),
)
def test_extra_groups(start: Start) -> None:
    names = ("tc", "prefix", "netconf", "mdb", "nsid", "nexthop", "stats")
    joined = [start(ROUTE, extra_groups=(name,)).kernel.groups() - start(ROUTE).kernel.groups() for name in names]
    assert joined == [{4}, {18}, {24, 25, 29}, {26}, {28}, {32}, {36}]


@claim(
    "route.extra.nexthop",
    "Nexthop objects give events when the group nexthop is asked for.",
    source="guide#libnl-specific-options; ip-nexthop(8)",
    legacy=by_design("it joins the groups of links, addresses, routes, neighbours and rules alone"),
)
def test_nexthop(start: Start) -> None:
    monitor = start(ROUTE, extra_groups=("nexthop",))
    assert 32 in monitor.kernel.groups()
    assert monitor.payload(message(104, number("BBBBI", 2, 0, 3, 0, 0) + attr(1, number("I", 77)))).id == 77


@claim(
    "route.order.big",
    "Messages of a big-endian machine are read as those of a little-endian one.",
    source="netlink(7)",
)
def test_big_endian(start: Start) -> None:
    kernel = FakeKernel()
    kernel.byteorder = "big"
    header = number("BxHiII", 0, 1, 3, 1, 0, byteorder="big")
    rows = attr(3, b"lan0\0", "big") + attr(4, number("I", 9000, byteorder="big"), "big")
    found = start(ROUTE, kernel=kernel).payload(message(RTM_NEWLINK, header + rows, byteorder="big"))
    assert (found.ifindex, found.ifname, found.mtu) == (3, "lan0", 9000)


@claim(
    "route.groups",
    "The groups of links, neighbours, addresses, routes and rules are joined, of IPv4 and of IPv6.",
    source="guide#common-options-both-implementations; decision 7; linux/rtnetlink.h",
)
def test_groups(start: Start) -> None:
    assert start(ROUTE).kernel.groups() == {1, 3, 5, 7, 8, 9, 11, 19}


@claim(
    "route.groups.unknown",
    "A group that is not known by name is refused when the monitor is made.",
    source="guide#libnl-specific-options",
    legacy=not_applicable("groups cannot be chosen"),
)
def test_unknown_group(start: Start) -> None:
    codes = []
    try:
        start(extra_groups=("nexthops",))
    except Exception as error:
        codes.append(getattr(error, "code", ""))
    assert codes == ["NLM-B005"]
