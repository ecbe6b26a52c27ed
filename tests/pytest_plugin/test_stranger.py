"""Somebody who has nlmon from a folder of wheels, and nothing else of ours, tests a move with it."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from pathlib import Path

import pytest

from nlmon.report.outcome import CaseResult
from nlmon.report.runstream import read_run
from support.project import BASIC
from support.stranger import make_python, run

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("stranger")]

FAILURE = Path(__file__).with_name("failure.txt")

INI = '[tool.pytest.ini_options]\nnlmon_scenarios = ["scenarios"]\ntestpaths = ["tests"]\n'
SCENARIO = """\
scenario: 1
id: link.life
title: A link comes and goes.
capture: {{path: life.pcap.zst, sha256: {digest}, frames: 1-100}}
expect:
  verdict: {{migrate: equivalent, rollback: lossy}}
"""
TEST = """\
def test_move(nlmon_replay):
    nlmon_replay("scenarios/life.pcap.zst").assert_equivalent(min_events=50)


def test_a_link_goes_up(nlmon_netns, nlmon_monitor, nlmon_implementation):
    with nlmon_monitor(nlmon_implementation) as monitor:
        nlmon_netns.run("ip link set lo up")
        monitor.wait_for({"msg_type": "RTM_NEWLINK", "link": {"ifname": "lo", "flags": "UP"}})
"""
# A libnl that is wrong about one MTU.
PLANTED = """\
from msgspec import structs
from nlmon.backends import registry
from nlmon.backends.libnl import LibnlBackend


class Planted(LibnlBackend):
    def decode(self, datagram):
        found = super().decode(datagram)
        for number, event in enumerate(found.events):
            if getattr(event.payload, "mtu", None) == 1400:
                found.events[number] = structs.replace(event, payload=structs.replace(event.payload, mtu=1401))
        return found


registry.BACKENDS = {**registry.BACKENDS, "libnl": "planted:Planted"}
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Path:
    """A Python that has nlmon with its extra, pytest-xdist and what they need, all from wheels."""
    folder = tmp_path_factory.mktemp("stranger")
    return make_python(folder, f"nlmon[pytest] @ {wheel.as_uri()}", "pytest-xdist")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with three lines of settings, one scenario and one file of tests."""
    for name in ("scenarios", "tests"):
        (tmp_path / name).mkdir()
    (tmp_path / "pyproject.toml").write_text(INI)
    shutil.copyfile(BASIC, tmp_path / "scenarios" / "life.pcap.zst")
    digest = hashlib.sha256(BASIC.read_bytes()).hexdigest()
    (tmp_path / "scenarios" / "life.yaml").write_text(SCENARIO.format(digest=digest))
    (tmp_path / "tests" / "test_move.py").write_text(TEST)
    (tmp_path / "planted.py").write_text(PLANTED)
    return tmp_path


def required() -> list[str]:
    """Where nothing may be missing, namespaces may not."""
    return ["--nlmon-require=netns"] if os.environ.get("NLMON_TEST_REQUIRE_ALL") == "1" else []


def outcomes(text: str) -> dict[str, int]:
    """How many tests had which outcome, as the last line of pytest says."""
    return {
        word: int(count) for count, word in re.findall(r"(\d+) (passed|failed|skipped|error)", text.splitlines()[-1])
    }


def results(path: Path) -> list[tuple[str, str, str | None]]:
    """Ids, outcomes and verdicts of a report, which is whole."""
    with path.open("rb") as file:
        return [(one.id, one.outcome, one.verdict) for one in read_run(file, path.name) if isinstance(one, CaseResult)]


def test_all_is_well(python: Path, project: Path) -> None:
    """The scenario in both directions, the capture, and each implementation in a namespace."""
    done = run(python, "-m", "pytest", *required(), cwd=project)
    found = outcomes(done.stdout)

    assert (done.returncode, done.stderr) == (0, "")
    assert (found["passed"] + found.get("skipped", 0), found["passed"] >= 3) == (5, True)


def test_a_planted_difference_fails(python: Path, project: Path) -> None:
    """What is printed is stored in ``failure.txt``: verdict, place, both values, bytes and command."""
    done = run(python, "-m", "pytest", "-p", "planted", "-k", "life or move and not up", cwd=project)
    shown = done.stdout.partition("= FAILURES =")[2].partition("\n")[2].rpartition("\n=")[0]

    assert done.returncode == 1
    assert f"{shown}\n" == FAILURE.read_text(encoding="utf-8")


def test_workers_give_the_same_verdicts(python: Path, project: Path) -> None:
    """And one report of all, with and without a difference."""
    for planted in ((), ("-p", "planted")):
        runs = [
            run(python, "-m", "pytest", *planted, *more, f"--nlmon-report=jsonl:{name}.jsonl", cwd=project)
            for name, more in (("alone", ()), ("together", ("-n", "2")))
        ]

        assert outcomes(runs[0].stdout) == outcomes(runs[1].stdout)
        assert results(project / "alone.jsonl") == results(project / "together.jsonl")
        assert len(results(project / "alone.jsonl")) == 2
