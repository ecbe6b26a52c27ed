"""Every command that reads a file, over 5,000 damaged messages and 200 broken files of fixed seeds; most of
them are long.

Not here: how they are made (``support.mutants``), and more of them (``tox -e fuzz``).
"""

from __future__ import annotations

import json
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from support.command import nlmon
from support.paths import CAPTURES
from support.sampled import one_in
from support.sweep import PER_CAPTURE, Line, file, messages, wrong

MESSAGES, FILES, AT_ONCE = 5000, 200, 20
INFO = Line(("capture", "info", "x", "--format", "json"), "capture-info")
EVENTS = Line(("decode", "x"), "event", each=True)


def _in_order(seeds: range, folder: Path) -> list[tuple[int, Path]]:
    places = [(seed, folder / str(seed)) for seed in seeds]
    for _, place in places:
        place.mkdir()
    return places


@pytest.mark.slow
@pytest.mark.parametrize("first", one_in(5, range(0, MESSAGES // PER_CAPTURE, 2), pytest.mark.long))
def test_damaged_messages(first: int, tmp_path: Path) -> None:
    """Every command ends as its help says and prints what its schema says, whatever messages a capture holds."""
    assert [
        found for seed, place in _in_order(range(first, first + 2), tmp_path) if (found := messages(seed, place))
    ] == []


@pytest.mark.slow
@pytest.mark.parametrize("first", one_in(10, range(0, FILES, AT_ONCE), pytest.mark.long))
def test_broken_files(first: int, tmp_path: Path) -> None:
    """Every command ends as its help says and prints what its schema says, whatever is broken in a file."""
    seeds = range(first, first + AT_ONCE)
    assert [found for seed, place in _in_order(seeds, tmp_path) if (found := file(seed, place))] == []


ENDS: dict[str, tuple[Line, int, str, str, str]] = {
    "a bug": (INFO, 5, "", "error[NLM-X001]: a bug", "exit 5: "),
    "a traceback": (INFO, 3, "{}", "Traceback (most recent call last):", "exit 3: "),
    "an end of another command": (INFO, 130, "{}", "interrupted", "exit 130: "),
    "no reason": (INFO, 3, "", "", "exit 3 without a word"),
    "half of a report": (INFO, 0, '{"path": ', "", "no JSON: "),
    "a number that is none": (INFO, 0, '{"path": NaN}', "", "no JSON: NaN is no JSON"),
    "another object": (INFO, 0, "{}", "", "not as the schema capture-info says: $: "),
    "one line of another object": (EVENTS, 0, "{}\n", "", "not as the schema event says: "),
    "colours": (Line(("capture", "info", "x")), 0, "\x1b[31mred", "", "characters that act: ['\\x1b']"),
    "turned text in a warning": (INFO, 3, "", "a \u202e name", "characters that act: ['\\u202e']"),
}  # fmt: skip


@pytest.mark.parametrize(("line", "code", "out", "err", "said"), ENDS.values(), ids=ENDS.keys())
def test_what_does_not_hold(line: Line, code: int, out: str, err: str, said: str) -> None:
    """An exit code that the help does not name, output of another form and text that acts are reported."""
    assert wrong(line, CompletedProcess([], code, out, err))[: len(said)] == said


def test_what_holds() -> None:
    """Nothing is reported of a command that does as it should."""
    done = nlmon("capture", "info", CAPTURES / "linux-6.12" / "06-xfrm.pcap.zst", "--format", "json")

    assert (wrong(INFO, done), json.loads(done.stdout)["damage"]) == ("", None)
