"""Fixtures: captures are replayed, and tests listen to the kernel in a namespace of their own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from nlmon.errors import TransportError
from nlmon.jobs.work import ReplayOptions
from nlmon.pytest_plugin.listen import Monitor
from nlmon.pytest_plugin.replay import Replayed
from nlmon.report.model import CaptureReport
from nlmon.report.policy import Policy
from nlmon.testing.messages import link
from nlmon.testing.transport import ROUTE, FakeKernel, FakeTransport
from support.paths import CAPTURES
from support.project import Project

# Each runs pytest.
pytestmark = pytest.mark.slow

pytest_plugins = "pytester"

XFRM = CAPTURES / "linux-6.12" / "06-xfrm.pcap.zst"
REPLAY = "def test_it(nlmon_replay):\n    found = nlmon_replay('scenarios/a.pcap.zst'{options})\n    {then}\n"
BACK = ", reference='libnl', candidate='legacy'"


@pytest.mark.parametrize(
    ("options", "then"),
    [
        ("", "found.assert_equivalent(min_events=50)"),
        ("", "assert (found.verdict, found.report.direction) == ('equivalent', 'migrate')"),
        ("", "assert len(found.events('legacy')) == len(found.events('libnl'))"),
        (BACK, "found.assert_equivalent(allow=found.report.losses)"),
        (", protocols=['route'], families=[], groups=['tc'], caches=['link'], recover=True", "found.events('libnl')"),
    ],
)
def test_a_capture_is_replayed(project: Project, options: str, then: str) -> None:
    """From the reference to the candidate, as the test says; what came of it can be looked at."""
    project.test("test_it.py", REPLAY.format(options=options, then=then))

    assert project.run("test_it.py").parseoutcomes() == {"passed": 1}


@pytest.mark.parametrize(("fail_on", "fails"), [((), False), (("loss-of-service",), False), (("warning",), True)])
def test_what_may_be_lost_allows_nothing_else(fail_on: tuple[str, ...], fails: bool) -> None:
    """What the policy fails on beside losses fails the test of a lossy candidate, too."""
    differences = {"loss-of-service": 3, "duplicate": 2}
    found = CaptureReport("a.pcap", "lossy", "", compared={"r": 9}, losses={"link.mtu": 3}, differences=differences)
    options = ReplayOptions("libnl", "legacy", policy=Policy(fail_on=fail_on))
    said = list(Replayed(found, options, Path("a.pcap"))._wrong(1, ["*"]))

    assert said[:1] == (["the policy fails on 2 duplicate"] if fails else [])


def test_a_capture_that_is_not_equivalent_fails(project: Project) -> None:
    """With the verdict, what is lost, and the command; the test's frame is the only one."""
    then = "found.assert_equivalent(min_events=1000, allow=['link.altnames', 'netconf'])"
    project.test("test_it.py", REPLAY.format(options=BACK, then=then))
    result = project.run("test_it.py")

    result.stdout.fnmatch_lines(
        [
            ">       found.assert_equivalent*",
            "E       AssertionError: verdict: lossy (legacy against libnl, scenarios/a.pcap.zst)",
            "E       compared: 143 events, and 1,000 were asked for",
            "E       lost, and not allowed: addr.broadcast 7, addr.flags 58, *",
            "E       reproduce: nlmon replay scenarios/a.pcap.zst --against libnl -i legacy",
            "test_it.py:3: AssertionError",
        ]
    )
    assert ("link.altnames" in result.stdout.str().partition("E  ")[2], result.parseoutcomes()) == (
        False,
        {"failed": 1},
    )


def test_the_command_has_the_known_differences_that_were_named(project: Project) -> None:
    """Those of the settings it finds by itself."""
    project.test("known.yaml", "known: 1\nentries: []\n")
    project.test("test_it.py", REPLAY.format(options=BACK, then="found.assert_equivalent()"))
    result = project.run("test_it.py", "--nlmon-known=known.yaml")

    command = "nlmon replay scenarios/a.pcap.zst --against libnl -i legacy --known known.yaml"
    assert f"E       reproduce: {command}" in result.outlines


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (", select='some'", "NLM-Y003: 'some' cannot be selected*"),
        (", protocols=['rote']", "NLM-Y003: 'rote' is no netlink protocol*"),
        (", faults=['drop']", "NLM-U005: 'drop' is no fault*"),
        (", candidate='libnl2'", "NLM-B003: no implementation is called 'libnl2'*"),
    ],
)
def test_a_wrong_argument_is_reported(project: Project, options: str, text: str) -> None:
    """With a code, at the line of the test that gives it."""
    project.test("test_it.py", REPLAY.format(options=options, then="pass"))
    result = project.run("test_it.py")

    result.stdout.fnmatch_lines([f"E       nlmon.errors.UsageError: {text}", "test_it.py:2: UsageError"])


def test_a_capture_that_is_missing_is_reported(project: Project) -> None:
    """With its path."""
    project.test("test_it.py", "def test_it(nlmon_replay): nlmon_replay('no.pcap')\n")

    project.run("test_it.py").stdout.fnmatch_lines(["E   nlmon.errors.CaptureError: NLM-C001: *no.pcap*"])


CAPTURES_TEST = """
import pytest

@pytest.mark.nlmon_captures("scenarios/*.pcap*"{more})
def test_move(nlmon_verdict):
    nlmon_verdict.assert_equivalent(min_events=1, allow=["xfrm_state"])
"""


def test_each_capture_is_a_test(project: Project) -> None:
    """And each direction, with the name of the capture in its id."""
    (project.path / "scenarios" / "b.pcap.zst").write_bytes(XFRM.read_bytes())
    project.test("test_it.py", CAPTURES_TEST.format(more=", both_ways=True"))
    listed = project.run("--collect-only", "-q", "test_it.py")
    result = project.run("-rf", "test_it.py")

    assert [line for line in listed.outlines if "::" in line] == [
        f"test_it.py::test_move[scenarios/{name}.pcap.zst-{direction}]"
        for name in "ab"
        for direction in ("migrate", "rollback")
    ]
    assert result.parseoutcomes() == {"passed": 2, "failed": 2}
    result.stdout.fnmatch_lines(["E * lost, and not allowed: * xfrm_flush 2, xfrm_policy 18"])


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            CAPTURES_TEST.format(more="").replace("*.pcap*", "*.cap"),
            "NLM-Y004: no capture matches 'scenarios/[*].cap'*",
        ),
        (CAPTURES_TEST.format(more="").replace("nlmon_verdict)", ")"), "NLM-Y005: *needs the fixture nlmon_verdict*"),
        ("def test_it(nlmon_verdict): pass\n", "NLM-Y005: nlmon_verdict needs the marker*"),
    ],
)
def test_a_marker_that_finds_nothing_is_an_error(project: Project, text: str, line: str) -> None:
    """Tests that are not there would pass without evidence."""
    project.test("test_it.py", text)
    result = project.run("test_it.py")

    assert result.parseoutcomes() == {"errors": 1}
    result.stdout.fnmatch_lines([line])


@pytest.mark.parametrize(("options", "count"), [((), 2), (("--nlmon-implementation=legacy",), 1)])
def test_a_test_runs_over_implementations(project: Project, options: tuple[str, ...], count: int) -> None:
    """Over all of them, or over the one that is given."""
    project.test(
        "test_it.py", "def test_it(nlmon_implementation):\n    assert nlmon_implementation in {'legacy', 'libnl'}\n"
    )

    assert project.run("test_it.py", *options).parseoutcomes() == {"passed": count}


EVENTS = """
def test_it(nlmon_replay):
    found = nlmon_replay("scenarios/a.pcap.zst").events("libnl")
    changed = [dict(one) for one in found]
    {change}
    assert {compared}
"""


@pytest.mark.parametrize(
    ("change", "lines"),
    [
        (
            "changed[2]['netlink'] = found[2]['netlink'] | {'seq': 7}",
            [
                "E * 143 events == 143 events",
                "E * event 2 (RTM_*) differs in",
                "E *netlink.seq  left   0",
                "E * right  7",
            ],
        ),
        ("del changed[100:]", ["E * 143 events == 100 events", "E * event 100 is only in the left one: RTM_*"]),
    ],
)
def test_lists_of_events_are_compared_by_field(project: Project, change: str, lines: list[str]) -> None:
    """The first event that differs is shown, both values one above the other."""
    project.test("test_it.py", EVENTS.format(change=change, compared="found == changed"))

    project.run("test_it.py").stdout.fnmatch_lines(lines)


def test_other_lists_are_compared_as_ever(project: Project) -> None:
    """By pytest."""
    project.test("test_it.py", "def test_it(): assert [{'a': 1}] == [{'a': 2}]\n")

    project.run("test_it.py").stdout.fnmatch_lines(["E *At index 0 diff: {'a': 1} != {'a': 2}"])


LIVE = """
import pytest

def test_netns(nlmon_netns):
    nlmon_netns.add("peer")
    nlmon_netns.run("ip link add v0 type veth peer name v1 netns peer")
    assert "v1" in nlmon_netns.run("ip -o link", netns="peer").stdout
    assert not nlmon_netns.run("ip link show nowhere", check=False).ok

def test_monitor(nlmon_netns, nlmon_monitor, nlmon_implementation):
    with nlmon_monitor(nlmon_implementation) as monitor:
        nlmon_netns.run("ip link add d0 type veth peer name e0")
        nlmon_netns.run("ip link set d0 up")
        event = monitor.wait_for({"msg_type": "RTM_NEWLINK", "link": {"ifname": "d0", "flags": "UP"}})
        monitor.wait_for({"msg_type": "RTM_NEWLINK", "link": {"ifname": "d0"}}, count=2)
    assert (event["interface"], monitor.errors) == ("d0", [])

def test_record(nlmon_netns, nlmon_record, nlmon_replay):
    with nlmon_record() as recording:
        nlmon_netns.batch("".join(f"link add d{n} type veth peer name e{n}\\n" for n in range(200)))
        nlmon_netns.run("ip link del d0")
    made = {event["interface"] for event in recording.events("legacy") if event["netlink"]["msg_type"] == "RTM_NEWLINK"}
    assert made >= {f"d{n}" for n in range(200)}
    nlmon_replay(recording.path).assert_equivalent(min_events=201)

def test_command(nlmon_netns):
    nlmon_netns.run("ip link set nowhere up")

def test_deadline(nlmon_netns, nlmon_monitor):
    with nlmon_monitor("libnl") as monitor:
        nlmon_netns.run("ip link add d0 type veth peer name e0")
        monitor.wait_for({"msg_type": "RTM_NEWLINK", "link": {"ifname": "d0", "mtu": 9000}}, within=0.1)

def test_program(nlmon_netns):
    nlmon_netns.run("cat /etc/passwd")
"""


@pytest.mark.live
@pytest.mark.usefixtures("namespaces")
def test_a_test_has_a_namespace(project: Project) -> None:
    """Commands run in it, implementations listen in it, and what happens there is recorded."""
    project.test("test_it.py", LIVE)
    result = project.run("--nlmon-record=once", "test_it.py")

    assert result.parseoutcomes() == {"passed": 4, "failed": 3}
    result.stdout.fnmatch_lines(
        [
            "E *AssertionError: ip link set nowhere up failed with 1:",
            'E *Cannot find device "nowhere"',
            "test_it.py:*: AssertionError",
            "E *AssertionError: libnl gave * events within 0.1 s",
            'E *expected at least 1, found 0: {"msg_type":"RTM_NEWLINK","link":{"ifname":"d0","mtu":9000}}',
            "E *link.mtu  expected 9000",
            "E * actual   1500",
            "test_it.py:*: AssertionError",
            "E *InputError: NLM-X012: a scenario may not run cat*",
            "test_it.py:*: InputError",
        ]
    )
    assert [path.name for path in (project.path / "recordings" / "test_it").iterdir()] == ["test_record.pcapng"]


class RouteAlone(FakeKernel):
    """A kernel without any other protocol."""

    def open(self, protocol: int, groups: Sequence[int], **options: Any) -> FakeTransport:
        """Refuse the others."""
        if protocol != ROUTE:
            raise TransportError("NLM-T002", "the kernel refuses a socket")
        return super().open(protocol, groups, **options)


def test_what_comes_by_the_deadline_is_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read, though the process had no processor until then."""
    kernel = RouteAlone()
    monkeypatch.setattr("nlmon.pytest_plugin.listen.KernelFactory", lambda **_: kernel)
    monkeypatch.setattr("nlmon.pytest_plugin.listen.readable", lambda *_: kernel.new(16, link(7, "eth7"), 7))
    with Monitor("libnl") as monitor:
        event = monitor.wait_for({"msg_type": "RTM_NEWLINK"}, within=0)

    assert event["interface"] == "eth7"
