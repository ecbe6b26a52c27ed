"""Every report that nlmon writes is read as one kind of run, and what is wrong with it is said."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from msgspec import structs

from nlmon.errors import InputError
from nlmon.report.headline import compared_names, headline, reasons
from nlmon.report.jsonout import CaptureLine, DifferenceLine, Footer, Header, line_bytes, report_bytes
from nlmon.report.load import as_run, read_report
from nlmon.report.model import CaptureReport, Stop
from nlmon.report.outcome import CaseLine, Run, RunFooter, RunHeader, run_of
from nlmon.report.policy import Policy
from nlmon.report.runstream import stream_text
from support.runs import GOOD, LOSSY, REGRESSION, UNDECIDED, report, result, run


def lines(*captures: CaptureReport) -> bytes:
    """The same as JSON lines."""
    whole = report(*captures)
    found = [line_bytes(Header("nlmon", "1", "legacy", "libnl", "notifications"))]
    for capture in captures:
        found += [line_bytes(DifferenceLine(capture.path, row, capture.direction)) for row in capture.details]
        found.append(line_bytes(CaptureLine(msgspec.structs.replace(capture, details=[]))))
    return b"".join([*found, line_bytes(Footer(len(captures), whole.verdict, whole.verdicts))])


def test_a_capture_is_a_case_in_each_direction() -> None:
    """With the implementations in that direction, what became of it, and the report that it rests on."""
    found = as_run(report(REGRESSION, LOSSY, GOOD, UNDECIDED))

    assert [(one.id, one.outcome, one.reference, one.verdict, one.reason) for one in found.results] == [
        ("a.pcap", "failed", "legacy", "regression", "a regression"),
        ("a.pcap[rollback]", "passed", "libnl", "lossy", ""),
        ("b.pcap", "passed", "legacy", "equivalent", ""),
        ("c.pcap", "errored", "legacy", "inconclusive", "nothing came"),
    ]
    assert found.results[0].report == REGRESSION
    assert [one.what for one in found.results[0].findings] == ["a regression"]
    assert (found.footer.outcomes, found.footer.exit_code, found.whole) == (
        {"failed": 1, "errored": 1, "passed": 2},
        1,
        True,
    )
    assert found.header.kernel == "6.12"


def test_a_report_and_its_lines_are_the_same_run() -> None:
    """Lines hold each difference by itself; they are with their capture again."""
    whole = report(REGRESSION, LOSSY, GOOD)

    assert read_report(report_bytes(whole), "r.json") == as_run(whole)
    assert read_report(lines(REGRESSION, LOSSY, GOOD), "r.jsonl") == as_run(whole)


def test_a_path_that_is_no_utf_8_is_kept_as_its_escape() -> None:
    """In every form: the file of known differences may have any name."""
    whole = structs.replace(report(GOOD), policy=Policy(known="k\udcff.yaml"), arguments=["--known", "k\udcff.yaml"])
    found = [read_report(report_bytes(whole), "r"), read_report(stream_text(as_run(whole)).encode(), "r")]

    assert [one.header.policy.known for one in found] == ["k\\udcff.yaml"] * 2


def test_a_report_in_one_line_is_read() -> None:
    """As a program prints it that has reformatted it."""
    compact = json.dumps(json.loads(report_bytes(report(GOOD)))).encode()

    assert read_report(compact, "r.json") == as_run(report(GOOD))


def test_the_stream_of_a_run_is_read() -> None:
    """As it was written by an earlier version."""
    data = (Path(__file__).parent / "version-1.jsonl").read_bytes()
    found = read_report(data, "version-1.jsonl")
    total = sum(found.footer.outcomes.values())

    assert (len(found.results), found.whole, found.hosts) == (total, True, (found.header.host,))


def test_a_capture_that_is_replayed_twice_is_two_cases() -> None:
    """Ids are unique."""
    assert [one.id for one in as_run(report(GOOD, GOOD)).results] == ["b.pcap", "b.pcap (2)"]


REPRODUCE = [
    ("a.pcap", [], "nlmon replay a.pcap"),
    ("-a b.pcap", ["--fault", "overrun@1+2"], "nlmon replay --fault overrun@1+2 './-a b.pcap'"),
    ("-", [], ""),
    ("a.pcap", None, ""),
]


@pytest.mark.parametrize(("path", "arguments", "command"), REPRODUCE)
def test_the_command_that_replays_a_capture_again(path: str, arguments: list[str] | None, command: str) -> None:
    """It is known where the report has its options and the capture is a file."""
    found = as_run(report(CaptureReport(path, "equivalent", ""), arguments=arguments))

    assert found.results[0].reproduce == command


def test_a_run_that_was_interrupted_is_not_whole() -> None:
    """By Ctrl-C, whether captures or scenarios were run; nor is one that leaves cases out."""
    stopped = CaptureReport("a.pcap", "inconclusive", "stopped", stop=Stop("NLM-L003", "interrupted", 9))
    case = CaseLine("a[migrate]", "a", "", "a.yaml", "migrate")
    header = RunHeader("nlmon", "1", "host", "6.12", "2026-01-01T00:00:00+00:00")
    found = run_of([header, case, RunFooter({}, 0.0, 3)])

    assert (as_run(report(stopped)).whole, as_run(report(stopped)).footer.exit_code) == (False, 130)
    assert (found.whole, found.waiting) == (False, (case,))
    assert headline(found) == "Nothing ran; the run did not end: 1 case did not run."
    assert headline(as_run(report(stopped))) == "The case errored; the run was interrupted."


GOOD_DATA = report_bytes(report(GOOD))
WRONG = [
    (b"", "NLM-R007"),
    (b"{}", "NLM-R007"),
    (b"[]", "NLM-R007"),
    (b"nothing of ours\n", "NLM-R007"),
    (b"\xff\xfe", "NLM-R007"),
    (b"[" * 100_000, "NLM-R007"),
    (GOOD_DATA.replace(b'"tool": "nlmon"', b'"tool": "other"'), "NLM-R007"),
    (GOOD_DATA[:-20], "NLM-R003"),
    (GOOD_DATA.replace(b'"verdict": "equivalent"', b'"verdict": "lossy"', 1), "NLM-R005"),
    (lines(REGRESSION, GOOD)[:-5], "NLM-R003"),
    (b"".join(lines(REGRESSION, GOOD).splitlines(keepends=True)[:-1]), "NLM-R003"),
    (b"".join(lines(REGRESSION, GOOD).splitlines(keepends=True)[1:]), "NLM-R002"),
    (b"".join(one for one in lines(REGRESSION, GOOD).splitlines(keepends=True) if b"b.pcap" not in one), "NLM-R005"),
    (lines(GOOD) * 2, "NLM-R004"),
    (lines(GOOD).replace(b"\n", b"\nx\n", 1), "NLM-R001"),
    (lines(GOOD).replace(b"\n", b'\n{"record":"footer","x":' + b"[" * 100_000 + b"\n", 1), "NLM-R001"),
    (stream_text(as_run(report(GOOD))).encode().replace(b"\n", b"\n" + b"[" * 100_000 + b"\n", 1), "NLM-R001"),
    (b'{"record":[]}\n', "NLM-R007"),
    (b'{"record":{}}\n', "NLM-R007"),
]


@pytest.mark.parametrize(("data", "code"), WRONG, ids=[f"{number}-{code}" for number, (_, code) in enumerate(WRONG)])
def test_what_is_no_whole_report_is_refused(data: bytes, code: str) -> None:
    """With what is wrong about it."""
    with pytest.raises(InputError) as error:
        read_report(data, "r.json")

    assert error.value.code == code


HEADLINES = [
    (["passed"], "The case passed."),
    (["passed", "passed"], "All 2 cases passed."),
    (["passed", "failed", "errored"], "1 of 3 cases failed and 1 errored."),
    (["passed", "skipped", "xfailed"], "None of 3 cases failed (1 xfailed, 1 skipped, 1 passed)."),
    ([], "Nothing ran."),
]


@pytest.mark.parametrize(("outcomes", "sentence"), HEADLINES)
def test_the_headline_says_what_came_of_a_run(outcomes: list[str], sentence: str) -> None:
    """In one sentence."""
    assert headline(run(list(map(result, outcomes)))) == sentence


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (run([result("passed")], stale=[1]), "The case passed; known differences are to be removed."),
        (run([result("passed")], expired=[1]), "The case passed; known differences are to be removed."),
        (run([result("passed", verdict="inconclusive")]), "The case passed; it has no verdict."),
        (run([result("errored", verdict="inconclusive")]), "The case errored."),
    ],
)
def test_the_headline_says_what_passing_cases_do_not(found: Run, sentence: str) -> None:
    """That known differences fail the run, and that a scenario which expects it had no verdict."""
    assert headline(found) == sentence


def test_a_regression_without_a_reason_fails() -> None:
    """As in a report of before reasons were kept."""
    found = as_run(report(structs.replace(REGRESSION, fails="")))

    assert ([one.outcome for one in found.results], found.footer.exit_code) == (["failed"], 1)


def test_reasons_are_counted() -> None:
    """The most frequent first, and how many more there are."""
    results = [*(result("failed", reason="one") for _ in range(2)), *(result("errored", reason=f"{n}") for n in "ab")]
    found = run(results, stale=[3])

    assert list(reasons(found, 1)) == [
        "one (2 cases)",
        "… and 2 other reasons",
        "known difference 3 of known.yaml allowed nothing",
    ]
    assert compared_names(found) == ("libnl against legacy",)
