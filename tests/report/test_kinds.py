"""Every report that is made of a run is valid where it is read, keeps to its bounds, and holds names as text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from jsonschema import Draft202012Validator
from markdown_it import MarkdownIt
from msgspec import structs

from nlmon.report import codequality
from nlmon.report.foreign import badge_schema, github_schema, gitlab_schema
from nlmon.report.jsonout import CaptureLine, DifferenceLine, Footer, Header, line_bytes
from nlmon.report.kinds import KINDS, kind_and_path, report_as
from nlmon.report.load import as_run, read_report
from nlmon.report.markdown import LIMIT, markdown
from nlmon.report.model import CaptureReport, Damage, KnownUse
from nlmon.report.outcome import Finding, Run, RunHeader
from nlmon.report.places import Places
from support.annotations import parsed
from support.runs import GOOD, HOSTILE, LOSSY, MISSING, REGRESSION, UNDECIDED, report, result, run


def annotated(found: Run) -> list[dict[str, Any]]:
    """The annotations of a run, each of which is valid."""
    commands = list(map(parsed, report_as("github", found).decode().splitlines()))
    validator = Draft202012Validator(github_schema())
    assert [error.message for command in commands for error in validator.iter_errors(command)] == []
    return commands


def issues(found: Run) -> list[dict[str, Any]]:
    """The issues of a run, which are valid and each of which has a fingerprint of its own."""
    listed: list[dict[str, Any]] = json.loads(report_as("gitlab", found))
    assert [error.message for error in Draft202012Validator(gitlab_schema()).iter_errors(listed)] == []
    assert len({one["fingerprint"] for one in listed}) == len(listed)
    return listed


FINDING = Finding("verdict: got lossy", "scenarios/a.yaml:12:5", ("because: it loses", "50%, so"))
CAPTURES = as_run(report(REGRESSION, LOSSY, GOOD, UNDECIDED))
SCENARIOS = run(
    [
        result("passed"),
        result("failed", "a", findings=(FINDING,)),
        result("errored", "b", reason="there is no capture", code="NLM-S022", where="b.yaml"),
        result("xfailed", "c", reason="a route", findings=(Finding("state: a route", "c.yaml:9:1"),)),
        result("skipped", "d", reason="no veth"),
    ],
    stale=[2],
)
HOSTILE_FINDING = Finding(HOSTILE, "", (HOSTILE,))
NAMED = run(
    [
        result(outcome, HOSTILE, title=HOSTILE, reason=HOSTILE, where=HOSTILE, findings=(HOSTILE_FINDING,))
        for outcome in ("failed", "errored", "xfailed", "skipped", "passed")
    ],
    host=HOSTILE,
)
EMPTY = run([])
RUNS = {"captures": CAPTURES, "scenarios": SCENARIOS, "named": NAMED, "empty": EMPTY}


@pytest.mark.parametrize("name", RUNS)
def test_reports_of_others_follow_their_schema(name: str) -> None:
    """Annotations, code quality and badge, of every run."""
    annotated(RUNS[name])
    issues(RUNS[name])
    badge = json.loads(report_as("badge", RUNS[name]))

    assert list(Draft202012Validator(badge_schema()).iter_errors(badge)) == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", RUNS)
def test_no_report_holds_what_a_terminal_obeys(name: str, kind: str) -> None:
    """Nor what turns the direction of text."""
    text = report_as(kind, RUNS[name]).decode()

    assert [character for character in text if not character.isprintable() and character != "\n"] == []


def test_annotations_stand_on_the_lines_of_findings() -> None:
    """With the case as title; a case that errored stands at its file, and a warning need not hold."""
    found = [(one["command"], *one["properties"].items()) for one in annotated(SCENARIOS)]

    assert found == [
        ("error", ("file", "scenarios/a.yaml"), ("line", "12"), ("col", "5"), ("title", "nlmon: a[migrate]")),
        ("error", ("file", "b.yaml"), ("title", "nlmon: b[migrate]")),
        ("warning", ("file", "c.yaml"), ("line", "9"), ("col", "1"), ("title", "nlmon: c[migrate]")),
        ("error", ("file", "a/known.yaml"), ("title", "nlmon: stale")),
        ("notice", ("title", "nlmon")),
    ]
    assert annotated(SCENARIOS)[0]["message"] == "verdict: got lossy\nbecause: it loses\n50%, so"
    assert (
        annotated(SCENARIOS)[-1]["message"] == "1 of 5 cases failed and 1 errored; known differences are to be removed."
    )


def test_a_name_is_no_command() -> None:
    """Whatever it is, each annotation is one line, and its properties and message are what was written."""
    first = annotated(NAMED)[0]
    shown = HOSTILE.replace("\x1b", "\\x1b").replace("\u202e", "\\u202e").replace("\n", "\\n")

    assert first["properties"]["file"] == shown
    assert first["properties"]["title"] == f"nlmon: {shown}[migrate]"
    assert first["message"] == f"{shown}\n{shown}"


def test_ten_annotations_of_a_level_are_shown() -> None:
    """As many as GitHub shows of a step; the last line counts the others."""
    bad = [result("failed", f"f{n}") for n in range(25)] + [result("xfailed", f"x{n}") for n in range(12)]
    found = annotated(run(bad))

    assert [one["command"] for one in found] == ["error"] * 10 + ["warning"] * 10 + ["notice"]
    assert found[-1]["message"] == "25 of 37 cases failed. Not shown here: 15 more errors, 2 more warnings."


def test_a_live_comparison_has_no_file() -> None:
    """Nobody can be shown the line of a running kernel."""
    live = as_run(report(structs.replace(REGRESSION, path="live"), source="live"))

    assert annotated(live)[0]["properties"] == {"title": "nlmon: live"}


def test_an_issue_of_code_quality_is_a_group_of_differences() -> None:
    """Of a capture; of a scenario it is a finding."""
    found = [(one["check_name"], one["severity"], one["description"], one["location"]) for one in issues(CAPTURES)]

    assert found == [
        (
            *("nlmon NLD102", "critical", "a.pcap: NLD102 missing RTM_NEWLINK mtu"),
            {"path": "a.pcap", "lines": {"begin": 1}},
        ),
        ("nlmon errored", "major", "c.pcap: nothing came", {"path": "c.pcap", "lines": {"begin": 1}}),
    ]
    assert [(one["check_name"], one["severity"], one["location"]["lines"]["begin"]) for one in issues(SCENARIOS)] == [
        ("nlmon failed", "critical", 12),
        ("nlmon stale", "critical", 1),
        ("nlmon NLM-S022", "major", 1),
        ("nlmon xfailed", "minor", 9),
    ]


def test_a_fingerprint_is_the_same_in_the_next_run() -> None:
    """On another line, in another frame, with other values and as often as it may be: it is still the same issue."""
    first = structs.replace(MISSING.first, frame=99, offset=4, reference="9000", hex="2823")
    moved = structs.replace(REGRESSION, groups=[structs.replace(MISSING, count=70, first=first)])
    later = structs.replace(FINDING, where="scenarios/a.yaml:14:5", lines=())

    def fingerprints(found: Run) -> list[str]:
        return [one["fingerprint"] for one in issues(found)]

    assert fingerprints(as_run(report(moved))) == fingerprints(as_run(report(REGRESSION)))
    assert fingerprints(run([result("failed", "a", findings=(later,))])) == fingerprints(SCENARIOS)[:1]


PLACES = [
    ("a.pcap", "sub/a.pcap"),
    ("./x/../a.pcap", "sub/a.pcap"),
    ("../a.pcap", "a.pcap"),
    ("/builds/x/a.pcap", "a.pcap"),
    ("/builds/x/sub/b/a.pcap", "sub/b/a.pcap"),
    ("../../a.pcap", "a.pcap (outside of the repository)"),
    ("/builds/other/a.pcap", "a.pcap (outside of the repository)"),
    ("/builds/x2/a.pcap", "a.pcap (outside of the repository)"),
]


@pytest.mark.parametrize(("path", "shown"), PLACES)
def test_code_quality_has_paths_from_the_top_of_the_repository(path: str, shown: str) -> None:
    """Wherever the command ran; a capture is the name of its case, of which no folder of a machine is left."""
    found = as_run(report(structs.replace(REGRESSION, path=path)))
    (issue,) = json.loads(report_as("gitlab", found, Places("/builds/x", "/builds/x/sub")))

    assert issue["location"]["path"] == shown
    assert issue["description"] == f"{shown if path[0] == '/' else path}: NLD102 missing RTM_NEWLINK mtu"


def test_a_fingerprint_is_the_same_in_another_checkout() -> None:
    """Though the paths of a run are absolute."""
    checkouts = ("/builds/x", "/srv/y/z")
    found = [
        report_as("gitlab", as_run(report(structs.replace(REGRESSION, path=f"{top}/a.pcap"))), Places(top, top))
        for top in checkouts
    ]

    assert found[0] == found[1] == report_as("gitlab", as_run(report(REGRESSION)))


def test_the_same_twice_is_two_issues() -> None:
    """Fingerprints differ, or GitLab would show one."""
    assert len(issues(run([result("failed", "a", findings=(FINDING, FINDING))]))) == 2


BADGES = [
    (run([result("passed"), result("failed")]), "1 of 2 failed", "red"),
    (run([result("passed"), result("errored")]), "1 of 2 errored", "orange"),
    (run([result("passed"), result("xfailed")]), "1 passed", "brightgreen"),
    (run([result("passed", verdict="lossy"), result("passed", "b")]), "2 passed, 1 lossy", "yellow"),
    (run([result("skipped")]), "nothing ran", "lightgrey"),
    (run([result("passed")], stale=[1]), "known differences to remove", "red"),
    (run([result("passed", verdict="inconclusive")]), "1 passed, 1 without a verdict", "yellow"),
    (structs.replace(run([result("passed")]), whole=False), "not finished", "orange"),
    (EMPTY, "nothing ran", "lightgrey"),
]


@pytest.mark.parametrize(("found", "message", "color"), BADGES)
def test_a_badge_says_what_came_of_a_run(found: Run, message: str, color: str) -> None:
    """The worst of it, in the colour of that."""
    badge = json.loads(report_as("badge", found))

    assert (badge["label"], badge["message"], badge["color"]) == ("nlmon", message, color)


def rendered(text: str) -> str:
    """Markdown as HTML, as GitHub renders it: with tables, and with the HTML that is in it."""
    html: str = (
        MarkdownIt("commonmark", {"html": True, "linkify": False}).enable(["table", "strikethrough"]).render(text)
    )
    return html


def test_markdown_has_the_worst_first() -> None:
    """After the sentence and the reasons; what passed is folded away."""
    text = report_as("markdown", SCENARIOS).decode()
    rows = re.findall(r"^\| (\w+) \| <code>(\w+)", text, re.MULTILINE)

    assert text.startswith(
        "## nlmon: 1 of 5 cases failed and 1 errored; known differences are to be removed.\n\n- <code>"
    )
    assert rows[-5:] == [("failed", "a"), ("errored", "b"), ("xfailed", "c"), ("skipped", "d"), ("passed", "passed")]
    assert "<details><summary>1 xfailed, 1 skipped, 1 passed</summary>" in text
    assert "\nscenarios/a.yaml:12:5: verdict: got lossy\n    because: it loses\n" in text


def test_markdown_shows_a_hostile_name_as_text() -> None:
    """It ends no cell, starts no element and no link, and is the same text again when it is read."""
    html = rendered(report_as("markdown", NAMED).decode())
    tree = ET.fromstring(f"<x>{html}</x>".replace("<br>", "<br/>"))
    shown = HOSTILE.replace("\x1b", "\\x1b").replace("\u202e", "\\u202e").replace("\n", "\\n")
    elements = {element.tag for element in tree.iter()}
    rows = [[cell.tag for cell in row] for row in tree.iter("tr")]

    assert elements <= {
        *("x", "h2", "h3", "h4", "ul", "li", "code", "pre", "p", "details", "summary"),
        *("table", "thead", "tbody", "tr", "th", "td"),
    }
    assert {len(row) for row in rows} == {2, 5}
    assert [code.text for code in tree.iter("code")].count(f"{shown}[migrate]") == 7


def test_markdown_says_what_codes_mean() -> None:
    """Of a difference and of an error, each once, with the page that says more."""
    lines = [line for line in report_as("markdown", SCENARIOS).decode().splitlines() if "nlmon explain" in line]
    found = report_as("markdown", as_run(report(REGRESSION, structs.replace(REGRESSION, path="b.pcap")))).decode()

    assert [line.partition("</code> ")[0] for line in lines] == ["- <code>NLM-S022"]
    assert lines[0].endswith("<code>nlmon explain NLM-S022</code>, docs/reference/codes/scenarios.md#nlm-s022")
    assert found.count("nlmon explain NLD102") == 1


def test_markdown_says_what_a_move_would_lose() -> None:
    """Of all captures together, in each direction, whole events first; and what is known and allowed."""
    use = KnownUse(1, "NLD002", "RTM_NEWLINK", "mtu", "unread", "us", "", "", 3)
    events = structs.replace(LOSSY, path="b.pcap", losses={"xfrm_sa": 9}, lost_events={"xfrm_sa": 1}, known=[use])
    text = report_as("markdown", as_run(report(GOOD, LOSSY, events))).decode()

    assert (
        "- <code>libnl alone provides, and legacy would lose: xfrm_sa 9 (1 whole event, 8 answers), "
        "link.altnames 2</code>\n"
        "- known: <code>NLD002 RTM_NEWLINK mtu, 3 times: unread (us)</code>\n"
    ) in text


MANY = 100_000


def many_cases() -> Run:
    """Cases that each fail by one of many differences."""
    finding = Finding("verdict: expected equivalent, got regression", "a.yaml:3:5", ("because: it differs",) * 3)
    return run([result("failed", f"s{n:06}", findings=(finding,), reason="it differs") for n in range(MANY)])


def many_groups() -> Run:
    """A capture of many kinds of differences."""
    groups = [structs.replace(MISSING, field=f"field{n}") for n in range(MANY)]
    return as_run(report(structs.replace(REGRESSION, groups=groups)))


@pytest.mark.slow
def test_markdown_fits_a_job_summary_with_100000_failures() -> None:
    """And says how many cases had no room in the table, and in the reasons."""
    text = report_as("markdown", many_cases()).decode()
    shown = len(re.findall(r"^\| failed ", text, re.MULTILINE))
    reasons = len(re.findall("^#### failed", text, re.MULTILINE))

    assert len(text.encode()) <= LIMIT
    assert min(shown, reasons) > 1000
    assert f"… and {MANY - shown:,} more cases that had no room here ({MANY - shown:,} failed)" in text
    assert f"… and the reasons of {MANY - reasons:,} more cases had no room here" in text


@pytest.mark.parametrize("limit", [4_000, 20_000, LIMIT])
def test_markdown_keeps_to_any_limit(limit: int) -> None:
    """Whatever is in it."""

    for found in (
        *RUNS.values(),
        run(
            [result(outcome, f"{outcome}{n}", reason="é" * 400) for n in range(50) for outcome in ("failed", "passed")]
        ),
    ):
        assert len(markdown(found, limit).encode()) <= limit


@pytest.mark.slow
def test_other_reports_with_100000_differences() -> None:
    """Annotations are as many as are shown, and of a case no more is said than there is room for."""
    found = many_groups()

    assert len(report_as("github", found)) < 10_000
    assert len(report_as("markdown", found)) < 10_000


@pytest.mark.parametrize("made", [many_cases, many_groups])
@pytest.mark.slow
def test_code_quality_is_bounded_with_100000_issues(made: Callable[[], Run]) -> None:
    """Each of the worst has its own fingerprint, and the last issue counts those that have no room."""
    text = report_as("gitlab", made())
    *shown, last = json.loads(text)
    left_out = MANY - len(shown)

    assert len(text) <= codequality.LIMIT
    assert len(shown) > 5_000
    assert len({one["fingerprint"] for one in (*shown, last)}) == len(shown) + 1
    assert (last["description"], last["severity"]) == (
        f"{left_out:,} more issues had no room here ({left_out:,} critical)",
        "info",
    )


def bounded_issues(found: Run, limit: int) -> list[dict[str, Any]]:
    """The issues that have room in so many bytes, which are valid."""
    text = codequality.codequality(found, limit=limit)
    listed: list[dict[str, Any]] = json.loads(text)
    assert len(text.encode()) <= limit
    assert [error.message for error in Draft202012Validator(gitlab_schema()).iter_errors(listed)] == []
    return listed


def test_code_quality_leaves_out_what_is_least() -> None:
    """Whatever order the cases and their differences have; the others keep their fingerprints, and so has the last one
    always the same."""
    outcomes = ("xfailed", "errored", "failed")
    found = run([result(outcome, f"{outcome}{n}", reason="é" * 40) for n in range(9) for outcome in outcomes])
    all_of_them, few, fewer = (bounded_issues(found, limit) for limit in (100_000, 6_000, 4_000))

    assert [one["severity"] for one in all_of_them] == ["critical"] * 9 + ["major"] * 9 + ["minor"] * 9
    assert few[:-1] == all_of_them[: len(few) - 1]
    assert fewer[:-1] == all_of_them[: len(fewer) - 1]
    assert few[-1]["fingerprint"] == fewer[-1]["fingerprint"]
    assert re.fullmatch(r"\d+ more issues had no room here \(\d critical, 9 major, 9 minor\)", fewer[-1]["description"])


def test_an_issue_of_code_quality_is_bounded() -> None:
    """However long a reason and its evidence are, the next issue has room, too."""
    long = Finding("é" * 5_000_000, "", ("é" * 5_000_000,))
    first, second = bounded_issues(run([result("failed", "a", findings=(long,)), result("failed", "b")]), 100_000)

    assert (len(first["description"]), len(first["content"]["body"])) == (1_000, 8_000)
    assert second["description"] == "b[migrate]: failed"


@pytest.mark.slow
def test_a_stream_of_100000_differences_is_read() -> None:
    """Of each class the first are kept, and what the report counts stays."""
    row = structs.replace(MISSING.first, frame=9)
    group = structs.replace(MISSING, count=MANY)
    capture = structs.replace(REGRESSION, groups=[group], details=[])
    lines = [
        line_bytes(Header("nlmon", "1", "legacy", "libnl", "notifications")),
        *[line_bytes(DifferenceLine("a.pcap", row))] * MANY,
        *(line_bytes(CaptureLine(capture)), line_bytes(Footer(1, "regression", {"migrate": "regression"}))),
    ]
    found = read_report(b"".join(lines), "r.jsonl")

    assert found.results[0].report == structs.replace(capture, details=[row] * 100)
    assert b"and 99,999 more like it" in report_as("markdown", found)


def test_a_stream_is_read_again() -> None:
    """Byte for byte what it was."""
    text = report_as("jsonl", SCENARIOS)

    assert report_as("jsonl", read_report(text, "r.jsonl")) == text


def test_junit_has_a_suite_for_each_host() -> None:
    """With its cases and their times."""
    cases = [result("failed", host="a", seconds=1.0), result("passed", host="b"), result("passed", "x", host="b")]
    suites = ET.fromstring(report_as("junit", structs.replace(run(cases), header=RunHeader("nlmon", "1", "", "", ""))))

    assert [(one.get("hostname"), one.get("tests"), one.get("time"), one.get("timestamp")) for one in suites] == [
        ("a", "1", "1.000", None),
        ("b", "2", "0.000", None),
    ]


PATHS = [
    ("junit:r.xml", "", ("junit", "r.xml")),
    ("markdown:a:b", "", ("markdown", "a:b")),
    ("r.json", "json", ("json", "r.json")),
    ("json:r.json", "json", ("json", "r.json")),
    ("./junit:r.xml", "json", ("json", "./junit:r.xml")),
    ("C:\\r.json", "json", ("json", "C:\\r.json")),
]
NO_PATHS = [("junit:", ""), ("", ""), ("", "json"), ("markdwn:a", "json"), ("a.json", ""), ("json:a", "")]


@pytest.mark.parametrize(("text", "bare", "found"), PATHS)
def test_a_kind_and_a_path(text: str, bare: str, found: tuple[str, str]) -> None:
    """A path alone is of the kind that the command writes of old."""
    assert kind_and_path(text, bare) == found


@pytest.mark.parametrize(("text", "bare"), NO_PATHS)
def test_what_is_no_kind_and_path(text: str, bare: str) -> None:
    """A kind that is mistyped is no file of that name."""
    with pytest.raises(ValueError, match=r"is no report; try \w+:PATH, or another of jsonl, "):
        kind_and_path(text, bare)


@pytest.mark.parametrize(("text", "kind"), [("md:a.md", "markdown"), ("xml:a.xml", "junit"), ("htm:a.htm", "html")])
def test_the_end_of_a_name_names_the_kind(text: str, kind: str) -> None:
    """Who types it instead of the kind is shown the kind."""
    with pytest.raises(ValueError, match=f"is no report; try {kind}:PATH"):
        kind_and_path(text)


def test_a_capture_that_cannot_be_read_is_an_error() -> None:
    """Of the file, whose damage has a code."""
    damaged = CaptureReport("a.pcap", "error", "no capture", damage=Damage("NLM-C002", "no capture", 0))

    assert [one["check_name"] for one in issues(as_run(report(damaged)))] == ["nlmon NLM-C002"]
