"""Scenarios run on the kernel of a sandbox: what holds passes, what does not has its place, and recordings agree."""

from __future__ import annotations

import socket
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest

import nlmon.scenario.live
import nlmon.scenario.sandbox
from nlmon.backends.base import Backend
from nlmon.backends.libnl import LibnlBackend
from nlmon.backends.options import BackendOptions
from nlmon.backends.registry import create
from nlmon.compare.known import KnownDifference
from nlmon.project.unused import met_entries
from nlmon.report.outcome import CaseResult
from nlmon.scenario.beside import as_recorded
from nlmon.scenario.load import ScenarioFile
from nlmon.scenario.options import RunOptions
from nlmon.scenario.run import load_file, run_scenario
from nlmon.scenario.sandbox import Sandbox
from nlmon.testing.zoo import ZOO
from nlmon.transport.base import TransportFactory

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("namespaces")]

HEAD = "scenario: 1\nid: a.b\ntitle: A link comes and goes.\n"
PAIR = "ip link add veth0 type veth peer name veth1"
FLAP = """
setup:
  - ip link add veth0 type veth peer name veth1
  - ip link set veth0 up
  - ip addr add 192.0.2.1/24 dev veth0
steps:
  - ip link set veth1 up
  - ip route add 198.51.100.0/24 via 192.0.2.7
  - run: ip link set veth0 down
    expect: {msg_type: RTM_NEWLINK, link: {ifname: veth0, operstate: DOWN}}
expect:
  verdict: {migrate: equivalent, rollback: lossy}
  state: kernel
  losses: 0
"""
NAMESPACES = """
needs: {live: true, devices: [veth, bridge], programs: [ip]}
setup:
  - netns: [blue, red]
  - ip link add veth0 type veth peer name veth1 netns blue
  - batch: |
      link set veth1 up
      addr add 192.0.2.2/24 dev veth1
    in: blue
steps:
  - ip addr add 192.0.2.1/24 dev veth0
  - ip link set veth0 up
  - traffic: {protocol: udp, to: blue, address: 192.0.2.2, port: 7, size: 64}
  - traffic: {protocol: tcp, from: blue, address: 192.0.2.1, port: 7, size: 100000}
  - run: ip link add br0 type bridge
    expect: {msg_type: RTM_NEWLINK, link: {ifname: br0, kind: bridge}, by: libnl}
  - run: ip link set veth0 netns red
    expect:
      - {msg_type: RTM_DELLINK, link: {ifname: veth0}}
      - {msg_type: RTM_DELADDR, addr: {addr: 192.0.2.1}, count: 1}
expect:
  verdict: equivalent
  state: [{link: {ifname: br0}}, {link: {ifname: veth0}, count: 0}]
  in_order: [{msg_type: RTM_NEWADDR}, {msg_type: RTM_DELLINK, link: {ifname: veth0}}]
"""
CONTROL = f"control: true\nsteps: [{PAIR}]\nexpect: {{verdict: equivalent}}\n"


def scenario(folder: Path, text: str) -> ScenarioFile:
    """A scenario in a file of its own."""
    path = folder / "a.yaml"
    path.write_text(HEAD + text, encoding="utf-8")
    file, mistaken = load_file(path)
    assert file is not None, mistaken
    return file


def run(folder: Path, text: str, **options: Any) -> list[CaseResult]:
    """The results of a scenario."""
    return run_scenario(scenario(folder, text), RunOptions(**options))


def found(results: list[CaseResult]) -> list[tuple[str, str, str | None]]:
    """Of each result its id, its outcome and its verdict."""
    return [(one.id, one.outcome, one.verdict) for one in results]


@pytest.mark.parametrize("text", [FLAP, NAMESPACES, CONTROL], ids=["flap", "namespaces", "control"])
def test_a_run_and_its_recording_have_the_same_results(tmp_path: Path, text: str) -> None:
    """By the same code, which does not know which of them it judges; all that is expected holds."""
    file = scenario(tmp_path, text)
    live = run_scenario(file, RunOptions(record=str(tmp_path)))
    recordings = sorted(path.name for path in tmp_path.glob("*.pcapng"))
    replayed = run_scenario(as_recorded(file, tmp_path / "a.b.pcapng"), RunOptions())

    assert [(one.outcome, [finding.what for finding in one.findings]) for one in live] == [("passed", [])] * len(live)
    assert {one.source for one in live} == {"live"}
    assert {one.report and one.report.scenario for one in (*live, *replayed)} == {"a.b"}
    assert recordings == (["a.b.pcapng", "a.b[control].pcapng"] if text == CONTROL else ["a.b.pcapng"])
    assert found(replayed) == found(live)


def test_an_interruption_is_no_error_of_the_sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while the sandbox is asked something; it answers nobody afterwards, and nothing is made of that."""
    receive, stepping = nlmon.scenario.sandbox.receive, [False]

    def interrupted(control: socket.socket) -> tuple[bytes, list[int]]:
        if stepping[0]:
            raise KeyboardInterrupt
        return receive(control)

    def step(sandbox: Sandbox, *_: object) -> None:
        stepping[0] = True
        sandbox.run("ip link")

    monkeypatch.setattr(nlmon.scenario.sandbox, "receive", interrupted)
    monkeypatch.setattr(nlmon.scenario.live, "run_step", step)

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, FLAP)


def test_an_entry_that_names_the_recording_of_a_run_is_met_and_applied(tmp_path: Path) -> None:
    """Both go by the path that the report carries, and not by that of the scenario."""
    text = f"steps: [{PAIR}]\nexpect: {{verdict: {{rollback: lossy}}}}\n"
    (lossy,) = run(tmp_path, text)
    assert lossy.report is not None
    kinds = sorted({name.partition(".")[0] for name in lossy.report.losses})
    entries = [
        (number, KnownDifference(code="NLD002", message=kind, field="*", capture=capture, reason="old", owner="me"))
        for number, (capture, kind) in enumerate(product(("a.b.pcapng", "a.yaml"), kinds), 1)
    ]
    (result,) = run(tmp_path, text, known=tuple(entries))
    report = result.report
    assert report is not None
    met = met_entries(entries, [(report, (result.reference, result.candidate))])

    assert (Path(report.path).name, {use.entry for use in report.known}, report.losses) == ("a.b.pcapng", met, {})


def test_what_a_step_expects_counts_from_its_begin(tmp_path: Path) -> None:
    """What came before does not, and what does not come in time is named with the nearest event."""
    steps = "\n  - ".join(
        (
            f"{PAIR}",
            "{run: ip link set veth0 mtu 1400, expect: {msg_type: RTM_NEWLINK, link: {mtu: 1500}}, within: 0.2}",
            "{run: ip link set veth0 mtu 1300, expect: {msg_type: RTM_NEWLINK, link: {ifname: veth0}, count: 0}}",
            "{run: ip link set veth0 mtu 1200, expect: {msg_type: RTM_NEWLINK, link: {ifname: veth0, mtu: 1200}}}",
        )
    )
    (result,) = run(tmp_path, f"steps:\n  - {steps}\nexpect: {{verdict: equivalent}}\n")
    first, second = result.findings

    assert (result.outcome, result.verdict) == ("failed", "equivalent")
    assert [one.where.rpartition("/")[2] for one in (first, second)] == ["a.yaml:6:5", "a.yaml:7:5"]
    assert first.what.startswith("legacy, libnl: step: within 0.2 s: event 1: expected at least 1, found 0")
    assert [line.split() for line in first.lines[-2:]] == [
        ["link.mtu", "expected", "1500"],
        ["actual", "1400"],
    ]
    assert "expected 0, found 1" in second.what


REFUSED = [
    ("steps: [ip link set nowhere up]", "NLM-S042", 'Cannot find device "nowhere"', ":4:9"),
    ("steps: [ip monitor]", "NLM-S043", "it was ended after 1 seconds", ":4:9"),
    ("steps: [{migrate: true}]", "NLM-S041", "no monitor runs", ":4:9"),
    ("steps: [{python: os.getcwd}]", "NLM-S044", "--allow-run", ":4:9"),
    ("steps: [id]", "NLM-X012", "--allow-run", ":4:9"),
    ("faults: [{merge: {at: 1}}]\nsteps: [ip link]", "NLM-S041", "in a replay", ":4:10"),
    ("faults: [{drop: {at: 9}}]\nsteps: [ip link]", "NLM-S040", "no notification of route came from", ":4:10"),
]


@pytest.mark.parametrize(("text", "code", "said", "place"), REFUSED, ids=[row[0] for row in REFUSED])
def test_a_step_that_is_refused_is_an_errored_case(tmp_path: Path, text: str, code: str, said: str, place: str) -> None:
    """With the text of who refused it, and its line in the scenario."""
    # What does not end is ended; what is refused may take its time.
    scale = 0.2 if code == "NLM-S043" else 1.0
    (result,) = run(tmp_path, f"{text}\nexpect: {{verdict: equivalent}}\n", time_scale=scale)

    assert (result.outcome, result.code, said in result.reason) == ("errored", code, True)
    assert result.where.endswith(f"a.yaml{place}")


def test_a_refusal_may_be_expected(tmp_path: Path) -> None:
    """By phase and code; then the steps behind it run."""
    outcomes = []
    for code in ("NLM-S042", "NLM-S043"):
        expect = f"{{verdict: equivalent, errors: [{{phase: step, code: {code}}}]}}"
        (result,) = run(tmp_path, f"steps: [ip link set nowhere up, {PAIR}]\nexpect: {expect}\n")
        outcomes.append(result.outcome)

    assert outcomes == ["passed", "errored"]


LACKING = [
    ("needs: {devices: [nonesuch]}", "the kernel makes no links of kind nonesuch here"),
    ("needs: {families: [nonesuch]}", "the kernel has no family nonesuch here"),
    ("needs: {root: true}", "it needs root, and steps run as a user without privilege"),
    ('kernel: "<2.6"', "it is for kernels <2.6"),
]


@pytest.mark.parametrize(("text", "why"), LACKING, ids=[row[0] for row in LACKING])
def test_what_is_lacking_skips_a_scenario(tmp_path: Path, text: str, why: str) -> None:
    """With the reason, in every direction."""
    results = run(
        tmp_path, f"{text}\nsteps: [ip link]\nexpect: {{verdict: {{migrate: equivalent, rollback: lossy}}}}\n"
    )

    assert [(one.outcome, one.reason.startswith(why)) for one in results] == [("skipped", True)] * 2


def test_nothing_that_happens_is_no_evidence(tmp_path: Path) -> None:
    """What shows that all was read does not count."""
    (result,) = run(tmp_path, "steps: [ip link show]\nexpect: {verdict: equivalent}\n")

    assert (result.outcome, result.verdict) == ("errored", "inconclusive")


class NeverReads(LibnlBackend):
    """An implementation that never reads."""

    def process(self, protocol: int) -> bool:
        """Say that nothing waits."""
        return False


Make = Callable[[TransportFactory, BackendOptions], Backend]


def with_libnl(monkeypatch: pytest.MonkeyPatch, make: Make) -> None:
    """Run scenarios with another implementation in the place of libnl."""

    def made(name: str, factory: TransportFactory, options: BackendOptions) -> Backend:
        return make(factory, options) if name == "libnl" else create(name, factory, options)

    monkeypatch.setattr(nlmon.scenario.live, "create", made)


def test_who_does_not_read_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At once, and not at a deadline."""
    with_libnl(monkeypatch, NeverReads)
    (result,) = run(tmp_path, f"steps: [{PAIR}]\nexpect: {{verdict: equivalent}}\n")

    assert (result.outcome, result.code) == ("errored", "NLM-S043")
    assert "not read: libnl (NETLINK_" in result.reason


def test_a_bad_implementation_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By what a step expects of each, by the verdict, and by the state that the kernel lists."""
    with_libnl(monkeypatch, ZOO["no RTM_DELADDR"].make)
    steps = (
        f"[{PAIR}, ip addr add 192.0.2.1/24 dev veth0, "
        "{run: ip addr del 192.0.2.1/24 dev veth0, expect: {msg_type: RTM_DELADDR}, within: 0.2}]"
    )
    (result,) = run(tmp_path, f"steps: {steps}\nexpect: {{verdict: equivalent, state: kernel}}\n", time_scale=0.5)
    verdict, step, state = result.findings

    assert (result.outcome, result.verdict) == ("failed", "regression")
    assert verdict.what == "verdict (migrate): expected equivalent, got regression"
    assert step.what.startswith("libnl: step: within 0.1 s: event 1: expected at least 1, found 0")
    assert state == type(state)(
        "libnl: state: not as the kernel lists it",
        state.where,
        ("only events report addr 192.0.2.1/24 dev veth0",),
    )
