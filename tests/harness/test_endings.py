"""Who runs a program ends it, however he ends himself: by Ctrl-C in the middle of an answer, or by SIGKILL."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from nlmon.harness.program import _killed_with_us
from nlmon.testing.messages import link, message
from support.captures import route_capture
from support.programs import program

DATA = tuple(message(16, link(7, "eth7", mtu=mtu)) for mtu in (1500, 1400, 1300))
# It hangs at the second datagram, and has a pipe open for as long as it is there.
HANGS = """
import time
def answer(n):
    if n == 2:
        pipe = open({pipe!r}, "w")
        pipe.write("x")
        pipe.flush()
        time.sleep(3600)
    return []
"""
# Seconds after which a test has failed; nothing is awaited that long.
LONG = 120.0


def hanging(folder: Path, *words: str) -> tuple[subprocess.Popen[str], int]:
    """A command whose program hangs, and the pipe that this holds."""
    pipe = folder / "pipe"
    os.mkfifo(pipe)
    command = program(folder, HANGS.format(pipe=str(pipe))).removeprefix("exec:")
    table = f"[implementations.tiny]\ncommand = {json.dumps(command)}\ntimeout = 3600\n"
    (folder / "nlmon.toml").write_text(table, encoding="utf-8")
    started = subprocess.Popen(
        [sys.executable, "-m", "nlmon", *words, route_capture(folder, *DATA), "-i", "tiny"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    return started, os.open(pipe, os.O_RDONLY)


def closed(pipe: int) -> bool:
    """Whether who held a pipe has closed it, which it does in the end alone."""
    readable, _, _ = select.select([pipe], [], [], LONG)
    return bool(readable) and os.read(pipe, 1) == b""


@pytest.mark.slow
@pytest.mark.parametrize("words", [("matrix", "-i", "libnl", "--format", "json"), ("replay", "--format", "json")])
def test_one_interruption_ends_a_command_that_waits_for_a_program(tmp_path: Path, words: tuple[str, ...]) -> None:
    """A batch in which a program says nothing is not read to its end, and the program does not outlive the command."""
    started, pipe = hanging(tmp_path, *words)
    first = os.read(pipe, 1)
    started.send_signal(signal.SIGINT)
    printed, said = started.communicate(timeout=LONG)

    assert (first, started.returncode, "Traceback" in said, closed(pipe)) == (b"x", 130, False, True)
    assert "interrupted" in said
    os.close(pipe)
    if words[0] == "matrix":
        report = json.loads(printed)
        assert "read up to frame 0" in said
        assert (report["messages"], report["failures"], report["unread"][0]["code"]) == (0, [], "NLM-L003")


@pytest.mark.skipif(not _killed_with_us(), reason="no setpriv(1) with --pdeathsig")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_kernel_ends_a_program_whose_command_is_killed(tmp_path: Path, number: int) -> None:
    """Nobody could end it, and it does not look at its input."""
    started, pipe = hanging(tmp_path, "matrix", "-i", "libnl")
    first = os.read(pipe, 1)
    started.send_signal(number)
    started.communicate(timeout=LONG)

    assert (first, started.returncode, closed(pipe)) == (b"x", -number, True)
    os.close(pipe)
