"""Events are held against patterns by the fields that a pattern names."""

from __future__ import annotations

from typing import Any

import pytest

from nlmon.eventjson.write import event_to_dict
from nlmon.events import Event, LinkInfo
from nlmon.filters import compile_filter
from nlmon.scenario.expectation import (
    EventCounts,
    EventOrder,
    FieldDifference,
    Unmet,
    check_events,
    explain_unmet,
    match,
)
from nlmon.scenario.model import Count, EventPattern
from support.filters import event

LINE: dict[str, Any] = {
    "frame": 37,
    "interface": "a",
    "offset": 0,
    "timestamp": 1,
    "type": "netlink",
    "netlink": {
        "_num": {"msg_flags": 1536, "msg_type": 16, "protocol": 0},
        "protocol": "NETLINK_ROUTE",
        "msg_type": "RTM_NEWLINK",
        "msg_flags": ["NLM_F_EXCL", "NLM_F_CREATE"],
        "link": {
            "_num": {"flags": 3, "operstate": 6},
            "flags": ["UP", "BROADCAST"],
            "operstate": "UP",
            "ifname": "a",
            "carrier": 1,
            "master": None,
            "selector": {"_num": {"proto": 6}, "proto": "TCP", "dport": [0, 7]},
            "hops": [{"oif": 1, "gateway": "192.0.2.1"}, {"oif": 2, "gateway": None}],
        },
    },
}

MATCHES: list[dict[str, Any]] = [
    {},
    {"msg_type": "RTM_NEWLINK"},
    {"msg_type": 16, "protocol": 0},
    {"frame": 37, "interface": "a", "type": "netlink"},
    {"synthetic": False},
    {"link": {}},
    {"link": {"operstate": 6}},
    {"link": {"flags": "UP"}},
    {"link": {"flags": 3}},
    {"link": {"flags": ["UP", "BROADCAST"]}},
    {"link": {"master": None}},
    {"link": {"selector": {"proto": 6, "dport": [0, 7]}}},
    {"link": {"selector": {"dport": 7}}},
    {"link": {"hops": {"oif": 2}}},
    {"link": {"hops": [{"oif": 1}, {"gateway": None}]}},
]


@pytest.mark.parametrize("fields", MATCHES, ids=str)
def test_a_pattern_matches_by_what_it_names(fields: dict[str, Any]) -> None:
    """Names or numbers, a list or what is in it, and whatever is nested."""
    assert match(fields, LINE) == []


DIFFERENCES: list[tuple[dict[str, Any], tuple[str, str, str]]] = [
    ({"msg_type": "RTM_DELLINK"}, ("msg_type", "RTM_DELLINK", "RTM_NEWLINK")),
    ({"addr": {"local": "::1"}}, ("addr", '{"local":"::1"}', "not provided")),
    ({"synthetic": True}, ("synthetic", "true", "false")),
    ({"link": {"operstate": "DOWN"}}, ("link.operstate", "DOWN", "UP")),
    ({"link": {"carrier": True}}, ("link.carrier", "true", "1")),
    ({"link": {"mtu": 1500}}, ("link.mtu", "1500", "not provided")),
    ({"link": {"mtu": None}}, ("link.mtu", "null", "not provided")),
    ({"link": {"master": 3}}, ("link.master", "3", "null")),
    ({"link": {"flags": "RUNNING"}}, ("link.flags", "RUNNING", '["UP","BROADCAST"]')),
    ({"link": {"flags": ["UP"]}}, ("link.flags", '["UP"]', '["UP","BROADCAST"]')),
    ({"link": {"selector": {"proto": "UDP"}}}, ("link.selector.proto", "UDP", "TCP")),
    ({"link": {"hops": [{"oif": 1}, {"gateway": "::1"}]}}, ("link.hops[1].gateway", "::1", "null")),
    ({"link": {"selector": "TCP"}}, ("link.selector", "TCP", '{"proto":"TCP","dport":[0,7]}')),
]


@pytest.mark.parametrize(("fields", "difference"), DIFFERENCES, ids=str)
def test_a_difference_has_a_path_and_both_values(fields: dict[str, Any], difference: tuple[str, str, str]) -> None:
    """What an implementation does not provide is not null."""
    assert match(fields, LINE) == [FieldDifference(*difference)]


def line(name: str, state: str = "UP", kind: str = "RTM_NEWLINK") -> dict[str, Any]:
    """An event about a link."""
    return {"netlink": {"msg_type": kind, "link": {"ifname": name, "operstate": state}}}


ONCE = Count()


def pattern(count: Count = ONCE, **link: Any) -> EventPattern:
    """Events about a link."""
    return EventPattern({"msg_type": "RTM_NEWLINK", "link": link}, count)


TRACE = [line("a"), line("b"), line("a", "DOWN"), line("a", "DOWN", "RTM_DELLINK")]

COUNTS = [
    (Count(), True),
    (Count(2, 2), True),
    (Count(0, 2), True),
    (Count(3), False),
    (Count(0, 0), False),
    (Count(0, 1), False),
]


@pytest.mark.parametrize(("count", "met"), COUNTS, ids=str)
def test_events_are_counted(count: Count, met: bool) -> None:
    """At least once unless the pattern says otherwise."""
    unmet = check_events([pattern(count, ifname="a")], TRACE)

    assert [(one.number, one.found) for one in unmet] == ([] if met else [(1, 2)])


def test_the_nearest_event_is_shown() -> None:
    """With the fields that differ, expected above actual; the same message is nearer than another one."""
    (unmet,) = check_events([pattern(ifname="a", operstate="DORMANT")], TRACE)

    assert unmet.nearest == 0
    assert explain_unmet(unmet) == [
        'expected at least 1, found 0: {"msg_type":"RTM_NEWLINK","link":{"ifname":"a","operstate":"DORMANT"}}',
        "  the nearest event differs in",
        "    link.operstate  expected DORMANT",
        "                    actual   UP",
    ]


def test_without_events_there_is_no_nearest() -> None:
    """One line says what was expected."""
    (unmet,) = check_events([pattern(Count(2, 2))], [])

    assert (unmet.nearest, explain_unmet(unmet)) == (
        None,
        ['expected 2, found 0: {"msg_type":"RTM_NEWLINK","link":{}}'],
    )


def test_too_many_events_are_no_difference_in_a_field() -> None:
    """Only their number is wrong."""
    (unmet,) = check_events([pattern(Count(0, 1), ifname="a")], TRACE)

    assert explain_unmet(unmet) == ['expected 0 to 1, found 2: {"msg_type":"RTM_NEWLINK","link":{"ifname":"a"}}']


ORDERS = [
    ((), None),
    (({"ifname": "a"}, {"ifname": "b"}, {"ifname": "a"}), None),
    (({"ifname": "a", "operstate": "DOWN"}, {"ifname": "b"}), 2),
    (({"ifname": "c"}, {"ifname": "a"}), 1),
    (({"ifname": "b"}, {"ifname": "b"}), 2),
]


def unmet_in(patterns: list[EventPattern]) -> list[Unmet]:
    """The first pattern whose events do not come behind those of the pattern before it, if there is one."""
    order = EventOrder(patterns)
    for line in TRACE:
        order.add(line)
    return order.unmet()


@pytest.mark.parametrize(("links", "number"), ORDERS, ids=str)
def test_events_come_one_behind_the_other(links: tuple[dict[str, Any], ...], number: int | None) -> None:
    """Others may stand between them; one event is not two."""
    unmet = unmet_in([pattern(**link) for link in links])

    assert [one.number for one in unmet] == ([] if number is None else [number])


def test_an_order_asks_for_a_count() -> None:
    """Of which the last one is behind the others."""
    assert unmet_in([pattern(Count(2), ifname="a"), pattern(ifname="b")])[0].number == 2


def test_what_is_printed_can_be_matched() -> None:
    """The line of an event is its own pattern."""
    whole = event_to_dict(Event(1, 0, 16, 0, 0, 0, 1, 0, "a", LinkInfo(0, 1, 1, 1, 0)))
    fields = {**whole, **whole["netlink"]}
    del fields["netlink"]

    assert match(fields, whole) == []


LINKS = [
    event(LinkInfo(0, 2, 1, ifname="a", mtu=1500), "a", msg_type=16),
    event(LinkInfo(0, 3, 1, ifname="b", mtu=1400), "b", msg_type=16),
]


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("netlink.link.mtu >= 1400", 2),
        ("netlink.link.mtu > 1400", 1),
        ("netlink.link.mtu > 1400 AND interface == 'b'", 0),
        ("netlink.link.kind == 'veth'", 0),
    ],
)
def test_a_filter_is_part_of_a_pattern(where: str, found: int) -> None:
    """It is held against the event itself, beside the fields that the pattern names."""
    counts = EventCounts([EventPattern({"msg_type": "RTM_NEWLINK"}, Count(9), where=compile_filter(where))])
    order = EventOrder([EventPattern({}, where=compile_filter(where))] * (found + 1))
    for one in LINKS:
        counts.add(event_to_dict(one), one)
        order.add(event_to_dict(one), one)

    assert [one.found for one in counts.unmet()] == [found]
    assert [one.number for one in order.unmet()] == [found + 1]


def test_a_filter_that_does_not_match_is_shown_with_the_values() -> None:
    """Of the nearest event; of an object of a state, which is no event, it never holds."""
    where = compile_filter("netlink.link.mtu > 9000 OR netlink.link.kind == 'veth'")
    counts = EventCounts([EventPattern({"interface": "b"}, where=where)])
    for one in LINKS:
        counts.add(event_to_dict(one), one)
    (unmet,) = counts.unmet()
    (without,) = check_events([EventPattern({}, where=where)], [event_to_dict(LINKS[0])])

    assert explain_unmet(unmet)[1:] == [
        "  the nearest event (frame 1) differs in",
        '    where  expected netlink.link.mtu > 9000 OR netlink.link.kind == "veth"',
        "           actual   netlink.link.mtu 1400, netlink.link.kind not provided",
    ]
    assert explain_unmet(unmet)[0].startswith(
        'expected at least 1, found 0: {"interface":"b","where":"netlink.link.mtu'
    )
    assert without.differences[0].actual == "not so"
