"""``nlmon replay --jobs``: one process or several, the same output; and what happens when one of them is lost."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from support.command import nlmon
from support.paths import FIXTURES

pytestmark = pytest.mark.slow

CAPTURES = FIXTURES / "captures" / "linux-6.12"
SMALL = sorted(path for path in CAPTURES.glob("*.pcap.zst") if path.stat().st_size < 20_000)
REPLAY = [sys.executable, "-m", "nlmon", "replay"]


def replay(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """The outcome of a replay."""
    command = [*REPLAY, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, **options)


def outcome(*arguments: object) -> tuple[int, str, str]:
    """Exit code, output and errors of a replay, by this process if it is one job."""
    done = nlmon("replay", *arguments)
    return done.returncode, done.stdout, done.stderr


def corpus(folder: Path) -> list[Path]:
    """Captures, among them one that is missing, one that is none and one that is damaged."""
    text, half = folder / "notes.txt", folder / "half.pcap.zst"
    text.write_text("not a capture", encoding="utf-8")
    half.write_bytes(SMALL[0].read_bytes()[:-3000])
    return [half, *SMALL, folder / "missing.pcap", text]


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(line.split(), id=line, marks=marks)
        for line, *marks in (
            ("--format json --select all", pytest.mark.long),
            ("--format jsonl", pytest.mark.long),
            ("--format pretty",),
            ("--format jsonl --family nl8021 --strict",),
        )
    ],
)
def test_several_jobs_print_what_one_prints(tmp_path: Path, options: list[str]) -> None:
    """Byte for byte in every format, with the same errors and the same exit code."""
    captures = corpus(tmp_path)
    one = outcome(*captures, *options)

    assert outcome(*captures, *options, "--jobs", 2) == one
    assert (one[0], one[2].count("error[")) == (3, one[2].count("\n"))


@pytest.mark.long
def test_all_recordings_are_reported_alike() -> None:
    """Every recording but those of the oldest kernel, by as many jobs as there are CPUs."""
    captures = sorted(set(CAPTURES.parent.glob("*/*.pcap.zst")) - set(CAPTURES.parent.glob("linux-6.1/*")))
    options = ("--group", "tc", "--both-ways", "--format", "json")
    one = outcome(*captures, *options)

    assert outcome(*captures, *options, "--jobs", "auto") == one
    assert (one[0], len(json.loads(one[1])["captures"])) == (1, 22)


def test_a_report_file_is_the_same(tmp_path: Path) -> None:
    """``--report`` holds what one job writes."""
    files = [tmp_path / "one.json", tmp_path / "two.json"]
    for jobs, file in enumerate(files, 1):
        replay(*SMALL[:4], "--group", "tc", "--jobs", jobs, "--report", file)

    assert files[0].read_bytes() == files[1].read_bytes()
    assert json.loads(files[0].read_bytes())["verdict"] == "equivalent"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--jobs", "two"), "invalid value for '--jobs': 'two' is no number of processes; try 4, or auto"),
        (("--jobs", "-1"), "invalid value for '--jobs': '-1' is no number of processes"),
        (("--jobs", "9" * 5000), "is no number of processes"),
        (("--executor", "dask"), "invalid value for '--executor': 'dask' is no executor; try dask:tcp://HOST:8786"),
        (("--executor", "dask:"), "invalid value for '--executor': 'dask:' is no executor"),
        (("--executor", "ray:tcp://h:1"), "invalid value for '--executor': 'ray:tcp://h:1' is no executor"),
        (("--executor", "dask:tcp://h:1", "--jobs", "2"), "error[NLM-U015]: --jobs does not go with --executor dask"),
        (("-", "--jobs", "2"), "error[NLM-U016]: - cannot be replayed by another process"),
        (("-", "--jobs", "auto"), "error[NLM-U016]: - cannot be replayed by another process"),
        (("-", "--executor", "dask:tcp://h:1"), "error[NLM-U016]: - cannot be replayed by another process"),
    ],
    ids=lambda words: " ".join(words)[:40],
)
def test_what_cannot_be_spread_is_a_usage_mistake(arguments: tuple[str, ...], said: str) -> None:
    """Exit code 2 with the reason, before anything is started or written."""
    done = replay(SMALL[0], *arguments, "--format", "jsonl")

    assert (done.returncode, done.stdout, said in done.stderr) == (2, "", True)


@pytest.mark.parametrize("jobs", [(), ("--jobs", "1")], ids=str)
def test_standard_input_goes_with_one_job(jobs: tuple[str, ...]) -> None:
    """Among other captures."""
    with SMALL[0].open("rb") as file:
        done = replay(SMALL[1], "-", *jobs, "--format", "json", stdin=file)

    assert [capture["path"] for capture in json.loads(done.stdout)["captures"]] == [str(SMALL[1]), "-"]
    assert done.returncode == 0


def start(*arguments: object) -> subprocess.Popen[bytes]:
    """A replay that runs, in a process group of its own."""
    command = [*REPLAY, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)


def reader_of(pipe: Path, group: int) -> int:
    """The process of a group that has a named pipe open."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            opened = (folder / "fd").iterdir() if os.getpgid(int(folder.name)) == group else ()
            if pipe in [one.readlink() for one in opened]:
                return int(folder.name)
        except OSError:
            continue  # it has ended
    raise AssertionError("nobody has it open")


def test_a_worker_that_is_killed_costs_its_capture_alone(tmp_path: Path) -> None:
    """Exit code 4 and one line that names it; the others have their verdicts, and a regression would outweigh it."""
    pipe = tmp_path / "pipe.pcap"
    os.mkfifo(pipe)
    running = start(SMALL[0], pipe, *SMALL[1:], "--group", "tc", "--jobs", 2, "--format", "json")
    with pipe.open("wb"):  # waits for the worker that opens its other end
        os.kill(reader_of(pipe, running.pid), signal.SIGKILL)
        out, err = running.communicate(timeout=120)
    found = json.loads(out)

    assert (running.returncode, found["verdict"]) == (4, "error")
    assert err.decode().splitlines() == [
        f"error[NLM-J001]: the process that replayed the capture is gone ({pipe}): it was killed, or memory ran out; "
        "replay it by itself, or with fewer --jobs"
    ]
    assert [(one["path"], one["verdict"]) for one in found["captures"]] == [
        (str(path), "error" if path == pipe else "equivalent") for path in (SMALL[0], pipe, *SMALL[1:])
    ]


SIGNALS = [
    (signal.SIGINT, 130, b"interrupted: %d of %d captures not replayed\n" % (len(SMALL), len(SMALL) + 1)),
    (signal.SIGTERM, 143, b""),
]


@pytest.mark.parametrize(
    ("number", "code", "said", "whom"),
    [
        pytest.param(*one, whom, id=f"{one[0].name} to {whom}", marks=marks)
        for one, whom, *marks in (
            (SIGNALS[0], "all of them"),
            (SIGNALS[0], "the command alone", pytest.mark.long),
            (SIGNALS[1], "all of them", pytest.mark.long),
            (SIGNALS[1], "the command alone"),
        )
    ],
)
def test_a_signal_ends_all_at_once(tmp_path: Path, number: int, code: int, said: bytes, whom: str) -> None:
    """In the middle of the work, by Ctrl-C, which names what it cost, or as a service manager does, without a word;
    and nobody is left to hold the output open."""
    pipe = tmp_path / "pipe.pcap"
    os.mkfifo(pipe)
    running = start(SMALL[0], pipe, *SMALL[1:], "--jobs", 2, "--format", "jsonl")
    with pipe.open("wb"):  # waits for the worker that opens its other end
        lines = [running.stdout.readline() for _ in range(2)]  # type: ignore[union-attr]
        (os.killpg if whom == "all of them" else os.kill)(running.pid, number)
        out, err = running.communicate(timeout=120)

    assert [json.loads(line)["record"] for line in lines] == ["header", "capture"]
    assert (running.returncode, out, err) == (code, b"", said)


def test_a_reader_that_goes_takes_all_along(tmp_path: Path) -> None:
    """As with one job the end is quiet, though another capture is still being replayed."""
    pipes = [tmp_path / "first.pcap", tmp_path / "second.pcap"]
    for pipe in pipes:
        os.mkfifo(pipe)
    running = start(*pipes, "--jobs", 2, "--format", "jsonl")
    with pipes[0].open("wb") as first, pipes[1].open("wb"):  # both are being replayed
        running.stdout.close()  # type: ignore[union-attr]
        running.stdout = None
        first.close()  # its line finds no reader
        _, err = running.communicate(timeout=120)

    assert (running.returncode, err.count(b"\n"), b"error[NLM-C004]" in err) == (-signal.SIGPIPE, 1, True)


def test_progress_is_shown_on_a_terminal_alone() -> None:
    """Of all captures together, on stderr; the output is the same."""
    master, slave = pty.openpty()
    with os.fdopen(master, "rb", buffering=0) as screen, tempfile.TemporaryFile() as out:
        running = subprocess.Popen(
            [*REPLAY, *map(str, SMALL), "--jobs", "2", "--format", "json"], stdout=out, stderr=slave
        )
        os.close(slave)
        shown = b""
        # Read from the start on: the longer it takes, the more is shown, and a terminal holds little.
        try:
            while piece := screen.read(4096):
                shown += piece
        except OSError:
            pass  # the other side of a terminal is gone (EIO)
        running.wait(120)
        out.seek(0)
        printed = out.read().decode()

    assert printed == outcome(*SMALL, "--format", "json")[1]
    assert f"{len(SMALL)} captures" in shown.decode()
