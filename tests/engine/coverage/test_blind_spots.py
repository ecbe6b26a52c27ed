"""What a comparison says that neither implementation reads, or one alone, and how it is counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from nlmon.backends.legacy import LegacyBackend
from nlmon.backends.libnl import LibnlBackend
from nlmon.backends.options import BackendOptions
from nlmon.backends.reads import UNDECLARED
from nlmon.capture import Frame, open_capture
from nlmon.compare.contract import load_contract
from nlmon.compare.fast.agreement import Agreement
from nlmon.engine.coverage import changes, count, parts, walk
from nlmon.engine.coverage.count import Coverage
from nlmon.engine.coverage.held import Held
from nlmon.engine.coverage.readings import ReadAttribute
from nlmon.engine.coverage.rows import blind_changes, blind_spots
from nlmon.engine.replay import Replay
from nlmon.engine.run import replay_capture
from nlmon.names.attributes import kind_text
from nlmon.report.model import BlindChange, BlindSpot, CaptureReport
from nlmon.testing.messages import attr, generic, link, message, nested, new_family, number
from nlmon.wire import Datagram, Datagrams
from support.paths import CAPTURES, FIXTURES

ROUTE, GENERIC = 0, 16
NAMES = ("legacy", "libnl")


def report_of(path: str, groups: Sequence[str] = (), select: Any = "notifications") -> CaptureReport:
    """The report on a fixture."""
    options = BackendOptions(extra_groups=tuple(groups))
    with open_capture(FIXTURES / path) as reader:
        (report,) = replay_capture(reader, path, LegacyBackend, LibnlBackend, options=options, select=select)
    return report


def replayed(
    *messages: bytes, protocol: int = ROUTE, select: Any = "notifications"
) -> tuple[list[BlindSpot], list[BlindChange]]:
    """The blind spots and changes of some notifications."""
    replay = Replay(LegacyBackend, LibnlBackend, byteorder="little", select=select)
    replay.play(Frame(place, place, protocol, data, "in", 0) for place, data in enumerate(messages, 1))
    replay.finish()
    replay.judge.settle()
    return blind_spots(replay.blind.coverage, NAMES), blind_changes(replay.blind.changes)


def neither(spots: Sequence[BlindSpot]) -> dict[str, int]:
    """How many messages hold each attribute that neither reads."""
    return {spot.attribute: spot.messages for spot in spots if spot.attribute and not spot.read_by}


def changes_of(report: CaptureReport) -> list[tuple[tuple[str, ...], int, int]]:
    """Attributes, number and first frame of the changes that show in what neither reads alone."""
    return [(change.attributes, change.count, change.frame) for change in report.blind_changes]


# -- cases from the field --------------------------------------------------------------------------------------


def test_sockets_of_an_older_request_are_named() -> None:
    """Answers to TCPDIAG_GETSOCK, which both skip, are a blind spot."""
    report = report_of("cases/03-tcpdiag-getsock.pcap")

    assert report.blind == [BlindSpot("TCPDIAG_GETSOCK/AF_INET", "", "", 3)]


def test_sources_of_multicast_entries_are_named() -> None:
    """Entries that differ in source and filter mode give equal events; both are named, and so is the router's port."""
    report = report_of("cases/05-bridge-mdb-sg.pcap", ["mdb"])
    entry = "MDBA_MDB/MDBA_MDB_ENTRY/MDBA_MDB_ENTRY_INFO/"

    assert neither(report.blind) == {
        f"{entry}MDBA_MDB_EATTR_GROUP_MODE": 4,
        f"{entry}MDBA_MDB_EATTR_RTPROT": 4,
        f"{entry}MDBA_MDB_EATTR_SOURCE": 3,
        "MDBA_ROUTER": 1,
    }
    assert changes_of(report) == [
        ((f"{entry}MDBA_MDB_EATTR_GROUP_MODE", f"{entry}MDBA_MDB_EATTR_SOURCE"), 1, 2),
        ((f"{entry}MDBA_MDB_EATTR_SOURCE",), 1, 3),
    ]


def test_what_wireless_events_are_about_is_named() -> None:
    """Quality, regulatory domain and radar give equal events, whatever happened."""
    report = report_of("cases/17-nl80211-events.pcap")

    assert [spot for spot in report.blind if not spot.read_by][:2] == [
        BlindSpot("nl80211", "NL80211_ATTR_CQM", "", 3, {"NOTIFY_CQM": 3}),
        BlindSpot("nl80211", "NL80211_ATTR_RADAR_EVENT", "", 2, {"RADAR_DETECT": 2}),
    ]
    assert changes_of(report) == [
        (("NL80211_ATTR_CQM",), 2, 3),
        (("NL80211_ATTR_REG_INITIATOR", "NL80211_ATTR_REG_ALPHA2"), 1, 6),
        (("NL80211_ATTR_RADAR_EVENT",), 1, 8),
    ]


def test_labels_of_routes_are_named() -> None:
    """A route whose new label changes gives equal events; where all is replayed, routes of MPLS are read, too."""
    report = report_of("cases/22-mpls-labels.pcap", select="all")

    assert neither(report.blind)["RTA_NEWDST"] == 4
    assert (("RTA_NEWDST",), 1, 7) in changes_of(report)


def test_records_of_the_audit_daemon_are_said() -> None:
    """Records whose length leaves out the header are not read to their end, and a note says so."""
    note = "3 audit records are of the audit daemon's own stream, whose length leaves out the header: "

    assert f"{note}the end of each is not read" in report_of("cases/24-audit-unicast.pcap").notes


def test_a_list_whose_length_wraps_is_one_attribute() -> None:
    """The functions of an interface that has too many for the length of their list are no attributes of it."""
    found = neither(report_of("cases/20-vfinfo-222.pcap").blind)

    assert found == {"IFLA_NUM_VF": 3, "IFLA_VFINFO_LIST": 2}


# -- counting --------------------------------------------------------------------------------------------------


def test_attributes_are_counted_by_kind() -> None:
    """What depends on the kind of a link is counted by it; what is inside is not listed."""
    infos = [nested(18, attr(1, kind + b"\0"), nested(2, attr(1, bytes(4)))) for kind in (b"vxlan", b"vxlan", b"dummy")]
    spots, _ = replayed(*(message(16, link(place, "lan0") + info) for place, info in enumerate(infos, 1)))

    assert spots == [
        BlindSpot("link", "IFLA_LINKINFO/IFLA_INFO_DATA", "", 3, {"vxlan": 2, "dummy": 1}),
        BlindSpot("link", "IFLA_LINKINFO", "libnl", 3),
    ]


def test_of_equal_length_kinds_are_told_apart_in_the_fast_way_too() -> None:
    """Messages of one length whose kinds differ are counted as what they are, however many there are."""
    body = {
        kind: link(1, "lan0") + nested(18, attr(1, kind + b"\0"), attr(2, bytes(8))) for kind in (b"vxlan", b"dummy")
    }
    spots, _ = replayed(*(message(16, body[kind]) for kind in [b"vxlan", b"vxlan", b"dummy"] * 50))

    assert spots[0].kinds == {"vxlan": 100, "dummy": 50}


def test_what_nobody_need_read_is_not_counted() -> None:
    """Counters and padding are no blind spots."""
    spots, _ = replayed(message(16, link(1, "lan0") + attr(23, bytes(200)) + attr(7, bytes(96)) + attr(42)))

    assert spots == []


def test_messages_that_give_no_event_are_counted_by_type() -> None:
    """A type that nobody reads is a blind spot; one that one alone reads is what that one alone reads."""
    spots, _ = replayed(message(64, bytes(4)), message(88, bytes(4) + attr(1, number("i", 3))), select="all")

    assert spots == [BlindSpot("RTM_NEWNEIGHTBL", "", "", 1), BlindSpot("nsid", "", "libnl", 1)]


def test_a_family_that_is_kept_as_it_is_is_read_by_one() -> None:
    """libnl keeps the attributes of a family without a policy; nothing in it is blind."""
    spots, _ = replayed(new_family(30, "mine"), generic(30, 5, attr(1, b"x")), protocol=GENERIC)

    assert BlindSpot("mine", "", "libnl", 1, {"command 5": 1}) in spots


@pytest.mark.slow
@pytest.mark.parametrize("name", ["01-route-basic", "02-route-topology", "03-nl80211", "04-conntrack", "08-tc"])
def test_the_fast_way_counts_what_the_slow_way_does(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blind spots are the same where the judge never says that both agree, and each message is counted by itself."""
    path = f"captures/linux-6.12/{name}.pcap.zst"
    fast = report_of(path)
    monkeypatch.setattr(Agreement, "agree", lambda *_: False)
    monkeypatch.setattr(Agreement, "agree_on", lambda *_: 0)

    assert report_of(path).blind == fast.blind
    assert len(fast.blind) > 5


def test_the_two_directions_say_the_same() -> None:
    """Who is the reference changes nothing in what neither reads."""
    path = CAPTURES / "linux-6.12" / "01-route-basic.pcap.zst"
    found = []
    for pair in ((LegacyBackend, LibnlBackend), (LibnlBackend, LegacyBackend)):
        with open_capture(path) as reader:
            found += [report.blind for report in replay_capture(reader, "", *pair)]

    assert found[0] == found[1]


def test_an_implementation_that_declares_nothing_is_not_searched() -> None:
    """Where one does not say what it reads, no blind spot is claimed, and a note says why."""
    foreign = type("Foreign", (LibnlBackend,), {"reads": classmethod(lambda *_: UNDECLARED)})

    with open_capture(CAPTURES / "linux-6.12" / "06-generic.pcap.zst") as reader:
        (report,) = replay_capture(reader, "", LegacyBackend, foreign)

    assert report.blind == []
    assert any("does not declare what it reads" in note for note in report.notes)


# -- changes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (attr(17, b"\0"), attr(17, b"\1"), ["IFLA_LINKMODE"]),
        (attr(17, b"\0"), b"", ["IFLA_LINKMODE"]),
        (attr(17, b"\0"), attr(17, b"\0"), None),
        (attr(4, number("I", 1500)) + attr(17, b"\0"), attr(4, number("I", 9000)) + attr(17, b"\1"), None),
        (attr(23, bytes(8)) + attr(17, b"\0"), attr(23, b"\1" * 8) + attr(17, b"\0"), None),
        (
            nested(26, nested(10, attr(1, number("I", 1)), attr(3, bytes(8)))),
            nested(26, nested(10, attr(1, number("I", 2)), attr(3, bytes(8)))),
            ["IFLA_AF_SPEC/AF_INET6/IFLA_INET6_FLAGS"],
        ),
        (nested(26, nested(10, attr(3, bytes(8)))), nested(26, nested(10, attr(3, b"\1" * 8))), None),
    ],
    ids=["value", "gone", "equal", "read", "counters", "inside", "counters inside"],
)
def test_a_change_that_only_blind_attributes_show(before: bytes, after: bytes, expected: list[str] | None) -> None:
    """Equal events whose messages differ in what neither reads are a change, named as far down as the kernel's tables
    go; what somebody reads, and what changes by itself, is none."""
    _, changes = replayed(*(message(16, link(1, "lan0") + one) for one in (before, after)))

    assert changes == ([] if expected is None else [BlindChange("link", tuple(expected), 1, 2)])


def test_another_event_in_between_ends_the_row() -> None:
    """Equal events are no change if one that differs came between them; events of other objects do not count."""
    one, other = (message(16, link(1, "lan0") + attr(17, value)) for value in (b"\0", b"\1"))
    renamed, neighbour = message(16, link(1, "lan1") + attr(17, b"\1")), message(16, link(2, "lan2") + attr(17, b"\0"))

    assert replayed(one, renamed, other)[1] == []
    assert replayed(one, neighbour, other)[1] == [BlindChange("link", ("IFLA_LINKMODE",), 1, 3)]


# -- bounds ----------------------------------------------------------------------------------------------------


def hostile(number_of: int) -> list[bytes]:
    """Messages of which each has a layout and attributes of its own."""
    return [message(16, link(1, "lan0") + attr(1000 + place, bytes(place % 64))) for place in range(number_of)]


@pytest.mark.parametrize(("limit", "small"), [("PARTS_KEPT", 20), ("PLACES_KEPT", 20)])
def test_many_layouts_are_bounded(limit: str, small: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many layouts there are, a bounded number is kept; what finds no place among the counts is said."""
    monkeypatch.setattr(parts if limit == "PARTS_KEPT" else count, limit, small)
    coverage = Coverage((LegacyBackend, LibnlBackend), load_contract(), "little", lambda _: "")
    for data in hostile(200):
        coverage.count(Datagram(1, 0, ROUTE, data))
    coverage.settle()

    assert coverage.counts.messages.total() + coverage.counts.left_out == 200
    assert (coverage.counts.left_out > 0) == (limit == "PARTS_KEPT")
    assert len(coverage.counts.messages) <= (small if limit == "PARTS_KEPT" else 200)


def test_layouts_of_what_nobody_reads_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A layout that remembers no attribute counts, too: of messages of a type that nobody reads, of many lengths."""
    monkeypatch.setattr(count, "PLACES_KEPT", 20)
    coverage = Coverage((LegacyBackend, LibnlBackend), load_contract(), "little", lambda _: "")
    kept = set()
    for length in range(200):
        coverage.count(Datagram(1, 0, ROUTE, message(64, bytes(length))))
        kept.add(sum(len(list(kind.layouts or ())) for kind in coverage._kinds.values()))
    coverage.settle()

    assert (max(kept), coverage.counts.messages.total()) == (20, 200)


@pytest.mark.parametrize(
    ("protocol", "msg_type", "family", "label"),
    [
        (4, 20, 2, "inet socket"),
        (4, 20, 1, "unix socket"),
        (6, 16, 0, "xfrm"),
        (6, 19, 0, "xfrm"),
        (0, 16, 0, "link"),
        (0, 64, 0, "RTM_NEWNEIGHTBL"),
    ],
)
def test_messages_have_one_name_in_both_reports(protocol: int, msg_type: int, family: int, label: str) -> None:
    """What a comparison calls messages is what a report of coverage calls them."""
    data = message(msg_type, bytes([family]) + bytes(279))
    coverage = Coverage((LegacyBackend, LibnlBackend), load_contract(), "little", lambda _: "")
    found = coverage.layout(protocol, data, msg_type)
    held = Held((LegacyBackend, LibnlBackend), NAMES, load_contract())
    held.count(Datagrams(range(1, 2), protocol, [0], (data,)), "little", lambda _: "")

    assert (found and found.label, held.report([]).messages[0].message) == (label, label)


def test_a_message_that_has_become_too_long_is_not_remembered() -> None:
    """An object whose messages grow is forgotten, as one is whose first message is too long."""
    replay = Replay(LegacyBackend, LibnlBackend, byteorder="little")
    short, long = (message(16, link(1, "lan0") + attr(999, bytes(size))) for size in (8, changes.LONGEST))
    kept = []
    for number_of, data in enumerate((short, long, short), 1):
        replay.play([Frame(number_of, 0, ROUTE, data)])
        kept.append([len(last[0]) for last in replay.blind.changes._last.values()])

    assert kept == [[len(short)], [], [len(short)]]


def test_a_message_of_many_attributes_is_looked_at_up_to_a_bound() -> None:
    """Of thousands of attributes in one message the first are counted."""
    spots, _ = replayed(message(16, link(1, "lan0") + b"".join(attr(1000 + place) for place in range(3000))))

    assert 0 < len(spots) <= walk.LOOKED_AT


INSIDE: Mapping[int, ReadAttribute] = {5: ReadAttribute(3, None, 0, hops=False)}
MULTIPATH = {9: ReadAttribute(3, INSIDE, 0, hops=True)}


@pytest.mark.parametrize("gateway", [b"", attr(5, bytes(4))], ids=["bare hops", "hops with a gateway"])
def test_a_message_of_many_hops_is_looked_at_up_to_a_bound(gateway: bytes) -> None:
    """A hop counts as an attribute does, also one that has none: nothing grows with their number."""
    hop = number("HBBI", 8 + len(gateway), 0, 0, 1) + gateway
    made = walk.Walk(message(24, attr(9, hop * 4000)), "little")
    made.level(16, 16 + 4 + len(hop) * 4000, MULTIPATH, "rt-route/route-attrs")

    assert len(made.places) + len(made.levels) == walk.LOOKED_AT + 1  # the level of the message itself
    assert len(made.levels) + len(made.headers) + len(made.pieces) < 4 * walk.LOOKED_AT


def test_what_says_of_which_kind_attributes_are_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first that says it does, for however many others beside it; before or behind these."""
    read = []

    def reading(*what: Any) -> str:
        read.append(what)
        return kind_text(*what)

    monkeypatch.setattr(walk, "kind_text", reading)
    data = attr(2) * 400 + attr(1, b"vxlan\0") + attr(1, b"vlan\0") + attr(2) * 400
    made = walk.Walk(data, "little")
    made.level(0, len(data), {}, "rt-link/linkinfo-attrs")
    (level,) = made.levels

    assert (len(made.places), level.kind(2), level.kind(1), len(read), len(made.pieces)) == (802, "vxlan", "", 1, 1)
