"""What guards a verdict: bad implementations, caches and names of families do not turn it by mistake.

Not here: that every bad implementation is found (``tests/testing/test_zoo.py``).
"""

from __future__ import annotations

import pytest
from msgspec import structs

from nlmon.backends.libnl import LibnlBackend
from nlmon.backends.options import BackendOptions
from nlmon.capture import Frame, open_capture
from nlmon.compare.difference import Class
from nlmon.engine.replay import Replay
from nlmon.testing.messages import addr, attr, link, message, number, route
from nlmon.testing.zoo import ZOO
from nlmon.transport.recorded import transport
from nlmon.uapi import (
    CTRL_ATTR_HDRSIZE,
    NLM_F_DUMP,
    NLM_F_MULTI,
    NLM_F_REQUEST,
    NLMSG_DONE,
    RTM_DELADDR,
    RTM_GETADDR,
    RTM_NEWADDR,
    RTM_NEWLINK,
    RTM_NEWROUTE,
)
from support.paths import CAPTURES
from support.sampled import one_in
from support.verdicts import legacy, libnl, verdict

ROUTE = 0


def test_a_contradicted_value_shows_the_message() -> None:
    """The difference holds what the message holds beside what the event says, with the bytes."""
    report = verdict("04-conntrack", candidate=ZOO["no status"].make)
    first = next(d for d in report.details if d.cls == "contradicted")

    assert (first.field, first.attribute, first.reference, first.candidate) == (
        *("status", "CTA_STATUS"),
        *(f"the message: {int(first.hex.replace(' ', '')[8:], 16)}", "0"),
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", one_in(4, ["raises on close", "raises on enable", "raises on refresh", "never done"], pytest.mark.long)
)
def test_an_implementation_that_raises_anywhere_is_a_difference(name: str) -> None:
    """Also outside of decoding, and when it never comes to rest; the run goes on to its end."""
    report = verdict("03-nl80211", candidate=ZOO[name].make)

    assert (report.verdict, report.differences["crash"] > 0, report.frames) == ("regression", True, 1979)


def test_an_implementation_that_leaves_what_waits_is_a_difference() -> None:
    """One that says for ever that it read something, and reads nothing, ends no run: it crashes at each datagram."""

    class NeverReads(LibnlBackend):
        calls = 0

        def process(self, protocol: int) -> bool:
            self.calls += 1
            return self.calls < 10_000  # else the mistake that this is about would go on for ever

    replay = Replay(legacy, NeverReads, byteorder="little")
    replay.play([Frame(frame, 0, ROUTE, message(16, link(1, "lo"))) for frame in (1, 2)])
    crashed = [(one.frame, one.candidate) for one in replay.judge.details if one.cls is Class.CRASH]

    assert crashed == [(frame, "RuntimeError: process() leaves what waits unread") for frame in (1, 2)]


def test_what_is_never_read_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """An implementation that says it has nothing to read has crashed once more waits than is kept, and no more is."""

    class ReadsNothing(LibnlBackend):
        def process(self, protocol: int) -> bool:
            return False

    monkeypatch.setattr(transport, "UNREAD_KEPT", 2)
    replay = Replay(legacy, ReadsNothing, byteorder="little")
    replay.play([Frame(frame, 0, ROUTE, message(16, link(1, "lo"))) for frame in range(1, 5)])
    crashed = [(one.frame, one.candidate) for one in replay.judge.details if one.cls is Class.CRASH]

    assert crashed == [(frame, "RuntimeError: process() leaves what waits unread") for frame in (3, 4)]
    assert replay.lanes[1].factory.waiting(ROUTE) == 2


@pytest.mark.slow
@pytest.mark.parametrize("caches", [("link",), ("link", "addr", "route")])
@pytest.mark.parametrize("name", ["01-route-basic", "02-route-topology", "03-nl80211", "07b-overrun"])
def test_caches_change_nothing(name: str, caches: tuple[str, ...]) -> None:
    """Names that a cache gives are those that the kernel would have given."""
    report = verdict(name, candidate=libnl, options=BackendOptions(caches=caches))

    assert (report.verdict, set(report.differences)) == ("equivalent", {"enhancement"})


def test_nothing_hides_behind_an_error() -> None:
    """What follows an error in its datagram reaches both implementations, and is compared."""
    error = message(2, number("i", -19) + message(16, bytes(16)))
    after = message(16, number("BxHiII", 0, 1, 7, 0, 0))
    replay = Replay(legacy, ZOO["no IPsec events"].make, byteorder="little")
    replay.play([Frame(1, 0, ROUTE, error + after)])

    assert [(d.cls.label, d.offset) for d in replay.judge.details] == [("missing", len(error))]


@pytest.mark.parametrize(("family", "outcome"), [("nl80211", "equivalent"), ("nl8021", "error")])
def test_a_family_that_nobody_names_is_no_verdict(family: str, outcome: str) -> None:
    """A name that the recording does not hold is a mistake of the one who asks, and not of libnl."""
    report = verdict("03-nl80211", candidate=libnl, options=BackendOptions(generic_families=(family,)))

    assert report.verdict == outcome
    assert report.reason.startswith("Failed to resolve family 'nl8021': families in this recording: I") == (
        outcome == "error"
    )


@pytest.mark.parametrize(
    ("name", "protocols", "outcome", "families"),
    one_in(
        3,
        [
            ("01-route-basic", None, "error", "tcp_metrics"),
            ("02-route-topology", None, "error", "none"),
            ("02-route-topology", (0,), "equivalent", ""),
        ],
    ),
)
def test_a_family_is_missed_where_nothing_of_families_was_announced(
    name: str, protocols: tuple[int, ...] | None, outcome: str, families: str
) -> None:
    """A misspelt family is an error there, too, unless its protocol is not compared."""
    options = BackendOptions(generic_families=("nl80211_typo",))
    report = verdict(name, candidate=libnl, options=options, protocols=protocols)

    why = f"Failed to resolve family 'nl80211_typo': families in this recording: {families}"
    assert (report.verdict, report.reason) == (outcome, why if families else "")


def test_a_regression_outweighs_a_family_that_nobody_names() -> None:
    """What was found stands, and the mistake of the one who asks is said, too."""
    options = BackendOptions(generic_families=("nl8021",))
    report = verdict("03-nl80211", candidate=ZOO["raises on close"].make, options=options)

    assert (report.verdict, report.fails) == ("regression", "a regression")
    assert report.reason.startswith("1 crash; Failed to resolve family 'nl8021': ")


def test_two_sizes_of_a_header_are_no_contradiction() -> None:
    """What nlctrl answers to somebody else need not be what an implementation received: attributes behind a header of
    either size are those of the message."""
    size, damaged = attr(CTRL_ATTR_HDRSIZE, number("I", 0)), attr(CTRL_ATTR_HDRSIZE, number("I", 8))
    with open_capture(CAPTURES / "linux-6.1" / "06-generic.pcap.zst") as reader:
        frames = list(reader)
    place = next(place for place, frame in enumerate(frames) if frame.number == 347)
    assert size in frames[place].data
    frames[place] = structs.replace(frames[place], data=frames[place].data.replace(size, damaged))
    replay = Replay(legacy, libnl, byteorder="little")
    replay.play(frames)
    replay.finish()

    assert replay.judge.details == []


def test_families_that_were_left_out_are_not_compared() -> None:
    """Who asks for one family compares that one, and the report counts the others."""
    report = verdict("06-generic", candidate=libnl, options=BackendOptions(generic_families=("ethtool",)))

    assert (report.verdict, report.events) == ("equivalent", {"legacy": 3, "libnl": 3})
    assert sum(report.not_subscribed.values()) == 3


def test_what_is_announced_twice_is_there_once_in_a_state() -> None:
    """Every event twice is a warning, and takes nothing from a state: the address that goes is the last one."""
    announced = (
        message(RTM_NEWLINK, link(1, "d0")),
        message(RTM_GETADDR, bytes(8), flags=NLM_F_REQUEST | NLM_F_DUMP, seq=1, pid=77),
        message(NLMSG_DONE, bytes(4), flags=NLM_F_MULTI, seq=1, pid=77),
        message(RTM_NEWADDR, addr(1, "192.0.2.1")),
        message(RTM_NEWROUTE, route("192.0.2.0/24", 1)),
        message(RTM_DELADDR, addr(1, "192.0.2.1")),
    )
    replay = Replay(legacy, ZOO["twice"].make, byteorder="little")
    replay.play([Frame(frame, 0, ROUTE, one) for frame, one in enumerate(announced, 1)])

    assert {d.cls.label for d in replay.judge.details} == {"duplicate"}
    assert [len(state.tables["route"]) for state in replay.states.both] == [0, 0]
