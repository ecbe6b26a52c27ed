"""The benchmark: its captures hold what they say, its peers read as many messages, its report is of its schema."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from nlmon.capture import open_capture
from nlmon.framing import messages
from support.paths import REPOSITORY
from support.requirements import missing, require_netns, require_program

SCALE = 0.01
# Percent of links, addresses, routes and neighbours by RTM_NEW* type.
SHARES = {16: 5, 20: 25, 24: 45, 28: 25}


def bench(*arguments: str) -> str:
    """What the benchmark prints."""
    command = [sys.executable, "-m", "benchmarks", *arguments]
    ran = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=240)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Captures of a hundredth of their size, and the report on what is quick."""
    require_program("ip")
    require_netns()
    made = tmp_path_factory.mktemp("bench")
    (made / "tables.md").write_text("by hand\n<!-- begin: python -m benchmarks -->\n<!-- end -->\nby hand\n")
    only = "libnl cold in memory, mixed|pyroute2, mixed|drain, |libnl-3 dump, links"
    where = ("--json", str(made / "report.json"), "--report", str(made / "tables.md"))
    bench("--rounds", "2", "--scale", str(SCALE), "--folder", str(made), "--only", only, *where)
    return made


@pytest.fixture(scope="module")
def report(folder: Path) -> dict[str, Any]:
    """The report."""
    found: dict[str, Any] = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return found


@pytest.mark.live
@pytest.mark.parametrize("form", ["pcap", "pcapng", "rtmon"])
def test_the_mixed_capture_has_its_shares_in_every_form(folder: Path, form: str) -> None:
    """1,000 messages, each a frame of its own, of which as many are of each kind as the share says, but for a round."""
    with open_capture(folder / f"mixed.{form}") as reader:
        found = [one.type for frame in reader for one in messages(frame.data, reader.info.byteorder)]
    counts = Counter(kind & ~3 for kind in found)

    assert (len(found), set(counts)) == (1000, set(SHARES))
    assert {kind: abs(counts[kind] / 10 - share) <= 30 for kind, share in SHARES.items()} == dict.fromkeys(SHARES, True)


@pytest.mark.live
def test_the_forms_hold_the_same_messages(folder: Path) -> None:
    """Every form that has a capture gives the bytes of the plain one."""
    for name in ("mixed", "links", "conntrack", "nl80211", "strangers"):
        plain = (folder / f"{name}.bin").read_bytes()
        for form in ("pcap", "pcapng", "rtmon"):
            path = folder / f"{name}.{form}"
            if path.exists():
                with open_capture(path) as reader:
                    read = b"".join(frame.data + bytes(-len(frame.data) % 4) for frame in reader)
                assert (path.name, read == plain) == (path.name, True)


@pytest.mark.live
def test_no_two_messages_of_strangers_are_laid_out_alike(folder: Path) -> None:
    """Types and lengths of attributes, in order, differ in every message."""
    with open_capture(folder / "strangers.pcap") as reader:
        layouts = [layout(frame.data) for frame in reader]

    assert (len(layouts), len(set(layouts))) == (200, 200)


def layout(message: bytes) -> tuple[object, ...]:
    """The type of a message, and type and length of each of its attributes."""
    at, found = {16: 32, 20: 24, 24: 28, 28: 28}[message[4] & ~3], []
    while at + 4 <= len(message):
        size = int.from_bytes(message[at : at + 2], "little")
        found.append(message[at : at + 4])
        at += size + 3 & ~3
    return (message[4], *found)


@pytest.mark.live
def test_the_report_is_of_its_schema(report: dict[str, Any]) -> None:
    """The published schema is the one that the program prints, and the report follows it."""
    text = (REPOSITORY / "docs" / "schemas" / "bench.schema.json").read_text(encoding="utf-8")

    assert bench("--schema") == text
    jsonschema.Draft202012Validator(json.loads(text)).validate(report)


@pytest.mark.live
def test_what_was_asked_for_is_measured_in_every_round(report: dict[str, Any]) -> None:
    """Two rounds give two samples, each of all messages; what was not asked for is a target not measured."""
    rows = {row["key"]: row for row in report["measured"] if not row["missing"]}
    targets = {row["what"]: row for row in report["targets"]}
    counts = {key: [sample["messages"] for sample in row["samples"]] for key, row in rows.items()}

    assert {key: row["failed"] for key, row in rows.items() if row["failed"] and not key.startswith("libnl-3")} == {}
    assert counts["libnl cold in memory, mixed"] == counts["pyroute2, mixed"] == [1000, 1000]
    assert len(targets["libnl from cold, mixed, against pyroute2"]["rounds"]) == 2
    assert targets["libnl from cold, mixed, against pyroute2"]["verdict"] in {"met", "missed"}
    assert targets["two jobs against one"]["verdict"] == "not measured"


@pytest.mark.live
def test_tables_stand_between_the_marks_of_a_document(folder: Path) -> None:
    """What is written by hand before and behind them stays."""
    lines = (folder / "tables.md").read_text(encoding="utf-8").splitlines()

    assert (lines[0], lines[-1]) == ("by hand", "by hand")
    assert lines[3] == "| what | target | measured | rounds, least to most | verdict |"


@pytest.mark.live
@pytest.mark.peer
@pytest.mark.parametrize("form", ["line", "dump"])
@pytest.mark.parametrize("name", ["mixed", "links"])
def test_the_program_around_libnl_reads_every_message(folder: Path, name: str, form: str) -> None:
    """It makes as many objects as our reader gives messages."""
    program = folder / "libnl"
    if not program.exists():
        missing("libnl-3-dev, libnl-route-3-dev, pkg-config or a C compiler is not installed")
    plain = folder / f"{name}.bin"
    ran = subprocess.run([program, plain, form], capture_output=True, check=True)
    with open_capture(folder / f"{name}.pcap") as reader:
        expected = sum(len(list(messages(frame.data, "little"))) for frame in reader)

    assert int(ran.stderr) == expected
    assert form == "dump" or len(ran.stdout.splitlines()) == expected


def test_a_missing_mark_is_reported(tmp_path: Path) -> None:
    """A document without the marks is left as it is."""
    script = (
        "import sys\nfrom pathlib import Path\nfrom benchmarks.__main__ import insert\ninsert(Path(sys.argv[1]), 'x')"
    )
    path = tmp_path / "document.md"
    path.write_text("by hand\n")
    command = [sys.executable, "-c", script, str(path)]
    ran = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)

    assert (ran.returncode, path.read_text()) == (1, "by hand\n")
    assert "has no lines <!-- begin: python -m benchmarks -->" in ran.stderr
