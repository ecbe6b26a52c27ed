"""``nlmon decode --export``: events of a capture in the exports of a monitor."""

from __future__ import annotations

from pathlib import Path

import pytest

from nlmon.exporters.layout import exported_line
from support.command import nlmon
from support.exported import BASIC, received

EXPECTED = b"".join(exported_line(event) for event, _ in received())


def test_lines_are_written_instead_of_printed(tmp_path: Path) -> None:
    """And added to those of before."""
    for _ in range(2):
        done = nlmon("decode", BASIC, "--export", f"json:{tmp_path / 'events.json'}")
        assert (done.returncode, done.stdout) == (0, "")

    assert (tmp_path / "events.json").read_bytes() == EXPECTED * 2


def test_several_exports_get_the_same(tmp_path: Path) -> None:
    """Each of them all events."""
    done = nlmon("decode", BASIC, *(part for name in "ab" for part in ("--export", f"json:{tmp_path / name}")))

    assert (done.returncode, (tmp_path / "a").read_bytes(), (tmp_path / "b").read_bytes()) == (0, EXPECTED, EXPECTED)


@pytest.mark.parametrize(
    ("export", "code", "error"),
    [
        ("xml:events", 2, "NLM-O007"),
        ("json:", 2, "NLM-O007"),
        ("events.json", 2, "NLM-O007"),
        ("syslog:logs:port", 2, "NLM-O010"),
        ("syslog:tcp://127.0.0.1:1", 4, "NLM-O011"),
        ("json:/nowhere/events.json", 4, "NLM-O001"),
        ("json:/dev/full", 4, "NLM-O003"),
    ],
)
def test_what_cannot_be_is_reported(export: str, code: int, error: str) -> None:
    """Before anything is decoded, and without a traceback."""
    done = nlmon("decode", BASIC, "--export", export)

    assert (done.returncode, f"error[{error}]" in done.stderr, "Traceback" in done.stderr) == (code, True, False)
