"""A process that exports is ended in the middle of its work, while files follow one another: nothing that was out is
lost, and every file can be read."""

from __future__ import annotations

import gzip
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from nlmon.capture import open_capture
from nlmon.exporters.files import JsonLinesExporter, PcapngExporter
from nlmon.exporters.rotation import rotated_files
from support.paths import TESTS

KINDS = ["json", pytest.param("compressed", marks=pytest.mark.long), "pcap"]
COUNT = 400


def start(kind: str, path: Path, first: int, size: int) -> subprocess.Popen[str]:
    """A process that exports events from this number on."""
    command = [sys.executable, "-m", "support.export_child", kind, str(path), str(first), str(size)]
    return subprocess.Popen(command, cwd=TESTS, stdout=subprocess.PIPE, text=True)


def wait_for(process: subprocess.Popen[str], written: int) -> int:
    """How many events are out, when at least so many are."""
    assert process.stdout is not None
    return next(int(line) for line in process.stdout if int(line) >= written)


def numbers(kind: str, path: Path) -> list[int]:
    """The number of each event in a file, all of which can be read."""
    if kind == "pcap":
        with open_capture(path) as reader:
            found = [time for batch in reader.batches() for time in batch.timestamps]
            assert reader.damage is None
        return found
    data = path.read_bytes()
    data = gzip.decompress(data) if path.suffix == ".gz" else data
    assert data[-1:] in {b"", b"\n"}
    return [json.loads(line)["timestamp"] for line in data.splitlines()]


def everything(kind: str, path: Path) -> list[int]:
    """The numbers in all files, after a writer has opened the last one again."""
    exporter = (PcapngExporter if kind == "pcap" else JsonLinesExporter)(path)
    exporter.open()
    exporter.close()
    return [number for one in [*reversed(rotated_files(path, COUNT)), path] for number in numbers(kind, one)]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_killed_process_loses_nothing_that_was_out(tmp_path: Path, kind: str) -> None:
    """Killed again and again, at other places each time, and each time another process goes on where it ended."""
    path = tmp_path / "events"
    first = 0
    for round_, written in enumerate((150, 1777, 4000)):
        process = start(kind, path, first, 30_000 + 1000 * round_)
        out = wait_for(process, written)
        process.send_signal(signal.SIGKILL)
        rest, _ = process.communicate()
        out = max([out, *(int(line) for line in rest.split("\n")[:-1])])
        found = everything(kind, path)

        assert found == list(range(len(found)))
        assert len(found) >= first + out
        first = len(found)

    assert len(rotated_files(path, COUNT)) > 15


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_terminated_process_loses_nothing(tmp_path: Path, kind: str) -> None:
    """All that was put is out."""
    path = tmp_path / "events"
    process = start(kind, path, 0, 40_000)
    wait_for(process, 1500)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=90)
    status = json.loads(output.splitlines()[-1])

    assert (process.returncode, status["state"], status["dropped"], status["waiting"]) == (0, "closed", {}, 0)
    assert (status["written"], status["failures"]) == (status["put"], 0)
    assert [n for one in [*reversed(rotated_files(path, COUNT)), path] for n in numbers(kind, one)] == list(
        range(status["put"])
    )
