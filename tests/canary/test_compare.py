"""``nlmon compare``: what it prints and exits with."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from math import inf
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from nlmon.canary.following import Line, Log
from nlmon.canary.pairs import Pairs
from nlmon.cli.compare import _compared
from nlmon.cli.schema import SCHEMAS
from support.command import nlmon
from support.paths import FIXTURES

BASIC = FIXTURES / "captures" / "linux-6.12" / "01-route-basic.pcap.zst"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Logs of both implementations, and one that lacks a line and has another value."""
    found = tmp_path_factory.mktemp("compare")
    for name in ("legacy", "libnl"):
        nlmon("decode", "-i", name, BASIC, "--export", f"json:{found / name}.json")
    lines = (found / "libnl.json").read_text().splitlines(keepends=True)
    text = "".join(lines[:19] + lines[20:]).replace('"mtu":1500', '"mtu":1501')
    (found / "bad.json").write_text(text)
    (found / "empty.json").write_text("")
    (found / "half.json").write_text("".join(lines)[:-20])
    return found


@pytest.mark.parametrize(
    ("candidate", "code", "last"),
    [
        ("libnl", 0, "same: 143 and 143 lines, 143 paired, 0 explained"),
        ("bad", 1, "differences: 143 and 142 lines, 142 paired, 0 explained, 2 conflict, 1 missing"),
        ("empty", 3, "too little evidence: 143 and 0 lines, 0 paired, 0 explained, 143 outside"),
        ("half", 0, "same: 143 and 142 lines, 142 paired, 0 explained, 1 waiting"),
    ],
)
def test_verdicts(folder: Path, candidate: str, code: int, last: str) -> None:
    """The last line has the verdict and the counts."""
    done = nlmon("compare", "legacy.json", f"{candidate}.json", folder=folder)

    assert (done.returncode, done.stdout.splitlines()[-1], done.stderr) == (code, last, "")


def test_half_a_line_is_said(folder: Path) -> None:
    """It is not compared."""
    assert (
        "note: the last line of B is half written" in nlmon("compare", "legacy.json", "half.json", folder=folder).stdout
    )


def test_every_line_is_of_the_schema(folder: Path) -> None:
    """Differences with both lines, and the summary at the end."""
    done = nlmon("compare", "legacy.json", "bad.json", "--format", "jsonl", folder=folder)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    validator = Draft202012Validator(SCHEMAS["compare-stream"]())
    for one in found:
        validator.validate(one)

    assert [one["type"] for one in found] == ["difference"] * 3 + ["summary"]
    assert {one.get("field") for one in found[:-1]} == {"mtu", ""}


@pytest.mark.slow
def test_a_signal_ends_what_follows(folder: Path) -> None:
    """With the verdict on what was read until then."""
    command = [sys.executable, "-m", "nlmon", "compare", "legacy.json", "bad.json", "--follow"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        first = running.stdout.readline()
        running.send_signal(signal.SIGTERM)
        rest = running.stdout.read()

    assert (first[:6], rest.splitlines()[-1].split(":")[0], running.returncode) == ("NLD102", "differences", 1)


def test_what_was_written_until_a_signal_is_read_of_both(folder: Path, tmp_path: Path) -> None:
    """One log is behind when the other one has been read to its end, and then the signal comes."""
    late = tmp_path / "late.json"
    late.write_text("")

    class Ahead(Log):
        def lines(self) -> Iterator[Line]:
            yield from super().lines()
            if not late.stat().st_size:
                late.write_text((folder / "libnl.json").read_text())
                signal.raise_signal(signal.SIGTERM)

    pairs = Pairs(("legacy", "libnl"), 60.0, 1000)
    with closing(Ahead(folder / "legacy.json")) as ahead, closing(Log(late)) as behind:
        found = list(_compared(pairs, (ahead, behind), inf))

    assert (found, pairs.summary(1, (False, False), ()).paired) == ([], 143)


@pytest.mark.parametrize(("name", "code", "exits"), [("missing.json", "NLM-Z007", 3), ("-", "NLM-Z008", 2)])
def test_mistakes(folder: Path, name: str, code: str, exits: int) -> None:
    """Each has its code and no traceback."""
    done = nlmon("compare", "legacy.json", name, folder=folder)

    assert (code in done.stderr, "Traceback" in done.stderr, done.returncode) == (True, False, exits)
