"""The shell commands of the migration guide, and what is known to differ in what both implementations print.

Not here: the host that they are typed on (``support.guide_host``).
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from support.paths import FIXTURES

__all__ = ["COMMANDS", "GUIDE", "Command", "differences", "differing_lines", "known_differences", "text"]

FOLDER = FIXTURES / "guide"
# The configurations of the guide, by the line that each begins behind.
GUIDE = FIXTURES / "config" / "guide"
# What differs from run to run: the time at which a process has read a message.
VARIABLE = {"timestamp"}


class Command(NamedTuple):
    """A command: the line of the guide that it begins in, its text, the test that types it, or why none does."""

    line: int
    text: str
    run: str = ""
    not_run: str = ""


COMMANDS = {
    row["line"]: Command(**row)
    for row in tomllib.loads((FOLDER / "commands.toml").read_text(encoding="utf-8"))["command"]
}


def text(line: int) -> str:
    """The command that begins in a line of the guide."""
    return COMMANDS[line].text


def known_differences() -> list[str]:
    """What is stored: a message type, whose output it is in (``<`` libnl, ``>`` legacy, ``!`` both, unlike), a path."""
    return (FOLDER / "differences.txt").read_text(encoding="utf-8").splitlines()


def differences(left: Sequence[dict[str, Any]], right: Sequence[dict[str, Any]]) -> Iterator[str]:
    """How events differ that two implementations have printed of the same messages, as it is stored."""
    found = set()
    for one, other in zip(left, right, strict=True):
        mine, its = dict(_paths(one)), dict(_paths(other))
        kind = one["netlink"]["msg_type"]
        found |= {f"{kind} < {path}" for path in mine.keys() - its.keys()}
        found |= {f"{kind} > {path}" for path in its.keys() - mine.keys()}
        found |= {f"{kind} ! {path}" for path in mine.keys() & its.keys() if mine[path] != its[path]}
    yield from sorted(found)


def _paths(value: dict[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, inner in value.items():
        if isinstance(inner, dict):
            yield from _paths(inner, f"{before}{key}.")
        elif key not in VARIABLE:
            yield f"{before}{key}", inner


def differing_lines(lines: Iterable[str]) -> set[str]:
    """The keys of the lines of a diff(1) of ``jq -S``, as ``< key`` or ``> key``, but for lines that only a comma, or
    what differs from run to run, makes unlike."""
    sides: dict[str, Counter[str]] = {"<": Counter(), ">": Counter()}
    for line in lines:
        if (match := re.fullmatch(r'([<>]) +("\w+": .*?),?', line)) is not None:
            sides[match[1]][match[2]] += 1
    left, right = sides["<"] - sides[">"], sides[">"] - sides["<"]
    keys = {f"{side} {line.split(':')[0][1:-1]}" for side, some in (("<", left), (">", right)) for line in some}
    return {key for key in keys if key[2:] not in VARIABLE}
