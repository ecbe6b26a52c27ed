"""Scenarios run over recordings: what holds passes, and what does not is named with its place."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from msgspec import structs

from nlmon.backends.base import Backend
from nlmon.backends.options import BackendOptions
from nlmon.backends.registry import create
from nlmon.cli.run_suite import run_there
from nlmon.compare.side import Side
from nlmon.errors import ResyncIncomplete
from nlmon.events import Event
from nlmon.report.outcome import CaseResult
from nlmon.report.policy import Policy
from nlmon.scenario import implementations
from nlmon.scenario.cases import cases_of
from nlmon.scenario.load import load_scenario
from nlmon.scenario.observed import Observed, phase_of
from nlmon.scenario.options import RunOptions
from nlmon.scenario.recorded import run_recorded
from nlmon.scenario.run import load_file, run_scenario, with_names
from nlmon.state.tables import State
from nlmon.testing.zoo import ZOO
from nlmon.transport.base import TransportFactory
from support.paths import CAPTURES, REPOSITORY

BASIC = CAPTURES / "linux-6.12" / "01-route-basic.pcap.zst"
LINK = "msg_type: RTM_NEWLINK, link: "
# The frames of the recording in which dummy d0 is made, changed and removed.
HEAD = "scenario: 1\nid: a.b\ntitle: A link comes and goes.\n"


def run(folder: Path, text: str, options: RunOptions | None = None) -> list[CaseResult]:
    """The results of a scenario in a folder that has a capture ``a.pcap.zst``."""
    shutil.copy(BASIC, folder / "a.pcap.zst")
    (folder / "a.yaml").write_text(text)
    file, mistaken = load_file(folder / "a.yaml")
    return mistaken if file is None else run_scenario(file, options or RunOptions())


def found(results: list[CaseResult]) -> list[tuple[str, str, list[str]]]:
    """Of each result its id, its outcome and what does not hold."""
    return [(one.id, one.outcome, [finding.what for finding in one.findings]) for one in results]


def expect(folder: Path, text: str, *, more: str = "", options: RunOptions | None = None) -> list[CaseResult]:
    """The results of a scenario over frames 1 to 100 that expects something."""
    capture = "capture: {path: a.pcap.zst, frames: 1-100}\n"
    return run(folder, f"{HEAD}{capture}{more}expect: {text}\n", options)


HOLDS = (
    "{verdict: {migrate: equivalent, rollback: lossy}}",
    "{verdict: equivalent}",
    "{events: [{msg_type: RTM_NEWLINK}]}",
    f"{{events: [{{{LINK}{{ifname: d0}}, count: {{min: 1, max: 13}}}}]}}",
    f"{{events: [{{{LINK}{{kind: dummy}}, by: libnl}}]}}",
    "{events: [{msg_type: RTM_NEWTFILTER, count: 0}]}",
    f"{{in_order: [{{{LINK}{{ifname: d0, operstate: DOWN}}}}, {{{LINK}{{ifname: d0, mtu: 1400}}}}]}}",
    "{state: [{link: {ifname: lo}}, {link: {ifname: nowhere}, count: 0}]}",
    "{differences: [{code: NLD001, message: link, field: kind, direction: migrate}, {code: NLD101, count: 0}]}",
    "{losses: 0}",
    "{losses: {libnl: 0}}",
    "{errors: [{phase: decode, code: NLM-D003, count: 0}]}",
)


@pytest.mark.parametrize("text", HOLDS)
def test_what_holds_passes(tmp_path: Path, text: str) -> None:
    """Whatever kind of expectation it is."""
    assert {one.outcome for one in expect(tmp_path, text)} == {"passed"}


BOTH = "legacy, libnl: "
FAILS = (
    ("{verdict: lossy}", "verdict (migrate): expected lossy, got equivalent"),
    ("{verdict: {rollback: equivalent}}", "verdict (rollback): expected equivalent, got lossy"),
    ("{verdict: regression}", "verdict (migrate): expected regression, got equivalent"),
    (
        "{events: [{msg_type: RTM_NEWTFILTER}]}",
        f'{BOTH}events: event 1: expected at least 1, found 0: {{"msg_type":"RTM_NEWTFILTER"}}',
    ),
    (
        f"{{events: [{{{LINK}{{kind: dummy}}, by: legacy}}]}}",
        'legacy: events: event 1: expected at least 1, found 0: {"msg_type":"RTM_NEWLINK","link":{"kind":"dummy"}}',
    ),
    (
        f"{{in_order: [{{{LINK}{{ifname: d0, mtu: 1400}}}}, {{{LINK}{{ifname: d0, operstate: NOTPRESENT}}}}]}}",
        f"{BOTH}in_order: event 2: expected at least 1, found 0: "
        '{"msg_type":"RTM_NEWLINK","link":{"ifname":"d0","operstate":"NOTPRESENT"}}',
    ),
    (
        "{state: [{link: {ifname: nowhere}}]}",
        f'{BOTH}state: link: expected at least 1, found 0: {{"ifname":"nowhere"}}',
    ),
    (
        "{differences: [{code: NLD102, message: RTM_NEWLINK, field: mtu}]}",
        "differences (migrate): expected at least 1 NLD102 RTM_NEWLINK mtu, found 0",
    ),
    ("{losses: 3}", f"{BOTH}losses: expected 3, reported 0"),
    (
        "{errors: [{phase: decode, code: NLM-D003}]}",
        f"{BOTH}errors: expected at least 1 NLM-D003 (decode), found 0",
    ),
)


@pytest.mark.parametrize(("text", "what"), FAILS)
def test_what_does_not_hold_fails(tmp_path: Path, text: str, what: str) -> None:
    """It is said in one line, once for both implementations."""
    results = expect(tmp_path, text)

    assert [(outcome, whats) for _, outcome, whats in found(results)] == [("failed", [what])]


def test_a_finding_has_its_place_and_the_nearest_event(tmp_path: Path) -> None:
    """The line and column of the expectation, the frame, and both values."""
    (result,) = expect(tmp_path, f"{{events: [{{{LINK}{{ifname: d0, mtu: 1401}}}}]}}")

    assert [(one.where.removeprefix(f"{tmp_path}/"), one.lines) for one in result.findings] == [
        (
            "a.yaml:5:19",
            (
                "  the nearest event (frame 37) differs in",
                "    link.mtu  expected 1401",
                "              actual   1500",
            ),
        )
    ]


def test_a_case_for_each_direction(tmp_path: Path) -> None:
    """What must hold whatever the direction must hold in both."""
    text = "{verdict: {migrate: equivalent, rollback: lossy}, losses: 3}"

    assert [(name, outcome) for name, outcome, _ in found(expect(tmp_path, text))] == [
        ("a.b[migrate]", "failed"),
        ("a.b[rollback]", "failed"),
    ]


def test_a_regression_is_found_where_no_verdict_is_expected(tmp_path: Path) -> None:
    """Events that hold do not excuse it."""
    bad = ZOO["no payload"]

    def make(name: str, factory: TransportFactory, options: BackendOptions) -> Backend:
        return create(name, factory, options) if name == "legacy" else bad.make(factory, options)

    with patch.object(implementations, "create", make):
        (result,) = expect(tmp_path, "{losses: 0}")

    assert (result.outcome, result.findings[0].what) == ("failed", "verdict (migrate): got regression")


@pytest.mark.parametrize("verdict", ["{migrate: equivalent}", "{rollback: equivalent}"])
def test_each_value_stands_beside_the_name_of_who_gave_it(tmp_path: Path, verdict: str) -> None:
    """In both directions: the mistake is libnl's."""
    bad = ZOO["no payload"]

    def make(name: str, factory: TransportFactory, options: BackendOptions) -> Backend:
        return create(name, factory, options) if name == "legacy" else bad.make(factory, options)

    with patch.object(implementations, "create", make):
        (result,) = expect(tmp_path, f"{{verdict: {verdict}}}")
    assert result.report is not None
    first, lines = result.report.groups[0].first, result.findings[0].lines
    values = {result.reference: first.reference, result.candidate: first.candidate}

    assert [line.strip() for line in lines[2:4]] == [f"{name:<6}  {values[name]}" for name in values]
    assert values["libnl"] != values["legacy"]


@pytest.mark.parametrize(("kernel", "outcome"), [(">=6.1", "passed"), (">=99", "skipped")])
def test_a_recording_of_another_kernel_is_skipped(tmp_path: Path, kernel: str, outcome: str) -> None:
    """As a running kernel would be; what does not say its kernel is run."""
    shutil.copy(REPOSITORY / "scenarios" / "captures" / "index-reuse.pcapng.zst", tmp_path / "b.pcapng.zst")
    text = f'{HEAD}kernel: "{kernel}"\ncapture: b.pcapng.zst\nexpect: {{losses: 0}}\n'

    assert run(tmp_path, text)[0].outcome == outcome
    assert expect(tmp_path, "{losses: 0}", more=f'kernel: "{kernel}"\n')[0].outcome == "passed"


def test_a_case_by_itself(tmp_path: Path) -> None:
    """It says, too, what does not depend on the direction."""
    text = "{verdict: {migrate: equivalent, rollback: lossy}, losses: 3}"
    results = expect(tmp_path, text, options=RunOptions(only=("a.b[rollback]",)))

    assert [(name, outcome) for name, outcome, _ in found(results)] == [("a.b[rollback]", "failed")]


@pytest.mark.parametrize("level", ["optional", "tentative"])
def test_what_need_not_hold_is_xfailed(tmp_path: Path, level: str) -> None:
    """And passes when it does."""
    outcomes = [expect(tmp_path, f"{{losses: {lost}}}", more=f"level: {level}\n")[0].outcome for lost in (3, 0)]

    assert outcomes == ["xfailed", "passed"]


def test_too_little_evidence_is_no_success(tmp_path: Path) -> None:
    """Not even where no verdict is expected; unless it is what is expected."""
    outcomes = [
        run(tmp_path, f"{HEAD}capture: {{path: a.pcap.zst, frames: 1-2}}\nexpect: {text}\n")[0].outcome
        for text in ("{verdict: equivalent}", "{losses: 0}", "{verdict: inconclusive}")
    ]

    assert outcomes == ["errored", "errored", "passed"]


def test_the_policy_says_what_is_evidence(tmp_path: Path) -> None:
    """As in a replay."""
    policy = Policy(min_events=10_000)
    (result,) = expect(tmp_path, "{verdict: equivalent}", options=RunOptions(policy=policy))

    assert (result.outcome, result.verdict) == ("errored", "inconclusive")


def test_control_runs_the_first_one_twice(tmp_path: Path) -> None:
    """It finds no noise in a recording."""
    results = expect(tmp_path, "{verdict: equivalent}", more="control: true\n")

    assert found(results) == [("a.b[migrate]", "passed", []), ("a.b[control]", "passed", [])]


def test_more_than_two_implementations_take_part(tmp_path: Path) -> None:
    """Each other one is compared with the first, and its case bears its name."""
    file = load_scenario(
        f"{HEAD}implementations: [legacy, libnl, mine]\ncapture: a.pcap\nexpect: {{verdict: lossy}}\n".encode(),
        "a.yaml",
    )

    assert [case.id for case in cases_of(file)] == ["a.b[migrate-libnl]", "a.b[migrate-mine]"]


def test_implementations_are_exchanged(tmp_path: Path) -> None:
    """The way back as a move by itself."""
    (result,) = expect(tmp_path, "{verdict: lossy}", options=RunOptions(names=("libnl", "legacy")))

    assert (result.reference, result.candidate, result.outcome) == ("libnl", "legacy", "passed")


def test_one_implementation_is_exchanged(tmp_path: Path) -> None:
    """The other one stays that of the scenario, and both keep their options."""
    more = "implementations: [libnl, {name: legacy, groups: [nosuch]}]\n"
    results = [
        expect(tmp_path, "{verdict: lossy}", more=more, options=RunOptions(names=names))[0]
        for names in (("legacy", ""), ("legacy", "libnl"))
    ]
    file, _ = load_file(tmp_path / "a.yaml")
    assert file is not None
    exchanged = with_names(file, ("legacy", "libnl")).scenario.implementations

    assert [(one.reference, one.candidate) for one in results] == [("legacy", "legacy"), ("legacy", "libnl")]
    assert [(one.name, one.groups) for one in exchanged] == [("legacy", ("nosuch",)), ("libnl", ())]


def test_a_damaged_capture_is_an_error_with_its_code(tmp_path: Path) -> None:
    """Which a scenario may expect; then what was read before counts as always."""
    (tmp_path / "b.pcap").write_bytes(b"no capture at all, whatever its name says")
    text = f"{HEAD}capture: b.pcap\nexpect: {{verdict: %s, errors: [{{phase: capture, code: NLM-C006}}]}}\n"
    results = [run(tmp_path, text % verdict)[0] for verdict in ("error", "equivalent")]

    assert [(one.outcome, one.verdict) for one in results] == [("passed", "error"), ("errored", "error")]


def test_faults_are_made(tmp_path: Path) -> None:
    """And what an implementation says of them is held against what is expected."""
    losses, faults = "{losses: {legacy: {min: 1}, libnl: {min: 1}}}", "faults: [{overrun: {at: 38, count: 3}}]\n"
    results = expect(tmp_path, losses, more=faults)

    assert found(results) == [("a.b[migrate]", "passed", [])]


def test_a_fault_that_finds_nothing_is_errored(tmp_path: Path) -> None:
    """What it was to show was not shown."""
    (result,) = expect(tmp_path, "{losses: 0}", more="faults: [{interrupted_dump: {at: 99}}]\n")

    assert (result.outcome, result.code) == ("errored", "NLM-S040")


def test_an_event_without_a_form_matches_no_pattern() -> None:
    """An implementation may fill it with anything; that ends no run."""
    patterns = "[{msg_type: RTM_NEWLINK, count: 0}, {protocol: 0}]"
    file = load_scenario(f"{HEAD}capture: a.pcap\nexpect: {{events: {patterns}}}\n".encode(), "a.yaml")
    observed = Observed(file, "mine")
    event = Event(0, 0, 16, 0, 0, 0, 1, 0, None, None)  # type: ignore[arg-type]
    observed.take(Side("mine", [event], ()))

    assert [one.what for one in observed.findings(0, State())] == [
        'events: event 2: expected at least 1, found 0: {"protocol":0}'
    ]


REFUSED = (
    ("capture: none.pcap", "NLM-S022"),
    (f"capture: {{path: a.pcap.zst, sha256: {'a1' * 32}}}", "NLM-S023"),
    ("capture: ../../../../../../../../etc/passwd", "NLM-S050"),
    ("capture: a.pcap.zst\nimplementations: [legacy, other]", "NLM-S027"),
)


@pytest.mark.parametrize(("line", "code"), REFUSED)
def test_what_cannot_run_is_errored_with_its_place(tmp_path: Path, line: str, code: str) -> None:
    """And with a code of its own."""
    (result,) = run(tmp_path, f"{HEAD}{line}\nexpect: {{verdict: equivalent}}\n")

    assert (result.outcome, result.code, ":4:" in result.where or ":5:" in result.where) == ("errored", code, True)


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    """Whatever the path looks like; a folder that is named, and allow_run, let it pass."""
    (tmp_path / "suite").mkdir()
    (tmp_path / "suite" / "b.pcap.zst").symlink_to(BASIC)
    text = f"{HEAD}capture: b.pcap.zst\nexpect: {{verdict: equivalent}}\n"
    options = RunOptions(), RunOptions(folders=(str(CAPTURES.resolve()),)), RunOptions(allow_run=True)

    assert [run(tmp_path / "suite", text, one)[0].outcome for one in options] == ["errored", "passed", "passed"]


def test_a_file_that_is_no_scenario_names_every_mistake(tmp_path: Path) -> None:
    """As ``nlmon scenario check`` does."""
    (result,) = run(tmp_path, "scenario: 1\nid: a.b\ncapture: a.pcap\n")

    assert (result.outcome, result.code, len(result.findings)) == ("errored", "NLM-S013", 2)


def test_steps_need_the_running_kernel(tmp_path: Path) -> None:
    """Which is asked for in vain where recordings alone are to be replayed."""
    text = f"{HEAD}steps: [ip link set lo up]\nexpect: {{verdict: equivalent}}\n"

    assert run(tmp_path, text, RunOptions(source="recorded"))[0].outcome == "skipped"


def test_every_error_has_a_phase() -> None:
    """Those of sockets are the rest."""
    assert phase_of(ResyncIncomplete("NLM-T004", "it was interrupted")) == "socket"


def test_the_seconds_are_those_of_the_run(tmp_path: Path) -> None:
    """More than none."""
    (result,) = expect(tmp_path, "{verdict: equivalent}")

    assert (result.seconds > 0, structs.replace(result, seconds=0.0).seconds) == (True, 0.0)


@pytest.mark.parametrize(
    ("fault", "what"),
    [
        (
            "drop: {at: 99}",
            "the fault drop hit nothing: the recording has no datagram of route for it from frame 99",
        ),
        ("overrun: {at: 99}", "the fault overrun@99+1 hit nothing: no message that was received is at that place"),
        ("paused_reader: {at: 99}", "the fault paused_reader@99+1 hit nothing: no message that was received is at"),
    ],
)
def test_a_fault_that_hits_nothing_is_an_error(tmp_path: Path, fault: str, what: str) -> None:
    """What it was to show was not shown."""
    results = expect(tmp_path, "{losses: 0}", more=f"faults: [{fault}]\n")

    assert {(one.outcome, one.code, one.reason.startswith(what)) for one in results} == {("errored", "NLM-S040", True)}


@pytest.mark.parametrize("fault", ["overrun: {count: 5}", "lost_socket: {}", "drop: {}", "truncate: {size: 30}"])
def test_a_fault_is_no_reason_by_itself(tmp_path: Path, fault: str) -> None:
    """Both agree in what they received, wherever the seed lets it happen."""
    capture = "capture: {path: a.pcap.zst, frames: 45-100}\n"
    text = f"{HEAD}{capture}faults: [{fault}]\nexpect: {{verdict: {{migrate: equivalent, rollback: lossy}}}}\n"

    assert {one.outcome for one in run(tmp_path, text, RunOptions(seed=6))} == {"passed"}


def test_a_capture_that_changes_gives_no_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was replayed need not be what was checked."""
    before = run_recorded

    def change(*arguments: Any) -> list[CaseResult]:
        results = before(*arguments)
        (tmp_path / "a.pcap.zst").write_bytes(BASIC.read_bytes())
        return results

    monkeypatch.setattr("nlmon.scenario.run.run_recorded", change)
    (result,) = expect(tmp_path, "{verdict: equivalent}")

    assert (result.outcome, result.code) == ("errored", "NLM-S023")


def test_a_worker_runs_what_was_read_here(tmp_path: Path) -> None:
    """A file that changes, or goes, while others run costs no case."""
    expect(tmp_path, "{verdict: equivalent}")
    file, _ = load_file(tmp_path / "a.yaml")
    (tmp_path / "a.yaml").write_text("another one")
    sent = pickle.loads(pickle.dumps(file))
    results = run_there(sent, RunOptions(only=("a.b[migrate]",)))

    assert (sent, found(results)) == (file, [("a.b[migrate]", "passed", [])])
