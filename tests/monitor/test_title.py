"""The name of a process is what its command line begins with."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from nlmon.monitor.title import set_title
from support.requirements import require_program

SCRIPT = """
import json, subprocess, sys
from pathlib import Path
from nlmon.monitor.title import set_title
given = set_title(json.load(sys.stdin))
words = Path("/proc/self/cmdline").read_bytes().rstrip(b"\\0").decode().split("\\0")
print(json.dumps([given, words, subprocess.run(["pidof", "nlmon"], capture_output=True, text=True).stdout.split()]))
"""


def titled(*words: str) -> tuple[int, list[object]]:
    """The number of a process that gives itself a title, and what it prints."""
    command = [sys.executable, "-c", SCRIPT]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        return child.pid, json.loads(child.communicate(json.dumps(words))[0])


def test_pidof_finds_it() -> None:
    """And ps shows the words of its command line."""
    require_program("pidof")
    number, (given, words, found) = titled("nlmon", "--config", "/etc/nlmon/nlmon.yaml")

    assert (given, words) == (True, ["nlmon", "--config", "/etc/nlmon/nlmon.yaml"])
    assert str(number) in found  # type: ignore[operator]


def test_what_has_no_room_changes_nothing() -> None:
    """The interpreter stays."""
    _, (given, words, _) = titled("nlmon", "x" * 100_000)

    assert (given, words[0]) == (False, sys.executable)  # type: ignore[index]


def test_without_proc_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    """A title is a convenience."""

    def missing(*_: object, **__: object) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", missing)

    assert set_title(["nlmon"]) is False
