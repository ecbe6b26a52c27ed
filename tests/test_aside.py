"""What an implementation prints is not part of what a command prints.

Not here: what an implementation raises (``tests/engine/test_raising.py``).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from nlmon.backends import registry
from nlmon.backends.libnl import LibnlBackend
from nlmon.events import Decoded
from nlmon.testing.messages import link, message
from nlmon.wire import Datagram
from support.bombs import write_pcap
from support.command import nlmon


class Prints(LibnlBackend):
    """Prints whenever it may, and closes what it printed to."""

    def decode(self, datagram: Datagram) -> Decoded:
        sys.stdout.write("\x1b[31mdecoding\ud800\n")
        sys.stdout.buffer.write(b"bytes\xff\x1b\n")
        return super().decode(datagram)

    def close(self) -> None:
        sys.stdout.write("closing\n")
        sys.stdout.close()
        super().close()


class PrintsWhenMade(LibnlBackend):
    """Prints before it reads anything."""

    name = "libnl"

    def set_callback(self, *callbacks: object) -> None:
        sys.stdout.write("made\n")
        super().set_callback(*callbacks)  # type: ignore[arg-type]


@pytest.mark.parametrize("made", ["Prints", "PrintsWhenMade"])
@pytest.mark.parametrize(
    "words",
    [
        ("replay", "--format", "json"),
        ("replay", "--format", "jsonl"),
        ("decode", "-i", "libnl"),
        ("capture", "stats", "-i", "libnl", "--format", "json"),
    ],
    ids=" ".join,
)
def test_what_an_implementation_prints_is_on_stderr(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], made: str
) -> None:
    """As printable text; stdout holds JSON and nothing else."""
    write_pcap(tmp_path / "a.pcap", 0, [message(16, link(1, "lo"))])
    monkeypatch.setattr(registry, "BACKENDS", {**registry.BACKENDS, "libnl": f"{__name__}:{made}"})
    done = nlmon(*words, tmp_path / "a.pcap")

    read = [json.loads(done.stdout)] if "json" in words else [*map(json.loads, done.stdout.splitlines())]
    said = ["\\x1b[31mdecoding\\ud800", "bytes\\xff\\x1b", "closing"] if made == "Prints" else ["made"]
    assert (len(read) > 0, "\x1b" in done.stdout + done.stderr) == (True, False)
    assert [text for text in said if text not in done.stderr] == []
