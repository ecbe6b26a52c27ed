"""The final state: identity, replacement, and what the kernel changes in silence."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from nlmon.events import AddrInfo, Event, LinkInfo, NeighInfo, NextHop, Payload, RouteInfo, RoutePayload, RuleInfo
from nlmon.limits import PARTS_OF_ONE
from nlmon.objects.keys import hops_of, route_group
from nlmon.state import identity
from nlmon.state.describe import show_key
from nlmon.state.identity import forget_shared
from nlmon.state.tables import State

NEW, DEL = 0, 1
CREATE, EXCL, REPLACE, APPEND = 0x400, 0x200, 0x100, 0x800
BASE = {LinkInfo: 16, AddrInfo: 20, RouteInfo: 24, NeighInfo: 28, RuleInfo: 32}


def event(verb: int, payload: Payload, flags: int = 0, frame: int = 1) -> Event:
    """An event of one message."""
    return Event(0, 0, BASE[type(payload)] + verb, flags, 0, 0, frame, 0, None, payload)


def fold(*events: Event) -> State:
    """The state after these events."""
    state = State()
    for one in events:
        state.apply(one)
    return state


def link(index: int = 3, name: str = "d0", flags: int = 0x1, family: int = 0, **more: Any) -> LinkInfo:
    return LinkInfo(**{"family": family, "ifindex": index, "flags": flags, "ifname": name, "mtu": 1500, **more})


def addr(text: str = "192.0.2.1", index: int = 3, **more: Any) -> AddrInfo:
    return AddrInfo(**{"family": 2, "ifindex": index, "prefixlen": 24, "scope": 0, "addr": text, **more})


def route(gateway: str | None = "192.0.2.254", family: int = 2, **more: Any) -> RouteInfo:
    plain = {
        "family": family,
        "dst_len": 16,
        "src_len": 0,
        "tos": 0,
        "protocol": 3,
        "scope": 0,
        "type": 1,
        "flags": 0,
        "table": 254,
        "dst": "10.10.0.0" if family == 2 else "2001:db8::",
        "gateway": gateway,
        "oif": 3,
    }
    return RouteInfo(**{**plain, **more})


def neigh(dst: str | None = "192.0.2.9", family: int = 2, **more: Any) -> NeighInfo:
    return NeighInfo(**{"family": family, "ifindex": 3, "state": 2, "flags": 0, "dst": dst, **more})


PAYLOADS: dict[str, tuple[RoutePayload, ...]] = {
    "link": (link(), link(family=10)),
    "port": (link(family=7),),
    "addr": (addr(), addr("fe80::1", family=10), addr(family=0)),
    "route": (route(), route(family=10), route(multipath=(NextHop(3, 1, 0, "192.0.2.1"),))),
    "neigh": (neigh(), neigh(lladdr="02:00:00:00:00:01", family=7)),
}


@pytest.mark.parametrize("msg_type", [kind + verb for kind in BASE.values() for verb in (NEW, DEL)])
@pytest.mark.parametrize("kind", PAYLOADS)
def test_a_payload_of_another_type_than_its_message_breaks_nothing(msg_type: int, kind: str) -> None:
    """It is an object of the kind that the payload is, whatever an implementation calls the message."""
    state = fold(*(Event(0, 0, msg_type, 0, 0, 0, 1, 0, None, payload) for payload in PAYLOADS[kind]))

    assert {name for name, table in state.tables.items() if table} == (set() if msg_type % 4 else {kind})


def gateways(state: State) -> list[str | None]:
    """Gateways of all routes in the order of the table."""
    return [r.gateway for r in state.tables["route"].values() if isinstance(r, RouteInfo)]  # type: ignore[misc]


def test_leaving_a_bridge_leaves_the_link() -> None:
    """RTM_DELLINK of family AF_BRIDGE ends a port, and the interface lives on."""
    state = fold(event(NEW, link()), event(NEW, link(family=7)), event(DEL, link(family=7)))

    assert [len(state.tables["link"]), len(state.tables["port"])] == [1, 0]


def test_a_rename_is_the_same_link() -> None:
    """The interface index is the identity, the name an attribute."""
    state = fold(event(NEW, link(name="d0")), event(NEW, link(name="lan0")))

    assert [table.ifname for table in state.tables["link"].values()] == ["lan0"]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("first", "second", "count"),
    [
        (addr(), addr(), 1),
        (addr(), addr("192.0.2.2"), 2),
        (addr(), addr(prefixlen=25), 2),
        (addr(peer="192.0.2.7"), addr(peer="192.0.2.8"), 2),
        (addr(), addr(index=4), 2),
        (addr(label="a"), addr(label="b"), 1),
    ],
)
def test_identity_of_addresses(first: AddrInfo, second: AddrInfo, count: int) -> None:
    """An address is an interface, a family, an own address, a length and a peer."""
    assert len(fold(event(NEW, first), event(NEW, second)).tables["addr"]) == count


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (CREATE | REPLACE, ["192.0.2.252"]),
        (CREATE | APPEND, ["192.0.2.254", "192.0.2.252"]),
        (CREATE, ["192.0.2.252", "192.0.2.254"]),
    ],
)
def test_ipv4_routes_of_one_destination(flags: int, expected: list[str]) -> None:
    """Replace takes the place of the first, append and prepend stand beside it; none of them sends a DELROUTE."""
    state = fold(event(NEW, route(), CREATE | EXCL), event(NEW, route("192.0.2.252"), flags))

    assert sorted(map(str, gateways(state))) == sorted(expected)


def test_replace_after_prepend_replaces_the_prepended() -> None:
    """The kernel replaces the first route in its list, which prepend put in front."""
    state = fold(
        event(NEW, route("192.0.2.1"), CREATE | EXCL),
        event(NEW, route("192.0.2.2"), CREATE),
        event(NEW, route("192.0.2.3"), REPLACE),
    )

    assert sorted(map(str, gateways(state))) == ["192.0.2.1", "192.0.2.3"]


def test_deleting_one_of_two_routes_leaves_the_other() -> None:
    """RTM_DELROUTE names its next hop."""
    state = fold(
        event(NEW, route("192.0.2.1"), CREATE | EXCL),
        event(NEW, route("192.0.2.2"), CREATE | APPEND),
        event(DEL, route("192.0.2.1")),
    )

    assert gateways(state) == ["192.0.2.2"]


def test_ipv6_hops_are_routes_of_their_own() -> None:
    """A multipath message lists all siblings; a deletion names the hop that goes."""
    hops = (NextHop(3, 1, 0, "fe80::1"), NextHop(3, 1, 0, "fe80::2"), NextHop(3, 1, 0, "fe80::3"))
    state = fold(
        event(NEW, route("fe80::1", 10), CREATE | EXCL),
        event(NEW, route(None, 10, oif=None, multipath=hops), CREATE | APPEND),
        event(DEL, route("fe80::2", 10)),
    )

    assert sorted(map(str, gateways(state))) == ["fe80::1", "fe80::3"]


def test_cached_routes_are_no_state() -> None:
    """RTM_F_CLONED marks an entry of the route cache."""
    assert fold(event(NEW, route(flags=0x200))).tables["route"] == {}


@pytest.mark.parametrize("message", [18, 19, 22, 26, 30, 34])
def test_requests_change_nothing(message: int) -> None:
    """RTM_GET* and RTM_SETLINK ask; the answer is what counts."""
    state = State()
    state.apply(Event(0, 0, message, 0, 0, 0, 1, 0, None, link()))

    assert all(table == {} for table in state.tables.values())


def test_a_link_that_goes_down_takes_its_ipv4_routes() -> None:
    """The kernel flushes them without an event, except those of host scope; IPv6 routes are announced."""
    state = fold(
        event(NEW, link()),
        event(NEW, route()),
        event(NEW, route(None, type=2, scope=254, table=255, dst="192.0.2.1", dst_len=32)),
        event(NEW, route("fe80::1", 10)),
        event(NEW, link(flags=0), frame=9),
    )

    kept = sorted((r.family, r.table) for r in state.tables["route"].values())  # type: ignore[union-attr]
    assert kept == [(2, 255), (10, 254)]
    assert [(u.kind, u.change, u.frame) for u in state.unannounced] == [("route", "gone", 9)]


def test_a_link_that_is_down_has_no_ipv4_routes_whatever_was_held_of_it() -> None:
    """A message may follow a dump that saw the link down already, and a route that was there before that."""
    held = (event(NEW, link(flags=0)), event(NEW, route()))

    assert gateways(fold(*held, event(NEW, link(flags=0)))) == []
    assert gateways(fold(event(NEW, route()), event(NEW, link(flags=0)))) == []


def addressed(*addresses: AddrInfo) -> State:
    """A state that knows all addresses of its host, with a route over d0."""
    return load(fold(event(NEW, link()), event(NEW, route())), 22, 0, *addresses)


@pytest.mark.parametrize(
    ("left", "kept"),
    [
        ((), []),
        ((addr("192.0.2.2"),), ["192.0.2.254"]),
        ((addr("198.51.100.1", 4), addr("2001:db8::1", family=10)), []),
    ],
)
def test_the_last_ipv4_address_takes_the_ipv4_routes_of_its_link(
    left: tuple[AddrInfo, ...], kept: list[str | None]
) -> None:
    """Other addresses of the link keep them, those of another link or family do not."""
    state = addressed(addr(), *left)
    state.apply(event(DEL, addr(), frame=7))

    assert gateways(state) == kept
    reasons = [] if kept else ["interface d0 (ifindex 3) lost its last IPv4 address"]
    assert [one.reason for one in state.unannounced] == reasons


def test_routes_that_the_kernel_takes_back_with_an_address_are_announced() -> None:
    """They are no unannounced change; the others over the link are, host routes of its own table among them."""
    state = addressed(addr())
    state.apply(event(NEW, route(None, protocol=2, dst="192.0.2.0", dst_len=24)))
    state.apply(event(NEW, route(None, dst="10.20.0.0", prefsrc="192.0.2.1")))
    state.apply(event(NEW, route(None, type=2, scope=254, table=255, dst="192.0.2.77", dst_len=32)))
    state.apply(event(DEL, addr()))

    assert state.tables["route"] == {}
    assert [one.object.split(" scope")[0] for one in state.unannounced] == [
        "route 10.10.0.0/16 via 192.0.2.254 dev d0",
        "route local 192.0.2.77 dev d0 table local",
    ]


def test_where_not_all_addresses_are_known_none_is_the_last() -> None:
    """Without a dump of addresses others may be there."""
    assert gateways(fold(event(NEW, route()), event(NEW, addr()), event(DEL, addr()))) == ["192.0.2.254"]


def test_a_deleted_link_takes_everything_along() -> None:
    """Nothing can be on an interface that does not exist, and what was not announced is said."""
    state = fold(
        event(NEW, link()), event(NEW, addr()), event(NEW, neigh()), event(NEW, route()), event(DEL, link(), frame=5)
    )

    assert all(table == {} for table in state.tables.values())
    assert sorted(u.kind for u in state.unannounced) == ["addr", "neigh", "route"]


def test_a_multipath_route_lives_while_one_hop_is_up() -> None:
    """A route goes with the last of its links."""
    hops = (NextHop(3, 1, 0, "192.0.2.1"), NextHop(4, 1, 0, "192.0.2.2"))
    up = [event(NEW, link(3)), event(NEW, link(4, "d1")), event(NEW, route(None, oif=None, multipath=hops))]

    assert len(fold(*up, event(NEW, link(3, flags=0))).tables["route"]) == 1
    assert len(fold(*up, event(NEW, link(3, flags=0)), event(NEW, link(4, "d1", flags=0))).tables["route"]) == 0


def load(state: State, get_type: int, family: int, *payloads: Payload, frame: int = 10) -> State:
    """The state after a whole dump."""
    dump = state.begin_dump(get_type, family)
    dump.payloads.extend(payloads)
    state.end_dump(dump, frame)
    return state


def test_the_first_dump_fills_in_silence() -> None:
    """What was there before the recording is nothing new."""
    state = load(State(), 18, 0, link())

    assert (len(state.tables["link"]), state.unannounced) == (1, [])


def test_a_later_dump_corrects_and_says_so() -> None:
    """Gone, appeared and changed objects are each reported with the frame that proved it."""
    state = load(State(), 18, 0, link(3), link(4), link(5))
    load(state, 18, 0, link(4), link(5, mtu=1400), link(6), frame=20)

    found = sorted((u.change, u.object, u.frame, u.fields) for u in state.unannounced)
    assert found == [
        ("appeared", "link d0 (ifindex 6)", 20, ()),
        ("changed", "link d0 (ifindex 5)", 20, ("mtu",)),
        ("gone", "link d0 (ifindex 3)", 20, ()),
    ]
    assert sorted(key[0] for key in state.tables["link"]) == [4, 5, 6]


@pytest.mark.parametrize(
    ("listed", "left"),
    [
        ([NextHop(3, 1, 0, "2001:db8::7"), NextHop(3, 1, 0, "2001:db8::9")], {"2001:db8::7", None, "2001:db8::9"}),
        ([NextHop(3, 1, 0, "2001:db8::8"), NextHop(3, 1, 0, "2001:db8::9")], {"2001:db8::8", None, "2001:db8::9"}),
        ([NextHop(3, 1, 0, "2001:db8::9")], {"2001:db8::9"}),
    ],
)
def test_a_route_between_siblings_need_not_be_listed(listed: list[NextHop], left: set[str | None]) -> None:
    """A dump goes on behind the last sibling; that it lists nothing in between proves nothing of that."""
    gateways = ("2001:db8::7", None, "2001:db8::9")
    state = load(State(), 26, 10, *(route(gateway, 10) for gateway in gateways))
    dump = state.begin_dump(26, 10)
    dump.payloads.append(route(None, 10, oif=None, multipath=tuple(listed)))
    state.end_dump(dump, 20)

    held = [one for one in state.tables["route"].values() if isinstance(one, RouteInfo)]
    assert {one.gateway for one in held} == left
    assert len(dump.gaps) == (None in left)


def test_an_event_during_a_dump_is_stronger_than_the_dump() -> None:
    """A dump is no snapshot: what was announced while it ran is not judged by it."""
    state = load(State(), 18, 0, link(3), link(4))
    dump = state.begin_dump(18, 0)
    state.apply(event(DEL, link(3)))
    state.apply(event(NEW, link(5)))
    dump.payloads.extend([link(3), link(4)])
    state.end_dump(dump, 30)

    assert (sorted(key[0] for key in state.tables["link"]), state.unannounced) == ([4, 5], [])


@pytest.mark.parametrize(
    ("get_type", "family", "other"),
    [
        (22, 2, event(NEW, addr("fe80::1", family=10))),
        (26, 2, event(NEW, route("fe80::1", 10))),
        (30, 0, event(NEW, neigh("192.0.2.200", flags=0x8))),
        (30, 0, event(NEW, neigh(None, 7, lladdr="02:00:00:00:00:01"))),
    ],
)
def test_a_dump_judges_only_its_family(get_type: int, family: int, other: Event) -> None:
    """Objects that the dump did not ask for stay."""
    state = load(fold(other), get_type, family)

    assert sum(map(len, state.tables.values())) == 1


def test_an_interrupted_dump_proves_nothing() -> None:
    """An abandoned dump leaves the state alone."""
    state = load(State(), 18, 0, link(3))
    state.abandon_dump(state.begin_dump(18, 0))

    assert len(state.tables["link"]) == 1


@pytest.mark.parametrize(
    "differ",
    [
        ("sport_range", (1, 2), (1, 3)),
        ("flow", 0x50000, 0x60000),
        ("dscp", 10, 46),
        ("dscp_mask", None, 0x30),
        ("flowlabel", 1, 2),
        ("flowlabel_mask", 0xFF, 0xF),
        ("sport_mask", 0xFF00, 0xFFF0),
        ("dport_mask", None, 0xFFF0),
    ],
)
def test_rules_differ_by_any_selector(differ: tuple[str, Any, Any]) -> None:
    """Two rules of one priority that differ in a selector, a mask or their realms are two rules."""
    plain = {"family": 2, "dst_len": 0, "src_len": 0, "tos": 0, "action": 1, "flags": 0, "table": 100, "priority": 9}
    field, one, other = differ
    first, second = RuleInfo(**plain, **{field: one}), RuleInfo(**plain, **{field: other})

    assert len(fold(event(NEW, first), event(NEW, second)).tables["rule"]) == 2
    assert len(fold(event(NEW, first), event(NEW, second), event(DEL, first)).tables["rule"]) == 1


MTU = 2


@pytest.mark.parametrize(
    ("first", "second", "count"),
    [
        (route(), route(metrics=((MTU, 1400),)), 2),
        (route(metrics=((MTU, 1300),)), route(metrics=((MTU, 1400),)), 2),
        (route(nh_id=1), route(nh_id=2), 2),
        (route(nh_id=1), route(), 2),
        (route(nh_id=1), route("192.0.2.1", nh_id=1), 1),
        (route(flags=4), route(), 2),
        (route(flags=0x10), route(), 1),
        (route(encap_type=2, encap="64"), route(encap_type=2, encap="c8"), 2),
        (route(encap_type=2, encap="64"), route(), 2),
        (route("fe80::1", 10, encap_type=5, encap="0a"), route("fe80::1", 10, encap_type=5, encap="0b"), 2),
        (route("fe80::1", 10, flags=4), route("fe80::1", 10), 1),
        (route("fe80::1", 10, nh_id=1), route("fe80::1", 10), 2),
        (route("fe80::1", 10), route("fe80::1", 10, metrics=((MTU, 1400),)), 1),
    ],
)
def test_identity_of_routes(first: RouteInfo, second: RouteInfo, count: int) -> None:
    """Routes are distinguished by encapsulation and nexthop object, which stands for its hops, IPv4 routes by metrics
    and RTNH_F_ONLINK, too, IPv6 routes by hops."""
    state = fold(event(NEW, first, CREATE), event(NEW, second, CREATE | APPEND))
    shown = {show_key("route", key) for key in state.tables["route"]}

    assert (len(state.tables["route"]), len(shown)) == (count, count)
    assert len(fold(event(NEW, first), event(NEW, second, APPEND), event(DEL, second)).tables["route"]) == count - 1


def test_a_replaced_nexthop_leaves_its_routes_in_their_places() -> None:
    """The kernel announces it with NLM_F_REPLACE for each route over it, wherever that is in its list."""
    one, two, three = (route(f"192.0.2.{n}", nh_id=n) for n in (1, 2, 3))
    state = fold(
        event(NEW, one, CREATE), event(NEW, two, CREATE | APPEND), event(NEW, three, CREATE | APPEND),
        event(NEW, route("192.0.2.22", nh_id=2), REPLACE),
    )  # fmt: skip
    listed = state.order(route_group(one))

    assert [state.tables["route"][key].gateway for key in listed] == [  # type: ignore[union-attr]
        *("192.0.2.1", "192.0.2.22", "192.0.2.3")
    ]


def test_the_order_is_that_of_the_last_dump_or_of_the_events_since() -> None:
    """A dump lists the routes of a group in the kernel's order; a group that changed meanwhile keeps its own."""
    one, two, three = (route(f"192.0.2.{n}") for n in (1, 2, 3))
    state = fold(event(NEW, one, CREATE), event(NEW, two, CREATE))
    group, before = route_group(one), state.order(route_group(one))
    load(state, 26, 2, one, two)
    dumped = state.order(group)
    late = state.begin_dump(26, 2)
    state.apply(event(NEW, three, CREATE))
    late.payloads += [two, one]
    state.end_dump(late, 30)

    assert dumped == before[::-1]
    assert state.order(group) == [(*group, hops_of(three)), *dumped]


def entry(dst: str | None, lladdr: str = "02:00:00:00:00:02", **more: Any) -> NeighInfo:
    """An entry of the forwarding database of a vxlan."""
    return neigh(dst, 7, lladdr=lladdr, **{"flags": 2, **more})


@pytest.mark.parametrize(
    ("lladdr", "left"),
    [
        ("02:00:00:00:00:02", ["10.0.0.2"]),
        ("00:00:00:00:00:00", ["10.0.0.1", "10.0.0.2"]),
        ("01:00:5e:00:00:01", ["10.0.0.1", "10.0.0.2"]),
    ],
)
def test_a_unicast_entry_has_one_destination(lladdr: str, left: list[str]) -> None:
    """Another one is a move; multicast and zero addresses have several."""
    state = fold(event(NEW, entry("10.0.0.1", lladdr)), event(NEW, entry("10.0.0.2", lladdr)))

    assert [one.dst for one in state.tables["neigh"].values()] == left  # type: ignore[union-attr]


@pytest.mark.parametrize("lladdr", ["02:00:00:00:00:02", "00:00:00:00:00:00"])
def test_what_the_core_says_of_an_entry_behind_its_device_changes_nothing(lladdr: str) -> None:
    """It knows address and vlan alone (net/core/rtnetlink.c, rtnl_fdb_notify)."""
    state = fold(event(NEW, entry("10.0.0.1", lladdr, port=4790)), event(NEW, entry(None, lladdr)))

    assert list(state.tables["neigh"].values()) == [entry("10.0.0.1", lladdr, port=4790)]


def test_a_wireless_event_leaves_the_rest_of_a_link() -> None:
    """A message without MTU and operational state gives flags and name; that it is down counts."""
    whole = link(name="wlan0", addr="02:00:00:00:00:01", qdisc="noqueue", operstate=6)
    said = link(name="wlan1", flags=0, mtu=None)
    state = fold(event(NEW, whole), event(NEW, route()), event(NEW, said))

    assert list(state.tables["link"].values()) == [structs.replace(whole, flags=0, ifname="wlan1")]
    assert state.tables["route"] == {}
    assert fold(event(NEW, said)).tables["link"] == {}


def test_what_is_in_another_namespace_is_no_object_of_this_one() -> None:
    """Neither what a message says is there, nor what a dump lists, nor that it is gone."""
    there = [link(target_netnsid=1), addr(target_netnsid=1)]
    state = fold(*(event(NEW, one) for one in there))
    load(state, 18, 0, *there)
    held = fold(event(NEW, link()), event(NEW, addr()), event(DEL, addr(target_netnsid=0)), event(DEL, there[0]))

    assert all(table == {} for table in state.tables.values())
    assert [len(held.tables[kind]) for kind in ("link", "addr")] == [1, 1]


def test_identity_of_forwarding_entries_of_a_vxlan() -> None:
    """In external mode a device's own table knows a link-layer address once per source identifier, too."""
    first, second = (neigh("192.0.2.1", 7, lladdr="02:00:00:00:00:02", vni=7, src_vni=n) for n in (10, 20))
    state = fold(event(NEW, first, CREATE), event(NEW, second, CREATE | APPEND))

    assert [show_key("neigh", key) for key in state.tables["neigh"]] == [
        f"fdb 02:00:00:00:00:02 ifindex 3 src_vni {n} self" for n in (10, 20)
    ]


def test_a_link_that_goes_down_while_routes_are_listed() -> None:
    """What it takes along stays gone, though the list still shows it."""
    state = fold(event(NEW, link()), event(NEW, route("192.0.2.1")), event(NEW, route("192.0.2.2", oif=4), APPEND))
    dump = state.begin_dump(26, 2)
    state.apply(event(NEW, link(flags=0)))
    dump.payloads += [route("192.0.2.1"), route("192.0.2.2", oif=4)]
    state.end_dump(dump, 30)

    assert gateways(state) == ["192.0.2.2"]


def test_what_changes_while_dumps_are_under_way_counts_once() -> None:
    """However many dumps there are that never end: two routes, their changes, and that of their one group."""
    state = State()
    for _ in range(60):
        state.begin_dump(26, 2)
    for number in (1, 2):
        state.apply(event(NEW, route(f"192.0.2.{number}"), APPEND))

    assert state.size == 2 + 2 + 1


def test_each_dump_judges_what_did_not_change_since_it_began() -> None:
    """A route that appeared before the second of two dumps began, and behind the first one's begin: the first one that
    lacks it proves nothing, the second one does."""
    state = State()
    first = state.begin_dump(26, 2)
    state.apply(event(NEW, route("192.0.2.1")))
    second = state.begin_dump(26, 2)
    state.end_dump(first, 20)
    held = gateways(state)
    state.end_dump(second, 30)

    assert (held, gateways(state)) == (["192.0.2.1"], [])


def test_a_route_that_goes_while_it_is_listed_for_the_first_time() -> None:
    """A deletion of what no event reported is stronger than the list that shows it."""
    state = State()
    dump = state.begin_dump(26, 2)
    state.apply(event(DEL, route("192.0.2.1")))
    dump.payloads += [route("192.0.2.1"), route("192.0.2.2")]
    state.end_dump(dump, 30)

    assert gateways(state) == ["192.0.2.2"]


GATEWAYS = ("192.0.2.1", "192.0.2.2", "192.0.2.3")
routes = st.builds(
    route, st.sampled_from(GATEWAYS), oif=st.sampled_from((3, 4)), nh_id=st.sampled_from((None, None, 7))
) | st.builds(route, st.sampled_from(("fe80::1", "fe80::2", None)), st.just(10), oif=st.sampled_from((3, 4)))
changes = st.one_of(
    st.builds(event, st.just(NEW), routes, st.sampled_from((CREATE, CREATE | APPEND, REPLACE, CREATE | REPLACE))),
    st.builds(event, st.just(DEL), routes),
    st.builds(event, st.just(NEW), st.builds(link, st.sampled_from((3, 4)), flags=st.sampled_from((0, 1)))),
    st.builds(event, st.just(DEL), st.builds(link, st.just(3))),
)


@given(st.lists(changes, max_size=12), st.lists(changes, max_size=8), st.lists(routes, max_size=6), st.booleans())
def test_order_and_table_hold_the_same_routes(
    before: list[Event], meanwhile: list[Event], listed: list[RouteInfo], four: bool
) -> None:
    """Whatever events say, before a dump and while it lists: every route is in the order of its group, and no other."""
    state = fold(*before)
    dump = state.begin_dump(26, 2 if four else 10)
    for one in meanwhile:
        state.apply(one)
    dump.payloads += [one for one in listed if (one.family == 2) == four]
    state.end_dump(dump, 30)
    table = state.tables["route"]
    groups = {route_group(one) for one in table.values() if isinstance(one, RouteInfo)}

    assert {key for group in groups for key in state.order(group)} == table.keys()
    assert sum(len(state.order(group)) for group in groups) == len(table)


def test_a_route_stays_without_its_preferred_source() -> None:
    """The deletion of an address says of no route that it changed; the state does, and holds it as the kernel does."""
    kept, changed = route("fe80::7", 10, dst="2001:db8:1::"), route("fe80::7", 10, prefsrc="2001:db8::1")
    own = addr("2001:db8::1", family=10, prefixlen=64)
    state = fold(event(NEW, own), event(NEW, kept), event(NEW, changed))
    folded = state.apply(event(DEL, own, frame=9))

    assert list(state.tables["route"].values()) == [kept, structs.replace(changed, prefsrc=None)]
    assert [(one.change, one.fields, one.frame, one.reason) for one in folded.found] == [
        ("changed", ("prefsrc",), 9, "address 2001:db8::1 was deleted")
    ]
    assert (folded.found, folded.gone) == (state.unannounced, [])


@pytest.mark.parametrize(
    ("flags", "left"),
    [(0x0, ["192.0.2.8"]), (0x1, ["192.0.2.8"]), (0x10001, ["192.0.2.7", "192.0.2.8"])],
    ids=["down", "no carrier", "carrier"],
)
def test_a_group_of_nexthop_objects_loses_the_hops_of_a_link(flags: int, left: list[str]) -> None:
    """The route stays, with the hops over other links, until there is none; nothing of it is announced."""
    hops = NextHop(3, 1, 0, "192.0.2.7"), NextHop(4, 1, 0, "192.0.2.8")
    state = fold(event(NEW, link(flags=0x10001)), event(NEW, route(None, oif=None, multipath=hops, nh_id=9)))
    folded = state.apply(event(NEW, link(flags=flags), frame=9))
    (one,) = state.tables["route"].values()

    assert isinstance(one, RouteInfo)
    assert [hop.gateway for hop in one.multipath or (one,)] == left
    alone = [("changed", ("gateway", "oif", "multipath"))] if len(left) == 1 else []
    assert [(found.change, found.fields) for found in folded.found] == alone
    state.apply(event(DEL, link(4)))
    assert len(state.tables["route"]) == len(left) - 1


def test_parts_of_objects_count() -> None:
    """Each two hops, metrics or alternative names are as an object, and so are links of several hops, each of them and
    all together, as long as they are held."""
    hops, metrics = tuple(NextHop(index, 1, 0) for index in range(1, 7)), ((2, 1500), (3, 1))
    many = route(None, oif=None, multipath=hops, metrics=metrics)
    events = [
        (event(NEW, route(None, oif=None, multipath=hops)), 1 + 6 // PARTS_OF_ONE + 7),
        (event(NEW, many, REPLACE), 1 + 8 // PARTS_OF_ONE + 7),
        (event(DEL, many), 0),
        (event(NEW, link(altnames=("lan", "office"))), 1 + 2 // PARTS_OF_ONE),
        (event(NEW, link(altnames=None)), 1),
    ]
    state, sizes = State(), []
    for one, _ in events:
        state.apply(one)
        sizes.append(state.size)

    assert sizes == [size for _, size in events]


@pytest.mark.parametrize("family", [2, 10])
def test_states_share_the_keys_of_their_objects(family: int) -> None:
    """Two events about one object make one key, whichever implementation gave them."""
    hops = (NextHop(3, 1, 0, "192.0.2.1"), NextHop(4, 1, 0, "192.0.2.2"))
    states = [fold(event(NEW, route(None, family, oif=None, multipath=hops))) for _ in range(2)]

    pairs = zip(*(state.tables["route"] for state in states), strict=True)
    assert [one is other for one, other in pairs] == [True] * {2: 1, 10: 2}[family]


def test_keys_are_shared_no_longer_than_they_come_near_each_other() -> None:
    """What is remembered of them does not outlast a batch."""
    first = fold(event(NEW, route()))
    forget_shared()
    second = fold(event(NEW, route()))
    (one,), (other,) = first.tables["route"], second.tables["route"]

    assert (one == other, one is other) == (True, False)


def test_a_route_that_changes_is_not_remembered_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has the same keys again and again; of its hops no more are remembered than of keys."""
    monkeypatch.setattr(identity, "SUBJECTS_KEPT", 10)
    forget_shared()
    hops = tuple(NextHop(3, 1, 0, f"fe80::{number}") for number in range(2))
    remembered = []
    for expires in range(20):
        fold(event(NEW, route(None, family=10, oif=None, multipath=hops, expires=expires)))
        remembered.append(len(identity._splits.found))

    assert remembered == [1, 2, 3, 4, 5] * 4


def test_a_state_that_adopts_another_one_can_know_again_what_it_knew() -> None:
    """What was known before a loss is known again when that was made good, in both."""
    state, other = addressed(), State()
    state.dumps.lose()
    other.adopt(state, lambda payload: payload, [])
    before = other.knows_addresses
    other.dumps.regain()

    assert (before, other.knows_addresses) == (False, True)


def test_what_is_announced_twice_is_there_once() -> None:
    """An event that is folded again, be it the very same, changes nothing: the address that goes is the last one."""
    hops = tuple(NextHop(3, 1, 0, "192.0.2.254") for _ in range(100 * PARTS_OF_ONE))
    announced = event(NEW, addr()), event(NEW, route()), event(NEW, route(None, oif=None, multipath=hops))
    sizes, gone = [], []
    for times in (1, 2):
        state = addressed()
        for one in announced:
            for _ in range(times):
                state.apply(one)
        sizes.append(state.size)
        gone.append([kind for kind, _ in state.apply(event(DEL, addr())).gone])

    assert sizes[0] == sizes[1]
    assert gone == [["route", "route"]] * 2


def test_a_route_of_one_hop_is_over_its_link_however_it_is_announced() -> None:
    """A hop in a list of one is the same as one by itself: the route that goes is gone from the link, too."""
    one_of_list = route(None, oif=None, multipath=(NextHop(3, 1, 0, "192.0.2.254"),))
    for announced in ((one_of_list, route()), (route(), one_of_list)):
        state = fold(event(NEW, link()), *(event(NEW, one) for one in announced), event(DEL, announced[1]))

        assert (state.tables["route"], state.apply(event(NEW, link(flags=0))).gone) == ({}, ())
