"""Seeded faults: what they take, what each implementation makes of it, and what the verdict says."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from nlmon.backends.options import BackendOptions
from nlmon.backends.registry import create
from nlmon.capture import Frame, open_capture
from nlmon.engine.replay import Replay
from nlmon.engine.summary import capture_reports
from nlmon.errors import Overrun, UsageError
from nlmon.events import Event
from nlmon.names import protocol_number
from nlmon.report.model import CaptureReport
from nlmon.state.describe import show_key
from nlmon.state.dumps import changed_fields
from nlmon.state.tables import State
from nlmon.testing.messages import attr, link, message, number
from nlmon.testing.zoo import ZOO
from nlmon.transport.recorded.faults import Fault, parse_fault
from nlmon.transport.recorded.transport import RecordedFactory
from nlmon.wire import Datagram, Datagrams
from support.command import nlmon
from support.paths import NEWEST_FIRST, REPOSITORY
from support.recorded import notify
from support.sampled import one_in

pytestmark = pytest.mark.slow

CAPTURES = REPOSITORY / "fixtures" / "captures"
NAMES = ("01-route-basic", "02-route-topology", "07b-overrun")
ROUTE, LINKS, ADDRS = 0, 1, 5
# In the kernel at the end, and named by an answer to a question for it alone, which proves nothing to a monitor.
ONLY_ASKED = {"07b-overrun": {"link ifindex 60"}}
legacy = partial(create, "legacy")
libnl = partial(create, "libnl")


@pytest.mark.parametrize(
    ("text", "fault"),
    [("overrun@120+50", Fault(120, 50)), ("overrun@0+1", Fault(0, 1)), ("overrun@7+007", Fault(7, 7))],
)
def test_a_fault_is_parsed(text: str, fault: Fault) -> None:
    """The frame of the first loss and the number of lost notifications; written as it is read."""
    assert parse_fault(text, protocol_number) == fault
    assert parse_fault(str(fault), protocol_number) == fault


@pytest.mark.parametrize(("protocol", "number"), [("16", 16), ("generic", 16), ("NETLINK_NETFILTER", 12), ("0", 0)])
def test_a_fault_may_be_of_a_protocol(protocol: str, number: int) -> None:
    """By its name or its number."""
    assert parse_fault(f"overrun@120+50/{protocol}", protocol_number) == Fault(120, 50, number)


@pytest.mark.parametrize(
    "text",
    [
        *("", "overrun", "overrun@1", "overrun@1+0", "overrun@-1+1", "overrun@1+1 ", "loss@1+1", "overrun@1+1e3"),
        *("overrun@1+1/", "overrun@1+1/32", "overrun@1+1/x"),
    ],
)
def test_anything_else_is_a_mistake(text: str) -> None:
    """A usage error with an example."""
    with pytest.raises(UsageError, match="is no fault"):
        parse_fault(text, protocol_number)


def frame(place: int, *, subscribed: bool = True) -> Datagram:
    """A link, or an address, which a socket of links alone does not receive."""
    body = number("BBBBI", 2, 24, 0, 0, 3) + attr(2, bytes(4))
    return Datagram(place, 0, ROUTE, message(16, link(3, "d0")) if subscribed else message(20, body))


def received(faults: tuple[Fault, ...], *frames: Datagram, end: bool = True) -> list[int | str]:
    """Frames that a socket got, and overruns as ``lost N`` in their turn."""
    factory = RecordedFactory(faults=faults)
    transport = factory.open(ROUTE, (LINKS,))
    for one in frames:
        notify(factory, one)
    if end:
        factory.end()
    found: list[int | str] = []
    while transport.queue:
        try:
            datagram = transport.recv()
            assert datagram is not None
            found.append(datagram.frame)
        except Overrun as error:
            assert (error.errno, error.code) == (105, "NLM-T010")
            found.append(f"lost {error.drops}")
    return found


@pytest.mark.parametrize(
    ("faults", "expected"),
    [
        ((), [1, 2, 3, 4, 5, 6]),
        ((Fault(2, 1),), [1, "lost 1", 3, 4, 5, 6]),
        ((Fault(2, 3),), [1, "lost 3", 5, 6]),
        ((Fault(0, 2),), ["lost 2", 3, 4, 5, 6]),
        ((Fault(5, 9),), [1, 2, 3, 4, "lost 2"]),
        ((Fault(5, 1), Fault(2, 1)), [1, "lost 1", 3, 4, "lost 1", 6]),
        ((Fault(2, 2), Fault(3, 2)), [1, "lost 2", "lost 2", 6]),
        ((Fault(7, 1),), [1, 2, 3, 4, 5, 6]),
        ((Fault(1, 3, protocol=16),), [1, 2, 3, 4, 5, 6]),
    ],
)
def test_what_a_fault_takes(faults: tuple[Fault, ...], expected: list[int | str]) -> None:
    """COUNT notifications from FRAME on; then, or at the end of the recording, recv() says how many."""
    assert received(faults, *map(frame, range(1, 7))) == expected


@pytest.mark.parametrize(
    ("unsubscribed", "expected"),
    [((3,), [1, "lost 2", 5]), ((4,), [1, "lost 2", 5]), ((2,), [1, "lost 2", 5]), ((2, 3, 4), [1, 5])],
)
def test_what_a_socket_does_not_subscribe_to_it_does_not_lose(
    unsubscribed: tuple[int, ...], expected: list[int | str]
) -> None:
    """Every recorded notification counts, so that two sockets with other groups lose the same frames; the number is
    that of the own ones, and nothing is said when there were none."""
    frames = [frame(place, subscribed=place not in unsubscribed) for place in range(1, 6)]

    assert received((Fault(2, 3),), *frames) == expected


def test_only_what_is_subscribed_to_counts_as_lost() -> None:
    """The number of lost datagrams is that of the own groups, and a fault that took none of them says so."""
    factory = RecordedFactory(faults=(Fault(1, 2), Fault(3, 2)))
    factory.open(ROUTE, (LINKS,))
    for place, subscribed in ((1, True), (2, False), (3, False), (4, False)):
        notify(factory, frame(place, subscribed=subscribed))

    assert (factory.faults.lost, factory.faults.untouched) == (1, (Fault(3, 2),))


def test_a_loss_in_the_middle_is_not_reported_before_it_ends() -> None:
    """The socket reports it behind the last lost notification, not before."""
    assert received((Fault(2, 3),), frame(1), frame(2), frame(3), end=False) == [1]


class Run:
    """One recording in both lanes, and what is left of them."""

    def __init__(self, kernel: str, name: str, *faults: Fault, make: Any = libnl, **options: Any) -> None:
        given = BackendOptions(**{"resync": True, "resync_interval": 0.0, **options})
        with open_capture(CAPTURES / kernel / f"{name}.pcap.zst") as reader:
            self.replay = Replay(
                *(legacy, make), byteorder=reader.info.byteorder, options=given, faults=faults, protocols=(ROUTE,)
            )
            for one in reader:
                self.replay.play([one])
            self.replay.finish()
            self.report: CaptureReport = capture_reports(self.replay, reader, name)[0]
        self.replay.states.diverge()
        self.states = self.replay.states.both


@cache
def unharmed(kernel: str, name: str) -> Run:
    """A recording without faults."""
    return Run(kernel, name)


def differences(before: State, after: State) -> set[str]:
    """Objects in which two states differ, but for what changes by itself."""
    found = set()
    for kind, table in before.tables.items():
        other = after.tables[kind]
        for key in table.keys() | other.keys():
            if key not in table or key not in other or changed_fields(kind, table[key], other[key]):
                found.add(show_key(kind, key))
    return found


LOSSES = [(Fault(100, 15),), (Fault(200, 400),), (Fault(100, 5), Fault(300, 5)), (Fault(1, 100000),)]


@pytest.mark.xdist_group("recorded without faults")
@pytest.mark.parametrize(
    ("name", "faults"),
    one_in(2, [(name, faults) for faults in LOSSES for name in NAMES], pytest.mark.long),
    ids=[f"{name}-{'-'.join(map(str, faults))}" for faults in LOSSES for name in NAMES],
)
@pytest.mark.parametrize("kernel", NEWEST_FIRST)
def test_libnl_ends_where_it_would_have_ended(kernel: str, name: str, faults: tuple[Fault, ...]) -> None:
    """With resync the final state is that of a run without faults. Legacy lost the same and did not recover, the
    verdict says that they agree in all that both received, and that libnl recovered is an enhancement."""
    before, run = unharmed(kernel, name), Run(kernel, name, *faults)
    report = run.report
    lost = report.lost["legacy"]

    assert differences(before.states[1], run.states[1]) <= ONLY_ASKED.get(name, set())
    assert sum(map(len, run.states[1].tables.values())) > 0
    assert report.lost == {"legacy": lost, "libnl": lost}
    assert report.errors == {"legacy": 0, "libnl": 0}
    assert 0 < lost <= sum(fault.count for fault in faults)
    assert report.events["legacy"] == before.report.events["legacy"] - lost + len(faults)
    made_up = report.events["libnl"] - report.events["legacy"]
    assert report.enhancements["recovered"] == made_up > 0
    assert f"legacy lost {lost:,} messages; no resync followed" in report.notes
    assert f"libnl lost {lost:,} messages; its resync gave {made_up:,} events" in report.notes
    verdict = "equivalent" if report.compared else "inconclusive"  # a fault may lose all that there is
    assert (report.verdict, report.state, set(report.differences)) == (verdict, "same", {"enhancement"})


@pytest.mark.parametrize("kernel", NEWEST_FIRST)
def test_without_resync_both_lose_the_same(kernel: str) -> None:
    """Neither recovers; they still agree, and the report says what both lost."""
    report = Run(kernel, "02-route-topology", Fault(300, 500), resync=False).report
    lost = report.lost["legacy"]

    assert (report.verdict, report.lost["libnl"], "recovered" in report.enhancements) == ("equivalent", lost, False)
    assert 0 < lost < 500
    assert report.notes[:2] == [f"{n} lost {lost} messages; no resync followed" for n in ("legacy", "libnl")]


def test_extra_groups_change_nothing_for_the_other() -> None:
    """With more groups libnl loses more of its own, and both lose the same of what both subscribe to."""
    report = Run("linux-6.12", "01-route-basic", Fault(50, 60), extra_groups=("netconf",)).report

    assert report.lost["libnl"] > report.lost["legacy"] > 0
    assert report.verdict == "equivalent"


def test_a_fault_that_takes_nothing_is_said() -> None:
    """A frame behind the end of the recording proves nothing about recovery."""
    report = Run("linux-6.12", "01-route-basic", Fault(99999, 5), Fault(1, 1)).report

    assert report.notes == [
        "the fault overrun@1+1 lost no message",
        "the fault overrun@99999+5 lost no message: the recording ends at frame 664",
    ]
    assert report.errors == {"legacy": 0, "libnl": 0}
    assert report.lost == {"legacy": 0, "libnl": 0}
    assert (report.verdict, report.reason) == (
        "inconclusive",
        "the fault overrun@1+1 took nothing; the fault overrun@99999+5 took nothing",
    )


def test_what_a_fault_took_was_announced() -> None:
    """A link that changed while messages were lost is not said to have changed without a notification; what the kernel
    announced to nobody is."""
    whole = Run("linux-6.12", "01-route-basic", resync=False).report
    faulty = Run("linux-6.12", "01-route-basic", Fault(100, 20), resync=False).report

    assert faulty.unannounced == whole.unannounced
    assert (whole.missed_counts, faulty.missed_counts) == ({}, {"link changed": 1, "route appeared": 7})
    assert [(one.change, one.object) for one in faulty.missed[:2]] == [
        ("changed", "link d0 (ifindex 3)"),
        ("appeared", "route default via 192.0.2.254 dev d0 table 100"),
    ]


def test_nothing_received_is_nothing_compared() -> None:
    """When every notification is lost, only recorded answers were compared; that it was lost is no evidence."""
    report = Run("linux-6.12", "01-route-basic", Fault(1, 100000), resync=False).report

    assert report.events == {"legacy": 1, "libnl": 1}
    assert (report.verdict, report.compared) == ("inconclusive", {})
    assert report.reason == "no event was compared: every notification was lost"
    assert "every notification was lost; only recorded answers were compared" in report.notes


def test_recovery_excuses_nothing_else() -> None:
    """What is wrong behind a loss that was recovered from is a regression."""
    report = Run("linux-6.12", "02-route-topology", Fault(100, 20), make=ZOO["loses later"].make).report

    assert report.verdict == "regression"
    assert report.differences["missing"] > 0


def test_an_object_is_judged_again_when_a_message_about_it_reaches_both() -> None:
    """Recovered, an object is excused only until a message about it reaches both."""
    replay = Replay(legacy, libnl, byteorder="little", options=BackendOptions(resync=True, resync_interval=0.0))
    lane = replay.lanes[1]
    first, second = (Datagram(n, 0, ROUTE, message(16, link(3, name))) for n, name in ((1, "a"), (3, "b")))
    replay.feed.kernel.learn(Datagrams.of(first))
    lane.factory.fail(ROUTE, Overrun("NLM-T010", "lost", drops=1))
    recovered = []
    for datagram in (frame(2, subscribed=False), second):
        replay.play([Frame(datagram.frame, 0, ROUTE, datagram.data)])
        recovered.append(set(replay.states.unsettled.objects))

    assert recovered == [{("link", (3,))}, set()]


@pytest.mark.parametrize("form", ["pretty", "json"])
def test_the_command_line(form: str, tmp_path: Path) -> None:
    """``--fault`` and ``--recover``: the report says per implementation what was lost, and follows its schema."""
    path = tmp_path / "report.json"
    faults = ("--fault", "overrun@100+20", "--fault", "overrun@300+5", "--recover")
    recording = CAPTURES / "linux-6.12" / "01-route-basic.pcap.zst"
    done = nlmon("replay", recording, *faults, "--format", form, "--report", path)
    found = json.loads(path.read_text(encoding="utf-8"))
    schema = json.loads((REPOSITORY / "docs/schemas/replay.schema.json").read_text(encoding="utf-8"))
    (capture,) = found["captures"]

    assert (done.returncode, done.stderr, found["verdict"]) == (0, "", "equivalent")
    assert list(Draft202012Validator(schema).iter_errors(found)) == []
    assert capture["lost"] == {"legacy": 25, "libnl": 25}
    said = done.stdout if form == "pretty" else "\n".join(capture["notes"])
    assert "legacy lost 25 messages; no resync followed" in said
    assert "libnl lost 25 messages; its resync gave " in said


def test_a_wrong_fault_on_the_command_line() -> None:
    """Exit code 2 and an example."""
    done = nlmon("replay", CAPTURES, "--fault", "overrun@x")

    assert done.returncode == 2
    assert "such as overrun@120+50" in done.stderr


def test_a_loss_that_nothing_follows() -> None:
    """A lane whose last notifications are lost reports it at the end, and recovers then."""
    replay = Replay(
        *(legacy, libnl),
        byteorder="little",
        options=BackendOptions(resync=True, resync_interval=0.0),
        faults=(Fault(1, 99),),
    )
    datagrams = Datagrams.of(Datagram(1, 0, ROUTE, message(16, link(3, "d0"))))
    replay.feed.kernel.learn(datagrams)
    ended: list[Sequence[Event]] = []
    for lane in replay.lanes:
        side = lane.feed(datagrams).side(0)
        assert (side.subscribed, side.missed, side.events) == (True, True, [])
        last = lane.end()
        assert last is not None
        ended.append(last.events)

    assert [[(e.type, e.synthetic) for e in events] for events in ended] == [
        [("overrun", False)],
        [("overrun", False), ("netlink", True)],
    ]
    assert [lane.ledger.lost for lane in replay.lanes] == [1, 1]


@pytest.mark.parametrize("backend", ["legacy", "libnl"])
def test_decode_prints_the_gap(backend: str) -> None:
    """``nlmon decode --fault``: a line of type overrun, with their number, stands where messages are missing."""
    path = CAPTURES / "linux-6.12" / "01-route-basic.pcap.zst"
    command = ("decode", path, "-i", backend, "--protocol", "route")
    lines = [
        nlmon(*command, *more).stdout.splitlines()
        for more in ([], ["--fault", "overrun@100+20", "--fault", "overrun@600+99999"])
    ]
    whole, found = ([json.loads(line) for line in one] for one in lines)
    gaps = [place for place, one in enumerate(found) if one["type"] == "overrun"]
    drops = [found[place]["netlink"]["overrun"]["drops"] for place in gaps]

    assert (len(gaps), gaps[1]) == (2, len(found) - 1)
    assert (sum(drops), drops[0]) == (len(whole) - len(found) + 2, 20)
    assert found[: gaps[0]] == whole[: gaps[0]]
    assert found[gaps[0] + 1] == whole[gaps[0] + 20]


def test_an_overrun_that_is_not_reported_is_a_regression() -> None:
    """What an implementation reports of its losses is held against what its socket had."""
    report = Run("linux-6.12", "01-route-basic", Fault(100, 20), make=ZOO["silent overrun"].make).report

    assert (report.verdict, report.differences["error"]) == ("regression", 1)
    (found,) = [d for d in report.details if d.cls == "error"]
    assert (found.reference, found.candidate) == ("1 overruns, 20 messages", "0 overruns, 20 messages")
