"""Faults on the kernel of a sandbox: both suffer the same, the recording says the same, and who is silent is found."""

from __future__ import annotations

from pathlib import Path

import pytest

import nlmon.scenario.live
from nlmon.backends.base import Backend
from nlmon.backends.options import BackendOptions
from nlmon.backends.registry import create
from nlmon.report.outcome import CaseResult
from nlmon.scenario.beside import read_beside
from nlmon.scenario.faults.apply import STAGES
from nlmon.scenario.faults.live import LIVE
from nlmon.scenario.load import ScenarioFile
from nlmon.scenario.options import RunOptions
from nlmon.scenario.run import load_file, run_scenario
from nlmon.testing.zoo import ZOO
from nlmon.transport.base import TransportFactory
from support.paths import REPOSITORY

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("namespaces")]

# Of NETLINK_ROUTE the notifications are: two links, then an address and a route for each command.
TEXT = """scenario: 1
id: a.b
title: Addresses come and go.
setup:
  - ip link add veth0 type veth peer name veth1
  - ip addr add 192.0.2.1/24 dev veth0
steps:
  - ip addr add 198.51.100.1/24 dev veth0
  - ip addr add 203.0.113.1/24 dev veth0
  - ip addr del 198.51.100.1/24 dev veth0
"""
SECOND = "{msg_type: RTM_NEWADDR, addr: {addr: 198.51.100.1}"
THIRD = "{msg_type: RTM_NEWADDR, addr: {addr: 203.0.113.1}"
TWO_LOST = "losses: 2, errors: [{phase: socket, code: NLM-T010, count: 1}]"
SOCKET_LOST = "errors: [{phase: socket, code: NLM-T003, count: 1}]"
GONE = "[{phase: socket, code: NLM-T003, count: {min: 4}, by: legacy}, {phase: socket, code: NLM-T002, by: libnl}]"
# Faults, and what holds then.
FAULTS = {
    "drop": ("[{drop: {at: 5, count: 2}}]", f"losses: 0, events: [{SECOND}, count: 0}}, {THIRD}, count: 1}}]"),
    "duplicate": ("[{duplicate: {at: 5, count: 2}}]", f"state: kernel, losses: 0, events: [{SECOND}, count: 2}}]"),
    "enobufs": (
        "[{enobufs: {at: 5}}]",
        f"errors: [{{phase: socket, code: NLM-T010, count: 1}}], state: kernel, events: [{SECOND}, count: 1}}]",
    ),
    "overrun": ("[{overrun: {at: 5, count: 2}}]", f"{TWO_LOST}, events: [{SECOND}, count: 0}}, {THIRD}, count: 1}}]"),
    "overrun to the end": ("[{overrun: {at: 7, count: 90}}]", f"losses: 4, events: [{SECOND}, count: 1}}]"),
    "overrun of generic": (
        "[{overrun: {at: 2, count: 2, protocol: generic}}]",
        f"{TWO_LOST}, state: kernel, events: [{SECOND}, count: 1}}]",
    ),
    "paused reader": ("[{paused_reader: {at: 5, count: 4}}]", f"state: kernel, in_order: [{SECOND}}}, {THIRD}}}]"),
    "paused to the end": ("[{paused_reader: {at: 5, count: 90}}]", f"state: kernel, in_order: [{SECOND}}}, {THIRD}}}]"),
    "lost socket": (
        "[{lost_socket: {at: 5}}]",
        f"{SOCKET_LOST}, events: [{SECOND}, count: 0}}, "
        f"{THIRD}, count: 1, by: libnl}}, {THIRD}, count: 0, by: legacy}}]",
    ),
    "two lost sockets": (
        "[{lost_socket: {at: 5}}, {lost_socket: {at: 6}}]",
        "errors: [{phase: socket, code: NLM-T003, count: 1, by: legacy}, "
        "{phase: socket, code: NLM-T003, count: 2, by: libnl}]",
    ),
    "vanished namespace": ("[{vanished_namespace: {at: 5}}]", f"errors: {GONE}, events: [{SECOND}, count: 0}}]"),
    "one after the other": (
        "[{paused_reader: {at: 4, count: 2}}, {overrun: {at: 4, count: 2}}]",
        f"{TWO_LOST}, events: [{SECOND}, count: 1}}, {THIRD}, count: 0}}]",
    ),
}
# Implementations with one mistake, and a fault, or a scenario of the suite with one, that shows it.
MISTAKES = [
    ("silent overrun", "overrun"),
    ("silent ENOBUFS", "enobufs"),
    ("silent to the end", "overrun to the end"),
    ("silent lost socket", "lost socket"),
    ("no repeats", "duplicate"),
    ("silent overrun", "fault-overrun.yaml"),
    ("names of then", "fault-paused-reader.yaml"),
    ("reopens without groups", "fault-lost-socket.yaml"),
    ("never gives up", "fault-vanished-namespace.yaml"),
]


def scenario(folder: Path, name: str) -> ScenarioFile:
    """A scenario with a fault, in a file of its own; or one of the suite."""
    if name in FAULTS:
        path, (faults, expect) = folder / "a.yaml", FAULTS[name]
        path.write_text(f"{TEXT}faults: {faults}\nexpect: {{verdict: equivalent, {expect}}}\n", encoding="utf-8")
    else:
        path = REPOSITORY / "scenarios/live" / name
    file, mistaken = load_file(path)
    assert file is not None, mistaken
    return file


def said(results: list[CaseResult]) -> list[tuple[str, str | None, list[str]]]:
    """Of each result its outcome, its verdict and what does not hold."""
    return [(one.outcome, one.verdict, [finding.what for finding in one.findings]) for one in results]


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_happens_to_both_and_again_in_a_replay(tmp_path: Path, name: str) -> None:
    """What is expected holds of each, in the run and in the replay of its recording, which has all that came."""
    file = scenario(tmp_path, name)
    live = run_scenario(file, RunOptions(beside=True))
    replayed = run_scenario(file, RunOptions(source="recorded"))

    assert (said(live), said(replayed)) == ([("passed", "equivalent", [])], [("passed", "equivalent", [])])
    assert len(read_beside(file)[1].faults) == len(file.scenario.faults)


@pytest.mark.parametrize(("mistake", "name"), MISTAKES)
def test_a_bad_implementation_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mistake: str, name: str
) -> None:
    """One that hides what happened to its sockets, recovers in a wrong way, or takes for a mistake what did happen."""

    def made(wanted: str, factory: TransportFactory, options: BackendOptions) -> Backend:
        return ZOO[mistake].make(factory, options) if wanted == "libnl" else create(wanted, factory, options)

    monkeypatch.setattr(nlmon.scenario.live, "create", made)
    results = run_scenario(scenario(tmp_path, name), RunOptions(time_scale=0.4))

    assert {(one.outcome, one.verdict) for one in results} == {("failed", "regression")}


def test_what_cannot_be_made_live_can_be_made_in_a_replay() -> None:
    """Every fault is one of a socket, or one that changes frames."""
    assert set(STAGES) - set(LIVE) == {
        *("reorder", "split", "merge", "truncate", "interrupted_dump"),
        *("unknown_attribute", "short_payload", "longer_structure"),
    }
