"""Verdicts on implementations that break the rules of their interface, on each protocol of the guide."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from nlmon.backends.libnl import LibnlBackend
from nlmon.backends.options import BackendOptions
from nlmon.capture import Frame
from nlmon.engine.lane import BackendMaker
from nlmon.engine.replay import Replay
from nlmon.events import ConntrackInfo, DiagInfo, Event, GenericInfo, LinkInfo, TcInfo
from support.netlink import message, number
from support.paths import FIXTURES
from support.verdicts import changed, legacy, libnl, verdict

CAPTURES = FIXTURES / "captures" / "linux-6.12"
ROUTE, SOCK_DIAG = 0, 4
# The number that the recorded kernel gave to a multicast group of nl80211.
NL80211_SCAN = 20


def field(struct: type, **values: Any) -> BackendMaker:
    """A libnl that gives fixed or computed values to fields of one kind of payload."""

    def change(event: Event) -> Event:
        if not isinstance(event.payload, struct):
            return event
        new = {key: value(event.payload) if callable(value) else value for key, value in values.items()}
        return structs.replace(event, payload=structs.replace(event.payload, **new))

    return changed(change)


TC = TcInfo(0, 1, 2, 3, 4)
# What is wrong, on which recording, and the class it is found as.
ZOO: dict[str, tuple[str, BackendMaker, str]] = {
    "no payload": ("01-route-basic", changed(lambda e: structs.replace(e, payload=None)), "conflict"),
    "no event at all": ("01-route-basic", changed(lambda _: ["nothing"]), "crash"),
    "an event without a place": ("01-route-basic", changed(lambda e: structs.replace(e, offset=None)), "crash"),
    "an invented event of libnl's own": (
        "01-route-basic",
        changed(lambda e: [e, structs.replace(e, payload=TC)]),
        "extra",
    ),
    "an event of libnl's own twice": ("06-xfrm", changed(lambda e: [e, e]), "duplicate"),
    "xfrm is dropped": ("06-xfrm", changed(lambda _: None), "missing"),
    "audit is dropped": ("09-untapped-audit-uevent-connector", changed(lambda _: None), "missing"),
    "kind of a link": ("02-route-topology", field(LinkInfo, kind="bridge"), "contradicted"),
    "master of a link": ("02-route-topology", field(LinkInfo, master=None), "contradicted"),
    "type of a link": ("02-route-topology", field(LinkInfo, type=772), "contradicted"),
    "reply of a flow": ("04-conntrack", field(ConntrackInfo, reply=None), "contradicted"),
    "status of a flow": ("04-conntrack", field(ConntrackInfo, status=0), "contradicted"),
    "timeout of a flow in the other byte order": (
        "04-conntrack",
        field(ConntrackInfo, timeout=lambda c: c.timeout and int.from_bytes(c.timeout.to_bytes(4, "big"), "little")),
        "contradicted",
    ),
    "zone that nobody sent": ("04-conntrack", field(ConntrackInfo, zone=99), "contradicted"),
    "queues of a socket swapped": (
        "05-sock_diag",
        field(DiagInfo, rqueue=lambda d: d.wqueue, wqueue=lambda d: d.rqueue),
        "contradicted",
    ),
    "path of a unix socket": ("05-sock_diag", field(DiagInfo, path=None), "contradicted"),
    "raw attributes cut": ("06-generic", field(GenericInfo, attributes=lambda g: g.attributes[:1]), "contradicted"),
    "name of a family": ("06-generic", field(GenericInfo, genl_family_name="nonsense"), "contradicted"),
    "nl80211 is lost": ("03-nl80211", field(GenericInfo, nl80211=None), "contradicted"),
    "interface of nl80211": (
        "03-nl80211",
        field(GenericInfo, nl80211=lambda g: g.nl80211 and structs.replace(g.nl80211, ifindex=7)),
        "contradicted",
    ),
    "command of nl80211": (
        "03-nl80211",
        field(GenericInfo, nl80211=lambda g: g.nl80211 and structs.replace(g.nl80211, cmd=1)),
        "contradicted",
    ),
}


@pytest.mark.parametrize(("name", "maker", "cls"), ZOO.values(), ids=ZOO.keys())
def test_what_breaks_the_rules_is_found(name: str, maker: BackendMaker, cls: str) -> None:
    """Events that are none, surplus ones, and values of libnl alone that the message contradicts."""
    report = verdict(name, candidate=maker)

    assert report.differences.get(cls, 0) > 0
    assert report.verdict == ("equivalent" if cls == "duplicate" else "regression")


def test_a_contradicted_value_shows_the_message() -> None:
    """The difference holds what the message holds beside what the event says, with the bytes."""
    report = verdict("04-conntrack", candidate=field(ConntrackInfo, status=0))
    first = next(d for d in report.details if d.cls == "contradicted")

    assert (first.field, first.attribute, first.reference, first.candidate) == (
        *("status", "CTA_STATUS"),
        *(f"the message: {int(first.hex.replace(' ', '')[8:], 16)}", "0"),
    )


class Raises(LibnlBackend):
    """Raises where nothing was read."""

    where = ""

    def enable(self, protocol: int) -> None:
        if self.where == "enable":
            raise RuntimeError("boom")
        super().enable(protocol)

    def refresh(self) -> None:
        if self.where == "refresh":
            raise RuntimeError("boom")
        super().refresh()

    def close(self) -> None:
        if self.where == "close":
            raise RuntimeError("boom")
        super().close()

    def process(self, protocol: int) -> bool:
        return super().process(protocol) or self.where == "process"


@pytest.mark.parametrize("where", ["enable", "refresh", "close", "process"])
def test_an_implementation_that_raises_anywhere_is_a_difference(where: str) -> None:
    """Also outside of decoding, and when it never comes to rest; the run goes on to its end."""
    report = verdict("03-nl80211", candidate=type("Broken", (Raises,), {"where": where}))

    assert (report.verdict, report.differences["crash"] > 0, report.frames) == ("regression", True, 1979)


class Deaf(LibnlBackend):
    """Joins neither nl80211's group "scan" nor that of destroyed UDP sockets of IPv4."""

    groups = {**LibnlBackend.groups, SOCK_DIAG: (1, 3, 4)}  # noqa: RUF012

    def opened(self, protocol: int, transport: Any) -> None:
        join = transport.join
        transport.join = lambda group: None if group == NL80211_SCAN else join(group)
        super().opened(protocol, transport)


@pytest.mark.parametrize("name", ["03-nl80211", "05-sock_diag"])
def test_a_group_that_is_not_joined_is_found(name: str) -> None:
    """Who joins but some of the groups that a message may come in is not said to hear it."""
    report = verdict(name, candidate=Deaf)

    assert (report.verdict, report.differences["missing"] > 0) == ("regression", True)


@pytest.mark.parametrize("caches", [("link",), ("link", "addr", "route")])
@pytest.mark.parametrize("name", ["01-route-basic", "02-route-topology", "03-nl80211", "07b-overrun"])
def test_caches_change_nothing(name: str, caches: tuple[str, ...]) -> None:
    """Names that a cache gives are those that the kernel would have given."""
    report = verdict(name, candidate=libnl, options=BackendOptions(caches=caches))

    assert (report.verdict, set(report.differences)) == ("equivalent", {"enhancement"})


def test_nothing_hides_behind_an_error() -> None:
    """What follows an error in its datagram reaches both implementations, and is compared."""
    error = message(2, number("i", -19) + message(16, bytes(16)))
    link = message(16, number("BxHiII", 0, 1, 7, 0, 0))
    replay = Replay(legacy, changed(lambda _: None), byteorder="little")
    replay.feed(Frame(1, 0, ROUTE, error + link))

    assert [(d.cls.label, d.offset) for d in replay.judge.details] == [("missing", len(error))]


@pytest.mark.parametrize(("family", "outcome"), [("nl80211", "equivalent"), ("nl8021", "error")])
def test_a_family_that_nobody_names_is_no_verdict(family: str, outcome: str) -> None:
    """A name that the recording does not hold is a mistake of the one who asks, and not of libnl."""
    report = verdict("03-nl80211", candidate=libnl, options=BackendOptions(generic_families=(family,)))

    assert report.verdict == outcome
    assert report.reason.startswith("Failed to resolve family 'nl8021': families in this recording: I") == (
        outcome == "error"
    )


def test_families_that_were_left_out_are_not_compared() -> None:
    """Who asks for one family compares that one, and the report counts the others."""
    report = verdict("06-generic", candidate=libnl, options=BackendOptions(generic_families=("ethtool",)))

    assert (report.verdict, report.events) == ("equivalent", {"legacy": 3, "libnl": 3})
    assert sum(report.not_subscribed.values()) == 3


class NoIpsec(LibnlBackend):
    """A libnl that knows nothing of NETLINK_XFRM."""

    groups = {key: value for key, value in LibnlBackend.groups.items() if key != 6}  # noqa: RUF012


class NoExpectations(LibnlBackend):
    """A libnl that joins the groups of flows alone."""

    groups = {**LibnlBackend.groups, 12: (1, 2, 3)}  # noqa: RUF012


class NotAsked(LibnlBackend):
    """A libnl that joins no more groups than usual, whatever it is asked."""

    def groups_of(self, protocol: int) -> tuple[int, ...]:
        return self.groups[protocol]


@pytest.mark.parametrize(
    ("name", "maker", "groups"),
    [("06-xfrm", NoIpsec, ()), ("04-conntrack", NoExpectations, ()), ("08-tc", NotAsked, ("tc",))],
)
def test_what_libnl_alone_should_hear_is_owed(name: str, maker: BackendMaker, groups: tuple[str, ...]) -> None:
    """The contract says in which groups libnl is; where nobody else reads a message, that is what finds it deaf."""
    options = BackendOptions(extra_groups=groups)

    assert verdict(name, candidate=libnl, options=options).verdict == "equivalent"
    report = verdict(name, candidate=maker, options=options)
    assert (report.verdict, report.differences["missing"] > 0) == ("regression", True)
