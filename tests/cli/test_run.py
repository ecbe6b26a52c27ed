"""``nlmon run``, as it is typed."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from nlmon.cli import run_suite
from nlmon.cli.pick import picker
from nlmon.errors import UsageError
from nlmon.report.outcome import CaseResult, RunFooter
from nlmon.report.runstream import read_run
from nlmon.scenario.load import ScenarioFile
from nlmon.scenario.options import RunOptions
from support.command import nlmon
from support.paths import CAPTURES, REPOSITORY

BASIC = CAPTURES / "linux-6.12" / "01-route-basic.pcap.zst"
HOLDS = "{migrate: equivalent, rollback: lossy}"


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """A folder with a suite: one scenario holds, one does not."""
    folder = tmp_path / "scenarios"
    folder.mkdir()
    shutil.copy(BASIC, folder / "a.pcap.zst")
    (folder / "good.yaml").write_text(scenario("link.good", f"{{verdict: {HOLDS}}}"))
    (folder / "bad.yaml").write_text(scenario("link.bad", "{verdict: lossy}"))
    return tmp_path


def scenario(name: str, expect: str) -> str:
    """The text of a scenario over a part of the capture."""
    capture = "{path: a.pcap.zst, frames: 1-60}"
    return f"scenario: 1\nid: {name}\ntitle: A link comes and goes.\ncapture: {capture}\nexpect: {expect}\n"


def lines(done: subprocess.CompletedProcess[str]) -> list[str]:
    """Lines of stdout, the last one without its time."""
    *before, last = done.stdout.splitlines()
    return [*before, last.rpartition(",")[0]]


def test_what_holds_is_a_line(suite: Path) -> None:
    """For both directions, and a last one."""
    done = nlmon("run", "-k", "good", folder=suite)

    assert (done.returncode, lines(done), done.stderr) == (
        0,
        ["passed   link.good: migrate equivalent, rollback lossy", "2 passed  (2 cases of 1 scenario"],
        "",
    )


def test_what_does_not_hold_comes_first(suite: Path) -> None:
    """With its place, and a command that runs it again and gives the same."""
    done = nlmon("run", folder=suite)
    again = nlmon(*done.stdout.partition("reproduce: nlmon ")[2].splitlines()[0].split(), folder=suite)

    assert (done.returncode, lines(done)) == (
        1,
        [
            "failed   link.bad[migrate]  scenarios/bad.yaml",
            "  A link comes and goes.",
            "  scenarios/bad.yaml:5:19: verdict (migrate): expected lossy, got equivalent",
            "  reproduce: nlmon run -k link.bad",
            "passed   link.good: migrate equivalent, rollback lossy",
            "1 failed, 2 passed  (3 cases of 2 scenarios",
        ],
    )
    assert (again.returncode, lines(again)[:4]) == (1, lines(done)[:4])


AGAIN = (
    ((), "nlmon run -k link.bad"),
    (("scenarios",), "nlmon run scenarios -k link.bad"),
    (("scenarios/bad.yaml",), "nlmon run scenarios/bad.yaml -k link.bad"),
    # It has a process of its own, since it says how many.
    pytest.param(
        (
            "--recorded",
            "--seed",
            "3",
            "--strict",
            "--fail-on",
            "lossy",
            "--fail-on",
            "error",
            "-k",
            "bad",
            "--jobs",
            "1",
        ),
        "nlmon run -k link.bad --recorded --seed 3 --fail-on lossy --fail-on error --strict",
        marks=pytest.mark.slow,
    ),
    (("--allow-run", "-q", "--min-events", "2"), "nlmon run -k link.bad --allow-run --min-events 2"),
)


@pytest.mark.parametrize(("arguments", "again"), AGAIN, ids=str)
def test_the_command_that_reproduces_has_what_decides(suite: Path, arguments: tuple[str, ...], again: str) -> None:
    """The path by which captures may be used, and every option that changes an outcome."""
    done = nlmon("run", *arguments, folder=suite)

    assert [line.strip() for line in done.stdout.splitlines() if "reproduce" in line] == [f"reproduce: {again}"]


OWN = """from nlmon.backends.legacy import LegacyBackend
from nlmon.backends.registry import BACKENDS, READS
from nlmon.cli.main import main

BACKENDS["mine"], READS["mine"] = "mine:Mine", (0,)


class Mine(LegacyBackend):
    groups = {}


if __name__ == "__main__":
    main()
"""


@pytest.mark.slow
def test_a_program_of_ones_own_reproduces_by_itself(suite: Path) -> None:
    """What nlmon does not know is run again by the program that does, by the line of a report and by what was kept."""
    (suite / "mine.py").write_text(OWN)
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}

    def typed(line: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", "-c", line], cwd=suite, env=environment, capture_output=True, text=True, check=False
        )

    first = typed("python mine.py run -i mine -k bad --keep-on-failure kept")
    command = first.stdout.partition("reproduce: ")[2].splitlines()[0]
    replayed = typed("python mine.py replay scenarios/a.pcap.zst -i mine --report jsonl:r.jsonl")
    shown = nlmon("report", "show", "r.jsonl", folder=suite).stdout.partition("reproduce: ")[2].splitlines()[0]

    assert command == "python mine.py run -k link.bad --implementation mine"
    assert (first.returncode, typed(command).stdout.splitlines()[:3]) == (1, first.stdout.splitlines()[:3])
    assert typed("sh kept/link.bad/reproduce.sh").stdout.splitlines()[1:2] == first.stdout.splitlines()[1:2]
    assert shown == "python mine.py replay --implementation mine scenarios/a.pcap.zst"
    assert (replayed.returncode, typed(shown).stdout) == (1, replayed.stdout)


@pytest.mark.parametrize("path", ["10:30", "10:30/bad.yaml"])
def test_a_path_with_a_colon_is_run_again(suite: Path, path: str) -> None:
    """The command has the whole path, and not what stands before its first colon."""
    (suite / "scenarios").rename(suite / "10:30")
    done = nlmon("run", path, folder=suite)

    assert f"  reproduce: nlmon run {path} -k link.bad" in lines(done)


def test_a_folder_whose_name_is_no_text_is_run(suite: Path) -> None:
    """Bytes that are no UTF-8 are shown as escapes in every form; what fails is kept."""
    name = os.fsdecode(b"s\xff")
    (suite / "scenarios").rename(suite / name)
    done = nlmon(
        "run", name, "--report", "jsonl:r.jsonl", "--report", "junit:r.xml", "--keep-on-failure", "kept", folder=suite
    )
    checked = nlmon("scenario", "check", name, folder=suite)
    whole = (suite / "r.jsonl").read_text(encoding="utf-8")

    assert (done.returncode, lines(done)[:5]) == (
        1,
        [
            "failed   link.bad[migrate]  s\\xff/bad.yaml",
            "  A link comes and goes.",
            "  s\\xff/bad.yaml:5:19: verdict (migrate): expected lossy, got equivalent",
            "  reproduce: nlmon run 's\\xff' -k link.bad",
            "passed   link.good: migrate equivalent, rollback lossy",
        ],
    )
    assert '"path":"s\\\\xff/a.pcap.zst"' in whole
    assert (suite / "kept" / "link.bad" / "a.pcap.zst").is_file()
    assert "no capture" not in checked.stderr


def test_a_capture_in_a_folder_whose_name_is_no_text_is_missed(suite: Path) -> None:
    """What is said of a file that cannot be read can be written, too."""
    folder = (suite / "scenarios").rename(suite / os.fsdecode(b"s\xff"))
    (folder / "a.pcap.zst").write_bytes(b"no capture")
    done = nlmon("run", folder.name, "--report", "jsonl:r.jsonl", "--format", "jsonl", folder=suite)

    assert (done.returncode, done.stderr) == (3, "")
    assert "s\\\\xff/a.pcap.zst" in done.stdout


def test_quiet_says_only_what_does_not_hold(suite: Path) -> None:
    """And the last line."""
    assert lines(nlmon("run", "-q", "-k", "good", folder=suite)) == ["2 passed  (2 cases of 1 scenario"]


@pytest.mark.slow
def test_processes_give_the_same(suite: Path) -> None:
    """In the same order."""
    assert lines(nlmon("run", "--jobs", 2, folder=suite)) == lines(nlmon("run", folder=suite))


def test_reports_are_whole(suite: Path) -> None:
    """The stream that is written is the one on stdout, but for time."""
    done = nlmon("run", "--report", "jsonl:r.jsonl", "--report", "junit:r.xml", folder=suite)
    printed = nlmon("run", "--format", "jsonl", folder=suite)
    records = read_run((suite / "r.jsonl").read_bytes().splitlines(keepends=True), "r.jsonl")
    others = read_run(printed.stdout.encode().splitlines(keepends=True), "stdout")

    assert done.returncode == 1
    assert [type(one).__name__ for one in records] == [type(one).__name__ for one in others]
    assert (suite / "r.xml").read_bytes().startswith(b"<?xml")


def test_the_header_says_what_was_run(suite: Path) -> None:
    """Options as they were given, and a digest of each input."""
    done = nlmon("run", "-k", "good", "--min-events", "3", "--format", "jsonl", folder=suite)
    header = json.loads(done.stdout.splitlines()[0])

    assert sorted(header["inputs"]) == ["scenarios/a.pcap.zst", "scenarios/good.yaml"]
    assert (header["options"]["words"], header["policy"]["min_events"]) == ("good", 3)


def test_the_first_failure_stops(suite: Path) -> None:
    """What did not run is said."""
    done = nlmon("run", "-x", folder=suite)

    assert (done.returncode, lines(done)[-1], done.stderr) == (
        1,
        "1 failed  (1 case of 1 scenario",
        "stopped after 1 that did not pass; 2 cases did not run\n",
    )


def test_a_dry_run_lists_cases(suite: Path) -> None:
    """By the ids that -k takes."""
    done = nlmon("run", "--dry-run", folder=suite)

    assert (done.returncode, done.stdout, done.stderr) == (
        0,
        "link.bad[migrate]\nlink.good[migrate]\nlink.good[rollback]\n",
        "3 cases of 2 scenarios would run\n",
    )


def test_a_dry_run_names_what_is_no_scenario(suite: Path) -> None:
    """And fails as the run would."""
    (suite / "scenarios/none.yaml").write_text("id: a\n")

    done = nlmon("run", "--dry-run", "-k", "none or migrate and good", folder=suite)

    assert (done.returncode, done.stdout, done.stderr) == (
        3,
        "link.good[migrate]\n",
        "NLM-S010: this is no scenario (scenarios/none.yaml:1:1); begin with scenario: 1\n"
        "1 case of 1 scenario would run\n",
    )


def test_a_file_that_cannot_be_read_says_why(suite: Path) -> None:
    """In the words of the system."""
    done = nlmon("run", "nowhere.yaml", folder=suite)

    assert (done.returncode, lines(done)) == (
        3,
        [
            "errored  nowhere.yaml",
            "  nowhere.yaml: NLM-S028: the scenario cannot be read: No such file or directory",
            "1 errored  (1 case of 1 scenario",
        ],
    )


def test_what_fails_is_kept(suite: Path) -> None:
    """In a folder that runs by itself and fails in the same way."""
    nlmon("run", "--keep-on-failure", "kept", folder=suite)
    kept = suite / "kept" / "link.bad"
    again = nlmon("run", "scenario.yaml", folder=kept)

    assert sorted(path.name for path in kept.iterdir()) == [
        *("a.pcap.zst", "events-legacy.jsonl", "events-libnl.jsonl", "reproduce.sh", "result.json", "scenario.yaml"),
    ]
    assert (again.returncode, lines(again)[2]) == (
        1,
        "  scenario.yaml:5:19: verdict (migrate): expected lossy, got equivalent",
    )


def test_what_is_kept_is_its_owners(suite: Path) -> None:
    """The folder and all in it, whatever the capture lets others do: recordings can hold keys."""
    nlmon("run", "--keep-on-failure", "kept", folder=suite)
    kept = suite / "kept" / "link.bad"
    modes = {path.name: path.stat().st_mode & 0o777 for path in kept.iterdir()}

    assert kept.stat().st_mode & 0o777 == 0o700
    assert modes == {**dict.fromkeys(modes, 0o600), "reproduce.sh": 0o700}


def test_what_is_kept_is_what_was_run(suite: Path) -> None:
    """Events are of the frames that are meant, with the faults; the capture is found where it is now, whatever else
    bears its name; and the command has the options of the run."""
    (suite / "scenarios" / "result.json").write_bytes(BASIC.read_bytes())
    (suite / "scenarios" / "sub").mkdir()
    (suite / "scenarios" / "sub" / "far.yaml").write_text(
        "# The capture is ../result.json here.\nscenario: 1\nid: far\ntitle: A link comes and goes.\n"
        "capture: {path: ../result.json, frames: 30-60}\nfaults: [drop: {at: 37, count: 30}]\nexpect: {losses: 0}\n"
    )
    done = nlmon("run", "-k", "far", "--min-events", 500, "--seed", 3, "--keep-on-failure", "kept", folder=suite)
    kept = suite / "kept" / "far"
    command = (kept / "reproduce.sh").read_text().rpartition(')" ')[2].split()
    again = nlmon(*command, folder=kept)
    frames = [json.loads(line)["frame"] for line in (kept / "events-libnl.jsonl").read_text().splitlines()]

    kept_lines = [line.replace("scenarios/sub/far.yaml", "scenario.yaml") for line in lines(done)[1:4]]
    assert (done.returncode, again.returncode, lines(again)[1:4]) == (3, 3, kept_lines)
    assert command == ["run", "--seed=3", "--min-events=500", "scenario.yaml"]
    assert (kept / "scenario.yaml").read_text().splitlines()[:5:4] == [
        "# The capture is ../result.json here.",
        'capture: {path: "capture-result.json", frames: 30-60}',
    ]
    assert all(30 <= frame <= 60 for frame in frames)


@pytest.mark.slow
def test_what_is_kept_runs_by_its_script(suite: Path) -> None:
    """Also where no nlmon is on the path of commands."""
    nlmon("run", "--keep-on-failure", "kept", folder=suite)
    script = suite / "kept" / "link.bad" / "reproduce.sh"
    done = subprocess.run([script], capture_output=True, text=True, check=False, env={"PATH": "/usr/bin:/bin"})

    assert (done.returncode, done.stdout.splitlines()[0].split()[:2]) == (1, ["failed", "link.bad[migrate]"])


def test_no_folder_of_scenarios(tmp_path: Path) -> None:
    """It is said what to name."""
    done = nlmon("run", folder=tmp_path)

    assert (done.returncode, done.stderr) == (
        3,
        "error[NLM-S026]: there is no folder scenarios here; name files or folders of scenarios: nlmon run PATH\n",
    )


@pytest.mark.parametrize(
    ("text", "arguments", "code"),
    [
        ('capture_folders = ["recordings"]', ("p/scenarios/link",), 0),
        ('capture_folders = ["recordings"]', ("p/scenarios/link/out.yaml",), 0),
        ('capture_folders = ["recordings"]', ("p/scenarios/link", "--config", "/dev/null"), 3),
        ('capture_folders = ["../p", "/", "../q"]', ("p/scenarios/link",), 0),
        ('capture_folders = [".."]', ("p/scenarios/link",), 3),
        ('capture_folders = ["linked"]', ("p/scenarios/link",), 3),
        ("allow_run = true", ("p/scenarios/link",), 3),
    ],
)
def test_captures_of_a_project_are_found_from_its_scenarios(
    tmp_path: Path, text: str, arguments: tuple[str, ...], code: int
) -> None:
    """From another folder, and by a part of its suite; a stranger's cannot give away what lies outside of it."""
    folder = tmp_path / "p" / "scenarios" / "link"
    for one in (folder, tmp_path / "p" / "recordings", tmp_path / "q"):
        one.mkdir(parents=True)
    shutil.copy(BASIC, tmp_path / "p" / "recordings" / "a.pcap.zst")
    (tmp_path / "p" / "linked").symlink_to(tmp_path)
    (tmp_path / "p" / "nlmon.toml").write_text(text + "\n")
    (folder / "out.yaml").write_text(
        scenario("link.out", "{verdict: {rollback: lossy}}").replace("a.pcap.zst", "../../recordings/a.pcap.zst")
    )
    done = nlmon("run", *arguments, folder=tmp_path)

    assert (done.returncode, "NLM-S050" in done.stdout) == (code, code == 3)


def test_an_interruption_keeps_what_has_come(suite: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What failed is printed, with the number of cases that did not run; reports are written, too."""
    run = run_suite.run_scenario

    def interrupted(file: ScenarioFile, options: RunOptions) -> list[CaseResult]:
        if file.scenario.id == "link.good":
            signal.raise_signal(signal.SIGINT)
        return run(file, options)

    monkeypatch.setattr(run_suite, "run_scenario", interrupted)
    done = nlmon("run", "--report", "jsonl:r.jsonl", folder=suite)
    footer = read_run((suite / "r.jsonl").read_bytes().splitlines(keepends=True), "r.jsonl")[-1]

    assert (done.returncode, lines(done)[0], lines(done)[-1], done.stderr) == (
        130,
        "failed   link.bad[migrate]  scenarios/bad.yaml",
        "1 failed  (1 case of 1 scenario",
        "interrupted: 2 of 3 cases did not run\n",
    )
    assert isinstance(footer, RunFooter)
    assert footer.exit_code == 130


def test_an_interruption_is_no_outcome(suite: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was under way made of it."""
    run = run_suite.run_scenario

    def swallowing(file: ScenarioFile, options: RunOptions) -> list[CaseResult]:
        with suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        return run(file, options)

    monkeypatch.setattr(run_suite, "run_scenario", swallowing)
    done = nlmon("run", folder=suite)

    assert (done.returncode, done.stderr) == (130, "interrupted: 3 of 3 cases did not run\n")


def test_what_was_refused_is_not_kept(suite: Path) -> None:
    """A capture outside the folder is not copied into another one."""
    (suite / "scenarios" / "out.yaml").write_text(
        "scenario: 1\nid: out\ntitle: It lies outside of it.\ncapture: ../../../../../etc/hostname\n"
        "expect: {verdict: equivalent}\n"
    )
    nlmon("run", "-k", "out", "--keep-on-failure", "kept", folder=suite)

    assert sorted(path.name for path in (suite / "kept" / "out").iterdir()) == [
        *("reproduce.sh", "result.json", "scenario.yaml"),
    ]


def test_what_is_kept_replaces_nothing_else(suite: Path) -> None:
    """A folder that has the name of a scenario, or a link to one, stays; what was kept before gives way."""
    for kept in ("kept", "linked"):
        (suite / kept).mkdir()
    (suite / "kept" / "link.bad").mkdir()
    (suite / "kept" / "link.bad" / "mine.txt").write_text("mine")
    (suite / "linked" / "link.bad").symlink_to(suite / "scenarios")
    done = [nlmon("run", "--keep-on-failure", kept, folder=suite) for kept in ("kept", "linked", "new", "new")]

    assert [(one.returncode, one.stderr.split(":")[0]) for one in done] == [
        (3, "error[NLM-U023]"),
        (3, "error[NLM-U023]"),
        (1, "kept new/link.bad\n"),
        (1, "kept new/link.bad\n"),
    ]
    there = [sorted(path.name for path in (suite / name).iterdir()) for name in ("kept", "kept/link.bad", "linked")]
    assert there == [["link.bad"], ["mine.txt"], ["link.bad"]]
    assert [path.name for path in (suite / "new").iterdir()] == ["link.bad"]


def test_a_capture_that_must_not_be_read_has_no_digest(suite: Path) -> None:
    """The report of a scenario of a stranger shows nothing of files outside of its folder."""
    (suite / "secret").write_text("secret")
    (suite / "scenarios" / "out.yaml").write_text(
        "scenario: 1\nid: out\ntitle: It lies outside of it.\ncapture: ../secret\nexpect: {verdict: equivalent}\n"
    )
    done = nlmon("run", "-k", "out", "--format", "jsonl", folder=suite)

    assert (done.returncode, list(json.loads(done.stdout.splitlines()[0])["inputs"])) == (3, ["scenarios/out.yaml"])


def test_a_pipe_is_no_scenario(suite: Path) -> None:
    """It is not waited for."""
    os.mkfifo(suite / "scenarios" / "pipe.yaml")
    done = nlmon("run", "-k", "pipe", folder=suite)

    assert (done.returncode, done.stdout.splitlines()[1]) == (
        3,
        "  scenarios/pipe.yaml: NLM-S028: the scenario cannot be read: it is no regular file",
    )


def test_links_that_lead_nowhere_are_no_bug(suite: Path) -> None:
    """Neither of a capture nor of a report."""
    for name, target in (("one", "other"), ("other", "one")):
        (suite / "scenarios" / name).symlink_to(target)
    (suite / "scenarios" / "loop.yaml").write_text(
        "scenario: 1\nid: loop\ntitle: It leads back to itself.\ncapture: one\nexpect: {verdict: equivalent}\n"
    )
    done = nlmon("run", "-k", "loop", folder=suite)
    report = nlmon("run", "-k", "good", "--report", "junit:scenarios/one", folder=suite)

    assert (done.returncode, "NLM-S022" in done.stdout) == (3, True)
    assert (report.returncode, report.stderr.split(":")[0]) == (3, "error[NLM-U001]")


@pytest.mark.parametrize("name", ["good.yaml", "a.pcap.zst"])
def test_a_report_replaces_nothing_that_is_read(suite: Path, name: str) -> None:
    """Neither a scenario nor a capture."""
    done = nlmon("run", "--report", f"junit:scenarios/{name}", folder=suite)

    assert (done.returncode, done.stderr.split(":")[0]) == (2, "error[NLM-U007]")


def test_an_id_may_be_a_word_of_k(suite: Path) -> None:
    """The command that runs it again picks it."""
    (suite / "scenarios" / "not.yaml").write_text(scenario("not", "{verdict: lossy}"))
    done = nlmon("run", "-k", "not.yaml", folder=suite)
    command = done.stdout.partition("reproduce: nlmon ")[2].splitlines()[0]
    again = nlmon(*shlex.split(command), folder=suite)

    assert (command, again.returncode, lines(again)) == ("run -k 'not['", 1, lines(done))


MISTAKES = (
    (("-k", "nothing-has-this"), 3, "nothing matched\n"),
    (
        ("-k", "a and"),
        2,
        "error[NLM-U022]: -k 'a and' is no expression: a word is missing; such as -k 'link and not rollback'\n",
    ),
    (("--report", "html"), 2, "error[NLM-U021]: invalid value for '--report': 'html' is no report;"),
    (("-i", "other"), 2, "error[NLM-B003]: no implementation is called 'other'"),
    (("nowhere.yaml",), 3, ""),
)


@pytest.mark.parametrize(("arguments", "code", "text"), MISTAKES, ids=str)
def test_mistakes_have_their_code(suite: Path, arguments: tuple[str, ...], code: int, text: str) -> None:
    """And no traceback."""
    done = nlmon("run", *arguments, folder=suite)

    assert (done.returncode, done.stderr.startswith(text), "Traceback" in done.stderr) == (code, True, False)


def test_known_differences_are_made_from_a_run(suite: Path) -> None:
    """Each names its scenario; the next run under the file finds it of use, and what it allows is no loss any more."""
    nlmon("run", "-k", "good", "--report", "jsonl:r.jsonl", folder=suite)
    options = ("--code", "NLD002", "--message", "link", "--field", "kind")
    added = nlmon("known", "add", "r.jsonl", *options, "--reason", "not used", "--owner", "me", folder=suite)
    again = nlmon("run", "-k", "good", "--known", "nlmon-known.yaml", "--report", "jsonl:r.jsonl", folder=suite)
    trimmed = nlmon("known", "trim", "r.jsonl", folder=suite)

    assert (added.returncode, added.stderr.splitlines()[-1]) == (0, "1 added, 0 were there")
    assert "    scenario: link.good\n" in (suite / "nlmon-known.yaml").read_text()
    assert (again.returncode, again.stderr) == (0, "")
    assert (trimmed.returncode, trimmed.stderr) == (0, "0 removed, 1 kept\n")


@pytest.mark.parametrize("text", ["", "hello\n", "[1]\n", '{"record": 3}\n', '{"record":"header"}\n'], ids=repr)
def test_known_differences_are_made_of_nothing_else(suite: Path, text: str) -> None:
    """A file that is neither a report nor a whole stream is named as what it is."""
    (suite / "r.jsonl").write_text(text)
    done = nlmon("known", "add", "r.jsonl", "--reason", "x", "--owner", "me", folder=suite)

    assert (done.returncode, done.stderr[:13]) == (3, "error[NLM-R00" if '"record":"' in text else "error[NLM-K01")


KNOWN = """known: 1
entries:
  - {{code: NLD102, message: RTM_NEWLINK, field: mtu, scenario: {scenario}, reason: old, owner: me{more}}}
"""
OTHERS, MEANT = ("-i", "legacy", "--against", "libnl"), ", reference: libnl, candidate: legacy"
USELESS = (
    ("link.good", "", (), 1, "known difference 1 of known.yaml allowed nothing"),
    ("link.*", "", (), 0, ""),
    ("link.*", "", ("--complete",), 1, "known difference 1 of known.yaml allowed nothing"),
    ("link.good", ", expires: 2020-01-01", (), 1, "known difference 1 of known.yaml is over"),
    ("link.other", "", (), 0, ""),
    ("link.good", "", OTHERS, 0, ""),
    ("link.good", MEANT, OTHERS, 1, "known difference 1 of known.yaml allowed nothing"),
)


@pytest.mark.parametrize(("name", "more", "options", "code", "text"), USELESS, ids=str)
def test_an_entry_of_no_use_fails(
    suite: Path, name: str, more: str, options: tuple[str, ...], code: int, text: str
) -> None:
    """As in a replay: where its scenario ran, and of a pattern where the run is complete; with other implementations
    than the scenario names, where the entry is about them."""
    (suite / "known.yaml").write_text(KNOWN.format(scenario=json.dumps(name), more=more))
    verdict = "{migrate: lossy, rollback: equivalent}" if options == OTHERS else HOLDS
    (suite / "scenarios" / "good.yaml").write_text(scenario("link.good", f"{{verdict: {verdict}}}"))
    done = nlmon("run", "-k", "good", "--known", "known.yaml", *options, folder=suite)

    assert (done.returncode, done.stderr.startswith(text), bool(done.stderr)) == (code, True, bool(text))


def test_two_scenarios_with_one_id(suite: Path) -> None:
    """The second one is errored, and the first one runs."""
    shutil.copy(suite / "scenarios" / "good.yaml", suite / "scenarios" / "twin.yaml")
    done = nlmon("run", "-k", "good or twin", folder=suite)

    assert (done.returncode, lines(done)[:2]) == (
        3,
        [
            "errored  scenarios/twin.yaml",
            "  scenarios/twin.yaml:2:5: NLM-S020: the id link.good is taken; the other one is scenarios/good.yaml:2:5",
        ],
    )


@pytest.mark.slow
def test_our_own_suite_holds() -> None:
    """Over its recordings, two at a time: those of one topic, since every scenario of it has a test of its own
    (tests/scenario/test_suite.py)."""
    done = nlmon("run", "--recorded", "--jobs", 2, "-q", "-k", "rule", folder=REPOSITORY)

    assert (done.returncode, done.stdout.count("\n")) == (0, 1), done.stdout


PICKS = (
    ("", "a", True),
    ("link", "a.LINK.b", True),
    ("not link", "link", False),
    ("a or b and c", "a", True),
    ("(a or b) and c", "a", False),
    ("not a and not b", "c", True),
    ("not (a or b)", "b", False),
    ("[migrate]", "x[migrate]", True),
)


@pytest.mark.parametrize(("words", "text", "picked"), PICKS, ids=str)
def test_words_pick(words: str, text: str, picked: bool) -> None:
    """As pytest's -k does."""
    assert picker(words)(text) is picked


@pytest.mark.parametrize("words", ["and", "not", "(a", "a)", "a b", "or a", "()", "(" * 100], ids=str)
def test_words_that_are_no_expression(words: str) -> None:
    """They are refused and not guessed."""
    with pytest.raises(UsageError) as error:
        picker(words)
    assert error.value.code == "NLM-U022"
