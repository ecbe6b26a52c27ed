"""Scenario files are tests: collected, selected and reported as any test."""

from __future__ import annotations

import importlib
import shlex
import subprocess
import sys

import pytest

from support.project import PLUGIN, Project

# Each runs pytest.
pytestmark = pytest.mark.slow

pytest_plugins = "pytester"

HOLDS = "{verdict: {migrate: equivalent, rollback: lossy}}"
DIFFERS = "{verdict: {migrate: equivalent, rollback: equivalent}}"
LIGHT = {
    *("nlmon", "nlmon.errors", "nlmon.report", "nlmon.report.kinds"),
    *("nlmon.pytest_plugin", "nlmon.pytest_plugin.options"),
}


def names(result: pytest.RunResult) -> list[str]:
    """The tests that ``--collect-only -q`` lists."""
    return [line for line in result.outlines if "::" in line]


def test_the_plugin_imports_nothing_but_its_options() -> None:
    """Whoever has it installed and does not use it pays for a few small modules."""
    code = (
        "import sys, pytest; before = set(sys.modules); import nlmon.pytest_plugin; print(*set(sys.modules) - before)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert set(done.stdout.split()) == LIGHT


def test_a_project_without_scenarios_imports_no_more(project: Project) -> None:
    """Nor when its tests run and are reported."""
    (project.path / "pytest.ini").write_text("[pytest]\n")
    project.test("test_it.py", "import sys\ndef test_it():\n    print(*(m for m in sys.modules if m[:5] == 'nlmon'))\n")
    result = project.run_apart("-s", "-q", "test_it.py")

    assert result.ret == 0
    assert set(result.outlines[0].removesuffix(".").split()) == LIGHT


def test_each_case_is_a_test(project: Project) -> None:
    """Of scenarios below the folder, and of ``*.nlmon.yaml`` beside tests; its name is that of ``nlmon run``."""
    project.scenario("one", HOLDS)
    project.scenario("two", "{verdict: equivalent}")
    project.scenario("beside", "{verdict: equivalent}").rename(project.path / "beside.nlmon.yaml")
    (project.path / "other.yaml").write_text("no: scenario\n")
    result = project.run("--collect-only", "-q")

    assert names(result) == [
        "beside.nlmon.yaml::a.beside[migrate]",
        "scenarios/one.yaml::a.one[migrate]",
        "scenarios/one.yaml::a.one[rollback]",
        "scenarios/two.yaml::a.two[migrate]",
    ]


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (("-k", "rollback"), ["a.one[rollback]"]),
        (("-m", "nlmon_live"), ["a.two[migrate]"]),
        (("-m", "not nlmon_scenario"), []),
        (("scenarios/one.yaml::a.one[migrate]",), ["a.one[migrate]"]),
    ],
)
def test_cases_are_selected_as_tests_are(project: Project, options: tuple[str, ...], found: list[str]) -> None:
    """By words, by markers and by their ids."""
    project.scenario("one", HOLDS)
    (project.path / "scenarios" / "two.yaml").write_text(
        "scenario: 1\nid: a.two\ntitle: A link goes up.\nsetup: [ip link add d0 type dummy]\n"
        "steps: [ip link set d0 up]\nexpect: {verdict: equivalent}\n"
    )

    assert [name.partition("::")[2] for name in names(project.run("--collect-only", "-q", *options))] == found


def test_testpaths_need_not_name_the_scenarios(project: Project) -> None:
    """Without arguments they are tested beside what ``testpaths`` names, once."""
    project.ini("testpaths = tests")
    project.test("tests/test_it.py", "def test_it(): pass\n")
    project.scenario("one", HOLDS)

    assert project.run().parseoutcomes() == {"passed": 3}
    assert project.run("tests").parseoutcomes() == {"passed": 1}


@pytest.mark.parametrize(("folder", "tests"), [("inner", 3), ("inner/part", 1)])
def test_scenarios_may_lie_outside_of_the_project(
    project: Project, monkeypatch: pytest.MonkeyPatch, folder: str, tests: int
) -> None:
    """They are tested where the whole project is, and not where a part of it is."""
    project.scenario("one", HOLDS)
    project.test("inner/pytest.ini", "[pytest]\nnlmon_scenarios = ../scenarios\n")
    project.test("inner/part/test_it.py", "def test_it(): pass\n")
    monkeypatch.chdir(project.path / folder)

    assert project.run().parseoutcomes() == {"passed": tests}


def test_a_failure_is_what_a_run_prints(project: Project) -> None:
    """The place of what was expected, what it rests on, and the command; no frame of anybody."""
    project.scenario("one", DIFFERS)
    result = project.run("-ra")
    text = result.stdout.str()

    assert result.parseoutcomes() == {"failed": 1, "passed": 1}
    result.stdout.fnmatch_lines(
        [
            "*_ a.one[[]rollback] _*",
            "A link comes and goes.",
            "scenarios/one.yaml:5:51: verdict (rollback): expected equivalent, got lossy",
            "    because: 221 values would be lost, and no event",
            "reproduce: nlmon run scenarios -k a.one",
            "FAILED scenarios/one.yaml::a.one[[]rollback] - verdict (rollback): expected*",
        ]
    )
    assert ("Traceback" in text, "cases.py" in text, "Error:" in text) == (False, False, False)


def test_the_command_that_is_shown_does_the_same(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Options that change an outcome are in it."""
    project.scenario("one", "{verdict: equivalent}", "seed: 1\n")
    options = ("--nlmon-against=libnl", "--nlmon-implementation=legacy", "--nlmon-seed=7", "--nlmon-timeout-scale=2")
    result = project.run(*options)
    command = next(line for line in result.outlines if line.startswith("reproduce: ")).removeprefix("reproduce: ")
    monkeypatch.chdir(project.path)
    again = subprocess.run([sys.executable, "-m", *command.split()], capture_output=True, text=True, check=False)

    assert command == "nlmon run scenarios -k a.one -i legacy --against libnl --seed 7 --time-scale 2"
    assert (again.returncode, "expected equivalent, got lossy" in again.stdout) == (1, True)


@pytest.mark.parametrize(
    ("more", "expect", "options", "found"),
    [
        ("", "{verdict: lossy}", (), {"failed": 1}),
        ("level: tentative\n", "{verdict: lossy}", (), {"xfailed": 1}),
        ("level: optional\n", "{verdict: lossy}", ("--runxfail",), {"failed": 1}),
        ("level: optional\n", "{verdict: equivalent}", (), {"passed": 1}),
        ("implementations: [legacy, libnl2]\n", "{verdict: equivalent}", (), {"errors": 1}),
        ("", "{verdict: equivalent}", ("--nlmon-implementation=libnl",), {"passed": 1}),
        ("", "{verdict: equivalent}", ("--nlmon-against=libnl", "--nlmon-implementation=legacy"), {"failed": 1}),
    ],
)
def test_each_outcome_is_one_of_pytest(
    project: Project, more: str, expect: str, options: tuple[str, ...], found: dict[str, int]
) -> None:
    """What failed is a failure, what could not run an error, and what need not hold is expected to fail."""
    project.scenario("one", expect, more)

    assert project.run(*options).parseoutcomes() == found


LIVE = "scenario: 1\nid: a.live\ntitle: A link goes up.\nkernel: '<2.0'\n" + (
    "steps: [ip link add d0 type dummy]\nexpect: {verdict: equivalent}\n"
)


@pytest.mark.live
@pytest.mark.usefixtures("namespaces")
def test_what_is_missing_is_skipped_with_its_place(project: Project) -> None:
    """Unless it is required: then it is an error."""
    (project.path / "scenarios" / "live.yaml").write_text(LIVE)
    skipped, required = project.run("-rs"), project.run("--nlmon-require=netns")

    skipped.stdout.fnmatch_lines(["SKIPPED [[]1] scenarios/live.yaml:2: *"])
    assert (skipped.parseoutcomes(), required.parseoutcomes()) == ({"skipped": 1}, {"errors": 1})
    required.stdout.fnmatch_lines(["required here, but *"])


def test_what_failed_last_is_run_again(project: Project) -> None:
    """By ``--lf``, as of any test."""
    project.scenario("one", DIFFERS)
    project.run()

    found = project.run("--lf").parseoutcomes()

    assert (found["failed"], found.get("passed", 0)) == (1, 0)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("scenario: 2\n", "NLM-S011: *"),
        ("scenario: 1\nid: a.b\ntitel: A link.\n", "*bad.yaml:3:1: NLM-S0*titel*"),
        ("scenario: 1\nid: a.one\ntitle: A b.\nsteps: [ip link]\nexpect: {verdict: lossy}\n", "NLM-S020: *a.one*"),
    ],
)
def test_a_file_that_is_no_scenario_is_an_error(project: Project, text: str, line: str) -> None:
    """With its code and place; so is one whose id another file has."""
    (project.path / "scenarios" / "zbad.yaml").write_text(text)
    project.scenario("one", HOLDS)
    result = project.run()

    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*ERROR collecting scenarios/zbad.yaml*", f"*{line}"])
    assert "Traceback" not in result.stdout.str()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("--nlmon-seed=x",), "NLM-Y001: 'x' is no value of --nlmon-seed; try 7*"),
        (("--nlmon-timeout-scale=0",), "NLM-Y001: '0' is no value of --nlmon-timeout-scale; try 2*"),
        (("--nlmon-report=pdf:a",), "NLM-Y001: 'pdf:a' is no value of --nlmon-report; try *"),
        (("--nlmon-record=twice",), "NLM-Y001: 'twice' is no value of --nlmon-record; try none, once, all*"),
        (("-o", "nlmon_require=disk"), "NLM-Y001: 'disk' is no value of nlmon_require; try netns, root"),
        (("--nlmon-implementation=libnl2",), "NLM-B003: no implementation is called 'libnl2'*"),
        (("-o", "nlmon_scenarios=nowhere"), "NLM-Y006: a folder of scenarios is not there (*nowhere)*"),
        (("--nlmon-known=none.yaml",), "NLM-P010: *none.yaml*"),
    ],
)
def test_a_wrong_option_is_reported(project: Project, options: tuple[str, ...], text: str) -> None:
    """In one line, with a code and what would be right, wherever it was written."""
    project.scenario("one", HOLDS)
    result = project.run(*options)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {text}"])


def test_scenarios_are_not_changed_where_ci_is_set(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the command line it is refused, in the ini file left out."""
    monkeypatch.setenv("CI", "true")
    project.scenario("one", HOLDS)
    refused, left_out = project.run("--nlmon-update=fix"), project.run("-o", "nlmon_update=fix")

    assert (refused.ret, left_out.ret) == (pytest.ExitCode.USAGE_ERROR, pytest.ExitCode.OK)
    refused.stderr.fnmatch_lines(["ERROR: NLM-Y002: *"])


def test_the_plugin_may_be_imported_before_it_is_loaded(project: Project) -> None:
    """By another test, or as the plugin of the pytest around it: no warning says that its assertions are as written."""
    project.scenario("one", "{verdict: equivalent}")
    importlib.import_module("nlmon.pytest_plugin")
    result = project.run("-p", "no:nlmon", "-p", "nlmon.pytest_plugin")

    assert (result.parseoutcomes(), result.errlines) == ({"passed": 1}, [])


def test_a_report_goes_to_standard_output(project: Project) -> None:
    """Where its path is a dash, and no file is called so."""
    project.scenario("one", "{verdict: equivalent}")
    result = project.run_apart("--nlmon-report=badge:-", "-p", "no:cacheprovider")

    assert '{"schemaVersion":1,"label":"nlmon","message":"1 passed","color":"brightgreen"}' in result.outlines
    assert not (project.path / "-").exists()


MINE = """from nlmon.backends.legacy import LegacyBackend
from nlmon.backends.registry import BACKENDS, READS

BACKENDS["mine"], READS["mine"] = "mine:Mine", (0,)


class Mine(LegacyBackend):
    groups = {}
"""


def test_what_a_plugin_brings_is_run_again_by_pytest(project: Project) -> None:
    """nlmon run does not know it; the line can be pasted where pytest was started."""
    project.scenario("one", "{verdict: equivalent}")
    project.test("mine.py", MINE)
    options = ("--nlmon-implementation", "mine", "--nlmon-seed=7", "-p", "no:cacheprovider")
    first = project.run_apart("-p", "mine", *options)
    command = next(line for line in first.outlines if line.startswith("reproduce: ")).removeprefix("reproduce: ")
    again = project.run_apart(*shlex.split(command)[3:], "-p", "no:cacheprovider")

    words = ["-p", "mine", "--nlmon-implementation=mine", "--nlmon-seed=7", "scenarios/one.yaml::a.one[migrate]"]
    assert command == shlex.join(["python", "-m", "pytest", *PLUGIN, *words])
    assert (again.parseoutcomes(), command in "".join(again.outlines)) == ({"failed": 1}, True)
