"""A replay that is limited to the events that a filter matches.

Not here: the language of filters (``tests/filters``), and the option (``tests/cli/test_filter.py``).
"""

from __future__ import annotations

import pytest

from nlmon.backends.libnl import LibnlBackend
from nlmon.compare.difference import Class
from nlmon.engine.guarded import BackendMaker
from nlmon.errors import DecodeError
from nlmon.events import Decoded
from nlmon.filters import compile_filter
from nlmon.report.model import CaptureReport
from nlmon.testing.zoo import ZOO
from nlmon.testing.zoo.base import decoding
from nlmon.wire import Datagram
from support.verdicts import legacy, libnl, verdict

BASIC = "01-route-basic"
MTU = ZOO["MTU in the other byte order"].make
# One of 25, and those whose mistakes depend on the order or the number of messages.
SOME = [*list(ZOO)[::25], "last message lost", "raises once", "raises in bulk"]


def report(where: str | None, candidate: BackendMaker = libnl, **options: bool) -> CaptureReport:
    """The report on a recording of links, addresses and routes."""
    return verdict(BASIC, candidate=candidate, where=where and compile_filter(where), **options)


@pytest.mark.slow
@pytest.mark.parametrize("name", SOME)
def test_a_filter_that_matches_all_changes_nothing(name: str) -> None:
    """But that no states are compared, and that messages without an event in either match nothing."""
    bad = ZOO[name]
    whole, filtered = (verdict(BASIC, candidate=bad.make, where=one) for one in (None, compile_filter("frame >= 0")))
    beside = {Class.STATE.label, Class.MISSING.label}

    assert {label: n for label, n in whole.differences.items() if label not in beside} == {
        label: n for label, n in filtered.differences.items() if label not in beside
    }
    assert filtered.differences.get(Class.MISSING.label, 0) <= whole.differences.get(Class.MISSING.label, 0)
    assert (filtered.compared, filtered.events, filtered.state) == (whole.compared, whole.events, None)


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("netlink.link.mtu > 0", "regression"),
        ("netlink.msg_type == RTM_NEWLINK", "regression"),
        ("netlink.protocol == NETLINK_ROUTE AND NOT netlink.msg_type IN [RTM_NEWLINK, RTM_DELLINK]", "equivalent"),
        ("netlink.addr.family == AF_INET", "equivalent"),
        ("netlink.link.mtu > 4294967295", "inconclusive"),
    ],
)
def test_only_what_matches_is_judged(where: str, found: str) -> None:
    """Here the MTU of every link is wrong."""
    assert report(where, MTU).verdict == found


def test_a_difference_that_decides_the_filter_is_found() -> None:
    """It matches in one implementation alone, which takes part with what the other one gave; and a note says so."""
    filtered = report("netlink.link.mtu == 1500", MTU)
    values = [one.first for one in filtered.groups if one.field == "mtu"]

    assert [(one.reference, one.candidate) for one in values] == [("1500", "3691315200")] * len(values)
    assert values != []
    assert any("in legacy and not in libnl" in note for note in filtered.notes)


def test_a_field_that_one_of_them_does_not_provide() -> None:
    """The filter matches nothing in it; what it matches in the other is compared, and is no regression."""
    found = report('netlink.link.kind == "dummy"')
    (note,) = (one for one in found.notes if "in libnl and not in legacy" in one)

    assert (found.verdict, found.state) == ("equivalent", None)
    assert found.notes[0].startswith('the filter netlink.link.kind == "dummy" matches 0 messages in legacy and 87 ')
    assert note.endswith("which gives other values or fewer: first in frame 37")


def test_nothing_that_matches_is_no_evidence() -> None:
    """The reason says whose fault it is."""
    assert "the filter matches no event of a notification" in report("netlink.link.mtu > 4294967295").reason


def second_lost(datagram: Datagram, decoded: Decoded) -> Decoded:
    """An implementation that gives the first event of each datagram alone."""
    return Decoded(decoded.events[:1], list[DecodeError](decoded.errors), decoded.unknown, decoded.control)


def test_of_a_datagram_with_several_messages_those_that_match_are_judged() -> None:
    """What is missing of the others is not reported."""
    lost, dump = decoding(second_lost), "netlink.msg_flags contains NLM_F_MULTI AND "
    first = report(dump + "offset == 0", lost)
    others = report(dump + "offset > 0", lost)

    assert Class.MISSING.label not in first.differences
    assert others.differences[Class.MISSING.label] > 100


def test_both_directions_are_limited() -> None:
    """The way back has the differences of the move."""
    forward = verdict(BASIC, reference=legacy, candidate=MTU, where=compile_filter("netlink.link.mtu == 1500"))
    back = verdict(BASIC, reference=MTU, candidate=legacy, where=compile_filter("netlink.link.mtu == 1500"))

    assert forward.verdict == back.verdict == "regression"
    assert [one.count for one in forward.groups if one.field == "mtu"] == [
        one.count for one in back.groups if one.field == "mtu"
    ]


def test_a_crash_is_reported_whatever_matches() -> None:
    """An implementation that raises gives no event that could match."""

    class Raises(LibnlBackend):
        def decode(self, datagram: Datagram) -> Decoded:
            raise RuntimeError

    assert report("netlink.link.mtu > 4294967295", Raises).differences[Class.CRASH.label] > 0
