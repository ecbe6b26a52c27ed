"""Text for people: what is counted, and paths."""

from __future__ import annotations

import os
from pathlib import Path

from nlmon.report.text import counted, counted_roles, shown_path, times


def test_a_path_is_text() -> None:
    """A path that is no UTF-8 can be written as JSON."""
    assert shown_path(Path(os.fsdecode(b"a\xff/b"))) == "a\\xff/b"


def test_one_thing_is_no_plural() -> None:
    """Nouns, parts of a conversation and how often."""
    assert [counted(n, "capture") for n in (0, 1, 1234)] == ["0 captures", "1 capture", "1,234 captures"]
    assert counted_roles({"request": 2, "reply": 1, "dump": 0}) == "1 reply, 2 requests"
    assert [times(n) for n in (1, 2)] == ["once", "2 times"]
