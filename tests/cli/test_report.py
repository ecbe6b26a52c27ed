"""``nlmon report``, and the reports that commands write beside what they print."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from nlmon.report.kinds import KINDS
from nlmon.report.load import read_report
from support.command import nlmon, process
from support.paths import FIXTURES, REPOSITORY

CAPTURES = FIXTURES / "captures"
NAME = "01-route-basic.pcap.zst"
OLD, NEW = CAPTURES / "linux-6.1" / NAME, CAPTURES / "linux-6.12" / NAME


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a report of each kind of the same replay, of the same recording of another kernel, and of a run."""
    made = tmp_path_factory.mktemp("reports")
    kinds = [f"--report={kind}:new.{kind}" for kind in ("json", *KINDS)]
    done = nlmon("replay", NEW, "--both-ways", "--format", "jsonl", *kinds, folder=made)
    assert done.returncode == 0, done.stderr
    (made / "lines.jsonl").write_text(done.stdout)
    assert nlmon("replay", OLD, "--both-ways", "--report", "old.json", folder=made).returncode == 0
    suite = REPOSITORY / "scenarios" / "address"
    assert (
        nlmon("run", suite, "-k", "address.change", "--recorded", "--report=jsonl:run.jsonl", folder=made).returncode
        == 0
    )
    return made


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_the_same_from_every_file(folder: Path, kind: str) -> None:
    """From the JSON, the JSON lines and the stream of a replay; it is what the command itself wrote."""
    found = [
        nlmon("report", "show", name, "--as", kind, folder=folder) for name in ("new.json", "new.jsonl", "lines.jsonl")
    ]

    assert [(one.returncode, one.stderr) for one in found] == [(0, "")] * 3
    assert {one.stdout for one in found} == {(folder / f"new.{kind}").read_text()}


def test_a_report_for_people_is_that_of_a_run(folder: Path) -> None:
    """A line for each capture, and a last line; of nothing but what did not pass with -q."""
    shown = nlmon("report", "show", "new.json", folder=folder)
    quiet = nlmon("report", "show", "new.json", "-q", folder=folder)

    assert shown.stdout.splitlines()[0] == f"passed   {NEW}: migrate equivalent, rollback lossy"
    assert quiet.stdout.splitlines() == shown.stdout.splitlines()[1:]


def test_two_kernels_are_compared(folder: Path) -> None:
    """Recordings of one name belong together; nothing that fails is new."""
    found = nlmon("report", "diff", "old.json", "new.json", folder=folder)
    values = json.loads(nlmon("report", "diff", "old.json", "new.json", "--format", "json", folder=folder).stdout)

    assert (found.returncode, found.stdout.splitlines()[-1]) == (0, "2 same; nothing new fails")
    assert (values["counts"]["same"], values["fails"]) == (2, False)


def test_something_new_that_fails_is_exit_1(folder: Path) -> None:
    """Whatever else is new."""
    data = json.loads((folder / "new.json").read_text())
    data["captures"][0]["fails"] = "a regression"
    (folder / "bad.json").write_text(json.dumps(data))
    found = nlmon("report", "diff", "new.json", "bad.json", folder=folder)

    assert found.returncode == 1
    assert found.stdout.splitlines()[2].startswith("changed  ")


def test_merged_reports_are_a_report(folder: Path) -> None:
    """That is checked, shown and merged as those it is made of are; each case says whose it is."""
    done = nlmon("report", "merge", "new.json", "old.json", "run.jsonl", "-o", "all.jsonl", folder=folder)
    merged = read_report((folder / "all.jsonl").read_bytes(), "all.jsonl")
    checked = nlmon("report", "check", "all.jsonl", folder=folder)

    assert done.returncode == 0, done.stderr
    assert {one.host for one in merged.results} == {"new.json", "old.json", merged.results[-1].host}
    assert (checked.returncode, checked.stderr.count("\n")) == (0, 1)
    assert checked.stderr.endswith("it follows the schema run-stream, and its digest is right\n")


def test_a_merged_report_replaces_none_that_it_is_made_of(folder: Path) -> None:
    """It would be lost."""
    done = nlmon("report", "merge", "new.json", "old.json", "-o", "old.json", folder=folder)

    assert (done.returncode, done.stderr) == (
        2,
        "error[NLM-U007]: the report would replace a report (old.json); name another file for the report\n",
    )


CHECKED = {
    "new.json": "whole, 2 cases; it follows the schema replay, and it has no digest",
    "lines.jsonl": "whole, 2 cases; it follows the schema replay-stream, and it has no digest",
    "new.jsonl": "whole, 2 cases; it follows the schema run-stream, and its digest is right",
}


@pytest.mark.parametrize("kind", ["json", "lines", *KINDS])
def test_a_report_of_each_kind_is_checked(folder: Path, kind: str) -> None:
    """Those that others are made from are whole; what is made for somebody else is no report of nlmon."""
    name = "lines.jsonl" if kind == "lines" else f"new.{kind}"
    done = nlmon("report", "check", name, folder=folder)
    said = f"{name}: {CHECKED[name]}" if name in CHECKED else f"error[NLM-R007]: this is no report of nlmon ({name}): "

    assert (done.returncode, done.stdout) == (0 if name in CHECKED else 3, "")
    assert done.stderr.startswith(said)


def changed(folder: Path, name: str, old: str, new: str) -> str:
    """A report in which a text is replaced by another, by its name."""
    text = (folder / name).read_text()
    assert old in text
    (folder / f"changed-{name}").write_text(text.replace(old, new, 1))
    return f"changed-{name}"


BROKEN = [
    ("run.jsonl", '"outcome":"passed"', '"outcome":"failed"', "NLM-R005"),
    ("run.jsonl", '"stream":2', '"stream":9', "NLM-R006"),
    ("run.jsonl", '"record":"footer"', '"record":"other"', "NLM-R001"),
    ("new.json", '"verdict": "equivalent"', '"verdict": "lossy"', ""),
    ("new.json", '"verdict": "equivalent"', '"verdict": "regression"', "NLM-R005"),
    ("new.json", '"frames": ', '"frames": "', "NLM-R007"),
    ("lines.jsonl", '"captures":2', '"captures":3', "NLM-R005"),
    ("new.junit", "", "", "NLM-R007"),
]


@pytest.mark.parametrize(("name", "old", "new", "code"), BROKEN)
def test_a_report_that_was_changed_is_found(folder: Path, name: str, old: str, new: str, code: str) -> None:
    """By its digest, its version, its counts or its form. A report of one object has no digest."""
    done = nlmon("report", "check", "new.json", changed(folder, name, old, new), folder=folder)

    assert (done.returncode, f"error[{code}]" in done.stderr) == ((3, True) if code else (0, False)), done.stderr
    assert "new.json: whole, 2 cases" in done.stderr


def test_a_report_that_is_not_there(folder: Path) -> None:
    """Is said, and the others are checked."""
    done = nlmon("report", "check", "no.json", "new.json", folder=folder)

    assert done.returncode == 3
    assert done.stderr.startswith("error[NLM-R007]: the report cannot be read (no.json): No such file")


def run_that_stops(folder: Path) -> subprocess.CompletedProcess[str]:
    """A run that ends at its first case, with its report in ``stopped.jsonl``."""
    (folder / "bad.yaml").write_text("id: x\n")
    suite = REPOSITORY / "scenarios" / "address"
    return nlmon("run", "bad.yaml", suite, "-x", "--recorded", "--report", "jsonl:stopped.jsonl", folder=folder)


def test_a_run_that_was_stopped_is_not_whole(folder: Path) -> None:
    """Its report is as it was written, and cases are missing."""
    run = run_that_stops(folder)
    done = nlmon("report", "check", "stopped.jsonl", folder=folder)

    assert (run.returncode, done.returncode) == (3, 3)
    assert done.stderr.startswith("error[NLM-R009]: the run did not come to its end (stopped.jsonl): ")


def test_a_report_for_people_says_that_cases_are_missing(folder: Path) -> None:
    """Before its last line, which counts those that have run."""
    run_that_stops(folder)
    shown = nlmon("report", "show", "stopped.jsonl", folder=folder)

    assert [line for line in shown.stdout.splitlines() if "the run did not end" in line] != []


def test_a_report_that_cannot_be_written_is_said_before_the_work(folder: Path) -> None:
    """Whatever its kind; and what is no kind is no file of that name."""
    done = nlmon("replay", NEW, "--report", "markdown:no/report.md", folder=folder)
    mistaken = nlmon("replay", NEW, "--report", "markdwn:report.md", folder=folder)

    assert (done.returncode, done.stdout) == (3, "")
    assert mistaken.returncode == 2
    assert "'markdwn:report.md' is no report; try markdown:PATH, or another of jsonl, " in mistaken.stderr


def test_two_reports_do_not_go_to_one_file(folder: Path) -> None:
    """The second would replace the first, whatever the paths look like."""
    (folder / "link.html").symlink_to("both.html")
    done = [
        nlmon("replay", NEW, "--report", "html:both.html", "--report", f"markdown:{other}", folder=folder)
        for other in ("both.html", "./both.html", "link.html")
    ]

    assert [(one.returncode, one.stdout, one.stderr.split(":")[0]) for one in done] == [(2, "", "error[NLM-U007]")] * 3
    assert not (folder / "both.html").exists()


def test_a_dash_is_the_standard_output(folder: Path) -> None:
    """Of reports of every kind, and of merged ones; a file is called ./-."""
    badge = nlmon("replay", NEW, "--report", "badge:-", folder=folder)
    merged = nlmon("report", "merge", "new.json", "old.json", "-o", "-", folder=folder)

    assert badge.stdout.splitlines()[-1].startswith('{"schemaVersion":1,')
    assert read_report(merged.stdout.encode(), "-").footer.outcomes == {"passed": 4}
    assert not (folder / "-").exists()
    assert nlmon("replay", NEW, "--report", "badge:./-", folder=folder).returncode == 0
    assert json.loads((folder / "-").read_text())["label"] == "nlmon"


def test_a_run_that_did_not_end_is_not_good(folder: Path) -> None:
    """What is gone from it may be gone because it was stopped."""
    run_that_stops(folder)
    found = nlmon("report", "diff", "run.jsonl", "stopped.jsonl", folder=folder)
    back = nlmon("report", "diff", "stopped.jsonl", "stopped.jsonl", folder=folder)

    assert (found.returncode, back.returncode) == (1, 3)
    assert back.stdout.splitlines()[-1].endswith("nothing new fails, but the new run did not end")


SETS = [
    "",
    "--select all",
    "--protocol route --group nexthop --group tc",
    "--fault overrun@5+3 --recover --both-ways",
    "--byteorder little --max-objects 50 --cache link",
    "--fail-on lossy --both-ways --strict",
    "--min-events 900",
    "--max-lost 3 --require-protocol xfrm",
    "--known known.yaml",
    "--control --against libnl",
    "-i legacy --against libnl --known ''",
    "--family nl80211 --max-messages 30",
    "--config policy.toml",
]


@pytest.mark.parametrize("options", SETS)
def test_the_command_that_replays_again_finds_the_same(tmp_path: Path, options: str) -> None:
    """Every option that decides is in it, and none that does not."""
    shutil.copy(REPOSITORY / "scenarios" / "captures" / "names-swapped.pcapng.zst", tmp_path / "a.pcapng.zst")
    (tmp_path / "policy.toml").write_text("min_events = 900\n")
    (tmp_path / "known.yaml").write_text("known: 1\nentries: []\n")
    words = ("replay", "a.pcapng.zst", "--report", "first.json", "-v", "--layouts", "0", *shlex.split(options))
    first = nlmon(*words, folder=tmp_path)
    run = read_report((tmp_path / "first.json").read_bytes(), "first.json")
    (command,) = {one.reproduce for one in run.results}
    again = nlmon(*shlex.split(command)[1:], "--report", "again.json", folder=tmp_path)

    assert (again.returncode, again.stderr) == (first.returncode, first.stderr)
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "first.json").read_bytes()


TWICE = [
    "report diff - -",
    "report merge - a - -o b",
    "report check - -",
    "replay - -",
    "coverage - -",
    "known trim - -",
]


@pytest.mark.parametrize("words", TWICE)
def test_standard_input_is_read_once(tmp_path: Path, words: str) -> None:
    """Named twice it is refused before it is read, and nothing is written."""
    done = nlmon(*words.split(), folder=tmp_path)

    assert (done.returncode, done.stderr[:16], list(tmp_path.iterdir())) == (2, "error[NLM-U032]:", [])


@pytest.mark.slow
def test_a_report_comes_from_standard_input(folder: Path) -> None:
    """Whatever reads one."""
    text = (folder / "new.json").read_text()
    words = (
        ("report", "show", "-"),
        ("report", "check", "-"),
        ("report", "diff", "old.json", "-"),
        ("known", "add", "-", "--reason", "no", "--owner", "me", "--code", "NLD002", "--field", "altnames"),
    )

    assert [process(*one, cwd=folder, input=text).returncode for one in words] == [0] * 4


@pytest.mark.slow
def test_a_dash_is_no_file(tmp_path: Path) -> None:
    """Of no command that writes a report or a scenario; ./- is one."""
    capture = REPOSITORY / "scenarios" / "captures" / "names-swapped.pcapng.zst"
    claims = nlmon("conform", "-k", "pool", "-i", "legacy", "--report", "-", folder=tmp_path)
    new = nlmon("scenario", "new", "--from", capture, "-o", "-", folder=tmp_path)
    report = nlmon("replay", capture, "--report", "badge:-", folder=tmp_path)

    assert json.JSONDecoder().raw_decode(claims.stdout)[0]["version"] == 1
    assert new.stdout.startswith("scenario: 1\n")
    assert '{"schemaVersion":1' in report.stdout
    assert list(tmp_path.iterdir()) == []
    assert nlmon("replay", capture, "--report", "badge:./-", folder=tmp_path).returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["-"]
