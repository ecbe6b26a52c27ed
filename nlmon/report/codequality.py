"""The code quality report of GitLab: a JSON list with an issue for each remark.

GitLab compares the lists of two runs by their fingerprints, and shows what is new in a merge request and what is gone
(docs.gitlab.com, "Code Quality report format").

Rules:
1. The fingerprint of an issue is the same as long as the same thing is wrong with the same case: no line, no frame, no
   count and no value is in it.
2. No two issues have one fingerprint: GitLab would show one of them.
3. A path is that of a file in the repository, from its top. Of a file that is elsewhere the name is left, and a word
   that says so: GitLab shows no other file, and a folder of one machine is none of the next.
4. The list is never longer than ``LIMIT``: the worst come first, and a last issue counts those that have no room.

Not here: what is remarked (``remarks``).
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

import msgspec
from msgspec import structs

from nlmon.printable import printable, printable_json
from nlmon.report.outcome import Run
from nlmon.report.places import NOWHERE, Places
from nlmon.report.remarks import Remark, remarks
from nlmon.report.text import counted, shortened

__all__ = ["LIMIT", "codequality"]

# Bytes of the list, and of these for the issue that counts what is left out. GitLab reads the lists of both branches
# whenever it shows a merge request.
LIMIT, RESERVE = 5_000_000, 1_000
# Characters of what an issue says in a line, and of all that it says.
DESCRIPTION_LONG, BODY_LONG = 1_000, 8_000
# The worst first. By level; a case that could not be judged is less than one that fails.
_WORST_FIRST = ("critical", "major", "minor")
_SEVERITY = {"error": "critical", "warning": "minor"}
_NUMBER = re.compile(r"\d+")
# Where an issue stands that is about no file.
_NO_FILE = "nlmon"


def codequality(run: Run, places: Places = NOWHERE, limit: int = LIMIT) -> str:
    """The list, with one issue in each line, of at most ``limit`` bytes. ``places``: where the repository is."""
    found = sorted(remarks(run, each_difference=True), key=lambda remark: _WORST_FIRST.index(_severity(remark)))
    seen: Counter[tuple[str, ...]] = Counter()
    lines: list[bytes] = []
    room = limit - RESERVE
    for place, remark in enumerate(found):
        remark = _in_repository(remark, places)
        key = remark.case, remark.code, remark.path, _NUMBER.sub("0", remark.what)
        line = _line(_issue(remark, _fingerprint((*key, str(seen[key])))))
        seen[key] += 1
        room -= len(line) + len(b",\n")
        if room < 0:
            lines.append(_line(_left_out(found[place:])))
            break
        lines.append(line)
    joined = b",\n".join(lines).decode()
    return f"[\n{joined}\n]\n" if lines else "[]\n"


def _in_repository(remark: Remark, places: Places) -> Remark:
    """A remark with the path that GitLab knows, wherever the file is on this machine; the name of a case that is
    an absolute path is changed with it."""
    path = places.in_repository(remark.path) if remark.path else _NO_FILE
    case = remark.case
    if PurePath(remark.path).is_absolute() and case.startswith(remark.path):
        case = path + case[len(remark.path) :]
    return structs.replace(remark, path=path, case=case)


def _line(issue: dict[str, Any]) -> bytes:
    return printable_json(msgspec.json.encode(issue, order="sorted"))


def _severity(remark: Remark) -> str:
    return "major" if remark.errored else _SEVERITY[remark.level]


def _issue(remark: Remark, fingerprint: str) -> dict[str, Any]:
    case = f"{remark.case}: " if remark.case else ""
    return {
        "type": "issue",
        "check_name": f"nlmon {remark.code}",
        "description": shortened(printable(f"{case}{remark.what}"), DESCRIPTION_LONG),
        "content": {"body": shortened("\n".join(map(printable, remark.lines)), BODY_LONG)},
        "categories": ["Compatibility"],
        "fingerprint": fingerprint,
        "severity": _severity(remark),
        "location": {"path": printable(remark.path), "lines": {"begin": max(remark.line, 1)}},
    }


def _left_out(remarks: Sequence[Remark]) -> dict[str, Any]:
    """The issue that counts those for which the list has no room; it stays the same one, however many they are."""
    counts = Counter(map(_severity, remarks))
    listed = ", ".join(f"{counts[severity]:,} {severity}" for severity in _WORST_FIRST if counts[severity])
    return {
        "type": "issue",
        "check_name": "nlmon left-out",
        "description": f"{counted(len(remarks), 'more issue')} had no room here ({listed})",
        "content": {"body": "All of them are in the other reports of the run, such as its stream."},
        "categories": ["Compatibility"],
        "fingerprint": _fingerprint(("", "left-out")),
        "severity": "info",
        "location": {"path": _NO_FILE, "lines": {"begin": 1}},
    }


def _fingerprint(key: tuple[str, ...]) -> str:
    return hashlib.sha256("\0".join(key).encode("utf-8", "surrogatepass")).hexdigest()
