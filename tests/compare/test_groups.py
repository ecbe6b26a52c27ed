"""Groups of differences: what is alike is counted together, and generic messages have names."""

from __future__ import annotations

import pytest

from nlmon.compare.difference import Class, Difference
from nlmon.compare.evidence.check import RecordedNames
from nlmon.compare.findings import GROUPS_KEPT
from nlmon.compare.judge import Judge
from nlmon.compare.pair import pair_of
from nlmon.compare.side import Side
from nlmon.events import Event, GenericInfo
from nlmon.testing.messages import generic, message
from nlmon.wire import Datagram

NAMES = {28: ["nl80211"], 21: ["ethtool"], 30: ["one", "other"]}


def judge() -> Judge:
    """A judge of legacy and libnl that knows some families."""
    recorded = RecordedNames(lambda number: NAMES.get(number, []), lambda _: None)
    return Judge(pair_of("legacy", "libnl"), "little", recorded)


def difference(cls: Class, message_: str, field: str, frame: int) -> Difference:
    """A difference at some frame."""
    return Difference(cls, message_, frame, 0, field, "", -1, "", "a", "b", "differ")


def test_what_is_alike_is_counted_together() -> None:
    """By class, message and field, the gravest class first, the most frequent first, each with its first example."""
    found = judge()
    for frame, (cls, kind, field) in enumerate(
        [
            (Class.REORDERED, "RTM_NEWLINK", ""),
            (Class.CONFLICT, "RTM_NEWLINK", "mtu"),
            (Class.CONFLICT, "RTM_NEWLINK", "family"),
            (Class.CONFLICT, "RTM_NEWLINK", "family"),
            (Class.LOSS, "RTM_NEWADDR", "addr"),
            (Class.STATE, "addr 192.0.2.1/24 dev eth0", "scope"),
            (Class.STATE, "addr 192.0.2.2/24 dev eth0", "scope"),
        ],
        1,
    ):
        found.add(difference(cls, kind, field, frame))

    assert [(g.cls, g.message, g.field, g.count, g.first.frame) for g in found.groups] == [
        (Class.LOSS, "RTM_NEWADDR", "addr", 1, 5),
        (Class.CONFLICT, "RTM_NEWLINK", "family", 2, 3),
        (Class.CONFLICT, "RTM_NEWLINK", "mtu", 1, 2),
        (Class.STATE, "addr", "scope", 2, 6),
        (Class.REORDERED, "RTM_NEWLINK", "", 1, 1),
    ]
    assert found.groups[3].first.message == "addr 192.0.2.1/24 dev eth0"


def test_groups_are_bounded() -> None:
    """Whatever a recording invents, the rest is one group of its class, and no difference is uncounted."""
    found = judge()
    for number in range(GROUPS_KEPT + 500):
        found.add(difference(Class.EXTRA, str(number), "", number))

    assert (len(found.groups), found.groups[0].message, found.groups[0].count) == (GROUPS_KEPT + 1, "others", 500)
    assert sum(group.count for group in found.groups) == found.counts[Class.EXTRA] == GROUPS_KEPT + 500


@pytest.mark.parametrize(
    ("family", "command", "shown"),
    [
        (28, 34, "nl80211 NEW_SCAN_RESULTS"),
        (28, 255, "nl80211 255"),
        (21, 13, "ethtool 13"),
        (16, 1, "nlctrl 1"),
        (30, 1, "30"),
        (99, 1, "99"),
    ],
)
def test_a_generic_message_is_named_by_family_and_command(family: int, command: int, shown: str) -> None:
    """As nlctrl said in the recording; a number with two names or none stays a number."""
    found = judge()
    data = generic(family, command)
    payload = GenericInfo(genl_family_id=family, genl_cmd=command, genl_version=1)
    event = Event(0, 16, family, 0, 0, 0, 7, 0, None, payload)
    found.compare(Datagram(7, 0, 16, data), Side("legacy", [event], []), Side("libnl", [], []), answer=False)

    assert {group.message for group in found.groups if group.cls is Class.MISSING} == {shown}


def test_other_messages_keep_their_name() -> None:
    """A number of NETLINK_ROUTE without a name is no family."""
    found = judge()
    data = message(28, bytes(12))
    trace = Side("libnl", [], [], crash="IndexError", trace="here")
    found.compare(Datagram(7, 0, 0, data), Side("legacy", [], []), trace, answer=False)

    assert [(group.cls, group.message) for group in found.groups] == [(Class.CRASH, "")]
