"""What a run of pytest writes: one report whoever ran the tests, what failed, and what scenarios state."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from nlmon.report.kinds import KINDS, report_as
from nlmon.report.load import read_report
from nlmon.report.outcome import CaseResult, RunFooter, RunHeader
from nlmon.report.runstream import read_run
from support.project import Project

pytest_plugins = "pytester"

HOLDS = "{verdict: {migrate: equivalent, rollback: lossy}}"
DIFFERS = "{verdict: {migrate: equivalent, rollback: equivalent}}"


def results(project: Project, name: str) -> list[tuple[str, str, str | None]]:
    """Ids, outcomes and verdicts of a report, which is whole."""
    with (project.path / name).open("rb") as file:
        records = read_run(file, name)
    assert (type(records[0]), type(records[-1])) == (RunHeader, RunFooter)
    return [(one.id, one.outcome, one.verdict) for one in records if isinstance(one, CaseResult)]


FOUND = [
    ("a.one[migrate]", "passed", "equivalent"),
    ("a.one[rollback]", "failed", "lossy"),
    ("a.two[migrate]", "xfailed", "equivalent"),
]


@pytest.mark.slow
def test_a_report_has_every_case(project: Project) -> None:
    """As JSON lines and as JUnit, with the same outcomes as the tests."""
    project.scenario("one", DIFFERS)
    project.scenario("two", "{verdict: lossy}", "level: optional\n")
    result = project.run("--nlmon-report=jsonl:run.jsonl", "--nlmon-report=junit:run.xml")
    suite = ET.parse(project.path / "run.xml").getroot()[0]

    assert result.parseoutcomes() == {"passed": 1, "failed": 1, "xfailed": 1}
    assert results(project, "run.jsonl") == FOUND
    assert {name: suite.get(name) for name in ("tests", "failures", "skipped")} == {
        "tests": "3",
        "failures": "1",
        "skipped": "1",
    }


@pytest.mark.slow
def test_workers_make_one_report(project: Project) -> None:
    """With the verdicts of a single process, in the same order; the ini file can ask for it, too."""
    project.ini("nlmon_report = jsonl:run.jsonl")
    project.scenario("one", DIFFERS)
    project.scenario("two", "{verdict: lossy}", "level: optional\n")
    result = project.run_apart("-n", "2", "-p", "xdist")

    assert result.parseoutcomes() == {"passed": 1, "failed": 1, "xfailed": 1}
    assert results(project, "run.jsonl") == FOUND


CAPTURES = """
import pytest

@pytest.mark.nlmon_captures("scenarios/*.zst", both_ways=True)
def test_move(nlmon_verdict): nlmon_verdict.assert_equivalent()
"""


def test_a_report_has_every_capture(project: Project) -> None:
    """As a case whose outcome is that of the test, with what the test said."""
    project.test("test_it.py", CAPTURES)
    project.run("--nlmon-report=jsonl:run.jsonl", "--nlmon-report=junit:run.xml")
    failure = ET.parse(project.path / "run.xml").getroot().find(".//failure")

    assert results(project, "run.jsonl") == [
        ("test_it.py::test_move[scenarios/a.pcap.zst-migrate]", "passed", "equivalent"),
        ("test_it.py::test_move[scenarios/a.pcap.zst-rollback]", "failed", "lossy"),
    ]
    assert failure is not None
    assert "lost, and not allowed: addr.broadcast 7" in str(failure.text)


def test_every_kind_of_report_is_that_of_the_run(project: Project) -> None:
    """What ``nlmon report show`` makes of the stream; annotations stand in the file of the scenario."""
    project.scenario("one", DIFFERS)
    project.run(*(f"--nlmon-report={kind}:run.{kind}" for kind in KINDS))
    run = read_report((project.path / "run.jsonl").read_bytes(), "run.jsonl")

    assert {kind: report_as(kind, run) for kind in KINDS} == {
        kind: (project.path / f"run.{kind}").read_bytes() for kind in KINDS
    }
    assert report_as("github", run).decode().startswith("::error file=scenarios/one.yaml,line=")


def test_annotations_on_standard_output_begin_their_lines(project: Project) -> None:
    """GitHub reads a command only where a line begins, and the line of progress has not ended."""
    project.scenario("one", DIFFERS)
    result = project.run("--nlmon-report=github:/dev/stdout")

    result.stdout.re_match_lines([r"^::error file=scenarios/one\.yaml,line="])


def test_a_file_that_is_no_scenario_is_in_the_report(project: Project) -> None:
    """As an errored case."""
    (project.path / "scenarios" / "bad.yaml").write_text("scenario: 1\n")
    project.run("--nlmon-report=jsonl:run.jsonl")

    assert results(project, "run.jsonl") == [("scenarios/bad.yaml", "errored", None)]


@pytest.mark.parametrize("option", ["--nlmon-report=jsonl:nowhere/run", "--nlmon-artifacts=file/run"])
def test_what_cannot_be_written_is_said_before_the_tests(project: Project, option: str) -> None:
    """A report, or the folder of what failed: pytest does not begin."""
    project.scenario("one", HOLDS)
    (project.path / "file").touch()
    result = project.run(option)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: NLM-U001: the file cannot be written (*/run): *"])


def test_two_reports_do_not_go_to_one_file(project: Project) -> None:
    """The second would replace the first: pytest does not begin."""
    project.scenario("one", HOLDS)
    result = project.run("--nlmon-report=jsonl:run", "--nlmon-report=html:./run")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: NLM-U007: the report would replace another report (*run); *"])


def test_a_report_that_cannot_be_written_any_more_fails_the_run(project: Project) -> None:
    """And says why: its folder was there when the run began."""
    project.path.joinpath("nowhere").mkdir()
    (project.path / "test_one.py").write_text("import os\ndef test_one(): os.rmdir('nowhere')\n", encoding="utf-8")
    result = project.run("--nlmon-report=jsonl:nowhere/run.jsonl")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["nlmon: NLM-U001: the file cannot be written (*nowhere/run.jsonl): *"])


def test_what_failed_is_kept(project: Project) -> None:
    """The scenario, its capture, the events of both and the command; nothing of what passed."""
    project.scenario("one", DIFFERS)
    project.scenario("two", HOLDS)
    result = project.run("--nlmon-artifacts=kept")
    kept = sorted(path.relative_to(project.path / "kept").as_posix() for path in (project.path / "kept").rglob("*"))

    result.stdout.fnmatch_lines(["nlmon: kept kept/a.one"])
    assert kept == ["a.one"] + [
        f"a.one/{name}"
        for name in (
            *("a.pcap.zst", "events-legacy.jsonl", "events-libnl.jsonl", "reproduce.sh", "result.json"),
            "scenario.yaml",
        )
    ]


@pytest.mark.parametrize(
    ("words", "before", "after"),
    [
        ("fix", DIFFERS, HOLDS),
        ("fix", "{verdict: lossy} # so far", "{verdict: equivalent} # so far"),
        (
            "create",
            "{events: [{msg_type: RTM_NEWLINK}]}",
            "{events: [{msg_type: RTM_NEWLINK}], verdict: {migrate: equivalent}}",
        ),
        ("create", DIFFERS, DIFFERS),
        ("fix", "{events: [{msg_type: RTM_NEWLINK}]}", "{events: [{msg_type: RTM_NEWLINK}]}"),
    ],
)
def test_a_verdict_is_written(project: Project, words: str, before: str, after: str) -> None:
    """Where another one was expected, or none; everything else in the file stays."""
    path = project.scenario("one", before, more="# what for\nauthority: [ip-link(8)]\n")
    text = path.read_text()
    project.run(f"--nlmon-update={words}")

    assert path.read_text() == text.replace(before, after)


def test_a_digest_is_written(project: Project) -> None:
    """Where the file states none, also of a capture that is only named."""
    path = project.scenario("one", HOLDS)
    text = path.read_text()
    short = "\n".join(line if "capture" not in line else "capture: a.pcap.zst" for line in text.splitlines())
    path.write_text(short + "\n")
    result = project.run("--nlmon-update=create")

    result.stdout.fnmatch_lines(["nlmon: updated scenarios/one.yaml: the digest"])
    assert path.read_text() == text.replace(", frames: 1-100", "")


KNOWN = """known: 1
entries:
  # of no use
  - {code: NLD102, message: RTM_NEWLINK, field: mtu, scenario: a.one, reason: late, owner: me}
"""


@pytest.mark.slow
def test_a_known_difference_of_no_use_is_named_and_removed(project: Project) -> None:
    """It is removed when asked for."""
    project.scenario("one", HOLDS)
    (project.path / "known.yaml").write_text(KNOWN)
    ran = project.run("--nlmon-known=known.yaml")
    removed = project.run("--nlmon-known=known.yaml", "--nlmon-update=trim")

    ran.stdout.fnmatch_lines(["nlmon: known difference 1 of *known.yaml allowed nothing: *"])
    removed.stdout.fnmatch_lines(["nlmon: removed entry 1 of *known.yaml"])
    assert "NLD102" not in (project.path / "known.yaml").read_text()
