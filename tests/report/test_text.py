"""Text for terminals: nothing in it acts, nothing is dropped."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlmon.report.text import counted, counted_roles, printable, shown_path, times

TABLE = {
    "eth0": "eth0",
    "naïve über 漢": "naïve über 漢",
    "e\x1b[31mX": "e\\x1b[31mX",
    "a\nb\r\t\x00": "a\\nb\\r\\t\\x00",
    "\x9b2J": "\\x9b2J",
    "\u202egnp": "\\u202egnp",
    "\udcff": "\\udcff",
}


@pytest.mark.parametrize(("text", "shown"), TABLE.items())
def test_controls_are_shown_as_escapes(text: str, shown: str) -> None:
    """Escape sequences, line ends, controls of text direction and lone surrogates."""
    assert printable(text) == shown


@given(st.text())
def test_what_is_shown_is_printable(text: str) -> None:
    """No character of any text acts on a terminal, and printable text is itself."""
    assert printable(text).isprintable()
    assert printable(printable(text)) == printable(text)


def test_a_path_is_text() -> None:
    """A path that is no UTF-8 can be written as JSON."""
    assert shown_path(Path(os.fsdecode(b"a\xff/b"))) == "a\\xff/b"


def test_one_thing_is_no_plural() -> None:
    """Nouns, parts of a conversation and how often."""
    assert [counted(n, "capture") for n in (0, 1, 1234)] == ["0 captures", "1 capture", "1,234 captures"]
    assert counted_roles({"request": 2, "reply": 1, "dump": 0}) == "1 reply, 2 requests"
    assert [times(n) for n in (1, 2)] == ["once", "2 times"]
