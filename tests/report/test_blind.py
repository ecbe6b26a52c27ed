"""Blind spots as lines for people, and added up over captures."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from nlmon.report.blind import add_up_spots, blind_lines, unread_lines
from nlmon.report.model import BlindChange, BlindSpot, CaptureReport, Direction, Report
from nlmon.report.pretty import print_report
from nlmon.report.shown import Shown

DATA = BlindSpot("link", "IFLA_LINKINFO/IFLA_INFO_DATA", "", 37, {"bridge": 7, "vxlan": 30})
QUEUE = BlindSpot("link", "IFLA_TXQLEN", "libnl", 203)
WHOLE = BlindSpot("nexthop", "", "libnl", 32)
FAMILY = BlindSpot("netdev", "", "libnl", 8, {"command CTRL_CMD_GETPOLICY": 4, "command 17": 4})
EVENT = BlindSpot("link", "IFLA_EVENT", "", 2)
TABLES = BlindSpot("RTM_NEWNEIGHTBL", "", "", 4)
CHANGE = BlindChange("nl80211", ("NL80211_ATTR_CQM",), 2, 3)


def capture(*spots: BlindSpot, path: str = "a.pcap", direction: Direction = "migrate") -> CaptureReport:
    """A report on a capture that was read."""
    return CaptureReport(path=path, verdict="equivalent", reason="", format="pcap", direction=direction, blind=[*spots])


def printed(*captures: CaptureReport, verbose: bool = False) -> str:
    """The report of some captures as people see it."""
    report = Report(
        "nlmon", "0", "legacy", "libnl", "notifications", [*captures], "equivalent", blind=add_up_spots(captures)
    )
    out = io.StringIO()
    print_report(report, Console(file=out, width=160, emoji=False), Shown(verbose))
    return out.getvalue()


@pytest.mark.parametrize(
    ("spots", "expected"),
    [
        ([], []),
        ([TABLES], []),
        ([QUEUE], ["attributes that not both read: libnl alone 1; all of them with -v"]),
        ([WHOLE], ["attributes that not both read: libnl alone 1 kind of messages; all of them with -v"]),
        (
            [QUEUE, WHOLE, FAMILY],
            ["attributes that not both read: libnl alone 1 and 2 kinds of messages; all of them with -v"],
        ),
        (
            [DATA, QUEUE],
            [
                "neither reads 1 attribute: IFLA_LINKINFO/IFLA_INFO_DATA (37 messages: vxlan 30, bridge 7); "
                "libnl alone 1; all of them with -v"
            ],
        ),
        (
            [DATA, EVENT, EVENT, EVENT],
            [
                "neither reads 4 attributes: IFLA_LINKINFO/IFLA_INFO_DATA (37 messages: vxlan 30, bridge 7), "
                "IFLA_EVENT (2 messages), IFLA_EVENT (2 messages) and 1 more; all of them with -v"
            ],
        ),
    ],
)
def test_a_few_lines_name_the_worst(spots: list[BlindSpot], expected: list[str]) -> None:
    """Without -v one line has the number and the most frequent; types of messages have other lines."""
    assert list(blind_lines(spots)) == expected


def test_all_of_them_have_a_line_each() -> None:
    """With -v each attribute is named, and who reads it."""
    assert list(blind_lines([DATA, QUEUE, WHOLE, FAMILY], [CHANGE], verbose=True, left_out=3)) == [
        "neither reads IFLA_LINKINFO/IFLA_INFO_DATA (37 messages: vxlan 30, bridge 7)",
        "libnl alone reads IFLA_TXQLEN (203 messages)",
        "libnl alone gives events for nexthop messages (32 messages)",
        "libnl alone reads the attributes of netdev messages (8 messages: command 17: 4, command CTRL_CMD_GETPOLICY 4)",
        "more kinds of messages and attributes than are counted apart: 3 are in none of these",
        "an event repeats the one before it, and what neither reads differs: "
        "NL80211_ATTR_CQM (2 times, first at frame 3)",
    ]


def test_of_many_changes_the_first_are_named() -> None:
    """Without -v some changes are named, and the others counted."""
    lines = list(blind_lines([], [CHANGE] * 5))

    assert (len(lines), lines[-1]) == (4, "… and 4 more such events, in other attributes; all of them with -v")


@pytest.mark.parametrize(
    ("unknown", "expected"),
    [
        ({"legacy": {}, "libnl": {}}, []),
        ({"legacy": {"A": 1}, "libnl": {"A": 1}}, ["messages that give no event in both: A (1)"]),
        ({"legacy": {"A": 1, "B": 2}, "libnl": {}}, ["messages that give no event in legacy: B (2), A (1)"]),
        (
            {"legacy": {}, "libnl": {str(place): 9 - place for place in range(7)}},
            ["messages that give no event in libnl: 0 (9), 1 (8), 2 (7), 3 (6), 4 (5) and 7 of 2 other types"],
        ),
    ],
)
def test_types_that_give_no_event_are_named(unknown: dict[str, dict[str, int]], expected: list[str]) -> None:
    """They are named once where both say the same, the most frequent first."""
    assert unread_lines(unknown) == expected


def test_captures_are_added_up() -> None:
    """Several captures sum up, kinds among them; one that was judged in two directions counts once."""
    other = capture(DATA, QUEUE, path="b.pcap")

    assert add_up_spots([capture(DATA), other, capture(DATA, direction="rollback")]) == [
        BlindSpot("link", "IFLA_LINKINFO/IFLA_INFO_DATA", "", 74, {"bridge": 14, "vxlan": 60}),
        QUEUE,
    ]


def test_the_way_back_alone_is_added_up() -> None:
    """A capture that was judged in that direction only, beside one that was judged in both."""
    back = capture(DATA, path="b.pcap", direction="rollback")

    assert add_up_spots([back]) == [DATA]
    assert add_up_spots([capture(QUEUE), capture(QUEUE, direction="rollback"), back]) == [DATA, QUEUE]


def test_of_several_captures_the_sum_is_printed() -> None:
    """One capture has its own line; several have one in common, and with -v their own, too."""
    one, two = printed(capture(DATA)), printed(capture(DATA), capture(DATA, path="b.pcap"))

    assert "  neither reads 1 attribute: IFLA_LINKINFO/IFLA_INFO_DATA (37" in one
    assert two.count("neither reads") == 1
    assert "of all captures neither reads 1 attribute: IFLA_LINKINFO/IFLA_INFO_DATA (74 messages" in two
    assert printed(capture(DATA), capture(DATA, path="b.pcap"), verbose=True).count("neither reads") == 3
