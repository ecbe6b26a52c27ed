"""The stream of a run is read whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from nlmon.errors import InputError
from nlmon.report.outcome import (
    STREAM,
    CaseLine,
    CaseResult,
    RunFooter,
    RunHeader,
    RunLine,
    count_outcomes,
    exit_code,
)
from nlmon.report.runstream import RunStream, read_run, run_schema

RESULT = CaseResult("a.b[migrate]", "a.b", "A link.", "a.yaml", "migrate", "legacy", "libnl", "passed")
HEADER = RunHeader("nlmon", "1", "host", "6.12", "2026-01-01T00:00:00+00:00")
RECORDS: list[RunLine] = [
    HEADER,
    CaseLine("a.b[migrate]", "a.b", "A link.", "a.yaml", "migrate"),
    RESULT,
    RunFooter({"passed": 1}, 0.5, 0),
]


def written(records: list[RunLine]) -> list[bytes]:
    """The lines of a stream."""
    lines: list[bytes] = []
    stream = RunStream(lines.append)
    for record in records:
        stream.add(record)
    return lines


LINES = written(RECORDS)


def code(lines: list[bytes]) -> str:
    """What reading says of lines."""
    with pytest.raises(InputError) as error:
        read_run(lines, "r.jsonl")
    return error.value.code


def test_what_was_written_is_read() -> None:
    """But for the digest, which the footer gets when it is written."""
    found = read_run(LINES, "r.jsonl")

    assert found[:3] == RECORDS[:3]
    assert isinstance(found[3], RunFooter)
    assert (found[3].outcomes, len(found[3].digest)) == ({"passed": 1}, 64)


def test_every_line_follows_the_schema() -> None:
    """The one that ``nlmon schema run-stream`` prints."""
    validator = Draft202012Validator(run_schema())

    assert [list(validator.iter_errors(json.loads(line))) for line in LINES] == [[]] * 4


def test_a_stored_stream_of_version_1_is_read() -> None:
    """As it was written when there was no other version; whatever is added since has its default."""
    lines = (Path(__file__).parent / "version-1.jsonl").read_bytes().splitlines(keepends=True)
    header, *_, failed, footer = read_run(lines, "version-1.jsonl")

    assert isinstance(header, RunHeader)
    assert isinstance(failed, CaseResult)
    assert isinstance(footer, RunFooter)
    assert (header.stream, header.options) == (1, {"words": "link"})
    assert (failed.outcome, failed.verdict, [one.where for one in failed.findings]) == (
        "failed",
        "lossy",
        ["scenarios/a.yaml:6:12"],
    )
    assert (footer.outcomes, footer.exit_code) == ({"failed": 1, "passed": 1}, 1)


def test_a_stream_is_written_in_the_newest_version() -> None:
    """One of version 1 that was read among them, and it is whole again."""
    stored = (Path(__file__).parent / "version-1.jsonl").read_bytes().splitlines(keepends=True)
    records = read_run(stored, "version-1.jsonl")
    header, *others, footer = read_run(written(records), "r.jsonl")

    assert isinstance(header, RunHeader)
    assert (header.stream, others) == (STREAM, records[1:-1])
    assert isinstance(footer, RunFooter)


BROKEN = (
    ("nothing", [], "NLM-R002"),
    ("no header", LINES[1:], "NLM-R002"),
    ("no footer", LINES[:3], "NLM-R003"),
    ("half a line", [*LINES[:2], LINES[2][:40]], "NLM-R003"),
    ("half a header", [LINES[0][:20]], "NLM-R002"),
    ("no JSON", [LINES[0], b"hello\n", *LINES[1:]], "NLM-R001"),
    ("not UTF-8", [LINES[0], b"\xff\xfe\n", *LINES[1:]], "NLM-R001"),
    ("two, one behind the other", [*LINES, *LINES], "NLM-R004"),
    ("two, one in the other", [*LINES[:2], *LINES], "NLM-R004"),
    ("a result is gone", [*LINES[:2], LINES[3]], "NLM-R005"),
    ("another outcome", [*LINES[:2], LINES[2].replace(b"passed", b"failed"), LINES[3]], "NLM-R005"),
    ("another title", [LINES[0], LINES[1].replace(b"A link", b"A lint"), *LINES[2:]], "NLM-R005"),
    ("lines change places", [LINES[0], LINES[2], LINES[1], LINES[3]], "NLM-R005"),
    ("newer", [LINES[0].replace(b'"stream":2', b'"stream":3'), *LINES[1:]], "NLM-R006"),
    ("newer and unknown", [b'{"record":"header","stream":3}\n', *LINES[1:]], "NLM-R006"),
)


@pytest.mark.parametrize(("lines", "expected"), [one[1:] for one in BROKEN], ids=[one[0] for one in BROKEN])
def test_what_is_no_whole_stream_is_named(lines: list[bytes], expected: str) -> None:
    """Truncated, merged and changed streams have a code each."""
    assert code(lines) == expected


CODES = (
    ({"passed": 2}, 0),
    ({"passed": 2, "skipped": 1, "xfailed": 1}, 0),
    ({"failed": 1, "errored": 1}, 1),
    ({"errored": 1, "passed": 1}, 3),
    ({"skipped": 2}, 4),
    ({}, 3),
)


@pytest.mark.parametrize(("outcomes", "expected"), CODES, ids=str)
def test_the_exit_code_is_that_of_the_worst(outcomes: dict[str, int], expected: int) -> None:
    """Nothing at all is no success, nor is a run that the environment does not allow."""
    assert exit_code(outcomes) == expected


def test_outcomes_are_counted() -> None:
    """The worst first."""
    assert list(count_outcomes([RESULT, RESULT]).items()) == [("passed", 2)]
