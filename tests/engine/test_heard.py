"""Counters of implementations, held against what their lanes noted."""

from __future__ import annotations

from functools import partial

import pytest

from nlmon.backends.registry import create
from nlmon.capture.base import Frame
from nlmon.compare.difference import Class
from nlmon.engine.heard import Heard
from nlmon.engine.replay import Replay
from nlmon.testing.messages import link, message, number
from nlmon.testing.zoo import ZOO

LINK, ACTION, DONE = message(16, link(3, "lan0")), message(48, bytes(4)), message(3, number("i", 0))
LEGACY, LIBNL = partial(create, "legacy"), partial(create, "libnl")

# The mistake, the datagram, and the protocol, the counter, and both values as a report shows them.
SAID = {
    "datagrams for events": (LINK + LINK, "NETLINK_ROUTE", "events", "2", "1"),
    "errors uncounted": (LINK + LINK[:15], "NETLINK_ROUTE", "errors", "1", "0"),
    "control uncounted": (LINK + DONE, "NETLINK_ROUTE", "control", "1", "0"),
    "unknown uncounted": (LINK + ACTION, "NETLINK_ROUTE", "unknown RTM_NEWACTION that begins with 0", "1", "0"),
    "never enabled": (LINK, "NETLINK_ROUTE", "enabled", "True", "False"),
    "another name in the status": (LINK, "", "name", "libnl", "netlink"),
}


def played(candidate: object, *datagrams: bytes, protocol: int = 0) -> Replay:
    """A replay of datagrams that is over."""
    replay = Replay(LEGACY, candidate, byteorder="little", select="all", protocols=[protocol])  # type: ignore[arg-type]
    replay.play([Frame(number, 0, protocol, data) for number, data in enumerate(datagrams, 1)])
    replay.finish()
    return replay


@pytest.mark.parametrize("name", SAID)
def test_a_report_says_which_counter(name: str) -> None:
    """Of which protocol, what it must be and what it is."""
    data, *said = SAID[name]
    found = [one for one in played(ZOO[name].make, data).judge.details if one.cls is Class.COUNTER]

    assert [[one.message, one.field, one.reference, one.candidate] for one in found] == [said]


def test_the_good_ones_count_what_there_is() -> None:
    """Events, errors, messages without an event and control messages, in one datagram or in several."""
    replay = played(LIBNL, LINK, LINK + ACTION + DONE, ACTION, DONE, LINK + LINK + b"\1")

    heard = replay.lanes[1].heard
    assert (heard.events, heard.errors, heard.control, heard.unknown) == ({0: 4}, {0: 1}, {0: 2}, {0: {(48, 0): 2}})
    assert replay.judge.counts[Class.COUNTER] == 0


def test_one_that_raised_is_not_asked() -> None:
    """Nobody knows how much it had counted then."""
    heard = Heard(whole=True)
    heard.add(0, 1, 0)
    heard.crashed = True

    assert list(heard.miscounts(played(LIBNL).lanes[1].backend, {})) == []
